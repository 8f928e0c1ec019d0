"""Mentions made articles, articles made stories: trust, merging, coverage."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from aggregator.model import Article, Mention, Story
from aggregator.text.slugs import fold_topic

MAX_TITLES = 20
"""A URL that more leads with different titles than this claim says nothing about any one article."""

MOST_COVERAGE = 200
"""How many articles a story shows as its coverage."""

_NEVER = datetime.max.replace(tzinfo=UTC)
_EMPTY: tuple[Any, ...] = (None, "", ())
_ALWAYS = ("link", "title", "listed")
_OWN_RULES = frozenset({"key", "removed", "topics", "updated", *_ALWAYS})
_FIELDS = tuple(name for name in Article.__struct_fields__ if name not in _OWN_RULES)


def trust(mention: Mention) -> tuple[Any, ...]:
    """The sort key of the order of trust, most trusted first; total, so the order of arrival never shows."""
    return (
        mention.place > 0,
        mention.kept,
        mention.quality is None,
        -(mention.quality or 0),
        mention.published or _NEVER,
        mention.source,
        mention.path,
        mention.place,
    )


def givers(mentions: Iterable[Mention]) -> dict[str, Mention]:
    """The mention that gives each field of the article its value: of those that have one, the most trusted.

    Topics, `updated` and `removed` aren't here: they come from several mentions.
    """
    first, *others = sorted(mentions, key=trust)
    found = dict.fromkeys(_ALWAYS, first)
    lacking = []
    for name in _FIELDS:
        if getattr(first, name) in _EMPTY:
            lacking.append(name)
        else:
            found[name] = first
    for mention in others:
        for name in lacking:
            if name not in found and getattr(mention, name) not in _EMPTY:
                found[name] = mention
    return found


def merge(mentions: Iterable[Mention], key: str) -> Article:
    """The article that `mentions` (at least one, in any order) speak of.

    Each field is the first non-empty one in the order of trust. Topics are their union. `updated` is the newest
    that a lead gives, else `published`. The most trusted lead says whether it is listed; any lead withdraws it, but
    one whose document is gone only where no other's is there. An article without leads goes by its related mentions.
    """
    ordered = sorted(mentions, key=trust)
    leads = [mention for mention in ordered if mention.place == 0]
    topics = tuple(topic for mention in ordered for topic in mention.topics)
    fields = {name: getattr(mention, name) for name, mention in givers(ordered).items()}
    return Article(
        key=key,
        topics=_distinct(topics) if len(leads) > 1 else topics,
        updated=max((lead.updated for lead in leads if lead.updated), default=fields.get("published")),
        removed=any(mention.removed for mention in leads or ordered if mention.kept == ordered[0].kept),
        **fields,
    )


def _distinct(topics: tuple[str, ...]) -> tuple[str, ...]:
    found: dict[str, str] = {}
    for topic in topics:
        found.setdefault(fold_topic(topic), topic)
    return tuple(found.values())


def timely(mentions: Sequence[Mention], key: str, now: datetime) -> tuple[Sequence[Mention], datetime | None]:
    """The mentions of a related article that count at `now`, and when the next one will (None: none is to come).

    What has a spare key names no article: documents say the same of it by chance, and each from its own date on. So no
    mention waits for the date of another one. Where all are to come, all are given, and their article is to come too.
    """
    if "#" not in key or any(mention.place == 0 for mention in mentions):
        return mentions, None
    coming = [mention.published for mention in mentions if mention.published and mention.published > now]
    present = [mention for mention in mentions if not (mention.published and mention.published > now)]
    return present or mentions, min(coming, default=None)


def relate(article: Article, related: Iterable[Article], now: datetime) -> tuple[Story, datetime | None]:
    """The article with its coverage, best first: by quality, date, key; and when it changes by itself.

    At most 200 articles are coverage. The article itself and withdrawn articles are none. A future one isn't until its
    instant, nor is one updated until then; the earliest of these instants is the second value (None: never).
    """
    others = {other.key: other for other in related if other.key != article.key and not other.removed}
    shown = [other for other in others.values() if not (other.published and other.published > now)]
    instants = [other.published for other in others.values()] + [one.updated for one in (article, *shown)]
    future = [instant for instant in instants if instant and instant > now]
    coverage = tuple(_as_of(other, now) for other in sorted(shown, key=merit)[:MOST_COVERAGE])
    return Story(_as_of(article, now), coverage), min(future, default=None)


def _as_of(article: Article, now: datetime) -> Article:
    """The article as it is now: an update to come is none yet."""
    if not article.updated or article.updated <= now:
        return article
    return replace(article, updated=article.published)


def merit(article: Article) -> tuple[Any, ...]:
    """The sort key of coverage, the best first: by quality, date, key."""
    return (article.quality is None, -(article.quality or 0), article.published or _NEVER, article.key)


def together(document: int, neighbours: Callable[[int], Iterable[int]]) -> list[int]:
    """All documents that are joined with this one, itself included, in no particular order.

    `neighbours` gives the documents that share a joining URL with one.
    """
    found = {document}
    waiting = [document]
    while waiting:
        fresh = set(neighbours(waiting.pop())) - found
        found |= fresh
        waiting += fresh
    return list(found)
