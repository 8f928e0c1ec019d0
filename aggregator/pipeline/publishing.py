"""From rendered entries to feed files: heads are put on, files written, and what is out remembered."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from typing import NamedTuple

import msgspec

from aggregator import publish, render
from aggregator.feeds import ALL, Selection
from aggregator.model import EPOCH, Feed, Problem, Severity
from aggregator.pipeline.plan import Plan, Progress
from aggregator.pipeline.report import Published
from aggregator.publish import Outcome
from aggregator.store import Index, Ledger

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
    """A feed under way to the disk: when it next changes by itself, and what will have come of its files."""

    sheet: Sheet
    due: datetime | None
    outcomes: Future[list[Outcome]]


class Press:
    """Publishes feeds, a few at a time, and keeps count of what came of them. A dry one only compares."""

    def __init__(self, plan: Plan, index: Index, ledger: Ledger, problems: Iterable[Problem], *, dry: bool) -> None:
        self.plan = plan
        self.index = index
        self.ledger = ledger
        self.dry = dry
        self.formats = [render.FORMATS[name] for name in plan.formats]
        self.files: dict[str, set[str]] = {}
        for path, topic, _ in ledger.files():
            self.files.setdefault(topic, set()).add(path)
        self.outcomes: Counter[Outcome] = Counter()
        self.changes: list[tuple[Outcome, str]] = []
        self.problems = list(problems)
        self.current: list[tuple[str, datetime | None]] = []

    def publish(self, sheets: Sequence[Sheet], progress: Progress, rendered: int) -> Published:
        """Write the feeds, remove those that are over, and commit what is so: the ledger before the index."""
        shown = [sheet for sheet in sheets if sheet.selection.keys is not None]
        self.ledger.intend((path, sheet.topic) for sheet in shown for path in self._paths(sheet))
        self.ledger.commit()
        asked = {sheet.topic for sheet in sheets}
        self.outcomes[Outcome.unchanged] = sum(len(paths) for topic, paths in self.files.items() if topic not in asked)
        with ThreadPoolExecutor(_WRITERS) as writers:  # they wait for the disk, most of the time
            under_way: deque[_Printing] = deque()
            for done, sheet in enumerate(shown, 1):
                if len(under_way) == 2 * _WRITERS:
                    self._note(under_way.popleft())
                if printing := self._begin(sheet, writers):
                    under_way.append(printing)
                progress("publishing", done, len(shown))
            while under_way:
                self._note(under_way.popleft())
        for sheet in sheets:
            self._tidy(sheet)
        if not self.dry:
            publish.settle(self.plan.output, [path for _, path in self.changes])
        self.ledger.commit()
        for topic, due in self.current:
            self.index.entries.clean(topic, due)
        self.index.commit()
        return Published(self.outcomes, tuple(self.problems), tuple(sorted(self.changes)), rendered)

    def _paths(self, sheet: Sheet) -> list[str]:
        return [f"{sheet.name}/{format.file}" for format in self.formats]

    def _begin(self, sheet: Sheet, writers: ThreadPoolExecutor) -> _Printing | None:
        """Put a feed together and hand it to a writer; None where it can't be."""
        keys = sheet.selection.keys or ()
        count, updated, until = self.index.entries.lasting(keys)
        if count < len(keys):
            self._fail(sheet, "an entry of it can't be rendered")
            return None
        feed = self._feed(sheet, updated)
        data = [format.feed(feed, self.index.entries.fragments(keys, format.name)) for format in self.formats]
        due = min(filter(None, (sheet.selection.due, until)), default=None)
        return _Printing(sheet, due, writers.submit(self._write, self._paths(sheet), data))

    def _feed(self, sheet: Sheet, updated: datetime | None) -> Feed:
        site = self.plan.site
        # An empty feed has changed when it became empty; a withdrawal changes a feed whether it is empty or not.
        taxonomy = self.plan.taxonomy
        withdrawals = map(self.ledger.last_withdrawal, (sheet.shown, *taxonomy.aliases(sheet.shown)))
        instants = (updated or sheet.selection.lapsed, *withdrawals)
        known = taxonomy.topics.get(sheet.shown)
        return Feed(
            name=sheet.home,
            title=site.title if sheet.shown == ALL else f"{sheet.spelled} — {site.title}",
            description=site.description if sheet.shown == ALL else known.description if known else "",
            language=site.language,
            author=site.author or site.title,
            copyright=site.copyright,
            icon=site.icon,
            image=known.image if known else "",
            page=site.page(sheet.home),
            addresses=tuple((format.name, site.page(sheet.home) + format.file) for format in self.formats),
            updated=max(filter(None, instants), default=EPOCH),
            hubs=site.hubs,
        )

    def _write(self, paths: Sequence[str], data: Sequence[bytes]) -> list[Outcome]:
        """In a writer's thread."""
        root = self.plan.output
        if self.dry:
            differ = [publish.differs(root, path, some) for path, some in zip(paths, data, strict=True)]
            return [Outcome.written if differs else Outcome.unchanged for differs in differ]
        return [publish.write(root, path, some) for path, some in zip(paths, data, strict=True)]

    def _note(self, printing: _Printing) -> None:
        """Keep what came of writing a feed."""
        sheet = printing.sheet
        try:
            outcomes = printing.outcomes.result()
        except OSError as error:
            self._fail(sheet, f"it can't be written: {error.strerror or error}")
            return
        for path, outcome in zip(self._paths(sheet), outcomes, strict=True):
            self._count(outcome, path)
            if signature := publish.signature(self.plan.output, path):
                self.ledger.put_file(path, msgspec.structs.astuple(signature), self.plan.tellers)
        self.ledger.put_feed(sheet.topic, sheet.spelled, sheet.selection.lapsed)
        self.current.append((sheet.topic, printing.due))

    def _tidy(self, sheet: Sheet) -> None:
        """Remove the files that a feed no longer has; with its last one it is gone."""
        over = sheet.selection.keys is None
        try:
            for path in sorted(self.files.get(sheet.topic, set()).difference(() if over else self._paths(sheet))):
                if not self.dry:
                    publish.remove(self.plan.output, path)
                self.ledger.drop_file(path, self.plan.tellers)
                self._count(Outcome.removed, path)
        except OSError as error:
            self._fail(sheet, f"it can't be removed: {error.strerror or error}")
            return
        if over:
            self.ledger.drop_feed(sheet.topic)
            self.current.append((sheet.topic, sheet.selection.due))

    def _count(self, outcome: Outcome, path: str) -> None:
        self.outcomes[outcome] += 1
        if outcome is not Outcome.unchanged:
            self.changes.append((outcome, path))

    def _fail(self, sheet: Sheet, why: str) -> None:
        """Leave a feed as it is, and dirty."""
        self.outcomes[Outcome.failed] += len(self.formats)
        self.problems.append(Problem(sheet.name, 0, 0, Severity.error, why))
