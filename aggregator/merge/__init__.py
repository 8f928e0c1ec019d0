"""What several documents say of one article, made one.

    mentions ── merge ──▶ article ── relate ──▶ story
                             └───── group ────▶ near-duplicates, and who speaks for them

Pure functions of values. Which mentions belong to one article, and which articles may be alike, is worked out by
the pipeline, which can ask the store for neighbours; what is made of them is decided here.
"""

from aggregator.merge.articles import MAX_TITLES, givers, merge, merit, relate, timely, together, trust
from aggregator.merge.duplicates import Alike, Candidate, alike, group, tokens, wording_of
from aggregator.merge.identity import bare, eldest, is_bare, mint, own_id, still_holds

__all__ = [
    "MAX_TITLES",
    "Alike",
    "Candidate",
    "alike",
    "bare",
    "eldest",
    "givers",
    "group",
    "is_bare",
    "merge",
    "merit",
    "mint",
    "own_id",
    "relate",
    "still_holds",
    "timely",
    "together",
    "tokens",
    "trust",
    "wording_of",
]
