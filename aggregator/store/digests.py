"""Digests in the ledger: which stories each of their periods has for ever."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from aggregator.model import from_micros, to_micros
from aggregator.store.database import Database


class Closed(NamedTuple):
    """A period of a digest that is over: the id of its entry, its name, when that was last updated, and the ids of the
    articles that it has for ever, the best first.
    """

    id: str
    name: str
    until: datetime
    updated: datetime
    members: tuple[str, ...]


class Digests:
    """The tables digest and digest_member."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def last(self, topic: str) -> datetime | None:
        """When the last of a digest's periods was over for which its stories are chosen; None: there is none."""
        last = self.database.one("SELECT max(until) FROM digest WHERE topic = ?", (topic,))
        return None if last is None else from_micros(last)

    def has(self, id: str) -> bool:
        """Whether a digest's entry has this id."""
        return self.database.one("SELECT 1 FROM digest WHERE id = ?", (id,)) is not None

    def has_period(self, topic: str, name: str) -> bool:
        """Whether a period of this name is over for a digest."""
        return self.database.one("SELECT 1 FROM digest WHERE (topic, name) = (?, ?)", (topic, name)) is not None

    def close(self, topic: str, until: datetime, name: str, id: str, members: Sequence[str]) -> None:
        """Remember for ever what a digest lists of a period, by its end and name: ids of articles, the best first."""
        over = to_micros(until)
        self.database.execute("INSERT OR IGNORE INTO digest VALUES (?1, ?2, ?2, ?3, ?4)", (topic, over, id, name))
        self.database.executemany(
            "INSERT OR IGNORE INTO digest_member VALUES (?, ?, ?, ?)",
            [(topic, over, place, member) for place, member in enumerate(members)],
        )

    def update(self, id: str, updated: datetime) -> None:
        """Remember when a digest's entry was last updated."""
        self.database.execute("UPDATE digest SET updated = ? WHERE id = ?", (to_micros(updated), id))

    def closed(self, topic: str, now: datetime) -> Iterator[Closed]:
        """The periods of a digest that are over by now and had stories, the last first."""
        rows = self.database.execute(
            """
            SELECT digest.id, name, until, updated, member.id, max(coalesce(withdrawn, 0), coalesce(restored, 0))
              FROM digest JOIN digest_member member USING (topic, until) LEFT JOIN article ON article.id = member.id
              WHERE topic = ? AND until <= ? ORDER BY until DESC, place
            """,
            (topic, to_micros(now)),
        )
        for (id, name, until, updated), some in groupby(rows, key=lambda row: row[:4]):
            members, turns = zip(*(row[4:] for row in some), strict=True)
            instants = (until, updated, *filter(None, turns))
            last = max(instant for instant in instants if instant <= to_micros(now))  # earlier versions had later ones
            yield Closed(id, name, from_micros(until), from_micros(last), members)

    def listing(self, ids: Sequence[str]) -> list[str]:
        """The topics of the digests that list any of these articles."""
        return self.database.column(
            "SELECT DISTINCT topic FROM json_each(?) CROSS JOIN digest_member member ON member.id = value",
            (json.dumps(ids),),
        )

    def of(self, id: str) -> list[tuple[str, str]]:
        """Which digests list an article, as (topic, name of the period)."""
        return self.database.execute(
            """
            SELECT topic, name FROM digest_member member JOIN digest USING (topic, until)
              WHERE member.id = ? ORDER BY topic, until
            """,
            (id,),
        ).fetchall()
