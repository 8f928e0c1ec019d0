"""Mentions become articles, articles stories: the rules of merging, one sentence each."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.merge import eldest, merge, mint, own_id, relate, still_holds, timely, together, trust
from aggregator.model import Article, Holding, Lead, Mention, Provider
from tests.world import day


def mention(path: str = "articles/a.md", place: int = 0, **fields: Any) -> Mention:
    made_up: dict[str, Any] = {"source": 0, "key": "https://n.example/a", "mark": "t"}
    made_up |= {"link": "https://n.example/a", "title": "A", "published": day(1)}
    return Mention(path=path, place=place, **made_up | fields)


def article(key: str, **fields: Any) -> Article:
    return Article(key=key, link=key, title=key, **fields)


IN_ORDER = [
    mention("s/b.md", quality=9),
    mention("s/a.md", quality=3, published=day(0)),
    mention("s/z.md", quality=3, published=day(1)),
    mention("t/a.md", source=1, quality=3, published=day(1)),
    mention("s/a.md", quality=-1, published=day(5)),
    mention("s/a.md", published=day(0)),
    mention("s/b.md", published=day(0)),
    mention("s/a.md", published=None),
    mention("s/a.md", place=1, quality=99),
    mention("s/a.md", place=2, quality=98),
    mention("s/a.md", place=1),
    mention("s/a.md", place=2),
]


def test_trust_goes_by_lead_quality_date_source_path_and_place() -> None:
    """Lead before related, higher quality, older date, earlier source, path, place; none comes last."""
    shuffled = IN_ORDER[:]
    random.Random(1).shuffle(shuffled)
    assert sorted(shuffled, key=trust) == IN_ORDER


def test_each_field_is_the_first_non_empty_one() -> None:
    """What the most trusted mention leaves open, the next one fills in."""
    merged = merge(
        [
            mention("s/b.md", quality=1, title="B", excerpt="Of B", language="de", provider=Provider("B")),
            mention("s/a.md", quality=2, title="A", excerpt="", heat=0),
            mention("s/c.md", place=1, quality=99, title="C", excerpt="Of C", body="<p>C</p>"),
        ],
        "https://n.example/a",
    )
    assert (merged.title, merged.excerpt, merged.language, merged.heat) == ("A", "Of B", "de", 0)
    assert (merged.body, merged.provider) == ("<p>C</p>", Provider("B"))


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_of_equally_good_leads_the_one_updated_last_has_the_word(order: tuple[int, ...]) -> None:
    """For title, excerpt, body and pictures, so that a correction shows; seniority decides all else."""
    first = mention("s/a.md", title="Teh A", excerpt="Old", type="article", published=day(1))
    second = mention("s/b.md", title="The A", excerpt="New", type="video", published=day(2), updated=day(3))
    third = mention("s/c.md", title="Else", published=day(3))
    merged = merge([(first, second, third)[place] for place in order], "k")
    assert (merged.title, merged.excerpt, merged.type, merged.published) == ("The A", "New", "article", day(1))


def test_a_correction_by_another_rank_shows_nothing() -> None:
    """Better leads have the word whenever they were updated, and related mentions have none."""
    best = mention("s/a.md", title="Best", quality=2)
    newer = mention("s/b.md", title="Newer", quality=1, excerpt="Said", updated=day(9))
    related = mention("s/c.md", place=1, title="Related", updated=day(20), excerpt="Listed")
    merged = merge([best, newer, related], "k")
    assert (merged.title, merged.excerpt, merged.updated) == ("Best", "Said", day(9))


def test_an_update_to_come_is_none_yet() -> None:
    """It counts, and has the word, from its instant on; till then the newest of the others does."""
    leads = [
        mention("s/a.md", title="First", updated=day(3)),
        mention("s/b.md", title="Second", updated=day(9)),
        mention("s/c.md", title="Third", updated=day(7)),
    ]
    told, following = timely(leads, "k", day(5))
    merged = merge(told, "k")
    assert (merged.title, merged.updated, following) == ("First", day(3), day(7))
    told, following = timely(leads, "k", day(9))
    merged = merge(told, "k")
    assert (merged.title, merged.updated, following) == ("Second", day(9), None)


def test_topics_are_united_in_order_each_once() -> None:
    """Topics that differ only in case or spacing are one, as the most trusted lead spells it."""
    merged = merge(
        [mention("s/b.md", topics=("AI", "Rust", "web")), mention("s/a.md", quality=1, topics=("Web", "ai"))],
        "k",
    )
    assert merged.topics == ("Web", "ai", "Rust")


def test_updated_is_the_newest_of_the_leads_else_published() -> None:
    """A related mention's update doesn't count."""
    leads = [mention("s/a.md", updated=day(3)), mention("s/b.md", updated=day(5))]
    assert merge([*leads, mention("s/c.md", place=1, updated=day(9))], "k").updated == day(5)
    assert merge([mention(published=day(2))], "k").updated == day(2)


@pytest.mark.parametrize(("first", "listed"), [(True, True), (False, False)])
def test_the_most_trusted_lead_says_whether_it_is_listed(first: bool, listed: bool) -> None:
    """`published: no` on a less trusted document hides nothing."""
    assert merge([mention(quality=2, listed=first), mention("s/b.md", listed=not first)], "k").listed is listed


def test_removed_on_any_lead_withdraws() -> None:
    """The least trusted document can withdraw an article."""
    assert merge([mention(quality=9), mention("s/b.md", removed=True)], "k").removed


@given(st.permutations(IN_ORDER))
def test_merging_is_commutative_and_idempotent(order: list[Mention]) -> None:
    """The order of arrival never shows, and a mention twice is a mention once."""
    assert merge(order, "k") == merge(IN_ORDER, "k") == merge(order + order[:3], "k")


def test_coverage_is_best_first_and_never_the_article_itself() -> None:
    """By quality, date, key; withdrawn articles are no coverage, future ones not yet."""
    others = [
        article("c", quality=1, published=day(2)),
        article("b", quality=1, published=day(1)),
        article("d"),
        article("a", quality=5),
        article("e", quality=7, removed=True),
        article("f", quality=7, published=day(9)),
        article("g", quality=7, published=day(8)),
        article("self", quality=9),
    ]
    story, until = relate(article("self"), others, day(5))
    assert [other.key for other in story.coverage] == ["a", "c", "b", "d"]
    assert until == day(8)


def test_documents_are_together_over_any_number_of_steps() -> None:
    """Joining is transitive."""
    neighbours = {1: [1, 2], 2: [1, 2, 3], 3: [2, 3], 4: [4]}
    assert sorted(together(1, neighbours.__getitem__)) == [1, 2, 3]
    assert together(4, neighbours.__getitem__) == [4]


def lead(title: str = "t", date: int | None = 1, url: str = "u", explicit: str = "") -> Lead:
    return Lead("s/a.md", title, date, ((url, url),), explicit)


def holding(id: str = "old", age: int = 1, key: str = "u") -> Holding:
    return Holding(id, age, key, "t", 1, frozenset({"u"}))


@pytest.mark.parametrize(
    ("changed", "holds"),
    [
        (lead(), True),
        (lead(title="x", date=2), True),
        (lead(title="x", url="y"), True),
        (lead(date=2, url="y"), True),
        (lead(title="x", date=2, url="y"), False),
        (lead(title="x", date=None, url="y"), False),
    ],
)
def test_a_path_holds_its_id_while_title_date_or_a_url_stays(changed: Lead, holds: bool) -> None:
    """A document that changed everything at once is another article."""
    assert still_holds(changed, holding()) is holds


def test_a_path_keeps_the_id_that_a_merge_put_aside() -> None:
    """It is regained when the articles part, unless another article has it by then."""
    assert own_id(lead(), holding("old"), "article's", lambda _: False) == "old"
    assert own_id(lead(), holding("old"), "article's", lambda _: True) == "article's"
    assert own_id(lead("x", 2, "y"), holding("old"), "article's", lambda _: False) == "article's"
    assert own_id(lead(explicit="mine"), holding("old"), "mine", lambda _: False) == "mine"
    assert own_id(lead(), None, "article's", lambda _: False) == "article's"


def test_the_oldest_free_id_is_chosen() -> None:
    """Age counts, not order; an id that another article has is out, and one that is in the feeds comes first."""
    found = [holding("b", 2), holding("a", 1), holding("c", 3)]
    assert eldest(found, {"a"}.__contains__) == holding("b", 2)
    assert eldest(found, {"a"}.__contains__, {"a", "c"}) == holding("c", 3)
    assert eldest([], lambda _: False) is None


GOLDEN = {
    "https://news.example/a": "tag:feeds.example.org,2026:95bbca1f9b4bae7d73e89dc2",
    "https://news.example/?a=1": "tag:feeds.example.org,2026:339e0bdf7181c04572dc799a",
    "https://home.example#rain": "tag:feeds.example.org,2026:301fef14b9ae9bf98813527d",
}


@pytest.mark.parametrize("key", GOLDEN)
def test_ids_are_minted_from_key_and_host_alone(key: str) -> None:
    """These ids are in people's feed readers: whatever changes here, they must not."""
    id = GOLDEN[key]
    assert mint(key, "feeds.example.org", lambda _: False) == id
    assert mint(key, "feeds.example.org", {id}.__contains__) == f"{id}-2"
    assert mint(key, "feeds.example.org", {id, f"{id}-2"}.__contains__) == f"{id}-3"
