"""The guard against mass deletion: which missing documents are let go, and which are held as they were.

before reading: what is missing ──▶ after reading: what stands elsewhere ──▶ held (in the ledger), and let go

More than half and more than 20 documents of a source gone at once is an accident, and so is a source whose folder is
missing. What went by accident is held until it is there again, or until somebody accepts it; meanwhile whatever goes
of the same source is held with it. Where a source keeps what vanishes (`keeping.py`), only a missing folder is an
accident.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from aggregator.model import Problem, Severity
from aggregator.pipeline.plan import Source
from aggregator.store import Former, Index, Ledger
from aggregator.watcher import Look

_GUARDED = 20


class Absent(NamedTuple):
    """The documents of a source that aren't there, as known before anything new is read.

    there: whether its folder is; known: how many documents are known of it, with those held (0: not counted, as too few
    went since the last run); held: those that an earlier run held, and how many were known when they went; fresh:
    those that went since; lost: those of both that the index doesn't know; keeps: the source keeps what vanishes.
    """

    source: str
    there: bool
    known: int
    held: Mapping[str, int]
    fresh: frozenset[str]
    lost: frozenset[str]
    keeps: bool

    @property
    def is_guarded(self) -> bool:
        """Whether enough is missing to ask what stands elsewhere."""
        return self.there and (bool(self.held) or len(self.fresh) > _GUARDED)

    def is_accident(self, gone: int) -> bool:
        """Whether it is an accident that so many of them went at once."""
        return gone > _GUARDED and gone * 2 > self.known - len(self.held)


class Absence(NamedTuple):
    """What isn't there of all sources.

    idle: the documents that nobody misses: never read, let go already, or of a source that is no more; kept: those of
    such a source that are kept, as a source is missing that may have taken its place; returned: the held documents
    that are back, or whose source is no more; last: the number of the last document known; strange: the index is
    another one than the ledger knows.
    """

    sources: tuple[Absent, ...]
    idle: tuple[str, ...]
    kept: tuple[str, ...]
    returned: tuple[str, ...]
    last: int
    strange: bool


class Unknown(NamedTuple):
    """The documents that the ledger remembers and the index doesn't know.

    paths: those that led to entries, or are held, by source, and whether a document of the same article is there;
    elsewhere: those of them that are held though one is.
    """

    paths: dict[str, dict[str, bool]]
    elsewhere: frozenset[str]


class Verdict(NamedTuple):
    """What becomes of what isn't there.

    gone: the documents to forget; kept: those that are kept from now on, with their sources; held: how many the guard
    holds; problems: what the guard says; changed: whether the ledger
    remembers others than before; blind: some that are held are not in the index, so that nothing may be published.
    """

    gone: list[str]
    kept: dict[str, str]
    held: int
    problems: tuple[Problem, ...]
    changed: bool
    blind: bool


UNDECIDED = Verdict([], {}, 0, (), changed=False, blind=False)
"""Nothing is held, and nothing let go."""


def missing(
    sources: Sequence[Source], index: Index, ledger: Ledger, look: Look, *, strange: bool, accept: bool
) -> Absence:
    """What isn't there of what index and ledger know; before new documents are read, which don't count.

    accept: whoever asks accepts all deletions.
    """
    everything = look.paths is None
    held = ledger.missing()
    unknown = _unknown(sources, index, ledger, held) if strange and everything else Unknown({}, frozenset())
    idle: list[str] = []
    returned: list[str] = []
    absent = []
    for source in sources:
        there = exists(source)
        gone = index.files.gone(source.name, everywhere=everything or not there)
        before = held.pop(source.name, {})
        waiting = {path: known for path, known in before.items() if path not in unknown.elsewhere}
        waiting = {path: known for path, known in waiting.items() if not index.files.seen(path)}
        fresh = {path for path, was_read in gone.items() if was_read and path not in waiting}
        if strange:  # a run that was killed let them go
            fresh -= index.files.listed(fresh.intersection(ledger.withdrawn_paths(source.name)))
        others = unknown.paths.get(source.name, {})
        one = _absent(source, index, there, waiting, fresh, others)
        idle += gone.keys() - one.fresh - one.held.keys()
        if there and not source.keeps:  # it did before
            idle += index.files.kept(source.name)
        returned += before.keys() - one.held.keys()
        absent.append(one)
    kept: list[str] = []
    if everything:
        configured = {source.name for source in sources}
        former = [name for name in index.files.sources() if name not in configured]
        left = [path for name in former for path in index.files.gone(name, everywhere=True)]
        left += [path for name in former for path in index.files.kept(name)]
        if accept or all(one.there for one in absent):
            idle += left
            returned += (path for paths in held.values() for path in paths)
        else:
            kept = left  # perhaps a slip in the name of the source that took their place
    return Absence(tuple(absent), tuple(idle), tuple(kept), tuple(returned), index.files.last(), strange)


def _absent(
    source: Source, index: Index, there: bool, held: Mapping[str, int], fresh: Iterable[str], others: Mapping[str, bool]
) -> Absent:
    """What isn't there of a source. others: its documents that the index doesn't know, and whether they are there."""
    lost = frozenset(path for path, is_there in others.items() if not is_there)
    fresh = lost.difference(held).union(fresh)
    few = there and not held and len(fresh) <= _GUARDED
    known = index.files.known(source.name) + len(others) if fresh and not few else 0
    return Absent(source.name, there, known, held, fresh, lost, source.keeps)


def _unknown(sources: Sequence[Source], index: Index, ledger: Ledger, held: Mapping[str, Mapping[str, int]]) -> Unknown:
    """What the ledger remembers and the index doesn't know: of an article that had several paths, the last of them."""
    names = [source.name for source in sources]
    waiting = set[str]().union(*held.values())
    paths: dict[str, dict[str, bool]] = {}
    elsewhere: set[str] = set()
    for history, is_entry in ledger.histories():
        missed = [path for path in history if path in waiting and not index.articles.leads_any(path)]
        if not is_entry and not missed:
            continue
        there = any(map(index.files.seen, history))
        if there:
            elsewhere.update(missed)
        if any(map(index.articles.leads_any, history)):
            continue
        for path in missed or history[-1:]:
            name = next((name for name in names if path.startswith(f"{name}/")), None)
            if name is not None:
                paths.setdefault(name, {})[path] = there
    return Unknown(paths, frozenset(elsewhere))


def decide(absence: Absence, index: Index, ledger: Ledger, now: datetime, *, accept: bool) -> Verdict:
    """Hold what went by accident and let go what didn't; after new documents are read.

    What stands under another path isn't gone.
    """
    liked = set() if accept else _liked(absence, index, ledger)
    gone = list(absence.idle)
    kept: dict[str, str] = {}
    over = list(absence.returned)
    problems: list[Problem] = []
    count, changed, blind = len(absence.kept), bool(absence.returned), False
    for absent in absence.sources:
        keep = frozenset() if accept else _keep(absent, liked)
        left = (absent.held.keys() | absent.fresh) - keep - absent.lost
        if absent.keeps:
            kept |= dict.fromkeys(_worth_keeping(left - liked, absence, index, ledger, now), absent.source)
        gone += left - kept.keys()
        over += absent.held.keys() - keep
        ledger.hold(absent.source, keep - absent.held.keys(), absent.known, now)
        changed |= keep != absent.held.keys()
        blind |= bool(keep & absent.lost)
        count += len(keep)
        if keep or not (absent.there or accept):
            problems.append(_problem(absent, keep))
    ledger.release(absence.returned if blind else over)
    return Verdict(sorted(gone), kept, count, tuple(problems), changed, blind)


def exists(source: Source) -> bool:
    """Whether the source's folder is there; one behind a closed folder isn't."""
    return os.path.isdir(source.folder)  # noqa: PTH112  # Path.is_dir raises PermissionError before Python 3.14


def _keep(absent: Absent, liked: set[str]) -> frozenset[str]:
    """The missing documents of a source that are held."""
    if not absent.there:
        return absent.fresh.union(absent.held)
    if absent.keeps:
        return frozenset()
    held, fresh = absent.held.keys() - liked, absent.fresh - liked
    return fresh.union(held) if held or absent.is_accident(len(fresh)) else frozenset()


def _worth_keeping(paths: Collection[str], absence: Absence, index: Index, ledger: Ledger, now: datetime) -> set[str]:
    """Those of the missing documents of a source that keeps them that are kept: not what only moved, in this run or
    after it was copied in an earlier one, nor what was to be seen at an instant that hasn't come.
    """
    if not paths:
        return set()
    moved = index.likes.twins(paths)
    if index.files.last() > absence.last:
        if absence.strange:
            index.likes.recall(ledger.paths())
        moved |= index.likes.find_new(paths, absence.last)
    return set(paths) - moved - index.files.coming(paths, now)


def _liked(absence: Absence, index: Index, ledger: Ledger) -> set[str]:
    """The missing documents that stand under another path; none, and at no cost, where few are missing."""
    is_guarded = any(absent.is_guarded for absent in absence.sources)
    is_changed = index.files.last() > absence.last or any(absent.fresh for absent in absence.sources)
    if not is_guarded or not is_changed:
        return set()
    paths = [path for absent in absence.sources for path in absent.fresh.union(absent.held)]
    held = [path for absent in absence.sources for path in absent.held]
    lost = {path for absent in absence.sources for path in absent.lost}
    index.likes.exclude((*absence.idle, *absence.kept))
    if absence.strange:
        index.likes.recall(ledger.paths())
    return index.likes.find((path for path in paths if path not in lost), held, _former(lost, ledger), absence.last)


def _former(paths: Iterable[str], ledger: Ledger) -> list[Former]:
    """What the ledger remembers of documents that the index doesn't know."""
    return [Former(path, held.title, held.date or 0) for path, held in ledger.holdings(sorted(paths)).items()]


def _problem(absent: Absent, keep: frozenset[str]) -> Problem:
    what = "this source is missing"
    if absent.there:
        known = max(absent.held.get(path, absent.known) for path in keep)
        what = f"{len(keep)} of {known} documents are gone"
    message = f"{what}: nothing is withdrawn until the files return or --accept-deletions is given"
    return Problem(absent.source, 0, 0, Severity.error, message)
