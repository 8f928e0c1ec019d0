"""Telling hubs and hooks what has been published: each in a thread of its own, so that none delays anything."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from aggregator import hooks, websub
from aggregator.config import Config
from aggregator.errors import HookFailed, HubFailed
from aggregator.pipeline import HOOK, News, Session
from aggregator.text.plain import printable

_PATIENCE = 20.0  # seconds for a hub to take what it is told


class Told(NamedTuple):
    """What came of telling somebody: `last` is the last of the news that they have (None: they have none), `trouble`
    what went wrong ("": nothing). `wait`: the seconds until it is worth trying again (None: never; what is left is
    dropped).
    """

    name: str
    last: News | None
    trouble: str
    wait: float | None


class Teller(NamedTuple):
    """A hub or hook, and what tells it news; it raises HubFailed or HookFailed."""

    name: str
    tell: Callable[[Sequence[News]], None]


def tellers(config: Config) -> list[Teller]:
    """All that the configuration names."""
    found = [_hub(hub, config.site.url) for hub in config.websub.hubs]
    if config.hooks.published:
        found.append(_hook(config))
    return found


def told(teller: Teller, news: Sequence[News], failures: int) -> Told:
    """Tell somebody, who failed that often in a row before, and say what came of it."""
    try:
        teller.tell(news)
    except HubFailed as error:
        done = [one for one in news if one.outcome == "written"][: error.told]
        last, lasting = done[-1] if done else None, error.later
        wait = error.wait
        message = str(error)
    except HookFailed as error:
        last, lasting, wait, message = None, True, None, str(error)
    else:
        return Told(teller.name, news[-1], "", None)
    message = printable(message.replace(teller.name, public(teller.name)))
    if not lasting or failures + 1 >= websub.MOST_FAILURES:
        return Told(teller.name, news[-1], f"{message}; it isn't told again until feeds change", None)
    return Told(teller.name, last, message, max(websub.backoff(failures + 1), wait or 0))


def public(name: str) -> str:
    """The name of a hub or hook for everybody: what is behind a hub's `?` may be a secret."""
    return urlsplit(name)._replace(query="", fragment="").geturl()


def tell_once(session: Session, config: Config) -> Iterator[str]:
    """Tell everybody what they weren't told yet, one after the other; yields what went wrong.

    Who failed is told again by the next run.
    """
    for teller in tellers(config):
        if news := session.news(teller.name):
            came = told(teller, news, 0)
            if came.last:
                session.told(teller.name, came.last)
            if came.trouble:
                yield came.trouble


class Announcer:
    """Keeps who was told what, and how that went; `done` is called from a thread with what came of each telling."""

    def __init__(self, done: Callable[[Told], None]) -> None:
        self.tellers: dict[str, Teller] = {}
        self.failures: dict[str, int] = {}
        self.troubles: dict[str, str] = {}
        self._busy: set[str] = set()
        self._left: set[str] = set()
        self._done = done

    def arm(self, tellers: Sequence[Teller]) -> None:
        """Tell these from now on. Who is being told stays busy; who was left in peace is tried again."""
        self._left.clear()
        self.tellers = {teller.name: teller for teller in tellers}
        self.failures = {name: self.failures.get(name, 0) for name in self.tellers}
        self.troubles = {name: self.troubles.get(name, "") for name in self.tellers}

    def is_free(self, name: str) -> bool:
        """Whether somebody can be told now: not while they are being told, nor while they are left in peace."""
        return name in self.tellers and name not in self._busy and name not in self._left

    def tell(self, name: str, news: Sequence[News]) -> None:
        """Begin to tell somebody who is free."""
        self._busy.add(name)
        arguments = (self.tellers[name], news, self.failures[name])
        threading.Thread(target=self._tell, args=arguments, name=f"telling {name}", daemon=True).start()

    def note(self, came: Told) -> None:
        """Take in what came of it; who is to be left in peace isn't free until `free`."""
        self._busy.discard(came.name)
        if came.name in self.tellers:
            self.failures[came.name] = self.failures[came.name] + 1 if came.wait is not None else 0
            self.troubles[came.name] = came.trouble
            if came.wait is not None:
                self._left.add(came.name)

    def free(self, name: str) -> None:
        """Let somebody be told again who was left in peace."""
        self._left.discard(name)

    def _tell(self, teller: Teller, news: Sequence[News], failures: int) -> None:
        try:
            came = told(teller, news, failures)
        except Exception as error:  # the thread is to say so, or its name would be busy for ever
            came = Told(teller.name, None, f"{teller.name}: {type(error).__name__}: {error}", websub.LONGEST_WAIT)
        self._done(came)


def _hub(hub: str, site: str) -> Teller:
    def tell(news: Sequence[News]) -> None:
        topics = [site + quote(one.path) for one in news if one.outcome == "written"]
        if topics:
            websub.ping(hub, topics, _PATIENCE)

    return Teller(hub, tell)


def _hook(config: Config) -> Teller:
    def tell(news: Sequence[News]) -> None:
        files = [(one.outcome, config.output.path / one.path) for one in news]
        hooks.tell(config.hooks.published, files, config.hooks.timeout.total_seconds())

    return Teller(HOOK, tell)
