"""From the source folders to merged articles: what changed is read, and whatever that affects is merged again.

look ──walk──▶ seen ──▶ unread ──read──▶ saved ──guard──▶ held or gone ──join──▶ articles, ids, dirty feeds
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import takewhile
from typing import NamedTuple

from aggregator import documents
from aggregator.documents import Options, Outcome
from aggregator.feeds import ALL, SITE
from aggregator.model import Problem, Severity, to_micros
from aggregator.pipeline.guarding import UNDECIDED, Verdict, decide, exists, missing
from aggregator.pipeline.joining import join, standing_of
from aggregator.pipeline.plan import Plan, Progress, Source
from aggregator.store import Index, Ledger, Packed, Row, Saved, chunks, pack
from aggregator.watcher import Barred, Found, Look, walk
from aggregator.workers import Limits, Loss, Lot, Workers

_RACY = 2_000_000_000
_SOME = 32  # documents in a lot
_LOT = 256 << 10  # bytes in a lot, unless one document has more
_KEPT = 64 << 20  # bytes read, after which the index keeps what it has
# What is read in this process: so few documents, and so little of them, that a worker isn't worth it, and that even the
# worst of them can't take longer than it may.
_FEW = 64
_SMALL = 64 << 10  # bytes
_SLOWEST = 25_000  # bytes of a document that are read in a second at least: Markdown of nothing but tables


class Ingested(NamedTuple):
    """What came of a run's reading.

    read: documents with new content; gone: documents that are no more, held: those of them that the guard keeps;
    troubles: what is wrong with sources and topics, not documents; guard: what the guard says; blind: so much is
    missing that nothing may be published; merged: how many articles were worked out again; left: files that are still
    unread.
    """

    read: int
    gone: int
    held: int
    troubles: tuple[Problem, ...]
    guard: tuple[Problem, ...]
    blind: bool
    merged: int
    left: int = 0


def ingest(
    plan: Plan,
    index: Index,
    ledger: Ledger,
    workers: Workers,
    fingerprints: Mapping[str, str],
    now: datetime,
    started: int,
    look: Look,
    *,
    accept_deletions: bool,
    enough: Callable[[], bool],
    progress: Progress,
) -> Ingested:
    """Bring index and ledger up to the documents as they are, and commit both.

    `started` is the real time at which the run began (ns since 1970): a file changed less than 2 s before it, or
    since, is hashed again by the next run. `enough` is asked before more is read: whether to leave it to a further run.
    A `look` at some paths alone costs what these do, and sees no configuration but the last run's.
    """
    made_with = index.meta()
    stale = {stage for stage, digest in fingerprints.items() if made_with.get(stage) != digest}
    if made_with.get("clock", "") != ledger.clock:
        stale.add("rendering")
    if index.blank:  # nothing in it was read under other rules
        index.put_meta({"reading": fingerprints["reading"]})
    elif "reading" in stale:
        index.files.forget_signatures()
    if "reading" in stale:
        ledger.respell()
    strange = made_with.get("ledger") != ledger.mark
    everything = bool(stale & {"reading", "merging"}) or strange
    troubles = _look(plan, index, look)
    absence = missing(plan.sources, index, ledger, look, strange=strange, accept=accept_deletions)
    # Where index and ledger meet anew, what is published must follow from all documents.
    until = _never if everything else enough
    read, left = _read(plan, index, workers, started - _RACY, until, progress, respell="reading" in stale)
    # What is gone may be there under a path that is still unread.
    verdict = UNDECIDED if left else decide(absence, index, ledger, now, accept=accept_deletions)
    if verdict.blind:
        return _without_sight(index, ledger, read, troubles, verdict)
    for paths in chunks(verdict.gone, 500):
        index.files.drop(paths)
    joined = join(plan, index, ledger, now, everything=everything)
    if "rendering" in stale:
        index.entries.render_all()
        index.entries.mark_dirty([ALL, SITE, *plan.customs, *ledger.feeds()])
        index.entries.mark_parts_dirty(ledger.archives())
    if joined.affected or verdict.gone or verdict.changed or stale:
        ledger.commit(now)
    index.put_meta({**fingerprints, "ledger": ledger.mark, "clock": ledger.clock, "now": str(to_micros(now))})
    index.commit()
    troubles += joined.troubles
    gone = len(verdict.gone) + verdict.held
    return Ingested(
        read, gone, verdict.held, tuple(troubles), verdict.problems, blind=False, merged=joined.merged, left=left
    )


def _without_sight(index: Index, ledger: Ledger, read: int, troubles: Sequence[Problem], verdict: Verdict) -> Ingested:
    """Keep what was read, and what is held. The index stays strange to the ledger, so that the next run joins all."""
    index.articles.end()
    ledger.commit()
    index.commit()
    return Ingested(read, verdict.held, verdict.held, tuple(troubles), verdict.problems, blind=True, merged=0)


def _look(plan: Plan, index: Index, look: Look) -> list[Problem]:
    """See what is there; what can't be walked, or is still in motion, keeps what is known of it."""
    troubles: list[Problem] = []
    for source in plan.sources:
        moving = {_where(source, inner) for inner in _inside(source, look.unsettled)}
        for where in filter(str.isprintable, moving):
            index.files.hold(where)
        places = _outermost(_inside(source, [str(source.folder)] if look.paths is None else look.paths))
        index.files.look(_where(source, inner) for inner in places if inner.isprintable())
        if exists(source):
            found = (one for inner in places for one in _walk(plan, source, inner))
            for rows in chunks(_seen(source, found, moving, index, troubles), 1000):
                index.files.see(rows)
    return troubles


def _walk(plan: Plan, source: Source, inner: str) -> Iterator[Found | Barred]:
    return walk(source.folder, source.include, source.exclude, (plan.output, plan.store), inner)


def _seen(
    source: Source, found: Iterable[Found | Barred], moving: Collection[str], index: Index, troubles: list[Problem]
) -> Iterator[Row]:
    """What can be read of what a walk found."""
    for one in found:
        where = _where(source, one.path)
        if isinstance(one, Barred):
            index.files.hold(where)
            message = f"this folder can't be read ({one.reason}): its documents stay as they were"
            troubles.append(Problem(where, 0, 0, Severity.error, message))
        elif not where.isprintable():
            message = "not read: its name holds control characters or isn't UTF-8, expected a printable one"
            troubles.append(Problem(ascii(where), 0, 0, Severity.warning, message))
        elif where not in moving:
            yield Row(where, one.file, source.name, one.size, one.mtime, one.ctime, one.inode)


def _where(source: Source, inner: str) -> str:
    """The path of a document, or a folder, by which the store knows it."""
    return f"{source.name}/{inner}" if inner else source.name


def places(sources: Iterable[Source], path: str) -> list[str]:
    """The paths by which the store knows what is at an absolute path."""
    return [_where(source, inner) for source in sources for inner in _inside(source, [path]) if inner.isprintable()]


def _inside(source: Source, paths: Iterable[str]) -> list[str]:
    """Those of some absolute paths that are a source's folder or below it, relative to it."""
    folder = str(source.folder)
    return [path[len(folder) + 1 :] for path in paths if path == folder or path.startswith(f"{folder}/")]


def _outermost(inners: Collection[str]) -> list[str]:
    """Relative paths without those below others of them."""
    known = set(inners)
    return sorted(inner for inner in known if known.isdisjoint(_above(inner)))


def _above(inner: str) -> Iterator[str]:
    """The folders that a relative path leads through, from the source's on."""
    if inner:
        yield ""
    for match in re.finditer("/", inner):
        yield inner[: match.start()]


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


def _never() -> bool:
    return False


class _Read(NamedTuple):
    """How many documents have new content, and how many files are still unread."""

    fresh: int
    left: int


def _read(
    plan: Plan,
    index: Index,
    workers: Workers,
    racy_from: int,
    enough: Callable[[], bool],
    progress: Progress,
    *,
    respell: bool,
) -> _Read:
    """Read what is unread, until that is `enough`. `respell`: the rules for keys may have changed."""
    unread = index.files.unread_size()
    if not unread.files:
        return _Read(0, 0)
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
    lots = takewhile(lambda _: not enough(), _lots(plan, index))
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
    return _Read(read, unread.files - done)


def _lots(plan: Plan, index: Index) -> Iterator[Lot[_Task]]:
    """The unread files in lots of one source, neither too many nor too large together."""
    shared = {source.name: _Shared(place, source.options) for place, source in enumerate(plan.sources)}
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
        message = "no front matter any more, expected `---` in the first line; its last good version stays"
        problems = (Problem(row.path, 1, 1, Severity.error, message),)
    if not packed and respell and (said := index.files.said(row.path)):
        mentions = [documents.respelled(mention, plan.tracking) for mention in said]
        packed = pack(mentions, standing_of(mentions[:1]))
    return Saved(row, outcome, answer.digest, problems, packed)
