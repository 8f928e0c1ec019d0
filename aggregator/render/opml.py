"""All feeds as one list to subscribe to: OPML 2.0 (opml.org/spec2.opml)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml.etree import Element, SubElement, tostring

from aggregator.render.format import Overview
from aggregator.render.legal import tolerant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lxml.etree import _Element

    from aggregator.model import Feed, Site

# Of a feed's formats, the first of these is listed; the type of all is called `rss` there, whatever they are.
_PREFERRED = ("atom", "rss", "json")


@tolerant
def render(site: Site, feeds: Sequence[Feed]) -> bytes:
    """Each feed as an outline, in the folders of the topics that it is a part of; so is the feed of a topic that has
    parts itself.
    """
    root = Element("opml", version="2.0")
    SubElement(SubElement(root, "head"), "title").text = site.title
    folders: dict[tuple[str, ...], _Element] = {(): SubElement(root, "body")}
    parents = {feed.folders for feed in feeds}
    for feed in (feed for feed in feeds if feed.addresses):
        inside = (*feed.folders, feed.label)
        SubElement(_folder(folders, inside if inside in parents else feed.folders), "outline", _outline(feed))
    return tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)


def _folder(folders: dict[tuple[str, ...], _Element], path: tuple[str, ...]) -> _Element:
    """The folder at this path, made where it isn't there yet."""
    if path not in folders:
        folders[path] = SubElement(_folder(folders, path[:-1]), "outline", text=path[-1])
    return folders[path]


def _outline(feed: Feed) -> dict[str, str]:
    addresses = {address.format: address.url for address in feed.addresses}
    address = next(addresses[format] for format in _PREFERRED if format in addresses)
    found = {"type": "rss", "text": feed.label, "title": feed.title, "xmlUrl": address}
    known = {"htmlUrl": feed.page if feed.paged else "", "description": feed.description}
    return {name: text for name, text in (found | known).items() if text}


OVERVIEW = Overview("feeds.opml", "text/x-opml", frozenset(_PREFERRED), render)
