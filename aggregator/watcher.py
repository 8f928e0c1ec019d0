"""What is in the source folders: the stat walk, which is the truth about what changed."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple


class Found(NamedTuple):
    """A file that may be a document, by its path relative to the source, and what stat says of it (ns)."""

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


def walk(
    root: Path, include: Sequence[str], exclude: Sequence[str], skip: Collection[Path]
) -> Iterator[Found | Barred]:
    """Every file below `root` that matches `include` and not `exclude`, in no particular order.

    Patterns are globs over the relative path, where `**/` stands for any folders. Hidden files and folders,
    linked folders and the folders in `skip` are passed over. A file that is a dangling link, a FIFO or the like is
    found as well: its reader tells what is wrong with it.
    """
    matches = _matcher(include, exclude)
    skipped = {os.path.realpath(folder): folder.name for folder in skip}
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(root / folder) as entries:
                for entry in entries:
                    name = entry.name
                    if name.startswith("."):
                        continue
                    path = f"{folder}/{name}" if folder else name
                    if entry.is_dir(follow_symlinks=False):
                        if name not in skipped.values() or os.path.realpath(entry.path) not in skipped:
                            waiting.append(path)
                    elif matches(path) and not (entry.is_symlink() and os.path.isdir(entry.path)):  # noqa: PTH112  # can raise
                        try:
                            yield _found(entry, path)
                        except FileNotFoundError:
                            continue  # gone since the folder was listed
        except OSError as error:
            yield Barred(folder, error.strerror or str(error))


def _found(entry: os.DirEntry[str], path: str) -> Found:
    try:
        stat = entry.stat()
    except OSError:  # perhaps a link to nowhere
        stat = entry.stat(follow_symlinks=False)
    return Found(path, entry.path, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)


def _matcher(include: Sequence[str], exclude: Sequence[str]) -> Callable[[str], bool]:
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
