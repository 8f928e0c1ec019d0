"""A small world to test in: a folder of documents, a configuration, a store, an output, and a clock to set."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from aggregator import documents, feeds
from aggregator.model import Site
from aggregator.pipeline import Plan, Report, Source, Wish, run
from aggregator.text.slugs import fold_topic

START = datetime(2026, 3, 1, tzinfo=UTC)


def day(number: float) -> datetime:
    """The instant that many days after the world's first."""
    return START + timedelta(days=number)


class _Dumper(yaml.SafeDumper):
    """Writes a value that stands in several places in each of them: documents have no aliases."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  # as PyYAML has it
        return True


def written(front: Mapping[str, Any], body: str = "") -> str:
    """A document's text. Instants are written as documents do."""
    plain = {
        name: value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value
        for name, value in front.items()
    }
    return f"---\n{yaml.dump(plain, Dumper=_Dumper, allow_unicode=True, sort_keys=False)}---\n{body}"


class World:
    """`now` is day 100 unless set; `options` are attributes of the plan and its parts to set otherwise."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.articles = root / "articles"
        self.articles.mkdir(parents=True)
        self.output = root / "public"
        self.store = root / ".aggregator"
        self.now = day(100)
        self.program = "test"
        self.options: dict[str, Any] = {}

    def document(self, name: str, body: str = "", **fields: Any) -> Path:
        """Write the document `name`.md; what isn't given is made up from its name. A field of None is left out."""
        front = {
            "title": f"About {name}",
            "webUrl": f"https://news.example/{name}",
            "publishedDateTime": day(1),
            "topics": ["AI"],
        } | fields
        return self.text(f"{name}.md", written({k: v for k, v in front.items() if v is not None}, body))

    def text(self, name: str, text: str) -> Path:
        """Write a file as it is."""
        path = self.articles / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def plan(self, **places: Path) -> Plan:
        """What is to be done, as the options have it."""
        options = self.options
        known = tuple(
            topic if isinstance(topic, feeds.KnownTopic) else feeds.KnownTopic(topic)
            for topic in options.get("known", ())
        )
        return Plan(
            sources=options.get("sources")
            or (
                Source(
                    name="articles",
                    folder=self.articles,
                    include=("**/*.md", "**/*.html"),
                    exclude=(),
                    options=documents.Options(base_url="https://www.example.org/", **options.get("reading", {})),
                    keeps=options.get("keeps", False),
                ),
            ),
            site=Site(
                title=options.get("title", "Everything"),
                url="https://feeds.example.org/",
                language="en",
                author="",
                description="All there is",
                copyright="",
                icon="",
                timezone=options.get("timezone", "UTC"),
            ),
            choice=feeds.Choice(
                entries=options.get("entries", 50),
                minimum=options.get("minimum", 1),
                keep=options.get("keep", timedelta(days=90)),
                known=frozenset(fold_topic(topic.name) for topic in known) if options.get("only_known") else None,
                related=feeds.Related(options.get("related", "attach")),
                per_provider=options.get("per_provider", 0),
                archives=options.get("archives", False),
            ),
            topics=known,
            children=options.get("children", False),
            alike=options.get("alike"),
            tracking=options.get("reading", {}).get("tracking", ()),
            formats=options.get("formats", ("rss", "atom")),
            compress=options.get("compress", False),
            entry_limit=options.get("entry_limit", 512 << 10),
            kinds=tuple(map(feeds.Kind, options.get("kinds", ()))),
            custom=tuple(options.get("custom", ())),
            output=places.get("output", self.output),
            store=places.get("store", self.store),
        )

    def regenerate(self, plan: Plan | None = None, processes: int = 1, **wish: Any) -> Report:
        """One run."""
        return run(plan or self.plan(), Wish(**wish), self.program, self.now, time.time_ns(), processes=processes)

    def tree(self, output: Path | None = None) -> dict[str, bytes]:
        """All files that are out, by path."""
        return dict(files(output or self.output))

    def rebuilt(self) -> dict[str, bytes]:
        """What `regenerate --rebuild` makes of these documents with a copy of this store, in an empty folder."""
        scratch = self.root / "rebuilt"
        shutil.rmtree(scratch, ignore_errors=True)
        shutil.copytree(self.store, scratch / "store")
        report = self.regenerate(self.plan(output=scratch / "public", store=scratch / "store"), rebuild=True)
        assert report.feeds.failed == 0
        return self.tree(scratch / "public")

    def feed(self, name: str = "all", format: str = "atom") -> list[dict[str, Any]]:
        """The entries that a feed reader sees in a feed."""
        import feedparser

        parsed = feedparser.parse((self.output / name / f"{format}.xml").read_bytes())
        assert not parsed.bozo, parsed.get("bozo_exception")
        return list(parsed.entries)

    def titles(self, name: str = "all", format: str = "atom") -> list[str]:
        """The titles that a feed reader sees."""
        return [entry["title"] for entry in self.feed(name, format)]

    def ids(self, name: str = "all") -> dict[str, str]:
        """The ids that a feed reader sees, by title."""
        return {entry["title"]: entry["id"] for entry in self.feed(name)}


EVERY_FORMAT: dict[str, Any] = {"formats": ("rss", "atom", "json", "html"), "compress": True}
"""The options for all there is to write."""


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """All files below a folder but the store's mark."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != ".aggregator":
            yield path.relative_to(folder).as_posix(), path.read_bytes()


def undated(tree: Mapping[str, bytes]) -> dict[str, bytes]:
    """A tree of RSS and Atom without what feeds say of their last update."""
    updated = re.compile(rb"<lastBuildDate>[^<]*|(?<=</title>)\s*<updated>[^<]*")
    return {path: updated.sub(b"", data) for path, data in tree.items()}


def told(report: Report) -> list[str]:
    """The problems of a run, as lines."""
    return [str(problem) for problem in report.problems]


__all__ = ["START", "World", "day", "files", "told", "undated", "written"]
