"""From documents to feeds: what the whole pipeline promises, one sentence each."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from aggregator import documents
from aggregator.errors import ForeignOutput, Locked, TimeRefused, UnknownFeed
from aggregator.pipeline import Source
from tests.world import World, day, told


def related(name: str, **fields: Any) -> dict[str, Any]:
    return {"title": f"Related {name}", "webUrl": f"https://news.example/{name}"} | fields


# Feeds


def test_there_is_a_feed_for_each_topic_and_one_of_all(world: World) -> None:
    """A topic's slug is its folder; names that differ only in case or spacing are one topic."""
    world.document("a", topics=["C++", "AI & Society"])
    world.document("b", topics=["c ++", "機械学習"], publishedDateTime=day(2))
    world.regenerate()
    folders = {path.rpartition("/")[0] for path in world.tree()}
    assert folders == {"", "all", "topics/cplusplus", "topics/ai-and-society", "topics/機械学習"}
    assert world.titles("topics/cplusplus") == ["About b", "About a"]


def test_entries_are_newest_first_then_by_key(world: World) -> None:
    """Entries of one instant are in the order of their URLs."""
    for name, number in (("a", 2), ("c", 3), ("b", 3)):
        world.document(name, publishedDateTime=day(number))
    world.regenerate()
    assert world.titles() == ["About b", "About c", "About a"]


def test_a_feed_shows_the_newest_entries_only(world: World) -> None:
    """The window is `feeds.entries` long."""
    world.options["entries"] = 2
    for number in range(4):
        world.document(f"d{number}", publishedDateTime=day(number))
    world.regenerate()
    assert world.titles() == ["About d3", "About d2"]


def test_a_future_article_is_held_back_until_its_instant(world: World) -> None:
    """No document needs to change for it to appear; the feed is due."""
    world.document("a", publishedDateTime=day(101))
    assert world.regenerate().feeds.written == 3
    assert world.titles() == []
    world.now = day(101)
    report = world.regenerate()
    assert (report.documents.unchanged, report.feeds.written) == (1, 5)
    assert world.titles("topics/ai") == ["About a"]


def test_an_unpublished_article_is_no_entry_but_may_be_coverage(world: World) -> None:
    """`published: no` hides the entry only."""
    world.document("a", published="no", title="Hidden")
    world.document("b", related=[related("a")])
    world.regenerate()
    assert world.titles() == ["About b"]
    assert "Hidden" in world.feed()[0]["content"][0]["value"]


def test_another_time_zone_is_another_instant(world: World) -> None:
    """Documents are read anew where the zone of what names none has changed, and are what they would have been."""
    world.document("a", publishedDateTime="2026-03-05 08:00")
    world.document("b", publishedDateTime=day(3))
    world.regenerate()
    assert [entry["published"] for entry in world.feed()] == ["2026-03-05T08:00:00+00:00", "2026-03-04T00:00:00+00:00"]
    world.options["reading"] = {"timezone": "Pacific/Auckland"}
    world.regenerate()
    assert [entry["published"] for entry in world.feed()] == ["2026-03-04T19:00:00+00:00", "2026-03-04T00:00:00+00:00"]
    assert world.tree() == world.rebuilt()


def test_a_removed_article_is_withdrawn_everywhere(world: World) -> None:
    """It is no coverage either."""
    world.document("a", title="Withdrawn")
    world.document("b", related=[related("a")])
    world.regenerate()
    world.document("a", title="Withdrawn", removed="yes")
    world.regenerate()
    assert world.titles() == ["About b"]
    assert b"Withdrawn" not in b"".join(world.tree().values())


def test_future_coverage_appears_at_its_instant(world: World) -> None:
    """An embargo holds in other articles' entries too."""
    world.document("a", publishedDateTime=day(101), title="Embargoed")
    world.document("b", related=[related("a")])
    world.regenerate()
    assert b"Embargoed" not in b"".join(world.tree().values())
    world.now = day(102)
    world.regenerate()
    assert "Embargoed" in world.feed()[1]["content"][0]["value"]


def test_a_topic_with_too_few_entries_has_no_feed(world: World) -> None:
    """`topics.minimum` is how many a feed needs to begin."""
    world.options["minimum"] = 2
    world.document("a", topics=["AI", "Rare"])
    world.document("b", topics=["AI"])
    world.regenerate()
    assert {path.rpartition("/")[0] for path in world.tree()} == {"", "all", "topics/ai"}
    world.document("c", topics=["rare"])
    world.regenerate()
    assert len(world.titles("topics/rare")) == 2


def test_only_known_topics_have_feeds_if_asked(world: World) -> None:
    """A listed topic is spelled as it is listed."""
    world.options |= {"only_known": True, "known": ("Ai",)}
    world.document("a", topics=["AI", "Other"])
    world.regenerate()
    assert {path.rpartition("/")[0] for path in world.tree()} == {"", "all", "topics/ai"}
    assert b"<title>Ai " in world.tree()["topics/ai/atom.xml"]


def test_a_topic_that_lost_its_last_entry_keeps_an_empty_feed_for_a_while(world: World) -> None:
    """Its subscribers meet an empty feed, not an error; after `feeds.keep` it goes."""
    world.options["keep"] = timedelta(days=10)
    path = world.document("a", topics=["Rare"])
    world.document("b")
    world.regenerate()
    path.unlink()
    world.regenerate()
    assert world.titles("topics/rare") == []
    world.now += timedelta(days=9)
    assert world.regenerate().feeds.removed == 0
    world.now += timedelta(days=1)
    assert world.regenerate().feeds.removed == 2
    assert not (world.output / "topics/rare").exists()


def test_a_feed_of_everything_exists_before_the_first_document(world: World) -> None:
    """It can be subscribed to from the first day."""
    world.regenerate()
    assert world.titles() == []


def test_a_topic_is_named_as_its_oldest_article_spells_it(world: World) -> None:
    """A later spelling doesn't rename the feed; an older one does."""
    world.document("a", topics=["Open Source"], publishedDateTime=day(5))
    world.document("b", topics=["open source"], publishedDateTime=day(6))
    world.regenerate()
    assert b"<title>Open Source " in world.tree()["topics/open-source/atom.xml"]
    world.document("c", topics=["OPEN SOURCE"], publishedDateTime=day(4))
    world.regenerate()
    assert b"<title>OPEN SOURCE " in world.tree()["topics/open-source/atom.xml"]


def test_a_slug_stays_with_its_first_topic_for_ever(world: World) -> None:
    """The second comer gets `-2`, whatever goes and comes."""
    first = world.document("a", topics=["C plus plus"])
    world.regenerate()
    world.document("b", topics=["C-plus-plus"])
    world.regenerate()
    first.unlink()
    world.regenerate()
    assert world.titles("topics/c-plus-plus-2") == ["About b"]
    world.document("a", topics=["C plus plus"])
    world.regenerate()
    assert world.titles("topics/c-plus-plus") == ["About a"]


# Merging


def test_two_documents_for_one_url_are_one_entry(world: World) -> None:
    """However the URL is spelled; the more trusted one leads, the other fills in."""
    world.document("a", webUrl="https://www.news.example/x/?utm_source=y", quality=1, excerpt="Only here")
    world.document("b", webUrl="http://news.example/x", quality=2, topics=["Web"])
    report = world.regenerate()
    assert (report.documents.read, report.articles) == (2, 1)
    assert world.titles() == world.titles("topics/ai") == world.titles("topics/web") == ["About b"]
    assert world.feed()[0]["summary"] == "Only here"


def test_aliases_join_documents_over_several_steps_and_parting_parts_them(world: World) -> None:
    """When the document that joined two goes, they are two entries again, each with its id."""
    world.document("a")
    world.document("b")
    world.regenerate()
    ids = world.ids()
    joiner = world.document("c", webUrl="https://news.example/a", originalUrl="https://news.example/b", quality=1)
    assert world.regenerate().articles == 1
    assert set(world.ids().values()) == {ids["About a"]}
    joiner.unlink()
    world.regenerate()
    assert world.ids() == ids


def test_related_mentions_never_join(world: World) -> None:
    """A related entry with two URLs doesn't glue the articles of both."""
    world.document("a")
    world.document("b")
    world.document("c", related=[related("a", originalUrl="https://news.example/b")])
    assert world.regenerate().articles == 3


def test_a_url_without_path_and_query_joins_nothing(world: World) -> None:
    """Two articles that only give a site's address are two."""
    for name in "ab":
        world.document(name, webUrl="https://home.example/")
    assert world.regenerate().articles == 2
    assert len(world.titles()) == 2


def test_coverage_is_shown_as_the_merged_article(world: World) -> None:
    """A related entry that has its own document shows that document's better data, also when it comes later."""
    world.document("a", related=[related("b", title="Worse")])
    world.regenerate()
    assert "Worse" in world.feed()[0]["content"][0]["value"]
    world.document("b", title="Better", publishedDateTime=day(0))
    world.regenerate()
    content = world.feed()[0]["content"][0]["value"]
    assert "Better" in content
    assert "Worse" not in content


def test_what_a_related_entry_says_fills_in_its_articles_gaps(world: World) -> None:
    """It is the least trusted mention, but a mention."""
    world.document("b")
    world.document("a", related=[related("b", excerpt="Said elsewhere")])
    world.regenerate()
    assert world.feed()[1]["summary"] == "Said elsewhere"


# Identity


@pytest.mark.parametrize(
    "change",
    [{"title": "New title"}, {"webUrl": "https://news.example/moved"}, {"publishedDateTime": day(2)}],
    ids=lambda change: next(iter(change)),
)
def test_an_id_stays_when_its_document_changes(world: World, change: dict[str, Any]) -> None:
    """A new title, URL or date doesn't make an article unread again."""
    world.document("a")
    world.regenerate()
    before = [entry["id"] for entry in world.feed()]
    world.document("a", **change)
    world.regenerate()
    assert [entry["id"] for entry in world.feed()] == before


def test_an_id_stays_when_a_url_wanders_and_comes_back(world: World) -> None:
    """Even where another document takes the URL that was left."""
    world.document("a", title="Wanderer")
    world.regenerate()
    id = world.ids()["Wanderer"]
    for url in ("b", "c", "a", "c"):
        world.document("a", title="Wanderer", webUrl=f"https://news.example/{url}")
        world.regenerate()
        assert world.ids()["Wanderer"] == id
    world.document("b", title="Newcomer", webUrl="https://news.example/a", publishedDateTime=day(9))
    world.regenerate()
    assert world.ids()["Wanderer"] == id != world.ids()["Newcomer"]


def test_an_id_stays_when_its_document_is_renamed(world: World) -> None:
    """In one step, or copied first and deleted later."""
    path = world.document("a")
    world.regenerate()
    ids = world.ids()
    path = path.rename(path.with_name("renamed.md"))
    world.regenerate()
    assert world.ids() == ids
    copy = path.with_name("copy.md")
    copy.write_bytes(path.read_bytes())
    world.regenerate()
    path.unlink()
    world.regenerate()
    assert world.ids() == ids


def test_a_document_that_changed_altogether_is_another_article(world: World) -> None:
    """A path that is used again doesn't hand its id on."""
    world.document("a")
    world.regenerate()
    id = world.ids()["About a"]
    world.document("a", title="Else", webUrl="https://news.example/else", publishedDateTime=day(7))
    world.regenerate()
    assert world.ids()["Else"] != id


def test_a_withdrawn_entry_comes_back_with_its_id_and_a_newer_date(world: World) -> None:
    """`updated` is at least the instant of return, so that readers notice."""
    path = world.document("a")
    world.document("b")
    world.regenerate()
    id = world.ids()["About a"]
    path.unlink()
    world.now = day(110)
    world.regenerate()
    assert world.tree()["all/atom.xml"].count(b"2026-06-19T") == 1  # the feed's own date moved
    world.now = day(120)
    world.document("a")
    world.regenerate()
    [entry] = [entry for entry in world.feed() if entry["title"] == "About a"]
    assert entry["id"] == id
    assert entry["updated"].startswith(day(120).date().isoformat())


def test_what_was_shown_and_put_off_is_withdrawn_all_the_same(world: World) -> None:
    """That it was seen is remembered."""
    path = world.document("a", publishedDateTime=day(99))
    world.regenerate()
    world.document("a", publishedDateTime=day(120))
    world.regenerate()
    path.unlink()
    world.now = day(110)
    world.regenerate()
    assert world.tree()["all/atom.xml"].count(b"<updated>2026-06-19T") == 1


# Stillness


def test_a_second_run_writes_nothing(world: World) -> None:
    """No file is touched: inode and times stay."""
    world.document("a", related=[related("b")])
    world.regenerate()
    before = {path: (world.output / path).stat() for path in world.tree()}
    report = world.regenerate()
    assert (report.documents.unchanged, report.feeds.written, report.feeds.unchanged) == (1, 0, 5)
    assert before == {path: (world.output / path).stat() for path in world.tree()}


def test_a_touched_document_changes_nothing(world: World) -> None:
    """It is hashed, found the same, and not read."""
    path = world.document("a")
    world.regenerate()
    os.utime(path, (1, 1))
    report = world.regenerate()
    assert (report.documents.read, report.documents.unchanged, report.feeds.written) == (0, 1, 0)


def test_an_edit_of_the_same_size_within_the_clocks_grain_is_seen(world: World) -> None:
    """A document changed within 2 s of its reading is hashed again next time."""
    path = world.document("a", title="One")
    world.regenerate()
    stat = path.stat()
    data = path.read_bytes().replace(b"One", b"Two")
    path.write_bytes(data)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    racy = world.plan()
    index = world.store / "index.sqlite"
    import sqlite3

    with sqlite3.connect(index) as connection:  # as if the clock's grain had hidden the change
        connection.execute("UPDATE document SET ctime = ?", (path.stat().st_ctime_ns,))
    connection.close()
    assert world.regenerate(racy).documents.read == 1
    assert world.titles() == ["Two"]


def test_one_edit_rewrites_only_the_feeds_that_show_it(world: World) -> None:
    """The others keep their bytes and times."""
    world.document("a", topics=["A"])
    world.document("b", topics=["B"])
    world.regenerate()
    before = (world.output / "topics/b/atom.xml").stat()
    world.document("a", topics=["A"], title="Edited")
    report = world.regenerate()
    assert sorted(path for _, path in report.changes) == [
        "all/atom.xml",
        "all/rss.xml",
        "topics/a/atom.xml",
        "topics/a/rss.xml",
    ]
    assert (world.output / "topics/b/atom.xml").stat() == before


@pytest.mark.parametrize("harm", ["missing", "altered", "touched"])
def test_a_published_file_that_was_harmed_is_made_again(world: World, harm: str) -> None:
    """Each run stats what the ledger says we wrote; one that is only touched stays as it is."""
    world.document("a")
    world.regenerate()
    tree, path = world.tree(), world.output / "topics/ai/rss.xml"
    if harm == "missing":
        path.unlink()
    elif harm == "altered":
        path.write_bytes(path.read_bytes().replace(b"About", b"Above"))
    else:
        os.utime(path, (1, 1))
    report = world.regenerate()
    assert report.feeds.written == (harm != "touched")
    assert world.tree() == tree
    assert world.regenerate().feeds.written == 0


@pytest.mark.parametrize(
    "option", [{"title": "Other"}, {"entries": 1}, {"formats": ("atom",)}, {"reading": {"related": 0}}]
)
def test_a_changed_configuration_takes_effect_without_a_changed_document(world: World, option: dict[str, Any]) -> None:
    """What depends on it is dirty."""
    world.document("a", related=[related("x")])
    world.document("b")
    world.regenerate()
    before = world.tree()
    world.options |= option
    world.regenerate()
    assert world.tree() != before
    assert world.tree() == world.rebuilt()


def test_files_that_are_not_ours_are_left_alone(world: World) -> None:
    """Also in a feed's folder, and when the feed goes."""
    world.options["keep"] = timedelta(0)
    path = world.document("a", topics=["Rare"])
    world.regenerate()
    ours = world.output / "topics/rare/notes.txt"
    ours.write_text("mine")
    (world.output / "robots.txt").write_text("mine too")
    path.unlink()
    world.regenerate()
    assert set(world.tree()) == {"all/atom.xml", "all/rss.xml", "feeds.opml", "robots.txt", "topics/rare/notes.txt"}


# Sources


def test_an_output_folder_inside_a_source_is_not_read(world: World) -> None:
    """Nor the store."""
    world.output = world.articles / "public"
    world.store = world.articles / "store"
    world.document("a")
    world.regenerate()
    (world.output / "all/page.html").write_text("---\ntitle: x\n---\n")
    report = world.regenerate()
    assert (report.documents.unchanged, told(report)) == (1, [])


def test_an_output_folder_inside_a_source_is_not_read_under_another_name(world: World, tmp_path: Path) -> None:
    """The source may be reached through a link."""
    world.document("a")
    (tmp_path / "link").symlink_to(world.articles)
    source = Source("articles", tmp_path / "link", ("**/*.md", "**/*.html"), (), documents.Options())
    world.options["sources"] = (source,)
    world.output = world.articles / "public"
    world.regenerate()
    (world.output / "all/page.html").write_text("---\ntitle: x\n---\n")
    report = world.regenerate()
    assert (report.documents.unchanged, told(report)) == (1, [])


def test_a_link_that_leads_nowhere_is_told_and_stops_nothing(world: World) -> None:
    """Dangling or in a circle: it is one bad document."""
    (world.articles / "circle.md").symlink_to(world.articles / "circle.md")
    (world.articles / "dangling.md").symlink_to(world.articles / "nothing.md")
    world.document("a")
    report = world.regenerate()
    assert (report.documents.read, report.documents.failed, report.healthy) == (1, 2, True)
    assert [line.split(":")[0] for line in told(report)] == ["articles/circle.md", "articles/dangling.md"]
    world.document("nothing")
    assert world.regenerate().documents.failed == 1


def test_hidden_files_and_linked_folders_are_passed_over(world: World, tmp_path: Path) -> None:
    """Patterns say which of the others are documents."""
    world.document("a")
    world.text(".hidden.md", "---\n")
    world.text(".git/b.md", "---\n")
    world.text("c.txt", "---\n")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/d.md").write_text("---\n")
    (world.articles / "linked").symlink_to(tmp_path / "elsewhere")
    report = world.regenerate()
    assert (report.documents.read, told(report)) == (1, [])


def test_a_file_with_an_unprintable_name_is_told_and_not_read(world: World) -> None:
    """Control characters and bytes that aren't UTF-8 could not be shown, or written to the store."""
    world.document("a")
    text = (world.articles / "a.md").read_bytes()
    for name in (b"line\nbreak.md", b"latin-\xe9.md"):
        Path(os.fsdecode(os.fsencode(world.articles) + b"/" + name)).write_bytes(text)
    report = world.regenerate()
    assert (report.documents.read, report.healthy) == (1, True)
    assert sorted(line.split(":")[0] for line in told(report)) == [
        "'articles/latin-\\udce9.md'",
        "'articles/line\\nbreak.md'",
    ]


def test_the_case_of_an_ending_says_nothing(world: World) -> None:
    """What other systems write in capitals is a document all the same; other parts of a pattern are as written."""
    world.document("a").rename(world.articles / "A.MD")
    world.text("B.HtmL", world.articles.joinpath("A.MD").read_text().replace("About a", "B").replace("/a", "/b"))
    world.document("drafts/c")
    world.document("Drafts/d")
    plan = world.plan()
    world.regenerate(replace(plan, sources=(replace(plan.sources[0], exclude=("drafts/**.MD",)),)))
    assert sorted(world.titles()) == ["About Drafts/d", "About a", "B"]


def test_files_with_other_endings_are_counted(world: World) -> None:
    """What may be a document by its ending, but isn't asked for, is one warning; what is excluded or hidden isn't."""
    world.document("a")
    for name in ("b.mdx", "c/d.MDX", "e.rst", "f.txt", "g.png", "html", ".h.mdx", "drafts/i.org"):
        world.text(name, "")
    plan = world.plan()
    source = replace(plan.sources[0], exclude=("drafts/**",))
    for _ in range(2):
        report = world.regenerate(replace(plan, sources=(source,)))
        (warning,) = told(report)
        assert warning.startswith("articles: warning: 3 files with other endings not read: .mdx 2, .rst 1; ")
        assert report.healthy
    source = replace(source, include=("*.md", "*.mdx", "*.rst"))
    assert told(world.regenerate(replace(plan, sources=(source,)))) == []


def test_a_bad_document_keeps_its_last_good_version(world: World) -> None:
    """It is told at every run until it is mended; a rebuild keeps its place too."""
    world.document("a", title="Good")
    world.regenerate()
    world.text("a.md", "---\ntitle: [\n---\n")
    for rebuild in (False, False, True):
        report = world.regenerate(rebuild=rebuild)
        assert report.documents.failed == 1
        assert report.healthy
        assert told(report)[0].startswith("articles/a.md:3:1: error: ")
        assert world.titles() == ["Good"]
    world.text("a.md", "front matter is gone")
    report = world.regenerate()
    assert (report.documents.failed, report.documents.skipped, world.titles()) == (1, 0, ["Good"])
    world.document("a", title="Mended")
    assert told(world.regenerate()) == []
    assert world.titles() == ["Mended"]


def test_a_last_good_version_goes_by_todays_rules(world: World) -> None:
    """What counts as tracking changed while a document was broken: its URLs still name the article they named."""
    world.document("a", webUrl="https://news.example/p?x=1")
    world.document("b", webUrl="https://news.example/p", quality=1)
    world.regenerate()
    assert len(world.feed()) == 2
    world.text("a.md", "---\ntitle: [\n---\n")
    world.options["reading"] = {"tracking": ("x",)}
    report = world.regenerate()
    assert (report.documents.failed, report.articles) == (1, 1)
    assert world.titles() == ["About b"]
    assert world.tree() == world.rebuilt()


def test_a_source_out_of_the_configuration_withdraws_its_documents(world: World, tmp_path: Path) -> None:
    """However many they are; that is meant."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "b.md").write_text((world.document("b")).read_text())
    (world.articles / "b.md").unlink()
    world.document("a", publishedDateTime=day(2))

    def source(name: str, folder: Path) -> Source:
        return Source(name, folder, ("**/*.md",), (), documents.Options())

    world.options["sources"] = (source("articles", world.articles), source("other", other))
    world.regenerate()
    assert world.titles() == ["About a", "About b"]
    world.options["sources"] = (source("articles", world.articles),)
    world.regenerate()
    assert world.titles() == ["About a"]


# What a run may and may not do


def test_another_stores_output_folder_is_refused(world: World, tmp_path: Path) -> None:
    """Two stores would undo each other's work."""
    world.document("a")
    world.regenerate()
    world.store = tmp_path / "another"
    with pytest.raises(ForeignOutput, match="public"):
        world.regenerate()


def test_only_one_run_at_a_time(world: World) -> None:
    """The second is refused and changes nothing."""
    from aggregator import publish

    world.document("a")
    world.regenerate()
    identity = (world.output / ".aggregator").read_text().split()[0]
    with publish.claimed(world.output, world.store, identity), pytest.raises(Locked):
        world.regenerate()


@pytest.mark.parametrize("existing", [False, True])
def test_a_dry_run_says_what_would_change_and_changes_nothing(world: World, existing: bool) -> None:
    """Neither files nor ledger, whether there is a store already or not."""
    world.document("a")
    if existing:
        world.regenerate()
        world.document("a", title="Edited", topics=["New"])
    before = sorted(str(path) for path in world.root.rglob("*")), world.tree() if existing else {}
    report = world.regenerate(dry=True)
    assert len(report.changes) == (7 if existing else 5)
    after = sorted(str(path) for path in world.root.rglob("*")), world.tree() if existing else {}
    assert after == before
    assert world.regenerate().changes == report.changes
    assert world.regenerate(dry=True).changes == ()


def test_now_may_not_be_before_what_the_ledger_remembers(world: World) -> None:
    """Ids and withdrawals can't be older than they are."""
    world.document("a")
    world.regenerate()
    world.now = day(99)
    with pytest.raises(TimeRefused, match="2026-06-09"):
        world.regenerate(at=True)


def test_one_feed_alone_can_be_published(world: World) -> None:
    """The others stay dirty until the next run; an unknown name is refused, with the nearest."""
    world.document("a")
    world.regenerate(only=("topics/ai",))
    assert set(world.tree()) == {"topics/ai/atom.xml", "topics/ai/rss.xml"}
    with pytest.raises(UnknownFeed, match="perhaps topics/ai"):
        world.regenerate(only=("topics/a",))
    assert world.regenerate().feeds.written == 3


def test_the_versions_that_shape_bytes_are_those_that_are_installed() -> None:
    """They are read off the names of metadata folders, and are what the standard library says."""
    from importlib.metadata import version

    from aggregator.pipeline import installed, plan

    packages = [package for names in plan._SHAPING.values() for package in names]
    assert installed.versions(packages) == [version(package) for package in packages]
    assert installed._installed().keys() >= {installed._plain(package) for package in packages}
