"""What a format is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aggregator.model import Entry, Feed, Site


class Format(NamedTuple):
    """A way to write feeds down: its name in configurations, its label for people, the name of its files, their media
    type.

    `entry` renders an entry as it stands in every feed that it is in. `feed` renders a feed around rendered entries,
    which stay as they are and in their order: a whole file. Both raise ValueError for want of something that the
    format demands. `subscribed`: readers poll it; a page they don't.
    """

    name: str
    label: str
    file: str
    media_type: str
    entry: Callable[[Entry, Site], bytes]
    feed: Callable[[Feed, Sequence[bytes]], bytes]
    subscribed: bool = True


class Overview(NamedTuple):
    """A file of the site as a whole, below the output folder: its name and media type, and the formats that it goes
    with.

    `render` renders it from all feeds, in order: `all` first, then by their labels.
    """

    file: str
    media_type: str
    formats: frozenset[str]
    render: Callable[[Site, Sequence[Feed]], bytes]
