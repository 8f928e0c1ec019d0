"""The store when it is damaged, of another version, or somebody else's."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from aggregator.documents import Outcome
from aggregator.errors import LedgerCorrupt, StoreError
from aggregator.store import INDEX_FILE, LEDGER_FILE, Index, Ledger, Row, Saved, back_up
from tests.programs import NOBODY
from tests.site import Site
from tests.world import World, files, told

GOOD = "Still good"


@pytest.fixture
def world(world: World) -> World:
    """A published world with some documents, one of which is broken by now."""
    for number in range(12):
        related = [{"title": f"R{number}", "webUrl": f"https://news.example/d{number + 1}"}]
        world.document(f"d{number}", f"Body {number}. " * 200, topics=["AI", f"T{number % 3}"], related=related)
    world.document("broken", title=GOOD)
    world.regenerate()
    world.text("broken.md", "---\ntitle: [\n---\n")
    world.regenerate()
    return world


def sql(file: Path, *statements: str) -> None:
    """Run statements on a database."""
    with closing(sqlite3.connect(file)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def page_of(file: Path, table: str) -> tuple[int, int]:
    """Where a table's first page stands in a database, and how long it is."""
    with closing(sqlite3.connect(file)) as connection:
        [number] = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        [size] = connection.execute("PRAGMA page_size").fetchone()
    return (number - 1) * size, size


def overwrite(file: Path, table: str, data: bytes) -> None:
    """Write over a table's first page in the middle of a database."""
    start, size = page_of(file, table)
    with file.open("r+b") as stream:
        stream.seek(start)
        stream.write((data * size)[:size])


# The index


def index_is_no_database(file: Path) -> None:
    file.write_bytes(b"This is no database. " * 1000)


def index_is_cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2 // 4096 * 4096)


def index_is_cut_in_its_head(file: Path) -> None:
    os.truncate(file, 50)


def page_is_zero(file: Path) -> None:
    overwrite(file, "document", b"\0")


def page_is_noise(file: Path) -> None:
    overwrite(file, "mention", b"\xff\x17")


def index_of_an_index_is_noise(file: Path) -> None:
    overwrite(file, "mention_document", b"\xee")


def a_value_is_noise(file: Path) -> None:
    sql(file, "UPDATE mention SET data = x'ffffffffff'")


def a_text_is_noise(file: Path) -> None:
    sql(file, "UPDATE document SET path = CAST(x'ff' || CAST(path AS BLOB) AS TEXT)")


@pytest.mark.parametrize(
    "harm",
    [
        index_is_no_database, index_is_cut, index_is_cut_in_its_head, page_is_zero, page_is_noise,
        index_of_an_index_is_noise, a_value_is_noise, a_text_is_noise,
    ],
)  # fmt: skip
def test_a_damaged_index_is_moved_aside_and_built_again(world: World, harm: Callable[[Path], None]) -> None:
    """A warning tells of it and what is kept; the feeds are what they would be without the accident."""
    (world.articles / "broken.md").unlink()
    world.regenerate()
    world.document("d3", title="Edited", topics=["New"])
    (world.articles / "d4.md").unlink()
    twin = world.rebuilt()
    harm(world.store / INDEX_FILE)
    size = (world.store / INDEX_FILE).stat().st_size
    report = world.regenerate()
    assert world.tree() == twin
    assert report.healthy
    [line] = told(report)
    assert line.startswith(f"{world.store / INDEX_FILE}: warning: the index was damaged (")
    assert "kept as index.sqlite.old-1" in line
    assert (world.store / "index.sqlite.old-1").stat().st_size == size
    assert told(world.regenerate()) == []


def test_a_lost_index_is_built_again(world: World) -> None:
    """There is nothing to tell of: it can be deleted at any time."""
    tree = world.tree()
    (world.articles / "broken.md").unlink()
    world.regenerate()
    before = world.tree()
    (world.store / INDEX_FILE).unlink()
    report = world.regenerate()
    assert (report.documents.read, report.feeds.written, told(report)) == (12, 0, [])
    assert world.tree() == before != tree


def test_a_dry_run_mends_nothing(world: World) -> None:
    """It says what would."""
    index_is_no_database(world.store / INDEX_FILE)
    before = dict(files(world.store))
    with pytest.raises(StoreError, match="`aggregator regenerate` builds a new one"):
        world.regenerate(dry=True)
    assert dict(files(world.store)) == before


@pytest.mark.parametrize("rebuild", [False, True])
def test_an_index_of_another_version_hands_on_last_good_versions(world: World, rebuild: bool) -> None:
    """It is built again; a document that is broken by now keeps its place."""
    tree = world.tree()
    sql(world.store / INDEX_FILE, "PRAGMA user_version = 99")
    for _ in range(2):
        report = world.regenerate(rebuild=rebuild)
        assert GOOD in world.titles()
        assert world.tree() == tree
        assert (report.documents.failed, report.feeds.written) == (1, 0)
    with closing(sqlite3.connect(world.store / INDEX_FILE)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() != (99,)


@pytest.mark.parametrize("version", [1, 3])
def test_an_index_of_an_earlier_version_hands_on_last_good_versions(world: World, version: int) -> None:
    """A spare key was a URL with a fragment; the first one's mentions had the URLs and their keys in two lists."""
    world.document("home", title="At home", webUrl="https://home.example/")
    world.regenerate()
    world.text("home.md", "---\ntitle: [\n---\n")
    world.regenerate()
    tree = world.tree()
    assert "At home" in world.titles()
    with closing(sqlite3.connect(world.store / INDEX_FILE)) as connection:
        for row, data in connection.execute("SELECT rowid, data FROM mention").fetchall():
            key, *values, urls, id, at, _, _, _ = msgspec.msgpack.decode(data)
            key = key.replace(" t:", "#")
            former = [key, *values, urls, id, at]
            if version == 1:
                former = [key, *values, [key for key, _ in urls], [url for _, url in urls], id]
            connection.execute(
                "UPDATE mention SET key = ?, data = ? WHERE rowid = ?", (key, msgspec.msgpack.encode(former), row)
            )
        for document, topics in connection.execute("SELECT document, topics FROM lead").fetchall():
            pairs = json.dumps([pair for *pair, _ in json.loads(topics)]) if version == 1 else topics
            connection.execute("UPDATE lead SET topics = ? WHERE document = ?", (pairs, document))
        for column in ("address", "alone", "beside"):
            connection.execute(f"ALTER TABLE lead DROP COLUMN {column}")
        connection.execute("DROP TABLE claim")
        connection.execute("DROP TABLE weak")
        connection.execute(f"PRAGMA user_version = {version}")
        connection.commit()
    report = world.regenerate()
    assert (report.documents.failed, report.feeds.written, len(report.problems)) == (2, 0, 2)
    assert GOOD in world.titles()
    assert world.tree() == tree


@pytest.mark.parametrize("table", ["document", "mention", "lead", "claim"])
def test_an_index_of_other_tables_is_built_again_from_nothing(world: World, table: str) -> None:
    """Half of what it knew would be worse than nothing: documents would seem to have been read."""
    (world.articles / "broken.md").unlink()
    world.regenerate()
    tree = world.tree()
    sql(
        world.store / INDEX_FILE,
        "UPDATE document SET racy = 0",
        f"ALTER TABLE {table} RENAME TO former",
        "PRAGMA user_version = 99",
    )
    report = world.regenerate()
    assert (report.documents.read, report.feeds.written) == (12, 0)
    assert world.tree() == tree


# The ledger


def ledger_is_no_database(file: Path) -> None:
    file.write_bytes(b"This is no database. " * 1000)


def ledger_is_cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2 // 4096 * 4096)


def ledger_is_emptied(file: Path) -> None:
    file.write_bytes(b"")


def ledger_is_lost(file: Path) -> None:
    file.unlink()


def page_of_the_ledger_is_noise(file: Path) -> None:
    overwrite(file, "article", b"\x17\xff")


harms = pytest.mark.parametrize(
    "harm",
    [ledger_is_no_database, ledger_is_cut, ledger_is_emptied, ledger_is_lost, page_of_the_ledger_is_noise],
)


@harms
def test_a_damaged_ledger_stops_everything(site: Site, harm: Callable[[Path], None]) -> None:
    """It says what to do and exits with 3; no feed and no byte of what is left of the ledger is touched."""
    site.regenerate()
    feeds = site.tree()
    site.document("a", title="Edited")
    site.document("b", topics=["New"])
    ledger = site.store / LEDGER_FILE
    harm(ledger)
    left = ledger.read_bytes() if ledger.exists() else b""
    done = site.run()
    assert (done.status, done.out) == (3, "")
    assert "`aggregator ledger restore FILE`" in done.err
    wishes: list[dict[str, Any]] = [{}, {"rebuild": True}, {"dry": True}]
    for wish in wishes:
        with pytest.raises(LedgerCorrupt, match="`aggregator ledger restore FILE`"):
            site.regenerate(**wish)
    assert site.tree() == feeds
    assert not left or ledger.read_bytes() == left


@harms
def test_a_damaged_ledger_can_be_restored(site: Site, harm: Callable[[Path], None]) -> None:
    """What the message says works, also with a ledger that was emptied or lost."""
    site.regenerate()
    feeds = site.tree()
    with closing(Ledger(site.store)) as ledger:
        backup = "".join(f"{line}\n" for line in back_up(ledger))
    harm(site.store / LEDGER_FILE)
    with pytest.raises(LedgerCorrupt):
        site.regenerate()
    assert site.run("-", command="ledger restore", input=backup).status == 0
    report = site.regenerate()
    assert (report.healthy, told(report), site.tree()) == (True, [], feeds)


def test_a_ledger_of_a_newer_version_is_refused(published: Site) -> None:
    """An older program would forget what it doesn't know."""
    sql(published.store / LEDGER_FILE, "PRAGMA user_version = 99")
    before = dict(files(published.root))
    done = published.run()
    assert (done.status, done.out) == (3, "")
    assert done.err.endswith("ledger.sqlite: made by a newer aggregator; use that one\n")
    assert dict(files(published.root)) == before


# Whose it is


def test_nobody_else_reads_the_store(site: Site) -> None:
    """The folder is its owner's alone, and so is each file in it, whatever the umask; feeds are for everybody."""
    assert site.run(umask=0).status == 0
    sql(site.store / LEDGER_FILE, "PRAGMA wal_checkpoint")
    assert stat.S_IMODE(site.store.stat().st_mode) == 0o700
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in site.store.iterdir()}
    assert set(modes.values()) == {"0o600"}
    assert {"ledger.sqlite", "index.sqlite", "lock"} <= modes.keys()
    assert {path.stat().st_mode & 0o777 for path in site.output.rglob("*.xml")} == {0o666}


def store_is_closed(site: Site) -> None:
    pass


def store_is_open_and_its_files_are_not(site: Site) -> None:
    site.store.chmod(0o755)


def output_is_closed(site: Site) -> None:
    for path in (site.store, *site.store.iterdir()):
        os.chown(path, NOBODY, NOBODY)


@pytest.mark.parametrize("harm", [store_is_closed, store_is_open_and_its_files_are_not, output_is_closed])
def test_someone_without_rights_is_told_so(public_site: Site, harm: Callable[[Site], None]) -> None:
    """The run exits with 3, names the file that it may not touch, and changes nothing."""
    public_site.regenerate()
    public_site.document("a", title="Edited")
    harm(public_site)
    before = public_site.tree()
    done = public_site.run_as_nobody("regenerate")
    assert (done.status, done.out) == (3, "")
    place = "public/.aggregator" if harm is output_is_closed else ".aggregator/ledger.sqlite"
    assert done.err == f"aggregator: {public_site.root}/{place}: Permission denied\n"
    assert public_site.tree() == before


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (
            "data = zeroblob(length(data))",
            ["index.sqlite: warning: the index was damaged (a rendered entry is altered)"],
        ),
        ("key = key || '?'", []),
    ],
    ids=["altered", "lost"],
)
def test_a_damaged_entry_is_not_published(world: World, harm: str, said: list[str]) -> None:
    """SQLite doesn't notice damage inside a blob: what was rendered carries a sum, and is checked when it is used. What
    is lost is rendered again.
    """
    world.document("a")
    world.regenerate()
    tree = world.tree()
    with closing(sqlite3.connect(world.store / "index.sqlite")) as connection, connection:
        connection.execute(f"UPDATE fragment SET {harm}")
    (world.output / "all/atom.xml").unlink()
    report = world.regenerate()
    lines = [line for line in told(report) if "index" in line]
    assert [message in line for line, message in zip(lines, said, strict=True)] == [True for _ in said]
    assert world.tree() == tree


def test_a_document_that_could_not_be_opened_is_tried_each_time(world: World) -> None:
    """Nothing of the file says when it can be: the disk was away, or there were too many open files."""
    row = Row("articles/a.md", "/a.md", "articles", 1, 2, 3, 4)
    index = Index(None)
    for outcome, digest, unread in ((Outcome.failed, b"", 1), (Outcome.failed, b"digest", 0), (Outcome.read, b"d", 0)):
        index.files.save([Saved(row, outcome, digest, (), None)], racy_from=100)
        index.files.see([row])
        assert index.files.unread_size().files == unread
    index.close()
