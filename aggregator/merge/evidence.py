"""Which URLs that several documents claim bring their articles together: design section 5, rule 2.

Every document has one address of its own. Beside it may stand others, which are weak evidence: a listing page, an error
page of AMP, the page that a link blog comments on. They name one article only where nothing speaks against it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from aggregator.model import Claim, ClaimKind, Verdict


def is_landing_page(url: str, claims: Sequence[Claim]) -> bool:
    """Whether a URL leads to an outlet, and what is beside it to the articles: several documents have it as their own
    address, each with another original on another host, and have neither title nor date in common.
    """
    owners = [claim for claim in claims if claim.own == url and claim.beside]
    return _differ(owners, {owner.beside for owner in owners})


def weigh(claims: Sequence[Claim], *, lands: bool) -> Verdict:
    """What a URL does for all documents that claim it, whatever their number. lands: it is a landing page."""
    parts = [claim for claim in claims if claim.kind == ClaimKind.page]
    wholes = [claim for claim in claims if claim.kind != ClaimKind.page]
    disputed = lands or _is_disputed(wholes)
    joining = [claim.document for claim in wholes if claim.kind == ClaimKind.own or not disputed]
    return Verdict(frozenset(joining), disputed=disputed, parted=bool(parts))


def _is_disputed(claims: Sequence[Claim]) -> bool:
    """Whether documents that have an address of their own besides this URL, or all that have none, speak of several
    articles.
    """
    if all(claim.kind == ClaimKind.own for claim in claims):
        return False
    anchored = [claim for claim in claims if not claim.alone]
    alone = [claim for claim in claims if claim.alone]
    return any(_differ(group, {claim.address for claim in group}) for group in (anchored, alone))


def _differ(claims: Iterable[Claim], addresses: set[str]) -> bool:
    """Whether documents with several addresses agree neither in title nor in date."""
    if len(addresses) < 2:
        return False
    titles = {claim.title for claim in claims}
    dates = {claim.published for claim in claims}
    return len(titles) > 1 and len(dates) > 1


def part_by_id(ids: Mapping[int, str], urls: Mapping[int, Iterable[str]]) -> list[list[int]]:
    """Documents that are joined, in groups none of which names two different ids; the most trusted document's first.

    ids: the id that each document names ("": none), the most trusted first; urls: those by which each joins others.
    Each document in turn joins the more trusted ones that share a URL with it, as far as their ids allow.
    """
    group_of: dict[int, int] = {}
    named = dict(ids)
    users: dict[str, dict[str, int]] = {}  # by URL: the first document with each id there

    def group(document: int) -> int:
        while group_of.get(document, document) != document:
            document = group_of[document]
        return document

    def join(document: int, other: int) -> None:
        first, second = sorted((group(document), group(other)), key=place.__getitem__)
        if not named[first] or not named[second] or named[first] == named[second]:
            group_of[second] = first
            named[first] = named[first] or named[second]

    place = {document: number for number, document in enumerate(ids)}
    for document, id in ids.items():
        for url in urls[document]:
            there = users.setdefault(url, {})
            first = next(iter(there.values()), None)
            for other in (there.get(""), there.get(id) if id else first):
                if other is not None:
                    join(document, other)
            there.setdefault(id, document)
    groups: dict[int, list[int]] = {}
    for document in ids:
        groups.setdefault(group(document), []).append(document)
    return list(groups.values())
