"""The fields of a document: how the front matter spells them, what they are in a mention, how each is read.

A reader takes the node of a value and returns the value, or raises ParseError at its place. Of a list, what is
wrong with one item is noted and the others are read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

from aggregator.documents.notes import Notes
from aggregator.errors import ParseError
from aggregator.model import Action, Image, Player, Provider
from aggregator.text import dates
from aggregator.text.html import MAX_PIXELS, player
from aggregator.text.plain import plain, quoted
from aggregator.text.slugs import fold_topic
from aggregator.text.tree import Node
from aggregator.text.urls import absolute, host

Fields: TypeAlias = Mapping[str, Node]
Reader: TypeAlias = Callable[[Node, Notes], Any]

_YES_NO = {"yes": True, "on": True, "true": True, "no": False, "off": False, "false": False}
_WORD = re.compile(r"\w[\w.+-]{0,63}")
_INTEGER = re.compile(r"[+-]?[0-9]{1,9}")
_AVERAGE = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,20})?")
_LANGUAGE = re.compile(r"[a-zA-Z]{2,8}(?:[-_][a-zA-Z0-9]{1,8})*")
# ISO 8601 section 4.4.3.2, as schema.org and YouTube use it.
_DURATION = re.compile(
    r"P(?=[0-9T])(?:[0-9]+Y)?(?:[0-9]+M)?(?:[0-9]+W)?(?:[0-9]+D)?"
    r"(?:T(?=[0-9])(?:[0-9]+H)?(?:[0-9]+M)?(?:[0-9]+(?:[.,][0-9]+)?S)?)?"
)
_URI = re.compile(r"[a-z][a-z0-9+.-]*:[\w.~!$&'()*+,;=:@/?#%-]+", re.ASCII | re.IGNORECASE)


class Field(NamedTuple):
    """A row of a table: what the field is called here, and how it is read.

    What holds a `strict` field that can't be read can't be used either.
    """

    attribute: str
    read: Reader
    strict: bool = False


def read_fields(
    fields: Fields, table: Mapping[str, Field], notes: Notes
) -> tuple[dict[str, Any], dict[str, ParseError]]:
    """The values of the fields in the table, without empty ones, and what is wrong with which strict field.

    What is wrong with the others is noted.
    """
    found: dict[str, Any] = {}
    held: dict[str, ParseError] = {}
    for name, node in fields.items():
        field = table.get(name)
        if field is None or node.value is None or node.value == "":
            continue
        try:
            value = field.read(node, notes)
        except ParseError as error:
            named = ParseError(f"`{name}`: {error.message}", error.line, error.column)
            if field.strict:
                held[name] = named
            else:
                notes.warning(named)
        else:
            if value or value == 0:
                found[field.attribute] = value
    return found, held


def unfit(node: Node, expected: str) -> ParseError:
    """What to raise for a value that isn't what was expected."""
    empty = node.value is None or node.value == ""
    line, column = node.key if empty and node.key != (0, 0) else (node.line, node.column)
    return ParseError(f"{_shown(node)}, expected {expected}", line, column)


def text(node: Node, _: Notes) -> str:
    """Plain text."""
    return plain(_scalar(node, "text"))


def word(node: Node, _: Notes) -> str:
    """One word in lower case, such as a type."""
    return _matching(_WORD, node, "a word").lower()


def language(node: Node, _: Notes) -> str:
    """A language tag, as far as it can be told without a list of them (BCP 47)."""
    return _matching(_LANGUAGE, node, "a language tag such as en or pt-BR").replace("_", "-")


def integer(node: Node, _: Notes) -> int:
    """A whole number of at most nine digits."""
    return int(_matching(_INTEGER, node, "a whole number"))


def heat(node: Node, notes: Notes) -> int | None:
    """A whole number; -1 says that there is none."""
    found = integer(node, notes)
    return None if found == -1 else found


def pixels(node: Node, _: Notes) -> int:
    """A length on a screen."""
    expected = f"a number of pixels from 1 to {MAX_PIXELS}"
    found = int(_matching(_INTEGER, node, expected))
    if not 0 < found <= MAX_PIXELS:
        raise unfit(node, expected)
    return found


def yes_no(node: Node, _: Notes) -> bool:
    """Yes or no, in the words that YAML 1.1 has for them."""
    found = _YES_NO.get(_scalar(node, "yes or no").strip().lower())
    if found is None:
        raise unfit(node, "yes or no")
    return found


def instant(node: Node, _: Notes) -> datetime:
    """An instant in UTC."""
    value = _scalar(node, "a date")
    try:
        return dates.instant(value)
    except ValueError as error:
        raise ParseError(str(error), node.line, node.column) from error


def url(node: Node, notes: Notes) -> str:
    """An absolute http(s) URL."""
    expected = "an http(s) URL" if notes.base else "an absolute http(s) URL"
    found = absolute(_scalar(node, expected), notes.base)
    if not found:
        raise unfit(node, expected)
    return found


def uri(node: Node, _: Notes) -> str:
    """Any absolute URI: what Atom allows an id to be (RFC 4287 section 4.2.6)."""
    return _matching(_URI, node, "a URI such as tag:example.org,2026:a or urn:uuid:...")


def domain(node: Node, _: Notes) -> str:
    """The name of a host; of a URL, its host."""
    expected = "a domain such as example.org"
    value = _scalar(node, expected)
    address = absolute(value if "://" in value else f"https://{value}", "")
    if not address:
        raise unfit(node, expected)
    return host(address)


def duration(node: Node, _: Notes) -> str:
    """An ISO 8601 duration."""
    return _matching(_DURATION, node, "an ISO 8601 duration such as PT1H30M")


def rating(node: Node, _: Notes) -> float | None:
    """The average of ratings."""
    average = _map(node, "a map with `average`").get("average")
    if average is None or average.value is None:
        return None
    return float(_matching(_AVERAGE, average, "a number such as 4.5"))


def embedded(node: Node, _: Notes) -> Player:
    """The player that an embed code shows."""
    expected = "an embed code with an http(s) iframe"
    found = player(_scalar(node, expected))
    if not found:
        raise unfit(node, expected)
    return Player(*found)


def image(node: Node, notes: Notes) -> Image:
    """A picture: a map, or its URL alone."""
    if type(node.value) is str:
        return Image(url(node, notes))
    return Image(**_with_url(node, "an image", _IMAGE, notes))


def action(node: Node, notes: Notes) -> Action:
    """Something to do with the article."""
    return Action(**_with_url(node, "an action", _ACTION, notes))


def provider(node: Node, notes: Notes) -> Provider | None:
    """Who published the original."""
    found, _ = read_fields(_map(node, "a map with `name` and `domain`"), _PROVIDER, notes)
    return Provider(**found) if found else None


def author(node: Node, _: Notes) -> str:
    """A name, alone or in a map."""
    named = node.value.get("name", node) if type(node.value) is dict else node
    return _full(named, "an author's name")


def many(read: Reader) -> Reader:
    """A reader for a list of what `read` reads, or a single one without the list."""

    def read_all(node: Node, notes: Notes) -> tuple[Any, ...]:
        if type(node.value) is not list:
            return (read(node, notes),)
        found = []
        for item in node.value:
            try:
                found.append(read(item, notes))
            except ParseError as error:
                notes.warning(error)
        return tuple(dict.fromkeys(found))

    return read_all


def topics(node: Node, notes: Notes) -> tuple[str, ...]:
    """The names of topics; of names for the same topic, the first."""
    found: dict[str, str] = {}
    for name in _topics(node, notes):
        found.setdefault(fold_topic(name), name)
    return tuple(found.values())


def _full(node: Node, expected: str) -> str:
    """Plain text with something in it."""
    found = plain(_scalar(node, expected))
    if not found:
        raise unfit(node, expected)
    return found


_topics = many(lambda node, _: _full(node, "the name of a topic"))
_levels = many(lambda node, _: _full(node, "a level"))
_items = many(lambda node, _: _full(node, "the name of an item"))
_authors = many(author)
_images = many(image)


def _scalar(node: Node, expected: str) -> str:
    if type(node.value) is not str:
        raise unfit(node, expected)
    return node.value


def _map(node: Node, expected: str) -> Fields:
    if type(node.value) is not dict:
        raise unfit(node, expected)
    return node.value


def _matching(pattern: re.Pattern[str], node: Node, expected: str) -> str:
    value = _scalar(node, expected).strip()
    if not pattern.fullmatch(value):
        raise unfit(node, expected)
    return value


def _with_url(node: Node, what: str, table: Mapping[str, Field], notes: Notes) -> dict[str, Any]:
    found, held = read_fields(_map(node, f"{what} with `url`"), table, notes)
    for error in held.values():
        raise error
    if "url" not in found:
        raise ParseError(f"{what} without `url`", node.line, node.column)
    return found


def _shown(node: Node) -> str:
    match node.value:
        case dict():
            return "a map"
        case list():
            return "a list"
        case str() as value if value:
            return quoted(value)
        case _:
            return "nothing"


_IMAGE = {
    "url": Field("url", url, strict=True),
    "width": Field("width", pixels),
    "height": Field("height", pixels),
    "title": Field("title", text),
}
_ACTION = {
    "url": Field("url", url, strict=True),
    "title": Field("title", text),
    "type": Field("type", word),
}
_PROVIDER = {
    "name": Field("name", text),
    "domain": Field("domain", domain),
    "images": Field("images", _images),
}

SPELLINGS = ("webUrl", "originalUrl", "ampWebUrl", "cdnAmpWebUrl")
"""The URLs of one article, the best one first."""

RELATED = {
    "title": Field("title", text, strict=True),
    **{name: Field(name, url) for name in SPELLINGS},
    "excerpt": Field("excerpt", text),
    "publishedDateTime": Field("published", instant),
    "updatedDateTime": Field("updated", instant),
    "type": Field("type", word),
    "category": Field("category", text),
    "language": Field("language", language),
    "author": Field("author", _authors),
    "authors": Field("authors", _authors),
    "quality": Field("quality", integer),
    "heat": Field("heat", heat),
    "published": Field("listed", yes_no, strict=True),
    "removed": Field("removed", yes_no, strict=True),
    "provider": Field("provider", provider),
    "images": Field("images", _images),
    "featuredContent": Field("player", embedded),
    "actions": Field("actions", many(action)),
    "length": Field("length", duration),
    "price": Field("price", text),
    "levels": Field("levels", _levels),
    "ratings": Field("rating", rating),
    "items": Field("items", _items),
}
"""The fields of a related entry."""

LEAD = {
    **RELATED,
    "id": Field("id", uri),
    "publishedDateTime": Field("published", instant, strict=True),
    "draft": Field("draft", yes_no, strict=True),
    "topics": Field("topics", topics),
}
"""The fields of a document's own article; `related` apart."""

BYLINE = {"authors": Field("authors", _authors)}
"""What a provider says of an article and not of itself."""

UNREAD = frozenset({"secured"})
"""The fields whose values never enter the tree, wherever they stand."""
