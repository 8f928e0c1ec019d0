"""Elements cut out of the tree they were made in, and spliced as bytes into files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lxml.etree import _Element


class Frame:
    """What stands around the entries of a file: tags, outermost first, and the prefixes that it declares."""

    def __init__(self, *tags: str, namespaces: Mapping[str, str]) -> None:
        self._tags = tags
        self._namespaces = dict(namespaces)
        opening, _, self._closing = self._around(etree.Element("x")).partition(b"<x/>\n")
        self._opening = opening.rstrip(b" ")

    def cut(self, element: _Element) -> bytes:
        """The element's own bytes, declaring nothing that the frame does; it moves out of its tree."""
        return self._around(element)[len(self._opening) : -len(self._closing)]

    def splice(self, head: bytes, elements: Iterable[bytes]) -> bytes:
        """`head`, a file whose frame ends with it, and the elements at the end of the frame."""
        if not head.endswith(self._closing):
            raise AssertionError(f"the head ends with {head[-20:]!r}, expected {self._closing!r}")
        return b"".join((head[: -len(self._closing)], *elements, self._closing))

    def _around(self, element: _Element) -> bytes:
        root = parent = etree.Element(self._tags[0], nsmap=self._namespaces)
        for tag in self._tags[1:]:
            parent = etree.SubElement(parent, tag)
        parent.append(element)
        return etree.tostring(root, encoding="UTF-8", pretty_print=True)
