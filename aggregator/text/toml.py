"""TOML as a tree of text with positions (TOML 1.0).

Python's own parser says whether a text is TOML, but not where its values stand: a scanner finds keys and values, takes
what it finds as text, and has the parser judge all of it. Whatever costs that parser time or depth is refused before.
"""

from __future__ import annotations

import re

from aggregator.errors import ParseError
from aggregator.text.places import Places
from aggregator.text.tree import MAX_DEPTH, SWALLOWED, TOO_DEEP, Node, Value, Warn, again, readable

_TRIPLE = ('"""', "'''")
_LONGEST = 1000  # characters of a number; the parser takes longer ones for an attack too

_BLANK = re.compile(r"[ \t]*")
_SPACE = re.compile(r"(?:[ \t\n]+|#[^\n]*)*+")
_LINE_END = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|\Z)")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*'""")
_TEXT = re.compile(
    r'"""(?:[^"\\]|\\.|"{1,2}(?!"))*+"{3,5}'
    r"|'''(?:[^']|'{1,2}(?!'))*+'{3,5}"
    r"""|"(?!"")(?:[^"\\\n]|\\.)*+"|'(?!'')[^'\n]*\'""",
    re.DOTALL,
)
# A number, a date, true or false: there may be a blank between a day and its time.
_BARE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9:.Zz+-]+|[^\s,\[\]{}#=\"']+")
_DATE = re.compile(r"[0-9]{4}-|[0-9]{2}:")

# What the parser says of a key that is given twice: it names it, and it may be one that must not be named.
_TWICE = re.compile("Cannot |Duplicate ")
_COMPLAINT = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)


def load(text: str, first_line: int = 1, unread: frozenset[str] = frozenset(), warn: Warn = lambda _: None) -> Node:
    """The tree of a TOML document; arguments, what comes of `unread` keys and what is raised are as for YAML.

    Numbers are as written but for `_`, and so are dates, with `T` and `Z` in capitals. The position of a table is that
    of the key that names it first.
    """
    del warn  # TOML has no half characters
    text = readable(text)
    scanner = _Scanner(text, Places(text, first_line), unread)
    try:
        fields = scanner.document()
    except _Lost as lost:
        end = text.find("\n", scanner.at) + 1
        _judge(text[:end] if end else text, first_line, lost)
        raise ParseError('not TOML, expected a line such as `title = "..."`', *lost.place) from lost
    _judge(text, first_line, _Lost((first_line, 1)))
    return Node(fields, first_line, 1)


def _judge(text: str, first_line: int, lost: _Lost) -> None:
    """Raises ParseError where the text isn't TOML; where the parser misses something at the end, as `lost` says."""
    import tomllib  # few documents need it

    try:
        tomllib.loads(text, parse_float=str)
    except tomllib.TOMLDecodeError as error:
        message, line, column = _parts(str(error))
        last = text.rstrip("\n").count("\n") + 1
        if not 0 < line <= last or message.startswith("Unterminated"):
            raise ParseError(lost.message or _sentence(message), *lost.place) from None
        # The parser's own words may quote a key that must not be named.
        raise ParseError(_sentence(message), line + first_line - 1, column) from None
    except (ValueError, RecursionError):
        raise ParseError("not TOML", *lost.place) from None


def _parts(complaint: str) -> tuple[str, int, int]:
    """The message, line and column of a complaint; line 0: the end."""
    told = _COMPLAINT.fullmatch(complaint)
    return (told[1], int(told[2] or 0), int(told[3] or 0)) if told else (complaint, 0, 0)


def _sentence(complaint: str) -> str:
    """The parser's complaint in a form that quotes no keys."""
    if _TWICE.match(complaint):
        return "a key or table again, expected each once"
    return f"not TOML: {complaint[:1].lower()}{complaint[1:]}"


class _Lost(Exception):
    """The scanner meets what isn't TOML, at `place`. `message`: what is never closed there; "": that isn't known."""

    def __init__(self, place: tuple[int, int], message: str = "") -> None:
        self.place = place
        self.message = message


class _Scanner:
    """Goes through a text once. `hidden`: what is read now is below an `unread` key, and no message may quote it."""

    def __init__(self, text: str, places: Places, unread: frozenset[str]) -> None:
        self.text = text
        self.places = places
        self.unread = unread
        self.at = 0
        self.hidden = False
        names = "|".join(map(re.escape, unread))
        self.swallowed = re.compile(rf"""\n[ \t\[]*["']?(?:{names})["']?[ \t]*[=.\]]""") if names else None

    def document(self) -> dict[str, Node]:
        root: dict[str, Node] = {}
        table, level = root, 0
        while self.after(_SPACE):
            if self.text[self.at] == "[":
                table, level = self.header(root)
            else:
                hidden = self.hidden
                self.pair(table, level)
                self.hidden = hidden
            if not _LINE_END.match(self.text, self.at):
                raise self.lost()
        return root

    def header(self, root: dict[str, Node]) -> tuple[dict[str, Node], int]:
        """The table that `[a.b]` or `[[a.b]]` opens, and its depth."""
        brackets = 2 if self.text.startswith("[[", self.at) else 1
        self.at += brackets
        self.hidden = False
        *way, (name, place) = self.names()
        self.expect("]" * brackets)
        table, level = self.reach(root, 0, way)
        if brackets == 1:
            return self.reach(table, level, [(name, place)])
        if name in self.unread:
            self.hidden = True
            table[name] = Node(None, *place, place)
            return {}, level
        node = table.setdefault(name, Node([], *place, place))
        if type(node.value) is not list:
            raise _Lost(place)
        fields: dict[str, Node] = {}
        node.value.append(Node(fields, *place))
        return fields, self.deeper(level, 2, place)

    def pair(self, table: dict[str, Node], level: int) -> None:
        """Reads `a.b = value` into a table."""
        *way, (name, place) = self.names()
        self.expect("=")
        self.after(_BLANK)
        table, level = self.reach(table, level, way)
        if name in table and not self.hidden:
            raise again(name, table[name], *place)
        hidden = name in self.unread
        self.hidden = self.hidden or hidden
        node = self.value(level, place)
        table[name] = Node(None, node.line, node.column, place) if hidden else node

    def names(self) -> list[tuple[str, tuple[int, int]]]:
        """The parts of a dotted key, each with its place."""
        names: list[tuple[str, tuple[int, int]]] = []
        while True:
            self.after(_BLANK)
            place = self.places.at(self.at)
            self.deeper(len(names), 1, place)
            name = self.token(_KEY)
            names.append((_decoded(name) if name[0] in "\"'" else name, place))
            self.after(_BLANK)
            if not self.text.startswith(".", self.at):
                return names
            self.at += 1

    def reach(
        self, table: dict[str, Node], level: int, names: list[tuple[str, tuple[int, int]]]
    ) -> tuple[dict[str, Node], int]:
        """The table that keys lead to from another one, made where there is none yet, and its depth."""
        for name, place in names:
            if name in self.unread:
                self.hidden = True
                table[name] = Node(None, *place, place)
                return {}, level
            value = table.setdefault(name, Node({}, *place, place)).value
            level = self.deeper(level, 1, place)
            if type(value) is list and value:  # an array of tables: the last one is meant
                value = value[-1].value
                level = self.deeper(level, 1, place)
            if type(value) is not dict:
                raise _Lost(place)
            table = value
        return table, level

    def value(self, level: int, key: tuple[int, int]) -> Node:
        """The value that begins here; `key`: the place of the key that names it."""
        start, place = self.at, self.places.at(self.at)
        opening = self.text[start : start + 1]
        value: Value
        if opening == "[":
            value = self.array(self.deeper(level, 1, place))
        elif opening == "{":
            value = self.inline(self.deeper(level, 1, place))
        elif opening in ('"', "'"):
            value = self.quoted()
        else:
            value = _plain(self.token(_BARE))
            if len(value) > _LONGEST:
                raise ParseError(f"{len(value)} characters, expected a number, a date, true or false", *place)
        return Node(value, *place, key)

    def quoted(self) -> str:
        start = self.at
        written = self.token(_TEXT)
        if self.swallowed and (key := self.swallowed.search(written)):
            raise ParseError(SWALLOWED, *self.places.at(start + key.end() - 1))
        return "" if self.hidden else _decoded(written)

    def array(self, level: int) -> list[Node]:
        items: list[Node] = []
        opening = self.lost("an array that is never closed, expected `]`")
        self.at += 1
        while self.after(_SPACE) not in ("]", ""):
            items.append(self.value(level, (0, 0)))
            if self.after(_SPACE) != ",":
                break
            self.at += 1
        if self.after(_SPACE) != "]":
            raise opening
        self.at += 1
        return items

    def inline(self, level: int) -> dict[str, Node]:
        fields: dict[str, Node] = {}
        opening = self.lost("an inline table that is never closed, expected `}`")
        self.at += 1
        while self.after(_SPACE) not in ("}", ""):
            hidden = self.hidden
            self.pair(fields, level)
            self.hidden = hidden
            if self.after(_SPACE) != ",":
                break
            self.at += 1
        if self.after(_SPACE) != "}":
            raise opening
        self.at += 1
        return fields

    def deeper(self, level: int, by: int, place: tuple[int, int]) -> int:
        if level + by > MAX_DEPTH:
            raise ParseError(TOO_DEEP, *place)
        return level + by

    def after(self, blanks: re.Pattern[str]) -> str:
        """Passes over blanks; the character that follows, "" at the end."""
        passed = blanks.match(self.text, self.at)
        self.at = passed.end() if passed else self.at
        return self.text[self.at : self.at + 1]

    def token(self, pattern: re.Pattern[str]) -> str:
        token = pattern.match(self.text, self.at)
        if not token:
            raise self.lost()
        self.at = token.end()
        return token[0]

    def expect(self, mark: str) -> None:
        if not self.text.startswith(mark, self.at):
            raise self.lost()
        self.at += len(mark)

    def lost(self, message: str = "") -> _Lost:
        return _Lost(self.places.at(self.at), message)


def _plain(written: str) -> str:
    if _DATE.match(written):
        return written.upper()
    return written.replace("_", "") if written[0] in "+-0123456789" else written


def _decoded(written: str) -> str:
    """The text that a quoted one stands for; of one that isn't TOML, anything."""
    edge = 3 if len(written) >= 6 and written[:3] in _TRIPLE else 1
    inside = written[edge:-edge]
    if edge == 3:
        inside = inside.removeprefix("\n")
    if written[0] == "'" or "\\" not in inside:
        return inside
    import tomllib

    try:
        text: str = tomllib.loads(f"text = {written}")["text"]
    except ValueError:
        return ""  # the parser tells what is wrong with it
    return text
