"""Which articles are near-duplicates, and which of them stands for the others: rule 6."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta

from aggregator.merge import Alike, Candidate, alike, group, merge, tokens, trust, wording_of
from aggregator.model import to_micros
from aggregator.store import Index, Ledger, chunks, decode_mention
from aggregator.store.duplicates import Told

_SOME = 200


def regroup(rule: Alike, index: Index, ledger: Ledger, now: datetime) -> None:
    """Work out again who stands for whom, of the articles merged just now and all that are tied to them."""
    _tell(rule, index)
    told, pairs, ties = _around(rule, index)
    survivors: dict[str, str] = {}
    if paired := sorted(key for key, others in pairs.items() if others):
        ids = index.articles.ids(paired)
        ranked = sorted(_ranked(paired, ids, index, ledger, now))
        survivors = group(ranked, pairs)
        leading = set(survivors.values())
        # Those to come take their places behind those that can be seen, also when their instant has come.
        ledger.stand_down(ids[one.key] for one in ranked if one.coming)
        ledger.let_stand(ids[one.key] for one in ranked if one.key in leading)
    known = {*told, *ties}
    index.duplicates.tie(
        (key, ties.get(key), survivors.get(key)) for key in sorted(known) if ties.get(key) != survivors.get(key)
    )


def _tell(rule: Alike, index: Index) -> None:
    """Note what the articles merged just now are told by."""
    for some in chunks(index.duplicates.untold(), _SOME):
        mentions = index.entries.mentions([key for key, _ in some])
        told = []
        for key, published in some:
            wording = wording_of(merge(map(decode_mention, mentions[key]), key))
            told.append((Told(key, published, wording), tokens(wording, rule.similarity)))
        index.duplicates.tell(told, rule.crowd)


def _around(rule: Alike, index: Index) -> tuple[dict[str, Told], dict[str, Collection[str]], dict[str, str]]:
    """All articles that may change who stands for them: what they are told by, the pairs they make, who stood for
    them.
    """
    window = rule.window // timedelta(microseconds=1)
    told: dict[str, Told] = {}
    pairs: dict[str, Collection[str]] = {}
    ties: dict[str, str] = {}
    met: set[str] = set()
    waiting = index.duplicates.loose(rule.crowd)
    while waiting:
        met.update(waiting)
        fresh: set[str] = set()
        for keys in chunks(waiting, _SOME):
            for one in index.duplicates.told(keys):
                told[one.key] = one
                since, until = one.published - window, one.published + window
                pairs[one.key] = {
                    other.key
                    for other in index.duplicates.candidates(one.key, since, until, rule.crowd)
                    if alike(one.wording, other.wording, rule.similarity)
                }
                fresh.update(pairs[one.key])
            tied = index.duplicates.ties(keys)
            ties |= tied
            fresh.update(tied, tied.values())
        waiting = sorted(fresh - met)
    return told, pairs, ties


def _ranked(
    keys: list[str], ids: Mapping[str, str], index: Index, ledger: Ledger, now: datetime
) -> Iterator[Candidate]:
    """What decides who survives among these articles.

    One that was made of several counts for what each of them was: all ids that its documents hold are asked.
    """
    leads = index.articles.leads(keys)
    held = ledger.holdings([lead.path for some in leads.values() for lead in some])
    own = {key: {ids[key], *(held[lead.path].id for lead in leads[key] if lead.path in held)} for key in keys}
    everyone = sorted(set().union(*own.values()))
    ages, stands = ledger.survivors(everyone), ledger.standing(everyone)
    mentions = index.entries.mentions(keys)
    most = {key: min(trust(decode_mention(data)) for data in mentions[key]) for key in keys}
    places = {key: place for place, key in enumerate(sorted(keys, key=lambda key: (most[key], key)))}
    at = to_micros(now)
    for place in index.placements.places(keys):
        was = [stands[id] for id in own[place.key] if id in stands]
        yield Candidate(
            coming=place.since if place.since > at else 0,
            led=min((ages[id] for id in own[place.key] if id in ages), default=math.inf),
            fresh=not any(stand.topics is not None and stand.published <= at for stand in was),
            trust=places[place.key],
            key=place.key,
        )
