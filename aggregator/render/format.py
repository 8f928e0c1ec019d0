"""What a format is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aggregator.model import Entry, Feed


class Format(NamedTuple):
    """A way to write feeds down: its name, the name of its files, their media type.

    `entry` renders an entry as it stands in every feed that it is in; the text is the absolute URL that is
    the scheme of its categories. `feed` renders a feed around rendered entries, which stay as they are and in
    their order: a whole file. Both raise ValueError for want of something that the format demands.
    """

    name: str
    file: str
    media_type: str
    entry: Callable[[Entry, str], bytes]
    feed: Callable[[Feed, Sequence[bytes]], bytes]
