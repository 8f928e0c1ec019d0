"""From rendered entries to feed files: heads are put on, files written, and what is out remembered."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import NamedTuple

import msgspec

from aggregator import publish, render
from aggregator.feeds import GRACE, MOST_TOLD, SITE, TOLD, Selection, shown
from aggregator.model import EPOCH, Feed, Problem, Severity, Tombstone
from aggregator.pipeline.describing import describe, feeds_out
from aggregator.pipeline.plan import Plan, Progress
from aggregator.pipeline.report import Published
from aggregator.publish import TWIN, Outcome
from aggregator.render import Format, Overview
from aggregator.store import Index, Ledger, Out

_WRITERS = 8


class Sheet(NamedTuple):
    """A feed to be published: its topic and its name (its folder); the topic that it shows and the name of that
    one's feed, the same unless the topic has another name by now; that topic as spelled, and what it shows.
    """

    topic: str
    name: str
    shown: str
    home: str
    spelled: str
    selection: Selection


class _Printing(NamedTuple):
    """Files under way to the disk: what to call them where that goes wrong, what will have come of them, and what to do
    once they are there.
    """

    name: str
    paths: list[str]
    outcomes: Future[list[Outcome]]
    done: Callable[[], None]


class Press:
    """Publishes feeds, a few at a time, and keeps count of what came of them. A dry one only compares."""

    def __init__(
        self, plan: Plan, index: Index, ledger: Ledger, problems: Iterable[Problem], now: datetime, *, dry: bool
    ) -> None:
        self.plan = plan
        self.now = now
        self.index = index
        self.ledger = ledger
        self.dry = dry
        self.formats = [render.FORMATS[name] for name in plan.formats]
        self.polled = {format.file for format in self.formats if format.subscribed}
        self.overviews = [one for one in render.OVERVIEWS if not one.formats.isdisjoint(plan.formats)]
        self.files: dict[str, set[str]] = {}
        for path, topic, _ in ledger.files():
            self.files.setdefault(topic, set()).add(path)
        self.outcomes: Counter[Outcome] = Counter()
        self.changes: list[tuple[Outcome, str]] = []
        self.moved: list[str] = []
        self.problems = list(problems)
        self.current: list[tuple[str, datetime | None]] = []
        self.news = False
        """Whether a feed came, went, or shows something else than before."""

    def publish(self, sheets: Sequence[Sheet], progress: Progress, rendered: int, *, site: bool) -> Published:
        """Write the feeds, remove those that are over, and commit what is so: the ledger before the index.

        `site`: whether to write the files of the site as a whole too.
        """
        going_out = [sheet for sheet in sheets if sheet.selection.keys is not None]
        for sheet in going_out:
            self.ledger.intend(sheet.topic, self._with_twins(self._paths(sheet.name, self.formats)))
        if site:
            self.ledger.intend(SITE, self._with_twins(self._paths("", self.overviews)))
        self.ledger.commit()
        with ThreadPoolExecutor(_WRITERS) as writers:  # they wait for the disk, most of the time
            under_way: deque[_Printing] = deque()
            for done, sheet in enumerate(going_out, 1):
                if len(under_way) == 2 * _WRITERS:
                    self._note(under_way.popleft())
                if printing := self._begin(sheet, writers):
                    under_way.append(printing)
                progress("publishing", done, len(going_out))
            while under_way:
                self._note(under_way.popleft())
            for sheet in sheets:
                self._tidy(sheet)
            if self.news:
                self.index.entries.mark_dirty([SITE])
            touched = {sheet.topic for sheet in sheets}
            if site and self.index.entries.is_dirty(SITE):
                self._publish_overviews(writers)
                touched.add(SITE)
        untouched = [path for owner, paths in self.files.items() if owner not in touched for path in paths]
        self.outcomes[Outcome.unchanged] += sum(not path.endswith(TWIN) for path in untouched)
        if not self.dry:
            publish.settle(self.plan.output, self.moved)
        self.ledger.commit()
        for owner, due in self.current:
            self.index.entries.clean(owner, due)
        self.index.commit()
        return Published(self.outcomes, tuple(self.problems), tuple(sorted(self.changes)), rendered)

    def _paths(self, folder: str, kinds: Sequence[Format | Overview]) -> list[str]:
        """The files below a folder, without their twins."""
        return [f"{folder}/{kind.file}" if folder else kind.file for kind in kinds]

    def _with_twins(self, paths: Sequence[str]) -> list[str]:
        """All that is written for these files."""
        return [*paths, *(path + TWIN for path in paths)] if self.plan.compress else [*paths]

    def _begin(self, sheet: Sheet, writers: ThreadPoolExecutor) -> _Printing | None:
        """Put a feed together and hand it to a writer; None where it can't be."""
        keys = sheet.selection.keys or ()
        count, updated, until = self.index.entries.lasting(keys)
        if count < len(keys):
            self._fail(sheet.name, len(self.formats), "an entry of it can't be rendered")
            return None
        deleted, telling = self._deleted(sheet)
        feed = self._feed(sheet, keys, updated, deleted)
        data = [format.feed(feed, self.index.entries.fragments(keys, format.name)) for format in self.formats]
        due = min(filter(None, (sheet.selection.due, until, telling)), default=None)
        paths = self._paths(sheet.name, self.formats)
        outcomes = writers.submit(self._write, paths, data)
        return _Printing(sheet.name, paths, outcomes, partial(self._out, sheet, feed, due))

    def _deleted(self, sheet: Sheet) -> tuple[tuple[Tombstone, ...], datetime | None]:
        """The withdrawn entries that a feed tells of now, and when that next changes by itself."""
        topics = self._topics(sheet)
        deleted = self.ledger.withdrawn(topics, self.now - TOLD, self.now - GRACE, MOST_TOLD)
        fresh = self.ledger.first_withdrawal(topics, self.now - GRACE)
        changes = (fresh and fresh + GRACE, deleted[-1].when + TOLD if deleted else None)
        return tuple(deleted), min(filter(None, changes), default=None)

    def _topics(self, sheet: Sheet) -> list[str]:
        """The topic that a feed shows, under all its names."""
        return [sheet.shown, *self.plan.taxonomy.aliases(sheet.shown)]

    def _feed(
        self, sheet: Sheet, keys: Sequence[str], updated: datetime | None, deleted: tuple[Tombstone, ...]
    ) -> Feed:
        # An empty feed has changed when it became empty; a withdrawal changes a feed whether it is empty or not.
        instants = (updated or sheet.selection.lapsed, *map(self.ledger.last_withdrawal, self._topics(sheet)))
        shows = shown(
            self.index.entries.published(keys),
            max(filter(None, instants), default=EPOCH),
            self.plan.site.timezone,
        )
        return describe(self.plan, sheet.shown, sheet.home, sheet.spelled, shows, deleted)

    def _publish_overviews(self, writers: ThreadPoolExecutor) -> None:
        """Write the files of the site as a whole."""
        feeds = [out.feed for out in feeds_out(self.plan, self.ledger) if not out.alias_of]
        data = [overview.render(self.plan.site, feeds) for overview in self.overviews]
        paths = self._paths("", self.overviews)
        done = partial(self.current.append, (SITE, None))
        self._note(_Printing("the site's own files", paths, writers.submit(self._write, paths, data), done))
        self._remove("the site's own files", self.files.get(SITE, set()).difference(self._with_twins(paths)))

    def _write(self, paths: Sequence[str], data: Sequence[bytes]) -> list[Outcome]:
        """In a writer's thread."""
        root, twin = self.plan.output, self.plan.compress
        if self.dry:
            differ = [publish.differs(root, path, some, twin=twin) for path, some in zip(paths, data, strict=True)]
            return [Outcome.written if differs else Outcome.unchanged for differs in differ]
        return [publish.write(root, path, some, twin=twin) for path, some in zip(paths, data, strict=True)]

    def _note(self, printing: _Printing) -> None:
        """Keep what came of writing."""
        try:
            outcomes = printing.outcomes.result()
        except OSError as error:
            self._fail(printing.name, len(printing.paths), f"it can't be written: {error.strerror or error}")
            return
        for path, outcome in zip(printing.paths, outcomes, strict=True):
            self._count(outcome, path)
        for path in self._with_twins(printing.paths):
            if signature := publish.signature(self.plan.output, path):
                self.ledger.put_file(path, msgspec.structs.astuple(signature), self._tellers(path))
        printing.done()

    def _out(self, sheet: Sheet, feed: Feed, due: datetime | None) -> None:
        """Note that a feed is out."""
        self.news |= self.ledger.put_feed(sheet.topic, Out(sheet.spelled, sheet.selection.lapsed, feed.shown))
        self.current.append((sheet.topic, due))

    def _tidy(self, sheet: Sheet) -> None:
        """Remove the files that a feed no longer has; with its last one it is gone."""
        over = sheet.selection.keys is None
        left = self.files.get(sheet.topic, set()).difference(
            () if over else self._with_twins(self._paths(sheet.name, self.formats))
        )
        if self._remove(sheet.name, left) and over:
            self.news |= self.ledger.drop_feed(sheet.topic)
            self.current.append((sheet.topic, sheet.selection.due))

    def _remove(self, name: str, paths: Iterable[str]) -> bool:
        """Remove files of a feed, or of the site; whether that could be done."""
        try:
            for path in sorted(paths, reverse=True):  # a twin before its file
                if not self.dry:
                    publish.remove(self.plan.output, path)
                self.ledger.drop_file(path, self._tellers(path))
                self._count(Outcome.removed, path)
        except OSError as error:
            self._fail(name, 1, f"it can't be removed: {error.strerror or error}")
            return False
        return True

    def _tellers(self, path: str) -> Sequence[str]:
        """Who is told of a file: hubs of what their subscribers poll, hooks of everything."""
        if path.rpartition("/")[2] in self.polled:
            return self.plan.tellers
        return [teller for teller in self.plan.tellers if teller not in self.plan.site.hubs]

    def _count(self, outcome: Outcome, path: str) -> None:
        if outcome is not Outcome.unchanged:
            self.moved.append(path)
        if not path.endswith(TWIN):  # it is a part of its file
            self.outcomes[outcome] += 1
            if outcome is not Outcome.unchanged:
                self.changes.append((outcome, path))

    def _fail(self, name: str, files: int, why: str) -> None:
        """Leave files as they are, and dirty."""
        self.outcomes[Outcome.failed] += files
        self.problems.append(Problem(name, 0, 0, Severity.error, why))
