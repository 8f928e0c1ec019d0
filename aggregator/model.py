"""The values that travel down the pipeline; their names tell how far they have come.

document ── read ──▶ Mention ── merge ──▶ Article ── relate ──▶ Story ── select ──▶ Entry, Feed ── render ──▶ bytes

All are frozen, all instants are aware datetimes in UTC, all collections are tuples. None or an empty value
means: not known. `array_like` and `gc=False` make them cheap to keep in the store and to hand to a worker.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import IntEnum, StrEnum
from typing import NamedTuple
from urllib.parse import quote, urlsplit

import msgspec

ARCHIVED = ("rss", "atom")
"""The formats that have archives: those that RFC 5005 has words for."""

STORY = "story"
"""What an entry is rendered as, besides formats, that is a story in another one's."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HALF = 1 << 63


def to_micros(instant: datetime) -> int:
    """Microseconds since 1970: how instants are stored and compared."""
    return (instant - EPOCH) // timedelta(microseconds=1)


def from_micros(micros: int) -> datetime:
    """The instant that `to_micros` gave."""
    return EPOCH + timedelta(microseconds=micros)


def in_64_bits(number: int) -> int:
    """A number of the file system's (nanoseconds since 1970, an inode) as SQLite holds it: 64 bits, one for the sign.

    Most stay as they are. Numbers that differ still do, unless by a multiple of 2**64; greater is no longer greater:
    what didn't fit is below 0.
    """
    if -_HALF <= number < _HALF:
        return number
    return (number + _HALF) % (2 * _HALF) - _HALF


class Severity(StrEnum):
    """How bad a problem is: an error holds the document back, a warning drops a part of it."""

    error = "error"
    warning = "warning"


class Problem(msgspec.Struct, frozen=True):
    """Something wrong in a file. `line` and `column` count from 1; 0: the file as a whole."""

    path: str
    line: int
    column: int
    severity: Severity
    message: str

    def __str__(self) -> str:
        where = f"{self.path}:{self.line}:{self.column}" if self.line else self.path
        return f"{where}: {self.severity}: {self.message}"


class Value(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True, gc=False):
    """The kind of struct that all values below are."""


class Image(Value, frozen=True):
    """A picture: an absolute http(s) URL; width and height in pixels."""

    url: str
    width: int | None = None
    height: int | None = None
    title: str = ""


class Provider(Value, frozen=True):
    """Who published the original. `domain` is a bare host name."""

    name: str = ""
    domain: str = ""
    images: tuple[Image, ...] = ()


class Player(Value, frozen=True):
    """An embedded player: the absolute URL its iframe shows, and its size in pixels."""

    url: str
    width: int | None = None
    height: int | None = None


class Action(Value, frozen=True):
    """Something to do with the article, such as a download: an absolute URL, its title and type (`download`)."""

    url: str
    title: str = ""
    type: str = ""


class Topic(Value, frozen=True):
    """A subject as an article spells it, and the slug that it has for ever."""

    name: str
    slug: str


class About(Value, frozen=True):
    """What is said of an article, by one document or by all of them together.

    `key` is the canonical URL that the article goes by, `link` its URL as written; "" where it has none and is only
    a text, which coverage can be. `listed` no: not an entry of its own. `removed`: withdrawn everywhere. `body` is
    sanitised HTML; all other texts are plain.
    """

    key: str
    link: str
    title: str
    excerpt: str = ""
    published: datetime | None = None
    updated: datetime | None = None
    type: str = ""
    category: str = ""
    language: str = ""
    authors: tuple[str, ...] = ()
    quality: int | None = None
    heat: int | None = None
    listed: bool = True
    removed: bool = False
    provider: Provider | None = None
    topics: tuple[str, ...] = ()
    images: tuple[Image, ...] = ()
    player: Player | None = None
    actions: tuple[Action, ...] = ()
    length: str = ""
    price: str = ""
    levels: tuple[str, ...] = ()
    rating: float | None = None
    items: tuple[str, ...] = ()
    body: str = ""

    @property
    def publisher(self) -> str:
        """Who published it, as plain text: the provider's name, else its domain, else the host in the link; "" where
        nobody is known.
        """
        provider = self.provider
        if provider and (provider.name or provider.domain):
            return provider.name or provider.domain
        return self.link.partition("://")[2].partition("/")[0]


class ClaimKind(IntEnum):
    """What a URL is to the document that claims it for its article: the article's `own` address; an `other` one beside
    it; the `page` that its own address names a part of; or a `spare` key.
    """

    own = 0
    other = 1
    page = 2
    spare = 3


class Claim(NamedTuple):
    """A document that claims a URL, and what tells its article from others.

    kind: what the URL is to it; joins: whether the URL joins it to others by itself. Of its lead: title (folded),
    published (µs since 1970), the key of its own address, `alone` and `beside` (see `Mention`); address: the key that
    it goes by, which is that of what is beside a landing page.
    """

    document: int
    kind: ClaimKind
    joins: bool
    title: str
    published: int
    own: str
    alone: bool
    beside: str
    address: str


class Verdict(NamedTuple):
    """What a URL does for the documents that claim it.

    joining: the documents that it joins by itself; disputed: it is claimed for several articles, and joins the others
    together with a title or a date; parted: some claim it as the page of a part, and it joins these together with a
    title.
    """

    joining: frozenset[int]
    disputed: bool
    parted: bool

    @property
    def is_weak(self) -> bool:
        """Whether it needs spare keys."""
        return self.disputed or self.parted


SPARE = " "
"""What every spare key holds and no URL does. A spare key stands for a URL that doesn't tell articles apart, together
with something that does: a title, a date or an id."""


def by_title(url: str, mark: str) -> str:
    """The spare key of a URL and the mark of a title."""
    return f"{url}{SPARE}t:{mark}"


def by_date(url: str, micros: int) -> str:
    """The spare key of a URL and an instant (microseconds since 1970)."""
    return f"{url}{SPARE}d:{micros}"


def by_id(url: str, mark: str) -> str:
    """The spare key of a URL and the mark of an id."""
    return f"{url}{SPARE}i:{mark}"


def is_spare(key: str) -> bool:
    """Whether a key is a spare one."""
    return SPARE in key


class Mention(About, frozen=True, kw_only=True):
    """What one document says of one article.

    `place` 0 is the document's own article (the lead mention), 1 and up are its related entries. `key` comes from
    `link`; where that URL can't name an article (no path and no query) or there is none, it is the spare key. `mark`
    is a short digest of the folded title and, without `link`, of who published it. A lead's `urls` are its aliases:
    the URLs that can name it, as (canonical, as written), the best first. `id` is the one given in front matter. `at`:
    the line and column of its key, or of a related entry without a title ((0, 0): not known). `alone`: a lead whose
    key isn't that of a webUrl; `beside`: the canonical originalUrl of one that is, where that is on another host ("":
    it isn't). `kept`: of a lead, its document is gone and kept. The ledger has mentions too: a new field is the last
    one, here and above, and has a default.
    """

    path: str
    place: int
    source: int
    mark: str
    urls: tuple[tuple[str, str], ...] = ()
    id: str = ""
    at: tuple[int, int] = (0, 0)
    alone: bool = False
    beside: str = ""
    kept: bool = False

    @property
    def spare(self) -> str:
        """The key for a URL that names several articles: told apart by title."""
        return self.key if is_spare(self.key) else by_title(self.key, self.mark)


class Lead(Value, frozen=True):
    """What identity asks of a lead mention: its path, folded title, date (microseconds since 1970; None: not
    known), its URLs as (canonical, as written), the id that it names ("": none), and the line and column where."""

    path: str
    title: str
    date: int | None
    urls: tuple[tuple[str, str], ...]
    explicit: str = ""
    explicit_at: tuple[int, int] = (0, 0)


class Holding(Value, frozen=True):
    """What the ledger remembers of a path: the id it was given, the id's age (smaller is older), the key the id
    was given for, and the title, date and canonical URLs that its document had last."""

    id: str
    age: int
    key: str
    title: str
    date: int | None
    urls: frozenset[str]


class Article(About, frozen=True):
    """The merge of all mentions that belong to one key.

    `published` is None only where no mention has a date, which happens to related entries without a document.
    """


class Wording(Value, frozen=True):
    """What an article's near-duplicates are told by.

    `providers`: the names that its provider goes by; `words`: the headline's, folded, without the provider's name
    behind it; `cut`: it was truncated, and its last word may be part of one; `shingles`: digests of each few words
    in a row, of headline and excerpt, sorted.
    """

    providers: tuple[str, ...]
    words: tuple[str, ...]
    cut: bool
    shingles: tuple[int, ...]


class Story(Value, frozen=True):
    """An article with its coverage: the related articles, best first."""

    article: Article
    coverage: tuple[Article, ...] = ()


class Entry(Value, frozen=True):
    """A story inside a feed, the same in every feed.

    `id` never changes. `published` and `updated` are always known. `topics` carry their slugs. `whole`: pages show all
    of it, as it is nowhere else.
    """

    id: str
    published: datetime
    updated: datetime
    story: Story
    topics: tuple[Topic, ...] = ()
    whole: bool = False


class Site(Value, frozen=True):
    """What the feeds say of the site.

    `url` is where the output folder is served, and ends with a slash. `timezone` is an IANA name: days begin there.
    `hubs` are the URLs of those who are told when a feed changes (WebSub).
    """

    title: str
    url: str
    language: str = "en"
    author: str = ""
    description: str = ""
    copyright: str = ""
    icon: str = ""
    timezone: str = "UTC"
    hubs: tuple[str, ...] = ()

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def scheme(self) -> str:
        """What the entries' categories are terms of."""
        return self.url + "topics/"

    def page(self, name: str) -> str:
        """The address of a feed's folder."""
        return f"{self.url}{quote(name)}/"


class Shown(Value, frozen=True):
    """What a feed shows: how many entries, when the newest was published (None: there is none), and how many were on
    each day, of which the newest entry's is the last. `updated` is the newest of its entries, its withdrawals and the
    runs that brought it entries which it didn't have. `members` are checksums of its entries' ids, sorted ((): not
    known, if there are entries).
    """

    updated: datetime
    entries: int = 0
    newest: datetime | None = None
    days: tuple[int, ...] = ()
    members: tuple[int, ...] = ()


class Tombstone(Value, frozen=True):
    """The record that an entry was withdrawn, and when."""

    id: str
    when: datetime


class Address(Value, frozen=True):
    """The absolute URL of a feed's file in one format, what that is called (`Atom`), and its media type."""

    format: str
    label: str
    media_type: str
    url: str


class Feed(Value, frozen=True):
    """What a feed says of itself.

    `name` is its folder below the output (`all`, `topics/ai`), `label` what it is called among the site's feeds, and
    `folders` are the labels of the topics that it is a part of, the outermost first. `page` is the absolute URL of
    that folder, where the page for people is if it is `paged`; `addresses` are where readers may subscribe. `image` is
    the topic's own picture ("": none). `deleted` are the entries that it tells to be withdrawn, the last first.
    `archive` is the month whose archive this is (`2026-11`; "": it is the feed itself), and `previous` that of the
    archive before it ("": there is none). `complete`: what it doesn't show is no part of it any more. `private`: who
    doesn't know its address must not learn it.
    """

    site: Site
    name: str
    label: str
    title: str
    page: str
    addresses: tuple[Address, ...]
    shown: Shown
    description: str = ""
    image: str = ""
    folders: tuple[str, ...] = ()
    deleted: tuple[Tombstone, ...] = ()
    archive: str = ""
    previous: str = ""
    complete: bool = False
    private: bool = False
    paged: bool = True

    def address(self, format: str, archive: str = "") -> str:
        """The URL of its file in this format, or of a month's archive of it."""
        url = next(address.url for address in self.addresses if address.format == format)
        return f"{self.page}archive/{archive}/{url.removeprefix(self.page)}" if archive else url

    @property
    def hubs(self) -> tuple[str, ...]:
        """The hubs that are told when it changes: the feed itself, and not its archives, which nobody polls."""
        return () if self.private or self.archive else self.site.hubs

    @property
    def updated(self) -> datetime:
        return self.shown.updated
