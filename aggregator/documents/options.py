"""How documents are read."""

from __future__ import annotations

import msgspec

from aggregator.documents.names import Configured
from aggregator.text.html import USUAL
from aggregator.text.visible import Bounds


class Options(msgspec.Struct, frozen=True):
    """How documents are read.

    `base_url` is the site that the relative addresses of articles belong to ("": none), and all others where an article
    has no address; where it ends in `*`, what begins with `/` is below it. `timezone` is the IANA name of the zone that
    times and days are of which have none. `tracking` are further patterns of parameters that keys go without, as in
    `aggregator.text.tracking.TRACKING`. `keywords` are pairs of a word or phrase and the name of the topic that a
    document gets whose title or excerpt has it. `within`: what the paths of the source's documents begin with, before
    the slash. `fields`: what fields are called besides, as (our name, other names). `permalink`: a pattern for the
    address of a document that has none ("": such documents can't be used).

    The rest are limits. Of a document: `limit` bytes, `seconds` of processor time and bytes of `memory` to read it,
    `related` entries, and `items` of each other list, such as topics and pictures. `body`: of its body. `spread`:
    characters of its body in the feeds of all its topics together.
    """

    base_url: str = ""
    timezone: str = "UTC"
    limit: int = 2 << 20
    seconds: float = 10.0
    memory: int = 192 << 20
    related: int = 200
    items: int = 100
    body: Bounds = USUAL
    spread: int = 2 << 20
    tracking: tuple[str, ...] = ()
    keywords: tuple[tuple[str, str], ...] = ()
    within: str = ""
    fields: Configured = ()
    permalink: str = ""
