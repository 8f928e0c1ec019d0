"""How documents are read."""

from __future__ import annotations

import msgspec


class Options(msgspec.Struct, frozen=True):
    """How documents are read.

    `base_url` is the site that relative URLs belong to ("": none), `limit` the most bytes of a document, `related`
    the most related entries that are read of one. `tracking` are further patterns of parameters that keys go
    without, as in `aggregator.text.urls.TRACKING`. `keywords` are pairs of a word or phrase and the name of the
    topic that a document gets whose title or excerpt has it.
    """

    base_url: str = ""
    limit: int = 2 * 1024 * 1024
    related: int = 200
    tracking: tuple[str, ...] = ()
    keywords: tuple[tuple[str, str], ...] = ()
