"""Digests: feeds whose entries list the best stories of a day or a week, chosen once, when that is over."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from aggregator.feeds import Custom, Order, Period, Rhythm, day_of, week_of
from aggregator.merge import merge, mint
from aggregator.model import Article, Entry, Story
from aggregator.pipeline.plan import Plan
from aggregator.store import Closed, Index, Ledger, chunks, decode_mention

_SOME = 500
_PERIODS: dict[Rhythm, Callable[[datetime, str], Period]] = {Rhythm.daily: day_of, Rhythm.weekly: week_of}


class Digest(NamedTuple):
    """A period that is over, and the keys of its stories that there are still, the best first."""

    closed: Closed
    keys: tuple[str, ...]


def fix(
    plan: Plan,
    index: Index,
    ledger: Ledger,
    custom: Custom,
    entries: Callable[[list[str]], list[str]],
    now: datetime,
) -> datetime:
    """Choose for ever what a digest lists of each period that is over by now; returns when the next one is.

    At first these are the last periods that have stories, as many as the feed shows; entries: gives those of a feed's
    stories that are entries.
    """
    timezone = plan.site.timezone
    period_of = _PERIODS[custom.rhythm or Rhythm.daily]
    last = ledger.digests.last(custom.topic)
    periods: list[Period] = []
    if last is None:
        instant = period_of(now, timezone).start
        while len(periods) < custom.entries and (published := index.entries.last_before(custom.topic, instant, now)):
            periods.insert(0, period_of(published, timezone))
            instant = periods[0].start
        before = period_of(period_of(now, timezone).start - timedelta(microseconds=1), timezone)
        if before not in periods:  # it had no story, and won't
            periods.append(before)
        last = periods[0].start
    else:
        period = period_of(last, timezone)
        while period.end <= now:
            periods.append(period)
            period = period_of(period.end, timezone)
    for period in periods:
        if period.start < last and ledger.digests.has_period(custom.topic, period.name):
            continue  # it ended earlier, in another time zone; what was left of it is part of the next one
        keys = index.entries.between(custom.topic, last, period.end, now)
        last = period.end
        best = entries(_ranked(index, custom.order, keys))[: custom.stories]
        ids = index.articles.ids(best)
        key = f"{custom.topic}/{period.name}".strip()
        id = mint(key, plan.site.host, ledger.digests.has)
        ledger.digests.close(custom.topic, period.end, period.name, id, [ids[key] for key in best])
        ledger.reach(now)
    return period_of(now, timezone).end


def _ranked(index: Index, order: Order, keys: list[str]) -> list[str]:
    """The stories in this order; those of one rank as they are."""
    if order is Order.date:
        return keys
    ranks: dict[str, int] = {}
    for some in chunks(keys, _SOME):
        for key, said in index.entries.mentions(some).items():
            ranks[key] = order.rank(merge(map(decode_mention, said), key))
    return sorted(keys, key=ranks.__getitem__)


def shown_digests(
    index: Index, ledger: Ledger, topic: str, limit: int, now: datetime
) -> tuple[tuple[Digest, ...], datetime | None]:
    """The last digests of a feed that have stories still, the newest first, at most so many; and when one of their
    stories comes back that is to come.
    """
    found: list[Digest] = []
    coming: list[datetime] = []
    for closed in ledger.digests.closed(topic, now):
        keys = index.entries.keys_of(closed.members, now)
        if back := index.entries.first_coming(closed.members, now):
            coming.append(back)
        if shown := tuple(keys[id] for id in closed.members if id in keys):
            found.append(Digest(closed, shown))
            if len(found) == limit:
                break
    return tuple(found), min(coming, default=None)


def entry_of(digest: Digest, title: str, page: str, stories: list[bytes], updated: datetime) -> Entry:
    """A digest as an entry of its feed.

    title, page: the feed's, and where people read it; stories: as rendered; updated: the newest update of them.
    """
    closed = digest.closed
    text = Article(
        key=closed.id,
        link=f"{page}#{closed.id.rpartition(':')[2]}",
        title=f"{title}: {closed.name}",
        body=b"".join(stories).decode(),
    )
    return Entry(closed.id, closed.until, max(closed.updated, updated), Story(text), whole=True)
