"""A story as a part of another entry, as a digest has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aggregator.render import content
from aggregator.render.legal import checked, tolerant

if TYPE_CHECKING:
    from aggregator.model import Entry, Site


@tolerant
def render_entry(entry: Entry, site: Site) -> bytes:  # noqa: ARG001
    """The story as HTML: its headline, who published it, its excerpt, and its coverage."""
    return checked(content.story(entry)).encode()
