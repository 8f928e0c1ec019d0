"""What a feed asks of an article: which articles meet it, from when on and until when."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.feeds import Age, Condition, Facts, Range, Taxonomy, spans, unmet
from aggregator.feeds.conditions import spelled
from aggregator.feeds.taxonomy import KnownTopic
from aggregator.model import Article, Image, Provider

MICROSECOND = timedelta(microseconds=1)
HOUR = timedelta(hours=1)
TAXONOMY = Taxonomy(
    (KnownTopic("Machines"), KnownTopic("Robots", parent="Machines"), KnownTopic("Arms", parent="Robots"))
)
TOPICS = ("ai", "machines", "robots", "arms")
PICTURE = (Image("https://news.example/a.png"),)


def article(**fields: Any) -> Article:
    return Article(
        **{"key": "https://news.example/a", "link": "https://news.example/a", "title": "A tide kite"} | fields
    )


def why(condition: Condition, age: timedelta = HOUR, topics: tuple[str, ...] = ("ai",), **fields: Any) -> str:
    """Why an article with these fields doesn't meet a condition."""
    return unmet(condition, Facts(article(**fields), topics, age))


# One thing asked


@pytest.mark.parametrize(
    ("condition", "fields"),
    [
        (Condition(), {}),
        (Condition(category=("Deep  dives", "news")), {"category": "NEWS"}),
        (Condition(type=("Video",)), {"type": "video"}),
        (Condition(provider=("the gazette",)), {"provider": Provider("The Gazette", "post.example")}),
        (Condition(provider=("post.example",)), {"provider": Provider("The Gazette", "post.example")}),
        (Condition(provider=("www.Post.example",)), {"provider": Provider("The Gazette", "blog.post.example")}),
        (Condition(provider=("news.example",)), {"provider": Provider("The Gazette")}),
        (Condition(provider=("news.example",)), {}),
        (Condition(language=("pt",)), {"language": "pt-BR"}),
        (Condition(language=("PT-br",)), {"language": "pt-BR"}),
        (Condition(text=("tide kite",)), {}),
        (Condition(text=("Winter",)), {"excerpt": "It passed the winter."}),
        (Condition(text=("winter",)), {"body": "<p>It passed the <b>win</b>ter.</p>"}),
        (Condition(text=("潮",)), {"title": "海と潮の話"}),
        (Condition(quality=Range(3)), {"quality": 3}),
        (Condition(quality=Range(3, 5)), {"quality": 5}),
        (Condition(heat=Range(at_most=0)), {"heat": 0}),
        (Condition(image=True), {"images": PICTURE}),
        (Condition(image=False), {}),
        (Condition(age=Age(over=HOUR)), {}),
        (Condition(age=Age(under=HOUR + MICROSECOND)), {}),
        (Condition(topics=("Robots", "A I")), {}),
    ],
    ids=repr,
)
def test_an_article_meets_a_condition(condition: Condition, fields: dict[str, Any]) -> None:
    """Names in any case and spacing, a domain with those below it, a language with its regions, words as people write
    them; limits are included, but for the greatest age.
    """
    assert why(condition, **fields) == ""


@pytest.mark.parametrize(
    ("condition", "fields", "reason"),
    [
        (Condition(category=("news", "deep dives")), {}, "category isn't news or deep dives"),
        (Condition(type=("video",)), {"type": "videos"}, "type isn't video"),
        (
            Condition(provider=("post.example",)),
            {"provider": Provider("P", "bigpost.example")},
            "provider isn't post.example",
        ),
        (
            Condition(provider=("news.example",)),
            {"provider": Provider("P", "post.example")},
            "provider isn't news.example",
        ),
        (
            Condition(provider=("a.post.example",)),
            {"provider": Provider("P", "post.example")},
            "provider isn't a.post.example",
        ),
        (Condition(language=("pt-BR",)), {"language": "pt"}, "language isn't pt-BR"),
        (Condition(language=("p",)), {"language": "pt"}, "language isn't p"),
        (Condition(text=("kit",)), {}, "text isn't kit"),
        (Condition(text=("span",)), {"body": "<span>tide</span>"}, "text isn't span"),
        (Condition(quality=Range(3)), {"quality": 2}, "quality isn't at least 3"),
        (Condition(quality=Range(at_most=3)), {}, "quality isn't at most 3"),
        (Condition(heat=Range(0, 9)), {"heat": -1}, "heat isn't at least 0 and at most 9"),
        (Condition(heat=Range(at_most=9)), {"heat": -1}, "heat isn't at most 9"),
        (Condition(image=True), {}, "no image"),
        (Condition(image=False), {"images": PICTURE}, "it has an image"),
        (Condition(age=Age(under=HOUR)), {}, "age isn't under 1:00:00"),
        (Condition(age=Age(over=HOUR + MICROSECOND)), {}, "age isn't over 1:00:00.000001"),
        (Condition(topics=("a.i.",)), {}, "topics isn't a.i."),
    ],
    ids=repr,
)
def test_an_article_does_not_meet_a_condition(condition: Condition, fields: dict[str, Any], reason: str) -> None:
    """The reason says what was asked. Heat of -1 is no rank, high or low; what isn't known is no number."""
    assert why(condition, **fields) == reason


# Much asked


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        (Condition(type=("video",), topics=("sea",)), "topics isn't sea"),
        (Condition(all=(Condition(topics=("ai",)), Condition(type=("text",)))), "type isn't text"),
        (Condition(any=(Condition(topics=("sea",)), Condition(type=("text",)))), "topics isn't sea; type isn't text"),
        (Condition(any=(Condition(topics=("sea",)), Condition(type=("video",)))), ""),
        (Condition(any=(Condition(topics=("ai",)),), topics=("sea",)), "topics isn't sea"),
        (Condition(none=(Condition(topics=("sea",)), Condition(type=("text",)))), ""),
        (Condition(none=(Condition(topics=("sea",)), Condition(type=("video",)))), "left out by `not: type: video`"),
        (Condition(none=(Condition(none=(Condition(type=("video",)),)),)), ""),
        (Condition(none=(Condition(heat=Range(0)),)), ""),
    ],
    ids=repr,
)
def test_conditions_are_put_together(condition: Condition, reason: str) -> None:
    """All at once, one of several, none of several; with others beside them."""
    assert why(condition, type="video", heat=-1) == reason


def test_a_condition_is_told_as_it_is_written() -> None:
    """Keys and values, and what is inside it."""
    inner = Condition(topics=("ai", "sea"), quality=Range(3), age=Age(under=HOUR), image=False)
    assert spelled(inner) == "topics: ai or sea, quality: at least 3, age: under 1:00:00, image: no"
    assert (
        spelled(Condition(type=("x",), none=(inner, Condition(text=("y",)))))
        == f"type: x, not: [{spelled(inner)}; text: y]"
    )


# From when on, and until when

words = st.lists(st.sampled_from(["a", "b"]), max_size=2).map(tuple)
ages = st.builds(
    Age,
    over=st.integers(0, 5).map(lambda hours: hours * HOUR),
    under=st.none() | st.integers(1, 6).map(lambda hours: hours * HOUR),
)
plain = st.builds(
    Condition,
    topics=st.lists(st.sampled_from(TOPICS), max_size=2).map(tuple),
    category=words,
    quality=st.none() | st.builds(Range, st.none() | st.integers(0, 2), st.none() | st.integers(0, 2)),
    age=st.none() | ages,
    image=st.sampled_from([None, None, True, False]),
)


def nested(inner: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    some = st.lists(inner, max_size=2).map(tuple)
    return st.builds(Condition, all=some, any=some, none=some, age=st.none() | ages)


instants = st.integers(0, 8).map(lambda hours: hours * HOUR // MICROSECOND)


@given(
    condition=st.recursive(plain, nested, max_leaves=6),
    fields=st.fixed_dictionaries(
        {}, optional={"category": st.sampled_from("ab"), "quality": st.integers(-1, 2), "images": st.just(PICTURE)}
    ),
    topics=st.lists(st.tuples(st.sampled_from(TOPICS), instants), max_size=3),
    published=instants,
    delay=instants,
    more=st.lists(st.integers(0, 15 * HOUR // MICROSECOND), max_size=3),
)
def test_spans_are_the_instants_at_which_a_condition_is_met(
    condition: Condition,
    fields: dict[str, Any],
    topics: list[tuple[str, int]],
    published: int,
    delay: int,
    more: list[int],
) -> None:
    """Neither more nor less: at each edge, right before it and right behind it, and at any other instant."""
    one, start = article(**fields), published + delay
    found = spans(condition, one, topics, TAXONOMY.above, published, start)
    hours = [hour * HOUR // MICROSECOND for hour in range(25)]
    for instant in sorted({*more, *(hour + by for hour in hours for by in (-1, 0, 1))}):
        had = [topic for topic, since in topics if since <= instant]
        whole = {*had, *(above for topic in had for above in TAXONOMY.above(topic))}
        met = instant >= start and not unmet(condition, Facts(one, whole, (instant - published) * MICROSECOND))
        inside = [span for span in found if span[0] <= instant and (span[1] is None or instant < span[1])]
        assert len(inside) == met, instant
    assert all(until is None or since < until for since, until in found)
    assert all(until is not None and until < since for (_, until), (since, _) in pairwise(found))


def test_a_condition_may_be_met_again() -> None:
    """Young or old, and not between; a topic that comes later is waited for."""
    either = Condition(any=(Condition(age=Age(under=HOUR)), Condition(age=Age(over=3 * HOUR))))
    hour = HOUR // MICROSECOND
    assert spans(either, article(), [], TAXONOMY.above, 0, 0) == [(0, hour), (3 * hour, None)]
    assert spans(either, article(), [], TAXONOMY.above, 0, 2 * hour) == [(3 * hour, None)]
    part = Condition(all=(either, Condition(topics=("Machines",))))
    assert spans(part, article(), [("arms", 5 * hour)], TAXONOMY.above, 0, 0) == [(5 * hour, None)]


def test_an_age_that_is_never_reached_ends_nothing() -> None:
    """There is no instant after the year 9999."""
    young = Condition(age=Age(under=timedelta(days=300)))
    last = 253_402_300_799_999_999
    assert spans(young, article(), [], TAXONOMY.above, last, last) == [(last, None)]
    assert spans(young, article(), [], TAXONOMY.above, 0, 0) == [(0, timedelta(days=300) // MICROSECOND)]
