"""Atom 1.0 (RFC 4287), with tombstones (RFC 6721) and archives (RFC 5005)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aggregator.render.content import authors
from aggregator.render.format import Format
from aggregator.render.legal import tolerant
from aggregator.render.mend import MEDIA, TOMBSTONES, feed_entry, feed_head
from aggregator.render.splice import Frame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aggregator.model import Entry, Feed, Site

_NAMESPACES = {"at": TOMBSTONES, "media": MEDIA}
_FRAME = Frame("feed", namespaces=_NAMESPACES)


@tolerant
def render_entry(entry: Entry, site: Site) -> bytes:
    """The entry as an `entry`. Raises ValueError where it has no title."""
    article = entry.story.article
    element = feed_entry(entry, site)
    element.updated(entry.updated)
    element.published(entry.published)
    element.author([{"name": name} for name in authors(article)])
    if article.excerpt:
        element.summary(article.excerpt, type="text")
    return _FRAME.cut(element.atom_entry())


@tolerant
def render_feed(feed: Feed, entries: Sequence[bytes]) -> bytes:
    """The feed, its entries being `entries` as they are. Raises ValueError where it has no title."""
    element = feed_head(feed, FORMAT, _NAMESPACES)
    # An id is compared, never fetched (4.2.6). The page's address belongs to the feed as a whole: it outlives
    # the names of its files.
    element.id(feed.page)
    element.updated(feed.updated)
    element.subtitle(feed.description)
    element.author(name=feed.site.author or feed.site.title)  # 4.1.1: not every entry has one
    element.icon(feed.site.icon)
    element.logo(feed.image)
    return _FRAME.splice(element.atom_str(pretty=True), entries)


FORMAT = Format("atom", "Atom", "atom.xml", "application/atom+xml", render_entry, render_feed)
