"""One run: lock, store, ingest, regenerate, and what there is to report."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path

import msgspec

from aggregator import publish
from aggregator.errors import IndexDamaged, LedgerCorrupt, StoreError, TimeRefused, UnknownFeed
from aggregator.model import Problem, Severity
from aggregator.pipeline.ingest import Ingested, ingest
from aggregator.pipeline.plan import Plan, Progress
from aggregator.pipeline.regenerate import feed_names, regenerate
from aggregator.pipeline.report import Counts, Effort, Files, Published, Report
from aggregator.publish import Outcome
from aggregator.store import (
    DAMAGED,
    INDEX_FILE,
    LEDGER_FILE,
    Index,
    Ledger,
    is_corrupt,
    open_index,
    set_aside,
    unlink,
)
from aggregator.workers import Workers

_DAMAGE = (sqlite3.Error, msgspec.DecodeError, IndexDamaged)


class Wish(msgspec.Struct, frozen=True):
    """What the caller asks of a run.

    only: publish these feeds alone, by name (empty: all); dry: change nothing; at: now was named by a person, and
    is refused when the ledger remembers something later.
    """

    rebuild: bool = False
    only: tuple[str, ...] = ()
    dry: bool = False
    at: bool = False
    accept_deletions: bool = False


def run(
    plan: Plan,
    wish: Wish,
    program: str,
    now: datetime,
    started: int,
    *,
    processes: int,
    progress: Progress = lambda *_: None,
) -> Report:
    """Read what changed and publish what that makes different.

    program: its version, part of what the index depends on; started: the real time, in ns since 1970. Raises
    TimeRefused, UnknownFeed, ForeignOutput, Locked and StoreError.
    """
    with _ledger(plan, dry=wish.dry) as ledger:
        if wish.at and ledger.newest and now < ledger.newest:
            raise TimeRefused(
                f"--at {now.isoformat()}: the ledger remembers {ledger.newest.isoformat()}; name a later time"
            )
        with publish.claimed(plan.output, plan.store, ledger.identity, write=not wish.dry):
            if not wish.dry:
                publish.sweep(plan.output, [path for path, *_ in ledger.files()])
            attempt = _Attempt(plan, wish, program, now, started, processes, progress)
            try:
                return _run(attempt, ledger)
            except sqlite3.Error as error:
                raise StoreError(f"{plan.store}: {error}; the next run goes on from here") from error


def _run(attempt: _Attempt, ledger: Ledger) -> Report:
    """One run, with a new index where the one that is there turns out to be damaged.

    The new one takes the last good versions of documents over from the damaged one, as long as that goes well.
    """
    place = attempt.plan.store / INDEX_FILE
    try:
        return attempt.run(ledger, (), None)
    except _DAMAGE as error:
        if not is_corrupt(error):
            raise
        if not ledger.sound():
            raise LedgerCorrupt(DAMAGED.format(path=attempt.plan.store / LEDGER_FILE)) from error
        kept, told = _set_aside(place, error, dry=attempt.wish.dry)
    ledger.rollback()
    try:
        return attempt.run(ledger, (told,), kept)
    except _DAMAGE as error:
        if not is_corrupt(error):
            raise
    unlink(place)
    ledger.rollback()
    return attempt.run(ledger, (told,), None)


@contextmanager
def _ledger(plan: Plan, *, dry: bool) -> Iterator[Ledger]:
    ledger = Ledger(plan.store, dry=dry, tracking=plan.tracking)
    try:
        yield ledger
    finally:
        ledger.close()


def _set_aside(place: Path, error: Exception, *, dry: bool) -> tuple[Path, Problem]:
    if dry:
        message = f"{place}: the index is damaged ({error}); `aggregator regenerate` builds a new one"
        raise StoreError(message) from error
    kept = set_aside(place)
    message = f"the index was damaged ({error}) and is built again; the damaged one is kept as {kept.name}"
    return kept, Problem(str(place), 0, 0, Severity.warning, message)


class _Attempt(msgspec.Struct, frozen=True):
    plan: Plan
    wish: Wish
    program: str
    now: datetime
    started: int
    processes: int
    progress: Progress

    def run(self, ledger: Ledger, told: tuple[Problem, ...], former: Path | None) -> Report:
        wish = self.wish
        index = open_index(self.plan.store, former, rebuild=wish.rebuild, dry=wish.dry)
        try:
            with Workers(self.processes) as workers:
                ingested = ingest(
                    self.plan,
                    index,
                    ledger,
                    workers,
                    self.plan.fingerprints(self.program),
                    self.now,
                    self.started,
                    accept_deletions=wish.accept_deletions,
                    progress=self.progress,
                )
                if ingested.blind:
                    published = Published(Counter(), (), (), 0)
                else:
                    index = index.install()
                    _check(wish.only, feed_names(ledger))
                    published = regenerate(
                        self.plan,
                        index,
                        ledger,
                        workers,
                        self.now,
                        only=wish.only,
                        dry=wish.dry,
                        progress=self.progress,
                    )
            return _report(index, ingested, published, told)
        finally:
            index.close()


def _check(only: tuple[str, ...], names: list[str]) -> None:
    for name in only:
        if name not in names:
            near = get_close_matches(name, names, 1, 0.4)
            raise UnknownFeed(f"--feed {name}: no such feed; " + (f"perhaps {near[0]}?" if near else "there is `all`"))


def _report(index: Index, ingested: Ingested, published: Published, told: tuple[Problem, ...]) -> Report:
    count, outcomes = index.files.count(), published.outcomes
    return Report(
        documents=Counts(
            read=ingested.read,
            unchanged=max(0, count.get("read", 0) - ingested.read - ingested.held),
            failed=count.get("failed", 0),
            skipped=count.get("skipped", 0),
            gone=ingested.gone,
        ),
        articles=index.articles.count(),
        feeds=Files(**{outcome.value: outcomes[outcome] for outcome in Outcome}),
        problems=(*told, *ingested.troubles, *index.files.problems(), *published.problems),
        changes=published.changes,
        healthy=not any(one.severity is Severity.error for one in (*ingested.troubles, *published.problems)),
        effort=Effort(ingested.merged, published.rendered),
    )
