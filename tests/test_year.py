"""A year of real documents, week by week: how often archives are written again, and why."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

import pytest
from lxml import etree

from aggregator.feeds import ALL, month_period
from aggregator.pipeline.consulting import consulted
from aggregator.text.urls import canonical
from tests.test_corpus import CORPUS
from tests.walks import ATOM, Step, merged, walk
from tests.world import World, told

URL = "https://feeds.example.org/"
WEEK = timedelta(days=7)
ZONE = "Europe/Berlin"
YEAR = 2026  # no date of the corpus is later, so that no related article is yet to come
DATED = re.compile(rb"^(publishedDateTime: [\"']?)\d{4}-(\d\d-\d\d)(?:[T ](\d\d:\d\d))?", re.MULTILINE)
LINKS = re.compile(rb"https?://[^\s\"'<>]+")

pytestmark = pytest.mark.skipif(not CORPUS.exists(), reason="the corpus is not beside the checkout")


class Event(NamedTuple):
    """When a document comes, or goes again; its path in the corpus and its text."""

    when: datetime
    path: Path
    comes: bool
    text: bytes


class Archive(NamedTuple):
    """What an archive in Atom says: where the one before it is, and its entries' bytes by id."""

    previous: str
    entries: dict[str, bytes]


class Change(NamedTuple):
    """One reason for which an archive changed, and the entries concerned, as they were and as they are."""

    why: str
    entries: list[bytes]


def calendar() -> list[Event]:
    """The dated documents of the corpus as if all were of one year: each comes an hour after its article.

    Every 12th comes six weeks late instead, every 17th five months; every 11th goes ten weeks after it came.
    """
    events: list[Event] = []
    for number, path in enumerate(sorted(path for path in CORPUS.rglob("*") if path.suffix in (".md", ".html"))):
        text = path.read_bytes()
        if not (found := DATED.search(text)):
            continue
        day = found[2].decode().replace("02-29", "02-28")
        instant = f"{YEAR}-{day}T{(found[3] or b'00:00').decode()}"
        text = text[: found.start()] + found[1] + instant.encode() + text[found.end() :]
        late = 6 * WEEK if number % 12 == 0 else 21 * WEEK if number % 17 == 0 else timedelta(0)
        comes = datetime.fromisoformat(instant).replace(tzinfo=UTC) + timedelta(hours=1) + late
        events.append(Event(comes, path.relative_to(CORPUS), True, text))
        if number % 11 == 0:
            events.append(Event(comes + 10 * WEEK, path.relative_to(CORPUS), False, text))
    return sorted(events)


def happen(world: World, events: list[Event]) -> None:
    """Documents come and go."""
    for event in events:
        path = world.articles / event.path
        path.parent.mkdir(parents=True, exist_ok=True)
        if event.comes:
            path.write_bytes(event.text)
        else:
            path.unlink()


def read(data: bytes) -> Archive:
    """An archive's bytes as what they say."""
    root = etree.fromstring(data)
    links = {str(link.get("rel")): str(link.get("href")) for link in root.iterchildren(f"{ATOM}link")}
    found = root.iterchildren(f"{ATOM}entry")
    entries = {str(one.findtext(f"{ATOM}id")): etree.tostring(one, with_tail=False) for one in found}
    return Archive(links.get("prev-archive", ""), entries)


def reasons(before: bytes | None, after: bytes | None) -> Iterator[Change]:
    """Why an archive isn't what it was (None: there is none)."""
    if before is None or after is None:
        yield Change("born" if before is None else "gone", [*read(before or after or b"").entries.values()])
        return
    old, new = read(before), read(after)
    if late := new.entries.keys() - old.entries.keys():
        yield Change("late", [new.entries[id] for id in late])
    if left := old.entries.keys() - new.entries.keys():
        yield Change("withdrawn", [old.entries[id] for id in left])
    if old.previous != new.previous:
        yield Change("link", [])
    same = old.entries.keys() & new.entries.keys()
    if edited := [old.entries[id] + new.entries[id] for id in same if old.entries[id] != new.entries[id]]:
        yield Change("edited", edited)


def month_end(path: str) -> datetime:
    """When the month of an archive is over."""
    year, month = path.split("/")[-2].split("-")
    return month_period(int(year) * 100 + int(month), ZONE).end


def named(text: bytes) -> set[str]:
    """The articles that a text names."""
    links = (html.unescape(link.decode("utf-8", "replace")) for link in LINKS.findall(text))
    return {key for key in map(canonical, links) if key}


@pytest.mark.timeout(600)
def test_a_year_of_real_documents(world: World) -> None:
    """An archive is written when its month is over, and again only for an article of its own that came, went or is
    told otherwise by a document of that week, or for the archive before it that came or went. Ids never change, and at
    every moment a reader who walks all the way sees all there is.
    """
    world.options |= {"archives": True, "timezone": ZONE, "entries": 20}
    world.now = datetime(YEAR, 1, 1, tzinfo=UTC)
    events = calendar()
    assert len(events) > 400
    ids: dict[str, str] = {}
    counts = Counter[str]()
    before: dict[str, bytes] = {}

    def fetched(url: str) -> bytes:
        return before[unquote(url.removeprefix(URL))]

    while events:
        world.now += WEEK
        week = [event for event in events if event.when <= world.now]
        events = events[len(week) :]
        happen(world, week)
        report = world.regenerate(accept_deletions=True)
        assert report.healthy, told(report)
        after = world.tree()
        touched, others = (
            {path for _, path in report.changes if path.endswith(file) and "/archive/" in path}
            for file in ("/atom.xml", "/rss.xml")
        )
        assert {path.replace("/rss.xml", "/atom.xml") for path in others} <= touched  # which says more
        said = {key for event in week for key in named(event.text)}
        for path in sorted(touched):
            changes = list(reasons(before.get(path), after.get(path)))
            assert changes, f"{path} was written for nothing"
            for why, entries in changes:
                counts[why] += 1
                if why != "born" or month_end(path) <= world.now - WEEK:
                    assert all(named(entry) & said for entry in entries), (world.now, path, why)
                assert month_end(path) <= world.now
            if any(why == "link" for why, _ in changes):
                led = {read(tree[path]).previous.removeprefix(URL) for tree in (before, after)} - {""}
                assert any((link in before) != (link in after) for link in map(unquote, led)), (world.now, path)
        before = after
        for path in (path for path in after if path.endswith("/atom.xml") and "/archive/" not in path):
            steps = walk(URL + path, fetched)
            seen = merged(steps)
            if path == "all/atom.xml":
                assert seen.keys() == visible(world)
            for link, id in (pair for step in steps for pair in addressed(step)):
                assert ids.setdefault(link, id) == id
    archives = sum(path.endswith("/atom.xml") and "/archive/" in path for path in before)
    assert archives == counts["born"] - counts["gone"] > 40
    assert counts.keys() == {"born", "gone", "late", "withdrawn", "link", "edited"}, counts
    assert world.tree() == world.rebuilt()


def addressed(step: Step) -> Iterator[tuple[str, str]]:
    """The link of each entry of a document, with its id."""
    for id, said in step.entries:
        yield next(str(one.get("href")) for one in etree.fromstring(said).iterchildren(f"{ATOM}link")), id


def visible(world: World) -> set[str]:
    """The ids of all articles that are entries of the feed of everything."""
    with consulted(world.plan()) as (_, index, _):
        return set(index.articles.ids(index.entries.newest(ALL, world.now, 1_000_000)).values())
