"""Characters that nobody can see, and which of them scripts and emoji need.

Unicode calls them Default_Ignorable_Code_Point (DerivedCoreProperties.txt, 15.0); the interlinear annotations are here
besides. Copied text brings them along: zero-width spaces, soft hyphens, marks of direction, byte order marks.
"""

from __future__ import annotations

import re
import unicodedata

_NEEDLESS = "\u00ad\u061c\u17b4\u17b5\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb"
_NEEDLESS_TOO = (
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e001f\U000e0080-\U000e00ff\U000e01f0-\U000e0fff"
)
_JOINERS = "\u034f\u200c\u200d"  # Persian, Indic scripts, emoji of several
_FILLERS = "\u115f\u1160"  # old Hangul
_SELECTORS = "\u180b-\u180f\ufe00-\ufe0f"  # which glyph is meant: `❤` or `❤️`
_SELECTORS_TOO = "\U000e0100-\U000e01ef"
_TAGS = "\U000e0020-\U000e007f"  # whose flag it is

# Each range behind the first plane slows a search down by a multiple, so this one has a wide one for all of them.
_POSSIBLE = re.compile(f"[{_NEEDLESS}{_JOINERS}{_FILLERS}{_SELECTORS}\U0001bca0-\U000e0fff]")
_NEVER = re.compile(f"[{_NEEDLESS}{_NEEDLESS_TOO}]+")
_AT_TIMES = re.compile(f"[{_JOINERS}{_FILLERS}{_SELECTORS}{_SELECTORS_TOO}{_TAGS}]+")
_ALL_BUT_TAGS = re.compile(f"[{_JOINERS}{_FILLERS}{_SELECTORS}{_SELECTORS_TOO}]+")
BLANK = "\u2800 "  # besides the space, the braille pattern without a dot: a space that isn't white space
_FIRST = "\u0590"  # Hebrew; no script before it joins its letters
_EMOJI = "\U0001f000"


def seen(text: str) -> str:
    """The text without the characters that can't be seen, but for those that scripts and emoji need where they stand:
    joiners, variation selectors and tags beside letters that aren't Latin, Greek or Cyrillic, and beside emoji.
    """
    if text.isascii() or not _POSSIBLE.search(text):
        return text
    return _AT_TIMES.sub(_needed, _NEVER.sub("", text))


def folded(text: str) -> str:
    """The text without any of them, as texts are compared; tags stay, as flags differ in nothing else."""
    return text if text.isascii() else _ALL_BUT_TAGS.sub("", seen(text))


def is_blank(text: str) -> bool:
    """Whether there is nothing to see in a text."""
    return not seen(text).strip().strip(BLANK)


def _needed(run: re.Match[str]) -> str:
    """The characters between two others as far as those need them."""
    text, (start, end) = run.string, run.span()
    before, after = text[start - 1 : start], text[end : end + 1]
    if not before or before.isspace():
        return ""
    if _joins(before):
        return run[0] if after else run[0].rstrip(_JOINERS)
    if after and _joins(after):
        return run[0]
    return run[0].rstrip(_JOINERS) if before in "©®" else ""


def _joins(char: str) -> bool:
    """Whether a character may look different beside a joiner, or with a selector behind it."""
    return char >= _EMOJI or (char >= _FIRST and unicodedata.category(char)[0] in "LMNS")
