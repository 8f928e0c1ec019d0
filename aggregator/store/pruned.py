"""Documents in the ledger that are gone and kept: what each of them said, as nobody can read it any more."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from aggregator.model import Mention, from_micros, to_micros
from aggregator.store.database import Database
from aggregator.store.packed import seal, unseal


class Kept(NamedTuple):
    """A document that is gone and kept: its path, its source, and what its last good version says."""

    path: str
    source: str
    said: Sequence[Mention]


class Pruned:
    """The table kept."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def put(self, documents: Iterable[Kept], now: datetime) -> None:
        """Remember documents that are gone from now on, and kept."""
        self.database.executemany(
            "INSERT OR IGNORE INTO kept VALUES (?, ?, ?, ?)",
            [(path, source, to_micros(now), seal(said)) for path, source, said in documents],
        )

    def of(self, paths: Iterable[str]) -> Iterator[Kept]:
        """Those of these documents that are gone and kept."""
        for path, source, said in self.database.execute(
            "SELECT path, source, said FROM kept WHERE path IN (SELECT value FROM json_each(?)) ORDER BY path",
            (json.dumps(list(paths)),),
        ).fetchall():
            yield Kept(path, source, unseal(said))

    def since(self, paths: Iterable[str]) -> dict[str, datetime]:
        """Since when those of these documents are gone that are kept."""
        rows = self.database.execute(
            "SELECT path, since FROM kept WHERE path IN (SELECT value FROM json_each(?))", (json.dumps(list(paths)),)
        )
        return {path: from_micros(since) for path, since in rows}

    def paths(self) -> list[str]:
        """All documents that are gone and kept."""
        return self.database.column("SELECT path FROM kept ORDER BY path")

    def drop(self, paths: Iterable[str]) -> None:
        """Forget documents that are there again, or let go."""
        self.database.executemany("DELETE FROM kept WHERE path = ?", [(path,) for path in paths])
