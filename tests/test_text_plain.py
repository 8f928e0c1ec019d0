"""Text for people."""

from __future__ import annotations

import unicodedata
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.text.plain import cut, fold, legal, nfc, plain, quoted


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Plain as it is", "Plain as it is"),
        ("", ""),
        ("&#8220;Quoted&#8221; &amp; &lt;tagged&gt;", "“Quoted” & <tagged>"),
        ("one&nbsp;two\u00a0three", "one two three"),
        ("once only: &amp;amp;", "once only: &amp;"),
        ("&#x41;&#150;&#0;&#xD800;", "A–��"),
        (" \t folded \n\n lines\u2028and\u3000more ", "folded lines and more"),
        ("<p>One</p><p>two</p>", "One two"),
        ("<b>bo</b>ld <a href='x'>link</a>", "bold link"),
        ("line<br/>break", "line break"),
        ("a<!-- hidden <b>x</b> -->b", "ab"),
        ("a<script type='x'>alert(1)</script>b", "a b"),
        ("a < b and c > d", "a < b and c > d"),
        ("x<y and y>z", "x<y and y>z"),
        ("if a <b and c> d", "if a <b and c> d"),
        ("I <3 C++", "I <3 C++"),
        ("<unknown-element>", "<unknown-element>"),
        ("R&D, Q&A, AT&T", "R&D, Q&A, AT&T"),
        ("?a=1&copy=2", "?a=1&copy=2"),
        ("nul\x00l, bell\x07, \x9dc1", "null, bell, c1"),
        ("left\u202eright\u202c \u2066x\u2069", "leftright x"),
        ("lone \ud800 \ufffe\uffff\ufeff end", "lone end"),
        ("cafe\u0301", "café"),
        ("क्या है", "क्या है"),
        ("می\u200cخواهم", "می\u200cخواهم"),
    ],
)
def test_plain(text: str, expected: str) -> None:
    """Tags go, entities are decoded once, white space is folded, and prose is left alone."""
    assert plain(text) == expected


@given(st.text(st.characters()))
def test_plain_is_fit_for_any_feed(text: str) -> None:
    """Whatever comes in, one line of legal characters in composed form comes out."""
    found = plain(text)
    assert found == " ".join(found.split())
    assert legal(found) == found
    assert unicodedata.is_normalized("NFC", found)
    found.encode()


@given(st.text(st.characters(exclude_characters="<&")))
def test_plain_settles(text: str) -> None:
    """Plain text without markup is what it is."""
    assert plain(plain(text)) == plain(text)


@pytest.mark.parametrize(
    "unit", ["<", "<a ", "<a b=", "<!--", "<script>", "&", "&a", "\u0315\u0300\u0327", "a\u0301", " "]
)
def test_plain_takes_a_million_characters(unit: str) -> None:
    """No text costs more than its length."""
    text = unit * (1_000_000 // len(unit))
    started = process_time()
    cut(plain(text), 300)
    assert process_time() - started < 10


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("short", 5, "short"),
        ("", 1, ""),
        ("one two three", 12, "one two…"),
        ("one two three", 8, "one two…"),
        ("one two three", 7, "one…"),
        ("one, two", 7, "one…"),
        ("one — two three", 12, "one — two…"),
        ("one — two three", 8, "one…"),
        ("overlong", 5, "over…"),
        ("overlong", 1, "…"),
        (" x", 1, "…"),
        ("word " + "x" * 100, 80, "word " + "x" * 74 + "…"),
        ("機械学習の入門", 5, "機械学習…"),
        ("e\u0301" * 4, 4, "e\u0301…"),
        ("x" + "a\u0323\u0301", 3, "x…"),
        ("कि" * 3, 4, "कि…"),
        ("क्षक्ष", 3, "…"),
        ("a👩\u200d👩\u200d👧b", 5, "a…"),
        ("👍🏽👍🏽👍🏽", 4, "👍🏽…"),
        ("❤\ufe0f❤\ufe0f", 2, "…"),
        ("1\ufe0f\u20e32", 3, "…"),
        ("🇩🇪🇫🇷🇮🇹", 4, "🇩🇪…"),
        ("🇩🇪🇫🇷🇮🇹", 5, "🇩🇪🇫🇷…"),
        ("🏴\U000e0067\U000e0062\U000e007f!", 3, "…"),
        ("می\u200cخواهم", 3, "م…"),
        ("a\ud83d\ude00bc", 3, "a…"),
    ],
)
def test_cut(text: str, limit: int, expected: str) -> None:
    """What is too long ends at a word, or between characters where there are no words; never inside of one."""
    assert cut(text, limit) == expected


@given(st.text(st.characters() | st.sampled_from(" ,\u0301\u200d👩🏽🇩🇪")), st.integers(1, 40))
def test_cut_keeps_the_limit_and_the_beginning(text: str, limit: int) -> None:
    """What comes out is no longer than allowed, starts as the text does, and is the text where that fits."""
    found = cut(text, limit)
    assert len(found) <= limit
    assert found == text if len(text) <= limit else (found[-1] == "…" and text.startswith(found[:-1]))
    assert cut(found, limit) == found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Hugging Face, AWS partner!", "hugging face aws partner"),
        ("STRASSE", "Straße"),
        ("ﬁnd", "FIND"),
        ("“A” — b", "a b"),
        ("Cafe\u0301", "CAFÉ"),
    ],
)
def test_fold_makes_headlines_equal(one: str, other: str) -> None:
    """Case, punctuation, spacing and Unicode form make no other headline."""
    assert fold(plain(one)) == fold(plain(other))


@pytest.mark.parametrize(("one", "other"), [("कि", "की"), ("機械学習", "機械"), ("!!!", "???"), ("🎉", "🎈")])
def test_fold_keeps_headlines_apart(one: str, other: str) -> None:
    """Vowel signs are no punctuation, and a headline of punctuation is not the same as any other."""
    assert fold(one) != fold(other)


def test_fold_ends() -> None:
    """Half a million marks in the wrong order are no reason to wait."""
    started = process_time()
    fold("\u0315\u0300\u0327" * 150_000)
    assert process_time() - started < 10


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("short", '"short"'),
        ("x" * 58, f'"{"x" * 58}"'),
        ("x" * 59, f'"{"x" * 57}…"'),
        ("two\nlines\x1b[31m", r'"two lines\u001b[31m"'),
        ("\x1b" * 300, '"' + (r"\u001b" * 10)[:57] + '…"'),
        ("x" * 1000, f'"{"x" * 57}…"'),
    ],
)
def test_quoted_is_one_short_printable_line(text: str, expected: str) -> None:
    """A message quotes at most 60 characters, and nothing a terminal would obey."""
    assert quoted(text) == expected
    assert len(quoted(text)) <= 60


def test_nfc_keeps_thirty_marks_on_a_letter() -> None:
    """Of a long text, a letter keeps the thirty marks that Unicode's stream-safe format allows it."""
    assert nfc("a" * 2000 + "b" + "\u0316" * 50) == "a" * 2000 + "b" + "\u0316" * 30
