"""Feeds in the index: which are dirty or due, what they show, and their entries as rendered."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias, TypeVar
from zlib import crc32

from aggregator.errors import IndexDamaged
from aggregator.model import from_micros, to_micros
from aggregator.store.database import Database
from aggregator.store.packed import Topics, topics_of

Item = TypeVar("Item")

Part: TypeAlias = tuple[str, int]
"""A part of a feed: its topic, and the month of an archive, such as 202611; 0: the feed itself."""

_NEWEST = -(2**63)
"""An age that is less than any other."""

KEPT = 2**62
"""The rank of what only a feed's archives have, as its documents are gone and kept; greater than any other."""

_ARCHIVED = (0, KEPT)
"""The ranks of what archives have."""

VISIBLE = "topic = ?1 AND since <= ?2 AND (until IS NULL OR until > ?2)"
"""Which of a topic's placements are to be seen, in SQL; ?1 is the topic, ?2 is now."""


class Listing(NamedTuple):
    """An article and another one that is its coverage, the number of the document that lists it, and its place there;
    `is_member`: the document is a near-duplicate's, and at place 0 it is that one itself, which may have no document.
    """

    key: str
    other: str
    document: int | None
    place: int
    is_member: int


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
        """Make the feeds of these topics dirty, but for their archives."""
        self.mark_parts_dirty((topic, 0) for topic in topics)

    def mark_parts_dirty(self, parts: Iterable[Part]) -> None:
        """Make these parts of feeds dirty."""
        self.database.executemany("INSERT INTO feed VALUES (?, ?, 2, NULL) ON CONFLICT DO UPDATE SET dirty = 2", parts)

    def mark_altered(self, parts: Iterable[Part]) -> None:
        """Make these parts of feeds dirty, of which files aren't as they were written."""
        self.database.executemany(
            "INSERT INTO feed VALUES (?, ?, 1, NULL) ON CONFLICT DO UPDATE SET dirty = max(dirty, excluded.dirty)",
            parts,
        )

    def render_all(self) -> None:
        """Make every entry be rendered again, and every feed dirty, with its archives."""
        for statement in (
            "DELETE FROM entry",
            "DELETE FROM fragment",
            """
            INSERT INTO feed SELECT DISTINCT topic, 0, 2, NULL FROM placement
              UNION SELECT topic, month, 2, NULL FROM placement JOIN article USING (key) WHERE month IS NOT NULL
              ON CONFLICT DO UPDATE SET dirty = 2
            """,
        ):
            self.database.execute(statement)

    def waiting(self, now: datetime) -> list[tuple[str, int, bool]]:
        """The parts of feeds that are dirty or due, as (topic, month, whether nothing has come to it)."""
        rows = self.database.execute(
            "SELECT topic, month, dirty FROM feed WHERE dirty OR due <= ? ORDER BY topic, month", (to_micros(now),)
        )
        return [(topic, month, dirty == 1) for topic, month, dirty in rows]

    def is_dirty(self, topic: str, month: int = 0) -> bool:
        """Whether this part of a feed is dirty."""
        return bool(self.database.one("SELECT dirty FROM feed WHERE (topic, month) = (?, ?)", (topic, month)))

    def dirty(self) -> int:
        """How many feeds are dirty, or have archives that are."""
        return int(self.database.one("SELECT count(DISTINCT topic) FROM feed WHERE dirty"))

    def next_due(self, now: datetime) -> tuple[str, datetime] | None:
        """The topic whose feed is the next to change by itself after now, and when; None: none ever."""
        row = self.database.execute(
            "SELECT topic, due FROM feed WHERE due > ? ORDER BY due, topic LIMIT 1", (to_micros(now),)
        ).fetchone()
        return (row[0], from_micros(row[1])) if row else None

    def clean(self, part: Part, due: datetime | None) -> None:
        """Note that a part of a feed is current until `due`."""
        self.database.execute(
            "UPDATE feed SET dirty = 0, due = ? WHERE (topic, month) = (?, ?)", (to_micros(due) if due else None, *part)
        )

    # What they show

    def newest(self, topic: str, now: datetime, limit: int) -> list[str]:
        """The keys of a topic's visible stories, by rank, then newest first, then by key; but for those that only its
        archives have.
        """
        return self.database.column(
            f"SELECT key FROM placement WHERE {VISIBLE} AND rank < {KEPT} ORDER BY rank, age, key LIMIT ?3",
            (topic, to_micros(now), limit),
        )

    def only_archived(self, topic: str, now: datetime, limit: int) -> int:
        """How many visible stories of a topic only its archives have; no more than so many are counted."""
        return int(
            self.database.one(
                f"SELECT count(*) FROM (SELECT 1 FROM placement WHERE {VISIBLE} AND rank = {KEPT} LIMIT ?3)",
                (topic, to_micros(now), limit),
            )
        )

    def between(self, topic: str, start: datetime, end: datetime, now: datetime) -> list[str]:
        """The keys of a topic's visible stories that were published from one instant on and before another, newest
        first, then by key; with those that only its archives have.
        """
        return self.database.column(
            f"""
            SELECT key FROM placement WHERE {VISIBLE} AND rank IN {_ARCHIVED} AND age > -?4 AND age <= -?3
              ORDER BY age, key
            """,
            (topic, to_micros(now), to_micros(start), to_micros(end)),
        )

    def count_from(self, topic: str, start: datetime, now: datetime) -> int:
        """How many visible stories of a topic were published from an instant on."""
        return int(
            self.database.one(
                f"SELECT count(*) FROM placement WHERE {VISIBLE} AND rank = 0 AND age <= -?3",
                (topic, to_micros(now), to_micros(start)),
            )
        )

    def last_before(self, topic: str, instant: datetime, now: datetime) -> datetime | None:
        """When the newest of a topic's visible stories that were published before an instant was; with those that only
        its archives have.
        """
        age = min(self._ages("age > -?3 ORDER BY age", topic, instant, now), default=None)
        return None if age is None else from_micros(-age)

    def first_from(self, topic: str, instant: datetime, now: datetime) -> datetime | None:
        """When the oldest of a topic's visible stories that were published from an instant on was; with those that only
        its archives have.
        """
        age = max(self._ages("age <= -?3 ORDER BY age DESC", topic, instant, now), default=None)
        return None if age is None else from_micros(-age)

    def _ages(self, condition: str, topic: str, instant: datetime, now: datetime) -> list[int]:
        """The first age that meets a condition in SQL (?3 is the instant), of each rank that archives have."""
        values = topic, to_micros(now), to_micros(instant)
        return [
            age
            for rank in _ARCHIVED
            for age in self.database.column(
                f"SELECT age FROM placement WHERE {VISIBLE} AND rank = {rank} AND {condition} LIMIT 1", values
            )
        ]

    def among(self, topic: str, ids: Iterable[str], after: datetime, now: datetime) -> list[tuple[str, str, datetime]]:
        """Those of some articles that are visible stories of a topic and were published after an instant, the newest
        first, then by key: as (key, id, published).
        """
        rows = self.database.execute(
            """
            SELECT placement.key, article.id, published FROM json_each(?3) CROSS JOIN article ON article.id = value
              CROSS JOIN placement ON topic = ?1 AND rank = 0 AND age = -published AND placement.key = article.key
              WHERE published > ?4 AND placement.since <= ?2 AND (until IS NULL OR until > ?2)
              ORDER BY age, placement.key
            """,
            (topic, to_micros(now), json.dumps(list(ids)), to_micros(after)),
        )
        return [(key, id, from_micros(published)) for key, id, published in rows]

    def recent(
        self, topic: str, after: datetime, now: datetime, last: tuple[str, datetime] | None, limit: int
    ) -> list[tuple[str, str, datetime]]:
        """A topic's visible stories that were published after an instant, the newest first, then by key, as (key, id,
        published): no more than so many, those that follow the `last` one, known by key and date (None: the first).
        """
        key, published = last or ("", None)
        rows = self.database.execute(
            """
            SELECT placement.key, article.id, age FROM placement CROSS JOIN article USING (key)
              WHERE topic = ?1 AND placement.since <= ?2 AND (until IS NULL OR until > ?2)
                AND rank = 0 AND age < -?3 AND (age, placement.key) > (?4, ?5)
              ORDER BY age, placement.key LIMIT ?6
            """,
            (topic, to_micros(now), to_micros(after), -to_micros(published) if published else _NEWEST, key, limit),
        )
        return [(key, id, from_micros(-age)) for key, id, age in rows]

    def turn_between(self, topic: str, start: datetime, end: datetime, now: datetime) -> datetime | None:
        """When the next of a topic's stories that were published between two instants becomes visible, or one that is
        no longer is.
        """
        instant = self.database.one(
            f"""
            SELECT min(CASE WHEN since > ?2 THEN since ELSE until END) FROM placement
              WHERE topic = ?1 AND rank IN {_ARCHIVED} AND age > -?4 AND age <= -?3 AND (since > ?2 OR until > ?2)
            """,
            (topic, to_micros(now), to_micros(start), to_micros(end)),
        )
        return None if instant is None else from_micros(instant)

    def following(self, topic: str, now: datetime) -> datetime | None:
        """When the next of a topic's stories that are held back becomes visible, or one that isn't no longer is."""
        instant = self.database.one(
            """
            SELECT min(instant) FROM (
              SELECT -max(age) AS instant FROM placement WHERE topic = ?1 AND rank = 0 AND age < -?2
              UNION ALL SELECT min(since) FROM placement WHERE topic = ?1 AND (since > -age OR rank <> 0) AND since > ?2
              UNION ALL SELECT min(until) FROM placement WHERE topic = ?1 AND until IS NOT NULL AND until > ?2)
            """,
            (topic, to_micros(now)),
        )
        return None if instant is None else from_micros(instant)

    def spelling(self, topic: str, now: datetime) -> str | None:
        """A topic's name as the oldest of its visible articles spells it; with those that only its archives have."""
        rows = [
            row
            for rank in _ARCHIVED
            for row in self.database.execute(
                f"""
                SELECT age, key, name FROM placement WHERE {VISIBLE} AND rank = {rank} AND name <> ''
                  ORDER BY age DESC, key DESC LIMIT 1
                """,
                (topic, to_micros(now)),
            )
        ]
        return max(rows)[2] if rows else None

    # What goes into an entry

    def want(self, keys: Iterable[str], formats: Sequence[str]) -> None:
        """Note the entries that some feed shows, in these formats."""
        self.database.executemany(
            "INSERT OR IGNORE INTO wanted VALUES (?, ?)", [(key, format) for key in keys for format in formats]
        )

    def unrendered(self, now: datetime) -> dict[str, tuple[str, ...]]:
        """The wanted entries that aren't rendered, or have changed by themselves by now, and in which formats."""
        changed = "(SELECT key FROM entry WHERE until <= ? AND key IN (SELECT key FROM wanted))"
        self.database.execute(f"DELETE FROM fragment WHERE key IN {changed}", (to_micros(now),))
        self.database.execute(f"DELETE FROM entry WHERE key IN {changed}", (to_micros(now),))
        rows = self.database.execute(
            """
            SELECT key, group_concat(format, ' ') FROM wanted WHERE NOT EXISTS (
              SELECT 1 FROM fragment WHERE (fragment.key, fragment.format) = (wanted.key, wanted.format))
              GROUP BY key ORDER BY key
            """
        )
        found = {key: tuple(formats.split()) for key, formats in rows}
        self.database.execute("DELETE FROM temp.wanted")
        return found

    def articles(self, keys: Sequence[str]) -> dict[str, Placed]:
        """The id of each article, when it was published, and its topics."""
        rows = self.database.execute(
            "SELECT key, id, published, topics FROM article WHERE key IN (SELECT value FROM json_each(?))",
            (json.dumps(keys),),
        )
        return {key: Placed(id, from_micros(published), topics_of(topics) or []) for key, id, published, topics in rows}

    def keys_of(self, ids: Iterable[str], now: datetime) -> dict[str, str]:
        """The keys of the articles with these ids, by id, of those that are or would be entries by now."""
        return dict(
            self.database.execute(
                """
                SELECT id, key FROM article
                  WHERE id IN (SELECT value FROM json_each(?)) AND own IS NOT NULL AND since <= ?
                """,
                (json.dumps(list(ids)), to_micros(now)),
            )
        )

    def first_coming(self, ids: Iterable[str], now: datetime) -> datetime | None:
        """When the next of the articles with these ids becomes visible; None: none does."""
        since = self.database.one(
            """
            SELECT min(since) FROM article
              WHERE id IN (SELECT value FROM json_each(?)) AND own IS NOT NULL AND since > ?
            """,
            (json.dumps(list(ids)), to_micros(now)),
        )
        return None if since is None else from_micros(since)

    def providers(self, keys: Sequence[str]) -> dict[str, str]:
        """Who published each of these articles, as shown; "" where nobody is known."""
        rows = self.database.execute(
            "SELECT key, provider FROM article WHERE key IN (SELECT value FROM json_each(?))", (json.dumps(keys),)
        )
        return {key: provider or "" for key, provider in rows}

    def said(self, what: str) -> list[str]:
        """All that articles have as `category`, `provider`, `type` or `language`."""
        # From each to the next one, by its index: as many steps as there are different ones, and not articles.
        return self.database.column(
            f"""
            WITH RECURSIVE said (one) AS (
              SELECT min({what}) FROM article WHERE {what} > ''
              UNION ALL
              SELECT (SELECT min({what}) FROM article WHERE {what} > '' AND {what} > one) FROM said
                WHERE one IS NOT NULL)
            SELECT one FROM said WHERE one IS NOT NULL
            """
        )

    def published(self, keys: Sequence[str]) -> dict[str, datetime]:
        """When each of these articles was published."""
        rows = self.database.execute(
            "SELECT key, published FROM article WHERE key IN (SELECT value FROM json_each(?))", (json.dumps(keys),)
        )
        return {key: from_micros(published) for key, published in rows}

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

    def listings(self, keys: Sequence[str]) -> list[Listing]:
        """Each article's coverage: what its documents list as related, its near-duplicates, and theirs."""
        rows = self.database.execute(
            """
            WITH said (key, article, member) AS (
              SELECT value, value, false FROM json_each(?1)
              UNION ALL SELECT survivor, article.key, true FROM json_each(?1) CROSS JOIN article ON survivor = value)
            SELECT said.key, coalesce(alias.article, mention.key), lead.document, place, member FROM said
              CROSS JOIN lead ON lead.article = said.article
              JOIN mention ON mention.document = lead.document AND place > 0
              LEFT JOIN alias ON alias.url = mention.key
            UNION ALL SELECT said.key, said.article, lead.document, 0, member FROM said
              LEFT JOIN lead ON lead.article = said.article WHERE member
            """,
            (json.dumps(keys),),
        )
        return [Listing(*row) for row in rows]

    def coverage(self, keys: Sequence[str]) -> dict[str, set[str]]:
        """The keys of each article's coverage, in no order."""
        covered: dict[str, set[str]] = {}
        for listing in self.listings(keys):
            covered.setdefault(listing.key, set()).add(listing.other)
        return covered

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

    def lasting(self, keys: Sequence[str]) -> tuple[datetime | None, datetime | None]:
        """Of these entries: the newest update, and when one of them changes by itself."""
        updated, until = self.database.execute(
            "SELECT max(updated), min(until) FROM entry WHERE key IN (SELECT value FROM json_each(?))",
            (json.dumps(keys),),
        ).fetchone()
        return None if updated is None else from_micros(updated), None if until is None else from_micros(until)

    def fragments(self, keys: Sequence[str], format: str) -> list[bytes] | None:
        """These entries in one format, in the order of the keys; None where one isn't rendered. Raises IndexDamaged."""
        rows = self.database.execute(
            "SELECT key, sum, data FROM fragment WHERE format = ? AND key IN (SELECT value FROM json_each(?))",
            (format, json.dumps(keys)),
        )
        found = {}
        for key, sum, data in rows:
            if sum != crc32(data):
                raise IndexDamaged("a rendered entry is altered")
            found[key] = data
        return [found[key] for key in keys] if len(found) == len(keys) else None


def _grouped(rows: Iterable[tuple[str, Item]]) -> dict[str, list[Item]]:
    found: dict[str, list[Item]] = {}
    for key, item in rows:
        found.setdefault(key, []).append(item)
    return found
