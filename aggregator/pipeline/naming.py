"""What feeds go by: their folders below the output."""

from __future__ import annotations

from collections.abc import Mapping

from aggregator.feeds import ALL, kind_of
from aggregator.pipeline.plan import Plan
from aggregator.store import Ledger


def feed_name(topic: str, slugs: Mapping[str, str]) -> str:
    """What a topic's feed goes by, which is its folder below the output, but for a private one."""
    if topic == ALL:
        return "all"
    return slugs[topic] if kind_of(topic) else f"topics/{slugs[topic]}"


def feed_names(ledger: Ledger) -> list[str]:
    """The names of all feeds that are out or could be: what `--feed` takes."""
    slugs = ledger.slugs()
    return sorted(feed_name(topic, slugs) for topic in (ALL, *slugs))


def renamed(plan: Plan, slugs: Mapping[str, str]) -> dict[str, str]:
    """The topics that had addresses of their own before the site knew them by other names, and the latter."""
    return {old: new for old, new in plan.taxonomy.former.items() if old in slugs and new in slugs}
