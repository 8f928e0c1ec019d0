"""Clocks that stand wrong, and dates that are far away: nothing is published that time alone would have to undo."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aggregator.errors import ClockBehind
from aggregator.feeds import Age, Condition, Custom, Order, Rhythm
from aggregator.store import LEDGER_FILE
from tests.daemons import QUICK, Daemon, drop_in, faked, running, set_clock, shows, until, well
from tests.programs import needs
from tests.site import Site, environment
from tests.world import EVERY_FORMAT, World, day

CUSTOM = (
    Custom("best", "Best", 9, order=Order.quality),
    Custom("new", "New", 9, where=Condition(age=Age(under=timedelta(days=9000)))),
    Custom("old", "Old", 9, where=Condition(none=(Condition(age=Age(under=timedelta(days=9000))),))),
    Custom("daily", "Daily", 60, rhythm=Rhythm.daily, stories=9),
    Custom("weekly", "Weekly", 60, rhythm=Rhythm.weekly, stories=9),
)


def updated(world: World, name: str = "all") -> datetime:
    """When a feed says that it was updated."""
    text = (world.output / name / "atom.xml").read_text(encoding="utf-8")
    return datetime.fromisoformat(text.partition("<updated>")[2].partition("</updated>")[0])


def latest(world: World) -> str:
    """The latest of all instants that Atom feeds say something was updated at."""
    texts = [path.read_text(encoding="utf-8") for path in world.output.rglob("atom.xml")]
    return max(part.partition("<")[0] for text in texts for part in text.split("updated>") if part[:1].isdigit())


def deleted(world: World) -> int:
    """How many entries the feed of everything tells to be withdrawn."""
    return (world.output / "all/atom.xml").read_text(encoding="utf-8").count("<at:deleted-entry")


@pytest.fixture
def lived(world: World) -> World:
    """A world with every kind of feed, whose clock is right, at day 100."""
    world.options |= {"custom": CUSTOM, "archives": True, **EVERY_FORMAT}
    for number in range(8):
        world.document(f"d{number}", publishedDateTime=day(92 + number), topics=["AI", f"T{number}"], quality=number)
    world.regenerate()
    return world


# A clock behind the ledger


@pytest.mark.parametrize("now", [datetime(1970, 1, 2, tzinfo=UTC), day(10), day(100) - timedelta(minutes=61)])
@pytest.mark.parametrize("wish", [{}, {"rebuild": True}, {"dry": True}, {"accept_deletions": True}])
def test_a_clock_behind_the_ledger_publishes_nothing(lived: World, now: datetime, wish: dict[str, Any]) -> None:
    """Whatever is asked for: both instants are told; once the clock is right, what changed meanwhile is published."""
    tree = lived.tree()
    lived.document("d3", title="Edited")
    lived.now = now
    with pytest.raises(ClockBehind, match=f"says {now:%Y-%m-%d %H:%M} UTC, but the ledger remembers 2026-06-09 00:00"):
        lived.regenerate(**wish)
    assert lived.tree() == tree
    lived.now = day(100)
    assert lived.regenerate().healthy
    assert "Edited" in lived.titles()


def test_a_clock_a_little_behind_goes_on(lived: World) -> None:
    """Clocks are set by minutes; nothing is of a later instant than now then, and the tree is what a rebuild gives."""
    (lived.articles / "d1.md").unlink()
    lived.regenerate()
    lived.now -= timedelta(minutes=59)
    lived.document("d3", title="Edited")
    assert lived.regenerate().healthy
    assert "Edited" in lived.titles()
    assert latest(lived) <= lived.now.isoformat()
    assert lived.tree() == lived.rebuilt()


def test_what_was_withdrawn_while_the_clock_was_ahead_and_is_back_is_not_told(lived: World) -> None:
    """Neither now nor when that instant comes, nor later; and gone again, it is told again."""
    path = lived.articles / "d7.md"
    text = path.read_text()
    lived.now += timedelta(minutes=50)
    path.unlink()
    lived.regenerate()
    lived.now -= timedelta(minutes=45)
    path.write_text(text)
    lived.regenerate()
    for minutes in (0, 20, 30, 60):
        lived.now += timedelta(minutes=minutes)
        lived.regenerate()
        assert ("About d7" in lived.titles(), deleted(lived)) == (True, 0)
        assert lived.tree() == lived.rebuilt()
    path.unlink()
    lived.regenerate()
    lived.now += timedelta(minutes=11)
    lived.regenerate()
    assert deleted(lived) == 1


def test_what_came_back_while_the_clock_was_ahead_may_go_again(lived: World) -> None:
    """It is withdrawn, though its return is of a later instant, and told."""
    path = lived.articles / "d7.md"
    text = path.read_text()
    path.unlink()
    lived.regenerate()
    path.write_text(text)
    lived.now += timedelta(minutes=50)
    lived.regenerate()
    lived.now -= timedelta(minutes=45)
    path.unlink()
    lived.regenerate()
    lived.now += timedelta(minutes=11)
    lived.regenerate()
    assert ("About d7" in lived.titles(), deleted(lived)) == (False, 1)
    path.write_text(text)
    lived.regenerate()
    assert updated(lived) == lived.now
    assert deleted(lived) == 0


# A ledger ahead of the clock


@pytest.fixture
def ahead(lived: World) -> World:
    """A world that was at work under a clock far ahead: something came, went, came back, was held back before."""
    lived.document("soon", publishedDateTime=day(105))
    lived.now = datetime(2040, 1, 1, tzinfo=UTC)
    (lived.articles / "d6.md").unlink()
    kept = (lived.articles / "d7.md").rename(lived.root / "d7.md")
    lived.regenerate()
    lived.now += timedelta(days=1)
    kept.rename(lived.articles / "d7.md")
    lived.document("new", topics=["New"])
    lived.regenerate()
    lived.now = day(101)
    return lived


@pytest.mark.parametrize("rebuild", [False, True])
def test_a_clock_that_is_right_can_be_accepted(ahead: World, rebuild: bool) -> None:
    """What was remembered of later instants is of now; nothing else is lost, and time goes on from there."""
    ids = ahead.ids()
    with pytest.raises(ClockBehind):
        ahead.regenerate()
    ahead.regenerate(accept_clock=True, rebuild=rebuild)
    assert latest(ahead) == ahead.now.isoformat()
    assert ahead.tree() == ahead.rebuilt()
    titles = ahead.titles()
    assert {"About new", "About d7"} <= set(titles)
    assert not {"About d6", "About soon"} & set(titles)
    assert deleted(ahead) == 0
    assert ahead.ids().items() <= ids.items()
    assert len(ahead.titles("custom/daily")) == 7  # the days of what is left, and none to come
    ahead.now += timedelta(minutes=11)
    ahead.regenerate()
    assert deleted(ahead) == 1
    ahead.now = day(105)
    ahead.regenerate()
    assert "About soon" in ahead.titles()
    assert latest(ahead) <= ahead.now.isoformat()
    assert ahead.tree() == ahead.rebuilt()


def test_an_accepted_clock_changes_nothing_where_none_was_wrong(lived: World) -> None:
    """No feed is touched."""
    lived.now += timedelta(hours=1)
    assert lived.regenerate(accept_clock=True).changes == ()


def test_a_trial_run_accepts_nothing(ahead: World) -> None:
    """A dry one tells what would change, and the clock is as wrong as before."""
    assert ahead.regenerate(accept_clock=True, dry=True).changes
    with pytest.raises(ClockBehind):
        ahead.regenerate()


def test_an_accepted_clock_survives_a_kill_between_ledger_and_index(ahead: World) -> None:
    """What the ledger brought back is rendered again by the next run."""
    kept = {path: path.read_bytes() for path in ahead.store.glob("index.sqlite*")}
    ahead.regenerate(accept_clock=True)
    for path in ahead.store.glob("index.sqlite*"):
        path.unlink()
    for path, data in kept.items():
        path.write_bytes(data)
    ahead.regenerate()
    assert latest(ahead) == ahead.now.isoformat()
    assert ahead.tree() == ahead.rebuilt()


# Dates to come, in documents


@pytest.mark.parametrize("instant", [day(100.5), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)])
def test_an_update_to_come_is_none_yet(lived: World, instant: datetime) -> None:
    """The entry is updated when it was published, or is back; once the instant is there, it changes by itself."""
    path = lived.document("d7", publishedDateTime=day(99), topics=["AI", "T7"], updatedDateTime=instant)
    related = [{"title": "About d7", "webUrl": "https://news.example/d7"}]
    lived.document("d6", publishedDateTime=day(98), topics=["AI"], related=related)
    lived.regenerate()
    assert (updated(lived, "topics/t7"), updated(lived)) == (day(99), day(99))
    assert latest(lived) <= lived.now.isoformat()
    assert lived.tree() == lived.rebuilt()
    text = path.read_text()
    path.unlink()
    lived.regenerate()
    lived.now += timedelta(minutes=1)
    path.write_text(text)
    lived.regenerate()
    assert updated(lived, "topics/t7") == lived.now
    if instant.year < 9999:
        lived.now = day(101)
        lived.regenerate()
        assert updated(lived, "topics/t7") == instant
    assert lived.tree() == lived.rebuilt()


def test_what_was_published_wrongly_before_does_not_count(lived: World) -> None:
    """A ledger may say of a feed that it was updated in the year 9999, and of a digest."""
    before = lived.tree()
    with closing(sqlite3.connect(lived.store / LEDGER_FILE)) as connection, connection:
        wrong = "9999-12-31T00:00:00Z"
        connection.execute("UPDATE feed SET shown = json_set(shown, '$[0]', ?)", (wrong,))
        connection.execute("UPDATE digest SET updated = 253402214400000000")
    lived.regenerate(rebuild=True)
    assert lived.tree() == before


ZONES = ["UTC", "Pacific/Auckland", "America/New_York", "Pacific/Kiritimati"]
DATES = [
    "0001-01-01T00:00:00+14:00",
    "0001-01-01T00:00:00Z",
    "0001-01-01T23:00:00+14:00",
    "0001-01-01",
    "0001-12-31T23:59:59-12:00",
    "0099-02-28",
    "1969-12-31T23:59:59Z",
    "9999-12-31T23:59:59-12:00",
    "9999-12-31T23:59:59.999999Z",
    "9999-12-31",
    "9999-01-01T00:00:00+14:00",
]


@pytest.mark.parametrize("timezone", ZONES)
def test_no_date_of_a_document_stops_anything(lived: World, timezone: str) -> None:
    """Each is shown, held back or told; the tree is what a rebuild gives."""
    lived.options["timezone"] = timezone
    for number, date in enumerate(DATES):
        lived.document(f"far{number}", publishedDateTime=date, topics=["Far", f"F{number}"])
        lived.document(f"fresh{number}", updatedDateTime=date, topics=["Fresh"])
        listed = [{"title": "Listed", "webUrl": f"https://news.example/l{number}", "publishedDateTime": date}]
        lived.document(f"lists{number}", related=listed)
    for related in ("attach", "expand", "collapse"):
        lived.options["related"] = related
        report = lived.regenerate()
        assert (report.healthy, report.feeds.failed) == (True, 0)
        assert latest(lived) <= lived.now.isoformat()
        assert lived.tree() == lived.rebuilt()


# The command, and the daemon


@pytest.mark.parametrize("at", ["0001-01-01", "1969-12-31T23:59:59Z", "9900-01-01", "9999-12-31T23:59:59.999999Z"])
def test_a_time_that_nothing_can_be_counted_from_is_refused(site: Site, at: str) -> None:
    """With what is expected instead."""
    done = site.run("--at", at)
    assert done.status == 2
    assert f"{at}: expected a time in the years 1970 to 9899" in " ".join(done.err.split())


@pytest.mark.parametrize("at", ["1970-01-01", "9899-12-31T23:59:59.999999Z"])
def test_the_first_and_the_last_time_will_do(site: Site, at: str) -> None:
    """With all that counts durations from now."""
    feeds = {
        "archives": True,
        "keep": "36525d",
        "custom": [
            {"name": "day", "title": "Day", "digest": "daily"},
            {"name": "old", "title": "Old", "where": {"age": {"over": "10d"}}, "age": "36525d"},
        ],
    }
    site.configure(feeds=feeds)
    site.document("then", publishedDateTime=at)
    assert site.run("--at", at).status == 0
    (site.articles / "then.md").unlink()
    assert site.run("--at", at).status == 0


def test_a_run_under_a_clock_that_is_behind_ends_with_3(site: Site) -> None:
    """And says what to do, which helps."""
    needs("faketime")
    before = faked(site, datetime(2026, 6, 1, tzinfo=UTC))
    assert site.run(env=environment(**before)).status == 0
    set_clock(site, datetime(1970, 1, 2, tzinfo=UTC))
    done = site.run(env=environment(**before))
    assert (done.status, done.out) == (3, "")
    assert "nothing is published; set the clock, or if it is right, run `aggregator regenerate --accept-" in done.err
    assert site.run("--accept-clock", env=environment(**before)).status == 0
    assert site.run(env=environment(**before)).status == 0


def test_a_daemon_under_a_clock_that_is_behind_waits_until_it_is_right(site: Site) -> None:
    """Unhealthy, with the reason, which who asks gets too; then what changed meanwhile is published at once."""
    needs("faketime")
    right = datetime(2026, 6, 1, 12, tzinfo=UTC)
    site.configure(watch=QUICK)
    environ = faked(site, right)
    reason = "the clock says 1970-01-02"
    with Daemon(site, environ=environ) as daemon:
        assert shows(site, "About a")
        set_clock(site, datetime(1970, 1, 2, tzinfo=UTC))
        daemon.wait(lambda status: not status["healthy"], "the refusal")
        drop_in(site, "b", publishedDateTime=day(2))
        status = daemon.wait(lambda status: not status["queue"] and not status["healthy"], "the refusal of a change")
        assert reason in " ".join(status["troubles"])
        assert shows(site, "About a")
        done = site.run(env=environment(**environ))
        assert done.status == 3
        assert reason in done.err
        set_clock(site, right + timedelta(minutes=1))
        well(daemon)
        until(lambda: shows(site, "About a", "About b"), "what came meanwhile")


def test_a_daemon_can_be_told_that_its_clock_is_right(site: Site) -> None:
    """It goes on under it."""
    needs("faketime")
    site.configure(watch=QUICK)
    environ = faked(site, datetime(2040, 1, 1, tzinfo=UTC))
    with Daemon(site, environ=environ) as daemon:
        set_clock(site, datetime(2026, 6, 1, tzinfo=UTC))
        daemon.wait(lambda status: not status["healthy"], "the refusal")
        assert site.run("--accept-clock", env=environment(**environ)).status == 0
        well(daemon)
        drop_in(site, "b", publishedDateTime=day(2))
        until(lambda: shows(site, "About a", "About b"), "a change after it")


def test_a_daemon_goes_on_with_updates_far_to_come(site: Site) -> None:
    """Its timer for the year 9999 harms nothing."""
    with running(site) as daemon:
        drop_in(site, "far", updatedDateTime="9999-12-31T23:59:59.999999Z", publishedDateTime=day(2))
        drop_in(site, "farther", publishedDateTime="9999-12-31T23:59:59.999999Z")
        until(lambda: shows(site, "About a", "About far"), "the change")
        status = daemon.wait(lambda status: "due all" in str(status["next"]), "the timer")
        assert status["healthy"]
        drop_in(site, "after", publishedDateTime=day(2))
        until(lambda: "About after" in site.titles(), "a change after it")
        assert not daemon.logged("Traceback")
