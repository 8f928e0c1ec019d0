"""What documents say, in the columns of the index."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias

import msgspec
from msgspec.structs import replace

from aggregator.model import SPARE, ClaimKind, Lead, Mention, Problem, by_title, is_spare, to_micros
from aggregator.text.plain import fold
from aggregator.text.urls import canonical, page_of

encode = msgspec.msgpack.Encoder().encode
decode_mention = msgspec.msgpack.Decoder(Mention).decode
decode_facts = msgspec.msgpack.Decoder(Lead).decode
_decode_mentions = msgspec.msgpack.Decoder(list[Mention]).decode
decode_problems = msgspec.msgpack.Decoder(list[Problem]).decode


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


class LeadRow(NamedTuple):
    """The columns of a lead: the id that it names, its folded title, when its article was published (µs since 1970) and
    in which topics it is, if no other lead belongs to it; its own key, whether that isn't a webUrl's, the originalUrl
    on another host beside it ("": none), and what identity asks of it.
    """

    explicit: str | None
    title: str
    published: int
    topics: str | None
    address: str
    alone: bool
    beside: str
    facts: bytes


class Packed(NamedTuple):
    """What a document says: mentions as (place, key, encoded, whether it has no title), the URLs it claims, and the
    columns of its lead.
    """

    mentions: list[tuple[int, str, bytes, bool]]
    claims: list[tuple[str, ClaimKind]]
    lead: LeadRow


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
    if is_spare(lead.key):
        spelled |= {lead.key: lead.link, _page(lead.key): lead.link}
    facts = Lead(
        path=lead.path,
        title=title,
        date=to_micros(lead.published) if lead.published else None,
        urls=tuple(spelled.items()),
        explicit=lead.id,
        explicit_at=lead.at,
    )
    return Packed(
        [(mention.place, mention.key, encode(mention), not mention.title) for mention in mentions],
        list(_claims(lead.key, spelled).items()),
        LeadRow(lead.id or None, title, *alone.columns(), lead.key, lead.alone, lead.beside, encode(facts)),
    )


def _claims(own: str, urls: Iterable[str]) -> dict[str, ClaimKind]:
    """What each URL is to the document whose own key and URLs these are; the pages too that they name parts of."""
    claims = dict.fromkeys(urls, ClaimKind.other)
    claims |= {_page(url): ClaimKind.page for url in urls if _page(url) != url}
    return {**claims, own: ClaimKind.own}


def _page(key: str) -> str:
    """The page that a key names a part of, or is the spare key of; else the key itself."""
    return page_of(key).partition(SPARE)[0]


def former_mention(data: bytes, version: int) -> Mention:
    """A mention as a version of the index before the fourth encoded it.

    In the first, URLs and keys were two lists. Until the fourth a spare key was a URL with a fragment.
    """
    if version == 1:
        *values, keys, urls, id = msgspec.msgpack.decode(data)
        spelled = {canonical(url): url for url in reversed(urls)}
        data = encode([*values, [(key, spelled.get(key, key)) for key in keys], id])
    mention = decode_mention(data)
    url, mark, title = mention.key.partition("#")
    return replace(mention, key=by_title(url, title)) if mark else mention


def former_standing(published: int, topics: str | None, version: int) -> Standing:
    """How an article stood, from the columns of a version before the fourth; topics counted from its own instant in
    the first.
    """
    spots = topics_of(topics) if version > 1 else None
    if version == 1 and topics is not None:
        spots = [Spot(topic, name, published) for topic, name in json.loads(topics)]
    return Standing(published, spots)
