"""Which missing documents stand under another path: the same file, the same bytes, or the same title and date."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from aggregator.store.database import Database

# What makes two documents alike, the surest first: the columns, and what they must hold to tell anything.
_KINDS = (
    ("inode, size, mtime", "size >= 0"),
    ("digest", "digest <> x''"),
    ("title, published", "title <> ''"),
)
_TITLE = _KINDS[-1]


class Former(NamedTuple):
    """A missing document that the index doesn't know: its path, folded title and date (µs since 1970; 0: none)."""

    path: str
    title: str
    published: int


class Likes:
    """The tables absent, taken and familiar, which are filled for the one question of a run."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def exclude(self, paths: Iterable[str]) -> None:
        """Note documents that are no likes: they aren't there, or are let go."""
        self.database.executemany("INSERT OR IGNORE INTO taken VALUES (?)", ((path,) for path in paths))

    def recall(self, paths: Iterable[str]) -> None:
        """Note documents that aren't new, though the index doesn't know them: the ledger does."""
        self.database.executemany("INSERT OR IGNORE INTO familiar VALUES (?)", ((path,) for path in paths))

    def find_new(self, missing: Iterable[str], last: int) -> set[str]:
        """As `find`, but only among documents that are new: that costs what these do."""
        self._fill(missing, (), ())
        new = f"(d.id > {last} AND path NOT IN (SELECT path FROM familiar))"
        return set().union(*(self._pair(kind, new, "true", whole=False) for kind in _KINDS))

    def twins(self, missing: Collection[str]) -> set[str]:
        """Those of these documents whose bytes another document of the same article has, which isn't missing."""
        rows = self.database.execute(
            """
            SELECT DISTINCT gone.path FROM json_each(?1) CROSS JOIN document gone ON gone.path = value
              CROSS JOIN lead ON lead.document = gone.id CROSS JOIN lead other ON other.article = lead.article
              CROSS JOIN document there ON there.id = other.document
              WHERE there.digest = gone.digest AND gone.digest <> x'' AND there.outcome <> 'kept'
                AND there.path NOT IN (SELECT value FROM json_each(?1))
            """,
            (json.dumps(list(missing)),),
        )
        return {path for (path,) in rows}

    def find(self, missing: Iterable[str], held: Iterable[str], former: Iterable[Former], last: int) -> set[str]:
        """The paths of those missing documents whose like stands under another path.

        Each document that is there makes up for one missing document at most. `missing`: those known to the index;
        `held`: which of all are missing since an earlier run; `former`: those that the index doesn't know. `last`: the
        number of the last document that was known before this run. What was known may have made up for something else
        already: it never counts for a held document, and by title and date only where all that are missing of that
        title and date have such a like.
        """
        self._fill(missing, held, former)
        new = f"(d.id > {last} AND path NOT IN (SELECT path FROM familiar))"
        liked: set[str] = set()
        for kind in _KINDS:
            liked |= self._pair(kind, new, "true", whole=False)
        for kind in _KINDS:
            liked |= self._pair(kind, f"NOT {new}", "NOT held", whole=kind is _TITLE)
        return liked

    def _fill(self, missing: Iterable[str], held: Iterable[str], former: Iterable[Former]) -> None:
        into = self.database.executemany
        into(
            """
            INSERT OR IGNORE INTO absent (path, inode, size, mtime, digest, title, published)
              SELECT path, inode, size, mtime, digest, title, published
                FROM document JOIN lead ON document = id WHERE path = ?
            """,
            ((path,) for path in missing),
        )
        into("INSERT INTO absent (path, size, digest, title, published) VALUES (?, -1, x'', ?, ?)", former)
        into("UPDATE absent SET held = true WHERE path = ?", ((path,) for path in held))

    def _pair(self, kind: tuple[str, str], there: str, wanted: str, *, whole: bool) -> set[str]:
        """The missing documents that get a like of this kind among those of the documents that are `there`.

        `whole`: where there are fewer likes than missing documents, none of these gets one.
        """
        columns, telling = kind
        absent = f"FROM absent WHERE NOT liked AND {wanted} AND {telling}"
        groups = _grouped(self.database.execute(f"SELECT path, {columns} {absent} ORDER BY path"))
        present = _grouped(
            self.database.execute(
                f"""
                SELECT path, {columns} FROM document d JOIN lead ON document = d.id
                  WHERE {there} AND outcome <> 'kept' AND {telling} AND ({columns}) IN (SELECT {columns} {absent})
                    AND path NOT IN (SELECT path FROM absent) AND path NOT IN (SELECT path FROM taken) ORDER BY path
                """
            )
        )
        pairs = [
            pair
            for key, paths in groups.items()
            if not (whole and len(present.get(key, ())) < len(paths))
            for pair in zip(paths, present.get(key, ()), strict=False)
        ]
        self.database.executemany("UPDATE absent SET liked = true WHERE path = ?", ((path,) for path, _ in pairs))
        self.database.executemany("INSERT INTO taken VALUES (?)", ((path,) for _, path in pairs))
        return {path for path, _ in pairs}


def _grouped(rows: Iterable[tuple[Any, ...]]) -> dict[tuple[Any, ...], list[str]]:
    """Paths by what they have in common."""
    groups: dict[tuple[Any, ...], list[str]] = {}
    for path, *key in rows:
        groups.setdefault(tuple(key), []).append(path)
    return groups
