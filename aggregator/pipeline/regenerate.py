"""From merged articles to files: feeds that are dirty or due are selected, rendered and published.

dirty or due ──select──▶ entries ──relate, render──▶ fragments ──splice──▶ bytes ──publish──▶ files
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import datetime

from aggregator import publish
from aggregator.feeds import ALL, Selection, select
from aggregator.pipeline.plan import Plan, Progress
from aggregator.pipeline.report import Published
from aggregator.store import Index, Ledger
from aggregator.workers import Workers


def regenerate(
    plan: Plan,
    index: Index,
    ledger: Ledger,
    workers: Workers,
    now: datetime,
    *,
    only: Collection[str],
    dry: bool,
    progress: Progress,
) -> Published:
    """Bring the feed files up to index and ledger, and commit both. `only`: the names of feeds (empty: all).

    A dry run compares instead of writing.
    """
    for path, topic, recorded in ledger.files():
        if publish.signature(plan.output, path) != publish.Signature(*recorded):
            index.entries.mark_dirty([topic])
    slugs = ledger.slugs()
    names = {topic: feed_name(topic, slugs) for topic in index.entries.waiting(now)}
    asked = {topic: name for topic, name in names.items() if not only or name in only}
    if not asked:
        return Published(Counter({publish.Outcome.unchanged: sum(1 for _ in ledger.files())}), (), ())
    # Only a run that has something to publish pays for loading feedgen and lxml.
    from aggregator.pipeline.publishing import Press, Sheet
    from aggregator.pipeline.rendering import render_wanted

    sheets = [Sheet(topic, name, *_show(plan, index, ledger, topic, now)) for topic, name in asked.items()]
    problems = render_wanted(plan, index, ledger, workers, slugs, now, progress)
    return Press(plan, index, ledger, problems, dry=dry).publish(sheets, progress)


def feed_names(ledger: Ledger) -> list[str]:
    """The names of all feeds that are out or could be: what `--feed` takes."""
    slugs = ledger.slugs()
    return sorted(feed_name(topic, slugs) for topic in (ALL, *slugs))


def feed_name(topic: str, slugs: dict[str, str]) -> str:
    """The folder of a topic's feed below the output."""
    return f"topics/{slugs[topic]}" if topic != ALL else "all"


def _show(plan: Plan, index: Index, ledger: Ledger, topic: str, now: datetime) -> tuple[str, Selection]:
    """How a feed spells its topic and what it is to show; its entries are noted as wanted."""
    out = ledger.feed(topic)
    newest = index.entries.newest(topic, now, plan.choice.reach)
    following = index.entries.following(topic, now)
    selection = select(topic, newest, following, out is not None, out.lapsed if out else None, plan.choice, now)
    index.entries.want(selection.keys or ())
    spelled = plan.spellings.get(topic) or index.entries.spelling(topic, now) or (out.spelled if out else "")
    return spelled, selection
