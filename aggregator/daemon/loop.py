"""The daemon's one thread of work. Whatever else happens (an event, a timer, a signal, a request) only leaves word.

watcher ─noted, doubted─┐
timers ────────────rung─┤
signals ──────signalled─┼──▶ inbox ──▶ window ──look──▶ session ──report──▶ status, metrics, log, hubs and hooks
control ──────────asked─┤
tellers ───────────told─┘
"""

from __future__ import annotations

import os
import queue
import re
import signal
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from aggregator import __version__, pipeline
from aggregator.config import Log
from aggregator.daemon import logs
from aggregator.daemon.announcing import Announcer, Told, tellers
from aggregator.daemon.board import Board
from aggregator.daemon.control import Answer, Control, refusal
from aggregator.daemon.messages import Asked, Doubted, Message, Noted, Rung, Setting, Signalled
from aggregator.daemon.status import State
from aggregator.errors import (
    AggregatorError,
    ForeignOutput,
    LedgerCorrupt,
    NotDone,
    PlaceChanged,
    Stopped,
    StoreError,
    Stuck,
)
from aggregator.pipeline import EVERYTHING, TOLERANCE, Done, Session, Wish
from aggregator.scheduler import Timers, rang
from aggregator.systemd import Manager
from aggregator.watcher import Look, Poll, Watcher, Window

_BEAT = 5.0  # seconds between two looks at what works beside us
_JUMP = 2.0  # seconds that the clock may differ from the monotonic one before it has been set
_RETRY = (10.0, 300.0)  # seconds to the first try after a failure, and at most
_SAME = 6  # times that a failure may come in a row: by _RETRY some five minutes, longer than most disturbances last
_PEACE = 20  # times as long as a survey took, there is no other
_UPKEEP = timedelta(hours=6)
_READING = 4.0  # seconds of slow reading, after which what was read is published and the rest left to the next look
_SLOW = 200  # documents a second: with fewer of them, some cost very much
_AT_ONCE = 10_000  # messages: more of them than that, without end, keep neither work nor beat waiting


class Daemon:
    """Works under a setting until it is told to stop.

    file: the configuration's, as people know it; load: reads it again, and raises AggregatorError; log_as: makes the
    log look as a configuration says; watchdog: the seconds after which the service manager gives us up (None: never);
    stall: whether SIGUSR2 makes the work stand still, which is for tests.
    """

    def __init__(
        self,
        setting: Setting,
        file: str,
        load: Callable[[], Setting],
        log_as: Callable[[Log], None],
        manager: Manager,
        watchdog: float | None,
        *,
        stall: bool = False,
    ) -> None:
        self.setting = setting
        self._file = file
        self._load = load
        self._log_as = log_as
        self._manager = manager
        self._beat_every = min(_BEAT, watchdog / 4) if watchdog else _BEAT
        self._stall = stall
        self._inbox: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._stopping = False
        self._beaten = self._noted_at = self._survey_from = float("-inf")
        self._offset = time.time() - time.monotonic()
        self._now = datetime.now(UTC)
        self._failures = 0
        self._failure = ("", 0)
        self._strange: set[str] = set()
        self._unsurveyed = False
        self._requests: list[Asked] = []
        self._reloads: list[Answer] = []
        self._doubt = "start"
        self._all = False
        self._waiting = False
        self._board = Board(file, self._now)
        self.announcer = Announcer(self._inbox.put)

    # From start to stop

    def run(self) -> None:
        """Work until a signal says stop. Raises AggregatorError and OSError where it can't begin, or not go on."""
        config, plan, _ = self.setting
        self._log_as(config.log)
        self._listen()
        with (
            Session(plan, __version__, processes=pipeline.cores(), stop=self._moved) as self.session,
            suppress(Stopped),
        ):
            self.control = Control(config.runtime.path, lambda *asked: self._inbox.put(Asked(*asked)))
            self.control.start()
            self.timers = Timers(lambda name: self._inbox.put(Rung(name)))
            self.timers.start()
            self._arm()
            try:
                self._now = self.session.last() or self._now
                self._tell(State.starting)
                self._manager.ready("reading the documents")
                logs.get().info(
                    "started", version=__version__, config=self._file, output=str(plan.output), pid=os.getpid()
                )
                while not self._stopping:
                    self._turn()
            finally:
                self._manager.stopping()
                self._tell(State.stopping)
                self._disarm()
                self.timers.stop()
                self.control.stop()
                self._tell(State.stopped)
                logs.get().info("stopped")

    def _turn(self) -> None:
        """Once round; what fails is told, and tried again. Raises Stuck where that fails in the same way each time."""
        try:
            self._take(self._patience())
            self._work()
            self._beat()
        except (Stopped, LedgerCorrupt, ForeignOutput):
            raise
        except Exception as error:
            if self._stopping:  # workers were perhaps stopped with us
                return
            known = isinstance(error, AggregatorError | OSError)
            logs.get().error("the work failed", error=str(error), exc_info=None if known else error)
            self._board.failure = str(error) if known else f"{type(error).__name__}: {error}"
            self._count(self._board.failure)
            self._retry()
            self._tell(State.idle)

    def _count(self, failure: str) -> None:
        """Count how often a failure has come in a row. Raises Stuck where another process may fare better."""
        kind = re.sub(r"[0-9]+", "0", failure)  # times and counters in a message make it no other one
        former, count = self._failure
        self._failure = kind, count + 1 if kind == former else 1
        if self._failure[1] >= _SAME:
            raise Stuck(
                f"failed {_SAME} times in a row, and ends, to be started again by the service manager: {failure}"
            )

    def _listen(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
            signal.signal(number, self._signalled)
        if self._stall:
            signal.signal(signal.SIGUSR2, self._signalled)

    def _signalled(self, number: int, _: object) -> None:
        if number in (signal.SIGTERM, signal.SIGINT):
            self._stopping = True  # also amid the work
        self._inbox.put(Signalled(number))

    def _arm(self, moving: Collection[str] = ()) -> None:
        """Set up what depends on the configuration; some paths may be in motion already."""
        config, plan, warnings = self.setting
        self._log_as(config.log)
        for problem in warnings:
            logs.get().warning("the configuration may have a slip", problem=str(problem))
        self._strange.clear()
        watch = config.watch
        self.window = Window(watch.settle.total_seconds(), watch.longest_wait.total_seconds(), self.session.knows)
        for path in moving:
            self.window.note(path, self._noted_at)
        self.watcher = Watcher(
            [source.folder for source in plan.sources],
            (plan.output, plan.store),
            Poll(watch.poll),
            lambda path: self._inbox.put(Noted(path, time.monotonic())),
            lambda reason: self._inbox.put(Doubted(reason)),
        )
        self.watcher.start()
        self.announcer.arm(tellers(config))
        self._board.arm(config)
        self.timers.clear()
        self.timers.every("reconcile", watch.reconcile)
        self.timers.every("upkeep", _UPKEEP)
        for one in config.schedule:
            self.timers.cron(f"schedule {one.feeds} {one.cron}", one.cron, config.site.timezone)
        self._announce()

    def _disarm(self) -> None:
        self.watcher.stop()
        self._board.disarm()

    # What has come

    def _patience(self) -> float:
        """The seconds to wait for word."""
        doubt = self._doubt and not self.window.storming(time.monotonic())
        if doubt or self._waiting or self._all:
            return 0.0
        due = self.window.due
        beat = self._beaten + self._beat_every
        return max(0.0, min(beat, due if due is not None else beat) - time.monotonic())

    def _take(self, patience: float) -> None:
        """Take in what has come, once something has, or `patience` seconds have passed; of very much, a part."""
        with suppress(queue.Empty):
            message = self._inbox.get(timeout=patience) if patience else self._inbox.get_nowait()
            for _ in range(_AT_ONCE):
                self._note(message)
                message = self._inbox.get_nowait()
            self._note(message)

    def _note(self, message: Message) -> None:
        match message:
            case Noted(path, at):
                self._noted_at = max(self._noted_at, at)  # threads may overtake one another
                self.window.note(path, self._noted_at)
            case Doubted(reason):
                logs.get().warning("looking at everything", reason=reason)
                self._doubt = reason
            case Rung(name):
                self._rung(name)
            case Signalled(signal.SIGHUP):
                self._reloads.append(lambda _: None)
            case Signalled(signal.SIGUSR1):
                self._all = True
            case Signalled(signal.SIGUSR2):
                self._stand_still()
            case Asked({"do": "reload"}, answer):
                self._reloads.append(answer)
            case Asked({"do": "regenerate"}):
                self._requests.append(message)
            case Asked(_, answer):
                answer(refusal(NotDone("the daemon doesn't know this request; it may be of another version")))
            case Told():
                self._told(message)

    def _rung(self, name: str) -> None:
        kind, _, rest = name.partition(" ")
        match kind:
            case "reconcile":
                self._doubt = self._doubt or kind
            case "upkeep":
                self.session.tend()
            case "tell":
                self.announcer.free(rest)
                self._announce()
            case _:  # due, schedule or retry
                self._waiting = True

    def _stand_still(self) -> None:
        self._tell(State.working)
        logs.get().warning("standing still, as asked by a test")
        while True:
            time.sleep(1)

    # What is to be done

    def _work(self) -> None:
        while self._reloads and not self._stopping:
            self._reload(self._reloads.pop(0))
        while self._requests:
            self._answer(*self._requests.pop(0))
        at = time.monotonic()
        at = self._noted_at = max(self._noted_at, at)
        if self._all:
            self._all = False
            self._bring_up(EVERYTHING, Wish(), "SIGUSR1")
        elif look := self.window.take(at):
            self._bring_up(look, self._usual())
        elif self._doubt and not self.window.storming(at):
            self.watcher.check()  # what was lost is to be watched again before everything is looked at
            self._take(0.0)
            reason, self._doubt = self._doubt, ""
            self._bring_up(self.window.everything(at), self._usual(), reason)
        elif self._waiting:
            self._bring_up(Look(frozenset(), frozenset(), None), self._usual())

    def _usual(self) -> Wish:
        """All but the feeds with a schedule of their own, unless their time has come since they were last published;
        the first time of all, everything.
        """
        self._waiting = False
        config = self.setting.config
        served, now, zone = self.session.served(), self._clock(), config.site.timezone
        called = [one.feeds for one in config.schedule if served is None or rang(one.cron, zone, served, now)]
        return Wish(later=tuple(one.feeds for one in config.schedule), called=tuple(called))

    def _bring_up(self, look: Look, wish: Wish, reason: str = "") -> None:
        """One batch, or for a reason a look at everything."""
        begin = time.monotonic()
        self._tell(State.working)

        def enough(read: int) -> bool:
            seconds = time.monotonic() - begin
            return seconds > _READING and read < _SLOW * seconds

        done = self.session.bring_up(look, wish, self._clock(), time.time_ns(), self._progress, enough)
        if done.left:
            self._doubt = self._doubt or f"{done.left} documents are left to read"
        self._finish(done, look, begin, time.monotonic(), reason)

    def _finish(self, done: Done, look: Look, begin: float, end: float, reason: str) -> None:
        """See to all that a run has as a consequence."""
        self._board.done(done, self.setting.plan, look, self._clock(), end - begin, end, reason)
        self._board.due, instant = self.session.next_due(self._clock())
        self.timers.at("due", instant)
        if done.feeds.failed:
            self._retry()
        else:
            self._failures = 0
        if look.paths is None:
            self._see_to_schedule()
        self._announce()
        self._unsurveyed = True
        self._survey()
        self._failure = ("", 0)
        self._tell(State.idle)

    def _see_to_schedule(self) -> None:
        """Tell, once, of what is to be published at certain times and isn't there: perhaps a slip."""
        names = self.session.names()
        for one in self.setting.config.schedule:
            if one.feeds not in self._strange and not any(fnmatchcase(name, one.feeds) for name in names):
                self._strange.add(one.feeds)
                logs.get().warning("a schedule names no feed that there is", feeds=one.feeds)

    def _retry(self) -> None:
        first, most = _RETRY
        wait = min(first * 2.0 ** min(self._failures, 30), most)
        self._failures += 1
        self.timers.at("retry", datetime.now(UTC) + timedelta(seconds=wait))

    def _answer(self, request: dict[str, Any], answer: Answer) -> None:
        """Do what `aggregator regenerate` would have done, were it not for us."""

        def progress(stage: str, done: int, total: int) -> None:
            answer({"progress": [stage, done, total]})
            self._progress(stage, done, total)

        begin = time.monotonic()
        try:
            wish = self._wished(request)
            # Whoever asks wants what is there now, settled or not.
            with self.session.rehearsing(wish.dry):
                done = self.session.bring_up(EVERYTHING, wish, self._clock(), time.time_ns(), progress)
                report = pipeline.report(done, self.session.survey())
        except AggregatorError as error:
            answer(refusal(error))
            if isinstance(error, Stopped | StoreError):
                raise
        except Exception as error:
            answer(refusal(NotDone(f"it failed: {type(error).__name__}: {error}")))
            raise
        else:
            if not wish.dry:
                self._finish(done, EVERYTHING, begin, time.monotonic(), "regenerate")
            answer({"outcome": msgspec.to_builtins(report)})

    def _wished(self, request: dict[str, Any]) -> Wish:
        """What is asked for. Raises NotDone where it can't be had from us."""
        try:
            wish = msgspec.convert(request.get("wish"), Wish)
        except msgspec.ValidationError as error:
            raise NotDone(f"not a request that this version knows: {error}") from error
        if request.get("plan") != self.setting.plan.digest:
            raise NotDone("the daemon runs under another configuration; `aggregator reload` makes it read this one")
        if wish.at:
            raise NotDone("--at: a daemon is at work on this store, and its time is the clock's; stop it first")
        return wish

    def _next_setting(self) -> Setting:
        setting = self._load()
        if setting.config.runtime.path != self.setting.config.runtime.path:
            raise PlaceChanged("runtime.path can't change while this runs; start it anew for that")
        return setting

    def _reload(self, answer: Answer) -> None:
        """Go on under the configuration as it is now, whole, or as before."""
        self._manager.reloading(time.monotonic_ns() // 1000)
        try:
            setting = self._next_setting()
            self.session.apply(setting.plan)
        except AggregatorError as error:
            logs.get().error("the configuration is refused, and stays as it was", error=str(error))
            answer(refusal(error))
        except Exception as error:
            answer(refusal(NotDone(f"it failed: {type(error).__name__}: {error}")))
            raise
        else:
            self._disarm()
            self.setting = setting
            self._arm(self.window.waiting)
            self._doubt = "configuration"
            logs.get().info("the configuration is read again")
            answer({"outcome": {"warnings": list(map(str, setting.warnings))}})
        finally:
            self._manager.ready("under way")

    # Hubs and hooks

    def _announce(self) -> None:
        for name in self.announcer.tellers:
            news = self.session.news(name)
            self._board.waiting[name] = len(news)
            if news and self.announcer.is_free(name):
                self.announcer.tell(name, news)

    def _told(self, told: Told) -> None:
        self.announcer.note(told)
        if told.last:
            self.session.told(told.name, told.last)
        self._board.announced(self.announcer, told)
        if told.trouble:
            logs.get().warning("not told", error=told.trouble)
        if told.wait is not None:
            self.timers.at(f"tell {told.name}", datetime.now(UTC) + timedelta(seconds=told.wait))
        self._announce()

    # How it goes

    def _moved(self) -> bool:
        """Called again and again while the store works: it does, so we live; whether to leave the work."""
        at = time.monotonic()
        if at >= self._beaten + self._beat_every:
            self._beaten = at
            self._manager.alive()
        return self._stopping

    def _progress(self, stage: str, done: int, total: int) -> None:
        if self._board.progress(stage, done, total):
            self._manager.status(f"{stage}: {done} of {total}")
            self._tell(State.working)

    def _beat(self) -> None:
        """See to what works beside us, now and then."""
        at = time.monotonic()
        if at < self._beaten + self._beat_every:
            return
        self._beaten = at
        self.watcher.check()
        self.control.check()
        offset = time.time() - at
        if abs(offset - self._offset) > _JUMP:
            self._inbox.put(Doubted(f"the clock has moved by {offset - self._offset:+.0f} s, or the machine has slept"))
            self._waiting = True
            self.timers.reset()
        self._offset = offset
        if self.session.answers():
            self._manager.alive()
        if not self._board.failure and self.session.has_altered():
            logs.get().warning("published files were altered or removed, and are written again")
            self._waiting = True
        self._survey()
        self._tell(State.idle)

    def _survey(self) -> None:
        """Put up what there is. It costs what there is, so it takes a small part of the time that many changes take."""
        at = time.monotonic()
        if self._unsurveyed and at >= self._survey_from:
            self._board.survey(self.session.survey(), *self.session.feeds(), self.setting.plan)
            self._unsurveyed = False
            self._survey_from = at + _PEACE * (time.monotonic() - at)

    def _clock(self) -> datetime:
        """The instant it is, which never goes back a little."""
        now = datetime.now(UTC)
        # A clock set back by less is waited for: what has been shown stays shown.
        self._now = now if not now < self._now < now + TOLERANCE else self._now
        return self._now

    def _tell(self, state: State) -> None:
        """Write the status down, and for the service manager."""
        self._board.take(self.watcher.health, self.timers, len(self.window))
        text = self._board.write(state, datetime.now(UTC))
        if text and state is State.idle:
            self._manager.status(text)
