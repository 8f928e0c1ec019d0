"""`aggregator ledger backup` and `restore`: what can't be worked out again survives the loss of everything."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator import publish
from aggregator.errors import BackupRefused
from aggregator.merge import Alike
from aggregator.store import LEDGER_FILE, Ledger, back_up, identity_of, restore
from aggregator.store.ledger_schema import TABLES, VERSION
from tests.site import Site
from tests.world import day, files, told, undated

BACKUP = "backup.jsonl"


@pytest.fixture
def lived(tmp_path: Path) -> Site:
    """A published site with a past: a renamed document, a moved article, one withdrawn and restored, a slug taken."""
    site = Site(tmp_path / "lived")
    site.document("a", topics=["C plus plus"])
    site.document("b", topics=["Rare"])
    site.document("c")
    site.regenerate()
    site.document("a", topics=["C-plus-plus"], webUrl="https://news.example/moved")
    (site.articles / "b.md").unlink()
    (site.articles / "c.md").rename(site.articles / "é.md")
    site.now = day(101)
    site.regenerate()
    site.document("b", topics=["Rare"])
    site.now = day(102)
    site.regenerate()
    return site


def everything(site: Site) -> dict[str, bytes]:
    """All files of a site, as they are."""
    return dict(files(site.root))


def back_up_to(site: Site, name: str = BACKUP) -> Path:
    done = site.run(name, command="ledger backup")
    assert (done.status, done.out, done.err) == (0, "", "")
    return site.root / name


@pytest.mark.parametrize("stream", [False, True])
def test_feeds_are_as_they_were_after_the_store_was_lost(lived: Site, stream: bool) -> None:
    """A backup restores every id, address and date; by a file or through pipes."""
    tree = lived.tree()
    backup = lived.run("-", command="ledger backup").out if stream else back_up_to(lived).read_text("utf-8")
    shutil.rmtree(lived.store)
    shutil.rmtree(lived.output)
    if stream:
        done = lived.run("-", command="ledger restore", input=backup)
    else:
        done = lived.run(BACKUP, command="ledger restore")
    assert (done.status, done.out) == (0, "")
    assert done.err == "the ledger is restored; `aggregator regenerate` brings the feeds up to it\n"
    lived.regenerate()
    assert lived.tree() == tree
    assert "topics/c-plus-plus-2/atom.xml" in tree


def test_without_the_ledger_feeds_would_not_be_as_they_were(lived: Site) -> None:
    """What a backup is for: nothing else remembers."""
    tree = lived.tree()
    shutil.rmtree(lived.store)
    shutil.rmtree(lived.output)
    lived.regenerate()
    assert lived.tree() != tree


def test_a_backup_is_the_same_until_something_changes(lived: Site) -> None:
    """It is JSON lines: a head, the rows, a digest; and of the ledger that is restored from it all but the mark."""
    lines = back_up_to(lived).read_text(encoding="utf-8").splitlines()
    assert json.loads(lines[0]) == {
        "ledger": VERSION,
        "identity": (lived.output / ".aggregator").read_text().split()[0],
    }
    assert list(json.loads(lines[-1])) == ["sha256"]
    assert back_up_to(lived, "again.jsonl").read_text(encoding="utf-8").splitlines() == lines
    assert lived.run(BACKUP, command="ledger restore").status == 0
    again = back_up_to(lived).read_text(encoding="utf-8").splitlines()
    assert len([line for line in lines if line not in again]) == 2  # the mark, and so the digest


NEW_TABLES = {"kept", "missing", "survivor", "news", "digest", "digest_member"}
NEW_COLUMNS = {"feed": {"shown", "month"}, "topic": {"since"}, "file": {"month"}}


def of_the_first_version(lines: list[str]) -> list[str]:
    """A backup as the first version of the ledger would be, without all that has come since."""
    old = [json.dumps({**json.loads(lines[0]), "ledger": 1})]
    for row in map(json.loads, lines[1:-1]):
        if row["table"] not in NEW_TABLES:
            new = NEW_COLUMNS.get(row["table"], set())
            old.append(json.dumps({name: value for name, value in row.items() if name not in new}))
    digest = sha256("".join(f"{row}\n" for row in old).encode()).hexdigest()
    return [*old, json.dumps({"sha256": digest})]


def test_a_backup_of_the_first_version_can_be_restored(lived: Site) -> None:
    """What is new since then was not there to be remembered, such as when an entry came into a feed."""
    tree = undated(lived.tree())
    lines = of_the_first_version(back_up_to(lived).read_text("utf-8").splitlines())
    (lived.root / BACKUP).write_text("".join(f"{line}\n" for line in lines), "utf-8")
    shutil.rmtree(lived.store)
    assert lived.run(BACKUP, command="ledger restore").status == 0
    lived.regenerate()
    assert undated(lived.tree()) == tree


def test_a_ledger_of_the_first_version_is_gone_on_with(lived: Site) -> None:
    """It is brought up to this version at the first run, and nothing that subscribers see changes."""
    tree = lived.tree()
    with closing(sqlite3.connect(lived.store / LEDGER_FILE)) as connection:
        for table in sorted(NEW_TABLES):
            connection.execute(f"DROP TABLE {table}")
        connection.execute(
            "CREATE TABLE old (topic TEXT PRIMARY KEY, spelled TEXT NOT NULL, lapsed INTEGER) WITHOUT ROWID"
        )
        connection.execute("INSERT INTO old SELECT topic, spelled, lapsed FROM feed")
        connection.execute("DROP TABLE feed")
        connection.execute("ALTER TABLE old RENAME TO feed")
        connection.execute("ALTER TABLE file DROP COLUMN month")
        connection.execute("DROP INDEX tombstone_withdrawn")
        connection.execute("DROP INDEX tombstone_id")
        connection.execute("DROP INDEX article_seen")
        connection.execute("ALTER TABLE topic DROP COLUMN since")
        connection.execute("PRAGMA user_version = 1")
        connection.commit()
    lived.regenerate(dry=True)
    assert lived.regenerate().changes == ()
    assert lived.tree() == tree
    with closing(sqlite3.connect(lived.store / LEDGER_FILE)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (VERSION,)


@pytest.mark.parametrize("restored", [False, True])
def test_spare_keys_of_earlier_ledgers_are_known_again(site: Site, restored: bool) -> None:
    """They were URLs with a fragment: an article of a home page has its id by one, when its document is renamed."""
    path = site.document("home", title="At home", webUrl="https://home.example/")
    site.document("a", related=[{"title": "Elsewhere", "webUrl": "https://other.example/"}])
    site.options["related"] = "expand"
    site.regenerate()
    ids = site.ids()
    with closing(sqlite3.connect(site.store / LEDGER_FILE)) as connection:
        for table, column in {"article": "key", "url": "url", "path": "path", "path ": "title"}.items():
            connection.execute(f"UPDATE {table} SET {column} = replace({column}, ' t:', '#')")
        connection.execute("DELETE FROM url WHERE instr(url, '#') = 0 AND url LIKE 'https://home%'")
        connection.execute("DROP TABLE kept")
        connection.execute("PRAGMA user_version = 7")
        connection.commit()
    path.rename(path.with_name("renamed.md"))
    if restored:
        backup = site.root / BACKUP
        with closing(sqlite3.connect(site.store / LEDGER_FILE)) as connection:
            backup.write_text("\n".join(back_up_rows(connection)))
        shutil.rmtree(site.store)
        assert site.run(BACKUP, command="ledger restore").status == 0
    site.regenerate()
    assert site.ids() == ids


def back_up_rows(connection: sqlite3.Connection) -> list[str]:
    """The lines of a backup of a ledger of version 7."""
    identity = connection.execute("SELECT value FROM meta WHERE name = 'identity'").fetchone()[0]
    rows: list[dict[str, Any]] = [{"ledger": 7, "identity": identity}]
    for table in TABLES.keys() - {"kept"}:
        found = connection.execute(f"SELECT * FROM {table}")
        names = [column[0] for column in found.description]
        rows += [{"table": table} | dict(zip(names, row, strict=True)) for row in found]
    lines = list(map(json.dumps, rows))
    digest = sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()
    return [*lines, json.dumps({"sha256": digest}), ""]


def test_who_stands_for_others_is_backed_up(site: Site) -> None:
    """The survivor that subscribers know stays the survivor after the store was lost."""
    site.options["alike"] = Alike(timedelta(days=3), 0.75)
    headline = "Tide kites pass their first winter"
    site.document("a", title=headline, provider={"name": "Gazette"})
    site.regenerate()
    site.document("b", title=headline, provider={"name": "Dispatch"}, quality=9)
    site.regenerate()
    tree = site.tree()
    back_up_to(site)
    shutil.rmtree(site.store)
    assert site.run(BACKUP, command="ledger restore").status == 0
    site.regenerate()
    assert site.tree() == tree
    assert [entry["link"] for entry in site.feed()] == ["https://news.example/a"]


def test_an_older_backup_over_a_newer_ledger_is_caught_up_with(lived: Site) -> None:
    """What happened since is worked out again, as a rebuild would; files that came since are others', until they are
    adopted.
    """
    back_up_to(lived)
    lived.now = day(103)
    lived.document("a", topics=["New"], title="Edited")
    (lived.articles / "b.md").unlink()
    lived.document("d", topics=["rare"])
    lived.regenerate()
    done = lived.run(BACKUP, command="ledger restore")
    assert done.status == 0
    lived.now = day(104)
    assert [line for line in told(lived.regenerate()) if "--adopt" not in line] == []
    assert sorted(lived.titles()) == ["About c", "About d", "Edited"]
    assert lived.regenerate(adopt=True).problems == ()
    assert lived.rebuilt() == lived.tree()
    assert lived.regenerate().changes == ()


def test_the_ledger_that_was_there_is_kept_aside(lived: Site) -> None:
    """Each time under a new name, whole."""
    backup = back_up_to(lived).read_bytes()
    (lived.articles / "é.md").unlink()
    lived.regenerate()
    newer = back_up_to(lived, "newer.jsonl").read_bytes()
    for number in (1, 2):
        done = lived.run(BACKUP, command="ledger restore")
        assert done.err.startswith(f"the ledger that was there is kept as {lived.store}/ledger.sqlite.old-{number}\n")
    (lived.store / "ledger.sqlite.old-1").rename(lived.store / "ledger.sqlite")
    assert back_up_to(lived).read_bytes() == newer != backup


# Backups that are none


def cut(lines: list[str]) -> list[str]:
    return lines[:-1]


def cut_in_a_line(lines: list[str]) -> list[str]:
    return [*lines[:5], lines[5][:-9]]


def a_line_less(lines: list[str]) -> list[str]:
    return lines[:5] + lines[6:]


def a_line_twice(lines: list[str]) -> list[str]:
    return [*lines[:-1], lines[-2], lines[-1]]


def altered(lines: list[str]) -> list[str]:
    return [line.replace("about", "above") for line in lines]


def something_behind(lines: list[str]) -> list[str]:
    return [*lines, lines[3]]


def another_version(lines: list[str]) -> list[str]:
    return ['{"ledger": 7, "identity": "x"}', *lines[1:]]


def another_table(lines: list[str]) -> list[str]:
    return [lines[0], '{"table": "sqlite_master", "type": "table"}', *lines[1:]]


def empty(lines: list[str]) -> list[str]:
    return []


def something_else(lines: list[str]) -> list[str]:
    return ["Dear reader,", "this is no backup."]


def bytes_that_are_no_text(lines: list[str]) -> list[str]:
    return [lines[0], "\udcff\udcfe", *lines[1:]]


def deep(lines: list[str]) -> list[str]:
    return [lines[0], "[" * 100_000]


def deep_head(lines: list[str]) -> list[str]:
    return ["[" * 100_000]


def huge_number(lines: list[str]) -> list[str]:
    return [lines[0], '{"table": "topic", "topic": "a", "slug": 99999999999999999999999}']


@pytest.mark.parametrize(
    "harm",
    [
        cut, cut_in_a_line, a_line_less, a_line_twice, altered, something_behind, another_version, another_table,
        empty, something_else, bytes_that_are_no_text, deep, deep_head, huge_number,
    ],
)  # fmt: skip
def test_what_is_no_whole_backup_is_refused_and_nothing_changes(
    published: Site, harm: Callable[[list[str]], list[str]]
) -> None:
    """It is told in a line that names the file."""
    with closing(Ledger(published.store)) as ledger:
        lines = list(back_up(ledger))
    text = "".join(f"{line}\n" for line in harm(lines))
    assert text.splitlines() != lines
    (published.root / BACKUP).write_text(text, "utf-8", "surrogateescape")
    before = everything(published)
    done = published.run(BACKUP, command="ledger restore")
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith(f"aggregator: {BACKUP}: ")
    assert done.err.count("\n") == 1
    assert everything(published) == before


def test_a_refused_backup_leaves_no_trace_where_there_is_no_store_yet(site: Site) -> None:
    """A first run goes on as if nothing had been tried."""
    (site.root / BACKUP).write_text('{"ledger": 1, "identity": "another"}\n')
    assert site.run(BACKUP, command="ledger restore").status == 2
    assert not site.output.exists()
    assert list(site.store.iterdir()) == []
    assert site.run().status == 0


def test_another_stores_backup_is_refused(published: Site, tmp_path: Path) -> None:
    """The output folder says which ledger it was written by."""
    other = Site(tmp_path / "other")
    other.regenerate()
    shutil.copy(back_up_to(other), published.root)
    before = everything(published)
    done = published.run(BACKUP, command="ledger restore")
    assert done.status == 2
    assert f"{BACKUP}: the backup of another store: " in done.err
    assert everything(published) == before


def test_nothing_is_restored_while_another_process_works(published: Site) -> None:
    """It exits with 3, and changes nothing."""
    back_up_to(published)
    identity = (published.output / ".aggregator").read_text().split()[0]
    with publish.claimed(published.output, published.store, identity):
        before = everything(published)
        done = published.run(BACKUP, command="ledger restore")
        assert done.status == 3
        assert "is at work" in done.err
        assert everything(published) == before
        assert published.run("-", command="ledger backup").status == 0  # looking is free


def test_a_backup_that_fails_leaves_the_older_one(published: Site, tmp_path: Path) -> None:
    """Without a ledger, or with a damaged one, there is nothing to back up."""
    backup = back_up_to(published)
    before = backup.read_bytes()
    (published.store / "ledger.sqlite").write_bytes(b"no ledger" * 1000)
    assert published.run(BACKUP, command="ledger backup").status == 3
    shutil.rmtree(published.store)
    done = published.run(BACKUP, command="ledger backup")
    assert done.status == 3
    assert "there is no ledger yet" in done.err
    assert backup.read_bytes() == before
    assert not published.store.exists()


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
words = st.sampled_from(
    ["ledger", "identity", "table", "meta", "topic", "slug", "name", "value", "sha256", "1", "file"]
)
values = st.recursive(
    scalars | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=5),
    max_leaves=9,
)


@given(st.lists(values.map(json.dumps) | st.text(), max_size=4), st.booleans())
@settings(max_examples=100)
def test_no_lines_are_more_than_refused(lines: list[str], headed: bool) -> None:
    """Whatever a file holds, restoring it ends in a ledger or in BackupRefused."""
    head = ['{"ledger": 1, "identity": "x"}'] if headed else []
    with TemporaryDirectory() as folder:
        try:
            identity_of((head + lines or [""])[0])
            restore(Path(folder), head + lines)
        except BackupRefused:
            assert list(Path(folder).iterdir()) == []


@given(st.lists(st.tuples(st.text(min_size=1), st.text(min_size=1)), max_size=3))
@settings(max_examples=30)
def test_any_names_survive(topics: list[tuple[str, str]]) -> None:
    """A ledger comes back row by row, in whatever letters."""

    def rows(ledger: Ledger) -> Iterator[dict[str, Any]]:
        return (row for row in map(json.loads, back_up(ledger)) if row.get("name") != "mark" and "sha256" not in row)

    with TemporaryDirectory() as folder:
        place = Path(folder)
        with closing(Ledger(place)) as ledger:
            ledger.name(topics, day(1))
            ledger.commit(day(1))
            lines, before = list(back_up(ledger)), list(rows(ledger))
        restore(place, (f"{line}\n" for line in lines))
        with closing(Ledger(place)) as ledger:
            assert list(rows(ledger)) == before
