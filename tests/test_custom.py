"""Feeds that the configuration makes up, and those of every category, provider and type."""

from __future__ import annotations

import json
import re
from contextlib import closing
from datetime import timedelta
from typing import Any
from urllib.parse import unquote, urljoin

import feedparser
import pytest
from lxml import etree
from msgspec.structs import replace

from aggregator.feeds import Age, Condition, Custom, KnownTopic, Order, Range
from aggregator.pipeline import HOOK, Plan, explain
from aggregator.store import INDEX_FILE, Index, Ledger
from tests.site import Site
from tests.walks import ATOM, HISTORY
from tests.world import EVERY_FORMAT, World, day, told

HOUR = timedelta(hours=1)
HOST = "https://feeds.example.org/"
HUB = "https://hub.example/"
TOKEN = "0123456789abcdef"
OTHER = "fedcba9876543210"
VIDEO = Condition(type=("video",))


def run(world: World, plan: Plan | None = None) -> list[str]:
    """A run that goes well, and what it changed; a rebuild would make the same."""
    report = world.regenerate(plan)
    assert report.healthy, told(report)
    assert plan or world.tree() == world.rebuilt()
    return [path for _, path in report.changes]


def due(world: World) -> list[tuple[str, Any]]:
    """The next instant at which something changes by itself, as a list of one or none."""
    with closing(Index(world.store / INDEX_FILE)) as index:
        found = index.entries.next_due(world.now)
    return [found] if found else []


def why(world: World, feed: str, name: str) -> tuple[int | None, str]:
    """What `explain` says of an article's place in a feed."""
    (found,) = [one for one in explain(world.plan(), f"articles/{name}.md").feeds if one.feed == feed]
    return found.rank, found.why


def head(world: World, path: str) -> Any:
    """What a feed says of itself."""
    root = etree.fromstring((world.output / path).read_bytes())
    return root if root.tag == f"{ATOM}feed" else root[0]


# What is asked, through the real configuration

KNOWN = [{"name": "Machines"}, {"name": "Robots", "aliases": ["Automata"], "parent": "Machines"}]
DOCUMENTS: dict[str, dict[str, Any]] = {
    "a": {
        "topics": ["Machines"],
        "publishedDateTime": day(10),
        "category": "Deep dives",
        "provider": {"name": "The Gazette", "domain": "post.example"},
        "language": "pt-BR",
        "quality": 5,
        "heat": -1,
    },
    "b": {
        "topics": ["Robots"],
        "publishedDateTime": day(20),
        "type": "video",
        "provider": {"name": "Dispatch", "domain": "blog.post.example"},
        "language": "pt",
        "quality": 3,
        "heat": 0,
        "excerpt": "Tide kites in winter",
        "images": ["https://news.example/b.png"],
    },
    "c": {"topics": ["Automata"], "publishedDateTime": day(30), "category": "News", "quality": 1, "heat": 70},
    "d": {"topics": ["Sea"], "publishedDateTime": day(99.5), "webUrl": "https://www.post.example/d", "heat": 9},
}
ASKED: dict[str, tuple[dict[str, Any], str]] = {
    "parent": ({"where": {"topics": "machines"}}, "cba"),
    "topic": ({"where": {"topics": ["ROBOTS"]}}, "cb"),
    "alias": ({"where": {"topics": ["Sea", "automata"]}}, "dcb"),
    "category": ({"where": {"category": ["deep dives", "news"]}}, "ca"),
    "provider-name": ({"where": {"provider": "the gazette"}}, "a"),
    "provider-domain": ({"where": {"provider": "post.example"}}, "dba"),
    "type": ({"where": {"type": "Video"}}, "b"),
    "language": ({"where": {"language": "pt"}}, "ba"),
    "region": ({"where": {"language": "pt-br"}}, "a"),
    "text": ({"where": {"text": "Winter"}}, "db"),
    "quality": ({"where": {"quality": 3}}, "ba"),
    "quality-between": ({"where": {"quality": {"at_least": 2, "at_most": 4}}}, "b"),
    "ranked": ({"where": {"heat": 0}}, "dcb"),
    "cool": ({"where": {"heat": {"at_most": 9}}}, "db"),
    "unranked": ({"where": {"not": {"heat": 0}}}, "a"),
    "young": ({"where": {"age": "1d"}}, "d"),
    "old": ({"where": {"age": {"over": "75d"}}}, "ba"),
    "window": ({"age": "75d"}, "dc"),
    "picture": ({"where": {"image": "yes"}}, "b"),
    "no-picture": ({"where": {"image": "no"}}, "dca"),
    "several": ({"where": {"type": "video", "category": "news"}}, ""),
    "all": ({"where": {"all": [{"language": "pt"}, {"type": "video"}]}}, "b"),
    "any": ({"where": {"any": [{"type": "video"}, {"category": "news"}]}}, "cb"),
    "not": ({"where": {"not": [{"provider": "post.example"}, {"type": "video"}]}}, "c"),
    "everything": ({}, "dcba"),
    "nothing": ({"where": {"topics": "Nowhere"}}, ""),
    "by-heat": ({"order": "heat"}, "cdba"),
    "by-quality": ({"order": "quality", "entries": 3}, "abc"),
}


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A site with a feed for each question; not to be touched."""
    site = Site(tmp_path_factory.mktemp("asking"))
    site.configure(
        topics={"list": KNOWN},
        feeds={"custom": [{"name": f"x-{name}"} | keys for name, (keys, _) in ASKED.items()]},
    )
    for name, fields in DOCUMENTS.items():
        site.document(name, "About the **winter**." if name == "d" else "", **fields)
    done = site.run("--at", day(100).isoformat())
    assert (done.status, done.err.count("\n")) == (0, 1), done.err
    return site


@pytest.mark.parametrize("name", ASKED)
def test_a_feed_has_what_its_conditions_ask_for(asking: Site, name: str) -> None:
    """And nothing else, in its order; parents' questions are met by their children's articles, whether or not topic
    feeds have them.
    """
    for format in ("atom", "rss"):
        assert asking.titles(f"custom/x-{name}", format) == [f"About {one}" for one in ASKED[name][1]]
    assert asking.titles("topics/machines") == ["About a"]


def test_the_commands_know_what_is_made_up(asking: Site) -> None:
    """`feeds` lists it, and `explain` says for each why an article isn't there."""
    listed = {one["name"]: one for one in json.loads(asking.run("--json", command="feeds").out)}
    assert {name: listed[f"custom/x-{name}"]["entries"] for name in ASKED} == {
        name: len(titles) for name, (_, titles) in ASKED.items()
    }
    assert listed["custom/x-nothing"]["newest"] is None
    assert listed["custom/x-any"]["url"] == f"{HOST}custom/x-any/"
    explained = json.loads(asking.run("articles/b.md", "--json", command="explain").out)
    ranks = {one["feed"].removeprefix("custom/x-"): one["rank"] for one in explained["feeds"]}
    assert {name: ranks[name] for name in ASKED} == {
        name: titles.index("b") + 1 if "b" in titles else None for name, (_, titles) in ASKED.items()
    }
    reasons = {one["feed"].removeprefix("custom/x-"): one["why"] for one in explained["feeds"]}
    assert reasons["region"] == "language isn't pt-br"
    assert reasons["several"] == "category isn't news"
    assert reasons["not"] == "left out by `not: provider: post.example`"
    assert reasons["window"].startswith("age isn't under 75 days")


def test_one_of_them_can_be_published_alone(site: Site) -> None:
    """By name, also the first time; the others stay as they are."""
    site.configure(feeds={"custom": [{"name": "x"}, {"name": "y"}]})
    assert site.run("--feed", "custom/x").status == 0
    assert sorted(site.tree()) == ["custom/x/atom.xml", "custom/x/rss.xml"]
    assert site.run("--feed", "custom/z").status == 2


# How it looks


def test_it_has_a_title_a_description_and_formats_of_its_own(world: World) -> None:
    """Else its name's, none, and those of all feeds."""
    world.options |= EVERY_FORMAT | {"compress": False}
    own = Custom("best", "Best of all", 5, description="Nothing less.", formats=("atom",))
    world.options["custom"] = (own, Custom("rest", "rest", 5))
    world.document("a")
    run(world)
    assert [path for path in world.tree() if path.startswith("custom/best/")] == ["custom/best/atom.xml"]
    assert len([path for path in world.tree() if path.startswith("custom/rest/")]) == 4
    feed = feedparser.parse((world.output / "custom/best/atom.xml").read_bytes()).feed
    assert (feed.title, feed.subtitle) == ("Best of all — Everything", "Nothing less.")
    assert b"Best of all" in world.tree()["index.html"]
    assert b"https://feeds.example.org/custom/best/atom.xml" in world.tree()["feeds.opml"]
    world.options["custom"] = (replace(own, formats=("rss",), title="Best"), Custom("rest", "rest", 5))
    assert {"custom/best/atom.xml", "custom/best/rss.xml"} < set(run(world))
    assert [path for path in world.tree() if path.startswith("custom/best/")] == ["custom/best/rss.xml"]


@pytest.mark.parametrize("formats", [("html",), ("json",), ("rss",)])
@pytest.mark.parametrize("others", [("html",), ("json",), ("rss", "atom")])
def test_its_formats_may_be_none_of_the_other_feeds(
    world: World, formats: tuple[str, ...], others: tuple[str, ...]
) -> None:
    """Whatever the site as a whole has of it."""
    world.options |= {"formats": others, "custom": (Custom("x", "X", 5, formats=formats),)}
    world.document("a")
    run(world)
    assert len([path for path in world.tree() if path.startswith("custom/x/")]) == 1


@pytest.mark.parametrize(("formats", "others"), [("html", "rss"), ("rss", "html"), ("json", "atom html")])
def test_pages_lead_to_what_is_there(world: World, formats: str, others: str) -> None:
    """The page of a feed has its looks where no other feed has a page; where it has none, the site's leads to none."""
    own = Custom("x", "X", 5, formats=tuple(formats.split()))
    world.options |= {"formats": tuple(others.split()), "custom": (own,)}
    world.document("a")
    run(world)
    tree = world.tree()
    pages = [path for path in tree if path.endswith("index.html")]
    assert pages
    for page in pages:
        for link in re.findall(r'(?:href|src)="([^"#]*)["#]', tree[page].decode()):
            there = unquote(urljoin(f"{HOST}{page}", link))
            if there.startswith(HOST):
                path = there.removeprefix(HOST)
                assert (path if path and not path.endswith("/") else f"{path}index.html") in tree, (page, link)


def test_one_that_nothing_meets_is_valid_and_empty(world: World) -> None:
    """And is updated when it became so; also where there is no document at all."""
    world.options["custom"] = (Custom("x", "X", 5, where=VIDEO),)
    run(world)
    assert world.titles("custom/x") == world.titles("custom/x", "rss") == []
    (updated,) = head(world, "custom/x/atom.xml").iterchildren(f"{ATOM}updated")
    assert updated.text.startswith("2026-06-09T00:00:00")
    world.now += HOUR
    world.document("a")
    assert "custom/x/atom.xml" not in run(world)
    world.document("b", type="video")
    run(world)
    assert world.titles("custom/x") == ["About b"]
    world.document("b", type="text")
    run(world)
    assert world.titles("custom/x") == []


def test_a_word_that_no_article_has_is_told_with_the_nearest(world: World) -> None:
    """A warning, as it may come yet; a domain may be part of one."""
    fields: dict[str, Any] = {
        "topics": ["Sea & Wind"],
        "type": "video",
        "provider": {"name": "The Gazette"},
        "language": "pt-BR",
    }
    world.document("a", **fields, category="News")
    asked = Condition(
        topics=("sea & wnd",),
        type=("vido",),
        provider=("Gazete", "x.example"),
        language=("de", "pt"),
        category=("news",),
    )
    world.options["custom"] = (Custom("x", "X", 5, where=Condition(none=(asked,))),)
    assert told(world.regenerate()) == [
        "custom/x: warning: no article has `sea & wnd` as `topics`; did you mean `Sea & Wind`?",
        "custom/x: warning: no article has `Gazete` as `provider`; did you mean `The Gazette`?",
        "custom/x: warning: no article has `vido` as `type`; did you mean `video`?",
        "custom/x: warning: no article has `de` as `language`",
    ]


def test_one_that_leaves_the_configuration_is_removed(world: World) -> None:
    """At once, with its archives; if it comes again, it has what it asks for now."""
    world.options |= {"custom": (Custom("x", "X", 5),), "archives": True}
    world.document("a")
    run(world)
    assert "custom/x/archive/2026-03/atom.xml" in world.tree()
    world.options["custom"] = ()
    run(world)
    assert not [path for path in world.tree() if path.startswith("custom")]
    assert b"custom/x" not in world.tree()["feeds.opml"]
    world.options["custom"] = (Custom("x", "X", 5, where=VIDEO),)
    run(world)
    assert world.titles("custom/x") == []


# The best


def refreshed(known: dict[str, str], head: Any) -> dict[str, str]:
    """What a subscriber has of a feed, titles by id, once it has polled it (RFC 5005, section 2)."""
    entries = [*head.iterchildren(f"{ATOM}entry"), *head.iterchildren("item")]
    ids = [entry.findtext(f"{ATOM}id") or entry.findtext("guid") for entry in entries]
    titles = [entry.findtext(f"{ATOM}title") or entry.findtext("title") for entry in entries]
    complete = head.find(f"{HISTORY}complete") is not None
    return dict(zip(ids, titles, strict=True)) if complete else known | dict(zip(ids, titles, strict=True))


@pytest.mark.parametrize("format", ["atom", "rss"])
def test_the_subscriber_of_a_ranked_feed_drops_what_left(world: World, format: str) -> None:
    """As the feed says that it is complete; that of one by date keeps it."""
    world.options["custom"] = (Custom("hot", "Hot", 2, order=Order.heat), Custom("new", "New", 2))
    world.document("a", heat=1)
    world.document("b", heat=2)
    run(world)
    hot, new = (refreshed({}, head(world, f"custom/{name}/{format}.xml")) for name in ("hot", "new"))
    world.document("c", heat=3, publishedDateTime=day(2))
    run(world)
    hot = refreshed(hot, head(world, f"custom/hot/{format}.xml"))
    new = refreshed(new, head(world, f"custom/new/{format}.xml"))
    assert sorted(hot.values()) == ["About b", "About c"]
    assert sorted(new.values()) == ["About a", "About b", "About c"]
    assert b"complete" not in world.tree()[f"all/{format}.xml"]


def test_a_ranked_feed_never_says_an_earlier_instant_than_before(world: World) -> None:
    """Also when the article that was updated last has left it; where another has come, it is the instant of that."""
    world.options["custom"] = (Custom("best", "Best", 1, order=Order.quality),)
    world.document("a", publishedDateTime=day(90), quality=2)
    world.document("b", publishedDateTime=day(10), quality=1)
    run(world)
    before = head(world, "custom/best/atom.xml").findtext(f"{ATOM}updated")
    world.document("b", publishedDateTime=day(10), quality=3)
    run(world)
    assert world.titles("custom/best") == ["About b"]
    assert before < world.now.isoformat() == head(world, "custom/best/atom.xml").findtext(f"{ATOM}updated")


def test_a_ranked_feed_has_no_archives(world: World) -> None:
    """Nor has one whose articles leave by themselves; those of one that becomes such are removed."""
    world.options["archives"] = True
    world.options["custom"] = (
        Custom("hot", "Hot", 2, order=Order.heat),
        Custom("young", "Young", 2, where=Condition(age=Age(under=timedelta(days=200)))),
        Custom("new", "New", 2),
    )
    world.document("a", heat=1)
    run(world)
    archives = {path.partition("/archive/")[0] for path in world.tree() if "/archive/" in path}
    assert archives == {"all", "topics/ai", "custom/new"}
    assert b"prev-archive" not in world.tree()["custom/hot/atom.xml"] + world.tree()["custom/young/atom.xml"]
    world.options["custom"] = (Custom("new", "New", 2, order=Order.quality),)
    run(world)
    archives = {path.partition("/archive/")[0] for path in world.tree() if "/archive/" in path}
    assert archives == {"all", "topics/ai"}


def test_what_has_no_rank_comes_last_and_the_newest_first(world: World) -> None:
    """Those of one rank by date, and an edited one in its new place."""
    world.options["custom"] = (Custom("hot", "Hot", 9, order=Order.heat),)
    for number, heat in enumerate((-1, None, 0, 5, 5, 70)):
        world.document(f"n{number}", heat=heat, publishedDateTime=day(number))
    run(world)
    assert world.titles("custom/hot") == [f"About n{number}" for number in (5, 4, 3, 2, 1, 0)]
    world.document("n0", heat=71, publishedDateTime=day(0))
    world.document("n5", heat=-1, publishedDateTime=day(5))
    run(world)
    assert world.titles("custom/hot") == [f"About n{number}" for number in (0, 4, 3, 2, 5, 1)]


@pytest.mark.parametrize("order", Order)
def test_what_is_held_back_comes_by_itself(world: World, order: Order) -> None:
    """At its instant, into feeds of any order."""
    world.options["custom"] = (Custom("x", "X", 5, order=order),)
    world.document("a", heat=1, quality=1)
    world.document("b", heat=2, quality=2, publishedDateTime=day(101))
    run(world)
    assert world.titles("custom/x") == ["About a"]
    assert why(world, "custom/x", "b") == (None, "future: held back until 2026-06-10 00:00Z")
    world.now = day(101)
    run(world)
    assert world.titles("custom/x") == ["About b", "About a"]


# The window


def test_what_is_too_old_leaves_by_itself(world: World) -> None:
    """At that instant, and what grows old enough comes."""
    month = timedelta(days=30)
    world.options["custom"] = (
        Custom("young", "Young", 5, where=Condition(age=Age(under=month))),
        Custom("old", "Old", 5, where=Condition(age=Age(over=month))),
        Custom("rising", "Rising", 5, where=Condition(age=Age(under=month)), order=Order.heat),
    )
    world.document("a", publishedDateTime=day(71), heat=2)
    world.document("b", publishedDateTime=day(75), heat=1)
    run(world)
    assert world.titles("custom/young") == ["About b", "About a"]
    assert world.titles("custom/rising") == ["About a", "About b"]
    assert why(world, "custom/old", "a") == (None, "future: held back until 2026-06-10 00:00Z")
    assert [instant for _, instant in due(world)] == [day(101)]
    world.now = day(101) - timedelta(microseconds=1)
    assert run(world) == []
    world.now = day(101)
    assert {path.split("/")[1] for path in run(world)} >= {"young", "old", "rising"}
    assert world.titles("custom/young") == world.titles("custom/rising") == ["About b"]
    assert world.titles("custom/old") == ["About a"]
    assert why(world, "custom/young", "a") == (None, "age isn't under 30 days, 0:00:00")
    world.now = day(105)
    run(world)
    assert world.titles("custom/young") == world.titles("custom/rising") == []
    assert world.titles("custom/old") == ["About b", "About a"]
    assert due(world) == []


def test_no_more_than_it_counts(world: World) -> None:
    """Of those that are in the window by age; the next one moves up when one leaves."""
    world.options["custom"] = (
        Custom("x", "X", 2, where=Condition(age=Age(under=timedelta(days=30))), order=Order.quality),
    )
    for number in range(4):
        world.document(f"n{number}", publishedDateTime=day(80 - number), quality=number)
    run(world)
    assert world.titles("custom/x") == ["About n3", "About n2"]
    assert why(world, "custom/x", "n1") == (None, "beyond the window: 3 of 2")
    world.now = day(107)
    run(world)
    assert world.titles("custom/x") == ["About n2", "About n1"]


# At most so many of a provider


def test_a_feed_shows_so_many_of_a_provider(world: World) -> None:
    """The first in its order, and more of others instead, however far they are; nobody's aren't counted."""
    world.options |= {"entries": 4, "per_provider": 1}
    world.options["custom"] = (
        Custom("two", "Two", 4, per_provider=2),
        Custom("any", "Any", 4),
        Custom("best", "Best", 4, per_provider=1, order=Order.quality),
    )
    for number in range(12):
        provider = {"name": ("Gazette", "gazette", "GAZETTE", "Gazette ")[number % 4]}
        world.document(f"g{number:02}", provider=provider, publishedDateTime=day(50 - number), quality=number)
    world.document("p", provider={"name": "Post"}, quality=5)
    world.document("q", provider={"domain": "post.example"}, publishedDateTime=day(0))
    run(world)
    assert world.titles() == world.titles("topics/ai") == ["About g00", "About p", "About q"]
    assert world.titles("custom/two") == ["About g00", "About g01", "About p", "About q"]
    assert world.titles("custom/any") == [f"About g{number:02}" for number in range(4)]
    assert world.titles("custom/best") == ["About g11", "About p", "About q"]
    assert why(world, "all", "g01") == (None, "one too many of gazette: a feed shows 1 of a provider")
    assert why(world, "custom/two", "g02") == (None, "one too many of GAZETTE: a feed shows 2 of a provider")
    world.document("g00", provider={"name": "Post"}, publishedDateTime=day(50))
    run(world)
    assert world.titles() == ["About g00", "About g01", "About q"]
    world.options["per_provider"] = 0
    run(world)
    assert world.titles() == [f"About g{number:02}" for number in range(4)]


def test_archives_have_all_of_a_provider(world: World) -> None:
    """They are what there was."""
    world.options |= {"per_provider": 1, "archives": True}
    for number in range(3):
        world.document(f"g{number}", provider={"name": "Gazette"}, publishedDateTime=day(number))
    run(world)
    assert world.titles() == ["About g2"]
    assert len(world.titles("all/archive/2026-03")) == 3


# What changes an article changes its feeds


def test_an_edit_moves_an_article_between_feeds(world: World) -> None:
    """Also one of another document, which lists it; its feeds alone are written."""
    good = Condition(quality=Range(at_least=3))
    world.options["custom"] = (
        Custom("good", "Good", 5, where=good),
        Custom("bad", "Bad", 5, where=Condition(none=(good,))),
        Custom("video", "Video", 5, where=VIDEO),
    )
    listed = {"title": "About b", "webUrl": "https://news.example/b", "quality": 5}
    world.document("a", related=[listed])
    world.document("b")
    run(world)
    assert (world.titles("custom/good"), world.titles("custom/bad")) == (["About b"], ["About a"])
    world.document("a", related=[listed | {"quality": 2}])
    assert not [path for path in run(world) if path.startswith("custom/video")]
    assert (world.titles("custom/good"), world.titles("custom/bad")) == ([], ["About a", "About b"])


def test_a_topic_that_gets_a_parent_brings_its_articles(world: World) -> None:
    """When the site's editors say so."""
    world.options |= {
        "known": ("Machines", "Robots"),
        "custom": (Custom("x", "X", 5, where=Condition(topics=("Machines",))),),
    }
    world.document("a", topics=["Robots"])
    run(world)
    assert world.titles("custom/x") == []
    world.options["known"] = ("Machines", KnownTopic("Robots", parent="Machines"))
    run(world)
    assert world.titles("custom/x") == ["About a"]


def test_what_is_withdrawn_is_told(world: World) -> None:
    """Not what only meets the conditions no longer."""
    world.options["custom"] = (Custom("x", "X", 5, where=Condition(type=("video", "talk"))),)
    world.document("a", type="video")
    world.document("b", type="talk")
    run(world)
    ids = world.ids("custom/x")
    world.document("a", type="video", removed="yes")
    world.document("b", type="text")
    run(world)
    world.now += HOUR
    run(world)
    assert world.titles("custom/x") == []
    deleted = [one.get("ref") for one in head(world, "custom/x/atom.xml") if "deleted-entry" in str(one.tag)]
    assert deleted == [ids["About a"]]


# Private ones


def private(world: World, *tokens: str) -> Plan:
    """A plan of a site with a hub and a hook, with a feed for each token; "": it is public."""
    world.options |= EVERY_FORMAT | {"archives": True}
    world.options["custom"] = tuple(
        Custom(f"x{number}", f"Feed {number}", 5, token=token) for number, token in enumerate(tokens)
    )
    plan = world.plan()
    return replace(plan, site=replace(plan.site, hubs=(HUB,)), tellers=(HUB, HOOK))


def news(world: World, teller: str) -> set[str]:
    """The files of made-up feeds that a hub or hook is to be told of."""
    with closing(Ledger(world.store)) as ledger:
        return {one.path for one in ledger.news(teller) if one.path.startswith("custom/")}


def test_a_private_feed_is_where_nobody_guesses(world: World) -> None:
    """All its files are behind its token, and nothing that is public leads there."""
    world.document("a")
    run(world, private(world, TOKEN, ""))
    tree = world.tree()
    assert {path for path in tree if path.startswith("custom/x0")} == {
        path.replace("custom/x1", f"custom/x0/{TOKEN}") for path in tree if path.startswith("custom/x1")
    }
    links = {
        link.get("rel"): link.get("href")
        for link in head(world, f"custom/x0/{TOKEN}/atom.xml").iterchildren(f"{ATOM}link")
    }
    assert links["self"] == f"{HOST}custom/x0/{TOKEN}/atom.xml"
    assert links["prev-archive"] == f"{HOST}custom/x0/{TOKEN}/archive/2026-03/atom.xml"
    for path, data in tree.items():
        if TOKEN not in path and not path.endswith(".gz"):
            assert TOKEN.encode() not in data, path
            assert b"Feed 0" not in data, path
    assert b"Feed 1" in tree["index.html"]
    assert b"Feed 1" in tree["feeds.opml"]


def test_a_hub_never_learns_of_a_private_feed(world: World) -> None:
    """The feed names none, and none is told; hooks are, as they serve who publishes."""
    world.document("a")
    run(world, private(world, TOKEN, ""))
    tree = world.tree()
    for path, data in tree.items():
        if TOKEN in path:
            assert HUB.encode() not in data, path
    assert HUB.encode() in tree["custom/x1/atom.xml"]
    assert HUB.encode() in tree["custom/x1/feed.json"]
    assert news(world, HUB) == {f"custom/x1/{file}" for file in ("atom.xml", "rss.xml", "feed.json")}
    assert {path for path in tree if TOKEN in path and not path.endswith(".gz")} <= news(world, HOOK)


def test_another_token_is_another_address(world: World) -> None:
    """The old one has nothing any more, archives and twins included; so when the feed becomes public, or private."""
    world.document("a")
    run(world, private(world, TOKEN, ""))
    count = len([path for path in world.tree() if path.startswith("custom/x0/")])
    run(world, private(world, OTHER, TOKEN))
    for name, token in (("x0", OTHER), ("x1", TOKEN)):
        found = [path for path in world.tree() if path.startswith(f"custom/{name}/")]
        assert len(found) == count
        assert all(path.startswith(f"custom/{name}/{token}/") for path in found)
    assert not (world.output / "custom" / "x0" / TOKEN).exists()
    assert b"Feed 1" not in world.tree()["index.html"] + world.tree()["feeds.opml"]
    run(world, private(world, "", TOKEN))
    assert len([path for path in world.tree() if path.startswith("custom/x0/")]) == count
    assert not [path for path in world.tree() if OTHER in path]
    assert not [path for path in news(world, HUB) if OTHER in path or TOKEN in path]


def test_a_private_feed_is_private_under_any_name_that_it_had(world: World) -> None:
    """Names that differ only as case does in some script are one to the ledger, whose address stays."""
    world.options["custom"] = (Custom("straße", "S", 5),)
    world.document("a")
    run(world)
    world.options["custom"] = (Custom("strasse", "S", 5, token=TOKEN),)
    run(world)
    assert all(TOKEN in path for path in world.tree() if path.startswith("custom/"))


# Of every category, provider, type


def test_every_category_provider_and_type_has_a_feed(world: World) -> None:
    """As spelled; those that differ only in case or spacing are one."""
    world.options["kinds"] = ("categories", "providers", "types")
    world.document("a", category="Deep dives", type="video", provider={"name": "The Gazette", "domain": "g.example"})
    world.document(
        "b", category="deep  Dives", type="Video", provider={"domain": "post.example"}, publishedDateTime=day(2)
    )
    world.document("c", publishedDateTime=day(3))
    run(world)
    feeds = {path.rpartition("/")[0]: path for path in world.tree() if path.endswith("/atom.xml")}
    assert sorted(feeds) == [
        "all",
        "categories/deep-dives",
        "providers/news-example",
        "providers/post-example",
        "providers/the-gazette",
        "topics/ai",
        "types/video",
    ]
    assert world.titles("categories/deep-dives") == world.titles("types/video") == ["About b", "About a"]
    assert world.titles("providers/post-example") == ["About b"]
    assert feedparser.parse(world.tree()["categories/deep-dives/atom.xml"]).feed.title == "Deep dives — Everything"
    assert b"https://feeds.example.org/types/video/atom.xml" in world.tree()["feeds.opml"]
    assert why(world, "types/video", "a") == (2, "")


def test_they_are_switched_off_as_they_were_on(world: World) -> None:
    """Each kind by itself; their files go at once, and come again."""
    world.options["kinds"] = ("categories", "providers")
    world.document("a", category="News", provider={"name": "Gazette"})
    run(world)
    before = world.tree()
    world.options["kinds"] = ("categories",)
    assert [path for path in run(world) if path != "feeds.opml"] == [
        "providers/gazette/atom.xml",
        "providers/gazette/rss.xml",
    ]
    assert "categories/news/atom.xml" in world.tree()
    world.options["kinds"] = ()
    run(world)
    assert {path.partition("/")[0] for path in world.tree()} == {"all", "topics", "feeds.opml"}
    world.options["kinds"] = ("categories", "providers")
    run(world)
    assert world.tree() == before


def test_they_come_and_go_as_topics_do(world: World) -> None:
    """With `minimum`, kept for a while when they are empty, whether or not topics need to be known; and an address is
    for ever.
    """
    world.options |= {"kinds": ("categories",), "minimum": 2, "only_known": True, "known": ("Sea",)}
    world.document("a", category="C++")
    world.document("x", category="C Plus Plus")
    run(world)
    assert {path.partition("/")[0] for path in world.tree()} == {"all", "feeds.opml"}
    world.document("b", category="C++", publishedDateTime=day(2))
    run(world)
    assert world.titles("categories/cplusplus") == ["About b", "About a"]
    world.document("b", category="Other", publishedDateTime=day(2))
    run(world)
    assert world.titles("categories/cplusplus") == ["About a"]
    world.now += timedelta(days=90)
    run(world)
    assert not [path for path in world.tree() if path.startswith("categories/")]


def test_a_topic_of_the_same_name_is_another_feed(world: World) -> None:
    """Kinds don't meet in one folder, whatever they are called."""
    world.options |= {"kinds": ("categories", "providers", "types"), "custom": (Custom("ai", "AI", 5, where=VIDEO),)}
    world.document("a", category="AI", type="AI", provider={"name": "AI"}, topics=["AI", "custom/ai", "categories/AI"])
    run(world)
    assert {path.rpartition("/")[0] for path in world.tree() if "/" in path} == {
        *("all", "topics/ai", "topics/custom-ai", "topics/categories-ai", "custom/ai"),
        *("categories/ai", "providers/ai", "types/ai"),
    }
    assert world.titles("custom/ai") == []
