"""What related entries mean to feeds: attach, expand, collapse."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.feeds import KnownTopic, entries_of
from aggregator.merge import Alike
from aggregator.pipeline import explain
from tests.world import World, day, told


def related(name: str, **fields: Any) -> dict[str, Any]:
    return {"title": f"Related {name}", "webUrl": f"https://other.example/{name}", "publishedDateTime": day(1)} | fields


def links(world: World, name: str = "all") -> list[str]:
    return [entry["link"].removeprefix("https://") for entry in world.feed(name)]


def coverage(entry: dict[str, Any]) -> list[str]:
    return [link["href"] for link in entry["links"] if link["rel"] == "related"]


def test_attached_coverage_is_inside_the_entry_only(world: World) -> None:
    """As long as nobody asks otherwise."""
    world.document("a", related=[related("x")])
    world.regenerate()
    assert links(world) == ["news.example/a"]
    assert coverage(world.feed()[0]) == ["https://other.example/x"]


def test_coverage_stands_by_quality_then_as_it_is_listed(world: World) -> None:
    """By the most trusted document first, whatever the addresses and dates; what the next one lists comes behind."""
    dates = {"z": 1, "y": 9, "x": 5}
    listed = [related(name, publishedDateTime=day(date)) for name, date in dates.items()]
    world.document("b", quality=1, webUrl="https://news.example/a", related=[related("w"), related("y")])
    world.document("a", quality=2, related=[*listed, related("good", quality=3), related("bad", quality=-2)])
    world.regenerate()
    names = [link.rpartition("/")[2] for link in coverage(world.feed()[0])]
    assert names == ["good", "bad", "z", "y", "x", "w"]
    assert [covering.link.rpartition("/")[2] for covering in explain(world.plan(), "articles/a.md").coverage] == names
    assert world.tree() == world.rebuilt()


def test_a_near_duplicate_and_what_it_lists_come_behind(world: World) -> None:
    """Behind what the article's own documents list."""
    world.options["alike"] = Alike(timedelta(days=3), 0.7)
    headline = "Tide kites pass their first winter"
    world.document("b", title=headline, publishedDateTime=day(2), provider={"name": "B"}, related=[related("a1")])
    world.document("a", title=headline, provider={"name": "A"}, related=[related("z1"), related("y1")])
    world.regenerate()
    names = [link.rpartition("/")[2] for link in coverage(world.feed()[0])]
    assert names == ["z1", "y1", "b", "a1"]


def test_a_near_duplicate_without_a_document_is_coverage(world: World) -> None:
    """Though only another entry lists it: it is shown with the one that stands for it."""
    world.options |= {"related": "expand", "alike": Alike(timedelta(days=3), 0.7)}
    headline = "Tide kites pass their first winter"
    world.document("a", title=headline, provider={"name": "A"}, publishedDateTime=day(1))
    other = related("x", title=headline, provider={"name": "X"}, publishedDateTime=day(2))
    world.document("b", publishedDateTime=day(2), provider={"name": "B"}, related=[other])
    world.regenerate()
    entry = next(entry for entry in world.feed() if entry["link"] == "https://news.example/a")
    assert coverage(entry) == ["https://other.example/x"]
    assert world.tree() == world.rebuilt()


@pytest.mark.parametrize("mode", ["attach", "expand"])
def test_a_related_entry_without_a_title_has_its_documents(world: World, mode: str) -> None:
    """Or what others call it; where nobody does it is left out, told, and no entry."""
    world.options["related"] = mode
    path = world.document("a", related=[related("x", title=None)])
    line = next(number for number, text in enumerate(path.read_text().splitlines(), 1) if text == "related:") + 1
    report = world.regenerate()
    assert (links(world), coverage(world.feed()[0])) == (["news.example/a"], [])
    [told_of] = told(report)
    assert told_of.startswith(f"articles/a.md:{line}:")
    assert "warning: related entry left out: no title, and no document of https://other.example/x" in told_of
    other = world.document("x", webUrl="https://other.example/x", title="Its own", publishedDateTime=day(0))
    assert told(world.regenerate()) == []
    assert ">Its own</a>" in world.feed()[0]["content"][0]["value"]
    assert world.tree() == world.rebuilt()
    other.unlink()
    assert len(told(world.regenerate())) == 1
    world.document("b", publishedDateTime=day(0), related=[related("x", title="As b says")])
    assert told(world.regenerate()) == []
    entry = next(entry for entry in world.feed() if entry["title"] == "About a")
    assert ">As b says</a>" in entry["content"][0]["value"]
    assert world.tree() == world.rebuilt()


# Expand


def test_expanded_coverage_is_an_entry_too(world: World) -> None:
    """With the topics of the document that lists it, its own date and an id; and still shown inside."""
    world.options["related"] = "expand"
    world.document("a", topics=["AI"], related=[related("x", publishedDateTime=day(3))])
    world.document(
        "b", topics=["Web"], publishedDateTime=day(2), related=[related("x", title="Other", publishedDateTime=day(3))]
    )
    report = world.regenerate()
    assert report.articles == 2
    assert links(world) == ["other.example/x", "news.example/b", "news.example/a"]
    assert links(world, "topics/ai") == ["other.example/x", "news.example/a"]
    assert links(world, "topics/web") == ["other.example/x", "news.example/b"]
    entry = world.feed()[0]
    assert entry["published"].startswith("2026-03-04")
    assert entry["id"].startswith("tag:feeds.example.org,2026:")
    assert [tag["label"] for tag in entry["tags"]] == ["AI", "Web"]
    assert coverage(world.feed()[1]) == ["https://other.example/x"]
    assert world.tree() == world.rebuilt()


def test_an_expanded_entry_keeps_its_id_when_its_document_comes_and_goes(world: World) -> None:
    """The document's data are better, the id is the one that subscribers know."""
    world.options["related"] = "expand"
    world.document("a", related=[related("x")])
    world.regenerate()
    id = world.ids()["Related x"]
    path = world.document("x", title="Own", webUrl="https://www.other.example/x", topics=["Own"])
    world.regenerate()
    assert world.ids()["Own"] == id
    assert set(links(world, "topics/ai")) == {"news.example/a", "www.other.example/x"}
    assert links(world, "topics/own") == ["www.other.example/x"]
    assert world.tree() == world.rebuilt()
    path.unlink()
    world.regenerate()
    assert world.ids()["Related x"] == id
    assert links(world, "topics/own") == []
    assert world.tree() == world.rebuilt()


def test_an_expanded_entry_keeps_its_id_when_the_first_one_of_its_url_is_free_again(world: World) -> None:
    """A document moved away from the URL and took its id along; when it goes, nobody changes places."""
    world.options["related"] = "expand"
    path = world.document("a", webUrl="https://other.example/x")
    world.regenerate()
    world.document("a", webUrl="https://other.example/y")
    world.document("b", related=[related("x")])
    world.regenerate()
    ids = world.ids()
    assert ids["Related x"] == f"{ids['About a']}-2"
    path.unlink()
    world.regenerate()
    assert world.ids()["Related x"] == ids["Related x"]
    assert world.tree() == world.rebuilt()


def test_an_expanded_entry_leaves_documents_their_ids(world: World) -> None:
    """Also one that a document has put aside while it shares an article with another."""
    world.options["related"] = "expand"
    world.document("b")
    world.regenerate()
    world.document("a")
    world.regenerate()
    ids = world.ids()
    world.document("a", webUrl="https://news.example/b")
    world.document("c", related=[related("a", webUrl="https://news.example/a")])
    world.regenerate()
    assert world.ids()["Related a"] not in ids.values()
    world.document("a", webUrl="https://news.example/new")
    world.regenerate()
    assert world.ids().items() >= ids.items()
    assert world.tree() == world.rebuilt()


def test_an_expanded_entry_keeps_its_id_under_other_rules(world: World) -> None:
    """What counts as tracking comes and goes; nothing is withdrawn, not even where feeds cease to expand as well."""
    world.options["related"] = "expand"
    world.document("a", related=[related("x?page=1")])
    world.regenerate()
    before = world.tree()
    for tracking in (("page",), ()):
        world.options["reading"] = {"tracking": tracking}
        world.regenerate()
        assert world.tree() == before == world.rebuilt()
    world.now = day(110)
    world.options |= {"reading": {"tracking": ("page",)}, "related": "attach"}
    world.regenerate()
    assert b"<updated>2026-06-19T" not in world.tree()["all/atom.xml"]


def test_what_was_never_shown_is_not_withdrawn(world: World) -> None:
    """An old related entry of a document that is to come is to come too."""
    world.options["related"] = "expand"
    world.document("b")
    path = world.document("a", publishedDateTime=day(120), related=[related("x")])
    world.regenerate()
    before = world.tree()["all/atom.xml"]
    path.unlink()
    world.now = day(110)
    world.regenerate()
    assert world.tree()["all/atom.xml"] == before


def test_an_expanded_entry_goes_with_the_last_that_lists_it(world: World) -> None:
    """It is withdrawn then; not so where the feeds only cease to expand."""
    world.options["related"] = "expand"
    for name in "ab":
        world.document(name, related=[related("x")])
    world.document("c")
    world.regenerate()
    world.now = day(110)
    world.document("a")
    world.regenerate()
    assert "other.example/x" in links(world)
    world.document("b")
    world.regenerate()
    assert "other.example/x" not in links(world)
    assert world.tree()["all/atom.xml"].count(b"<updated>2026-06-19T") == 1  # the feed's: something was withdrawn
    assert world.tree() == world.rebuilt()


def test_ceasing_to_expand_withdraws_nothing(world: World) -> None:
    """What was an entry is coverage again, and the feed's date tells of no withdrawal."""
    world.options["related"] = "expand"
    world.document("a", related=[related("x")])
    world.regenerate()
    world.now = day(110)
    world.options["related"] = "attach"
    world.regenerate()
    assert links(world) == ["news.example/a"]
    assert b"<updated>2026-06-19T" not in world.tree()["all/atom.xml"]


def test_what_is_listed_by_what_is_not_shown_is_not_expanded(world: World) -> None:
    """Hidden or removed: its coverage isn't shown either. What lies in the future expands at its instant."""
    world.options["related"] = "expand"
    world.document("hidden", published="no", related=[related("x")])
    world.document("gone", removed="yes", related=[related("y")])
    world.document("future", publishedDateTime=day(101), related=[related("z")])
    world.regenerate()
    assert links(world) == []
    world.now = day(101)
    world.regenerate()
    assert links(world) == ["news.example/future", "other.example/z"]
    assert world.feed()[1]["published"][:10] == "2026-03-02"
    assert world.tree() == world.rebuilt()


@pytest.mark.parametrize(("field", "value"), [("published", "no"), ("removed", "yes")])
def test_a_related_entry_may_say_that_it_is_no_entry(world: World, field: str, value: str) -> None:
    """As a document may."""
    world.options["related"] = "expand"
    world.document("a", related=[related("x", **{field: value})])
    world.regenerate()
    assert links(world) == ["news.example/a"]


def test_a_hidden_document_stays_hidden_when_listed(world: World) -> None:
    """`published: no` in the article's own document counts more than being listed."""
    world.options["related"] = "expand"
    world.document("x", webUrl="https://other.example/x", published="no")
    world.document("a", related=[related("x")])
    world.regenerate()
    assert links(world) == ["news.example/a"]


def test_a_topic_that_is_to_come_comes_at_its_instant(world: World) -> None:
    """What lists an article later gives it its topics later; till then neither feed nor entry tells of them."""
    world.options["related"] = "expand"
    world.document("x", webUrl="https://other.example/x")
    world.document("a", publishedDateTime=day(101), topics=["Embargoed"], related=[related("x")])
    world.regenerate()
    assert [tag["label"] for tag in world.feed()[0]["tags"]] == ["AI"]
    assert "topics/embargoed/atom.xml" not in world.tree()
    assert b"mbargoed" not in b"".join(world.tree().values())
    world.now = day(101)
    world.regenerate()
    assert links(world, "topics/embargoed") == ["news.example/a", "other.example/x"]
    assert [tag["label"] for tag in world.feed()[1]["tags"]] == ["AI", "Embargoed"]
    assert world.tree() == world.rebuilt()


def test_an_expanded_entry_without_a_date_has_that_of_its_lister(world: World) -> None:
    """The oldest one's."""
    world.options["related"] = "expand"
    world.document("a", publishedDateTime=day(5), related=[related("x", publishedDateTime=None)])
    world.document("b", publishedDateTime=day(4), related=[related("x", publishedDateTime=None)])
    world.regenerate()
    assert [entry["published"][:10] for entry in world.feed()] == ["2026-03-06", "2026-03-05", "2026-03-05"]


def test_a_related_entry_without_a_url_is_never_an_entry(world: World) -> None:
    """It is text inside."""
    world.options["related"] = "expand"
    world.document("a", related=[{"title": "Only said", "provider": {"name": "Radio"}}])
    world.regenerate()
    assert links(world) == ["news.example/a"]
    assert "Only said — Radio" in world.feed()[0]["content"][0]["value"]


# Collapse


def test_what_an_earlier_entry_shows_is_no_entry(world: World) -> None:
    """A newer entry that lists an older one takes it in; in a feed without the newer one it stays."""
    world.options["related"] = "collapse"
    world.document("old", publishedDateTime=day(1), topics=["AI", "Old"])
    world.document("new", publishedDateTime=day(2), related=[{"title": "Old", "webUrl": "https://news.example/old"}])
    world.regenerate()
    assert links(world) == links(world, "topics/ai") == ["news.example/new"]
    assert links(world, "topics/old") == ["news.example/old"]
    assert coverage(world.feed()[0]) == ["https://news.example/old"]
    assert world.tree() == world.rebuilt()


def test_an_entry_newer_than_the_one_that_lists_it_stays(world: World) -> None:
    """The feed is walked in its order."""
    world.options["related"] = "collapse"
    world.document("new", publishedDateTime=day(2))
    world.document("old", publishedDateTime=day(1), related=[{"title": "New", "webUrl": "https://news.example/new"}])
    world.regenerate()
    assert links(world) == ["news.example/new", "news.example/old"]


def test_what_is_left_out_makes_room(world: World) -> None:
    """The window is filled with entries, however many are taken in."""
    world.options |= {"related": "collapse", "entries": 3}
    taken = [{"title": "x", "webUrl": f"https://news.example/d{number}"} for number in range(20)]
    for number in range(20):
        world.document(f"d{number}", publishedDateTime=day(50 - number))
    for name, number in (("old", 9), ("older", 8)):
        world.document(name, publishedDateTime=day(number))
    world.document("top", publishedDateTime=day(60), related=taken)
    world.regenerate()
    assert links(world) == ["news.example/top", "news.example/old", "news.example/older"]
    assert world.tree() == world.rebuilt()


keys = st.lists(st.sampled_from("abcdefgh"), unique=True)


@given(keys, st.dictionaries(st.sampled_from("abcdefgh"), st.sets(st.sampled_from("abcdefgh"))))
def test_collapsing_loses_nothing(newest: list[str], coverage: dict[str, set[str]]) -> None:
    """Each story is an entry or shown by an earlier one, in the same order; what is left out takes nothing in."""
    kept = entries_of(newest, coverage, {}, {}, 0)
    assert kept == [key for key in newest if key in kept]
    for place, key in enumerate(newest):
        shown = {other for earlier in newest[:place] if earlier in kept for other in coverage.get(earlier, ())}
        assert (key in kept) != (key in shown)


# Together


def test_expanded_coverage_may_be_a_near_duplicate(world: World) -> None:
    """The same headline from elsewhere, listed by one and written up by another, is one entry."""
    world.options |= {"related": "expand", "alike": Alike(timedelta(days=3), 0.8)}
    headline = "Tide kites pass their first winter"
    world.document("a", related=[related("x", title=headline, provider={"name": "Gazette"})])
    world.document("b", title=headline, provider={"name": "Dispatch"}, topics=["Energy"])
    world.regenerate()
    assert sorted(links(world)) == ["news.example/a", "news.example/b"]
    assert links(world, "topics/ai") == links(world)
    assert links(world, "topics/energy") == ["news.example/b"]
    assert world.tree() == world.rebuilt()


def test_a_near_duplicate_brings_the_topics_of_those_that_list_it(world: World) -> None:
    """To the entry that stands for it; also when they change."""
    world.options |= {"related": "expand", "alike": Alike(timedelta(days=3), 0.8)}
    headline = "Tide kites pass their first winter"
    for name, provider in (("a", "Gazette"), ("b", "Dispatch")):
        world.document(name, title=headline, provider={"name": provider}, topics=["Sea"])
    world.document("c", topics=[], related=[{"title": headline, "webUrl": "https://news.example/b"}])
    for topic in ("Energy", "Climate"):
        world.document("d", webUrl="https://news.example/c", topics=[topic])
        world.regenerate()
        assert links(world, f"topics/{topic.lower()}") == ["news.example/a", "news.example/c"]
        assert world.tree() == world.rebuilt()
    assert links(world, "topics/energy") == []


def test_topics_of_a_taxonomy_hold_for_expanded_entries(world: World) -> None:
    """They are filed like their lister."""
    world.options |= {"related": "expand", "known": (KnownTopic("Minds", aliases=("AI",)),)}
    world.document("a", related=[related("x")])
    world.regenerate()
    assert len(links(world, "topics/minds")) == 2


# Without an address of its own


@pytest.mark.parametrize("mode", ["attach", "expand", "collapse"])
@pytest.mark.parametrize("link", [None, "https://home.example/"])
def test_a_text_waits_for_no_other_documents_date(world: World, mode: str, link: str | None) -> None:
    """Each document shows it from the date on that it says itself."""
    world.options["related"] = mode
    text = {"title": "Said in the harbour", "provider": {"name": "Gazette"}} | ({"webUrl": link} if link else {})
    world.document("a", related=[text])
    world.document("b", published="no", related=[text | {"publishedDateTime": day(102)}])
    world.document("c", published="no", related=[text | {"publishedDateTime": day(101), "quality": 3}])
    for now in (100, 101, 102):
        world.now = day(now)
        world.regenerate()
        entry = next(entry for entry in world.feed() if entry["title"] == "About a")
        assert "Said in the harbour" in entry["content"][0]["value"]
        assert world.tree() == world.rebuilt()


@pytest.mark.parametrize("mode", ["attach", "expand", "collapse"])
@pytest.mark.parametrize("dates", [(None, 101), (101, None), (1, 101), (101, 102)])
def test_a_text_of_near_duplicates_stands_with_the_survivor(
    world: World, mode: str, dates: tuple[int | None, int | None]
) -> None:
    """From the first date on that the survivor or a member says; undated, at once."""
    world.options |= {"related": mode, "alike": Alike(timedelta(days=3), 0.8)}
    headline = "Tide kites pass their first winter"
    for provider, date in zip(("Gazette", "Dispatch"), dates, strict=True):
        text = {"title": "Said in the harbour"} | ({"publishedDateTime": day(date)} if date else {})
        world.document(provider, title=headline, provider={"name": provider}, related=[text])
    for now in (100, 101, 102):
        world.now = day(now)
        world.regenerate()
        shown = any(date is None or date <= now for date in dates)
        assert len(world.feed()) == 1
        assert ("Said in the harbour" in str(world.feed()[0].get("content"))) == shown
        assert world.tree() == world.rebuilt()
