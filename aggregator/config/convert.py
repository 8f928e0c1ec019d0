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
from aggregator.config.types import is_section, key_of, parts
from aggregator.model import Problem, Severity
from aggregator.text.tree import Node

_VARIABLE = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$\{")
# What neither XML nor a path may hold.
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


class Converter:
    """Gathers the `problems` of one file while it converts: an ordered set.

    What can't be read is UNSET where it is required, else its default: values count only when there is no
    problem in the end. `here` is the absolute folder that relative paths start from.
    """

    def __init__(self, file: Path, environment: Mapping[str, str]) -> None:
        self.problems: dict[Problem, None] = {}
        self.here = file.absolute().parent
        self._path = str(file)
        self._environment = environment

    def tell(self, place: tuple[int, int], message: str) -> None:
        """Add a problem, once."""
        self.problems[Problem(self._path, *place, Severity.error, message)] = None

    def follow(self, place: tuple[int, int], message: str) -> None:
        """Add a problem, unless one is known at the same place: this one would only follow from it."""
        if all(place != (known.line, known.column) for known in self.problems):
            self.tell(place, message)

    def keys(self, kind: type[Struct], node: Node, name: str = "") -> dict[str, Any]:
        """The values of a section by attribute. `name` is the section's, with a dot behind."""
        known = {key_of(field): field for field in fields(kind)}
        found = {} if node.value is None else node.value
        if not isinstance(found, dict):
            self._unfit(node, name.rstrip("."), f"a mapping of {words.series(known)}")
            return {field.name: UNSET if field.required else field.default for field in fields(kind)}
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
        if is_section(core):
            values = self.keys(core, node, f"{name}.")
            return UNSET if UNSET in values.values() else core(**values)
        if isinstance(node.value, dict) and (full := next(filter(is_section, notes), None)):
            return self.keys(full, node, f"{name}.")["name"]
        try:
            is_list = get_origin(core) is tuple
            value = self._list(get_args(core)[0], node, name) if is_list else self._text(node)
            for read in (note for note in notes if isinstance(note, FunctionType)):
                value = read(value)
            return value if is_list and UNSET in value else msgspec.convert(value, kind)
        except ValueError as error:
            return self._unfit(node, name, str(error))

    def _list(self, kind: Any, node: Node, name: str) -> tuple[Any, ...]:
        if not isinstance(node.value, list):
            raise ValueError("a list, each item behind a `-`")  # noqa: TRY004  # as kinds do, for the one message
        return tuple(self._value(kind, item, name) for item in node.value)

    def _text(self, node: Node) -> str:
        """The text with `${NAME}` taken from the environment and `$${` as `${`."""
        if not isinstance(node.value, str):
            raise ValueError("a text")  # noqa: TRY004
        text = _VARIABLE.sub(self._variable, node.value)
        if unfit := _UNFIT.search(text):
            raise ValueError(f"a text without control characters; it holds U+{ord(unfit[0]):04X}")
        return text

    def _variable(self, match: re.Match[str]) -> str:
        if match[0] == "$${":
            return "${"
        if not match[1]:
            raise ValueError("a name and `}` behind `${`; a `${` that is meant as such is written `$${`")
        if match[1] not in self._environment:
            raise ValueError(f"the environment variable {match[1]} to be set")
        return self._environment[match[1]]

    def _unfit(self, node: Node, name: str, expected: str) -> Any:
        self.tell((node.line, node.column), words.unfit(node, name, expected))
        return UNSET


def _named(node: Node) -> tuple[int, int]:
    """Where a node's key stands, or the node itself where it has none."""
    return node.key if node.key != (0, 0) else (node.line, node.column)
