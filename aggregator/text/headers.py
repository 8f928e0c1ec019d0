"""Headers of lines such as `Title: ...` as a tree of text with positions.

They are those of Pelican, MultiMarkdown, Nikola, Org and reStructuredText.

The case of a name says nothing in them: `Title` and `DATE` are `title` and `date`; `webUrl` is as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from msgspec.structs import replace

from aggregator.errors import ParseError
from aggregator.text.places import Places
from aggregator.text.tree import SWALLOWED, Node, Value, Warn, again, readable


class Form(NamedTuple):
    """How the lines of a header look.

    `field` matches the line of a field and the lines that belong to it, and names its `key` and `value`. `heading`
    matches a title that stands above the fields. `value` makes a field's value of its key and its text. `names` are
    what fields are called elsewhere. `repeats`: a field may be given several times, its texts are one.
    """

    field: re.Pattern[str]
    heading: re.Pattern[str] | None = None
    value: Callable[[str, str], str | list[str]] = lambda _, text: text
    names: Mapping[str, str] = MappingProxyType({})
    repeats: bool = False


def load(
    form: Form, text: str, first_line: int = 1, unread: frozenset[str] = frozenset(), warn: Warn = lambda _: None
) -> Node:
    """The tree of a header; the other arguments, what comes of `unread` keys and what is raised are as for YAML.

    The lines of a value are without the blanks around them; an empty value is None.
    """
    del warn  # nothing can be mended in them
    text = readable(text)
    places = Places(text, first_line)
    fields: dict[str, Node] = {}
    further: dict[str, list[Node]] = {}
    if form.heading and (heading := form.heading.match(text)):
        place = places.at(heading.start("value"))
        fields["title"] = Node(heading["value"].strip(), *place, place)
    for line in form.field.finditer(text):
        name = _name(line["key"], form)
        node = _node(line, name, form, places, unread)
        if name not in fields:
            fields[name] = node
        elif form.repeats:
            further.setdefault(name, []).append(node)
        else:
            raise again(name, fields[name], *node.key)
    for name, nodes in further.items():
        fields[name] = _together([fields[name], *nodes])
    return Node(fields, first_line, 1)


def names_in(form: Form, text: str) -> frozenset[str]:
    """The names of the fields of a header."""
    names = {_name(line["key"], form) for line in form.field.finditer(text)}
    return frozenset(name.lower() for name in names)


def _name(written: str, form: Form) -> str:
    name = written.strip().removesuffix("[]")
    if _INNER_CAPITAL.search(name):
        return name
    return form.names.get(name.lower(), name.lower())


def _node(line: re.Match[str], name: str, form: Form, places: Places, unread: frozenset[str]) -> Node:
    key = places.at(line.start("key"))
    place = places.at(line.start("value"))
    if name.lower() in unread:
        return Node(None, *place, key)
    written = line["value"].strip()
    lines = [part.strip() for part in written.split("\n")]
    for number, part in enumerate(lines):
        if number and part.partition(":")[0].strip(" \t.#+\"'").lower() in unread:
            raise ParseError(SWALLOWED, place[0] + number, 1)
    return Node(_value(form.value(line["key"].strip().lower(), "\n".join(lines)), place), *place, key)


def _value(value: str | list[str], place: tuple[int, int]) -> Value:
    if isinstance(value, list):
        return [Node(item, *place) for item in value]
    return value or None


def _together(nodes: list[Node]) -> Node:
    """A field that is given several times: all texts, or all items."""
    first = nodes[0]
    items = [item for node in nodes if type(node.value) is list for item in node.value]
    texts = [node.value for node in nodes if type(node.value) is str]
    return replace(first, value=items or " ".join(texts) or None)


_INNER_CAPITAL = re.compile("[a-z][A-Z]")
_STAMP = re.compile(r"[<\[]([0-9]{4}-[0-9]{2}-[0-9]{2})(?: +[^\s0-9<>\[\]]+)?(?: +([0-9]{2}:[0-9]{2}))?[^<>\[\]]*[>\]]")


def _of_org(key: str, text: str) -> str | list[str]:
    """Org's timestamps without brackets and weekday; its `:a:b:`, and Hugo's `#+tags[]: a b`, as lists."""
    if key == "filetags" or key.endswith("[]"):
        return [tag for tag in re.split(r"[:\s]+", text) if tag]
    stamp = _STAMP.fullmatch(text)
    return " ".join(filter(None, stamp.groups())) if stamp else text


_STATUS = {
    "draft": "yes",
    "hidden": "yes",
    "private": "yes",
    "skip": "yes",
    "published": "no",
    "featured": "no",
}


def _with_status(key: str, text: str) -> str:
    """A status of Pelican or Nikola as whether it is a draft; one that is unknown stays, and is told by its reader."""
    return _STATUS.get(text.lower(), text) if key == "status" else text


_DRAFT = MappingProxyType({"status": "draft"})
_MORE = r"(?P<value>[^\n]*(?:\n[ \t]+\S[^\n]*)*)"

KEYED = Form(re.compile(rf"^(?P<key>[A-Za-z][\w -]*):[ \t]*{_MORE}", re.MULTILINE), value=_with_status, names=_DRAFT)
"""Pelican and MultiMarkdown: `Title: ...`; what is indented belongs to the line above."""

COMMENTED = Form(
    re.compile(r"^\.\.[ \t]+(?P<key>[A-Za-z][\w -]*):[ \t]*(?P<value>[^\n]*)", re.MULTILINE),
    value=_with_status,
    names=_DRAFT,
)
"""Nikola: `.. title: ...`."""

ORG = Form(
    re.compile(r"^#\+(?P<key>[\w-]+(?:\[\])?):[ \t]*(?P<value>[^\n]*)", re.MULTILINE),
    value=_of_org,
    names=MappingProxyType({"filetags": "tags"}),
    repeats=True,
)
"""Org: `#+title: ...`."""

DOCINFO = Form(
    re.compile(rf"^:(?P<key>[A-Za-z][\w -]*):[ \t]*{_MORE}", re.MULTILINE),
    value=_with_status,
    names=_DRAFT,
    heading=re.compile(r"(?:[!-/:-@\[-`{-~]+[ \t]*\n)?(?P<value>[^\n]+)\n"),
)
"""reStructuredText: a title, and below it `:date: ...`; what is indented belongs to the line above."""
