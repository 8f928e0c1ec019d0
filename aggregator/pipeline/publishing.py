"""From rendered entries to feed files: heads are put on, files written, and what is out remembered."""

from __future__ import annotations

import errno
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import NamedTuple

import msgspec

from aggregator import publish, render
from aggregator.errors import ForeignOutput
from aggregator.feeds import (
    CUSTOM,
    GRACE,
    MOST_TOLD,
    SITE,
    TOLD,
    brings_new,
    kind_of,
    members_of,
    month_name,
    shown,
)
from aggregator.model import EPOCH, STORY, Feed, Problem, Severity, Shown, Tombstone
from aggregator.pipeline.describing import describe, feeds_out
from aggregator.pipeline.digesting import Digest, entry_of
from aggregator.pipeline.plan import Plan, Progress
from aggregator.pipeline.report import Published
from aggregator.pipeline.selecting import Sheet
from aggregator.publish import TWIN, Outcome
from aggregator.render import Format, Overview
from aggregator.store import Index, Ledger, Out, Part

_SITE_FILES = "the site's own files"
_NAMED = 3  # files of others that a message names
_WRITERS = 8
_IN_FLIGHT = 32 << 20  # bytes on their way to the disk, above which nothing is added
_POLLED = {format.file for format in render.FORMATS.values() if format.subscribed}
_DEPTH = 2  # how many folders the files of a public feed are in


class _Printing(NamedTuple):
    """Files under way to the disk: the part of a feed that they are, what to call it where that goes wrong, their bytes
    together, what will have come of them, and what to do once they are there.
    """

    part: Part
    name: str
    paths: list[str]
    size: int
    outcomes: Future[list[Outcome]]
    done: Callable[[], None]


class Press:
    """Publishes feeds, a few at a time, and keeps count of what came of them. A dry one only compares. `adopt`: files
    of others may be written over and removed.
    """

    def __init__(
        self,
        plan: Plan,
        index: Index,
        ledger: Ledger,
        claim: publish.Claim,
        problems: Iterable[Problem],
        now: datetime,
        *,
        dry: bool,
        adopt: bool,
    ) -> None:
        self.plan = plan
        self.now = now
        self.index = index
        self.ledger = ledger
        self.claim = claim
        self.dry = dry
        self.adopt = adopt
        formats = set(plan.formats).union(*(custom.formats for custom in plan.custom))
        self.overviews = [one for one in render.OVERVIEWS if not one.formats.isdisjoint(formats)]
        self.files: dict[Part, set[str]] = {}
        self.recorded: dict[str, publish.Signature] = {}
        for path, part, recorded in ledger.files():
            self.files.setdefault(part, set()).add(path)
            self.recorded[path] = publish.Signature(*recorded)
        self.foreign: dict[Part, str] = {}
        """What is to be written over a file of others, and the first such file."""
        self.before: dict[str, Future[list[Outcome]]] = {}
        """What of each feed is under way last: whatever leads there has to wait for it."""
        self.failed: set[str] = set()
        """The topics of the feeds of which something can't be published."""
        self.outcomes: Counter[Outcome] = Counter()
        self.changes: list[tuple[Outcome, str]] = []
        self.moved: list[str] = []
        self.problems = list(problems)
        self.current: list[tuple[Part, datetime | None]] = []
        self.dates: dict[str, datetime] = {}
        """When the articles that were shown so far were published: most are in several feeds."""
        self.news = False
        """Whether a feed came, went, or shows something else than before."""

    def publish(
        self, sheets: Sequence[Sheet], progress: Progress, rendered: int, *, site: bool, complete: bool
    ) -> Published:
        """Write the feeds, remove those that are over, and commit what is so: the ledger before the index.

        sheets: of each feed, an archive before whatever leads to it, unless it is there already.
        `site`: whether to write the files of the site as a whole too. `complete`: whether that is all there is to do.
        Raises ForeignOutput before anything is written where the folder isn't this store's yet and has files of others
        in the way.
        """
        going_out = [sheet for sheet in sheets if sheet.selection.keys is not None]
        intended = {sheet.part: self._with_twins(self._paths(sheet.folder, _formats(sheet))) for sheet in going_out}
        if site:
            intended[SITE, 0] = self._with_twins(self._paths("", self.overviews))
        self._see_to_foreign(intended)
        if not self.dry:
            self.claim.take()
        refused: set[str] = set()
        for (topic, month), paths in intended.items():
            if (topic, month) in self.foreign:
                refused.add(topic)  # with what leads there, which comes later
            if topic not in refused:
                self.ledger.intend(topic, month, paths)
        self.ledger.commit()
        with ThreadPoolExecutor(_WRITERS) as writers:  # they wait for the disk, most of the time
            under_way: deque[_Printing] = deque()
            for done, sheet in enumerate(going_out, 1):
                while under_way and (len(under_way) == 2 * _WRITERS or _size(under_way) > _IN_FLIGHT):
                    self._note(under_way.popleft())
                if printing := self._begin(sheet, writers):
                    under_way.append(printing)
                progress("publishing", done, len(going_out))
            while under_way:
                self._note(under_way.popleft())
            for sheet in reversed(sheets):
                self._tidy(sheet)
            if self.news:
                self.index.entries.mark_dirty([SITE])
            touched = {sheet.part for sheet in sheets}
            if site and self.index.entries.is_dirty(SITE):
                self._publish_overviews(writers)
                touched.add((SITE, 0))
        untouched = [path for owner, paths in self.files.items() if owner not in touched for path in paths]
        self.outcomes[Outcome.unchanged] += sum(not path.endswith(TWIN) for path in untouched)
        if not self.dry:
            publish.settle(self.plan.output, self.moved)
        self.ledger.commit()
        for part, due in self.current:
            self.index.entries.clean(part, due)
        self.index.commit()
        return Published(self.outcomes, tuple(self.problems), tuple(sorted(self.changes)), rendered, complete)

    def _see_to_foreign(self, intended: Mapping[Part, Sequence[str]]) -> None:
        """Find what is in the way and isn't ours. Raises ForeignOutput where the folder isn't this store's yet."""
        if self.adopt:
            return
        ours = self.claim.ours
        # In a folder that isn't ours, what the ledger knows may be others' too, and this run might remove it.
        known = {} if ours else self.files
        strange: set[str] = set()
        for part in {**intended, **known}:
            paths = {*intended.get(part, ()), *known.get(part, ())}
            foreign = self._foreign(paths, ours=ours)
            strange.update(foreign)
            if foreign:
                self.foreign[part] = min(foreign, key=_depth)
        if strange and not ours:
            raise ForeignOutput(_in_the_way(self.plan, strange))

    def _foreign(self, paths: Iterable[str], *, ours: bool) -> list[str]:
        """Those of these paths where something is that isn't ours. Ours is what the ledger knows in a folder that bears
        our mark, and anywhere the very file that it remembers.
        """
        root = self.plan.output
        doubtful = paths if not ours else [path for path in paths if path not in self.recorded]
        return [
            path
            for path in publish.occupied(root, doubtful)
            if path not in self.recorded or publish.signature(root, path) != self.recorded[path]
        ]

    def _paths(self, folder: str, kinds: Sequence[Format | Overview]) -> list[str]:
        """The files below a folder, without their twins."""
        return [f"{folder}/{kind.file}" if folder else kind.file for kind in kinds]

    def _with_twins(self, paths: Sequence[str]) -> list[str]:
        """All that is written for these files."""
        return [*paths, *(path + TWIN for path in paths)] if self.plan.compress else [*paths]

    def _begin(self, sheet: Sheet, writers: ThreadPoolExecutor) -> _Printing | None:
        """Put a sheet together and hand it to a writer; None where it can't be."""
        keys = sheet.selection.keys or ()
        formats = _formats(sheet)
        if sheet.part in self.foreign:
            self._fail(sheet, _not_ours(self.foreign[sheet.part]))
            return None
        if sheet.topic in self.failed:
            self._fail(sheet, "an archive that it leads to can't be published")
            return None
        updated, until = self.index.entries.lasting(keys)
        deleted, telling = self._deleted(sheet)
        feed = self._feed(sheet, keys, updated, deleted)
        rendered: Iterable[list[bytes] | None]
        if sheet.digests is not None:
            feed, rendered = self._digested(sheet, feed, sheet.digests)
        else:  # one format after the other: all entries in all of them may be much
            rendered = (self.index.entries.fragments(keys, format.name) for format in formats)
        data = []
        for format, entries in zip(formats, rendered, strict=True):
            if entries is None:
                self._fail(sheet, "an entry of it can't be rendered")
                return None
            data.append(format.feed(feed, entries))
        due = min(filter(None, (sheet.selection.due, until, telling)), default=None)
        paths = self._paths(sheet.folder, formats)
        outcomes = writers.submit(self._write, paths, data, self.before.get(sheet.topic))
        self.before[sheet.topic] = outcomes
        done = partial(self._out, sheet, feed, due)
        return _Printing(sheet.part, sheet.name, paths, sum(map(len, data)), outcomes, done)

    def _digested(
        self, sheet: Sheet, feed: Feed, digests: Sequence[Digest]
    ) -> tuple[Feed, Sequence[list[bytes] | None]]:
        """A digest, and its entries in each format (None: they can't be rendered)."""
        entries = []
        for digest in digests:
            stories = self.index.entries.fragments(digest.keys, STORY)
            updated, _ = self.index.entries.lasting(digest.keys)
            if stories is None or updated is None:
                return feed, [None for _ in sheet.formats]
            entries.append(entry_of(digest, feed.label, feed.page, stories, updated))
            self.ledger.digests.update(digest.closed.id, entries[-1].updated)
        updated = max(feed.shown.updated, *(entry.updated for entry in entries)) if entries else feed.shown.updated
        shows = shown([entry.published for entry in entries], updated, self.plan.site.timezone, feed.shown.members)
        rendered = [[render.PIECES[name](entry, self.plan.site) for entry in entries] for name in sheet.formats]
        return msgspec.structs.replace(feed, shown=shows), rendered

    def _deleted(self, sheet: Sheet) -> tuple[tuple[Tombstone, ...], datetime | None]:
        """The withdrawn entries that a feed tells of now, and when that next changes by itself. An archive tells of
        none, nor does a digest, whose entries stay.
        """
        if sheet.month or sheet.digests is not None:
            return (), None
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
        instants = [updated or sheet.selection.lapsed]
        if not sheet.month and sheet.digests is None:
            instants += map(self.ledger.last_withdrawal, self._topics(sheet))
        has_left = self.index.entries.only_archived(sheet.shown, self.now, 1)
        if has_left and not keys:
            instants.append(self.index.entries.last_before(sheet.shown, self.now, self.now))
        members = members_of(self._ids(sheet, keys))
        for before in self._before(sheet):
            if before.updated <= self.now:  # what is newest may leave, and no instant goes back
                instants.append(before.updated)
            if brings_new(before, members):  # it may be of any date, and readers look at the feed's first
                instants.append(self.now)
        shows = shown(
            self._published(keys),
            max(filter(None, instants), default=EPOCH),
            self.plan.site.timezone,
            members,
        )
        feed = describe(self.plan, sheet.shown, sheet.home, sheet.spelled, shows, deleted)
        return msgspec.structs.replace(
            feed,
            archive=month_name(sheet.month) if sheet.month else "",
            previous=month_name(sheet.previous) if sheet.previous else "",
        )

    def _before(self, sheet: Sheet) -> list[Shown]:
        """What a feed that is out, or its archive, shows under any of its topic's names: the files are the same."""
        out = [self.ledger.feed(topic, sheet.month) for topic in self._topics(sheet)]
        return [feed.shown for feed in out if feed]

    def _ids(self, sheet: Sheet, keys: Sequence[str]) -> Iterable[str]:
        """The ids of a feed's entries: of its stories, or of the digests that are made of them."""
        if sheet.digests is None:
            return self.index.articles.ids(keys).values()
        return [digest.closed.id for digest in sheet.digests]

    def _published(self, keys: Sequence[str]) -> list[datetime]:
        """When these articles were published, in the order of the keys."""
        self.dates |= self.index.entries.published([key for key in keys if key not in self.dates])
        return [self.dates[key] for key in keys]

    def _publish_overviews(self, writers: ThreadPoolExecutor) -> None:
        """Write the files of the site as a whole."""
        part = SITE, 0
        paths = self._paths("", self.overviews)
        if part in self.foreign:
            self._count_failure(part, _SITE_FILES, len(paths), _not_ours(self.foreign[part]))
            return
        feeds = [out.feed for out in feeds_out(self.plan, self.ledger) if not out.alias_of and not out.feed.private]
        data = [overview.render(self.plan.site, feeds) for overview in self.overviews]
        done = partial(self.current.append, (part, None))
        outcomes = writers.submit(self._write, paths, data, None)
        self._note(_Printing(part, _SITE_FILES, paths, sum(map(len, data)), outcomes, done))
        self._remove(part, _SITE_FILES, self.files.get(part, set()).difference(self._with_twins(paths)))

    def _write(
        self, paths: Sequence[str], data: Sequence[bytes], before: Future[list[Outcome]] | None
    ) -> list[Outcome]:
        """In a writer's thread; `before` began earlier, and is waited for."""
        if before and before.exception():
            raise OSError(errno.ECANCELED, "an archive that it leads to can't be")
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
            self._count_failure(
                printing.part, printing.name, len(printing.paths), f"it can't be written: {error.strerror or error}"
            )
            return
        for path, outcome in zip(printing.paths, outcomes, strict=True):
            self._count(outcome, path)
        for path in self._with_twins(printing.paths):
            if signature := publish.signature(self.plan.output, path):
                self.ledger.put_file(path, msgspec.structs.astuple(signature), self._tellers(printing.part, path))
        printing.done()

    def _out(self, sheet: Sheet, feed: Feed, due: datetime | None) -> None:
        """Note that a feed is out."""
        news = self.ledger.put_feed(*sheet.part, Out(sheet.spelled, sheet.selection.lapsed, feed.shown))
        self.news |= news and not sheet.month
        self.current.append((sheet.part, due))

    def _tidy(self, sheet: Sheet) -> None:
        """Remove the files that a feed no longer has, nor an archive; with its last one it is gone."""
        if sheet.month and sheet.topic in self.failed:
            return  # something may lead to it still
        over = sheet.selection.keys is None
        left = self.files.get(sheet.part, set()).difference(
            () if over else self._with_twins(self._paths(sheet.folder, _formats(sheet)))
        )
        if self._remove(sheet.part, sheet.name, left) and over:
            self.news |= self.ledger.drop_feed(*sheet.part) and not sheet.month
            self.current.append((sheet.part, sheet.selection.due))

    def _remove(self, part: Part, name: str, paths: Iterable[str]) -> bool:
        """Remove files of a feed, or of the site; whether that could be done."""
        try:
            for path in sorted(paths, reverse=True):  # a twin before its file
                if not self.dry:
                    publish.remove(self.plan.output, path)
                self.ledger.drop_file(path, self._tellers(part, path))
                self._count(Outcome.removed, path)
        except OSError as error:
            self._count_failure(part, name, 1, f"it can't be removed: {error.strerror or error}")
            return False
        return True

    def _tellers(self, part: Part, path: str) -> Sequence[str]:
        """Who is told of a file: hooks of everything, hubs of what their subscribers poll. Of a private feed, which is
        a folder deeper, they don't learn.
        """
        topic, month = part
        private = kind_of(topic) == CUSTOM and path.count("/") > _DEPTH
        if not month and not private and path.rpartition("/")[2] in _POLLED:
            return self.plan.tellers
        return [teller for teller in self.plan.tellers if teller not in self.plan.site.hubs]

    def _count(self, outcome: Outcome, path: str) -> None:
        if outcome is not Outcome.unchanged:
            self.moved.append(path)
        if not path.endswith(TWIN):  # it is a part of its file
            self.outcomes[outcome] += 1
            if outcome is not Outcome.unchanged:
                self.changes.append((outcome, path))

    def _fail(self, sheet: Sheet, why: str) -> None:
        """Leave the files of a sheet as they are, and dirty."""
        self._count_failure(sheet.part, sheet.name, len(sheet.formats), why)

    def _count_failure(self, part: Part, name: str, files: int, why: str) -> None:
        topic, month = part
        if month:
            name = f"{name}/archive/{month_name(month)}"
        self.failed.add(topic)
        self.outcomes[Outcome.failed] += files
        self.problems.append(Problem(name, 0, 0, Severity.error, why))


def _size(printings: Iterable[_Printing]) -> int:
    """The bytes that are on their way to the disk."""
    return sum(printing.size for printing in printings)


def _depth(path: str) -> tuple[int, str]:
    """The order in which files are named: the outermost first."""
    return path.count("/"), path


def _not_ours(path: str) -> str:
    """Why a part of a feed, or of the site, isn't written. A private feed's folder isn't named."""
    return (
        f"{path.rpartition('/')[2]} is in the way, which this store didn't write, and stays as it is; move it away, or"
        " take it over with `aggregator regenerate --adopt`"
    )


def _in_the_way(plan: Plan, paths: Iterable[str]) -> str:
    """Why an output folder is refused."""
    named = [plan.public(path) for path in sorted(paths, key=_depth)]
    count = "a file" if len(named) == 1 else f"{len(named)} files"
    more = ", ..." if len(named) > _NAMED else ""
    return (
        f"{plan.output} holds {count} that this store didn't write, under names that it would write:"
        f" {', '.join(named[:_NAMED])}{more}; nothing was written; name another folder as `output.path`, or take it"
        " over with `aggregator regenerate --adopt`"
    )


def _formats(sheet: Sheet) -> list[Format]:
    return [render.FORMATS[name] for name in sheet.formats]
