"""What the daemon is doing: a file in its runtime folder, for `aggregator status`, for monitoring and for metrics."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeAlias

import msgspec
from msgspec.structs import replace

from aggregator.errors import StoreError
from aggregator.model import EPOCH, Problem

STATUS_FILE = "status.json"
BEAT = timedelta(seconds=15)  # the daemon writes its status at least as often
SILENCE = timedelta(seconds=60)  # a status that is older is no sign of life
MOST_PROBLEMS = 100  # the counts are of all of them

Instant: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True)]
Pid: TypeAlias = Annotated[int, msgspec.Meta(gt=0, lt=1 << 31)]


class State(StrEnum):
    """What the daemon is at."""

    starting = "starting"
    working = "working"
    idle = "idle"
    stopping = "stopping"
    stopped = "stopped"


class Life(StrEnum):
    """Whether there is a daemon behind a status."""

    running = "running"
    silent = "not answering"
    gone = "not running"


_STATES = {b"T": Life.silent, b"t": Life.silent, b"Z": Life.gone, b"X": Life.gone}


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """The kind of struct that a status is made of: what an older daemon didn't write has a value too."""


class Progress(Part, frozen=True):
    """How far the work under way has come: `done` of `total` in this stage."""

    stage: str
    done: int = 0
    total: int = 0


class Documents(Part, frozen=True):
    """How many documents are known, how many of the files can't be read now, how many are no documents, and how many
    documents are gone and kept.
    """

    known: int = 0
    failed: int = 0
    skipped: int = 0
    kept: int = 0


class Feeds(Part, frozen=True):
    """How many feeds are out, and how many of all are dirty."""

    out: int = 0
    dirty: int = 0


class Batch(Part, frozen=True):
    """What came of a batch.

    `at` is when its feeds were on disk, `paths` how many were looked at; `read` and `gone` count documents,
    `written`, `removed` and `failed` feed files. `seconds` is how long the work took, `latency` the seconds from the
    first event, so with the time it was given to settle; None where no event began it.
    """

    at: Instant
    paths: int = 0
    read: int = 0
    gone: int = 0
    written: int = 0
    removed: int = 0
    failed: int = 0
    seconds: float = 0.0
    latency: float | None = None


class Reconcile(Part, frozen=True):
    """What a look at everything took, in seconds, and found: documents read and gone; and what it was for.

    The reason is `reconcile` where it was only time for one: then what it found no event had told.
    """

    at: Instant
    seconds: float = 0.0
    read: int = 0
    gone: int = 0
    reason: str = ""

    @property
    def was_due(self) -> bool:
        """Whether it was only time for it."""
        return self.reason == "reconcile"


class Next(Part, frozen=True):
    """What is to come: `reconcile`, `retry`, `upkeep`, `due topics/ai`, `schedule topics/*`."""

    what: str
    at: Instant


class Watching(Part, frozen=True):
    """How changes are noticed: `inotify`, `polling` or `mixed`, and why ("": the usual way); in how many folders.

    `trouble` says what is wrong where it isn't `healthy`.
    """

    mode: str = ""
    why: str = ""
    folders: int | None = None
    healthy: bool = True
    trouble: str = ""


class Announcing(Part, frozen=True):
    """How a hub or hook is told the news: changes that wait, failures in a row, and what went wrong last."""

    name: str
    waiting: int = 0
    failures: int = 0
    trouble: str = ""


class Status(Part, frozen=True):
    """What the daemon is doing, did last, and cannot do.

    since: when it started; at: when this was written. troubles: why it isn't healthy, as sentences. progress: of the
    work under way (None: none is). queue: paths that wait to be looked at. guard: which deletions are held back, as
    sentences. problems: with paths that can be opened, at most MOST_PROBLEMS of the errors and warnings that are
    counted. next: in the order of time. batch, reconcile: the last ones (None: there was none yet).
    """

    state: State
    pid: Pid
    version: str
    config: str
    since: Instant
    at: Instant
    healthy: bool = True
    troubles: tuple[str, ...] = ()
    progress: Progress | None = None
    documents: Documents = Documents()
    articles: int = 0
    feeds: Feeds = Feeds()
    queue: int = 0
    batch: Batch | None = None
    reconcile: Reconcile | None = None
    guard: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    errors: int = 0
    warnings: int = 0
    next: tuple[Next, ...] = ()
    watcher: Watching = Watching()
    announcing: tuple[Announcing, ...] = ()


def write(folder: Path, status: Status) -> None:
    """Put a status in the runtime folder, which is there. Everybody may read it.

    Raises OSError; what was there then stays.
    """
    shown = replace(status, problems=status.problems[:MOST_PROBLEMS])
    # json and not msgspec: a path may hold letters that no UTF-8 has.
    put(folder / STATUS_FILE, json.dumps(msgspec.to_builtins(shown)).encode() + b"\n")


def read(folder: Path) -> Status | None:
    """The status in a runtime folder; None where there is none. Fields that are not known are passed over.

    Raises StoreError where it isn't a status, or can't be read.
    """
    path = folder / STATUS_FILE
    try:
        return msgspec.convert(json.loads(path.read_bytes()), Status)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as error:
        advice = "ask as the daemon's user, or name a folder that others may enter as `runtime.path`"
        raise StoreError(f"{path}: {error.strerror}; {advice}") from error
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}; it should be a file that the daemon writes") from error
    except (ValueError, RecursionError) as error:  # of json and msgspec
        advice = "if another version wrote it, ask with that one; else delete it, and a running daemon writes it anew"
        raise StoreError(f"{path} is not a status of the daemon ({error}); {advice}") from error


def life(status: Status | None, now: datetime) -> Life:
    """Whether the daemon that wrote a status is there now, and still writes."""
    if status is None or status.state is State.stopped:
        return Life.gone
    process = _process(status.pid)
    if process is not Life.running:
        return process
    # From the future: the clock was set back since, and a daemon that is there will soon have written again.
    return Life.running if abs(now - status.at) <= SILENCE else Life.silent


def unchanged(status: Status) -> Status:
    """The status without the instant it was written at: equal as long as there is nothing new to tell."""
    return replace(status, at=EPOCH)


def put(path: Path, content: bytes) -> None:
    """Write a file whole, for everybody to read. It is not synced: after a crash of the machine it says nothing.

    Raises OSError; what was there then stays.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file:
            os.fchmod(file.fileno(), 0o644)
            file.write(content)
        part.replace(path)
    except OSError:
        with suppress(OSError):
            part.unlink()
        raise


def _process(pid: int) -> Life:
    """Whether a process is there, and isn't stopped (SIGSTOP, a debugger): proc_pid_stat(5)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0]
    except OSError:  # gone; or /proc hides other users' processes
        return Life.running if _is_there(pid) else Life.gone
    return _STATES.get(state, Life.running)


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True
