"""Documents that are made to cost more than they are worth, in thirty families."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

KIB = 1024
MOST_MARKDOWN = 255 * KIB

NEWSLETTER = (
    "<table><tr><td style='padding:3px'><p>Some <b>bold</b> words &amp; more</p>"
    "<a href='https://a.example/x?utm=1'>read</a></td></tr></table>\n"
)


class Hostile(NamedTuple):
    """A document's body, what it has in its front matter besides the usual, and the ending of its name."""

    body: str
    front: str = "topics: [AI, T1]\n"
    ending: str = "md"


def fill(size: int, unit: str) -> str:
    """A text of that many characters, of the same again and again."""
    return (unit * (size // len(unit) + 1))[:size]


def page(unit: str, before: str = "<!doctype html><body>") -> Callable[[int], Hostile]:
    """A family of HTML pages."""
    return lambda size: Hostile(before + fill(size, unit), ending="html")


def markdown(unit: str, before: str = "") -> Callable[[int], Hostile]:
    """A family of Markdown texts."""
    return lambda size: Hostile(before + fill(min(size, MOST_MARKDOWN) - len(before), unit))


def references(use: str) -> Callable[[int], Hostile]:
    """A family of texts in which one long reference is used again and again."""

    def made(size: int) -> Hostile:
        half = min(size, MOST_MARKDOWN) // 2 - 20
        return Hostile(f'[a]: /u "{"T" * half}"\n\n' + fill(half, use))

    return made


def wide_table(size: int) -> Hostile:
    third = min(size, MOST_MARKDOWN) // 3 - 20
    return Hostile(f"|{fill(third, 'a|')}\n|{fill(third, '-|')}\n{fill(third, chr(124) + chr(10))}")


def ticks(size: int) -> Hostile:
    return Hostile("".join("`" * (number % 400) + "a " for number in range(min(size, MOST_MARKDOWN) // 202)))


def listed(name: str, item: str, length: int) -> Callable[[int], Hostile]:
    """A family of documents with a long list; `item` has the item's number."""

    def made(size: int) -> Hostile:
        items = ", ".join(item.format(number) for number in range(size // length))
        return Hostile("A few words.", f"{name}: [{items}]\n")

    return made


def related(size: int) -> Hostile:
    entries = (f"  - title: R{n}\n    webUrl: https://r.example/{n}\n" for n in range(size // 50))
    return Hostile("A few words.", "related:\n" + "".join(entries))


def long_field(name: str, before: str = "") -> Callable[[int], Hostile]:
    """A family of documents with one long value."""
    return lambda size: Hostile("A few words.", f"{name}: {before}{'a' * size}\n")


def many_topics(size: int) -> Hostile:
    topics = ", ".join(f"T{number}" for number in range(min(3000, size // 6)))
    return Hostile(fill(min(size, MOST_MARKDOWN) // 2, "word "), f"topics: [{topics}]\n")


FAMILIES: dict[str, Callable[[int], Hostile]] = {
    "ampersands": page("&"),
    "greater-than": page(">"),
    "less-than": page("<"),
    "half-entities": page("&amp"),
    "newsletters": page(NEWSLETTER),
    "pictures": page("<img src=/a.png>"),
    "links": page("<a href=/x>y</a>"),
    "attributes": page("a=1 ", "<p "),
    "styles": page("a:b;", "<p style='"),
    "cells": page("<tr><td>x<td>y", "<table>"),
    "misnested": page("<b><p><i><div>"),
    "references": references("[a] "),
    "picture-references": references("![a] "),
    "lists": markdown("- a\n+ b\n* c\n"),
    "table-rows": markdown("|\n", "a|b\n-|-\n"),
    "wide-tables": wide_table,
    "brackets": markdown("![["),
    "emphasis": markdown("**a *b "),
    "ticks": ticks,
    "quotes": markdown("> " * 50 + "a\n"),
    "addresses": markdown("<http://a.example/>"),
    "related": related,
    "topics": many_topics,
    "images": listed("images", "https://i.example/{}.png", 30),
    "long-topics": lambda size: Hostile("A few words.", f"topics: [{'t' * size}]\n"),
    "long-addresses": long_field("originalUrl", "https://l.example/"),
    "long-texts": long_field("category"),
    "nested-lists": lambda size: Hostile("A few words.", f"x: {'[' * (size // 2)}{']' * (size // 2)}\n"),
    "marks": lambda size: Hostile("a" + "\u0301" * (size // 2) + "\u202e" * 200),
    "control-characters": lambda size: Hostile("\x00\x01\x0b" * (size // 3), 'excerpt: "\\0\\b"\n'),
}


def write(folder: Path, sizes: tuple[int, ...]) -> Iterator[Path]:
    """Write a document of each family in each of these sizes (KiB)."""
    for name, family in FAMILIES.items():
        for number, size in enumerate(sizes):
            hostile = family(size * KIB)
            path = folder / name / f"{name}-{number}.{hostile.ending}"
            path.parent.mkdir(parents=True, exist_ok=True)
            head = f"title: Hostile {name} {number}\nwebUrl: https://h.example/{name}/{number}\n"
            date = f"publishedDateTime: 2026-02-{1 + number:02}T08:30:00Z\n"
            path.write_text(f"---\n{head}{date}{hostile.front}---\n{hostile.body}", encoding="utf-8")
            yield path
