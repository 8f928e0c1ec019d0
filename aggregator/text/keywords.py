"""The topics that a text is about without saying so: those whose keywords it has."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from aggregator.text.plain import nfc

UNSPACED: tuple[tuple[int, int], ...] = (
    (0x0E00, 0x0FFF),  # Thai, Lao, Tibetan
    (0x1000, 0x109F),  # Burmese
    (0x1780, 0x17FF),  # Khmer
    (0x3005, 0x3007),  # 々, 〆, 〇
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),  # Han
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0xFF66, 0xFF9F),  # Katakana of half width
    (0x20000, 0x3FFFF),
)
"""The scripts that put no space between words, as first and last character: there, a word may begin anywhere."""

_MARKS_END = 0x1F000  # of the marks from here on, none is part of a word
_JOINERS = "\u200c\u200d"

Keywords = tuple[tuple[str, str], ...]


def topics_in(text: str, keywords: Keywords) -> tuple[str, ...]:
    """The topics whose words or phrases are in the text, each once, in the order of `keywords`, its (word, topic).

    Words are found whole and in any case; blanks in the text are single spaces, and a phrase ends with its line.
    """
    pattern, topics = _compiled(keywords)
    found = {topic for hit in pattern.finditer(_folded(text)) for topic in topics[hit[1]]}
    return tuple(dict.fromkeys(topic for _, topic in keywords if topic in found))


@cache
def _compiled(keywords: Keywords) -> tuple[re.Pattern[str], dict[str, set[str]]]:
    """What finds the longest word or phrase at each place, and the topics that each means: its own, and those of
    the shorter ones that it begins with."""
    unspaced = "".join(f"{chr(first)}-{chr(last)}" for first, last in UNSPACED)
    inside = "".join(char for char in map(chr, range(_MARKS_END)) if unicodedata.category(char)[0] == "M") + _JOINERS
    letter = rf"(?:[^\W{unspaced}]|[{inside}])"
    edge = rf"(?:(?<!{letter})|(?!{letter}))(?![{inside}])"
    meant: dict[str, set[str]] = {}
    for word, topic in keywords:
        if folded := _folded(" ".join(word.split())):
            meant.setdefault(folded, set()).add(topic)
    longest_first = sorted(meant, key=len, reverse=True)
    ends = re.compile(edge)
    topics = {
        word: {
            topic
            for end in range(1, len(word) + 1)
            if word[:end] in meant and (end == len(word) or ends.match(word, end))
            for topic in meant[word[:end]]
        }
        for word in longest_first
    }
    return re.compile(rf"{edge}(?=({'|'.join(map(re.escape, longest_first)) or '(?!)'}){edge})"), topics


def _folded(text: str) -> str:
    return nfc(text.casefold())
