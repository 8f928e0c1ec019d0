"""From the tree of a configuration file to the values of its keys, telling everything that is wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import FunctionType
from typing import Any, get_args, get_origin

import msgspec
from msgspec import UNSET, Struct
from msgspec.structs import FieldInfo, fields

from aggregator.config import words
from aggregator.config.kinds import Unshown
from aggregator.config.types import Lines, Named, Short, is_section, key_of, parts
from aggregator.model import Problem, Severity
from aggregator.text.tree import Node

_VARIABLE = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$\{")
# What neither XML nor a path may hold.
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


class Converter:
    """Gathers what is wrong with one file while it converts, in `problems`: an ordered set, shared with other files.

    What can't be read is UNSET where it is required, else its default: values count only when there is no
    problem in the end. `here` is the absolute folder that relative paths start from. An `environment` of None is
    that of another program's file: its `${` are text like any other, and keys that aren't known here are its own.
    """

    def __init__(self, file: Path, environment: Mapping[str, str] | None, problems: dict[Problem, None]) -> None:
        self.problems = problems
        self.here = file.absolute().parent
        self.path = str(file)
        self._environment = environment

    def tell(self, place: tuple[int, int], message: str) -> None:
        """Add a problem, once."""
        self.problems[Problem(self.path, *place, Severity.error, message)] = None

    def follow(self, place: tuple[int, int], message: str) -> None:
        """Add a problem, unless one is known at the same place: this one would only follow from it."""
        if all((self.path, *place) != (known.path, known.line, known.column) for known in self.problems):
            self.tell(place, message)

    def unfit(self, node: Node, name: str, expected: str) -> Any:
        """Add the problem that the value of `name` isn't what was expected; UNSET."""
        self.tell((node.line, node.column), words.unfit(node, name, expected))
        return UNSET

    def keys(self, kind: type[Struct], node: Node, name: str = "") -> dict[str, Any]:
        """The values of a section by attribute. `name` is the section's, with a dot behind."""
        known = {key_of(field): field for field in fields(kind)}
        found = {} if node.value is None else node.value
        if not isinstance(found, dict):
            self.unfit(node, name.rstrip("."), f"a mapping of {words.series(known)}")
            return {field.name: UNSET if field.required else field.default for field in fields(kind)}
        if self._environment is not None:
            for key in found.keys() - known.keys():
                self.tell(found[key].key, words.unknown(name, key, known))
        absent = Node(None, *_named(node), _named(node))
        return {field.name: self._key(field, found.get(key_of(field), absent), name) for field in fields(kind)}

    def _key(self, field: FieldInfo, node: Node, name: str) -> Any:
        if field.required and not node.value:
            self.tell(_named(node), words.missing(name, field))
            return UNSET
        value = UNSET
        if node.value is not None or is_section(field.type):
            value = self._value(field.type, node, name + key_of(field))
        if value is UNSET and not field.required:
            value = field.default
        return self.here / value if isinstance(value, Path) else value

    def _value(self, kind: Any, node: Node, name: str) -> Any:
        """What a node says, as the kind it should be; else UNSET, and a problem."""
        core, *notes = parts(kind)
        short = next((note for note in notes if isinstance(note, Short)), None)
        if is_section(core):
            if short and not isinstance(node.value, dict):
                node = Node({short.key: node}, node.line, node.column, node.key)
            values = self.keys(core, node, f"{name}.")
            return UNSET if UNSET in values.values() else core(**values)
        try:
            if any(isinstance(note, Named) for note in notes):
                return self._pairs(node, name)
            is_list = get_origin(core) is tuple
            value = self._list(get_args(core)[0], node, name, short, notes) if is_list else self._text(node)
            for read in (note for note in notes if isinstance(note, FunctionType)):
                value = read(value)
            return value if is_list and UNSET in value else msgspec.convert(value, kind)
        except ValueError as error:
            if isinstance(error, Unshown):
                node = Node("(not shown)", node.line, node.column, node.key)
            return self.unfit(node, name, str(error))

    def _list(self, kind: Any, node: Node, name: str, short: Short | None, notes: list[Any]) -> tuple[Any, ...]:
        items = [node] if short and not isinstance(node.value, list) else node.value
        if not isinstance(items, list):
            raise ValueError(words.a_list(notes))  # noqa: TRY004  # as kinds do, for the one message
        return tuple(self._value(kind, item, name) for item in items)

    def _pairs(self, node: Node, name: str) -> Any:
        """The lists of texts that a mapping holds, with their keys."""
        if not isinstance(node.value, dict):
            raise ValueError("a mapping of names to lists")  # noqa: TRY004
        pairs = tuple((key, self._value(Lines, item, f"{name}.{key}")) for key, item in node.value.items())
        return UNSET if any(texts is UNSET or UNSET in texts for _, texts in pairs) else pairs

    def _text(self, node: Node) -> str:
        """The text with `${NAME}` taken from the environment and `$${` as `${`."""
        if not isinstance(node.value, str):
            raise ValueError("a text")  # noqa: TRY004
        text = node.value if self._environment is None else _VARIABLE.sub(self._variable, node.value)
        if unfit := _UNFIT.search(text):
            raise ValueError(f"a text without control characters; it holds U+{ord(unfit[0]):04X}")
        return text

    def _variable(self, match: re.Match[str]) -> str:
        if match[0] == "$${":
            return "${"
        if not match[1]:
            raise ValueError("a name and `}` behind `${`; a `${` that is meant as such is written `$${`")
        if match[1] not in (known := self._environment or {}):
            raise ValueError(f"the environment variable {match[1]} to be set")
        return known[match[1]]


def _named(node: Node) -> tuple[int, int]:
    """Where a node's key stands, or the node itself where it has none."""
    return node.key if node.key != (0, 0) else (node.line, node.column)
