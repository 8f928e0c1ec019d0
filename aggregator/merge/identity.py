"""Whose id an article gets: promise 5, decided from what the ledger remembers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

from aggregator.model import Holding, Lead


class Holder(NamedTuple):
    """An article that goes on as what an id was given to: by the path of one of its leads, or by a URL of its own.

    `named`: the id that this lead names ("": none); None: it has no path that the ledger knows. `resembles`: it has
    the title, the date or a URL still, and doesn't just name the id.
    """

    article: str
    named: str | None
    resembles: bool = True


def grant(wishes: Mapping[str, str], holders: Mapping[str, Sequence[Holder]]) -> dict[str, str]:
    """The ids that articles get because their documents name them, by article.

    wishes: the id that each article is to have, the most trusted article first; holders: of each id that subscribers
    know, those that hold it, the best first. Nobody but the holder gets an id until the holder has the id that it
    names itself. What nobody holds goes to the most trusted article that wishes it.
    """
    granted: dict[str, str] = {}
    while True:
        taken = set(granted.values())
        fresh: dict[str, str] = {}
        for article, id in wishes.items():
            holder = first_holder(holders.get(id, ()), granted)
            if article not in granted and id not in taken and (holder is None or holder.article == article):
                fresh[article] = id
                taken.add(id)
        if not fresh:
            return granted
        granted |= fresh


def first_holder(holders: Iterable[Holder], granted: Mapping[str, str]) -> Holder | None:
    """The first of an id's holders that was granted none in its place; None: there is none."""
    for holder in holders:
        got = granted.get(holder.article)
        if got is None or holder.named not in (None, got):
            return holder
    return None


def bare(key: str, link: str) -> Lead:
    """What identity asks of an article without a document: its key stands for the path, and its URL as written for all
    the rest."""
    return Lead(path=key, title=key, date=None, urls=((key, link),))


def is_bare(path: str) -> bool:
    """Whether this is the key of an article without a document rather than a document's path."""
    return "://" in path


def still_holds(lead: Lead, holding: Holding) -> bool:
    """Whether the document at this path is still about the article that its id was given to, or names that id."""
    return lead.explicit == holding.id or resembles(lead, holding)


def resembles(lead: Lead, holding: Holding) -> bool:
    """Whether the document at this path still has the title, the date or a URL that its id was given to."""
    return (
        lead.title == holding.title
        or (lead.date is not None and lead.date == holding.date)
        or any(url in holding.urls for url, _ in lead.urls)
    )


def at_home(leads: Iterable[Lead], known: Mapping[str, Holding]) -> list[Lead]:
    """The leads whose paths hold an id that they go on with; known: what is remembered of their paths."""
    return [lead for lead in leads if lead.path in known and still_holds(lead, known[lead.path])]


SAME = 3
"""The `likeness` of a document that is the same in URL, title and date."""


def likeness(leads: Iterable[Lead], holding: Holding) -> int:
    """How much any of these leads has of what an id was given to: a URL (0: none), title and date too."""
    alike = (lead for lead in leads if any(url in holding.urls for url, _ in lead.urls))
    return max((1 + (lead.title == holding.title) + (lead.date == holding.date) for lead in alike), default=0)


def own_id(lead: Lead, holding: Holding | None, id: str, held: Callable[[str], bool]) -> str:
    """The id that a lead's path has of its own, given its article's.

    When articles merge, one id is put aside; its path keeps it, to regain it when they part, unless another
    article has it by now, or the lead names the one that its article has.
    """
    aside = holding and lead.explicit != id and still_holds(lead, holding) and not held(holding.id)
    return holding.id if holding and aside else id


def mint(key: str, host: str, taken: Callable[[str], bool]) -> str:
    """A new id from key and site host alone: a `tag:` URI (RFC 4151), which no later move of either changes.

    An article whose URL was reused gets `-2` and so on, the first that isn't `taken`.
    """
    base = f"tag:{host},2026:{sha256(key.encode()).hexdigest()[:24]}"
    found, number = base, 1
    while taken(found):
        number += 1
        found = f"{base}-{number}"
    return found


def eldest(holdings: Iterable[Holding], held: Callable[[str], bool], seen: Collection[str] = ()) -> Holding | None:
    """The holding of the oldest id that no other article has, one of those that are `seen` in the feeds before all
    others; None if there is none."""
    free = (holding for holding in holdings if not held(holding.id))
    return min(free, key=lambda holding: (holding.id not in seen, holding.age), default=None)
