"""Entries and feeds as bytes: what they say, and that nothing but their values shows in them."""

from __future__ import annotations

import json
import locale
import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import lxml.html
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.model import Action, Article, Image, Provider, Story
from aggregator.render import FORMATS, Format, content
from aggregator.render.media import enclosures
from aggregator.render.splice import Frame
from tests.entries import BARE, FEED, FULL, HOSTILE, PLAIN_FEED, SITE, VIDEO, entries, hostile

if TYPE_CHECKING:
    from aggregator.model import Entry

DATA = Path(__file__).parent / "data" / "render"
ATOM = "{http://www.w3.org/2005/Atom}"
ENCODED = "{http://purl.org/rss/1.0/modules/content/}encoded"

each_xml = pytest.mark.parametrize("form", [FORMATS["rss"], FORMATS["atom"]], ids=["rss", "atom"])
each_format = pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS.keys())


def whole(form: Format, *shown: Entry) -> bytes:
    """A file that shows these entries."""
    return form.feed(FEED, [form.entry(entry, SITE) for entry in shown])


def elements(form: Format, *shown: Entry) -> list[ElementTree.Element]:
    """The elements of these entries, as a parser sees them in a file."""
    root = ElementTree.fromstring(whole(form, *shown))
    return root.findall(f"{ATOM}entry" if form.name == "atom" else "channel/item")


def says(form: Format, entry: Entry, rss: str, atom: str) -> list[str | None]:
    """The texts of the entry's children with that tag."""
    (element,) = elements(form, entry)
    return [child.text for child in element.findall(rss if form.name == "rss" else ATOM + atom)]


def changed(entry: Entry, **fields: object) -> Entry:
    """The entry, these fields of its article replaced."""
    article = msgspec.structs.replace(entry.story.article, **fields)
    return msgspec.structs.replace(entry, story=Story(article, entry.story.coverage))


@each_format
def test_golden(form: Format) -> None:
    """A feed of three entries, one with everything, is this file to the byte."""
    assert whole(form, FULL, VIDEO, BARE) == (DATA / form.file).read_bytes()


@each_format
def test_entries_are_spliced_as_they_are(form: Format) -> None:
    """An entry declares no prefix of its own: its bytes fit into any feed, and stand there unchanged."""
    alone = form.entry(FULL, SITE)
    assert b"xmlns" not in alone
    assert alone in whole(form, BARE, FULL, VIDEO)
    assert alone in form.feed(PLAIN_FEED, [alone])


@each_xml
@given(shown=st.lists(entries, max_size=3))
def test_any_entries_make_a_feed(form: Format, shown: list[Entry]) -> None:
    """Whatever entries say, the feed is well-formed and has each of them, in order and to the letter."""
    rendered = [form.entry(entry, SITE) for entry in shown]
    assert form.feed(FEED, rendered) == form.feed(FEED, [form.entry(entry, SITE) for entry in shown])
    root = ElementTree.fromstring(form.feed(FEED, rendered))
    if form.name == "rss":
        seen = [[item.findtext(tag) for tag in ("guid", "title", "link")] for item in root.iter("item")]
        labels = [[one.text for one in item.findall("category")] for item in root.iter("item")]
    else:
        elements = root.findall(ATOM + "entry")
        links = [one.find(ATOM + "link[@rel='alternate']") for one in elements]
        seen = [
            [one.findtext(ATOM + "id"), one.findtext(ATOM + "title"), link.get("href")]
            for one, link in zip(elements, links, strict=True)
            if link is not None
        ]
        labels = [[category.get("label") for category in one.findall(ATOM + "category")] for one in elements]
    assert seen == [[entry.id, entry.story.article.title, entry.story.article.link] for entry in shown]
    assert labels == [[topic.name for topic in entry.topics] for entry in shown]


@each_xml
@given(entry=entries)
def test_any_content_arrives(form: Format, entry: Entry) -> None:
    """What a reader unpacks is the entry's HTML, wherever that says more than the excerpt's text."""
    html = content.html(entry)
    excerpt = entry.story.article.excerpt
    texts = says(form, entry, ENCODED, "content")
    if html in ("", f"<p>{excerpt}</p>"):
        assert texts == []
    elif form.name == "rss" and not excerpt:
        assert says(form, entry, "description", "summary") == [html]
    else:
        assert texts == [html]


@given(entry=entries)
def test_related_links_are_told_apart(entry: Entry) -> None:
    """No two related links of an entry lead to the same place, and none to the entry's own or to nowhere."""
    (element,) = elements(FORMATS["atom"], entry)
    links = [(link.get("rel"), link.get("href")) for link in element.findall(ATOM + "link")]
    own = entry.story.article.link
    assert [href for rel, href in links if rel == "alternate"] == [own]
    related = [href for rel, href in links if rel == "related"]
    assert len(related) == len(set(related))
    assert set(related) == {article.link for article in entry.story.coverage} - {own, ""}
    enclosed = [href for rel, href in links if rel == "enclosure"]
    assert enclosed == [action.url for action, _ in enclosures(entry.story.article)]
    assert len(links) == 1 + len(related) + len(enclosed)


@each_format
@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "America/St_Johns"])
def test_surroundings_do_not_show(form: Format, zone: str) -> None:
    """Another time zone, locale and hash seed give the same bytes."""
    script = (
        "import contextlib, locale, sys\n"
        "with contextlib.suppress(locale.Error): locale.setlocale(locale.LC_ALL, '')\n"
        "from tests.entries import *\n"
        "from aggregator.render import FORMATS\n"
        f"form = FORMATS[{form.name!r}]\n"
        "shown = [form.entry(entry, SITE) for entry in (FULL, VIDEO, BARE)]\n"
        "sys.stdout.buffer.write(form.feed(FEED, shown))\n"
    )
    surroundings = {**os.environ, "TZ": zone, "LC_ALL": "de_DE.UTF-8", "PYTHONHASHSEED": str(len(zone))}
    child = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parent.parent,
        env=surroundings,
        check=True,
        stdout=subprocess.PIPE,
    )
    assert child.stdout == (DATA / form.file).read_bytes()


@each_format
def test_locale_stays(form: Format, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody sets the locale, not for a moment: it belongs to the whole process and all of its threads."""

    def refuse(*arguments: object) -> str:
        raise AssertionError(f"setlocale{arguments}")

    monkeypatch.setattr(locale, "setlocale", refuse)
    assert whole(form, FULL, VIDEO, BARE) == (DATA / form.file).read_bytes()


@each_format
def test_threads_and_processes(form: Format) -> None:
    """Entries can be rendered in threads and, as a format can be pickled, in other processes."""
    assert pickle.loads(pickle.dumps(form)) == form
    shown = [*HOSTILE, FULL, VIDEO, BARE] * 10
    with ThreadPoolExecutor(4) as pool:
        rendered = list(pool.map(form.entry, shown, [SITE] * len(shown)))
    assert rendered == [form.entry(entry, SITE) for entry in shown]


@each_format
@pytest.mark.parametrize("character", ["\x00", "\x0b", "\x1f", "\ud800", "\ufffe", "\uffff"])
def test_illegal_characters_are_dropped(form: Format, character: str) -> None:
    """A character that XML forbids, anywhere, costs that character only."""
    assert form.entry(hostile(1, f"a{character}b"), SITE) == form.entry(hostile(1, "ab"), SITE)
    feed = msgspec.structs.replace(FEED, title=f"{FEED.title}{character}", label=f"{character}{FEED.label}")
    assert form.feed(feed, ()) == form.feed(FEED, ())


@each_xml
@pytest.mark.parametrize("title", ["", "\x00\ufffe"])
def test_nothing_without_a_title(form: Format, title: str) -> None:
    """An entry or a feed without a title can't be rendered."""
    with pytest.raises(ValueError, match="Required fields not set"):
        form.feed(msgspec.structs.replace(FEED, title=title), ())
    if form.name == "atom":
        with pytest.raises(ValueError, match="Required fields not set"):
            form.entry(changed(FULL, title=title), SITE)


class Outline(HTMLParser):
    """The links and pictures of a piece of HTML, all of whose tags must be closed where they belong."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[tuple[str | None, str]] = []
        self.pictures: list[tuple[str | None, str | None]] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        assert len(given) == len(attrs)
        if tag == "img":
            self.pictures.append((given["src"], given["alt"]))
            return
        assert (tag, self.open[-1:]) in (("li", ["ul"]), ("a", ["p"]), ("a", ["li"]), ("em", ["p"])) or (
            tag in ("p", "ul", "h2") and not self.open
        )
        self.open.append(tag)
        if tag == "a":
            self.links.append((given["href"], ""))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if "a" in self.open:
            href, text = self.links[-1]
            self.links[-1] = (href, text + data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(decl)

    def handle_pi(self, data: str) -> None:
        raise AssertionError(data)

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(data)


@given(entry=entries)
def test_any_content_is_html(entry: Entry) -> None:
    """Texts of all kinds stay texts: the content's tags are its own, closed and nested as HTML wants them."""
    article = entry.story.article
    outline = Outline(content.html(entry))
    links = [(action.url, action.title or action.type or action.url) for action in article.actions]
    links += [(one.link, one.title) for one in content.coverage(entry) if one.link]
    if article.player:
        watch = "" if article.images else f"Watch: {article.title}"
        links.insert(0, (article.link, watch))
    assert outline.links == links
    assert all(one.title in outline.text for one in content.coverage(entry))
    if not article.body:
        assert article.excerpt in outline.text


def test_coverage_names_who_published_it() -> None:
    """Each link in the coverage comes with its provider's name, else its domain, else the link's host."""
    assert content.html(FULL).endswith(
        "<h2>Related coverage</h2><ul>"
        '<li><a href="https://journal.example.fr/etoile">L’Étoile &lt;i&gt;</a> — Le Journal &amp; Cie</li>'
        '<li><a href="https://other.example/1">By domain</a> — other.example</li>'
        '<li><a href="https://plain.example/2">https://plain.example/2</a> — plain.example</li></ul>'
    )


def test_coverage_without_a_link_is_a_text() -> None:
    """It is its headline and who published it, as far as that is known, and no Atom link."""
    coverage = (
        Article("#1", "", "In <print>", provider=Provider("The Paper & Co", "paper.example")),
        Article("#2", "", "By domain", provider=Provider(domain="paper.example")),
        Article("#3", "", "In <print>"),
        Article("#1", "", "Again"),
        Article("https://other.example/1", "https://other.example/1", "Linked"),
    )
    entry = msgspec.structs.replace(BARE, story=Story(BARE.story.article, coverage))
    assert content.html(entry).endswith(
        "<h2>Related coverage</h2><ul>"
        "<li>In &lt;print&gt; — The Paper &amp; Co</li>"
        "<li>By domain — paper.example</li>"
        "<li>In &lt;print&gt;</li>"
        '<li><a href="https://other.example/1">Linked</a> — other.example</li></ul>'
    )
    (element,) = elements(FORMATS["atom"], entry)
    related = [link.get("href") for link in element.findall(f"{ATOM}link[@rel='related']")]
    assert related == ["https://other.example/1"]


def test_player_is_a_picture_and_a_link() -> None:
    """A player is its picture, linked to the article; where there is no picture, a link that says so."""
    link, picture = "https://video.example/watch?v=1", "https://video.example/1.webp"
    with_picture = Outline(content.html(VIDEO))
    assert with_picture.links == [(link, "")]
    assert with_picture.pictures == [(picture, "Watch: مرحبا 🎬")]
    without = Outline(content.html(changed(VIDEO, images=())))
    assert without.links == [(link, "Watch: مرحبا 🎬")]
    assert without.pictures == []


def test_first_picture_is_shown_once() -> None:
    """The first picture opens the content, unless the body has pictures of its own."""
    assert Outline(content.html(FULL)).pictures == [("https://cdn.example.com/star.JPG?w=800", 'A "star"')]
    body = '<p><img src="https://cdn.example.com/own" alt=""></p>'
    assert content.html(changed(FULL, body=body)).startswith(body)


def test_body_instead_of_excerpt() -> None:
    """The content has the body, and the excerpt only where there is none."""
    assert "Less is" not in content.html(FULL)
    assert "<p>Less is &lt; more &amp; &quot;more&quot;.</p>" in content.html(changed(FULL, body=""))


@each_xml
def test_excerpt_is_not_said_twice(form: Format) -> None:
    """Where there is nothing but an excerpt, there is no content that repeats it."""
    entry = changed(BARE, excerpt="Only “this”.")
    assert says(form, entry, ENCODED, "content") == []
    assert says(form, entry, "description", "summary") == ["Only “this”."]


@each_xml
def test_an_excerpt_that_looks_like_markup_is_content_too(form: Format) -> None:
    """Some readers take an Atom summary for HTML, whatever it says it is."""
    assert says(form, BARE, ENCODED, "content") == ["<p>Only &lt;this&gt;.</p>"]
    expected = "Only &lt;this&gt;." if form.name == "rss" else "Only <this>."
    assert says(form, BARE, "description", "summary") == [expected]


@each_xml
def test_only_a_title(form: Format) -> None:
    """An entry that has nothing but title and link is an entry, without empty texts."""
    entry = changed(BARE, excerpt="")
    assert says(form, entry, "title", "title") == ["Bare"]
    assert says(form, entry, "description", "summary") == []
    assert says(form, entry, ENCODED, "content") == []


@each_xml
@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://example.org/a.jpeg", "image/jpeg"),
        ("https://example.org/a.b.PNG", "image/png"),
        ("https://example.org/a.svg?x=.gif", "image/svg+xml"),
        ("https://example.org/a.gif#x", "image/gif"),
        ("https://example.png/a", None),
        ("https://example.org/png", None),
    ],
)
def test_picture_types(form: Format, url: str, kind: str | None) -> None:
    """The type of a picture is told where the end of its path tells it."""
    (element,) = elements(form, changed(BARE, images=(Image(url),)))
    (picture,) = element.findall("{http://search.yahoo.com/mrss/}content")
    assert (picture.get("url"), picture.get("type")) == (url, kind)


@each_xml
def test_language_of_the_entry(form: Format) -> None:
    """An entry says its language where that is a language tag."""
    tags = []
    for entry in (FULL, VIDEO, BARE):
        (element,) = elements(form, entry)
        tag = element.findtext("{http://purl.org/dc/elements/1.1/}language")
        tags.append(tag or element.get("{http://www.w3.org/XML/1998/namespace}lang"))
    assert tags == ["en-GB", None, None]


def test_atom_always_has_an_author() -> None:
    """A feed whose author nobody named is by itself, since its entries may have none."""
    root = ElementTree.fromstring(FORMATS["atom"].feed(PLAIN_FEED, ()))
    assert root.findtext(f"{ATOM}author/{ATOM}name") == "All"


def test_provider_stands_in_for_authors() -> None:
    """Who published an article is its author where nobody else is named; a mere domain is not."""
    entry = changed(FULL, authors=())
    (element,) = elements(FORMATS["atom"], entry)
    assert [name.text for name in element.iter(ATOM + "name")] == ["Example News"]
    assert says(FORMATS["rss"], entry, "{http://purl.org/dc/elements/1.1/}creator", "") == ["Example News"]


def test_downloads_and_media_are_enclosures() -> None:
    """Those whose type their URL tells: all of them in Atom and JSON Feed, the first in RSS, without a length."""
    found = [
        ("https://cdn.example.com/star.MP3?a=1&b=2", "audio/mpeg"),
        ("https://cdn.example.com/star.pdf", "application/pdf"),
    ]
    (element,) = elements(FORMATS["atom"], FULL)
    links = element.findall(f"{ATOM}link[@rel='enclosure']")
    assert [(link.get("href"), link.get("type")) for link in links] == found
    assert [(link.get("title"), link.get("length")) for link in links] == [("Listen to <it>", None), (None, None)]
    (item,) = elements(FORMATS["rss"], FULL)
    assert [one.attrib for one in item.findall("enclosure")] == [
        {"url": found[0][0], "type": found[0][1], "length": "0"}
    ]
    (shown,) = json.loads(whole(FORMATS["json"], FULL))["items"]
    assert [(one["url"], one["mime_type"]) for one in shown["attachments"]] == found
    assert "size_in_bytes" not in shown["attachments"][0]


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://example.org/a.zip", "application/zip"),
        ("https://example.org/a.tar.GZ#top", "application/gzip"),
        ("https://example.org/a?file=b.zip", ""),
        ("https://example.zip", ""),
        ("https://example.zip/", ""),
        ("https://example.org/zip", ""),
        ("https://example.org/a.html", ""),
    ],
)
def test_types_of_downloads(url: str, kind: str) -> None:
    """The end of the path tells, and nothing else; a page is no download."""
    assert [found for _, found in enclosures(Article("k", "k", "T", actions=(Action(url),)))] == (
        [kind] if kind else []
    )


def test_a_download_is_one_enclosure() -> None:
    """However often it is listed; with the title that it has first."""
    actions = (
        Action("https://a.example/b.pdf", "One"),
        Action("https://a.example/c.pdf"),
        Action("https://a.example/b.pdf", "Two"),
    )
    found = enclosures(Article("k", "k", "T", actions=actions))
    assert [(action.url, action.title) for action, _ in found] == [
        ("https://a.example/b.pdf", "One"),
        ("https://a.example/c.pdf", ""),
    ]


@given(shown=st.lists(entries, max_size=3))
def test_any_entries_make_a_json_feed(shown: list[Entry]) -> None:
    """Whatever entries say, each is there to the letter, in a line of its own."""
    data = FORMATS["json"].feed(FEED, [FORMATS["json"].entry(entry, SITE) for entry in shown])
    feed = json.loads(data)
    assert [
        (item["id"], item["title"], item["url"], item["content_html"], item.get("summary", ""), item.get("tags", []))
        for item in feed["items"]
    ] == [
        (
            entry.id,
            entry.story.article.title,
            entry.story.article.link,
            content.html(entry),
            entry.story.article.excerpt,
            [topic.name for topic in entry.topics],
        )
        for entry in shown
    ]
    for item, entry in zip(feed["items"], shown, strict=True):
        told = item.get("_aggregator", {}).get("coverage", [])
        assert [(one.get("url", ""), one["title"]) for one in told] == [
            (one.link, one.title) for one in content.coverage(entry)
        ]
        assert datetime.fromisoformat(item["date_published"]) == entry.published
        assert datetime.fromisoformat(item["date_modified"]) == entry.updated
    assert data.count(b"\n") == 2 + max(1, len(shown))


def test_what_is_not_known_is_not_in_json() -> None:
    """No empty texts, no lists of nothing: an item of little is little."""
    (item,) = json.loads(whole(FORMATS["json"], changed(BARE, excerpt="")))["items"]
    assert item == {
        "id": BARE.id,
        "url": "https://example.org/bare",
        "title": "Bare",
        "content_html": "",
        "date_published": "2024-01-01T00:00:00+00:00",
        "date_modified": "2024-01-01T00:00:00+00:00",
    }


@given(shown=st.lists(entries, max_size=3))
def test_any_entries_make_a_page(shown: list[Entry]) -> None:
    """Whatever entries say, the page is theirs and ours: no element and no attribute comes from a text."""
    page = FORMATS["html"].feed(FEED, [FORMATS["html"].entry(entry, SITE) for entry in shown])
    root = lxml.html.document_fromstring(page)
    headlines: list[Any] = [one.find(".//h2/a") for one in root.findall(".//article")]
    assert [link.get("href") for link in headlines] == [entry.story.article.link for entry in shown]
    titles = [" ".join(link.text_content().split()) for link in headlines]
    assert titles == [" ".join(entry.story.article.title.split()) for entry in shown]
    assert [script.get("src") for script in root.iter("script")] == ["../../script.js"]
    names = {str(name) for element in root.iter() for name in element.attrib}
    assert not any(name.startswith("on") or name == "style" for name in names)


def test_frame_fits_its_head() -> None:
    """Entries are not spliced into a file that ends otherwise than it should."""
    frame = Frame("a", "b", namespaces={})
    assert frame.splice(b"<a>\n  <b>\n  </b>\n</a>\n", [b"    <c/>\n"]) == b"<a>\n  <b>\n    <c/>\n  </b>\n</a>\n"
    with pytest.raises(AssertionError, match="expected"):
        frame.splice(b"<a><b/></a>", [])


def test_coverage_keeps_the_best() -> None:
    """Of several articles in the coverage that have one link, the first is shown, in its place."""
    links = [
        "https://example.org/c",
        "https://example.org/b",
        "https://example.org/a",
        "https://example.org/b",
    ]
    coverage = tuple(Article(str(place), link, str(place)) for place, link in enumerate(links))
    entry = msgspec.structs.replace(BARE, story=Story(BARE.story.article, coverage))
    assert [article.title for article in content.coverage(entry)] == ["0", "1", "2"]
