"""What documents say, in the columns of the index."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import msgspec

from aggregator.model import Lead, Mention, Problem, to_micros
from aggregator.text.plain import fold
from aggregator.text.urls import canonical

encode = msgspec.msgpack.Encoder().encode
decode_mention = msgspec.msgpack.Decoder(Mention).decode
decode_facts = msgspec.msgpack.Decoder(Lead).decode
_decode_mentions = msgspec.msgpack.Decoder(list[Mention]).decode
decode_problems = msgspec.msgpack.Decoder(list[Problem]).decode


def mention_of_version_1(data: bytes) -> bytes:
    """A mention as the first version of the index encoded it, in today's encoding: URLs and keys were two lists."""
    *values, keys, urls, id = msgspec.msgpack.decode(data)
    spelled = {canonical(url): url for url in reversed(urls)}
    return encode([*values, [(key, spelled.get(key, key)) for key in keys], id])


def seal(mentions: Sequence[Mention]) -> bytes:
    """What a document says, as the ledger keeps it: compressed, and with a checksum."""
    return zlib.compress(encode(mentions))


def unseal(data: bytes) -> list[Mention]:
    """What a document says, from the ledger. Raises ValueError where that is damaged."""
    try:
        return _decode_mentions(zlib.decompress(data))
    except zlib.error as error:
        raise ValueError(f"not what a document says: {error}") from error


class Row(NamedTuple):
    """A file as the walk saw it: the path that names it, the file, its source, and what stat said (ns)."""

    path: str
    file: str
    source: str
    size: int
    mtime: int
    ctime: int
    inode: int


class Spot(NamedTuple):
    """A feed that an article is in: its topic, folded and as shown ("": not shown), from when on it is there and until
    when (µs since 1970; None: for ever), and its rank; those of lower rank are shown first.
    """

    topic: str
    name: str
    since: int
    until: int | None = None
    rank: int = 0


Topics: TypeAlias = list[Spot]


def topics_of(column: str | None) -> Topics | None:
    """What the index has in a column of topics."""
    return None if column is None else [Spot(*spot) for spot in json.loads(column)]


class Standing(NamedTuple):
    """When an article was published (µs since 1970), and the topics in whose feeds it is; None: it is no entry."""

    published: int
    topics: Topics | None

    def columns(self) -> tuple[int, str | None]:
        """As the index has it."""
        if self.topics is None:
            return self.published, None
        spots = [spot if spot.until or spot.rank else spot[:3] for spot in self.topics]
        return self.published, json.dumps(spots, ensure_ascii=False)


class Packed(NamedTuple):
    """What a document says: mentions as (place, key, encoded), the URLs it claims, and columns of its lead."""

    mentions: list[tuple[int, str, bytes]]
    claims: list[str]
    lead: tuple[str | None, str, int, str | None, bytes]


class Saved(NamedTuple):
    """What came of one file: its outcome (`read`, `failed`, `skipped`), what is wrong with it, and what it says.

    packed None: nothing new; what was saved of it before stays.
    """

    row: Row
    outcome: str
    digest: bytes
    problems: tuple[Problem, ...]
    packed: Packed | None


def pack(mentions: Sequence[Mention], alone: Standing) -> Packed:
    """The columns for a document's mentions, the lead first; cheap to hand over from the worker that read it.

    `alone` is how its article stands if no other lead belongs to it.
    """
    lead = mentions[0]
    title = fold(lead.title)
    spelled = dict(lead.urls)
    if lead.key == lead.spare:
        spelled[lead.spare] = lead.link
    facts = Lead(
        path=lead.path,
        title=title,
        date=to_micros(lead.published) if lead.published else None,
        urls=tuple(spelled.items()),
        explicit=lead.id,
        explicit_at=lead.id_at,
    )
    return Packed(
        [(mention.place, mention.key, encode(mention)) for mention in mentions],
        list(spelled),
        (lead.id or None, title, *alone.columns(), encode(facts)),
    )
