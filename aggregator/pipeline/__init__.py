"""The one place that knows the order: documents are ingested, then feeds are regenerated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aggregator.pipeline.consulting import is_current
from aggregator.pipeline.listing import Listed, listing, redirects
from aggregator.pipeline.plan import HOOK, Plan, Progress, Source, Wish
from aggregator.pipeline.report import Done, Report, Survey, report
from aggregator.pipeline.run import run
from aggregator.pipeline.session import EVERYTHING, TOLERANCE, Session
from aggregator.store import News
from aggregator.workers import cores

if TYPE_CHECKING:
    from aggregator.pipeline.explaining import Explanation, explain

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


def __getattr__(name: str) -> Any:
    """What explains an article: loaded where it is asked for, as runs don't need it. Raises AttributeError."""
    if name not in ("Explanation", "explain"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from aggregator.pipeline import explaining

    return getattr(explaining, name)
