"""Instants, as documents write them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from aggregator.text.plain import quoted

_IN_NAME = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?![0-9])")
IN_PATH = re.compile(r"(?:^|/)([0-9]{4})[-/]([0-9]{2})[-/]([0-9]{2})(?![0-9])")
"""A day that names of folders and of the file in them spell: `2014/01-27-x.md`, `2014/01/27/x.md`."""
# ISO 8601 in its extended format. Python reads more: `20:47 +02:75`, `20:47:10:20`, a time in `2023-02-28-07:00`, and
# days in `1612011800123` and `2023-W09`.
_ISO = re.compile(
    r"[0-9]{4}-(?:[0-9]{2}-[0-9]{2}|W[0-9]{2}-[1-7])"
    r"(?:[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?(?:Z|[+-][0-9]{2}(?::?[0-5][0-9](?::[0-5][0-9])?)?)?)?"
)
# Who writes `18:30-20:00` means no offset.
_WESTMOST, _EASTMOST = timedelta(hours=-12), timedelta(hours=14)
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def zone_named(name: str) -> tzinfo:
    """The time zone of an IANA name; UTC is known also where no zones are installed."""
    return UTC if name == "UTC" else ZoneInfo(name)


def instant(text: str, zone: tzinfo = UTC) -> datetime:
    """The instant in UTC that the text names, most often in ISO 8601; a time or a day without a zone is of `zone`.

    Of a time that comes twice there the first one is meant; one that is left out is reckoned as if clocks hadn't been
    changed yet. A day is its midnight. Raises ValueError where the text isn't a whole date (year, month and day) in the
    years 1 to 9999, or may mean two.
    """
    text = text.strip()
    found = _iso(text) or _spelled(text)
    offset = found.utcoffset()
    if offset is not None and not _WESTMOST <= offset <= _EASTMOST:
        from aggregator.text.spelled import no_date

        raise no_date(text)
    try:
        return _in_zone(found, zone) if offset is None else found.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{quoted(text)} is outside the years 1 to 9999") from error


def date_in_name(name: str, zone: tzinfo = UTC) -> datetime | None:
    """Midnight in `zone` of the day that a file's name starts with (`2023-02-28-title.md`), None without one."""
    found = _IN_NAME.match(name)
    return _midnight_of(found, zone) if found else None


def date_in_path(path: str, zone: tzinfo = UTC) -> datetime | None:
    """Likewise of the last day that the folders of a file begin and its name, or another folder, ends."""
    days = [_midnight_of(found, zone) for found in IN_PATH.finditer(path)]
    return next(filter(None, reversed(days)), None)


def midnight(day: date, zone: tzinfo) -> datetime:
    """The first instant of a day in UTC, as far as there are instants; where its midnight comes twice, the second one,
    from which on the day goes on.
    """
    moments = [datetime.combine(day, time(fold=fold), zone) for fold in (0, 1)]
    try:
        return max(moment.replace(tzinfo=UTC) - (moment.utcoffset() or timedelta(0)) for moment in moments)
    except OverflowError:
        return _FIRST if day.year == date.min.year else _LAST


def local(moment: datetime, zone: tzinfo) -> datetime:
    """The instant in a time zone; as it is within a day of the first or the last instant that there is."""
    try:
        return moment.astimezone(zone)
    except OverflowError:
        return moment


def _midnight_of(found: re.Match[str], zone: tzinfo) -> datetime | None:
    """The first instant of the day whose year, month and day were found; None where the calendar has no such day."""
    try:
        return midnight(date(*map(int, found.groups())), zone)
    except ValueError:
        return None


def _iso(text: str) -> datetime | None:
    """What the text means in ISO 8601; None: it is something else."""
    if not _ISO.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _spelled(text: str) -> datetime:
    """What the text means in another spelling than ISO 8601; their table is loaded where it is needed."""
    from aggregator.text.spelled import spelled

    return spelled(text)


def _in_zone(found: datetime, zone: tzinfo) -> datetime:
    if zone is UTC:
        return found.replace(tzinfo=UTC)
    if found.time() == time():
        return midnight(found.date(), zone)
    return found.replace(tzinfo=zone).astimezone(UTC)
