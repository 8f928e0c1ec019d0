"""`aggregator explain`: which documents made an article, where it is published, and why (not)."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from aggregator.errors import StoreError, UnknownArticle
from aggregator.feeds import KnownTopic
from aggregator.merge import Alike
from aggregator.pipeline import Explanation, explain
from aggregator.store import LEDGER_FILE
from tests.site import Site
from tests.world import World, day


def asked(world: World, name: str = "articles/a.md") -> Explanation:
    return explain(world.plan(), name)


def why(world: World, feed: str = "topics/ai", name: str = "articles/a.md") -> str:
    [found] = [one for one in asked(world, name).feeds if one.feed == feed]
    assert (found.rank is None) == bool(found.why)
    return found.why


def related(name: str, **fields: Any) -> dict[str, Any]:
    return {"title": f"Related {name}", "webUrl": f"https://other.example/{name}"} | fields


def test_an_article_is_found_by_path_url_and_id(world: World) -> None:
    """However the URL is spelled, and also by the file's place on the disk."""
    world.document("a", originalUrl="https://old.example/a")
    world.regenerate()
    [id] = world.ids().values()
    names = ["articles/a.md", str(world.articles / "a.md"), "http://www.news.example/a/?utm_source=x"]
    found = {asked(world, name).key for name in (*names, "https://old.example/a#top", id)}
    assert found == {"https://news.example/a"}


def test_a_document_that_the_guard_holds_is_told_as_that(site: Site) -> None:
    """Since when it is gone and what ends that, in text and JSON, until it is back or its deletion is accepted."""
    for number in range(50):
        site.document(f"d{number}")
    site.configure()
    site.regenerate()
    texts = {path: path.read_bytes() for path in site.articles.glob("d*.md")}
    for path in [*texts][:40]:
        path.unlink()
    gone, there = ([f"articles/{path.name}" for path in part] for part in ([*texts][:40], [*texts][40:]))
    site.now = day(101)
    site.regenerate()
    site.now = day(102)
    site.regenerate()
    line = "held: it is gone since 2026-06-10 00:00Z, and kept until it returns or --accept-deletions is given"
    for name in (gone[0], gone[-1]):
        assert [one.held for one in asked(site, name).mentions] == [line]
        assert f"    {line}\n" in site.run(name, command="explain").out
        [mention] = json.loads(site.run(name, "--json", command="explain").out)["mentions"]
        assert mention["held"] == line
    assert [one.held for one in asked(site, there[0]).mentions] == [""]
    assert "held" not in site.run(there[0], command="explain").out
    path = next(iter(texts))
    path.write_bytes(texts[path])
    site.regenerate()
    assert [one.held for one in asked(site, gone[0]).mentions] == [""]
    assert [one.held for one in asked(site, gone[1]).mentions] == [line]
    site.regenerate(accept_deletions=True)
    with pytest.raises(UnknownArticle) as caught:
        asked(site, gone[1])
    assert "held" not in str(caught.value)


def test_a_document_that_only_the_ledger_knows_and_the_guard_holds_is_told_as_that(world: World) -> None:
    """As where an older ledger is put back beside a newer index."""
    for number in range(50):
        world.document(f"d{number}")
    world.regenerate()
    older = (world.store / LEDGER_FILE).read_bytes()
    for number in range(1, 50):
        (world.articles / f"d{number}.md").unlink()
    world.regenerate(accept_deletions=True)
    (world.store / LEDGER_FILE).write_bytes(older)
    assert not world.regenerate().healthy
    with pytest.raises(UnknownArticle, match=r"its documents: articles/d1\.md \(held: it is gone since 2026-06-09"):
        asked(world, "articles/d1.md")


def test_mentions_are_told_in_order_of_trust_with_what_each_gives(world: World) -> None:
    """The field comes from the first that has it."""
    world.document("a", quality=1, title="Worse", excerpt="Only here", topics=["Web"])
    world.document("b", webUrl="https://news.example/a", quality=2, title="Better")
    world.document("c", related=[related("x", webUrl="https://news.example/a", images=["https://i.example/x.png"])])
    world.regenerate()
    found = asked(world)
    assert [(one.path, one.place) for one in found.mentions] == [
        ("articles/b.md", 0), ("articles/a.md", 0), ("articles/c.md", 1),
    ]  # fmt: skip
    gives = [set(one.gives) for one in found.mentions]
    assert gives[0] >= {"title", "link", "published", "quality", "topics"}
    assert gives[1:] == [{"excerpt", "topics"}, {"images"}]
    assert found.title == "Better"


def test_aliases_are_told_with_the_documents_that_say_so(world: World) -> None:
    """Canonical."""
    world.document("a", ampWebUrl="https://www.news.example/a/amp/")
    world.document("b", webUrl="https://news.example/b", originalUrl="https://news.example/a")
    world.regenerate()
    assert [(alias.url, alias.paths) for alias in asked(world).aliases] == [
        ("https://news.example/a", ("articles/a.md", "articles/b.md")),
        ("https://news.example/a/amp", ("articles/a.md",)),
        ("https://news.example/b", ("articles/b.md",)),
    ]


def test_why_an_id_is_what_it_is(world: World) -> None:
    """Made from the key, kept since an earlier one, or given; ids put aside by a merge are told too."""
    world.document("a")
    world.document("b")
    world.regenerate()
    minted = asked(world)
    assert minted.why_id == "made from its key"
    world.document("a", webUrl="https://news.example/moved")
    world.regenerate()
    moved = asked(world)
    assert moved.id == minted.id
    assert moved.why_id == (
        "given on 2026-06-09 for https://news.example/a, the address that articles/a.md had then, and kept since"
    )
    other = asked(world, "articles/b.md").id
    world.document("c", webUrl="https://news.example/moved", originalUrl="https://news.example/b", quality=1)
    world.regenerate()
    assert (asked(world).id, asked(world).other_ids) == (minted.id, (other,))
    world.document("d", id="urn:mine")
    world.regenerate()
    assert asked(world, "urn:mine").why_id == "given as `id` in articles/d.md"


def test_coverage_is_told_as_it_is_shown_and_who_lists_it(world: World) -> None:
    """Also what is not shown, and why it would be."""
    world.options["alike"] = Alike(timedelta(days=3), 0.8)
    headline = "Tide kites pass their first winter"
    coverage = [related("x", quality=1), related("y", publishedDateTime=day(101)), {"title": "Only said"}]
    world.document("a", title=headline, provider={"name": "Gazette"}, quality=5, related=coverage)
    world.document("b", title=headline, provider={"name": "Dispatch"}, related=[related("z")])
    world.document("e", related=[related("x")])
    world.regenerate()
    found = asked(world)
    assert {one.title: (one.listed_by, one.near_duplicate, one.shown) for one in found.coverage} == {
        "Related x": (("articles/a.md",), False, True),
        "Related y": (("articles/a.md",), False, False),
        "Only said": (("articles/a.md",), False, True),
        headline: ((), True, True),
        "Related z": (("articles/b.md",), False, True),
    }
    assert [one.link for one in found.coverage if one.shown and one.link] == [
        link["href"] for link in world.feed()[0]["links"] if link["rel"] == "related"
    ]
    assert found.stands_for == ("https://news.example/b",)
    assert asked(world, "articles/b.md").entry == f"near-duplicate: https://news.example/a ({headline}) stands for it"


def test_a_feed_whose_files_wait_is_told_so(world: World) -> None:
    """It was left for later, or has a schedule: what it will show isn't there yet."""
    world.document("a")
    world.regenerate()
    world.document("a", title="Edited")
    world.regenerate(later=("topics/*",))
    told = {feed.feed: (feed.rank, feed.why) for feed in asked(world).feeds}
    assert told == {"all": (1, ""), "topics/ai": (1, "its files are yet to be written")}


def test_feeds_are_told_with_the_rank(world: World) -> None:
    """Counted from the newest."""
    for number, name in enumerate("abc"):
        world.document(name, publishedDateTime=day(number), topics=["AI"] if name == "c" else ["AI", "Web"])
    world.regenerate()
    assert [(one.feed, one.rank, one.why) for one in asked(world).feeds] == [
        ("all", 3, ""), ("topics/ai", 3, ""), ("topics/web", 2, ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "options", "expected"),
    [
        ({"published": "no"}, {}, "no entry of any feed"),
        ({"removed": "yes"}, {}, "no entry of any feed"),
        ({"publishedDateTime": day(101)}, {}, "future: held back until 2026-06-10 00:00Z"),
        ({}, {"entries": 2}, "beyond the window: 3 of 2"),
        ({}, {"minimum": 4}, "too few entries for a feed (`topics.minimum` is 4)"),
        ({}, {"known": ("Web",), "only_known": True}, "excluded: only known topics have feeds (`topics.only_known`)"),
        ({}, {"related": "collapse"}, "collapsed: shown inside https://news.example/c"),
    ],
    ids=["unpublished", "withdrawn", "future", "window", "few", "excluded", "collapsed"],
)
def test_why_an_article_is_not_in_a_feed_of_its_topics(
    world: World, fields: dict[str, Any], options: dict[str, Any], expected: str
) -> None:
    """One reason for each feed."""
    world.options |= options
    world.document("a", **fields)
    world.document("b", publishedDateTime=day(2))
    world.document("c", publishedDateTime=day(3), related=[related("a", webUrl="https://news.example/a")])
    world.regenerate()
    assert why(world) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"published": "no"}, "unpublished: `published: no` or a draft in articles/a.md, its most trusted document"),
        ({"removed": "yes"}, "withdrawn: `removed` in articles/a.md"),
        ({}, ""),
    ],
)
def test_why_an_article_is_no_entry_at_all(world: World, fields: dict[str, str], expected: str) -> None:
    """Said once, with the document that says so."""
    world.document("a", **fields)
    world.regenerate()
    assert asked(world).entry == expected


def test_what_is_only_listed_is_explained_too(world: World) -> None:
    """With what the documents that list it say; where feeds expand, it is an entry like others."""
    world.document("a", related=[related("x", quality=3)])
    world.regenerate()
    found = asked(world, "https://other.example/x")
    assert (found.title, found.id, [one.place for one in found.mentions]) == ("Related x", "", [1])
    assert found.entry == "coverage only: no document of its own, and feeds attach related entries"
    world.options["related"] = "expand"
    world.regenerate()
    found = asked(world, "https://other.example/x")
    assert (found.entry, found.why_id) == ("", "made from its key")
    assert [(one.feed, one.rank) for one in found.feeds] == [("all", 2), ("topics/ai", 2)]


def test_topics_are_told_as_they_are_filed(world: World) -> None:
    """An alias under its topic, a child's entry in the parent's feed."""
    world.options |= {"children": True, "known": (KnownTopic("Meta", aliases=("AI",), parent="Web"), KnownTopic("Web"))}
    world.document("a")
    world.regenerate()
    assert [one.feed for one in asked(world).feeds] == ["all", "topics/meta", "topics/web"]


def test_a_broken_document_is_explained_by_its_last_good_version(world: World) -> None:
    """And by what is wrong with it now; one that never was good makes no article."""
    world.document("a")
    world.regenerate()
    world.text("a.md", "---\ntitle: [\n---\n")
    world.text("b.md", "---\ntitle: [\n---\n")
    world.regenerate()
    assert [str(problem).partition(": while")[0] for problem in asked(world).problems] == ["articles/a.md:3:1: error"]
    with pytest.raises(UnknownArticle, match=r"makes no article: articles/b.md:3:1: error"):
        asked(world, "articles/b.md")


def test_what_names_no_article_is_told_what_it_is(world: World, tmp_path: Path) -> None:
    """A file elsewhere, one not read yet, a URL too many claim, an id whose article is gone, a slip of the pen."""
    with pytest.raises(StoreError, match="aggregator regenerate"):
        asked(world)
    path = world.document("gone")
    for number, name in enumerate("ab", 2):
        world.document(name, originalUrl="https://news.example/live", publishedDateTime=day(number))
    world.text("README.md", "no front matter")
    world.regenerate()
    id = world.ids()["About gone"]
    path.unlink()
    world.regenerate()
    world.document("late")
    (tmp_path / "elsewhere.md").write_text("")
    for name, message in {
        "articles/README.md": "it doesn't open with front matter",
        str(world.articles / "late.md"): "articles/late.md: not read yet",
        str(tmp_path / "elsewhere.md"): "is in none of the sources",
        "https://news.example/live": "2 documents with different titles claim it",
        id: r"was given for https://news.example/gone on 2026-06-09, was withdrawn on 2026-06-09 00:00Z, and is no",
        "articles/gone.md": "was withdrawn on 2026-06-09 00:00Z",
        "news.example/gone": "was withdrawn on 2026-06-09 00:00Z",
        "articles/aa.md": r"perhaps articles/a.md\?",
        "https://nowhere.example/": "no such article",
    }.items():
        with pytest.raises(UnknownArticle, match=message):
            asked(world, name)


def test_it_is_as_of_the_last_run(world: World) -> None:
    """Whatever the clock says since then."""
    world.document("a", publishedDateTime=day(101))
    world.regenerate()
    assert why(world) == "future: held back until 2026-06-10 00:00Z"
    world.now = day(101)
    world.regenerate()
    assert why(world) == ""


def test_a_feed_that_stays_for_a_while_is_told_as_out(world: World) -> None:
    """Its topic is excluded by now; its subscribers see it as long as `feeds.keep`."""
    world.document("a")
    world.regenerate()
    world.options |= {"only_known": True, "known": ("Web",)}
    world.regenerate()
    assert why(world) == ""
    world.now += timedelta(days=91)
    world.regenerate()
    assert why(world) == "excluded: only known topics have feeds (`topics.only_known`)"


def test_explaining_changes_nothing_and_needs_no_lock(world: World) -> None:
    """It may be asked while a run is at work."""
    from aggregator import publish

    world.document("a")
    world.regenerate()
    before = {path: path.read_bytes() for path in world.root.rglob("*.sqlite")}
    identity = (world.output / ".aggregator").read_text().split()[0]
    with publish.claimed(world.output, world.store, identity):
        assert asked(world).title == "About a"
    assert {path: path.read_bytes() for path in world.root.rglob("*.sqlite")} == before


# The command


def test_the_command_tells_people_and_programs(site: Site) -> None:
    """Sections in plain text; with --json the same as one object; what names no article exits with 2."""
    site.document("a", related=[related("x")], excerpt="Short")
    site.regenerate()
    done = site.run("articles/a.md", command="explain")
    assert (done.status, done.err) == (0, "")
    assert done.out.splitlines() == [
        "About a",
        "  link  https://news.example/a",
        "  key   https://news.example/a",
        f"  id    {site.ids()['About a']} (made from its key)",
        "mentions, the most trusted first",
        "   1  articles/a.md",
        "      no quality, 2026-03-02, gives link, title, excerpt, published, topics",
        "aliases, and who says so",
        "  https://news.example/a  (1)",
        "coverage, the best first",
        "  Related x",
        "    https://other.example/x  (listed by 1)",
        "feeds",
        "  all        rank 1",
        "  topics/ai  rank 1",
    ]
    told = json.loads(site.run("articles/a.md", "--json", command="explain").out)
    assert (told["title"], told["coverage"][0]["link"]) == ("About a", "https://other.example/x")
    assert told["feeds"][1] == {"feed": "topics/ai", "rank": 1, "why": "", "archive": ""}
    site.configure(feeds={"entries": 1})
    assert "the configuration has changed" in site.run("articles/a.md", command="explain").err
    done = site.run("nothing", command="explain")
    assert (done.status, done.out) == (2, "")
    assert "aggregator: nothing: no such article" in done.err
