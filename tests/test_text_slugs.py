"""The identity of topics, and their folders."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.text.slugs import MAX_BYTES, fold_topic, slug


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Machine Learning", "machine-learning"),
        ("C++", "cplusplus"),
        ("C#", "csharp"),
        (".NET", "dotnet"),
        ("ASP.NET", "asp-net"),
        ("AI & Society", "ai-and-society"),
        ("R&D", "r-and-d"),
        ("  a / b -- c_d  ", "a-b-c-d"),
        ("機械学習", "機械学習"),
        ("हिन्दी समाचार", "हिन्दी-समाचार"),
        ("ภาษาไทย", "ภาษาไทย"),
        ("Cafe\u0301", "café"),
        ("Ελληνικά", "ελληνικά"),
        ("\u0dc1\u0dca\u200d\u0dbb\u0dd3", "\u0dc1\u0dca\u0dbb\u0dd3"),
        ("❤️ Health", "health"),
        ("①", "①"),
        ("..", "dot"),
    ],
)
def test_slug(name: str, expected: str) -> None:
    """A slug keeps the letters of every script, and says what the signs in a topic's name mean."""
    assert slug(name) == expected


@pytest.mark.parametrize("name", ["🎉", "/", "?!", "", "   ", "\ufe0f"])
def test_a_name_without_letters_gets_a_hash(name: str) -> None:
    """Where nothing is left of a name, ten digits of its hash are the slug."""
    assert slug(name).startswith("t-")
    assert len(slug(name)) == 12
    int(slug(name)[2:], 16)


def test_names_without_letters_stay_apart() -> None:
    """Two emoji are two topics."""
    assert slug("🎉") != slug("🎈")


def test_a_long_name_is_cut_and_stays_apart() -> None:
    """Two names that differ behind the cut have different slugs of at most 120 bytes."""
    one, other = slug("é" * 100), slug("é" * 101)
    assert one != other
    assert all(len(found.encode()) <= MAX_BYTES for found in (one, other))
    assert one[-9] == "-"


def test_a_name_of_just_120_bytes_is_whole() -> None:
    """The limit itself is within."""
    assert slug("x" * 120) == "x" * 120


@given(st.text(st.characters()))
def test_every_slug_is_a_folder_and_a_path_segment(name: str) -> None:
    """No name makes a slug that means another folder, is too long, or has an upper-case or an odd form."""
    found = slug(name)
    assert found
    assert len(found.encode()) <= MAX_BYTES
    assert found not in {".", ".."}
    assert not set(found) & set("/\\.%?#\0 ")
    assert unicodedata.is_normalized("NFC", found)
    assert "--" not in found
    assert found.strip("-") == found


@pytest.mark.parametrize("other", ["machine learning", "MACHINE  LEARNING", "Machine\u00a0Learning", "MachineLearning"])
def test_topics_that_differ_in_case_or_spacing_are_one(other: str) -> None:
    """Case, spacing and Unicode form make no other topic."""
    assert fold_topic(other) == fold_topic("Machine Learning")


@pytest.mark.parametrize(("one", "other"), [("C", "C++"), ("C", "C#"), ("कि", "की"), ("R&D", "RD")])
def test_topics_that_differ_in_signs_are_two(one: str, other: str) -> None:
    """A sign makes another topic."""
    assert fold_topic(one) != fold_topic(other)


@given(st.text(st.characters(categories=["L", "N", "Z"])))
def test_fold_topic_knows_no_composition(name: str) -> None:
    """Composed or decomposed, it is the same topic."""
    assert fold_topic(unicodedata.normalize("NFD", name)) == fold_topic(unicodedata.normalize("NFC", name))
