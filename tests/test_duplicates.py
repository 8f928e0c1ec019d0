"""Near-duplicates: one story from several outlets is one entry, and it doesn't flip."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.merge import Alike, Candidate, alike, group, tokens, wording_of
from aggregator.model import Article, Provider
from tests.world import World, day

HEADLINE = "Tide kites pass their first winter"
TEXT = (
    "Four wings off the coast turned the tide into power all winter long; the harbour has published the numbers, and"
    " they are better than anyone in the trade had hoped for in spring."
)
RULE = Alike(timedelta(hours=72), 0.7)


def article(title: str, provider: str = "Gazette", excerpt: str = "") -> Article:
    link = f"https://{provider.lower()}.example/x"
    return Article(key=link, link=link, title=title, excerpt=excerpt, provider=Provider(provider))


def same(one: Article, other: Article, similarity: float = 0.7) -> bool:
    return alike(wording_of(one), wording_of(other), similarity)


@pytest.mark.parametrize(
    "title",
    [
        "TIDE KITES pass their first winter!",
        "“Tide kites” pass their first winter – Dispatch",
        "Tide kites pass their first winter | dispatch.example",
        "Tide kites pass their first…",
        "Tide kites pass their first win...",
        "Tide kites pass their first win [...]",
        "Tide kites pass their first win... - Dispatch",
        "Tide\u2011kites pass their first winter",
    ],
)
def test_a_headline_is_the_same_whatever_its_dress(title: str) -> None:
    """Case, punctuation, the provider's name behind it and truncation count for nothing."""
    assert same(article(HEADLINE), article(title, "Dispatch"))
    assert same(article(title, "Dispatch"), article(HEADLINE))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Weekly notes", "Weekly notes"),  # anybody's
        (HEADLINE, "Tide kites pass their second winter"),
        (HEADLINE, f"{HEADLINE} - and the next"),  # no provider of that name
        (HEADLINE, f"{HEADLINE} and the next"),  # longer, but neither is cut
        (HEADLINE, "Tide kites pass…"),  # cut too early to tell
        ("Engine 1.2 has a new parser for feeds", "Engine 1.3 has a new parser for feeds"),
        ("机器学习", "机器学习"),
    ],
)
def test_other_headlines_are_other_stories(one: str, other: str) -> None:
    """In doubt, both stay."""
    assert not same(article(one), article(other, "Dispatch"))


def test_a_headline_of_a_script_without_spaces_is_told_by_its_letters() -> None:
    """Each letter counts half a word."""
    assert same(article("潮汐风筝顺利度过第一个冬天"), article("潮汐风筝顺利度过第一个冬天", "Dispatch"))


def test_nearly_the_same_headline_is_the_same_story() -> None:
    """A word more in nine; not another number, nor another word in a short one."""
    long = "Harbour kites left off the chain cost 38 boats their masts"
    assert same(article(long), article("Harbour kites left off chain cost 38 boats their masts", "Dispatch"))
    assert not same(article(long), article(long.replace("38", "40"), "Dispatch"))
    assert not same(article("Kites beat the tide"), article("Kites meet the tide", "Dispatch"))


def test_the_same_text_under_another_headline_is_the_same_story() -> None:
    """Most of the word shingles of headline and excerpt must be the same, and the numbers in the headlines."""
    assert same(article("Kites: winter is over", excerpt=TEXT), article("Winter over for kites", "Dispatch", TEXT))
    assert not same(article("Kites: 3 winters", excerpt=TEXT), article("Kites: 4 winters", "Dispatch", TEXT))
    assert not same(article("Kites", excerpt=TEXT), article("Kites", "Dispatch", TEXT[:60]))


@pytest.mark.parametrize("provider", [Provider("gazette"), Provider("Other", "www.gazette.example"), Provider(), None])
def test_one_providers_articles_are_no_duplicates_of_one_another(provider: Provider | None) -> None:
    """Known by its name or its domain; of neither, by the host of the link."""
    link = "https://gazette.example/y"
    assert not same(article(HEADLINE), Article(key=link, link=link, title=HEADLINE, provider=provider))


words = st.lists(st.sampled_from(["tide", "kite", "wing", "salt", "rope", "buoy", "7", "oar", "sail"]), max_size=40)
titles = st.tuples(words, st.sampled_from(["", "…", " - B", " and"])).map(lambda pair: " ".join(pair[0]) + pair[1])


@given(titles, titles, words, words, st.floats(0.6, 1))
def test_what_is_alike_shares_a_token(one: str, other: str, said: list[str], else_: list[str], share: float) -> None:
    """So candidates found by tokens are all there are; and being alike goes both ways."""
    a = wording_of(article(one, "A", " ".join(said)))
    for text in (else_, said, [*said, "more"], said[1:]):
        b = wording_of(article(other, "B", " ".join(text)))
        assert alike(a, b, share) == alike(b, a, share)
        assert not alike(a, b, share) or tokens(a, share) & tokens(b, share)


def candidate(key: str, **facts: Any) -> Candidate:
    made_up: dict[str, Any] = {"led": math.inf, "fresh": True, "coming": 0, "trust": 0}
    return Candidate(key=key, **made_up | facts)


def test_the_best_ranked_survives() -> None:
    """Who may be shown first, then whoever stood for others already, then whoever was shown, then trust."""
    ranked = [
        candidate("e", trust=0, coming=9, led=0, fresh=False),
        candidate("b", trust=1, coming=1),
        candidate("a", trust=3),
        candidate("f", trust=2),
        candidate("c", trust=4, fresh=False),
        candidate("d", trust=5, led=1),
    ]
    while len(ranked) > 1:
        best = ranked.pop()
        pairs = {one.key: {other.key for other in (*ranked, best)} - {one.key} for one in (*ranked, best)}
        assert set(group([*ranked, best], pairs).values()) == {best.key}


def test_nobody_stands_for_what_it_is_not_like() -> None:
    """Alike isn't transitive: at the end of a chain, another one survives."""
    pairs = {"a": {"b"}, "b": {"a", "c"}, "c": {"b", "d"}, "d": {"c"}}
    assert group([candidate(key) for key in "dcba"], pairs) == {"b": "a", "d": "c"}


# In feeds


@pytest.fixture
def world(world: World) -> World:
    world.options["alike"] = RULE
    return world


def links(world: World) -> list[str]:
    return [entry["link"].removeprefix("https://") for entry in world.feed()]


def story(world: World, name: str, provider: str, at: float = 1, **fields: Any) -> None:
    made_up: dict[str, Any] = {"title": HEADLINE, "publishedDateTime": day(at), "provider": {"name": provider}}
    world.document(name, webUrl=f"https://{provider.lower()}.example/{name}", **made_up | fields)


def test_the_same_headline_elsewhere_is_coverage(world: World) -> None:
    """The most trusted is the entry, in the topics of all; the others are shown inside it with their own coverage."""
    story(world, "a", "Gazette", topics=["Energy"], quality=1)
    related = [{"title": "Numbers", "webUrl": "https://numbers.example/x"}]
    story(world, "b", "Dispatch", 2, topics=["Climate"], title=f"{HEADLINE} - Dispatch", related=related)
    world.regenerate()
    for feed in ("all", "topics/energy", "topics/climate"):
        assert world.titles(feed) == [HEADLINE]
    [entry] = world.feed()
    assert [link["href"] for link in entry["links"]] == [
        "https://gazette.example/a", "https://dispatch.example/b", "https://numbers.example/x",
    ]  # fmt: skip
    assert [tag["label"] for tag in entry["tags"]] == ["Energy", "Climate"]
    assert world.tree() == world.rebuilt()


def test_it_is_off_unless_asked_for(world: World) -> None:
    """Two documents, two entries; switching it on makes them one, and off again two, with their ids."""
    for name, provider in (("a", "Gazette"), ("b", "Dispatch")):
        story(world, name, provider)
    ids = []
    for world.options["alike"] in (None, RULE, None):
        world.regenerate()
        ids.append({entry["link"]: entry["id"] for entry in world.feed()})
    assert len(ids[0]) == 2
    assert ids[0] == ids[2]
    assert ids[1].items() < ids[0].items()
    assert world.feed()[0]["updated"] == world.feed()[0]["published"]  # nothing was withdrawn, nothing came back


def test_who_was_published_first_stays(world: World) -> None:
    """A more trusted report that comes later joins as coverage; no subscriber sees the story twice."""
    story(world, "a", "Gazette", quality=1)
    world.regenerate()
    [before] = world.feed()
    story(world, "b", "Dispatch", quality=99)
    world.regenerate()
    [after] = world.feed()
    assert after["id"] == before["id"]
    assert [link["href"] for link in after["links"]] == ["https://gazette.example/a", "https://dispatch.example/b"]
    assert world.tree() == world.rebuilt()


def test_a_survivor_that_is_withdrawn_makes_way_for_good(world: World) -> None:
    """The next one takes its place; when the first returns, it joins as coverage."""
    story(world, "a", "Gazette", quality=2)
    story(world, "b", "Dispatch", quality=1)
    world.regenerate()
    story(world, "a", "Gazette", quality=2, removed="yes")
    world.regenerate()
    assert [entry["link"] for entry in world.feed()] == ["https://dispatch.example/b"]
    story(world, "a", "Gazette", quality=2)
    world.regenerate()
    assert [entry["link"] for entry in world.feed()] == ["https://dispatch.example/b"]
    assert world.tree() == world.rebuilt()


def test_the_window_counts_from_report_to_report(world: World) -> None:
    """A report of the next week is another story; one hour inside the window isn't."""
    story(world, "a", "Gazette", 1)
    story(world, "b", "Dispatch", 3.9)
    story(world, "c", "Post", 10)
    world.regenerate()
    assert [entry["link"] for entry in world.feed()] == ["https://post.example/c", "https://gazette.example/a"]


def test_a_report_that_is_to_come_hides_nothing(world: World) -> None:
    """However trusted: the one that can be seen is seen, and stays when the other one's instant comes."""
    story(world, "a", "Gazette", 99)
    story(world, "b", "Dispatch", 101, quality=99)
    world.regenerate()
    [before] = world.feed()
    assert before["link"] == "https://gazette.example/a"
    assert "dispatch" not in str(before["links"])
    world.now = day(102)
    world.regenerate()
    [after] = world.feed()
    assert after["id"] == before["id"]
    assert "https://dispatch.example/b" in [link["href"] for link in after["links"]]
    assert world.tree() == world.rebuilt()


def test_a_survivor_that_is_put_off_hides_nothing(world: World) -> None:
    """Whoever can be seen stands for the others, and goes on to when the first one's instant has come."""
    story(world, "a", "Gazette", 99, quality=5)
    story(world, "b", "Dispatch", 98)
    world.regenerate()
    assert links(world) == ["gazette.example/a"]
    story(world, "a", "Gazette", 101, quality=5)
    world.regenerate()
    assert links(world) == ["dispatch.example/b"]
    world.now = day(102)
    world.regenerate()
    assert links(world) == ["dispatch.example/b"]
    assert world.tree() == world.rebuilt()


def test_of_reports_to_come_the_first_one_is_shown_first(world: World) -> None:
    """Also where a later one stood for it before it was put off."""
    story(world, "a", "Gazette", 101, quality=5)
    story(world, "b", "Dispatch", 102)
    world.regenerate()
    story(world, "a", "Gazette", 103, quality=5)
    world.regenerate()
    world.now = day(102.5)
    world.regenerate()
    assert links(world) == ["dispatch.example/b"]
    assert world.tree() == world.rebuilt()


def test_a_survivor_that_was_never_seen_has_no_place_to_come_back_to(world: World) -> None:
    """Who was seen in the meantime stays."""
    story(world, "a", "Gazette", 101, quality=5)
    story(world, "b", "Dispatch", 101.5)
    world.regenerate()
    (world.articles / "a.md").unlink()
    world.regenerate()
    world.now = day(102)
    world.regenerate()
    story(world, "a", "Gazette", 101, quality=5)
    world.regenerate()
    assert links(world) == ["dispatch.example/b"]
    assert world.tree() == world.rebuilt()


def test_a_survivor_that_joins_another_article_stays_the_survivor(world: World) -> None:
    """Although the older id is that of the other one, which nobody ever saw."""
    world.document("x", title="Something of its own here", published="no")
    world.regenerate()
    story(world, "s", "Gazette", quality=1)
    world.regenerate()
    story(world, "m", "Dispatch", quality=5)
    world.regenerate()
    assert links(world) == ["gazette.example/s"]
    story(world, "s", "Gazette", quality=1, ampWebUrl="https://news.example/x")
    world.document("x", title="Something of its own here")
    world.regenerate()
    assert "dispatch.example/m" not in links(world)
    assert world.tree() == world.rebuilt()


def test_collapsing_loses_no_near_duplicate(world: World) -> None:
    """A story that stands for another one is an entry as long as that one isn't shown otherwise."""
    world.options["related"] = "collapse"
    listed = {"title": HEADLINE, "webUrl": "https://gazette.example/s"}
    world.document("e", publishedDateTime=day(50), related=[listed])
    story(world, "s", "Gazette", 40, quality=5)
    story(world, "m", "Dispatch", 39)
    world.regenerate()
    assert links(world) == ["news.example/e", "gazette.example/s"]
    world.document("e", publishedDateTime=day(50), related=[listed, listed | {"webUrl": "https://dispatch.example/m"}])
    world.regenerate()
    assert links(world) == ["news.example/e"]
    assert world.tree() == world.rebuilt()


def test_an_edit_brings_together_and_parts(world: World) -> None:
    """What a report says now decides; both ids are as they were."""
    story(world, "a", "Gazette")
    story(world, "b", "Dispatch", title="Something else altogether today")
    world.regenerate()
    ids = {entry["id"] for entry in world.feed()}
    for title, count in ((HEADLINE, 1), ("Something else again altogether", 2)):
        story(world, "b", "Dispatch", title=title)
        world.regenerate()
        assert len(world.feed()) == count
        assert {entry["id"] for entry in world.feed()} <= ids
        assert world.tree() == world.rebuilt()


def test_what_too_many_have_in_common_says_nothing(world: World) -> None:
    """A headline that more articles have than a crowd is brings nobody together, until fewer have it again."""
    world.options["alike"] = Alike(timedelta(hours=72), 0.7, crowd=3)
    for number in range(3):
        story(world, f"d{number}", f"P{number}")
    world.regenerate()
    assert len(world.feed()) == 1
    story(world, "last", "P9")
    world.regenerate()
    assert len(world.feed()) == 4
    assert world.tree() == world.rebuilt()
    (world.articles / "last.md").unlink()
    world.regenerate()
    assert len(world.feed()) == 1
    assert world.tree() == world.rebuilt()


def test_a_near_duplicate_elsewhere_costs_what_it_concerns(world: World) -> None:
    """Candidates come from an index: the others aren't worked out again, however many they are."""
    efforts = []
    world.options["entries"] = 1000
    for size in (20, 120):
        for number in range(size):
            story(world, f"n{number}", "Gazette", number % 9, title=f"Report number {number} of the harbour master")
        world.regenerate()
        story(world, "new", "Dispatch", 3, title="Report number 3 of the harbour master")
        efforts.append(world.regenerate().effort)
        (world.articles / "new.md").unlink()
        world.regenerate()
    assert efforts[0] == efforts[1]
    assert efforts[0].merged == 1
