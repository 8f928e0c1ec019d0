"""What is in the source folders: the stat walk, which is the truth about what changed."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from aggregator.model import in_64_bits


class Found(NamedTuple):
    """A file that may be a document, by its path relative to the source, and what stat says of it (ns), in 64 bits."""

    path: str
    file: str
    size: int
    mtime: int
    ctime: int
    inode: int


class Barred(NamedTuple):
    """A folder, relative to the source ("": the source itself), that can't be walked, and why."""

    path: str
    reason: str


class Look(NamedTuple):
    """What is to be looked at: absolute paths of files and folders (None: everything).

    unsettled: paths that are still in motion, and stay as they are known; since: when the first of `paths` was noted,
    on a monotonic clock, in seconds (None: nobody noted them).
    """

    paths: frozenset[str] | None
    unsettled: frozenset[str]
    since: float | None


def walk(
    root: Path, include: Sequence[str], exclude: Sequence[str], skip: Collection[Path], start: str = ""
) -> Iterator[Found | Barred]:
    """Every file at or below `root/start` that matches `include` and not `exclude`, in no particular order.

    Patterns are globs over the path relative to `root`, where `**/` stands for any folders. Hidden files and folders,
    linked folders and the folders in `skip` are passed over, also on the way to `start`. A file that is a dangling
    link, a FIFO or the like is found as well: its reader tells what is wrong with it.
    """
    matches = _matcher(tuple(include), tuple(exclude))
    skipped = {folder.name for folder in skip}
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        try:
            for name, path, is_folder, is_link in _listed(root, folder, start):
                file = f"{root}/{path}"
                if name.startswith("."):
                    continue
                if is_folder:
                    if name not in skipped or os.path.realpath(file) not in map(os.path.realpath, skip):
                        waiting.append(path)
                elif matches(path) and not (is_link and os.path.isdir(file)):  # noqa: PTH112  # Path.is_dir can raise
                    try:
                        yield _found(file, path)
                    except FileNotFoundError:
                        continue  # gone since the folder was listed
        except OSError as error:
            yield Barred(folder, error.strerror or str(error))


def _listed(root: Path, folder: str, start: str) -> Iterator[tuple[str, str, bool, bool]]:
    """What is in a folder, as (name, path, whether it is a folder, whether it is a link); above `start`, only what
    leads there.
    """
    prefix = f"{folder}/" if folder else ""
    if start.startswith(prefix) and start != folder:
        name, _, _ = start[len(prefix) :].partition("/")
        with suppress(FileNotFoundError):
            mode = os.lstat(root / prefix / name).st_mode
            yield name, prefix + name, stat.S_ISDIR(mode), stat.S_ISLNK(mode)
        return
    with os.scandir(root / folder) as entries:
        for entry in entries:
            yield entry.name, prefix + entry.name, entry.is_dir(follow_symlinks=False), entry.is_symlink()


def _found(file: str, path: str) -> Found:
    try:
        seen = os.stat(file)  # noqa: PTH116  # for each file of the corpus: a Path costs more than the call
    except OSError:  # perhaps a link to nowhere
        seen = os.lstat(file)
    times = in_64_bits(seen.st_mtime_ns), in_64_bits(seen.st_ctime_ns)
    return Found(path, file, seen.st_size, *times, in_64_bits(seen.st_ino))


@lru_cache
def _matcher(include: tuple[str, ...], exclude: tuple[str, ...]) -> Callable[[str], bool]:
    included = re.compile("|".join(map(_translated, include)), re.DOTALL).fullmatch
    if not exclude:
        return lambda path: included(path) is not None
    excluded = re.compile("|".join(map(_translated, exclude)), re.DOTALL).fullmatch
    return lambda path: included(path) is not None and excluded(path) is None


_PARTS = re.compile(r"\*\*/|\*\*|\*|\?|\[!?\]?[^\]]*\]|.", re.DOTALL)
_WILD = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def _translated(pattern: str) -> str:
    """A glob as a regular expression; the standard library has this from Python 3.13 on (glob.translate)."""
    return "".join(
        _WILD.get(part) or (part.replace("[!", "[^", 1) if len(part) > 1 else re.escape(part))
        for part in _PARTS.findall(pattern)
    )
