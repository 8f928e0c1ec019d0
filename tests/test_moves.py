"""A document whose name and address change at once stays the same one, if its title and date say so."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from aggregator.errors import UnknownArticle
from aggregator.pipeline import explain
from aggregator.store import INDEX_FILE
from tests.test_claims import deleted
from tests.world import World, day


def settled(world: World, **wish: Any) -> None:
    """Run until there is nothing more to do; the tree is what a rebuild gives."""
    world.regenerate(**wish)
    assert world.regenerate().changes == ()
    assert world.tree() == world.rebuilt()


def moved(world: World, path: Path, name: str, **fields: Any) -> None:
    """A document gets another name and another address."""
    path.unlink()
    world.document(name, **{"webUrl": f"https://news.example/new/{name}", "title": f"About {path.stem}"} | fields)


def later(world: World) -> None:
    """When tombstones would be shown."""
    world.now += timedelta(minutes=20)
    settled(world)


@pytest.mark.parametrize("rebuild", [False, True])
@pytest.mark.parametrize("title", ["About a", "ABOUT A!"])
def test_its_id_stays(world: World, title: str, rebuild: bool) -> None:
    """And nobody is told that an entry was withdrawn."""
    path = world.document("a")
    world.regenerate()
    [id] = world.ids().values()
    moved(world, path, "b", title=title)
    settled(world, rebuild=rebuild)
    later(world)
    assert (list(world.ids().values()), deleted(world)) == ([id], set())
    assert world.feed()[0]["link"] == "https://news.example/new/b"


def test_it_stays_move_after_move(world: World) -> None:
    """What went by several names is one document."""
    path = world.document("a")
    world.regenerate()
    [id] = world.ids().values()
    for number in range(4):
        moved(world, path, f"b{number}", title="About a")
        path = world.articles / f"b{number}.md"
        later(world)
    assert (list(world.ids().values()), deleted(world)) == ([id], set())


@pytest.mark.parametrize("count", [3, 30])
def test_a_whole_site_moves_at_once(world: World, count: int) -> None:
    """Into another folder, with all addresses; the guard doesn't mind."""
    names = [f"d{number:02}" for number in range(count)]
    for number, name in enumerate(names):
        world.document(name, publishedDateTime=day(number + 1))
    world.regenerate()
    ids = world.ids()
    shutil.rmtree(world.articles)
    for number, name in enumerate(names):
        moved_to = {"webUrl": f"https://else.example/p/{name}", "title": f"About {name}"}
        world.document(f"posts/{name}-x", publishedDateTime=day(number + 1), **moved_to)
    settled(world)
    later(world)
    assert (world.ids(), deleted(world)) == (ids, set())


@pytest.mark.parametrize(
    "fields", [{"title": "Else"}, {"publishedDateTime": day(2)}], ids=["another title", "another date"]
)
def test_what_is_less_like_it_is_another_one(world: World, fields: dict[str, str]) -> None:
    """A title alone, or a day alone, is no likeness."""
    path = world.document("a")
    world.regenerate()
    [id] = world.ids().values()
    moved(world, path, "b", **fields)
    settled(world)
    assert id not in world.ids().values()


@pytest.mark.parametrize(("gone", "fresh"), [(1, 2), (2, 1), (2, 2)])
def test_where_several_are_alike_nobody_is_guessed(world: World, gone: int, fresh: int) -> None:
    """Two documents of one title and date might be either."""
    paths = [world.document(f"a{number}", title="Notes") for number in range(gone)]
    world.regenerate()
    ids = {entry["id"] for entry in world.feed()}
    for path in paths:
        path.unlink()
    for number in range(fresh):
        world.document(f"b{number}", title="Notes")
    settled(world)
    assert ids.isdisjoint(entry["id"] for entry in world.feed())


def test_one_that_comes_in_a_later_run_is_new(world: World) -> None:
    """By then the other was withdrawn."""
    path = world.document("a")
    world.regenerate()
    [id] = world.ids().values()
    path.unlink()
    settled(world)
    world.document("b", title="About a")
    settled(world)
    assert list(world.ids().values()) != [id]


def test_a_document_that_stays_keeps_its_id(world: World) -> None:
    """Another one of its title and date doesn't take it."""
    world.document("a")
    world.regenerate()
    [entry] = world.feed()
    world.document("b", title="About a")
    settled(world)
    assert {entry["link"]: entry["id"] for entry in world.feed()}[entry["link"]] == entry["id"]
    assert len({entry["id"] for entry in world.feed()}) == 2


def test_an_address_is_better_evidence(world: World) -> None:
    """The id goes to the document at the old address, though another one has the old title and date."""
    path = world.document("a")
    world.regenerate()
    [id] = world.ids().values()
    path.unlink()
    world.document("b", title="About a")
    world.document("c", title="Rewritten", webUrl="https://news.example/a", publishedDateTime=day(3))
    settled(world)
    assert world.ids()["Rewritten"] == id != world.ids()["About a"]


def test_it_stays_when_a_run_was_killed(world: World, tmp_path: Path) -> None:
    """Between the ledger and the index, or before both."""
    path = world.document("a")
    world.regenerate()
    [id] = world.ids().values()
    kept = tmp_path / "kept"
    shutil.copytree(world.store, kept)
    moved(world, path, "b")
    world.regenerate()
    for name in world.store.glob(f"{INDEX_FILE}*"):
        name.unlink()
    shutil.copy(kept / INDEX_FILE, world.store / INDEX_FILE)
    settled(world)
    for name in world.store.glob(f"{INDEX_FILE}*"):
        name.unlink()
    settled(world)
    assert list(world.ids().values()) == [id]


def test_documents_of_another_source_are_others(world: World) -> None:
    """They aren't trusted alike."""
    [first] = world.plan().sources
    other = world.root / "other"
    other.mkdir()
    world.options["sources"] = (
        first,
        first.__class__(
            **{**{name: getattr(first, name) for name in first.__struct_fields__}, "name": "other", "folder": other}
        ),
    )
    path = world.document("a")
    world.regenerate()
    [id] = world.ids().values()
    moved(world, path, "../other/b")
    settled(world)
    assert id not in world.ids().values()


def test_an_article_of_a_home_page_keeps_its_id(world: World) -> None:
    """Renamed and retitled at once, as one with a path does; and it is found by its address."""
    path = world.document("a", webUrl="https://home.example/")
    world.regenerate()
    [id] = world.ids().values()
    path.unlink()
    world.document("b", webUrl="http://www.home.example", title="Else", publishedDateTime=day(2))
    settled(world)
    assert list(world.ids().values()) == [id]
    assert explain(world.plan(), "https://home.example/").id == id
    world.document("c", webUrl="https://home.example/")
    settled(world)
    assert len(world.feed()) == 2
    with pytest.raises(UnknownArticle, match="2 documents"):
        explain(world.plan(), "https://home.example/")


def test_a_document_that_returns_takes_no_id_from_where_it_went(world: World) -> None:
    """Its article went on under another name and address; one of its old name and title is another article."""
    path = world.document("a")
    world.regenerate()
    [id] = world.ids().values()
    moved(world, path, "b", title="About a")
    settled(world)
    world.document("a")
    settled(world)
    links = {entry["link"]: entry["id"] for entry in world.feed()}
    assert links["https://news.example/new/b"] == id != links["https://news.example/a"]
    (world.articles / "b.md").rename(world.articles / "c.md")
    world.document("c", title="Else", webUrl="https://news.example/new/b", publishedDateTime=day(3))
    settled(world)
    assert {entry["link"]: entry["id"] for entry in world.feed()} == links


@pytest.mark.parametrize("rebuild", [False, True])
def test_of_two_joined_documents_the_one_that_stays_keeps_the_id(world: World, rebuild: bool) -> None:
    """Though the other one, which has the address that the id was given for, returns by itself."""
    path = world.document("a", title="First")
    world.document("b", title="First", originalUrl="https://news.example/a", publishedDateTime=day(2))
    world.regenerate()
    [id] = world.ids().values()
    path.unlink()
    settled(world)
    world.document("b", title="Second", publishedDateTime=day(2))
    settled(world)
    assert world.ids() == {"Second": id}
    world.document("a", title="First")
    settled(world, rebuild=rebuild)
    assert world.ids()["Second"] == id != world.ids()["First"]


def test_a_path_that_held_another_id_once_takes_no_entry_from_the_feeds(world: World) -> None:
    """A document whose id is in the feeds is renamed to a path that had one that nobody sees any more."""
    named = world.document("c", title="Named", id="urn:x", quality=2)
    path = world.document("e", title="Wanderer", publishedDateTime=day(3))
    world.regenerate()
    path.unlink()
    world.document("x", title="Wanderer", webUrl="https://news.example/c", publishedDateTime=day(3))
    settled(world)
    named.unlink()
    world.document("a", title="Named", id="urn:x", quality=2)
    settled(world)
    assert world.ids()["Wanderer"] == "urn:x" != world.ids()["Named"]
    (world.articles / "x.md").rename(path)
    settled(world)
    assert world.ids()["Wanderer"] == "urn:x" != world.ids()["Named"]


def test_what_is_left_of_a_joined_article_keeps_the_id_that_is_seen(world: World) -> None:
    """Though the document that is left had another one before, which nobody saw; and a rebuild gives the same."""
    world.document("left", title="Hidden", published="no")
    path = world.document("gone", title="Shown", webUrl="https://news.example/e", publishedDateTime=day(3))
    world.regenerate()
    [id] = world.ids().values()
    world.document("left", title="Shown too", webUrl="https://news.example/e")
    settled(world)
    assert list(world.ids().values()) == [id]
    path.unlink()
    settled(world)
    later(world)
    assert (world.ids(), deleted(world)) == ({"Shown too": id}, set())
