"""Which topics there are, which stories their feeds show, and when that next changes by itself."""

from aggregator.feeds.selection import (
    ALL,
    GRACE,
    MOST_TOLD,
    SITE,
    TOLD,
    Choice,
    Related,
    Selection,
    collapsed,
    select,
    shown,
)
from aggregator.feeds.taxonomy import KnownTopic, Taxonomy

__all__ = [
    "ALL",
    "GRACE",
    "MOST_TOLD",
    "SITE",
    "TOLD",
    "Choice",
    "KnownTopic",
    "Related",
    "Selection",
    "Taxonomy",
    "collapsed",
    "select",
    "shown",
]
