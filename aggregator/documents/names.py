"""The names of fields: ours, and what other programs call the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from aggregator.text.tree import Node

Spelled: TypeAlias = tuple[str, Node, float]
"""The name that a document gives a value, the value, and the rank that the name has."""

Given: TypeAlias = Mapping[str, tuple[Spelled, ...]]
"""The values that a document gives its fields, by our names; of each the best one first."""

Configured: TypeAlias = tuple[tuple[str, tuple[str, ...]], ...]
"""What a source calls fields besides: (our name, its names, the best one first)."""

OTHERS: Mapping[str, tuple[str, ...]] = {
    "title": ("name",),
    "publishedDateTime": ("date", "publishDate", "pubDate"),
    "updatedDateTime": ("lastmod", "updated", "modified", "last_modified_at", "updatedDate"),
    "excerpt": ("description", "summary", "subtitle", "spoiler"),
    "topics": ("tags categories", "keywords"),
    "images": ("image", "cover", "featured_image", "featuredImage", "thumbnail", "hero", "heroImage"),
    "language": ("lang", "locale"),
    "authors": ("author",),
    "originalUrl": ("sourceUrl",),
    "ampWebUrl": ("ampUrl",),
    "cdnAmpWebUrl": ("cdnAmpUrl",),
    "permalink": ("url", "path"),
    "canonicalUrl": ("canonical_url",),
    "slug": (),
}
"""What the fields are called elsewhere, in any case of letters, the best name first.

Names with a blank between them are read together. `sourceUrl` and its like are what older documents have; the others
are those of Jekyll, Hugo, Zola, Eleventy, Pelican, Gatsby and Astro.
"""

OTHERS_OF_IMAGES: Mapping[str, tuple[str, ...]] = {
    "url": ("path", "image", "src"),
    "title": ("alt",),
}
"""Likewise the fields of an image: jekyll-seo-tag has `path`, themes for Hugo have `image`."""

CONTAINERS = ("params", "extra", "taxonomies")
"""The maps whose fields can count as the document's own (Hugo's and Zola's), behind those that it has itself."""

INSIDE = ("publishedDateTime", "updatedDateTime", "excerpt", "topics", "images", "language", "authors")
"""The fields that count in `CONTAINERS`: an `url` there is any, and a `name` anybody's."""

DECIDING = ("id", "published", "draft", "removed", "related", "secured")
"""What has no other name: a slip would publish what must not be seen, or make an entry another one."""

_BUILT_IN = 1000  # a rank behind those of all that a source configures
_INSIDE = 0.5  # what is in one of the `CONTAINERS` is so far behind what isn't
_TOGETHER = "topics"
"""The field whose names of one rank are read together."""


class Names(NamedTuple):
    """How fields are found: by our `exact` names; by these in lower case, `ours`; by `others` in lower case, each with
    the field that it means and its rank; in `maps`, also by name in lower case. The least rank is the best. `all` are
    all of these in lower case.
    """

    exact: frozenset[str]
    ours: Mapping[str, str]
    others: Mapping[str, tuple[str, float]]
    maps: frozenset[str]
    all: frozenset[str]

    def given(self, fields: Mapping[str, Node]) -> Given:
        """What the fields say, by our names; empty values are as if they weren't there, behind all others."""
        exact = self.exact
        found: dict[str, tuple[Spelled, ...]] = {}
        strange: list[tuple[str, Node]] = []
        for name, node in fields.items():
            if name in exact:  # most are, and documents have hundreds
                found[name] = ((name, node, -1),)
            elif name.lower() in self.all:
                strange.append((name, node))
        if strange:
            others: dict[str, list[Spelled]] = {}
            self._gather(strange, "", others)
            found |= {ours: _ranked(ours, [*found.get(ours, ()), *values]) for ours, values in others.items()}
        return found

    def _gather(self, fields: Iterable[tuple[str, Node]], inside: str, found: dict[str, list[Spelled]]) -> None:
        for name, node in fields:
            folded = (inside + name).lower()
            meant = self.others.get(folded) or self._ours(name, inside)
            if meant:
                ours, rank = meant
                found.setdefault(ours, []).append((inside + name, node, rank))
            if folded in self.maps and type(node.value) is dict:
                self._gather(node.value.items(), f"{inside}{name}.", found)

    def _ours(self, name: str, inside: str) -> tuple[str, float] | None:
        """The field that one of our names in other letters means, or any of the names in one of the `CONTAINERS`."""
        folded = name.lower()
        ours = self.ours.get(folded, "")
        if not inside:
            return (ours, 0) if ours else None
        if inside[:-1].lower() not in CONTAINERS:
            return None
        meant, rank = self.others.get(folded, (ours, _BUILT_IN - 1))
        return (meant, rank + _INSIDE) if meant in INSIDE else None


@lru_cache(maxsize=64)
def names(known: frozenset[str], configured: Configured = ()) -> Names:
    """The names of the fields that are known here; those that a source has come before the `OTHERS` and mean no other
    field.
    """
    others: dict[str, tuple[str, float]] = {}
    for ours, theirs in configured:
        for rank, name in enumerate(theirs, 1):
            others.setdefault(name.lower(), (ours, 1 if ours == _TOGETHER else rank))
    maps = {upper for name in others for upper in _maps(name)}
    exact = frozenset(name for name in known if name.lower() not in others)
    return _compiled(exact, known, _ranks(OTHERS) | others, maps.union(CONTAINERS))


def names_of_images(known: frozenset[str]) -> Names:
    """The names of the fields of an image."""
    return _compiled(known, known, _ranks(OTHERS_OF_IMAGES), set())


def called_here(name: str) -> str:
    """Our name of a field, by one of the `OTHERS`; "": it is none of these."""
    return _ranks(OTHERS).get(name.lower(), ("", 0))[0]


def is_written(given: Given, name: str) -> bool:
    """Whether a field has a value, whatever that is worth."""
    return any(node.value not in (None, "") for _, node, _ in given.get(name, ()))


def plain(fields: Mapping[str, Node]) -> Given:
    """What fields say that have no other names than ours."""
    return {name: ((name, node, 0),) for name, node in fields.items()}


def pieces(node: Node) -> list[Node]:
    """The items of a list; of a text, what is between its commas."""
    if type(node.value) is list:
        return node.value
    if type(node.value) is not str or "," not in node.value:
        return [node]
    texts = filter(None, map(str.strip, node.value.split(",")))
    return [Node(text, node.line, node.column) for text in texts]


def _compiled(
    exact: frozenset[str], known: frozenset[str], others: dict[str, tuple[str, float]], maps: set[str]
) -> Names:
    ours = {name.lower(): name for name in known}
    return Names(exact, ours, others, frozenset(maps), frozenset({*ours, *others, *maps}))


def _ranks(others: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, float]]:
    """The field that each of the other names means, and its rank, by the name in lower case."""
    found: dict[str, tuple[str, float]] = {}
    for ours, theirs in others.items():
        for rank, together in enumerate(theirs, _BUILT_IN):
            found |= {name.lower(): (ours, rank) for name in together.split()}
    return found


def _maps(name: str) -> list[str]:
    """The maps that a dotted name leads through."""
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts))]


def _ranked(ours: str, values: list[Spelled]) -> tuple[Spelled, ...]:
    """The values of a field, the best one first, those that are empty last; of topics, those of one rank as one."""
    if len(values) == 1:
        return tuple(values)
    values = sorted(values, key=lambda value: (value[1].value in (None, ""), value[2]))
    name, best, rank = values[0]
    together = [node for _, node, its in values if its == rank and node.value not in (None, "")]
    if ours != _TOGETHER or len(together) < 2:
        return tuple(values)
    items = [item for node in together for item in pieces(node)]
    return ((name, Node(items, best.line, best.column, best.key), rank), *values[len(together) :])
