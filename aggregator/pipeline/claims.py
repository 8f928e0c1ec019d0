"""Ids that documents name: which articles get them, and which documents name one in vain.

named ──holders──▶ who goes on as what each id was given to ──grant──▶ given; all others are refused, and told so
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from aggregator.merge import (
    SAME,
    Holder,
    at_home,
    bare,
    first_holder,
    grant,
    is_bare,
    likeness,
    resembles,
    still_holds,
    trust,
)
from aggregator.model import Lead, Mention, Problem, Severity
from aggregator.store import Index, Ledger, Refused, chunks, decode_mention
from aggregator.store.articles import Articles

_SOME = 500


def give_named(articles: Articles, ledger: Ledger, now: datetime) -> list[tuple[str, str]]:
    """Give articles without an id those that their documents name, but none that another article holds.

    Returns what was given, as (id, key), in the order of keys.
    """
    claims = sorted(articles.explicit(), key=lambda claim: trust(claim[2]))
    wishes = {key: id for id, key, _ in claims}  # of one article, all that name an id name the same
    if not wishes:
        return []
    holders = {} if ledger.blank else _holders(articles, ledger, wishes, now)
    granted = grant(wishes, holders)
    articles.give([(id, key) for key, id in granted.items()])
    articles.give(_kept(holders, granted))
    return [(id, key) for key, id in sorted(granted.items())]


def by_urls(articles: Articles, ledger: Ledger, key: str, leads: Sequence[Lead]) -> list[str]:
    """The ids that any URL of an article ever had and no article has: that of the document most like it first, else
    the oldest.

    A URL that several articles share is no URL of its own. One without a document leaves ids to the documents that
    have them, also where they are put aside.
    """
    urls = [key, *(url for lead in leads for url, _ in lead.urls)]
    ids = [
        id
        for id in ledger.ids_of(articles.naming(key, urls) if leads else urls)
        if not articles.has(id) and (leads or not any(map(articles.leads_any, ledger.paths_of(id))))
    ]
    if len(ids) < 2:
        return ids
    closest = dict.fromkeys(ids, (0, False))
    for holding in ledger.holdings_of(ids).values():
        closeness = likeness(leads or [bare(key, key)], holding), holding.key in urls
        closest[holding.id] = max(closeness, closest[holding.id])
    return sorted(ids, key=closest.__getitem__, reverse=True)


def seen_by_urls(articles: Articles, ledger: Ledger, key: str, leads: Sequence[Lead], now: datetime) -> list[str]:
    """Those of the ids `by_urls` that subscribers see now as this article: given for one of its URLs, or to a document
    with the title, date and URL of one of its own; and that no document of another article holds.
    """
    ids = by_urls(articles, ledger, key, leads)
    seen = ledger.seen(ids, now) if ids else set()
    urls = {key, *(url for lead in leads for url, _ in lead.urls)}
    holdings = ledger.holdings_of(sorted(seen)).values()
    own = {holding.id for holding in holdings if holding.key in urls or likeness(leads, holding) == SAME}
    holders = _by_path(articles, ledger, sorted(own))
    return [id for id in ids if id in own and all(holder.article == key for holder in holders.get(id, ()))]


def refusals(index: Index, ledger: Ledger) -> list[Problem]:
    """The documents that name an id which their article doesn't get, by path."""
    refused = index.articles.refused()
    owners = {id: _owner(index, ledger, id) for id in {claim.lead.explicit for claim in refused}}
    return [
        Problem(
            claim.lead.path, *claim.lead.explicit_at, Severity.error, _why(index, claim, owners[claim.lead.explicit])
        )
        for claim in refused
    ]


def _kept(holders: Mapping[str, Sequence[Holder]], granted: Mapping[str, str]) -> list[tuple[str, str]]:
    """The ids that others name in vain, as (id, key), of those held by a URL: no path says yet whose they are."""
    kept = []
    for id in sorted(holders.keys() - granted.values()):
        holder = first_holder(holders[id], granted)
        if holder and holder.named is None:
            kept.append((id, holder.article))
    return kept


def _holders(articles: Articles, ledger: Ledger, wishes: Mapping[str, str], now: datetime) -> dict[str, list[Holder]]:
    """The holders of each named id that subscribers know, the best first."""
    found: dict[str, list[Holder]] = {}
    for ids in chunks(sorted(set(wishes.values())), _SOME):
        shown = ledger.shown(ids, now)
        by_path = _by_path(articles, ledger, shown)
        by_url = _by_url(articles, ledger, [id for id in shown if not _is_certain(by_path.get(id, ()))], now)
        for id in by_path.keys() | by_url.keys():
            holders = [*by_path.get(id, ()), *by_url.get(id, ())]
            found[id] = _ranked(articles, ledger, id, holders, wishes) if len(holders) > 1 else holders
    return found


def _by_path(articles: Articles, ledger: Ledger, ids: Sequence[str]) -> dict[str, list[Holder]]:
    """The holders of these ids that have them by a path, or without a document by their key, in no order."""
    holdings = ledger.holdings_of(ids)
    leads = articles.leads_at(list(holdings))
    undocumented = set(articles.without_document(list(filter(is_bare, holdings))))
    found: dict[str, list[Holder]] = {}
    for path, holding in holdings.items():
        if path in undocumented:
            found.setdefault(holding.id, []).append(Holder(path, ""))
        elif path in leads and still_holds(leads[path][1], holding):
            key, lead = leads[path]
            found.setdefault(holding.id, []).append(Holder(key, lead.explicit, resembles(lead, holding)))
    return found


def _is_certain(holders: Iterable[Holder]) -> bool:
    """Whether any of these articles has more of what an id was given to than the id's name."""
    return any(holder.resembles for holder in holders)


def _by_url(articles: Articles, ledger: Ledger, ids: Sequence[str], now: datetime) -> dict[str, list[Holder]]:
    """The holders of these ids, which no path is certain to hold, that would regain them by a URL, in no order."""
    urls = [url for _, url in ledger.urls_of(ids)]
    found: dict[str, list[Holder]] = {}
    for key, leads in articles.leads(sorted(set(articles.unnamed_of(urls).values()))).items():
        tellers = leads or [bare(key, key)]
        known = ledger.holdings([lead.path for lead in tellers])
        homely = at_home(tellers, known)
        moved = [lead for lead in leads if lead not in homely]
        others = by_urls(articles, ledger, key, moved) if moved or not homely else []
        if homely and not ledger.seen({known[lead.path].id for lead in homely}, now):
            others += seen_by_urls(articles, ledger, key, leads, now)
        free = (id for id in others if not _is_certain(_by_path(articles, ledger, [id]).get(id, ())))
        if (id := next(free, "")) in ids:
            found.setdefault(id, []).append(Holder(key, None))
    return found


def _ranked(
    articles: Articles, ledger: Ledger, id: str, holders: Iterable[Holder], wishes: Mapping[str, str]
) -> list[Holder]:
    """The holders of an id, the best first: who changed least, who has the URL that it was given for, who names it."""
    record = ledger.record(id)
    leads = articles.leads([holder.article for holder in holders])

    def rank(holder: Holder) -> tuple[bool, bool, bool, str]:
        urls = {holder.article, *(url for lead in leads[holder.article] for url, _ in lead.urls)}
        elsewhere = not record or record.key not in urls
        return not holder.resembles, elsewhere, wishes.get(holder.article) != id, holder.article

    return sorted(holders, key=rank)


def _owner(index: Index, ledger: Ledger, id: str) -> str | None:
    """The article that has an id, or to one of whose documents it belongs when articles part; None: there is none."""
    holders = _by_path(index.articles, ledger, [id]).get(id, [])
    return index.lookup.of_id(id) or next((holder.article for holder in holders), None)


def _why(index: Index, claim: Refused, owner: str | None) -> str:
    """Why the article of a document doesn't get the id that this names."""
    id = claim.lead.explicit
    if not owner or owner == claim.article:
        return f"`id`: {id} is not used; this article has {claim.id}, expected that or none"
    speaker = _mentions(index, owner)[0]
    holder = f"{speaker.link}, which {speaker.path} lists" if speaker.place else speaker.path
    return f"`id`: {id} belongs to {holder}; this article has {claim.id}, expected an id of its own or none"


def _mentions(index: Index, key: str) -> list[Mention]:
    """What documents say of an article, in the order of trust."""
    return sorted(map(decode_mention, index.entries.mentions([key])[key]), key=trust)
