"""A folder and all below it, watched by inotify (inotify(7)).

This stands on watchdog's reader of events, not on its observer, which has three faults (7.1.0). It holds back a rename
to somewhere else for 0.5 s, and all that comes behind it. It says nothing where the kernel's limit leaves folders
unwatched. And a folder that is moved out, replaced and deleted in both places ends its reading thread with a KeyError,
while observer and emitters go on to be alive.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from itertools import count
from typing import NamedTuple

from watchdog.observers.inotify_c import CallbackId, InotifyConstants, InotifyEvent, InotifyFD, Mask, WatchDescriptor

_SEEN = (
    InotifyConstants.IN_CREATE
    | InotifyConstants.IN_MODIFY
    | InotifyConstants.IN_CLOSE_WRITE
    | InotifyConstants.IN_ATTRIB
    | InotifyConstants.IN_MOVED_FROM
    | InotifyConstants.IN_MOVED_TO
    | InotifyConstants.IN_DELETE
    | InotifyConstants.IN_ONLYDIR
    | InotifyConstants.IN_EXCL_UNLINK
)
_ROOT = Mask(_SEEN | InotifyConstants.IN_DELETE_SELF | InotifyConstants.IN_MOVE_SELF)  # may be a link
_BELOW = Mask(_SEEN | InotifyConstants.IN_DONT_FOLLOW)

_NO_MATTER = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EACCES}  # gone since, or closed: its parent tells more


class _Watch(NamedTuple):
    path: str
    id: CallbackId


class Tree:
    """Watches the folder at `path`, and tells what it hears in a thread of its own, until `close`.

    `note` gets each path that something happened to, `doubt` once the reason why that may not be all; then `lost` says
    it too, and the folder is to be watched anew. `visible` says whether a path, in a visible folder, is to be seen.
    A path that `note` fails for is such a reason; it is not the end.

    Raises OSError where the folder is not there, can't be read, or the kernel has no more to give.
    """

    def __init__(
        self, path: str, visible: Callable[[str], bool], note: Callable[[str], None], doubt: Callable[[str], None]
    ) -> None:
        self.path = path
        self.lost = ""
        self.full = False
        """Whether the kernel's limit of watches left folders unwatched."""
        self._visible, self._note, self._doubt = visible, note, doubt
        self._ids = map(CallbackId, count(1))
        self._watches: dict[WatchDescriptor, _Watch] = {}
        self._closed = False
        self._reader = InotifyFD()
        try:
            # Events wait in the kernel until the reader's thread starts, so only one thread at a time is in here.
            self._watch(path, _ROOT)
            self._enter(self._inner(path))
        except OSError:
            self.close()
            raise
        self._reader.start()

    @property
    def alive(self) -> bool:
        return self._reader.is_alive()

    @property
    def folders(self) -> int:
        """How many folders are watched."""
        return len(self._watches)

    def close(self) -> None:
        """Watch no longer; what was under way is over within a second."""
        self._closed = True
        if self._reader.ident is None:
            self._reader.start()  # it is its thread that closes the descriptors
        self._reader.stop()
        self._reader.join(1)

    # Called by watchdog, in its reader's thread, which an error would end.

    def on_event(self, event: InotifyEvent) -> None:
        try:
            self._hear(event)
        except Exception as error:
            self._lose(f"an event below {self.path} was not taken in: {error!r}")

    def on_watch_deleted(self, wd: WatchDescriptor) -> None:
        self._watches.pop(wd, None)

    def on_queue_overflow(self) -> None:
        self._lose(
            f"events below {self.path} were lost: more came at once than the kernel keeps "
            "(fs.inotify.max_queued_events can be raised by sysctl)"
        )

    def _hear(self, event: InotifyEvent) -> None:
        watch = self._watches.get(event.wd)
        if watch is None or self._closed:
            return
        if event.mask & InotifyConstants.IN_UNMOUNT or event.is_delete_self or event.is_move_self:
            self._lose(f"{watch.path} was deleted, renamed or unmounted")
            return
        path = f"{watch.path}/{os.fsdecode(event.name)}" if event.name else watch.path
        if event.name and not self._visible(path):
            return
        if event.name and event.mask & InotifyConstants.IN_ISDIR:
            if event.is_moved_from:
                self._forget(path)
            elif event.is_create or event.is_moved_to or event.is_attrib:
                self._enter([path])
        self._note(path)

    def _lose(self, reason: str) -> None:
        if not self.lost and not self._closed:
            self.lost = reason
            self._doubt(reason)

    def _enter(self, folders: list[str]) -> None:
        """Watch folders and all below them; whoever looks at a folder that was noted sees what is in it already."""
        while folders and not self.full:
            folder = folders.pop()
            try:
                if self._watch(folder, _BELOW):
                    folders += self._inner(folder)
            except OSError as error:
                self._pass_over(error)

    def _inner(self, folder: str) -> list[str]:
        with os.scandir(folder) as entries:
            return [
                entry.path for entry in entries if entry.is_dir(follow_symlinks=False) and self._visible(entry.path)
            ]

    def _pass_over(self, error: OSError) -> None:
        """Go on without a folder that can't be watched."""
        if error.errno == errno.ENOSPC:
            self.full = True
            if self._reader.ident is not None:
                self._lose(f"not all folders below {self.path} are watched: the kernel's limit of watches is reached")
        elif error.errno not in _NO_MATTER:
            raise error

    def _watch(self, folder: str, mask: Mask) -> bool:
        """Watch one folder by this path; whether that is new."""
        id = next(self._ids)
        wd = self._reader.add_callback(os.fsencode(folder), mask, self, id)
        if wd == -1:  # so watchdog tells of a folder that can't be read
            self._reader.remove_callbacks([(wd, id)])
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), folder)
        before = self._watches.get(wd)
        if before:
            self._reader.remove_callbacks([(wd, before.id)])
        self._watches[wd] = _Watch(folder, id)
        return before is None or before.path != folder

    def _forget(self, path: str) -> None:
        """Watch a folder no longer that was moved: either out, or to where it is met again."""
        below = path + "/"
        moved = [(wd, watch.id) for wd, watch in self._watches.items() if f"{watch.path}/".startswith(below)]
        self._reader.remove_callbacks(moved)
        for wd, _ in moved:
            self._watches.pop(wd, None)
