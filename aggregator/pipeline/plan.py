"""What a run is to do, in plain values; the command line and the daemon make it from the configuration."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from fnmatch import fnmatchcase
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec.structs import replace

from aggregator import documents, feeds
from aggregator.merge import Alike
from aggregator.model import Site
from aggregator.pipeline.installed import versions

Progress = Callable[[str, int, int], None]
"""Told the stage (`reading`, `rendering`, `publishing`), how much of it is done and how much there is."""

HOOK = "hooks.published"
"""The name of the hook among those who are told; hubs go by their URLs."""

_SHAPING = {
    "reading": ("PyYAML", "msgspec", "nh3", "markdown-it-py", "w3lib"),
    "merging": (),
    "rendering": ("feedgen", "lxml", "Jinja2"),
}


class Source(msgspec.Struct, frozen=True):
    """A folder of documents. `name` begins the paths of its documents; the order of sources is part of trust.
    `keeps`: documents that vanish are kept in archives, and not withdrawn.
    """

    name: str
    folder: Path
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    options: documents.Options
    keeps: bool = False


class Plan(msgspec.Struct, frozen=True, dict=True):
    """Everything that shapes the output, but for the documents, the ledger and now; and who is told of it.

    `topics` are those that the site knows; with `children`, a parent's feed has the entries of its children too.
    `alike` says when articles are near-duplicates (None: never). `tracking`: further query parameters that tell nothing
    of the page.
    `tellers`: the names of the hubs and hooks that what changes is kept for until they were told. `compress`: each
    file has a compressed twin. `entry_limit`: the most bytes of an entry in a format. `kinds`: of what else than topics
    each has a feed; `custom`: the feeds that the configuration makes up.
    """

    sources: tuple[Source, ...]
    site: Site
    choice: feeds.Choice
    formats: tuple[str, ...]
    output: Path
    store: Path
    topics: tuple[feeds.KnownTopic, ...] = ()
    children: bool = False
    alike: Alike | None = None
    tracking: tuple[str, ...] = ()
    tellers: tuple[str, ...] = ()
    compress: bool = False
    entry_limit: int = 512 << 10
    kinds: tuple[feeds.Kind, ...] = ()
    custom: tuple[feeds.Custom, ...] = ()

    @cached_property
    def customs(self) -> dict[str, feeds.Custom]:
        """The feeds that the configuration makes up, by what they go by among topics."""
        return {custom.topic: custom for custom in self.custom}

    def choice_of(self, topic: str) -> feeds.Choice:
        """What the configuration says of the feed of a topic, or of what goes by it among topics."""
        if custom := self.customs.get(topic):
            return custom.choice(self.choice)
        if topic == feeds.ALL:
            return replace(self.choice, always=True)
        kind = feeds.kind_of(topic)
        if not kind:
            return self.choice
        if kind not in self.kinds:  # it was one of the configuration's, and isn't any more
            return replace(self.choice, known=frozenset(), keep=timedelta(0))
        per_provider = 0 if kind == feeds.Kind.providers else self.choice.per_provider
        return replace(self.choice, known=None, per_provider=per_provider)

    def formats_of(self, topic: str) -> tuple[str, ...]:
        """What the feed of a topic is written as, or of what goes by it among topics."""
        custom = self.customs.get(topic)
        return (custom and custom.formats) or self.formats

    @property
    def asks_articles(self) -> bool:
        """Whether feeds ask more of an article than its topics and when it was published."""
        return bool(self.kinds or self.custom or self.choice.per_provider)

    @cached_property
    def taxonomy(self) -> feeds.Taxonomy:
        """The topics that the site knows."""
        return feeds.Taxonomy(self.topics, children=self.children)

    def folder(self, name: str) -> str:
        """Where the files of the feed that goes by this name are: a private one's are where nobody guesses."""
        token = self._tokens.get(name, "")
        return f"{name}/{token}" if token else name

    def public(self, path: str) -> str:
        """The path of a published file, fit for messages: where a private feed is stays untold."""
        for name, token in self._tokens.items():
            secret = f"{name}/{token}/"
            if path.startswith(secret):
                return f"{name}/.../{path.removeprefix(secret)}"
        return path

    @cached_property
    def _tokens(self) -> dict[str, str]:
        return {f"{feeds.CUSTOM}/{custom.name}": custom.token for custom in self.custom if custom.token}

    def file(self, path: str) -> str | None:
        """Where the document with this path is, or the folder; None: it is in no source."""
        for source in self.sources:
            if path == source.name or path.startswith(f"{source.name}/"):
                return f"{source.folder}{path[len(source.name) :]}"
        return None

    @cached_property
    def digest(self) -> str:
        """Differs where anything that is asked for does."""
        return sha256(msgspec.json.encode(msgspec.to_builtins(self, enc_hook=str), order="sorted")).hexdigest()

    def fingerprints(self, program: str) -> dict[str, str]:
        """What the stages depend on, digested: the configuration, the program and the packages that shape bytes."""
        parts: dict[str, object] = {
            "reading": [(source.name, source.options) for source in self.sources],
            "merging": [
                self.alike,
                self.topics,
                self.children,
                self.choice.related,
                self.kinds,
                self.custom,
                self.choice.archives and self.site.timezone,
                self.asks_articles,
            ],
            "rendering": [
                self.site,
                self.choice,
                self.topics,
                self.formats,
                self.compress,
                self.entry_limit,
                self.kinds,
                self.custom,
            ],
        }
        common = [program, sys.version_info[:2]]
        return {
            stage: sha256(msgspec.json.encode([common, versions(_SHAPING[stage]), part], order="sorted")).hexdigest()
            for stage, part in parts.items()
        }


class Wish(msgspec.Struct, frozen=True):
    """What the caller asks of a run.

    only: publish these feeds alone, by name (empty: all); later: leave the feeds whose names match one of these
    patterns as they are, dirty or not, unless one of those in `called` matches too; dry: change nothing; at: now was
    named by a person, and is refused when the ledger remembers something later; adopt: take over an output folder of
    another store, and files there that aren't ours; accept_clock: a person says that now is right, whatever later
    instants the ledger remembers.
    """

    rebuild: bool = False
    only: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    called: tuple[str, ...] = ()
    dry: bool = False
    at: bool = False
    accept_deletions: bool = False
    adopt: bool = False
    accept_clock: bool = False

    def chooses(self, name: str) -> bool:
        """Whether to publish the feed of this name."""
        if self.only:
            return name in self.only
        return _matches(name, self.called) or not _matches(name, self.later)


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
