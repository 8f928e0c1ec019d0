"""The one place that knows the order: documents are ingested, then feeds are regenerated."""

from aggregator.pipeline.consulting import is_current
from aggregator.pipeline.explaining import Explanation, explain
from aggregator.pipeline.listing import Listed, listing, redirects
from aggregator.pipeline.plan import Plan, Progress, Site, Source
from aggregator.pipeline.report import Report
from aggregator.pipeline.run import Wish, run
from aggregator.workers import cores

__all__ = [
    "Explanation",
    "Listed",
    "Plan",
    "Progress",
    "Report",
    "Site",
    "Source",
    "Wish",
    "cores",
    "explain",
    "is_current",
    "listing",
    "redirects",
    "run",
]
