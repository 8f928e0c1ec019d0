"""Whose an output folder is, and who may write to it now."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from aggregator.errors import ForeignOutput, LedgerCorrupt, Locked
from aggregator.publish.files import settle
from aggregator.text.plain import brief, printable

MARK = ".aggregator"
LOCK = "lock"

_PROCESS = re.compile(rb"^# (process [0-9]+)\n", re.MULTILINE)
_LIMIT = 1000  # bytes read of a file that should be ours, but may be anything
_open: set[int] = set()


class Hold(NamedTuple):
    """An open file, and whether its lock is ours; if not, someone else has it."""

    file: int
    ours: bool


@contextmanager
def claimed(root: Path, store: Path, identity: str, *, write: bool = True) -> Iterator[Callable[[], bool]]:
    """Hold an output folder and a store, so that nobody else writes to them; gives what tells whether they still are
    those that are held, or were taken away since.

    `root/.aggregator` says which store the folder belongs to, and is made where there is none; it and `store/lock`
    say which process is at work. Without `write` nothing is made or changed, and only what is there is held.

    Raises Locked where either is held already, ForeignOutput where the folder belongs to a store of another
    identity, LedgerCorrupt where that was this very store, OSError where the files can't be made or opened.
    """
    with _store_held(store, write) as lock, _output_held(root, store, identity, write) as mark:
        yield lambda: _is_at(store / LOCK, lock) and _is_at(root / MARK, mark)


def _is_at(path: Path, hold: Hold | None) -> bool:
    """Whether what is held is what is there."""
    try:
        return hold is None or os.path.samestat(path.lstat(), os.fstat(hold.file))
    except OSError:
        return False


@contextmanager
def _store_held(store: Path, write: bool) -> Iterator[Hold | None]:
    if write:
        store.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _opened(store / LOCK, write) as lock:
        if lock and not lock.ours:
            pid = _text(lock.file).strip()
            process = f"process {pid}" if pid.isdecimal() else "another process"
            raise Locked(f"{process} is at work on the store {store}; wait until it ends, or stop it")
        if lock and write:
            _put(lock.file, f"{os.getpid()}\n")
        try:
            yield lock
        finally:
            if lock and write and lock.file in _open:
                _put(lock.file, "")


@contextmanager
def _output_held(root: Path, store: Path, identity: str, write: bool) -> Iterator[Hold | None]:
    if write:
        root.mkdir(parents=True, exist_ok=True)
    with _opened(root / MARK, write) as mark:
        if mark:
            owner, note = _owner(mark.file)
            if owner not in ("", identity):
                if note == _note(store):
                    raise LedgerCorrupt(
                        f"{root} was written by another ledger of {store}; put its newest backup back with `aggregator "
                        f"ledger restore FILE`, or delete {root / MARK} to go on with this one, and new ids"
                    )
                raise ForeignOutput(
                    f"{root} belongs to {brief(note or owner, _LIMIT)}; name another folder as `output.path`, or "
                    f"delete {root / MARK} if that store is gone for good"
                )
            if not mark.ours:
                process = _writer(mark.file) or "another process"
                raise Locked(f"{process} is writing to {root}; wait until it ends, or stop it")
            if write and not owner:
                _put(mark.file, f"{identity}\n# {_note(store)}\n")
                os.fsync(mark.file)
                settle(root, [MARK])
            if write:
                _sign(mark.file, f"# process {os.getpid()}\n")
        try:
            yield mark
        finally:
            if mark and write and mark.file in _open:
                _sign(mark.file, "")


def _writer(file: int) -> str:
    """Who a mark says is writing; empty: it doesn't."""
    found = _PROCESS.search(os.pread(file, _LIMIT, 0))
    return found[1].decode() if found else ""


def _sign(file: int, line: str) -> None:
    """Say at the end of a mark who is writing. What is before that is never written over, and so always whole."""
    data = os.pread(file, _LIMIT, 0)
    if len(data) < _LIMIT:
        found = _PROCESS.search(data)
        head = found.start() if found else len(data)
        os.ftruncate(file, head)
        os.pwrite(file, line.encode(), head)


def _note(store: Path) -> str:
    """What a mark says to people."""
    return f"the store {str(store.absolute())!r} of aggregator"


def _owner(file: int) -> tuple[str, str]:
    """The identity of the store that a folder belongs to, and the note for people; empty for none."""
    lines = [line for line in map(str.strip, _text(file).splitlines()) if line]
    note = next((line for line in lines if line.startswith("#")), "")
    owner = next((line for line in lines if not line.startswith("#")), "")
    return owner, note.lstrip("# ")


@contextmanager
def _opened(path: Path, create: bool) -> Iterator[Hold | None]:
    """A file, and its lock if that is free; None where there is no file and none is to be made."""
    flags = os.O_RDWR | os.O_CREAT if create else os.O_RDONLY
    try:
        file = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    except FileNotFoundError:
        if create:
            raise
        file = -1
    if file < 0:
        yield None
        return
    _open.add(file)
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise OSError(errno.EINVAL, "not a plain file", str(path))
        yield Hold(file, _locked(file))
    finally:
        if file in _open:
            _open.remove(file)
            os.close(file)


def _locked(file: int) -> bool:
    """Whether the lock was free, and is ours now."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _text(file: int) -> str:
    """The beginning of a file, in printable lines."""
    text = os.pread(file, _LIMIT, 0).replace(b"\0", b" ").decode("utf-8", "replace")
    return "\n".join(map(printable, text.splitlines()))


def _put(file: int, text: str) -> None:
    """Write in place: a new file wouldn't be locked."""
    os.ftruncate(file, 0)
    os.pwrite(file, text.encode(), 0)


def _let_go() -> None:
    """Close what a forked child has inherited: a lock lasts until its last descriptor is closed."""
    while _open:
        os.close(_open.pop())


os.register_at_fork(after_in_child=_let_go)
