"""What several documents say of one article, made one: trust, merging, coverage and identity.

    mentions ── merge ──▶ article ── relate ──▶ story

Pure functions of values. Which mentions belong to one article is worked out by the pipeline, which can ask the
store for a document's neighbours; what is made of them is decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from aggregator.model import Article, Holding, Lead, Mention, Story
from aggregator.text.slugs import fold_topic

MAX_TITLES = 20
"""A URL that more leads with different titles than this claim says nothing about any one article."""

_NEVER = datetime.max.replace(tzinfo=UTC)
_EMPTY: tuple[Any, ...] = (None, "", ())
_OWN_RULES = frozenset({"key", "link", "title", "listed", "removed", "topics", "updated"})
_FIELDS = tuple(name for name in Article.__struct_fields__ if name not in _OWN_RULES)


def trust(mention: Mention) -> tuple[Any, ...]:
    """The sort key of the order of trust, most trusted first; total, so the order of arrival never shows."""
    return (
        mention.place > 0,
        mention.quality is None,
        -(mention.quality or 0),
        mention.published or _NEVER,
        mention.source,
        mention.path,
        mention.place,
    )


def merge(mentions: Iterable[Mention], key: str) -> Article:
    """The article that `mentions` (at least one, in any order) speak of.

    Each field is the first non-empty one in the order of trust. Topics are their union. `updated` is the newest
    that a lead gives, else `published`. The most trusted lead says whether it is listed; any lead withdraws it.
    """
    ordered = sorted(mentions, key=trust)
    first = ordered[0]
    leads = [mention for mention in ordered if mention.place == 0]
    fields = {name: getattr(first, name) for name in _FIELDS}
    topics = first.topics
    for mention in ordered[1:]:
        for name, value in fields.items():
            if value in _EMPTY:
                fields[name] = getattr(mention, name)
        if mention.topics:
            topics += mention.topics
    if len(leads) > 1:
        topics = _distinct(topics)
    return Article(
        key=key,
        link=first.link,
        title=first.title,
        topics=topics,
        updated=max((lead.updated for lead in leads if lead.updated), default=fields["published"]),
        listed=first.listed,
        removed=any(lead.removed for lead in leads),
        **fields,
    )


def _distinct(topics: tuple[str, ...]) -> tuple[str, ...]:
    found: dict[str, str] = {}
    for topic in topics:
        found.setdefault(fold_topic(topic), topic)
    return tuple(found.values())


def relate(article: Article, related: Iterable[Article], now: datetime) -> tuple[Story, datetime | None]:
    """The article with its coverage, best first: by quality, date, key; and when it changes by itself.

    The article itself and withdrawn articles are no coverage; a future one isn't until its instant, and the
    earliest of these instants is the second value (None: never).
    """
    others = {other.key: other for other in related if other.key != article.key and not other.removed}
    future = [other.published for other in others.values() if other.published and other.published > now]
    shown = [other for other in others.values() if not (other.published and other.published > now)]
    return Story(article, tuple(sorted(shown, key=_merit))), min(future, default=None)


def _merit(article: Article) -> tuple[Any, ...]:
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


def still_holds(lead: Lead, holding: Holding) -> bool:
    """Whether the document at this path is still about the article that its id was given to."""
    return (
        lead.title == holding.title
        or (lead.date is not None and lead.date == holding.date)
        or any(url in holding.urls for url, _ in lead.urls)
    )


def own_id(lead: Lead, holding: Holding | None, id: str, held: Callable[[str], bool]) -> str:
    """The id that a lead's path has of its own, given its article's.

    When articles merge, one id is put aside; its path keeps it, to regain it when they part, unless another
    article has it by now.
    """
    aside = holding and not lead.explicit and still_holds(lead, holding) and not held(holding.id)
    return holding.id if holding and aside else id


def mint(key: str, host: str, taken: Callable[[str], bool]) -> str:
    """A new id from key and site host alone: a `tag:` URI (RFC 4151), which no later move of either changes.

    An article whose URL was reused gets `-2` and so on, the first that isn't `taken`.
    """
    base = f"tag:{host},2026:{sha256(key.encode()).hexdigest()[:24]}"
    found, number = base, 1
    while taken(found):
        number += 1
        found = f"{base}-{number}"
    return found


def eldest(holdings: Iterable[Holding], held: Callable[[str], bool]) -> Holding | None:
    """The holding of the oldest id that no other article has; None if there is none."""
    return min((h for h in holdings if not held(h.id)), key=lambda h: h.age, default=None)
