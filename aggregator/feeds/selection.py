"""Which stories a feed shows, whether it is published at all, and when that next changes by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from zlib import crc32

import msgspec

from aggregator.model import EPOCH, Shown
from aggregator.text.dates import local, zone_named

ALL = ""
"""The topic of the feed of everything."""

SITE = " "
"""What the files of the site as a whole go by among topics, none of which has a space in its folded name."""

LATE = timedelta(hours=48)
"""How long an article that comes late is shown beyond the window, since it was first seen: readers poll by then."""

RECENT = timedelta(days=7)
"""How long ago it may have been published: an older one is history."""

MOST = 500
"""How many entries a feed shows at most, with those that came late and the month's, unless its window is greater."""

GRACE = timedelta(minutes=10)
"""How long an entry must have been withdrawn until its feeds tell: a branch is switched and switched back in less."""

TOLD = timedelta(days=90)
"""How long they tell it, to readers that poll ever so seldom."""

MOST_TOLD = 100
"""How many withdrawn entries a feed tells of at most."""

DAYS = 30
"""How many days are counted of what a feed shows."""


class Related(StrEnum):
    """What related entries mean to feeds: `attach`, inside the entry of the document that lists them; `expand`, also
    entries of their own, with its topics; `collapse`, and an article that an earlier entry shows is no entry.
    """

    attach = "attach"
    expand = "expand"
    collapse = "collapse"


class Choice(msgspec.Struct, frozen=True):
    """What the configuration says of a feed, or of all.

    entries: how many it shows; minimum: how many it needs to be published; keep: how long it stays when it no longer
    qualifies; known: the folded topics that may have a feed (None: any); per_provider: how many it shows of one
    provider (0: any number); archives: whether it has them; always: it is published whatever it shows; complete: what
    it doesn't show is over, so that nothing of it is late or archived.
    """

    entries: int
    minimum: int
    keep: timedelta
    known: frozenset[str] | None = None
    related: Related = Related.attach
    per_provider: int = 0
    archives: bool = False
    always: bool = False
    complete: bool = False

    @property
    def reach(self) -> int:
        """How many of the newest stories decide on a feed."""
        return max(self.entries, self.minimum)


class Selection(msgspec.Struct, frozen=True):
    """A feed's entries by key, in order; None: the feed is not published.

    `lapsed` is since when it doesn't qualify (None: it does); `due` the instant at which it next changes by
    itself (None: never).
    """

    keys: tuple[str, ...] | None
    lapsed: datetime | None
    due: datetime | None


class Late(msgspec.Struct, frozen=True):
    """An article that was seen long after it was published: its key, and until when it is shown beyond the window."""

    key: str
    until: datetime


def late_until(seen: datetime, published: datetime) -> datetime:
    """Until when an article counts as a late arrival, of which one knows when it was first seen, and when published."""
    return min(seen + LATE, published + RECENT)


def entries_of(
    stories: Iterable[str],
    coverage: Mapping[str, Iterable[str]],
    members: Mapping[str, Iterable[str]],
    providers: Mapping[str, str],
    per_provider: int,
) -> list[str]:
    """Those of a feed's stories that are entries, in its order: without those that an earlier entry shows as coverage
    (one hop), and those of a provider that has so many already.

    A story left out hides nothing itself, so one that stands for near-duplicates stays unless they are shown too.
    `coverage`: the keys of each story's; `members`: those of its near-duplicates; `providers`: who published it.
    """
    kept, shown = [], set[str]()
    counts = Counter[str]()
    for key in stories:
        provider = providers.get(key, "")
        full = per_provider and provider and counts[provider] == per_provider
        if full or shown.issuperset((key, *members.get(key, ()))):
            continue
        kept.append(key)
        shown.update(coverage.get(key, ()))
        counts[provider] += 1
    return kept


def select(
    topic: str,
    newest: Sequence[str],
    following: datetime | None,
    published: bool,
    lapsed: datetime | None,
    choice: Choice,
    now: datetime,
    late: Sequence[Late] = (),
    archived: int = 0,
) -> Selection:
    """What the feed of `topic` shows at `now`.

    newest: keys of its visible stories, newest first, then by key, `choice.reach` of them; following: when the
    next story held back becomes visible; published: whether the feed is out there already; lapsed: since when it
    doesn't qualify; late: those that are shown beyond the window for a while, in order; archived: how many stories only
    its archives have, which count for its minimum. A feed that is out and stops
    qualifying stays for `choice.keep`, with what it still has: its subscribers must not meet an error.
    """
    keys = (*newest[: choice.entries], *(one.key for one in late))
    following = min(filter(None, (following, *(one.until for one in late))), default=None)
    if choice.always:
        return Selection(keys, None if keys else lapsed or now, following)
    if len(newest) + archived >= choice.minimum and (choice.known is None or topic in choice.known):
        return Selection(keys, None, following)
    if not published:
        return Selection(None, None, following)
    lapsed = lapsed or now
    end = lapsed + choice.keep
    if now >= end:
        return Selection(None, None, following)
    return Selection(keys, lapsed, min(following, end) if following else end)


def members_of(ids: Iterable[str]) -> tuple[int, ...]:
    """What a feed's entries are known by: checksums of their ids, sorted."""
    return tuple(sorted({crc32(id.encode()) for id in ids}))


def brings_new(before: Shown, members: Iterable[int]) -> bool:
    """Whether a feed that showed `before` has an entry among `members` that it didn't have; no, where nobody knows."""
    is_known = before.members or (not before.entries and before.updated > EPOCH)
    return bool(is_known) and not set(before.members).issuperset(members)


def shown(published: Sequence[datetime], updated: datetime, timezone: str, members: tuple[int, ...] = ()) -> Shown:
    """What a feed shows: when each of its entries was published, the newest first, when it was updated, and its
    members.

    Days begin in the time zone. They end with the newest entry's, for with today's the bytes would follow the clock.
    """
    if not published:
        return Shown(updated)
    zone = zone_named(timezone)
    days = [local(instant, zone).date() for instant in published]
    ages = Counter((days[0] - day).days for day in days)
    return Shown(updated, len(published), published[0], tuple(ages[age] for age in reversed(range(DAYS))), members)
