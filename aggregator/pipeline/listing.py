"""Which feeds are out, and which addresses became others: what `aggregator feeds` tells."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import unquote, urlsplit

import msgspec

from aggregator.pipeline.consulting import consulted
from aggregator.pipeline.naming import feed_name, renamed
from aggregator.pipeline.plan import Plan


class Listed(msgspec.Struct, frozen=True):
    """A feed that is out.

    name: its folder; title: its topic as spelled there, the site's title for `all`; url: the folder's, where its page
    is; addresses: the URLs of its files, by format; entries: how many it shows; newest: when the newest of them was
    published (None: there is none); alias_of: the name of the feed that it is a copy of, as its topic has another name
    by now (None: it is none).
    """

    name: str
    title: str
    url: str
    addresses: Mapping[str, str]
    entries: int
    newest: datetime | None
    alias_of: str | None


def listing(plan: Plan) -> list[Listed]:
    """The feeds that are out, `all` first, then by title, and what they show since the last run. Raises StoreError."""
    from aggregator.pipeline.describing import feeds_out  # feedgen and lxml come with it

    with consulted(plan) as (ledger, *_):
        return [
            Listed(
                name=out.name,
                title=out.feed.label,
                url=plan.site.page(plan.folder(out.name)),
                addresses={
                    address.format: address.url.replace(out.feed.page, plan.site.page(plan.folder(out.name)), 1)
                    for address in out.feed.addresses
                },
                entries=out.feed.shown.entries,
                newest=out.feed.shown.newest,
                alias_of=out.alias_of or None,
            )
            for out in feeds_out(plan, ledger)
        ]


def redirects(plan: Plan) -> list[tuple[str, str]]:
    """Where a web server is to send those who ask for a former address, as (old, new): paths of folders and files.

    They begin with the path of the site's URL, and aren't percent-encoded. Raises StoreError.
    """
    from aggregator.render import FORMATS  # feedgen and lxml come with it

    top = unquote(urlsplit(plan.site.url).path)
    with consulted(plan) as (ledger, *_):
        slugs = ledger.slugs()
    moved = sorted((feed_name(old, slugs), feed_name(new, slugs)) for old, new in renamed(plan, slugs).items())
    files = (*(FORMATS[name].file for name in plan.formats), "")
    return [(f"{top}{old}/{file}", f"{top}{new}/{file}") for old, new in moved for file in files]
