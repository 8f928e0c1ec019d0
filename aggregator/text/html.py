"""HTML and Markdown from documents, made safe and fit for feeds."""

from __future__ import annotations

import re
from functools import cache
from html import escape
from importlib import import_module
from typing import TYPE_CHECKING, Any

from aggregator.errors import ParseError
from aggregator.text.plain import legal
from aggregator.text.urls import absolute
from aggregator.text.visible import ATTRIBUTES, TAGS, Bounds, Visible, is_hidden, style_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from markdown_it import MarkdownIt
    from markdown_it.token import Token

USUAL = Bounds()
MAX_MARKDOWN = 256 * 1024  # characters; markdown-it takes up to a kilobyte for each
MAX_MISSING_CELLS = 1000  # of a table in Markdown, which ends there
MAX_EMBED = 10_000  # characters
MAX_PIXELS = 100_000

_PASSES = 6
_PAGE = re.compile(
    r"\ufeff?\s*+(?:<\?xml\b[^>]*+>\s*+)?(?:<!--(?:[^-]|-(?!->))*+-->\s*+)*+<(?:!doctype\s++html|html|head|body)\b",
    re.IGNORECASE,
)


def sanitised(html: str, base: str, bounds: Bounds = USUAL, root: str = "") -> str:
    """The HTML of a fragment, or inside the body of a page, as a fragment that any reader may show.

    Nothing in it runs, is sent, hides or tracks; its links are absolute, relative ones having been joined to the
    page's own base (`<base href>`, itself joined to `base`), else to `base`; `root` as for `absolute`. Sanitising it
    again changes nothing.
    "" where there is nothing to see. Raises ParseError for HTML that is nested deeper than 256 elements, that is more
    than the `bounds` allow, or that reads differently each time it is read.
    """
    found = _pass(html, base, bounds, root)
    for _ in range(_PASSES):
        again = _pass(found, base, bounds, root)
        if again == found:
            return found
        found = again
    raise ParseError("HTML that reads differently each time, expected elements closed where they belong")


def is_page(text: str) -> bool:
    """Whether the text is a whole HTML page, whatever its file is called."""
    return _PAGE.match(text) is not None


def from_markdown(text: str, limit: int = 2 * USUAL.characters) -> str:
    """The HTML of a Markdown text: CommonMark, tables, strikethrough. Raw HTML stays, so sanitise the result.

    Raises ParseError for a text of more than 256 Ki characters, and where its HTML would have more than `limit`
    characters: one long link reference can be used ten thousand times.
    """
    if len(text) > MAX_MARKDOWN:
        raise ParseError(f"Markdown of {len(text)} characters, expected at most {MAX_MARKDOWN}")
    markdown = _markdown()
    environment: dict[str, Any] = {}
    tokens = markdown.parse(text, environment)
    if sum(map(_size, tokens)) > limit:
        raise ParseError(f"Markdown that makes HTML of more than {limit} characters")
    return str(markdown.renderer.render(tokens, markdown.options, environment))


def as_written(text: str) -> str:
    """The HTML that shows a text as it is written: for markup that nothing here reads."""
    return f"<pre>{escape(text, quote=False)}</pre>"


def player(embed: str, base: str, root: str = "") -> tuple[str, int | None, int | None] | None:
    """The first http(s) iframe in an embed code that can be seen: its URL, width and height (pixels, None: not said).

    A relative URL is joined to `base`, with `root` as for `absolute`; where that is "", it is none.
    """
    from lxml import etree

    if "<" not in embed or len(embed) > MAX_EMBED:
        return None
    target: Any = _Frames()
    etree.HTML(legal(embed), etree.HTMLParser(target=target))
    for frame in target.found:
        url = absolute(frame.get("src", ""), base, root)
        if url and not is_hidden("iframe", frame, style_of(frame)):
            return url, _pixels(frame.get("width", "")), _pixels(frame.get("height", ""))
    return None


@cache
def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt

    # Its own limit of 65,536 takes more than a second to a kilobyte. The package has a function of the module's name.
    tables: Any = import_module("markdown_it.rules_block.table")
    tables.MAX_AUTOCOMPLETED_CELLS = MAX_MISSING_CELLS
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def _size(token: Token) -> int:
    """At least how many characters of HTML a token makes."""
    attributes = sum(len(str(value)) for value in token.attrs.values())
    return len(token.tag) + attributes + (sum(map(_size, token.children)) if token.children else len(token.content))


def _pass(html: str, base: str, bounds: Bounds, root: str) -> str:
    """One reading: what can be seen, then only what nh3 knows to be harmless."""
    import nh3
    from lxml import etree

    target: Any = Visible(base, bounds, root)
    seen: Any = etree.HTML(legal(html), etree.HTMLParser(target=target))
    return nh3.clean(
        legal(seen), tags=TAGS, attributes=ATTRIBUTES, link_rel=None, url_schemes={"http", "https", "mailto"}
    ).strip()


class _Frames:
    """A target for lxml's HTML parser that gathers the attributes of each iframe."""

    def __init__(self) -> None:
        self.found: list[dict[str, str]] = []

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "iframe":
            self.found.append(dict(attributes))

    def close(self) -> None: ...


def _pixels(text: str) -> int | None:
    found = re.fullmatch(r"\s*([0-9]{1,6})(?:px)?\s*", text)
    return int(found[1]) if found and 0 < int(found[1]) <= MAX_PIXELS else None
