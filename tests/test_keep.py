"""Pruning isn't withdrawing: what a source keeps, as it says `gone: keep`."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from aggregator.errors import LedgerCorrupt
from aggregator.feeds import Condition, Custom, Order, Rhythm
from aggregator.merge import Alike
from aggregator.pipeline import explain
from aggregator.store import LEDGER_FILE
from tests.site import Site
from tests.test_looks import Held, look_at
from tests.world import World, day, told, undated

KEPT_MONTH = "all/archive/2026-03"


def keeps(world: World, *, keeps: bool = True) -> World:
    """The world, whose only source keeps what vanishes, or doesn't."""
    source = world.options.get("sources", world.plan().sources)[0]
    world.options["sources"] = (replace(source, keeps=keeps),)
    return world


@pytest.fixture
def kept(world: World) -> World:
    """Archives, four documents of March, and one of June, which is open."""
    keeps(world).options |= {"archives": True}
    for number in range(4):
        world.document(f"d{number}", publishedDateTime=day(1 + number))
    world.document("new", publishedDateTime=day(95))
    world.regenerate()
    return world


def prune(world: World, *names: str) -> None:
    """Move documents out of the source, and time on."""
    for name in names:
        (world.articles / f"{name}.md").rename(world.root / f"{name}.md")
    world.now += timedelta(hours=1)


def put_back(world: World, *names: str) -> None:
    """Move documents back."""
    for name in names:
        (world.root / f"{name}.md").rename(world.articles / f"{name}.md")
    world.now += timedelta(hours=1)


def is_as_rebuilt(world: World) -> bool:
    """Whether the tree is what a rebuild gives, and a further run changes nothing."""
    return world.rebuilt() == world.tree() and not world.regenerate().changes


def tombstones(world: World) -> int:
    """How many withdrawn entries feeds tell of, when they tell."""
    world.now += timedelta(hours=1)
    world.regenerate()
    return sum(data.count(b"deleted-entry") for data in world.tree().values())


def test_a_pruned_document_is_no_news_and_stays_in_archives(kept: World) -> None:
    """It leaves all feeds without a word, and the archives' bytes stay."""
    before = kept.tree()
    prune(kept, "d1")
    report = kept.regenerate()
    assert (report.documents.gone, report.healthy, told(report)) == (1, True, [])
    assert kept.titles() == ["About new", "About d3", "About d2", "About d0"]
    assert "About d1" in kept.titles(KEPT_MONTH)
    archives = {path for path in before if "/archive/" in path}
    assert archives
    assert all(kept.tree()[path] == before[path] for path in archives)
    assert is_as_rebuilt(kept)
    assert tombstones(kept) == 0


def test_without_archives_it_is_in_no_file(world: World) -> None:
    """And still nobody is told that it was withdrawn."""
    keeps(world).document("a")
    world.document("b")
    world.regenerate()
    prune(world, "a")
    world.regenerate()
    assert world.titles() == ["About b"]
    assert not any(b"About a" in data for data in world.tree().values())
    assert tombstones(world) == 0
    assert is_as_rebuilt(world)


def test_it_is_news_again_under_its_id_when_it_returns(kept: World) -> None:
    """As if it had never been away: only the feeds say that something came into them."""
    before, ids = undated(kept.tree()), kept.ids()
    prune(kept, "d1", "d2")
    kept.regenerate()
    put_back(kept, "d1", "d2")
    report = kept.regenerate()
    assert (report.documents.read, report.documents.gone) == (2, 0)
    assert kept.ids() == ids
    assert undated(kept.tree()) == before
    assert is_as_rebuilt(kept)


def test_it_may_return_changed(kept: World) -> None:
    """Same path, other words: the same entry."""
    ids = kept.ids()
    prune(kept, "d1")
    kept.regenerate()
    kept.document("d1", publishedDateTime=day(2), title="Anew")
    kept.regenerate()
    assert kept.ids()["Anew"] == ids["About d1"]
    assert is_as_rebuilt(kept)


@pytest.mark.parametrize("text", ["---\n[", "no front matter", "---\ntitle: x\n---\n"])
def test_it_may_return_broken(kept: World, text: str) -> None:
    """Then its last good version is news again, and the mistake is told."""
    prune(kept, "d1")
    kept.regenerate()
    kept.text("d1.md", text)
    report = kept.regenerate()
    assert report.documents.failed == 1
    assert "About d1" in kept.titles()
    assert is_as_rebuilt(kept)


def test_what_it_said_outlives_the_index(kept: World) -> None:
    """Nobody can read the document any more, but the ledger knows."""
    prune(kept, "d0", "d1", "d2", "d3", "new")
    kept.regenerate()
    tree = kept.tree()
    for path in kept.store.glob("index.sqlite*"):
        path.unlink()
    assert kept.regenerate().changes == ()
    assert kept.tree() == tree
    assert is_as_rebuilt(kept)


def test_what_goes_while_the_index_is_lost_goes_without_a_word(kept: World) -> None:
    """Nothing knows what it said, so that no archive has it; it wasn't withdrawn all the same."""
    prune(kept, "d1")
    for path in kept.store.glob("index.sqlite*"):
        path.unlink()
    assert kept.regenerate().healthy
    assert "About d1" not in kept.titles(KEPT_MONTH)
    assert tombstones(kept) == 0
    assert is_as_rebuilt(kept)


def test_no_guard_is_asked_however_many_go(world: World) -> None:
    """All of forty at once; with archives, their feeds stay."""
    keeps(world).options |= {"archives": True}
    for number in range(40):
        world.document(f"d{number}")
    world.regenerate()
    prune(world, *(f"d{number}" for number in range(40)))
    report = world.regenerate()
    assert (report.healthy, report.documents.gone, told(report)) == (True, 40, [])
    assert world.titles() == world.titles("topics/ai") == []
    assert len(world.titles("topics/ai/archive/2026-03")) == 40
    world.now += timedelta(days=200)
    assert world.regenerate().changes == ()
    assert world.titles("topics/ai") == []
    assert is_as_rebuilt(world)


def test_an_instant_never_goes_back(kept: World) -> None:
    """The newest entry leaves, and the feed's `updated` stays."""
    updated = next(line for line in kept.tree()["topics/ai/atom.xml"].splitlines() if b"<updated>" in line)
    prune(kept, "new")
    kept.regenerate()
    assert updated in kept.tree()["topics/ai/atom.xml"]
    assert is_as_rebuilt(kept)


def test_a_missing_folder_is_an_accident_still(kept: World) -> None:
    """Nothing changes until it returns, or somebody accepts: then its documents are pruned."""
    tree = kept.tree()
    kept.articles.rename(kept.root / "elsewhere")
    report = kept.regenerate()
    assert (report.healthy, report.documents.gone) == (False, 5)
    assert kept.tree() == tree
    assert kept.regenerate(accept_deletions=True).healthy
    assert kept.titles() == []
    assert len(kept.titles(KEPT_MONTH)) == 4
    assert tombstones(kept) == 0
    (kept.root / "elsewhere").rename(kept.articles)
    kept.regenerate()
    assert len(kept.titles()) == 5
    assert is_as_rebuilt(kept)


def source_keeps_no_longer(world: World) -> None:
    keeps(world, keeps=False)


def source_is_taken_out(world: World) -> None:
    other = world.root / "other"
    other.mkdir()
    source = world.options["sources"][0]
    world.options["sources"] = (replace(source, name="other", folder=other),)


@pytest.mark.parametrize("happens", [source_keeps_no_longer, source_is_taken_out])
@pytest.mark.parametrize("lost", [False, True])
def test_what_is_kept_is_withdrawn_when_its_source_does_not_keep_it(
    kept: World, happens: Callable[[World], None], lost: bool
) -> None:
    """With tombstones, as usual, also where the index is lost meanwhile; the ledger forgets what it said."""
    prune(kept, "d1", "d2")
    kept.regenerate()
    happens(kept)
    if lost:
        for path in kept.store.glob("index.sqlite*"):
            path.unlink()
    kept.regenerate()
    assert tombstones(kept) > 0
    assert not any(b"About d1" in data for data in kept.tree().values())
    assert is_as_rebuilt(kept)
    with closing(sqlite3.connect(kept.store / LEDGER_FILE)) as ledger:
        assert ledger.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_a_document_that_moves_is_not_pruned(kept: World) -> None:
    """Nothing of what it said under its former path remains."""
    (kept.articles / "d1.md").rename(kept.articles / "moved.md")
    kept.regenerate()
    text = (kept.articles / "moved.md").read_text()
    kept.text("moved.md", text.replace("- AI", "- Other"))
    kept.regenerate()
    assert "About d1" in kept.titles("topics/other/archive/2026-03")
    assert "About d1" not in kept.titles("topics/ai/archive/2026-03")
    assert is_as_rebuilt(kept)


def test_nor_is_one_that_was_copied_before_it_went(kept: World) -> None:
    """In an earlier run."""
    shutil.copy(kept.articles / "d1.md", kept.articles / "copy.md")
    kept.regenerate()
    (kept.articles / "d1.md").unlink()
    kept.regenerate()
    assert "About d1" in kept.titles()
    with closing(sqlite3.connect(kept.store / LEDGER_FILE)) as ledger:
        assert ledger.execute("SELECT count(*) FROM kept").fetchone() == (0,)
    assert is_as_rebuilt(kept)


def test_while_another_document_is_there_the_article_is_news(kept: World) -> None:
    """What that one says comes first, whatever the quality of what was pruned, and its topics are added."""
    fields: dict[str, Any] = {"webUrl": "https://news.example/d1", "publishedDateTime": day(2)}
    kept.document("d1", quality=90, excerpt="Of the first.", **fields)
    kept.document("second", quality=10, topics=["Second"], **fields)
    kept.regenerate()
    id = kept.ids()["About d1"]
    prune(kept, "d1")
    kept.regenerate()
    assert kept.ids()["About second"] == id
    assert kept.titles("topics/second") == ["About second"]
    assert "About second" in kept.titles("topics/ai")
    assert kept.feed()[-2]["summary"].startswith("Of the first.")
    assert is_as_rebuilt(kept)
    prune(kept, "second")
    kept.regenerate()
    assert "About second" not in kept.titles()
    assert is_as_rebuilt(kept)


def test_a_new_document_of_a_pruned_article_makes_it_news(kept: World) -> None:
    """Under the id that it had."""
    id = kept.ids()["About d1"]
    prune(kept, "d1")
    kept.regenerate()
    kept.document("again", webUrl="https://news.example/d1", publishedDateTime=day(2))
    kept.regenerate()
    assert kept.ids()["About again"] == id
    assert is_as_rebuilt(kept)


def test_a_pruned_document_withdraws_nothing(kept: World) -> None:
    """One that said `removed` counts no more where another one is there; alone, it does."""
    kept.document("d1", removed="yes", publishedDateTime=day(2))
    kept.regenerate()
    prune(kept, "d1")
    kept.regenerate()
    assert "About d1" not in kept.titles(KEPT_MONTH)
    kept.document("again", webUrl="https://news.example/d1", publishedDateTime=day(2))
    kept.regenerate()
    assert "About again" in kept.titles()
    assert is_as_rebuilt(kept)


def test_it_is_withdrawn_by_a_document_that_says_so(kept: World) -> None:
    """As it returns with `removed: yes`."""
    prune(kept, "d1")
    kept.regenerate()
    kept.document("d1", removed="yes", publishedDateTime=day(2))
    kept.regenerate()
    assert "About d1" not in kept.titles(KEPT_MONTH)
    assert tombstones(kept) > 0
    assert is_as_rebuilt(kept)


def test_it_stays_fit_to_be_coverage(kept: World) -> None:
    """With the better data of its own document."""
    kept.document("lister", publishedDateTime=day(96), related=[{"title": "x", "webUrl": "https://news.example/d1"}])
    kept.regenerate()
    before = kept.tree()["all/atom.xml"]
    assert b"About d1" in before
    prune(kept, "d1")
    kept.regenerate()
    lister = next(entry for entry in kept.feed() if entry["title"] == "About lister")
    assert "About d1" in lister["content"][0]["value"]
    assert is_as_rebuilt(kept)


@pytest.mark.parametrize("related", ["expand", "collapse"])
def test_what_it_lists_goes_with_it(kept: World, related: str) -> None:
    """An entry that only it listed is no news either, and stays in archives; no one is told."""
    kept.options["related"] = related
    kept.document("lister", publishedDateTime=day(5), related=[{"title": "Listed", "webUrl": "https://news.example/l"}])
    kept.regenerate()
    assert ("Listed" in kept.titles()) == (related == "expand")
    prune(kept, "lister")
    kept.regenerate()
    assert "Listed" not in kept.titles()
    assert ("Listed" in kept.titles(KEPT_MONTH)) == (related == "expand")
    assert tombstones(kept) == 0
    assert is_as_rebuilt(kept)


def test_what_is_listed_by_others_stays_news(kept: World) -> None:
    """In the topics of these alone; in archives, in those of what was pruned too."""
    kept.options["related"] = "expand"
    listed = [{"title": "Listed", "webUrl": "https://news.example/l", "publishedDateTime": day(6)}]
    kept.document("one", publishedDateTime=day(5), topics=["One"], related=listed)
    kept.document("two", publishedDateTime=day(5), topics=["Two"], related=listed)
    kept.regenerate()
    prune(kept, "one")
    kept.regenerate()
    assert "Listed" in kept.titles()
    assert "Listed" in kept.titles("topics/two")
    assert kept.titles("topics/one") == []
    assert "Listed" in kept.titles("topics/one/archive/2026-03")
    assert is_as_rebuilt(kept)


def test_a_near_duplicate_that_is_there_keeps_the_entry(kept: World) -> None:
    """Whichever of them was published first; its subscribers know the story by that id."""
    kept.options["alike"] = Alike(window=timedelta(days=3), similarity=0.8)
    headline: dict[str, Any] = {
        "title": "Tide kites pass their first winter off the coast",
        "publishedDateTime": day(90),
    }
    kept.document("first", provider={"name": "Gazette"}, **headline)
    kept.regenerate()
    kept.document("second", provider={"name": "Dispatch"}, **headline)
    kept.regenerate()
    ids = [entry["id"] for entry in kept.feed() if entry["title"] == headline["title"]]
    assert len(ids) == 1
    prune(kept, "first")
    kept.regenerate()
    assert [entry["id"] for entry in kept.feed() if entry["title"] == headline["title"]] == ids
    assert is_as_rebuilt(kept)
    prune(kept, "second")
    kept.regenerate()
    assert headline["title"] not in kept.titles()
    assert is_as_rebuilt(kept)


def test_feeds_of_ones_own_drop_it_too(kept: World) -> None:
    """By topic, of the best, and of a provider; a digest that is closed lists it still."""
    best = Custom("best", "Best", 10, order=Order.quality)
    mine = Custom("mine", "Mine", 10, where=Condition(topics=("ai",)))
    daily = Custom("daily", "Daily", 10, rhythm=Rhythm.daily, stories=5)
    kept.options |= {"custom": (best, mine, daily), "kinds": ("providers",)}
    kept.document("d1", quality=90, provider={"name": "Gazette"}, publishedDateTime=day(2))
    kept.regenerate()
    digest = kept.tree()["custom/daily/atom.xml"]
    assert b"About d1" in digest
    prune(kept, "d1")
    kept.regenerate()
    for name in ("custom/best", "custom/mine", "providers/gazette"):
        assert "About d1" not in kept.titles(name), name
    assert "About d1" in kept.titles("custom/mine/archive/2026-03")
    assert "About d1" in kept.titles("providers/gazette/archive/2026-03")
    assert kept.tree()["custom/daily/atom.xml"] == digest
    assert is_as_rebuilt(kept)


def test_one_of_the_open_month_comes_with_the_month_s_archive(kept: World) -> None:
    """Until then it is in no file."""
    prune(kept, "new")
    kept.regenerate()
    assert not any(b"About new" in data for data in kept.tree().values())
    kept.now += timedelta(days=60)
    kept.regenerate()
    assert kept.titles("all/archive/2026-06") == ["About new"]
    assert is_as_rebuilt(kept)


def test_one_that_was_yet_to_come_is_forgotten(kept: World) -> None:
    """Nothing of it was ever published."""
    kept.document("future", publishedDateTime=day(110))
    kept.regenerate()
    prune(kept, "future")
    kept.regenerate()
    kept.now += timedelta(days=90)
    kept.regenerate()
    assert not any(b"About future" in data for data in kept.tree().values())
    assert tombstones(kept) == 0
    assert is_as_rebuilt(kept)


def test_its_id_is_nobody_else_s(kept: World) -> None:
    """Whoever names it is told who has it."""
    id = kept.ids()["About d1"]
    prune(kept, "d1")
    kept.regenerate()
    kept.document("thief", id=id)
    report = kept.regenerate()
    assert kept.ids()["About thief"] != id
    assert any("thief.md" in line and id in line for line in told(report))
    assert is_as_rebuilt(kept)


def test_rules_of_reading_that_change_change_it_too(kept: World) -> None:
    """Its keys are worked out anew, as those of documents that can't be read are."""
    kept.document("odd", webUrl="https://news.example/odd?way=1", publishedDateTime=day(2))
    kept.regenerate()
    prune(kept, "odd", "d1")
    kept.regenerate()
    source = kept.options["sources"][0]
    kept.options["sources"] = (replace(source, options=replace(source.options, tracking=("way",))),)
    kept.options["reading"] = {"tracking": ("way",)}
    kept.regenerate()
    kept.document("same", webUrl="https://news.example/odd?way=2", publishedDateTime=day(2))
    kept.regenerate()
    assert kept.titles(KEPT_MONTH).count("About odd") == 0
    assert kept.titles(KEPT_MONTH).count("About same") == 1
    assert is_as_rebuilt(kept)


def test_explain_says_that_it_was_pruned_and_kept(kept: World) -> None:
    """Since when, which archives have it, and why no feed does."""
    prune(kept, "d1")
    kept.regenerate()
    found = explain(kept.plan(), "articles/d1.md")
    assert found.mentions[0].held == (
        f"pruned: it is gone since {kept.now:%Y-%m-%d %H:%M}Z, and kept in archives (`gone: keep`)"
    )
    assert {(feed.feed, feed.rank, feed.archive) for feed in found.feeds} == {
        ("all", None, "2026-03"),
        ("topics/ai", None, "2026-03"),
    }
    assert all(feed.why.startswith("pruned: ") for feed in found.feeds)


def test_a_backup_has_what_it_said(site: Site) -> None:
    """And a ledger restored from it gives the same feeds, though documents and index are gone."""
    site.configure(sources=[{"path": "articles", "gone": "keep"}], feeds={"archives": True})
    site.document("a")
    site.document("b")
    assert site.run().status == 0
    (site.articles / "a.md").unlink()
    assert site.run().status == 0
    tree = site.tree()
    backup = site.run("ledger.jsonl", command="ledger backup")
    assert backup.status == 0
    shutil.rmtree(site.store)
    assert site.run("ledger.jsonl", command="ledger restore").status == 0
    assert site.run().status == 0
    assert site.tree() == tree


def test_a_daemon_that_looks_at_what_changed_alone_does_the_same(kept: World) -> None:
    """Documents go and return while it runs, and others come."""
    before = kept.tree()
    with Held(kept) as held:
        held.look()
        path = kept.articles / "d1.md"
        prune(kept, "d1")
        assert held.look(look_at(path)).gone == 1
        assert "About d1" not in kept.titles()
        assert is_as_rebuilt_beside(kept)
        other = kept.document("other", publishedDateTime=day(97))
        assert held.look(look_at(other)).gone == 0
        assert "About d1" in kept.titles(KEPT_MONTH)
        other.unlink()
        put_back(kept, "d1")
        held.look(look_at(path, other))
        assert is_as_rebuilt_beside(kept)
    kept.regenerate()
    assert "About other" not in kept.titles()
    assert [path for path in before if "/archive/" in path and kept.tree()[path] != before[path]] == []


def is_as_rebuilt_beside(world: World) -> bool:
    """Whether the tree is what a rebuild gives, while somebody holds the store."""
    return world.rebuilt() == world.tree()


@pytest.mark.parametrize("said", ["x'00'", "x''", "'text'", "zeroblob(200)"])
def test_damage_to_what_it_said_is_damage_of_the_ledger(kept: World, said: str) -> None:
    """Nothing is published, and the message says what to do."""
    prune(kept, "d1")
    kept.regenerate()
    with closing(sqlite3.connect(kept.store / LEDGER_FILE)) as ledger:
        ledger.execute(f"UPDATE kept SET said = {said}")
        ledger.commit()
    for path in kept.store.glob("index.sqlite*"):
        path.unlink()
    tree = kept.tree()
    with pytest.raises(LedgerCorrupt):
        kept.regenerate()
    assert kept.tree() == tree


def test_a_ledger_of_version_7_is_gone_on_with(world: World) -> None:
    """It kept nothing, and keeps what goes from now on."""
    world.document("a")
    world.document("b")
    world.regenerate()
    with closing(sqlite3.connect(world.store / LEDGER_FILE)) as ledger:
        ledger.execute("DROP TABLE kept")
        ledger.execute("PRAGMA user_version = 7")
        ledger.commit()
    keeps(world)
    prune(world, "a")
    world.regenerate()
    assert world.titles() == ["About b"]
    assert tombstones(world) == 0
    assert is_as_rebuilt(world)


def test_two_copies_that_go_at_once_are_kept_once_more(kept: World) -> None:
    """Neither is the other's like, as both are gone."""
    shutil.copy(kept.articles / "d1.md", kept.articles / "copy.md")
    kept.regenerate()
    prune(kept, "d1", "copy")
    kept.regenerate()
    assert "About d1" in kept.titles(KEPT_MONTH)
    assert "About d1" not in kept.titles()
    assert tombstones(kept) == 0
    assert is_as_rebuilt(kept)


def test_another_source_withdraws_as_usual(kept: World) -> None:
    """Each source says what becomes of its own documents."""
    other = kept.root / "other"
    other.mkdir()
    source = kept.options["sources"][0]
    kept.options["sources"] = (source, replace(source, name="other", folder=other, keeps=False))
    (kept.articles / "d2.md").rename(other / "d2.md")
    kept.regenerate()
    assert "About d2" in kept.titles()
    (other / "d2.md").unlink()
    prune(kept, "d1")
    kept.regenerate()
    assert "About d1" in kept.titles(KEPT_MONTH)
    assert "About d2" not in kept.titles(KEPT_MONTH)
    assert tombstones(kept) > 0
    assert is_as_rebuilt(kept)
