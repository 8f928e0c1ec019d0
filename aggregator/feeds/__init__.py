"""Which topics there are, which stories their feeds show, and when that next changes by itself."""

from aggregator.feeds.selection import (
    ALL,
    GRACE,
    LATE,
    MOST,
    MOST_TOLD,
    RECENT,
    SITE,
    TOLD,
    Choice,
    Late,
    Related,
    Selection,
    collapsed,
    late_until,
    select,
    shown,
)
from aggregator.feeds.taxonomy import KnownTopic, Taxonomy

__all__ = [
    "ALL",
    "GRACE",
    "LATE",
    "MOST",
    "MOST_TOLD",
    "RECENT",
    "SITE",
    "TOLD",
    "Choice",
    "KnownTopic",
    "Late",
    "Related",
    "Selection",
    "Taxonomy",
    "collapsed",
    "late_until",
    "select",
    "shown",
]
