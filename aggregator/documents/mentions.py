"""From the fields of a document to what it says of articles."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from aggregator.documents.fields import BYLINE, LEAD, RELATED, SPELLINGS, read_fields
from aggregator.documents.kinds import unfit
from aggregator.errors import ParseError
from aggregator.model import Mention
from aggregator.text.dates import date_in_name
from aggregator.text.plain import fold
from aggregator.text.urls import canonical, names_article

if TYPE_CHECKING:
    from aggregator.documents.kinds import Fields
    from aggregator.documents.notes import Notes
    from aggregator.text.tree import Node

_LINKS = SPELLINGS[:2]  # an AMP page is a copy, never the article itself
_NO_TITLE = "no title"
_NO_URL = "no usable URL, expected `webUrl` or `originalUrl`"
_NO_DATE = "no date, expected `publishedDateTime` or a file name that starts with one such as 2023-02-28"


def lead_mention(fields: Fields, source: int, body: str, notes: Notes) -> Mention | None:
    """What the document says of its own article; None, and errors noted, where it can't be used."""
    found, held = read_fields(fields, LEAD, notes)
    for error in held.values():
        notes.error(error)
    if "title" not in found and "title" not in held:
        notes.error(_missing(_NO_TITLE, fields, ("title",), (1, 1)))
    if not any(name in found for name in _LINKS):
        notes.error(_missing(_NO_URL, fields, _LINKS, (1, 1)))
    if "published" not in found and "publishedDateTime" not in held:
        found["published"] = date_in_name(notes.path.rpartition("/")[2])
        if not found["published"]:
            notes.error(_missing(_NO_DATE, fields, ("publishedDateTime",), (1, 1)))
    if notes.failed:
        return None
    if found.pop("draft", False):
        found["listed"] = False
    return _mention(fields, found, 0, source, notes, body=body)


def related_mentions(node: Node, source: int, limit: int, notes: Notes) -> list[Mention]:
    """What the document says of the articles it lists as related, without those entries that can't be used."""
    items = node.value if type(node.value) is list else [node]
    if len(items) > limit:
        message = f"`related`: {len(items)} entries, expected at most {limit}; the others are left out"
        notes.warning(ParseError(message, node.line, node.column))
    found: list[Mention] = []
    for place, item in enumerate(items[:limit], 1):
        try:
            found.append(_related(item, place, source, notes))
        except ParseError as error:
            notes.warning(ParseError(f"related entry left out: {error.message}", error.line, error.column))
    return found


def _related(item: Node, place: int, source: int, notes: Notes) -> Mention:
    if type(item.value) is not dict:
        raise unfit(item, "a map")
    found, held = read_fields(item.value, RELATED, notes)
    for error in held.values():
        raise error
    if "title" not in found:
        raise _missing(_NO_TITLE, item.value, ("title",), (item.line, item.column))
    if not any(name in found for name in _LINKS):
        raise _missing(_NO_URL, item.value, _LINKS, (item.line, item.column))
    return _mention(item.value, found, place, source, notes)


def _mention(fields: Fields, found: dict[str, Any], place: int, source: int, notes: Notes, body: str = "") -> Mention:
    links = [found[name] for name in _LINKS if name in found]
    urls = tuple(dict.fromkeys(found.pop(name) for name in SPELLINGS if name in found))
    author = found.pop("author", ())
    if "authors" not in found:
        found["authors"] = author or _by_provider(fields, notes)
    own = [canonical(url) for url in links]
    title = found["title"]
    mark = blake2b(fold(title).encode(), digest_size=8).hexdigest()
    keys: tuple[str, ...] = ()
    if not place:
        keys = tuple(dict.fromkeys(key for key in map(canonical, urls) if names_article(key)))
    return Mention(
        path=notes.path,
        place=place,
        source=source,
        key=next(filter(names_article, own), f"{own[0]}#{mark}"),
        mark=mark,
        link=links[0],
        keys=keys,
        urls=() if place else urls,
        body=body,
        **found,
    )


def _by_provider(fields: Fields, notes: Notes) -> tuple[str, ...]:
    """The authors that only the provider knows."""
    provider = fields.get("provider")
    if provider is None or type(provider.value) is not dict:
        return ()
    found, _ = read_fields(provider.value, BYLINE, notes)
    authors: tuple[str, ...] = found.get("authors", ())
    return authors


def _missing(message: str, fields: Fields, names: tuple[str, ...], place: tuple[int, int]) -> ParseError:
    """What to raise for something that is missing: at the first of the fields that were left empty, else at `place`."""
    return ParseError(message, *next((fields[name].key for name in names if name in fields), place))
