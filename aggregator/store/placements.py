"""Placements in the index: the topics in whose feeds each article is, and the articles that only feeds ask for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from aggregator.store.database import Database
from aggregator.store.packed import Standing, Topics, topics_of

# What may be an article without a document: what the changes affect, and what they took apart.
_LISTED = """
  SELECT key FROM (
    SELECT mention.key FROM affected CROSS JOIN mention USING (document) WHERE place > 0
    UNION SELECT url FROM touched UNION SELECT url FROM asked UNION SELECT article FROM former
  ) WHERE key NOT LIKE ' %' AND NOT EXISTS (SELECT 1 FROM alias WHERE alias.url = key) ORDER BY key
"""
_LISTERS = """
WITH asked (key) AS (SELECT value FROM json_each(?)),
  known (key, url) AS (
    SELECT key, key FROM asked UNION SELECT asked.key, url FROM asked CROSS JOIN alias ON alias.article = asked.key
  )
SELECT DISTINCT known.key, article.published, lister.article, article.own FROM known
  CROSS JOIN mention ON mention.key = known.url AND mention.place > 0
  CROSS JOIN lead lister ON lister.document = mention.document
  CROSS JOIN article ON article.key = lister.article
  WHERE article.own IS NOT NULL AND lister.article <> known.key ORDER BY 1, 2, 3
"""


class Lister(NamedTuple):
    """An article that lists another as related: its key, when published (µs since 1970), and its topics."""

    key: str
    published: int
    topics: Topics


class Place(NamedTuple):
    """What an article's feeds follow from: when published, from when it may be shown (µs since 1970), the topics
    that its own documents give it (None: they make it no entry), the feeds it is placed in so far, the month of their
    archives (None: it has none), and its survivor ("": none).
    """

    key: str
    published: int
    since: int
    own: Topics | None
    topics: Topics | None
    month: int | None
    survivor: str


class Move(NamedTuple):
    """An article that is in these feeds from now on (None: in none), and the month of their archives (None: there are
    none); its category, provider, type and language, as shown (None: no feed asks).
    """

    place: Place
    topics: Topics | None
    month: int | None
    category: str | None = None
    provider: str | None = None
    type: str | None = None
    language: str | None = None


class Placements:
    """The table placement, and the column of article that goes with it."""

    def __init__(self, database: Database) -> None:
        self.database = database

    # Articles without a document

    def listed(self) -> list[str]:
        """The keys of what the changed documents list, or listed before, that have no document."""
        return self.database.column(_LISTED)

    def listers(self, keys: Sequence[str]) -> dict[str, list[Lister]]:
        """The articles that list each of these, of those that would be entries, the oldest first."""
        found: dict[str, list[Lister]] = {}
        for key, published, lister, own in self.database.execute(_LISTERS, (json.dumps(keys),)):
            found.setdefault(key, []).append(Lister(lister, published, topics_of(own) or []))
        return found

    def put_bare(self, articles: Sequence[tuple[str, int, Standing]]) -> None:
        """Save articles without a document, as (key, since, standing)."""
        into = self.database.executemany
        into(
            "INSERT INTO article (key, since, published, own) VALUES (?, ?, ?, ?)",
            [(key, since, *standing.columns()) for key, since, standing in articles],
        )
        into("INSERT INTO alias VALUES (?1, ?1)", [(key,) for key, *_ in articles])
        into("INSERT OR IGNORE INTO made VALUES (?)", [(key,) for key, *_ in articles])

    # Articles whose documents are gone and kept

    def keeps_any(self) -> bool:
        """Whether any document is gone and kept."""
        return self.database.one("SELECT 1 FROM document WHERE outcome = 'kept' LIMIT 1") is not None

    def pruned(self, keys: Iterable[str]) -> set[str]:
        """Those of these articles that have documents, all of which are gone and kept."""
        rows = self.database.execute(
            """
            SELECT article FROM lead JOIN document ON id = lead.document
              WHERE article IN (SELECT value FROM json_each(?)) GROUP BY article HAVING min(outcome = 'kept')
            """,
            (json.dumps(list(keys)),),
        )
        return {key for (key,) in rows}

    # The feeds that articles are in

    def await_made(self, *, listed: bool) -> None:
        """Note that the articles merged just now are to be placed; with `listed` also those that they list."""
        self.database.execute("INSERT OR IGNORE INTO placing SELECT key FROM made")
        if listed:
            self.database.execute(
                """
                INSERT OR IGNORE INTO placing SELECT article FROM affected CROSS JOIN mention USING (document)
                  CROSS JOIN alias ON alias.url = mention.key WHERE place > 0
                """
            )

    def waiting(self) -> list[str]:
        """The keys of the articles that are to be placed, and of those that stand for them."""
        self.database.execute(
            """
            INSERT OR IGNORE INTO placing SELECT survivor FROM placing CROSS JOIN article USING (key)
              WHERE survivor IS NOT NULL
            """
        )
        return self.database.column("SELECT key FROM placing CROSS JOIN article USING (key) ORDER BY key")

    def places(self, keys: Sequence[str]) -> list[Place]:
        """What there is to know of these articles."""
        return [
            Place(key, published, since, topics_of(own), topics_of(topics), month, survivor or "")
            for key, published, since, own, topics, month, survivor in self.database.execute(
                """
                SELECT key, published, since, own, topics, month, survivor FROM article
                  WHERE key IN (SELECT value FROM json_each(?)) ORDER BY key
                """,
                (json.dumps(keys),),
            )
        ]

    def members(self, keys: Sequence[str]) -> dict[str, list[str]]:
        """The near-duplicates that each of these articles stands for, in the order of their keys."""
        found: dict[str, list[str]] = {}
        for survivor, key in self.database.execute(
            "SELECT survivor, key FROM article WHERE survivor IN (SELECT value FROM json_each(?)) ORDER BY key",
            (json.dumps(keys),),
        ):
            found.setdefault(survivor, []).append(key)
        return found

    def put(self, moves: Sequence[Move]) -> None:
        """Place articles in other feeds than those they were in; whoever showed them is stale."""
        into = self.database.executemany
        into(
            "DELETE FROM placement WHERE (topic, rank, age, key) = (?, ?, ?, ?)",
            [
                (spot.topic, spot.rank, -place.published, place.key)
                for place, *_ in moves
                for spot in place.topics or ()
            ],
        )
        into(
            "INSERT INTO placement VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (spot.topic, spot.rank, -place.published, place.key, spot.since, spot.until, spot.name)
                for place, topics, *_ in moves
                for spot in topics or ()
            ],
        )
        into(
            "UPDATE article SET topics = ? WHERE key = ?",
            [
                (Standing(0, move.topics).columns()[1], move.place.key)
                for move in moves
                if move.topics != move.place.own
            ],
        )
        into(
            "UPDATE article SET topics = own WHERE key = ?",
            [(move.place.key,) for move in moves if move.topics == move.place.own],
        )
        into(
            "UPDATE article SET (month, category, provider, type, language) = (?, ?, ?, ?, ?) WHERE key = ?",
            [(*move[2:], move.place.key) for move in moves if any(move[2:])],
        )
        into("INSERT OR IGNORE INTO stale VALUES (?)", [(move.place.key,) for move in moves])
        left = {
            (spot.topic, month)
            for place, *_ in moves
            for spot in place.topics or ()
            for month in (0, place.month)
            if month is not None
        }
        into(
            "INSERT INTO feed VALUES (?, ?, 1, NULL) ON CONFLICT DO UPDATE SET dirty = max(dirty, excluded.dirty)",
            sorted(left),
        )
