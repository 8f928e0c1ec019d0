"""The ledger as JSON lines, and back.

A backup begins with a head and ends with a digest of all lines before, so that a part of one is no backup.

    {"ledger": 1, "identity": "..."}          which ledger it is
    {"table": "topic", "topic": "ai", ...}    each row of each table; bytes are text in base 64
    {"sha256": "..."}
"""

from __future__ import annotations

import json
import sqlite3
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

from aggregator.errors import BackupRefused
from aggregator.store.database import Database, make_folder, replace, set_aside, unlink
from aggregator.store.ledger import FILE, Ledger
from aggregator.store.ledger_schema import RESPELLED, SCHEMA, TABLES, VERSION

_UNFIT = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError, sqlite3.Error)


def back_up(ledger: Ledger) -> Iterator[str]:
    """The lines of a backup, without the ends of lines."""
    digest = sha256()
    for row in _rows(ledger):
        line = json.dumps(row, ensure_ascii=False)
        if not line.isprintable():  # of a foreign name, say; it may be shown on a terminal
            line = json.dumps(row)
        digest.update(_bytes(line))
        yield line
    yield json.dumps({"sha256": digest.hexdigest()})


def identity_of(head: str) -> str:
    """The identity of the ledger that a backup with this first line is of. Raises BackupRefused."""
    return _head(head)[1]


def _head(line: str) -> tuple[int, str]:
    """The version and identity that the first line of a backup tells. Raises BackupRefused."""
    try:
        row = json.loads(line)
        version, identity = row["ledger"], row["identity"]
    except _UNFIT as error:
        raise BackupRefused("line 1: not the head of a ledger backup") from error
    if version not in range(1, VERSION + 1):
        raise BackupRefused(f"line 1: a ledger of version {version!r}, expected {VERSION} or earlier")
    return int(version), str(identity)


def restore(folder: Path, lines: Iterable[str]) -> Path | None:
    """Make the ledger of the store in `folder` from the lines of a backup.

    The ledger that was there is kept; its new name is returned (None: there was none). Nothing changes unless
    the whole backup can be read. Raises BackupRefused.
    """
    make_folder(folder)
    fresh = folder / f"{FILE}.restoring"
    unlink(fresh)
    database = Database(fresh, durable=True, dry=False, scratch=True)
    try:
        database.create(SCHEMA, VERSION)
        _fill(database, lines)
        database.execute("INSERT OR REPLACE INTO meta VALUES ('mark', ?)", (uuid4().hex,))
        database.commit()
    except BaseException:
        database.close()
        unlink(fresh)
        raise
    database.close()
    path = folder / FILE
    kept = set_aside(path) if path.exists() else None
    replace(fresh, path)
    return kept


def _rows(ledger: Ledger) -> Iterator[dict[str, Any]]:
    yield {"ledger": VERSION, "identity": ledger.identity}
    for table, order in TABLES.items():
        rows = ledger.database.execute(f"SELECT * FROM {table} ORDER BY {order}")
        names = [column[0] for column in rows.description]
        for row in rows:
            yield {"table": table} | {name: _plain(value) for name, value in zip(names, row, strict=True)}


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    return b64encode(value).decode() if isinstance(value, bytes) else value


def _fill(database: Database, lines: Iterable[str]) -> None:
    digest, whole, version = sha256(), False, VERSION
    for number, line in enumerate(lines, 1):
        if whole:
            raise BackupRefused(f"line {number}: a line behind the last one")
        if number == 1:
            version, _ = _head(line)
        else:
            try:
                row = json.loads(line)
                if whole := "sha256" in row:
                    if row["sha256"] != digest.hexdigest():
                        raise BackupRefused("the backup was altered: its lines aren't those that were written")
                else:
                    _insert(database, row)
            except _UNFIT as error:
                raise BackupRefused(f"line {number}: not a line of a ledger backup ({error})") from error
        digest.update(_bytes(line))
    if not whole:
        raise BackupRefused("the backup was cut: its last line is missing")
    for former in sorted(RESPELLED):
        if version <= former:
            database.lay_out(RESPELLED[former])


def _insert(database: Database, row: dict[str, Any]) -> None:
    table = row.pop("table", None)
    if table not in TABLES:
        raise ValueError(f"unknown table {table!r}")
    kinds = {column[1]: column[2] for column in database.execute(f"PRAGMA table_info({table})")}
    if unknown := row.keys() - kinds.keys():
        raise ValueError(f"unknown column {min(unknown)!r}")
    for name, value in row.items():
        if kinds[name] == "BLOB":
            row[name] = b64decode(value, validate=True)
    # An earlier version's rows may lack columns; they have what an upgrade would give them.
    database.execute(
        f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", tuple(row.values())
    )


def _bytes(line: str) -> bytes:
    return line.rstrip("\r\n").encode("utf-8", "surrogateescape") + b"\n"
