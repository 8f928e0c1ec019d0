"""Days, weeks and months of the site's time zone: what follows one another, and what each instant is in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aggregator.feeds import Period, day_of, month_name, month_of, month_period, week_of


def of_month(instant: datetime, timezone: str) -> Period:
    """The month that an instant is in, as a period."""
    return month_period(month_of(instant, timezone), timezone)


LONGEST: dict[Callable[[datetime, str], Period], timedelta] = {
    day_of: timedelta(days=2),
    week_of: timedelta(days=8),
    of_month: timedelta(days=32),
}
PERIODS = sorted(LONGEST, key=LONGEST.__getitem__)
DAY, MICROSECOND = timedelta(days=1), timedelta(microseconds=1)

# Whose clocks went forward or back at midnight, or left a whole day out, or had one twice.
ODD = (
    "Africa/Cairo",
    "America/Havana",
    "America/Juneau",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Manila",
    "Asia/Tehran",
    "Atlantic/Azores",
    "Pacific/Apia",
    "Pacific/Auckland",
    "Pacific/Kwajalein",
)
timezones = st.sampled_from(ODD) | st.sampled_from(sorted(available_timezones() - {"localtime"}))
instants = st.one_of(
    *(
        st.datetimes(first.replace(tzinfo=None), last.replace(tzinfo=None), timezones=st.just(UTC))
        for first, last in (
            (datetime(1840, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)),
            (datetime(1, 1, 12, tzinfo=UTC), datetime(9999, 12, 20, tzinfo=UTC)),
        )
    )
)


def turns(timezone: str) -> list[datetime]:
    """When clocks were changed there, to the hour, since 1840."""
    zone, hour = ZoneInfo(timezone), timedelta(hours=1)
    found, instant = [], datetime(1840, 1, 1, tzinfo=UTC)
    while instant.year < 2040:
        if instant.astimezone(zone).utcoffset() != (instant + DAY).astimezone(zone).utcoffset():
            found += [instant + hour * number for number in range(25)]
        instant += DAY
    return found


@pytest.mark.parametrize("period_of", PERIODS)
@given(instant=instants, timezone=timezones)
@example(datetime(2011, 12, 30, 10, tzinfo=UTC), "Pacific/Apia")
@example(datetime(2018, 11, 4, 3, tzinfo=UTC), "America/Sao_Paulo")
@example(datetime(1987, 10, 25, 2, 15, tzinfo=UTC), "America/St_Johns")
def test_every_instant_is_in_the_period_that_names_it(
    period_of: Callable[[datetime, str], Period], instant: datetime, timezone: str
) -> None:
    """And so are the first of it and the last; it is no longer than such periods are, whatever clocks did."""
    period = period_of(instant, timezone)
    assert period.start <= instant < period.end
    assert period_of(period.start, timezone) == period_of(period.end - MICROSECOND, timezone) == period
    assert period.end - period.start <= LONGEST[period_of]


@pytest.mark.parametrize("period_of", PERIODS)
@given(instant=instants, timezone=timezones)
def test_periods_follow_each_other_without_gap(
    period_of: Callable[[datetime, str], Period], instant: datetime, timezone: str
) -> None:
    """Where one ends the next begins, and by their names they are in the same order."""
    period = period_of(instant, timezone)
    following, before = period_of(period.end, timezone), period_of(period.start - MICROSECOND, timezone)
    assert (before.end, following.start) == (period.start, period.end)
    assert before.name < period.name < following.name


@pytest.mark.parametrize("timezone", ODD)
@pytest.mark.parametrize("period_of", PERIODS)
def test_no_change_of_clocks_breaks_the_row(period_of: Callable[[datetime, str], Period], timezone: str) -> None:
    """At each hour of each day on which clocks were ever changed."""
    for instant in turns(timezone):
        period = period_of(instant, timezone)
        assert period.start <= instant < period.end, instant
        assert period_of(period.end, timezone).start == period.end, instant
        assert period_of(period.start - MICROSECOND, timezone).end == period.start, instant


@given(instant=instants, timezone=timezones)
def test_days_fill_weeks_and_months(instant: datetime, timezone: str) -> None:
    """Each begins where one of its days does."""
    day, week, month = day_of(instant, timezone), week_of(instant, timezone), of_month(instant, timezone)
    assert week.start <= day.start < day.end <= week.end
    assert month.start <= day.start < day.end <= month.end
    assert week.name[:10] <= day.name <= week.name[-10:]
    assert day.name[:-3] == month.name == month_name(month_of(instant, timezone))
    for period in (week, month):
        assert day_of(period.start, timezone).start == period.start


@pytest.mark.parametrize(
    ("timezone", "name", "start", "end"),
    [
        ("UTC", "2026-06-09", "2026-06-09T00:00", "2026-06-10T00:00"),
        ("Pacific/Auckland", "2026-06-09", "2026-06-08T12:00", "2026-06-09T12:00"),
        ("Europe/Berlin", "2026-03-29", "2026-03-28T23:00", "2026-03-29T22:00"),  # an hour short
        ("Europe/Berlin", "2026-10-25", "2026-10-24T22:00", "2026-10-25T23:00"),  # an hour long
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00", "2018-11-05T02:00"),  # it begins at one o'clock
        ("America/Havana", "2025-11-02", "2025-11-02T05:00", "2025-11-03T05:00"),  # its midnight comes twice
        ("Pacific/Apia", "2011-12-29", "2011-12-29T10:00", "2011-12-30T10:00"),  # the next day was left out
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00", "2011-12-31T10:00"),
    ],
)
def test_days_are_those_of_the_time_zone(timezone: str, name: str, start: str, end: str) -> None:
    """From midnight to midnight, where there is one."""
    first, last = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (start, end))
    assert day_of(first, timezone) == (first, last, name)


def test_a_week_goes_from_monday_to_sunday() -> None:
    """Also over the end of a year."""
    period = week_of(datetime(2027, 1, 1, 12, tzinfo=UTC), "UTC")
    assert period == (datetime(2026, 12, 28, tzinfo=UTC), datetime(2027, 1, 4, tzinfo=UTC), "2026-12-28 – 2027-01-03")


@pytest.mark.parametrize("timezone", ["UTC", *ODD])
def test_the_first_and_the_last_instant_there_is_are_in_a_month(timezone: str) -> None:
    """Also where the calendar has no such day: some programs date what has no date 0001-01-01."""
    for instant in (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC) - MICROSECOND):
        period = of_month(instant, timezone)
        assert period.start <= instant < period.end
