"""The daemon's status for people: aligned lines, with times as seen from now."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from aggregator.cli.printing import Line
from aggregator.text.plain import printable

if TYPE_CHECKING:
    from aggregator.daemon.status import Announcing, Batch, Life, Reconcile, Status

_LABEL = 12
_ADVICE = {
    "not running": "`aggregator run` starts it; under systemd, `systemctl status aggregator` and"
    " `journalctl -u aggregator` tell why it ended",
    "not answering": "`journalctl -u aggregator` tells what it did last; end it and start it again: nothing is lost;"
    " one that was stopped by SIGSTOP goes on after `kill -CONT`",
}
# Up to how many seconds a length of time is told in which unit.
_UNITS = ((90, 1, "s"), (90 * 60, 60, "min"), (48 * 3600, 3600, "h"), (float("inf"), 86400, "days"))


def lines(status: Status | None, life: Life, now: datetime, width: int | None) -> Iterator[Line]:
    """What `aggregator status` shows. `width`: of the terminal in columns; None: lines are as long as they are."""
    for label, text in _rows(status, life, now):
        first, *rest = _wrapped(printable(text), width)
        yield Line(label, " " * (_LABEL - len(label)) + first)
        yield from (Line("", " " * _LABEL + line) for line in rest)


def _wrapped(text: str, width: int | None) -> list[str]:
    """A text in as many lines as it needs beside its label; a word, such as a path, stays whole."""
    if not width or not text:
        return [text]
    return textwrap.wrap(text, max(width - _LABEL, 20), break_long_words=False, break_on_hyphens=False)


def _rows(status: Status | None, life: Life, now: datetime) -> Iterator[tuple[str, str]]:
    """Labels and texts; one without label belongs to the one above."""
    yield "daemon", _daemon(status, life, now)
    if life in _ADVICE:
        yield "to do", _ADVICE[life]
    if status is None:
        return
    yield from _list("trouble", status.troubles)
    yield from _list("guard", status.guard)
    yield "documents", _counts((status.documents.known, "known"), *_some(status))
    yield "articles", str(status.articles)
    yield "feeds", _counts((status.feeds.out, "out"), (status.feeds.dirty, "dirty"))
    if life == "running":
        yield from _present(status)
    yield "batch", _batch(status.batch, now) if status.batch else "none yet"
    yield "reconcile", _reconcile(status.reconcile, now) if status.reconcile else "none yet"
    if life == "running":
        yield from _list("next", (f"{one.what} {_when(one.at, now)}" for one in status.next))
    yield from _list("announcing", map(_announcing, status.announcing))
    yield from _list("problems", _problems(status))
    yield "config", status.config


def _daemon(status: Status | None, life: Life, now: datetime) -> str:
    if status is None:
        return f"{life}: it has left no status"
    at = _ago(status.at, now)
    if life == "running":
        how = "healthy" if status.healthy else "not healthy"
        age = _length((now - status.since).total_seconds())
        return f"{status.state}, {how}; process {status.pid}, version {status.version}, running for {age}"
    if status.state == "stopped":
        return f"{life}: it was stopped {at}"
    if life == "not answering":
        return f"{life}: process {status.pid} gave its last sign {at}, {status.state}"
    return f"{life}: process {status.pid} is gone; its last sign was {at}, {status.state}"


def _some(status: Status) -> Iterable[tuple[int, str]]:
    counts = (status.documents.failed, "failed"), (status.documents.skipped, "skipped"), (status.documents.kept, "kept")
    return [one for one in counts if one[0]]


def _present(status: Status) -> Iterator[tuple[str, str]]:
    yield "queue", f"{_number(status.queue, 'path')} waiting" if status.queue else "empty"
    if status.progress:
        yield "progress", f"{status.progress.stage}, {status.progress.done} of {status.progress.total}"
    watcher = status.watcher
    if watcher.mode:
        folders = "" if watcher.folders is None else f", {_number(watcher.folders, 'folder')}"
        why = f" ({watcher.why})" if watcher.why else ""
        trouble = "" if watcher.healthy else f"; {watcher.trouble or 'not healthy'}"
        yield "watcher", f"{watcher.mode}{why}{folders}{trouble}"


def _batch(batch: Batch, now: datetime) -> str:
    parts = [
        _number(batch.paths, "path"),
        f"{_number(batch.read, 'document')} read",
        *([f"{batch.gone} gone"] if batch.gone else []),
        f"{_number(batch.written, 'feed file')} written",
        *([f"{batch.removed} removed"] if batch.removed else []),
        *([f"{batch.failed} failed"] if batch.failed else []),
    ]
    latency = "" if batch.latency is None else f", {_exact(batch.latency)} after the first event"
    return f"{_ago(batch.at, now)}: {', '.join(parts)}, in {_exact(batch.seconds)}{latency}"


def _reconcile(reconcile: Reconcile, now: datetime) -> str:
    found = [
        *([f"{_number(reconcile.read, 'document')} read"] if reconcile.read else []),
        *([f"{_number(reconcile.gone, 'document')} gone"] if reconcile.gone else []),
    ]
    what = " and ".join(found) or "nothing new"
    why = "that no event had told" if reconcile.was_due and found else f"for: {reconcile.reason}"
    return f"{_ago(reconcile.at, now)}: {what} {why}, in {_exact(reconcile.seconds)}"


def _announcing(one: Announcing) -> str:
    failed = f"; failed {_number(one.failures, 'time')} in a row: {one.trouble}" if one.failures else ""
    return f"{one.name}: {_number(one.waiting, 'change')} waiting{failed}"


def _problems(status: Status) -> Iterator[str]:
    if not status.errors and not status.warnings:
        return
    yield f"{_number(status.errors, 'error')}, {_number(status.warnings, 'warning')}"
    yield from map(str, status.problems)
    more = status.errors + status.warnings - len(status.problems)
    if more > 0:
        yield f"and {more} more"


def _list(label: str, texts: Iterable[str]) -> Iterator[tuple[str, str]]:
    for text in texts:
        yield label, text
        label = ""


def _counts(*counts: tuple[int, str]) -> str:
    return ", ".join(f"{count} {word}" for count, word in counts)


_DAY = 86_400


def _number(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _ago(then: datetime, now: datetime) -> str:
    seconds = (now - then).total_seconds()
    return f"{_length(seconds)} ago" if seconds >= 1 else "just now"


def _when(then: datetime, now: datetime) -> str:
    seconds = (then - now).total_seconds()
    if seconds >= _DAY:
        return f"on {then:%Y-%m-%d}"
    return f"in {_length(seconds)}" if seconds >= 1 else "now"


def _length(seconds: float) -> str:
    size, unit = next((size, unit) for limit, size, unit in _UNITS if seconds < limit)
    return f"{seconds / size:.0f} {unit}"


def _exact(seconds: float) -> str:
    """A length of time that is worth more than whole seconds."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 60 else _length(seconds)
