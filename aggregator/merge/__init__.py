"""What several documents say of one article, made one.

    mentions ── merge ──▶ article ── relate ──▶ story
                             └───── group ────▶ near-duplicates, and who speaks for them

Pure functions of values. Which mentions belong to one article, and which articles may be alike, is worked out by
the pipeline, which can ask the store for neighbours; what is made of them is decided here.
"""

from aggregator.merge.articles import givers, merge, merit, relate, timely, together, trust
from aggregator.merge.duplicates import Alike, Candidate, alike, group, tokens, wording_of
from aggregator.merge.evidence import is_landing_page, part_by_id, weigh
from aggregator.merge.identity import (
    SAME,
    Holder,
    at_home,
    bare,
    eldest,
    first_holder,
    grant,
    is_bare,
    likeness,
    mint,
    own_id,
    resembles,
    still_holds,
)

__all__ = [
    "SAME",
    "Alike",
    "Candidate",
    "Holder",
    "alike",
    "at_home",
    "bare",
    "eldest",
    "first_holder",
    "givers",
    "grant",
    "group",
    "is_bare",
    "is_landing_page",
    "likeness",
    "merge",
    "merit",
    "mint",
    "own_id",
    "part_by_id",
    "relate",
    "resembles",
    "still_holds",
    "timely",
    "together",
    "tokens",
    "trust",
    "weigh",
    "wording_of",
]
