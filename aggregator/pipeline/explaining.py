"""Why an article is as it is and where it is: what `aggregator explain` tells."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from difflib import get_close_matches

import msgspec

from aggregator.errors import UnknownArticle
from aggregator.feeds import ALL, Custom, Related, facts_at, kind_of, month_period, unmet
from aggregator.merge import givers, merge, merit, mint, timely, trust
from aggregator.model import Article, Mention, Problem, from_micros, to_micros
from aggregator.pipeline.claims import refusals
from aggregator.pipeline.consulting import consulted
from aggregator.pipeline.covering import coverage_of
from aggregator.pipeline.digesting import shown_digests
from aggregator.pipeline.plan import Plan
from aggregator.pipeline.selecting import Selector
from aggregator.store import KEPT, Index, Ledger, Place, Spot, decode_mention
from aggregator.text.slugs import fold_topic
from aggregator.text.urls import absolute, canonical

_MERGED = ("topics", "updated", "removed")  # fields that come from several mentions


class Telling(msgspec.Struct, frozen=True):
    """A mention: its document, its place there (0: the document's own article), and the fields that the article has
    from it; `held` says that the document is gone, and why it counts all the same ("": it isn't gone).
    """

    path: str
    place: int
    title: str
    link: str
    quality: int | None
    published: datetime | None
    gives: tuple[str, ...]
    held: str


class Alias(msgspec.Struct, frozen=True):
    """A URL that names the article, in its canonical form, and the documents that say so."""

    url: str
    paths: tuple[str, ...]


class Covering(msgspec.Struct, frozen=True):
    """An article that is shown inside the entry, because these documents list it, or it is a near-duplicate;
    `shown`: not if it is withdrawn or yet to come.
    """

    title: str
    link: str
    listed_by: tuple[str, ...]
    near_duplicate: bool
    shown: bool


class Presence(msgspec.Struct, frozen=True):
    """A feed that the article may be in: its rank there from 1, or why it isn't there, or isn't shown yet; and the
    month of the archive that has it, such as `2026-11` ("": none has).
    """

    feed: str
    rank: int | None
    why: str
    archive: str = ""


class Explanation(msgspec.Struct, frozen=True):
    """All there is to say of an article; `entry` says why it is no entry of any feed ("": it is one)."""

    key: str
    title: str
    link: str
    id: str
    why_id: str
    other_ids: tuple[str, ...]
    entry: str
    mentions: tuple[Telling, ...]
    aliases: tuple[Alias, ...]
    coverage: tuple[Covering, ...]
    stands_for: tuple[str, ...]
    feeds: tuple[Presence, ...]
    problems: tuple[Problem, ...]


def explain(plan: Plan, asked: str) -> Explanation:
    """What there is to say of the article that `asked` names: a document's path, a URL or an id; as of the last run.

    Raises UnknownArticle, which says what is known instead, and StoreError where there was no run yet.
    """
    with consulted(plan) as (ledger, index, now):
        return _Case(plan, index, ledger, now).explain(_found(plan, index, ledger, asked))


def _found(plan: Plan, index: Index, ledger: Ledger, asked: str) -> str:
    """The key of the article that is asked for."""
    for path in (asked, *_inside(plan, asked)):
        if document := index.lookup.document(path):
            if document.article is None:
                told = "; ".join(map(str, document.problems)) or f"{path}: it doesn't open with front matter"
                raise UnknownArticle(f"this document makes no article: {told}")
            return document.article
    if key := index.lookup.of_id(asked):
        return key
    if spelled := _spelled(plan, asked):
        if key := index.lookup.of_url(spelled):
            return key
        if paths := index.lookup.claimants(spelled):
            raise UnknownArticle(
                f"{spelled} names no article: {len(paths)} documents with different titles claim it, {paths[0]} and"
                " others"
            )
    raise UnknownArticle(_unknown(plan, index, ledger, asked))


def _spelled(plan: Plan, asked: str) -> str:
    """The canonical form of what may be a URL, perhaps without its scheme; "" where it can't be one."""
    url = absolute(asked if "://" in asked else f"https://{asked}", "")
    return canonical(url, plan.tracking) if url else ""


def _inside(plan: Plan, asked: str) -> list[str]:
    """The paths that a file may have as a document of a source."""
    real = os.path.realpath(asked)
    roots = [(source.name, os.path.realpath(source.folder)) for source in plan.sources]
    return [f"{name}/{os.path.relpath(real, root)}" for name, root in roots if real.startswith(f"{root}{os.sep}")]


def _unknown(plan: Plan, index: Index, ledger: Ledger, asked: str) -> str:
    """What is known of something that names no article."""
    holdings = ledger.holdings([asked, *_inside(plan, asked)]).values()
    for id in (asked, *(holding.id for holding in holdings), *ledger.ids_of([_spelled(plan, asked)])):
        record = ledger.record(id)
        if not record:
            continue
        paths = ledger.paths_of(id)
        held = _held(ledger, paths)
        documents = ", ".join(f"{path} ({held[path]})" if path in held else path for path in paths) or "none"
        gone = f"was withdrawn on {record.withdrawn:%Y-%m-%d %H:%M}Z" if record.withdrawn else "was never withdrawn"
        return (
            f"{asked}: the id {id} was given for {record.key} on {record.first_seen:%Y-%m-%d}, {gone}, and is no"
            f" article's now; its documents: {documents}"
        )
    if os.path.exists(asked):  # noqa: PTH110  # may hold what no path can
        if inside := _inside(plan, asked):
            return f"{inside[0]}: not read yet, or not among the files that its source includes"
        names = ", ".join(source.name for source in plan.sources)
        return f"{asked} is in none of the sources ({names})"
    near = get_close_matches(asked, index.lookup.paths(), 1, 0.6)
    hint = f"perhaps {near[0]}?" if near else "name a document's path, a URL or an id"
    return f"{asked}: no such article; {hint}"


class _Case:
    """The article under question, with all that may be asked about it."""

    def __init__(self, plan: Plan, index: Index, ledger: Ledger, now: datetime) -> None:
        self.plan = plan
        self.index = index
        self.ledger = ledger
        self.now = now
        self.selector = Selector(plan, index, ledger, now)

    def explain(self, key: str) -> Explanation:
        mentions = self._mentions(key)
        counting, _ = timely(mentions, key, self.now)
        article = merge(counting, key)
        place = next(iter(self.index.placements.places([key])), None)
        ids = self.index.articles.ids([key])
        leads = [mention for mention in mentions if mention.place == 0]
        claims: dict[str, list[str]] = {}
        for url, path in self.index.lookup.claims(key):
            claims.setdefault(url, []).append(path)
        id = ids.get(key, "")
        paths = dict.fromkeys(lead.path for lead in leads)
        told = [document.problems for path in paths if (document := self.index.lookup.document(path))]
        told.append(tuple(refusal for refusal in refusals(self.index, self.ledger) if refusal.path in paths))
        return Explanation(
            key=key,
            title=article.title,
            link=article.link,
            id=id,
            why_id=self._why_id(id, key, leads, list(claims)) if id else "",
            other_ids=tuple(other for other in self.ledger.ids_of([key, *claims]) if other != id),
            entry=self._why_no_entry(leads, place),
            mentions=_tellings(counting, self.ledger),
            aliases=tuple(Alias(url, tuple(paths)) for url, paths in claims.items()),
            coverage=self._coverage(key),
            stands_for=tuple(self._mentions(member)[0].link for member in self._members(key)),
            feeds=self._feeds(article, place),
            problems=tuple(problem for problems in told for problem in problems),
        )

    def _mentions(self, key: str) -> list[Mention]:
        """In the order of trust."""
        return sorted(map(decode_mention, self.index.entries.mentions([key])[key]), key=trust)

    def _members(self, key: str) -> list[str]:
        return self.index.placements.members([key]).get(key, [])

    def _why_id(self, id: str, key: str, leads: Sequence[Mention], urls: Sequence[str]) -> str:
        if given := [lead.path for lead in leads if lead.id == id]:
            return f"given as `id` in {given[0]}"
        if id == mint(key, self.plan.site.host, lambda _: False):
            return "made from its key"
        record = self.ledger.record(id)
        if not record:
            return "not in the ledger yet"
        if record.key == key:
            return f"made from its key on {record.first_seen:%Y-%m-%d}; the ids before were taken"
        if record.key in urls:
            kept = "one of its URLs"
        elif holders := [path for path in self.ledger.paths_of(id) if any(lead.path == path for lead in leads)]:
            kept = f"the address that {holders[0]} had then"
        else:
            kept = "a URL that it had then"
        return f"given on {record.first_seen:%Y-%m-%d} for {record.key}, {kept}, and kept since"

    def _why_no_entry(self, leads: Sequence[Mention], place: Place | None) -> str:
        """Why the article is no entry at all; "" where it is one, or will be."""
        if removed := [lead.path for lead in leads if lead.removed]:
            return f"withdrawn: `removed` in {', '.join(removed)}"
        if leads and not leads[0].listed:
            return f"unpublished: `published: no` or a draft in {leads[0].path}, its most trusted document"
        if place is None:
            return f"coverage only: no document of its own, and feeds {self.plan.choice.related} related entries"
        if place.survivor:
            survivor = self._mentions(place.survivor)[0]
            return f"near-duplicate: {survivor.link} ({survivor.title}) stands for it"
        return "" if place.topics is not None else "no article that lists it is an entry, or it says that it is none"

    def _coverage(self, key: str) -> tuple[Covering, ...]:
        """Whatever is to be shown inside the entry, the best first, as it is shown there."""
        others = coverage_of(self.index, [key]).get(key, [])
        members = self._members(key)
        tellers = {
            mention.path for teller in (key, *members) for mention in self._mentions(teller) if not mention.place
        }
        listed = {
            other: [path for path in paths if path in tellers]
            for other, paths in self.index.lookup.links(others).items()
        }
        found = []
        for other in others:
            if other == key:
                continue
            mentions, _ = timely(self._mentions(other), other, self.now)
            article = merge(mentions, other)
            is_future = article.published and article.published > self.now
            shown = bool(article.title) and not article.removed and not is_future
            listed_by = tuple(listed.get(other, ()))
            found.append((article, Covering(article.title, article.link, listed_by, other in members, shown)))
        found.sort(key=lambda pair: merit(pair[0]))
        return tuple(covering for _, covering in found)

    def _feeds(self, article: Article, place: Place | None) -> tuple[Presence, ...]:
        """Where it is among all feeds that it belongs to, and why in no other that is made up."""
        topics = place.topics if place else None
        if topics is None:
            said = [(ALL, "", 0), *((fold_topic(name), name, 0) for name in article.topics)]
            topics = [Spot(*filed) for filed in self.plan.taxonomy.filed(said, 0)]
        names = {spot.topic: spot.name for spot in topics} | dict.fromkeys(self.plan.customs, "")
        return tuple(
            Presence(self._name(topic, name), *self._rank(topic, article, place), self._archive(topic, place))
            for topic, name in names.items()
        )

    def _name(self, topic: str, spelled: str) -> str:
        """What the feed of a topic goes by, or would."""
        return self.selector.name(topic) if topic == ALL or topic in self.selector.slugs else spelled

    def _rank(self, topic: str, article: Article, place: Place | None) -> tuple[int | None, str]:
        """The rank in a topic's feed, or None and why it isn't there."""
        if place is None or place.topics is None:
            return None, "no entry of any feed"
        custom = self.plan.customs.get(topic)
        if custom and custom.rhythm and (found := self._digested(custom, place.key)):
            return found
        rank = self.index.lookup.rank(topic, place.key, self.now)
        if rank is None and self._is_pruned(topic, place):
            return None, "pruned: its documents are gone, and it is kept for archives and as coverage"
        if rank is None:
            turns = [from_micros(spot.since) for spot in place.topics if spot.topic == topic]
            if coming := min((turn for turn in turns if turn > self.now), default=None):
                return None, f"future: held back until {coming:%Y-%m-%d %H:%M}Z"
            return None, self._unmet(custom, article, place) if custom else "no longer"
        if custom and custom.rhythm:
            last = self.ledger.digests.last(topic)
            if last is None or from_micros(place.published) >= last:
                return None, "in line for the next digest"
            return None, "in no digest: when that of its time was made it wasn't there, or others were better"
        choice = self.selector.window(topic)
        newest = self.index.entries.newest(topic, self.now, rank)
        kept = self.selector.entries(newest, choice)
        if place.key not in kept:
            coverage = self.index.entries.coverage(kept)
            shower = next((key for key in kept if place.key in coverage.get(key, ())), None)
            if shower and choice.related is Related.collapse:
                return None, f"collapsed: shown inside {self._mentions(shower)[0].link}"
            return None, f"one too many of {article.publisher}: a feed shows {choice.per_provider} of a provider"
        rank = kept.index(place.key) + 1
        why = ""
        if rank > choice.entries:
            late = self.selector.late(topic, choice, self.selector.newest(topic, choice))
            until = next((one.until for one in late if one.key == place.key), None)
            if not until:
                return None, f"beyond the window: {rank} of {choice.entries}"
            why = f"it came late: beyond the window, until {until:%Y-%m-%d %H:%M}Z"
        dirty = self.index.entries.is_dirty(topic)
        if self.ledger.feed(topic):
            return rank, "its files are yet to be written" if dirty else why
        if topic != ALL and choice.known is not None and topic not in choice.known:
            return None, "excluded: only known topics have feeds (`topics.only_known`)"
        if dirty:
            return None, "not written yet"
        return None, f"too few entries for a feed (`topics.minimum` is {choice.minimum})"

    def _is_pruned(self, topic: str, place: Place) -> bool:
        """Whether an article is no news any more in the feed of a topic, or in any."""
        ranks = {spot.topic: spot.rank for spot in place.topics or ()}
        return ranks.get(topic, ranks.get(ALL)) == KEPT

    def _unmet(self, custom: Custom, article: Article, place: Place) -> str:
        """Why it doesn't meet a feed's conditions now."""
        had = [(spot.topic, spot.since) for spot in place.topics or () if not kind_of(spot.topic)]
        facts = facts_at(article, had, self.plan.taxonomy.above, place.published, to_micros(self.now))
        return unmet(custom.where, facts)

    def _digested(self, custom: Custom, key: str) -> tuple[int | None, str] | None:
        """Its place in a digest that lists it; None where none does."""
        digests, _ = shown_digests(self.index, self.ledger, custom.topic, custom.entries, self.now)
        for digest in digests:
            if key in digest.keys:
                return digest.keys.index(key) + 1, f"in the digest of {digest.closed.name}"
        ids = self.index.articles.ids([key])
        name = next((name for topic, name in self.ledger.digests.of(ids[key]) if topic == custom.topic), None)
        return (None, f"in the digest of {name}, which isn't shown any more") if name else None

    def _archive(self, topic: str, place: Place | None) -> str:
        """The month of the feed's archive that has it; "" where none has."""
        if not place or not place.month or not self.ledger.feed(topic, place.month):
            return ""
        period = month_period(place.month, self.plan.site.timezone)
        return period.name if place.key in self.selector.archived(topic, period) else ""


def _tellings(mentions: Sequence[Mention], ledger: Ledger) -> tuple[Telling, ...]:
    held = _held(ledger, [mention.path for mention in mentions])
    gives: dict[tuple[str, int], list[str]] = {}
    for field, giver in givers(mentions).items():
        if field == "listed":
            continue  # told where it matters: why there is no entry
        gives.setdefault((giver.path, giver.place), []).append(field)
    for mention in mentions:
        for field in _MERGED:
            if getattr(mention, field) and (mention.place == 0 or mention.topics):
                gives.setdefault((mention.path, mention.place), []).append(field)
    return tuple(
        Telling(
            mention.path,
            mention.place,
            mention.title,
            mention.link,
            mention.quality,
            mention.published,
            tuple(gives.get((mention.path, mention.place), ())),
            held.get(mention.path, ""),
        )
        for mention in mentions
    )


def _held(ledger: Ledger, paths: Sequence[str]) -> dict[str, str]:
    """What there is to say of those of these documents that are gone, and that the guard holds or their source keeps,
    by path.
    """
    held: dict[str, str] = {}
    for path, since in ledger.held(paths).items():
        instant = f"{since:%Y-%m-%d %H:%M}Z" if since else "an earlier version's run"
        held[path] = f"held: it is gone since {instant}, and kept until it returns or --accept-deletions is given"
    for path, since in ledger.pruned.since(paths).items():
        held[path] = f"pruned: it is gone since {since:%Y-%m-%d %H:%M}Z, and kept in archives (`gone: keep`)"
    return held
