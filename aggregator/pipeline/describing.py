"""What feeds say of themselves: those being published, and those that are out."""

from __future__ import annotations

from typing import NamedTuple

from aggregator.feeds import ALL
from aggregator.model import Address, Feed, Shown, Tombstone
from aggregator.pipeline.naming import feed_name, renamed
from aggregator.pipeline.plan import Plan
from aggregator.render import FORMATS
from aggregator.store import Ledger
from aggregator.text.plain import fold


def describe(
    plan: Plan, topic: str, folder: str, spelled: str, shown: Shown, deleted: tuple[Tombstone, ...] = ()
) -> Feed:
    """What the feed of a topic, which is in this folder and is `spelled` so, says of itself while it shows this."""
    site, taxonomy = plan.site, plan.taxonomy
    known, custom = taxonomy.topics.get(topic), plan.customs.get(topic)
    page = site.page(folder)
    names = plan.formats_of(topic)
    formats = [format for format in map(FORMATS.__getitem__, names) if format.subscribed]
    return Feed(
        site=site,
        name=folder,
        label=site.title if topic == ALL else spelled,
        title=site.title if topic == ALL else f"{spelled} — {site.title}",
        page=page,
        addresses=tuple(Address(one.name, one.label, one.media_type, page + one.file) for one in formats),
        shown=shown,
        description=site.description if topic == ALL else said.description if (said := custom or known) else "",
        image=known.image if known else "",
        deleted=deleted,
        folders=tuple(taxonomy.name(above) for above in reversed(taxonomy.above(topic))),
        complete=bool(custom and custom.ranked),
        private=bool(custom and custom.token),
        paged=any(not FORMATS[name].subscribed for name in names),
    )


class FeedOut(NamedTuple):
    """A feed that is out: its name, what it says, and the name of the feed that it is a copy of, as its topic has
    another name by now ("": it is none).
    """

    name: str
    feed: Feed
    alias_of: str


def feeds_out(plan: Plan, ledger: Ledger) -> list[FeedOut]:
    """The feeds that are out, as they were published: `all` first, then by label."""
    slugs = ledger.slugs()
    moved = renamed(plan, slugs)
    found = []
    for topic, out in ledger.feeds_out().items():
        shown = moved.get(topic, topic)
        name, home = feed_name(topic, slugs), feed_name(shown, slugs)
        feed = describe(plan, shown, plan.folder(home), out.spelled, out.shown)
        found.append(((topic != ALL, fold(feed.label), name), FeedOut(name, feed, home if home != name else "")))
    return [one for _, one in sorted(found, key=lambda pair: pair[0])]
