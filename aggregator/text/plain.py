"""Text for people: plain, in one line, in characters that every feed may hold."""

from __future__ import annotations

import html
import json
import re
import unicodedata
from hashlib import blake2b

from aggregator.text.unseen import BLANK, seen

# What XML 1.0 forbids (section 2.2), lone surrogates included.
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# Those, and other control characters.
_UNWANTED = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_WORDLESS = re.compile(r"[\W_]")

_INLINE = (
    "a|abbr|acronym|b|bdi|bdo|big|cite|code|data|del|dfn|em|font|i|img|ins|kbd|mark|q|s|samp|small|span|strike|"
    "strong|sub|sup|time|tt|u|var|wbr"
)
_BLOCK = (
    "address|article|aside|blockquote|body|br|button|caption|center|col|colgroup|dd|details|div|dl|dt|embed|"
    "fieldset|figcaption|figure|footer|form|h[1-6]|head|header|hr|html|iframe|input|label|legend|li|link|main|"
    "meta|nav|noscript|object|ol|option|p|param|picture|pre|script|section|select|source|style|summary|svg|table|"
    "tbody|td|textarea|tfoot|th|thead|title|tr|ul|video"
)
# Only known elements, bare or with at least one attribute: `a <b and c> d` is prose.
_TAG = re.compile(rf"</?(?:(?P<inline>{_INLINE})|{_BLOCK})(?:\s*+/?|\s[^<>=]*+=[^<>]*+)>", re.IGNORECASE)
_CODE = re.compile(r"<(script|style)\b[^<>]*+>[^<]*+</\1\s*+>", re.IGNORECASE)
# Without its semicolon a reference is as likely prose: `Q&A`, `AT&T`, `?a=1&copy=2`.
_REFERENCE = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")

# Unicode's Stream-Safe Text Format (UAX #15, section 13) for texts long enough to matter: putting a hundred
# thousand combining marks in order takes minutes.
_LONG = 2000
_MARKS = 30

_LONGEST_WORD = 60  # a longer one, or a text without spaces, is cut between characters
_PAUSES = " ,;:–—-"
_VIRAMA = 9  # the combining class of the sign that ties Indic consonants together
_ZWNJ, _ZWJ = "\u200c\u200d"
_SKINS = range(0x1F3FB, 0x1F400)
_FLAG_LETTERS = range(0x1F1E6, 0x1F200)
_FLAG_TAGS = range(0xE0020, 0xE0080)
_LOW_SURROGATES = range(0xDC00, 0xE000)


def plain(text: str) -> str:
    """The text without tags, entities decoded once, white space folded, in NFC; "" where nothing is left to see.

    Dropped: control characters and all others that XML 1.0 forbids, and those that can't be seen where no script and
    no emoji needs them.
    """
    if "<" in text:
        text = _untagged(text)
    if "&" in text:
        text = _REFERENCE.sub(lambda found: html.unescape(found[0]), text)
    text = " ".join(text.split())
    if not text.isprintable():
        text = " ".join(_UNWANTED.sub("", text).split())
    if text.isascii():
        return text
    visible = seen(text)
    if visible is not text:
        text = " ".join(visible.split())
    return nfc(text) if text.strip(BLANK) else ""


def cut(text: str, limit: int) -> str:
    """The text in at most `limit` characters (1 or more): a longer one is cut at a word and ends in `…`.

    What a reader sees as one character stays whole, as far as it can be told without tables: letters with their
    marks, emoji with what is joined to them, flags (a part of UAX #29, section 3.1.1).
    """
    if len(text) <= limit:
        return text
    end = limit - 1
    space = text.rfind(" ", max(0, limit - _LONGEST_WORD), limit)
    if space > 0:
        end = space
    while _is_inside(text, end):
        end -= 1
    return text[:end].rstrip(_PAUSES) + "…"


def fold(text: str) -> str:
    """What two headlines must share to be the same: their letters and digits, whatever the case.

    Of a text without any, all its characters but spaces.
    """
    folded = "".join(text.casefold().split())
    if not folded.isascii():
        folded = unicodedata.normalize("NFKC", _stream_safe(folded)).casefold()
    return _WORDLESS.sub(_mark, folded) or folded


def mark_of(*texts: str) -> str:
    """A short digest of texts that is the same whatever their case and punctuation."""
    return blake2b("\n".join(map(fold, texts)).encode(), digest_size=8).hexdigest()


def legal(text: str) -> str:
    """The text without the characters that XML 1.0 forbids."""
    return _ILLEGAL.sub("", text)


def nfc(text: str) -> str:
    """The text in Unicode's composed form (NFC)."""
    return text if text.isascii() else unicodedata.normalize("NFC", _stream_safe(text))


def printable(text: str) -> str:
    """The text in one line that does nothing to whoever shows it, a terminal say.

    What isn't printable is escaped as in JSON: control characters, ends of lines, what turns the direction of the text
    around it, lone surrogates. Joiners stay, as some scripts and emoji need them.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in (_ZWNJ, _ZWJ) else json.dumps(char)[1:-1] for char in text)


def brief(text: str, limit: int) -> str:
    """The beginning of a stranger's text as a message may show it: one printable line of at most `limit` characters."""
    return printable(" ".join(text[: 5 * limit].split()))[:limit]


def quoted(text: str) -> str:
    """The text as a message may show it: in quotes, one printable line of at most 60 characters."""
    line = brief(text, 59)
    return f'"{line[:57]}…"' if len(line) > 58 or len(text) > 300 else f'"{line}"'


def _is_inside(text: str, at: int) -> bool:
    """Whether what a reader sees as one character goes on over this place."""
    if not 0 < at < len(text):
        return False
    before, after = text[at - 1], text[at]
    if before == _ZWJ or after in (_ZWNJ, _ZWJ) or unicodedata.category(after)[0] == "M":
        return True
    if unicodedata.combining(before) == _VIRAMA and after.isalpha():
        return True
    code = ord(after)
    if code in _FLAG_LETTERS:
        start = at
        while start and ord(text[start - 1]) in _FLAG_LETTERS:
            start -= 1
        return (at - start) % 2 == 1
    return code in _SKINS or code in _FLAG_TAGS or code in _LOW_SURROGATES


def _untagged(text: str) -> str:
    if "<!--" in text:
        before, *pieces = text.split("<!--")
        text = before + "".join(piece.partition("-->")[2] for piece in pieces)
    return _TAG.sub(lambda tag: "" if tag["inline"] else " ", _CODE.sub(" ", text))


def _mark(found: re.Match[str]) -> str:
    """The character where Unicode calls it a mark: Python takes the vowel signs of Indic scripts for punctuation."""
    return found[0] if unicodedata.category(found[0])[0] == "M" else ""


def _stream_safe(text: str) -> str:
    """The text without the marks that are too many on one letter."""
    if len(text) <= _LONG:
        return text
    kept: list[str] = []
    run = 0
    for char in text:
        run = run + 1 if unicodedata.combining(char) else 0
        if run <= _MARKS:
            kept.append(char)
    return "".join(kept)
