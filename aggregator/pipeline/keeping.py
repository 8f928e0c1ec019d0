"""Documents that are gone and kept, as their source says: no news any more, but in archives, and fit to be coverage.

gone ──keep──▶ ledger (its last good version), index (`kept`) ──▶ placed in archives alone
there again ──▶ forgotten by the ledger, news as before

What such a document said is in the ledger, as nobody can read it any more: the index may be lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec.structs import replace

from aggregator.documents import respelled
from aggregator.pipeline.joining import standing_of
from aggregator.pipeline.plan import Plan
from aggregator.store import Index, Kept, Ledger, Row, Saved, chunks, pack

_SOME = 50  # documents at a time


def keep(index: Index, ledger: Ledger, documents: Mapping[str, str], now: datetime) -> None:
    """Keep documents that are gone, whose sources are given by path."""
    for paths in chunks(documents, _SOME):
        kept = [Kept(path, documents[path], index.files.said(path)) for path in paths]
        ledger.pruned.put(kept, now)
        ledger.reach(now)
        _put(index, kept, "kept")


def recall(plan: Plan, index: Index, ledger: Ledger, *, strange: bool, respell: bool) -> bool:
    """Make the index know the kept documents of the ledger, and those that are there again be no longer kept; returns
    whether there are any of these.

    strange: index and ledger meet anew; respell: the rules for keys may have changed.
    """
    if strange or respell:
        remembered, known = ledger.pruned.paths(), set(index.files.kept())
        _put_back(index, sorted(known.difference(remembered)))
        wanted = remembered if respell else [path for path in remembered if path not in known]
        for paths in chunks(wanted, _SOME):
            _put(index, [_as_read_now(plan, kept) for kept in ledger.pruned.of(paths)], "kept")
    returned = index.files.returned()
    _put_back(index, returned)
    ledger.pruned.drop(returned)
    return bool(returned)


def _put_back(index: Index, paths: Iterable[str]) -> None:
    """Make documents that were kept be as others are; they are read, if they are there."""
    for some in chunks(paths, _SOME):
        sources = index.files.sources_of(some)
        _put(index, [Kept(path, sources[path], index.files.said(path)) for path in some], "read")


def _put(index: Index, documents: Iterable[Kept], outcome: str) -> None:
    """Save what documents say that aren't read. Without signature and digest, they are read when they are there."""
    saved = []
    for path, source, (lead, *related) in documents:
        mentions = [replace(lead, kept=outcome == "kept"), *related]
        row = Row(path, "", source, -1, -1, -1, -1)
        saved.append(Saved(row, outcome, b"", (), pack(mentions, standing_of(mentions[:1]))))
    index.files.save(saved, 0)


def _as_read_now(plan: Plan, kept: Kept) -> Kept:
    """What a document says, under today's rules for keys and order of sources."""
    names = [source.name for source in plan.sources]
    position = names.index(kept.source) if kept.source in names else len(names)
    said = [respelled(replace(mention, source=position), plan.tracking) for mention in kept.said]
    return kept._replace(said=said)
