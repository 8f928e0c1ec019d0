"""Addresses as people write them: cleaned of what copying left in them, and completed where half of them is missing."""

from __future__ import annotations

import html
import re
from functools import lru_cache
from html.entities import html5
from urllib.parse import urljoin, urlsplit

from aggregator.text.unseen import seen

_REFERENCE = re.compile(r"&(#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
_AMPERSANDS = re.compile("&(?:(?:amp|#0*38|#x0*26);)+", re.IGNORECASE)
_MOST_TIMES = 4  # that an entity is escaped beside `&amp;amp;...`; more is a game
_DROPPED = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
# RFC 3986 appendix C, and what word processors make of quotes.
_AROUND = {"<": ">", '"': '"', "'": "'", "“": "”", "‘": "’", "„": "“", "«": "»"}

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_WEB = re.compile(r"https?:", re.IGNORECASE)
_END = re.compile("[/?#]")  # of a host, or of the first part of a path
_HOST = re.compile(r"(?P<name>[\w-]{1,63}(?:[.\u3002\uff0e\uff61][\w-]{1,63})+)\.?(?P<port>:[0-9]{0,5})?")
DOTS = re.compile("[.\u3002\uff0e\uff61]")  # RFC 3490 section 3.1
_MISPLACED = re.compile(r"""[\s()\[\]{}<>"',;!|*`]""")
_DOUBLED = re.compile(r"\.{2,}")
_WORD = re.compile(r"[\w~+%-]+")  # what most relative addresses begin with
_STARTS = ("http", "https", "www", "localhost")


def cleaned(address: str) -> str:
    """The address without what nobody can see, controls and the signs around it, its entities decoded.

    `&amp;` is decoded however often it was escaped, as no address means it; "" where others were more than 4 times.
    """
    address = _visible(address)
    if "&" in address and ";" in address:
        address = _decoded(address)
    for _ in range(_MOST_TIMES):
        if _AROUND.get(address[:1]) != address[1:][-1:]:
            break
        address = _visible(address[1:-1])
    return address


def joined(address: str, base: str, root: str = "") -> str:
    """The address made absolute: one that lacks its scheme gets https, a relative one is joined to `base` (RFC 3986).

    What begins with `www.`, or with a host's name that ends in a top-level domain, lacks its scheme; where nothing
    follows, an ending that files have too makes it a file. "" for what is neither: a colon in its first part (section
    4.2), `https//host/`, `name@host`, a host with signs in it.

    Where `base` is below `root`, a path from the root is below it too, unless it says so itself. A `base` of "" stands
    for none: then only `//host/path` and what lacks its scheme can be used.
    """
    first = _END.split(address, 1)[0]
    if not first:
        return urljoin(base or "https:", _below(address, base, root))
    if _WEB.match(first):
        return address
    rest = address[len(first) :]
    if _is_host(first, rest):
        return f"https://{address}"
    if _SCHEME.match(first):
        return address
    return urljoin(base or "https:", address) if _is_relative(first, rest) else ""


def _visible(address: str) -> str:
    return seen(_DROPPED.sub("", address).strip()).strip()


def _decoded(address: str) -> str:
    for _ in range(_MOST_TIMES + 1):
        again = _visible(_REFERENCE.sub(_character, _AMPERSANDS.sub("&", address)))
        if again == address:
            return address
        address = again
    return ""


def _character(reference: re.Match[str]) -> str:
    """What a reference stands for; one that HTML doesn't know stays."""
    name = reference[1]
    return html.unescape(reference[0]) if name[0] == "#" else html5.get(f"{name};", reference[0])


def _is_host(first: str, rest: str) -> bool:
    """Whether the first part of an address is the name of a host, maybe with a port."""
    host = None if _WORD.fullmatch(first) else _HOST.fullmatch(first)
    if not host:
        return False
    labels = DOTS.split(host["name"].lower())
    if labels[0] == "www":
        return len(labels) > 2 or not _is_page(labels[1])
    from aggregator.text.endings import FILES

    return _is_domain(labels[-1]) and (labels[-1] not in FILES or host["port"] is not None or rest[:1] == "/")


def _is_page(ending: str) -> bool:
    return ending in ("htm", "html", "xhtml", "php", "asp", "aspx", "jsp")


@lru_cache(maxsize=1024)
def _is_domain(ending: str) -> bool:
    """Whether a host's name can end so."""
    from aggregator.text.endings import DOMAINS, RESERVED

    try:
        return ending in RESERVED or ending.encode("idna").decode() in DOMAINS
    except UnicodeError:
        return False


def _is_relative(first: str, rest: str) -> bool:
    """Whether an address without a host can be meant to be relative, as its first part and what follows say."""
    if _WORD.fullmatch(first) and first.lower() not in _STARTS and not rest.startswith("//"):
        return True
    if ":" in first or first.lower() == "localhost":
        return False
    user, _, name = first.rpartition("@")
    if user and user[0] != "@" and _is_host(name, rest):  # `@name@host` is a path in the fediverse
        return False
    plain = _DOUBLED.sub(".", _MISPLACED.sub("", first))
    if plain != first and _is_host(plain, rest):
        return False
    if _is_numeric(first):
        return False
    second = _END.split(rest.lstrip("/"), 1)[0]
    is_started = first.lower() in _STARTS
    if rest.startswith("//"):
        return not (is_started or _is_host(second, "/"))
    return not (is_started and _is_host(second, "/"))


def _is_numeric(first: str) -> bool:
    """Whether it is the number of a host (RFC 3986 section 3.2.2)."""
    numbers = first.split(".")
    return len(numbers) == 4 and all(number.isdecimal() and int(number) < 256 for number in numbers)


def _below(address: str, base: str, root: str) -> str:
    """An address that begins with `/`, `?` or `#`; a path from the root as one below `root`, where `base` is."""
    if not root or not address.startswith("/") or address.startswith("//") or not _is_below(base, root):
        return address
    folder = urlsplit(root).path
    return address if f"{address}/".startswith(folder) else folder + address[1:]


def _is_below(url: str, root: str) -> bool:
    return f"{_bare(url)}/".startswith(_bare(root).rstrip("/") + "/")


def _bare(url: str) -> str:
    """The URL without scheme and `www.`, its host in lower case."""
    host, slash, path = url.partition("://")[2].partition("/")
    return host.lower().removeprefix("www.") + slash + path
