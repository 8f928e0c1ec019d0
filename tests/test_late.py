"""Articles that come late: published days before they were seen, when newer ones already fill the feed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from aggregator.pipeline import explain
from tests.world import World, day

HOUR = timedelta(hours=1)


@pytest.fixture
def busy(world: World) -> World:
    """A world on day 100, whose feeds show three entries and are full; the run that met their topics is over."""
    world.options["entries"] = 3
    for number in range(4):
        world.document(f"n{number}", publishedDateTime=day(99 - number / 10))
    world.regenerate()
    world.now += HOUR
    return world


def passes(world: World, time: timedelta) -> None:
    """Time goes on, and a run looks what that changes."""
    world.now += time
    assert world.regenerate().healthy
    assert world.tree() == world.rebuilt()


def test_a_late_article_is_shown_beyond_the_window_for_two_days(busy: World) -> None:
    """In its place by date, in all of its feeds, and then by itself no longer."""
    busy.document("late", publishedDateTime=day(96))
    passes(busy, timedelta(0))
    full = ["About n0", "About n1", "About n2"]
    assert busy.titles() == busy.titles("topics/ai") == [*full, "About late"]
    passes(busy, 48 * HOUR - timedelta(seconds=1))
    assert busy.titles() == [*full, "About late"]
    passes(busy, timedelta(seconds=1))
    assert busy.titles() == busy.titles("topics/ai") == full
    assert busy.regenerate().feeds.written == 0


def test_what_newer_ones_push_out_at_once_stays_for_two_days(busy: World) -> None:
    """Whoever polls once a day misses none of them."""
    for number in range(5):
        busy.document(f"new{number}", publishedDateTime=day(100 - number / 100))
    passes(busy, timedelta(0))
    assert busy.titles() == [f"About new{number}" for number in range(5)]
    passes(busy, 49 * HOUR)
    assert busy.titles() == [f"About new{number}" for number in range(3)]


def test_older_ones_are_history(busy: World) -> None:
    """Published seven days ago or more: nobody waits for them. One that turns so old while it is shown leaves."""
    busy.document("old", publishedDateTime=day(93))
    busy.document("late", publishedDateTime=day(94))
    passes(busy, timedelta(0))
    assert "About late" in busy.titles()
    assert "About old" not in busy.titles()
    passes(busy, 23 * HOUR)
    assert "About late" not in busy.titles()


def test_the_run_that_meets_a_topic_fills_its_window_and_no_more(world: World) -> None:
    """A new subscriber is given the newest; so is one of a topic that comes when the site is old."""
    world.options["entries"] = 3
    for number in range(6):
        world.document(f"a{number}", publishedDateTime=day(99 - number / 10))
    world.regenerate()
    assert len(world.titles()) == len(world.titles("topics/ai")) == 3
    world.now += HOUR
    for number in range(6):
        world.document(f"s{number}", topics=["Sea"], publishedDateTime=day(99 - number / 10))
    passes(world, timedelta(0))
    assert len(world.titles("topics/sea")) == 3
    assert len(world.titles("topics/ai")) == 3
    assert len(world.titles()) == 3 + 6 - len([t for t in world.titles()[:3] if t.startswith("About s")])


def test_what_was_seen_long_ago_is_not_late(busy: World) -> None:
    """An edit that gives it a topic, another date or another path makes no new article of it."""
    busy.now += 50 * HOUR
    busy.document("n3", publishedDateTime=day(98.5), topics=["AI", "Sea"])
    (busy.articles / "n2.md").rename(busy.articles / "moved.md")
    passes(busy, timedelta(0))
    assert "About n3" not in busy.titles()


def test_five_hundred_are_the_most(world: World) -> None:
    """Of ten thousand that come at once, the newest."""
    world.options["entries"] = 3
    world.document("first", publishedDateTime=day(99.9))
    world.regenerate()
    world.now += HOUR
    for number in range(600):
        world.document(
            f"many/{number:03}", webUrl=f"https://news.example/{number}", publishedDateTime=day(99 - number / 1000)
        )
    world.regenerate()
    assert len(world.titles()) == 500
    assert world.titles()[0] == "About first"


@pytest.mark.parametrize("option", [{}, {"related": "collapse"}, {"per_provider": 2}])
def test_one_late_article_is_found_beside_a_bulk_import(world: World, option: dict[str, Any]) -> None:
    """Of more arrivals than a feed asks for one by one, and behind more recent articles than it asks for at once."""
    world.options |= {"entries": 3} | option
    names = [f"{number:03}" for number in range(520)]
    for name in names:
        world.document(f"known/{name}", webUrl=f"https://news.example/known/{name}", publishedDateTime=day(99))
    world.regenerate()
    world.now += 50 * HOUR
    for name in names:
        world.document(f"old/{name}", webUrl=f"https://old.example/{name}", publishedDateTime=day(50), topics=["Sea"])
    for name, number in (("late", 98), ("b", 97), ("c", 96)):
        world.document(name, webUrl=f"https://late.example/{name}", publishedDateTime=day(number))
    passes(world, timedelta(0))
    shown = world.titles()
    late = ["About late", "About b", "About c"][: 2 if "per_provider" in option else 3]
    assert shown == world.titles("topics/ai")
    assert [title for title in shown if "known" not in title] == late
    assert not any("old" in title for title in world.titles("topics/sea")[3:])


def test_a_late_article_that_another_shows_is_no_entry(busy: World) -> None:
    """Where feeds collapse what their entries show as coverage."""
    busy.options["related"] = "collapse"
    busy.document("late", publishedDateTime=day(96))
    busy.document(
        "n0", publishedDateTime=day(99), related=[{"title": "About late", "webUrl": "https://news.example/late"}]
    )
    passes(busy, timedelta(0))
    assert "About late" not in busy.titles()


def test_explain_says_why_it_is_there(busy: World) -> None:
    """And until when."""
    busy.document("late", publishedDateTime=day(96))
    busy.regenerate()
    (everything, *_) = explain(busy.plan(), "articles/late.md").feeds
    assert everything.rank == 5
    assert everything.why.startswith("it came late: beyond the window, until 2026-06-11 01:00Z")
    busy.options |= {"only_known": True, "keep": timedelta(0)}
    busy.regenerate()
    (_, topic) = explain(busy.plan(), "articles/late.md").feeds
    assert (topic.rank, topic.why) == (None, "excluded: only known topics have feeds (`topics.only_known`)")
    busy.now += 48 * HOUR
    busy.regenerate()
    (everything, *_) = explain(busy.plan(), "articles/late.md").feeds
    assert (everything.rank, everything.why) == (None, "beyond the window: 5 of 3")
