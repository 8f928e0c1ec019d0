"""RSS 2.0, as its Best Practices Profile wants it (rssboard.org/rss-profile)."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from aggregator.render.format import Format
from aggregator.render.legal import tolerant
from aggregator.render.mend import ATOM, CONTENT, DC, MEDIA, UNWRITTEN, feed_entry, feed_head
from aggregator.render.splice import Frame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aggregator.model import Entry, Feed

_NAMESPACES = {"atom": ATOM, "content": CONTENT, "dc": DC, "media": MEDIA}
_FRAME = Frame("rss", "channel", namespaces=_NAMESPACES)


@tolerant
def render_entry(entry: Entry, scheme: str) -> bytes:
    """The entry as an `item`. Raises ValueError where it has neither title nor text."""
    item = feed_entry(entry, scheme)
    item.description(escape(entry.story.article.excerpt))  # an item's description is HTML, a channel's is not
    return _FRAME.cut(item.rss_entry())


@tolerant
def render_feed(feed: Feed, entries: Sequence[bytes]) -> bytes:
    """The channel, its items being `entries` as they are. Raises ValueError where it has no title."""
    channel = feed_head(feed, FORMAT, _NAMESPACES)
    channel.updated(UNWRITTEN)  # lastBuildDate is the extension's
    channel.description(feed.description or feed.title)
    if image := feed.image or feed.icon:
        channel.image(image)
    return _FRAME.splice(channel.rss_str(pretty=True), entries)


FORMAT = Format("rss", "rss.xml", "application/rss+xml", render_entry, render_feed)
