"""The coverage of articles, in the order in which their documents list it."""

from __future__ import annotations

from collections.abc import Sequence

from aggregator.merge import trust
from aggregator.store import Index, Listing


def coverage_of(index: Index, keys: Sequence[str]) -> dict[str, list[str]]:
    """The keys of each article's coverage, as its most trusted document lists it, then the next one, each once.

    Where an article stands for near-duplicates, these and what they list come behind.
    """
    listings: dict[str, list[Listing]] = {}
    for listing in index.entries.listings(keys):
        listings.setdefault(listing.key, []).append(listing)
    return {key: _ordered(index, rows) for key, rows in listings.items()}


def _ordered(index: Index, listings: Sequence[Listing]) -> list[str]:
    """What is listed, by who lists it and where, each once."""
    ranked = [document for document in {listing.document for listing in listings} if document is not None]
    if len(ranked) > 1:
        ranked.sort(key=lambda document: trust(index.articles.lead(document)[1]))
    ranks: dict[int | None, int] = {
        document: rank for rank, document in enumerate([*ranked, None])
    }  # what has no document comes last
    ordered = sorted(
        listings, key=lambda listing: (listing.is_member, ranks[listing.document], listing.place, listing.other)
    )
    return list(dict.fromkeys(listing.other for listing in ordered))
