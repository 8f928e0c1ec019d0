"""Front matter of all kinds: where it is in a document, and that all kinds say the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from aggregator import documents
from aggregator.documents import Options, Outcome, Reading
from aggregator.documents.fields import UNREAD
from aggregator.documents.front import Parts, split
from aggregator.errors import ParseError
from aggregator.model import Mention
from aggregator.text.tree import Warn
from tests.test_text_tree import bare

URL = "https://outlet.example/a"
DATE = "2026-03-01T10:00:00Z"


def quiet(_: ParseError) -> None:
    raise AssertionError


def parts(text: str) -> Parts:
    found = split(text.encode())
    assert found
    return found


def fields(found: Parts, warn: Warn = quiet) -> Any:
    return bare(found.load(found.front, found.line, UNREAD, warn))


@pytest.mark.parametrize(
    ("text", "line", "below", "body"),
    [
        ("---\ntitle: T\n---\nBody\n", 2, 4, "Body\n"),
        ("--- yaml\ntitle: T\n...\nBody\n", 2, 4, "Body\n"),
        ("+++\ntitle = 'T'\n+++\nBody\n", 2, 4, "Body\n"),
        ("+++ \t\r\ntitle = 'T'\r\n+++  \r\nBody\r\n", 2, 4, "Body\n"),
        ("\ufeff+++\rtitle = 'T'\r+++\rBody\r", 2, 4, "Body\n"),
        ("+++\ntitle = 'T'\n+++", 2, 3, ""),
        ("---toml\ntitle = 'T'\n---\nBody\n", 2, 4, "Body\n"),
        ('---json\n{"title": "T"}\n---\nBody\n', 2, 4, "Body\n"),
        ('---\n{"title": "T",\n\t"tags": ["a"]}\n---\nBody\n', 2, 5, "Body\n"),
        ('{"title": "T"}\nBody\n', 1, 2, "Body\n"),
        ('{\r\n  "title": "T"\r\n}\r\n\r\nBody\r\n', 1, 4, "\nBody\n"),
        ('{"title": "T"} Body\n', 1, 1, " Body\n"),
        ('{"title": "T"}', 1, 1, ""),
        ('{"title": "T", "a": "}\\"}"}\nBody', 1, 2, "Body"),
        ("Title: T\nDate: 2026-03-01\n\nBody\n", 1, 4, "Body\n"),
        ("\ufeffTITLE: T\r\nPublished: 2026-03-01\r\n \r\nBody\r\n", 1, 4, "Body\n"),
        ("date: 2026-03-01\nauthor: A\n  B\ntitle: T", 1, 4, ""),
        (".. title: T\n.. date: 2026-03-01\n\nBody\n", 1, 4, "Body\n"),
        ("<!--\n.. title: T\n.. date: 2026-03-01\n-->\n\nBody\n", 1, 6, "Body\n"),
        ("#+TITLE: T\n\n#+date: 2026-03-01\n* Body\n", 1, 4, "* Body\n"),
        ("#+title: T\n#+tags[]: a b\n#+date: 2026-03-01\nBody\n", 1, 4, "Body\n"),
        (":PROPERTIES:\n:ID: x\n:END:\n#+title: T\n\nBody\n", 1, 6, "Body\n"),
        ("T\n===\n\n:date: 2026-03-01\n\nBody\n", 1, 6, "Body\n"),
        ("===\nT\n===\n\n:date: 2026-03-01\n:tags: a\n  b\nBody\n", 1, 8, "Body\n"),
    ],
)
def test_where_it_is(text: str, line: int, below: int, body: str) -> None:
    """Each kind of front matter says where it and the body begin, whatever ends the lines."""
    found = parts(text)
    assert (found.line, found.below, found.body) == (line, below, body)
    assert fields(found)["title"] == "T"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# Read me\n",
        "++++\ntitle = 'T'\n++++\n",
        "+++ title = 'T'\n+++\n",
        "---x\ntitle: T\n---\n",
        "{% include header.html %}\n",
        "{{ page.title }}\n",
        "{.class}\n",
        "{}\n",
        "Title: T\nNo date here, and so no header.\n",
        "Title: T\n\nBody\n",
        "Date: 2026-03-01\n\nBody\n",
        "Title: T\nDate: 2026-03-01\nBody right below.\n",
        "Note: this is a text\nwhich has a colon.\n",
        "https://outlet.example/\ntitle: T\ndate: x\n",
        "Grüße: T\nTitle: T\nDate: 2026-03-01\n\n",
        "#+STARTUP: overview\n* T\n",
        ".. note: x\n\nBody\n",
        ".. image:: a.png\n",
        "T\n===\n\nBody\n",
        "T\n===\n\n:author: A\n\nBody\n",
        "- a\n- b\n",
    ],
)
def test_what_is_none(text: str) -> None:
    """What may be any text isn't taken for front matter: a header needs a title and a date."""
    assert split(text.encode()) is None


def test_latin_1_is_told_only_of_what_opens_with_front_matter() -> None:
    """A text in another encoding that isn't a document is skipped; a header in it is an error."""
    assert split("Note: Grüße\n".encode("latin-1")) is None
    with pytest.raises(ParseError, match="byte 0xFC, expected UTF-8"):
        split("Title: Grüße\nDate: 2026-03-01\n\n".encode("latin-1"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+++\ntitle = 'T'\n", r"a line `\+\+\+`"),
        ("+++", r"a line `\+\+\+`"),
        ("+++\ntitle = 'T'\n---\n", r"a line `\+\+\+`"),
        ("---toml\ntitle = 'T'\n+++\n", "a line `---`"),
        ('{"title": "T"\n', "a `}`"),
    ],
)
def test_front_matter_that_is_never_closed(text: str, expected: str) -> None:
    """It is an error that says what would close it."""
    with pytest.raises(ParseError, match=f"front matter that is never closed, expected {expected}"):
        split(text.encode())


# Whole documents.

Read = Callable[..., Reading]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Writes a document to disk and reads it."""

    def write_and_read(text: str, name: str = "a.md") -> Reading:
        return reading_of(tmp_path / name, text)

    return write_and_read


def reading_of(file: Path, text: str) -> Reading:
    file.write_text(text, newline="")
    return documents.read(str(file), file.name, 0, Options())


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"+++\nwebUrl = '{URL}'\ntitle = 'T'\ndate = 2026\nquality = 'x'\n+++\n", "a.md:5:11: warning: `quality`:"),
        ("+++\ntitle = 'T'\nwebUrl = x\n+++\n", "a.md:3:10: error: not TOML: invalid value"),
        ("+++\ntitle = 'T'\nmore = [\n+++\n", "a.md:3:8: error: an array that is never closed, expected `]`"),
        ("+++\n+++\n", "a.md:1:1: error: no title"),
        ('{"title": "T",\n  "webUrl": 1,\n}\n', "a.md:3:1: error: expected a key in quotes"),
        ('{"title": "T}\n', "a.md:1:11: error: a text that isn't closed in its line"),
        ('---json\n["a"]\n---\n', "a.md:2:1: error: front matter without fields"),
        ("Title: T\nDate: x\nTitle: U\n\n", 'a.md:3:1: error: "title" again, first given in line 1'),
    ],
)
def test_problems_have_their_place(read: Read, text: str, problem: str) -> None:
    """Each problem is told with its line and column in the file."""
    assert any(str(told).startswith(problem) for told in read(text).problems), read(text).problems


def test_a_body_that_is_left_out_is_told_at_its_line(read: Read) -> None:
    """The first line of the body is meant, wherever the front matter ends."""
    body = "<div>" * 300
    front = {"title": "T", "webUrl": URL, "publishedDateTime": DATE}
    texts = {
        "toml": f"+++\n{toml(front)}\n+++\n{body}",
        "json": f"{json.dumps(front)}\n{body}",
        "keyed": "".join(f"{name}: {value}\n" for name, value in front.items()) + f"\n{body}",
    }
    lines = {kind: [problem.line for problem in read(text).problems] for kind, text in texts.items()}
    assert lines == {"toml": [6], "json": [2], "keyed": [5]}


@pytest.mark.parametrize(("status", "listed"), [("draft", False), ("Hidden", False), ("published", True), ("?", None)])
def test_a_status_says_what_is_a_draft(read: Read, status: str, listed: bool | None) -> None:
    """Pelican's drafts are no entries, and a status that nobody knows holds its document back."""
    text = f"Title: T\nwebUrl: {URL}\npublishedDateTime: {DATE}\nStatus: {status}\n\nBody\n"
    assert [mention.listed for mention in read(text).mentions] == ([] if listed is None else [listed])


@pytest.mark.parametrize("name", ["a.org", "a.rst", "a.ADOC"])
def test_other_markup_is_shown_as_it_is(read: Read, name: str) -> None:
    """The body of a document in markup that nothing here reads is shown as it is written."""
    reading = read(f"---\ntitle: T\nwebUrl: {URL}\npublishedDateTime: {DATE}\n---\n* <b> & *c*\n", name)
    assert reading.mentions[0].body == "<pre>* &lt;b&gt; &amp; *c*\n</pre>"


WORDS = st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=12)
DATES = st.datetimes().map(lambda moment: moment.isoformat(timespec="seconds") + "Z") | st.dates().map(str)
RELATED = st.fixed_dictionaries(
    {"webUrl": st.just("https://other.example/b")},
    optional={"title": WORDS, "quality": st.integers(-5, 5000), "publishedDateTime": DATES},
)
FIELDS = st.fixed_dictionaries(
    {"title": WORDS, "webUrl": st.just(URL), "publishedDateTime": DATES},
    optional={
        "excerpt": WORDS,
        "topics": st.lists(WORDS, max_size=3),
        "quality": st.integers(-5, 5000),
        "published": st.booleans(),
        "provider": st.fixed_dictionaries({"name": WORDS}, optional={"domain": st.just("outlet.example")}),
        "related": st.lists(RELATED, max_size=2),
        "secured": WORDS | st.dictionaries(WORDS, WORDS, max_size=2),
    },
)


@given(FIELDS, st.booleans())
def test_all_kinds_say_the_same(
    tmp_path_factory: pytest.TempPathFactory, given_fields: dict[str, Any], tables: bool
) -> None:
    """The same fields in YAML, TOML and JSON make the same mentions."""
    file = tmp_path_factory.getbasetemp() / "same.md"
    plain = json.dumps(given_fields, indent=1)
    written = (
        f"---\n{yaml.safe_dump(given_fields, allow_unicode=True, sort_keys=False)}---\nBody\n",
        f"+++\n{toml(given_fields, tables=tables)}\n+++\nBody\n",
        f"{plain}\nBody\n",
        f"---\n{plain}\n---\nBody\n",
        f"---json\n{plain}\n---\nBody\n",
    )
    first, *others = [reading_of(file, text) for text in written]
    for other in others:
        assert placeless(other) == placeless(first)
        assert [problem.message for problem in other.problems] == [problem.message for problem in first.problems]
    assert first.outcome is Outcome.read or first.problems


def placeless(reading: Reading) -> list[Mention]:
    """What a document says, without the places in the file."""
    return [replace(mention, at=(0, 0)) for mention in reading.mentions]


def toml(values: dict[str, Any], *, tables: bool = False) -> str:
    """Fields as TOML; tables: with `[a]` and `[[a]]` for maps and lists of maps, else inline."""
    lines, below = [], []
    for name, value in values.items():
        if tables and isinstance(value, dict):
            below.append(f"[{inline(name)}]\n{toml(value)}")
        elif tables and isinstance(value, list) and value and isinstance(value[0], dict):
            below += [f"[[{inline(name)}]]\n{toml(item)}" for item in value]
        else:
            lines.append(f"{inline(name)} = {inline(value)}")
    return "\n".join((*lines, *below))


def inline(value: Any) -> str:
    match value:
        case dict():
            return "{" + ", ".join(f"{inline(name)} = {inline(item)}" for name, item in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(inline, value)) + "]"
        case _:
            return json.dumps(value, ensure_ascii=False)
