"""The kinds of value that fields have: how each is read.

A reader takes the node of a value and returns the value, or raises ParseError at its place. Of a list, what is
wrong with one item is noted and the others are read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, TypeAlias

from aggregator.documents.notes import Notes
from aggregator.errors import ParseError
from aggregator.model import Player
from aggregator.text import dates
from aggregator.text.addresses import cleaned
from aggregator.text.html import MAX_PIXELS, player
from aggregator.text.plain import cut, plain, quoted
from aggregator.text.tree import Node
from aggregator.text.urls import absolute, host

Fields: TypeAlias = Mapping[str, Node]
Reader: TypeAlias = Callable[[Node, Notes], Any]

MAX_TITLE = 300  # characters; what comes behind them no feed reader shows
MAX_EXCERPT = 2000  # characters
MAX_TEXT = 1000  # characters of any other text
MAX_URL = 8000  # characters; more than any browser or server is known to need

UNLIKELY = (
    (date(1970, 1, 1), date(1970, 1, 1), "the zero of many programs"),
    (date(2100, 1, 1), date.max, "too far in the future"),
)
"""The days on which no other outlet's article appeared, as (first, last, what a date in between is).

Coverage comes with the oldest first, and not before its date: a wrong one would put it on top, or hide it for ever.
"""

# Well between those days, in whatever time zone: as most are.
_LIKELY = (date(1970, 1, 3), date(2099, 12, 29))
_YES_NO = {"yes": True, "on": True, "true": True, "no": False, "off": False, "false": False}
_PAGE = "an address of the site such as /2023/title/"
_TEMPLATE = re.compile(r"\{\{|\{%")
_WORD = re.compile(r"\w[\w.+-]{0,63}")
_INTEGER = re.compile(r"[+-]?[0-9]{1,9}")
_AVERAGE = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,20})?")
_LANGUAGE = re.compile(r"[a-zA-Z]{2,8}(?:[-_][a-zA-Z0-9]{1,8})*")
# ISO 8601 section 4.4.3.2, as schema.org and YouTube use it.
_DURATION = re.compile(
    r"P(?=[0-9T])(?:[0-9]+Y)?(?:[0-9]+M)?(?:[0-9]+W)?(?:[0-9]+D)?"
    r"(?:T(?=[0-9])(?:[0-9]+H)?(?:[0-9]+M)?(?:[0-9]+(?:[.,][0-9]+)?S)?)?"
)
_CREDENTIALS = re.compile(r"(?<=[/\\]{2})[^/\\\s]*@|\A(?!mailto:)[^/\\\s:@]*:[^/\\\s]*@")
_URI = re.compile(r"[a-z][a-z0-9+.-]*:[\w.~!$&'()*+,;=:@/?#%-]+", re.ASCII | re.IGNORECASE)


def unfit(node: Node, expected: str) -> ParseError:
    """What to raise for a value that isn't what was expected."""
    empty = node.value is None or node.value == ""
    line, column = node.key if empty and node.key != (0, 0) else (node.line, node.column)
    return ParseError(f"{_shown(node)}, expected {expected}", line, column)


def text(node: Node, notes: Notes) -> str:
    """Plain text; one that is too long is cut, and told."""
    return _cut(node, "a text", MAX_TEXT, notes)


def title(node: Node, notes: Notes) -> str:
    """A title; one that is too long is cut, and told."""
    return _cut(node, "a title", MAX_TITLE, notes)


def excerpt(node: Node, _: Notes) -> str:
    """An excerpt; one that is too long is cut, as is its nature."""
    return cut(plain(scalar(node, "text")), MAX_EXCERPT)


def word(node: Node, _: Notes) -> str:
    """One word in lower case, such as a type."""
    return matching(_WORD, node, "a word").lower()


def language(node: Node, _: Notes) -> str:
    """A language tag, as far as it can be told without a list of them (BCP 47)."""
    return matching(_LANGUAGE, node, "a language tag such as en or pt-BR").replace("_", "-")


def integer(node: Node, _: Notes) -> int:
    """A whole number of at most nine digits."""
    return int(matching(_INTEGER, node, "a whole number"))


def heat(node: Node, notes: Notes) -> int | None:
    """A whole number; -1 says that there is none."""
    found = integer(node, notes)
    return None if found == -1 else found


def pixels(node: Node, _: Notes) -> int:
    """A length on a screen."""
    expected = f"a number of pixels from 1 to {MAX_PIXELS}"
    found = int(matching(_INTEGER, node, expected))
    if not 0 < found <= MAX_PIXELS:
        raise unfit(node, expected)
    return found


def yes_no(node: Node, _: Notes) -> bool:
    """Yes or no, in the words that YAML 1.1 has for them."""
    found = _YES_NO.get(scalar(node, "yes or no").strip().lower())
    if found is None:
        raise unfit(node, "yes or no")
    return found


def instant(node: Node, notes: Notes) -> datetime:
    """An instant in UTC; what names no zone is of the source's."""
    value = scalar(node, "a date")
    try:
        return dates.instant(value, notes.zone)
    except ValueError as error:
        raise ParseError(str(error), node.line, node.column) from error


def likely_instant(node: Node, notes: Notes) -> datetime:
    """An instant in UTC at which an article may have been published."""
    found = instant(node, notes)
    if _LIKELY[0] < found.date() < _LIKELY[1]:
        return found
    days = found.date(), dates.local(found, notes.zone).date()
    for first, last, wrong in UNLIKELY:
        if any(first <= day <= last for day in days):
            raise ParseError(f"{_shown(node)} is {wrong}, expected the article's own date", node.line, node.column)
    return found


def url(node: Node, notes: Notes) -> str:
    """An absolute http(s) URL; a relative one belongs to the site."""
    return _url(node, notes.site, notes.root)


def page(node: Node, notes: Notes) -> str:
    """An absolute http(s) URL of a page of the site; a relative one is below the site's, also where it begins with `/`.

    "" for a pattern, from which an address is still to be made, and for the `no` that Eleventy has for what gets no
    page. A template, which only Eleventy can fill, is none.
    """
    from aggregator.documents.permalinks import is_pattern  # few documents name their pages

    value = scalar(node, _PAGE).strip()
    if is_pattern(value) or value.lower() in _YES_NO:
        return ""
    if _TEMPLATE.search(value):
        raise unfit(node, _PAGE)
    return _url(node, notes.site, notes.site)


def slug(node: Node, _: Notes) -> str:
    """What a page is called in its address; not too long, as only a beginning of it would fit there."""
    return scalar(node, "a slug")[:MAX_TEXT].strip().strip("/")


def picture(node: Node, notes: Notes) -> str:
    """An absolute http(s) URL of what is seen of an article; a relative one belongs to the article's own address."""
    value = node.value if type(node.value) is str else ""
    if value[:1] == "#" or value.lower() in _YES_NO:  # a place in the article's page; whether to show a picture
        raise unfit(node, "the URL of a picture")
    return _url(node, notes.base, notes.root)


def _url(node: Node, base: str, root: str) -> str:
    expected = "an http(s) URL" if base else "an absolute http(s) URL"
    found = absolute(scalar(node, expected), base, root)
    if not found:
        raise unfit(node, expected)
    if len(found) > MAX_URL:
        raise unfit(node, f"{expected} of at most {MAX_URL} characters")
    return found


def uri(node: Node, _: Notes) -> str:
    """Any absolute URI: what Atom allows an id to be (RFC 4287 section 4.2.6)."""
    return matching(_URI, node, "a URI such as tag:example.org,2026:a or urn:uuid:...")


def domain(node: Node, _: Notes) -> str:
    """The name of a host; of a URL, its host."""
    expected = "a domain such as example.org"
    value = scalar(node, expected)
    address = absolute(value if "://" in value else f"https://{value}", "")
    if not address:
        raise unfit(node, expected)
    return host(address)


def duration(node: Node, _: Notes) -> str:
    """An ISO 8601 duration."""
    return matching(_DURATION, node, "an ISO 8601 duration such as PT1H30M")


def rating(node: Node, _: Notes) -> float | None:
    """The average of ratings."""
    average = mapping(node, "a map with `average`").get("average")
    if average is None or average.value is None:
        return None
    return float(matching(_AVERAGE, average, "a number such as 4.5"))


def embedded(node: Node, notes: Notes) -> Player:
    """The player that an embed code shows."""
    expected = "an embed code with an http(s) iframe"
    found = player(scalar(node, expected), notes.base, notes.root)
    if not found:
        raise unfit(node, expected)
    return Player(*found)


def many(read: Reader) -> Reader:
    """A reader for a list of what `read` reads, or a single one without the list; of too many, the first ones count."""

    def read_all(node: Node, notes: Notes) -> tuple[Any, ...]:
        if type(node.value) is not list:
            return (read(node, notes),)
        values: dict[Any, None] = {}
        for item in node.value:
            if len(values) == notes.options.items:
                message = f"{len(node.value)} items, expected at most {len(values)}: the first ones count"
                notes.warning(ParseError(message, node.line, node.column))
                break
            try:
                values[read(item, notes)] = None
            except ParseError as error:
                notes.warning(error)
        return tuple(values)

    return read_all


def label(node: Node, expected: str) -> str:
    """Plain text with something in it; not too much, as it names something."""
    found = plain(scalar(node, expected))
    if not found:
        raise unfit(node, expected)
    if len(found) > MAX_TEXT:
        raise unfit(node, f"{expected} of at most {MAX_TEXT} characters")
    return found


def scalar(node: Node, expected: str) -> str:
    """The text of a node; `expected` says what it should be, for the error where it isn't."""
    if type(node.value) is not str:
        raise unfit(node, expected)
    return node.value


def mapping(node: Node, expected: str) -> Fields:
    """The fields of a node."""
    if type(node.value) is not dict:
        raise unfit(node, expected)
    return node.value


def matching(pattern: re.Pattern[str], node: Node, expected: str) -> str:
    """The text of a node, if all of it but blanks around it fits the pattern."""
    value = scalar(node, expected).strip()
    if len(value) > MAX_TEXT or not pattern.fullmatch(value):
        raise unfit(node, expected)
    return value


def _cut(node: Node, what: str, limit: int, notes: Notes) -> str:
    """Plain text of at most so many characters; where it had more, that is told."""
    found = plain(scalar(node, "text"))
    if len(found) > limit:
        message = f"{what} of {len(found)} characters, expected at most {limit}; the rest is left out"
        notes.warning(ParseError(message, node.line, node.column))
    return cut(found, limit)


def _shown(node: Node) -> str:
    match node.value:
        case dict():
            return "a map"
        case list():
            return "a list"
        case str() as value if value:
            address = cleaned(value[:MAX_TEXT])
            harmless = _CREDENTIALS.sub("", address)
            return quoted(value if harmless == address else harmless)  # of what is long, only the beginning is shown
        case _:
            return "nothing"
