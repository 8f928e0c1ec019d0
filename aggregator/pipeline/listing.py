"""Which feeds are out, and which addresses became others: what `aggregator feeds` tells."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import unquote, urlsplit

import msgspec

from aggregator.feeds import ALL
from aggregator.pipeline.consulting import consulted
from aggregator.pipeline.plan import Plan
from aggregator.pipeline.regenerate import feed_name, newest_stories


class Listed(msgspec.Struct, frozen=True):
    """A feed that is out.

    name: its folder; title: its topic as spelled there, the site's title for `all`; url: the folder's; addresses: the
    URLs of its files, by format; entries: how many it shows; newest: when the newest of them was published (None:
    there is none); alias_of: the name of the feed that it is a copy of, as its topic has another name by now (None:
    it is none).
    """

    name: str
    title: str
    url: str
    addresses: Mapping[str, str]
    entries: int
    newest: datetime | None
    alias_of: str | None


def listing(plan: Plan) -> list[Listed]:
    """The feeds that are out, `all` first, then by name, and what they show since the last run. Raises StoreError."""
    files = _files(plan)
    listed = []
    with consulted(plan) as (ledger, index, now):
        slugs = ledger.slugs()
        renamed = _renamed(plan, slugs)
        for topic in sorted(ledger.feeds(), key=lambda topic: (topic != ALL, feed_name(topic, slugs))):
            out, shown, name = ledger.feed(topic), renamed.get(topic, topic), feed_name(topic, slugs)
            keys = newest_stories(plan, index, shown, now)[: plan.choice.entries]
            page = plan.site.page(name)
            listed.append(
                Listed(
                    name=name,
                    title=out.spelled if out and topic != ALL else plan.site.title,
                    url=page,
                    addresses={format: page + file for format, file in files.items()},
                    entries=len(keys),
                    newest=index.entries.articles(keys[:1])[keys[0]][1] if keys else None,
                    alias_of=feed_name(shown, slugs) if shown != topic else None,
                )
            )
    return listed


def redirects(plan: Plan) -> list[tuple[str, str]]:
    """Where a web server is to send those who ask for a former address, as (old, new): paths of folders and files.

    They begin with the path of the site's URL, and aren't percent-encoded. Raises StoreError.
    """
    top = unquote(urlsplit(plan.site.url).path)
    with consulted(plan) as (ledger, *_):
        slugs = ledger.slugs()
    renamed = sorted((feed_name(old, slugs), feed_name(new, slugs)) for old, new in _renamed(plan, slugs).items())
    files = (*_files(plan).values(), "")
    return [(f"{top}{old}/{file}", f"{top}{new}/{file}") for old, new in renamed for file in files]


def _renamed(plan: Plan, slugs: Mapping[str, str]) -> dict[str, str]:
    """The topics that had addresses of their own before the site knew them by other names, and the latter."""
    return {old: new for old, new in plan.taxonomy.former.items() if old in slugs and new in slugs}


def _files(plan: Plan) -> dict[str, str]:
    """What a feed's files are called, by format."""
    from aggregator.render import FORMATS  # feedgen and lxml come with it

    return {name: FORMATS[name].file for name in plan.formats}
