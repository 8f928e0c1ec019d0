"""Headers of lines such as `Title: ...` as a tree of text."""

from __future__ import annotations

from time import process_time

import pytest

from aggregator.errors import ParseError
from aggregator.text.headers import COMMENTED, DOCINFO, KEYED, ORG, Form, load, names_in
from aggregator.text.tree import Node
from tests.test_text_tree import bare

UNREAD = frozenset({"secured"})


@pytest.mark.parametrize(
    ("form", "text", "expected"),
    [
        (KEYED, "Title: A: b\nTAGS: x, y\nwebUrl: z", {"title": "A: b", "tags": "x, y", "webUrl": "z"}),
        (KEYED, "Base Header Level: 2\nempty:\n", {"base header level": "2", "empty": None}),
        (KEYED, "summary: a  \n   b\n\tc: d\n", {"summary": "a\nb\nc: d"}),
        (COMMENTED, ".. title: A\n.. tags: x, y\n", {"title": "A", "tags": "x, y"}),
        (COMMENTED, "<!--\n.. title: A\n-->\n", {"title": "A"}),
        (ORG, "#+TITLE: A\n#+filetags: :x:y_z:\n", {"title": "A", "tags": ["x", "y_z"]}),
        (ORG, "#+filetags: :x:\n#+FILETAGS: :y:\n", {"tags": ["x", "y"]}),
        (ORG, "#+title: A\n#+title: B\n#+title:", {"title": "A B"}),
        (ORG, "#+tags[]: x y\n#+categories: x y\n", {"tags": ["x", "y"], "categories": "x y"}),
        (KEYED, "Status: Draft\n", {"draft": "yes"}),
        (KEYED, "status: published\n", {"draft": "no"}),
        (KEYED, "status: in doubt\n", {"draft": "in doubt"}),
        (COMMENTED, ".. status: private\n", {"draft": "yes"}),
        (DOCINFO, "T\n=\n:status: hidden\n", {"title": "T", "draft": "yes"}),
        (ORG, "#+date: <2024-03-01 Fri>\n", {"date": "2024-03-01"}),
        (ORG, "#+date: [2024-03-01 Fr. 10:30-11:00]\n", {"date": "2024-03-01 10:30"}),
        (ORG, "#+date: 2024-03-01\n", {"date": "2024-03-01"}),
        (DOCINFO, "A title\n=======\n\n:Date: 2024-03-01\n", {"title": "A title", "date": "2024-03-01"}),
        (DOCINFO, "A\n=\n:tags: x\n  y\n", {"title": "A", "tags": "x\ny"}),
        (DOCINFO, "=======\nA title\n=======\n:date: x\n", {"title": "A title", "date": "x"}),
    ],
)  # fmt: skip
def test_every_value_is_text(form: Form, text: str, expected: object) -> None:
    """The name's case says nothing, what is indented belongs to the line above, Org's dates lose their brackets."""
    assert bare(load(form, text)) == expected


def test_positions() -> None:
    """Every value knows its place and that of its key, in lines of the file."""
    root = load(DOCINFO, "====\nTitle\n====\n\n:date: x\n", first_line=2)
    assert root.value == {"title": Node("Title", 3, 1, (3, 1)), "date": Node("x", 6, 8, (6, 2))}


def test_names() -> None:
    """The names in a header are told in lower case, without its values."""
    assert names_in(KEYED, "Title: a\nwebUrl: b\n c: d\n") == {"title", "weburl"}


def test_a_field_is_given_once() -> None:
    """Twice is an error, but in Org, where it is usual."""
    with pytest.raises(ParseError, match='"title" again, first given in line 1') as caught:
        load(KEYED, "Title: a\ntitle: b\n")
    assert (caught.value.line, caught.value.column) == (2, 1)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        (KEYED, "Secured: hush\n  hush: hush\nx: 1"),
        (COMMENTED, ".. secured: hush\n.. x: 1"),
        (ORG, "#+SECURED: hush\n#+secured: hush\n#+x: 1"),
        (DOCINFO, "T\n==\n:secured: hush\n   hush\n:x: 1"),
    ],
)
def test_what_is_not_to_be_read_is_not_in_the_tree(form: Form, text: str) -> None:
    """The value of a key that isn't to be read is passed over, in any case."""
    root = load(form, text, unread=UNREAD)
    assert isinstance(root.value, dict)
    assert root.value["secured"].value is None
    assert root.value["x"].value == "1"
    assert "hush" not in repr(root)


def test_a_text_that_swallows_what_is_not_to_be_read_is_refused() -> None:
    """A line that is indented by mistake is told with its number."""
    with pytest.raises(ParseError, match="a key that must not be read is inside a text") as caught:
        load(KEYED, "title: a\nsummary: b\n Secured: hush\n", unread=UNREAD)
    assert caught.value.line == 3
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(("form", "line"), [(KEYED, "k{}: 1\n"), (ORG, "#+a: {}\n"), (KEYED, " {}\n")])
def test_it_is_no_bomb(form: Form, line: str) -> None:
    """A hundred thousand lines are read soon."""
    started = process_time()
    load(form, "title: x\n" + "".join(map(line.format, range(100_000))))
    assert process_time() - started < 5
