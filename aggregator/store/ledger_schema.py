"""The tables of the ledger, what makes one of each earlier version one of this, and the order of their rows."""

VERSION = 9
SCHEMA = """
-- identity: which output folders are ours, mark: changes with every change that the index must have seen,
-- newest: the latest instant remembered, clock: changes when later ones than now were brought back to it
CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY) WITHOUT ROWID;
-- every id ever given, by age; key: what it was given for; topics: the feeds its entry is in (NULL: it is no entry)
CREATE TABLE article (age INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, key TEXT NOT NULL,
  first_seen INTEGER NOT NULL, withdrawn INTEGER, restored INTEGER, topics TEXT, published INTEGER);
CREATE INDEX article_seen ON article (first_seen);
-- the id of each document's path, and what its document was like; urls: as written; of an article without a document,
-- the path is its key
CREATE TABLE path (path TEXT PRIMARY KEY, id TEXT NOT NULL, title TEXT NOT NULL, date INTEGER, urls TEXT NOT NULL)
  WITHOUT ROWID;
CREATE INDEX path_id ON path (id);
-- the URLs that ids were given for, canonical and as written (NULL: just so)
CREATE TABLE url (url TEXT, id TEXT, written TEXT, PRIMARY KEY (url, id)) WITHOUT ROWID;
-- since: when it was first met (NULL: before that was remembered)
CREATE TABLE topic (topic TEXT PRIMARY KEY, slug TEXT NOT NULL UNIQUE, since INTEGER) WITHOUT ROWID;
CREATE TABLE tombstone (topic TEXT, id TEXT, withdrawn INTEGER, PRIMARY KEY (topic, id, withdrawn)) WITHOUT ROWID;
CREATE INDEX tombstone_withdrawn ON tombstone (topic, withdrawn);
CREATE INDEX tombstone_id ON tombstone (id);
-- feeds that are out, and archives of them; month: the archive's, 0 of the feed itself; lapsed: since when one doesn't
-- qualify any more; shown: what it shows, as JSON (NULL: not known)
CREATE TABLE feed (topic TEXT, month INTEGER NOT NULL DEFAULT 0, spelled TEXT NOT NULL, lapsed INTEGER, shown TEXT,
  PRIMARY KEY (topic, month)) WITHOUT ROWID;
-- files that are out, as stat saw them after writing; size NULL: about to be written
CREATE TABLE file (path TEXT PRIMARY KEY, topic TEXT NOT NULL, size INTEGER, mtime INTEGER, ctime INTEGER,
  inode INTEGER, month INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
-- the periods of a digest that are over, when the entry of each was last updated, and the ids of the articles that it
-- has for ever, the best first
CREATE TABLE digest (topic TEXT, until INTEGER, updated INTEGER NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL,
  PRIMARY KEY (topic, until)) WITHOUT ROWID;
CREATE TABLE digest_member (topic TEXT, until INTEGER, place INTEGER, id TEXT NOT NULL,
  PRIMARY KEY (topic, until, place)) WITHOUT ROWID;
CREATE INDEX digest_member_id ON digest_member (id);
-- those that stand for their near-duplicates, the first first
CREATE TABLE survivor (age INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE);
-- documents that went by accident and are kept as they were, until they are there again or somebody accepts it; known:
-- how many their source had when they went; since: when that was seen (NULL: before that was remembered)
CREATE TABLE missing (path TEXT PRIMARY KEY, source TEXT NOT NULL, known INTEGER NOT NULL, since INTEGER)
  WITHOUT ROWID;
-- documents that are gone and kept, since when, and their last good versions, packed
CREATE TABLE kept (path TEXT PRIMARY KEY, source TEXT NOT NULL, since INTEGER NOT NULL, said BLOB NOT NULL);
-- what became of files that hubs and hooks weren't told of yet; outcome: written or removed
CREATE TABLE news (age INTEGER PRIMARY KEY AUTOINCREMENT, teller TEXT NOT NULL, path TEXT NOT NULL,
  outcome TEXT NOT NULL, UNIQUE (teller, path));
"""
# What makes a ledger of each earlier version one of the next.
UPGRADES = {
    1: "CREATE TABLE survivor (age INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE)",
    2: """
    CREATE TABLE news (age INTEGER PRIMARY KEY AUTOINCREMENT, teller TEXT NOT NULL, path TEXT NOT NULL,
      outcome TEXT NOT NULL, UNIQUE (teller, path))
    """,
    3: """
    ALTER TABLE feed ADD COLUMN shown TEXT;
    CREATE INDEX tombstone_withdrawn ON tombstone (topic, withdrawn);
    CREATE INDEX tombstone_id ON tombstone (id);
    CREATE INDEX article_seen ON article (first_seen);
    ALTER TABLE topic ADD COLUMN since INTEGER;
    """,
    4: """
    ALTER TABLE feed RENAME TO feed_4;
    CREATE TABLE feed (topic TEXT, month INTEGER NOT NULL DEFAULT 0, spelled TEXT NOT NULL, lapsed INTEGER, shown TEXT,
      PRIMARY KEY (topic, month)) WITHOUT ROWID;
    INSERT INTO feed SELECT topic, 0, spelled, lapsed, shown FROM feed_4;
    DROP TABLE feed_4;
    ALTER TABLE file ADD COLUMN month INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE digest (topic TEXT, until INTEGER, updated INTEGER NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL,
      PRIMARY KEY (topic, until)) WITHOUT ROWID;
    CREATE TABLE digest_member (topic TEXT, until INTEGER, place INTEGER, id TEXT NOT NULL,
      PRIMARY KEY (topic, until, place)) WITHOUT ROWID;
    CREATE INDEX digest_member_id ON digest_member (id);
    """,
    5: "CREATE TABLE missing (path TEXT PRIMARY KEY, source TEXT NOT NULL, known INTEGER NOT NULL) WITHOUT ROWID",
    6: "ALTER TABLE missing ADD COLUMN since INTEGER",
    # A spare key was a URL with a fragment; since URLs may keep theirs, it is one with a blank.
    7: """
    UPDATE article SET key = replace(key, '#', ' t:') WHERE instr(key, '#');
    UPDATE url SET url = replace(url, '#', ' t:') WHERE instr(url, '#');
    UPDATE path SET path = replace(path, '#', ' t:'), title = replace(title, '#', ' t:')
      WHERE instr(path, '://') AND instr(path, '#');
    """,
    8: "CREATE TABLE kept (path TEXT PRIMARY KEY, source TEXT NOT NULL, since INTEGER NOT NULL, said BLOB NOT NULL)",
}
RESPELLED = {7: UPGRADES[7]}
"""The upgrades that change what rows say, not which columns they have: rows of a backup need these alone."""
TABLES = {
    "meta": "name",
    "article": "age",
    "path": "path",
    "url": "url, id",
    "topic": "topic",
    "survivor": "age",
    "tombstone": "topic, id, withdrawn",
    "feed": "topic, month",
    "file": "path",
    "digest": "topic, until",
    "digest_member": "topic, until, place",
    "missing": "path",
    "kept": "path",
    "news": "age",
}
