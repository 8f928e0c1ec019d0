"""Runs a command and says what it took: wall time, CPU time and, if asked, peak memory."""

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

PROC = Path("/proc")
INTERVAL = 0.02  # seconds between two looks at the memory


@dataclass(frozen=True, slots=True)
class Run:
    """One run: seconds of wall and CPU time, peak memory in bytes (0: not sampled), standard output.

    CPU time is that of the process and of all descendants that were waited for.
    """

    wall: float
    cpu: float
    memory: int
    output: str


class CommandFailedError(Exception):
    """A command under measurement ended with a status other than 0. The benchmark stops."""


def run(command: Sequence[str], folder: Path, *, sample: bool) -> Run:
    """Run `command` in `folder`. Sampling memory slows it down: take times from runs without.

    Raises CommandFailedError with the end of what it wrote to standard error.
    """
    os.sync()  # nobody pays for what the one before left to be written
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=err, env=as_installed())
        peak, done = [0], Event()
        sampler = Thread(target=watch, args=(process.pid, done, peak))
        if sample:
            sampler.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if sample:
            done.set()
            sampler.join()
        out.seek(0)
        err.seek(0)
        if process.returncode != 0:
            raise CommandFailedError(f"{' '.join(command)}: status {process.returncode}\n{err.read()[-2000:]}")
        return Run(wall, usage.ru_utime + usage.ru_stime, peak[0], out.read())


def as_installed() -> dict[str, str]:
    """The environment without what keeps Python from saving its byte code: an installed program has it."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def watch(pid: int, done: Event, peak: list[int]) -> None:
    """Keep in `peak[0]` the most memory in bytes that `pid` and its descendants had together, until done."""
    while not done.wait(INTERVAL):
        peak[0] = max(peak[0], sum(proportional_set_size(each) for each in family(pid)))


def family(pid: int) -> Iterator[int]:
    """`pid` and all its descendants, as far as they are still there."""
    yield pid
    for children in (PROC / str(pid)).glob("task/*/children"):
        try:
            pids = children.read_text().split()
        except OSError:  # the thread has ended meanwhile
            continue
        for child in pids:
            yield from family(int(child))


def proportional_set_size(pid: int) -> int:
    """Bytes of memory, each shared page by its share (PSS, proc_pid_smaps(5)); 0 once it has ended."""
    try:
        lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
