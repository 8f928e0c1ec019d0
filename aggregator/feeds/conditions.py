"""What a custom feed asks of an article, and when it meets that."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from aggregator.model import Article, to_micros
from aggregator.text.keywords import topics_in
from aggregator.text.plain import plain
from aggregator.text.slugs import fold_topic
from aggregator.text.urls import host

_MICROSECOND = timedelta(microseconds=1)
_END = to_micros(datetime.max.replace(tzinfo=UTC))


class Range(msgspec.Struct, frozen=True):
    """Numbers from one to another, both included (None: no limit)."""

    at_least: int | None = None
    at_most: int | None = None

    def holds(self, number: int | None) -> bool:
        """Whether a number is one of these; one that isn't known, or is less than nothing, is none."""
        return (
            number is not None
            and number >= 0
            and (self.at_least is None or number >= self.at_least)
            and (self.at_most is None or number <= self.at_most)
        )

    def __str__(self) -> str:
        limits = (("at least", self.at_least), ("at most", self.at_most))
        return " and ".join(f"{words} {limit}" for words, limit in limits if limit is not None)


class Age(msgspec.Struct, frozen=True):
    """How long ago something was published: so long or longer, and less than so long (None: no limit)."""

    over: timedelta = timedelta(0)
    under: timedelta | None = None

    def __str__(self) -> str:
        limits = (("over", self.over or None), ("under", self.under))
        return " and ".join(f"{words} {limit}" for words, limit in limits if limit is not None)


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """All that is asked of an article at once: what isn't given, isn't asked.

    `all`, `any`, `none`: how many of these conditions it meets. Of each list of words it has one. `topics`: these or
    parts of them; `provider`: by name, or by domain with those below; `language`: with its regions; `text`: words and
    phrases in title, excerpt and body, as keywords are found.
    """

    all: tuple[Condition, ...] = ()
    any: tuple[Condition, ...] = ()
    none: tuple[Condition, ...] = ()
    topics: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    provider: tuple[str, ...] = ()
    type: tuple[str, ...] = ()
    language: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    quality: Range | None = None
    heat: Range | None = None
    age: Age | None = None
    image: bool | None = None

    def __iter__(self) -> Iterator[Condition]:
        """The condition itself, and all inside it."""
        yield self
        for one in (*self.all, *self.any, *self.none):
            yield from one


class Facts(msgspec.Struct, frozen=True):
    """What conditions ask: an article, its topics by folded name, with those that they are parts of, and its age."""

    article: Article
    topics: Collection[str]
    age: timedelta


def facts_at(
    article: Article,
    topics: Iterable[tuple[str, int]],
    above: Callable[[str], Iterable[str]],
    published: int,
    instant: int,
) -> Facts:
    """What there is to ask of an article at an instant (µs since 1970), of which one knows when it was published.

    topics: by folded name, and from when on it has them; above: those that one is a part of.
    """
    had = [topic for topic, since in topics if since <= instant]
    whole = {*had, *(other for topic in had for other in above(topic))}
    return Facts(article, whole, (instant - published) * _MICROSECOND)


def unmet(condition: Condition, facts: Facts) -> str:
    """Why an article doesn't meet a condition; "" where it does."""
    if reason := next(filter(None, (unmet(one, facts) for one in condition.all)), ""):
        return reason
    reasons = [unmet(one, facts) for one in condition.any]
    if reasons and all(reasons):
        return "; ".join(reasons)
    for one in condition.none:
        if not unmet(one, facts):
            return f"left out by `not: {spelled(one)}`"
    for name, meets in _WORDS.items():
        asked = getattr(condition, name)
        if asked and not meets(facts, asked):
            return f"{name} isn't {' or '.join(asked)}"
    if condition.quality and not condition.quality.holds(facts.article.quality):
        return f"quality isn't {condition.quality}"
    if condition.heat and not condition.heat.holds(facts.article.heat):
        return f"heat isn't {condition.heat}"
    if (age := condition.age) and not (age.over <= facts.age and (age.under is None or facts.age < age.under)):
        return f"age isn't {age}"
    if condition.image is not None and condition.image != bool(facts.article.images):
        return "no image" if condition.image else "it has an image"
    return ""


def spelled(condition: Condition) -> str:
    """A condition in few words, as its keys and values."""
    parts = [f"{name}: {' or '.join(asked)}" for name in _WORDS if (asked := getattr(condition, name))]
    parts += [f"{name}: {limit}" for name in ("quality", "heat", "age") if (limit := getattr(condition, name))]
    if condition.image is not None:
        parts.append(f"image: {'yes' if condition.image else 'no'}")
    for name, key in (("all", "all"), ("any", "any"), ("none", "not")):
        if some := getattr(condition, name):
            parts.append(f"{key}: [{'; '.join(map(spelled, some))}]")
    return ", ".join(parts)


def spans(
    condition: Condition,
    article: Article,
    topics: Sequence[tuple[str, int]],
    above: Callable[[str], Iterable[str]],
    published: int,
    start: int,
) -> list[tuple[int, int | None]]:
    """From when on and until when an article meets a condition, in order (µs since 1970; None: for ever).

    topics, above, published: as for `facts_at`; start: from when it may be shown.
    """
    ages = [one.age for one in condition if one.age]
    limits = [published + limit // _MICROSECOND for age in ages for limit in (age.over, age.under) if limit]
    turns = {*limits, *(since for _, since in topics)}
    found: list[tuple[int, int | None]] = []
    met = False
    for turn in sorted({start, *(turn for turn in turns if start < turn < _END)}):
        meets = not unmet(condition, facts_at(article, topics, above, published, turn))
        if meets and not met:
            found.append((turn, None))
        elif met and not meets:
            found[-1] = found[-1][0], turn
        met = meets
    return found


def _same(field: str) -> Callable[[Facts, Iterable[str]], bool]:
    """Whether an article has one of the words in a field, whatever its case and spacing."""
    return lambda facts, asked: fold_topic(getattr(facts.article, field)) in map(fold_topic, asked)


def _topics(facts: Facts, asked: Iterable[str]) -> bool:
    return any(fold_topic(name) in facts.topics for name in asked)


def _provider(facts: Facts, asked: Iterable[str]) -> bool:
    provider = facts.article.provider
    domain = f".{(provider.domain if provider else '') or host(facts.article.link)}".lower()
    name = fold_topic(facts.article.publisher)
    return any(
        fold_topic(one) == name or ("." in one and domain.endswith(f".{one.lower().removeprefix('www.')}"))
        for one in asked
    )


def _language(facts: Facts, asked: Iterable[str]) -> bool:
    return any(f"{facts.article.language}-".lower().startswith(f"{one}-".lower()) for one in asked)


def _text(facts: Facts, asked: Sequence[str]) -> bool:
    article = facts.article
    text = "\n".join((article.title, article.excerpt, plain(article.body)))
    return bool(topics_in(text, tuple((word, word) for word in asked)))


_WORDS: dict[str, Callable[[Facts, Sequence[str]], bool]] = {
    "topics": _topics,
    "category": _same("category"),
    "provider": _provider,
    "type": _same("type"),
    "language": _language,
    "text": _text,
}
