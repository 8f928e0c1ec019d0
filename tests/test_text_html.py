"""HTML and Markdown from strangers."""

from __future__ import annotations

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from aggregator.errors import ParseError
from aggregator.text.html import MAX_MARKDOWN, from_markdown, is_page, player, sanitised
from aggregator.text.plain import legal
from aggregator.text.visible import HIDING, MAX_DEPTH, PIXELS, TAGS, UNSEEN

BASE = "https://site.example/blog/"

NAMES = sorted({*TAGS, *UNSEEN, "html", "head", "body", "form", "input", "font", "center", "nobr", "xmp", "mi", "base"})
ATTRIBUTES = [
    *(
        'href="http://a.example/"',
        "href=/b",
        'href="javascript:x"',
        "src=//a.example/i.png",
        'src="data:x"',
        "onclick=x",
    ),
    *(
        'style="display:none"',
        "style=width:1px",
        "style=font-size:0",
        'style="font-size:9px"',
        "hidden",
        'title="<b>&quot;"',
        "width=1",
        "height=1",
        "lang=en",
        '"',
        "<",
    ),
]
TEXTS = [
    *(
        "x",
        " ",
        "\n",
        "&lt;script&gt;",
        "&amp;",
        "<",
        ">",
        "&",
        '"',
        "&nbsp;",
        "&#0;",
        "&#1;",
        "\0",
        "\x0b",
        "\ud800",
        "\r",
    ),
    *(
        "<!--",
        "-->",
        "--!>",
        "<![CDATA[",
        "]]>",
        "<?",
        "</",
        "/>",
        "<!DOCTYPE html>",
        "&#150;",
        "\ufffe",
        "<!--[if mso]>",
    ),
]
OPEN = st.builds(
    "<{} {}>".format,
    st.sampled_from(NAMES),
    st.lists(st.sampled_from(ATTRIBUTES), max_size=2).map(" ".join),
)
SOUP = st.lists(OPEN | st.builds("</{}>".format, st.sampled_from(NAMES)) | st.sampled_from(TEXTS), max_size=25).map(
    "".join
)


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("just text", "just text"),
        ("<p>a <b>b</b></p>", "<p>a <b>b</b></p>"),
        ("<p onclick=x style='color:red' class=c id=i>a</p>", "<p>a</p>"),
        ("<script>alert(1)</script><style>p{}</style>a", "a"),
        ("a<!-- c --><!--[if mso]><p>old</p><![endif]-->b", "ab"),
        ("<![if !mso]>a<![endif]>", "a"),
        ('<div style="display: none">preheader <div>more</div></div>a', "a"),
        ('<div style="mso-hide:all">preheader</div><p hidden>b</p>a', "a"),
        ('<img src="//a.example/pixel.gif" width="1" height="1">a', "a"),
        ('<img src="//a.example/pixel.gif" style="width:1px; height:0px">a', "a"),
        ('<img src="/i.png" width="640" height="1">', '<img src="https://site.example/i.png" width="640" height="1">'),
        ('<img src="data:image/png;base64,xx">a', "a"),
        ('<a href="../x">a</a>', '<a href="https://site.example/x">a</a>'),
        ('<a href="javascript:alert(1)">a</a>', "a"),
        ('<a href="#note">1</a>', f'<a href="{BASE}#note">1</a>'),
        ('<a href="#">top</a><a href="#!">menu</a><a href=" # ">x</a><img src="#a">', "topmenux"),
        ('<a href="/x?a=1&amp;amp;b=2">a</a>', '<a href="https://site.example/x?a=1&amp;b=2">a</a>'),
        ('<a href="https://a.example/b\u200b">a</a>', '<a href="https://a.example/b">a</a>'),
        ('<a href="www.a.example/b">a</a>', '<a href="https://www.a.example/b">a</a>'),
        ('<a href="https//a.example/b">a</a>', "a"),
        ("<p>\u200b\u2060</p>", ""),
        ('<a href="mailto:a@b.example?subject=x">a</a>', '<a href="mailto:a@b.example?subject=x">a</a>'),
        ("<form action=/x><p>a</p><input><button>b</button></form>", "<p>a</p>"),
        ('<iframe src="https://a.example/">x</iframe><object>y</object><video>z</video>a', "a"),
        ("<svg><title>x</title></svg><math><mi>y</mi></math>a", "a"),
        ("<font color=red><center>a</center></font>", "a"),
        ("a < b &amp; c &lt;script&gt;", "a &lt; b &amp; c &lt;script&gt;"),
        ("nul\0l \x0b&#1;&#xfffe;", "null"),
        ("<pre>\n\n  a</pre>", "<pre>\n\n  a</pre>"),
        ("<table><tr><td>a", "<table><tbody><tr><td>a</td></tr></tbody></table>"),
        ("<p><b>a<p>c", "<p><b>a</b></p><p>c</p>"),
        ("<ul><li>a<li>b</ul>", "<ul><li>a</li><li>b</li></ul>"),
        ("<p dir=rtl lang=he>א</p>", '<p dir="rtl" lang="he">א</p>'),
        ("<p></p><div> &nbsp; </div>", ""),
        ("", ""),
    ],
)
def test_sanitised(html: str, expected: str) -> None:
    """What can be seen stays; what runs, is sent, hides or tracks goes; links are absolute."""
    assert sanitised(html, BASE) == expected


def test_of_a_page_the_body_stays() -> None:
    """Of a whole page, what is inside the body is kept, title and styles not."""
    page = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>T</title><style>p{color:red}</style>
        <link rel=stylesheet href=x.css></head><body bgcolor=red><p>Hello</p></body></html>"""
    assert sanitised(page, "") == "<p>Hello</p>"


@pytest.mark.parametrize(
    ("text", "page"),
    [
        ("<!doctype HTML>", True),
        (" \n<html lang=en>", True),
        ("\ufeff<?xml version='1.0'?>\n<!DOCTYPE html PUBLIC 'x'>", True),
        ("<!-- a - b --><!----><head>", True),
        ("<body>", True),
        ("<header>", False),
        ("<p>a</p><html>", False),
        ("# About <html>", False),
        ("<!-- a", False),
        ("", False),
    ],
)
def test_a_page_is_known_by_its_beginning(text: str, page: bool) -> None:
    """A whole page opens with its doctype, `html`, `head` or `body`; nothing else is one."""
    assert is_page(text) is page


@pytest.mark.parametrize("unit", ["<!--", "<!---->", "<!---", "<?xml", " ", "<!-- -->\n"])
def test_looking_for_a_page_ends(unit: str) -> None:
    """However a text begins, it is told at once whether it is a page."""
    started = process_time()
    assert not is_page(unit * (1_000_000 // len(unit)))
    assert process_time() - started < 2


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ('<base href="https://cdn.example/n/">', "https://cdn.example/n/x"),
        ('<base href="//cdn.example/n/">', "https://cdn.example/n/x"),
        ('<base href="/n/">', "https://site.example/n/x"),
        ('<base target=_blank><base href="n/7">', "https://site.example/blog/n/x"),
        ('<base href="https://cdn.example/"><base href="https://other.example/">', "https://cdn.example/x"),
        ('<base href="javascript:x//">', "https://site.example/blog/x"),
        ('<base href="data:text/html,x">', "https://site.example/blog/x"),
        ('<base href="ftp://cdn.example/">', "https://site.example/blog/x"),
        ('<base href="http://intranet/">', "https://site.example/blog/x"),
        ('<template><base href="https://cdn.example/"></template>', "https://site.example/blog/x"),
    ],
)
def test_a_page_may_have_a_base(head: str, expected: str) -> None:
    """Relative URLs belong where a page's first usable `base` says, else to the site."""
    page = f'<html><head>{head}</head><body><a href="x">a</a><img src="x"></body></html>'
    assert sanitised(page, BASE) == f'<a href="{expected}">a</a><img src="{expected}">'


@pytest.mark.parametrize(
    "style",
    [
        *("; ".join(f"{name}: {value}" for name, value in rule.items()) for rule in HIDING),
        "DISPLAY:NONE !important",
        "color:#fff;display:none!important;font-size:1px",
        "max-height:0px;max-width:0px;overflow:hidden",
        "overflow:hidden;max-height:0.0em",
        "opacity:0.0",
        "opacity:.0",
        "font-size:0",
        "font-size: 0.00px !important",
        "font:0/0 a",
    ],
)
def test_preheaders_go(style: str) -> None:
    """What only the inbox shows is hidden by one of many styles, and is gone with all that is inside."""
    found = sanitised(f'<div style="{style}">pre<b style="color:red">header <i>more</i></b></div>a', "")
    assert etree.tostring(etree.HTML(found), method="text", encoding="unicode") == "a"


@pytest.mark.parametrize(
    "attributes",
    [
        "aria-hidden=true",
        "class=hidden",
        "data-hidden",
        "style='max-height:0'",
        "style='overflow:hidden'",
        "style='height:0;overflow:hidden;padding-bottom:56%'",
        "style='max-height:0.5em;overflow:hidden'",
        "style='opacity:0.01'",
        "style='opacity:0 5'",
        "style='x-display:none'",
        "style='font-size:0.8em'",
        "style='font:12px/0 a'",
        "style='line-height:0'",
        "style='display:block;;:;display'",
    ],
)
def test_what_only_looks_hidden_stays(attributes: str) -> None:
    """Hidden from screen readers, or a little, is not hidden."""
    assert "seen" in sanitised(f"<div {attributes}>seen</div>", "")


def test_text_without_size_may_hold_text_with_size() -> None:
    """Newsletters set the size to nothing around the columns of a layout, and back inside of them."""
    html = (
        '<div style="font-size:0">gap <p style="font-size:16px">a <i style="font-size:inherit">b</i></p>gap'
        '<img src="//a.example/i.png"></div>c'
    )
    assert sanitised(html, "") == '<div><p>a <i>b</i></p><img src="https://a.example/i.png"></div>c'


@pytest.mark.parametrize(("host", "path"), PIXELS)
def test_well_known_trackers_go(host: str, path: str) -> None:
    """A picture at an address that only counts who looks is gone, whatever size it claims; its neighbours stay."""
    for address in (f"{host}{path}", f"x.{host}{path}?u=1", f"{host}{path}/7"):
        assert sanitised(f'<img src="https://{address}" width="300" height="200">a', "") == "a"
    for address in (f"not{host}{path}", f"{host}{path}x.png", f"{host}/x{path}", f"a.example/?{host}{path}"):
        assert "<img" in sanitised(f'<img src="https://{address}">', "")


@pytest.mark.parametrize(
    "attributes",
    [
        "width=0 height=0",
        "width='1px' height=' 1 '",
        "width=600 height=400 style='width:1px;height:1px'",
        "style='width:0;height:1px !important'",
    ],
)
def test_pictures_too_small_to_see_go(attributes: str) -> None:
    """A picture of at most one pixel tracks, however its size is said."""
    assert sanitised(f"<img src='//a.example/i' {attributes}>a", "") == "a"


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " \t\njavascript:alert(1)",
        "java\nscript:alert(1)",
        "java&Tab;script:alert(1)",
        "&#106;&#x61;vascript:alert(1)",
        "javascript&colon;alert(1)",
        "\x01javascript:alert(1)",
        "&#1;javascript:alert(1)",
        "javascript://a.example/%0aalert(1)",
        "vbscript:msgbox(1)",
        "VBScript&#58;x",
        "data:text/html,&lt;script>",
        "DATA:image/svg+xml;base64,xx",
        "view-source:javascript:x",
        "feed:javascript:x",
        "blob:https://a.example/x",
        "file:///etc/passwd",
        "//javascript:alert(1)/",
        "mailto:a@b.example\njavascript:x",
    ],
)
def test_what_could_run_is_no_address(url: str) -> None:
    """A link or a picture leads to http(s), however a URL that would run is spelled; the text of a link stays."""
    assert sanitised(f'<a href="{url}">a</a><img src="{url}">', BASE) == "a"
    srcset = f'<picture><source srcset="{url}"><img srcset="{url} 2x" src="/i.png"></picture>'
    assert sanitised(srcset, BASE) == '<img src="https://site.example/i.png">'
    assert player(f'<iframe src="{url}"></iframe>', BASE) is None


@pytest.mark.parametrize(
    "html",
    [
        "<scr<script>ipt>x</script>a",
        "<a href='/x'><a href='javascript:x'>a</a></a>",
        "<div style='display:none'><p>x<div>x</div></p></div>a",
        "<noscript><p title='</noscript><img src=x onerror=x>'>",
        "<svg><style><img src=/x onerror=x></style></svg>a",
        "<math><mtext><table><mglyph><style><img src=/x onerror=x>",
        "<a href='https://a.example/\"onclick=x'>a</a>",
        "<img src='/i.png' alt='\"><script>x</script>'>",
    ],
)
def test_nested_tricks_come_apart(html: str) -> None:
    """What is left when one thing hides in another is as harmless as all else."""
    tree = etree.HTML(f"<div>{sanitised(html, BASE)}</div>")
    assert {element.tag for element in tree.iter("*")} <= {"html", "body", "div", "a", "p", "img", "table"}
    attributes = [(name, value) for element in tree.iter("*") for name, value in element.attrib.items()]
    assert all(name in ("alt", "title") or str(value).startswith("https://") for name, value in attributes)


def test_relative_links_without_a_base_go() -> None:
    """Where no site is known, what is relative is dropped and its text stays."""
    assert sanitised('<a href="/x">a</a><img src="y.png"><a href="//b.example/">b</a>', "") == (
        'a<a href="https://b.example/">b</a>'
    )


@given(SOUP)
def test_sanitised_html_stays_as_it_is(html: str) -> None:
    """Sanitising twice is sanitising once, with or without a base; nothing in the result is alive or illegal."""
    found = sanitised(html, BASE)
    assert sanitised(found, BASE) == found
    assert sanitised(found, "") == found
    assert legal(found) == found
    root = etree.HTML(f"<div>{found}</div>")
    for element in root.iter("*"):
        assert element.tag in {*TAGS, "html", "body"}
        assert set(element.attrib) <= {"href", "src", "title", "lang", "width", "height"}
        assert str(element.get("href") or element.get("src") or "https:").startswith("http")


@given(st.text(st.characters()))
def test_any_text_can_be_sanitised(text: str) -> None:
    """No text is an error."""
    found = sanitised(text, "")
    assert sanitised(found, "") == found


BOMBS = {
    "depth": "<div>" * 100_000,
    "lists": "<ul><li>" * 50_000,
    "formatting": "<p>" + "".join(f"<b lang=x{n}>" for n in range(20_000)) + "<p>x" * 20_000,
    "links": "<p><a href='//a.example/" + "x" * 4000 + "'>" + "<p>x" * 20_000,
    "headings": "<h1><a href='//a.example/" + "x" * 4000 + "'><br>" + "<h5>x<h2><p>" * 5_000,
    "items": "<ul><li><a href='//a.example/" + "x" * 4000 + "'>" + "<li>x" * 20_000,
    "cells": "<table><tr><td>x" * 20_000,
    "stray ends": "<div>" * 200 + "</b>" * 100_000,
    "attributes": "<p " + " ".join(f"a{n}=1" for n in range(50_000)) + ">x",
    "comments": "<!--" * 100_000,
    "quotes": '<a href="' * 50_000,
}


@pytest.mark.parametrize("name", BOMBS)
def test_no_html_is_a_bomb(name: str) -> None:
    """Time and size grow with the text, not with its square: what is too deep is refused."""
    html = BOMBS[name]
    started = process_time()
    try:
        assert len(sanitised(html, "")) < 10 * len(html)
    except ParseError as error:
        assert "nested deeper" in error.message  # noqa: PT017
    assert process_time() - started < 10


def test_depth_has_a_limit() -> None:
    """What is nested deeper than 256 elements is refused by name."""
    with pytest.raises(ParseError, match="HTML nested deeper than 256 elements"):
        sanitised("<div>" * (MAX_DEPTH + 1), "")
    assert sanitised("<div>" * 200 + "x", "").count("<div>") == 200


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# A\n\nb *c*", "<h1>A</h1>\n<p>b <em>c</em></p>\n"),
        ("~~a~~", "<p><s>a</s></p>\n"),
        ("a|b\n-|-\nc|d", "<td>d</td>"),
        ("<div>raw</div>", "<div>raw</div>"),
        ("a <b>raw</b>", "<p>a <b>raw</b></p>\n"),
    ],
)
def test_from_markdown(text: str, expected: str) -> None:
    """CommonMark with tables and strikethrough becomes HTML; raw HTML stays."""
    assert expected in from_markdown(text)


def test_markdown_has_a_limit() -> None:
    """A text that would take a minute and a gigabyte is refused by name."""
    with pytest.raises(ParseError, match="Markdown of 262145 characters, expected at most 262144"):
        from_markdown("x" * (MAX_MARKDOWN + 1))


@pytest.mark.parametrize("unit", ["[", "![", "> ", "*a_ ", "`a", "<!--", "[a](", "a|b\n", "- a\n", "~~a ", "1. ", "&"])
def test_markdown_ends(unit: str) -> None:
    """No text within the limit keeps Markdown busy."""
    started = process_time()
    from_markdown(unit * (60_000 // len(unit)))
    assert process_time() - started < 20


@pytest.mark.parametrize(
    ("embed", "expected"),
    [
        ('<iframe src="https://a.example/v?x=1&amp;y=2" width="8" height="5">', ("https://a.example/v?x=1&y=2", 8, 5)),
        ("<p><IFRAME WIDTH=640px SRC=//a.example/v></p>", ("https://a.example/v", 640, None)),
        ('<iframe src="javascript:1"></iframe><iframe src="https://a.example/v">', ("https://a.example/v", None, None)),
        ('<iframe src="https://a.example/v" width="100%" height="0">', ("https://a.example/v", None, None)),
        ('<iframe src="https://a.example/v" width="99999999" height="-1">', ("https://a.example/v", None, None)),
        ('<iframe src="/v">', ("https://site.example/v", None, None)),
        ('<iframe hidden src="//a.example/1"></iframe><iframe src="v">', ("https://site.example/blog/v", None, None)),
        ('<iframe style="display:none" src="//a.example/1">', None),
        ('<iframe width="1" height="1" src="//a.example/1">', None),
        ('<iframe src=" ">', None),
        ("<iframe>", None),
        ("<!-- <iframe src='https://a.example/v'> -->", None),
        ('<video src="https://a.example/v.mp4">', None),
        ("https://a.example/v", None),
        ("", None),
        ("<" * 20_000, None),
    ],
)
def test_player(embed: str, expected: tuple[str, int | None, int | None] | None) -> None:
    """An embed code's player is its first iframe with an http(s) URL that can be seen; a size that is none is left
    out."""
    assert player(embed, BASE) == expected


@given(st.text(st.characters()).map("<iframe src='//a.example/v' {}>".format) | SOUP)
def test_any_embed_is_read(embed: str) -> None:
    """No embed code is an error."""
    found = player(embed, "")
    assert found is None or found[0].startswith(("http://", "https://"))
