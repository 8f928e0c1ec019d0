"""Every decision that can't be worked out again: ids, slugs, withdrawals, what was published.

Each write is repeatable: a run that was killed after the ledger's commit does the same again and changes nothing.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

from msgspec.json import Decoder, encode
from msgspec.structs import replace

from aggregator.errors import AggregatorError, LedgerCorrupt, StoreError
from aggregator.model import EPOCH, SPARE, Holding, Lead, Shown, Tombstone, from_micros, is_spare, to_micros
from aggregator.store.database import Database, is_outside, make_folder
from aggregator.store.digests import Digests
from aggregator.store.index import FILE as INDEX
from aggregator.store.ledger_schema import SCHEMA, TABLES, UPGRADES, VERSION
from aggregator.store.pruned import Pruned
from aggregator.store.soundness import LOST, holds_its_kinds
from aggregator.text.plain import nfc
from aggregator.text.unseen import folded
from aggregator.text.urls import again, canonical

FILE = "ledger.sqlite"

_SHOWN = Decoder(Shown)
_NO_VERSION = 1000  # a greater one was never written by anybody


# What is withdrawn stays so, and what is back: of the two instants, the later one stays the later one.
_BROUGHT_BACK = (
    """
    UPDATE article SET (first_seen, withdrawn, restored) = (
        min(first_seen, :now), min(withdrawn, :now), min(restored, :now - (restored < withdrawn)))
      WHERE max(first_seen, coalesce(withdrawn, 0), coalesce(restored, 0)) > :now
    """,
    "UPDATE OR REPLACE tombstone SET withdrawn = :now WHERE withdrawn > :now",
    "UPDATE topic SET since = :now WHERE since > :now",
    "UPDATE feed SET lapsed = :now WHERE lapsed > :now",
    "UPDATE missing SET since = :now WHERE since > :now",
    "UPDATE kept SET since = :now WHERE since > :now",
    "DELETE FROM digest_member WHERE until > :now",
    "DELETE FROM digest WHERE until > :now",
    "UPDATE digest SET updated = :now WHERE updated > :now",
)


class Stand(NamedTuple):
    """Where the entry of an id is: the topics in whose feeds (None: it is no entry), from when it is to be seen (µs
    since 1970; of one that was seen already, the instant from which, also where it is no entry now; 0: none was ever to
    be seen), and whether it is withdrawn."""

    topics: tuple[str, ...] | None = None
    published: int = 0
    away: bool = False


class Record(NamedTuple):
    """What is remembered of an id: the key it was given for, when it was first seen, and since when it is withdrawn
    (None: it isn't).
    """

    key: str
    first_seen: datetime
    withdrawn: datetime | None


class Out(NamedTuple):
    """A feed that is out, or an archive of one: its topic as spelled, since when it doesn't qualify (None: it does),
    and what it shows.
    """

    spelled: str
    lapsed: datetime | None
    shown: Shown


class News(NamedTuple):
    """What became of a published file: written or removed. A later one has a greater `age`."""

    age: int
    outcome: str
    path: str


class Ledger:
    """The ledger of the store in `folder`. Raises LedgerCorrupt, which says what to do, and StoreError.

    `tracking`: the configuration's part of the rules by which URLs are canonical. `digests` and `pruned` have the
    tables of those.
    """

    def __init__(self, folder: Path, *, dry: bool = False, tracking: tuple[str, ...] = ()) -> None:
        self.tracking = tracking
        path = folder / FILE
        if not dry:
            make_folder(folder)
        try:
            self.database = Database(None if dry and not path.exists() else path, durable=True, dry=dry)
            try:
                self._prepare(path)
            except BaseException:
                self.close()
                raise
        except (sqlite3.Error, UnicodeDecodeError) as error:  # a message of SQLite's may quote what is damaged
            if isinstance(error, sqlite3.Error) and is_outside(error):
                raise StoreError(f"{path}: {error}") from error
            raise LedgerCorrupt(DAMAGED.format(path=path)) from error  # our own statements fit our own tables
        self._path = path
        self._vouched = False
        self.digests = Digests(self.database)
        self.pruned = Pruned(self.database)

    def _prepare(self, path: Path) -> None:
        version = self.database.version
        if not version and not path.with_name(INDEX).exists():
            self.database.create(SCHEMA, VERSION)
        elif not 0 < version < _NO_VERSION or not self.database.sound():
            raise LedgerCorrupt(DAMAGED.format(path=path))
        elif version > VERSION:
            raise StoreError(f"{path}: made by a newer aggregator; use that one")
        self.database.upgrade(UPGRADES, VERSION)
        self.database.begin()
        if self._meta("mark") is None:  # a write that has nothing to do takes the lock too, and readers need none
            self.database.execute("INSERT OR IGNORE INTO meta VALUES ('identity', ?)", (uuid4().hex,))
            self.database.execute("INSERT OR IGNORE INTO meta VALUES ('mark', '')")
        self.database.commit()

    def close(self) -> None:
        self.database.close()

    @contextmanager
    def trusted(self) -> Iterator[None]:
        """Tell damage of the ledger for what it is, whatever it leads to within. Raises LedgerCorrupt.

        SQLite doesn't notice all of it: a value may be of another kind than was put there, or not be found.
        """
        try:
            yield
        except AggregatorError:
            raise
        except Exception as error:
            if isinstance(error, sqlite3.Error) and is_outside(error):
                raise
            if self.sound() and not any(map(self.database.one, LOST)):
                raise
            raise LedgerCorrupt(DAMAGED.format(path=self._path)) from error

    def rollback(self) -> None:
        """Undo what wasn't committed."""
        self.database.rollback()

    def sound(self) -> bool:
        """Whether the file is undamaged, and each value in it of its kind. This takes a while."""
        return self.database.sound(thorough=True) and all(holds_its_kinds(self.database, table) for table in TABLES)

    def _vouch(self) -> None:
        """See, once, that nothing was overlooked before something is given for ever. Raises LedgerCorrupt."""
        if not self._vouched and not self.database.sound(thorough=True):
            raise LedgerCorrupt(DAMAGED.format(path=self._path))
        self._vouched = True

    def is_in_place(self) -> bool:
        """Whether the file is still where it was opened."""
        return self.database.is_in_place()

    # What the store as a whole needs to know

    @property
    def identity(self) -> str:
        """The name of this store, kept for ever."""
        return str(self._meta("identity"))

    @property
    def mark(self) -> str:
        """Changes whenever something changed that the index must have seen."""
        return str(self._meta("mark"))

    @property
    def clock(self) -> str:
        """Changes whenever later instants than now were brought back; "" where none ever was."""
        return str(self._meta("clock") or "")

    @property
    def newest(self) -> datetime | None:
        """The latest instant that the ledger remembers."""
        newest = self._meta("newest")
        return None if newest is None else from_micros(newest)

    @property
    def blank(self) -> bool:
        """Whether no id was ever given."""
        return self.database.one("SELECT 1 FROM article LIMIT 1") is None

    def _canonical(self, url: str) -> str:
        return canonical(again(url), self.tracking)

    def _meta(self, name: str) -> Any:
        return self.database.one("SELECT value FROM meta WHERE name = ?", (name,))

    def _put_meta(self, name: str, value: Any) -> None:
        self.database.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    def commit(self, now: datetime | None = None) -> None:
        """Make the changes permanent; `now` where the index must see them too."""
        if now:
            self._put_meta("mark", uuid4().hex)
            self.reach(now)
        self.database.commit()

    def reach(self, now: datetime) -> None:
        """Remember that something was decided at an instant: no run may go back behind it."""
        self._put_meta("newest", max(self._meta("newest") or 0, to_micros(now)))

    def bring_back(self, now: datetime) -> None:
        """Make all that is remembered of later instants be of now: the clock was wrong then.

        Periods of digests that aren't over are forgotten, and chosen when they are.
        """
        at = to_micros(now)
        if (self._meta("newest") or at) <= at:
            return
        for statement in _BROUGHT_BACK:
            self.database.execute(statement, {"now": at})
        for topic, month, shown in self.database.execute(
            "SELECT topic, month, shown FROM feed WHERE shown IS NOT NULL"
        ).fetchall():
            showed = _SHOWN.decode(shown)
            if showed.updated > now:
                text = encode(replace(showed, updated=now)).decode()
                self.database.execute("UPDATE feed SET shown = ? WHERE (topic, month) = (?, ?)", (text, topic, month))
        self._put_meta("newest", at)
        self._put_meta("clock", uuid4().hex)

    # Identity

    def holdings(self, paths: Sequence[str]) -> dict[str, Holding]:
        """What is remembered of these paths."""
        rows = self.database.execute(
            "SELECT p.path, p.id, a.age, a.key, p.title, p.date, p.urls FROM path p JOIN article a ON a.id = p.id"
            " WHERE p.path IN (SELECT value FROM json_each(?))",
            (json.dumps(paths),),
        )
        return {
            path: Holding(id, age, key, title, date, frozenset(map(self._canonical, json.loads(urls))))
            for path, id, age, key, title, date, urls in rows
        }

    def holdings_of(self, ids: Sequence[str]) -> dict[str, Holding]:
        """What is remembered of the paths that these ids were given to, by path."""
        paths = self.database.column(
            "SELECT path FROM path WHERE id IN (SELECT value FROM json_each(?)) ORDER BY path", (json.dumps(ids),)
        )
        return self.holdings(paths)

    def urls_of(self, ids: Sequence[str]) -> list[tuple[str, str]]:
        """The canonical URLs that these ids were given for, as (id, URL)."""
        return self.database.execute(
            "SELECT id, url FROM url WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id, url", (json.dumps(ids),)
        ).fetchall()

    def shown(self, ids: Sequence[str], now: datetime) -> list[str]:
        """Those of these ids that subscribers know: their entries are in the feeds, or once were."""
        return self.database.column(
            """
            SELECT id FROM article WHERE id IN (SELECT value FROM json_each(?1))
              AND (withdrawn IS NOT NULL OR published <= ?2 AND (topics IS NOT NULL OR published <> 0)) ORDER BY id
            """,
            (json.dumps(ids), to_micros(now)),
        )

    def seen(self, ids: Iterable[str], now: datetime) -> set[str]:
        """Those of these ids whose entries are in the feeds, as last settled."""
        return set(
            self.database.column(
                """
                SELECT id FROM article WHERE id IN (SELECT value FROM json_each(?))
                  AND topics IS NOT NULL AND published <= ?
                """,
                (json.dumps(sorted(ids)), to_micros(now)),
            )
        )

    def ids_of(self, urls: Sequence[str]) -> list[str]:
        """The ids once given for any of these canonical URLs, the oldest first."""
        return self.database.column(
            "SELECT DISTINCT u.id FROM url u JOIN article a ON a.id = u.id"
            " WHERE u.url IN (SELECT value FROM json_each(?)) ORDER BY a.age",
            (json.dumps(urls),),
        )

    def knows(self, id: str) -> bool:
        """Whether this id was ever given."""
        return self.database.one("SELECT 1 FROM article WHERE id = ?", (id,)) is not None

    def give(self, ids: Iterable[tuple[str, str]], now: datetime) -> None:
        """Remember new ids, as (id, key), in the order in which they age."""
        ids = list(ids)
        if ids:
            self._vouch()
        self.database.executemany(
            "INSERT OR IGNORE INTO article (id, key, first_seen) VALUES (?, ?, ?)",
            [(id, key, to_micros(now)) for id, key in ids],
        )

    def put_aside(self, ids: Iterable[tuple[str, str]]) -> None:
        """Make ids that were put aside for others younger than those, as (id, other), in this order."""
        self.database.executemany(
            """
            UPDATE article SET age = (SELECT max(age) + 1 FROM article)
              WHERE id = ?1 AND age < (SELECT age FROM article WHERE id = ?2)
            """,
            ids,
        )

    def bind(self, leads: Sequence[tuple[str, str, Lead]]) -> None:
        """Remember leads as (id of the article, id that the path has of its own, lead)."""
        self.database.executemany(
            "INSERT INTO path VALUES (?, ?, ?, ?, ?) ON CONFLICT (path) DO UPDATE SET id = excluded.id,"
            " title = excluded.title, date = excluded.date, urls = excluded.urls"
            " WHERE (id, title, urls) <> (excluded.id, excluded.title, excluded.urls) OR date IS NOT excluded.date",
            [
                (lead.path, own, lead.title, lead.date, json.dumps(_own_urls(lead), ensure_ascii=False))
                for _, own, lead in leads
            ],
        )
        self.database.executemany(
            "INSERT OR IGNORE INTO url VALUES (?, ?, ?)",
            [(url, id, None if written == url else written) for id, _, lead in leads for url, written in lead.urls],
        )

    def unbind(self, keys: Sequence[str]) -> None:
        """Forget to which ids these paths belong, or keys of articles without a document."""
        self.database.executemany("DELETE FROM path WHERE path = ?", [(key,) for key in keys])

    def unbind_others(self, ids: Sequence[tuple[str, Sequence[str]]]) -> None:
        """Forget all paths that these ids were given to but those that are named, as (id, paths)."""
        self.database.executemany(
            "DELETE FROM path WHERE id = ? AND path NOT IN (SELECT value FROM json_each(?))",
            [(id, json.dumps(paths)) for id, paths in ids],
        )

    def unbind_urls(self, ids: Sequence[str]) -> None:
        """Forget all URLs that these ids were given for."""
        self.database.execute("DELETE FROM url WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(ids),))

    def bind_urls(self, urls: Sequence[tuple[str, str]]) -> None:
        """Remember for which URLs ids were given, as (canonical, id)."""
        self.database.executemany("INSERT OR IGNORE INTO url VALUES (?, ?, NULL)", urls)

    def respell(self) -> None:
        """Work the canonical URLs out again from those as written, under new rules, and the identities of topics; spare
        keys stay as they are.
        """
        self._fold_topics()
        rows = self.database.execute(f"SELECT url, id, written FROM url WHERE instr(url, '{SPARE}') = 0").fetchall()
        spelled = [(self._canonical(written or url), id, written or url) for url, id, written in rows]
        changed = [row for row, (url, _, _) in zip(spelled, rows, strict=True) if row[0] != url]
        self.database.executemany("INSERT OR IGNORE INTO url VALUES (?, ?, ?)", changed)

    def _fold_topics(self) -> None:
        """Give what is remembered of a topic to its identity under today's rules, where none is known by that yet."""
        known = set(self.database.column("SELECT topic FROM topic UNION SELECT topic FROM feed"))
        moved = {topic: nfc(folded(topic)) for topic in sorted(known)}
        moved = {topic: new for topic, new in moved.items() if new not in known}
        if not moved:
            return
        for table in ("topic", "tombstone", "feed", "file", "digest", "digest_member"):
            self.database.executemany(
                f"UPDATE OR IGNORE {table} SET topic = ? WHERE topic = ?", [(new, old) for old, new in moved.items()]
            )
        rows = self.database.execute("SELECT id, topics FROM article WHERE topics IS NOT NULL").fetchall()
        stands = [(id, topics, [moved.get(topic, topic) for topic in json.loads(topics)]) for id, topics in rows]
        changed = [(json.dumps(new, ensure_ascii=False), id) for id, old, new in stands if json.loads(old) != new]
        self.database.executemany("UPDATE article SET topics = ? WHERE id = ?", changed)

    # First seen, withdrawn, restored

    def standing(self, ids: Sequence[str]) -> dict[str, Stand]:
        """How these ids stood when last settled, of those that were ever given."""
        rows = self.database.execute(
            """
            SELECT id, topics, published, withdrawn IS NOT NULL AND coalesce(restored < withdrawn, true) FROM article
              WHERE id IN (SELECT value FROM json_each(?))
            """,
            (json.dumps(ids),),
        )
        return {
            id: Stand(None if topics is None else tuple(json.loads(topics)), published or 0, bool(away))
            for id, topics, published, away in rows
        }

    def entries(self) -> list[str]:
        """The ids of all that was an entry when last settled."""
        return self.database.column("SELECT id FROM article WHERE topics IS NOT NULL")

    def record(self, id: str) -> Record | None:
        """What is remembered of an id; None where it was never given."""
        row = self.database.execute(
            """
            SELECT key, first_seen, CASE WHEN coalesce(restored < withdrawn, true) THEN withdrawn END FROM article
              WHERE id = ?
            """,
            (id,),
        ).fetchone()
        if row is None:
            return None
        return Record(row[0], from_micros(row[1]), None if row[2] is None else from_micros(row[2]))

    def met(self, topic: str) -> datetime:
        """The instant of the run in which a topic was met; of everything, "", that of the first run."""
        begun = "SELECT since FROM topic WHERE topic = ?1"
        if not topic:
            begun = "SELECT min(first_seen) FROM article WHERE ?1 = ''"
        return from_micros(self.database.one(begun, (topic,)) or 0)

    def arrivals(self, after: datetime, most: int) -> dict[str, datetime]:
        """The ids that were first seen after an instant, and when that was; no more than so many."""
        rows = self.database.execute(
            "SELECT id, first_seen FROM article WHERE first_seen > ? LIMIT ?", (to_micros(after), most)
        )
        return {id: from_micros(seen) for id, seen in rows}

    def first_seen(self, ids: Iterable[str], after: datetime) -> dict[str, datetime]:
        """When these ids were first seen, of those that were so after an instant."""
        rows = self.database.execute(
            """
            SELECT article.id, first_seen FROM json_each(?) CROSS JOIN article ON article.id = value
              WHERE first_seen > ?
            """,
            (json.dumps(list(ids)), to_micros(after)),
        )
        return {id: from_micros(seen) for id, seen in rows}

    def paths_of(self, id: str) -> list[str]:
        """The documents that an id was given to."""
        return self.database.column("SELECT path FROM path WHERE id = ?", (id,))

    def paths_of_all(self, ids: Sequence[str]) -> list[str]:
        """The documents that any of these ids was given to."""
        return self.database.column(
            "SELECT path FROM path WHERE id IN (SELECT value FROM json_each(?)) ORDER BY path", (json.dumps(ids),)
        )

    def paths(self) -> list[str]:
        """All documents that ever led to an article."""
        return self.database.column("SELECT path FROM path")

    def histories(self) -> Iterator[tuple[list[str], bool]]:
        """Of each id, the documents that it was ever given to, and whether it was an entry when last settled."""
        rows = self.database.execute(
            "SELECT p.id, a.topics IS NOT NULL, p.path FROM path p JOIN article a ON a.id = p.id ORDER BY p.id, p.path"
        )
        for (_, is_entry), some in groupby(rows, key=lambda row: row[:2]):
            yield [path for *_, path in some], bool(is_entry)

    def withdrawn_paths(self, source: str) -> list[str]:
        """The documents of a source whose articles are withdrawn."""
        return self.database.column(
            """
            SELECT p.path FROM path p JOIN article a ON a.id = p.id
              WHERE a.withdrawn IS NOT NULL AND coalesce(a.restored < a.withdrawn, true)
                AND substr(p.path, 1, ?1) = ?2
            """,
            (len(source) + 1, source + "/"),
        )

    # What the guard holds

    def missing(self) -> dict[str, dict[str, int]]:
        """The documents that are held though they are missing, by source, and how many that had when they went."""
        found: dict[str, dict[str, int]] = {}
        for path, source, known in self.database.execute("SELECT path, source, known FROM missing"):
            found.setdefault(source, {})[path] = known
        return found

    def held(self, paths: Iterable[str]) -> dict[str, datetime | None]:
        """Those of these documents that are held, and since when they are missing (None: that isn't known)."""
        rows = self.database.execute(
            "SELECT path, since FROM missing WHERE path IN (SELECT value FROM json_each(?))", (json.dumps(list(paths)),)
        )
        return {path: None if since is None else from_micros(since) for path, since in rows}

    def hold(self, source: str, paths: Collection[str], known: int, now: datetime) -> None:
        """Remember that these of the documents known of a source are missing, and held from now on."""
        if not paths:
            return
        self.database.executemany(
            "INSERT OR REPLACE INTO missing VALUES (?, ?, ?, ?)",
            [(path, source, known, to_micros(now)) for path in paths],
        )
        self.reach(now)

    def release(self, paths: Iterable[str]) -> None:
        """Remember that these documents are there again, or let go."""
        self.database.executemany("DELETE FROM missing WHERE path = ?", [(path,) for path in paths])

    # What becomes of entries

    def settle(self, standings: Sequence[tuple[str, Stand]]) -> None:
        """Remember in which topics' feeds entries are from now on, and when they were published."""
        self.database.executemany(
            "UPDATE article SET topics = ?, published = ? WHERE id = ?",
            [
                (None if new.topics is None else json.dumps(new.topics, ensure_ascii=False), new.published, id)
                for id, new in standings
            ],
        )

    def survivors(self, ids: Sequence[str]) -> dict[str, int]:
        """The ages of these survivors among all, of those that stand for others: who did so earlier has the smaller
        one.
        """
        return dict(
            self.database.execute(
                "SELECT id, age FROM survivor WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(ids),)
            )
        )

    def let_stand(self, ids: Iterable[str]) -> None:
        """Remember that these stand for others, in this order, until they stand down."""
        self.database.executemany("INSERT OR IGNORE INTO survivor (id) VALUES (?)", [(id,) for id in ids])

    def stand_down(self, ids: Iterable[str]) -> None:
        """Forget that these stand for others."""
        self.database.executemany("DELETE FROM survivor WHERE id = ?", [(id,) for id in ids])

    def withdraw(self, id: str, topics: Sequence[str], now: datetime) -> None:
        """Remember that the entry was withdrawn from the feeds of these topics."""
        self.database.execute(
            "UPDATE article SET (withdrawn, restored) = (?1, min(restored, ?1 - 1)) WHERE id = ?2", (to_micros(now), id)
        )
        self.database.executemany(
            "INSERT OR IGNORE INTO tombstone VALUES (?, ?, ?)",
            [(topic, id, to_micros(now)) for topic in topics],
        )

    def restore(self, id: str, now: datetime) -> None:
        """Remember that a withdrawn entry is back."""
        self.database.execute("UPDATE article SET restored = ? WHERE id = ?", (to_micros(now), id))

    def restored(self, ids: Sequence[str]) -> dict[str, datetime]:
        """When these entries last came back, of those that did."""
        rows = self.database.execute(
            "SELECT id, restored FROM article WHERE restored IS NOT NULL AND id IN (SELECT value FROM json_each(?))",
            (json.dumps(ids),),
        )
        return {id: from_micros(restored) for id, restored in rows}

    def last_withdrawal(self, topic: str) -> datetime | None:
        """When an entry was last withdrawn from this topic's feed."""
        last = self.database.one("SELECT max(withdrawn) FROM tombstone WHERE topic = ?", (topic,))
        return None if last is None else from_micros(last)

    def withdrawn(self, topics: Sequence[str], after: datetime, until: datetime, most: int) -> list[Tombstone]:
        """The entries that were withdrawn from the feed of any of these topics after one instant and until another, and
        aren't back: the last first, and no more than so many.
        """
        rows = self.database.execute(
            """
            SELECT DISTINCT t.id, t.withdrawn FROM json_each(?) CROSS JOIN tombstone t ON t.topic = value
              CROSS JOIN article a ON a.id = t.id AND a.withdrawn = t.withdrawn
              WHERE t.withdrawn > ? AND t.withdrawn <= ? AND coalesce(a.restored < a.withdrawn, true)
              ORDER BY t.withdrawn DESC, t.id LIMIT ?
            """,
            (json.dumps(topics), to_micros(after), to_micros(until), most),
        )
        return [Tombstone(id, from_micros(withdrawn)) for id, withdrawn in rows]

    def withdrawn_from(self, id: str) -> list[str]:
        """The topics from whose feeds an entry was ever withdrawn."""
        return self.database.column("SELECT DISTINCT topic FROM tombstone WHERE id = ? ORDER BY topic", (id,))

    def telling(self, after: datetime) -> list[str]:
        """The topics from whose feeds entries were withdrawn after an instant."""
        return self.database.column(
            "SELECT DISTINCT topic FROM tombstone WHERE withdrawn > ? ORDER BY topic", (to_micros(after),)
        )

    def first_withdrawal(self, topics: Sequence[str], after: datetime) -> datetime | None:
        """When an entry was first withdrawn from the feed of any of these topics, after an instant."""
        first = self.database.one(
            "SELECT min(withdrawn) FROM json_each(?) CROSS JOIN tombstone ON topic = value WHERE withdrawn > ?",
            (json.dumps(topics), to_micros(after)),
        )
        return None if first is None else from_micros(first)

    # Topics and feeds

    def slugs(self) -> dict[str, str]:
        """The slug of every topic met so far."""
        return dict(self.database.execute("SELECT topic, slug FROM topic"))

    def name(self, topics: Iterable[tuple[str, str]], now: datetime) -> None:
        """Give slugs for ever, as (topic, wished), to those not met before; a second comer gets `-2` and so on."""
        known = self.slugs()
        for topic, wished in topics:
            if topic in known:
                continue
            self._vouch()
            slug, number = wished, 1
            while self.database.one("SELECT 1 FROM topic WHERE slug = ? AND topic <> ?", (slug, topic)):
                number += 1
                slug = f"{wished}-{number}"
            self.database.execute("INSERT OR IGNORE INTO topic VALUES (?, ?, ?)", (topic, slug, to_micros(now)))

    def feeds(self) -> list[str]:
        """The topics whose feeds are out."""
        return self.database.column("SELECT topic FROM feed WHERE month = 0 ORDER BY topic")

    def archives(self) -> list[tuple[str, int]]:
        """The archives that are out, as (topic, month)."""
        return self.database.execute("SELECT topic, month FROM feed WHERE month > 0 ORDER BY topic, month").fetchall()

    def archives_of(self, topic: str) -> list[int]:
        """The months of a feed's archives that are out."""
        return self.database.column("SELECT month FROM feed WHERE topic = ? AND month > 0 ORDER BY month", (topic,))

    def feed(self, topic: str, month: int = 0) -> Out | None:
        """What is remembered of a feed that is out, or of an archive of it; None: it isn't."""
        row = self.database.execute(
            "SELECT spelled, lapsed, shown FROM feed WHERE (topic, month) = (?, ?)", (topic, month)
        ).fetchone()
        return _out(*row) if row else None

    def feeds_out(self) -> dict[str, Out]:
        """What is remembered of all feeds that are out, by topic."""
        rows = self.database.execute("SELECT topic, spelled, lapsed, shown FROM feed WHERE month = 0 ORDER BY topic")
        return {topic: _out(*row) for topic, *row in rows}

    def put_feed(self, topic: str, month: int, out: Out) -> bool:
        """Remember that a feed is out, or an archive of it, and how; whether that is news."""
        lapsed = to_micros(out.lapsed) if out.lapsed else None
        done = self.database.execute(
            """
            INSERT INTO feed VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE
              SET (spelled, lapsed, shown) = (excluded.spelled, excluded.lapsed, excluded.shown)
              WHERE (spelled, lapsed, shown) IS NOT (excluded.spelled, excluded.lapsed, excluded.shown)
            """,
            (topic, month, out.spelled, lapsed, encode(out.shown).decode()),
        )
        return bool(done.rowcount)

    def drop_feed(self, topic: str, month: int) -> bool:
        """Remember that a feed is no longer out, or an archive of it; whether it was."""
        return bool(self.database.execute("DELETE FROM feed WHERE (topic, month) = (?, ?)", (topic, month)).rowcount)

    # Published files

    def files(self) -> Iterator[tuple[str, tuple[str, int], tuple[int, ...]]]:
        """The files that are out or about to be, as (path, (topic, month of an archive), (size, mtime_ns, ctime_ns,
        inode)).
        """
        for path, topic, month, *signature in self.database.execute(
            "SELECT path, topic, month, size, mtime, ctime, inode FROM file"
        ).fetchall():
            yield path, (topic, month), tuple(signature)

    def intend(self, topic: str, month: int, paths: Iterable[str]) -> None:
        """Remember that these files of a topic's feed, or of an archive of it, are ours before they are written."""
        self.database.executemany(
            "INSERT OR IGNORE INTO file (path, topic, month) VALUES (?, ?, ?)", [(path, topic, month) for path in paths]
        )

    def put_file(self, path: str, signature: tuple[int, ...], tellers: Sequence[str]) -> None:
        """Remember a file of ours as stat sees it now; if it is another than before, these have to be told."""
        changed = self.database.execute(
            """
            UPDATE file SET (size, mtime, ctime, inode) = (?1, ?2, ?3, ?4)
              WHERE path = ?5 AND (size, mtime, ctime, inode) IS NOT (?1, ?2, ?3, ?4)
            """,
            (*signature, path),
        )
        if changed.rowcount:
            self._tell(tellers, path, "written")

    def drop_file(self, path: str, tellers: Sequence[str]) -> None:
        """Forget a file that was removed, which these have to be told."""
        self.database.execute("DELETE FROM file WHERE path = ?", (path,))
        self._tell(tellers, path, "removed")

    # What hubs and hooks have to be told

    def _tell(self, tellers: Sequence[str], path: str, outcome: str) -> None:
        self.database.executemany(
            "INSERT OR REPLACE INTO news (teller, path, outcome) VALUES (?, ?, ?)",
            [(teller, path, outcome) for teller in tellers],
        )

    def news(self, teller: str) -> list[News]:
        """What this one wasn't told yet, in order."""
        rows = self.database.execute("SELECT age, outcome, path FROM news WHERE teller = ? ORDER BY age", (teller,))
        return [News(*row) for row in rows]

    def told(self, teller: str, last: News) -> None:
        """Remember that this one was told the news up to `last`; what came since stays news."""
        self.database.execute("DELETE FROM news WHERE teller = ? AND age <= ?", (teller, last.age))

    def tell_only(self, tellers: Sequence[str]) -> None:
        """Forget what others than these should have been told."""
        self.database.execute(
            "DELETE FROM news WHERE teller NOT IN (SELECT value FROM json_each(?))", (json.dumps(tellers),)
        )


def _out(spelled: str, lapsed: int | None, shown: str | None) -> Out:
    return Out(
        spelled,
        None if lapsed is None else from_micros(lapsed),
        _SHOWN.decode(shown) if shown else Shown(EPOCH),
    )


def _own_urls(lead: Lead) -> list[str]:
    """Its URLs as written, but for those that name several articles."""
    return [written for url, written in lead.urls if not is_spare(url)]


DAMAGED = (
    "{path}: the ledger is damaged, and nothing is published without it (ids would change for every"
    " subscriber). Put the newest backup back with `aggregator ledger restore FILE`; the damaged file is kept"
)
