"""Months, weeks and days as they are in the site's time zone: periods that begin at a midnight there."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache
from typing import NamedTuple

from aggregator.text.dates import local, midnight, zone_named

_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class Period(NamedTuple):
    """The time from `start` on and before `end`, which are midnights; `name` is its day or days, or its month."""

    start: datetime
    end: datetime
    name: str


def month_of(instant: datetime, timezone: str) -> int:
    """The month that an instant is in, such as 202611."""
    day = local(instant, zone_named(timezone)).date()
    month = day.year * 100 + day.month
    period = month_period(month, timezone)
    # A clock that is put back behind midnight has instants of the new month before the last ones of the old.
    if instant < period.start:
        return _moved(month, -1)
    return month if instant < period.end else _moved(month, 1)


@lru_cache(1000)
def month_period(month: int, timezone: str) -> Period:
    """A month, such as 202611: from its first day's midnight to the next one's; by name `2026-11`."""
    return Period(_month_start(month, timezone), _month_start(_moved(month, 1), timezone), month_name(month))


def month_name(month: int) -> str:
    """A month such as 202611 as `2026-11`."""
    return f"{month // 100:04}-{month % 100:02}"


def day_of(instant: datetime, timezone: str) -> Period:
    """The day that an instant is in, by name `2026-11-24`."""
    day = _day(instant, timezone)
    return Period(_midnight(day, timezone), _midnight(_later(day, 1), timezone), day.isoformat())


def week_of(instant: datetime, timezone: str) -> Period:
    """The week that an instant is in, Monday to Sunday (ISO 8601), by name `2026-11-23 – 2026-11-29`."""
    day = _day(instant, timezone)
    monday = _later(day, -day.weekday())
    sunday = _later(monday, 6)
    return Period(_midnight(monday, timezone), _midnight(_later(monday, 7), timezone), f"{monday} – {sunday}")


def _day(instant: datetime, timezone: str) -> date:
    """The day that an instant is in, by the midnights around it."""
    day = local(instant, zone_named(timezone)).date()
    return _later(day, -1) if instant < _midnight(day, timezone) else day


def _later(day: date, days: int) -> date:
    """The day that many days later, as far as there are days."""
    return date.fromordinal(min(max(day.toordinal() + days, date.min.toordinal()), date.max.toordinal()))


def _moved(month: int, months: int) -> int:
    """The month that many months later."""
    year, place = divmod(month // 100 * 12 + month % 100 - 1 + months, 12)
    return year * 100 + place + 1


def _month_start(month: int, timezone: str) -> datetime:
    year, number = divmod(month, 100)
    if not date.min.year <= year <= date.max.year:
        return _FIRST if year < date.min.year else _LAST
    return _midnight(date(year, number, 1), timezone)


def _midnight(day: date, timezone: str) -> datetime:
    return midnight(day, zone_named(timezone))
