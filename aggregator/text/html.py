"""HTML and Markdown from documents, made safe and fit for feeds."""

from __future__ import annotations

import re
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any

from aggregator.errors import ParseError
from aggregator.text.plain import legal
from aggregator.text.urls import absolute

if TYPE_CHECKING:
    from collections.abc import Mapping

    from markdown_it import MarkdownIt

MAX_DEPTH = 256
MAX_MARKDOWN = 256 * 1024  # characters; markdown-it holds some 500 bytes for each of a table's
MAX_EMBED = 10_000  # characters
MAX_PIXELS = 100_000
PASSES = 6


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


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

_ADDRESSES = {"a": "href", "img": "src"}
_VOID = _words("br col hr img wbr")
_INLINE = _words("""
    a abbr b bdi bdo br cite code del dfn em i img ins kbd mark q rp rt ruby s samp small strong sub sup time u
    var wbr
""")
_INLINE_ENDS = frozenset(f"</{tag}>" for tag in _INLINE)
_HEADING_ENDS = frozenset(f"</h{level}>" for level in range(1, 7))
# The elements that end the one before them, as far back as the element they are parts of.
_PARTS = {
    "li": frozenset({"</ul>", "</ol>"}),
    **dict.fromkeys(_words("dt dd"), frozenset({"</dl>"})),
    **dict.fromkeys(_words("caption col colgroup tbody td tfoot th thead tr"), frozenset({"</table>"})),
}
_HIDDEN = re.compile(r"(?:^|[;\s])(?:display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all)", re.IGNORECASE)
_SIZE = re.compile(r"(?:^|[;\s])(width|height)\s*:\s*([0-9]+)", re.IGNORECASE)
_MAIL = re.compile(r"mailto:[\w.!$&'*+,;=:@/?%~-]+", re.IGNORECASE | re.ASCII)


def sanitised(html: str, base: str) -> str:
    """The HTML of a fragment, or inside the body of a page, as a fragment that any reader may show.

    Nothing in it runs, is sent, hides or tracks; its links are absolute, relative ones having been joined to
    `base`. Sanitising it again changes nothing. "" where there is nothing to see. Raises ParseError for HTML
    that is nested deeper than 256 elements, or that reads differently each time it is read.
    """
    found = _pass(html, base)
    for _ in range(PASSES):
        again = _pass(found, base)
        if again == found:
            return found
        found = again
    raise ParseError("HTML that reads differently each time, expected elements closed where they belong")


def from_markdown(text: str) -> str:
    """The HTML of a Markdown text: CommonMark, tables, strikethrough. Raw HTML stays, so sanitise the result.

    Raises ParseError for a text of more than 256 Ki characters.
    """
    if len(text) > MAX_MARKDOWN:
        raise ParseError(f"Markdown of {len(text)} characters, expected at most {MAX_MARKDOWN}")
    return str(_markdown().render(text))


def player(embed: str) -> tuple[str, int | None, int | None] | None:
    """The first http(s) iframe in an embed code: its URL, width and height (pixels, None: not said)."""
    from lxml import etree

    if "<" not in embed or len(embed) > MAX_EMBED:
        return None
    target: Any = _Frames()
    etree.HTML(legal(embed), etree.HTMLParser(target=target))
    for frame in target.found:
        url = absolute(frame.get("src", ""), "")
        if url:
            return url, _pixels(frame.get("width")), _pixels(frame.get("height"))
    return None


@cache
def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def _pass(html: str, base: str) -> str:
    """One reading: what can be seen, then only what nh3 knows to be harmless."""
    import nh3
    from lxml import etree

    target: Any = _Visible(base)
    seen: Any = etree.HTML(legal(html), etree.HTMLParser(target=target))
    return nh3.clean(
        legal(seen), tags=TAGS, attributes=ATTRIBUTES, link_rel=None, url_schemes={"http", "https", "mailto"}
    ).strip()


class _Visible:
    """Writes down again what a reader of the page would see, as libxml2 tells of it.

    It also keeps the parser behind it from harm: html5ever's time grows with the square of the depth, and what
    it writes with the product of the blocks and the inline elements that an earlier block left open.
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
        if self.hidden or tag in UNSEEN or _is_hidden(tag, attributes):
            self.hidden += 1
            return
        end = f"</{tag}>"
        kept = None
        if tag in TAGS and not (tag in _INLINE and end in self.ends):
            kept = _kept(tag, attributes, self.base)
        if kept is None:
            self.ends.append("")
            return
        if tag not in _INLINE:
            self.close_before(tag)
        self.ends.append("" if tag in _VOID else end)
        self.parts.append(f"<{tag}{kept}>")
        self.worth = self.worth or tag == "img"

    def close_before(self, tag: str) -> None:
        """Close what a block ends by starting, and inline elements with it."""
        ends = self.ends
        closed = {"</p>"}
        start = 0
        if tag in _PARTS:
            closed |= _INLINE_ENDS
            start = max((place for place, end in enumerate(ends, 1) if end in _PARTS[tag]), default=0)
        elif f"</{tag}>" in _HEADING_ENDS:
            closed |= _HEADING_ENDS
        first = next((place for place in range(start, len(ends)) if ends[place] in closed), len(ends))
        self.parts.extend(reversed(ends[first:]))
        ends[first:] = [""] * (len(ends) - first)

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


class _Frames:
    """Gathers the attributes of each iframe."""

    def __init__(self) -> None:
        self.found: list[dict[str, str]] = []

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "iframe":
            self.found.append(dict(attributes))

    def close(self) -> None: ...


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
    names = ATTRIBUTES["*"] | ATTRIBUTES.get(tag, set())
    found = {name: value for name, value in attributes.items() if name in names}
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


def _pixels(text: str | None) -> int | None:
    found = re.fullmatch(r"\s*([0-9]{1,6})(?:px)?\s*", text or "")
    return int(found[1]) if found and 0 < int(found[1]) <= MAX_PIXELS else None
