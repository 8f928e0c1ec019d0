"""What RSS and Atom have from feedgen, and the one extension that mends what feedgen makes of it.

- An entry's links lose everything but the address, so that `related` reads as a second `alternate`.
- RSS dates go through `locale.setlocale`, which is process-wide, and give the year 800 three digits.
- RSS authors vanish unless they have an e-mail address; entries have no language.
- Of a feed's links, RSS shows only the one to itself, no hubs and no archives.
- Media RSS always stands in a `media:group`, which is for renditions of one picture.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from feedgen.entry import FeedEntry
from feedgen.ext.base import BaseEntryExtension, BaseExtension
from feedgen.feed import FeedGenerator
from lxml.etree import SubElement

from aggregator.render import content
from aggregator.render.media import enclosures, image_type

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lxml.etree import _Element

    from aggregator.model import Article, Entry, Feed, Site
    from aggregator.render.format import Format

ATOM = "http://www.w3.org/2005/Atom"
CONTENT = "http://purl.org/rss/1.0/modules/content/"
DC = "http://purl.org/dc/elements/1.1/"
TOMBSTONES = "http://purl.org/atompub/tombstones/1.0"
MEDIA = "http://search.yahoo.com/mrss/"
XML = "http://www.w3.org/XML/1998/namespace"
HISTORY = "http://purl.org/syndication/history/1.0"

_HISTORY = {"fh": HISTORY}  # where it is used, and not in every feed's head: few have any use for it


def feed_entry(entry: Entry, site: Site) -> Any:
    """feedgen's FeedEntry with what RSS and Atom say of the entry.

    The full content is only given where it says more than the excerpt.
    """
    article = entry.story.article
    made: Any = FeedEntry()  # type: ignore[no-untyped-call]  # feedgen has no types
    made.register_extension("mend", partial(MendedEntry, entry))
    made.id(entry.id)
    made.title(article.title)
    made.link(href=article.link, rel="alternate")
    made.category([{"term": topic.slug, "scheme": site.scheme, "label": topic.name} for topic in entry.topics])
    html = content.html(entry)
    # An excerpt that would be other HTML than it is text is said as HTML too: newsboat takes an Atom summary for HTML.
    if html and html != f"<p>{article.excerpt}</p>":
        made.content(html, type="html")
    return made


def feed_head(feed: Feed, form: Format, namespaces: Mapping[str, str]) -> Any:
    """feedgen's FeedGenerator with what RSS and Atom say of the feed; it declares these prefixes."""
    made: Any = FeedGenerator()  # type: ignore[no-untyped-call]  # feedgen has no types
    made.register_extension("mend", partial(MendedFeed, feed, form, namespaces))
    made.title(feed.title)
    made.link(href=feed.address(form.name, feed.archive), rel="self", type=form.media_type)
    for rel, href in _links(feed, form):
        made.link(href=href, rel=rel)
    made.link(href=feed.page, rel="alternate", type="text/html")  # the last one is the link of an RSS channel
    made.language(content.language(feed.site.language))
    made.copyright(feed.site.copyright)
    made.generator("aggregator")
    return made


def _links(feed: Feed, form: Format) -> Iterator[tuple[str, str]]:
    """Where readers go from a feed, as (rel, href): hubs, and archives (RFC 5005, section 4)."""
    for hub in feed.hubs:
        yield "hub", hub
    if feed.archive:
        yield "current", feed.address(form.name)
    if feed.previous:
        yield "prev-archive", feed.address(form.name, feed.previous)


class _Unwritten(datetime):
    """A date that is false: feedgen takes it, and doesn't write it."""

    def __bool__(self) -> bool:
        return False


UNWRITTEN = _Unwritten(1, 1, 1, tzinfo=UTC)


class MendedFeed(BaseExtension):
    """The feed's half of the extension."""

    def __init__(self, feed: Feed, form: Format, namespaces: Mapping[str, str]) -> None:
        self._feed = feed
        self._form = form
        self._namespaces = namespaces

    def extend_ns(self) -> Mapping[str, str]:
        return self._namespaces

    def extend_rss(self, rss: _Element) -> _Element:
        for rel, href in _links(self._feed, self._form):
            SubElement(rss[0], f"{{{ATOM}}}link", rel=rel, href=href)
        _add(rss[0], "lastBuildDate", format_datetime(self._feed.updated))
        self._add_history(rss[0])
        return rss

    def extend_atom(self, feed: _Element) -> _Element:
        """RFC 6721, section 3: an entry of a later date than the tombstone's is back, which ours never are."""
        for one in self._feed.deleted:
            tombstone = SubElement(
                feed, f"{{{TOMBSTONES}}}deleted-entry", {"ref": one.id, "when": one.when.isoformat()}
            )
            _add(tombstone, f"{{{TOMBSTONES}}}comment", "Withdrawn")
        self._add_history(feed)
        return feed

    def _add_history(self, head: _Element) -> None:
        """What there is besides this file (RFC 5005): nothing (2), or the feed that it is an archive of (4)."""
        if self._feed.complete:
            SubElement(head, f"{{{HISTORY}}}complete", nsmap=_HISTORY)
        if self._feed.archive:
            SubElement(head, f"{{{HISTORY}}}archive", nsmap=_HISTORY)


class MendedEntry(BaseEntryExtension):
    """The entry's half of the extension."""

    def __init__(self, entry: Entry) -> None:
        self._entry = entry

    def extend_rss(self, item: _Element) -> _Element:
        entry = self._entry
        article = entry.story.article
        _add(item, "pubDate", format_datetime(entry.published))
        if entry.updated != entry.published:
            _add(item, f"{{{ATOM}}}updated", entry.updated.isoformat())
        for author in content.authors(article):
            _add(item, f"{{{DC}}}creator", author)
        if language := content.language(article.language):
            _add(item, f"{{{DC}}}language", language)
        _add_media(item, article)
        return item

    def extend_atom(self, element: _Element) -> _Element:
        article = self._entry.story.article
        if language := content.language(article.language):
            element.set(f"{{{XML}}}lang", language)
        for link in element.iterchildren("link"):  # there's one: feed_entry gave it
            link.set("rel", "alternate")
        for action, kind in enclosures(article):
            SubElement(element, "link", _known(href=action.url, rel="enclosure", type=kind, title=action.title))
        for one in content.coverage(self._entry):
            if one.link:
                known = _known(href=one.link, rel="related", hreflang=content.language(one.language), title=one.title)
                SubElement(element, "link", known)
        _add_media(element, article)
        return element


def _add(parent: _Element, tag: str, text: str) -> None:
    SubElement(parent, tag).text = text


def _add_media(parent: _Element, article: Article) -> None:
    """Each picture as `media:content`, and the first as `media:thumbnail` too."""
    for image in article.images:
        known = _known(
            url=image.url, medium="image", type=image_type(image.url), width=image.width, height=image.height
        )
        SubElement(parent, f"{{{MEDIA}}}content", known)
    for image in article.images[:1]:
        known = _known(url=image.url, width=image.width, height=image.height)
        SubElement(parent, f"{{{MEDIA}}}thumbnail", known)


def _known(**attributes: str | int | None) -> dict[str, str]:
    """Attributes as text, without those that aren't known."""
    return {name: str(value) for name, value in attributes.items() if value}
