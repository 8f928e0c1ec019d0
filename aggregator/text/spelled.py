"""Dates as people and programs spell them, beyond ISO 8601: read as what they must mean, or refused.

    text ── tokens ──▶ days, times, zones ── put together ──▶ datetime

Nothing is guessed: a text that isn't understood as a whole is refused, and so is a day that may be two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from functools import cache
from typing import NamedTuple

from aggregator.text.plain import quoted

_LONGEST = 100  # characters
_EXPECTED = "expected one such as 2023-02-28T20:47:00Z"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# The names that RFC 822 (section 5.1) gives meaning to, in hours. Any other may mean several zones.
_ZONES = {
    "Z": 0, "UT": 0, "UTC": 0, "GMT": 0,
    "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
}  # fmt: skip

_YEAR = r"(?P<year>[0-9]{4})(?![0-9])"
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:t|tember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)(?![a-z])\.?"
)
_DAY = r"(?P<day>[0-9]{1,2})(?![0-9:])(?:st|nd|rd|th|\.)?"
_GAP = r"\s*[\s,/.-]\s*"
_SECONDS = r"(?P<second>[0-9]{2}(?:[.,][0-9]{1,9})?)"
_HALF = r"(?P<half>[ap])\.?m\b\.?"
_OFFSET = r"(?P<offset>[+-][0-9]{1,2}(?::?[0-9]{2})?)(?![0-9:./-])"
_NAME = f"(?P<name>{'|'.join(_ZONES)})"

# What a text consists of, as (kind, pattern); the first that fits counts.
_KINDS = (
    ("day", r"(?P<year>[0-9]{4})(?P<gap>[-/.:])(?P<month>[0-9]{1,2})(?P=gap)(?P<day>[0-9]{1,2})(?![0-9])"),
    ("day", r"(?P<day>[0-9]{1,2})\.\s?(?P<month>[0-9]{1,2})\.\s?" + _YEAR),
    ("either", r"(?P<one>[0-9]{1,2})(?P<gap>[-/])(?P<other>[0-9]{1,2})(?P=gap)" + _YEAR),
    ("day", rf"{_DAY}(?:\s+of\b)?(?:{_GAP})?{_MONTH}(?:{_GAP}{_YEAR})?"),
    ("day", rf"{_MONTH}(?:{_GAP})?{_DAY}(?:{_GAP}{_YEAR})?"),
    ("day", rf"{_YEAR}{_GAP}{_MONTH}{_GAP}{_DAY}"),
    ("day", r"(?P<year>[0-9]{4})(?P<month>[0-9]{2})(?P<day>[0-9]{2})(?=(?:[0-9]{4}|[0-9]{6})?(?![0-9]))"),
    ("time", rf"T?(?P<hour>[0-9]{{1,2}}):(?P<minute>[0-9]{{2}})(?::{_SECONDS})?(?![0-9:])(?:\s*{_HALF})?"),
    ("time", rf"(?P<hour>[0-9]{{1,2}})\s*{_HALF}"),
    ("time", rf"T(?P<hour>[0-9]{{2}})(?:(?P<minute>[0-9]{{2}}){_SECONDS}?)?(?![0-9:])"),
    ("time", rf"(?<=[0-9]{{8}})(?:\s(?=[0-9]{{6}}))?(?P<hour>[0-9]{{2}})(?P<minute>[0-9]{{2}}){_SECONDS}?(?![0-9:])"),
    ("zone", rf"{_NAME}(?:(?![a-z0-9])|(?=[+-]))(?:\s*{_OFFSET})?"),
    # Behind the offset, some programs tell which zone it is of.
    ("offset", rf"{_OFFSET}(?:\s+(?:{_NAME}|(?-i:[A-Z]{{3,5}}))\b(?!\s*[+-][0-9]))?"),
    ("remark", r"\([^()]*\)|\[[\w/+=!-]+\]"),
    ("weekday", r"(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?(?![a-z])\.?"),
    ("part", r"[0-9]{4}[-/][0-9]{1,2}(?![0-9])|[0-9]{1,2}[-/][0-9]{4}(?![0-9])"),
    ("year", _YEAR),
    ("part", rf"[0-9]{{1,2}}(?![0-9a-z])|{_MONTH}"),
    # A server's log has a colon between day and time: `28/Feb/2023:20:47:00`.
    ("blank", r"[\s,;]+(?:[-|@\u2013\u2014\u00b7]\s+)?|(?:at|on|the|uhr)\b|:(?=[0-9]{2}:[0-9]{2}:)"),
)


class _Token(NamedTuple):
    kind: str
    said: dict[str, str | None]


class _Unclear(Exception):
    """Raised where a text says what can't be, or two things at once."""


def no_date(text: str) -> ValueError:
    """What to raise for a text that is no date."""
    return ValueError(f"{quoted(text)} is no date, {_EXPECTED}")


def spelled(text: str) -> datetime:
    """The date that a text spells, and its time, 0 o'clock without one; in no zone where none is named.

    Raises ValueError with what is wrong: it is no date, a part of one, or may be two.
    """
    if not 0 < len(text) <= _LONGEST:
        raise no_date(text)
    try:
        tokens = list(_tokens(text.replace("\u2212", "-")))
        day, clock, zone = _day(tokens, text), _clock(tokens), _zone(tokens)
        if day:
            return datetime(*day, tzinfo=zone) + clock
    except (_Unclear, OverflowError) as error:
        raise no_date(text) from error
    raise ValueError(f"{quoted(text)} is part of a date, {_EXPECTED}")


def _tokens(text: str) -> Iterator[_Token]:
    """What a text consists of, without blanks."""
    place = 0
    while place < len(text):
        token, place = _token(text, place)
        if token.kind != "blank":
            yield token


def _token(text: str, place: int) -> tuple[_Token, int]:
    """What stands at a place of a text, and where that ends."""
    for kind, pattern in _patterns():
        if found := pattern.match(text, place):
            return _Token(kind, found.groupdict()), found.end()
    raise _Unclear


@cache
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    return [(kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _KINDS]


def _day(tokens: list[_Token], text: str) -> tuple[int, int, int] | None:
    """Year, month and day; None where one of them is missing."""
    days = [_month_and_day(token, text) for token in tokens if token.kind in ("day", "either")]
    years = {int(said) for token in tokens if (said := token.said.get("year"))}
    if len(days) > 1 or len(years) > 1:
        raise _Unclear
    if not days or not years:
        return None
    if any(token.kind == "part" for token in tokens):
        raise _Unclear
    (year,), (month, day) = years, days[0]
    try:
        date(year, month, day)
    except ValueError as error:
        raise _Unclear from error
    return year, month, day


def _month_and_day(token: _Token, text: str) -> tuple[int, int]:
    said = token.said
    if token.kind == "day":
        month = said["month"] or ""
        number = int(month) if month.isdecimal() else _MONTHS.index(month[:3].lower()) + 1
        return number, int(said["day"] or 0)
    one, other = int(said["one"] or 0), int(said["other"] or 0)
    if one > 12:
        return other, one
    if other > 12 or one == other:
        return one, other
    year = said["year"]
    readings = f"{year}-{other:02}-{one:02} or {year}-{one:02}-{other:02}"
    raise ValueError(f"{quoted(text)} may be {readings}, {_EXPECTED}")


def _clock(tokens: list[_Token]) -> timedelta:
    """The time of the day; 0 o'clock where none is named."""
    times = [token.said for token in tokens if token.kind == "time"]
    if len(times) > 1:
        raise _Unclear
    if not times:
        return timedelta(0)
    said = times[0]
    hour, minute = int(said["hour"] or 0), int(said.get("minute") or 0)
    seconds, _, fraction = (said.get("second") or "0").replace(",", ".").partition(".")
    if half := said.get("half"):
        if not 1 <= hour <= 12:
            raise _Unclear
        hour = hour % 12 + (12 if half in "Pp" else 0)
    if hour > 23 or minute > 59 or int(seconds) > 59:
        raise _Unclear
    micros = int(fraction[:6].ljust(6, "0"))
    return timedelta(hours=hour, minutes=minute, seconds=int(seconds), microseconds=micros)


def _zone(tokens: list[_Token]) -> timezone | None:
    """The zone that is named; None where none is. An offset is one of a time, and a remark one on a zone."""
    found: timezone | None = None
    kinds: set[str] = set()
    for kind, said in tokens:
        if kind in ("zone", "offset"):
            if found or (kind == "offset" and "time" not in kinds):
                raise _Unclear
            found = _offset(said["name"], said["offset"])
            if kind == "offset" and said["name"] and found.utcoffset(None) != _hours(said["name"]):
                raise _Unclear
        if kind == "remark" and not found:
            raise _Unclear
        kinds.add(kind)
    return found


def _offset(name: str | None, offset: str | None) -> timezone:
    """The zone of a name, of an offset, or of both: universal time and an offset is what many programs write, and any
    other zone has its own.
    """
    named = _hours(name) if name else None
    if offset is None:
        return timezone(named or timedelta(0))
    sign, digits = offset[0], offset[1:].replace(":", "")
    hours, minutes = (int(digits[:-2]), int(digits[-2:])) if len(digits) > 2 else (int(digits), 0)
    if hours > 14 or minutes > 59:
        raise _Unclear
    written = timedelta(hours=hours, minutes=minutes) * (-1 if sign == "-" else 1)
    if named not in (None, timedelta(0), written):
        raise _Unclear
    return timezone(written)


def _hours(name: str) -> timedelta:
    return timedelta(hours=_ZONES[name.upper()])
