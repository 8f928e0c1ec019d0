"""The settle window: from paths that were noted to one set of paths that can be looked at."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable
from typing import NamedTuple

from aggregator.watcher.walk import Look

MOST = 50_000  # paths that wait one by one; a walk through everything costs less than more of them

_Signature = tuple[int, ...] | None


class _Wait(NamedTuple):
    """When a path was first noted and last seen to move, and what lstat said then (None: nothing is there)."""

    first: float
    last: float
    signature: _Signature


class Window:
    """Collects noted paths, and hands them out together once nothing moves any more.

    A path is settled `settle` seconds after its last event, if it looks as it did then. One that is missing is
    settled only when no other path has gone missing for as long: half of a deletion (rm -r, git checkout) is never
    handed out. All wait for the last; but when the first of them has waited for `longest_wait` seconds, what is
    settled goes, and the rest stays.

    All instants are seconds of one monotonic clock, and never go back. `known` says whether there was something at a
    path, or below it, when it was last looked at; other paths, temporary files, can go missing without being a
    deletion. When more than `most` paths wait, the settled ones become a look at everything, and missing ones the
    folders that they were in.
    """

    def __init__(
        self, settle: float, longest_wait: float, known: Callable[[str], bool] = lambda _: True, most: int = MOST
    ) -> None:
        self.settle = settle
        self.longest_wait = longest_wait
        self._known = known
        self._most = self._limit = most
        # Both in the order of `last`, so that the ends of the dicts tell when something is due.
        self._moving: dict[str, _Wait] = {}
        self._missing: dict[str, _Wait] = {}
        self._gone_at = float("-inf")  # when a path last went missing
        self._collapsed = 0  # paths that wait no longer one by one
        self.first: float | None = None
        """When the oldest waiting path was first noted; None: nothing waits."""

    def __len__(self) -> int:
        """How many paths wait."""
        return len(self._moving) + len(self._missing) + self._collapsed

    @property
    def waiting(self) -> frozenset[str]:
        """The paths that wait one by one."""
        return frozenset(self._moving) | frozenset(self._missing)

    @property
    def due(self) -> float | None:
        """When `take` is to be called next; None: nothing waits."""
        if self.first is None:
            return None
        bounds = [self._bounds(waits) for waits in (self._moving, self._missing) if waits]
        if self._collapsed:
            bounds.append((self.first, self.first))
        earliest = min(first for first, _ in bounds)
        latest = max(last for _, last in bounds)
        return min(latest, max(self.first + self.longest_wait, earliest))

    def storming(self, at: float) -> bool:
        """Whether paths were going missing until now: a walk would see half of it."""
        return bool(self._missing) and at < self._gone_at + self.settle

    def note(self, path: str, at: float) -> None:
        """Take in that something happened at a path."""
        self._take_in(path, at)
        if len(self._moving) + len(self._missing) > self._limit:
            self._collapse(at)

    def take(self, at: float) -> Look | None:
        """What is to be looked at now; None: not yet, see `due`."""
        if not self._is_due(at):
            return None
        self._look_again(at)
        if not self._is_due(at):
            return None
        everything = self._collapsed > 0
        paths, since = self._hand_out(at)
        return Look(None if everything else paths, self.waiting, since)

    def everything(self, at: float) -> Look:
        """A look at everything now; what is settled waits no longer."""
        self._look_again(at)
        _, since = self._hand_out(at)
        return Look(None, self.waiting, since)

    def _take_in(self, path: str, at: float) -> None:
        signature = _signature(path)
        missed = self._missing.pop(path, None)
        before = missed or self._moving.pop(path, None)
        wait = _Wait(before.first if before else at, at, signature)
        if missed and (signature is None or missed.signature):  # with a signature it is a folder that collapsed
            self._missing[path] = wait
        elif signature is None and self._known(path):
            self._gone_at = at
            self._missing[path] = wait
        else:
            self._moving[path] = wait
        if self.first is None:
            self.first = at

    def _is_due(self, at: float) -> bool:
        due = self.due
        return due is not None and due <= at

    def _bounds(self, waits: dict[str, _Wait]) -> tuple[float, float]:
        """When the first and the last of some paths are settled, if nothing happens until then."""
        floor = self._gone_at if waits is self._missing else float("-inf")
        first, last = next(iter(waits.values())), next(reversed(waits.values()))
        return max(first.last, floor) + self.settle, max(last.last, floor) + self.settle

    def _ready(self, at: float) -> Iterable[tuple[str, _Wait]]:
        """The paths that have been still for long enough, as far as is known."""
        for waits in (self._moving, self._missing):
            if waits is self._missing and at < self._gone_at + self.settle:
                continue
            for path, wait in waits.items():
                if at < wait.last + self.settle:
                    break
                yield path, wait

    def _look_again(self, at: float) -> None:
        """What has changed without an event moves still."""
        for path, wait in list(self._ready(at)):
            if _signature(path) != wait.signature:
                self._take_in(path, at)

    def _hand_out(self, at: float) -> tuple[frozenset[str], float | None]:
        """Let go of what is settled, and say when the first of it was noted."""
        settled = dict(self._ready(at))
        firsts = [wait.first for wait in settled.values()]
        if self._collapsed and self.first is not None:
            firsts.append(self.first)
        for path in settled:
            self._moving.pop(path, None)
            self._missing.pop(path, None)
        self._collapsed, self._limit = 0, self._most
        left = [wait.first for waits in (self._moving, self._missing) for wait in waits.values()]
        self.first = min(left, default=None)
        return frozenset(settled), min(firsts, default=None)

    def _collapse(self, at: float) -> None:
        """Let go of what is settled, as everything will be looked at; of what is missing keep the folder it was in."""
        self._look_again(at)
        for path, _ in list(self._ready(at)):
            self._moving.pop(path, None)
            self._missing.pop(path, None)
            self._collapsed += 1
        folders: dict[str, _Wait] = {}
        for path, wait in self._missing.items():
            place = path.rpartition("/")[0] if wait.signature is None else path
            other = folders.get(place) or self._moving.pop(place, wait)
            folders[place] = _Wait(min(other.first, wait.first), max(other.last, wait.last), _signature(place))
        self._missing = dict(sorted(folders.items(), key=lambda item: item[1].last))
        self._limit = max(self._most, 2 * (len(self._moving) + len(self._missing)))


def _signature(path: str) -> _Signature:
    """What changes with a file; of a folder only which one it is, as its files are noted by themselves."""
    try:
        seen = os.lstat(path)
    except (OSError, ValueError):
        return None
    if stat.S_ISDIR(seen.st_mode):
        return (seen.st_ino,)
    return seen.st_size, seen.st_mtime_ns, seen.st_ino
