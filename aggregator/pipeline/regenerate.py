"""From merged articles to files: feeds that are dirty or due are selected, rendered and published.

dirty or due ──select──▶ entries ──relate, render──▶ fragments ──splice──▶ bytes ──publish──▶ files
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from aggregator import publish
from aggregator.feeds import ALL, LATE, MOST, RECENT, SITE, Late, Related, Selection, collapsed, late_until, select
from aggregator.pipeline.naming import feed_name
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
    chosen: Callable[[str], bool],
    *,
    dry: bool,
    progress: Progress,
) -> Published:
    """Bring the files of chosen feeds, by name, up to index and ledger, and commit both; the files of the site as a
    whole go by "". A dry run compares instead of writing.
    """
    slugs = ledger.slugs()
    waiting = _waiting(plan, index, ledger, now)
    names = {topic: feed_name(topic, slugs) for topic in waiting if topic != SITE}
    asked = {topic: name for topic, name in names.items() if chosen(name)}
    site = chosen("")
    if not asked and not (site and SITE in waiting):
        unchanged = sum(not path.endswith(publish.TWIN) for path, *_ in ledger.files())
        return Published(Counter({publish.Outcome.unchanged: unchanged}), (), (), 0)
    # Only a run that has something to publish pays for loading feedgen and lxml.
    from aggregator.pipeline.publishing import Press, Sheet
    from aggregator.pipeline.rendering import render_wanted

    sheets = []
    for topic, name in asked.items():
        shown = plan.taxonomy.former.get(topic, topic)
        sheets.append(Sheet(topic, name, shown, feed_name(shown, slugs), *_show(plan, index, ledger, shown, now)))
    rendered, problems = render_wanted(plan, index, ledger, workers, slugs, now, progress)
    return Press(plan, index, ledger, problems, now, dry=dry).publish(sheets, progress, rendered, site=site)


def notice_altered(output: Path, index: Index, ledger: Ledger) -> None:
    """Make the feeds dirty of which a file isn't as it was written."""
    for path, topic, recorded in ledger.files():
        if publish.signature(output, path) != publish.Signature(*recorded):
            index.entries.mark_dirty([topic])


def taken_in(plan: Plan, index: Index, newest: list[str]) -> list[str]:
    """The stories of a feed without those that are taken in by others."""
    members = index.placements.members(newest) if plan.alike else {}
    return collapsed(newest, index.entries.coverage(newest), members)


def newest_stories(plan: Plan, index: Index, topic: str, now: datetime) -> list[str]:
    """The keys of the stories that decide on a feed, newest first: what it shows are the first of them."""
    reach = plan.choice.reach
    newest = index.entries.newest(topic, now, reach)
    if plan.choice.related is not Related.collapse:
        return newest
    limit = reach
    while len(kept := taken_in(plan, index, newest)) < reach and len(newest) == limit:
        limit *= 2
        newest = index.entries.newest(topic, now, limit)
    return kept[:reach]


def late_arrivals(plan: Plan, index: Index, ledger: Ledger, topic: str, newest: list[str], now: datetime) -> list[Late]:
    """What a feed shows beyond its window, whose stories are the first of `newest`: recent articles that were seen too
    late for it, so that no subscriber misses them.
    """
    window = newest[: plan.choice.entries]
    if len(window) < plan.choice.entries or not (seen := ledger.arrivals(topic, now - LATE)):
        return []
    found = {
        key: Late(key, late_until(seen[id], published))
        for key, id, published in index.entries.among(topic, seen, now - RECENT, now)
        if key not in window
    }
    shown = [*window, *found]
    kept = taken_in(plan, index, shown) if plan.choice.related is Related.collapse else shown
    return [found[key] for key in kept if key in found][: max(0, MOST - len(window))]


def _waiting(plan: Plan, index: Index, ledger: Ledger, now: datetime) -> list[str]:
    """The topics whose feeds are dirty or due; where one had a feed under another name, that address keeps serving."""
    waiting = index.entries.waiting(now)
    aliases = [alias for topic in waiting for alias in plan.taxonomy.aliases(topic) if ledger.feed(alias)]
    return sorted({*waiting, *aliases})


def _show(plan: Plan, index: Index, ledger: Ledger, topic: str, now: datetime) -> tuple[str, Selection]:
    """How a feed spells its topic and what it is to show; its entries are noted as wanted.

    A feed that is out under another name of its topic is out.
    """
    out = next(filter(None, map(ledger.feed, (topic, *plan.taxonomy.aliases(topic)))), None)
    newest = newest_stories(plan, index, topic, now)
    late = late_arrivals(plan, index, ledger, topic, newest, now)
    following = index.entries.following(topic, now)
    selection = select(topic, newest, following, out is not None, out.lapsed if out else None, plan.choice, now, late)
    index.entries.want(selection.keys or ())
    shown = index.entries.spelling(topic, now) if topic != ALL else ""
    spelled = plan.taxonomy.name(topic) or shown or (out.spelled if out else "")
    return spelled, selection
