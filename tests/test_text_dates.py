"""Instants."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.text.dates import date_in_name, instant, midnight

EVENING = datetime(2023, 2, 28, 20, 47, tzinfo=UTC)
DAY = datetime(2023, 2, 28, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2023-02-28T20:47:00Z", EVENING),
        ("2023-02-28 20:47:00", EVENING),
        ("2023-02-28T21:47:00+01:00", EVENING),
        ("2023-02-28 21:47:00 +0100", EVENING),
        ("  2023-02-28T20:47Z ", EVENING),
        ("Tue, 28 Feb 2023 20:47:00 GMT", EVENING),
        ("Tue, 28 Feb 2023 15:47:00 EST", EVENING),
        ("Feb 28, 2023 8:47 PM", EVENING),
        ("Tue Feb 28 2023 21:47:00 GMT+0100 (Central European Standard Time)", EVENING),
        ("2023-02-28", DAY),
        ("20230228", DAY),
        ("28 February 2023", DAY),
        ("2023/02/28", DAY),
        ("2023-02-28T20:47:00.5Z", EVENING + timedelta(milliseconds=500)),
    ],
)
def test_instant(text: str, expected: datetime) -> None:
    """ISO 8601 and what else is met in the wild become instants in UTC; without a zone they were."""
    assert instant(text) == expected
    assert instant(text).tzinfo is UTC


@pytest.mark.parametrize("text", ["12", "May", "May 2023", "2023", "2023-02", "02/2023", "10:30", "Tuesday", "28 Feb"])
def test_part_of_a_date_is_none(text: str) -> None:
    """What lacks a year, a month or a day isn't filled in."""
    with pytest.raises(ValueError, match="is part of a date, expected one such as"):
        instant(text)


@pytest.mark.parametrize(
    "text",
    ["", "tomorrow", "2023-02-30", "02/03/23", "1677617220", "202302", "2023-02-28 20:47 IST", "2023-02-28 20:47 XYZ",
     "2023-02-28T20:47+99:99", "9" * 5000, "\ud800", "\0"],
)  # fmt: skip
def test_no_date(text: str) -> None:
    """A text that is no date, has a year of two digits, or a zone that may mean several, is refused by name."""
    with pytest.raises(ValueError, match="is no date, expected one such as 2023-02-28T20:47:00Z"):
        instant(text)


@pytest.mark.parametrize("text", ["0001-01-01T00:00+10:00", "9999-12-31T23:59:59-10:00"])
def test_a_date_outside_the_calendar(text: str) -> None:
    """A zone that leads out of the years 1 to 9999 is refused."""
    with pytest.raises(ValueError, match="outside the years"):
        instant(text)


PLUS_3, MINUS_8 = timezone(timedelta(hours=3)), timezone(timedelta(hours=-8))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # an offset behind the name of a zone
        ("2023-02-28T20:47:00Z-08:00", datetime(2023, 2, 28, 20, 47, tzinfo=MINUS_8)),
        ("2023-02-28 20:47:00 GMT +0300", datetime(2023, 2, 28, 20, 47, tzinfo=PLUS_3)),
        ("2023-02-28 20:47 UTC+3", datetime(2023, 2, 28, 20, 47, tzinfo=PLUS_3)),
        ("Tue, 28 Feb 2023 20:47:00 UTC-08:00", datetime(2023, 2, 28, 20, 47, tzinfo=MINUS_8)),
        ("2023-02-28 20:47:00 PST-0800", datetime(2023, 2, 28, 20, 47, tzinfo=MINUS_8)),
        ("2023-02-28 20:47:00 -0800 PST", datetime(2023, 2, 28, 20, 47, tzinfo=MINUS_8)),
        ("2023-02-28 20:47:00 +0300 MSK", datetime(2023, 2, 28, 20, 47, tzinfo=PLUS_3)),
        ("2023-02-28 20:47:00 +0000 UTC", EVENING),
        ("2023-02-28 20:47 -8", datetime(2023, 2, 28, 20, 47, tzinfo=MINUS_8)),
        ("2023-02-28T20:47:00\u221208:00", datetime(2023, 2, 28, 20, 47, tzinfo=MINUS_8)),
        # what programs write
        ("2023-02-28 20:47:00 2023 -0800", datetime(2023, 2, 28, 20, 47, tzinfo=MINUS_8)),
        ("Tue Feb 28 20:47:00 -0800 2023", datetime(2023, 2, 28, 20, 47, tzinfo=MINUS_8)),
        ("Tue Feb 28 2023 20:47:00 GMT-0800 (Pacific Standard Time)", datetime(2023, 2, 28, 20, 47, tzinfo=MINUS_8)),
        ("Tue Feb 28 20:47:00 PST 2023", datetime(2023, 2, 28, 20, 47, tzinfo=MINUS_8)),
        ("Tue Feb 28 20:47:00 GMT-08:00 2023", datetime(2023, 2, 28, 20, 47, tzinfo=MINUS_8)),
        ("2023-02-28T12:47-08:00[America/Los_Angeles]", EVENING),
        ("28/Feb/2023:20:47:00 +0000", EVENING),
        ("Tue Feb 28 20:47:00 2023", EVENING),
        ("Tue 28 Feb 08:47:00 PM UTC 2023", EVENING),
        ("2023:02:28 20:47:00", EVENING),
        ("20230228T204700Z", EVENING),
        ("202302282047", EVENING),
        ("20230228 204700", EVENING),
        ("2023-02-28T12:47:00-08:00[America/Los_Angeles][u-ca=gregory]", EVENING),
        ("20230228204700.250", EVENING + timedelta(milliseconds=250)),
        ("2/28/2023 8:47:00 PM +00:00", EVENING),
        ("2/28/2023, 8:47:00\u202fPM", EVENING),
        ("2023-02-28T20Z", EVENING.replace(minute=0)),
        ("2023-02-28T2047Z", EVENING),
        # what people write
        ("Tuesday, February 28th, 2023 at 8:47 p.m.", EVENING),
        ("28th of February 2023, 20:47", EVENING),
        ("20:47 28.2.2023", EVENING),
        ("28.02.2023, 20:47 Uhr", EVENING),
        ("28. 2. 2023 20:47", EVENING),
        ("28 February 2023 - 20:47", EVENING),
        ("8pm Feb 28 2023", EVENING.replace(minute=0)),
        ("Sept. 5, 2023 12:30 AM", datetime(2023, 9, 5, 0, 30, tzinfo=UTC)),
        ("2023 Feb 28", DAY),
        ("28-Feb-2023", DAY),
        ("2023-W09-2", DAY),
        ("2023-02-28 UTC", DAY),
        # which is the day
        ("4.3.2024", datetime(2024, 3, 4, tzinfo=UTC)),
        ("04.03.2024 10:30", datetime(2024, 3, 4, 10, 30, tzinfo=UTC)),
        ("13/4/2024", datetime(2024, 4, 13, tzinfo=UTC)),
        ("4/13/2024", datetime(2024, 4, 13, tzinfo=UTC)),
        ("13-04-2024", datetime(2024, 4, 13, tzinfo=UTC)),
        ("3/3/2024", datetime(2024, 3, 3, tzinfo=UTC)),
        ("2024/3/4", datetime(2024, 3, 4, tzinfo=UTC)),
        ("2024-3-4", datetime(2024, 3, 4, tzinfo=UTC)),
        ("2024.03.04", datetime(2024, 3, 4, tzinfo=UTC)),
    ],
)
def test_many_spellings_are_read(text: str, expected: datetime) -> None:
    """What programs and people write is read as what it says, and no offset gets lost or turned."""
    assert instant(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "2023-02-28-07:00", "2023-02-28+02:00", "2023-02-28 -07:00", "2023-02-28 18:30-20:00", "1612011800123",
        "16120118118", "2023-02-28 20:47:00 0800", "2023-02-28 20:47:00 2024", "2023-02-28 20:47 EST+0500",
        "2023-02-28 20:47 EST-0400", "2023-02-28 20:47 CET-1", "2023-02-28 20:47 EST5EDT", "2023-02-28 20:47 (CET)",
        "2023-02-28 20:47 +0200 UTC", "2023-02-28 20:47 +01:00 +02:00", "2023-02-28 18:30 19:30", "18:30 PM 1 Jan 2023",
        "2023-02-28 2023-03-01", "2023-02-28 20:47 5", "31.2.2023", "04.13.2024", "2023-13-04", "28.02.23",
        "29 Feb 2023", "Feb 28 2047 2023", "2023-02-28 24:00", "2023-02-28T20:47:61Z", "2023-02-28 20:47 +02:75",
        "2023-02/28", "2023-02-28 and 20:47", "4/3/2024/5", "2023-02-28 20:47 A", "2023-02-28T20:47 Europe/Berlin",
        "\u0662\u0660\u0662\u0663-02-28", "28 f\u00e9vr. 2023", "2023W092", "2023-02-28 1830 0800",
    ],
)  # fmt: skip
def test_what_may_mean_something_else_is_refused(text: str) -> None:
    """Two times, two zones, a zone without a meaning, an offset that may be a time, a number that may be anything."""
    with pytest.raises(ValueError, match="is no date, expected one such as 2023-02-28T20:47:00Z"):
        instant(text)


@pytest.mark.parametrize("text", ["3/4/2024", "03/04/2024", "3-4-2024", "04-03-2024 10:30", "3/4/2024, 6:30:22 PM"])
def test_a_day_that_may_be_two_is_refused_with_both(text: str) -> None:
    """Whether the day or the month comes first is told by nothing."""
    with pytest.raises(ValueError, match=r"may be 2024-0[34]-0[43] or 2024-0[34]-0[43], expected one such as"):
        instant(text)


@given(st.dates(), st.sampled_from("./-"))
def test_a_day_in_numbers_is_that_day_or_refused(day: date, gap: str) -> None:
    """In any order that people have for it: with dots the day comes first, and nothing else is decided for them."""
    year = f"{day.year:04}"
    spellings = [gap.join([year, str(day.month), str(day.day)]), gap.join([str(day.day), str(day.month), year])]
    if gap != ".":
        spellings.append(gap.join([str(day.month), str(day.day), year]))
    for text in spellings:
        try:
            assert instant(text).date() == day
        except ValueError as error:
            assert "may be" in str(error)  # noqa: PT017
            assert day.day != day.month
            assert max(day.day, day.month) <= 12


def _offset(moment: datetime, colon: str = "") -> str:
    minutes = (moment.utcoffset() or timedelta(0)) // timedelta(minutes=1)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{colon}{abs(minutes) % 60:02}"


def _named(moment: datetime) -> str:
    """The name of a zone that RFC 822 knows, or universal time and the offset."""
    names = {"+0000": "GMT", "-0500": "EST", "-0400": "EDT", "-0700": "MST", "-0800": "PST"}
    return names.get(_offset(moment), f"GMT{_offset(moment)}")


SPELLINGS: list[Callable[[datetime], str]] = [
    lambda moment: moment.isoformat(),
    lambda moment: moment.isoformat(" ", "seconds"),
    lambda moment: f"{moment:%Y-%m-%d %H:%M:%S} {_offset(moment)}",
    lambda moment: f"{moment:%Y-%m-%d %H:%M:%S} {_offset(moment, ':')}",
    lambda moment: f"{moment:%Y-%m-%dT%H:%M:%S}Z{_offset(moment, ':')}",
    lambda moment: f"{moment:%Y-%m-%d %H:%M:%S} GMT {_offset(moment)}",
    lambda moment: f"{moment:%Y-%m-%d %H:%M:%S} UTC{_offset(moment, ':')}",
    lambda moment: f"{moment:%Y-%m-%d %H:%M:%S} {_named(moment)[:3]}{_offset(moment)}",
    lambda moment: f"{moment:%Y-%m-%d %H:%M:%S %Y} {_offset(moment)}",
    lambda moment: f"{moment:%Y-%m-%d %H:%M:%S} {_offset(moment)} CET",
    lambda moment: f"{moment:%a %b %d %H:%M:%S} {_offset(moment)} {moment:%Y}",
    lambda moment: f"{moment:%a %b %d %H:%M:%S} {_named(moment)} {moment:%Y}",
    lambda moment: f"{moment:%a %b %d %Y %H:%M:%S} GMT{_offset(moment)} (Some Standard Time)",
    lambda moment: f"{moment:%a, %d %b %Y %H:%M:%S} {_offset(moment)}",
    lambda moment: f"{moment:%a, %d %b %Y %H:%M:%S} {_named(moment)}",
    lambda moment: f"{moment:%d/%b/%Y:%H:%M:%S} {_offset(moment)}",
    lambda moment: f"{moment:%d.%m.%Y %H:%M:%S} {_offset(moment)}",
    lambda moment: f"{moment:%m/%d/%Y %I:%M:%S %p} {_offset(moment, ':')}",
    lambda moment: f"{moment:%d/%m/%Y %H:%M:%S} {_named(moment)}",
    lambda moment: f"{moment:%Y%m%dT%H%M%S}{_offset(moment)}",
    lambda moment: f"{moment:%B %d, %Y at %I:%M:%S %p} {_named(moment)}",
    lambda moment: f"{moment:%A, %d %B %Y, %H:%M:%S} {_offset(moment, ':')}",
    lambda moment: f"{moment:%H:%M:%S} {_offset(moment)} {moment:%d %B %Y}",
    lambda moment: f"{moment:%H:%M:%S} {_named(moment)}, {moment:%Y-%m-%d}",
    lambda moment: f"{moment:%Y-%m-%dT%H:%M:%S}{_offset(moment, ':')}[Europe/Berlin]",
    lambda moment: f"{moment:%Y-%m-%d %H:%M:%S} {_offset(moment)[:3]}",
]


@given(
    st.datetimes(datetime(1000, 1, 2), datetime(9998, 12, 30)),  # noqa: DTZ001
    st.integers(-12 * 60, 14 * 60) | st.sampled_from([0, -300, -480, 330, 60, -210, 840, -720]),
)
def test_an_instant_in_any_spelling_is_that_instant_or_refused(moment: datetime, minutes: int) -> None:
    """Whatever its offset is, it never moves."""
    offset = timezone(timedelta(minutes=minutes))
    there = moment.replace(microsecond=0, tzinfo=offset)
    for number, spell in enumerate(SPELLINGS):
        text = spell(there)
        if number == len(SPELLINGS) - 1 and minutes % 60:
            continue  # it doesn't spell all of the offset
        try:
            assert instant(text) == there, text
        except ValueError as error:
            assert "may be" in str(error), text  # noqa: PT017


@given(st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)), st.sampled_from(["Asia/Kolkata", "Europe/Berlin"]))  # noqa: DTZ001
def test_what_has_no_zone_is_of_the_given_one(moment: datetime, name: str) -> None:
    """In ISO 8601 and in other spellings."""
    zone = ZoneInfo(name)
    moment = moment.replace(microsecond=0)
    if moment.time() == time():
        return
    expected = moment.replace(tzinfo=zone).astimezone(UTC)
    for spelling in ("%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H:%M:%S", "%a %b %d %H:%M:%S %Y", "%Y%m%d%H%M%S"):
        assert instant(moment.strftime(spelling), zone) == expected
    assert instant(moment.isoformat() + "Z", zone) == moment.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "text", "expected"),
    [
        ("Pacific/Auckland", "2026-11-27 08:45", "2026-11-26T19:45"),
        ("Pacific/Auckland", "2026-11-27", "2026-11-26T11:00"),
        ("America/Los_Angeles", "1 March 2026", "2026-03-01T08:00"),
        ("America/Los_Angeles", "2026-03-01T00:00:00Z", "2026-03-01T00:00"),
        (
            "Europe/Berlin",
            "2026-03-29 02:30",
            "2026-03-29T01:30",
        ),  # left out: half an hour after two, so half past three
        ("Europe/Berlin", "2026-10-25 02:30", "2026-10-25T00:30"),  # comes twice: the first
        ("America/Santiago", "2026-09-06", "2026-09-06T04:00"),  # its midnight is left out: the day begins at one
        ("Africa/Cairo", "2027-04-30", "2027-04-29T22:00"),
        ("America/Havana", "2025-11-02", "2025-11-02T05:00"),  # its midnight comes twice
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00"),  # the whole day was left out
        ("Australia/Lord_Howe", "2026-10-04 02:15", "2026-10-03T15:45"),
        ("Europe/Berlin", "0001-01-01", "0001-01-01T00:00"),  # as far as there are instants
        ("America/New_York", "9999-12-31", "9999-12-31T05:00"),
    ],
)
def test_a_time_or_a_day_in_a_zone(zone: str, text: str, expected: str) -> None:
    """Also where clocks change: a day is its midnight, and the same one from which digests and archives count it."""
    found = instant(text, ZoneInfo(zone))
    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)
    if len(text) == 10:
        assert found == midnight(date.fromisoformat(text), ZoneInfo(zone)) == date_in_name(text, ZoneInfo(zone))


@pytest.mark.parametrize(("zone", "text"), [("Asia/Tokyo", "0001-01-01 01:00"), ("America/Havana", "9999-12-31 23:00")])
def test_a_time_whose_zone_leads_out_of_the_calendar(zone: str, text: str) -> None:
    """It is refused, as with an offset."""
    with pytest.raises(ValueError, match="outside the years"):
        instant(text, ZoneInfo(zone))


@given(st.text(st.characters(), max_size=60) | st.text("0123456789-:/. TZ+apmGMT", max_size=40))
def test_instant_gives_an_instant_or_a_value_error(text: str) -> None:
    """No text makes anything else happen."""
    try:
        assert instant(text).tzinfo is UTC
    except ValueError as error:
        assert "expected" in str(error) or "outside" in str(error)  # noqa: PT017


@given(st.datetimes(timezones=st.just(UTC)))
def test_instant_reads_what_python_writes(moment: datetime) -> None:
    """ISO 8601 goes there and back."""
    assert instant(moment.isoformat()) == moment


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("2023-02-28-title.md", DAY),
        ("2023-02-28.md", DAY),
        ("2023-02-28_title.html", DAY),
        ("2023-02-30-title.md", None),
        ("0000-01-01-title.md", None),
        ("2023-02-281-title.md", None),
        ("title-2023-02-28.md", None),
        ("2023-2-8-title.md", None),
        ("title.md", None),
        ("", None),
    ],
)
def test_date_in_name(name: str, expected: datetime | None) -> None:
    """A file's name may start with a day that is in the calendar."""
    assert date_in_name(name) == expected
