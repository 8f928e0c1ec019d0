"""What is unread becomes what documents say: by workers, in lots, each document within its limits.

unread ──▶ lots ──read──▶ what each document says, or why it was given up ──▶ saved
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import takewhile
from typing import NamedTuple

from msgspec.structs import replace

from aggregator import documents
from aggregator.documents import Options, Outcome
from aggregator.model import Problem, Severity
from aggregator.pipeline.joining import standing_of
from aggregator.pipeline.plan import Plan, Progress
from aggregator.store import Index, Packed, Row, Saved, pack
from aggregator.workers import Limits, Loss, Lot, Workers

_SOME = 32  # documents in a lot
_LOT = 256 << 10  # bytes in a lot, unless one document has more
_KEPT = 64 << 20  # bytes read, after which the index keeps what it has
# What is read in this process: so few documents, and so little of them, that a worker isn't worth it, and that even the
# worst of them can't take longer than it may.
_FEW = 64
_SMALL = 64 << 10  # bytes
_SLOWEST = 25_000  # bytes of a document that are read in a second at least: Markdown of nothing but tables


class _Task(NamedTuple):
    """A file to be read, and the digest that is known of it."""

    row: Row
    digest: bytes


class _Shared(NamedTuple):
    """What the files of a source have in common: the source's position, and how they are read."""

    source: int
    options: Options


class _Answer(NamedTuple):
    outcome: Outcome
    digest: bytes
    problems: tuple[Problem, ...]
    packed: Packed | None
    same: bool


def _reader(shared: _Shared) -> Callable[[_Task], _Answer]:
    """In a worker: what reads a document, and lays what it says out in the columns of the index."""
    source, options = shared

    def read(task: _Task) -> _Answer:
        row, digest = task
        if digest and documents.digest(row.file, options.limit) == digest:
            return _Answer(Outcome.read, digest, (), None, same=True)
        reading = documents.read(row.file, row.path, source, options)
        packed = pack(reading.mentions, standing_of(reading.mentions[:1])) if reading.mentions else None
        return _Answer(reading.outcome, reading.digest, reading.problems, packed, same=False)

    return read


def never(_: int) -> bool:
    """Nothing is enough: all is read."""
    return False


class Read(NamedTuple):
    """How many documents have new content, and how many files are still unread."""

    fresh: int
    left: int


def read_unread(
    plan: Plan,
    index: Index,
    workers: Workers,
    racy_from: int,
    enough: Callable[[int], bool],
    progress: Progress,
    *,
    respell: bool,
) -> Read:
    """Read what is unread, until that is `enough`. `respell`: the rules for keys may have changed."""
    unread = index.files.unread_size()
    if not unread.files:
        return Read(0, 0)
    limits = {source.name: source.options.limit for source in plan.sources}

    def lost(task: _Task, loss: Loss) -> _Answer:
        """What comes of a document that was given up. A lasting reason lasts until the document changes."""
        row = task.row
        digest = documents.digest(row.file, limits[row.source]) if loss.lasting else b""
        message = f"given up, {loss.reason}; its last good version stays"
        return _Answer(Outcome.failed, digest, (Problem(row.path, 0, 0, Severity.error, message),), None, same=False)

    seconds = min(source.options.seconds for source in plan.sources)
    small = unread.files < _FEW and unread.bytes <= min(_SMALL, seconds * _SLOWEST)
    read = done = size = 0
    progress("reading", 0, unread.files)
    lots = takewhile(lambda _: not enough(done), _lots(plan, index))
    for answers in workers.stream(_reader, lots, lost, small=small):
        fresh = [(task.row, answer) for task, answer in answers if not answer.same]
        index.files.resign([task.row for task, answer in answers if answer.same], racy_from)
        index.files.save([_saved(plan, index, row, answer, respell=respell) for row, answer in fresh], racy_from)
        read += sum(answer.packed is not None for _, answer in fresh)
        done += len(answers)
        size += sum(task.row.size for task, _ in answers)
        if size > _KEPT:
            index.keep()
            size = 0
        progress("reading", done, unread.files)
    return Read(read, unread.files - done)


def _lots(plan: Plan, index: Index) -> Iterator[Lot[_Task]]:
    """The unread files in lots of one source, neither too many nor too large together."""
    shared = {
        source.name: _Shared(place, replace(source.options, within=source.name))
        for place, source in enumerate(plan.sources)
    }
    tasks: list[_Task] = []
    size = 0
    for row, digest in index.files.unread(_SOME):
        last = tasks[-1].row.source if tasks else row.source
        if len(tasks) == _SOME or last != row.source or (tasks and size + row.size > _LOT):
            yield _lot(tasks, shared[last])
            tasks, size = [], 0
        tasks.append(_Task(row, digest))
        size += row.size
    if tasks:
        yield _lot(tasks, shared[tasks[-1].row.source])


def _lot(tasks: list[_Task], shared: _Shared) -> Lot[_Task]:
    return Lot(tasks, shared, Limits(shared.options.seconds, shared.options.memory))


def _saved(plan: Plan, index: Index, row: Row, answer: _Answer, *, respell: bool) -> Saved:
    outcome, problems, packed = answer.outcome, answer.problems, answer.packed
    if outcome is Outcome.skipped and index.files.was_read(row.path):
        outcome = Outcome.failed
        message = "no front matter any more, expected it in the first line; its last good version stays"
        problems = (Problem(row.path, 1, 1, Severity.error, message),)
    if not packed and respell and (said := index.files.said(row.path)):
        mentions = [documents.respelled(mention, plan.tracking) for mention in said]
        packed = pack(mentions, standing_of(mentions[:1]))
    return Saved(row, outcome, answer.digest, problems, packed)
