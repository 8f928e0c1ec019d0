"""Documents in the index: which files there are, which of them changed, and what they say."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from aggregator.model import ClaimKind, Mention, Problem, to_micros
from aggregator.store.database import Database
from aggregator.store.packed import (
    Packed,
    Row,
    Saved,
    decode_mention,
    decode_problems,
    encode,
    former_mention,
    former_standing,
    pack,
)
from aggregator.store.schema import CARRIED

_LARGE = 64 << 10  # bytes

_UNREAD = """
  FROM seen s LEFT JOIN document d ON d.path = s.path
  WHERE (d.path IS NULL OR d.racy OR (d.size, d.mtime, d.ctime, d.inode) <> (s.size, s.mtime, s.ctime, s.inode))
"""

# Run for each document whose old word no longer counts: what that touches is remembered first.
_LEAVE = (
    "INSERT OR IGNORE INTO touched SELECT url FROM claim WHERE document = ?",
    "INSERT OR IGNORE INTO touched SELECT key FROM mention WHERE document = ? AND place = 0",
    "INSERT OR IGNORE INTO former SELECT article FROM lead WHERE document = ? AND article IS NOT NULL",
    "DELETE FROM mention WHERE document = ?",
    "DELETE FROM lead WHERE document = ?",
    "DELETE FROM claim WHERE document = ?",
)
_PUT_MENTION = "INSERT INTO mention VALUES (?, ?, ?, ?, ?)"
_PUT_CLAIM = "INSERT INTO claim VALUES (?, ?, ?, ?)"
_PUT_LEAD = f"INSERT INTO lead ({CARRIED['lead']}) VALUES ({', '.join('?' * 9)})"


class Unread(NamedTuple):
    """How many files are to be read, and their bytes."""

    files: int
    bytes: int


class Files:
    """The tables document, mention, lead and claim, as they are written."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def convert(self, version: int) -> None:
        """Lay out anew what a version of the index before the fourth had otherwise, in the database `former`."""
        leads = self.database.execute(
            "SELECT document, published, topics FROM former.lead ORDER BY document"
        ).fetchall()
        for document, published, topics in leads:
            rows = self.database.execute("SELECT data FROM mention WHERE document = ? ORDER BY place", (document,))
            mentions = [former_mention(data, version) for (data,) in rows]
            packed = pack(mentions, former_standing(published, topics, version))
            self.database.execute("DELETE FROM mention WHERE document = ?", (document,))
            self.database.executemany(_PUT_MENTION, _mentions(document, packed))
            self.database.execute(_PUT_LEAD, (document, *packed.lead))
            self.database.executemany(_PUT_CLAIM, _claims(document, packed))

    # What is there

    def look(self, where: Iterable[str]) -> None:
        """Note the places that are looked at: documents, or the folders or sources that they are in."""
        self.database.executemany("INSERT OR IGNORE INTO looked VALUES (?)", [(path,) for path in where])

    def see(self, rows: Iterable[Row]) -> None:
        """Note what a walk saw."""
        self.database.executemany("INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    def hold(self, where: str) -> None:
        """Keep what is known of a document, or of those in a folder, at this path."""
        self.database.execute(
            """
            INSERT OR IGNORE INTO held
              SELECT path FROM document WHERE path = ?1 OR path > ?1 || '/' AND path < ?1 || '0'
            """,
            (where,),
        )

    def forget_signatures(self) -> None:
        """Make every document be read again."""
        self.database.execute("UPDATE document SET size = -1, digest = x''")

    def unread(self, at_once: int) -> Iterator[tuple[Row, bytes]]:
        """Files that are new, look different or changed while they were read, with the digest known of them.

        They come by path, large ones after all others, which aren't to wait for them. `at_once` of them are asked for
        at a time, as what is saved meanwhile changes the answer.
        """
        for is_large in (False, True):
            last, more = "", True
            while more:
                rows = self.database.execute(
                    f"""
                    SELECT s.path, s.file, s.source, s.size, s.mtime, s.ctime, s.inode, coalesce(d.digest, x'')
                      {_UNREAD} AND s.path > ? AND (s.size > ?) = ? ORDER BY s.path LIMIT ?
                    """,
                    (last, _LARGE, is_large, at_once),
                ).fetchall()
                more = len(rows) == at_once
                for *row, digest in rows:
                    last = row[0]
                    yield Row(*row), digest

    def unread_size(self) -> Unread:
        """How much is to be read."""
        return Unread(*self.database.execute(f"SELECT count(*), coalesce(sum(s.size), 0) {_UNREAD}").fetchone())

    def seen(self, path: str) -> bool:
        """Whether the walk saw this document."""
        return self.database.one("SELECT 1 FROM seen WHERE path = ?", (path,)) is not None

    def knows(self, where: str) -> bool:
        """Whether a document is known at this path, or below it."""
        found = self.database.one(
            "SELECT 1 FROM document WHERE path = ?1 OR path > ?1 || '/' AND path < ?1 || '0' LIMIT 1", (where,)
        )
        return found is not None

    def sources(self) -> list[str]:
        """The sources that documents are known of."""
        return self.database.column("SELECT DISTINCT source FROM document ORDER BY source")

    def known(self, source: str) -> int:
        """How many documents of a source were ever read, but for those that are gone and kept."""
        return int(
            self.database.one(
                """
                SELECT count(*) FROM document JOIN lead ON lead.document = document.id
                  WHERE source = ? AND outcome <> 'kept'
                """,
                (source,),
            )
        )

    def gone(self, source: str, *, everywhere: bool) -> dict[str, bool]:
        """The documents of a source that aren't where they were looked for, at some places or everywhere: by path,
        whether they were ever read. Those that are kept already aren't among them.
        """
        rows = self.database.execute(
            f"SELECT path, EXISTS (SELECT 1 FROM lead WHERE document = id) {_missing(everywhere)} ORDER BY path",
            (source,),
        )
        return {path: bool(was_read) for path, was_read in rows}

    def kept(self, source: str | None = None) -> list[str]:
        """The documents that are gone and kept, of a source or of all."""
        return self.database.column(
            "SELECT path FROM document WHERE outcome = 'kept' AND source = coalesce(?, source) ORDER BY path", (source,)
        )

    def returned(self) -> list[str]:
        """The documents that were gone and kept, and are there again."""
        if not self.database.one("SELECT 1 FROM document WHERE outcome = 'kept' LIMIT 1"):
            return []
        return self.database.column(
            "SELECT path FROM seen CROSS JOIN document USING (path) WHERE outcome = 'kept' ORDER BY path"
        )

    def coming(self, paths: Iterable[str], now: datetime) -> set[str]:
        """Those of these documents whose instant is yet to come."""
        rows = self.database.execute(
            """
            SELECT path FROM document JOIN lead ON document = id
              WHERE path IN (SELECT value FROM json_each(?)) AND published > ?
            """,
            (json.dumps(list(paths)), to_micros(now)),
        )
        return {path for (path,) in rows}

    def listed(self, paths: Iterable[str]) -> set[str]:
        """Those of these documents whose own mention would make an entry."""
        rows = self.database.execute(
            """
            SELECT path FROM document JOIN lead ON document = id
              WHERE topics IS NOT NULL AND path IN (SELECT value FROM json_each(?))
            """,
            (json.dumps(list(paths)),),
        )
        return {path for (path,) in rows}

    def last(self) -> int:
        """The number of the document that became known last; 0: there is none."""
        return int(self.database.one("SELECT max(id) FROM document") or 0)

    # What came of reading it

    def save(self, batch: Sequence[Saved], racy_from: int) -> None:
        """Note what came of some files; those changed at or after `racy_from` (ns) are hashed again next time."""
        known = self._numbers([saved.row.path for saved in batch])
        replaced = [known[saved.row.path] for saved in batch if saved.packed and saved.row.path in known]
        before = self._related(replaced)
        self._leave([(number,) for number in replaced])
        free = self.last() + 1
        documents, mentions, leads, claims = [], [], [], []
        for row, outcome, digest, problems, packed in batch:
            number = known.get(row.path)
            if number is None:
                number, free = free, free + 1
            # What couldn't be opened has no digest, and is tried again each time: its signature tells nothing of that.
            signature = (row.size, row.mtime, row.ctime, row.inode, digest, not digest or _racy(row, racy_from))
            told = encode(problems) if problems else None
            documents.append((number, row.path, row.source, *signature, outcome, told))
            if packed:
                mentions += _mentions(number, packed)
                leads.append((number, *packed.lead))
                claims += _claims(number, packed)
        into = self.database.executemany
        into("INSERT OR REPLACE INTO document VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", documents)
        into(_PUT_MENTION, mentions)
        into(_PUT_LEAD, leads)
        into(_PUT_CLAIM, claims)
        into("INSERT OR IGNORE INTO changed VALUES (?)", [(number,) for number, *_ in leads])
        # A related entry of which the same is said as before concerns nobody.
        after = {(number, key, data) for number, place, key, data, _ in mentions if place}
        into("INSERT OR IGNORE INTO touched VALUES (?)", {(key,) for _, key, _ in before ^ after})

    def resign(self, rows: Iterable[Row], racy_from: int) -> None:
        """Note the new signatures of files whose content is the same."""
        self.database.executemany(
            "UPDATE document SET (size, mtime, ctime, inode, racy) = (?, ?, ?, ?, ?) WHERE path = ?",
            [(row.size, row.mtime, row.ctime, row.inode, _racy(row, racy_from), row.path) for row in rows],
        )

    def drop(self, paths: Sequence[str]) -> None:
        """Forget documents that are gone."""
        numbers = list(self._numbers(paths).values())
        ids = [(number,) for number in numbers]
        self.database.executemany(
            "INSERT OR IGNORE INTO touched VALUES (?)", {(key,) for _, key, _ in self._related(numbers)}
        )
        self._leave(ids)
        self.database.executemany("DELETE FROM document WHERE id = ?", ids)

    def said(self, path: str) -> list[Mention]:
        """What the last good version of a document says; nothing where there is none."""
        rows = self.database.execute(
            "SELECT data FROM document JOIN mention ON document = id WHERE path = ? ORDER BY place", (path,)
        )
        return [decode_mention(data) for (data,) in rows]

    def sources_of(self, paths: Iterable[str]) -> dict[str, str]:
        """The sources of documents, by path."""
        return dict(
            self.database.execute(
                "SELECT path, source FROM document WHERE path IN (SELECT value FROM json_each(?))",
                (json.dumps(list(paths)),),
            )
        )

    def was_read(self, path: str) -> bool:
        """Whether a good version of this document is known."""
        found = self.database.one(
            "SELECT 1 FROM document JOIN lead ON lead.document = document.id WHERE path = ?", (path,)
        )
        return found is not None

    def _leave(self, ids: Sequence[tuple[int]]) -> None:
        for statement in _LEAVE if ids else ():
            self.database.executemany(statement, ids)

    def _related(self, documents: Sequence[int]) -> set[tuple[int, str, bytes]]:
        """What documents say of the articles that they list, as (document, key, mention)."""
        return set(
            self.database.execute(
                """
                SELECT document, key, data FROM mention
                  WHERE place > 0 AND document IN (SELECT value FROM json_each(?))
                """,
                (json.dumps(documents),),
            )
        )

    def _numbers(self, paths: Sequence[str]) -> dict[str, int]:
        return dict(
            self.database.execute(
                "SELECT path, id FROM document WHERE path IN (SELECT value FROM json_each(?))",
                (json.dumps(paths),),
            )
        )

    # What there is to tell

    def count(self) -> dict[str, int]:
        """How many files had which outcome."""
        return dict(self.database.execute("SELECT outcome, count(*) FROM document GROUP BY outcome"))

    def problems(self) -> list[Problem]:
        """What is wrong with each document, by path."""
        told = self.database.column("SELECT problems FROM document WHERE problems IS NOT NULL ORDER BY path")
        return [problem for data in told for problem in decode_problems(data)]

    def untitled(self) -> list[tuple[str, Mention]]:
        """The related mentions without a title, with their documents' paths, of articles of which nobody says one."""
        rows = self.database.execute(
            """
            SELECT path, data FROM mention JOIN document ON id = document WHERE untitled
              AND NOT EXISTS (SELECT 1 FROM alias CROSS JOIN lead USING (article) WHERE url = mention.key)
              AND NOT EXISTS (
                SELECT 1 FROM mention other WHERE other.key = mention.key AND other.place > 0 AND NOT other.untitled)
              ORDER BY path, place
            """
        )
        return [(path, decode_mention(data)) for path, data in rows]


def _mentions(document: int, packed: Packed) -> list[tuple[int, int, str, bytes, bool]]:
    """What a document says, as a row for each mention."""
    return [(document, *mention) for mention in packed.mentions]


def _claims(document: int, packed: Packed) -> list[tuple[str, int, ClaimKind, bool]]:
    """What a document claims, as a row each: a page names none of its parts."""
    return [(url, document, kind, kind != ClaimKind.page) for url, kind in packed.claims]


def _missing(everywhere: bool) -> str:
    # The `+`: SQLite would make an index of all sources' documents first, for the few that are concerned.
    return f"""
      FROM {"document" if everywhere else "concerned"} d
      WHERE +source = ? AND outcome <> 'kept' AND NOT EXISTS (SELECT 1 FROM seen WHERE path = d.path)
        AND NOT EXISTS (SELECT 1 FROM held WHERE path = d.path)
    """


def _racy(row: Row, racy_from: int) -> bool:
    """Whether a file may change again and look the same. Strange times (before 1970, or too late for 64 bits, which
    `model.in_64_bits` puts there) tell nothing.
    """
    return max(row.mtime, row.ctime) >= racy_from or min(row.mtime, row.ctime) < 0
