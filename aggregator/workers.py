"""The one seam to several cores: worker processes that do lots of work, and no item of a lot may hold up the others.

lots ──▶ a free worker: item by item, each within its limits ──▶ answers
                        an item that breaks a limit ends its worker, and is given up; another worker does the rest

A worker holds nothing that is worth keeping: it can be ended at any time.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import resource
import select
import signal
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from enum import Enum
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeAlias, TypeVar

from aggregator.errors import NoWorkers

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

Item = TypeVar("Item")
Answer = TypeVar("Answer")

_GLANCE = 0.5  # seconds between two calls of `tick` while no answer comes
_FLUSH = 0.25  # seconds of work after which answers are sent: no more of it is lost with a worker
_GROWTH = 64 << 20  # bytes: a worker that has grown by more is replaced
_NO_MEMORY = 77  # the exit status of a worker that reached its memory limit
_MOST = 8  # workers
_MOST_STILLBORN = 5  # workers in a row that ended before they began anything
_UNKNOWN = 255  # the exit code where the process that workers are started from has ended, and theirs isn't known
_FROM_OUTSIDE = (-signal.SIGKILL, -signal.SIGTERM, _UNKNOWN)  # exit codes that tell nothing about the item


class Limits(NamedTuple):
    """What one item may cost: seconds of processor time, and bytes of memory above those of a new worker."""

    seconds: float
    memory: int


class Lot(NamedTuple, Generic[Item]):
    """Items that one worker works on in this order, what they share, and the limits of each.

    `suspect`: its only item was under way when a worker was killed from outside.
    """

    items: Sequence[Item]
    shared: Any
    limits: Limits
    suspect: bool = False


class Loss(NamedTuple):
    """Why an item was given up. `lasting`: another try would end in the same way, as long as the item is the same."""

    reason: str
    lasting: bool


Work: TypeAlias = Callable[[Any], Callable[[Item], Answer]]
"""Takes what the items of a lot share, and gives the function that turns one item into its answer."""


class Workers:
    """Up to `processes` worker processes, each started when it is first needed; a context manager, which ends them.

    `tick` is called at least twice a second while answers are waited for; what it raises ends the work. `preload` are
    the modules that the work needs: a process with threads starts its workers from a clean one that has loaded them.
    """

    def __init__(self, processes: int, tick: Callable[[], None] = lambda: None, preload: Sequence[str] = ()) -> None:
        self._most = max(1, processes)
        self._tick = tick
        self._preload = preload
        self._workers: list[_Worker] = []

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.kill()
        self._workers.clear()

    def stream(
        self,
        work: Work[Item, Answer],
        lots: Iterable[Lot[Item]],
        lost: Callable[[Item, Loss], Answer],
        *,
        small: bool,
    ) -> Iterator[list[tuple[Item, Answer]]]:
        """The items of all lots, each with its answer; in pieces, and in no particular order.

        lost: gives the answer for an item that was given up. Lots that are `small` altogether aren't worth a process:
        they are worked on here, without limits. A worker has one lot at a time, so that memory doesn't grow with the
        number of lots. Raises what `work` raises, with the worker's traceback as a note.
        """
        if small:
            for lot in lots:
                answer = work(lot.shared)
                yield [(item, answer(item)) for item in lot.items]
                self._tick()
            return
        queue = _Queue(lots)
        while self._hand_out(work, queue):
            for worker in self._ready():
                answers = worker.hear()
                if worker.loss:
                    answers += [(item, lost(item, worker.loss)) for item in queue.take_back(worker)]
                self._hand_out(work, queue)  # first, so that no worker waits while the answers are seen to
                if answers:
                    yield answers

    def _hand_out(self, work: Work[Any, Any], queue: _Queue) -> bool:
        """Give each free worker a lot, as long as there are some; whether any worker has one now."""
        self._workers = [worker for worker in self._workers if worker.serves]
        free = [worker for worker in self._workers if not worker.lot]
        while (free or len(self._workers) < self._most) and (lot := queue.next()):
            if not free:
                free.append(_Worker(self._preload))
                self._workers += free
            free.pop().begin(work, lot)
        return any(worker.lot for worker in self._workers)

    def _ready(self) -> list[_Worker]:
        """The workers that have answered, or ended, within a moment."""
        lines = wait([worker.line for worker in self._workers if worker.lot], _GLANCE)
        self._tick()
        return [worker for worker in self._workers if worker.line in lines]


class _Queue:
    """The lots that no worker has: what lost workers have left, then those of the caller."""

    def __init__(self, lots: Iterable[Lot[Any]]) -> None:
        self._lots = iter(lots)
        self._left: deque[Lot[Any]] = deque()
        self._stillborn = 0

    def next(self) -> Lot[Any] | None:
        """The lot that is to be worked on next; None: there is none."""
        return self._left.popleft() if self._left else next(self._lots, None)

    def take_back(self, worker: _Worker) -> list[Any]:
        """Queue what a lost worker has left; returns the items to be given up.

        That is the one that was under way. If the worker was killed from outside, it gets a second try, alone. Raises
        NoWorkers where workers end again and again before they begin anything.
        """
        lot, loss = worker.lot, worker.loss
        if not lot or not loss:
            return []
        self._stillborn = 0 if worker.begun else self._stillborn + 1
        if self._stillborn > _MOST_STILLBORN:
            raise NoWorkers(f"no worker process can be kept: {loss.reason}")
        last = max(worker.answered, worker.begun - 1)
        under_way = lot.items[last : worker.begun]
        rest = [*lot.items[worker.answered : last], *lot.items[last + len(under_way) :]]
        if rest:
            self._left.append(lot._replace(items=rest))
        if loss.lasting or lot.suspect:
            return list(under_way)
        self._left.extend(lot._replace(items=[item], suspect=True) for item in under_way)
        return []


class _State(Enum):
    """What a worker says with its answers: there are more to come, the lot is done, or it ends now, with the lot."""

    more = "more"
    done = "done"
    leaving = "leaving"


class _Worker:
    """A worker process, from outside. `lot`: what it works on (None: nothing); `begun`, `answered`: how many of its
    items. `serves`: it can be given lots; `loss`: why its process ended amid the work (None: it didn't).
    """

    def __init__(self, preload: Sequence[str]) -> None:
        # Forking is free, and safe as long as there is only this thread; else from a clean process.
        alone = threading.active_count() == 1
        context = multiprocessing.get_context("fork") if alone else multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(preload))
        self.line, line = context.Pipe()
        self._begins, begins = context.Pipe(duplex=False)
        self._process = context.Process(target=_serve, args=(line, begins, os.getpid()), daemon=True)
        self._process.start()
        line.close()
        begins.close()
        self.lot: Lot[Any] | None = None
        self.begun = self.answered = 0
        self.serves = True
        self.loss: Loss | None = None

    def begin(self, work: Work[Any, Any], lot: Lot[Any]) -> None:
        """Hand it a lot."""
        self.lot, self.answered = lot, 0
        with suppress(OSError):  # it has ended meanwhile, which `hear` will tell
            self.line.send((work, lot))

    def hear(self) -> list[tuple[Any, Any]]:
        """The items that it has answered by now, with their answers. Raises what its work raised."""
        try:
            answers, state = self.line.recv()
        except (EOFError, OSError):
            self._bury()
            return []
        if isinstance(state, Exception):
            raise state
        lot, before = self.lot, self.answered
        assert lot is not None  # noqa: S101  # it answers only while it has one
        self.answered += len(answers)
        if state is not _State.more:
            os.read(self._begins.fileno(), len(lot.items))
            self.lot = None
        if state is _State.leaving:
            self.kill()
        return list(zip(lot.items[before : self.answered], answers, strict=True))

    def kill(self) -> None:
        """End it, whatever it does."""
        if not self.serves:
            return
        self.serves = False
        self._process.kill()
        self._process.join()
        self._process.close()
        self.line.close()
        self._begins.close()

    def _bury(self) -> None:
        """Note how far it came, and why it ended."""
        self._process.join()
        code = self._process.exitcode or 0
        self.begun = len(os.read(self._begins.fileno(), len(self.lot.items))) if self.lot else 0
        self.loss = _loss(code, self.lot.limits) if self.lot else None
        self.kill()


def _loss(code: int, limits: Limits) -> Loss:
    """Why an item was given up whose worker ended with this exit code."""
    if code == -signal.SIGPROF:
        return Loss(f"it takes more than {limits.seconds:g} s of processor time", lasting=True)
    if code == _NO_MEMORY:
        return Loss(f"it takes more than {limits.memory / (1 << 20):g} MiB of memory", lasting=True)
    end = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit status {code}"
    return Loss(f"the process that worked on it was ended {end}", lasting=code not in _FROM_OUTSIDE)


def cores() -> int:
    """How many workers are of use here: one for each core, as long as the main process can keep up with them."""
    return min(len(os.sched_getaffinity(0)), _MOST)


# In a worker


def _serve(line: Connection, begins: Connection, parent: int) -> None:
    """Work on lots until there are no more; a byte in `begins` tells of each item before it is worked on."""
    _settle_in(parent)
    start = _memory()
    while True:
        try:
            work, lot = line.recv()
        except EOFError:
            return
        try:
            answers = _work(work, lot, line, begins, start + lot.limits.memory)
        except MemoryError:
            os._exit(_NO_MEMORY)
        except Exception as error:  # handed to whoever waits for the answers
            error.add_note(traceback.format_exc())
            line.send(([], error))
        else:
            line.send((answers, _State.leaving if _memory() > start + _GROWTH else _State.done))


def _work(work: Work[Any, Any], lot: Lot[Any], line: Connection, begins: Connection, memory: int) -> list[Any]:
    """The answers that weren't sent yet when the lot was done."""
    _limit_memory(memory)
    answer = work(lot.shared)
    answers: list[Any] = []
    sent = time.monotonic()
    for item in lot.items:
        os.write(begins.fileno(), b".")
        # When the time is over, the kernel ends this process, also amid code that Python can't interrupt.
        signal.setitimer(signal.ITIMER_PROF, lot.limits.seconds)
        answers.append(answer(item))
        if time.monotonic() > sent + _FLUSH:
            line.send((answers, _State.more))
            answers, sent = [], time.monotonic()
    signal.setitimer(signal.ITIMER_PROF, 0)
    return answers


def _settle_in(parent: int) -> None:
    """End with whoever started this process, however that ends; leave signals to the main process."""
    gc.freeze()
    gc.set_threshold(100_000)  # what is made here has no cycles, and is gone with each item
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGPROF):
        signal.signal(number, signal.SIG_DFL)
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:  # noqa: PTH123
        score.write("500")  # where memory runs out, a worker is missed less than the main process
    # A worker that outlives a killed parent waits for ever on a pipe whose other end its siblings hold open.
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    try:
        select.select([os.pidfd_open(parent)], [], [])
    finally:
        os._exit(1)


def _limit_memory(size: int) -> None:
    """Let this process have so many bytes, and no more than it may have."""
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    if most != resource.RLIM_INFINITY:
        size = min(size, most)
    with suppress(OSError):  # a sandbox may forbid it; the service manager's limit is left
        resource.setrlimit(resource.RLIMIT_DATA, (size, most))


def _memory() -> int:
    """The bytes that count against RLIMIT_DATA (proc(5), statm)."""
    with open("/proc/self/statm") as facts:  # noqa: PTH123  # for each lot: a Path costs more than the file
        return int(facts.read().split()[5]) * resource.getpagesize()
