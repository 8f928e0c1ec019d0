"""When feeds and their entries say that they were updated."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from msgspec.structs import replace

from aggregator.feeds import Age, Condition, Custom, Order, Rhythm
from aggregator.store import Ledger
from tests.world import EVERY_FORMAT, World, day

HOUR = timedelta(hours=1)
CUSTOM = (
    Custom("best", "Best", 3, order=Order.quality),
    Custom("new", "New", 9, where=Condition(age=Age(under=timedelta(days=20)))),
    Custom("daily", "Daily", 9, rhythm=Rhythm.daily, stories=3),
)


def updates(world: World) -> dict[str, datetime]:
    """When each feed and each archive says that it was updated, by its path."""
    roots = {path: etree.fromstring(path.read_bytes()) for path in world.output.rglob("atom.xml")}
    return {
        path.relative_to(world.output).as_posix(): datetime.fromisoformat(str(root.findtext("{*}updated")))
        for path, root in roots.items()
    }


def entries(world: World) -> dict[str, set[str]]:
    """The ids of the entries of each feed and each archive, by its path."""
    roots = {path: etree.fromstring(path.read_bytes()) for path in world.output.rglob("atom.xml")}
    return {
        path.relative_to(world.output).as_posix(): {str(id.text) for id in root.iterfind("{*}entry/{*}id")}
        for path, root in roots.items()
    }


@pytest.mark.parametrize("before", [timedelta(microseconds=1), timedelta(days=64), timedelta(days=9999)])
def test_an_entry_is_never_updated_before_it_was_published(world: World, before: timedelta) -> None:
    """A scheduled article was edited last before it appeared: in all formats, both are when it did."""
    world.options |= EVERY_FORMAT
    other = {"title": "Other", "webUrl": "https://o.example/a", "publishedDateTime": day(2)}
    world.document("a", publishedDateTime=day(3), updatedDateTime=day(3) - before)
    world.document("b", publishedDateTime=day(1), related=[other | {"updatedDateTime": day(2) - before}])
    world.regenerate()
    entry = world.feed()[0]
    assert (entry["updated"], entry["published"]) == (day(3).isoformat(), day(3).isoformat())
    assert "<atom:updated" not in (world.output / "all/rss.xml").read_text(encoding="utf-8")
    for item in json.loads((world.output / "all/feed.json").read_text(encoding="utf-8"))["items"]:
        assert item["date_modified"] == item["date_published"]
    assert updates(world)["all/atom.xml"] == day(3)
    assert "<lastBuildDate>Wed, 04 Mar 2026" in (world.output / "all/rss.xml").read_text(encoding="utf-8")


def test_an_update_between_is_what_it_was(world: World) -> None:
    """Of several documents the newest one, and no earlier than the article's own date."""
    world.document("a", publishedDateTime=day(3), updatedDateTime=day(1))
    world.document("a2", webUrl="https://news.example/a", publishedDateTime=day(4), updatedDateTime=day(5))
    world.regenerate()
    assert world.feed()[0]["updated"] == day(5).isoformat()


def test_a_first_run_doesn_t_depend_on_the_clock(world: World) -> None:
    """What a feed begins with came to nobody."""
    world.document("a", publishedDateTime=day(3))
    world.regenerate()
    assert set(updates(world).values()) == {day(3)}
    world.now += HOUR
    assert world.regenerate().feeds.written == 0


def late(world: World) -> None:
    world.document("late", publishedDateTime=day(2))


def retagged(world: World) -> None:
    world.document("other", topics=["AI"], publishedDateTime=day(2))


def shown(world: World) -> None:
    world.document("hidden", publishedDateTime=day(2))


def moved_in(world: World) -> None:
    (world.articles / "n0.md").unlink()


def held_back(world: World) -> None:
    world.now += timedelta(days=2)


@pytest.mark.parametrize("change", [late, retagged, shown, moved_in, held_back])
def test_a_feed_is_updated_when_an_entry_comes(world: World, change: Callable[[World], None]) -> None:
    """Whatever the entry's own date is: readers that look at the feed's see that there is something new."""
    world.options["entries"] = 3 if change is moved_in else 50
    for number in range(4):
        world.document(f"n{number}", publishedDateTime=day(90 - number))
    world.document("other", topics=["Sea"], publishedDateTime=day(2))
    world.document("hidden", published="no", publishedDateTime=day(2))
    world.document("coming", publishedDateTime=day(101))
    world.regenerate()
    assert updates(world)["topics/ai/atom.xml"] == day(90)
    world.now += HOUR
    change(world)
    world.regenerate()
    assert updates(world)["topics/ai/atom.xml"] == world.now
    assert updates(world)["topics/sea/atom.xml"] <= world.now - (HOUR if change is not retagged else timedelta(0))
    assert world.tree() == world.rebuilt()
    world.now += HOUR
    world.regenerate()
    assert updates(world)["topics/ai/atom.xml"] == world.now - HOUR
    assert world.tree() == world.rebuilt()


def test_an_entry_that_leaves_takes_no_update_with_it(world: World) -> None:
    """A late one is shown for two days: when it goes, the feed isn't as of before."""
    world.options["entries"] = 2
    for number in range(3):
        world.document(f"n{number}", publishedDateTime=day(99 - number / 10))
    world.regenerate()
    world.now += HOUR
    world.document("late", publishedDateTime=day(97))
    world.regenerate()
    came = world.now
    assert "About late" in world.titles()
    world.now += timedelta(days=3)
    world.regenerate()
    assert "About late" not in world.titles()
    assert updates(world)["all/atom.xml"] == updates(world)["topics/ai/atom.xml"] == came
    assert world.tree() == world.rebuilt()


def test_a_ledger_that_doesn_t_know_the_entries_is_no_reason(world: World) -> None:
    """An earlier version remembered no entries of feeds; what is out already came to nobody now."""
    world.document("a", publishedDateTime=day(3))
    world.regenerate()
    ledger = Ledger(world.store)
    for topic, out in ledger.feeds_out().items():
        ledger.put_feed(topic, 0, out._replace(shown=replace(out.shown, members=())))
    ledger.commit()
    ledger.close()
    before = world.tree()
    world.now += HOUR
    world.regenerate(rebuild=True)
    assert world.tree() == before


Change = tuple[str, int, int]
CHANGES = st.tuples(
    st.sampled_from(["write", "hide", "remove", "delete", "wait"]), st.integers(0, 5), st.integers(0, 120)
)


def apply(world: World, change: Change) -> None:
    what, number, age = change
    name = f"d{number}"
    file = world.articles / f"{name}.md"
    if what == "delete":
        file.unlink(missing_ok=True)
    elif what == "wait":
        world.now += timedelta(hours=age)
    else:
        world.document(
            name,
            publishedDateTime=day(101 - age),
            updatedDateTime=day(101 - age + number),
            topics=["AI"] if age % 2 else ["Sea", "AI"],
            quality=age % 7,
            published="no" if what == "hide" else "yes",
            removed="yes" if what == "remove" else "no",
        )


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(changes=st.lists(st.lists(CHANGES, min_size=1, max_size=3), min_size=2, max_size=6))
def test_no_feed_goes_back_and_none_hides_what_came(
    tmp_path_factory: pytest.TempPathFactory, changes: list[list[Change]]
) -> None:
    """Whatever happens: a feed's instant is never before its entries', nor later than now, nor earlier than it was, nor
    before the run that brought it an entry; and it is what the ledger says.
    """
    world = World(tmp_path_factory.mktemp("world"))
    world.options |= {"entries": 3, "custom": CUSTOM, "archives": True, "formats": ("atom",)}
    before: dict[str, datetime] = {}
    known: dict[str, set[str]] = {}
    for some in changes:
        for change in some:
            apply(world, change)
        world.now += HOUR
        world.regenerate()
        now, shows = updates(world), entries(world)
        for path, instant in now.items():
            assert instant <= world.now
            if path in before:
                assert instant >= before[path], path
            if path in known and shows[path] - known[path]:
                assert instant == world.now, path
            for entry in world.feed(path.removesuffix("/atom.xml")):
                assert entry["published"] <= entry["updated"] <= instant.isoformat()
        before, known = now, shows
    assert world.tree() == world.rebuilt()
