"""RSS 2.0, as its Best Practices Profile wants it (rssboard.org/rss-profile)."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from aggregator.render.format import Format
from aggregator.render.legal import tolerant
from aggregator.render.media import enclosures
from aggregator.render.mend import ATOM, CONTENT, DC, MEDIA, UNWRITTEN, feed_entry, feed_head
from aggregator.render.splice import Frame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aggregator.model import Entry, Feed, Site

_NAMESPACES = {"atom": ATOM, "content": CONTENT, "dc": DC, "media": MEDIA}
# An enclosure must have a length; the profile has 0 for one that can't be determined.
_UNKNOWN = "0"
_FRAME = Frame("rss", "channel", namespaces=_NAMESPACES)


@tolerant
def render_entry(entry: Entry, site: Site) -> bytes:
    """The entry as an `item`. Raises ValueError where it has neither title nor text."""
    item = feed_entry(entry, site)
    item.description(escape(entry.story.article.excerpt))  # an item's description is HTML, a channel's is not
    for action, kind in enclosures(entry.story.article)[:1]:  # at most one, says the profile
        item.enclosure(action.url, length=_UNKNOWN, type=kind)
    return _FRAME.cut(item.rss_entry())


@tolerant
def render_feed(feed: Feed, entries: Sequence[bytes]) -> bytes:
    """The channel, its items being `entries` as they are. Raises ValueError where it has no title."""
    channel = feed_head(feed, FORMAT, _NAMESPACES)
    channel.updated(UNWRITTEN)  # lastBuildDate is the extension's
    channel.description(feed.description or feed.title)
    if image := feed.image or feed.site.icon:
        channel.image(image)
    return _FRAME.splice(channel.rss_str(pretty=True), entries)


FORMAT = Format("rss", "RSS", "rss.xml", "application/rss+xml", render_entry, render_feed)
