"""Every timed thing, by APScheduler: a timer only asks for its work, so it may ring twice or late without harm."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import TYPE_CHECKING, Any

from aggregator.text.dates import zone_named

if TYPE_CHECKING:
    from apscheduler.events import JobEvent
    from apscheduler.schedulers.background import BackgroundScheduler
    from apscheduler.triggers.base import BaseTrigger

_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_SOME_DAY = datetime(2000, 1, 1, tzinfo=UTC)
_MOMENT, _MINUTE = timedelta(microseconds=1), timedelta(minutes=1)
# Longer than any change of clocks: Samoa left out a whole day (2011).
_LONGEST_CHANGE = timedelta(hours=25)


class Timers:
    """Timers by name, each of which calls `ring` with its name, in a thread of its own, when it is time.

    What was missed, because the machine slept or the process was busy, rings once, however late (APScheduler drops
    what is a second late unless told otherwise). The clock is UTC; `reset` is for when it was set. `start` and `stop`
    are called once.
    """

    def __init__(self, ring: Callable[[str], None]) -> None:
        self._ring = ring
        self._lock = threading.Lock()
        self._trouble = ""
        self._periods: dict[str, timedelta] = {}
        self._scheduler = self._made()

    def _made(self) -> BackgroundScheduler:
        from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED
        from apscheduler.executors.pool import ThreadPoolExecutor
        from apscheduler.schedulers.background import BackgroundScheduler

        scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        scheduler.add_listener(self._note, EVENT_JOB_ERROR | EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES)
        return scheduler

    def start(self) -> None:
        """Begin to ring."""
        self._scheduler.start()

    def stop(self) -> None:
        """Ring no more."""
        # Stopped amid its look at the jobs, APScheduler's thread fails: it is paused, and that look waited for.
        self._scheduler.pause()
        self._scheduler.get_jobs()
        self._scheduler.shutdown(wait=False)

    def every(self, name: str, period: timedelta) -> None:
        """Ring again and again, the first time after one period."""
        self._periods[name] = period
        self._set(name, "interval", seconds=period.total_seconds())

    def at(self, name: str, instant: datetime | None) -> None:
        """Ring once, at this instant in place of another one (None: never)."""
        if instant is None:
            self.drop(name)
        else:
            self._set(name, "date", run_date=instant)

    def cron(self, name: str, expression: str, zone: str) -> None:
        """Ring at the instants that `crontab` tells."""
        self._set(name, crontab(expression, zone))

    def drop(self, name: str) -> None:
        """Forget a timer, if there is one of this name."""
        from apscheduler.jobstores.base import JobLookupError

        try:
            self._scheduler.remove_job(name)
        except JobLookupError:
            return

    def clear(self) -> None:
        """Forget all timers."""
        self._periods.clear()
        self._scheduler.remove_all_jobs()

    def reset(self) -> None:
        """Reckon anew from the time it is now: after the clock was set back, intervals would wait for the old time."""
        for name, period in self._periods.items():
            self.every(name, period)
        for job in self._scheduler.get_jobs():
            if job.id not in self._periods and not hasattr(job.trigger, "run_date"):
                job.reschedule(job.trigger)
        self._scheduler.wakeup()

    def upcoming(self) -> list[tuple[str, datetime]]:
        """What rings next, as (name, instant), in the order of time."""
        jobs = [(job.id, job.next_run_time) for job in self._scheduler.get_jobs()]
        return sorted(((name, at.astimezone(UTC)) for name, at in jobs if at), key=lambda item: (item[1], item[0]))

    @property
    def trouble(self) -> str:
        """What went wrong with a timer since this was last asked; empty: nothing."""
        with self._lock:
            trouble, self._trouble = self._trouble, ""
        return trouble

    def _set(self, name: str, trigger: str | BaseTrigger, **options: Any) -> None:
        self._scheduler.add_job(self._ring, trigger, args=(name,), id=name, replace_existing=True, **options)

    def _note(self, event: JobEvent) -> None:
        exception = getattr(event, "exception", None)
        with self._lock:
            self._trouble = f"the timer {event.job_id} failed: {exception or 'it was missed, or is still ringing'}"


def crontab(expression: str, zone: str) -> BaseTrigger:
    """The instants that five fields name, as crontab(5) has them, in the days and hours of the time zone `zone`.

    Sunday is 0 or 7, and where both a day of the month and a day of the week are named, either will do. An hour that
    a day doesn't have counts from the hour before it; one that a day has twice counts twice. Raises ValueError with
    what was expected.
    """
    from apscheduler.triggers.combining import OrTrigger
    from apscheduler.triggers.cron import CronTrigger

    fields = expression.split()
    if len(fields) != 5:
        raise ValueError("five fields, for minute, hour, day, month and weekday, such as `0 7 * * mon-fri`")
    minute, hour, day, month, weekday = fields
    choices = (
        [(day, "*"), ("*", _weekdays(weekday))] if "*" not in (day[0], weekday[0]) else [(day, _weekdays(weekday))]
    )
    triggers = []
    for days, weekdays in choices:
        try:
            trigger = CronTrigger(None, month, days, None, weekdays, hour, minute, timezone=UTC)
        except ValueError as error:
            raise ValueError(f"five fields as in crontab(5); {_first_lower(error)}") from None
        triggers.append(trigger)
    if not any(trigger.get_next_fire_time(None, _SOME_DAY) for trigger in triggers):
        raise ValueError("a day that comes; no month has this one")
    return _in_zone(triggers[0] if len(triggers) == 1 else OrTrigger(triggers), zone)


def rang(expression: str, zone: str, since: datetime, now: datetime) -> bool:
    """Whether one of the instants that `crontab` tells has come after `since`, by `now`."""
    following = crontab(expression, zone).get_next_fire_time(None, since + _MOMENT)
    return following is not None and following <= now


def _in_zone(clock: BaseTrigger, zone: str) -> BaseTrigger:
    """A trigger that fires when clocks in a time zone show the times that `clock` fires at in UTC.

    APScheduler's own reckoning in a time zone passes over the first hour after a change of clocks (3.11.3).
    """
    from apscheduler.triggers.base import BaseTrigger

    there = zone_named(zone)

    class ZonedTrigger(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
        def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
            """The first instant from now on, or before it one after the previous one; None: there is none."""
            since = now.astimezone(UTC)
            if previous_fire_time:
                previous = previous_fire_time.astimezone(UTC)
                since = since + _MOMENT if since == previous else min(since, previous + _MOMENT)
            following = _following(clock, there, since)
            # With the zone itself, an instant of an hour that comes twice equals none in another zone (PEP 495).
            return following and following.astimezone(timezone(_offset(following, there)))

    return ZonedTrigger()


def _following(clock: BaseTrigger, zone: tzinfo, since: datetime) -> datetime | None:
    """The first instant from `since` on at which clocks in the zone show a time of `clock`'s; None: there is none."""
    found: datetime | None = None
    shown = since + _least_offset(since, zone)
    while (shown := clock.get_next_fire_time(None, shown)) is not None:
        first, second = _instants(shown, zone)
        if found and found <= min(first, second):
            return found
        # Of a time that is left out, only the first is meant: reckoned from the hour before.
        coming = [instant for instant in (first, max(first, second)) if instant >= since]
        found = min([*coming, *filter(None, [found])], default=None)
        if found and first == second:
            return found
        shown += _MINUTE
    return found


def _instants(shown: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    """When clocks in the zone show a time (given in UTC), as they were set before a change that it is in, and after.

    These are the same but where the time comes twice, and the second is later; and where it is left out, and it isn't.
    """
    before, after = (shown.replace(tzinfo=zone, fold=fold) for fold in (0, 1))  # PEP 495
    return before.astimezone(UTC), after.astimezone(UTC)


def _least_offset(since: datetime, zone: tzinfo) -> timedelta:
    """The least offset by which a time that is still to come may be meant.

    It is the zone's, but within so long of a change of clocks as that is great.
    """
    least = offset = _offset(since, zone)
    for far in (-_LONGEST_CHANGE, _LONGEST_CHANGE):
        change = offset - _offset(since + far, zone)
        if change > timedelta(0):
            near = change if far > timedelta(0) else -change
            least = min(least, _offset(since + near, zone))
    return least


def _offset(instant: datetime, zone: tzinfo) -> timedelta:
    return instant.astimezone(zone).utcoffset() or timedelta(0)


def _weekdays(field: str) -> str:
    """The days of the week by name: APScheduler counts them from Monday, crontab(5) from Sunday."""
    if field == "*":
        return field
    found: set[int] = set()
    for part in field.lower().split(","):
        span, _, step = part.partition("/")
        first, _, last = ("0-6" if span == "*" else span).partition("-")
        try:
            start, end = _weekday(first), _weekday(last or ("6" if step else first))
            stride = int(step or 1)
        except ValueError:
            stride = 0
        if stride < 1 or start > end:
            raise ValueError(f"a weekday from 0 (Sunday) to 7, or `mon` to `sun`; `{part}` is none")
        found.update(number % 7 for number in range(start, end + 1, stride))
    return ",".join(_DAYS[number] for number in sorted(found))


def _weekday(written: str) -> int:
    number = _DAYS.index(written) if written in _DAYS else int(written)
    if not 0 <= number <= 7:
        raise ValueError
    return number


def _first_lower(error: ValueError) -> str:
    text = str(error)
    return text[:1].lower() + text[1:]
