"""Entries and feeds as bytes, one file per format.

An entry is rendered once per format, however many feeds it is in; a feed is its own head with those bytes
spliced in. The bytes follow from the values alone: no clock, no locale, and no version of the program either,
for with that in the generator's name an upgrade that changes nothing would rewrite every file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aggregator.model import STORY
from aggregator.render import atom, front, jsonfeed, opml, page, rss, story
from aggregator.render.format import Format, Overview

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aggregator.model import Entry, Site

FORMATS: Mapping[str, Format] = {one.name: one for one in (rss.FORMAT, atom.FORMAT, jsonfeed.FORMAT, page.FORMAT)}
PIECES: Mapping[str, Callable[[Entry, Site], bytes]] = {
    **{one.name: one.entry for one in FORMATS.values()},
    STORY: story.render_entry,
}
"""What renders an entry: as every format has it, and as a story that is part of another entry."""
OVERVIEWS = (*front.OVERVIEWS, opml.OVERVIEW)
MEDIA_TYPES: Mapping[str, str] = {
    **{one.file: one.media_type for one in FORMATS.values()},
    **{one.file: one.media_type for one in OVERVIEWS},
}
"""By the names of files."""

__all__ = ["FORMATS", "MEDIA_TYPES", "OVERVIEWS", "PIECES", "Format", "Overview"]
