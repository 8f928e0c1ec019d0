"""Which id each article gets: promise 5, in its order of precedence. All decisions go to the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import filterfalse
from typing import NamedTuple

from aggregator.merge import at_home, bare, eldest, is_bare, mint, own_id, resembles
from aggregator.model import Holding, Lead, is_spare
from aggregator.pipeline.claims import by_urls, give_named, seen_by_urls
from aggregator.store import Ledger, chunks
from aggregator.store.articles import Articles

_SOME = 500


class Headline(NamedTuple):
    """What a document and one that takes its place have in common: source, folded title, date (µs since 1970)."""

    source: str
    title: str
    date: int | None


def identify(
    articles: Articles, ledger: Ledger, host: str, sources: Sequence[str], now: datetime, *, everything: bool
) -> None:
    """Give every article that was merged just now its id, and remember whose it is.

    sources: their names, with which the paths of their documents begin. everything: all articles were merged.
    """
    named = give_named(articles, ledger, now)
    if not ledger.blank:
        _by_path(articles, ledger, now)
        _by_likeness(articles, ledger, sources, now, everything=everything)
        _by_url(articles, ledger)
    ledger.give([*named, *_minted(articles, ledger, host)], now)
    left = _bind(articles, ledger)
    _leave(articles, ledger, named, left)


def _by_path(articles: Articles, ledger: Ledger, now: datetime) -> None:
    """The oldest id that its leads' paths hold; one that subscribers see now before all others.

    A lead at a path that holds none may be a renamed document: then that one's id counts too. Where no path holds one
    that is seen, one does that its URLs have. Where articles part, several may have the same; the one whose URL it was
    given for comes first.
    """
    parted: list[tuple[str, list[Holding]]] = []
    for keys in chunks(articles.unnamed(), _SOME):
        leads = _leads(articles, keys)
        known = ledger.holdings([lead.path for key in keys for lead in leads[key]])
        seen = ledger.seen({holding.id for holding in known.values()}, now)
        for key in keys:
            homely = at_home(leads[key], known)
            holdings = [known[lead.path] for lead in homely]
            moved = [lead for lead in leads[key] if lead not in homely]
            others = by_urls(articles, ledger, key, moved)[:1] if holdings and moved else []
            if holdings and not any(holding.id in seen for holding in holdings):
                others += seen_by_urls(articles, ledger, key, leads[key], now)[:1]
            if others:
                holdings += ledger.holdings_of(others).values()
                seen |= ledger.seen({holding.id for holding in holdings}, now)
            oldest = eldest(holdings, articles.has, seen)
            if oldest and oldest.key in {key, *(url for lead in leads[key] for url, _ in lead.urls)}:
                articles.give([(oldest.id, key)])
            elif oldest:
                parted.append((key, holdings))
    for key, holdings in parted:
        if oldest := eldest(holdings, articles.has, ledger.seen({holding.id for holding in holdings}, now)):
            articles.give([(oldest.id, key)])


def _by_likeness(
    articles: Articles, ledger: Ledger, sources: Sequence[str], now: datetime, *, everything: bool
) -> None:
    """The id of a document that is gone, where a new one of the same source has its title and date, and neither has
    another such: a document whose name and address were changed at once. Who has the address has the better claim.
    """
    gone = _gone(articles, ledger, sources, now, everything=everything)
    if not gone:
        return
    fresh = _fresh(articles, ledger, sources)
    unnamed = set(articles.unnamed())
    pairs: dict[str, list[Holding]] = {}
    for headline, by_id in gone.items():
        keys = fresh.get(headline, [])
        if len(keys) == len(by_id) == 1 and keys[0] in unnamed:
            pairs.setdefault(keys[0], []).extend(by_id.values())
    for key, candidates in sorted(pairs.items()):
        if oldest := eldest(candidates, articles.has):
            articles.give([(oldest.id, key)])


def _gone(
    articles: Articles, ledger: Ledger, sources: Sequence[str], now: datetime, *, everything: bool
) -> dict[Headline, dict[str, Holding]]:
    """What was held by documents that are gone, by headline and id: a document may have gone by several paths. Only ids
    in the feeds count, which no article has and whose URLs none claims.
    """
    ids = {*articles.orphaned(), *(ledger.entries() if everything else ())}
    left = sorted(id for id in ledger.seen(ids, now) if not articles.has(id))
    gone: dict[Headline, dict[str, Holding]] = {}
    for path, holding in ledger.holdings_of(left).items():
        stays = is_bare(path) or articles.leads_any(path) or articles.unnamed_of(sorted(holding.urls))
        if not stays:
            headline = Headline(_source(path, sources), holding.title, holding.date)
            gone.setdefault(headline, {})[holding.id] = holding
    return gone


def _fresh(articles: Articles, ledger: Ledger, sources: Sequence[str]) -> dict[Headline, list[str]]:
    """The articles of new documents, a key for each document, by headline."""
    fresh: dict[Headline, list[str]] = {}
    for keys in chunks(articles.merged(), _SOME):
        leads = articles.leads(keys)
        known = ledger.holdings([lead.path for key in keys for lead in leads[key]])
        for key in keys:
            homely = at_home(leads[key], known)
            strangers = [lead for lead in leads[key] if lead not in homely]
            for lead in strangers:
                headline = Headline(_source(lead.path, sources), lead.title, lead.date)
                fresh.setdefault(headline, []).append(key)
    return fresh


def _source(path: str, sources: Sequence[str]) -> str:
    """The name of the source that a document is of; "": of none."""
    return max((name for name in sources if path.startswith(f"{name}/")), key=len, default="")


def _by_url(articles: Articles, ledger: Ledger) -> None:
    """The id that any of its URLs ever had with documents that are gone."""
    for keys in chunks(articles.unnamed(), _SOME):
        leads = articles.leads(keys)
        for key in keys:
            if ids := by_urls(articles, ledger, key, leads[key]):
                articles.give([(ids[0], key)])


def _minted(articles: Articles, ledger: Ledger, host: str) -> list[tuple[str, str]]:
    """New ids, in the order of keys."""
    minted: dict[str, str] = {}

    def taken(id: str) -> bool:
        return id in minted or ledger.knows(id) or articles.has(id)

    for key in articles.unnamed():
        minted[mint(key, host, taken)] = key
    given = list(minted.items())
    articles.give(given)
    return given


def _bind(articles: Articles, ledger: Ledger) -> set[str]:
    """Remember which paths and URLs the ids were given for; a spare key too, where it is the only one.

    An article with documents goes by their paths, and no longer by its key. Returns the ids that documents had until
    they got the ones that they name.
    """
    left: set[str] = set()
    for keys in chunks(articles.merged(), _SOME):
        ids, leads = articles.ids(keys), _leads(articles, keys)
        known = ledger.holdings([lead.path for key in keys for lead in leads[key]])
        left.update(
            known[lead.path].id
            for key in keys
            for lead in leads[key]
            if lead.path in known and lead.explicit == ids[key] and resembles(lead, known[lead.path])
        )
        ledger.unbind([url for key in keys for lead in leads[key] for url, _ in lead.urls])
        bindings = [binding for key in keys for binding in _bindings(ids[key], leads[key], known, articles)]
        # This is decided for good, whatever becomes of the entry: what is put aside is no older than what isn't.
        aside = sorted({(known[lead.path].age, own, id) for id, own, lead in bindings if own != id})
        ledger.put_aside([(own, id) for _, own, id in aside])
        ledger.bind(bindings)
        # A document that is gone while its article goes on elsewhere doesn't take the id along if it returns.
        present = {lead.path for _, _, lead in bindings}
        others = ledger.paths_of_all([id for id, _, lead in bindings if not is_bare(lead.path)])
        gone = [path for path in others if path not in present and not articles.leads_any(path)]
        ledger.unbind(list(filterfalse(is_bare, gone)))
        ledger.bind_urls([(key, ids[key]) for key in keys if is_spare(key)])
    return {id for id in left if not articles.has(id)}


def _bindings(
    id: str, leads: Sequence[Lead], known: Mapping[str, Holding], articles: Articles
) -> list[tuple[str, str, Lead]]:
    """The leads of an article as (id of the article, id that the path has of its own, lead). One path at least has the
    article's: an id is put aside only for that of another document.
    """
    own = {lead.path: own_id(lead, known.get(lead.path), id, articles.has) for lead in leads}
    if id not in own.values():
        own = dict.fromkeys(own, id)
    return [(id, own[lead.path], lead) for lead in leads]


def _leave(articles: Articles, ledger: Ledger, named: Sequence[tuple[str, str]], left: Iterable[str]) -> None:
    """Forget which other paths ids were given to that documents name: if such a one returns, it doesn't take them.

    What was left for a named id is no document's any more, but for those that a merge put it aside for.
    """
    aside = {id: list(filter(articles.leads_any, ledger.paths_of(id))) for id in left}
    ledger.unbind_others(list(aside.items()))
    ledger.unbind_urls([id for id, paths in aside.items() if not paths])
    for some in chunks(named, _SOME):
        leads = articles.leads([key for _, key in some])
        ledger.unbind_others([(id, [lead.path for lead in leads[key]]) for id, key in some])


def _leads(articles: Articles, keys: Sequence[str]) -> dict[str, list[Lead]]:
    """What identity asks of the leads of each of these articles, and of an article without any."""
    found = articles.leads(keys)
    links = articles.links([key for key, leads in found.items() if not leads])
    return {key: leads or [bare(key, links.get(key, key))] for key, leads in found.items()}
