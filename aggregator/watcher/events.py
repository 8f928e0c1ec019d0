"""Noticing that something happens in the source folders, and knowing when that may not be all."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from aggregator.watcher.mounts import silent


class Poll(StrEnum):
    """Whether folders are walked again and again, instead of waiting for the kernel to tell."""

    auto = "auto"
    """Only where the kernel doesn't tell."""
    yes = "yes"
    no = "no"


@dataclass(frozen=True, slots=True)
class Health:
    """How noticing goes."""

    mode: str
    """inotify, polling or mixed."""
    why: str
    """Why something is polled; empty: nothing is."""
    folders: int | None
    """How many folders inotify watches; None: none, all is polled."""
    healthy: bool
    trouble: str
    """What is not noticed, and why; empty where healthy."""


class _Arm(Protocol):
    """What watches one folder: a Tree or a Poller."""

    path: str
    lost: str
    full: bool

    @property
    def alive(self) -> bool: ...

    @property
    def folders(self) -> int | None: ...

    def close(self) -> None: ...


@dataclass(slots=True)
class _Post:
    """A source folder, and what watches it now."""

    folder: str
    arm: _Arm | None = None
    root: tuple[int, int] | None = None  # device and inode of the folder that is watched
    why: str = ""
    trouble: str = ""


class Watcher:
    """Watches source folders, and tells of every path at or below them that something happens to.

    `note` gets the path, as text that begins with the folder as it was given: created, written, closed after writing,
    its attributes changed, renamed (both names), deleted; files and folders. A folder that is noted is to be looked at
    whole. Hidden paths and those in the folders `skip` are passed over, links to folders are not followed, and reading
    is no event. `doubt` gets the reason why what was noted may not be all. Both are called in other threads than the
    caller's, so they are to be short; where one raises that is a doubt, and noticing goes on.

    `start`, `check` and `stop` are for one thread. `check` is to be called every few seconds: it sees that a folder
    has come, gone or been replaced, takes up again what has ended, and tells each as a doubt.
    """

    def __init__(
        self,
        folders: Sequence[Path],
        skip: Collection[Path],
        poll: Poll,
        note: Callable[[str], None],
        doubt: Callable[[str], None],
    ) -> None:
        self._posts = [_Post(str(folder)) for folder in folders]
        self._skip = skip
        self._poll = poll
        self._note, self._doubt = note, doubt

    def start(self) -> None:
        """Begin; a folder that is missing or can't be watched is taken up by a later `check`."""
        for post in self._posts:
            self._take_up(post)

    def check(self) -> None:
        """See that all is watched that can be."""
        for post in self._posts:
            reason = self._wrong(post)
            if not reason:
                continue
            had = post.arm is not None
            self._give_up(post)
            self._take_up(post)
            if had or post.arm:
                self._doubt(reason)

    def stop(self) -> None:
        """End all threads; nothing is noted any more."""
        for post in self._posts:
            self._give_up(post)

    @property
    def health(self) -> Health:
        """How it goes, as of the last `check`."""
        arms = [post.arm for post in self._posts if post.arm]
        counts = [arm.folders for arm in arms if arm.folders is not None]
        if len(counts) == len(arms):
            mode = "polling" if self._poll is Poll.yes else "inotify"
        else:
            mode = "mixed" if counts else "polling"
        told = [post.trouble or (post.arm.lost if post.arm else "") for post in self._posts]
        troubles = "; ".join(filter(None, told))
        why = "; ".join(dict.fromkeys(post.why for post in self._posts if post.why))
        return Health(mode, why, sum(counts) if counts else None, not troubles, troubles)

    def _wrong(self, post: _Post) -> str:
        """Why a folder has to be watched anew; empty: it hasn't."""
        root = _root(post.folder)
        if post.arm is None:
            return f"{post.folder} is watched only now"
        if root is None:
            return f"{post.folder} is missing"
        if root != post.root:
            return f"{post.folder} is another folder than before"
        if not post.arm.alive:
            return f"watching {post.folder} had ended"
        if post.arm.lost:
            return f"{post.folder} is watched anew, as {post.arm.lost}"
        return ""

    def _give_up(self, post: _Post) -> None:
        if post.arm:
            post.arm.close()
        post.arm, post.root, post.why, post.trouble = None, None, "", ""

    def _take_up(self, post: _Post) -> None:
        post.root = _root(post.folder)
        if post.root is None:
            post.trouble = f"{post.folder} is missing"
            return
        try:
            post.arm, post.why = self._armed(post.folder)
        except (OSError, RuntimeError) as error:  # RuntimeError: no more threads
            post.trouble = f"{post.folder} can't be watched: {getattr(error, 'strerror', None) or error}"
            return
        if post.arm.full:
            post.trouble = f"not all of {post.folder} is watched: {_full()}"

    def _armed(self, folder: str) -> tuple[_Arm, str]:
        """What watches a folder from now on, and why that is polling, if it is."""
        # watchdog is imported by the daemon alone.
        from aggregator.watcher.inotify import Tree
        from aggregator.watcher.polling import Poller

        real = os.path.realpath(folder)
        visible = _visible(folder, real, self._skip)
        why = ""
        if self._poll is Poll.yes:
            why = "polling was asked for"
        elif self._poll is Poll.auto:
            kind = silent(_mountinfo(), real)
            why = f"{folder} is on {kind}, which doesn't tell of changes" if kind else ""
        if not why:
            try:
                tree = Tree(folder, visible, self._note, self._doubt)
            except OSError as error:
                if error.errno not in (errno.EMFILE, errno.ENOSPC) or self._poll is Poll.no:
                    raise
                why = f"{folder} is polled: {_full()}"
            else:
                if not tree.full or self._poll is Poll.no:
                    return tree, ""
                tree.close()  # others need watches as well
                why = f"{folder} is polled: {_full()}"
        return Poller(folder, visible, self._note, self._doubt), why


def _root(folder: str) -> tuple[int, int] | None:
    """Which folder this is; None: there is none."""
    try:
        seen = Path(folder).stat()
    except OSError:
        return None
    return (seen.st_dev, seen.st_ino) if stat.S_ISDIR(seen.st_mode) else None


def _visible(folder: str, real: str, skip: Collection[Path]) -> Callable[[str], bool]:
    """Whether a path in a visible folder below `folder`, which is really `real`, is to be seen."""
    below = {os.path.relpath(os.path.realpath(path), real) for path in skip}
    skipped = {f"{folder}/{path}" for path in below}
    return lambda path: "/." not in path[path.rfind("/") :] and path not in skipped


def _mountinfo() -> str:
    try:
        return Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""


def _full() -> str:
    """What to say where the kernel has no more to give (inotify(7), /proc interfaces)."""
    limits = []
    for name in ("max_user_watches", "max_user_instances"):
        try:
            limits.append(f"fs.inotify.{name}={Path('/proc/sys/fs/inotify', name).read_text().strip()}")
        except OSError:
            limits.append(f"fs.inotify.{name}")
    return f"the kernel's limit of inotify watches is reached ({', '.join(limits)} can be raised by sysctl)"
