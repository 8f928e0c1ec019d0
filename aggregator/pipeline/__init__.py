"""The one place that knows the order: documents are ingested, then feeds are regenerated."""

from aggregator.pipeline.consulting import is_current
from aggregator.pipeline.explaining import Explanation, explain
from aggregator.pipeline.listing import Listed, listing, redirects
from aggregator.pipeline.plan import HOOK, Plan, Progress, Source, Wish
from aggregator.pipeline.report import Done, Report, Survey, report
from aggregator.pipeline.run import run
from aggregator.pipeline.session import EVERYTHING, TOLERANCE, Session
from aggregator.store import News
from aggregator.workers import cores

__all__ = [
    "EVERYTHING",
    "HOOK",
    "TOLERANCE",
    "Done",
    "Explanation",
    "Listed",
    "News",
    "Plan",
    "Progress",
    "Report",
    "Session",
    "Source",
    "Survey",
    "Wish",
    "cores",
    "explain",
    "is_current",
    "listing",
    "redirects",
    "report",
    "run",
]
