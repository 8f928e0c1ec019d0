"""From the source folders to merged articles: what changed is read, and whatever that affects is merged again.

look ──walk──▶ seen ──▶ unread ──read──▶ saved ──guard──▶ held, kept or gone ──join──▶ articles, ids, dirty feeds
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from aggregator.feeds import ALL, SITE
from aggregator.model import Problem, Severity, to_micros
from aggregator.pipeline.guarding import UNDECIDED, Verdict, decide, exists, missing
from aggregator.pipeline.joining import join
from aggregator.pipeline.keeping import keep, recall
from aggregator.pipeline.plan import Plan, Progress, Source
from aggregator.pipeline.reading import never, read_unread
from aggregator.store import Index, Ledger, Row, chunks
from aggregator.watcher import Barred, Found, Look, Other, walk
from aggregator.workers import Workers

_RACY = 2_000_000_000


class Ingested(NamedTuple):
    """What came of a run's reading.

    read: documents with new content; gone: documents that are no more, kept or not, held: those that the guard holds;
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
    enough: Callable[[int], bool],
    progress: Progress,
) -> Ingested:
    """Bring index and ledger up to the documents as they are, and commit both.

    `started` is the real time at which the run began (ns since 1970): a file changed less than 2 s before it, or
    since, is hashed again by the next run. `enough` is asked before more is read, and told how many files were: whether
    to leave the others to a further run.
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
    returned = recall(plan, index, ledger, strange=strange, respell="reading" in stale)
    absence = missing(plan.sources, index, ledger, look, strange=strange, accept=accept_deletions)
    # Where index and ledger meet anew, what is published must follow from all documents.
    until = never if everything else enough
    read, left = read_unread(plan, index, workers, started - _RACY, until, progress, respell="reading" in stale)
    # What is gone may be there under a path that is still unread.
    verdict = UNDECIDED if left else decide(absence, index, ledger, now, accept=accept_deletions)
    if verdict.blind:
        return _without_sight(index, ledger, read, troubles, verdict)
    keep(index, ledger, verdict.kept, now)
    for paths in chunks(verdict.gone, 500):
        index.files.drop(paths)
        ledger.pruned.drop(paths)
    joined = join(plan, index, ledger, now, everything=everything)
    if "rendering" in stale:
        index.entries.render_all()
        index.entries.mark_dirty([ALL, SITE, *plan.customs, *ledger.feeds()])
        index.entries.mark_parts_dirty(ledger.archives())
    if joined.affected or verdict.gone or verdict.changed or returned or stale:
        ledger.commit(now)
    index.put_meta({**fingerprints, "ledger": ledger.mark, "clock": ledger.clock, "now": str(to_micros(now))})
    index.commit()
    troubles += joined.troubles
    gone = len(verdict.gone) + len(verdict.kept) + verdict.held
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
            others: Counter[str] = Counter()
            found = (one for inner in places for one in _walk(plan, source, inner))
            for rows in chunks(_seen(source, found, moving, index, others, troubles), 1000):
                index.files.see(rows)
            if others and look.paths is None:
                troubles.append(_with_other_endings(source, others))
    return troubles


def _with_other_endings(source: Source, others: Counter[str]) -> Problem:
    """How many files of a source no pattern asks for, although they may be documents."""
    counts = sorted(others.items(), key=lambda item: (-item[1], item[0]))
    told = ", ".join(f"{ending} {count}" for ending, count in counts)
    total = sum(others.values())
    files = "file" if total == 1 else "files"
    message = f"{total} {files} with other endings not read: {told}; `sources[].include` or `exclude` may name them"
    return Problem(source.name, 0, 0, Severity.warning, message)


def _walk(plan: Plan, source: Source, inner: str) -> Iterator[Found | Other | Barred]:
    return walk(source.folder, source.include, source.exclude, (plan.output, plan.store), inner)


def _seen(
    source: Source,
    found: Iterable[Found | Other | Barred],
    moving: Collection[str],
    index: Index,
    others: Counter[str],
    troubles: list[Problem],
) -> Iterator[Row]:
    """What can be read of what a walk found; the endings of what no pattern asks for are counted."""
    for one in found:
        if isinstance(one, Other):
            others[one.ending] += 1
            continue
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
