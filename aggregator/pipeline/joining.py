"""From what documents say to articles with ids, each in the feeds of its topics.

changed ──gather──▶ affected ──merge──▶ made ──identify──▶ named ──regroup──▶ placing ──place──▶ dirty feeds
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from aggregator.feeds import ALL, CUSTOM, Related, Taxonomy, kind_of, month_of, pseudo, spans
from aggregator.merge import merge, part_by_id, together, trust
from aggregator.model import SPARE, Article, Mention, Problem, Severity, by_id, from_micros, to_micros
from aggregator.pipeline.grouping import regroup
from aggregator.pipeline.identify import identify
from aggregator.pipeline.plan import Plan
from aggregator.pipeline.settling import settle
from aggregator.pipeline.weighing import weigh_claims
from aggregator.store import KEPT, Index, Ledger, Lister, Move, Place, Spot, Standing, Topics, chunks, decode_mention
from aggregator.store.articles import Articles
from aggregator.text.plain import mark_of
from aggregator.text.slugs import fold_topic, slug

_SOME = 500


class Joined(NamedTuple):
    """What came of joining. affected: how many documents took part; merged: how many articles were worked out;
    troubles: what is wrong with topics.
    """

    affected: int
    merged: int
    troubles: list[Problem]


def join(plan: Plan, index: Index, ledger: Ledger, now: datetime, *, everything: bool) -> Joined:
    """Work out again what the changed documents affect; of `everything`, all there is."""
    if everything:
        index.articles.affect_all()
    weigh_claims(index.claims, everything=everything)
    affected = index.articles.gather()
    if plan.alike:
        index.duplicates.loosen(plan.alike.crowd)
    index.articles.dissolve()
    _merge(index.articles)
    expands = plan.choice.related is Related.expand
    if expands:
        _expand(index)
    names = [source.name for source in plan.sources]
    identify(index.articles, ledger, plan.site.host, names, now, everything=everything)
    index.placements.await_made(listed=expands)
    if plan.alike:
        regroup(plan.alike, index, ledger, now)
    topics = _place(plan, index)
    slugs = ledger.slugs()
    topics |= {topic: topics.get(topic, "") for alias, topic in plan.taxonomy.former.items() if alias in slugs}
    topics |= {custom.topic: custom.name for custom in plan.custom}
    ledger.name(((topic, _address(plan.taxonomy, topic, name)) for topic, name in sorted(topics.items())), now)
    keeping = [source.name for source in plan.sources if source.keeps]
    settle(plan.taxonomy, keeping, index, ledger, now, everything=everything)
    index.articles.spread()
    if any(custom.rhythm for custom in plan.custom):
        for ids in chunks(index.articles.turned(), _SOME):
            index.entries.mark_dirty(ledger.digests.listing(ids))
    return Joined(affected, index.articles.end(), _refused(plan.taxonomy, ledger.slugs()))


def standing_of(leads: Sequence[Mention]) -> Standing:
    """When the article of these leads was published, and the topics that it has of its own."""
    return _standing(merge(leads, leads[0].key))


def _standing(article: Article) -> Standing:
    published = to_micros(article.published) if article.published else 0
    if not article.listed or article.removed:
        return Standing(published, None)
    topics = [(ALL, ""), *((fold_topic(name), name) for name in article.topics)]
    return Standing(published, [Spot(topic, name, published) for topic, name in topics])


def _merge(articles: Articles) -> None:
    """Make articles of all affected documents."""
    for some in chunks(_shared(articles), _SOME):
        articles.put(some)
    articles.put_alone()


def _shared(articles: Articles) -> Iterator[tuple[str, list[int], Standing]]:
    """The articles that several documents share, or part by the ids that they name: key, documents, standing."""
    done: set[int] = set()
    for document in articles.joined():
        if document not in done:
            documents = together(document, articles.neighbours)
            done.update(documents)
            yield from _parted(articles, {number: articles.lead(number) for number in documents})


def _parted(articles: Articles, leads: Mapping[int, tuple[str, Mention]]) -> Iterator[tuple[str, list[int], Standing]]:
    """The article that documents share which are joined, by number, as key and lead mention; or several, where they
    name different ids. The most trusted has the URL that they share, the others go by their ids.
    """
    ranked = sorted(leads, key=lambda number: trust(leads[number][1]))
    groups = [ranked]
    if len({lead.id for _, lead in leads.values() if lead.id}) > 1:
        groups = part_by_id({number: leads[number][1].id for number in ranked}, articles.claimed(ranked))
    taken: set[str] = set()
    for group in groups:
        key = leads[group[0]][0]
        if key in taken:
            id = next(filter(None, (leads[number][1].id for number in group)))
            key = by_id(key.partition(SPARE)[0], mark_of(id))
        taken.add(key)
        if len(groups) > 1:
            articles.put_aliases(key, group)
        yield key, group, standing_of([leads[number][1] for number in group])


def _expand(index: Index) -> None:
    """Make articles of what is listed as related and has no document.

    One without a date has that of the oldest article that lists it, and none is shown before an article that lists
    it is.
    """
    for keys in chunks(index.placements.listed(), _SOME):
        listers = index.placements.listers(keys)
        mentions = index.entries.mentions(listers)
        bare = []
        for key, them in listers.items():
            article = merge(map(decode_mention, mentions[key]), key)
            said = _standing(article)
            if article.title and said.topics is not None:
                first = them[0].published
                published = said.published or first
                bare.append((key, max(published, first), Standing(published, said.topics)))
        index.placements.put_bare(bare)


def _place(plan: Plan, index: Index) -> dict[str, str]:
    """Put articles into the feeds that they belong to; returns the topics of these, as folded and as shown."""
    expands = plan.choice.related is Related.expand
    found: dict[str, str] = {}
    for keys in chunks(index.placements.waiting(), _SOME):
        members = index.placements.members(keys) if plan.alike else {}
        alike = [member for key in keys for member in members.get(key, ())]
        listers = index.placements.listers([*keys, *alike]) if expands else {}
        own = {place.key: place.own for place in index.placements.places(alike)}
        pruned = _pruned(index, [*keys, *alike], listers)
        articles = _articles(index, keys) if plan.asks_articles else {}
        moves = []
        for place in index.placements.places(keys):
            topics, article = None, articles.get(place.key)
            if place.own is not None and not place.survivor:
                own[place.key] = place.own
                tellers = [place.key, *members.get(place.key, ())]
                topics = _feeds(plan, article, place, _told(tellers, own, listers, frozenset()))
                if pruned:
                    topics = _apart(plan, topics, _feeds(plan, article, place, _told(tellers, own, listers, pruned)))
                for topic, name, *_ in topics:
                    known = found.setdefault(topic, name)
                    if name and (not known or name < known):
                        found[topic] = name
            if topics != place.topics:
                month = month_of(from_micros(place.published), plan.site.timezone) if plan.choice.archives else None
                said = (article.category, article.publisher, article.type, article.language) if article else ()
                moves.append(Move(place, topics, month, *said))
        index.placements.put(moves)
    found.pop(ALL, None)
    return found


def _told(
    tellers: Sequence[str],
    own: Mapping[str, Topics | None],
    listers: Mapping[str, Sequence[Lister]],
    without: Collection[str],
) -> Topics:
    """The topics that articles have of their own, and from those that list them, `without` what some of these say."""
    spots = [spot for key in tellers if key not in without for spot in own[key] or ()]
    said = [lister for key in tellers for lister in listers.get(key, ()) if lister.key not in without]
    return spots + [spot for lister in said for spot in lister.topics]


def _feeds(plan: Plan, article: Article | None, place: Place, told: Topics) -> Topics:
    """The feeds that an article is in which has these topics. article: what it is, where any feed asks.

    Nothing is shown before its own instant, nor because of what is to come before that one's.
    """
    topics = [Spot(*filed) for filed in plan.taxonomy.filed([spot[:3] for spot in told], place.since)]
    return topics + _beyond_topics(plan, article, place, topics) if article and topics else topics


def _pruned(index: Index, keys: Sequence[str], listers: Mapping[str, Sequence[Lister]]) -> set[str]:
    """Those of these articles and their listers that are no news any more: all their documents are gone and kept, or
    they have none, and all that list them are such.
    """
    if not index.placements.keeps_any():
        return set()
    pruned = index.placements.pruned({*keys, *(lister.key for them in listers.values() for lister in them)})
    bare = index.articles.without_document([key for key in keys if key in listers])
    return pruned.union(key for key in bare if all(lister.key in pruned for lister in listers[key]))


def _apart(plan: Plan, topics: Topics, news: Topics) -> Topics:
    """The feeds of an article: those that it is news in, and those of which only the archives have it. Feeds of the
    best have none.
    """
    shown: dict[str, Topics] = {}
    for spot in news:
        shown.setdefault(spot.topic, []).append(spot)
    found: Topics = []
    for topic, spots in groupby(topics, key=lambda spot: spot.topic):
        custom = plan.customs.get(topic)
        if topic in shown:
            found += shown[topic]
        elif not (custom and custom.ranked):
            found += [spot._replace(rank=KEPT) for spot in spots]
    return found


def _articles(index: Index, keys: Sequence[str]) -> dict[str, Article]:
    """These articles, merged."""
    return {key: merge(map(decode_mention, said), key) for key, said in index.entries.mentions(keys).items()}


def _beyond_topics(plan: Plan, article: Article, place: Place, topics: Topics) -> Topics:
    """The feeds that an article is in besides those of its topics."""
    found = [Spot(pseudo(kind, name), name, place.since) for kind in plan.kinds if (name := kind.of(article))]
    had = [(spot.topic, spot.since) for spot in topics if spot.topic != ALL]
    for custom in plan.custom:
        rank = 0 if custom.rhythm else custom.order.rank(article)
        met = spans(custom.where, article, had, plan.taxonomy.above, place.published, place.since)
        found += [Spot(custom.topic, "", since, until, rank) for since, until in met]
    return found


def _address(taxonomy: Taxonomy, topic: str, name: str) -> str:
    """The slug that a topic wishes for; the whole name of the feed of what is none."""
    kind = kind_of(topic)
    if not kind:
        return taxonomy.address(topic, name)
    return f"{kind}/{name if kind == CUSTOM else slug(name)}"


def _refused(taxonomy: Taxonomy, slugs: dict[str, str]) -> list[Problem]:
    """The topics that wish for another address than the one they have for ever."""
    return [
        Problem(
            f"topics/{slugs[topic]}",
            0,
            0,
            Severity.warning,
            f"slug `{known.slug}` of {known.name} is too late: subscribers know this address, which stays",
        )
        for topic, known in taxonomy.topics.items()
        if known.slug and slugs.get(topic, known.slug) != known.slug
    ]
