"""Feeds that aren't a topic's, and what they go by among topics: a space, which no folded topic has, and a name."""

from __future__ import annotations

from enum import StrEnum

import msgspec
from msgspec.structs import replace

from aggregator.feeds.conditions import Condition
from aggregator.feeds.selection import Choice
from aggregator.model import Article
from aggregator.text.slugs import fold_topic

CUSTOM = "custom"


class Kind(StrEnum):
    """Of what there may be a feed each: of every category, provider or type that articles have."""

    categories = "categories"
    providers = "providers"
    types = "types"

    def of(self, article: Article) -> str:
        """What an article has of this kind, as shown; "" where it has none."""
        return {
            Kind.categories: article.category,
            Kind.providers: article.publisher,
            Kind.types: article.type,
        }[self]


class Order(StrEnum):
    """What a feed shows first: the newest, or that with most heat or quality."""

    date = "date"
    heat = "heat"
    quality = "quality"

    def rank(self, article: Article) -> int:
        """The rank of an article; those of lower rank are shown first. Of those that have none, the newest are."""
        if self is Order.date:
            return 0
        merit = article.heat if self is Order.heat else article.quality
        return 1 if merit is None or merit < 0 else -merit


class Rhythm(StrEnum):
    """How long the periods of a digest are."""

    daily = "daily"
    weekly = "weekly"


class Custom(msgspec.Struct, frozen=True):
    """A feed that the configuration makes up. `name` is its folder below `custom`; `entries` and `per_provider`: how
    many it shows, and of one provider (0: any number); `formats`: those of all feeds where there are none; `token`: the
    last part of a private one's address ("": it is public); `rhythm`: it is a digest whose entries list at most so
    many `stories` of their period (None: it is none).
    """

    name: str
    title: str
    entries: int
    per_provider: int = 0
    where: Condition = Condition()
    order: Order = Order.date
    description: str = ""
    formats: tuple[str, ...] = ()
    token: str = ""
    rhythm: Rhythm | None = None
    stories: int = 0

    @property
    def ranked(self) -> bool:
        """Whether it shows the best, and not the newest."""
        return self.order is not Order.date and not self.rhythm

    def choice(self, general: Choice) -> Choice:
        """What is said of it, where this is said of all feeds. It has archives if what is in it stays in it."""
        stays = not (self.ranked or self.rhythm or any(condition.age for condition in self.where))
        return replace(
            general,
            entries=self.entries,
            per_provider=self.per_provider,
            archives=general.archives and stays,
            always=True,
            complete=self.ranked,
        )

    @property
    def topic(self) -> str:
        """What it goes by among topics."""
        return f" {CUSTOM}/{self.name}"


def pseudo(kind: str, name: str) -> str:
    """What a feed goes by among topics that is a category's, a provider's or a type's, of whatever spelling."""
    return f" {kind}/{fold_topic(name)}"


def kind_of(topic: str) -> str:
    """The kind of feed that goes by this among topics; "" for a topic, or for everything."""
    return topic.partition("/")[0].removeprefix(" ") if topic.startswith(" ") else ""
