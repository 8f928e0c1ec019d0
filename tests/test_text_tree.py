"""YAML as a tree of text."""

from __future__ import annotations

from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.errors import ParseError
from aggregator.text.tree import MAX_DEPTH, Node, load


def bare(node: Node) -> Any:
    """The tree without its positions."""
    match node.value:
        case dict() as found:
            return {name: bare(value) for name, value in found.items()}
        case list() as items:
            return [bare(item) for item in items]
        case value:
            return value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: NO\nb: 012\nc: 12:30:45", {"a": "NO", "b": "012", "c": "12:30:45"}),
        ("a: 3.10\nb: 2023-02-28", {"a": "3.10", "b": "2023-02-28"}),
        ("a:\nb: ~\nc: null\nd: ''\ne: '~'", {"a": None, "b": None, "c": None, "d": "", "e": "~"}),
        ("- a\n- [b, {c: d}]", ["a", ["b", {"c": "d"}]]),
        ("a: |\n  b\n  c\nd: >\n  e\n  f\n", {"a": "b\nc\n", "d": "e f\n"}),
        ("a: !!python/object:os.system x", {"a": "x"}),
        ("a: 'x\0y\x0bz'", {"a": "x y z"}),
        ('a: "\\x0b"', {"a": "\x0b"}),
        ("", None),
        ("# only a comment", None),
        ("text", "text"),
    ],
)
def test_every_scalar_is_text(text: str, expected: object) -> None:
    """Nothing becomes a number, a date or a boolean behind the author's back."""
    assert bare(load(text)) == expected


def test_positions() -> None:
    """Every value knows its place and that of its key, in lines of the file."""
    root = load("a: b\nlist:\n  - c\n", first_line=2)
    assert isinstance(root.value, dict)
    assert root.value["a"] == Node("b", 2, 4, (2, 1))
    items = root.value["list"].value
    assert items == [Node("c", 4, 5)]


@pytest.mark.parametrize("separator", ["\x85", "\u2028", "\u2029"])
def test_lines_are_those_of_an_editor(separator: str) -> None:
    """Only line feeds count as lines, whatever YAML 1.1 says."""
    root = load(f"a: x{separator}y\nb: c")
    assert isinstance(root.value, dict)
    assert root.value["b"].line == 2


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("a: b: c", 1, 5, "mapping values are not allowed in this context; expected quotes"),
        ('a: 1\nb: "open\nc: d', 2, 4, "unexpected end of stream"),
        ('a: "b" c" d', 1, 8, "did not find expected key; expected quotes"),
        ("a: 1\nloose\nb: 2", 2, 1, "could not find expected ':'"),
        ("a: @b", 1, 4, "cannot start any token; expected quotes"),
        ("a: 1\na: 2", 2, 1, '"a" again, first given in line 1'),
        ("a: {b: 1, b: 2}", 1, 11, '"b" again, first given in line 1'),
        ("a: &x 1\nb: *x", 2, 4, "an alias, expected the value itself"),
        ("? [a]\n: b", 1, 3, "a key that isn't text, expected a field's name"),
        ("a: 1\n--- \nb: 2", 2, 1, "a second YAML document starts here, expected one"),
        ("[" * (MAX_DEPTH + 1), 1, MAX_DEPTH + 1, "nested deeper than 64 levels"),
    ],
)
def test_what_is_refused(text: str, line: int, column: int, message: str) -> None:
    """What can't be read is told with its place, and what was expected."""
    with pytest.raises(ParseError) as caught:
        load(text)
    assert message in caught.value.message
    assert (caught.value.line, caught.value.column) == (line, column)


def test_what_is_much_too_deep_is_refused_likewise() -> None:
    """libyaml may be the first to say so."""
    with pytest.raises(ParseError, match="nested deeper than 64 levels"):
        load("[" * 30_000)


SECRETS = [
    "hush",
    "[hush, hush]",
    "{hush: hush, hush: hush}",
    "&hush [*hush]",
    "*hush",
    "!hush 'hush'",
    "'hush hush'",
    "|\n  hush\n  hush",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_what_is_not_to_be_read_is_not_in_the_tree(secret: str) -> None:
    """The value of a key that isn't to be read is passed over, whatever it is and wherever it stands."""
    root = load(f"secured: {secret}\na: [{{secured: hush, b: c}}]\n", unread=frozenset({"secured"}))
    assert bare(root) == {"secured": None, "a": [{"secured": None, "b": "c"}]}
    assert "hush" not in repr(root)


BROKEN = [
    "hush: hush: hush",
    "'hush",
    '"hush\\q"',
    "[hush",
    "{hush",
    "@hush",
    "%hush",
    "!a!hush x",
    "*hush hush",
    "hush\n loose hush\nb: 1\nhush",
    "[" * 70 + "hush",
    "\thush: hush",
]


@pytest.mark.parametrize("secret", BROKEN)
def test_no_message_tells_what_is_not_to_be_read(secret: str) -> None:
    """An error inside such a value doesn't quote it."""
    with pytest.raises(ParseError) as caught:
        load(f"a: 1\nsecured: {secret}\n", unread=frozenset({"secured"}))
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["[" * 30_000, "{a: " * 30_000, "- " * 30_000, "secured: " + "[" * 30_000, "? " * 30_000]
)
def test_depth_is_no_bomb(text: str) -> None:
    """Thirty thousand brackets are an error and not the end of the process."""
    started = process_time()
    with pytest.raises(ParseError):
        load(text, unread=frozenset({"secured"}))
    assert process_time() - started < 5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('a: "x \\ud83d\\udc26 y"', {"a": "x 🐦 y"}),
        ('a: "\\uD83D\\uDC26"\nb: "\\ud83D\\uDc26"', {"a": "🐦", "b": "🐦"}),
        ('{"\\ud83d\\udc26": "https:\\/\\/a.example\\/"}', {"🐦": "https://a.example/"}),
        ("a: \"\\ud83d\\udc26\"\nb: \\ud83d\nc: '\\uD83D'", {"a": "🐦", "b": "\\ud83d", "c": "\\uD83D"}),
        ('a: "\\ud83d\\udc26"\nb: |\n  \\udc26', {"a": "🐦", "b": "\\udc26"}),
        ('a: "\\ud83d\\udc26 \\\\ud83d"', {"a": "🐦 \\ud83d"}),
        ('a: "\\ud83d\\udc26 \ue001 \\ue03d \ue801"', {"a": "🐦 \ue001 \ue03d \ue801"}),
        ('a: "x \\ud83d y"', {"a": "x \ufffd y"}),
        ('a: "\\udc26\\ud83d"', {"a": "\ufffd\ufffd"}),
        ('secured: "\\ud83d"\na: 1', {"secured": None, "a": "1"}),
    ],
)  # fmt: skip
def test_two_escapes_make_one_character(text: str, expected: object) -> None:
    """What JSON needs two escapes for is one character, inside double quotes; half of one is U+FFFD, and told."""
    told: list[ParseError] = []
    found = bare(load(text, unread=frozenset({"secured"}), warn=told.append))
    assert found == expected
    assert bool(told) == ("\ufffd" in str(expected))


def test_two_escapes_move_nothing() -> None:
    """What stands behind them in the line has its own column, and so has what is wrong there."""
    root = load('{"a": "\\ud83d\\udc26", "b": 1}')
    assert isinstance(root.value, dict)
    assert root.value["b"] == Node("1", 1, 28, (1, 23))
    with pytest.raises(ParseError) as caught:
        load('a: "\\ud83d\\udc26" b')
    assert caught.value.column == 19


def test_billion_laughs() -> None:
    """Aliases are refused before they can multiply."""
    lines = ["a0: &a0 [lol, lol]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40))]
    with pytest.raises(ParseError, match="an alias"):
        load("\n".join(lines))


@given(st.text(st.characters()) | st.text("ab:-?[]{}#&*!|>'\"%@`, \n\t~\\"))
def test_any_text_is_a_tree_or_a_parse_error(text: str) -> None:
    """Nothing else comes of any text, and the place told is within it."""
    try:
        load(text)
    except ParseError as error:
        assert 1 <= error.line <= text.count("\n") + text.count("\r") + 2  # noqa: PT017
        assert error.column >= 1  # noqa: PT017
