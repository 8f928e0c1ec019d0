"""Whose an output folder is, and who may write to it now."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from aggregator.errors import AggregatorError, ForeignOutput, LedgerCorrupt, Locked
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


class Claim(NamedTuple):
    """A store and an output folder that are held. None for `lock` or `mark`: there is no such file."""

    root: Path
    store: Path
    identity: str
    lock: Hold | None
    mark: Hold | None

    @property
    def ours(self) -> bool:
        """Whether the output folder bears the mark of this store."""
        return self.mark is not None and _owner(self.mark.file)[0] == self.identity

    def stands(self) -> bool:
        """Whether store and output folder still are those that are held; else they were taken away since."""
        return _is_at(self.store / LOCK, self.lock) and _is_at(self.root / MARK, self.mark)

    def take(self) -> None:
        """Mark the output folder as this store's, durably. Raises OSError."""
        if self.mark and not self.ours:
            _put(self.mark.file, f"{self.identity}\n# {_note(self.store)}\n")
            os.fsync(self.mark.file)
            settle(self.root, [MARK])
            _sign(self.mark.file, f"# process {os.getpid()}\n")


@contextmanager
def claimed(root: Path, store: Path, identity: str, *, write: bool = True, adopt: bool = False) -> Iterator[Claim]:
    """Hold an output folder and a store, so that nobody else writes to them.

    `root/.aggregator` says which store the folder belongs to, once that has taken it; it and `store/lock` say which
    process is at work. A mark that says nothing at the end is removed. Without `write` nothing
    is made or changed, and only what is there is held. `adopt`: a folder of another store may be taken.

    Raises Locked where either is held already, ForeignOutput where the folder belongs to a store of another
    identity, LedgerCorrupt where that was this very store, OSError where the files can't be made or opened.
    """
    with _store_held(store, write) as lock, _output_held(root, store, identity, write=write, adopt=adopt) as mark:
        yield Claim(root, store, identity, lock, mark)


def _is_at(path: Path, hold: Hold | None) -> bool:
    """Whether what is held is what is there."""
    return hold is None or _is_file_at(path, hold.file)


def _is_file_at(path: Path, file: int) -> bool:
    """Whether this is where an open file is."""
    try:
        return os.path.samestat(path.lstat(), os.fstat(file))
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
def _output_held(root: Path, store: Path, identity: str, *, write: bool, adopt: bool) -> Iterator[Hold | None]:
    if write:
        root.mkdir(parents=True, exist_ok=True)
    with _opened(root / MARK, write) as mark:
        if mark:
            owner, note = _owner(mark.file)
            if owner not in ("", identity) and not adopt:
                raise _refusal(root, store, owner, note)
            if not mark.ours:
                process = _writer(mark.file) or "another process"
                raise Locked(f"{process} is writing to {root}; wait until it ends, or stop it")
            if write:
                _sign(mark.file, f"# process {os.getpid()}\n")
        try:
            yield mark
        finally:
            if mark and write and mark.file in _open:
                _sign(mark.file, "")
                if not os.fstat(mark.file).st_size and _is_at(root / MARK, mark):
                    (root / MARK).unlink()


def _refusal(root: Path, store: Path, owner: str, note: str) -> AggregatorError:
    """Why a folder that bears another mark isn't written to."""
    if note == _note(store):
        return LedgerCorrupt(
            f"{root} was written by another ledger of {store}; put its newest backup back with `aggregator ledger"
            " restore FILE`, or go on with this one, and new ids: `aggregator regenerate --adopt`"
        )
    other = brief(note or owner, _LIMIT)
    return ForeignOutput(
        f"{root} belongs to {other}; name another folder as `output.path`, or, if that store is gone for good, take the"
        " folder over with `aggregator regenerate --adopt`"
    )


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
    try:
        hold = _hold(path, create)
        while hold.ours and not _is_file_at(path, hold.file):  # whoever held it has removed it meanwhile
            _release(hold.file)
            hold = _hold(path, create)
    except FileNotFoundError:
        if create:
            raise
        hold = None
    try:
        yield hold
    finally:
        if hold:
            _release(hold.file)


def _hold(path: Path, create: bool) -> Hold:
    """Open a file, and lock it if its lock is free."""
    flags = os.O_RDWR | os.O_CREAT if create else os.O_RDONLY
    file = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    _open.add(file)
    try:
        _check(file, path)
        return Hold(file, _locked(file))
    except BaseException:
        _release(file)
        raise


def _check(file: int, path: Path) -> None:
    """Raises OSError where this is no regular file."""
    if not stat.S_ISREG(os.fstat(file).st_mode):
        raise OSError(errno.EINVAL, "not a plain file", str(path))


def _release(file: int) -> None:
    """Close a file, and so let its lock go; a forked child has done so already."""
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
