"""The site's own page, which lists all feeds; and what goes with the pages."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING

from aggregator.render import content, opml, page
from aggregator.render.format import Overview
from aggregator.render.legal import checked, tolerant
from aggregator.render.templates import FOLDER, rendered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aggregator.model import Feed, Site

_PAGES = frozenset({page.FORMAT.name})


@tolerant
def render(site: Site, feeds: Sequence[Feed]) -> bytes:
    """All feeds with what they show."""
    html = rendered(
        "index.html",
        site.timezone,
        site=site,
        cards=[_card(feed) for feed in feeds],
        opml=opml.OVERVIEW.file if any(feed.addresses for feed in feeds) else "",
        title=site.title,
        description=site.description,
        language=content.language(site.language),
        address=site.url,
        alternates=[(address, feed.title) for feed in feeds[:1] for address in feed.addresses],
        root="",
        private=False,
    )
    return checked(html).encode()


@lru_cache(10_000)  # most are as they were when something else changed
def _card(feed: Feed) -> str:
    """A feed's line in the list, as HTML."""
    from markupsafe import Markup

    return Markup(rendered("card.html", feed.site.timezone, feed=feed))  # noqa: S704  # texts are escaped


@cache
def _asset(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


OVERVIEWS = (
    Overview("index.html", "text/html", _PAGES, render),
    Overview("style.css", "text/css", _PAGES, lambda *_: _asset("style.css")),
    Overview("script.js", "text/javascript", _PAGES, lambda *_: _asset("script.js")),
)
