"""How the configuration's problems are said: what there is, what was expected, what to write."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args

from msgspec import Meta
from msgspec.structs import FieldInfo, fields

from aggregator.config.types import is_section, parts
from aggregator.text.plain import quoted
from aggregator.text.tree import Node

_SHAPES = {list: "a list", dict: "a mapping", type(None): "nothing"}
_MSGSPEC = {
    "Expected ": "",
    "`int`": "a whole number",
    "`float`": "a number",
    "`array` of length >= 1": "a list that isn't empty",
}


def unfit(node: Node, name: str, expected: str) -> str:
    """A value that isn't as it should be. It is shown as written, so that no variable's value is told."""
    for theirs, ours in _MSGSPEC.items():
        expected = expected.replace(theirs, ours)
    there = _SHAPES.get(type(node.value)) or quoted(str(node.value))
    return f"{there} for `{name}`, expected {expected}" if name else f"{there}, expected {expected}"


def unknown(section: str, key: str, known: Iterable[str], what: str = "key") -> str:
    """A key that there isn't, or what else goes by a name, with the nearest that there is."""
    near = nearest(key, known := list(known))
    hint = f"did you mean `{section}{near}`?" if near else f"known {what}s are {series(known)}"
    return f"unknown {what} {quoted(section + key)}; {hint}"


def nearest(name: str, known: Iterable[str]) -> str:
    """The one that was probably meant; "" where none is near."""
    import difflib  # only for a mistake

    return next(iter(difflib.get_close_matches(name, known, n=1)), "")


def missing(section: str, field: FieldInfo) -> str:
    """A required key that isn't there, and what to write."""
    meaning = f" ({note.description})" if (note := _note(field)) and note.description else ""
    return f"no `{section}{field.encode_name}`{meaning}; write for example `{_line(field)}`"


def smallest(kind: Any) -> str:
    """A section with its required keys alone, as one line of YAML."""
    return f"{{{', '.join(_line(field) for field in fields(kind) if field.required)}}}"


def series(names: Iterable[str]) -> str:
    """Names, quoted and with commas."""
    return ", ".join(f"`{name}`" for name in names)


def a_list(notes: Iterable[Any]) -> str:
    """What to write where a list is expected; `notes` are those of its type."""
    examples = next((note.examples for note in notes if isinstance(note, Meta) and note.examples), None)
    return f"a list such as `{examples[0]}`" if examples else "a list, each item behind a `-`"


def _line(field: FieldInfo) -> str:
    core = parts(field.type)[0]
    if is_section(core):
        return f"{field.encode_name}: {smallest(core)}"
    if (note := _note(field)) and note.examples:
        return f"{field.encode_name}: {note.examples[0]}"
    return f"{field.encode_name}: [{smallest(get_args(core)[0])}]"


def _note(field: FieldInfo) -> Meta | None:
    return next((note for note in parts(field.type) if isinstance(note, Meta)), None)
