"""Feeds are called by their folders below the output."""

from __future__ import annotations

from collections.abc import Mapping

from aggregator.feeds import ALL
from aggregator.pipeline.plan import Plan
from aggregator.store import Ledger


def feed_name(topic: str, slugs: Mapping[str, str]) -> str:
    """The folder of a topic's feed below the output."""
    return f"topics/{slugs[topic]}" if topic != ALL else "all"


def feed_names(ledger: Ledger) -> list[str]:
    """The names of all feeds that are out or could be: what `--feed` takes."""
    slugs = ledger.slugs()
    return sorted(feed_name(topic, slugs) for topic in (ALL, *slugs))


def renamed(plan: Plan, slugs: Mapping[str, str]) -> dict[str, str]:
    """The topics that had addresses of their own before the site knew them by other names, and the latter."""
    return {old: new for old, new in plan.taxonomy.former.items() if old in slugs and new in slugs}
