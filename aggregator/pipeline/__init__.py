"""The one place that knows the order: documents are ingested, then feeds are regenerated."""

from aggregator.pipeline.plan import Plan, Progress, Site, Source
from aggregator.pipeline.report import Report
from aggregator.pipeline.run import Wish, run
from aggregator.workers import cores

__all__ = ["Plan", "Progress", "Report", "Site", "Source", "Wish", "cores", "run"]
