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
from aggregator.model import Mention
from aggregator.pipeline.joining import standing_of
from aggregator.pipeline.plan import Plan
from aggregator.store import Index, Kept, Ledger, Row, Saved, chunks, pack

_SOME = 50  # documents at a time


def keep(plan: Plan, index: Index, ledger: Ledger, documents: Mapping[str, str], now: datetime) -> None:
    """Keep documents that are gone, whose sources are given by path."""
    for paths in chunks(documents, _SOME):
        kept = [Kept(path, documents[path], index.files.said(path)) for path in paths]
        ledger.keep(kept, now)
        _put(plan, index, kept, "kept")


def recall(plan: Plan, index: Index, ledger: Ledger, *, strange: bool, respell: bool) -> bool:
    """Make the index know the kept documents of the ledger, and those that are there again be no longer kept; returns
    whether there are any of these.

    strange: index and ledger meet anew; respell: the rules for keys may have changed.
    """
    if strange or respell:
        remembered, known = ledger.kept_paths(), set(index.files.kept())
        _put_back(plan, index, sorted(known.difference(remembered)))
        wanted = remembered if respell else [path for path in remembered if path not in known]
        for paths in chunks(wanted, _SOME):
            _put(plan, index, ledger.kept(paths), "kept")
    returned = index.files.returned()
    _put_back(plan, index, returned)
    ledger.keep_no_longer(returned)
    return bool(returned)


def _put_back(plan: Plan, index: Index, paths: Iterable[str]) -> None:
    """Make documents that were kept be as others are; they are read, if they are there."""
    for some in chunks(paths, _SOME):
        sources = index.files.sources_of(some)
        _put(plan, index, [Kept(path, sources[path], index.files.said(path)) for path in some], "read")


def _put(plan: Plan, index: Index, documents: Iterable[Kept], outcome: str) -> None:
    """Save what documents say that aren't read. Without signature and digest, they are read when they are there."""
    positions = {source.name: position for position, source in enumerate(plan.sources)}
    saved = []
    for path, source, said in documents:
        position = positions.get(source, len(positions))
        mentions = [_told(mention, position, plan.tracking, kept=outcome == "kept") for mention in said]
        row = Row(path, "", source, -1, -1, -1, -1)
        saved.append(Saved(row, outcome, b"", (), pack(mentions, standing_of(mentions[:1]))))
    index.files.save(saved, 0)


def _told(mention: Mention, position: int, tracking: tuple[str, ...], *, kept: bool) -> Mention:
    """A mention as it is told now; that it is kept matters to the lead alone."""
    return respelled(replace(mention, source=position, kept=kept and not mention.place), tracking)
