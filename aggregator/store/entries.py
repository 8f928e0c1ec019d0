"""Feeds in the index: which are dirty or due, what they show, and their entries as rendered."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeVar
from zlib import crc32

from aggregator.errors import IndexDamaged
from aggregator.model import from_micros, to_micros
from aggregator.store.database import Database
from aggregator.store.packed import Topics, topics_of

Item = TypeVar("Item")


class Placed(NamedTuple):
    """An article's id, when it was published, and the topics in whose feeds it is."""

    id: str
    published: datetime
    topics: Topics


class Entries:
    """The tables feed, entry and fragment, and the placements that feeds are selected from."""

    def __init__(self, database: Database) -> None:
        self.database = database

    # Which feeds are to be regenerated

    def mark_dirty(self, topics: Iterable[str]) -> None:
        """Make the feeds of these topics dirty."""
        self.database.executemany(
            "INSERT INTO feed VALUES (?, 1, NULL) ON CONFLICT (topic) DO UPDATE SET dirty = 1",
            [(topic,) for topic in topics],
        )

    def render_all(self) -> None:
        """Make every entry be rendered again, and every feed dirty."""
        for statement in (
            "DELETE FROM entry",
            "DELETE FROM fragment",
            """
            INSERT INTO feed SELECT DISTINCT topic, 1, NULL FROM placement WHERE true
              ON CONFLICT (topic) DO UPDATE SET dirty = 1
            """,
        ):
            self.database.execute(statement)

    def waiting(self, now: datetime) -> list[str]:
        """The topics whose feeds are dirty or due."""
        return self.database.column("SELECT topic FROM feed WHERE dirty OR due <= ? ORDER BY topic", (to_micros(now),))

    def is_dirty(self, topic: str) -> bool:
        """Whether the feed of this topic is dirty."""
        return bool(self.database.one("SELECT dirty FROM feed WHERE topic = ?", (topic,)))

    def dirty(self) -> int:
        """How many feeds are dirty."""
        return int(self.database.one("SELECT count(*) FROM feed WHERE dirty"))

    def next_due(self, now: datetime) -> tuple[str, datetime] | None:
        """The topic whose feed is the next to change by itself after now, and when; None: none ever."""
        row = self.database.execute(
            "SELECT topic, due FROM feed WHERE due > ? ORDER BY due, topic LIMIT 1", (to_micros(now),)
        ).fetchone()
        return (row[0], from_micros(row[1])) if row else None

    def clean(self, topic: str, due: datetime | None) -> None:
        """Note that a feed is current until `due`."""
        self.database.execute(
            "UPDATE feed SET dirty = 0, due = ? WHERE topic = ?", (to_micros(due) if due else None, topic)
        )

    # What they show

    def newest(self, topic: str, now: datetime, limit: int) -> list[str]:
        """The keys of a topic's visible stories, newest first, then by key."""
        return self.database.column(
            "SELECT key FROM placement WHERE topic = ?1 AND age >= -?2 AND since <= ?2 ORDER BY age, key LIMIT ?3",
            (topic, to_micros(now), limit),
        )

    def among(self, topic: str, ids: Iterable[str], after: datetime, now: datetime) -> list[tuple[str, str, datetime]]:
        """Those of some articles that are visible stories of a topic and were published after an instant, the newest
        first, then by key: as (key, id, published).
        """
        rows = self.database.execute(
            """
            SELECT placement.key, article.id, published FROM json_each(?1) CROSS JOIN article ON article.id = value
              CROSS JOIN placement ON topic = ?2 AND age = -published AND placement.key = article.key
              WHERE published > ?3 AND published <= ?4 AND placement.since <= ?4 ORDER BY age, placement.key
            """,
            (json.dumps(list(ids)), topic, to_micros(after), to_micros(now)),
        )
        return [(key, id, from_micros(published)) for key, id, published in rows]

    def following(self, topic: str, now: datetime) -> datetime | None:
        """When the next of a topic's stories that are held back becomes visible."""
        instant = self.database.one(
            """
            SELECT min(instant) FROM (
              SELECT -max(age) AS instant FROM placement WHERE topic = ?1 AND age < -?2
              UNION ALL SELECT min(since) FROM placement WHERE topic = ?1 AND since > -age AND since > ?2)
            """,
            (topic, to_micros(now)),
        )
        return None if instant is None else from_micros(instant)

    def spelling(self, topic: str, now: datetime) -> str | None:
        """A topic's name as the oldest of its visible articles spells it."""
        name = self.database.one(
            "SELECT name FROM placement WHERE topic = ?1 AND age >= -?2 AND since <= ?2 AND name <> ''"
            " ORDER BY age DESC, key DESC LIMIT 1",
            (topic, to_micros(now)),
        )
        return None if name is None else str(name)

    # What goes into an entry

    def want(self, keys: Iterable[str]) -> None:
        """Note the entries that some feed shows."""
        self.database.executemany("INSERT OR IGNORE INTO wanted VALUES (?)", [(key,) for key in keys])

    def unrendered(self, now: datetime) -> list[str]:
        """The wanted entries that aren't rendered, or have changed by themselves by now."""
        found = self.database.column(
            """
            SELECT key FROM wanted WHERE NOT EXISTS (
              SELECT 1 FROM entry WHERE entry.key = wanted.key AND (until IS NULL OR until > ?)) ORDER BY key
            """,
            (to_micros(now),),
        )
        self.database.execute("DELETE FROM temp.wanted")
        return found

    def articles(self, keys: Sequence[str]) -> dict[str, Placed]:
        """The id of each article, when it was published, and its topics."""
        rows = self.database.execute(
            "SELECT key, id, published, topics FROM article WHERE key IN (SELECT value FROM json_each(?))",
            (json.dumps(keys),),
        )
        return {key: Placed(id, from_micros(published), topics_of(topics) or []) for key, id, published, topics in rows}

    def published(self, keys: Sequence[str]) -> list[datetime]:
        """When these articles were published, in the order of the keys."""
        rows = self.database.execute(
            "SELECT key, published FROM article WHERE key IN (SELECT value FROM json_each(?))", (json.dumps(keys),)
        )
        found = dict(rows)
        return [from_micros(found[key]) for key in keys]

    def mentions(self, keys: Iterable[str]) -> dict[str, list[bytes]]:
        """What is said of each article, packed: by its leads and, under any of its URLs, as a related entry."""
        rows = self.database.execute(
            """
            WITH asked (key) AS (SELECT value FROM json_each(?))
            SELECT asked.key, data FROM asked CROSS JOIN lead ON article = asked.key
              JOIN mention ON mention.document = lead.document AND place = 0
            UNION ALL
            SELECT asked.key, data FROM asked CROSS JOIN alias ON article = asked.key
              JOIN mention ON mention.key = alias.url AND place > 0
            UNION ALL
            SELECT asked.key, data FROM asked CROSS JOIN mention ON mention.key = asked.key AND place > 0
              WHERE NOT EXISTS (SELECT 1 FROM alias WHERE url = asked.key)
            """,
            (json.dumps(list(keys)),),
        )
        return _grouped(rows)

    def coverage(self, keys: Sequence[str]) -> dict[str, list[str]]:
        """The keys of each article's coverage: what its documents list as related, its near-duplicates, and theirs."""
        rows = self.database.execute(
            """
            WITH said (key, article) AS (
              SELECT value, value FROM json_each(?1)
              UNION ALL SELECT survivor, article.key FROM json_each(?1) CROSS JOIN article ON survivor = value)
            SELECT said.key, coalesce(alias.article, mention.key) FROM said
              CROSS JOIN lead ON lead.article = said.article
              JOIN mention ON mention.document = lead.document AND place > 0
              LEFT JOIN alias ON alias.url = mention.key
            UNION SELECT key, article FROM said WHERE key <> article
            """,
            (json.dumps(keys),),
        )
        return _grouped(rows)

    # The entry as rendered

    def put(self, entries: Iterable[Sequence[Any]]) -> None:
        """Keep rendered entries, as (key, updated, until, fragments, ...); a fragment is (format, bytes).

        An entry changes by itself at `until` (None: never).
        """
        rows, fragments = [], []
        for key, updated, until, rendered, *_ in entries:
            rows.append((key, to_micros(updated), to_micros(until) if until else None))
            fragments += [(key, format, crc32(data), data) for format, data in rendered]
        self.database.executemany("INSERT OR REPLACE INTO entry VALUES (?, ?, ?)", rows)
        self.database.executemany("INSERT OR REPLACE INTO fragment VALUES (?, ?, ?, ?)", fragments)

    def lasting(self, keys: Sequence[str]) -> tuple[int, datetime | None, datetime | None]:
        """Of these entries: how many are rendered, the newest update, and when one of them changes by itself."""
        count, updated, until = self.database.execute(
            "SELECT count(*), max(updated), min(until) FROM entry WHERE key IN (SELECT value FROM json_each(?))",
            (json.dumps(keys),),
        ).fetchone()
        return count, from_micros(updated) if count else None, None if until is None else from_micros(until)

    def fragments(self, keys: Sequence[str], format: str) -> list[bytes]:
        """These entries in one format, in the order of the keys. Raises IndexDamaged."""
        rows = self.database.execute(
            "SELECT key, sum, data FROM fragment WHERE format = ? AND key IN (SELECT value FROM json_each(?))",
            (format, json.dumps(keys)),
        )
        found = {key: data for key, sum, data in rows if sum == crc32(data)}
        if len(found) < len(keys):
            raise IndexDamaged("a rendered entry is lost or altered")
        return [found[key] for key in keys]


def _grouped(rows: Iterable[tuple[str, Item]]) -> dict[str, list[Item]]:
    found: dict[str, list[Item]] = {}
    for key, item in rows:
        found.setdefault(key, []).append(item)
    return found
