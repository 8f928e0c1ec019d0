"""The topics that a site knows: whatever is written of one made one, and no two of them mistakable."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from msgspec import UNSET
from msgspec.structs import asdict, replace

from aggregator.config import words
from aggregator.config.checks import Place
from aggregator.config.topics import Written
from aggregator.config.types import KnownTopic
from aggregator.text.plain import quoted
from aggregator.text.slugs import fold_topic, slug
from aggregator.text.tree import Node


class Known(NamedTuple):
    """A topic, and what is written of it: what comes later completes what comes before."""

    topic: KnownTopic
    written: tuple[Written, ...]

    @property
    def name(self) -> str:
        """The name as messages show it."""
        return quoted(self.topic.name)

    @property
    def aliases(self) -> list[str]:
        """Those that could be read."""
        return [alias for alias in self.topic.aliases if isinstance(alias, str)]

    def tell(self, message: str, text: str, *keys: str) -> None:
        """Add a problem at the last place that says this text for one of these keys; else where the topic begins."""
        last = self.written[-1]
        converter, place = last.converter, (last.node.line, last.node.column)
        for one in self.written:
            if found := _place(one.node, text, keys):
                converter, place = one.converter, found
        converter.follow(place, message)


def known(written: Iterable[Any]) -> tuple[Any, ...]:
    """All topics that something is written of, each once, in that order; `parent` is the name of another one.

    What is listed completes what a file says: its values win, where it has any. Where a topic or a name of one couldn't
    be read (UNSET) there is UNSET at the end, and what may only follow from that isn't told.
    """
    written = list(written)
    whole = all(one is not UNSET and UNSET not in one.topic.aliases for one in written)
    topics = _made_one(one for one in written if one is not UNSET)
    _names_lie_apart(topics)
    _addresses_lie_apart(topics)
    parents = dict(_parents(topics, whole))
    for circle in _circles(parents):
        names = ", ".join(topics[key].name for key in (*circle, circle[0]))
        first = topics[circle[0]]
        first.tell(f"the parents go in a circle: {names}; leave one out", first.topic.parent, "parent")
    found = (
        replace(one.topic, parent=topics[parents[key]].topic.name if key in parents else "")
        for key, one in topics.items()
    )
    return (*found, *(() if whole else (UNSET,)))


def _made_one(written: Iterable[Written]) -> dict[str, Known]:
    """The topics by folded name."""
    found: dict[str, Known] = {}
    for one in written:
        key = fold_topic(one.topic.name)
        before = found.get(key)
        if not before:
            found[key] = Known(one.topic, (one,))
        elif before.written[-1].listed == one.listed:
            first = before.written[-1]
            message = (
                f"the topic {quoted(one.topic.name)} again, first given in {first.converter.path}:{first.node.line}"
            )
            Known(one.topic, (one,)).tell(message, one.topic.name, "name")
        else:
            given = {name: value for name, value in asdict(one.topic).items() if value}
            found[key] = Known(replace(before.topic, **given), (*before.written, one))
    return found


def _names_lie_apart(topics: Mapping[str, Known]) -> None:
    owners = dict(topics)
    for key, one in topics.items():
        for alias in one.aliases:
            folded = fold_topic(alias)
            owner = owners.setdefault(folded, one)
            if folded == key:
                one.tell(f"the alias {quoted(alias)} is the topic's own name", alias, "aliases", "shortname")
            elif owner is not one:
                whose = "the name" if folded in topics else "an alias"
                message = f"the alias {quoted(alias)} is {whose} of the topic {owner.name} too; leave one out"
                one.tell(message, alias, "aliases", "shortname")


def _addresses_lie_apart(topics: Mapping[str, Known]) -> None:
    owners: dict[str, Known] = {}
    for one in topics.values():
        address = one.topic.slug or slug(one.topic.name)
        owner = owners.setdefault(address, one)
        if owner is not one:
            message = f"the topics {owner.name} and {one.name} have the address `{address}`; give one another `slug`"
            one.tell(message, one.topic.slug or one.topic.name, "slug" if one.topic.slug else "name")


def _parents(topics: Mapping[str, Known], whole: bool) -> Iterator[tuple[str, str]]:
    """Each topic that has a parent, and that one; both by folded name."""
    named = {key: key for key in topics}
    for key, one in topics.items():
        for alias in one.aliases:
            named.setdefault(fold_topic(alias), key)
    ids: dict[str, set[str]] = {}
    for key, one in topics.items():
        for id in filter(None, (fold_topic(part.id) for part in one.written)):
            ids.setdefault(id, set()).add(key)

    @cache
    def hint(name: str) -> str:
        spelled = [other for one in topics.values() for other in (one.topic.name, *one.aliases)]
        near = words.nearest(name, spelled)
        return f"did you mean {quoted(near)}?" if near else "expected the name of a topic that is listed or has a file"

    for key, one in topics.items():
        if not (name := one.topic.parent):
            continue
        folded = fold_topic(name)
        found = {named[folded]} if folded in named else set(ids.get(folded, ()))
        if len(found) == 1:
            yield key, found.pop()
        elif found:
            several = " and ".join(sorted(topics[other].name for other in found))
            one.tell(f"the parent {quoted(name)} is the `_id` of {several}, expected a name", name, "parent")
        elif whole:
            one.tell(f"no topic {quoted(name)} to be the parent; {hint(name)}", name, "parent")


def _circles(parents: Mapping[str, str]) -> Iterator[list[str]]:
    """Each circle, once."""
    seen: set[str] = set()
    for start in parents:
        way: list[str] = []
        here = start
        while here in parents and here not in seen:
            seen.add(here)
            way.append(here)
            here = parents[here]
        if here in way:
            yield way[way.index(here) :]


def _place(node: Node, text: str, keys: Iterable[str]) -> Place | None:
    """Where one of these keys says the text, alone or in a list."""
    if not isinstance(node.value, dict):
        return None
    values = [node.value[key] for key in keys if key in node.value]
    for value in values:
        for item in value.value if isinstance(value.value, list) else [value]:
            if isinstance(item.value, str) and fold_topic(item.value) == fold_topic(text):
                return item.line, item.column
    return None
