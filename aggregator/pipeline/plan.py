"""What a run is to do, in plain values; the command line and the daemon make it from the configuration."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cached_property
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from urllib.parse import quote, urlsplit

import msgspec

from aggregator import documents, feeds
from aggregator.merge import MAX_TITLES, Alike

Progress = Callable[[str, int, int], None]
"""Told the stage (`reading`, `rendering`, `publishing`), how much of it is done and how much there is."""

_SHAPING = {
    "reading": ("PyYAML", "msgspec", "nh3", "markdown-it-py", "w3lib", "python-dateutil"),
    "merging": (),
    "rendering": ("feedgen", "lxml"),
}


class Source(msgspec.Struct, frozen=True):
    """A folder of documents. `name` begins the paths of its documents; the order of sources is part of trust."""

    name: str
    folder: Path
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    options: documents.Options


class Site(msgspec.Struct, frozen=True):
    """What the feeds say of the site; `url` ends with a slash."""

    title: str
    url: str
    language: str
    author: str
    description: str
    copyright: str
    icon: str

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


class Plan(msgspec.Struct, frozen=True, dict=True):
    """Everything that shapes the output, but for the documents, the ledger and now.

    `topics` are those that the site knows; with `children`, a parent's feed has the entries of its children too.
    `alike` says when articles are near-duplicates (None: never). `max_titles`: a URL that more leads with different
    titles than this claim joins nothing. `tracking`: further query parameters that tell nothing of the page.
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
    max_titles: int = MAX_TITLES

    @cached_property
    def taxonomy(self) -> feeds.Taxonomy:
        """The topics that the site knows."""
        return feeds.Taxonomy(self.topics, children=self.children)

    def fingerprints(self, program: str) -> dict[str, str]:
        """What the stages depend on, digested: the configuration, the program and the packages that shape bytes."""
        parts: dict[str, object] = {
            "reading": [(source.name, source.options) for source in self.sources],
            "merging": [self.max_titles, self.alike, self.topics, self.children, self.choice.related],
            "rendering": [self.site, self.choice, self.topics, self.formats],
        }
        common = [program, sys.version_info[:2]]
        return {
            stage: sha256(
                msgspec.json.encode([common, [version(package) for package in _SHAPING[stage]], part], order="sorted")
            ).hexdigest()
            for stage, part in parts.items()
        }
