"""A reader of whole feeds: from the subscription document back through its archives (RFC 5005, section 4)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import feedparser
from lxml import etree

ATOM = "{http://www.w3.org/2005/Atom}"
HISTORY = "{http://purl.org/syndication/history/1.0}"

Fetch = Callable[[str], bytes]
"""Gives what is at a URL. Raises LookupError where there is nothing."""


class Step(NamedTuple):
    """A document on the way: its URL, whether it says that it is an archive, and its entries' ids, each with its
    bytes.
    """

    url: str
    archive: bool
    entries: list[tuple[str, bytes]]


def walk(url: str, fetch: Fetch) -> list[Step]:
    """All documents of a feed, the subscription document first; what an archive must say is seen to be so."""
    steps: list[Step] = []
    while url:
        assert all(url != step.url for step in steps), f"a circle at {url}"
        root = etree.fromstring(fetch(url))
        head = root if root.tag == f"{ATOM}feed" else root[0]
        links = {link.get("rel"): link.get("href") for link in head.iterchildren(f"{ATOM}link")}
        archive = head.find(f"{HISTORY}archive") is not None
        assert links["self"] == url
        assert archive == bool(steps), url
        assert ("current" in links) == archive
        assert "next-archive" not in links
        if archive:
            assert links["current"] == steps[0].url
            assert "hub" not in links
        assert head.find(f"{HISTORY}complete") is None
        steps.append(Step(url, archive, list(_entries(head))))
        url = links.get("prev-archive") or ""
    return steps


def _entries(head: Any) -> Iterator[tuple[str, bytes]]:
    for tag, id in ((f"{ATOM}entry", f"{ATOM}id"), ("item", "guid")):
        for entry in head.iterchildren(tag):
            yield str(entry.findtext(id)), etree.tostring(entry, with_tail=False)


def walk_with_feedparser(url: str, fetch: Fetch) -> list[str]:
    """The ids of all entries on the same way, as feedparser reads it, each once."""
    found: dict[str, None] = {}
    while url:
        parsed = feedparser.parse(fetch(url))
        assert not parsed.bozo, parsed.get("bozo_exception")
        found |= dict.fromkeys(entry.id for entry in parsed.entries)
        url = next((link.href for link in parsed.feed.links if link.rel == "prev-archive"), "")
    return list(found)


def merged(steps: list[Step]) -> dict[str, bytes]:
    """The logical feed: each entry once. In whichever document it is, it says the same, so no reader meets it twice."""
    found: dict[str, bytes] = {}
    for step in steps:
        ids = [id for id, _ in step.entries]
        assert len(set(ids)) == len(ids), step.url
        for id, said in step.entries:
            bare = re.sub(rb' xmlns(:\w+)?="[^"]*"', b"", said)
            assert found.setdefault(id, bare) == bare, (step.url, id)
    return found
