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
    calendar = _calendar(custom, plan.site.timezone)
    last = ledger.digests.last(custom.topic)
    if last is None:
        periods = _first(index, custom, calendar, now)
        last = periods[0].start
    else:
        periods = _further(index, ledger, custom.topic, calendar, last, now)
    for period in periods:
        keys = index.entries.between(custom.topic, last, period.end, now)
        last = period.end
        best = entries(_ranked(index, custom.order, keys))[: custom.stories]
        ids = index.articles.ids(best)
        key = f"{custom.topic}/{period.name}".strip()
        id = mint(key, plan.site.host, ledger.digests.has)
        ledger.digests.close(custom.topic, period.end, period.name, id, [ids[key] for key in best])
        ledger.reach(now)
    return calendar(now).end


def _calendar(custom: Custom, timezone: str) -> Callable[[datetime], Period]:
    """A function that gives the period of a digest that an instant is in."""
    period_of = _PERIODS[custom.rhythm or Rhythm.daily]
    return lambda instant: period_of(instant, timezone)


def _first(index: Index, custom: Custom, calendar: Callable[[datetime], Period], now: datetime) -> list[Period]:
    """The last periods that have stories, as many as the feed shows, and the last one that is over."""
    periods: list[Period] = []
    instant = calendar(now).start
    while len(periods) < custom.entries and (published := index.entries.last_before(custom.topic, instant, now)):
        periods.insert(0, calendar(published))
        instant = periods[0].start
    before = _last_over(calendar, now)
    if before not in periods:  # it had no story, and won't
        periods.append(before)
    return periods


def _further(
    index: Index, ledger: Ledger, topic: str, calendar: Callable[[datetime], Period], last: datetime, now: datetime
) -> list[Period]:
    """The periods from `last` on that have stories, and the last one that is over: of those between, which may be
    millions after a wrong clock, nobody would ever see anything.
    """
    period = calendar(last)
    if period.start < last and ledger.digests.has_period(topic, period.name):
        # It ended earlier, in another time zone; what was left of it is part of the next one.
        period = calendar(period.end)
    over = _last_over(calendar, now)
    periods: list[Period] = []
    instant = last
    while period <= over:
        published = index.entries.first_from(topic, instant, now)
        if not published or published >= over.end:
            periods.append(over)  # it has no story, and won't
            break
        period = max(period, calendar(published))
        periods.append(period)
        instant = period.end
        period = calendar(instant)
    return periods


def _last_over(calendar: Callable[[datetime], Period], now: datetime) -> Period:
    """The last period that is over by now."""
    return calendar(calendar(now).start - timedelta(microseconds=1))


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
