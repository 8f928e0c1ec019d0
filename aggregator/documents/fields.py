"""The fields of a document: how the front matter spells them, what they are in a mention, how each is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from aggregator.documents import kinds
from aggregator.documents.kinds import Fields, Reader, label, many
from aggregator.documents.names import (
    DECIDING,
    Configured,
    Given,
    Names,
    Spelled,
    names,
    names_of_images,
    pieces,
    plain,
)
from aggregator.documents.notes import Notes
from aggregator.errors import ParseError
from aggregator.model import Action, Image, Provider
from aggregator.text.slugs import fold_topic
from aggregator.text.tree import Node


class Field(NamedTuple):
    """A row of a table: what the field is called here, and how it is read.

    What holds a `strict` field that can't be read can't be used either.
    """

    attribute: str
    read: Reader
    strict: bool = False


def given(fields: Fields, configured: Configured) -> Given:
    """What the fields of a document or of a related entry say, by our names; `configured`: the names of its source."""
    return names(NAMES, configured).given(fields)


def read_fields(given: Given, table: Mapping[str, Field], notes: Notes) -> tuple[dict[str, Any], dict[str, ParseError]]:
    """The values of the fields in the table, without empty ones, and what is wrong with which strict field.

    Of several values that a field is given, the best one counts that can be read. What is wrong with fields that aren't
    strict is noted.
    """
    found: dict[str, Any] = {}
    held: dict[str, ParseError] = {}
    for ours, values in given.items():
        field = table.get(ours)
        if field is None:
            continue
        for name, node, _ in values:
            if node.value is None or node.value == "":
                continue
            try:
                if len(values) > 1:
                    _decide(ours, values)
                value = field.read(node, notes)
            except ParseError as error:
                named = ParseError(f"`{name}`: {error.message}", error.line, error.column)
                if field.strict:
                    held[ours] = named
                    break
                notes.warning(named)
            else:
                if value or value == 0:
                    found[field.attribute] = value
                    break
    return found, held


def _decide(ours: str, values: tuple[Spelled, ...]) -> None:
    """Raise ParseError where what decides what may be seen is given several times, in different letters: a draft must
    not slip out.
    """
    if ours in DECIDING:
        name, node, _ = values[1]
        raise ParseError(f"again as `{name}`, expected one of them", *node.key)


def addresses(given: Given, notes: Notes) -> dict[str, str]:
    """The usable URLs of an article, by the names of `SPELLINGS`, and its canonical one by `CANONICAL`."""
    named = {name: given[name] for name in ADDRESSES if name in given}
    found, _ = read_fields(named, ADDRESSES, notes)
    permalink = found.pop("permalink", "")
    if permalink and not found.keys() & set(SPELLINGS[:2]):
        found["webUrl"] = permalink
    return {name: found[name] for name in (*SPELLINGS, CANONICAL) if name in found}


def image(node: Node, notes: Notes) -> Image:
    """A picture of an article: a map, or its URL alone."""
    if type(node.value) is str:
        return Image(kinds.picture(node, notes))
    return Image(**_with_url(node, "an image", _IMAGE, notes, _NAMES_OF_IMAGES))


def logo(node: Node, notes: Notes) -> Image:
    """A picture of a provider, likewise: the site's own, so a relative URL belongs to the site."""
    if type(node.value) is str:
        return Image(kinds.url(node, notes))
    return Image(**_with_url(node, "an image", _LOGO, notes))


def action(node: Node, notes: Notes) -> Action:
    """Something to do with the article."""
    return Action(**_with_url(node, "an action", _ACTION, notes))


def provider(node: Node, notes: Notes) -> Provider | None:
    """Who published the original."""
    found, _ = read_fields(plain(kinds.mapping(node, "a map with `name` and `domain`")), _PROVIDER, notes)
    return Provider(**found) if found else None


def author(node: Node, _: Notes) -> str:
    """A name, alone or in a map."""
    named = node.value.get("name", node) if type(node.value) is dict else node
    return label(named, "an author's name")


def topics(node: Node, notes: Notes) -> tuple[str, ...]:
    """The names of topics, each of which makes a feed; a text may hold several, with commas between them."""
    parts = pieces(node)
    if len(parts) != 1:
        node = Node(parts, node.line, node.column, node.key)
    return distinct(_topics(node, notes))


def distinct(names: Iterable[str]) -> tuple[str, ...]:
    """The names of topics; of several for the same topic, the first."""
    found: dict[str, str] = {}
    for name in names:
        found.setdefault(fold_topic(name), name)
    return tuple(found.values())


_topics = many(lambda node, _: label(node, "the name of a topic"))
_levels = many(lambda node, _: label(node, "a level"))
_items = many(lambda node, _: label(node, "the name of an item"))
_authors = many(author)
_images = many(image)
_logos = many(logo)


def _with_url(
    node: Node, what: str, table: Mapping[str, Field], notes: Notes, spelled: Names | None = None
) -> dict[str, Any]:
    """The fields of a map in which `url` is required; `spelled`: what they may be called besides."""
    fields = kinds.mapping(node, f"{what} with `url`")
    found, held = read_fields(spelled.given(fields) if spelled else plain(fields), table, notes)
    for error in held.values():
        raise error
    if "url" not in found:
        raise ParseError(f"{what} without `url`", node.line, node.column)
    return found


_IMAGE = {
    "url": Field("url", kinds.picture, strict=True),
    "width": Field("width", kinds.pixels),
    "height": Field("height", kinds.pixels),
    "title": Field("title", kinds.text),
}
_NAMES_OF_IMAGES = names_of_images(frozenset(_IMAGE))
_LOGO = {**_IMAGE, "url": Field("url", kinds.url, strict=True)}
_ACTION = {
    "url": Field("url", kinds.url, strict=True),
    "title": Field("title", kinds.text),
    "type": Field("type", kinds.word),
}
_PROVIDER = {
    "name": Field("name", kinds.text),
    "domain": Field("domain", kinds.domain),
    "images": Field("images", _logos),
}

SPELLINGS = ("webUrl", "originalUrl", "ampWebUrl", "cdnAmpWebUrl")
"""The URLs of one article, the best one first."""

CANONICAL = "canonicalUrl"
"""The URL that search engines are told is the article's: as good as an `originalUrl`, where there is none."""

ADDRESSES = {
    **{name: Field(name, kinds.url) for name in (*SPELLINGS, CANONICAL)},
    "permalink": Field("permalink", kinds.page),
}
"""The fields that hold the URLs of an article, also a related one."""

RELATED = {
    "title": Field("title", kinds.title, strict=True),
    "excerpt": Field("excerpt", kinds.excerpt),
    "publishedDateTime": Field("published", kinds.likely_instant),
    "updatedDateTime": Field("updated", kinds.likely_instant),
    "type": Field("type", kinds.word),
    "category": Field("category", kinds.text),
    "language": Field("language", kinds.language),
    "authors": Field("authors", _authors),
    "quality": Field("quality", kinds.integer),
    "heat": Field("heat", kinds.heat),
    "published": Field("listed", kinds.yes_no, strict=True),
    "removed": Field("removed", kinds.yes_no, strict=True),
    "provider": Field("provider", provider),
    "images": Field("images", _images),
    "featuredContent": Field("player", kinds.embedded),
    "actions": Field("actions", many(action)),
    "length": Field("length", kinds.duration),
    "price": Field("price", kinds.text),
    "levels": Field("levels", _levels),
    "ratings": Field("rating", kinds.rating),
    "items": Field("items", _items),
}
"""The fields of a related entry, its addresses apart."""

LEAD = {
    **RELATED,
    "id": Field("id", kinds.uri),
    "publishedDateTime": Field("published", kinds.instant, strict=True),
    "updatedDateTime": Field("updated", kinds.instant),
    "draft": Field("draft", kinds.yes_no, strict=True),
    "topics": Field("topics", topics),
}
"""The fields of a document's own article; its addresses and `related` apart."""

BYLINE = {"authors": Field("authors", _authors)}
"""What a provider says of an article and not of itself."""

UNREAD = frozenset({"secured"})
"""The fields whose values never enter the tree, wherever they stand."""

MADE_OF = {
    "title": LEAD["title"],
    "publishedDateTime": LEAD["publishedDateTime"],
    "slug": Field("slug", kinds.slug),
}
"""The fields that an address is made of where there is none."""

NAMES = frozenset({*ADDRESSES, *LEAD, *MADE_OF, "related"})
"""Our names of all fields."""
