"""Claims in the index: which URLs bring documents together, and which need something else beside them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from aggregator.model import SPARE, Claim, ClaimKind, Verdict, by_date, by_title
from aggregator.store.database import Database
from aggregator.store.packed import decode_mention
from aggregator.text.plain import mark_of

_IS_URL = f"instr(url, '{SPARE}') = 0"
# All spare keys of a URL lie between these: `!` is the character behind the blank.
_SPARES = "{column} > ?1 || ' ' AND {column} < ?1 || '!'"
# The URLs whose claims may weigh otherwise than before: those touched, those claimed, and those listed that are weak.
_ASKED = f"""
INSERT OR IGNORE INTO asked
  SELECT url FROM touched WHERE {_IS_URL}
  UNION ALL SELECT url FROM changed CROSS JOIN claim USING (document) WHERE {_IS_URL}
  UNION ALL SELECT url FROM changed CROSS JOIN mention USING (document) CROSS JOIN weak ON url = key
"""
_CLAIMS = """
SELECT claim.document, kind, joins, title, published, lead.address, alone, beside, mention.key FROM claim
  CROSS JOIN lead USING (document) CROSS JOIN mention ON mention.document = claim.document AND place = 0
  WHERE url = ? ORDER BY claim.document
"""


class Claims:
    """The tables claim and weak, and the keys of mentions that follow from them."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def ask(self) -> None:
        """Note which URLs are to be weighed again after the changes."""
        self.database.execute(_ASKED)

    def ask_all(self) -> None:
        """Note that all URLs are to be weighed again."""
        self.database.execute(f"INSERT OR IGNORE INTO asked SELECT url FROM claim WHERE {_IS_URL}")
        self.database.execute("INSERT OR IGNORE INTO asked SELECT url FROM weak")

    def shared_addresses(self) -> list[str]:
        """Those of the asked URLs that may be landing pages: several documents' own, or such a page already."""
        return self.database.column(
            """
            SELECT url FROM asked
              WHERE EXISTS (SELECT 1 FROM weak WHERE weak.url = asked.url AND lands)
                OR (SELECT count(*) FROM (
                  SELECT 1 FROM claim CROSS JOIN lead USING (document)
                    WHERE claim.url = asked.url AND address = asked.url AND beside <> '' LIMIT 2)) = 2
              ORDER BY url
            """
        )

    def doubtful(self) -> list[str]:
        """Those of the asked URLs that several documents claim, or one as a page, and those that are weak."""
        return self.database.column(
            """
            SELECT url FROM asked
              WHERE (SELECT count(*) FROM (SELECT 1 FROM claim WHERE claim.url = asked.url LIMIT 2)) = 2
                OR EXISTS (SELECT 1 FROM claim WHERE claim.url = asked.url AND kind = ?)
                OR EXISTS (SELECT 1 FROM weak WHERE weak.url = asked.url)
              ORDER BY url
            """,
            (ClaimKind.page,),
        )

    def of(self, url: str) -> list[Claim]:
        """The claims on a URL, in the order of the documents' numbers."""
        return [Claim(*row) for row in self.database.execute(_CLAIMS, (url,))]

    def lands(self, url: str) -> bool:
        """Whether a URL is a landing page."""
        return bool(self.database.one("SELECT lands FROM weak WHERE url = ?", (url,)))

    def land(self, url: str, claims: Iterable[Claim], *, lands: bool) -> None:
        """Let documents go by what is beside their own URL, a landing page, or by that URL again."""
        own, other = (ClaimKind.other, ClaimKind.own) if lands else (ClaimKind.own, ClaimKind.other)
        movers = [claim for claim in claims if claim.own == url and claim.beside and claim.kind != own]
        into = self.database.executemany
        kinds = [(own, url, mover.document) for mover in movers]
        kinds += [(other, mover.beside, mover.document) for mover in movers]
        into("UPDATE claim SET kind = ? WHERE url = ? AND document = ?", kinds)
        keys = [(mover.beside if lands else url, mover.document) for mover in movers]
        into("UPDATE mention SET key = ? WHERE document = ? AND place = 0", keys)
        into("INSERT OR IGNORE INTO asked VALUES (?)", [(mover.beside,) for mover in movers])
        self._change(mover.document for mover in movers)
        if lands:
            self.database.execute("INSERT OR REPLACE INTO weak VALUES (?, true, true)", (url,))
        else:
            self.database.execute("UPDATE weak SET lands = false WHERE url = ?", (url,))

    def put(self, url: str, claims: Sequence[Claim], verdict: Verdict) -> None:
        """Let a URL join what it joins by itself, and the rest by spare keys."""
        turned = [claim.document for claim in claims if claim.joins != (claim.document in verdict.joining)]
        if turned:
            self.database.executemany(
                "UPDATE claim SET joins = NOT joins WHERE url = ? AND document = ?",
                [(url, document) for document in turned],
            )
            self._change(turned)
            self.database.execute("INSERT OR IGNORE INTO former SELECT article FROM alias WHERE url = ?", (url,))
        was_weak = self.database.one("SELECT 1 FROM weak WHERE url = ?", (url,)) is not None
        if verdict.is_weak:
            self.database.execute(
                "INSERT INTO weak VALUES (?, ?, false) ON CONFLICT DO UPDATE SET disputed = excluded.disputed",
                (url, verdict.disputed),
            )
        elif was_weak:
            self.database.execute("DELETE FROM weak WHERE url = ?", (url,))
        if verdict.is_weak or was_weak:
            self._put_spares(url, claims, verdict)
            self._put_keys(url, by_itself=bool(verdict.joining) or not verdict.is_weak)

    def _put_spares(self, url: str, claims: Sequence[Claim], verdict: Verdict) -> None:
        """Let these documents claim the spare keys that they are to have of a URL, and no others."""
        wanted: set[tuple[str, int]] = set()
        if verdict.is_weak:
            wanted.update((by_title(url, mark_of(claim.title)), claim.document) for claim in claims)
        if verdict.disputed:
            wholes = (claim for claim in claims if claim.kind != ClaimKind.page)
            wanted.update((by_date(url, claim.published), claim.document) for claim in wholes)
        present = set(
            self.database.execute(
                f"SELECT url, document FROM claim WHERE kind = {ClaimKind.spare:d} AND {_SPARES.format(column='url')}",
                (url,),
            )
        )
        self.database.executemany("DELETE FROM claim WHERE url = ? AND document = ?", present - wanted)
        self.database.executemany(
            f"INSERT OR IGNORE INTO claim VALUES (?, ?, {ClaimKind.spare:d}, true)", wanted - present
        )
        different = present ^ wanted
        self._change(document for _, document in different)
        self._touch(key for key, _ in different)

    def _put_keys(self, url: str, *, by_itself: bool) -> None:
        """Let related mentions go by a URL itself, or by their spare keys."""
        rows = self.database.execute(
            f"SELECT rowid, key, data FROM mention WHERE place > 0 AND (key = ?1 OR {_SPARES.format(column='key')})",
            (url,),
        ).fetchall()
        moved = []
        for row, key, data in rows:
            mention = decode_mention(data)
            wanted = url if by_itself else mention.spare
            if mention.key == url and key != wanted:
                moved.append((wanted, row))
                self._touch((key, wanted))
        self.database.executemany("UPDATE mention SET key = ? WHERE rowid = ?", moved)

    def _change(self, documents: Iterable[int]) -> None:
        self.database.executemany("INSERT OR IGNORE INTO changed VALUES (?)", [(document,) for document in documents])

    def _touch(self, urls: Iterable[str]) -> None:
        self.database.executemany("INSERT OR IGNORE INTO touched VALUES (?)", [(url,) for url in urls])

    def disputed(self) -> dict[str, list[str]]:
        """The URLs that are claimed for several articles, and the documents that claim each, both in order."""
        found: dict[str, list[str]] = {}
        for url, path in self.database.execute(
            """
            SELECT url, path FROM weak JOIN claim USING (url) JOIN document ON id = document WHERE disputed
              ORDER BY url, path
            """
        ):
            found.setdefault(url, []).append(path)
        return found
