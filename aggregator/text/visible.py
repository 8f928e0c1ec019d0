"""What a person would see of an HTML page, in the elements and attributes that feeds may hold."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from aggregator.errors import ParseError
from aggregator.text.unseen import is_blank
from aggregator.text.urls import absolute, host

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

HIDING: tuple[dict[str, str], ...] = (
    {"display": "none"},
    {"visibility": "hidden"},
    {"mso-hide": "all"},
    {"opacity": "0"},
    {"max-height": "0", "overflow": "hidden"},
)
"""The styles that keep an element from being seen, as newsletters have them for what only the inbox shows.

A height of nothing is not among them: with a padding it keeps the place of a picture.
"""

PIXELS: tuple[tuple[str, str], ...] = (
    ("list-manage.com", "/track/open.php"),  # Mailchimp
    ("mandrillapp.com", "/track/open.php"),
    ("sendgrid.net", "/wf/open"),
    ("facebook.com", "/tr"),
    ("google-analytics.com", "/collect"),
    ("google-analytics.com", "/__utm.gif"),
    ("doubleclick.net", "/ddm/trackimp"),
    ("medium.com", "/_/stat"),
    ("pixel.wp.com", "/b.gif"),  # WordPress
    ("pixel.wp.com", "/g.gif"),
    ("stats.wordpress.com", "/b.gif"),
    ("feedburner.com", "/~r"),
    ("track.hubspot.com", "/__ptq.gif"),
    ("px.ads.linkedin.com", "/collect"),
    ("bat.bing.com", "/action/0"),
    ("pixel.quantserve.com", "/pixel"),
    ("sb.scorecardresearch.com", "/p"),
)
"""The pictures that only tell who looks at them, as (host or what it ends in, path or what it starts with)."""

_NOTHING = re.compile(r"(?:0++(?:\.0*+)?|\.0++)(?:[a-z]++|%)?")
_DOT = ("0", "0px", "1", "1px")
_NOWHERE = re.compile(r"#\W*")  # what scripts listen to, or the top of the page
_MAIL = re.compile(r"mailto:[\w.!$&'*+,;=:@/?%~-]+", re.IGNORECASE | re.ASCII)


class Bounds(NamedTuple):
    """How much of a page is taken: characters of HTML, pictures, links."""

    characters: int = 256 * 1024
    pictures: int = 500
    links: int = 2000


_USUAL = Bounds()


class Visible:
    """A target for lxml's HTML parser that writes down again what can be seen; "" where that is nothing.

    URLs are joined to `base`, or to the page's own; `root` as for `absolute`. It raises ParseError for HTML nested
    deeper than 256 elements, and for more of it than the `bounds`.

    What it writes also keeps the next parser from harm: html5ever's time grows with the square of the depth, and
    its output with the product of the blocks and the inline elements that an earlier block left open.
    """

    def __init__(self, base: str, bounds: Bounds = _USUAL, root: str = "") -> None:
        self.base = base
        self.root = root
        self.bounds = bounds
        self.based = False
        self.size = 0
        self.counts = {"img": 0, "a": 0}
        self.parts: list[str] = []
        self.ends: list[str] = []  # how the open elements are closed; "" for those that weren't kept
        self.tiny = [False]  # whether the text of the open elements has no size, from outside the first one on
        self.hidden = 0  # the open elements from the first hidden one on
        self.worth = False

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if len(self.ends) + self.hidden >= MAX_DEPTH:
            raise ParseError(f"HTML nested deeper than {MAX_DEPTH} elements")
        style = style_of(attributes) if "style" in attributes else {}
        if self.hidden or tag in UNSEEN or (attributes and is_hidden(tag, attributes, style)):
            self.hidden += 1
            return
        if tag == "base" and not self.based and (url := absolute(attributes.get("href", ""), self.base, self.root)):
            self.base, self.based = url, True
        self.tiny.append(_is_tiny(style, inherited=self.tiny[-1]) if style else self.tiny[-1])
        end = f"</{tag}>"
        kept = None
        if tag in TAGS and not (tag in _INLINE and end in self.ends):
            kept = _kept(tag, attributes, self.base, self.root)
        if kept is None:
            self.ends.append("")
            return
        if tag in _CLOSED:
            self.close_before(tag)
        self.ends.append("" if tag in _VOID else end)
        # The first line feed in `pre` doesn't count.
        self.add(f"<{tag}{kept}>\n" if tag == "pre" else f"<{tag}{kept}>")
        if tag in self.counts:
            self.count(tag)
        self.worth = self.worth or tag == "img"

    def add(self, text: str) -> None:
        """Write a piece down."""
        self.parts.append(text)
        self.size += len(text)
        if self.size > self.bounds.characters:
            raise ParseError(f"HTML of more than {self.bounds.characters} characters")

    def count(self, tag: str) -> None:
        """Note that there is one more picture or link."""
        most, what = (self.bounds.pictures, "pictures") if tag == "img" else (self.bounds.links, "links")
        self.counts[tag] += 1
        if self.counts[tag] > most:
            raise ParseError(f"HTML with more than {most} {what}")

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
            self.tiny.pop()
            self.parts.append(self.ends.pop())

    def data(self, data: str) -> None:
        if not self.hidden and (not self.tiny[-1] or data.isspace()):
            self.add(escape(data, quote=False))
            self.worth = self.worth or not is_blank(data)

    def close(self) -> str:
        return "".join(self.parts) if self.worth else ""


def style_of(attributes: Mapping[str, str]) -> dict[str, str]:
    """The declarations of an element's style, in lower case; a length of nothing, in any unit, is 0."""
    found: dict[str, str] = {}
    for declaration in attributes.get("style", "").lower().split(";"):
        name, _, value = declaration.partition(":")
        value = value.replace("!important", "").strip()
        found[name.strip()] = "0" if _NOTHING.fullmatch(value) else value
    return found


def is_hidden(tag: str, attributes: Mapping[str, str], style: Mapping[str, str]) -> bool:
    """Whether an element with this style can't be seen: a preheader, a tracking pixel or frame."""
    if "hidden" in attributes or (style and any(rule.items() <= style.items() for rule in HIDING)):
        return True
    if tag not in ("img", "iframe"):
        return False
    return all(style.get(side, attributes.get(side, "").strip()) in _DOT for side in ("width", "height"))


def _is_tiny(style: Mapping[str, str], *, inherited: bool) -> bool:
    """Whether an element's text has no size. Unlike all else that hides, what is inside can have one again: pages
    are laid out that way."""
    size = style.get("font-size", style.get("font", "inherit")).partition("/")[0]
    return inherited if size == "inherit" else bool(_NOTHING.fullmatch(size))


def _is_pixel(url: str) -> bool:
    """Whether a picture's absolute URL is one of those that only count who looks."""
    name = f".{host(url)}"
    path = url[url.find("/", 8) :]
    return any(
        name.endswith(f".{ending}") and (path == start or path.startswith((f"{start}?", f"{start}/")))
        for ending, start in PIXELS
    )


def _kept(tag: str, attributes: Mapping[str, str], base: str, root: str) -> str | None:
    """The attributes to keep, as they are written; None for a link or a picture without a usable URL, and for a
    picture that only tracks."""
    found = {name: value for name, value in attributes.items() if name in _ALLOWED[tag]}
    if tag in _ADDRESSES:
        written = attributes.get(_ADDRESSES[tag], "").strip()
        if tag == "img" and written.startswith("#"):
            return None
        url = _address(written, base, root)
        if not url or (tag == "img" and _is_pixel(url)):
            return None
        found[_ADDRESSES[tag]] = url
    return "".join(f' {name}="{escape(value)}"' for name, value in found.items())


def _address(url: str, base: str, root: str) -> str | None:
    if _NOWHERE.fullmatch(url):
        return None
    return url if _MAIL.fullmatch(url) else absolute(url, base, root)
