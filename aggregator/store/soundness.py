"""Whether a ledger is damaged where SQLite sees nothing: values of another kind, and rows that refer to nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

from msgspec.json import Decoder

from aggregator.model import Shown, from_micros
from aggregator.store.database import Database, is_outside
from aggregator.store.packed import unseal

_LIST = Decoder(list[str]).decode
_SHOWN = Decoder(Shown)


def _below(path: str) -> None:
    """Raises ValueError where a path names no file below a folder."""
    if not {"", ".", ".."}.isdisjoint(path.split("/")):
        raise ValueError(f"not the path of a file: {path!r}")


# What reads the values of columns that SQLite's own types don't tell enough of.
_CHECKS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("article.first_seen", "article.withdrawn", "article.restored", "article.published"), from_micros),
    **dict.fromkeys(("tombstone.withdrawn", "topic.since", "feed.lapsed", "digest.until"), from_micros),
    **dict.fromkeys(("digest.updated", "digest_member.until", "kept.since"), from_micros),
    **dict.fromkeys(("article.topics", "path.urls"), _LIST),
    "feed.shown": _SHOWN.decode,
    "file.path": _below,
    "kept.said": unseal,
}

# The key of a row was damaged, and is now another one.
LOST = (
    "SELECT 1 FROM path WHERE id NOT IN (SELECT id FROM article) LIMIT 1",
    "SELECT 1 FROM url WHERE id NOT IN (SELECT id FROM article) LIMIT 1",
    "SELECT 1 FROM tombstone WHERE id NOT IN (SELECT id FROM article) LIMIT 1",
    "SELECT 1 FROM feed WHERE trim(topic) > '' AND topic NOT IN (SELECT topic FROM topic) LIMIT 1",
    "SELECT 1 FROM file WHERE trim(topic) > '' AND topic NOT IN (SELECT topic FROM topic) LIMIT 1",
)
"""Queries that find rows which refer to what isn't there."""


def holds_its_kinds(database: Database, table: str) -> bool:
    """Whether the values of a table are what was put there, as far as their kinds tell."""
    try:
        columns = database.execute(f"PRAGMA table_info({table})").fetchall()
        for row in database.execute(f"SELECT * FROM {table}"):
            for value, (_, name, kind, required, _, key) in zip(row, columns, strict=True):
                _check(value, f"{table}.{name}", kind, optional=not (required or key))
    except sqlite3.Error as error:
        if is_outside(error):
            raise
        return False
    except (ValueError, TypeError, OverflowError):
        return False
    return True


def _check(value: Any, name: str, kind: str, *, optional: bool) -> None:
    """Raises ValueError, TypeError or OverflowError where a column's value is none that was put there."""
    if value is None and optional:
        return
    expected = {"TEXT": str, "INTEGER": int, "BLOB": bytes}.get(kind, object)
    if not isinstance(value, expected):
        raise TypeError(f"{name}: {value!r}")
    if isinstance(value, str) and "\0" in value:
        raise ValueError(f"{name}: {value!r}")
    if name in _CHECKS:
        _CHECKS[name](value)
