"""Addresses made of patterns."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator import documents
from aggregator.documents import Options, Outcome
from aggregator.documents.permalinks import PLACEHOLDERS, STYLES, Page, checked, path_of
from aggregator.text.urls import absolute

DAY = datetime(2024, 3, 9, 7, 5, 2, tzinfo=UTC)  # a Saturday, the 69th day
POST = Page("_posts/2024-03-09-My_first post!.md", "What's new, Ärger & C++?", published=DAY)
NOTE = Page("notes/deep/kettle/index.md", "The Kettle", slug="Copper Pot", published=DAY, categories=("Old Tea", "tea"))


@pytest.mark.parametrize(
    ("pattern", "page", "expected"),
    [
        ("/:title/", POST, "My_first-post!/"),
        ("/:name/", POST, "2024-03-09-my-first-post/"),
        ("/:slug.html", POST, "whats-new-%C3%A4rger-c.html"),
        ("/:filename", POST, "2024-03-09-my_first-post"),
        ("/:basename", POST, "2024-03-09-My_first%20post!"),
        ("/:path/", POST, "2024-03-09-My_first%20post!/"),
        ("/:categories/:title", POST, "My_first-post!"),
        ("/:sections/:section/:title", POST, "My_first-post!"),
        ("/:title/", NOTE, "Copper-Pot/"),
        ("/:slug/", NOTE, "copper-pot/"),
        ("/:sections/:slugorfilename/", NOTE, "notes/deep/copper-pot/"),
        ("/:section/:contentbasename/", NOTE, "notes/kettle/"),
        ("/:path/", NOTE, "notes/deep/kettle/"),
        ("/:categories/:title/", NOTE, "old%20tea/tea/Copper-Pot/"),
        ("/:slugified_categories/:title:output_ext", NOTE, "old-tea/tea/Copper-Pot.html"),
        ("/:categories/:title", Page("films/Old/_posts/2024-03-09-x.md", categories=("Films", "c")), "films/old/c/x"),
        ("/:collection/:name", Page("_recipes/Tea & Milk.md"), "recipes/tea-milk"),
        ("/:sections/:title/", Page("_index.md"), ""),
        ("/:filename", Page("blog/_index.md"), "blog"),
        ("/:slug", Page("a.md", title="#1: 50% / off"), "%231-50-off"),
        ("/:slug", Page("a.md", title="  A - B  --c "), "a-b--c"),
        ("/:slug", Page("a.md", title="!!!"), "a"),
        ("/:slug", Page("a.md", title="C++ and C# +x y+"), "c-and-c%23-x-y"),
        ("/:slug", Page("a.md", title="x + 'q'"), "x--q"),
        ("/:slug", Page("a.md", title="a/b /c d/"), "a-b-c-d-"),
        ("/:slug", Page("a.md", slug="a/b c"), "a/b-c"),
        ("/:slug", Page("a.md", title="@@ -- ---x -- y"), "@@-----x--y"),
        ("/:slug", Page("a.md", title="dots... here."), "dots...-here."),
        ("/:slug", Page("a.md", title="日本語 の"), quote("日本語-の")),
        ("/:sections/:filename/", Page("My Posts/C++ notes.md"), "my-posts/c-notes/"),
        ("/:title", Page("!.md"), "!"),
        ("/:title", Page("हिन्दी ब्लॉग.md"), quote("हिन्दी-ब्लॉग")),
        ("/:year/:short_year/:month/:i_month/:day/:i_day", POST, "2024/24/03/3/09/9"),
        ("/:short_month/:long_month/:monthname", POST, "Mar/March/march"),
        ("/:y_day/:yearday/:week/:w_year/:w_day/:weekday", POST, "069/69/10/2024/6/6"),
        ("/:short_day/:long_day/:weekdayname/:hour:minute:second", POST, "Sat/Saturday/saturday/070502"),
        ("/W:week/:year-:month_:day/x", POST, "W10/2024-03_09/x"),
        ("//a//:year//", POST, "a/2024/"),
    ],
)  # fmt: skip
def test_placeholders(pattern: str, page: Page, expected: str) -> None:
    """As Jekyll and Hugo fill them; those of Hugo were compared with `hugo list all` of version 0.168."""
    assert path_of(pattern, page) == expected


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        ("date", "t/2024/03/09/x.html"),
        ("pretty", "t/2024/03/09/x/"),
        ("ordinal", "t/2024/069/x.html"),
        ("weekdate", "t/2024/W10/Sat/x.html"),
        ("none", "t/x.html"),
    ],
)
def test_patterns_with_a_name(style: str, expected: str) -> None:
    """They are Jekyll's."""
    assert path_of(checked(style), Page("_posts/2024-03-09-x.md", published=DAY, categories=("t",))) == expected
    assert style in STYLES


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("/blog/", "a placeholder that tells documents apart"),
        ("/:year/:month/", "a placeholder that tells documents apart"),
        ("/{slug}/", "a path on the site"),
        ("/:tittle/", "`:title`, not `:tittle`"),
        ("/:Title/", "`:title`, not `:Title`"),
        ("/:2006/:title/", "one of `:title`, `:slug`"),
        ("/:sections[1:]/:title", "a path on the site"),
        ("https://x.example/:title", "a path on the site"),
        ("/:title#top", "a path on the site"),
        ("/a b/:title", "a path on the site"),
    ],
)
def test_what_is_no_pattern(pattern: str, problem: str) -> None:
    """What was expected is said."""
    with pytest.raises(ValueError, match=re.escape(problem)):
        checked(pattern)


@pytest.mark.parametrize(
    ("fields", "path", "zone", "expected"),
    [
        ("date: 2024-03-09", "a.md", "UTC", "https://site.example/blog/2024/03/09/a/"),
        ("date: 2024-03-09T23:30:00Z", "a.md", "Asia/Tokyo", "https://site.example/blog/2024/03/10/a/"),
        ("layout: post", "2024-03-09-a.md", "Asia/Tokyo", "https://site.example/blog/2024/03/09/a/"),
        ("date: 2024-03-09\nslug: b", "2024-03-08-a.md", "UTC", "https://site.example/blog/2024/03/09/b/"),
        ("date: 2024-03-09\npermalink: /:year/x-:slug", "a.md", "UTC", "https://site.example/blog/2024/x-t"),
        ("date: 2024-03-09\npermalink: /p/", "a.md", "UTC", "https://site.example/blog/p/"),
        ("date: 2024-03-09\npermalink: ''", "a.md", "UTC", "https://site.example/blog/2024/03/09/a/"),
        ("date: 2024-03-09\npermalink: no", "a.md", "UTC", "https://site.example/blog/2024/03/09/a/"),
        ("date: 2024-03-09\nwebUrl: ftp://x", "a.md", "UTC", "https://site.example/blog/2024/03/09/a/"),
        ("date: 2024-03-09\nwebUrl: https://x.example/y", "a.md", "UTC", "https://x.example/y"),
        ("date: 2024-03-09\noriginalUrl: https://x.example/y", "a.md", "UTC", "https://x.example/y"),
        ("date: 2024-03-09\ncanonical_url: https://x.example/y", "a.md", "UTC", "https://site.example/blog/2024/03/09/a/"),
        ("date: someday", "a.md", "UTC", ""),
        ("layout: post", "a.md", "UTC", ""),
    ],
)  # fmt: skip
def test_a_document_without_an_address_gets_one(
    tmp_path: Path, fields: str, path: str, zone: str, expected: str
) -> None:
    """Below its site, in the days of its source; whatever it says itself counts first."""
    file = tmp_path / "a.md"
    file.write_text(f"---\ntitle: T\n{fields}\n---\n", encoding="utf-8")
    options = Options(
        base_url="https://site.example/blog/*", timezone=zone, within="s", permalink="/:year/:month/:day/:title/"
    )
    reading = documents.read(str(file), f"s/{path}", 0, options)
    assert (reading.mentions[0].link if expected else reading.outcome) == (expected or Outcome.failed)


NAME = st.text(st.characters(exclude_characters="/\x00", exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(
    st.lists(st.sampled_from(sorted(PLACEHOLDERS)), min_size=1, max_size=4),
    st.lists(NAME, min_size=1, max_size=3).map("/".join),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.datetimes(timezones=st.just(UTC)),
)
def test_an_address_is_legal_whatever_it_is_made_of(
    tokens: list[str], path: str, title: str, slug: str, published: datetime
) -> None:
    """It needs no mending, and stays below the site."""
    found = path_of("".join(f"/:{token}" for token in tokens), Page(f"{path}.md", title, slug, published, (title,)))
    url = absolute(f"https://site.example/blog/{found}", "")
    assert url
    assert url.startswith("https://site.example/blog/")
    assert not set("?# ") & set(found)
