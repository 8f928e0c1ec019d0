"""Mentions made articles, articles made stories: trust, merging, coverage."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from aggregator.model import Article, Mention, Story, is_spare
from aggregator.text.slugs import fold_topic

MOST_COVERAGE = 200
"""How many articles a story shows as its coverage."""

_NEVER = datetime.max.replace(tzinfo=UTC)
_LONG_AGO = float("inf")
_EMPTY: tuple[Any, ...] = (None, "", ())
_ALWAYS = ("link", "listed")
_OWN_RULES = frozenset({"key", "removed", "topics", "updated", *_ALWAYS})
_FIELDS = tuple(name for name in Article.__struct_fields__ if name not in _OWN_RULES)
_CORRECTED = ("title", "excerpt", "body", "images")


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


def _currency(mention: Mention) -> tuple[Any, ...]:
    """The sort key, after that of trust, of who has the word for what corrections change: of leads of one quality, the
    one that was updated last.
    """
    updated = mention.updated if mention.place == 0 else None
    age = (_NEVER - updated).total_seconds() if updated else _LONG_AGO
    return (mention.place > 0, mention.kept, mention.quality is None, -(mention.quality or 0), age)


def givers(mentions: Iterable[Mention]) -> dict[str, Mention]:
    """The mention that gives each field of the article its value: of those that have one, the most trusted; of the
    texts and pictures, that of the newest of equally good leads.

    Topics, `updated` and `removed` aren't here: they come from several mentions.
    """
    ordered = sorted(mentions, key=trust)
    given = dict.fromkeys(_ALWAYS, ordered[0]) | _first_givers(ordered, _FIELDS)
    if len(ordered) > 1 and ordered[1].place == 0:
        given |= _first_givers(sorted(ordered, key=_currency), _CORRECTED)
    return given


def _first_givers(ordered: Sequence[Mention], fields: Sequence[str]) -> dict[str, Mention]:
    """The first mention that has a value for each of these fields, of those that have any."""
    given: dict[str, Mention] = {}
    lacking = fields
    for mention in ordered:
        given |= {name: mention for name in lacking if getattr(mention, name) not in _EMPTY}
        lacking = [name for name in lacking if name not in given]
        if not lacking:
            break
    return given


def merge(mentions: Iterable[Mention], key: str) -> Article:
    """The article that `mentions` (at least one, in any order) speak of.

    Each field is the first non-empty one in the order of trust, but of equally good leads the one updated last has the
    word for texts and pictures. Topics are their union. `updated` is the newest that a lead gives, and never before
    `published`. The most trusted lead says whether it is listed; any lead withdraws it, but one whose document is gone
    only where no other's is there. An article without leads goes by its related mentions.
    """
    ordered = sorted(mentions, key=trust)
    leads = [mention for mention in ordered if mention.place == 0]
    topics = tuple(topic for mention in ordered for topic in mention.topics)
    fields = {name: getattr(mention, name) for name, mention in givers(ordered).items()}
    return Article(
        key=key,
        topics=_distinct(topics) if len(leads) > 1 else topics,
        updated=max(filter(None, (fields.get("published"), *(lead.updated for lead in leads))), default=None),
        removed=any(mention.removed for mention in leads or ordered if mention.kept == ordered[0].kept),
        **({"title": ""} | fields),
    )


def _distinct(topics: tuple[str, ...]) -> tuple[str, ...]:
    found: dict[str, str] = {}
    for topic in topics:
        found.setdefault(fold_topic(topic), topic)
    return tuple(found.values())


def timely(mentions: Sequence[Mention], key: str, now: datetime) -> tuple[Sequence[Mention], datetime | None]:
    """The mentions of an article as they count at `now`, and the next instant at which they don't (None: never).

    An update to come is none yet, and has no word. What has a spare key and no document names no article: documents say
    the same of it by chance, and each from its own date on. So no mention waits for the date of another one. Where all
    are to come, all are given, and their article is to come too.
    """
    counting, instants = mentions, list[datetime]()
    if is_spare(key) and all(mention.place for mention in mentions):
        coming = [mention for mention in mentions if mention.published and mention.published > now]
        instants += [mention.published for mention in coming if mention.published]
        counting = [mention for mention in mentions if mention not in coming] or mentions
    updates = [mention.updated for mention in counting if mention.updated and mention.updated > now]
    if updates:
        counting = [_as_of(mention, now) for mention in counting]
    return counting, min([*instants, *updates], default=None)


def _as_of(mention: Mention, now: datetime) -> Mention:
    """What a document says, without an update to come."""
    is_coming = mention.updated is not None and mention.updated > now
    return replace(mention, updated=None) if is_coming else mention


def relate(article: Article, related: Iterable[Article], now: datetime) -> tuple[Story, datetime | None]:
    """The article with its coverage, best first: by quality, then in the order given; and when it changes by itself.

    At most 200 articles are coverage. The article itself, withdrawn articles and those without a title are none. A
    future one isn't until its instant; the earliest of these instants is the second value (None: never).
    """
    others = {other.key: other for other in related if other.key != article.key and other.title and not other.removed}
    future = [other.published for other in others.values() if other.published and other.published > now]
    shown = [other for other in others.values() if not (other.published and other.published > now)]
    return Story(article, tuple(sorted(shown, key=merit)[:MOST_COVERAGE])), min(future, default=None)


def merit(article: Article) -> tuple[Any, ...]:
    """The sort key of coverage, the best first: by quality. A stable sort leaves all else as it is listed."""
    return (article.quality is None, -(article.quality or 0))


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
