"""Near-duplicates: one story in other outlets' words, told by headline and text (design section 5, rule 6).

article ── wording_of ──▶ Wording ── tokens ──▶ who to compare with ── alike ──▶ pairs ── group ──▶ who stands for whom

The tokens make two wordings that are alike meet without comparing all with all: they share at least one. That is exact,
not by chance as with MinHash (datasketch would bring numpy and scipy for it): two sets whose Jaccard index is at least
t share one of the first n - ⌈tn⌉ + 1 members of each, in any order common to both (prefix filtering; Chaudhuri, Ganti,
Kaushik, ICDE 2006), and two headlines that share most of their words and pairs of words share a pair.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence, Set
from datetime import timedelta
from itertools import pairwise
from math import ceil
from zlib import crc32

import msgspec

from aggregator.model import Article, Wording
from aggregator.text.plain import fold
from aggregator.text.urls import host

SHORTEST = 4  # words; a shorter headline (`Weekly notes`) may be anything's
LONG = 6  # words; in a shorter headline each word counts too much to be another one
SHINGLE = 3  # words
FEWEST = 8  # shingles; fewer are too few to tell texts by
MAX_TEXTS = 200  # articles; what more than these have in common says nothing of any one story

# A word; of scripts without spaces between words, a letter.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\W_]+(?:['’][^\W_]+)*")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_SUFFIX = re.compile(r"(.+)\s(?:[-–—|·•»:]|::|//)\s(.+)", re.DOTALL)
_CUT = re.compile(r"\s*[\[(]?\s*(?:…|\.\.\.+)\s*[\])]?\s*$")
_DIGIT = re.compile(r"\d")


class Alike(msgspec.Struct, frozen=True):
    """When two articles tell one story: how far apart in time, and the share of their words in a row that they have in
    common (Jaccard index, at least 0.6). `crowd`: a token that more articles than this have brings nobody together."""

    window: timedelta
    similarity: float
    crowd: int = MAX_TEXTS


class Candidate(msgspec.Struct, frozen=True, order=True):
    """What decides who survives among near-duplicates, in this order; the smallest does.

    `coming`: the instant (µs) from which it may be shown, 0 where that is past: nobody waits behind what can't be seen
    yet; `led`: its age among those that stand for others already; `fresh`: it was never shown; `trust`: the place of
    its most trusted mention among the candidates'; `key` tells them apart.
    """

    coming: int
    led: float
    fresh: bool
    trust: int
    key: str


def wording_of(article: Article) -> Wording:
    """What an article is told by."""
    names = _providers(article)
    title = article.title
    if (suffix := _SUFFIX.fullmatch(title)) and fold(suffix[2]) in (*names, fold(host(article.link))):
        title = suffix[1]
    if cut := _CUT.search(title):
        title = title[: cut.start()]
    words = _words(title)
    text = (*words, *_words(article.excerpt))
    shingles = {crc32(" ".join(text[i : i + SHINGLE]).encode()) for i in range(len(text) - SHINGLE + 1)}
    return Wording(names, words, bool(cut), tuple(sorted(shingles)) if len(shingles) >= FEWEST else ())


def tokens(wording: Wording, similarity: float) -> set[int]:
    """Of two wordings that are `alike` at a similarity of at least 0.6, each has a token that the other one has too."""
    words, shingles = wording.words, wording.shingles
    texts = []
    if _tells(words):
        texts.append(" ".join(words))
    if len(words) > SHORTEST:
        texts.append(" ".join((*words[:SHORTEST], "…")))
    if len(words) >= LONG:
        texts += map(" ".join, pairwise(words))
    found = {crc32(text.encode()) for text in texts}
    found.update(shingles[: len(shingles) - ceil(similarity * len(shingles)) + 1] if shingles else ())
    return found


def alike(one: Wording, other: Wording, similarity: float) -> bool:
    """Whether two articles of different providers have the same headline, or nearly the same words: in the headline
    (words and pairs of words) or in headline and excerpt (shingles).

    Numbers in headlines must agree: version 1.2 isn't version 1.3, nor the March update the one of 2021.
    """
    if not set(one.providers).isdisjoint(other.providers):
        return False
    if _same_headline(one, other):
        return True
    if _numbers(one) != _numbers(other):
        return False
    if min(len(one.words), len(other.words)) >= LONG and _overlap(_grams(one), _grams(other)) >= similarity:
        return True
    return _overlap(set(one.shingles), set(other.shingles)) >= similarity


def group(ranked: Sequence[Candidate], pairs: Mapping[str, Collection[str]]) -> dict[str, str]:
    """Who stands for whom: the survivor's key for each article that isn't one itself.

    The best ranked survives, and stands for those that it makes a pair with; so on with the rest. `pairs`: the
    articles that each is alike, both ways.
    """
    survivors: dict[str, int] = {}
    members: dict[str, str] = {}
    for place, candidate in enumerate(sorted(ranked)):
        leading = [(survivors[key], key) for key in pairs.get(candidate.key, ()) if key in survivors]
        if leading:
            members[candidate.key] = min(leading)[1]
        else:
            survivors[candidate.key] = place
    return members


def _providers(article: Article) -> tuple[str, ...]:
    """What a provider goes by: name, domain, domain without its last label; of an unknown one, the link's host."""
    name, domain = (article.provider.name, article.provider.domain) if article.provider else ("", "")
    domain = (domain or ("" if name else host(article.link))).removeprefix("www.")
    return tuple(dict.fromkeys(filter(None, map(fold, (name, domain, domain.rpartition(".")[0])))))


def _words(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(text.casefold().replace("’", "'")))


def _tells(words: Sequence[str]) -> bool:
    """Whether a headline is long enough to tell a story by."""
    weight = sum(0.5 if _UNSPACED.match(word) else 1 for word in words)
    return weight >= SHORTEST


def _same_headline(one: Wording, other: Wording) -> bool:
    if one.words == other.words:
        return _tells(one.words)
    return _begins(one, other) or _begins(other, one)


def _begins(cut: Wording, whole: Wording) -> bool:
    """Whether a truncated headline is the beginning of another one; its last word may be part of one."""
    count = len(cut.words) - 1
    return (
        cut.cut
        and _tells(cut.words[:count])
        and len(whole.words) > count
        and whole.words[:count] == cut.words[:count]
        and whole.words[count].startswith(cut.words[count])
    )


def _grams(wording: Wording) -> set[object]:
    """The words of a headline and the pairs that follow each other."""
    return {*wording.words, *pairwise(wording.words)}


def _overlap(one: Set[object], other: Set[object]) -> float:
    """The share of all members of two sets that are in both: the Jaccard index; 0 where there are none."""
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared) if shared else 0.0


def _numbers(text: Wording) -> set[str]:
    return {word for word in text.words if _DIGIT.search(word)}
