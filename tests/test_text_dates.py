"""Instants."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.text.dates import date_in_name, instant

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


@pytest.mark.parametrize("text", ["12", "May", "May 2023", "2023", "10:30", "Tuesday", "28 Feb"])
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
