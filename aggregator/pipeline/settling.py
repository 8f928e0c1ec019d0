"""What was withdrawn, and what came back: decided against what the ledger remembers, and remembered there."""

from __future__ import annotations

from datetime import datetime

from aggregator.model import to_micros
from aggregator.store import Index, Ledger, Stand, Standing, chunks


def settle(index: Index, ledger: Ledger, now: datetime, *, everything: bool) -> None:
    """Remember what was withdrawn and what came back; of `everything`, where index and ledger met anew."""
    ids = {*index.articles.settling(), *(ledger.entries() if everything else ())}
    for some in chunks(sorted(ids), 500):
        before, after = ledger.standing(some), index.articles.standing(some)
        settled = []
        for id in some:
            was, new = before.get(id, Stand()), _stand(after.get(id))
            if new.topics is None and was.topics is not None and _withdrawn(id, was, index, ledger, now, id in after):
                ledger.withdraw(id, was.topics, now)
            elif new.topics is not None and was.away:
                ledger.restore(id, now)
            if new[:2] != was[:2]:
                settled.append((id, new))
        ledger.settle(settled)


def _stand(standing: Standing | None) -> Stand:
    if standing is None or standing.topics is None:
        return Stand()
    return Stand(tuple(sorted(topic for topic, _ in standing.topics)), standing.published)


def _withdrawn(id: str, was: Stand, index: Index, ledger: Ledger, now: datetime, exists: bool) -> bool:
    """Whether an entry that is none any more was withdrawn: out of sight, not only merged into another one or its
    coverage.

    What was never seen, because it was to come later, can't be withdrawn.
    """
    articles = index.articles
    if exists:
        elsewhere = articles.stands(id)
    else:
        elsewhere = any(articles.leads_entry(path) or articles.is_listed(path) for path in ledger.paths_of(id))
    return not elsewhere and was.published <= to_micros(now)
