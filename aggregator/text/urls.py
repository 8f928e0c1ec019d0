"""URLs: as feeds show them, and the one spelling under which those of an article are the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase, translate
from functools import cache
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, unquote, unquote_plus

from aggregator.text.addresses import DOTS, cleaned, joined
from aggregator.text.fragments import named_part
from aggregator.text.hosts import Redirector, Rules, moves_paths, rules
from aggregator.text.plain import quoted
from aggregator.text.tracking import TRACKING

MAX_LENGTH = 8192  # RFC 9110 section 4.1 asks for at least 8000
MAX_DEPTH = 5  # a redirector to a redirector is met, more are a game

# RFC 3986 as far as feeds need it: a host of several labels or localhost, no user, no address literals.
_PATH = r"[\w.~!$&'()*+,;=:@/-]*+(?:%[0-9A-Fa-f]{2}[\w.~!$&'()*+,;=:@/-]*+)*+"
_QUERY = _PATH.replace("@/", "@/?")
_LEGAL = re.compile(
    r"(?-i:https?)://(?P<host>(?:[\w-]{1,63}\.)+[a-z0-9-]{1,63}\.?|localhost)(?P<port>:[0-9]{1,5})?"
    rf"(?:/{_PATH})?(?:\?{_QUERY})?(?:#{_QUERY})?",
    re.IGNORECASE | re.ASCII,
)
_PARTS = re.compile(r"(https?)://([^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?", re.IGNORECASE)
_DEVIATIONS = re.compile("([ßς])")
_STRAY_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")
_KEPT = "!$&'()*+,;=:@/%~"

# The plain URL that most are: nothing but a host and a path of unreserved characters.
_PLAIN = re.compile(r"https?://(?:www\.)*+(([a-z0-9-]++(?:\.[a-z0-9-]++)++)(?:/(?!\.)[a-zA-Z0-9._~-]*+)*+)", re.ASCII)
_CANONICAL = re.compile(r"https?://((?:[^/?:.]+\.)*[^/?:.]+)\.?(?::(?:80|443)(?![0-9]))?(:[0-9]+)?([^?]*)(?:\?(.*))?")
# A page that says so here is the article's, as AMP; in its path it may be one about guitars.
_AMP = re.compile("amp=1?|outputtype=amp", re.IGNORECASE)
_AMP_PATH = re.compile(r"\A([^?]*?)/amp/*(?=\?|\Z)")
_WILD = re.compile(r"[*?[]")
_HTTP = re.compile("https?://", re.IGNORECASE)
_ESCAPED = str.maketrans({"[": "%5B", "]": "%5D", "|": "%7C"})


def absolute(url: str, base: str, root: str = "") -> str | None:
    """The URL as it is written, made a legal absolute http(s) URL in ASCII (RFC 3986).

    A relative one is joined to `base` (with a path from the root below `root`, where the base is), one that only lacks
    its scheme gets https; where `base` is "", only the latter and `//host/path` can be used. White space and what
    nobody can see, user and password go, entities are decoded, illegal characters are escaped, international hosts
    become punycode. None where it isn't http(s), where its host is neither `localhost` nor of several labels,
    and where it is longer than 8192 characters.
    """
    found = _LEGAL.fullmatch(url)
    if not found or found["port"] or ";" in url or len(url) > MAX_LENGTH:  # `;` may end an entity
        return _mended(url, base, root)
    return url


def again(url: str) -> str:
    """An absolute URL as `absolute` gives it today; one that an earlier version took and this one doesn't stays."""
    return absolute(url, "") or url


def canonical(url: str, tracking: tuple[str, ...] = ()) -> str:
    """The key of an absolute URL: all spellings of one address have the same (design section 5.1).

    `tracking` are patterns of parameters that go besides those of `TRACKING`. What redirectors and AMP caches only
    pass on has the key of the URL that they hold, unless more than 5 of them stand in each other. A fragment stays
    where it names a part of the page (`page_of` gives the key of the whole).
    """
    found = _PLAIN.fullmatch(url)
    if found and not moves_paths(found[2]):
        return f"https://{found[1].rstrip('/')}"
    return _thorough(url, tracking)


def names_article(canonical: str) -> bool:
    """Whether a canonical URL can name one article: it has a path or a query, or a fragment that is a program's path,
    not only a host.
    """
    target = canonical[8:]
    return "/" in target or "?" in target or "#!" in target


def page_of(canonical: str) -> str:
    """The key of the page that a canonical URL names a part of; without a fragment, the URL itself."""
    return canonical.partition("#")[0]


def host(url: str) -> str:
    """The host of an absolute URL, in lower case, without port."""
    found = _LEGAL.match(url)
    return found["host"].lower() if found else ""


def _mended(url: str, base: str, root: str) -> str | None:
    url = cleaned(url) if len(url) <= 2 * MAX_LENGTH else ""
    if not url or len(url) > MAX_LENGTH:
        return None
    # Browsers read `\` as `/` before the query; read otherwise, `http://a.com\@b.com/` names another host.
    before, mark, query = url.partition("?")
    url = before.replace("\\", "/") + mark + query
    try:
        parts = _PARTS.fullmatch(joined(url, base, root))
        if not parts:
            return None
        scheme, authority, *tail = parts.groups("")
        return _checked(scheme.lower(), authority.rpartition("@")[2], *map(_escaped, tail))
    except ValueError:  # from urljoin or the idna codec
        return None


def _checked(scheme: str, authority: str, path: str, query: str, fragment: str) -> str | None:
    name, _, port = authority.partition(":")
    if not name.isascii():
        name = ".".join(map(_in_ascii, DOTS.split(name)))
    if port:
        if not port.isdecimal() or int(port) > 65535:
            return None
        port = f":{int(port)}"
    url = f"{scheme}://{name}{port}{path}{query}{fragment}"
    return url if _LEGAL.fullmatch(url) and len(url) <= MAX_LENGTH else None


def _in_ascii(label: str) -> str:
    """The label of a host by IDNA 2003, but with ß and ς kept as browsers do (UTS 46): `faß` isn't `fass`."""
    pieces = _DEVIATIONS.split(label)
    if len(pieces) == 1:
        return label.encode("idna").decode()
    from encodings.idna import nameprep

    kept = "".join(piece if piece in "ßς" else nameprep(piece) for piece in pieces)
    return f"xn--{kept.encode('punycode').decode()}"


def _escaped(part: str) -> str:
    mark = part[:1]
    return mark + quote(_STRAY_PERCENT.sub("%25", part[1:]), safe=_KEPT + "?")


class _Key(NamedTuple):
    host: str
    path: str
    query: str

    def __str__(self) -> str:
        return f"https://{self.host}{_target(self.path, self.query)}"


def _thorough(url: str, tracking: tuple[str, ...] = ()) -> str:
    first = (key, part) = _key(url, tracking), _part(url, tracking)
    for _ in range(MAX_DEPTH + 1):
        own = rules(key.host)
        held = own and _held(key, url, own)
        if not held:
            return _spelled(key) + part
        url, key, part = held, _key(held, tracking), _part(held, tracking)
    return _spelled(first[0]) + first[1]


def _part(url: str, tracking: tuple[str, ...]) -> str:
    """The fragment of a URL, with its `#`, as keys have it; "" where it names no part of the page."""
    _, mark, fragment = url.partition("#")
    part = named_part(fragment, _tracks(tracking)) if mark else ""
    return f"#{part}" if part else ""


def _key(url: str, tracking: tuple[str, ...]) -> _Key:
    """The key but for the host's own spellings."""
    plain = _PLAIN.fullmatch(url)
    host, path, query = (plain[2], plain[1][len(plain[2]) :].rstrip("/"), "") if plain else _parts(url)
    own = rules(host)
    if own:
        host = own.host
        tracking += own.tracking
    if query:
        tracks = _tracks(tracking)
        told = [pair for pair in query.split("&") if pair and not tracks(pair.partition("=")[0])]
        query = "&".join(pair for pair in told if not _AMP.fullmatch(pair))
    return _Key(host, path, query)


def _parts(url: str) -> tuple[str, str, str]:
    """Host (with its port, if that isn't the default one), path and query, each in the form that all hosts share."""
    host, path, query = parts = _once(url)
    # w3lib resolves `..` with a parameter only at the end of a path, which `/` or `;` behind it may have hidden.
    while "/." in path and (again := _once(f"https://{host}{_target(path, query)}")) != parts:
        host, path, query = parts = again
    return parts


def _once(url: str) -> tuple[str, str, str]:
    from w3lib.url import canonicalize_url

    found = _CANONICAL.fullmatch(canonicalize_url(url))
    if not found:
        raise ValueError(f"no absolute http(s) URL: {quoted(url)}")
    host, port, path, query = found.groups("")
    while host.startswith("www.") and host.count(".") > 1:
        host = host[4:]
    return host + port, path.rstrip("/;").translate(_ESCAPED), query  # w3lib drops one last `;` each time


@cache
def _tracks(tracking: tuple[str, ...]) -> Callable[[str], bool]:
    """What tells the names of tracking parameters, as they stand in a key: those of `TRACKING`, and these."""
    patterns = {name.lower() for name in (*TRACKING, *tracking)}
    names = {name for name in patterns if not _WILD.search(name)}
    others = re.compile("|".join(map(translate, sorted(patterns - names)))).match

    def tracks(name: str) -> bool:
        name = unquote_plus(name).lower()
        return name in names or others(name) is not None

    return tracks


def _target(path: str, query: str) -> str:
    return f"{path}?{query}" if query else path


def _spelled(key: _Key) -> str:
    """The key as its host spells the page."""
    own = rules(key.host)
    if own and own.spellings:
        target = _target(key.path, key.query)
        for pattern, spelling in own.spellings:
            found = pattern.fullmatch(target)
            if found:
                spelled = spelling.format(*found.groups())
                return f"https:{spelled}" if spelled.startswith("//") else f"https://{key.host}{spelled}"
    return str(key)


def _held(key: _Key, url: str, own: Rules) -> str | None:
    """The URL of the page that this one only passes on, absolute and legal; None if it is a page itself."""
    query = url.partition("#")[0].partition("?")[2]
    for written in _written(key.path, query, own):
        if _HTTP.match(written):
            held = absolute(written, "")
            if held:
                return held
    return None


def _written(path: str, query: str, own: Rules) -> Iterator[str]:
    """What may be the URL of another page; `query` is as written, since order tells where a URL in it ends."""
    target = _target(path, query)
    for pattern in own.caches:
        if found := pattern.fullmatch(target):
            yield _AMP_PATH.sub(r"\1", f"https://{found[1]}", count=1)
    for pattern in own.verbatim:
        if found := pattern.fullmatch(target):
            yield found[1]
    for redirector in own.redirectors:
        if any(fnmatchcase(path or "/", pattern) for pattern in redirector.paths):
            yield from _parameters(query, redirector)


def _parameters(query: str, redirector: Redirector) -> list[str]:
    """The values of the parameters that hold a URL, of those that are given once."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict")
        values = [{value for name, value in pairs if name == parameter} for parameter in redirector.parameters]
        single = [value for (value,) in filter(lambda found: len(found) == 1, values)]
        if not redirector.signs:
            return single
        signs = str.maketrans(redirector.signs, "%/")
        return [unquote(value.translate(signs), errors="strict") for value in single]
    except UnicodeDecodeError:  # guessed at, two pages could be taken for one
        return []
