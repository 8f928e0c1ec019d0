"""JSON as a tree of text with positions (RFC 8259)."""

from __future__ import annotations

import re
from json import JSONDecodeError, JSONDecoder

from aggregator.errors import ParseError
from aggregator.text import surrogates
from aggregator.text.places import Places
from aggregator.text.tree import MAX_DEPTH, TOO_DEEP, Node, Value, Warn, again, readable

_SPACE = re.compile(r"[ \t\n]*")
_TEXT = re.compile(r'"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"')
_BARE = re.compile(r"(?:-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null)(?![\w.+-])")
_decode = JSONDecoder(strict=False).decode  # tabs are let through
_ANY = re.compile(r'"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"|[{}\[\]]')


def load(text: str, first_line: int = 1, unread: frozenset[str] = frozenset(), warn: Warn = lambda _: None) -> Node:
    """The tree of a JSON text; arguments, what comes of `unread` keys and what is raised are as for YAML.

    Numbers are as written. A text ends in the line in which it begins.
    """
    text = readable(text)
    scanner = _Scanner(text, Places(text, first_line), unread, warn)
    root = scanner.value(0, (0, 0), hidden=False)
    if scanner.after():
        raise scanner.error("more behind the value, expected the end")
    return root


def end_of(text: str) -> int:
    """The offset behind the object or list that the text begins with; 0: it doesn't end."""
    depth = 0
    for token in _ANY.finditer(text):
        if token[0] in ("{", "["):
            depth += 1
        elif token[0] in ("}", "]"):
            depth -= 1
            if not depth:
                return token.end()
    return 0


class _Scanner:
    """Goes through a text once. `hidden`: what is read is below an `unread` key, and no message may quote it."""

    def __init__(self, text: str, places: Places, unread: frozenset[str], warn: Warn) -> None:
        self.text = text
        self.places = places
        self.unread = unread
        self.warn = warn
        self.at = 0

    def value(self, level: int, key: tuple[int, int], *, hidden: bool) -> Node:
        """The value that comes next; `key`: the place of the key that names it."""
        opening = self.after()
        place = self.places.at(self.at)
        if opening in ("{", "[") and level == MAX_DEPTH:
            raise ParseError(TOO_DEEP, *place)
        value: Value
        if opening == "{":
            value = self.fields(level + 1, hidden=hidden)
        elif opening == "[":
            value = self.items(level + 1, hidden=hidden)
        elif opening == '"':
            value = self.quoted(hidden=hidden)
        else:
            value = self.bare()
        return Node(value, *place, key)

    def fields(self, level: int, *, hidden: bool) -> dict[str, Node]:
        found: dict[str, Node] = {}
        self.at += 1
        if self.after() == "}":
            self.at += 1
            return found
        while True:
            if self.after() != '"':
                raise self.error('expected a key in quotes such as "title"')
            key = self.places.at(self.at)
            name = self.quoted(hidden=hidden)
            if name in found and not hidden:
                raise again(name, found[name], *key)
            self.expect(":")
            secret = name in self.unread
            node = self.value(level, key, hidden=hidden or secret)
            found[name] = Node(None, node.line, node.column, key) if secret else node
            if not self.another("}"):
                return found

    def items(self, level: int, *, hidden: bool) -> list[Node]:
        found: list[Node] = []
        self.at += 1
        if self.after() == "]":
            self.at += 1
            return found
        while True:
            found.append(self.value(level, (0, 0), hidden=hidden))
            if not self.another("]"):
                return found

    def quoted(self, *, hidden: bool) -> str:
        written = _TEXT.match(self.text, self.at)
        if not written:
            raise self.error("a text that isn't closed in its line, expected a quote at its end")
        place = self.places.at(self.at)
        try:
            whole = surrogates.joined(_decode(written[0]))
        except JSONDecodeError as error:
            self.at += error.pos
            raise self.error("an escape that JSON doesn't have, expected `\\\\` for a backslash") from None
        self.at = written.end()
        if whole.halves and not hidden:
            self.warn(ParseError(surrogates.HALF, *place))
        return whole.text

    def bare(self) -> str | None:
        written = _BARE.match(self.text, self.at)
        if not written:
            raise self.error("expected a text in quotes, a number, true, false or null")
        self.at = written.end()
        return None if written[0] == "null" else written[0]

    def another(self, closing: str) -> bool:
        """Whether a comma announces something more, and not the closing bracket the end."""
        mark = self.after()
        if mark not in (",", closing):
            raise self.error(f"expected `,` or `{closing}`")
        self.at += 1
        return mark == ","

    def expect(self, mark: str) -> None:
        if self.after() != mark:
            raise self.error(f"expected `{mark}`")
        self.at += 1

    def after(self) -> str:
        """Passes over blanks; the character that follows, "" at the end."""
        passed = _SPACE.match(self.text, self.at)
        self.at = passed.end() if passed else self.at
        return self.text[self.at : self.at + 1]

    def error(self, message: str) -> ParseError:
        return ParseError(message, *self.places.at(self.at))
