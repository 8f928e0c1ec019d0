"""What is rendered, as validators and feed readers see it."""

from __future__ import annotations

import re
import subprocess
from calendar import timegm
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import feedparser
import msgspec
import pytest
from lxml import etree

from aggregator.model import Tombstone
from aggregator.render import FORMATS
from tests.entries import BARE, FEED, FULL, HOSTILE, HOSTILE_TEXTS, PLAIN_FEED, SITE, VIDEO, at
from tests.programs import needs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aggregator.model import Entry, Feed

GRAMMAR = Path(__file__).parent.parent.parent / "shared" / "schemas" / "atom-rfc4287.rnc"

HUBS = ("https://hub.example.org/?a=1&b=2", "https://hub.example.net/")

DELETED = (
    Tombstone("tag:feeds.example.org,2024:a&b", at("2024-03-03T09:00:00")),
    Tombstone("urn:x", at("2024-01-01T00:00:00")),
)

FEEDS: dict[str, tuple[Feed, tuple[Entry, ...]]] = {
    "full": (FEED, (FULL, VIDEO, BARE)),
    "empty": (PLAIN_FEED, ()),
    "hostile": (PLAIN_FEED, HOSTILE),
    "withdrawn": (msgspec.structs.replace(FEED, deleted=DELETED), (FULL,)),
    "hubs": (msgspec.structs.replace(FEED, site=msgspec.structs.replace(SITE, hubs=HUBS)), (FULL,)),
}

each_xml = pytest.mark.parametrize("form", ["rss", "atom"])
each_feed = pytest.mark.parametrize("name", FEEDS)


def file(form: str, name: str) -> bytes:
    """That feed's file in that format."""
    feed, entries = FEEDS[name]
    return FORMATS[form].feed(feed, [FORMATS[form].entry(entry, SITE) for entry in entries])


@each_feed
@each_xml
def test_files_are_well_formed(form: str, name: str) -> None:
    """A file is XML that says it is UTF-8, ends with a line's end, and declares all prefixes at its top."""
    data = file(form, name)
    assert data.startswith(b"<?xml version='1.0' encoding='UTF-8'?>\n<")
    assert data.endswith(b">\n")
    root = etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True))
    assert all(element.nsmap == root.nsmap for element in root.iter())


@each_xml
def test_markup_in_texts_stays_text(form: str) -> None:
    """Titles, topics and coverage that look like markup come out as they went in."""
    root = etree.fromstring(file(form, "hostile"))
    titles = [title.text for title in root.iter("{*}title")]
    assert titles == [PLAIN_FEED.title, *HOSTILE_TEXTS]
    topics = [topic.get("label") or topic.text for topic in root.iter("{*}category")]
    assert topics == [*HOSTILE_TEXTS]
    related = [link.get("title") for link in root.iterfind(".//{*}link[@rel='related']")]
    assert related == ([*HOSTILE_TEXTS] if form == "atom" else [])


def test_atom_obeys_its_grammar(tmp_path: Path) -> None:
    """Atom files are valid against the grammar of RFC 4287, appendix B."""
    jing = needs("jing")
    if not GRAMMAR.exists():
        pytest.skip(f"the grammar is not there: {GRAMMAR.name}")
    files = [tmp_path / f"{name}.xml" for name in FEEDS]
    for path in files:
        path.write_bytes(file("atom", path.stem))
    done = subprocess.run([jing, "-i", "-c", GRAMMAR, *files], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


@each_feed
def test_atom_beyond_its_grammar(name: str) -> None:
    """What RFC 4287 says in words: authors, one self link, and no two alternates of a kind."""
    atom = {"a": "http://www.w3.org/2005/Atom"}
    root = etree.fromstring(file("atom", name))
    assert len(root.findall("a:author/a:name", atom)) == 1
    assert len(root.findall("a:link[@rel='self']", atom)) == 1
    ids = [element.text for element in root.iterfind("a:entry/a:id", atom)]
    assert len(ids) == len(set(ids))
    for element in (root, *root.iterfind("a:entry", atom)):
        alternates = [(link.get("type"), link.get("hreflang")) for link in _links(element, "alternate")]
        assert len(alternates) == len(set(alternates)) == 1
        assert all(link.get("href", "").startswith("https://") for link in element.iterfind("a:link", atom))
        assert all(link.get("rel") for link in element.iterfind("a:link", atom))


def _links(element: Any, rel: str) -> list[Any]:
    return [link for link in element.iterfind("{http://www.w3.org/2005/Atom}link") if link.get("rel") == rel]


# RFC 822, section 5, with the four-digit year that the RSS Advisory Board asks for.
RFC_822 = re.compile(
    r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-3]\d "
    r"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} [0-2]\d:[0-5]\d:[0-6]\d \+0000"
)

# How often an element may stand in a channel of RSS 2.0, and in an item.
CHANNEL = {
    "title": (1, 1),
    "link": (1, 1),
    "description": (1, 1),
    "{http://www.w3.org/2005/Atom}link": (1, 1000),
    "copyright": (0, 1),
    "docs": (0, 1),
    "generator": (1, 1),
    "image": (0, 1),
    "language": (0, 1),
    "lastBuildDate": (1, 1),
    "item": (0, 1000),
}
ITEM = {
    "title": (1, 1),
    "link": (1, 1),
    "description": (0, 1),
    "{http://purl.org/rss/1.0/modules/content/}encoded": (0, 1),
    "guid": (1, 1),
    "category": (0, 1000),
    "enclosure": (0, 1),
    "pubDate": (1, 1),
    "{http://www.w3.org/2005/Atom}updated": (0, 1),
    "{http://purl.org/dc/elements/1.1/}creator": (0, 1000),
    "{http://purl.org/dc/elements/1.1/}language": (0, 1),
    "{http://search.yahoo.com/mrss/}content": (0, 1000),
    "{http://search.yahoo.com/mrss/}thumbnail": (0, 1),
}


def rss_faults(data: bytes) -> Iterator[str]:
    """What is wrong with an RSS file by the rules of RSS 2.0, for which there is no grammar."""
    root = etree.fromstring(data)
    if (root.tag, root.get("version"), len(root)) != ("rss", "2.0", 1):
        yield "not RSS 2.0 with one channel"
    channel = root[0]
    items = channel.findall("item")
    if len(_links(channel, "self")) != 1:
        yield "not one link to itself"
    for element, rules in ((channel, CHANNEL), *((item, ITEM) for item in items)):
        tags = [child.tag for child in element]
        yield from (f"{element.tag}: no place for {tag}" for tag in tags if tag not in rules)
        for tag, (least, most) in rules.items():
            if not least <= tags.count(tag) <= most:
                yield f"{element.tag}: {tags.count(tag)} of {tag}"
    for date in (*root.iter("pubDate"), *root.iter("lastBuildDate")):
        if not RFC_822.fullmatch(date.text or ""):
            yield f"date {date.text}"
    guids = [guid.text for guid in root.iter("guid")]
    if len(guids) != len(set(guids)):
        yield "a guid twice"
    if any(guid.get("isPermaLink") != "false" for guid in root.iter("guid")):
        yield "a guid that seems to be a link"
    for image in channel.findall("image"):
        if [child.tag for child in image] != ["url", "title", "link"]:
            yield "an image without address, title or link"
        elif [image.findtext("title"), image.findtext("link")] != [
            channel.findtext("title"),
            channel.findtext("link"),
        ]:
            yield "an image with a title or link that isn't the channel's"


@each_feed
def test_rss_obeys_its_rules(name: str) -> None:
    """RSS files keep to the specification of RSS 2.0."""
    assert list(rss_faults(file("rss", name))) == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (b"<guid isPermaLink", b"<guid x"),
        (b"</link>\n    <desc", b"</link><link/>\n    <desc"),
        (b"Dec 0800", b"Dec 800"),
        (b'rel="self"', b'rel="hub"'),
        (b"<link>https://feeds.example.org/topics/ai-and-society/</link>\n    </image>", b"<link/></image>"),
        (b"full</guid>", b"bare</guid>"),
        (b"<dc:creator>Video</dc:creator>", b"<author>Video</author>"),
    ],
)
def test_rss_rules_are_enforced(right: bytes, wrong: bytes) -> None:
    """A file that breaks a rule doesn't pass."""
    data = file("rss", "full")
    assert right in data
    assert list(rss_faults(data.replace(right, wrong)))


def parsed(form: str, name: str) -> Any:
    """The feed as feedparser sees it."""
    return feedparser.parse(file(form, name))


def instant(value: Any) -> datetime:
    """The instant that feedparser has made of a date."""
    return datetime.fromtimestamp(timegm(value), UTC)


@each_feed
@each_xml
def test_readers_see_the_feed(form: str, name: str) -> None:
    """A feed reader finds nothing odd, and sees each entry with its id, link, dates and topics."""
    feed, entries = FEEDS[name]
    seen = parsed(form, name)
    assert seen.bozo == 0
    assert seen.version == {"rss": "rss20", "atom": "atom10"}[form]
    assert seen.feed.title == feed.title
    assert seen.feed.link == feed.page
    assert [link.href for link in seen.feed.links if link.rel == "self"] == [feed.address(form)]
    assert [link.href for link in seen.feed.links if link.rel == "hub"] == [*feed.site.hubs]
    assert instant(seen.feed.updated_parsed) == feed.updated
    assert [entry.id for entry in seen.entries] == [entry.id for entry in entries]
    for one, entry in zip(seen.entries, entries, strict=True):
        assert one.link == entry.story.article.link
        assert instant(one.published_parsed) == entry.published
        assert instant(one.updated_parsed if "updated" in one else one.published_parsed) == entry.updated
        tags = one.get("tags", [])
        assert [tag.scheme for tag in tags] == [SITE.scheme] * len(entry.topics)
        if name != "hostile":  # feedparser trims texts, and this feed has one that is all space
            assert [tag.label or tag.term for tag in tags] == [topic.name for topic in entry.topics]


@each_xml
def test_readers_see_the_texts(form: str) -> None:
    """A feed reader sees titles, authors, summaries, contents and pictures as they are."""
    seen = parsed(form, "full").entries
    assert [one.title for one in seen] == ["R&D <b> at “Étoile”", "مرحبا 🎬", "Bare"]
    authors = [[author.name for author in one.get("authors", [])] for one in seen]
    assert authors == [["Ada Lovelace", "Émilie du Châtelet"], ["Video"], []]
    summaries = [unescape(one.summary) for one in seen]  # HTML in RSS, plain in Atom
    assert summaries == ['Less is < more & "more".', "A talk.", "Only <this>."]
    assert [len(one.get("content", [])) for one in seen] == [1, 1, 1]
    assert seen[0].content[0].type == "text/html"
    assert '<a href="https://journal.example.fr/etoile">L’Étoile &lt;i&gt;</a> — Le Journal &amp; Cie' in (
        seen[0].content[0].value
    )
    assert [[picture["url"] for picture in one.get("media_content", [])] for one in seen] == [
        ["https://cdn.example.com/star.JPG?w=800", "https://cdn.example.com/map"],
        ["https://video.example/1.webp"],
        [],
    ]
    assert seen[0].media_thumbnail == [
        {"url": "https://cdn.example.com/star.JPG?w=800", "width": "800", "height": "600"}
    ]
