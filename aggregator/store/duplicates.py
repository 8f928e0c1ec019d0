"""Near-duplicates in the index: by which tokens articles find one another, and who stands for whom."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from aggregator.model import Wording
from aggregator.store.database import Database
from aggregator.store.packed import encode

_decode = msgspec.msgpack.Decoder(Wording).decode

# Whether more articles than ?1 have a token.
_COMMON = "(SELECT count(*) FROM (SELECT 1 FROM token t WHERE t.token = token.token LIMIT ?1 + 1)) > ?1"


class Told(NamedTuple):
    """An article that may have near-duplicates: its key, when published (µs since 1970), what it is told by."""

    key: str
    published: int
    wording: Wording


class Duplicates:
    """The tables text and token, and the column of article that says who stands for it."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def loosen(self, crowd: int) -> None:
        """Note whose near-duplicates are to be worked out again because articles will be taken apart."""
        for statement in (
            """
            INSERT OR IGNORE INTO regroup SELECT survivor FROM former JOIN article ON key = article
              WHERE survivor IS NOT NULL
            """,
            "INSERT OR IGNORE INTO regroup SELECT key FROM former CROSS JOIN article ON survivor = former.article",
            "INSERT OR IGNORE INTO placing SELECT key FROM regroup",
            "INSERT OR IGNORE INTO stale SELECT key FROM regroup",
        ):
            self.database.execute(statement)
        self.database.execute(
            f"INSERT OR IGNORE INTO met SELECT token, {_COMMON} FROM former CROSS JOIN token USING (article)", (crowd,)
        )

    def untold(self) -> list[tuple[str, int]]:
        """The articles merged just now that would be entries, as (key, published)."""
        return self.database.execute(
            "SELECT key, published FROM made CROSS JOIN article USING (key) WHERE own IS NOT NULL ORDER BY key"
        ).fetchall()

    def tell(self, articles: Iterable[tuple[Told, Collection[int]]], crowd: int) -> None:
        """Keep what articles are told by, and their tokens."""
        texts, tokens = [], []
        for told, own in articles:
            texts.append((told.key, told.published, encode(told.wording)))
            tokens += [(token, told.key) for token in own]
        into = self.database.executemany
        into(
            f"INSERT OR IGNORE INTO met SELECT token, {_COMMON} FROM (SELECT ?2 AS token) token",
            [(crowd, token) for token in sorted({token for token, _ in tokens})],
        )
        into("INSERT INTO text VALUES (?, ?, ?)", texts)
        into("INSERT INTO token VALUES (?, ?)", tokens)

    def loose(self, crowd: int) -> list[str]:
        """The articles whose near-duplicates are to be worked out: those merged just now, those that were tied to
        what was taken apart, and those with a token that became common or ceased to be.
        """
        return self.database.column(
            f"""
            SELECT key FROM regroup UNION SELECT article FROM made JOIN text ON article = key
            UNION SELECT article FROM met CROSS JOIN token USING (token) WHERE common <> ({_COMMON}) ORDER BY 1
            """,
            (crowd,),
        )

    def told(self, keys: Sequence[str]) -> list[Told]:
        """What these articles are told by, of those that may have near-duplicates."""
        rows = self.database.execute(
            "SELECT article, published, data FROM text WHERE article IN (SELECT value FROM json_each(?))",
            (json.dumps(keys),),
        )
        return [Told(key, published, _decode(data)) for key, published, data in rows]

    def candidates(self, key: str, since: int, until: int, crowd: int) -> Iterator[Told]:
        """The articles published from `since` to `until` that have an uncommon token of this article's."""
        rows = self.database.execute(
            f"""
            SELECT article, published, data FROM (
              SELECT DISTINCT other.article FROM token CROSS JOIN token other USING (token)
                WHERE token.article = ?2 AND NOT ({_COMMON}) AND other.article <> ?2
            ) CROSS JOIN text USING (article) WHERE published BETWEEN ?3 AND ?4
            """,
            (crowd, key, since, until),
        )
        for article, published, data in rows:
            yield Told(article, published, _decode(data))

    def ties(self, keys: Sequence[str]) -> dict[str, str]:
        """Who stands for these articles so far, and for whom they stand, as member to survivor."""
        return dict(
            self.database.execute(
                """
                WITH asked (key) AS (SELECT value FROM json_each(?))
                SELECT article.key, survivor FROM asked CROSS JOIN article USING (key) WHERE survivor IS NOT NULL
                UNION SELECT article.key, survivor FROM asked CROSS JOIN article ON survivor = asked.key
                """,
                (json.dumps(keys),),
            )
        )

    def tie(self, ties: Iterable[tuple[str, str | None, str | None]]) -> None:
        """Let articles be stood for, as (key, survivor so far, survivor from now on); all three are to be placed
        again.
        """
        ties = list(ties)
        into = self.database.executemany
        into("UPDATE article SET survivor = ? WHERE key = ?", [(to, key) for key, _, to in ties])
        again = [(key,) for tie in ties for key in tie if key]
        into("INSERT OR IGNORE INTO placing VALUES (?)", again)
        into("INSERT OR IGNORE INTO stale VALUES (?)", again)
