"""Fragments: which make another key, and which are noise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.text.urls import canonical, names_article, page_of

PAGE = "https://tool.example/changelog"


@pytest.mark.parametrize(
    "fragment",
    [
        *("v1.2", "!topic/dev/1", "/posts/3", "12", "release-2026-03", "caf%C3%A9", "page=3", "slide=id.p3", "gid=0"),
        *("sec-1.2", "_Toc123", "post-4711", "%23", "L10-L20"),
    ],
)
def test_what_names_a_part_stays(fragment: str) -> None:
    """Entries of one page, and pages of one program, have keys of their own."""
    key = canonical(f"{PAGE}#{fragment}")
    assert key == f"{PAGE}#{fragment}"
    assert canonical(key) == key
    assert page_of(key) == canonical(PAGE)


@pytest.mark.parametrize(
    "fragment",
    [
        *("", *"0123456789", "comments", "Comments", "comment-17", "respond", "disqus_thread", "top", "more-12", "_=_"),
        *(":~:text=a,b", "xtor=RSS-16", "Echobox=1690000000", "utm_source=x&utm_medium=y", "fbclid=1", "t=1m30s"),
        *("amp=1", "aoh=1&referrer=https%3A%2F%2Fwww.google.com&amp_tf=x", ".Uab3-x_12345.twitter", "%30", " 0 "),
    ],
)
def test_noise_goes(fragment: str) -> None:
    """How a reader came, or where the page begins to be shown, makes no other key."""
    assert canonical(f"{PAGE}#{fragment}") == PAGE


@pytest.mark.parametrize(
    ("fragment", "kept"),
    [
        ("v2:~:text=a", "v2"),
        ("/posts/3?utm_source=x&id=1", "/posts/3?id=1"),
        ("/posts/3?utm_source=x", "/posts/3"),
        ("v2&utm_source=x", "v2"),
        ("caf\u00e9", "caf%C3%A9"),
    ],
)
def test_noise_goes_from_behind_a_part(fragment: str, kept: str) -> None:
    """The part is still the same one."""
    assert canonical(f"{PAGE}#{fragment}") == f"{PAGE}#{kept}"


def test_a_programs_path_names_an_article() -> None:
    """A part of a home page doesn't, unless it looks like a path."""
    for fragment, names in {"!topic/1": True, "/posts/3": True, "about": False, "0": False}.items():
        assert names_article(canonical(f"https://forum.example/#{fragment}")) is names


def test_a_redirectors_own_fragment_is_none_of_the_pages() -> None:
    """That of the address which it holds is."""
    held = "https://www.google.com/url?q=https%3A%2F%2Ftool.example%2Fchangelog%23v2#v3"
    assert canonical(held) == f"{PAGE}#v2"


@given(st.text(alphabet="ab0=&?#%~:!/ .é\u200b+", max_size=12))
def test_the_key_of_a_key_is_that_key(fragment: str) -> None:
    """Whatever stands behind the mark."""
    key = canonical(f"{PAGE}#{fragment}")
    assert canonical(key) == key
