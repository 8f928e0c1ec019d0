"""A progress bar for long work on a terminal; nothing elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING

from aggregator.text.plain import printable

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_PATIENCE = 0.5


class Bar:
    """A context manager to call with a stage, how much of it is done, and how much there is."""

    def __init__(self) -> None:
        self._shows = sys.stderr.isatty()
        self._begin = time.monotonic()
        self._progress: Progress | None = None
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Bar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress:
            self._progress.stop()

    def __call__(self, stage: str, done: int, total: int) -> None:
        if not self._shows or time.monotonic() - self._begin < _PATIENCE:
            return  # what is over in a blink needs no bar, nor the time to import one
        if not self._progress:
            self._progress = _started()
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(printable(stage), total=total)
        self._progress.update(self._tasks[stage], completed=done, total=total)


def _started() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description:>10}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    progress = Progress(*columns, console=Console(stderr=True), transient=True)
    progress.start()
    return progress
