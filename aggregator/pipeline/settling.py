"""What was withdrawn, and what came back: decided against what the ledger remembers, and remembered there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from aggregator.feeds import TOLD, Taxonomy
from aggregator.merge import is_bare
from aggregator.model import to_micros
from aggregator.store import Index, Ledger, Stand, Standing, chunks


def settle(
    taxonomy: Taxonomy, keeping: Sequence[str], index: Index, ledger: Ledger, now: datetime, *, everything: bool
) -> None:
    """Remember what was withdrawn and what came back; of `everything`, where index and ledger met anew. keeping: the
    sources of which nothing is withdrawn because its document is gone.

    Who is no entry any more stands for no others, unless somebody stands for it.
    """
    if everything:  # what came back may be known to the ledger alone
        index.entries.mark_dirty(ledger.telling(now - TOLD))
    ids = {*index.articles.settling(), *(ledger.entries() if everything else ())}
    for some in chunks(sorted(ids), 500):
        before, after = ledger.standing(some), index.articles.standing(some)
        settled = []
        for id in some:
            was = before.get(id, Stand())
            new = _stand(after.get(id), was, now)
            if new.topics is None and was.topics is not None and not index.articles.stands(id):
                ledger.stand_down([id])
                stays = _is_elsewhere(id, index, ledger) or _is_lost(id, keeping, index, ledger)
                if was.published <= to_micros(now) and not stays:
                    ledger.withdraw(id, _addresses(was.topics, taxonomy, ledger), now)
            elif new.topics is not None and was.away:
                ledger.restore(id, now)
                index.entries.mark_dirty(ledger.withdrawn_from(id))  # wherever it is now, they tell it is gone
            if new[:2] != was[:2]:
                settled.append((id, new))
        ledger.settle(settled)


def _stand(standing: Standing | None, was: Stand, now: datetime) -> Stand:
    """Where an entry is from now on. That it was seen is remembered, also where it is to come again later, or never."""
    seen = (was.topics is not None or was.published != 0) and was.published <= to_micros(now)
    if standing is None or standing.topics is None:
        return Stand(published=was.published if seen else 0)
    since = min(was.published, standing.published) if seen else standing.published
    return Stand(tuple(sorted({topic for topic, *_ in standing.topics})), since)


def _is_elsewhere(id: str, index: Index, ledger: Ledger) -> bool:
    """Whether what had this id is still shown: as part of another article, or, if it had no document, as coverage."""
    articles = index.articles
    for path, holding in ledger.holdings(ledger.paths_of(id)).items():
        if any(map(articles.is_listed, holding.urls)) if is_bare(path) else articles.leads_entry(path):
            return True
    return False


def _is_lost(id: str, keeping: Sequence[str], index: Index, ledger: Ledger) -> bool:
    """Whether all documents that had this id are gone, and were of sources that keep what vanishes."""
    if not keeping:
        return False
    folders = tuple(f"{name}/" for name in keeping)
    paths = ledger.paths_of(id)
    return bool(paths) and all(path.startswith(folders) and not index.articles.leads_any(path) for path in paths)


def _addresses(topics: tuple[str, ...], taxonomy: Taxonomy, ledger: Ledger) -> list[str]:
    """The topics whose feeds showed an entry: also those that go on under a former name."""
    former = [alias for topic in topics for alias in taxonomy.aliases(topic) if ledger.feed(alias)]
    return [*topics, *former]
