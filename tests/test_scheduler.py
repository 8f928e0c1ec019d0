"""Timers: as crontab(5) says, in the right zone, never dropped, and told when they fail."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aggregator.scheduler import Timers, crontab

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
CEILING = 10


def following(expression: str, after: datetime, count: int, zone: str = "UTC") -> list[str]:
    """The next instants of a crontab, in UTC."""
    trigger, found, last = crontab(expression, zone), [], None
    for _ in range(count):
        last = trigger.get_next_fire_time(last, after)
        after = last.astimezone(UTC) + timedelta(seconds=1)
        found.append(last.astimezone(UTC).strftime("%a %d %b %H:%M"))
    return found


@pytest.mark.parametrize(
    ("expression", "instants"),
    [
        ("0 7 * * *", ["Mon 02 Mar 07:00", "Tue 03 Mar 07:00"]),
        ("*/20 6 * * *", ["Mon 02 Mar 06:00", "Mon 02 Mar 06:20", "Mon 02 Mar 06:40", "Tue 03 Mar 06:00"]),
        ("0 7 * * 0", ["Sun 08 Mar 07:00"]),
        ("0 7 * * 7", ["Sun 08 Mar 07:00"]),
        ("0 7 * * 1", ["Mon 02 Mar 07:00", "Mon 09 Mar 07:00"]),
        ("0 7 * * 6,0", ["Sat 07 Mar 07:00", "Sun 08 Mar 07:00"]),
        ("0 7 * * 5-7", ["Fri 06 Mar 07:00", "Sat 07 Mar 07:00", "Sun 08 Mar 07:00", "Fri 13 Mar 07:00"]),
        ("0 7 * * MON-fri/2", ["Mon 02 Mar 07:00", "Wed 04 Mar 07:00", "Fri 06 Mar 07:00", "Mon 09 Mar 07:00"]),
        ("0 7 * * 2/2", ["Tue 03 Mar 07:00", "Thu 05 Mar 07:00", "Sat 07 Mar 07:00", "Tue 10 Mar 07:00"]),
        ("0 7 10 * mon", ["Mon 02 Mar 07:00", "Mon 09 Mar 07:00", "Tue 10 Mar 07:00", "Mon 16 Mar 07:00"]),
        ("0 7 1 jan *", ["Fri 01 Jan 07:00"]),
        ("0 0 29 2 *", ["Tue 29 Feb 00:00"]),
    ],
)
def test_five_fields_mean_what_crontab_says(expression: str, instants: list[str]) -> None:
    """Weekdays from Sunday, which is 0 and 7; a day of the month or one of the week will do where both are named."""
    assert following(expression, MONDAY, len(instants)) == instants


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0 7 * *", "five fields"), ("", "five fields"), ("@daily", "five fields"), ("0 7 * * * *", "five fields"),
        ("60 7 * * *", "five fields as in crontab"), ("0 7 * * 8", "a weekday from 0"),
        ("0 7 * * fri-mon", "a weekday"),
        ("0 7 * * mond", "a weekday from 0"), ("0 7 * * 1/0", "a weekday from 0"), ("0 7 30 2 *", "a day that comes"),
    ],
)  # fmt: skip
def test_a_wrong_crontab_says_what_was_expected(expression: str, expected: str) -> None:
    """In words that fit behind `expected`."""
    with pytest.raises(ValueError, match=expected):
        crontab(expression, "UTC")


def test_hours_are_those_of_the_zone_through_the_year() -> None:
    """Half past two in Berlin: once where the clocks jump over it, twice where they repeat it, and at seven always."""
    spring = datetime(2026, 3, 28, 12, tzinfo=UTC)
    autumn = datetime(2026, 10, 24, 12, tzinfo=UTC)
    berlin = "Europe/Berlin"
    assert following("30 2 * * *", spring, 2, berlin) == ["Sun 29 Mar 01:30", "Mon 30 Mar 00:30"]
    assert following("30 2 * * *", autumn, 3, berlin) == ["Sun 25 Oct 00:30", "Sun 25 Oct 01:30", "Mon 26 Oct 01:30"]
    assert following("0 7 * * *", spring, 2, berlin) == ["Sun 29 Mar 05:00", "Mon 30 Mar 05:00"]
    assert following("0 7 * * *", autumn, 2, berlin) == ["Sun 25 Oct 06:00", "Mon 26 Oct 06:00"]


class Bell:
    """Timers, and what they rang."""

    def __init__(self) -> None:
        self.rung: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.timers = Timers(self.rung.put)
        self.timers.start()

    def next(self) -> str:
        return self.rung.get(timeout=CEILING)


@pytest.fixture
def bell() -> Iterator[Bell]:
    bell = Bell()
    yield bell
    bell.timers.stop()


def test_a_timer_that_is_hours_late_rings_once(bell: Bell) -> None:
    """It isn't dropped, as APScheduler does with what is more than a second late."""
    bell.timers.at("late", datetime.now(UTC) - timedelta(hours=5))
    bell.timers.at("later", datetime.now(UTC) + timedelta(seconds=0.2))
    assert [bell.next(), bell.next()] == ["late", "later"]
    assert bell.rung.empty()


def test_a_timer_set_again_takes_the_place_of_the_first(bell: Bell) -> None:
    """One of a name: earlier or later, or never."""
    soon, far = datetime.now(UTC) + timedelta(seconds=0.3), datetime.now(UTC) + timedelta(days=1)
    bell.timers.at("a", far)
    bell.timers.at("a", soon)
    bell.timers.at("b", soon)
    bell.timers.at("b", None)
    bell.timers.at("b", None)
    assert bell.next() == "a"
    bell.timers.at("c", datetime.now(UTC))
    assert bell.next() == "c"


def test_a_period_rings_again_and_again(bell: Bell) -> None:
    """The first time after one period."""
    bell.timers.every("beat", timedelta(seconds=0.2))
    assert [bell.next() for _ in range(3)] == ["beat"] * 3


def test_what_is_to_come_is_told_in_order(bell: Bell) -> None:
    """In UTC, by the instant and then by name."""
    now = datetime.now(UTC)
    bell.timers.every("hourly", timedelta(hours=1))
    bell.timers.at("soon", now + timedelta(minutes=5))
    bell.timers.at("at once too", now + timedelta(minutes=5))
    bell.timers.cron("never", "0 0 29 2 *", "Europe/Berlin")
    assert [name for name, _ in bell.timers.upcoming()] == ["at once too", "soon", "hourly", "never"]
    assert bell.timers.upcoming()[0][1] == now + timedelta(minutes=5)
    assert str(bell.timers.upcoming()[-1][1]).startswith("2028-02-28 23:00:00+00:00")
    bell.timers.clear()
    assert bell.timers.upcoming() == []


def test_a_ring_that_fails_is_told_and_the_timer_goes_on() -> None:
    """Once asked, the trouble is over until it comes again."""
    rung = threading.Semaphore(0)

    def ring(name: str) -> None:
        rung.release()
        raise RuntimeError("no bell")

    timers = Timers(ring)
    timers.start()
    try:
        timers.every("beat", timedelta(seconds=0.1))
        assert rung.acquire(timeout=CEILING)
        assert rung.acquire(timeout=CEILING)  # by now the first failure has been told
        assert "the timer beat failed: no bell" in timers.trouble
    finally:
        timers.stop()


def test_after_a_reset_a_period_begins_anew(bell: Bell) -> None:
    """As if the clock had been set back: the time that the timer waited for may be far away."""
    bell.timers.every("beat", timedelta(hours=1))
    job: Any = bell.timers._scheduler.get_job("beat")
    job.trigger.start_date += timedelta(days=30)
    job.modify(next_run_time=job.trigger.start_date)
    bell.timers.cron("cron", "* * * * *", "UTC")
    job = bell.timers._scheduler.get_job("cron")
    job.modify(next_run_time=datetime.now(UTC) + timedelta(days=30))
    bell.timers.reset()
    now = datetime.now(UTC)
    assert all(at <= now + timedelta(hours=1) for _, at in bell.timers.upcoming())
    assert len(bell.timers.upcoming()) == 2


def test_stopping_ends_the_threads() -> None:
    """Fifty times over."""
    before = threading.active_count()
    for _ in range(50):
        bell = Bell()
        bell.timers.at("a", datetime.now(UTC))
        assert bell.next() == "a"
        bell.timers.stop()
    for thread in threading.enumerate():
        if thread.name.startswith(("APScheduler", "ThreadPoolExecutor")):
            thread.join(CEILING)
    assert threading.active_count() <= before
