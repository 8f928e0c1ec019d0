"""Files below the output folder, named by relative paths with `/`: UTF-8 on disk, whatever the locale.

No link below the output folder is followed: a path that leads through one is refused, so that nothing outside
is ever written or removed. The functions share no state and may run in several threads at once; only `remove`
and `sweep` must not run beside `write`, as they take empty folders away.
"""

from __future__ import annotations

import errno
import gzip
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path

import msgspec

from aggregator.model import in_64_bits

TWIN = ".gz"
"""The ending of a compressed twin's name, behind that of its file."""

_SECOND = 1_000_000_000
_LEVEL = 6  # of 9: those above cost a third more time, for 0.5 % less
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_GONE = (FileNotFoundError, NotADirectoryError)


class Signature(msgspec.Struct, frozen=True, array_like=True):
    """What tells a file from a changed one without reading it. Bytes and nanoseconds, in 64 bits."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int


class Outcome(StrEnum):
    """What happened to a feed's file."""

    written = "written"
    unchanged = "unchanged"
    removed = "removed"
    failed = "failed"


def signature(root: Path, path: str) -> Signature | None:
    """The signature of a file; None where there is no regular file."""
    try:
        found = os.lstat(b"/".join((os.fsencode(root), *_parts(path))))
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    times = in_64_bits(found.st_mtime_ns), in_64_bits(found.st_ctime_ns)
    return Signature(found.st_size, *times, in_64_bits(found.st_ino))


def occupied(root: Path, paths: Iterable[str]) -> Iterator[str]:
    """Those of these paths where something is already, of whatever kind, or where `write` first puts its part."""
    folders: dict[bytes, bool] = {}
    for path in paths:
        *parents, name = _parts(path)
        folder = b"/".join((os.fsencode(root), *parents, b""))
        if folder not in folders:
            folders[folder] = os.path.lexists(folder)
        if folders[folder] and (os.path.lexists(folder + name) or os.path.lexists(folder + _part(name))):
            yield path


def read(root: Path, path: str) -> tuple[bytes, int] | None:
    """What a file holds, and when it was last written (ns since 1970); None where there is no regular file that can be
    read.
    """
    try:
        with _folder_of(root, path) as (folder, name):
            file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
            with os.fdopen(file, "rb") as stream:
                found = os.fstat(file)
                return (stream.read(), found.st_mtime_ns) if stat.S_ISREG(found.st_mode) else None
    except (OSError, UnicodeEncodeError):
        return None


def differs(root: Path, path: str, data: bytes, *, twin: bool = False) -> bool:
    """Whether a file, or its `twin`, holds other bytes than `write` would give it; yes where there is none, or none
    that can be read.
    """
    try:
        with _folder_of(root, path) as (folder, name):
            return bool(_stale(folder, name, data, twin=twin))
    except OSError:
        return True


def write(root: Path, path: str, data: bytes, *, twin: bool = False) -> Outcome:
    """Make a file hold these bytes, and its `twin` the same ones compressed. What does so already isn't touched.

    Readers get the old bytes or the new ones, whole, and so does whoever looks after a crash; `settle` makes
    sure that it is the new ones. Missing folders are made. Raises OSError, and leaves the old files as they are,
    where that can't be done: no room, no permission, a folder in the file's place, a link on the way to it.

    A twin bears its file's time, and takes its place first: where servers send both, neither is older than what a
    reader had of the other.
    """
    with _folder_of(root, path, make=True) as (folder, name):
        stale = _stale(folder, name, data, twin=twin)
        dated = None if name in stale else _mtime(folder, name)
        after = max((_mtime(folder, target) // _SECOND for target in stale), default=0)
        try:
            for target, some in stale.items():
                dated = _write_part(folder, _part(target), some, dated, after)
            for target in reversed(stale):
                os.rename(_part(target), target, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            for target in stale:
                with suppress(OSError):
                    os.unlink(_part(target), dir_fd=folder)
            raise
    return Outcome.written if stale else Outcome.unchanged


def settle(root: Path, paths: Iterable[str]) -> None:
    """Make the names of written and removed files durable: one fsync for each folder on the way to them."""
    for parts in _folders(paths):
        try:
            folder = _open_folder(root, parts)
        except _GONE:
            continue
        try:
            os.fsync(folder)
        except OSError as error:
            if error.errno != errno.EINVAL:  # not every file system can sync folders
                raise
        finally:
            os.close(folder)


def remove(root: Path, path: str) -> bool:
    """Remove a file, and the folders it leaves empty; whether it was there.

    A folder in its place isn't ours, and stays. Raises OSError where removing isn't allowed.
    """
    try:
        with _folder_of(root, path) as (folder, name):
            os.unlink(name, dir_fd=folder)
    except (*_GONE, IsADirectoryError):
        removed = False
    else:
        removed = True
    _remove_empty(root, [path])
    return removed


def sweep(root: Path, paths: Iterable[str]) -> None:
    """Remove what a killed `write` of these paths may have left; what can't be removed, `write` will tell."""
    disturbed = [path for path in paths if _is_disturbed(root, path)]
    for path in disturbed:
        with suppress(OSError), _folder_of(root, path) as (folder, name):
            os.unlink(_part(name), dir_fd=folder)
    _remove_empty(root, disturbed)


def _is_disturbed(root: Path, path: str) -> bool:
    """Whether a kill may have left something of this file: a part, or a folder without it. Cheap, for every start."""
    *parents, name = _parts(path)
    folder = b"/".join((os.fsencode(root), *parents, b""))
    return os.path.lexists(folder + _part(name)) or not os.path.lexists(folder + name)


def _write_part(folder: int, part: bytes, data: bytes, dated: int | None, after: int) -> int:
    """A new file that is safely on disk, of a date (ns; None: now) but after that whole second; returns its date.

    Where the file system has no later date, it is of now.
    """
    with suppress(FileNotFoundError):
        os.unlink(part, dir_fd=folder)
    file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666, dir_fd=folder)
    with os.fdopen(file, "wb") as stream:
        stream.write(data)
        stream.flush()
        found = os.fstat(file)
        if dated is not None:
            _date(file, dated)
        elif found.st_mtime_ns // _SECOND <= after:
            # nginx's ETag is the whole second and the size: a change within one second would get a 304.
            _date(file, (after + 1) * _SECOND)
            if os.fstat(file).st_mtime_ns // _SECOND <= after:
                _date(file, found.st_mtime_ns)
        os.fsync(file)
        return os.fstat(file).st_mtime_ns


def _date(file: int, mtime: int) -> None:
    """Set a file's date (ns), as near as the file system comes to it: some have no date behind 2106 or 2446."""
    with suppress(OverflowError):  # behind what the call takes
        os.utime(file, ns=(os.fstat(file).st_atime_ns, mtime))


def _stale(folder: int, name: bytes, data: bytes, *, twin: bool) -> dict[bytes, bytes]:
    """Which of a file and its twin have to be written, and what they are to hold."""
    stale = {} if _holds(folder, name, data) else {name: data}
    if twin:
        double, packed = name + TWIN.encode(), gzip.compress(data, _LEVEL, mtime=0)
        if stale or _mtime(folder, double) != _mtime(folder, name) or not _holds(folder, double, packed):
            stale[double] = packed
    return stale


def _holds(folder: int, name: bytes, data: bytes) -> bool:
    """Whether this is a regular file with just these bytes."""
    try:
        found = os.stat(name, dir_fd=folder)
        if found.st_size != len(data) or not stat.S_ISREG(found.st_mode):
            return False
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
        with os.fdopen(file, "rb") as stream:
            return stream.read() == data
    except OSError:
        return False


def _mtime(folder: int, name: bytes) -> int:
    """When what a web server shows under this name was last written, in ns; 0 for nothing."""
    try:
        return os.stat(name, dir_fd=folder).st_mtime_ns
    except OSError:
        return 0


def _remove_empty(root: Path, paths: Iterable[str]) -> None:
    for *parents, name in filter(None, _folders(paths)):
        with suppress(OSError):
            folder = _open_folder(root, parents)
            try:
                os.rmdir(name, dir_fd=folder)
            finally:
                os.close(folder)


def _folders(paths: Iterable[str]) -> list[tuple[bytes, ...]]:
    """All folders on the way to these paths, the innermost first; () is the output folder itself."""
    found = {parts[:depth] for parts in map(_parts, paths) for depth in range(len(parts))}
    return sorted(found, key=len, reverse=True)


@contextmanager
def _folder_of(root: Path, path: str, *, make: bool = False) -> Iterator[tuple[int, bytes]]:
    """The open folder that a file is in, and its name there. What is raised inside names the whole path."""
    try:
        *parents, name = _parts(path)
        folder = _open_folder(root, parents, make=make)
        try:
            yield folder, name
        finally:
            os.close(folder)
    except OSError as error:
        blocked = error.errno in (errno.ENOTDIR, errno.ELOOP)
        reason = "a file or a link stands where a folder should" if blocked else error.strerror
        raise OSError(error.errno, reason, f"{root}/{path}") from error


def _open_folder(root: Path, parts: Iterable[bytes], *, make: bool = False) -> int:
    """The descriptor of a folder below the root, which itself may be a link."""
    if make and not root.is_dir():
        root.mkdir(parents=True, exist_ok=True)
    folder = os.open(root, _FOLDER)
    for name in parts:
        outer = folder
        try:
            folder = _enter(outer, name, make)
        finally:
            os.close(outer)
    return folder


def _enter(outer: int, name: bytes, make: bool) -> int:
    try:
        return os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=outer)
    except FileNotFoundError:
        if not make:
            raise
    with suppress(FileExistsError):  # another thread was faster
        os.mkdir(name, dir_fd=outer)
    return os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=outer)


def _parts(path: str) -> tuple[bytes, ...]:
    """The names on the way to a file. Raises OSError for a path that could lead out of the folder."""
    parts = tuple(path.encode("utf-8", "surrogatepass").split(b"/"))
    if "\0" in path or not {b"", b".", b".."}.isdisjoint(parts):
        raise OSError(errno.EINVAL, "not a path below the output folder", path)
    return parts


def _part(name: bytes) -> bytes:
    return b"." + name + b".part"
