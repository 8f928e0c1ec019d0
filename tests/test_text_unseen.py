"""Characters that nobody can see."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.text.plain import plain
from aggregator.text.slugs import fold_topic, slug
from aggregator.text.unseen import folded, is_blank, seen

FORMATS = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) == "Cf"]
SHOWN = set(range(0x0600, 0x0606)) | {0x06DD, 0x070F, 0x0890, 0x0891, 0x08E2, 0x110BD, 0x110CD}
SHOWN |= set(range(0x13430, 0x1343F))  # number signs, and how hieroglyphs are laid out


@pytest.mark.parametrize(
    "text",
    [
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian
        "\u0647\u200d.\u0634",
        "iPhone\u200c\u0647\u0627",
        "\u0dc1\u0dca\u200d\u0dbb\u0dd3",  # Sinhala
        "\u0915\u094d\u200d\u0937",  # Hindi
        "\u2764\ufe0f",
        "\u2764\ufe0f\u200d\U0001f525",
        "1\ufe0f\u20e3",
        "\xa9\ufe0f",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467",
        "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "\u845b\U000e0100",  # a variant of an ideograph
        "\u182d\u180b",  # Mongolian
    ],
)
def test_what_scripts_and_emoji_need_stays(text: str) -> None:
    """In the text that is shown; where texts are compared, it goes."""
    assert seen(text) == plain(text) == text
    assert fold_topic(text) == fold_topic(folded(text))


@pytest.mark.parametrize("char", [*FORMATS, "\u034f", "\u115f", "\u3164", "\uffa0", "\ufe0f", "\u180b", "\U000e0100"])
def test_elsewhere_they_go(char: str) -> None:
    """Of Latin text, all that has no form, wherever it stands; what is alone is nothing."""
    if ord(char) in SHOWN:
        assert seen(f"A{char}I") == f"A{char}I"
        return
    for text in (f"{char}AI", f"A{char}I", f"AI{char}", f"{char} {char}AI{char * 3}"):
        assert plain(text) == "AI"
        assert fold_topic(text) == "ai"
        assert slug(text) == "ai"
    assert plain(char) == plain(f" {char} {char}") == ""
    assert is_blank(f" {char}\n")


def test_what_is_blank() -> None:
    """White space, and the braille pattern that looks like it."""
    assert all(map(is_blank, ("", " ", "\n\u3000", "\u2800", " \u2800 \u2800", "\u200b\u2800")))
    assert not any(map(is_blank, ("a", "\u2801", ".", "\u2764\ufe0f", "\u0301")))
    assert plain("\u2800 \u2800") == ""


def test_flags_stay_apart() -> None:
    """Those of England and Scotland differ in tags alone."""
    england, scotland = (
        "\U0001f3f4" + "".join(chr(0xE0000 + ord(letter)) for letter in name) + "\U000e007f"
        for name in ("gbeng", "gbsct")
    )
    assert fold_topic(england) != fold_topic(scotland)


TEXT = st.text(
    st.sampled_from([*"aA \u0645\u062e\u0915\u2764\U0001f468\xa9\u2014.", *FORMATS[:40], "\ufe0f", "\u034f"])
)


@given(TEXT)
def test_it_settles(text: str) -> None:
    """What is taken out stays out, and nothing that can be seen is."""
    assert seen(seen(text)) == seen(text)
    assert folded(folded(text)) == folded(text) == folded(seen(text))
    assert [char for char in seen(text) if char in "aA\u0645\u0915\u2764"] == [
        char for char in text if char in "aA\u0645\u0915\u2764"
    ]
