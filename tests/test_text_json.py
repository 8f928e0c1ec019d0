"""JSON as a tree of text."""

from __future__ import annotations

import json
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.errors import ParseError
from aggregator.text import tree
from aggregator.text.jsontree import end_of, load
from aggregator.text.tree import MAX_DEPTH, Node
from tests.test_text_tree import bare

UNREAD = frozenset({"secured"})


def test_every_value_is_text() -> None:
    """Numbers are as they are written, null is nothing."""
    root = load('{"a": 1.50e3, "b": [true, null, -0],\t"c": {}, "d": "x\\/\\u00fc\\ud83d\\udc26\\n"}')
    assert bare(root) == {"a": "1.50e3", "b": ["true", None, "-0"], "c": {}, "d": "x/ü🐦\n"}


def test_positions() -> None:
    """Every value knows its place and that of its key, in lines of the file."""
    root = load('{"a": "b",\n "list": [\n 1]}', first_line=2)
    assert root.value == {"a": Node("b", 2, 7, (2, 2)), "list": Node([Node("1", 4, 2)], 3, 10, (3, 2))}


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ('{"a": 1,}', 1, 9, "expected a key in quotes"),
        ("{a: 1}", 1, 2, "expected a key in quotes"),
        ('{"a": 1 "b": 2}', 1, 9, "expected `,` or `}`"),
        ('{"a" 1}', 1, 6, "expected `:`"),
        ('{"a":\n "open\n}', 2, 2, "a text that isn't closed in its line"),
        ('{"a": "x\\q"}', 1, 9, "an escape that JSON doesn't have"),
        ('{"a": 01}', 1, 7, "expected a text in quotes, a number, true, false or null"),
        ('{"a": yes}', 1, 7, "expected a text in quotes, a number, true, false or null"),
        ('{"a": 1, "a": 2}', 1, 10, '"a" again, first given in line 1'),
        ('{"a": 1} x', 1, 10, "more behind the value, expected the end"),
        ('{"a": ' + "[" * MAX_DEPTH, 1, MAX_DEPTH + 6, "nested deeper than 64 levels"),
        ("", 1, 1, "expected a text in quotes"),
    ],
)
def test_what_is_refused(text: str, line: int, column: int, message: str) -> None:
    """What isn't JSON is told with its place, and what was expected."""
    with pytest.raises(ParseError) as caught:
        load(text)
    assert message in caught.value.message
    assert (caught.value.line, caught.value.column) == (line, column)


def test_half_a_character_is_told() -> None:
    """An escape for half a character shows as U+FFFD, and a warning says where; one that isn't read says nothing."""
    told: list[ParseError] = []
    root = load('{"a": "x\\ud83d", "secured": "\\ud83d"}', 1, UNREAD, told.append)
    assert bare(root) == {"a": "x\ufffd", "secured": None}
    assert [(error.line, error.column) for error in told] == [(1, 7)]


@pytest.mark.parametrize("secret", ['"hush"', '["hush", {"hush": 1, "hush": 2}]', '{"hush": "hush"}'])
def test_what_is_not_to_be_read_is_not_in_the_tree(secret: str) -> None:
    """The value of a key that isn't to be read is passed over, whatever it is and wherever it stands."""
    root = load(f'{{"secured": {secret}, "a": [{{"\\u0073ecured": {secret}, "b": "c"}}]}}', unread=UNREAD)
    assert bare(root) == {"secured": None, "a": [{"secured": None, "b": "c"}]}
    assert "hush" not in repr(root)


@pytest.mark.parametrize(
    "secret", ["hush", '"hush', '{"hush": 1, "hush" 2}', '"hush\\q"', '["hush"', "[" * 70 + '"hush"']
)
def test_no_message_tells_what_is_not_to_be_read(secret: str) -> None:
    """An error inside such a value doesn't quote it."""
    with pytest.raises(ParseError) as caught:
        load(f'{{"secured": {secret}}}', unread=UNREAD)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("text", ["[" * 500_000, '{"a":' * 200_000, '{"a": "' + "\\" * 1_000_001, '{"' * 500_000])
def test_it_is_no_bomb(text: str) -> None:
    """A megabyte of brackets or backslashes is an error, and soon."""
    started = process_time()
    with pytest.raises(ParseError):
        load(text)
    assert not end_of(text)
    assert process_time() - started < 5


TEXTS = st.text(st.characters(categories=("L", "N", "P", "S")))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=10,
)


def as_text(value: Any) -> Any:
    """A value with texts for numbers and booleans."""
    match value:
        case dict():
            return {name: as_text(item) for name, item in value.items()}
        case list():
            return [as_text(item) for item in value]
        case bool() | int():
            return str(value).lower()
        case _:
            return value


@given(st.dictionaries(TEXTS, VALUES, max_size=4), st.booleans(), st.sampled_from([None, 2]))
def test_what_a_program_writes_is_read(value: dict[str, Any], escaped: bool, indent: int | None) -> None:
    """What a program writes as JSON is read as it was meant, and ends where it ends."""
    text = json.dumps(value, ensure_ascii=escaped, indent=indent)
    assert bare(load(text)) == as_text(value)
    assert end_of(text + "\n}{") == len(text)


@given(st.text() | st.text('{}[]",:\\ 1tnu\n'))
def test_any_text_is_a_tree_or_a_parse_error(text: str) -> None:
    """Whatever the text, it is JSON for this reader only where it is for Python's."""
    try:
        load(text)
    except ParseError as error:
        assert error.line >= 1  # noqa: PT017
        assert error.column >= 1  # noqa: PT017
    else:
        json.loads(tree.readable(text), strict=False)
