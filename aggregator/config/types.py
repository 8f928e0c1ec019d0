"""The keys of the configuration: names, kinds, defaults, limits. A new key is one line here.

A required key says what it is and what to write for it. An empty text means: not given.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias, TypeGuard, get_args, get_origin

from msgspec import Meta, Struct, field
from msgspec.structs import FieldInfo

from aggregator.config.kinds import (
    Argument,
    BaseUrl,
    Count,
    Cron,
    CustomName,
    DocumentsUrl,
    Duration,
    Flag,
    Folder,
    Language,
    Line,
    Loopback,
    Number,
    OptionalFlag,
    OptionalFolder,
    OptionalTextfile,
    OptionalZone,
    Parameter,
    Permalink,
    Size,
    Slug,
    SourcePath,
    Text,
    Token,
    Url,
    Zone,
    at_most,
    automatic,
    command,
    count,
    distinct,
    lasting,
    one_of,
)
from aggregator.config.kinds import Feeds as FeedNames

FormatName = Literal["rss", "atom", "json", "html"]
Format: TypeAlias = Annotated[FormatName, one_of(*get_args(FormatName))]
RelatedName = Literal["attach", "expand", "collapse"]
Related: TypeAlias = Annotated[RelatedName, one_of(*get_args(RelatedName))]
OrderName = Literal["", "date", "heat", "quality"]
Order: TypeAlias = Annotated[OrderName, one_of(*get_args(OrderName)[1:])]
RhythmName = Literal["", "daily", "weekly"]
Rhythm: TypeAlias = Annotated[RhythmName, one_of(*get_args(RhythmName)[1:])]
GoneName = Literal["withdraw", "keep"]
Gone: TypeAlias = Annotated[GoneName, one_of(*get_args(GoneName))]
PollName = Literal["auto", "yes", "no"]
LogFormatName = Literal["auto", "logfmt", "json"]
LogFormat: TypeAlias = Annotated[LogFormatName, one_of(*get_args(LogFormatName))]
LogLevelName = Literal["debug", "info", "warning", "error"]
LogLevel: TypeAlias = Annotated[LogLevelName, one_of(*get_args(LogLevelName))]


class Of(NamedTuple):
    """The note of what isn't a key of its own, but another view of this one."""

    key: str


class Short(NamedTuple):
    """The note of what may be written shorter: a section as the value of this key alone, a list as its only item."""

    key: str = ""


class Named(NamedTuple):
    """The note of a mapping whose keys are names, each of a list of texts: a tuple of (name, texts)."""


Lines: TypeAlias = Annotated[tuple[Line, ...], Short()]


class Site(Struct, frozen=True, kw_only=True):
    """Who publishes. `url` ends in a slash."""

    title: Annotated[Line, Meta(description="the name of the site", examples=["Everyday AI"])]
    url: Annotated[BaseUrl, Meta(description="where `output.path` is served", examples=["https://feeds.example.org/"])]
    language: Language = "en"
    author: Text = ""
    description: Text = ""
    icon: Url = ""
    copyright: Text = ""
    timezone: Zone = "UTC"


class Source(Struct, frozen=True, kw_only=True):
    """A folder of documents, which need not exist.

    `name` is its path as written but for superfluous parts: a document is called `name/relative`. `folder` is
    the absolute path. `timezone` is of the times and days in documents that name none. `gone`: what becomes of a
    document that vanishes, it is withdrawn or kept in archives. `fields`: other names of fields; `permalink`: a pattern
    for the addresses of documents that have none.

    The limits are of one document: `limit` of its bytes, `time_limit` of the processor's time to read it,
    `memory_limit` of the bytes that this takes, `html_limit` of the characters of its body, `picture_limit` and
    `link_limit` of what is in there, `related_limit` of its related entries, `list_limit` of every other list, and
    `spread_limit` of its characters in all feeds together.
    """

    name: Annotated[SourcePath, Meta(description="a folder of documents", examples=["articles"])] = field(name="path")
    folder: Annotated[Folder, Of("path")] = Path()
    include: Annotated[tuple[Line, ...], Meta(min_length=1)] = ("**/*.md", "**/*.markdown", "**/*.html", "**/*.htm")
    exclude: tuple[Line, ...] = ()
    base_url: DocumentsUrl = ""  # site.url where not given
    timezone: OptionalZone = ""  # site.timezone where not given
    fields: Annotated[tuple[tuple[str, tuple[str, ...]], ...], Named()] = ()
    permalink: Permalink = ""
    gone: Gone = "withdraw"
    limit: Size = 2 << 20
    time_limit: Annotated[Duration, lasting, at_most("1h")] = timedelta(seconds=10)
    memory_limit: Annotated[Size, Meta(ge=32 << 20)] = 192 << 20
    html_limit: Size = 256 << 10
    picture_limit: Annotated[Count, Meta(ge=0)] = 500
    link_limit: Annotated[Count, Meta(ge=0)] = 2000
    related_limit: Annotated[Count, Meta(ge=0)] = 200
    list_limit: Annotated[Count, Meta(ge=1)] = 100
    spread_limit: Size = 2 << 20


Name: TypeAlias = Annotated[Line, Meta(description="the topic's name", examples=["Machine Learning"])]


class KnownTopic(Struct, frozen=True):
    """A topic that the site knows. `parent` is the name of another one, `image` an absolute URL."""

    name: Name
    slug: Slug = ""
    aliases: tuple[Line, ...] = ()
    parent: Text = ""
    keywords: tuple[Line, ...] = ()
    description: Text = ""
    image: Url = ""


class Picture(Struct, frozen=True):
    """A picture in a topic file; its URL as written."""

    url: Text = ""


Pictures: TypeAlias = Annotated[tuple[Annotated[Picture, Short("url")], ...], Short()]


class TopicFile(Struct, frozen=True, kw_only=True):
    """A topic in a file of its own. Such files are other programs' too, whence the different spellings."""

    id: Text = field(name="_id", default="")
    name: Name
    shortname: Text = ""
    slug: Slug = ""
    aliases: Lines = ()
    parent: Text = ""
    keywords: Lines = ()
    description: Text = ""
    image: Pictures = ()
    images: Pictures = ()


class Topics(Struct, frozen=True, kw_only=True):
    """What the site knows of its topics, and which get a feed.

    Those get one with at least `minimum` entries, and of them `only_known` ones if it says so. `path` is a folder
    of topic files, or one such file (None: there is none); `known` has their topics first, then the list's.
    `children`: whether a parent's feed has its children's entries; `keywords`: whether a document gets the topics
    whose keywords it has.
    """

    path: OptionalFolder = None
    known: tuple[Annotated[KnownTopic, Short("name")], ...] = field(name="list", default=())
    minimum: Annotated[Count, Meta(ge=1)] = 1
    only_known: Flag = False
    children: Flag = False
    keywords: Flag = False


Words: TypeAlias = Annotated[tuple[Line, ...], Short(), Meta(min_length=1)]
Natural: TypeAlias = Annotated[int, Meta(ge=0)]


class Range(Struct, frozen=True, kw_only=True):
    """Whole numbers from one to another (None: no limit)."""

    at_least: Annotated[Natural | None, count] = None
    at_most: Annotated[Natural | None, count] = None


class Age(Struct, frozen=True, kw_only=True):
    """How long ago an article was published: so long or longer, and less than so long (nothing: no limit)."""

    over: Annotated[Duration, lasting] = timedelta(0)
    under: Annotated[Duration, lasting] = timedelta(0)


class Condition(Struct, frozen=True, kw_only=True):
    """What is asked of an article, all of it at once. `none` of these conditions may it meet."""

    all: Annotated[tuple[Condition, ...], Meta(min_length=1)] = ()
    any: Annotated[tuple[Condition, ...], Meta(min_length=1)] = ()
    none: Annotated[tuple[Condition, ...], Short(), Meta(min_length=1)] = field(name="not", default=())
    topics: Words = ()
    category: Words = ()
    provider: Words = ()
    type: Words = ()
    language: Annotated[tuple[Language, ...], Short(), Meta(min_length=1)] = ()
    text: Words = ()
    quality: Annotated[Range, Short("at_least")] = Range()
    heat: Annotated[Range, Short("at_least")] = Range()
    age: Annotated[Age, Short("under")] = Age()
    image: OptionalFlag = None


class Custom(Struct, frozen=True, kw_only=True):
    """A feed that is made up: below `custom/`, by name, of the articles that meet `where`.

    `entries`, `per_provider` and `formats` are those of all feeds where they aren't given. `age`: how long an article
    stays (nothing: for ever). A private one has a `token` in its address. A `digest` has an entry for each day or week,
    which lists at most `stories` of its articles.
    """

    name: Annotated[CustomName, Meta(description="the feed's folder", examples=["weekend-reads"])]
    title: Text = ""
    description: Text = ""
    where: Condition = Condition()
    order: Order = ""
    entries: Annotated[Annotated[int, Meta(ge=1, le=1000)] | None, count] = None
    per_provider: Annotated[Natural | None, count] = None
    age: Annotated[Duration, lasting] = timedelta(0)
    formats: Annotated[tuple[Format, ...], distinct, Meta(min_length=1)] = ()
    token: Token = ""
    digest: Rhythm = ""
    stories: Annotated[Count, Meta(ge=1, le=100)] = 10


class Feeds(Struct, frozen=True, kw_only=True):
    """What feeds there are besides those of topics, and what all have in common.

    That is how many entries they show, and of one provider (0: any number), how many bytes an entry has at most, how
    long a feed without entries stays, what related ones are, whether they have archives. `categories`, `providers`,
    `types`: whether each of these has a feed.
    """

    entries: Annotated[Count, Meta(ge=1, le=1000)] = 50
    per_provider: Annotated[Count, Meta(ge=0)] = 0
    entry_limit: Size = 512 << 10
    keep: Duration = timedelta(days=90)
    related: Related = "attach"
    archives: Flag = False
    categories: Flag = False
    providers: Flag = False
    types: Flag = False
    custom: tuple[Custom, ...] = ()


class Merge(Struct, frozen=True, kw_only=True):
    """Which documents speak of one article.

    `tracking` are patterns of query parameters that say nothing of it, besides the well-known ones. Texts that share
    `similarity` of their shingles, at most `window` apart, are near-duplicates.
    """

    tracking: tuple[Parameter, ...] = ()
    near_duplicates: Flag = False
    window: Annotated[Duration, lasting] = timedelta(hours=72)
    similarity: Annotated[Number, Meta(ge=0.6, le=1)] = 0.75


class Output(Struct, frozen=True, kw_only=True):
    """Where the feeds are written, in which formats, and whether each file has a compressed twin (`.gz`)."""

    path: Annotated[Folder, Meta(description="the folder to write feeds into", examples=["public"])]
    formats: Annotated[tuple[Format, ...], distinct, Meta(min_length=1)] = ("rss", "atom", "json", "html")
    compress: Flag = False


class Store(Struct, frozen=True, kw_only=True):
    """Where the ledger and the index are kept."""

    path: Folder = Path(".aggregator")


class Watch(Struct, frozen=True, kw_only=True):
    """How the daemon notices changes.

    A file is read `settle` after its last event (nothing: at once), or `longest_wait` after the first of a stream of
    events; all files are looked at every `reconcile`. `poll`: whether to look instead of being told by the system;
    `auto` does where the system doesn't tell.
    """

    settle: Duration = timedelta(milliseconds=500)
    longest_wait: Annotated[Duration, lasting] = timedelta(seconds=5)
    reconcile: Annotated[Duration, lasting] = timedelta(minutes=5)
    poll: Annotated[PollName, automatic] = "auto"


class Schedule(Struct, frozen=True, kw_only=True):
    """When the daemon publishes some feeds, which are published at no other times.

    `feeds` is the name of one, or a pattern as for `fnmatch`; `cron` five fields, in days and hours of `site.timezone`.
    """

    feeds: Annotated[FeedNames, Meta(description="the feeds, by name or pattern", examples=["topics/*"])]
    cron: Annotated[Cron, Meta(description="when to publish them", examples=['"0 7 * * *"'])]


class Websub(Struct, frozen=True, kw_only=True):
    """Which hubs the feeds name, and the daemon tells of changed feeds."""

    hubs: Annotated[tuple[Url, ...], distinct] = ()


class Hooks(Struct, frozen=True, kw_only=True):
    """Which commands the daemon runs, and how long at most. `published` has the program first; empty: none."""

    published: Annotated[tuple[Argument, ...], command, Meta(examples=["[purge-cache, --all]"])] = ()
    timeout: Annotated[Duration, lasting, at_most("1d")] = timedelta(seconds=60)


class Metrics(Struct, frozen=True, kw_only=True):
    """Where metrics are told: at a `host:port` on loopback, in a file (empty, None: not there)."""

    address: Loopback = ""
    textfile: OptionalTextfile = None


class Log(Struct, frozen=True, kw_only=True):
    """How the daemon's log looks, and from which level on."""

    format: LogFormat = "auto"
    level: LogLevel = "info"


class Runtime(Struct, frozen=True, kw_only=True):
    """Where the daemon keeps its status and its control socket: in the store's folder where nothing is written."""

    path: Folder = Path()


class Config(Struct, frozen=True, kw_only=True):
    """Everything that can be configured. All paths are absolute."""

    site: Site
    sources: Annotated[tuple[Source, ...], Meta(min_length=1)]
    topics: Topics = Topics()
    feeds: Feeds = Feeds()
    merge: Merge = Merge()
    output: Output
    store: Store = Store()
    watch: Watch = Watch()
    schedule: tuple[Schedule, ...] = ()
    websub: Websub = Websub()
    hooks: Hooks = Hooks()
    metrics: Metrics = Metrics()
    log: Log = Log()
    runtime: Runtime = Runtime()


def parts(kind: Any) -> tuple[Any, ...]:
    """The type of a key without its notes, then the notes, among them how to read it."""
    return (kind.__origin__, *kind.__metadata__) if get_origin(kind) is Annotated else (kind,)


def key_of(field: FieldInfo) -> str:
    """The key that a field is read from."""
    return next((note.key for note in parts(field.type) if isinstance(note, Of)), field.encode_name)


def is_section(kind: Any) -> TypeGuard[type[Struct]]:
    """Whether a type, or a note, is a section: a mapping with keys of its own."""
    return isinstance(kind, type) and issubclass(kind, Struct)
