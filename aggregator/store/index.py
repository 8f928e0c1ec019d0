"""Everything that can be rebuilt from the documents at any time."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from aggregator.store.articles import Articles
from aggregator.store.claims import Claims
from aggregator.store.database import Database, is_secure, replace, unlink
from aggregator.store.duplicates import Duplicates
from aggregator.store.entries import Entries
from aggregator.store.files import Files
from aggregator.store.likes import Likes
from aggregator.store.lookup import Lookup
from aggregator.store.placements import Placements
from aggregator.store.schema import BATCH, CARRIED, CARRIED_BEFORE_4, TABLES, VERSION

FILE = "index.sqlite"


class Index:
    """The index in the file `path`; in memory where it is None.

    An `unfinished` one is built beside the one in use, and takes its place by `install`; one that is `kept` was left by
    a run that was killed, and is gone on with. Its tables are in six hands: `files` (documents and what they say),
    `claims` (which URLs bring documents together), `articles` (which documents belong together, whose id is whose),
    `duplicates` (which articles tell the same story),
    `placements` (in whose feeds they are) and `entries` (feeds and what they show). `likes` finds documents again that
    went by another path; `lookup` answers questions of people.
    """

    def __init__(self, path: Path | None, *, dry: bool = False, unfinished: bool = False, kept: bool = False) -> None:
        self.path = path
        self.unfinished = unfinished
        self.database = Database(path, durable=False, dry=dry, scratch=unfinished and not kept)
        try:
            version = self.database.version
            self.outdated = version not in (0, VERSION)
            if not version:
                self.database.create(TABLES, VERSION)
            self.database.begin()
            self.database.lay_out(BATCH)
        except BaseException:
            self.close()
            raise
        self.files = Files(self.database)
        self.claims = Claims(self.database)
        self.articles = Articles(self.database)
        self.duplicates = Duplicates(self.database)
        self.placements = Placements(self.database)
        self.entries = Entries(self.database)
        self.likes = Likes(self.database)
        self.lookup = Lookup(self.database)

    def commit(self) -> None:
        self.database.commit()

    def keep(self) -> None:
        """Make permanent what was read so far, although it isn't joined: the next run joins all there is."""
        self.put_meta({"ledger": ""})
        self.commit()
        self.database.secure()

    @property
    def is_kept(self) -> bool:
        """Whether a run that was killed kept here what it had read."""
        return self.meta().get("ledger") == ""

    @property
    def blank(self) -> bool:
        """Whether no document was ever read into it."""
        return self.database.one("SELECT 1 FROM document LIMIT 1") is None

    def rollback(self) -> None:
        """Undo what wasn't committed."""
        self.database.rollback()

    def close(self) -> None:
        self.database.close()

    def install(self) -> Index:
        """The index to go on with: an unfinished one, committed and whole, takes the place of the one in use."""
        if not self.path or not self.unfinished:
            return self
        self.commit()
        self.database.fold()
        self.close()
        place = self.path.with_name(FILE)
        replace(self.path, place)
        return Index(place)

    def carry(self, former: Path) -> None:
        """Take over what documents said from an earlier index: their last good versions.

        Nothing is taken over where its tables are of another kind. Raises sqlite3.Error.
        """
        self.database.attach(former, "former")
        try:
            version = int(self.database.one("PRAGMA former.user_version"))
            for table, columns in (CARRIED_BEFORE_4 if version < 4 else CARRIED).items():
                self.database.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM former.{table}")
            if version < 4:
                self.files.convert(version)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
                raise
            for table in CARRIED:  # a document without what it said would pass for one that was read
                self.database.execute(f"DELETE FROM main.{table}")
        finally:
            self.database.detach("former")
        self.files.forget_signatures()

    def meta(self) -> dict[str, str]:
        """The fingerprints that the index was made with."""
        return dict(self.database.execute("SELECT name, value FROM meta"))

    def put_meta(self, values: Mapping[str, str]) -> None:
        self.database.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", values.items())


def open_index(folder: Path, former: Path | None = None, *, rebuild: bool, dry: bool) -> Index:
    """The index of the store in `folder`; a new one, unfinished, where there is none, it is outdated, or `rebuild`.

    A new one begins with the last good versions of the documents that the former one has (the one in use, unless
    another one is named); where there is none, with what a run kept that was killed before its new index was whole.
    """
    place = folder / FILE
    fresh = None if dry else place.with_name(f"{FILE}.new")
    former = former or place
    if place.exists() and not rebuild:
        index = Index(place, dry=dry)
        if not index.outdated:
            if fresh:
                unlink(fresh)
            return index
        index.close()
    if fresh:
        if not former.exists() and (kept := _kept(fresh)):
            return kept
        unlink(fresh)
    index = Index(fresh, dry=dry, unfinished=True)
    if former.exists():
        try:
            index.carry(former)
        except BaseException:
            index.close()
            raise
    return index


def _kept(fresh: Path) -> Index | None:
    """The unfinished index that a killed run left, if it kept what it had read; None where there is none."""
    if not is_secure(fresh):
        return None
    with suppress(sqlite3.DatabaseError):
        index = Index(fresh, unfinished=True, kept=True)
        if not index.outdated and index.is_kept and index.database.sound():
            return index
        index.close()
    return None
