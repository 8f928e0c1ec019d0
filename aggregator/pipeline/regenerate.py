"""From merged articles to files: feeds that are dirty or due are selected, rendered and published.

dirty or due ──select──▶ sheets ──relate, render──▶ fragments ──splice──▶ bytes ──publish──▶ files
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from aggregator import publish
from aggregator.feeds import SITE
from aggregator.pipeline.plan import Plan, Progress
from aggregator.pipeline.report import Published
from aggregator.pipeline.selecting import Selector
from aggregator.store import Index, Ledger, Part
from aggregator.workers import Workers


def regenerate(
    plan: Plan,
    index: Index,
    ledger: Ledger,
    workers: Workers,
    claim: publish.Claim,
    now: datetime,
    chosen: Callable[[str], bool],
    *,
    dry: bool,
    adopt: bool,
    progress: Progress,
) -> Published:
    """Bring the files of chosen feeds, by name, up to index and ledger, and commit both; the files of the site as a
    whole go by "". A dry run compares instead of writing. `adopt`: files of others may be written over. Raises
    ForeignOutput.
    """
    selector = Selector(plan, index, ledger, now)
    waiting = selector.waiting()
    site = chosen("")
    asked = {
        topic: months
        for topic, months in waiting.items()
        if topic != SITE and any(map(chosen, selector.names(topic)))  # the files under each lead to the same feed
    }
    complete = asked.keys() | ({SITE} if site else set()) >= waiting.keys()
    if not asked and not (site and SITE in waiting):
        unchanged = sum(not path.endswith(publish.TWIN) for path, *_ in ledger.files())
        return Published(Counter({publish.Outcome.unchanged: unchanged}), (), (), 0, complete)
    # Only a run that has something to publish pays for loading feedgen and lxml.
    from aggregator.pipeline.publishing import Press
    from aggregator.pipeline.rendering import render_wanted

    sheets = [sheet for topic, months in asked.items() for sheet in selector.sheets(topic, months)]
    for sheet in sheets:
        selector.want(sheet)
    rendered, problems = render_wanted(plan, index, ledger, workers, selector.slugs, now, progress)
    press = Press(plan, index, ledger, claim, [*selector.problems, *problems], now, dry=dry, adopt=adopt)
    return press.publish(sheets, progress, rendered, site=site, complete=complete)


def altered(output: Path, ledger: Ledger) -> set[Part]:
    """The parts of feeds that have a file which isn't as it was written."""
    return {
        part
        for path, part, recorded in ledger.files()
        if publish.signature(output, path) != publish.Signature(*recorded)
    }
