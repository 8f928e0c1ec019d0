"""TOML as a tree of text."""

from __future__ import annotations

import tomllib
from datetime import date, datetime, time
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.errors import ParseError
from aggregator.text.toml import load
from aggregator.text.tree import MAX_DEPTH, Node
from tests.test_text_tree import bare

UNREAD = frozenset({"secured"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = true\nb = false", {"a": "true", "b": "false"}),
        ("a = 3.10\nb = -1e3\nc = 0xFF\nd = +5", {"a": "3.10", "b": "-1e3", "c": "0xFF", "d": "+5"}),
        ("a = 1_000", {"a": "1000"}),
        ("a = 1979-05-27T07:32:00Z", {"a": "1979-05-27T07:32:00Z"}),
        ("a = 1979-05-27t00:32:00.999999-07:00", {"a": "1979-05-27T00:32:00.999999-07:00"}),
        ("a = 1979-05-27 07:32:00 # local", {"a": "1979-05-27 07:32:00"}),
        ("a = 1979-05-27 # a day", {"a": "1979-05-27"}),
        ("a = 07:32:00", {"a": "07:32:00"}),
        ("a = [1, [2, 'x'], # c\n {b = 2},\n]", {"a": ["1", ["2", "x"], {"b": "2"}]}),
        ("a = [\n# nothing\n]", {"a": []}),
        ("a.b.c = 1\na.'d e' = 2", {"a": {"b": {"c": "1"}, "d e": "2"}}),
        ("[a]\nb = 1\n[a.c] # c\nd = 2", {"a": {"b": "1", "c": {"d": "2"}}}),
        ("[a.b]\nc = 1\n[a]\nd = 2", {"a": {"b": {"c": "1"}, "d": "2"}}),
        ("[[a]]\nb = 1\n[[a]]\n[a.c]\nd = 2", {"a": [{"b": "1"}, {"c": {"d": "2"}}]}),
        ("[[a]]\n[[a.b]]\nc = 1\n[[a.b]]\nc = 2", {"a": [{"b": [{"c": "1"}, {"c": "2"}]}]}),
        ("a = {b.c = 1, b.d = {}}", {"a": {"b": {"c": "1", "d": {}}}}),
        ('a = "x\\ty \\u00fc \\U0001F426 \\"q\\""', {"a": 'x\ty ü 🐦 "q"'}),
        ("a = 'C:\\n'\nb = ''\nc = \"\"", {"a": "C:\\n", "b": "", "c": ""}),
        ('a = """\nx\n  y \\\n   z"""', {"a": "x\n  y z"}),
        ('a = """"quoted""""', {"a": '"quoted"'}),
        ("a = '''\nx\\y'''\nb = ''''x''''", {"a": "x\\y", "b": "'x'"}),
        ('a = "# no comment" # one', {"a": "# no comment"}),
        ('"a.b" = 1\n"\\u0063" = 2\n1234 = 3', {"a.b": "1", "c": "2", "1234": "3"}),
        ("", {}),
        ("# only a comment", {}),
        ("a = 'x\0y'", {"a": "x y"}),
    ],
)  # fmt: skip
def test_every_value_is_text(text: str, expected: object) -> None:
    """Numbers and dates of all four kinds are as they are written; a local one stays without a zone."""
    assert bare(load(text)) == expected


def test_positions() -> None:
    """Every value knows its place and that of its key, in lines of the file."""
    root = load("a = 'b'\nlist = [\n  1,\n]\n[x]\n  y.z = 2\n", first_line=2)
    assert isinstance(root.value, dict)
    assert root.value["a"] == Node("b", 2, 5, (2, 1))
    assert root.value["list"] == Node([Node("1", 4, 3)], 3, 8, (3, 1))
    table = root.value["x"]
    assert table.key == (6, 2)
    assert isinstance(table.value, dict)
    assert table.value["y"] == Node({"z": Node("2", 7, 9, (7, 5))}, 7, 3, (7, 3))


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("a: b", 1, 2, "not TOML: expected '=' after a key in a key/value pair"),
        ("a = b", 1, 5, "not TOML: invalid value"),
        ("a = 1\na = 2", 2, 1, '"a" again, first given in line 1'),
        ("a = {b = 1, b = 2}", 1, 13, '"b" again, first given in line 1'),
        ("[a]\n[a]", 2, 3, "a key or table again, expected each once"),
        ("a = 1\n[a.b]", 2, 5, "a key or table again, expected each once"),
        ("a = 'x\nb = 1", 1, 5, 'not TOML: expected "\'"'),
        ('a = 1\nb = """open\nc = 2', 2, 5, "not TOML: unterminated string"),
        ("a = 1\nb = [1,\n2", 2, 5, "an array that is never closed, expected `]`"),
        ("a = 1\nb = {c = [1,\n", 2, 10, "an array that is never closed, expected `]`"),
        ("a = {b = 1", 1, 5, "an inline table that is never closed, expected `}`"),
        ("a = 1 b = 2", 1, 7, "not TOML: expected newline or end of document"),
        ("a = 2024-13-45", 1, 9, "not TOML: expected newline or end of document"),
        ('a = "\\q"', 1, 8, "not TOML: unescaped '\\' in a string"),
        ('a = "\\ud83c"', 1, 12, "not TOML: escaped character is not a Unicode scalar value"),
        ("a = " + "1" * 5000, 1, 5, "5000 characters, expected a number"),
        ("a = " + "[" * (MAX_DEPTH + 1), 1, MAX_DEPTH + 5, "nested deeper than 64 levels"),
        ("x." * MAX_DEPTH + "x = 1", 1, 2 * MAX_DEPTH + 1, "nested deeper than 64 levels"),
    ],
)
def test_what_is_refused(text: str, line: int, column: int, message: str) -> None:
    """What isn't TOML is told with its place; what is never closed, where it opens."""
    with pytest.raises(ParseError) as caught:
        load(text)
    assert message in caught.value.message
    assert (caught.value.line, caught.value.column) == (line, column)


@pytest.mark.parametrize(
    "text",
    [
        "secured = 'hush'\nx = 1",
        "'secured' = 'hush'\nx = 1",
        '"\\u0073ecured" = "hush"\nx = 1',
        "secured = ['hush', {hush = 'hush'}]\nx = 1",
        "secured.hush = 'hush'\nsecured.hush2 = 1\nx = 1",
        'secured = """hush\nhush"""\nx = 1',
        "x = 1\n[secured]\nhush = 1\n[secured.hush2]\nhush = 2",
        "x = 1\n[[secured]]\nhush = 1\n[[secured]]\nhush = 2",
    ],
)
def test_what_is_not_to_be_read_is_not_in_the_tree(text: str) -> None:
    """The value of a key that isn't to be read is passed over, however it is written."""
    root = load(text, unread=UNREAD)
    assert bare(root) == {"secured": None, "x": "1"}
    assert "hush" not in repr(root)


@pytest.mark.parametrize("text", ["a.secured.hush = 1", "[a.secured.hush]\nx = 1", "a = {secured = {hush = 1}}"])
def test_what_is_not_to_be_read_is_nowhere_below(text: str) -> None:
    """Nor is it in a table."""
    assert bare(load(text, unread=UNREAD)) == {"a": {"secured": None}}


@pytest.mark.parametrize(
    "text",
    [
        "secured = 'hush",
        'secured = "hush\\q"',
        "secured = hush",
        "secured = {hush = 1, hush = 2}",
        "[secured]\nhush = 1\nhush = 2",
        "[secured.hush]\n[secured.hush]",
        "secured.hush = 1\nsecured.hush.b = 2",
        "secured = ['hush'",
        "secured = 1\nsecured = 'hush'",
        'a = """x\nsecured = "hush"\n"""',
        "a = '''x\n[secured]\nhush = 1\n'''",
        "secured = " + "[" * 70 + "'hush'",
    ],
)
def test_no_message_tells_what_is_not_to_be_read(text: str) -> None:
    """An error in or around such a value doesn't quote it, and a text that swallows one is an error."""
    with pytest.raises(ParseError) as caught:
        load(text, unread=UNREAD)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 500_000,
        "a = " + "{a = " * 200_000,
        "a." * 500_000 + "a = 1",
        "= 1\n" + "a." * 500_000 + "a = 1",
        "a = [1\n" + "a." * 500_000 + "a = 1",
        "[" + "a." * 500_000 + "a]",
        "a = " + "1" * 1_000_000,
        'a = """' + '"" ' * 300_000,
        '"' * 1_000_000,
    ],
)
def test_it_is_no_bomb(text: str) -> None:
    """A megabyte of brackets, dots, digits or quotes is an error, and soon."""
    started = process_time()
    with pytest.raises(ParseError):
        load(text, unread=UNREAD)
    assert process_time() - started < 5


def as_text(value: Any) -> Any:
    """What Python's parser makes of TOML, with texts for what isn't a list or a table."""
    match value:
        case dict():
            return {name: as_text(item) for name, item in value.items()}
        case list():
            return [as_text(item) for item in value]
        case bool():
            return str(value).lower()
        case datetime() | date() | time():
            return value.isoformat()
        case _:
            return str(value)


PIECES = st.sampled_from(
    (
        *(
            "a",
            "b",
            "c",
            ".",
            " = ",
            "=",
            "1",
            "'x'",
            '"y"',
            '"""',
            "'''",
            "[",
            "]",
            "[[",
            "]]",
            "{",
            "}",
            ",",
            "\n",
            " ",
        ),
        *("true", "2024-05-01", "# x", "\\", "[a]\n", "[[b]]\n", "a = 1\n", "b.c = [1, 'x']\n", "d = {e = 1}\n"),
    )
)


@given(st.lists(PIECES, max_size=25).map("".join) | st.text())
def test_it_is_what_python_reads(text: str) -> None:
    """Whatever the text, it is TOML for this reader exactly where it is for Python's, and means the same."""
    try:
        found = bare(load(text))
    except ParseError as error:
        assert error.line >= 1  # noqa: PT017
        assert error.column >= 1  # noqa: PT017
        with pytest.raises(tomllib.TOMLDecodeError):
            tomllib.loads(text)
    else:
        readable = "".join(character if character.isprintable() or character in "\n\t" else " " for character in text)
        assert found == as_text(tomllib.loads(readable, parse_float=str))
