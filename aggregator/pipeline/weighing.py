"""Which URLs bring documents together: the claims on a URL are weighed whenever one of them changes.

changed ──ask──▶ URLs ──is one a landing page?──▶ own addresses ──weigh──▶ which claims join
"""

from __future__ import annotations

from aggregator.merge import is_landing_page, weigh
from aggregator.model import Problem, Severity
from aggregator.store.claims import Claims
from aggregator.store.files import Files

_TOLD = 5  # documents of one URL that are named


def weigh_claims(claims: Claims, *, everything: bool) -> None:
    """Weigh the claims on each URL that the changes concern; of `everything`, all there are."""
    if everything:
        claims.ask_all()
    claims.ask()
    for url in claims.shared_addresses():
        claimants = claims.of(url)
        claims.land(url, claimants, lands=is_landing_page(url, claimants))
    for url in claims.doubtful():
        claimants = claims.of(url)
        claims.put(url, claimants, weigh(claimants, lands=claims.lands(url)))


def disputes(claims: Claims) -> list[Problem]:
    """The URLs that documents of several articles claim, at the first of these documents."""
    return [
        Problem(
            paths[0],
            0,
            0,
            Severity.warning,
            f"{url} joins nothing: {len(paths)} documents with different titles and dates claim it"
            f" ({', '.join(paths[:_TOLD])}{', ...' if len(paths) > _TOLD else ''})",
        )
        for url, paths in claims.disputed().items()
    ]


def untitled(files: Files) -> list[Problem]:
    """The related entries that nobody gives a title, each at its place."""
    return [
        Problem(
            path,
            *mention.at,
            Severity.warning,
            f"related entry left out: no title, and no document of {mention.link} says one",
        )
        for path, mention in files.untitled()
    ]
