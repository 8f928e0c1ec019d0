"""A watcher that listens, and what it hears."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from aggregator.watcher import Poll, Watcher, polling

CEILING = 15.0  # seconds in which anything is to have happened


class Ears:
    """What a watcher noted and doubted, so that tests can wait for it."""

    def __init__(self) -> None:
        self.noted: list[str] = []
        self.doubts: list[str] = []
        self.watcher: Watcher
        self._marks = count()
        self._heard = threading.Condition()

    def note(self, path: str) -> None:
        with self._heard:
            self.noted.append(path)
            self._heard.notify_all()

    def doubt(self, reason: str) -> None:
        with self._heard:
            self.doubts.append(reason)
            self._heard.notify_all()

    def wait(self, met: Callable[[], bool]) -> bool:
        """Whether something came to be, in time."""
        with self._heard:
            return self._heard.wait_for(met, CEILING)

    def hears(self, *paths: Path | str) -> bool:
        """Whether each of these paths, itself, comes to be noted."""
        return self.wait(lambda: {str(path) for path in paths} <= set(self.noted))

    def covers(self, *paths: Path) -> bool:
        """Whether each of these paths, or a folder above it, comes to be noted."""
        return self.wait(lambda: all(not {str(path), *map(str, path.parents)}.isdisjoint(self.noted) for path in paths))

    def doubts_that(self, words: str) -> bool:
        """Whether a doubt comes that has these words."""
        return self.wait(lambda: any(words in doubt for doubt in self.doubts))

    def catch_up(self, folder: Path) -> None:
        """Wait until all that has happened in a source folder until now is noted."""
        mark = folder / f"mark{next(self._marks)}"
        mark.touch()
        assert self.hears(mark)
        mark.unlink()
        assert self.wait(lambda: self.noted.count(str(mark)) > 1)

    def forget(self) -> None:
        """Go on with empty ears."""
        with self._heard:
            self.noted.clear()
            self.doubts.clear()

    def check_until(self, met: Callable[[], bool]) -> bool:
        """Check as the daemon does, but more often, until something is as it should be, in time."""
        end = time.monotonic() + CEILING
        while time.monotonic() < end:
            self.watcher.check()
            with self._heard:
                if self._heard.wait_for(met, 0.05):
                    return True
        return False


@contextmanager
def listening(
    *folders: Path, skip: Sequence[Path] = (), poll: Poll = Poll.no, ears: Ears | None = None
) -> Iterator[Ears]:
    """A watcher at work, and its ears."""
    ears = ears or Ears()
    ears.watcher = Watcher(folders, skip, poll, ears.note, ears.doubt)
    ears.watcher.start()
    try:
        yield ears
    finally:
        ears.watcher.stop()


def polling_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fixture: polling at a pace that doesn't keep tests waiting."""
    monkeypatch.setattr(polling, "EVERY", 0.1)


def held() -> tuple[int, int]:
    """How many threads and descriptors this process has."""
    return threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))


def within(folder: Path) -> list[Path]:
    """All files below a folder."""
    return [path for path in folder.rglob("*") if path.is_file()]
