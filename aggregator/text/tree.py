"""YAML as a tree of text with positions, straight from the events of libyaml's parser.

Composing is left out on purpose: it crashes the process on deep nesting, and YAML 1.1 would turn `NO` into a
boolean and `12:30:45` into 45045. Every scalar stays text; whoever knows the field gives it its type.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import msgspec
import yaml
from msgspec.structs import replace
from yaml import (
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from aggregator.errors import ParseError
from aggregator.text import surrogates
from aggregator.text.plain import quoted

MAX_DEPTH = 64
TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"
SWALLOWED = "a key that must not be read is inside a text, expected that text to end before it"

# What libyaml refuses to read at all, although documents in the wild hold it, and what it takes for the end
# of a line, although no editor does.
_UNREADABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BAD_ESCAPE = "invalid Unicode character escape code"
_USUAL_CAUSE = re.compile("mapping values are not|did not find expected|cannot start any token")

# PyYAML's own types call most of what an event has optional.
_Event: TypeAlias = Any
_Position: TypeAlias = tuple[int, int]


class Node(msgspec.Struct, frozen=True, gc=False):
    """A value and where it stands; line and column count from 1.

    `value` is text, None (an empty or null scalar), a list of nodes, or a dict from key to node. `key` is the
    position of the key that names this node; (0, 0) for an item of a list and for the root.
    """

    value: Value
    line: int
    column: int
    key: tuple[int, int] = (0, 0)


Value: TypeAlias = "str | list[Node] | dict[str, Node] | None"

Warn: TypeAlias = Callable[[ParseError], None]
"""What is called with each thing that was mended."""


def load(text: str, first_line: int = 1, unread: frozenset[str] = frozenset(), warn: Warn = lambda _: None) -> Node:
    """The tree of one YAML document; `first_line` is the number of the text's first line in its file.

    An empty document is a node whose value is None, and so is the value of each key in `unread`, at any
    depth: it is passed over, and no message quotes it. Two escapes that make one character, as JSON writes it
    (`\\ud83c\\udf89`), are that character; half of one is U+FFFD, and `warn` is told. Raises ParseError for anything
    that isn't one document of plain scalars, lists and mappings with unique text keys, at most 64 deep, without
    aliases; and where a line that begins with an `unread` key is part of a text, as after a quote that is closed too
    late.
    """
    text = readable(text)
    try:
        return _loaded(text, first_line, unread)
    except ParseError as error:
        disguise = surrogates.disguise(text) if _BAD_ESCAPE in error.message else None
        if not disguise:
            raise
    return _undisguised(_loaded(disguise.text, first_line, unread), disguise, warn)


def readable(text: str) -> str:
    """The text with a space for each character that no parser takes, although documents in the wild hold it."""
    return text if text.replace("\n", " ").isprintable() else _UNREADABLE.sub(" ", text)


def again(name: str, first: Node, line: int, column: int) -> ParseError:
    """What to raise for a key that is given twice."""
    return ParseError(f"{quoted(name)} again, first given in line {first.key[0]}", line, column)


def _undisguised(node: Node, disguise: surrogates.Disguise, warn: Warn) -> Node:
    """The tree with the characters that the disguised escapes make."""

    def text(value: str, line: int, column: int) -> str:
        whole = surrogates.joined(disguise.off(value))
        if whole.halves:
            warn(ParseError(surrogates.HALF, line, column))
        return whole.text

    match node.value:
        case str() as value:
            return replace(node, value=text(value, node.line, node.column))
        case list() as items:
            return replace(node, value=[_undisguised(item, disguise, warn) for item in items])
        case dict() as fields:
            named = {text(name, *item.key): _undisguised(item, disguise, warn) for name, item in fields.items()}
            return replace(node, value=named)
        case _:
            return node


def _loaded(text: str, first_line: int, unread: frozenset[str]) -> Node:
    parser = yaml.CSafeLoader(text)
    builder = _Builder(parser, first_line, unread)
    try:
        root = builder.document()
    except yaml.MarkedYAMLError as error:
        mark = _mark(error)
        line, column = (mark.line, mark.column) if mark else (0, 0)
        raise ParseError(_sentence(error), line + first_line, column + 1) from error
    except yaml.YAMLError as error:
        raise ParseError("not YAML", first_line) from error
    finally:
        parser.dispose()
    for line, column in _beginning(text, unread):
        if line + first_line not in builder.passed_over:
            raise ParseError(SWALLOWED, line + first_line, column)
    return root


def _beginning(text: str, names: frozenset[str]) -> Iterator[tuple[int, int]]:
    """Where a line begins with one of these keys, as lines from 0 and columns from 1."""
    if any(name in text for name in names):
        for found in re.finditer(rf"^[ \t-]*([\"']?)(?:{'|'.join(names)})\1[ \t]*:", text, re.MULTILINE):
            yield text.count("\n", 0, found.start()), len(found[0])


class _Builder:
    def __init__(self, parser: yaml.CSafeLoader, first_line: int, unread: frozenset[str]) -> None:
        self.next: Callable[[], _Event] = parser.get_event
        self.first = first_line
        self.unread = unread
        self.passed_over: set[int] = set()

    def document(self) -> Node:
        self.next()
        event = self.next()
        if type(event) is StreamEndEvent:
            return Node(None, self.first, 1)
        root = self.node(self.next(), MAX_DEPTH, (0, 0))
        self.next()
        event = self.next()
        if type(event) is not StreamEndEvent:
            raise self.error("a second YAML document starts here, expected one", event)
        return root

    def node(self, event: _Event, depth: int, key: _Position) -> Node:
        kind = type(event)
        mark = event.start_mark
        line, column = mark.line + self.first, mark.column + 1
        if kind is ScalarEvent:
            value = event.value
            if value in _NULLS and not event.style:
                value = None
            return Node(value, line, column, key)
        if not depth:
            raise self.error(TOO_DEEP, event)
        if kind is MappingStartEvent:
            return Node(self.mapping(depth - 1), line, column, key)
        if kind is SequenceStartEvent:
            return Node(self.sequence(depth - 1), line, column, key)
        raise self.error("an alias, expected the value itself", event)

    def mapping(self, depth: int) -> dict[str, Node]:
        found: dict[str, Node] = {}
        following, first, unread = self.next, self.first, self.unread
        while type(event := following()) is not MappingEndEvent:
            mark = event.start_mark
            if type(event) is not ScalarEvent:
                raise self.error("a key that isn't text, expected a field's name", event)
            name = event.value
            key = (mark.line + first, mark.column + 1)
            if name in found:
                raise again(name, found[name], *key)
            event = following()
            kind = type(event)
            if name in unread:
                self.passed_over.add(key[0])
                found[name] = self.passed(event, depth, key)
            elif kind is ScalarEvent:  # most are: spared a call
                mark, value = event.start_mark, event.value
                if value in _NULLS and not event.style:
                    value = None
                found[name] = Node(value, mark.line + first, mark.column + 1, key)
            else:
                found[name] = self.node(event, depth, key)
        return found

    def sequence(self, depth: int) -> list[Node]:
        found: list[Node] = []
        while type(event := self.next()) is not SequenceEndEvent:
            found.append(self.node(event, depth, (0, 0)))
        return found

    def passed(self, event: _Event, depth: int, key: _Position) -> Node:
        """Read over a value, whatever it holds."""
        mark = event.start_mark
        level = 0
        while True:
            kind = type(event)
            if kind is MappingStartEvent or kind is SequenceStartEvent:
                level += 1
                if level > depth:
                    raise self.error(TOO_DEEP, event)
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                level -= 1
            if not level:
                return Node(None, mark.line + self.first, mark.column + 1, key)
            event = self.next()

    def error(self, message: str, event: _Event) -> ParseError:
        mark = event.start_mark
        return ParseError(message, mark.line + self.first, mark.column + 1)


def _mark(error: yaml.MarkedYAMLError) -> Any:
    """Where to look: what was never closed is best seen where it opens."""
    problem = error.problem or ""
    if "end of stream" in problem or "expected ':'" in problem:
        return error.context_mark or error.problem_mark
    return error.problem_mark or error.context_mark


def _sentence(error: yaml.MarkedYAMLError) -> str:
    """libyaml's complaint with what it was about, and the usual cause where there is one."""
    problem = error.problem or "not YAML"
    if "nesting depth" in problem:  # libyaml's own limit, which is far above ours but met before we see the 65th level
        return TOO_DEEP
    message = f"{error.context}, {problem}" if error.context else problem
    if _USUAL_CAUSE.search(message):
        message += "; expected quotes around a text that holds `: `, quotes or a leading symbol"
    return message
