"""URLs, as written and as keys."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from aggregator.text import urls
from aggregator.text.urls import TRACKING, absolute, canonical, host, names_article

BASE = "https://site.example/blog/index.html"
LEGAL = re.compile(r"https?://[A-Za-z0-9._-]+(:\d{1,5})?([/?#]([A-Za-z0-9._~:/?#@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)?")

HOSTS = [
    *(
        "a.example",
        "WWW.A.example",
        "www.www.a.example",
        "www.example",
        "bücher.example",
        "u:p@a.example",
        "a..example",
    ),
    *("a.example:80", "a.example:8080", "a.example:0443", "a.example.", "[::1]", "localhost", "x", "www.localhost"),
]
PIECES = [
    *'/?#&=%;:@+ab.A~|[]{}\\ é"<>^`\u3000\ud800\0',
    *("%2F", "%2e%2e", "%e9", "%7C", "%25", "utm_source=", "//", "/./"),
]


def joined(pieces: list[str]) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(pieces)).map("".join)


WRITTEN = st.text(st.characters()) | st.builds(
    "{}://{}{}".format, st.sampled_from(["http", "https", "HTTP"]), st.sampled_from(HOSTS), joined(PIECES)
)
PLAIN = st.builds(
    "{}://{}/{}".format,
    st.sampled_from(["http", "https"]),
    st.sampled_from(["a.example", "www.a.example", "www.www.a.example", "www.example", "a-b.c1.example", "a.example."]),
    joined([*"/ab.A~_-", "//", "/.", "/..", "/./"]),
)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.example/b?c=d#e", "https://a.example/b?c=d#e"),
        ("https://WWW.A.example/B/", "https://WWW.A.example/B/"),
        ("HTTP://a.example/", "http://a.example/"),
        ("  https://a.example/b c\n", "https://a.example/b%20c"),
        ("https://a.exa\tmple/b", "https://a.example/b"),
        ("https://a.example/ü?q=ü#ü", "https://a.example/%C3%BC?q=%C3%BC#%C3%BC"),
        ("https://a.example/100%", "https://a.example/100%25"),
        ('https://a.example/"<>[]|{}^`', "https://a.example/%22%3C%3E%5B%5D%7C%7B%7D%5E%60"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://me:secret@a.example/", "https://a.example/"),
        ("http://a.example\\@b.example/", "http://a.example/@b.example/"),
        ("http://a.example:8080/x", "http://a.example:8080/x"),
        ("http://a.example:/x", "http://a.example/x"),
        ("http://localhost:8000/", "http://localhost:8000/"),
        ("http://192.0.2.1/x", "http://192.0.2.1/x"),
        ("/about", "https://site.example/about"),
        ("post.html?x=1", "https://site.example/blog/post.html?x=1"),
        ("//cdn.example/x.png", "https://cdn.example/x.png"),
    ],
)
def test_absolute(url: str, expected: str) -> None:
    """A link stays as it is written where that is legal, and is made so where it isn't."""
    assert absolute(url, BASE) == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "javascript:alert(1)",
        "java\tscript:alert(1)",
        "data:text/html,x",
        "mailto:a@b.example",
        "ftp://a.example/",
        "https:/a.example",
        "https:a.example",
        "http://",
        "http:///x",
        "http://intranet/",
        "http://[::1]/",
        "http://[bad/",
        "http://a..example/",
        "http://a.example:99999/",
        "http://a.example:x/",
        "http://a%2eexample/",
        "https://a.example/" + "x" * 9000,
    ],
)
def test_absolute_refuses(url: str) -> None:
    """What isn't http(s), has no host that others can reach, or is longer than servers take, is no link."""
    assert absolute(url, BASE) is None


@pytest.mark.parametrize("url", ["/about", "post.html", "#part", "?q"])
def test_a_relative_url_needs_a_base(url: str) -> None:
    """Without a base, a relative URL leads nowhere; one that only lacks the scheme does."""
    assert absolute(url, "") is None
    assert absolute("//cdn.example/x", "") == "https://cdn.example/x"


@given(WRITTEN, st.sampled_from(["", BASE, "not a base"]))
@example("http://a.example:\uff18\uff10/", "")
def test_absolute_gives_a_legal_url_or_none(url: str, base: str) -> None:
    """Whatever is written, what comes out is legal, ASCII, read by others as by us, and stays as it is."""
    found = absolute(url, base)
    assume(found)
    assert found is not None
    assert LEGAL.fullmatch(found)
    assert found.isascii()
    parts = urlsplit(found)
    assert parts.hostname == host(found)
    assert "@" not in parts.netloc
    assert absolute(found, base) == found


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example/b",
        "http://a.example/b",
        "https://www.a.example/b",
        "https://WWW.A.EXAMPLE/b",
        "https://a.example/b/",
        "https://a.example/b//",
        "https://a.example/b#part",
        "https://a.example:443/b",
        "http://a.example:80/b",
        "https://a.example./b",
        "https://a.example/b?",
        "https://a.example/%62",
        "https://a.example/x/../b",
        "https://a.example/b?utm_source=x&UTM_Medium=y&fbclid=z",
        "https://a.example/b/?gclid=1#part",
    ],
)
def test_spellings_of_one_address_have_one_key(url: str) -> None:
    """Scheme, www, case, fragment, default port, trailing slash, escaping and tracking make no other key."""
    assert canonical(url) == "https://a.example/b"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.example/B", "https://a.example/B"),
        ("https://a.example:8080/b", "https://a.example:8080/b"),
        ("https://a.example/b?y=2&x=1", "https://a.example/b?x=1&y=2"),
        ("https://a.example/?p=1", "https://a.example?p=1"),
        ("https://a.example/b?id=utm_source", "https://a.example/b?id=utm_source"),
        ("https://a.example/%c3%bc", "https://a.example/%C3%BC"),
        ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example"),
        ("https://www.example/b", "https://www.example/b"),
        ("https://www2.a.example/b", "https://www2.a.example/b"),
    ],
)
def test_canonical(url: str, expected: str) -> None:
    """What may lead elsewhere stays in the key: case of the path, other ports, other parameters."""
    assert canonical(url) == expected


@given(WRITTEN)
def test_canonical_is_stable_and_legal(url: str) -> None:
    """A key is the key of itself, and a legal URL."""
    link = absolute(url, BASE)
    assume(link)
    assert link is not None
    key = canonical(link)
    assert canonical(key) == key
    assert LEGAL.fullmatch(key)
    assert key.startswith("https://")


@given(PLAIN)
def test_the_fast_way_and_the_thorough_one_agree(url: str) -> None:
    """The short cut for plain URLs gives what the long way would."""
    assert canonical(url) == urls._thorough(url)


@pytest.mark.parametrize("name", TRACKING)
def test_every_tracking_parameter_goes(name: str) -> None:
    """Each row of the table keeps its promise, whatever the case."""
    parameter = name.replace("*", "x")
    assert canonical(f"https://a.example/b?{parameter}=1&z=2&{parameter.upper()}") == "https://a.example/b?z=2"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.example", False),
        ("https://a.example/", False),
        ("https://a.example/?utm_source=x", False),
        ("https://a.example:8080/", False),
        ("https://a.example/b", True),
        ("https://a.example/?p=1", True),
    ],
)
def test_names_article(url: str, expected: bool) -> None:
    """A host alone names no article; a path or a query does."""
    assert names_article(canonical(url)) is expected
