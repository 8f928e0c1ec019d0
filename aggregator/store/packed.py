"""What documents say, in the columns of the index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from aggregator.model import Lead, Mention, Problem, to_micros
from aggregator.text.plain import fold
from aggregator.text.urls import canonical

encode = msgspec.msgpack.Encoder().encode
decode_mention = msgspec.msgpack.Decoder(Mention).decode
decode_facts = msgspec.msgpack.Decoder(Lead).decode
decode_problems = msgspec.msgpack.Decoder(list[Problem]).decode


class Row(NamedTuple):
    """A file as the walk saw it: the path that names it, the file, its source, and what stat said (ns)."""

    path: str
    file: str
    source: str
    size: int
    mtime: int
    ctime: int
    inode: int


class Packed(NamedTuple):
    """What a document says: mentions as (place, key, encoded), claims as (url, joins), and its lead's facts."""

    mentions: list[tuple[int, str, bytes]]
    claims: list[tuple[str, bool]]
    explicit: str | None
    title: str
    facts: bytes


class Saved(NamedTuple):
    """What came of one file: its outcome (`read`, `failed`, `skipped`), what is wrong with it, and what it says.

    packed None: nothing new; what was saved of it before stays.
    """

    row: Row
    outcome: str
    digest: bytes
    problems: tuple[Problem, ...]
    packed: Packed | None


def pack(mentions: Sequence[Mention]) -> Packed:
    """The columns for a document's mentions, the lead first; cheap to hand over from the worker that read it."""
    lead = mentions[0]
    title = fold(lead.title)
    spelled = {url: url for url in lead.keys}
    for written in reversed(lead.urls):
        if (url := canonical(written)) in spelled:
            spelled[url] = written
    spelled[lead.spare] = lead.link
    facts = Lead(
        path=lead.path,
        title=title,
        date=to_micros(lead.published) if lead.published else None,
        urls=tuple(spelled.items()),
        explicit=lead.id,
    )
    return Packed(
        [(mention.place, mention.key, encode(mention)) for mention in mentions],
        [(url, url != lead.spare or lead.key == lead.spare) for url in spelled],
        lead.id or None,
        title,
        encode(facts),
    )
