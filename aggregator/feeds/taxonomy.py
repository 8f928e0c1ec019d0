"""The topics that the site's editors know: under which one an article's topics are filed, and what a feed says of
it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from aggregator.text.slugs import fold_topic, slug


class KnownTopic(msgspec.Struct, frozen=True):
    """A topic that the site knows. `slug`: its wish for an address ("": from its name); `aliases`: names that mean
    it too; `parent`: the name of the topic it is a part of; `image`: an absolute URL.
    """

    name: str
    slug: str = ""
    aliases: tuple[str, ...] = ()
    parent: str = ""
    description: str = ""
    image: str = ""


class Taxonomy:
    """All known topics, to look things up in. Topics are named by their folded names (`fold_topic`) throughout.

    `children`: a parent's feed has its children's entries too.
    """

    def __init__(self, topics: Sequence[KnownTopic] = (), *, children: bool = False) -> None:
        self.topics = {fold_topic(topic.name): topic for topic in topics}
        meant = {fold_topic(alias): topic for topic, known in self.topics.items() for alias in known.aliases}
        self.former = {alias: _last(alias, meant) for alias in meant}
        """The topic that an alias means; of one whose topic is an alias itself, what that means."""
        self._aliases: dict[str, list[str]] = {}
        for alias, topic in self.former.items():
            self._aliases.setdefault(topic, []).append(alias)
        self._ancestors = {topic: self.above(topic) for topic in self.topics} if children else {}

    def aliases(self, topic: str) -> Sequence[str]:
        """The other names of a topic."""
        return self._aliases.get(topic, ())

    def filed(self, topics: Iterable[tuple[str, str, int]], start: int) -> list[tuple[str, str, int]]:
        """The topics in whose feeds an article with these is, as (folded, as shown, from when on), each once.

        Those of which it is only because a child of them is its topic come last, and have no name to show. None counts
        before `start`.
        """
        found: dict[str, tuple[str, str, int]] = {}
        for said, name, since in topics:
            topic = self.former.get(said, said)
            known = found.get(topic)
            if known is None:
                found[topic] = topic, self.name(topic) or name, max(since, start)
            elif since < known[2]:
                found[topic] = topic, known[1], max(since, start)
        if self._ancestors:
            for topic, _, since in list(found.values()):
                for ancestor in self._ancestors.get(topic, ()):
                    _, name, before = found.get(ancestor, (ancestor, "", since))
                    found[ancestor] = ancestor, name, min(since, before)
        return list(found.values())

    def name(self, topic: str) -> str:
        """How the site's editors spell a topic; "" where they don't know it."""
        return self.topics[topic].name if topic in self.topics else ""

    def address(self, topic: str, name: str) -> str:
        """The slug that a topic wishes for."""
        known = self.topics.get(topic)
        return (known and known.slug) or slug(name or (known.name if known else topic))

    def above(self, topic: str) -> list[str]:
        """The parent of a topic, its parent, and so on; a circle ends where it began."""
        found: list[str] = []
        while (
            topic in self.topics and (parent := self.topics[topic].parent) and fold_topic(parent) not in (*found, topic)
        ):
            topic = self.former.get(fold_topic(parent), fold_topic(parent))
            if topic not in self.topics:
                break
            found.append(topic)
        return found


def _last(alias: str, meant: dict[str, str]) -> str:
    """The topic at the end of a chain of aliases; a circle ends where it began."""
    passed = {alias}
    topic = meant[alias]
    while (following := meant.get(topic, alias)) not in passed:
        passed.add(topic)
        topic = following
    return topic
