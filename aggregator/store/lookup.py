"""Looking things up in the index: by path, URL or id, what became of a document and where an article is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from aggregator.model import Problem, to_micros
from aggregator.store.database import Database
from aggregator.store.entries import KEPT, VISIBLE
from aggregator.store.packed import decode_problems


class Document(NamedTuple):
    """What became of a file: its path, the outcome of its last reading, its problems, and the key of the article
    that its own mention, or that of its last good version, belongs to (None: there is none).
    """

    path: str
    outcome: str
    problems: tuple[Problem, ...]
    article: str | None


class Lookup:
    """Questions about what is in the index; nothing is changed."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def document(self, path: str) -> Document | None:
        """The document at a path; None where no file of that path was seen."""
        row = self.database.execute(
            "SELECT path, outcome, problems, article FROM document LEFT JOIN lead ON document = id WHERE path = ?",
            (path,),
        ).fetchone()
        if row is None:
            return None
        path, outcome, problems, article = row
        return Document(path, outcome, tuple(decode_problems(problems)) if problems else (), article)

    def paths(self) -> list[str]:
        """The paths of all files that were seen."""
        return self.database.column("SELECT path FROM document ORDER BY path")

    def of_id(self, id: str) -> str | None:
        """The key of the article with an id."""
        key = self.database.one("SELECT key FROM article WHERE id = ?", (id,))
        return None if key is None else str(key)

    def of_url(self, url: str) -> str | None:
        """The key of the article that a canonical URL names, which may be known as a related entry alone."""
        key = self.database.one(
            """
            SELECT article FROM alias WHERE url = ?1
            UNION ALL SELECT article FROM claim CROSS JOIN lead USING (document) WHERE url = ?1 AND 1 = (
              SELECT count(*) FROM (SELECT 1 FROM claim WHERE url = ?1 LIMIT 2))
            UNION ALL SELECT key FROM mention WHERE key = ?1 AND place > 0 LIMIT 1
            """,
            (url,),
        )
        return None if key is None else str(key)

    def claimants(self, url: str) -> list[str]:
        """The documents that claim a canonical URL, by path."""
        return self.database.column(
            "SELECT path FROM claim JOIN document ON id = document WHERE url = ? ORDER BY path", (url,)
        )

    def claims(self, key: str) -> list[tuple[str, str]]:
        """The URLs that name an article, each as (canonical, the path of a document that says so)."""
        return self.database.execute(
            """
            SELECT url, path FROM lead JOIN claim USING (document) JOIN document ON id = lead.document
              WHERE article = ? ORDER BY url, path
            """,
            (key,),
        ).fetchall()

    def rank(self, topic: str, key: str, now: datetime) -> int | None:
        """The place of a story among the visible ones of a topic, from 1; None where it isn't one, or only the
        topic's archives have it.
        """
        row = self.database.execute(
            f"SELECT rank, age FROM placement WHERE {VISIBLE} AND rank < {KEPT} AND key = ?3",
            (topic, to_micros(now), key),
        ).fetchone()
        if row is None:
            return None
        return 1 + int(
            self.database.one(
                f"SELECT count(*) FROM placement WHERE {VISIBLE} AND (rank, age, key) < (?3, ?4, ?5)",
                (topic, to_micros(now), *row, key),
            )
        )

    def links(self, keys: Sequence[str]) -> dict[str, list[str]]:
        """The documents that list each of these articles as related, as paths."""
        found: dict[str, list[str]] = {}
        for key, path in self.database.execute(
            """
            WITH asked (key) AS (SELECT value FROM json_each(?)),
              known (key, url) AS (
                SELECT key, key FROM asked UNION SELECT asked.key, url FROM asked CROSS JOIN alias ON article =
                asked.key
              )
            SELECT DISTINCT known.key, path FROM known CROSS JOIN mention ON mention.key = known.url AND place > 0
              CROSS JOIN document ON id = document ORDER BY path
            """,
            (json.dumps(keys),),
        ):
            found.setdefault(key, []).append(path)
        return found
