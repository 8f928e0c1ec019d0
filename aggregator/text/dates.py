"""Instants, as documents write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache
from typing import TYPE_CHECKING

from aggregator.text.plain import quoted

if TYPE_CHECKING:
    from dateutil.parser import parser

_IN_NAME = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?![0-9])")
_LONGEST = 100
# The names that RFC 822 (section 5.1) gives meaning to, in hours. Any other may mean several zones.
_ZONES = {"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7}
# `20:47 GMT+0100 (Central European Standard Time)`, as JavaScript has it: dateutil would turn the sign.
_ZONE_NAME = re.compile(r"(?<=[+-][0-9]{4})\s*\([^()]*\)$")
_GMT = re.compile(r"(?:GMT|UTC)(?=[+-][0-9])")
# Two days that differ in year, month and day: what one of them fills in was missing from the text.
_ONE_DAY, _ANOTHER = datetime(2000, 1, 1, tzinfo=None), datetime(2004, 2, 2, tzinfo=None)  # noqa: DTZ001


def instant(text: str) -> datetime:
    """The instant in UTC that the text names, most often in ISO 8601; without a zone it is in UTC.

    Raises ValueError where the text isn't a whole date (year, month and day) in the years 1 to 9999.
    """
    text = text.strip()
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = _odd(text)
    if found.tzinfo is None:
        return found.replace(tzinfo=UTC)
    try:
        return found.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{quoted(text)} is outside the years 1 to 9999") from error


def date_in_name(name: str) -> datetime | None:
    """Midnight UTC of the day that a file's name starts with (`2023-02-28-title.md`), None without one."""
    found = _IN_NAME.match(name)
    if not found:
        return None
    try:
        return datetime(*map(int, found.groups()), tzinfo=UTC)  # type: ignore[arg-type,misc]
    except ValueError:
        return None


def _odd(text: str) -> datetime:
    message = f"{quoted(text)} is no date, expected one such as 2023-02-28T20:47:00Z"
    if len(text) > _LONGEST:
        raise ValueError(message)
    cleaned = _GMT.sub("", _ZONE_NAME.sub("", text))
    try:
        found, other = (_parser().parse(cleaned, default=day, tzinfos=_zone) for day in (_ONE_DAY, _ANOTHER))
    except Exception as error:  # dateutil lets all sorts of errors through
        raise ValueError(message) from error
    if found != other:
        raise ValueError(f"{quoted(text)} is part of a date, expected one such as 2023-02-28T20:47:00Z")
    return found


@cache
def _parser() -> parser:
    from dateutil.parser import parser, parserinfo

    class FourDigitYears(parserinfo):
        def convertyear(self, year: int, century_specified: bool = False) -> int:
            """Refuse a year of two digits: dateutil would ask the clock for the century."""
            if year < 100 and not century_specified:
                raise ValueError("a year of two digits")
            return year

    return parser(FourDigitYears())


def _zone(name: str | None, offset: int | None) -> tzinfo | None:
    if offset is not None:
        return timezone(timedelta(seconds=offset))
    return timezone(timedelta(hours=_ZONES[name])) if name else None


def local(moment: datetime, zone: tzinfo) -> datetime:
    """The instant in a time zone; as it is within a day of the first or the last instant that there is."""
    try:
        return moment.astimezone(zone)
    except OverflowError:
        return moment
