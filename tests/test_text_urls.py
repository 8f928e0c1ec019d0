"""URLs, as written and as keys."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path
from random import Random
from urllib.parse import quote, unquote, urlsplit

import hypothesis
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from aggregator.text import hosts, urls
from aggregator.text.endings import DOMAINS, FILES, RESERVED
from aggregator.text.tracking import BY_HOST, TRACKING
from aggregator.text.urls import MAX_DEPTH, absolute, canonical, host, names_article

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
        ("https://Straße.example/", "https://xn--strae-oqa.example/"),
        ("https://ÉCOLE。example/", "https://xn--cole-9oa.example/"),
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


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example/b?c=1&amp;d=2",
        "https://a.example/b?c=1&#38;d=2",
        "https://a.example/b?c=1&#038;d=2",
        "https://a.example/b?c=1&#x26;d=2",
        "https://a.example/b?c=1&AMP;d=2",
        "https://a.example/b?c=1&amp;amp;amp;amp;amp;amp;amp;d=2",
        "https://a.example/b?c=1&#38;amp;#x26;d=2",
        "https:&#x2F;&#47;a.example&sol;b?c&equals;1&amp;d&#61;2",
        "https&colon;//me:secret&commat;a.example/b?c=1&d=2",
        "https://a.example/b?c=1&d=2\u200b",
        "\ufeffhttps://a.example/b?c=1&d=2",
        "\u200b \u2060https://a.example/b?c=1&d=2\u00a0\u200e",
        "https://a.exa\u00admple/b?c=1&d=2",
        "h\u200dttps:/\u200c/a.example/b?c=\u202a1\u202c&\u2066d=2\u2069",
        "https://me:sec\u200bret@a.example/b?c=1&d=2",
        "https://a.example/b?c=1&am\u200bp;d=2",
        "https://a.example/b?c=1&am&#8203;p;d=2&#xAD;",
        "<https://a.example/b?c=1&d=2>",
        "&lt;https://a.example/b?c=1&amp;d=2&gt;",
        ' "https://a.example/b?c=1&d=2" ',
        "\u201chttps://a.example/b?c=1&d=2\u201d",
    ],
)
def test_what_copying_left_in_an_address_goes(url: str) -> None:
    """Entities are decoded, however often they were escaped; what nobody can see and the signs around it go."""
    assert absolute(url, BASE) == "https://a.example/b?c=1&d=2"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.example/?a=1&copy=2", "https://a.example/?a=1&copy=2"),
        ("https://a.example/?a&unknown;b", "https://a.example/?a&unknown;b"),
        ("https://a.example/b;v=1?c;d", "https://a.example/b;v=1?c;d"),
        ("https://a.example/?q=%26amp%3B%E2%80%8B", "https://a.example/?q=%26amp%3B%E2%80%8B"),
        ("https://a.example/\u0645\u06cc\u200c\u062e", "https://a.example/%D9%85%DB%8C%E2%80%8C%D8%AE"),
        ("https://a.example/\u2764\ufe0f", "https://a.example/%E2%9D%A4%EF%B8%8F"),
        ("https://a.example/\u0645\u200c ", "https://a.example/%D9%85"),
        ("javascript&colon;alert(1)", None),
        ("java&Tab;script&#58;alert(1)", None),
        ("&#38;#38;#" * 9 + "38;" * 9, None),
        ("\u200b", None),
        ("&nbsp;", None),
        ("<>", None),
    ],
)
def test_what_an_address_means_stays(url: str, expected: str | None) -> None:
    """Escapes, joiners inside words that need them, and ampersands that begin no entity."""
    assert absolute(url, "") == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("www.a.example/b", "https://www.a.example/b"),
        ("WWW.A.Example/b", "https://WWW.A.Example/b"),
        ("www.a.example", "https://www.a.example"),
        ("www.intranet/b", "https://www.intranet/b"),
        ("www.a.example:8080/b", "https://www.a.example:8080/b"),
        ("www.b\u00fccher.example/b", "https://www.xn--bcher-kva.example/b"),
        ("a.example/b", "https://a.example/b"),
        ("news.a.co.uk/2026/01/b.html?c=d#e", "https://news.a.co.uk/2026/01/b.html?c=d#e"),
        ("a.com", "https://a.com"),
        ("a.com?b=c", "https://a.com?b=c"),
        ("a.io:8443/b", "https://a.io:8443/b"),
        ("a.md/b", "https://a.md/b"),
        ("b\u00fccher.de/b", "https://xn--bcher-kva.de/b"),
        ("a\u3002example/b", "https://a.example/b"),
        ("a.\u0440\u0444/b", "https://a.xn--p1ai/b"),
        ("\u200bwww.a.example/b?c=1&amp;d", "https://www.a.example/b?c=1&d"),
    ],
)
def test_half_an_address_is_completed(url: str, expected: str) -> None:
    """What begins with the name of a host lacks its scheme, with a base or without."""
    assert absolute(url, BASE) == absolute(url, "") == expected


@pytest.mark.parametrize(
    "url",
    [
        "https//a.example/b",
        "http//a.example",
        "https/a.example/b",
        "htps//a.example/b",
        "htps://a.example/b",
        "://a.example/b",
        ":https://a.example/b",
        "https ://a.example/b",
        "https: //a.example/b",
        "www .a.example/b",
        "www/a.example/b",
        "www. a.example/b",
        "[b](https://a.example/b)",
        "(a.example/b)",
        "see a.example/b",
        "a..example/b",
        "a.example, b.example/c",
        "me@a.example",
        "me:secret@a.example/b",
        "me:secret@www.a.example/b",
        "localhost/b",
        "localhost:8000/b",
        "192.0.2.1/b",
        "a:b/c",
    ],
)
def test_what_can_not_be_completed_is_no_path(url: str) -> None:
    """An address with a fault in its first part is refused: a guess would lead to a page of the site."""
    assert absolute(url, BASE) is None


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("page.html", "blog/page.html"),
        ("index.html", "blog/index.html"),
        ("index.php?p=1", "blog/index.php?p=1"),
        ("www.html", "blog/www.html"),
        ("readme.md", "blog/readme.md"),
        ("setup.py#top", "blog/setup.py#top"),
        ("all.zip", "blog/all.zip"),
        ("2024/01/a.html", "blog/2024/01/a.html"),
        ("a.b/c", "blog/a.b/c"),
        ("v1.2/notes", "blog/v1.2/notes"),
        ("1.2.3/notes", "blog/1.2.3/notes"),
        ("./a.example/b", "blog/a.example/b"),
        ("/www.a.example/b", "www.a.example/b"),
        ("../www.a.example/b", "www.a.example/b"),
        ("@me/a-story", "blog/@me/a-story"),
        ("@me@a.example/1", "blog/@me@a.example/1"),
        ("my notes.md", "blog/my%20notes.md"),
        ("https", "blog/https"),
        ("https/setup.html", "blog/https/setup.html"),
        ("a/www.a.example", "blog/a/www.a.example"),
        ("?u=https://a.example", "blog/index.html?u=https://a.example"),
    ],
)
def test_what_is_relative_stays_relative(url: str, expected: str) -> None:
    """Folders and files, also those whose ending hosts have too, and what says that it is relative."""
    assert absolute(url, BASE) == f"https://site.example/{expected}"


HIDDEN = [
    "\u200b",
    "\u200c",
    "\u200d",
    "\u200e",
    "\u200f",
    "\u2060",
    "\ufeff",
    "\u00ad",
    "\u202a",
    "\u202e",
    "\u2066",
    "\u2069",
]


@given(
    st.sampled_from(["https://me:secret@a.example/b?c=1&d=2#e", "www.a.example/b", "a.example/b", "/b/c"]), st.data()
)
def test_what_nobody_can_see_changes_nothing(url: str, data: st.DataObject) -> None:
    """Wherever it stands in an address."""
    place = data.draw(st.integers(0, len(url)))
    hidden = data.draw(st.lists(st.sampled_from(HIDDEN), min_size=1).map("".join))
    assert absolute(url[:place] + hidden + url[place:], BASE) == absolute(url, BASE)


@given(joined(["https://a.example/", *'&#;amp38x26<>" \u200b\u200d\u00ad\u0645é', "&amp;", "&#8203;", "&lt;", "&#38;"]))
def test_an_address_that_was_cleaned_is_clean(url: str) -> None:
    """However entities, hidden characters and signs stand in each other."""
    found = absolute(url, BASE)
    assume(found)
    assert found is not None
    assert absolute(found, BASE) == found


@given(st.integers(1, 12), st.sampled_from(["&amp;", "&#38;", "&#x26;"]))
def test_an_ampersand_is_one_however_often_it_was_escaped(times: int, entity: str) -> None:
    """By one program after the other."""
    escaped = "&"
    for _ in range(times):
        escaped = escaped.replace("&", entity)
    assert absolute(f"https://a.example/?a{escaped}b", "") == "https://a.example/?a&b"


def test_hosts_end_as_iana_has_it() -> None:
    """The table is the root zone's, as far as it was there when the table was made."""
    listed = Path(hypothesis.__file__).with_name("vendor") / "tlds-alpha-by-domain.txt"
    names = {line.lower() for line in listed.read_text().split("\n") if line and not line.startswith("#")}
    assert len(DOMAINS & names) > 1300
    assert FILES < DOMAINS
    assert not RESERVED & DOMAINS


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
        "https://a.example/b#comments",
        "https://a.example:443/b",
        "http://a.example:80/b",
        "https://a.example./b",
        "https://a.example/b?",
        "https://a.example/%62",
        "https://a.example/x/../b",
        "https://a.example/b?utm_source=x&UTM_Medium=y&fbclid=z",
        "https://a.example/b/?gclid=1#comments",
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
@example("https://a.example/b;/;/")
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
    assert canonical(url) == "https://{}{}".format(*urls._parts(url))


@pytest.mark.parametrize("name", TRACKING)
def test_every_tracking_parameter_goes(name: str) -> None:
    """Each row of the table keeps its promise, whatever the case."""
    parameter = name.replace("*", "x")
    assert canonical(f"https://a.example/b?{parameter}=1&z=2&{parameter.upper()}") == "https://a.example/b?z=2"


@pytest.mark.parametrize(
    "name",
    [
        *("itm_source", "itm_campaign", "otm_source", "cm_mmc", "cm_mmca1", "cmpid", "mc_tc", "hmb_source", "_bhlid"),
        *("at_medium", "at_campaign", "at_custom1", "at_recipient_id", "ga_source", "ga_campaign", "spm", "__s"),
        *("pk_campaign", "pk_kwd", "pk_keyword", "mtm_kwd", "fb_ref", "fb_source", "s_campaign", "elq", "elqTrackId"),
        *("elq_cid", "action_object_map", "_branch_referrer", "fb_comment_id", "UTM_Source", "utm_x%5B%5D"),
    ],
)
def test_what_mailings_and_analytics_add(name: str) -> None:
    """Names that lists of others have in common, too."""
    assert key(f"https://a.example/b?id=7&{name}=x.y-z") == "https://a.example/b?id=7"


@pytest.mark.parametrize(
    "name",
    [
        *("ref", "source", "id", "p", "q", "cid", "mid", "partner", "ss", "sr", "share", "campaign_id", "trk", "page"),
        *("at_time", "at_id", "at", "ga", "pk", "s", "t", "elk", "itm", "spmid", "cm", "gs_l", "fb", "mc", "utm"),
    ],
)
def test_what_names_a_page_somewhere_never_goes_everywhere(name: str) -> None:
    """It makes another key, as it may be another page."""
    assert key(f"https://a.example/b?{name}=1") != key(f"https://a.example/b?{name}=2")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://www.cnbc.com/a.html?__source=x", "https://cnbc.com/a.html"),
        ("https://www.wired.com/story/a/?intcid=x", "https://wired.com/story/a"),
        ("https://www.forbes.com/sites/a/b/?ss=ai&sh=1", "https://forbes.com/sites/a/b"),
        ("https://www.fastcompany.com/1/a?partner=rss", "https://fastcompany.com/1/a"),
        (
            "https://www.darkreading.com/a/d/d-id/1?_mc=x&cid=y&page_number=2",
            "https://darkreading.com/a/d/d-id/1?page_number=2",
        ),
        ("https://www.dailymail.co.uk/a/article-1/b.html?mid=1", "https://dailymail.co.uk/a/article-1/b.html"),
        ("https://techcrunch.com/2026/a/?sr=x&sr_share=y", "https://techcrunch.com/2026/a"),
        ("https://www.reddit.com/r/a/?ref_campaign=x", "https://reddit.com/r/a"),
    ],
)
def test_what_single_outlets_add(url: str, expected: str) -> None:
    """Elsewhere, the same names may mean something."""
    assert key(url) == expected
    assert key(url.replace(host(url), "a.example")).count("?") == 1


TRACKED = st.lists(
    st.sampled_from([*TRACKING, *(name for _, names in BY_HOST for name in names)]).map(
        lambda name: name.replace("*", "x")
    ),
    max_size=4,
)
COUNTED = st.sampled_from(["a.example", *(name.removeprefix(".") for names, _ in BY_HOST for name in names)])


@given(COUNTED, TRACKED, st.sampled_from(["/b", "/watch", "/", "/b/amp"]))
def test_a_key_without_tracking_is_its_own_key(name: str, parameters: list[str], path: str) -> None:
    """On every host of the tables, with any of their parameters."""
    found = key(f"https://{name}{path}?{'&'.join(f'{parameter}=1' for parameter in ['id', *parameters])}")
    assert canonical(found) == found


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


def key(url: str, tracking: tuple[str, ...] = ()) -> str:
    link = absolute(url, "")
    assert link is not None
    return canonical(link, tracking)


def test_the_configuration_adds_tracking_parameters() -> None:
    """Further patterns go besides those of the table, in any case, and only for who asks."""
    url = "https://a.example/b?Ref=1&from_x=2&utm_id=3&z%5B%5D=4&w=5"
    assert key(url, ("ref", "From_*", "z[[]]")) == "https://a.example/b?w=5"
    assert key(url) == "https://a.example/b?Ref=1&from_x=2&w=5&z%5B%5D=4"


def test_an_escaped_slash_is_no_slash() -> None:
    """Escaping counts only where it says something: unreserved characters and the case of hex digits don't."""
    assert key("https://a.example/%c3%a9%7e") == key("https://a.example/é~") == "https://a.example/%C3%A9~"
    assert key("https://a.example/b%2fc") == key("https://a.example/b%2Fc") != key("https://a.example/b/c")
    assert key("https://a.example/?q=%26") != key("https://a.example/?q=&")
    assert key("https://a.example/?q=%2B") != key("https://a.example/?q=+")


@pytest.mark.parametrize("name", ["xn--a", "xn--zzzzzz", "xn---", "xn--a-\u00e9", "\u2488", "a\u0300" * 30])
def test_a_bad_international_host_never_raises(name: str) -> None:
    """A host that is no punycode, or can't become it, has a key or is no link."""
    link = absolute(f"https://{name}.example/b", "")
    assert link is None or canonical(link).endswith(".example/b")


VIDEO = "a1B2c3D4e5_"
ONE_PAGE = [
    [
        f"https://www.youtube.com/watch?v={VIDEO}",
        f"https://m.youtube.com/watch?v={VIDEO}&feature=youtu.be",
        f"https://music.youtube.com/watch?list=PLx&v={VIDEO}",
        f"https://youtu.be/{VIDEO}?t=42&si=x",
        f"https://www.youtube.com/embed/{VIDEO}?start=42",
        f"https://www.youtube-nocookie.com/embed/{VIDEO}",
        f"https://youtube.com/shorts/{VIDEO}",
        f"https://youtube.com/live/{VIDEO}?si=x",
        f"https://www.youtube.com/v/{VIDEO}&hl=en",
    ],
    [
        "https://vimeo.com/123",
        "https://player.vimeo.com/video/123?h=x",
        "https://vimeo.com/123/0123456789",
        "https://vimeo.com/channels/staffpicks/123",
    ],
    [
        "https://www.dailymotion.com/video/x7abc_a-storm",
        "https://www.dailymotion.com/embed/video/x7abc?autoplay=1",
        "https://dai.ly/x7abc",
    ],
    [
        "https://www.tiktok.com/@a/video/7012345?_r=1",
        "https://m.tiktok.com/v/7012345.html",
        "https://www.tiktok.com/embed/v2/7012345",
    ],
    [
        "https://twitter.com/a/status/123?s=20&t=x",
        "https://x.com/a/status/123/photo/1",
        "https://mobile.twitter.com/A/statuses/123",
        "https://x.com/i/web/status/123",
    ],
    [
        "https://www.instagram.com/p/Cabcdefghij/?img_index=1",
        "https://www.instagram.com/reel/Cabcdefghij/",
        "https://www.instagram.com/a.b/p/Cabcdefghij/embed/",
    ],
    [
        "https://www.reddit.com/r/a/comments/abc123/a_storm/?rdt=1",
        "https://old.reddit.com/r/a/comments/abc123/a_storm/?sort=new",
        "https://np.reddit.com/comments/abc123",
        "https://redd.it/abc123",
    ],
    ["https://m.facebook.com/a/posts/1?__tn__=x&__cft__[0]=y", "https://www.facebook.com/a/posts/1?mibextid=z"],
    ["https://en.m.wikipedia.org/wiki/Storm", "https://en.wikipedia.org/wiki/Storm?wprov=sfla1"],
    [
        "https://medium.com/@a/a-storm-0123456789ab?source=x",
        "https://medium.com/weather/a-storm-0123456789ab?sk=y",
        "https://a.medium.com/a-storm-0123456789ab",
        "https://medium.com/p/0123456789ab",
    ],
    ["https://open.substack.com/pub/weather/p/storm?r=x", "https://weather.substack.com/p/storm?triedRedirect=true"],
    [
        "https://open.spotify.com/embed/episode/0123456789abcdefghijkl",
        "https://open.spotify.com/intl-de/episode/0123456789abcdefghijkl?si=x",
    ],
    [
        "https://stackoverflow.com/questions/123/how-to-storm?rq=1",
        "https://stackoverflow.com/questions/123/",
        "https://stackoverflow.com/q/123/456",
    ],
    [
        "https://arxiv.org/abs/2301.01234",
        "http://arxiv.org/pdf/2301.01234.pdf",
        "https://export.arxiv.org/pdf/2301.01234",
        "https://doi.org/10.48550/arXiv.2301.01234",
    ],
    ["https://arxiv.org/abs/hep-th/9901001", "https://arxiv.org/pdf/hep-th/9901001"],
    [
        "https://www.amazon.com/A-Storm/dp/B012345678/ref=sr_1_1?keywords=x",
        "https://www.amazon.com/gp/product/B012345678?tag=x",
        "https://smile.amazon.com/dp/B012345678",
    ],
    ["https://www.bbc.co.uk/news/uk-123?at_medium=x", "https://www.bbc.com/news/uk-123"],
    ["https://docs.microsoft.com/en-us/azure/?WT.mc_id=x", "https://learn.microsoft.com/en-us/azure/"],
    ["https://amp.theguardian.com/world/a", "https://www.theguardian.com/world/a?CMP=share_btn"],
    ["https://www.linkedin.com/pulse/a?trk=x", "https://www.linkedin.com/pulse/a?trackingId=y"],
]


@pytest.mark.parametrize("spellings", ONE_PAGE, ids=lambda spellings: host(spellings[0]))
def test_a_host_with_many_spellings_of_a_page_has_one_key_for_it(spellings: list[str]) -> None:
    """However its own host spells it, a page has one key, which is its own key."""
    keys = set(map(key, spellings))
    assert len(keys) == 1
    assert keys == set(map(canonical, keys))


def test_every_row_of_spellings_is_shown() -> None:
    """No row of the table is there without an example, and none hides behind one above it."""
    shown = set()
    for url in (url for spellings in ONE_PAGE for url in spellings):
        found = urls._key(url, ())
        for name in (found.host, *hosts._endings(found.host)):
            rows = [row for row in hosts.SPELLINGS if name in row[0]]
            target = urls._target(found.path, found.query)
            shown.update(next(([row] for row in rows if re.fullmatch(row[1], target)), []))
    assert shown == set(hosts.SPELLINGS)


OTHER_PAGES = [
    f"https://youtube.com/watch?v={VIDEO}",
    "https://youtube.com/watch?v=z1B2c3D4e5_",
    f"https://youtube.com/watch?v={VIDEO.lower()}",
    "https://youtube.com/playlist?list=PLx",
    "https://youtube.com/embed/videoseries?list=PLx",
    "https://youtube.com/embed/videoseries?list=PLy",
    "https://youtube.com/embed/live_stream?channel=UCx",
    "https://youtube.com/channel/UCx",
    "https://music.youtube.com/channel/UCx",
    "https://youtube.com/@someone",
    "https://youtube.com/results?search_query=x",
    "https://vimeo.com/123",
    "https://vimeo.com/channels/123",
    "https://x.com/someone",
    "https://x.com/someone/status/1",
    "https://x.com/someone/status/1/likes",
    "https://blog.twitter.com/someone/status/1",
    "https://reddit.com/r/a",
    "https://reddit.com/r/a/comments/abc123/a_storm",
    "https://reddit.com/r/a/comments/abc123/a_storm/def456",
    "https://reddit.com/r/a/comments/abc123/.rss",
    "https://redd.it/abc124",
    "https://de.wikipedia.org/wiki/Storm",
    "https://en.m.wikipedia.org/wiki/Storm",
    "https://medium.com/@a/a-storm-0123456789ab",
    "https://medium.com/u/0123456789ab",
    "https://medium.com/@a/list/storms-0123456789ab",
    "https://stackoverflow.com/questions/123/how-to",
    "https://stackoverflow.com/questions/123/how-to/456",
    "https://stackoverflow.com/questions/tagged/storm",
    "https://superuser.com/questions/123/how-to",
    "https://arxiv.org/abs/2301.01234",
    "https://arxiv.org/abs/2301.01234v2",
    "https://arxiv.org/list/2301.01234",
    "https://amazon.com/dp/B012345678",
    "https://amazon.de/dp/B012345678",
    "https://amazon.com/product-reviews/B012345678",
    "https://bbc.com/news/uk-123",
    "https://bbc.co.uk/programmes/uk-123",
    "https://notyoutu.be/a1B2c3D4e5_",
    "https://youtube.com.example/watch?v=a1B2c3D4e5_&t=1",
    f"https://youtube.com:8080/watch?v={VIDEO}&t=1",
    "https://a.example/b?feature=1",
    "https://a.example/b?source=1",
    "https://a.example/guitars/amp",
    "https://a.example/guitars",
    "https://a.example/guitars?amp=2",
    "https://amp.a.example/guitars",
]


def test_different_pages_have_different_keys() -> None:
    """What only looks like another spelling stays a page of its own."""
    assert [(one, other) for one, other in combinations(OTHER_PAGES, 2) if key(one) == key(other)] == []


@pytest.mark.parametrize(("mirror", "own"), hosts.MIRRORS.items())
def test_a_mirror_has_the_keys_of_its_host(mirror: str, own: str) -> None:
    """A host that shows another one's pages under the same paths makes no other key, with a query or without."""
    sub = "sub" if mirror.startswith(".") else ""
    for rest in ("/a/b", "/a?z=1"):
        assert key(f"https://www.{sub}{mirror}{rest}") == key(f"https://{sub}{own}{rest}")
    assert key(f"https://{sub}{mirror}/a") != key(f"https://{sub}{mirror}/b")


@pytest.mark.parametrize(
    ("name", "parameter"), [(name, parameter) for names, row in BY_HOST for name in names for parameter in row]
)
def test_every_tracking_parameter_of_a_host_goes_there_alone(name: str, parameter: str) -> None:
    """A host's own way to count its readers makes no other key there; elsewhere, the same parameter may matter."""
    query = f"{parameter.replace('*', 'x').upper()}=x&z=2"
    own = name.removeprefix(".")
    assert key(f"https://{own}/b?{query}") == key(f"https://{own}/b?z=2")
    assert key(f"https://sub{name}/b?{query}") == key(f"https://sub{name}/b?z=2") or not name.startswith(".")
    if parameter not in TRACKING:
        assert key(f"https://a.example/b?{query}") != key("https://a.example/b?z=2")


def redirections() -> list[str]:
    """For each host, path and parameter of the table, a URL up to the one that it holds."""
    return [
        f"https://{'www' * name.startswith('.')}{name}{path.replace('*', 'x')}?a=b&{'-_' * bool(row.signs)}{parameter}="
        for row in hosts.REDIRECTORS
        for name in row.hosts
        for path in row.paths
        for parameter in row.parameters
    ]


def redirected(redirector: str, url: str) -> str:
    """The URL by which a redirector leads to `url`."""
    if "&-_" not in redirector:
        return redirector + quote(url, safe="")
    escaped = re.sub(r"[^\w.:/]|_", lambda found: f"-{ord(found[0]):02X}", url).replace("/", "_")
    return redirector.replace("&-_", "&") + escaped


@pytest.mark.parametrize("redirector", redirections())
def test_a_redirector_has_the_key_of_where_it_leads(redirector: str) -> None:
    """The URL that a redirector holds is the page's, whatever else it carries."""
    url = "https://www.a.example/B_c-d/?z=1&y=%26%2F&utm_source=x#comments"
    assert key(redirected(redirector, url)) == key(url) == "https://a.example/B_c-d?y=%26%2F&z=1"


@pytest.mark.parametrize("redirector", redirections())
def test_a_redirector_to_no_page_stays_as_it_is(redirector: str) -> None:
    """What leads to nothing that others can reach has its own key, with all that it carries."""
    for inner in ("", "/a", "//a.example/b", "storm", "javascript:alert(1)", "http://intranet/", "ftp://a.example/"):
        found = key(redirected(redirector, inner))
        assert "a=b" in found
        assert host(found) == hosts._mirrored(host(redirector).removeprefix("www."))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://href.li/?https://a.example/b?x=2&a=1", "https://a.example/b?a=1&x=2"),
        ("https://www.deviantart.com/users/outgoing?https://a.example/b", "https://a.example/b"),
        ("https://urldefense.com/v3/__https://a.example/b?x=2&a=1__;!!x!y$", "https://a.example/b?a=1&x=2"),
        ("https://urldefense.com/v3/__https://a.example/b/__;!!x!y_z$", "https://a.example/b"),
        ("https://x-y.cdn.ampproject.org/c/s/www.a.example/b/amp/?usqp=x&z=1", "https://a.example/b?z=1"),
        ("https://cdn.ampproject.org/v/a.example/b?amp_js_v=1&amp=1", "https://a.example/b"),
        ("https://x-y.cdn.ampproject.org/i/s/a.example/amp/b.png", "https://a.example/amp/b.png"),
        ("https://x-y.cdn.ampproject.org/wp/s/a.example/b/amp/amp", "https://a.example/b/amp"),
        ("https://x-y.bing-amp.com/c/s/a.example/b?outputType=amp", "https://a.example/b"),
        ("https://www.bing.com/amp/s/a.example/b/amp", "https://a.example/b"),
        ("https://www.google.de/amp/s/www.a.example/b?x=/amp", "https://a.example/b?x=%2Famp"),
        ("https://www.google.com/amp/s/m.facebook.com/a/posts/1", "https://facebook.com/a/posts/1"),
        ("https://www.google.com/url?q=https://me:secret@a.example/b", "https://a.example/b"),
        ("https://www.google.com/url?q=a%20storm&url=https%3A%2F%2Fa.example%2Fb", "https://a.example/b"),
    ],
)
def test_what_only_passes_on_a_page_has_its_key(url: str, expected: str) -> None:
    """Caches of AMP pages and those who hold a URL as it is lead to its page, without the network."""
    assert key(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "https://href.li?b=",
        "https://google.com/url?q=https%3A%2F%2Fa.example%2F%FF",
        "https://google.com/url?q=https%3A%2F%2Fa.example%2Fb&q=https%3A%2F%2Fa.example%2Fc",
        "https://google.com/amp/s",
        "https://google.com/search?q=https%3A%2F%2Fa.example%2Fb",
        "https://google.com.example/url?q=https%3A%2F%2Fa.example%2Fb",
        "https://a-example.cdn.ampproject.org/c/s/intranet/b",
        "https://urldefense.com/v3/__https://a.example/b*c__;Kw!!x!y$",
        "https://facebook.com/sharer/sharer.php?u=https%3A%2F%2Fa.example%2Fb",
    ],
)
def test_where_a_page_would_be_a_guess_nothing_is_undone(url: str) -> None:
    """A URL that is given twice, is damaged or isn't passed on stays the page that it is."""
    assert key(url) == url


def test_redirectors_to_redirectors_are_undone_to_a_depth() -> None:
    """Five in each other lead to the page, in any mixture; more stay as they are, and are always the same."""
    url = "https://a.example/b"
    for _ in range(MAX_DEPTH):
        url = redirected("https://www.google.com/url?q=", url)
        assert key(url) == "https://a.example/b"
    assert (
        key(
            "https://www.google.com/url?q=https://google.com/amp/s/l.facebook.com/l.php%3Fu%3Dhttps%253A%252F%252Fa.example"
        )
        == "https://a.example"
    )
    deep = key(redirected("https://l.facebook.com/l.php?u=", url))
    assert host(deep) == "l.facebook.com"
    assert canonical(deep) == deep


TABLES = (hosts.SPELLINGS, hosts.VERBATIM, hosts.CACHES)
KNOWN_HOSTS = {
    *hosts.MIRRORS,
    *(name for table in TABLES for row in table for name in row[0]),
    *(name for row in hosts.REDIRECTORS for name in row.hosts),
}
KNOWN_PIECES = [
    *("/", "//", "/./", "/../", "?", "&", "=", "#", ";", "*", "b", "%2F", "%3F", "%26", "%25"),
    *("a.example", "https://", "https%3A%2F%2F", "https%253A%252F%252F", "href.li/?", "google.com/url?q="),
    *("/c/s/", "/amp/s/", "/amp", "amp=1", "utm_x=1", "/url", "/l.php", "/l", "q=", "u=", "uddg=", "url="),
    *("/v3/__", "__;!!x", "/v2/url", "https-3A__", "/watch", "v=", VIDEO, "/embed/", "/a/status/1", "/comments/abc"),
    *("/questions/1", "/dp/B012345678", "/abs/2301.01234", "-0123456789ab", "/news/x", "/p/"),
]
KNOWN = st.builds(
    "{}{}{}".format,
    st.sampled_from(["https://", "http://www."]),
    st.sampled_from([f"en{name}" if name.startswith(".") else name for name in sorted(KNOWN_HOSTS)]),
    joined(KNOWN_PIECES),
)


@given(KNOWN)
@example("https://google.com/url?q=x&q=https://a.example/b")
@example("https://cdn.ampproject.org/c/./s/a.example/b")
@example("https://href.li/?b&https://a.example/")
def test_keys_of_hosts_with_rules_are_stable_and_legal(url: str) -> None:
    """Whatever a table makes of a URL is a key: legal, and the key of itself."""
    link = absolute(url, "")
    assume(link)
    assert link is not None
    found = canonical(link)
    assert canonical(found) == found
    assert LEGAL.fullmatch(found)
    assert found.startswith("https://")


WORD = st.text("abcXYZ019_~-é%", min_size=1, max_size=6).map(lambda text: quote(text, safe=""))
PARAMETERS = st.lists(
    st.tuples(st.sampled_from(["id", "p", "q", "page", "Id"]), WORD), max_size=4, unique_by=lambda pair: pair[0]
)
ADDRESS = st.tuples(
    st.sampled_from(["a.example", "b-c.example", "x.co.example"]), st.lists(WORD, min_size=1, max_size=3), PARAMETERS
)


def spelled(address: tuple[str, list[str], list[tuple[str, str]]], front: str = "https://", back: str = "") -> str:
    name, path, parameters = address
    query = "&".join([*(f"{name}={value}" for name, value in parameters), back])
    return f"{front}{name}/{'/'.join(path)}{'?' * bool(query)}{query}"


@given(ADDRESS, st.data())
def test_nothing_but_what_leads_elsewhere_changes_a_key(
    address: tuple[str, list[str], list[tuple[str, str]]], data: st.DataObject
) -> None:
    """Order of parameters, tracking, fragment, www, scheme, port and case of the host never make another key."""
    name, path, parameters = address
    other = (data.draw(st.sampled_from([name, name.upper(), f"{name}."])), path, data.draw(st.permutations(parameters)))
    front = data.draw(st.sampled_from(["https://", "http://", "HTTPS://www.", "http://me:secret@WWW."]))
    back = data.draw(
        st.sampled_from(["", "utm_source=x", "gclid=y&FBCLID=z", "#comments", "utm_id=1#comments", "amp", "amp=1"])
    )
    assert key(spelled(other, front, back)) == key(spelled(address))


@given(ADDRESS, st.data())
def test_what_leads_elsewhere_changes_a_key(
    address: tuple[str, list[str], list[tuple[str, str]]], data: st.DataObject
) -> None:
    """Another value of a parameter, another path or another case in it is another page."""
    name, path, parameters = address
    places = data.draw(st.sampled_from([*range(len(path)), *(-1 - place for place in range(len(parameters)))]))
    if places >= 0:
        changed = data.draw(WORD | st.just(path[places].swapcase()))
        assume(unquote(changed) != unquote(path[places]))
        other = (name, [*path[:places], changed, *path[places + 1 :]], parameters)
    else:
        place = -1 - places
        label, value = parameters[place]
        changed = data.draw(WORD)
        assume(unquote(changed) != unquote(value))
        other = (name, path, [*parameters[:place], (label, changed), *parameters[place + 1 :]])
    assert key(spelled(other)) != key(spelled(address))


# The key of a key is that key

MARKS = [*"/.;%?#&=:@+~ [|ab", "..", "/.", "/..", "//", "/./", "é", "amp", "utm_x=1"]
ESCAPES = ["%2F", "%2f", "%2E", "%3B", "%41", "%c3%a9", "%20"]
HARD_HOSTS = ["a.com", "www.www.a.com", "a.com.", "a.com:80", "a.com:8443", "x.com", "medium.com", "en.m.wikipedia.org"]


def assert_its_own_key(url: str) -> None:
    written = absolute(url, "")
    if written:
        key = canonical(written)
        assert canonical(key) == key, url


@given(st.sampled_from(HARD_HOSTS), st.lists(st.sampled_from([*MARKS, *ESCAPES])).map("".join))
@example("a.com", "/.;/")
@example("medium.com", "/..;/")
@example("a.com", "//..;%5B/;")
def test_a_key_is_its_own_key(host: str, rest: str) -> None:
    """However dots, parameters, slashes and escapes stand in its URL."""
    assert_its_own_key(f"http://{host}{rest}")


def test_a_hundred_thousand_keys_are_their_own() -> None:
    """Of URLs made of what is hard."""
    choose = Random(20261127).choices
    for number in range(100_000):
        path = "".join(choose([*MARKS, *ESCAPES], k=number % 9))
        assert_its_own_key(f"http://{HARD_HOSTS[number % len(HARD_HOSTS)]}/{path}")
