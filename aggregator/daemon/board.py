"""Where the daemon's parts put up how they are: a status, the metrics, and a line in the log for each batch."""

from __future__ import annotations

import os
import time
from datetime import datetime

from msgspec.structs import replace

from aggregator import __version__
from aggregator.config import Config
from aggregator.daemon import logs, status
from aggregator.daemon.announcing import Announcer, Told, public
from aggregator.daemon.metrics import Metrics
from aggregator.daemon.status import (
    Announcing,
    Batch,
    Documents,
    Feeds,
    Next,
    Progress,
    Reconcile,
    State,
    Status,
    Watching,
)
from aggregator.errors import MetricsFailed
from aggregator.model import Problem, Severity
from aggregator.pipeline import Done, Plan, Survey
from aggregator.scheduler import Timers
from aggregator.watcher import Health, Look

_GLANCE = 1.0  # seconds between two signs of progress


class Board:
    """What is known of the daemon, and who is told of it. `file`: the configuration's; `since`: when it started.

    `failure` is why the last work failed, `due` the feed that changes by itself next, `waiting` how much news there is
    for each teller.
    """

    def __init__(self, file: str, since: datetime) -> None:
        self.failure = ""
        self.due = ""
        self.waiting: dict[str, int] = {}
        self._status = Status(
            state=State.starting, pid=os.getpid(), version=__version__, config=file, since=since, at=since
        )
        self._written: Status | None = None
        self._health = Health("", "", None, True, "")
        self._metrics: Metrics | None = None
        self._unmetered = ""
        self._unwritten = ""
        self._problems: frozenset[Problem] = frozenset()
        self._looked: tuple[Problem, ...] = ()
        self._unreconciled: tuple[Problem, ...] = ()
        self._unpublished: tuple[Problem, ...] = ()
        self._troubles: tuple[Problem, ...] = ()
        self._timing = ""
        self._glanced = float("-inf")
        self._announcing: dict[str, Announcing] = {}

    def arm(self, config: Config) -> None:
        """Set up what depends on the configuration; metrics that can't be given out are no reason to stop."""
        self._folder = config.runtime.path
        self.waiting.clear()
        self._announcing.clear()
        self._unmetered = ""
        if config.metrics.address or config.metrics.textfile:
            try:
                self._metrics = Metrics(config.metrics.address, config.metrics.textfile)
                self._metrics.start()
            except MetricsFailed as error:
                self._no_metrics(error)

    def disarm(self) -> None:
        """End what `arm` began."""
        if self._metrics:
            self._metrics.stop()
            self._metrics = None

    def done(self, done: Done, plan: Plan, look: Look, now: datetime, seconds: float, end: float, reason: str) -> None:
        """Take in a batch that took `seconds` and ended at `end` (monotonic); `reason`: why all was looked at."""
        # What a feed failed of is told until that feed was seen to again, and that of sources until all was looked at.
        failed = () if done.complete else self._unpublished
        unpublished = tuple(dict.fromkeys((*failed, *done.unpublished)))
        healed = set(self._unpublished).difference(unpublished)
        self._unpublished = unpublished
        known = () if look.paths is None else (problem for problem in self._looked if problem not in healed)
        self._looked = tuple(dict.fromkeys((*known, *done.problems)))
        if look.paths is None:
            self._unreconciled = tuple(problem for problem in done.troubles if problem not in done.unpublished)
            self._timing = ""
        self._troubles = tuple(dict.fromkeys((*self._unreconciled, *done.troubles, *unpublished)))
        self.failure = ""
        guard = tuple(str(replace(one, path=plan.file(one.path) or one.path)) for one in done.guard)
        self._status = replace(self._status, progress=None, guard=guard)
        if reason:
            found = Reconcile(at=now, seconds=seconds, read=done.read, gone=done.gone, reason=reason)
            self._status = replace(self._status, reconcile=found)
            if self._metrics:
                self._metrics.reconcile(found)
        if not reason or done.changes:
            batch = Batch(
                at=now,
                paths=0 if look.paths is None else len(look.paths),
                read=done.read,
                gone=done.gone,
                written=done.feeds.written,
                removed=done.feeds.removed,
                failed=done.feeds.failed,
                seconds=seconds,
                latency=None if look.since is None else end - look.since,
            )
            self._status = replace(self._status, batch=batch)
            if self._metrics:
                self._metrics.batch(batch)
        _log(done, seconds, reason)

    def survey(self, survey: Survey, out: int, dirty: int, plan: Plan) -> None:
        """Take in what there is, how many feeds are out, and how many of them dirty; of new problems a line tells."""
        found = (*self._looked, *survey.problems)
        problems = tuple(replace(one, path=plan.file(one.path) or one.path) for one in found)
        fresh = [one for one in problems if one not in self._problems]
        self._problems = frozenset(problems)
        if fresh:
            logs.get().warning("new problems", count=len(fresh), first=str(fresh[0]), all="aggregator status")
        self._status = replace(
            self._status,
            documents=Documents(known=survey.known, failed=survey.failed, skipped=survey.skipped, kept=survey.kept),
            articles=survey.articles,
            feeds=Feeds(out=out, dirty=dirty),
            problems=problems,
            errors=sum(one.severity is Severity.error for one in problems),
            warnings=sum(one.severity is Severity.warning for one in problems),
        )

    def progress(self, stage: str, done: int, total: int) -> bool:
        """Take in how far the work is; whether that is worth being told."""
        self._status = replace(self._status, progress=Progress(stage=stage, done=done, total=total))
        at = time.monotonic()
        if at < self._glanced + _GLANCE:
            return False
        self._glanced = at
        return True

    def announced(self, announcer: Announcer, told: Told) -> None:
        """Take in how telling somebody went."""
        if self._metrics:
            self._metrics.told(public(told.name), well=not told.trouble)
        for name in announcer.tellers:
            self._announcing[name] = Announcing(
                name=public(name),
                failures=announcer.failures[name],
                trouble=announcer.troubles[name],
            )

    def take(self, health: Health, timers: Timers, queue: int) -> None:
        """Take in how the watcher is, what rings next, and how many paths wait."""
        self._health = health
        self._timing = timers.trouble or self._timing
        upcoming = tuple(
            Next(what=f"due {self.due}" if name == "due" else name, at=at)
            for name, at in timers.upcoming()
            if not name.startswith("tell ")
        )
        self._status = replace(self._status, next=upcoming, queue=queue)

    def write(self, state: State, at: datetime) -> str:
        """Write the status down, if there is something new, or it would grow old; what it says in a line.

        A folder that can't be written to is told once in the log.
        """
        health = self._health
        troubles = [
            *self._status.guard,
            *map(str, self._troubles),
            *filter(None, (self.failure, health.trouble, self._timing, self._unmetered)),
        ]
        watcher = Watching(health.mode, health.why, health.folders, health.healthy, health.trouble)
        announcing = (
            replace(self._announcing.get(name, Announcing(name=public(name))), waiting=count)
            for name, count in self.waiting.items()
        )
        made = replace(
            self._status,
            state=state,
            at=at,
            healthy=not troubles,
            troubles=tuple(troubles),
            progress=self._status.progress if state is State.working else None,
            watcher=watcher,
            announcing=tuple(announcing),
        )
        last = self._written
        if last and at - last.at < status.BEAT and status.unchanged(last) == status.unchanged(made):
            return ""
        self._written = made
        try:
            status.write(self._folder, made)
        except OSError as error:
            if self._unwritten != str(error):
                logs.get().warning("the status can't be written", error=str(error))
            self._unwritten = str(error)
        else:
            self._unwritten = ""
        if self._metrics:
            try:
                self._metrics.update(made)
            except MetricsFailed as error:
                self._no_metrics(error)
            else:
                self._unmetered = ""
        return _line(made)

    def _no_metrics(self, error: MetricsFailed) -> None:
        if self._unmetered != str(error):
            logs.get().warning("no metrics", error=str(error))
        self._unmetered = str(error)


def _line(made: Status) -> str:
    """A status in a line."""
    health = "all is well" if made.healthy else f"unhealthy: {made.troubles[0]}"
    return f"{made.documents.known} documents, {made.feeds.out} feeds; {health}"


def _log(done: Done, seconds: float, reason: str) -> None:
    """One line for a batch, whatever it holds; more only where something is wrong, or was asked for."""
    log = logs.get()
    what: dict[str, object] = {"reason": reason} if reason else {}
    files = done.feeds
    what |= {"read": done.read, "gone": done.gone, "written": files.written, "removed": files.removed}
    log.info("reconciled" if reason else "batch", **what, failed=files.failed, seconds=round(seconds, 3))
    for problem in (*done.guard, *done.troubles):
        log.warning("trouble", problem=str(problem))
    for outcome, path in done.changes:
        log.debug(str(outcome), path=path)
