"""Characters that are written as two escapes: JSON's way for what is beyond U+FFFF (RFC 8259 section 7)."""

from __future__ import annotations

import re
from functools import partial
from typing import NamedTuple

HALF = "an escape for half a character, expected both halves such as `\\ud83c\\udf89`; it shows as U+FFFD"

_ESCAPE = re.compile(r"(\\u)([dD])([89a-fA-F])(?=[0-9a-fA-F]{2})")
_SURROGATE = re.compile("[\ud800-\udfff]")
# Where Unicode has room for private use: each block takes all surrogates.
_BLOCKS = ((0xE000, "e", "01234567"), (0xE800, "e", "89abcdef"), (0xF000, "f", "01234567"))
_HALVES = "89abcdef"


class Whole(NamedTuple):
    """A text without surrogates; `halves` is how many had no other half."""

    text: str
    halves: int


class Disguise(NamedTuple):
    """A text whose escapes for surrogates are some for private use, as long, of the block that begins at `block`."""

    text: str
    block: int
    first: str
    second: str

    def off(self, value: str) -> str:
        """A part of the text, its escapes decoded or not, as it was."""
        block = rf"[{chr(self.block)}-{chr(self.block + 0x7FF)}]"
        value = re.sub(block, lambda character: chr(ord(character[0]) - self.block + 0xD800), value)
        pattern = rf"(\\u)({self.first})([{self.second}])(?=[0-9a-f]{{2}})"
        return re.sub(pattern, self._restored, value, flags=re.IGNORECASE)

    def _restored(self, escape: re.Match[str]) -> str:
        half = _HALVES[self.second.index(escape[3].lower())]
        return f"{escape[1]}d{half}" if escape[2].islower() else f"{escape[1]}D{half.upper()}"


def disguise(text: str) -> Disguise | None:
    """The text with escapes for surrogates disguised, for a parser that refuses them; None: no block is free for it."""
    for block, first, second in _BLOCKS:
        written = rf"[{chr(block)}-{chr(block + 0x7FF)}]|\\u{first}[{second}]"
        if not re.search(written, text, re.IGNORECASE):
            return Disguise(_ESCAPE.sub(partial(_disguised, first, second), text), block, first, second)
    return None


def joined(text: str) -> Whole:
    """The text with one character for two surrogates that make one, and U+FFFD for each half that is alone."""
    if not _SURROGATE.search(text):
        return Whole(text, 0)
    paired = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return Whole(*_SURROGATE.subn("\N{REPLACEMENT CHARACTER}", paired))


def _disguised(first: str, second: str, escape: re.Match[str]) -> str:
    half = second[_HALVES.index(escape[3].lower())]
    return f"{escape[1]}{first if escape[2].islower() else first.upper()}{half}"
