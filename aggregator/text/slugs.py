"""The identity of a topic, and the folder it has in the output and in URLs."""

from __future__ import annotations

import hashlib
import unicodedata

from aggregator.text.plain import nfc
from aggregator.text.unseen import folded, seen

MAX_BYTES = 120

_SPOKEN = {"+": "plus", "#": "sharp", "&": "-and-"}
_JOINERS = "\u200c\u200d"  # they shape letters inside a word, and can't be seen in an address
_STYLES = range(0xFE00, 0xFE10)  # variation selectors: marks that choose a glyph, not a spelling


def fold_topic(name: str) -> str:
    """The identity of a topic: names that differ only in case, spacing, Unicode form or what nobody sees have one."""
    return nfc("".join(nfc(folded(name)).casefold().split()))


def slug(name: str) -> str:
    """The topic's name as a folder: letters, marks and digits of any script in lower case, and hyphens.

    `C++` is cplusplus, `C#` csharp, `.NET` dotnet, `AI & Society` ai-and-society. At most 120 bytes of UTF-8:
    a longer one is cut and ends in `-` and 8 hex digits of a hash. A name without letters is `t-` and 10.
    """
    # Slugs are for ever, so their rules live here. python-slugify can keep the letters of all scripts, but it
    # folds to NFKC (`①` becomes 1), takes characters for bytes, and has changed its algorithm before.
    text = nfc(nfc(seen(name).strip()).lower())
    if text.startswith("."):
        text = "dot" + text[1:]
    found = "-".join(filter(None, _letters(text).split("-")))
    if not found:
        return f"t-{_hash(name)[:10]}"
    encoded = found.encode()
    if len(encoded) <= MAX_BYTES:
        return found
    return f"{encoded[: MAX_BYTES - 9].decode(errors='ignore').rstrip('-')}-{_hash(name)[:8]}"


def _letters(text: str) -> str:
    """The text with every character that isn't part of a word as a hyphen."""
    parts: list[str] = []
    in_word = False
    for char in text:
        if char.isalnum() or (in_word and _is_mark(char)):
            parts.append(char)
            in_word = True
        elif char not in _JOINERS:
            spoken = _SPOKEN.get(char, "-")
            parts.append(spoken)
            in_word = spoken[-1] != "-"
    return "".join(parts)


def _is_mark(char: str) -> bool:
    return unicodedata.category(char)[0] == "M" and ord(char) not in _STYLES


def _hash(name: str) -> str:
    return hashlib.sha256(fold_topic(name).encode(errors="surrogatepass")).hexdigest()
