"""What every feed shows now: selected from index and ledger, into sheets that are ready for the press."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from functools import cached_property, partial
from typing import NamedTuple

from msgspec.structs import replace

from aggregator.feeds import (
    ALL,
    LATE,
    MOST,
    RECENT,
    SITE,
    Choice,
    Custom,
    Late,
    Period,
    Related,
    Selection,
    entries_of,
    kind_of,
    late_until,
    month_name,
    month_of,
    month_period,
    select,
)
from aggregator.model import ARCHIVED, STORY, Problem, Severity
from aggregator.pipeline.digesting import Digest, fix, shown_digests
from aggregator.pipeline.naming import feed_name
from aggregator.pipeline.plan import Plan
from aggregator.store import Index, Ledger, Part
from aggregator.text.slugs import fold_topic

_FEW = 500
"""Of how many arrivals each feed asks which are its own; of more, it asks which of its own articles are arrivals."""


class Sheet(NamedTuple):
    """A feed to be published, or an archive of it: its topic, and the archive's month (0: it is the feed itself).

    name: what the feed goes by; folder: where the files go; shown: the topic that it shows, and home, the folder of
    that one's feed, the same unless the topic has another name by now; formats: what it is written as; spelled: the
    topic as spelled; previous: the month of the archive before it (0: there is none); digests: what its entries are
    made of (None: they are stories, and it is no digest).
    """

    topic: str
    month: int
    name: str
    folder: str
    shown: str
    home: str
    formats: tuple[str, ...]
    spelled: str
    selection: Selection
    previous: int = 0
    digests: tuple[Digest, ...] | None = None

    @property
    def part(self) -> Part:
        return self.topic, self.month


class Selector:
    """Selects feeds at an instant."""

    def __init__(self, plan: Plan, index: Index, ledger: Ledger, now: datetime) -> None:
        self.plan = plan
        self.index = index
        self.ledger = ledger
        self.now = now
        self.slugs = ledger.slugs()
        self.problems: list[Problem] = []

    def waiting(self) -> dict[str, dict[int, bool]]:
        """The parts of feeds that are dirty or due, by topic and month, and whether nothing has come to them; where a
        topic had a feed under another name, that address keeps serving, as long as its own one does.
        """
        found: dict[str, dict[int, bool]] = {}
        for named, month, same in self.index.entries.waiting(self.now):
            topic = self.plan.taxonomy.former.get(named, named)
            for name in (topic, *self._former(topic)):
                months = found.setdefault(name, {})
                months[month] = same and months.get(month, True)
        return dict(sorted(found.items()))

    def names(self, topic: str) -> list[str]:
        """What the feed of a topic goes by, under all names that it is out under."""
        shown = self.plan.taxonomy.former.get(topic, topic)
        return [self.name(one) for one in (shown, *self._former(shown))]

    def _former(self, topic: str) -> list[str]:
        """The other names of a topic under which its feed is out."""
        return [alias for alias in self.plan.taxonomy.aliases(topic) if self.ledger.feed(alias)]

    def name(self, topic: str) -> str:
        """What the feed of a topic goes by; "" for the files of the site as a whole."""
        return feed_name(topic, self.slugs) if topic != SITE else ""

    def sheets(self, topic: str, months: Mapping[int, bool]) -> list[Sheet]:
        """The sheets of a feed: of these months' archives, the oldest first, and of all that they make change, then of
        the feed itself; but those to which nothing has come, and which are there already, come last: what left them may
        have come to another one, and is missed nowhere if it is there first.
        """
        shown = self.plan.taxonomy.former.get(topic, topic)
        feed = self._feed(topic, shown)
        published = self.ledger.archives_of(topic)
        wanted = set(months)
        if feed.selection.keys is None or not self.plan.choice_of(shown).archives:
            wanted.update(published)
            return [*(self._over(feed, month, self._end(month)) for month in sorted(wanted) if month), feed]
        if not self.ledger.feed(topic):
            wanted.update(self._history(shown))
        sheets: list[Sheet] = []
        left = wanted - {0}
        while left:
            month = min(left)
            sheet = self._archive(feed, month)
            sheets.append(sheet)
            if (sheet.selection.keys is not None) != (month in published):  # what follows has another one before it
                following = self._month_after(shown, month)
                left |= {following} - wanted - {0}
                wanted.add(following)
            left.remove(month)
        self.index.entries.mark_parts_dirty((topic, month) for month in sorted(wanted))
        if 0 in wanted:
            sheets.append(feed)
        return sorted(sheets, key=lambda sheet: sheet.month in published and months.get(sheet.month, False))

    def want(self, sheet: Sheet) -> None:
        """Note what has to be rendered for a sheet."""
        self.index.entries.want(sheet.selection.keys or (), sheet.formats if sheet.digests is None else (STORY,))

    # The feed itself

    def _feed(self, topic: str, shown: str) -> Sheet:
        """The sheet of a feed. One that is out under another name of its topic is out."""
        plan, index, now = self.plan, self.index, self.now
        name, home = feed_name(topic, self.slugs), plan.folder(feed_name(shown, self.slugs))
        out = next(filter(None, map(self.ledger.feed, (shown, *plan.taxonomy.aliases(shown)))), None)
        custom = plan.customs.get(shown)
        sheet = Sheet(
            topic,
            0,
            name,
            plan.folder(name),
            shown,
            home,
            plan.formats_of(shown),
            self._spelled(shown, out.spelled if out else ""),
            Selection(None, None, None),
        )
        if custom:
            self.problems += self._unknown(name, custom)
        choice = self.window(shown)
        if custom and custom.rhythm:
            return self._digest(sheet, custom, choice, out.lapsed if out else None)
        newest = self.newest(shown, choice)
        lacking = choice.minimum - len(newest) if choice.archives else 0
        selection = select(
            shown,
            newest,
            index.entries.following(shown, now),
            out is not None,
            out.lapsed if out else None,
            choice,
            now,
            self.late(shown, choice, newest),
            index.entries.only_archived(shown, now, lacking) if lacking > 0 else 0,
        )
        previous = 0
        if choice.archives:
            open_now = self._open()
            previous = self._month_before(shown, open_now.start)
            due = min(filter(None, (selection.due, open_now.end)))
            selection = Selection(selection.keys, selection.lapsed, due)
        return sheet._replace(selection=selection, previous=previous)

    def _unknown(self, name: str, custom: Custom) -> Iterator[Problem]:
        """What a feed asks for that no article has: perhaps a slip."""
        for what in ("topics", "category", "provider", "type", "language"):
            asked = {one for condition in custom.where for one in getattr(condition, what)}
            known: dict[str, str] = {}
            if asked and what == "topics":
                known = {topic: topic for topic in (*self.slugs, *self.plan.taxonomy.topics) if not kind_of(topic)}
            elif asked:
                known = {fold_topic(said): said for said in self.index.entries.said(what)}
            if what == "language":
                known |= {said.partition("-")[0]: said for said in known}
            for one in sorted(asked):
                if fold_topic(one) in known or (what == "provider" and "." in one):  # it may be a domain
                    continue
                near = next(iter(get_close_matches(fold_topic(one), known, 1)), "")
                spelled = self._spelled(near, near) if what == "topics" else known.get(near)
                hint = f"; did you mean `{spelled}`?" if near else ""
                message = f"no article has `{one}` as `{what}`{hint}"
                yield Problem(name, 0, 0, Severity.warning, message)

    def _spelled(self, topic: str, before: str) -> str:
        """How a feed spells its topic; as before, where nothing says how."""
        if custom := self.plan.customs.get(topic):
            return custom.title
        shown = self.index.entries.spelling(topic, self.now) if topic != ALL else ""
        return self.plan.taxonomy.name(topic) or shown or before

    def window(self, topic: str) -> Choice:
        """What the configuration says of a feed; with archives, it shows all of the month that isn't over, too."""
        choice = self.plan.choice_of(topic)
        if not choice.archives:
            return choice
        count = self.index.entries.count_from(topic, self._open().start, self.now)
        if count > max(choice.entries, MOST):
            name = feed_name(topic, self.slugs)
            message = (
                f"{count} entries this month, of which it shows the newest {max(choice.entries, MOST)}; the others come"
                " with the month's archive, when it is over"
            )
            self.problems.append(Problem(name, 0, 0, Severity.warning, message))
        return replace(choice, entries=max(choice.entries, min(count, MOST)))

    def newest(self, topic: str, choice: Choice) -> list[str]:
        """The keys of the stories that decide on a feed, in order: what it shows are the first of them."""
        reach = limit = choice.reach
        newest = self.index.entries.newest(topic, self.now, reach)
        while len(kept := self.entries(newest, choice)) < reach and len(newest) == limit:
            limit *= 2
            newest = self.index.entries.newest(topic, self.now, limit)
        return kept[:reach]

    def late(self, topic: str, choice: Choice, newest: Sequence[str]) -> list[Late]:
        """What a feed shows beyond its window, whose stories are the first of `newest`: recent articles that were seen
        too late for it, so that no subscriber misses them.
        """
        window = newest[: choice.entries]
        if choice.complete or len(window) < choice.entries:
            return []
        room = max(0, MOST - len(window))
        found: dict[str, Late] = {}
        kept: list[Late] = []
        for some in self._arrived(topic):
            found |= {late.key: late for late in some if late.key not in window}
            kept = [found[key] for key in self.entries([*window, *found], choice) if key in found]
            if len(kept) >= room:
                break
        return kept[:room]

    def _arrived(self, topic: str) -> Iterator[list[Late]]:
        """A topic's recent articles that were seen in the last two days, and after the topic was; some at a time, the
        newest first, then by key.
        """
        since = max(self.now - LATE, self.ledger.met(topic))
        recent = self.now - RECENT
        if len(self._arrivals) <= _FEW:
            ids = [id for id, seen in self._arrivals.items() if seen > since]
            if articles := self.index.entries.among(topic, ids, recent, self.now) if ids else []:
                yield [Late(key, late_until(self._arrivals[id], published)) for key, id, published in articles]
            return
        last = None
        while articles := self.index.entries.recent(topic, recent, self.now, last, _FEW):
            seen = self.ledger.first_seen([id for _, id, _ in articles], since)
            yield [Late(key, late_until(seen[id], published)) for key, id, published in articles if id in seen]
            last = articles[-1][0], articles[-1][2]

    @cached_property
    def _arrivals(self) -> dict[str, datetime]:
        """When articles were first seen in the last two days; more than `_FEW` of them only where there are more."""
        return self.ledger.arrivals(self.now - LATE, _FEW + 1)

    def entries(self, stories: list[str], choice: Choice) -> list[str]:
        """Those of a feed's stories that are entries."""
        collapses = choice.related is Related.collapse
        if not collapses and not choice.per_provider:
            return stories
        index = self.index
        return entries_of(
            stories,
            index.entries.coverage(stories) if collapses else {},
            index.placements.members(stories) if collapses and self.plan.alike else {},
            self._providers(stories) if choice.per_provider else {},
            choice.per_provider,
        )

    def _providers(self, stories: list[str]) -> dict[str, str]:
        return {key: fold_topic(name) for key, name in self.index.entries.providers(stories).items()}

    def _digest(self, sheet: Sheet, custom: Custom, choice: Choice, lapsed: datetime | None) -> Sheet:
        due = fix(self.plan, self.index, self.ledger, custom, partial(self.entries, choice=choice), self.now)
        digests, coming = shown_digests(self.index, self.ledger, custom.topic, choice.entries, self.now)
        due = min(filter(None, (due, coming)))
        keys = tuple(dict.fromkeys(key for digest in digests for key in digest.keys))
        selection = Selection(keys, None if keys else lapsed or self.now, due)
        return sheet._replace(selection=selection, digests=digests)

    # Its archives

    def _archive(self, feed: Sheet, month: int) -> Sheet:
        """The sheet of a feed's archive; that of a month that isn't over, or has no entries, is none."""
        if end := self._end(month):
            return self._over(feed, month, end)
        period = month_period(month, self.plan.site.timezone)
        keys = tuple(self.archived(feed.shown, period))
        due = self.index.entries.turn_between(feed.shown, period.start, period.end, self.now)
        if not keys:
            return self._over(feed, month, due)
        previous = self._month_before(feed.shown, period.start)
        return self._over(feed, month)._replace(selection=Selection(keys, None, due), previous=previous)

    def archived(self, topic: str, period: Period) -> list[str]:
        """The keys of what the archive of a month has. Each is collapsed by itself, and has any number of a provider's:
        it is all there was in that month.
        """
        stories = self.index.entries.between(topic, period.start, period.end, self.now)
        return self.entries(stories, replace(self.plan.choice_of(topic), per_provider=0))

    def _over(self, feed: Sheet, month: int, due: datetime | None = None) -> Sheet:
        """The sheet of an archive that isn't to be published."""
        return feed._replace(
            month=month,
            folder=f"{feed.folder}/archive/{month_name(month)}",
            formats=tuple(format for format in feed.formats if format in ARCHIVED),
            selection=Selection(None, None, due),
            previous=0,
        )

    def _end(self, month: int) -> datetime | None:
        """When a month will be over; None: it is."""
        end = month_period(month, self.plan.site.timezone).end
        return end if end > self.now else None

    def _open(self) -> Period:
        """The month that isn't over."""
        timezone = self.plan.site.timezone
        return month_period(month_of(self.now, timezone), timezone)

    def _month_before(self, topic: str, instant: datetime) -> int:
        """The month of the newest archive of what was published before an instant; 0: there is none."""
        published = self.index.entries.last_before(topic, instant, self.now)
        return month_of(published, self.plan.site.timezone) if published else 0

    def _month_after(self, topic: str, month: int) -> int:
        """The month of the archive that follows this month's; 0: it is the feed itself."""
        timezone = self.plan.site.timezone
        published = self.index.entries.first_from(topic, month_period(month, timezone).end, self.now)
        if not published or published >= self._open().start:
            return 0
        return month_of(published, timezone)

    def _history(self, topic: str) -> Iterable[int]:
        """All months over of which a feed has entries."""
        instant = self._open().start
        while month := self._month_before(topic, instant):
            yield month
            instant = month_period(month, self.plan.site.timezone).start
