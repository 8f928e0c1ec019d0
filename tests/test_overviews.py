"""The files of the site as a whole: the page of all feeds, the list to import, and what goes with the pages."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import listparser
import lxml.html
import pytest
from lxml import etree

from aggregator.feeds import KnownTopic
from aggregator.pipeline.plan import Wish
from tests.world import EVERY_FORMAT, World, day

OURS = ("feeds.opml", "index.html", "script.js", "style.css")


@pytest.fixture
def full(world: World) -> World:
    """A world in which everything is written."""
    world.options |= EVERY_FORMAT
    return world


def index(world: World) -> list[tuple[str, str, str]]:
    """The feeds on the site's page: name, address, entries."""
    root = lxml.html.fromstring((world.output / "index.html").read_bytes())
    rows: Any = root.find(".//ul[@class='feeds']")
    names = [(row.find("a").text_content(), row.find("a").get("href")) for row in rows]
    counts = [re.findall(r"\d+", row.find("span").text_content())[0] for row in rows]
    return [(*name, count) for name, count in zip(names, counts, strict=True)]


def outlines(world: World) -> list[tuple[str, ...]]:
    """The feeds in the list, each as the folders that it is in and its name."""
    root: Any = etree.parse(world.output / "feeds.opml")
    return [
        (*(folder.get("text") for folder in reversed(list(one.iterancestors("outline")))), one.get("text"))
        for one in root.iter("outline")
        if one.get("xmlUrl")
    ]


def test_the_page_lists_all_feeds(full: World) -> None:
    """The one of everything first, then by name, with how many entries they show."""
    full.document("a", topics=["Zebras", "ai"])
    full.document("b", topics=["機械学習", "AI"], publishedDateTime=day(2))
    full.regenerate()
    assert index(full) == [
        ("Everything", "all/", "2"),
        ("ai", "topics/ai/", "2"),
        ("Zebras", "topics/zebras/", "1"),
        ("機械学習", "topics/%E6%A9%9F%E6%A2%B0%E5%AD%A6%E7%BF%92/", "1"),
    ]
    assert [path for path in full.tree() if "/" not in path and not path.endswith(".gz")] == [*OURS]


def test_the_sparkline_ends_with_the_newest_day(full: World) -> None:
    """In days of the site's time zone; it is the same tomorrow."""
    full.options["timezone"] = "Pacific/Auckland"
    full.document("a", publishedDateTime="2026-03-10T12:30:00Z")  # the 11th, there
    full.document("b", publishedDateTime="2026-03-11T01:00:00Z")
    full.document("c", publishedDateTime="2026-03-09T12:00:00Z")  # the 10th
    full.document("old", publishedDateTime="2026-01-01")
    full.now = day(100)
    full.regenerate()
    root: Any = lxml.html.fromstring((full.output / "index.html").read_bytes())
    (spark, *_) = root.iter("svg")
    assert spark.get("aria-label") == "3 in the 30 days to 11 Mar 2026"
    strokes = re.findall(r"M(\d+) 24v-(\d+)", spark.find("path").get("d"))
    assert [int(height) for _, height in strokes] == [12, 24]
    tree = full.tree()
    full.now += timedelta(days=3)
    full.options["title"] = "Another"
    full.regenerate()
    full.options["title"] = "Everything"
    full.regenerate()
    assert full.tree() == tree


def test_feeds_are_in_the_folders_of_their_parents(full: World) -> None:
    """A topic that has parts is in its own folder too; a parent is a folder whether it has a feed or not."""
    full.options["known"] = (
        KnownTopic("AI", description="Minds & <machines>"),
        KnownTopic("Small Models", parent="ai"),
        KnownTopic("Tiny Models", parent="Small Models"),
        KnownTopic("Energy", parent="Climate"),
        KnownTopic("Climate"),
    )
    full.document("a", topics=["AI", "Small Models", "Tiny Models", "Energy", "Sea"])
    full.regenerate()
    assert outlines(full) == [
        ("Everything",),
        ("AI", "AI"),
        ("AI", "Small Models", "Small Models"),
        ("AI", "Small Models", "Tiny Models"),
        ("Climate", "Energy"),
        ("Sea",),
    ]
    parsed = listparser.parse((full.output / "feeds.opml").read_bytes())
    assert not parsed.bozo
    assert parsed.meta.title == "Everything"
    assert parsed.feeds[0].url == "https://feeds.example.org/all/atom.xml"
    assert b'description="Minds &amp; &lt;machines&gt;"' in (full.output / "feeds.opml").read_bytes()


@pytest.mark.parametrize(
    ("formats", "ours", "address"),
    [
        (("rss",), ("feeds.opml",), "rss.xml"),
        (("json",), ("feeds.opml",), "feed.json"),
        (("rss", "json"), ("feeds.opml",), "rss.xml"),
        (("html",), ("index.html", "script.js", "style.css"), None),
        (("html", "json"), OURS, "feed.json"),
    ],
)
def test_what_there_is_follows_from_the_formats(
    world: World, formats: tuple[str, ...], ours: tuple[str, ...], address: str | None
) -> None:
    """Pages only with pages, a list only where there is something to subscribe to; what is no longer wanted goes."""
    world.document("a")
    world.options |= EVERY_FORMAT
    world.regenerate()
    world.options |= {"formats": formats, "compress": False}
    world.regenerate()
    assert [path for path in world.tree() if "/" not in path] == [*ours]
    assert len([path for path in world.tree() if path.startswith("all/")]) == len(formats)
    if address:
        assert f"all/{address}" in (world.output / "feeds.opml").read_text("utf-8")
    assert world.tree() == world.rebuilt()


def test_an_edit_that_shows_in_no_count_leaves_them_alone(full: World) -> None:
    """Neither the page of all feeds nor the list is written where what they say is as before."""
    full.document("a")
    full.document("b")
    full.regenerate()
    full.document("a", title="Edited")
    written = {path for _, path in full.regenerate().changes}
    assert {"all/index.html", "topics/ai/atom.xml"} <= written
    assert written.isdisjoint(OURS)
    full.document("c", publishedDateTime=day(3))
    assert written < {path for _, path in full.regenerate().changes}
    assert ("Everything", "all/", "3") in index(full)


def test_a_feed_that_comes_or_goes_is_listed_or_not(full: World) -> None:
    """At once, in both."""
    full.options["keep"] = timedelta(0)
    full.document("a")
    full.document("b", topics=["Sea"])
    full.regenerate()
    assert ("Sea",) in outlines(full)
    (full.articles / "b.md").unlink()
    full.regenerate()
    assert ("Sea",) not in outlines(full)
    assert [name for name, *_ in index(full)] == ["Everything", "AI"]
    assert full.tree() == full.rebuilt()


def test_a_former_address_is_not_listed(full: World) -> None:
    """Whoever has it is served; whoever comes now gets the new one."""
    full.options["known"] = (KnownTopic("Facebook AI"),)
    full.document("a", topics=["Facebook AI"])
    full.regenerate()
    full.options["known"] = (KnownTopic("Meta AI", aliases=("Facebook AI",)),)
    full.regenerate()
    assert (full.output / "topics/facebook-ai/index.html").exists()
    assert [address for _, address, _ in index(full)] == ["all/", "topics/meta-ai/"]
    assert "facebook" not in (full.output / "feeds.opml").read_text("utf-8")


@pytest.mark.parametrize("file", [*OURS, "index.html.gz", "all/feed.json", "all/index.html", "all/rss.xml.gz"])
def test_what_was_altered_or_lost_is_written_again(full: World, file: str) -> None:
    """By the next run, and nothing else is."""
    full.document("a")
    full.regenerate()
    tree = full.tree()
    (full.output / file).write_bytes(b"altered")
    assert [path for _, path in full.regenerate().changes] == [file.removesuffix(".gz")]
    assert full.tree() == tree
    (full.output / file).unlink()
    full.regenerate()
    assert full.tree() == tree


def test_one_feed_alone_leaves_the_site_for_the_next_run(full: World) -> None:
    """Its own files follow with everything else that is dirty."""
    full.document("a", topics=["AI", "Sea"])
    full.regenerate()
    full.document("b", topics=["AI"])
    full.regenerate(only=("topics/ai",))
    assert ("AI", "topics/ai/", "1") in index(full)
    full.regenerate()
    assert ("AI", "topics/ai/", "2") in index(full)


def test_a_scheduled_feed_is_listed_as_it_was_published(full: World) -> None:
    """Also by a new index, which has never seen it published: it is the ledger that remembers."""
    full.document("a", topics=["AI", "Sea"])
    full.regenerate()
    full.document("b", topics=["Sea"])
    later = Wish(later=("topics/sea",))
    full.regenerate(later=later.later)
    assert ("Sea", "topics/sea/", "1") in index(full)
    full.regenerate(later=later.later, rebuild=True)
    assert ("Sea", "topics/sea/", "1") in index(full)
    full.regenerate()
    assert ("Sea", "topics/sea/", "2") in index(full)


def test_a_site_that_cannot_be_written_is_told_and_tried_again(full: World) -> None:
    """The feeds are out all the same."""
    full.document("a")
    full.regenerate()
    (full.output / "index.html").unlink()
    (full.output / "index.html").mkdir()
    full.document("b")
    report = full.regenerate()
    assert not report.healthy
    assert [str(one) for one in report.problems] == ["the site's own files: error: it can't be written: Is a directory"]
    assert "About b" in full.titles()
    (full.output / "index.html").rmdir()
    assert full.regenerate().healthy
    assert index(full)
    assert full.tree() == full.rebuilt()
