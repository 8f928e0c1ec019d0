"""Which URLs bring documents together: the claims on a URL are weighed whenever one of them changes.

changed ──ask──▶ URLs ──is one a landing page?──▶ own addresses ──weigh──▶ which claims join
"""

from __future__ import annotations

from aggregator.merge import Claim, is_landing_page, weigh
from aggregator.model import ClaimKind, Problem, Severity
from aggregator.store.claims import ClaimRow, Claims
from aggregator.store.files import Files

_TOLD = 5  # documents of one URL that are named


def weigh_claims(claims: Claims, *, everything: bool) -> None:
    """Weigh the claims on each URL that the changes concern; of `everything`, all there are."""
    if everything:
        claims.ask_all()
    claims.ask()
    for url in claims.shared_addresses():
        rows = claims.of(url)
        claims.land(url, rows, lands=is_landing_page(url, list(map(_claim, rows))))
    for url in claims.doubtful():
        rows = claims.of(url)
        verdict = weigh(list(map(_claim, rows)), lands=claims.lands(url))
        claims.put(
            url,
            rows,
            verdict.joining,
            titles=verdict.titles,
            dates=verdict.dates,
            disputed=verdict.disputed,
        )


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


def _claim(row: ClaimRow) -> Claim:
    return Claim(
        row.document,
        ClaimKind(row.kind),
        row.title,
        row.published,
        row.own,
        bool(row.alone),
        row.beside,
        row.address,
    )
