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


class Other(NamedTuple):
    """A file that may be a document by its ending (in lower case, with its dot), but that no pattern asks for."""

    path: str
    ending: str


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


LIKELY = frozenset(
    (".adoc", ".asciidoc", ".mdown", ".mdx", ".mkd", ".mkdn", ".org", ".qmd", ".rmd", ".rst", ".textile", ".xhtml")
)
"""The endings of files that may be documents, besides those of the usual patterns."""


def walk(
    root: Path, include: Sequence[str], exclude: Sequence[str], skip: Collection[Path], start: str = ""
) -> Iterator[Found | Other | Barred]:
    """Every file at or below `root/start` that matches `include` and not `exclude`, in no particular order.

    Patterns are globs over the path relative to `root`, where `**/` stands for any folders, and the case of an ending
    says nothing. A file with a `LIKELY` ending that no pattern ends with is told of too, unless it is excluded. Hidden
    files and folders, linked folders and the folders in `skip` are passed over, also on the way to `start`. A file that
    is a dangling link, a FIFO or the like is found as well: its reader tells what is wrong with it.
    """
    included, excluded = _matcher(tuple(include)), _matcher(tuple(exclude))
    others = LIKELY.difference(os.path.splitext(pattern)[1].lower() for pattern in include)  # noqa: PTH122
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
                elif excluded(path) or (is_link and os.path.isdir(file)):  # noqa: PTH112  # Path.is_dir can raise
                    continue
                elif included(path):
                    with suppress(FileNotFoundError):  # gone since the folder was listed
                        yield _found(file, path)
                elif (ending := os.path.splitext(name)[1].lower()) in others:  # noqa: PTH122  # for each file
                    yield Other(path, ending)
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
def _matcher(patterns: tuple[str, ...]) -> Callable[[str], object]:
    """What tells whether a path matches one of the patterns."""
    if not patterns:
        return lambda _: None
    return re.compile("|".join(map(_translated, patterns)), re.DOTALL).fullmatch


_PARTS = re.compile(r"\*\*/|\*\*|\*|\?|\[!?\]?[^\]]*\]|.", re.DOTALL)
_ENDING = re.compile(r"\.[A-Za-z0-9]+\Z")
_WILD = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def _translated(pattern: str) -> str:
    """A glob as a regular expression; the standard library has this from Python 3.13 on (glob.translate)."""
    ending = _ENDING.search(pattern)
    if ending:
        return f"{_translated(pattern[: ending.start()])}(?i:{re.escape(ending[0])})"
    return "".join(
        _WILD.get(part) or (part.replace("[!", "[^", 1) if len(part) > 1 else re.escape(part))
        for part in _PARTS.findall(pattern)
    )
