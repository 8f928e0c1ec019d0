"""Judges of an output folder: whatever is published goes before all of them, and must agree with itself."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
from calendar import timegm
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cache
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

import feedparser
import html5lib
import jsonschema
import listparser
import lxml.html
import pytest
from lxml import etree
from referencing import Registry
from referencing.jsonschema import DRAFT4

from tests.programs import missing, needs

PROJECT = Path(__file__).parents[1]
SCHEMAS = PROJECT.parent / "shared" / "schemas"
ATOM = "{http://www.w3.org/2005/Atom}"
MEDIA = "{http://search.yahoo.com/mrss/}"


class Seen(NamedTuple):
    """An entry as somebody who reads one format sees it. Dates are whole seconds since 1970, as RSS has no others."""

    id: str
    title: str
    link: str
    published: int
    updated: int
    authors: tuple[str, ...]
    topics: tuple[str, ...]
    language: str
    images: tuple[str, ...]
    enclosures: tuple[tuple[str, str], ...]
    coverage: tuple[str, ...]
    content: str


# Each format on its own


def atom_obeys_its_grammar(output: Path) -> Iterator[str]:
    """RFC 4287, appendix B, by jing."""
    grammar = SCHEMAS / "atom-rfc4287.rnc"
    if not grammar.exists():
        missing_schema(grammar)
    files = sorted(output.rglob("atom.xml"))
    done = subprocess.run([needs("jing"), "-i", "-c", grammar, *files], capture_output=True, text=True, check=False)
    yield from done.stdout.splitlines()
    if done.returncode and not done.stdout:
        yield done.stderr


def json_obeys_its_schema(output: Path) -> Iterator[str]:
    """JSON Feed 1.1, and its ids are not twice in a feed."""
    schema = SCHEMAS / "jsonfeed-1.1.schema.json"
    if not schema.exists():
        missing_schema(schema)
    base = _loaded(SCHEMAS / "jsonfeed-1.schema.json")  # which that of 1.1 refers to
    known: Registry[Any] = Registry().with_resource(base["id"], DRAFT4.create_resource(base))
    validator = jsonschema.validators.validator_for(_loaded(schema))(_loaded(schema), registry=known)
    for path in sorted(output.rglob("feed.json")):
        feed = json.loads(path.read_bytes())
        for error in validator.iter_errors(feed):
            yield f"{path}: {error.json_path}: {error.message}"
        ids = [item["id"] for item in feed.get("items", ())]
        if len(ids) != len(set(ids)):
            yield f"{path}: an id twice"


def readers_find_nothing_odd(output: Path) -> Iterator[str]:
    """feedparser takes every feed without a frown."""
    for path in sorted(output.rglob("*.xml")):
        parsed = feedparser.parse(path.read_bytes())
        if parsed.bozo:
            yield f"{path}: {parsed.bozo_exception}"


def the_list_of_feeds_is_read(output: Path) -> Iterator[str]:
    """listparser finds in `feeds.opml` each feed that is there, once."""
    path = output / "feeds.opml"
    parsed = listparser.parse(path.read_bytes())
    if parsed.bozo:
        yield f"{path}: {parsed.bozo_exception}"
    urls = [feed.url for feed in parsed.feeds]
    if len(urls) != len(set(urls)):
        yield f"{path}: a feed twice"
    listed = {json.loads(feed.read_bytes())["feed_url"].rpartition("/")[0] for feed in output.rglob("feed.json")}
    if {url.rpartition("/")[0] for url in urls} != listed:
        yield f"{path}: it lists {sorted(urls)}, there are {sorted(listed)}"
    for outline in etree.parse(path).iter("outline"):
        if not outline.get("text") or (outline.get("xmlUrl") is None) != (len(outline) > 0):
            yield f"{path}: {dict(outline.attrib)} is neither a folder nor a feed"


def pages_are_html(output: Path) -> Iterator[str]:
    """As the HTML standard's parser reads them, strictly."""
    for path in sorted(output.rglob("index.html")):
        parser = html5lib.HTMLParser(strict=True)
        try:
            parser.parse(path.read_bytes(), transport_encoding="utf-8")
        except html5lib.html5parser.ParseError as error:
            yield f"{path}: {error}: {parser.errors}"


def pages_pass_the_checker(output: Path) -> Iterator[str]:
    """The Nu Html Checker (npm's vnu-jar), where it is: errors and warnings."""
    jar = next(iter((PROJECT / "node_modules" / "vnu-jar").rglob("vnu.jar")), None)
    java = shutil.which("java")
    if not jar or not java:
        pytest.skip("the Nu Html Checker isn't there: `npm install --no-save vnu-jar`, and Java")
    pages = sorted(output.rglob("index.html"))
    done = subprocess.run(
        [java, "-Xss4m", "-jar", jar, "--also-check-css", "--format", "gnu", *pages, output / "style.css"],
        capture_output=True,
        text=True,
    )
    for line in done.stderr.splitlines():
        if not any(warning in line for warning in accepted("Nu Html Checker")):
            yield line


def twins_hold_the_same(output: Path) -> Iterator[str]:
    """Each says what its file says, has its time, and no time or name inside."""
    for twin in sorted(output.rglob("*.gz")):
        file = twin.with_suffix("")
        data = twin.read_bytes()
        if gzip.decompress(data) != file.read_bytes():
            yield f"{twin}: it isn't what {file.name} is"
        if twin.stat().st_mtime_ns != file.stat().st_mtime_ns:
            yield f"{twin}: another time than that of {file.name}"
        if data[3] or data[4:8] != bytes(4):
            yield f"{twin}: a name or a time inside"


# All formats together


def formats_agree(output: Path) -> Iterator[str]:
    """Entry by entry, in order."""
    for folder in sorted({path.parent for path in output.rglob("feed.json")}):
        views = {name: see(folder) for name, see in VIEWS.items()}
        rss = views["rss"]
        for name, seen in views.items():
            if len(seen) != len(rss):
                yield f"{folder}: {len(seen)} entries in {name}, {len(rss)} in rss"
            for one, other in zip(seen, rss, strict=False):
                for field, said, expected in zip(Seen._fields, one, other, strict=True):
                    if said != expected:
                        yield f"{folder}: {one.id}: {field}: {said!r} in {name}, {expected!r} in rss"
        page = list(map(_title_and_link, lxml.html.parse(folder / "index.html").iterfind(".//article")))
        if page != [(" ".join(entry.title.split()), entry.link) for entry in rss]:
            yield f"{folder}: the page shows {page}"


def see_rss(folder: Path) -> list[Seen]:
    """By feedparser; what it has no word for, by lxml."""
    items = etree.parse(folder / "rss.xml").findall("channel/item")
    entries = feedparser.parse(
        (folder / "rss.xml").read_bytes(), sanitize_html=False, resolve_relative_uris=False
    ).entries
    return [
        Seen(
            id=item.findtext("guid") or "",
            title=item.findtext("title") or "",
            link=item.findtext("link") or "",
            published=timegm(entry.published_parsed),
            updated=timegm(entry.updated_parsed if "updated" in entry else entry.published_parsed),
            authors=tuple(one.text or "" for one in item.findall("{http://purl.org/dc/elements/1.1/}creator")),
            topics=tuple(one.text or "" for one in item.findall("category")),
            language=item.findtext("{http://purl.org/dc/elements/1.1/}language") or "",
            images=tuple(one.get("url", "") for one in item.findall(f"{MEDIA}content")),
            enclosures=tuple((one.get("url", ""), one.get("type", "")) for one in item.findall("enclosure")),
            coverage=_coverage(_content(item, "{http://purl.org/rss/1.0/modules/content/}encoded", "description")),
            content=_content(item, "{http://purl.org/rss/1.0/modules/content/}encoded", "description"),
        )
        for item, entry in zip(items, entries, strict=True)
    ]


def see_atom(folder: Path) -> list[Seen]:
    """By feedparser; what it has no word for, by lxml."""
    elements = etree.parse(folder / "atom.xml").findall(f"{ATOM}entry")
    entries = feedparser.parse((folder / "atom.xml").read_bytes()).entries
    return [
        Seen(
            id=element.findtext(f"{ATOM}id") or "",
            title=element.findtext(f"{ATOM}title") or "",
            link=_links(element, "alternate")[0].get("href", ""),
            published=timegm(entry.published_parsed),
            updated=timegm(entry.updated_parsed),
            authors=tuple(one.text or "" for one in element.findall(f"{ATOM}author/{ATOM}name")),
            topics=tuple(one.get("label", "") for one in element.findall(f"{ATOM}category")),
            language=element.get("{http://www.w3.org/XML/1998/namespace}lang", ""),
            images=tuple(one.get("url", "") for one in element.findall(f"{MEDIA}content")),
            enclosures=tuple((one.get("href", ""), one.get("type", "")) for one in _links(element, "enclosure")[:1]),
            coverage=tuple(one.get("title") or one.get("href", "") for one in _links(element, "related"))
            + _unlinked(_content(element, f"{ATOM}content", "")),
            content=_content(element, f"{ATOM}content", "") or _paragraph(element.findtext(f"{ATOM}summary") or ""),
        )
        for element, entry in zip(elements, entries, strict=True)
    ]


def see_json(folder: Path) -> list[Seen]:
    feed = json.loads((folder / "feed.json").read_bytes())
    return [
        Seen(
            id=item["id"],
            title=item["title"],
            link=item["url"],
            published=_second(item["date_published"]),
            updated=_second(item["date_modified"]),
            authors=tuple(one["name"] for one in item.get("authors", ())),
            topics=tuple(item.get("tags", ())),
            language=item.get("language", ""),
            images=tuple(one["url"] for one in item.get("_aggregator", {}).get("images", ())),
            enclosures=tuple((one["url"], one["mime_type"]) for one in item.get("attachments", ()))[:1],
            coverage=tuple(
                one.get("title") or one["url"]
                for linked in (True, False)
                for one in item.get("_aggregator", {}).get("coverage", ())
                if ("url" in one) is linked
            ),
            content=item["content_html"],
        )
        for item in feed["items"]
    ]


VIEWS: dict[str, Callable[[Path], list[Seen]]] = {"rss": see_rss, "atom": see_atom, "json": see_json}

JUDGES = (
    atom_obeys_its_grammar,
    json_obeys_its_schema,
    readers_find_nothing_odd,
    the_list_of_feeds_is_read,
    pages_are_html,
    pages_pass_the_checker,
    twins_hold_the_same,
    formats_agree,
)


@cache
def accepted(checker: str) -> list[str]:
    """The warnings of a checker that docs/formats.md lists as accepted, and why."""
    page = (PROJECT / "docs" / "formats.md").read_text(encoding="utf-8")
    return re.findall(rf"(?m)^\| {checker} \| `([^`]+)` \| .+ \|$", page)


def missing_schema(path: Path) -> None:
    missing(f"{path.name} isn't there")


@cache
def _loaded(path: Path) -> Any:
    return json.loads(path.read_bytes())


def _links(element: Any, rel: str) -> list[Any]:
    return [link for link in element.findall(f"{ATOM}link") if link.get("rel") == rel]


def _second(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() // 1)


def _content(element: Any, full: str, short: str) -> str:
    """The HTML of an element's content, else of its summary."""
    text = element.findtext(full)
    if text is not None or not short:
        return text or ""
    text = element.findtext(short) or ""
    # feedgen has the content stand there where there is no summary; one that begins with markup is no summary.
    return text if text.startswith("<") else _paragraph(text, escaped=True)


def _paragraph(text: str, *, escaped: bool = False) -> str:
    return f"<p>{text if escaped else escape(text)}</p>" if text else ""


def _items(html: str) -> list[Any]:
    """The list of coverage that an entry's content ends with."""
    _, heading, rest = html.rpartition("<h2>Related coverage</h2>")
    return list(lxml.html.fragment_fromstring(rest)) if heading else []


def _coverage(html: str) -> tuple[str, ...]:
    linked = [item.find("a") for item in _items(html)]
    return tuple(link.text_content() for link in linked if link is not None) + _unlinked(html)


def _unlinked(html: str) -> tuple[str, ...]:
    return tuple(item.text_content().partition(" — ")[0] for item in _items(html) if item.find("a") is None)


def _title_and_link(article: Any) -> tuple[str, str]:
    link = article.find(".//h2/a")
    return " ".join(link.text_content().split()), link.get("href")
