"""Articles in the index: which documents belong together, and which article has which id.

An article without a document of its own (feeds may ask for one, `placements.py`) is its own only alias.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from aggregator.model import Lead, Mention
from aggregator.store.database import Database
from aggregator.store.packed import Standing, decode_facts, decode_mention

# SQLite keeps the order of a CROSS JOIN: from the few that a batch collected to the many, never the other way.

# `touched`: the URLs of which something else is said than before, or by others.

# Where the circle of what changes affect begins: with what changed, and what it said before or says now.
_SEEDS = (
    "INSERT OR IGNORE INTO affected SELECT document FROM changed CROSS JOIN lead USING (document)",
    "INSERT OR IGNORE INTO affected SELECT document FROM touched CROSS JOIN claim USING (url) WHERE joins",
    "INSERT OR IGNORE INTO former SELECT article FROM touched CROSS JOIN alias USING (url)",
    """
    INSERT OR IGNORE INTO former SELECT article FROM changed CROSS JOIN claim USING (document)
      CROSS JOIN alias USING (url) WHERE joins
    """,
    "INSERT OR IGNORE INTO affected SELECT document FROM former CROSS JOIN lead USING (article)",
)
# Each makes the circle wider: by a URL, by an article that is to be dissolved.
_WIDEN = (
    """
    INSERT OR IGNORE INTO affected SELECT other.document FROM affected
      CROSS JOIN claim USING (document) CROSS JOIN claim other USING (url) WHERE claim.joins AND other.joins
    """,
    """
    INSERT OR IGNORE INTO affected SELECT other.document FROM affected
      CROSS JOIN lead USING (document) CROSS JOIN lead other USING (article)
    """,
)
# The feeds that articles are in, and the archives there.
_DIRTY = """
INSERT INTO feed
  SELECT topic.value ->> 0, 0, {dirty}, NULL FROM article, json_each(article.topics) topic WHERE article.key IN {keys}
  UNION
  SELECT topic.value ->> 0, month, {dirty}, NULL FROM article, json_each(article.topics) topic
    WHERE article.key IN {keys} AND month IS NOT NULL
  ON CONFLICT DO UPDATE SET dirty = max(dirty, excluded.dirty)
"""
# The articles of affected documents, and those without one that they list.
_FORMER = (
    """
    INSERT OR IGNORE INTO former SELECT lead.article FROM affected CROSS JOIN lead USING (document)
      WHERE lead.article IS NOT NULL
    """,
    """
    INSERT OR IGNORE INTO former SELECT alias.article FROM affected CROSS JOIN mention USING (document)
      CROSS JOIN alias ON alias.url = mention.key
      WHERE place > 0 AND NOT EXISTS (SELECT 1 FROM lead WHERE lead.article = alias.article)
    """,
)
# Where documents name ids, each makes the circle wider: by who has an id that an affected document names, by who
# names an id of an article that is to be dissolved.
_WIDEN_BY_ID = (
    """
    INSERT OR IGNORE INTO affected SELECT other.document FROM affected
      CROSS JOIN lead USING (document) CROSS JOIN article ON article.id = lead.explicit
      CROSS JOIN lead other ON other.article = article.key WHERE lead.explicit IS NOT NULL
    """,
    """
    INSERT OR IGNORE INTO former SELECT article.key FROM affected
      CROSS JOIN lead USING (document) CROSS JOIN article ON article.id = lead.explicit WHERE lead.explicit IS NOT NULL
    """,
    *_FORMER,
    """
    INSERT OR IGNORE INTO affected SELECT lead.document FROM former
      CROSS JOIN article ON article.key = former.article
      CROSS JOIN lead ON lead.explicit = article.id WHERE lead.explicit IS NOT NULL
    """,
)
# The documents that name an id which no article has: it is put aside for a document, which may be among the changes.
_WAITING = """
INSERT OR IGNORE INTO affected SELECT document FROM lead
  WHERE explicit IS NOT NULL AND NOT EXISTS (SELECT 1 FROM article WHERE id = lead.explicit)
"""
# They are taken apart; what showed them is remembered.
_DISSOLVE = (
    "INSERT OR IGNORE INTO settled SELECT id FROM former CROSS JOIN article ON key = article WHERE id IS NOT NULL",
    # What is only listed says the same as before, unless it is touched already.
    """
    INSERT OR IGNORE INTO touched SELECT url FROM former CROSS JOIN alias USING (article)
      WHERE EXISTS (SELECT 1 FROM lead WHERE lead.article = former.article)
    """,
    # Without the types, which make them comparable to the columns, all that is in the topics would be gone through.
    """
    DELETE FROM placement WHERE (topic, rank, age, key) IN (
      SELECT CAST(topic.value ->> 0 AS TEXT), CAST(coalesce(topic.value ->> 4, 0) AS INTEGER),
          CAST(-article.published AS INTEGER), article.key
        FROM former CROSS JOIN article ON article.key = former.article, json_each(article.topics) topic)
    """,
    _DIRTY.format(keys="(SELECT article FROM former)", dirty=1),
    "DELETE FROM article WHERE key IN (SELECT article FROM former)",
    "DELETE FROM alias WHERE article IN (SELECT article FROM former)",
    "DELETE FROM text WHERE article IN (SELECT article FROM former)",
    "DELETE FROM token WHERE article IN (SELECT article FROM former)",
    "DELETE FROM entry WHERE key IN (SELECT article FROM former)",
    "DELETE FROM fragment WHERE key IN (SELECT article FROM former)",
    "UPDATE lead SET article = NULL WHERE document IN (SELECT document FROM affected)",
)
# What shows an article that was merged just now is stale: its own entry, and those it is coverage of; so are the
# entries that show an article without a document, where what is said of it changed.
_OWN = "INSERT OR IGNORE INTO stale SELECT key FROM made"
_SPREAD = (
    """
    INSERT OR IGNORE INTO stale SELECT lead.article FROM touched
      CROSS JOIN mention ON mention.key = touched.url AND mention.place > 0 CROSS JOIN lead USING (document)
    """,
    """
    INSERT OR IGNORE INTO stale SELECT lead.article FROM affected
      CROSS JOIN claim ON claim.document = affected.document AND claim.joins
      CROSS JOIN mention ON mention.key = claim.url AND mention.place > 0
      CROSS JOIN lead ON lead.document = mention.document
    """,
    """
    INSERT OR IGNORE INTO stale SELECT survivor FROM stale CROSS JOIN article USING (key) WHERE survivor IS NOT NULL
    """,
    "DELETE FROM entry WHERE key IN (SELECT key FROM stale)",
    "DELETE FROM fragment WHERE key IN (SELECT key FROM stale)",
)
# The affected documents become articles: those that share one first, then each of the others alone.
_JOINED = """
INSERT INTO joined SELECT DISTINCT claim.document FROM affected
  CROSS JOIN claim USING (document) CROSS JOIN claim other USING (url)
  WHERE other.document <> claim.document AND claim.joins AND other.joins
"""
_ALONE = (
    """
    INSERT INTO article (key, published, since, own) SELECT key, published, published, topics FROM affected
      CROSS JOIN lead USING (document) CROSS JOIN mention ON mention.document = affected.document AND place = 0
      WHERE affected.document NOT IN (SELECT document FROM joined)
    """,
    """
    UPDATE lead SET article = (SELECT key FROM mention WHERE mention.document = lead.document AND place = 0)
      WHERE document IN (SELECT document FROM affected) AND article IS NULL
    """,
    """
    INSERT OR IGNORE INTO alias SELECT url, article FROM affected
      CROSS JOIN lead USING (document) CROSS JOIN claim USING (document) WHERE joins
    """,
    "INSERT OR IGNORE INTO made SELECT article FROM affected CROSS JOIN lead USING (document)",
)
_COLLECTED = (
    "looked", "seen", "held", "absent", "taken", "familiar", "changed", "touched", "asked", "former", "affected",
    "joined", "made", "placing", "regroup", "met", "stale", "settled",
)  # fmt: skip


class Refused(NamedTuple):
    """A lead that names another id than its article has: the lead, the article's key, and the id that this has."""

    lead: Lead
    article: str
    id: str


class Articles:
    """The tables article and alias, and what a batch collects to bring them up to the documents."""

    def __init__(self, database: Database) -> None:
        self.database = database

    # Which documents belong together

    def affect_all(self) -> None:
        """Make every article be merged again."""
        self.database.execute("INSERT OR IGNORE INTO affected SELECT document FROM lead")
        self.database.execute("INSERT OR IGNORE INTO former SELECT key FROM article")

    def gather(self) -> int:
        """Work out which documents the changes affect; returns their number."""
        execute = self.database.execute
        for statement in _SEEDS:
            execute(statement)
        widen: tuple[str, ...] = _WIDEN
        if self.database.one("SELECT 1 FROM lead WHERE explicit IS NOT NULL LIMIT 1"):
            widen += _WIDEN_BY_ID
            if self.database.one("SELECT EXISTS (SELECT 1 FROM affected) OR EXISTS (SELECT 1 FROM former)"):
                execute(_WAITING)
        size = -1
        while size != (size := int(self.database.one("SELECT count(*) FROM affected"))):
            for statement in widen:
                execute(statement)
        for statement in _FORMER:
            execute(statement)
        return size

    def dissolve(self) -> None:
        """Take the articles of the affected documents apart."""
        for statement in _DISSOLVE:
            self.database.execute(statement)

    def joined(self) -> list[int]:
        """The affected documents that share an article with others."""
        self.database.execute(_JOINED)
        return self.database.column("SELECT document FROM joined ORDER BY document")

    def neighbours(self, document: int) -> list[int]:
        """The documents that share a joining URL with this one."""
        return self.database.column(
            """
            SELECT DISTINCT other.document FROM claim JOIN claim other USING (url)
              WHERE claim.document = ? AND claim.joins AND other.joins
            """,
            (document,),
        )

    def lead(self, document: int) -> tuple[str, Mention]:
        """The key and the lead mention of a document."""
        key, data = self.database.execute(
            "SELECT key, data FROM mention WHERE document = ? AND place = 0", (document,)
        ).fetchone()
        return key, decode_mention(data)

    def put(self, articles: Sequence[tuple[str, Sequence[int], Standing]]) -> None:
        """Save articles that several documents share, as (key, documents, standing)."""
        self.database.executemany(
            "INSERT INTO article (key, published, since, own) VALUES (?1, ?2, ?2, ?3)",
            [(key, *standing.columns()) for key, _, standing in articles],
        )
        self.database.executemany(
            "UPDATE lead SET article = ? WHERE document = ?",
            [(key, document) for key, documents, _ in articles for document in documents],
        )

    def put_aliases(self, key: str, documents: Sequence[int]) -> None:
        """Let an article have the URLs that these documents claim for it, but those that others have already."""
        self.database.execute("INSERT OR IGNORE INTO alias VALUES (?1, ?1)", (key,))
        self.database.executemany(
            "INSERT OR IGNORE INTO alias SELECT url, ? FROM claim WHERE document = ? AND joins",
            [(key, document) for document in documents],
        )

    def claimed(self, documents: Sequence[int]) -> dict[int, list[str]]:
        """The URLs by which each of these documents joins others."""
        found: dict[int, list[str]] = {document: [] for document in documents}
        for document, url in self.database.execute(
            "SELECT document, url FROM claim WHERE joins AND document IN (SELECT value FROM json_each(?))",
            (json.dumps(documents),),
        ):
            found[document].append(url)
        return found

    def put_alone(self) -> None:
        """Save the articles of the affected documents that share none, and where all of them are found."""
        for statement in _ALONE:
            self.database.execute(statement)

    def spread(self) -> None:
        """Make stale and dirty what shows an article that was merged just now."""
        rendered = self.database.one("SELECT 1 FROM entry LIMIT 1") is not None
        for statement in (_OWN, *(_SPREAD if rendered else ()), _DIRTY.format(keys="(SELECT key FROM stale)", dirty=2)):
            self.database.execute(statement)

    def turned(self) -> list[str]:
        """The ids of the articles that came, went, or are to be shown otherwise than before."""
        return self.database.column(
            "SELECT id FROM settled UNION SELECT id FROM stale CROSS JOIN article USING (key) WHERE id IS NOT NULL"
        )

    def end(self) -> int:
        """End the batch. Returns how many articles were merged."""
        count = int(self.database.one("SELECT count(*) FROM made"))
        for table in _COLLECTED:
            self.database.execute(f"DELETE FROM temp.{table}")
        return count

    def count(self) -> int:
        """How many articles there are that have a document of their own."""
        return int(self.database.one("SELECT count(DISTINCT article) FROM lead"))

    # Whose id is whose

    def unnamed(self) -> list[str]:
        """The keys of articles without an id, in order."""
        return self.database.column("SELECT key FROM article WHERE id IS NULL ORDER BY key")

    def leads(self, keys: Sequence[str]) -> dict[str, list[Lead]]:
        """What identity asks of the leads of these articles."""
        found: dict[str, list[Lead]] = {key: [] for key in keys}
        for key, facts in self.database.execute(
            "SELECT article, facts FROM lead WHERE article IN (SELECT value FROM json_each(?)) ORDER BY document",
            (json.dumps(keys),),
        ):
            found[key].append(decode_facts(facts))
        return found

    def explicit(self) -> list[tuple[str, str, Mention]]:
        """The claims on an id by articles without one, as (id, key, lead mention)."""
        rows = self.database.execute(
            """
            SELECT explicit, article, data FROM lead
              JOIN article ON article.key = lead.article
              JOIN mention ON mention.document = lead.document AND place = 0
              WHERE explicit IS NOT NULL AND article.id IS NULL
            """
        )
        return [(id, key, decode_mention(data)) for id, key, data in rows]

    def refused(self) -> list[Refused]:
        """The documents whose article has another id than the one that they name, by path."""
        rows = self.database.execute(
            """
            SELECT lead.facts, lead.article, article.id FROM lead
              CROSS JOIN document ON document.id = lead.document CROSS JOIN article ON article.key = lead.article
              WHERE lead.explicit IS NOT NULL AND article.id <> lead.explicit ORDER BY document.path
            """
        )
        return [Refused(decode_facts(facts), article, id) for facts, article, id in rows]

    def leads_at(self, paths: Sequence[str]) -> dict[str, tuple[str, Lead]]:
        """The articles of these documents, with what identity asks of their leads, by path."""
        rows = self.database.execute(
            """
            SELECT path, article, facts FROM document JOIN lead ON lead.document = document.id
              WHERE path IN (SELECT value FROM json_each(?)) AND article IS NOT NULL
            """,
            (json.dumps(paths),),
        )
        return {path: (article, decode_facts(facts)) for path, article, facts in rows}

    def without_document(self, keys: Sequence[str]) -> list[str]:
        """Those of these keys that are an article without a document."""
        return self.database.column(
            """
            SELECT key FROM article WHERE key IN (SELECT value FROM json_each(?))
              AND NOT EXISTS (SELECT 1 FROM lead WHERE lead.article = article.key)
            """,
            (json.dumps(keys),),
        )

    def unnamed_of(self, urls: Sequence[str]) -> dict[str, str]:
        """The articles without an id that these URLs name, by URL."""
        return dict(
            self.database.execute(
                """
                SELECT url, article FROM alias JOIN article ON key = article
                  WHERE id IS NULL AND url IN (SELECT value FROM json_each(?))
                """,
                (json.dumps(urls),),
            )
        )

    def naming(self, key: str, urls: Sequence[str]) -> list[str]:
        """Those of these URLs that name this article, or that only one document claims."""
        return self.database.column(
            """
            SELECT value FROM json_each(?2) WHERE EXISTS (SELECT 1 FROM alias WHERE url = value AND article = ?1)
              OR (SELECT count(*) FROM (SELECT 1 FROM claim WHERE url = value LIMIT 2)) = 1
            """,
            (key, json.dumps(urls)),
        )

    def has(self, id: str) -> bool:
        """Whether an article has this id."""
        return self.database.one("SELECT 1 FROM article WHERE id = ?", (id,)) is not None

    def give(self, ids: Sequence[tuple[str, str]]) -> None:
        """Give articles their ids, as (id, key)."""
        self.database.executemany("UPDATE article SET id = ? WHERE key = ?", ids)

    def orphaned(self) -> list[str]:
        """The ids of the articles taken apart just now that no article has."""
        return self.database.column(
            "SELECT id FROM settled WHERE NOT EXISTS (SELECT 1 FROM article WHERE article.id = settled.id) ORDER BY id"
        )

    def merged(self) -> list[str]:
        """The keys of the articles that were merged just now, in order."""
        return self.database.column("SELECT key FROM made ORDER BY key")

    def ids(self, keys: Sequence[str]) -> dict[str, str]:
        """The ids of these articles."""
        return dict(
            self.database.execute(
                "SELECT key, id FROM article WHERE key IN (SELECT value FROM json_each(?))", (json.dumps(keys),)
            )
        )

    def settling(self) -> list[str]:
        """The ids whose articles were dissolved, merged or placed just now."""
        self.database.execute("INSERT OR IGNORE INTO settled SELECT id FROM placing JOIN article USING (key)")
        return self.database.column("SELECT id FROM settled ORDER BY id")

    def standing(self, ids: Sequence[str]) -> dict[str, Standing]:
        """How the articles stand that have one of these ids: from when they may be seen, and in which topics' feeds."""
        rows = self.database.execute(
            "SELECT id, since, topics FROM article WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(ids),),
        )
        return {
            id: Standing(published, None if topics is None else json.loads(topics)) for id, published, topics in rows
        }

    def stands(self, id: str) -> bool:
        """Whether the article with this id would be an entry, if no near-duplicate stood for it."""
        return self.database.one("SELECT 1 FROM article WHERE id = ? AND own IS NOT NULL", (id,)) is not None

    def is_listed(self, key: str) -> bool:
        """Whether an article that would be an entry lists this one as related."""
        found = self.database.one(
            """
            SELECT 1 FROM mention JOIN lead USING (document) JOIN article ON article.key = lead.article
              WHERE mention.key = ? AND place > 0 AND own IS NOT NULL
            """,
            (key,),
        )
        return found is not None

    def leads_any(self, path: str) -> bool:
        """Whether there is a document at this path that makes an article."""
        found = self.database.one("SELECT 1 FROM document JOIN lead ON document = id WHERE path = ?", (path,))
        return found is not None

    def links(self, keys: Sequence[str]) -> dict[str, str]:
        """How the URL of each of these articles without a document is written, in one of the mentions of it."""
        rows = self.database.execute(
            """
            SELECT key, data FROM mention WHERE place > 0 AND key IN (SELECT value FROM json_each(?))
              ORDER BY document DESC, place DESC
            """,
            (json.dumps(keys),),
        )
        return {key: decode_mention(data).link for key, data in rows}

    def leads_entry(self, path: str) -> bool:
        """Whether this document's lead belongs to an article that is an entry, or near-duplicate of one."""
        found = self.database.one(
            """
            SELECT 1 FROM document JOIN lead ON lead.document = document.id JOIN article ON key = article
              WHERE path = ? AND own IS NOT NULL
            """,
            (path,),
        )
        return found is not None
