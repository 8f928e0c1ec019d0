"""Whose id an article gets: promise 5, decided from what the ledger remembers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from hashlib import sha256

from aggregator.model import Holding, Lead


def bare(key: str, link: str) -> Lead:
    """What identity asks of an article without a document: its key stands for the path, and its URL as written for all
    the rest."""
    return Lead(path=key, title=key, date=None, urls=((key, link),))


def is_bare(path: str) -> bool:
    """Whether this is the key of an article without a document rather than a document's path."""
    return "://" in path


def still_holds(lead: Lead, holding: Holding) -> bool:
    """Whether the document at this path is still about the article that its id was given to."""
    return (
        lead.title == holding.title
        or (lead.date is not None and lead.date == holding.date)
        or any(url in holding.urls for url, _ in lead.urls)
    )


def own_id(lead: Lead, holding: Holding | None, id: str, held: Callable[[str], bool]) -> str:
    """The id that a lead's path has of its own, given its article's.

    When articles merge, one id is put aside; its path keeps it, to regain it when they part, unless another
    article has it by now.
    """
    aside = holding and not lead.explicit and still_holds(lead, holding) and not held(holding.id)
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


def eldest(holdings: Iterable[Holding], held: Callable[[str], bool]) -> Holding | None:
    """The holding of the oldest id that no other article has; None if there is none."""
    return min((h for h in holdings if not held(h.id)), key=lambda h: h.age, default=None)
