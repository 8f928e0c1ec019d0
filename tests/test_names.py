"""Fields by other names, and what a document has in place of a field that it lacks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator import documents
from aggregator.documents import Options, Outcome, Reading
from aggregator.documents.fields import NAMES
from aggregator.documents.names import DECIDING, INSIDE, OTHERS, names
from aggregator.model import Image, Mention
from aggregator.text.tree import Node

Read = Callable[..., Reading]

SAMPLES = {
    "title": "Tides",
    "publishedDateTime": "2024-02-03",
    "updatedDateTime": "2024-02-04",
    "excerpt": "Low and high",
    "topics": "[Sea, Moon]",
    "images": "/tide.png",
    "language": "pt-BR",
    "authors": "Ada",
    "originalUrl": "https://sea.example/tides",
    "ampWebUrl": "https://sea.example/tides/amp",
    "cdnAmpWebUrl": "https://amp.example/tides",
    "permalink": "/tides/",
    "canonicalUrl": "https://sea.example/canonical",
}
"""A value for each field that has other names."""


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Writes a document to disk and reads it as one of the source `s`."""

    def write_and_read(text: str, body: str = "", path: str = "a.md", **options: Any) -> Reading:
        file = tmp_path / "a.md"
        file.write_text(f"---\n{text}\n---\n{body}", encoding="utf-8")
        chosen = Options(**{"base_url": "https://site.example/", "within": "s"} | options)
        return documents.read(str(file), f"s/{path}", 0, chosen)

    return write_and_read


def lead(reading: Reading) -> Mention:
    assert reading.outcome is Outcome.read, reading.problems
    return reading.mentions[0]


def told(reading: Reading) -> list[str]:
    return [str(problem).partition(": ")[2] for problem in reading.problems]


def front(fields: str, *without: str) -> str:
    """The smallest fields of a document but for those that are named, and these."""
    smallest = {"title": "T", "webUrl": "https://a.example/t", "publishedDateTime": "2026-03-01"}
    return "\n".join(f"{name}: {value}" for name, value in smallest.items() if name not in without) + f"\n{fields}"


ALL_NAMES = [(ours, name) for ours, theirs in OTHERS.items() for name in " ".join(theirs).split()]


@pytest.mark.parametrize(("ours", "name"), ALL_NAMES)
def test_a_field_by_another_name_is_the_same_field(read: Read, ours: str, name: str) -> None:
    """In any case of letters; in related entries too, as far as they have it."""
    without = (ours, "webUrl") if ours in ("permalink", "canonicalUrl") else (ours,)
    by_ours = read(front(f"{ours}: {SAMPLES[ours]}", *without))
    assert lead(by_ours)
    for spelled in (name, name.upper(), name.title()):
        assert read(front(f"{spelled}: {SAMPLES[ours]}", *without)).mentions == by_ours.mentions
    entry = front(f"{ours}: {SAMPLES[ours]}", *without).replace("\n", ", ")
    related = [read(front(f"related: [{{{text}}}]")) for text in (entry, entry.replace(ours, name))]
    assert related[0].mentions[1:] == related[1].mentions[1:]
    assert len(related[0].mentions) == 2


@pytest.mark.parametrize(
    ("fields", "attribute", "value"),
    [
        ("publishedDateTime: 2024-01-01\ndate: 2025-01-01", "published", "2024-01-01"),
        ("publishedDateTime: 2024-01-01\ndate: rubbish", "published", "2024-01-01"),
        ("PublishedDateTime: 2024-01-01\ndate: 2025-01-01", "published", "2024-01-01"),
        ("publishedDateTime:\npubDate: 2024-01-01\npublishDate: 2025-01-01", "published", "2025-01-01"),
        ("params: {date: 2024-01-01}\npubDate: 2025-01-01", "published", "2024-01-01"),
        ("params: {date: 2024-01-01}\ndate: 2025-01-01", "published", "2025-01-01"),
        ("pubDate: 2024-01-01\nextra: {draft: on, publishedDateTime: 2025-01-01}", "published", "2025-01-01"),
        ("date: 2024-01-01\nPublished: no", "listed", "False"),
        ("date: 2024-01-01\nDRAFT: yes", "listed", "False"),
        ("date: 2024-01-01\ntopics: [A]\ntags: [B]", "topics", "('A',)"),
        ("date: 2024-01-01\ntopics: []\ntags: [B]", "topics", "('B',)"),
        ("date: 2024-01-01\ntags: [B, C]\ncategories: C, D\nkeywords: E", "topics", "('B', 'C', 'D')"),
        ("date: 2024-01-01\ntags:\nkeywords: E, F", "topics", "('E', 'F')"),
        ("date: 2024-01-01\ntaxonomies: {tags: [B], categories: [C]}", "topics", "('B', 'C')"),
        ("date: 2024-01-01\ntopics: 'A, B,, C ,'", "topics", "('A', 'B', 'C')"),
        ("date: 2024-01-01\ntopics: ['A, B', C]", "topics", "('A, B', 'C')"),
        ("date: 2024-01-01\ntopics: ','", "topics", "()"),
        ("date: 2024-01-01\nsummary: S\ndescription: ''", "excerpt", "S"),
        ("date: 2024-01-01\nlang: [x]\nlocale: de_AT", "language", "de-AT"),
        ("date: 2024-01-01\nauthor: A\nauthors: [B]", "authors", "('B',)"),
        ("date: 2024-01-01\nprovider: {name: P, authors: [C]}\nauthor: A", "authors", "('A',)"),
    ],
)  # fmt: skip
def test_of_several_names_the_best_one_counts(read: Read, fields: str, attribute: str, value: str) -> None:
    """Ours, then the others in their order; what is empty or wrong gives way, what is in a map comes last."""
    found = getattr(lead(read(front(fields, "publishedDateTime"))), attribute)
    assert str(found).removesuffix(" 00:00:00+00:00") == value


def test_messages_name_a_field_as_the_document_spells_it(read: Read) -> None:
    """Whatever it means, and wherever it stands."""
    assert told(read(front("Lang: [x]\nparams: {cover: '#x'}\nDate: someday", "publishedDateTime"))) == [
        "warning: `Lang`: a list, expected a language tag such as en or pt-BR",
        'warning: `params.cover`: "#x", expected the URL of a picture',
        'error: `Date`: "someday" is no date, expected one such as 2023-02-28T20:47:00Z',
    ]
    assert told(read("name:\ndate: 2024-01-01")) == [
        "error: no usable URL, expected `webUrl` or `originalUrl`",
        "error: no title",
    ]


@pytest.mark.parametrize("word", ["yes", "no"])
def test_a_draft_that_is_said_twice_is_held_back(read: Read, word: str) -> None:
    """Nobody can tell which of the two is meant."""
    assert told(read(front(f"draft: no\nDraft: {word}"))) == ["error: `draft`: again as `Draft`, expected one of them"]


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("{path: /a.png, alt: A, height: 20}", Image("https://a.example/a.png", None, 20, "A")),
        ("{image: a.png, relative: true}", Image("https://a.example/a.png")),
        ("{src: /a.png, url: /b.png, title: B, alt: A}", Image("https://a.example/b.png", title="B")),
        ("[a.png, b.png]", Image("https://a.example/a.png")),
    ],
)
def test_images_as_themes_write_them(read: Read, image: str, expected: Image) -> None:
    """A map may say the address and the title in other words."""
    assert lead(read(front(f"cover: {image}"))).images[0] == expected


def test_a_switch_is_no_picture(read: Read) -> None:
    """Themes show one or not; the next name may have it."""
    reading = read(front("image: true\nhero: h.png"))
    assert lead(reading).images == (Image("https://a.example/h.png"),)
    assert told(reading) == ['warning: `image`: "true", expected the URL of a picture']


def test_names_of_a_source_come_first_and_mean_nothing_else(read: Read) -> None:
    """Behind ours; dotted ones lead into maps; those of topics are taken together."""
    fields = "external-url: ''\nlink: https://b.example/x\nmeta: {when: {day: 2024-05-06}}\ndate: 2024-01-01"
    configured = (
        ("webUrl", ("external-url", "LINK")),
        ("publishedDateTime", ("meta.when.day",)),
        ("topics", ("category", "Labels")),
        ("excerpt", ("date",)),
    )
    mention = lead(read(f"title: T\n{fields}\ncategory: C\nlabels: [L]\ntags: [X]", fields=configured))
    assert mention.link == "https://b.example/x"
    assert str(mention.published) == "2024-05-06 00:00:00+00:00"
    assert mention.topics == ("C", "L")
    assert (mention.category, mention.excerpt) == ("", "2024-01-01")
    assert lead(read(front(fields), fields=configured)).link == "https://a.example/t"


@pytest.mark.parametrize(
    ("url", "base", "expected"),
    [
        ("url: /x/", "https://site.example/", "https://site.example/x/"),
        ("url: /x/", "https://site.example/sub/", "https://site.example/sub/x/"),
        ("path: blog/x", "https://site.example/sub/", "https://site.example/sub/blog/x"),
        ("url: /sub/x", "https://site.example/sub/*", "https://site.example/sub/x"),
        ("permalink: https://other.example/x", "https://site.example/", "https://other.example/x"),
        ("permalink: /p\nurl: /u", "https://site.example/", "https://site.example/p"),
        ("permalink: no\nurl: /u", "https://site.example/", "https://site.example/u"),
        ("canonical_url: https://c.example/x", "https://site.example/", "https://c.example/x"),
        ("canonical_url: https://c.example/x\nurl: /u", "https://site.example/", "https://site.example/u"),
        ("originalUrl: https://o.example/x\nurl: /u", "https://site.example/", "https://o.example/x"),
        ("webUrl: /w\nurl: /u", "https://site.example/sub/", "https://site.example/w"),
        ("params: {url: 'https://tool.example/x'}\nurl: /u", "https://site.example/", "https://site.example/u"),
    ],
)
def test_the_addresses_that_generators_know(read: Read, url: str, base: str, expected: str) -> None:
    """They are below the site's; an address of ours counts first."""
    reading = read(front(url, "webUrl"), base_url=base)
    assert lead(reading).link == expected
    assert told(reading) == []


def test_a_canonical_address_is_one_of_the_article(read: Read) -> None:
    """Beside its own, as an original's is."""
    assert [key for key, _ in lead(read(front("canonical_url: https://c.example/x\nurl: /u", "webUrl"))).urls] == [
        "https://site.example/u",
        "https://c.example/x",
    ]


def test_what_only_a_generator_can_fill_is_no_address(read: Read) -> None:
    """A template is told; an article without another address is an error."""
    assert told(read(front('permalink: "/{{ page.fileSlug }}/"', "webUrl"))) == [
        "error: no usable URL, expected `webUrl` or `originalUrl`",
        'warning: `permalink`: "/{{ page.fileSlug }}/", expected an address of the site such as /2023/title/',
    ]


@pytest.mark.parametrize(
    ("fields", "body", "path", "title"),
    [
        ("", "Text\n\n## Second *level*\n\n# First", "a.md", "Second level"),
        ("", "<h1 id=x>A &amp; B</h1>", "a.md", "A & B"),
        ("title:\n", "# Head", "a.md", "Head"),
        ("", "", "my-first_post.md", "My First Post"),
        ("", "", "2023-02-28-the-AI-act.md", "The AI Act"),
        ("", "", "2014/01-27-snow.md", "Snow"),
        ("", "", "2014/01/27/snow.md", "Snow"),
        ("", "", "trip/index.md", "Trip"),
        ("", "", "2014-01-27-trip/index.md", "Trip"),
        ("", "#", "10-20-things.md", "10 20 Things"),
    ],
)
def test_an_article_without_a_title_gets_one(read: Read, fields: str, body: str, path: str, title: str) -> None:
    """The first heading's, else the words of its file's name."""
    assert lead(read(front(fields, "title"), body, path)).title == title


def test_what_is_no_article_misses_its_title(read: Read) -> None:
    """A title with nothing in it, and a file that nothing makes an article."""
    assert told(read(front('title: "<b></b>"', "title"), "# Head")) == ["error: no title"]
    assert "error: no title" in told(read("layout: page", "# Head"))
    assert told(read(front("", "title"), "", "---.md")) == ["error: no title"]


@pytest.mark.parametrize(
    ("body", "excerpt"),
    [
        ("Before *it*.\n\n<!--more-->\n\nBehind.", "Before it."),
        ("# Head\n\nBefore.\n<!-- MORE -->\nBehind.", "Before."),
        ("<!--more-->\nBehind.", ""),
        ("Before. <!-- morel --> Behind.", ""),
        ("<script>x</script><p hidden>y</p>Seen.\n\n<!--more-->", "Seen."),
    ],
)
def test_an_excerpt_is_what_is_before_the_mark(read: Read, body: str, excerpt: str) -> None:
    """As plain text without headings and without what is hidden; one that is written counts first."""
    assert lead(read(front(""), body)).excerpt == excerpt
    assert lead(read(front("summary: S"), body)).excerpt == "S"


@pytest.mark.parametrize(
    ("path", "day"),
    [
        ("2014/01-27-x.md", "2014-01-27"),
        ("2014/01/27/x.md", "2014-01-27"),
        ("2014/01/27-x.md", "2014-01-27"),
        ("posts/2014-01-27-x/index.md", "2014-01-27"),
        ("2013/12/31/2014-01-27-x.md", "2014-01-27"),
        ("2014/13/27/x.md", ""),
        ("x/y2014/01/27.md", ""),
        ("2014/01/271/x.md", ""),
        ("2014/x.md", ""),
    ],
)
def test_a_date_in_folders(read: Read, path: str, day: str) -> None:
    """The file's name counts first; a day that no calendar has is none."""
    reading = read(front("", "publishedDateTime"), "", path)
    assert str(lead(reading).published)[:10] == day if day else reading.outcome is Outcome.failed


def test_a_date_in_the_name_of_a_source_is_none(read: Read) -> None:
    """Only the folders inside it tell."""
    assert read(front("", "publishedDateTime"), within="s/2014/01", path="2014/01/27-x.md").outcome is Outcome.failed


def test_no_other_name_decides_what_may_be_seen() -> None:
    """Neither do maps."""
    assert not set(DECIDING) & set(OTHERS)
    assert not set(DECIDING) & set(INSIDE)
    assert set(OTHERS) <= NAMES


WORDS = st.sampled_from([*NAMES, *(name for _, name in ALL_NAMES), "params", "extra", "secured", "other"])
FIELDS = st.recursive(
    st.none() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS | WORDS.map(str.upper), inner, max_size=4),
)


def as_node(value: Any) -> Node:
    if isinstance(value, dict):
        return Node({key: as_node(item) for key, item in value.items()}, 1, 1)
    return Node([as_node(item) for item in value] if isinstance(value, list) else value, 1, 1)


@given(st.dictionaries(WORDS | WORDS.map(str.upper), FIELDS, max_size=6))
def test_no_name_makes_another_field_of_ours(fields: dict[str, Any]) -> None:
    """All that is given goes by names of ours, our own name first unless it is empty, and `secured` by none."""
    nodes = {name: as_node(value) for name, value in fields.items()}
    found = names(NAMES).given(nodes)
    assert found.keys() <= NAMES
    assert "secured" not in found
    for ours, values in found.items():
        assert len(values) > 0
        if ours in nodes and nodes[ours].value not in (None, "") and ours != "topics":
            assert values[0][:2] == (ours, nodes[ours])
