"""Timers: as crontab(5) says, in the right zone, never dropped, and told when they fail."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest

from aggregator.scheduler import Timers, crontab, rang

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


# A year of each, with whatever its clocks do: nothing, changes by day, at midnight, by half an hour, in the month of
# fasting, and a whole day that is left out.
YEARS = [
    ("UTC", 2026), ("Asia/Kolkata", 2026), ("Europe/Berlin", 2027), ("America/New_York", 2027), ("Africa/Cairo", 2027),
    ("America/Santiago", 2026), ("America/Havana", 2026), ("Asia/Beirut", 2026), ("Australia/Lord_Howe", 2026),
    ("Africa/Casablanca", 2026), ("America/Sao_Paulo", 2018), ("Asia/Tehran", 2021), ("Pacific/Apia", 2011),
    ("Europe/Dublin", 2026), ("America/St_Johns", 2010), ("Antarctica/Troll", 2026), ("Asia/Gaza", 2025),
]  # fmt: skip
EXPRESSIONS = [
    "0 0 * * *", "0 0 1 * *", "0 0 * * mon", "15 0 * * sun", "59 23 * * *", "30 2 * * *", "*/20 2 * * *", "0 1 * * *",
    "5 1,3 * * *", "0 7 * * mon-fri", "45 1-3 * * 6,0", "0 0 31 * *", "0 0 29 2 *", "0 12 15 mar,oct *",
    "10 0 1,15 * fri", "*/50 23,0 * * *", "0 */6 * * *", "17 * * * *", "30 0 30 12 *", "40 0-4/2 */5 4-10 *",
    "15 2 24-31 3,10 7", "20,50 0 * 9-11 *",
]  # fmt: skip
NAMES = {
    3: ["", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    4: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
}
BOUNDS = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)]
MINUTE = timedelta(minutes=1)


class Piece(NamedTuple):
    """Some minutes: when they begin, what a clock on the wall shows then, and how many they are."""

    begin: datetime
    shown: datetime
    minutes: int


@cache
def pieces(zone: str, year: int) -> list[Piece]:
    """A year of a zone, and before it goes on after a gap, what clocks would have shown that weren't put forward."""
    there = ZoneInfo(zone)
    found: list[Piece] = []
    begin = datetime(year, 1, 1, tzinfo=UTC)
    while begin.year == year:
        shown = begin.astimezone(there).replace(tzinfo=None)
        offsets = {(begin + MINUTE * minute).astimezone(there).utcoffset() for minute in (-1, 0, 59)}
        length = 60 - shown.minute if len(offsets) == 1 else 1
        late = begin
        while found and (missing := found[-1].shown + found[-1].minutes * MINUTE) < shown:
            found.append(Piece(late, missing, 1))
            late += MINUTE
        found.append(Piece(begin, shown, length))
        begin += length * MINUTE
    return found


def numbers(field: int, written: str) -> set[int]:
    """The numbers that a field of a crontab allows."""
    first, last = BOUNDS[field]
    allowed: set[int] = set()
    for part in written.split(","):
        span, _, step = part.partition("/")
        low, _, high = span.partition("-")
        if span == "*":
            allowed.update(range(first, last + 1, int(step or 1)))
            continue
        names = NAMES.get(field, [])
        ends = [names.index(end) if end in names else int(end) for end in (low, high or low)]
        allowed.update(range(ends[0], ends[1] + 1, int(step or 1)))
    return allowed


def _within(shown: datetime, length: int) -> set[int]:
    """The minutes of the hour that a piece has, which are all of one hour."""
    return set(range(shown.minute, shown.minute + length))


def reckoned(expression: str, zone: str, year: int) -> list[datetime]:
    """All instants of a year that a crontab names, minute by minute."""
    fields = expression.split()
    minutes, hours, days, months, weekdays = (numbers(number, field) for number, field in enumerate(fields))
    weekdays = {number % 7 for number in weekdays}
    either = "*" not in (fields[2][0], fields[4][0])
    found: set[datetime] = set()
    for begin, shown, length in pieces(zone, year):
        if shown.hour not in hours or shown.month not in months:
            continue
        is_day, is_weekday = shown.day in days, shown.isoweekday() % 7 in weekdays
        if (is_day or is_weekday) if either else (is_day and is_weekday):
            found.update(begin + MINUTE * (minute - shown.minute) for minute in minutes & _within(shown, length))
    return sorted(found)


def chain(expression: str, zone: str, first: datetime, last: datetime) -> list[datetime]:
    """What a trigger gives from one instant to another when it is asked as APScheduler does."""
    trigger = crontab(expression, zone)
    found: list[datetime] = []
    previous, now = None, first
    while (previous := trigger.get_next_fire_time(previous, now)) is not None and previous <= last:
        now = previous.astimezone(UTC)
        found.append(now)
    return found


@pytest.mark.parametrize(("zone", "year"), YEARS)
def test_a_year_of_a_crontab_is_what_it_is_minute_by_minute(zone: str, year: int) -> None:
    """Nothing is lost and nothing comes twice, whatever clocks do there, and wherever the chain begins."""
    first, last = datetime(year, 1, 3, tzinfo=UTC), datetime(year, 12, 31, 23, 59, tzinfo=UTC)
    for expression in EXPRESSIONS:
        expected = [instant for instant in reckoned(expression, zone, year) if first <= instant <= last]
        assert chain(expression, zone, first, last) == expected, expression
        if expression not in EXPRESSIONS[:4]:
            continue
        for before, instant in pairwise(expected):
            assert not rang(expression, zone, before, instant - timedelta(seconds=1)), (expression, before)
            assert rang(expression, zone, before, instant), (expression, before)


@pytest.mark.parametrize(
    ("zone", "turn"),
    [
        ("Europe/Berlin", "2027-03-28"), ("Europe/Berlin", "2027-10-31"), ("Australia/Lord_Howe", "2026-10-03"),
        ("Australia/Lord_Howe", "2026-04-04"), ("America/Havana", "2026-11-01"), ("America/Santiago", "2026-09-06"),
        ("Asia/Beirut", "2026-10-24"), ("America/St_Johns", "2010-11-07"),
    ],
)  # fmt: skip
def test_each_minute_around_a_change_of_clocks_comes_once(zone: str, turn: str) -> None:
    """Also from the midst of it: what is next is the same from each minute on."""
    middle = datetime.fromisoformat(turn).replace(tzinfo=UTC)
    first, last = middle - timedelta(hours=6), middle + timedelta(hours=18)
    assert chain("* * * * *", zone, first, last) == [first + MINUTE * number for number in range(24 * 60 + 1)]
    for expression in ("*/25 * * * *", "20,50 0-3 * * *", "10 0 * * *"):
        named = [instant for instant in reckoned(expression, zone, middle.year) if first <= instant]
        trigger = crontab(expression, zone)
        for minute in range(0, 24 * 60, 7):
            now = first + timedelta(minutes=minute, seconds=30)
            following = min((instant for instant in named if instant > now), default=None)
            if following:
                assert trigger.get_next_fire_time(None, now) == following


def test_what_a_trigger_gives_is_in_its_zone() -> None:
    """As people there would say it; the hour that a month begins with is not passed over after a change of clocks."""
    april = crontab("0 0 1 * *", "Europe/Berlin").get_next_fire_time(None, datetime(2027, 3, 2, tzinfo=UTC))
    assert april.isoformat() == "2027-04-01T00:00:00+02:00"
    monday = datetime(2027, 3, 22, 12, tzinfo=UTC)
    assert rang("0 0 * * mon", "Europe/Berlin", monday, monday + timedelta(days=7))


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
