"""A folder and all below it, compared with what was there before, for file systems that tell of no changes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from watchdog.events import DirDeletedEvent, DirModifiedEvent, FileSystemEvent, FileSystemMovedEvent
from watchdog.observers.api import EventQueue, ObservedWatch
from watchdog.observers.polling import PollingEmitter

EVERY = 2.0  # seconds between the end of one walk through the folder and the next one


class Poller(PollingEmitter):
    """Walks the folder at `path` every two seconds, in a thread of its own, until `close`; else as `Tree` does.

    Raises OSError where the folder is not there, or can't be read.
    """

    folders = None
    full = False

    def __init__(
        self, path: str, visible: Callable[[str], bool], note: Callable[[str], None], doubt: Callable[[str], None]
    ) -> None:
        super().__init__(
            EventQueue(),
            ObservedWatch(path, recursive=True),
            timeout=EVERY,
            stat=os.lstat,  # linked folders are not followed
            listdir=self._listed,
        )
        self.path = path
        self.lost = ""
        self._visible, self._note, self._doubt = visible, note, doubt
        self.start()

    @property
    def alive(self) -> bool:
        return self.is_alive()

    def close(self) -> None:
        """Poll no longer; a walk that is under way is cut short, but one that hangs is not waited for."""
        self.stop()
        self.join(1)

    def queue_event(self, event: FileSystemEvent) -> None:
        """Called by watchdog, in this thread, which an error would end."""
        if self.stopped_event.is_set() or isinstance(event, DirModifiedEvent):  # what was modified in it has its own
            return
        try:
            if isinstance(event, DirDeletedEvent) and event.src_path == self.path:
                self._lose(f"{self.path} was deleted, renamed or unmounted")
                return
            self._note(os.fsdecode(event.src_path))
            if isinstance(event, FileSystemMovedEvent):
                self._note(os.fsdecode(event.dest_path))
        except Exception as error:
            self._lose(f"a change below {self.path} was not taken in: {error!r}")

    def _lose(self, reason: str) -> None:
        if not self.lost:
            self.lost = reason
            self._doubt(reason)

    def _listed(self, folder: str | None) -> Iterator[os.DirEntry[str]]:
        if folder is None or self.stopped_event.is_set():
            return
        with os.scandir(folder) as entries:
            yield from (entry for entry in entries if self._visible(entry.path))
