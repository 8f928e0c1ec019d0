"""Which topics there are, which stories their feeds show, and when that next changes by itself."""

from aggregator.feeds.selection import ALL, Choice, Related, Selection, collapsed, select
from aggregator.feeds.taxonomy import KnownTopic, Taxonomy

__all__ = ["ALL", "Choice", "KnownTopic", "Related", "Selection", "Taxonomy", "collapsed", "select"]
