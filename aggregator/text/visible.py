"""What a person would see of an HTML page, in the elements and attributes that feeds may hold."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

from aggregator.errors import ParseError
from aggregator.text.urls import absolute

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_DEPTH = 256


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _ends(tags: str) -> frozenset[str]:
    return frozenset(f"</{tag}>" for tag in tags.split())


TAGS = _words("""
    a abbr article aside b bdi bdo blockquote br caption cite code col colgroup dd del details dfn div dl dt
    em figcaption figure footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li mark ol p pre q rp rt ruby s
    samp section small strong sub summary sup table tbody td tfoot th thead time tr u ul var wbr
""")
"""The elements that are kept; of all others only what is inside."""

UNSEEN = _words("""
    applet audio button canvas datalist embed frameset iframe math noembed noframes object script select
    style svg template textarea title video
""")
"""The elements that go with all that is inside."""

ATTRIBUTES: dict[str, set[str]] = {
    "*": {"dir", "lang", "title"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "li": {"value"},
    "ol": {"start", "reversed", "type"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "col": {"span"},
    "colgroup": {"span"},
    "time": {"datetime"},
}

_ALLOWED = {tag: ATTRIBUTES["*"] | ATTRIBUTES.get(tag, set()) for tag in TAGS}
_ADDRESSES = {"a": "href", "img": "src"}
_VOID = _words("br col hr img wbr")
_INLINE = _words("""
    a abbr b bdi bdo br cite code del dfn em i img ins kbd mark q rp rt ruby s samp small strong sub sup
    time u var wbr
""")

# What a block ends by starting: a paragraph, a heading another heading; and, before the next part of a list or a
# table, the inline elements that were left open in the part before, as far back as that list or table.
_HEADINGS = _words("h1 h2 h3 h4 h5 h6")
_WHOLES = {
    "li": _ends("ul ol"),
    **dict.fromkeys(_words("dt dd"), _ends("dl")),
    **dict.fromkeys(_words("caption col colgroup tbody td tfoot th thead tr"), _ends("table")),
}
_CLOSED = {
    **dict.fromkeys(TAGS - _INLINE, _ends("p")),
    **dict.fromkeys(_HEADINGS, _ends("p h1 h2 h3 h4 h5 h6")),
    **dict.fromkeys(_WHOLES, _ends(" ".join(["p", *_INLINE]))),
}

_HIDDEN = re.compile(r"(?:^|[;\s])(?:display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all)", re.IGNORECASE)
_SIZE = re.compile(r"(?:^|[;\s])(width|height)\s*:\s*([0-9]+)", re.IGNORECASE)
_MAIL = re.compile(r"mailto:[\w.!$&'*+,;=:@/?%~-]+", re.IGNORECASE | re.ASCII)


class Visible:
    """A target for lxml's HTML parser that writes down again what can be seen; "" where that is nothing.

    URLs are joined to `base`. It raises ParseError for HTML nested deeper than 256 elements.

    What it writes also keeps the next parser from harm: html5ever's time grows with the square of the depth, and
    its output with the product of the blocks and the inline elements that an earlier block left open.
    """

    def __init__(self, base: str) -> None:
        self.base = base
        self.parts: list[str] = []
        self.ends: list[str] = []  # how the open elements are closed; "" for those that weren't kept
        self.hidden = 0  # the open elements from the first hidden one on
        self.worth = False

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if len(self.ends) + self.hidden >= MAX_DEPTH:
            raise ParseError(f"HTML nested deeper than {MAX_DEPTH} elements")
        if self.hidden or tag in UNSEEN or (attributes and _is_hidden(tag, attributes)):
            self.hidden += 1
            return
        end = f"</{tag}>"
        kept = None
        if tag in TAGS and not (tag in _INLINE and end in self.ends):
            kept = _kept(tag, attributes, self.base)
        if kept is None:
            self.ends.append("")
            return
        if tag in _CLOSED:
            self.close_before(tag)
        self.ends.append("" if tag in _VOID else end)
        # The first line feed in `pre` doesn't count.
        self.parts.append(f"<{tag}{kept}>\n" if tag == "pre" else f"<{tag}{kept}>")
        self.worth = self.worth or tag == "img"

    def close_before(self, tag: str) -> None:
        """Close what a block ends by starting, and what is open inside."""
        ends, closed = self.ends, _CLOSED[tag]
        start = 0
        if tag in _WHOLES:
            start = max((place for place, end in enumerate(ends, 1) if end in _WHOLES[tag]), default=0)
        for place in range(start, len(ends)):
            if ends[place] in closed:
                self.parts.extend(reversed(ends[place:]))
                ends[place:] = [""] * (len(ends) - place)
                return

    def end(self, _tag: str) -> None:
        if self.hidden:
            self.hidden -= 1
        else:
            self.parts.append(self.ends.pop())

    def data(self, data: str) -> None:
        if not self.hidden:
            self.parts.append(escape(data, quote=False))
            self.worth = self.worth or not data.isspace()

    def close(self) -> str:
        return "".join(self.parts) if self.worth else ""


def _is_hidden(tag: str, attributes: Mapping[str, str]) -> bool:
    """Whether an element can't be seen: a preheader, a tracking pixel."""
    style = attributes.get("style", "")
    if "hidden" in attributes or (style and _HIDDEN.search(style)):
        return True
    if tag != "img":
        return False
    size = {"width": attributes.get("width", ""), "height": attributes.get("height", "")}
    size |= {found[1].lower(): found[2] for found in _SIZE.finditer(style)}
    return all(value.strip().removesuffix("px") in ("0", "1") for value in size.values())


def _kept(tag: str, attributes: Mapping[str, str], base: str) -> str | None:
    """The attributes to keep, as they are written; None for a link or a picture without a usable URL."""
    found = {name: value for name, value in attributes.items() if name in _ALLOWED[tag]}
    if tag in _ADDRESSES:
        url = _address(attributes.get(_ADDRESSES[tag], ""), base)
        if not url:
            return None
        found[_ADDRESSES[tag]] = url
    return "".join(f' {name}="{escape(value)}"' for name, value in found.items())


def _address(url: str, base: str) -> str | None:
    url = url.strip()
    if url.startswith("#"):
        return None  # a place in a page that the feed's reader isn't on
    return url if _MAIL.fullmatch(url) else absolute(url, base)
