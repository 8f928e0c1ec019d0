"""The tables of the index.

    document ─< mention           what it says: the lead mention (place 0) and its related ones
    document ── lead ─> article   which article its own mention belongs to
    document ─< claim ─> url      the URLs that may name its article; `joins` no: it doesn't by itself
    alias ─> article              every URL that names an article
    article ─< placement          the feeds that it is in, in their order
    article ── text ─< token      what near-duplicates are found by; `survivor` stands for an article in all feeds
    article ── entry ─< fragment  its entry, rendered in each format
    feed                          dirty or not, and the instant it is due: a feed itself, or an archive of it

A batch collects what it touches in temporary tables, so that its cost follows the change and not the corpus.
"""

VERSION = 4

TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;

CREATE TABLE document (
  id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, source TEXT NOT NULL,
  size INTEGER, mtime INTEGER, ctime INTEGER, inode INTEGER, digest BLOB, racy INTEGER,
  outcome TEXT NOT NULL, problems BLOB -- outcome: of its last reading, or `kept`: it is gone
);
CREATE INDEX document_outcome ON document (outcome);
CREATE INDEX document_problem ON document (path) WHERE problems IS NOT NULL;

-- key: the mention's own; that of what is beside it, or its spare one, where that URL doesn't identify its article
-- untitled: it has no title, and shows that of others
CREATE TABLE mention (
  document INTEGER NOT NULL, place INTEGER NOT NULL, key TEXT NOT NULL, data BLOB NOT NULL,
  untitled INTEGER NOT NULL DEFAULT false
);
CREATE UNIQUE INDEX mention_document ON mention (document, place);
CREATE INDEX mention_key ON mention (key) WHERE place > 0;
CREATE INDEX mention_untitled ON mention (document) WHERE untitled;

-- published, topics: what its article's would be if it had no other lead; address: its own key; alone, beside: see
-- model.Mention
CREATE TABLE lead (
  document INTEGER PRIMARY KEY, article TEXT, explicit TEXT, title TEXT NOT NULL, published INTEGER NOT NULL,
  topics TEXT, address TEXT NOT NULL, alone INTEGER NOT NULL, beside TEXT NOT NULL, facts BLOB NOT NULL
);
CREATE INDEX lead_article ON lead (article);
CREATE INDEX lead_explicit ON lead (explicit) WHERE explicit IS NOT NULL;

-- kind: see model.ClaimKind
CREATE TABLE claim (
  url TEXT, document INTEGER, kind INTEGER NOT NULL, joins INTEGER NOT NULL,
  PRIMARY KEY (url, document)
) WITHOUT ROWID;
CREATE INDEX claim_document ON claim (document);
-- URLs that don't tell all who claim them apart, who therefore claim spare keys too; disputed: they are of several
-- articles; lands: it is a landing page, and they go by what is beside it
CREATE TABLE weak (url TEXT PRIMARY KEY, disputed INTEGER NOT NULL, lands INTEGER NOT NULL) WITHOUT ROWID;

-- since: from when it may be shown; own: the topics that its own documents give it (NULL: they make it no entry);
-- topics: the feeds that it is in (NULL: it is no entry), as spots; month: that of its archives (NULL: there are none);
-- category, provider, type, language: what it is, as shown (NULL: no feed asks)
CREATE TABLE article (
  key TEXT PRIMARY KEY, id TEXT UNIQUE, published INTEGER NOT NULL, since INTEGER NOT NULL, own TEXT, topics TEXT,
  survivor TEXT, month INTEGER, category TEXT, provider TEXT, type TEXT, language TEXT
) WITHOUT ROWID;
CREATE INDEX article_survivor ON article (survivor) WHERE survivor IS NOT NULL;
CREATE INDEX article_category ON article (category) WHERE category > '';
CREATE INDEX article_provider ON article (provider) WHERE provider > '';
CREATE INDEX article_type ON article (type) WHERE type > '';
CREATE INDEX article_language ON article (language) WHERE language > '';
CREATE INDEX article_unnamed ON article (key) WHERE id IS NULL;
CREATE TABLE alias (url TEXT PRIMARY KEY, article TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX alias_article ON alias (article);

-- age is minus the instant published, so that the primary key's order is a feed's order; until: NULL for ever
CREATE TABLE placement (
  topic TEXT, rank INTEGER, age INTEGER, key TEXT, since INTEGER, until INTEGER, name TEXT NOT NULL,
  PRIMARY KEY (topic, rank, age, key, since)
) WITHOUT ROWID;
CREATE INDEX placement_since ON placement (topic, since) WHERE since > -age OR rank <> 0;
CREATE INDEX placement_until ON placement (topic, until) WHERE until IS NOT NULL;

CREATE TABLE text (article TEXT PRIMARY KEY, published INTEGER NOT NULL, data BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE token (token INTEGER, article TEXT, PRIMARY KEY (token, article)) WITHOUT ROWID;
CREATE INDEX token_article ON token (article);

CREATE TABLE entry (key TEXT PRIMARY KEY, updated INTEGER NOT NULL, until INTEGER) WITHOUT ROWID;
-- sum: the CRC-32 of data, for SQLite doesn't notice damage inside a blob
CREATE TABLE fragment (key TEXT, format TEXT, sum INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (key, format));
-- month: of an archive; 0: of the feed itself; dirty: 0 no, 1 it has to be written, 2 and may show more
CREATE TABLE feed (
  topic TEXT, month INTEGER, dirty INTEGER NOT NULL, due INTEGER, PRIMARY KEY (topic, month)
) WITHOUT ROWID;
"""

BATCH = """
CREATE TEMP TABLE looked (path TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TEMP TABLE seen (
  path TEXT PRIMARY KEY, file TEXT, source TEXT, size INTEGER, mtime INTEGER, ctime INTEGER, inode INTEGER
) WITHOUT ROWID;
CREATE TEMP TABLE held (path TEXT PRIMARY KEY) WITHOUT ROWID;
-- missing documents, and what each was like; held: missing since an earlier run, liked: its like stands elsewhere
CREATE TEMP TABLE absent (
  path TEXT PRIMARY KEY, inode INTEGER, size INTEGER, mtime INTEGER, digest BLOB, title TEXT, published INTEGER,
  held INTEGER NOT NULL DEFAULT false, liked INTEGER NOT NULL DEFAULT false
) WITHOUT ROWID;
-- taken: what can't be the like of one of them, as it is that of another, or goes itself; familiar: documents that only
-- the ledger knew before they were read
CREATE TEMP TABLE taken (path TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TEMP TABLE familiar (path TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TEMP TABLE changed (document INTEGER PRIMARY KEY);
CREATE TEMP TABLE touched (url TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TEMP TABLE asked (url TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TEMP TABLE former (article TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TEMP TABLE affected (document INTEGER PRIMARY KEY);
CREATE TEMP TABLE joined (document INTEGER PRIMARY KEY);
CREATE TEMP TABLE made (key TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TEMP TABLE placing (key TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TEMP TABLE regroup (key TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TEMP TABLE met (token INTEGER PRIMARY KEY, common INTEGER NOT NULL);
CREATE TEMP TABLE stale (key TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TEMP TABLE settled (id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TEMP TABLE wanted (key TEXT, format TEXT, PRIMARY KEY (key, format)) WITHOUT ROWID;
-- the known documents at or below the places that were looked at, none of which is below another; `0` is the letter
-- behind `/`
CREATE TEMP VIEW concerned AS
  SELECT id, d.path, source, outcome FROM looked CROSS JOIN document d ON d.path = looked.path
  UNION ALL
  SELECT id, d.path, source, outcome FROM looked
    CROSS JOIN document d ON d.path > looked.path || '/' AND d.path < looked.path || '0';
"""

# What one version of the index takes over from another: what documents said.
CARRIED = {
    "document": "id, path, source, size, mtime, ctime, inode, digest, racy, outcome, problems",
    "mention": "document, place, key, data, untitled",
    "lead": "document, explicit, title, published, topics, address, alone, beside, facts",
    "claim": "url, document, kind, joins",
    "weak": "url, disputed, lands",
}
# Leads and claims of the versions before 4 are worked out again from mentions.
CARRIED_BEFORE_4 = {"document": CARRIED["document"], "mention": "document, place, key, data"}
