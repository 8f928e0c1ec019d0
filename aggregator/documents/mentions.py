"""From the fields of a document to what it says of articles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec.structs import replace

from aggregator.documents import names
from aggregator.documents.fields import (
    BYLINE,
    CANONICAL,
    LEAD,
    MADE_OF,
    RELATED,
    SPELLINGS,
    addresses,
    distinct,
    given,
    read_fields,
)
from aggregator.documents.kinds import MAX_TITLE, unfit
from aggregator.documents.notes import Notes
from aggregator.errors import ParseError
from aggregator.model import Mention, by_title
from aggregator.text.dates import date_in_name, date_in_path, local
from aggregator.text.keywords import topics_in
from aggregator.text.plain import cut, mark_of, plain
from aggregator.text.tree import Node
from aggregator.text.urls import absolute, again, canonical, host, names_article, page_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from aggregator.documents.kinds import Fields
    from aggregator.documents.names import Given
    from aggregator.documents.options import Options
    from aggregator.model import Provider


class Body(NamedTuple):
    """The body of a document: sanitised HTML; as plain text its first heading, for one without a title, and what is
    before `<!--more-->`, for one without an excerpt ("": there is none).
    """

    html: str = ""
    heading: str = ""
    beginning: str = ""


_LINKS = SPELLINGS[:2]  # an AMP page is a copy, never the article itself
_SPELLED = (*_LINKS, CANONICAL, "permalink")
_NO_TITLE = "no title"
_NO_URL = "no usable URL, expected `webUrl` or `originalUrl`"
_ONLY_TEXT = "no usable URL, kept as text, expected `webUrl` or `originalUrl`"
_NO_DATE = "no date, expected `publishedDateTime` or a file name that starts with one such as 2023-02-28"


def links_of(urls: Mapping[str, str]) -> list[str]:
    """The `addresses` of an article that it may be linked to, the best one first."""
    return [urls[name] for name in _LINKS if name in urls]


def with_canonical(urls: dict[str, str]) -> dict[str, str]:
    """The `addresses` of an article, among which its canonical one is that of the original, unless another one is."""
    if CANONICAL not in urls:
        return urls
    urls = {"originalUrl": urls[CANONICAL]} | urls
    return {name: urls[name] for name in SPELLINGS if name in urls}


def lead_mention(
    fields: Given, urls: Mapping[str, str], source: int, body: Body, options: Options, notes: Notes
) -> Mention | None:
    """What the document says of its own article, whose `addresses` these are; None, and errors noted, where it can't
    be used.
    """
    found, held = read_fields(fields, LEAD, notes)
    for error in held.values():
        notes.error(error)
    is_dated = "published" in found or "publishedDateTime" in held
    if not is_dated:
        found["published"] = date_of(notes)
        is_dated = found["published"] is not None
    is_linked = bool(links_of(urls))
    if "title" not in found and "title" not in held:
        # What has nothing else of an article may be no article at all: then its title is missed too.
        can_be_named = is_dated and is_linked and not names.is_written(fields, "title")
        found["title"] = (body.heading or _title_in_name(notes.inner)) if can_be_named else ""
        if not found["title"]:
            notes.error(_missing(_NO_TITLE, fields, ("title",), (1, 1)))
    if not is_linked:
        notes.error(_missing(_NO_URL, fields, _SPELLED, (1, 1)))
    if not is_dated:
        notes.error(_missing(_NO_DATE, fields, ("publishedDateTime",), (1, 1)))
    if notes.failed:
        return None
    if body.beginning:
        found.setdefault("excerpt", body.beginning)
    if found.pop("draft", False):
        found["listed"] = False
    if options.keywords:
        text = f"{found['title']}\n{found.get('excerpt', '')}"
        found["topics"] = distinct((*found.get("topics", ()), *topics_in(text, options.keywords)))
    found["urls"] = _spellings(list(urls.values()), options.tracking)
    found["body"] = body.html
    if "id" in found:
        found["at"] = fields["id"][0][1].key
    return _mention(fields, found, urls, 0, source, options, notes)


def with_made(urls: dict[str, str], fields: Fields, said: Given, options: Options, notes: Notes) -> dict[str, str]:
    """The `addresses` of a document; where it has none, with one that a pattern gives it: its own permalink, else that
    of its source.
    """
    if links_of(urls):
        return urls
    from aggregator.documents.permalinks import is_pattern  # few documents have no address

    own = [node.value for _, node, _ in said.get("permalink", ()) if type(node.value) is str]
    pattern = next(filter(is_pattern, own), options.permalink)
    made = _made(pattern, fields, said, notes) if pattern else ""
    return {"webUrl": made} | urls if made else urls


def _title_in_name(path: str) -> str:
    """The title that a document's name spells."""
    from aggregator.documents.permalinks import titled

    return cut(plain(titled(path)), MAX_TITLE)


def _made(pattern: str, fields: Fields, said: Given, notes: Notes) -> str:
    """The address that a pattern gives a document; "" where that needs a date which the document lacks."""
    from aggregator.documents.permalinks import Page, needs_date, path_of

    found, _ = read_fields(said, MADE_OF, Notes(notes.path, notes.options))  # what is wrong with them is told elsewhere
    published = found.get("published") or date_of(notes)
    if needs_date(pattern) and not published:
        return ""
    page = Page(
        path=notes.inner,
        title=found.get("title", ""),
        slug=found.get("slug", ""),
        published=local(published, notes.zone) if published else None,
        categories=_categories(fields),
    )
    return absolute(notes.site + path_of(pattern, page), "") or ""


def _categories(fields: Fields) -> tuple[str, ...]:
    """The categories that addresses hold, as Jekyll reads them: `category` is one, `categories` a list, or a text with
    commas or blanks between them.
    """
    folded = {name.lower(): node for name, node in fields.items()}
    nodes = [folded["category"]] if "category" in folded else []
    for node in names.pieces(folded["categories"]) if "categories" in folded else []:
        is_list = type(folded["categories"].value) is list
        words = [node.value] if is_list or type(node.value) is not str else node.value.split()
        nodes += [Node(word, node.line, node.column) for word in words]
    return tuple(node.value for node in nodes if type(node.value) is str)


def date_of(notes: Notes) -> datetime | None:
    """The day that a document's file is named by, or its folders; None without one."""
    return date_in_name(notes.path.rpartition("/")[2], notes.zone) or date_in_path(notes.inner, notes.zone)


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
    fields = given(item.value, options.fields)
    urls = with_canonical(addresses(fields, notes))
    links = links_of(urls)
    notes.about(links[0] if links else "")
    found, held = read_fields(fields, RELATED, notes)
    for error in held.values():
        raise error
    if "title" not in found:
        error = _missing(_NO_TITLE, fields, ("title",), (item.line, item.column))
        if not links:
            raise error
        found["at"] = (error.line, error.column)  # its own document may say one
    if not links:
        notes.warning(_missing(_ONLY_TEXT, fields, _SPELLED, (item.line, item.column)))
    return _mention(fields, found, urls, place, source, options, notes)


def _mention(
    fields: Given,
    found: dict[str, Any],
    urls: Mapping[str, str],
    place: int,
    source: int,
    options: Options,
    notes: Notes,
) -> Mention:
    """The mention that fields say; urls: the `addresses` of its article."""
    links = {name: urls[name] for name in _LINKS if name in urls}
    if "authors" not in found:
        found["authors"] = _by_provider(fields, notes)
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


def _by_provider(fields: Given, notes: Notes) -> tuple[str, ...]:
    """The authors that only the provider knows."""
    providers = fields.get("provider", ())
    if not providers:
        return ()
    _, node, _ = providers[0]
    if type(node.value) is not dict:
        return ()
    found, _ = read_fields(names.plain(node.value), BYLINE, notes)
    authors: tuple[str, ...] = found.get("authors", ())
    return authors


def _missing(message: str, fields: Given, missed: tuple[str, ...], place: tuple[int, int]) -> ParseError:
    """What to raise for something that is missing: at the first of the fields that were left empty, else at `place`."""
    return ParseError(message, *next((fields[name][0][1].key for name in missed if name in fields), place))
