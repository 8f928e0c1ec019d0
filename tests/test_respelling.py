"""Stores of earlier versions: what their rules spelled otherwise keeps its id and its address."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from aggregator.store import INDEX_FILE, LEDGER_FILE
from tests.world import World


def remember(world: World, *changes: tuple[str, str, str]) -> None:
    """Make the ledger what an earlier version left: in these columns, as `table.column`, one text for another."""
    with closing(sqlite3.connect(world.store / LEDGER_FILE)) as ledger, ledger:
        for column, new, old in changes:
            table, _, name = column.partition(".")
            change = f"UPDATE {table} SET {name} = replace({name}, ?1, ?2) WHERE instr({name}, ?1)"
            changed = ledger.execute(change, (new, old))
            assert changed.rowcount > 0
    for file in world.store.glob(f"{INDEX_FILE}*"):  # it was never made by these rules
        file.unlink()
    world.program = "the next version"


@pytest.mark.parametrize(
    ("written", "now", "before"),
    [
        ("https://news.example/a?cmpid=x&id=7", "a?id=7", "a?cmpid=x&id=7"),
        ("https://news.example/a?at_medium=x&pk_kwd=y", "a", "a?at_medium=x&pk_kwd=y"),
        ("https://www.forbes.com/sites/a/?ss=ai", "sites/a", "sites/a?ss=ai"),
    ],
)
def test_an_id_stays_when_parameters_go_from_keys(world: World, written: str, now: str, before: str) -> None:
    """Also where the article is known by nothing but its URL: its document was renamed and retitled meanwhile."""
    path = world.document("a", webUrl=written)
    world.regenerate()
    id = world.ids()["About a"]
    remember(world, ("url.url", now, before), ("article.key", now, before))
    path.unlink()
    world.document("b", webUrl=written.replace("=x", "=z").replace("=ai", "=venture"), publishedDateTime="2026-03-09")
    world.regenerate()
    assert world.ids() == {"About b": id}
    assert world.tree() == world.rebuilt()


def test_an_id_stays_when_entities_are_decoded(world: World) -> None:
    """The key that an earlier version made of the URL as written is made anew."""
    path = world.document("a", webUrl="https://www.news.example/a?x=1&amp;y=2")
    world.regenerate()
    id = world.ids()["About a"]
    old = "https://news.example/a?amp%3By=2&x=1"
    remember(
        world,
        ("url.written", "https://www.news.example/a?x=1&y=2", "https://www.news.example/a?x=1&amp;y=2"),
        ("url.url", "https://news.example/a?x=1&y=2", old),
        ("article.key", "https://news.example/a?x=1&y=2", old),
    )
    path.unlink()
    world.document("b", webUrl="https://news.example/a?x=1&y=2", publishedDateTime="2026-03-09")
    world.regenerate()
    assert world.ids() == {"About b": id}
    assert world.tree() == world.rebuilt()


def test_the_id_of_an_expanded_entry_stays_when_entities_are_decoded(world: World) -> None:
    """It has no document of its own."""
    world.options["related"] = "expand"
    related = {"title": "R", "webUrl": "https://other.example/r?z=1&amp;y=2", "publishedDateTime": "2026-03-01"}
    world.document("a", related=[related])
    world.regenerate()
    new, old = "https://other.example/r?y=2&z=1", "https://other.example/r?amp%3By=2&z=1"
    minted, id = world.ids()["R"], "tag:feeds.example.org,2026:minted-from-the-old-key"
    remember(
        world,
        *((column, new, old) for column in ("url.url", "article.key", "path.path")),
        ("url.written", "r?z=1&y=2", "r?z=1&amp;y=2"),
        *((f"{table}.id", minted, id) for table in ("url", "article", "path")),
    )
    world.regenerate()
    assert world.ids()["R"] == id
    assert world.tree() == world.rebuilt()


def test_an_id_stays_when_an_address_is_completed(world: World) -> None:
    """An earlier version took it for a page of the site; the document still is what it was."""
    world.document("a", webUrl="www.outlet.example/a")
    world.regenerate()
    id = world.ids()["About a"]
    right, wrong = "https://outlet.example/a", "https://example.org/www.outlet.example/a"
    written = "https://www.example.org/www.outlet.example/a"
    remember(
        world,
        ("url.written", "https://www.outlet.example/a", written),
        ("url.url", right, wrong),
        ("article.key", right, wrong),
        ("path.urls", "https://www.outlet.example/a", written),
    )
    world.regenerate()
    assert world.ids() == {"About a": id}
    assert world.feed()[0]["link"] == "https://www.outlet.example/a"
    assert world.tree() == world.rebuilt()


TOPIC = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"


def test_a_topic_keeps_its_address_when_what_nobody_sees_stops_counting(world: World) -> None:
    """Its feeds stay where subscribers have them, and what the ledger knows of it is found under its new identity."""
    world.document("a", topics=[TOPIC])
    path = world.document("b", topics=[TOPIC])
    world.regenerate()
    path.unlink()
    world.regenerate()
    before = world.tree()
    old, new = TOPIC, TOPIC.replace("\u200c", "")
    remember(
        world,
        *((f"{table}.topic", new, old) for table in ("topic", "feed", "file", "tombstone")),
        ("article.topics", new, old),
    )
    world.regenerate()
    assert world.tree() == before == world.rebuilt()
    world.document("c", topics=[new])
    world.regenerate()
    assert {name.split("/")[1] for name in world.tree() if name.startswith("topics/")} == {new}
    assert world.tree() == world.rebuilt()
