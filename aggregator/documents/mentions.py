"""From the fields of a document to what it says of articles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from aggregator.documents.fields import BYLINE, FORMER, LEAD, RELATED, SPELLINGS, addresses, distinct, read_fields
from aggregator.documents.kinds import unfit
from aggregator.errors import ParseError
from aggregator.model import Mention, by_title
from aggregator.text.dates import date_in_name
from aggregator.text.keywords import topics_in
from aggregator.text.plain import mark_of
from aggregator.text.urls import again, canonical, host, names_article, page_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aggregator.documents.kinds import Fields
    from aggregator.documents.notes import Notes
    from aggregator.documents.options import Options
    from aggregator.model import Provider
    from aggregator.text.tree import Node

_LINKS = SPELLINGS[:2]  # an AMP page is a copy, never the article itself
_SPELLED = (*_LINKS, *(former for former, name in FORMER.items() if name in _LINKS))
_NO_TITLE = "no title"
_NO_URL = "no usable URL, expected `webUrl` or `originalUrl`"
_ONLY_TEXT = "no usable URL, kept as text, expected `webUrl` or `originalUrl`"
_NO_DATE = "no date, expected `publishedDateTime` or a file name that starts with one such as 2023-02-28"


def links_of(urls: Mapping[str, str]) -> list[str]:
    """The `addresses` of an article that it may be linked to, the best one first."""
    return [urls[name] for name in _LINKS if name in urls]


def lead_mention(
    fields: Fields, urls: Mapping[str, str], source: int, body: str, options: Options, notes: Notes
) -> Mention | None:
    """What the document says of its own article, whose `addresses` these are; None, and errors noted, where it can't
    be used.
    """
    found, held = read_fields(fields, LEAD, notes)
    for error in held.values():
        notes.error(error)
    if "title" not in found and "title" not in held:
        notes.error(_missing(_NO_TITLE, fields, ("title",), (1, 1)))
    links = links_of(urls)
    if not links:
        notes.error(_missing(_NO_URL, fields, _SPELLED, (1, 1)))
    if "published" not in found and "publishedDateTime" not in held:
        found["published"] = date_in_name(notes.path.rpartition("/")[2], notes.zone)
        if not found["published"]:
            notes.error(_missing(_NO_DATE, fields, ("publishedDateTime",), (1, 1)))
    if notes.failed:
        return None
    if found.pop("draft", False):
        found["listed"] = False
    if options.keywords:
        text = f"{found['title']}\n{found.get('excerpt', '')}"
        found["topics"] = distinct((*found.get("topics", ()), *topics_in(text, options.keywords)))
    found["urls"] = _spellings(list(urls.values()), options.tracking)
    found["body"] = body
    if "id" in found:
        found["at"] = fields["id"].key
    return _mention(fields, found, urls, 0, source, options, notes)


def related_mentions(node: Node, source: int, options: Options, notes: Notes) -> list[Mention]:
    """What the document says of the articles it lists as related, without those entries that can't be used."""
    items = node.value if type(node.value) is list else [node]
    if len(items) > options.related:
        message = f"`related`: {len(items)} entries, expected at most {options.related}; the others are left out"
        notes.warning(ParseError(message, node.line, node.column))
    found: list[Mention] = []
    for place, item in enumerate(items[: options.related], 1):
        try:
            found.append(_related(item, place, source, options, notes))
        except ParseError as error:
            notes.warning(ParseError(f"related entry left out: {error.message}", error.line, error.column))
    return found


def respelled(mention: Mention, tracking: tuple[str, ...]) -> Mention:
    """A mention read under other rules, with the keys that its URLs have under these."""
    spelled = {key: canonical(again(url), tracking) for key, url in mention.urls}
    key = canonical(again(mention.link), tracking) if mention.link else mention.key
    return replace(
        mention,
        key=key if names_article(key) else spelled.get(mention.key, mention.key),
        urls=_spellings([again(url) for _, url in mention.urls], tracking),
        beside=spelled.get(mention.beside, mention.beside),
    )


def _related(item: Node, place: int, source: int, options: Options, notes: Notes) -> Mention:
    if type(item.value) is not dict:
        raise unfit(item, "a map")
    urls = addresses(item.value, notes)
    links = links_of(urls)
    notes.about(links[0] if links else "")
    found, held = read_fields(item.value, RELATED, notes)
    for error in held.values():
        raise error
    if "title" not in found:
        error = _missing(_NO_TITLE, item.value, ("title",), (item.line, item.column))
        if not links:
            raise error
        found["at"] = (error.line, error.column)  # its own document may say one
    if not links:
        notes.warning(_missing(_ONLY_TEXT, item.value, _SPELLED, (item.line, item.column)))
    return _mention(item.value, found, urls, place, source, options, notes)


def _mention(
    fields: Fields,
    found: dict[str, Any],
    urls: Mapping[str, str],
    place: int,
    source: int,
    options: Options,
    notes: Notes,
) -> Mention:
    """The mention that fields say; urls: the `addresses` of its article."""
    links = {name: urls[name] for name in _LINKS if name in urls}
    author = found.pop("author", ())
    if "authors" not in found:
        found["authors"] = author or _by_provider(fields, notes)
    keys = {name: canonical(url, options.tracking) for name, url in links.items()}
    telling = next((name for name in keys if names_article(keys[name])), None)
    title = found.pop("title", "")
    mark = mark_of(title) if links else mark_of(title, _name(found.get("provider")))
    if place == 0:
        found["alone"] = telling != "webUrl"
        found["beside"] = _beside(keys)
    return Mention(
        path=notes.path,
        place=place,
        source=source,
        key=keys[telling] if telling else by_title(page_of(next(iter(keys.values()), "")), mark),
        mark=mark,
        link=next(iter(links.values()), ""),
        title=title,
        **found,
    )


def _beside(keys: Mapping[str, str]) -> str:
    """The originalUrl beside a webUrl on another host, where both can name an article; else ""."""
    web, original = keys.get("webUrl", ""), keys.get("originalUrl", "")
    if not names_article(web) or not names_article(original) or host(web) == host(original):
        return ""
    return original


def _spellings(urls: list[str], tracking: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """The URLs that can name an article, as (canonical, as written); of several spellings of one, the first."""
    found: dict[str, str] = {}
    for url in urls:
        found.setdefault(canonical(url, tracking), url)
    return tuple((key, url) for key, url in found.items() if names_article(key))


def _name(provider: Provider | None) -> str:
    return (provider.name or provider.domain) if provider else ""


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
