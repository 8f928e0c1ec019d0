"""The one seam to several cores: an Executor, in this process or in as many processes as there are cores."""

from __future__ import annotations

import gc
import multiprocessing
import os
import select
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from itertools import islice
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


class Here(Executor):
    """An executor that does its work at once, in this process."""

    def submit(self, fn, /, *args, **kwargs):  # type: ignore[no-untyped-def]  # as concurrent.futures has it
        done: Future[object] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:  # handed to whoever asks for the result, as pools do
            done.set_exception(error)
        return done


class Workers:
    """Up to `processes` worker processes, started when first needed; a context manager, which ends them."""

    def __init__(self, processes: int) -> None:
        self.processes = processes
        self._pool: Executor | None = None

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool:
            self._pool.shutdown(cancel_futures=True)

    def stream(self, work: Callable[[Task], Result], tasks: Iterable[Task], *, small: bool) -> Iterator[Result]:
        """The results in the order of the tasks; a `small` lot isn't worth a process and is done here.

        Unlike `Executor.map`, which takes all tasks at once, this needs no more memory for more tasks.
        """
        executor = Here() if small or self.processes < 2 else self._started()
        rest = iter(tasks)
        under_way = deque(executor.submit(work, task) for task in islice(rest, 3 * self.processes))
        while under_way:
            result = under_way.popleft().result()
            under_way.extend(executor.submit(work, task) for task in islice(rest, 1))
            yield result

    def _started(self) -> Executor:
        if not self._pool:
            # Forking is free, and safe as long as there is only this thread; else from a clean process.
            method = "fork" if threading.active_count() == 1 else "forkserver"
            context = multiprocessing.get_context(method)
            self._pool = ProcessPoolExecutor(self.processes, context, initializer=_begin, initargs=(os.getpid(),))
        return self._pool


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))


def _begin(parent: int) -> None:
    """In a new worker: end with whoever started it, however that ends; leave signals to the main process."""
    gc.set_threshold(100_000)  # what is made here has no cycles, and is gone with each task
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    # A worker that outlives a killed parent waits for ever on a pipe whose other end its siblings hold open.
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    try:
        select.select([os.pidfd_open(parent)], [], [])
    finally:
        os._exit(1)
