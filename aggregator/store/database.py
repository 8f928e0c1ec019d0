"""One SQLite file, opened the way both halves of the store need it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from aggregator.errors import IndexDamaged, StoreError

Item = TypeVar("Item")

_SIDES = ("", "-wal", "-shm")
_STEPS = 100_000  # of SQLite's virtual machine: some 10 ms
_CORRUPT = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
# What the disk, the system or another process is to blame for.
_OUTSIDE = {
    *(sqlite3.SQLITE_PERM, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_READONLY),
    *(sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN),
    *(sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_NOLFS, sqlite3.SQLITE_AUTH),
}


class Database:
    """A connection with one transaction open from `begin` to `commit`; in memory where `path` is None.

    A `dry` one never commits: what it did is gone when it closes. A `scratch` one is of no use unless it was
    closed in good order, and so needs no journal.
    """

    def __init__(self, path: Path | None, *, durable: bool, dry: bool, scratch: bool = False) -> None:
        self.path = path
        self.dry = dry
        if path:
            # SQLite gives its side files the mode of the main one: nobody else reads the store.
            file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            self._opened = os.fstat(file)
            if not self._opened.st_mode & 0o600:  # of a strange umask
                os.fchmod(file, 0o600)
            os.close(file)
        self.connection = sqlite3.connect(path or ":memory:", isolation_level=None, cached_statements=256)
        self.execute = self.connection.execute
        self.executemany = self.connection.executemany
        journal, synchronous = ("OFF", "OFF") if scratch else ("WAL", "FULL" if durable else "NORMAL")
        try:
            self.execute(f"PRAGMA journal_mode = {journal}")
            self.execute(f"PRAGMA synchronous = {synchronous}")
            self.execute("PRAGMA cache_size = -16000")
        except BaseException:
            self.connection.close()
            raise

    @property
    def version(self) -> int:
        """The schema's version; 0 for a new file."""
        return int(self.one("PRAGMA user_version"))

    def create(self, tables: str, version: int) -> None:
        """Lay the tables out in a new file."""
        self.begin()
        self.lay_out(tables)
        self.execute(f"PRAGMA user_version = {version}")
        self.commit()

    def upgrade(self, steps: Mapping[int, str], version: int) -> None:
        """Bring an older file to this version, each step from one version to the next."""
        self.begin()
        for number in range(self.version, version):
            self.lay_out(steps[number])
            self.execute(f"PRAGMA user_version = {number + 1}")
        self.commit()

    def lay_out(self, tables: str) -> None:
        """Run statements that end in a semicolon at a line's end each."""
        for statement in tables.split(";\n"):
            self.execute(statement)

    def attach(self, path: Path, name: str) -> None:
        """Make another database's tables readable as `name.table`."""
        self._run_alone("ATTACH ? AS " + name, str(path))

    def detach(self, name: str) -> None:
        """Undo `attach`, and make permanent what came of it."""
        self._run_alone("DETACH " + name)

    def begin(self) -> None:
        if not self.connection.in_transaction:
            self.execute("BEGIN")

    def commit(self) -> None:
        """Make everything since the last commit permanent, unless this is a dry run."""
        if not self.dry:
            self.execute("COMMIT")
            self.execute("BEGIN")

    def rollback(self) -> None:
        """Undo everything since the last commit."""
        if self.connection.in_transaction:  # SQLite itself rolls back where a statement was interrupted
            self.execute("ROLLBACK")
        self.begin()

    def close(self) -> None:
        """Close; what wasn't committed is gone. It is closed also where that raises."""
        try:
            if self.connection.in_transaction:
                self.connection.rollback()
        finally:
            self.connection.close()

    def one(self, statement: str, values: tuple[Any, ...] = ()) -> Any:
        """The first column of the first row, None where there is no row."""
        row = self.execute(statement, values).fetchone()
        return row[0] if row else None

    def column(self, statement: str, values: tuple[Any, ...] = ()) -> list[Any]:
        """The first column of all rows."""
        return [row[0] for row in self.execute(statement, values)]

    def on_step(self, stop: Callable[[], bool]) -> None:
        """Ask now and then, within long statements, whether to stop: then sqlite3.OperationalError is raised."""
        self.connection.set_progress_handler(stop, _STEPS)

    def tend(self) -> None:
        """Let SQLite learn what it wants to know of its tables, and cut its log file short."""
        self._run_alone("PRAGMA optimize")
        self.fold()

    def secure(self) -> None:
        """Keep a journal from now on, so that what is committed outlives a killed process, also of a scratch one."""
        if not self.dry:
            self._run_alone("PRAGMA journal_mode = WAL")

    def fold(self) -> None:
        """Move what is in the log file into the database itself."""
        self._run_alone("PRAGMA wal_checkpoint(TRUNCATE)")

    def _run_alone(self, statement: str, *values: str) -> None:
        """Run a statement that can't be part of a transaction: the one that is open is committed first."""
        self.execute("COMMIT")
        try:
            self.execute(statement, values)
        finally:
            self.begin()

    def is_in_place(self) -> bool:
        """Whether the file is still where it was opened."""
        try:
            return self.path is None or os.path.samestat(self.path.stat(), self._opened)
        except OSError:
            return False

    def sound(self, *, thorough: bool = False) -> bool:
        """Whether SQLite finds nothing wrong in the file; `thorough`: nor between tables and their indexes.

        Raises sqlite3.Error where that can't be known.
        """
        try:
            return bool(self.one(f"PRAGMA {'integrity' if thorough else 'quick'}_check(1)") == "ok")
        except sqlite3.DatabaseError as error:
            if is_outside(error):
                raise
            return False
        except UnicodeDecodeError:  # a message of SQLite's that quotes what is damaged
            return False


def is_secure(path: Path) -> bool:
    """Whether there is a database at this path that keeps a write-ahead log (SQLite's file format, section 1.3)."""
    try:
        with path.open("rb") as file:
            return file.read(20)[18:] == b"\x02\x02"
    except OSError:
        return False


def unlink(path: Path) -> None:
    """Remove a database with its side files."""
    for suffix in _SIDES:
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def replace(fresh: Path, place: Path) -> None:
    """Put a closed database in the place of another one, which is gone with its side files, durably."""
    _sync(fresh)
    for suffix in _SIDES[1:]:
        place.with_name(place.name + suffix).unlink(missing_ok=True)
    fresh.rename(place)
    _sync(place.parent)


def set_aside(path: Path) -> Path:
    """Rename a database and its side files so that a new one can take their place; returns the new name."""
    number = 1
    while (kept := path.with_name(f"{path.name}.old-{number}")).exists():
        number += 1
    for suffix in _SIDES:
        side = path.with_name(path.name + suffix)
        if side.exists():
            side.rename(kept.with_name(kept.name + suffix))
    return kept


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_corrupt(error: Exception) -> bool:
    """Whether the error says that the file itself, or what is in it, is damaged."""
    # An extended code, such as SQLITE_CORRUPT_INDEX, has the primary one in its last byte.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in _CORRUPT or isinstance(error, msgspec.DecodeError | IndexDamaged) or "decode to UTF-8" in str(error)


def is_interrupted(error: Exception) -> bool:
    """Whether the error says that a statement was stopped, as asked by `on_step`."""
    return getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_INTERRUPT


def is_outside(error: sqlite3.Error) -> bool:
    """Whether an error comes from outside the file: the disk, the system, another process."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _OUTSIDE


def make_folder(folder: Path) -> None:
    """The store's folder, readable by its owner only. Raises StoreError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"{folder}: the store's folder can't be made: {error.strerror}; set store.path elsewhere"
        ) from error


def chunks(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """The items in lists of `size`, the last one perhaps shorter."""
    chunk: list[Item] = []
    for item in items:
        chunk.append(item)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
