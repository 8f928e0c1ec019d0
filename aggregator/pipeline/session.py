"""The store and the output folder, held open: what one run needs, and a daemon keeps."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

import msgspec

from aggregator import publish
from aggregator.errors import (
    AggregatorError,
    ClockBehind,
    IndexDamaged,
    LedgerCorrupt,
    PlaceChanged,
    Stopped,
    StoreError,
    TimeRefused,
    UnknownFeed,
)
from aggregator.model import Problem, Severity, from_micros, to_micros
from aggregator.pipeline.claims import refusals
from aggregator.pipeline.ingest import Ingested, ingest, places
from aggregator.pipeline.naming import feed_name, feed_names
from aggregator.pipeline.plan import Plan, Progress, Wish
from aggregator.pipeline.regenerate import altered, regenerate
from aggregator.pipeline.report import Done, Effort, Files, Published, Survey
from aggregator.pipeline.weighing import disputes, untitled
from aggregator.publish import Outcome
from aggregator.store import (
    DAMAGED,
    INDEX_FILE,
    LEDGER_FILE,
    Index,
    Ledger,
    News,
    Part,
    is_corrupt,
    is_interrupted,
    open_index,
    set_aside,
    unlink,
)
from aggregator.watcher import Look
from aggregator.workers import Workers

_DAMAGE = (sqlite3.Error, msgspec.DecodeError, IndexDamaged)

_PRELOAD = ("aggregator.pipeline.reading", "aggregator.pipeline.rendering", "lxml.etree", "nh3")
_PEACE = 200  # times as long as a check of the published files took, there is no other
_CHECK = 4.0  # seconds from one to the next, at least: the daemon asks about every five

EVERYTHING = Look(None, frozenset(), None)

TOLERANCE = timedelta(hours=1)
"""How far behind the ledger's newest record a clock may be and still be believed."""


class _Run(NamedTuple):
    """What one run is to do, and when. checks: whether it looks for published files that aren't as written."""

    look: Look
    checks: bool
    wish: Wish
    now: datetime
    started: int
    progress: Progress
    enough: Callable[[int], bool]


class Session:
    """A context manager that holds the store and the output folder of a plan; nobody else writes to them meanwhile.

    program: its version, part of what the index depends on. `dry`: nothing is ever written. `adopt`: an output folder
    of another store may be taken over. `stop` is asked often while work moves: whether to leave it, with Stopped, as
    soon as nothing is half done.

    Whatever fails, all that is held is closed, and opened anew when it is next used: nothing is used that a failure
    has left half done. Entering raises what opening does: ForeignOutput, Locked and StoreError.
    """

    def __init__(
        self,
        plan: Plan,
        program: str,
        *,
        processes: int,
        dry: bool = False,
        adopt: bool = False,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self.plan = plan
        self.program = program
        self.processes = processes
        self.dry = dry
        self._adopt = adopt
        self._stop = stop
        self._fingerprints = plan.fingerprints(program)
        self._ledger: Ledger | None = None
        self._index: Index | None = None
        self._places = ExitStack()
        self._doubtful = True
        self._check_from = float("-inf")

    def __enter__(self) -> Session:
        with self._guarded():
            return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    # What is held

    @property
    def ledger(self) -> Ledger:
        """The ledger, opened anew after a failure. Raises ForeignOutput, Locked, StoreError and OSError."""
        return self._ledger or self._open()

    def _open(self) -> Ledger:
        plan = self.plan
        try:
            ledger = self._ledger = Ledger(plan.store, dry=self.dry, tracking=plan.tracking)
            with ledger.trusted():
                self._claim_places(ledger, adopt=self._adopt)
                if self._claim.ours and not self.dry:
                    publish.sweep(plan.output, [path for path, *_ in ledger.files()])
                ledger.database.on_step(self._stop)
                ledger.tell_only(plan.tellers)
        except BaseException:
            self._close()
            raise
        return ledger

    def _close(self) -> None:
        """Close all that is held, in whatever state it is; what wasn't committed is gone."""
        self._doubtful = True
        ledger, self._ledger = self._ledger, None
        with suppress(Exception):
            self._close_index()
        with suppress(Exception):
            if ledger:
                ledger.close()
        with suppress(Exception):
            self._places.close()

    def _claim_places(self, ledger: Ledger, *, adopt: bool) -> None:
        """Take hold of store and output folder; also again, where one was taken away and made anew meanwhile."""
        self._places.close()
        plan = self.plan
        claim = publish.claimed(plan.output, plan.store, ledger.identity, write=not self.dry, adopt=adopt)
        self._claim = self._places.enter_context(claim)

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Open what isn't open. Leave nothing half done behind a failure within, and raise it as an AggregatorError
        where the store's files or SQLite are at fault. What is only refused is undone.
        """
        try:
            with self.ledger.trusted():
                yield
        except StoreError:
            self._close()
            raise
        except AggregatorError:
            self._rollback()
            raise
        except (sqlite3.Error, OSError) as error:
            self._close()
            if is_interrupted(error):  # by `stop`
                raise Stopped("stopped; the next run goes on from here") from error
            raise StoreError(self._failure(error)) from error
        except BaseException:
            self._close()
            raise

    def _failure(self, error: sqlite3.Error | OSError) -> str:
        if isinstance(error, sqlite3.Error):
            return f"{self.plan.store}: {error}; the next run goes on from here"
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error}"

    def _rollback(self) -> None:
        """Undo what wasn't committed."""
        try:
            if self._ledger:
                self._ledger.rollback()
            self._close_index()
        except Exception:  # then it is undone by closing
            self._close()

    def apply(self, plan: Plan) -> None:
        """Go on under another configuration. Raises PlaceChanged, and goes on as before."""
        if (plan.store, plan.output) != (self.plan.store, self.plan.output):
            raise PlaceChanged("store.path and output.path can't change while this runs; start it anew for that")
        with self._guarded():
            fingerprints = plan.fingerprints(self.program)
            self.ledger.tell_only(plan.tellers)
            self.ledger.tracking = plan.tracking
        self.plan, self._fingerprints = plan, fingerprints
        self._doubtful = True

    def bring_up(
        self,
        look: Look,
        wish: Wish,
        now: datetime,
        started: int,
        progress: Progress = lambda *_: None,
        enough: Callable[[int], bool] = lambda _: False,
    ) -> Done:
        """Read what changed and publish what that makes different.

        Where more is in doubt than `look` names, everything is looked at. started: the real time, in ns since 1970.
        enough: told how many documents were read, says whether to publish them now, and leave the rest to a further
        run: see `Done.left`.
        Raises TimeRefused, ClockBehind, UnknownFeed, ForeignOutput, Locked, Stopped and StoreError.
        """
        with self._guarded():
            self._check_time(wish, now)
            if self._doubtful or wish.rebuild:
                look = EVERYTHING._replace(unsettled=look.unsettled)
            self._doubtful = True
            checks = look.paths is None or self._may_check()
            if not self.dry:
                self._see_to_places(adopt=wish.adopt)
            done = self._bring_up(_Run(look, checks, wish, now, started, self._watched(progress), enough))
            # While the guard holds, only a look at everything can tell whether the files are back.
            self._doubtful = bool(done.guard)
            return done

    def _check_time(self, wish: Wish, now: datetime) -> None:
        """See that now isn't before what the ledger remembers. Raises TimeRefused and ClockBehind."""
        newest = self.ledger.newest
        if newest is None or wish.accept_clock:
            return
        if wish.at and now < newest:
            raise TimeRefused(f"--at {now.isoformat()}: the ledger remembers {newest.isoformat()}; name a later time")
        if now < newest - TOLERANCE:
            self._doubtful = True  # what was noted meanwhile is forgotten
            raise ClockBehind(
                f"the clock says {now:%Y-%m-%d %H:%M} UTC, but the ledger remembers {newest:%Y-%m-%d %H:%M} UTC, and"
                " nothing is published; set the clock, or if it is right, run `aggregator regenerate --accept-clock`"
            )

    def has_altered(self) -> bool:
        """Whether somebody altered or removed a published file, of which no run knows yet: the next one mends it.

        To be asked often: only now and then it looks.
        """
        if not self._may_check():
            return False
        with self._guarded():
            entries = self._opened().entries
            is_news = any(not entries.is_dirty(*part) for part in self._altered())
        if is_news:
            self._check_from = float("-inf")
        return is_news

    def _may_check(self) -> bool:
        """Whether it is time to look at the published files: that costs a small part of the time that passes."""
        return time.monotonic() >= self._check_from

    def _altered(self) -> set[Part]:
        """The parts of feeds of which a published file isn't as it was written."""
        begin = time.monotonic()
        parts = altered(self.plan.output, self.ledger)
        end = time.monotonic()
        self._check_from = end + max(_CHECK, _PEACE * (end - begin))
        return parts

    def _see_to_places(self, *, adopt: bool) -> None:
        """See that the store is where it was, and that the output folder is still held. Raises StoreError, Locked and
        ForeignOutput.
        """
        if not self.ledger.is_in_place():
            raise StoreError(
                f"{self.plan.store}: the store was moved or deleted while it is in use, and nothing is published;"
                " move it back, or put the ledger's newest backup there with `aggregator ledger restore FILE` and start"
                " anew"
            )
        if not self._claim.stands():
            self._claim_places(self.ledger, adopt=adopt)

    @contextmanager
    def rehearsing(self, dry: bool) -> Iterator[None]:
        """Make nothing permanent of what is done within, if it is so wished."""
        if not dry or self.dry:
            yield
            return
        with self._guarded():
            ledger = self.ledger
            self._close_index()
        self.dry = ledger.database.dry = True
        try:
            yield
        finally:
            self.dry = ledger.database.dry = False
            self._doubtful = True
            self._rollback()

    # What there is to ask between runs. Each raises StoreError where the store can't be read, or opened anew.

    def survey(self) -> Survey:
        """What there is."""
        with self._guarded():
            index = self._opened()
            count = index.files.count()
            return Survey(
                known=count.get("read", 0),
                failed=count.get("failed", 0),
                skipped=count.get("skipped", 0),
                articles=index.articles.count(),
                problems=(
                    *index.files.problems(),
                    *disputes(index.claims),
                    *untitled(index.files),
                    *refusals(index, self.ledger),
                ),
                kept=count.get("kept", 0),
            )

    def names(self) -> list[str]:
        """The names of all feeds that are out or could be."""
        with self._guarded():
            return feed_names(self.ledger)

    def feeds(self) -> tuple[int, int]:
        """How many feeds are out, and how many are dirty."""
        with self._guarded():
            return len(self.ledger.feeds()), self._opened().entries.dirty()

    def next_due(self, now: datetime) -> tuple[str, datetime | None]:
        """The name of the feed that is the next to change by itself after now, and when (None: none ever does)."""
        with self._guarded():
            found = self._opened().entries.next_due(now)
            return (feed_name(found[0], self.ledger.slugs()), found[1]) if found else ("", None)

    def answers(self) -> bool:
        """Whether the store can be read now, or opened anew."""
        with suppress(AggregatorError), self._guarded():
            return bool(self.ledger.identity and self._opened())
        return False

    def last(self) -> datetime | None:
        """The instant of the last run; None: there was none that the index remembers."""
        return self._instant("now")

    def served(self) -> datetime | None:
        """The instant of the last run that published all that it was to publish; None: there was none."""
        return self._instant("served")

    def _instant(self, name: str) -> datetime | None:
        with self._guarded():
            try:
                made_with = self._opened().meta()
            except sqlite3.Error as error:
                if not is_corrupt(error):
                    raise
                return None  # the next run builds it again
            return from_micros(int(made_with[name])) if name in made_with else None

    def knows(self, path: str) -> bool:
        """Whether a document is known at this absolute path, or below it; also where the index can't tell."""
        with suppress(AggregatorError), self._guarded():
            return any(self._opened().files.knows(where) for where in places(self.plan.sources, path))
        return True

    def news(self, teller: str) -> list[News]:
        """What a hub or hook wasn't told yet, in order."""
        with self._guarded():
            return self.ledger.news(teller)

    def told(self, teller: str, last: News) -> None:
        """Remember that the news up to this one were told, or will never be."""
        with self._guarded():
            self.ledger.told(teller, last)
            self.ledger.commit()

    def tend(self) -> None:
        """The store's upkeep: what SQLite learns of its tables, and its log files cut short."""
        with self._guarded():
            self.ledger.database.tend()
            self._opened().database.tend()

    def _leave_if_stopped(self) -> None:
        """Raise Stopped where somebody asked to stop."""
        if self._stop():
            raise Stopped("stopped; the next run goes on from here")

    def _watched(self, progress: Progress) -> Progress:
        def step(stage: str, done: int, total: int) -> None:
            self._leave_if_stopped()
            progress(stage, done, total)

        return step

    def _opened(self, former: Path | None = None, *, rebuild: bool = False) -> Index:
        if rebuild or former:
            self._close_index()
        if self._index is None:
            _ = self.ledger  # no index is open without the ledger, and the claim
            self._index = open_index(self.plan.store, former, rebuild=rebuild, dry=self.dry)
            self._index.database.on_step(self._stop)
        return self._index

    def _close_index(self) -> None:
        index, self._index = self._index, None
        if index:
            index.close()

    def _bring_up(self, run: _Run) -> Done:
        """One run, with a new index where the one that is there turns out to be damaged.

        The new one takes the last good versions of documents over from the damaged one, as long as that goes well.
        """
        place = self.plan.store / INDEX_FILE
        try:
            return self._go(run, (), None)
        except _DAMAGE as error:
            if not is_corrupt(error):
                raise
            if not self.ledger.sound():
                raise LedgerCorrupt(DAMAGED.format(path=self.plan.store / LEDGER_FILE)) from error
            self._rollback()
            kept, told = _set_aside(place, error, dry=self.dry)
        run = run._replace(look=EVERYTHING._replace(unsettled=run.look.unsettled))
        try:
            return self._go(run, (told,), kept)
        except _DAMAGE as error:
            if not is_corrupt(error):
                raise
        self._rollback()
        unlink(place)
        return self._go(run, (told,), None)

    def _go(self, run: _Run, told: tuple[Problem, ...], former: Path | None) -> Done:
        plan, ledger, wish = self.plan, self.ledger, run.wish
        ledger.bring_back(run.now)
        index = self._opened(former, rebuild=wish.rebuild)
        with Workers(self.processes, self._leave_if_stopped, _PRELOAD) as workers:
            ingested = ingest(
                plan,
                index,
                ledger,
                workers,
                self._fingerprints,
                run.now,
                run.started,
                run.look,
                accept_deletions=wish.accept_deletions,
                enough=run.enough,
                progress=run.progress,
            )
            if run.checks:
                index.entries.mark_altered(self._altered())
            if ingested.blind:
                index.commit()
                published = Published(Counter(), (), (), 0, complete=False)
            else:
                index = self._index = index.install()
                _check(wish.only, feed_names(ledger))
                if wish.adopt and not self.dry:
                    self._claim.take()
                published = regenerate(
                    plan,
                    index,
                    ledger,
                    workers,
                    self._claim,
                    run.now,
                    wish.chooses,
                    dry=self.dry,
                    adopt=wish.adopt,
                    progress=run.progress,
                )
                if not wish.only and not published.outcomes[Outcome.failed]:
                    index.put_meta({"served": str(to_micros(run.now))})
                    index.commit()
        return _done(ingested, published, told)


def _set_aside(place: Path, error: Exception, *, dry: bool) -> tuple[Path, Problem]:
    if dry:
        message = f"{place}: the index is damaged ({error}); `aggregator regenerate` builds a new one"
        raise StoreError(message) from error
    kept = set_aside(place)
    message = f"the index was damaged ({error}) and is built again; the damaged one is kept as {kept.name}"
    return kept, Problem(str(place), 0, 0, Severity.warning, message)


def _check(only: tuple[str, ...], names: list[str]) -> None:
    for name in only:
        if name not in names:
            near = get_close_matches(name, names, 1, 0.4)
            raise UnknownFeed(f"--feed {name}: no such feed; " + (f"perhaps {near[0]}?" if near else "there is `all`"))


def _done(ingested: Ingested, published: Published, told: tuple[Problem, ...]) -> Done:
    outcomes = published.outcomes
    unpublished = _errors(published.problems)
    return Done(
        read=ingested.read,
        gone=ingested.gone,
        held=ingested.held,
        feeds=Files(**{outcome.value: outcomes[outcome] for outcome in Outcome}),
        problems=(*told, *ingested.troubles, *ingested.guard, *published.problems),
        guard=ingested.guard,
        troubles=(*_errors(ingested.troubles), *unpublished),
        unpublished=unpublished,
        complete=published.complete,
        changes=published.changes,
        effort=Effort(ingested.merged, published.rendered),
        left=ingested.left,
    )


def _errors(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple(problem for problem in problems if problem.severity is Severity.error)
