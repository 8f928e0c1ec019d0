"""Who has read an entry is told that it was withdrawn: tombstones in Atom (RFC 6721) and in JSON Feed."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from lxml import etree

from aggregator.feeds import KnownTopic
from tests.world import EVERY_FORMAT, World, day

AT = "{http://purl.org/atompub/tombstones/1.0}"
GRACE = timedelta(minutes=10)


@pytest.fixture
def full(world: World) -> World:
    """A world in which everything is written, with an article of AI that stays."""
    world.options |= EVERY_FORMAT
    world.document("stays", topics=["AI", "Sea"])
    return world


def told(world: World, feed: str = "all") -> dict[str, datetime]:
    """The withdrawn entries that a feed tells of: Atom and JSON Feed say the same, no id twice, none that is shown."""
    root: Any = etree.parse(world.output / feed / "atom.xml")
    found = {one.get("ref"): datetime.fromisoformat(one.get("when")) for one in root.iter(f"{AT}deleted-entry")}
    assert len(found) == len(list(root.iter(f"{AT}deleted-entry")))
    assert {one.findtext(f"{AT}comment") for one in root.iter(f"{AT}deleted-entry")} <= {"Withdrawn"}
    data = json.loads((world.output / feed / "feed.json").read_bytes())
    deleted = data.get("_aggregator", {}).get("deleted", [])
    assert {one["id"]: datetime.fromisoformat(one["when"]) for one in deleted} == found
    assert found.keys().isdisjoint(item["id"] for item in data["items"])
    return found


def passes(world: World, time: timedelta = GRACE) -> None:
    """Time goes on, and a run looks what that changes."""
    world.now += time
    assert world.regenerate().healthy
    assert world.tree() == world.rebuilt()


def deleted(world: World, name: str) -> None:
    (world.articles / f"{name}.md").unlink()


def removed(world: World, name: str) -> None:
    world.document(name, removed="yes")


def unpublished(world: World, name: str) -> None:
    world.document(name, published="no")


@pytest.mark.parametrize("withdraw", [deleted, removed, unpublished])
def test_a_withdrawn_entry_leaves_at_once_and_is_told_of_after_ten_minutes(
    full: World, withdraw: Callable[[World, str], None]
) -> None:
    """With the instant at which it left, in the feeds that it was in and no others; nothing else moves."""
    full.document("a")
    full.regenerate()
    id = full.ids()["About a"]
    full.now += timedelta(hours=1)
    gone = full.now
    withdraw(full, "a")
    full.regenerate()
    assert full.titles() == ["About stays"]
    assert told(full) == {}
    passes(full, GRACE - timedelta(seconds=1))
    assert told(full) == {}
    rss = (full.output / "all/rss.xml").read_bytes()
    passes(full, timedelta(seconds=1))
    assert told(full) == told(full, "topics/ai") == {id: gone}
    assert told(full, "topics/sea") == {}
    assert (full.output / "all/rss.xml").read_bytes() == rss
    assert full.regenerate().feeds.written == 0


def test_nobody_hears_of_what_is_back_within_ten_minutes(full: World) -> None:
    """A branch that is switched and switched back, a slow rename."""
    full.document("a")
    full.regenerate()
    deleted(full, "a")
    full.regenerate()
    full.now += timedelta(minutes=9)
    full.document("a")
    passes(full, timedelta(0))
    passes(full)
    assert told(full) == {}
    assert "About a" in full.titles()


def test_an_entry_that_comes_back_is_told_of_no_longer(full: World) -> None:
    """It is newer than the tombstone was; and if it goes again, that is told, with the later instant."""
    full.document("a")
    full.regenerate()
    id = full.ids()["About a"]
    deleted(full, "a")
    full.regenerate()
    passes(full)
    (when,) = told(full).values()
    full.document("a")
    passes(full, timedelta(days=1))
    assert told(full) == {}
    (entry,) = [entry for entry in full.feed() if entry["id"] == id]
    assert datetime.fromisoformat(entry["updated"]) > when
    deleted(full, "a")
    passes(full, timedelta(days=1))
    again = full.now
    passes(full)
    assert told(full) == {id: again}


def test_an_entry_that_comes_back_elsewhere_is_told_of_nowhere(full: World) -> None:
    """In other topics than it left, whose feeds need not change otherwise."""
    full.document("a", topics=["Lonely"])
    full.document("b", topics=["Lonely"])
    full.regenerate()
    deleted(full, "a")
    full.regenerate()
    passes(full)
    assert len(told(full, "topics/lonely")) == 1
    full.document("a", topics=["Sea"])
    passes(full, timedelta(days=1))
    assert told(full, "topics/lonely") == told(full) == {}


def test_what_only_leaves_a_feed_is_not_withdrawn(full: World) -> None:
    """A topic taken from it, a newer entry that pushes it out, another that shows it as coverage."""
    full.options |= {"entries": 2, "related": "collapse"}
    full.document("a", topics=["AI", "Sea"], publishedDateTime=day(2))
    full.regenerate()
    full.document("a", topics=["AI"], publishedDateTime=day(2))
    full.document("b", publishedDateTime=day(3))
    full.document("c", publishedDateTime=day(4), related=[{"title": "About b", "webUrl": "https://news.example/b"}])
    passes(full)
    passes(full)
    assert [told(full, feed) for feed in ("all", "topics/ai", "topics/sea")] == [{}, {}, {}]


def test_it_is_told_for_ninety_days(full: World) -> None:
    """Then the feed forgets it, by itself."""
    full.document("a")
    full.regenerate()
    deleted(full, "a")
    full.regenerate()
    passes(full)
    passes(full, timedelta(days=90) - GRACE - timedelta(seconds=1))
    assert len(told(full)) == 1
    passes(full, timedelta(seconds=1))
    assert told(full) == {}


def test_at_most_a_hundred_are_told(full: World) -> None:
    """The last ones."""
    for number in range(120):
        full.document(f"many/{number:03}", webUrl=f"https://news.example/{number}", title=f"Number {number:03}")
    full.options["entries"] = 200
    full.regenerate()
    ids = full.ids()
    for number in range(120):
        fields = {"webUrl": f"https://news.example/{number}", "title": f"Number {number:03}"}
        full.document(f"many/{number:03}", removed="yes", **fields)
        if number in (0, 19, 119):
            full.regenerate()
            full.now += timedelta(hours=1)
    passes(full)
    assert set(told(full)) == {ids[f"Number {number:03}"] for number in range(20, 120)}


def test_an_empty_feed_tells_too(full: World) -> None:
    """Its last entry was withdrawn, and it is there for its subscribers."""
    full.document("a", topics=["Lonely"])
    full.regenerate()
    deleted(full, "a")
    full.regenerate()
    passes(full)
    assert full.titles("topics/lonely") == []
    assert len(told(full, "topics/lonely")) == 1


def test_a_former_address_tells_what_the_new_one_tells(full: World) -> None:
    """Whatever its topic was called when the entry was withdrawn."""
    full.document("a", topics=["Facebook AI"])
    full.document("b", topics=["Facebook AI"])
    full.regenerate()
    ids = full.ids()
    deleted(full, "a")
    full.regenerate()
    full.options["known"] = (KnownTopic("Meta AI", aliases=("Facebook AI",)),)
    passes(full)
    deleted(full, "b")
    full.regenerate()
    passes(full)
    assert (
        set(told(full, "topics/meta-ai")) == set(told(full, "topics/facebook-ai")) == {ids["About a"], ids["About b"]}
    )


def test_what_becomes_a_part_of_another_article_is_not_withdrawn(full: World) -> None:
    """Two documents that are of one article from now on: the younger one's entry is the elder's."""
    full.document("a")
    full.document("b", publishedDateTime=day(2))
    full.regenerate()
    full.document("b", webUrl="https://news.example/a", publishedDateTime=day(2))
    full.regenerate()
    passes(full)
    assert told(full) == {}


def test_a_damaged_index_forgets_nothing(full: World) -> None:
    """It is the ledger that remembers."""
    full.document("a")
    full.regenerate()
    deleted(full, "a")
    full.regenerate()
    passes(full)
    before = told(full)
    full.regenerate(rebuild=True)
    assert told(full) == before != {}
