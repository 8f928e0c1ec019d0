"""URLs: as feeds show them, and the one spelling under which those of an article are the same."""

from __future__ import annotations

import re
from fnmatch import translate
from urllib.parse import quote, urljoin

from aggregator.text.plain import quoted

TRACKING: tuple[str, ...] = (
    "utm_*",  # Google Analytics, and everyone after it
    "mtm_*",  # Matomo
    "piwik_*",
    "pk_campaign",
    "pk_kwd",
    "pk_source",
    "pk_medium",
    "pk_content",
    "pk_cid",
    "hsa_*",  # HubSpot
    "_hsenc",
    "_hsmi",
    "__hssc",
    "__hstc",
    "__hsfp",
    "hsctatracking",
    "fbclid",  # Facebook, Instagram
    "fb_action_ids",
    "fb_action_types",
    "igshid",
    "igsh",
    "gclid",  # Google Ads
    "gclsrc",
    "gbraid",
    "wbraid",
    "dclid",
    "_ga",
    "_gl",
    "msclkid",  # Microsoft
    "ocid",
    "wt.mc_id",
    "yclid",  # Yandex
    "_openstat",
    "ysclid",
    "twclid",  # X
    "ttclid",  # TikTok
    "li_fat_id",  # LinkedIn
    "mc_cid",  # Mailchimp
    "mc_eid",
    "mkt_tok",  # Marketo
    "vero_id",
    "vero_conv",
    "ck_subscriber_id",
    "oly_anon_id",
    "oly_enc_id",
    "rb_clickid",
    "s_cid",  # Adobe
    "wickedid",
)
"""The query parameters that say how a reader came, not what they read; names as for `fnmatch`, any case."""

MAX_LENGTH = 8192  # RFC 9110 section 4.1 asks for at least 8000

_TRACKING = re.compile("|".join(map(translate, TRACKING)), re.IGNORECASE)

# RFC 3986 as far as feeds need it: a host of several labels or localhost, no user, no address literals.
_PATH = r"[\w.~!$&'()*+,;=:@/-]*+(?:%[0-9A-Fa-f]{2}[\w.~!$&'()*+,;=:@/-]*+)*+"
_QUERY = _PATH.replace("@/", "@/?")
_LEGAL = re.compile(
    r"(?-i:https?)://(?P<host>(?:[\w-]{1,63}\.)+[a-z0-9-]{1,63}\.?|localhost)(?P<port>:[0-9]{1,5})?"
    rf"(?:/{_PATH})?(?:\?{_QUERY})?(?:#{_QUERY})?",
    re.IGNORECASE | re.ASCII,
)
_PARTS = re.compile(r"(https?)://([^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?", re.IGNORECASE)
_HAS_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_DROPPED = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_STRAY_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")
_KEPT = "!$&'()*+,;=:@/%~"

# The plain URL that most are: nothing but a host and a path of unreserved characters.
_PLAIN = re.compile(r"https?://(?:www\.)*+([a-z0-9-]++(?:\.[a-z0-9-]++)++(?:/(?!\.)[a-zA-Z0-9._~-]*+)*+)", re.ASCII)
_CANONICAL = re.compile(r"https?://((?:[^/?:.]+\.)*[^/?:.]+)\.?(?::(?:80|443)(?![0-9]))?([^?]*)(?:\?(.*))?")
_ESCAPED = str.maketrans({"[": "%5B", "]": "%5D", "|": "%7C"})


def absolute(url: str, base: str) -> str | None:
    """The URL as it is written, made a legal absolute http(s) URL in ASCII (RFC 3986).

    A relative one is joined to `base`; where that is "", only `//host/path` can be used (as https). White
    space, control characters, user and password go, illegal characters are escaped, international hosts
    become punycode. None where it isn't http(s), where its host is neither `localhost` nor of several labels,
    and where it is longer than 8192 characters.
    """
    found = _LEGAL.fullmatch(url)
    if not found or found["port"] or len(url) > MAX_LENGTH:
        return _mended(url, base)
    return url


def canonical(url: str) -> str:
    """The key of an absolute URL: all spellings of one address have the same (design section 5.1)."""
    found = _PLAIN.fullmatch(url)
    return f"https://{found[1].rstrip('/')}" if found else _thorough(url)


def names_article(canonical: str) -> bool:
    """Whether a canonical URL can name one article: it has a path or a query, not only a host."""
    return canonical.find("/", 8) > 0 or "?" in canonical


def host(url: str) -> str:
    """The host of an absolute URL, in lower case, without port."""
    found = _LEGAL.match(url)
    return found["host"].lower() if found else ""


def _mended(url: str, base: str) -> str | None:
    url = _DROPPED.sub("", url.strip())
    if not url or len(url) > MAX_LENGTH:
        return None
    # Browsers read `\` as `/` before the query; read otherwise, `http://a.com\@b.com/` names another host.
    before, mark, query = url.partition("?")
    url = before.replace("\\", "/") + mark + query
    try:
        if not _HAS_SCHEME.match(url):
            url = urljoin(base or "https:", url)
        parts = _PARTS.fullmatch(url)
        if not parts:
            return None
        scheme, authority, *tail = parts.groups("")
        return _checked(scheme.lower(), authority.rpartition("@")[2], *map(_escaped, tail))
    except ValueError:  # from urljoin or the idna codec
        return None


def _checked(scheme: str, authority: str, path: str, query: str, fragment: str) -> str | None:
    name, _, port = authority.partition(":")
    if not name.isascii():
        name = name.encode("idna").decode()
    if port:
        if not port.isdecimal() or int(port) > 65535:
            return None
        port = f":{int(port)}"
    url = f"{scheme}://{name}{port}{path}{query}{fragment}"
    return url if _LEGAL.fullmatch(url) and len(url) <= MAX_LENGTH else None


def _escaped(part: str) -> str:
    mark = part[:1]
    return mark + quote(_STRAY_PERCENT.sub("%25", part[1:]), safe=_KEPT + "?")


def _thorough(url: str) -> str:
    from w3lib.url import canonicalize_url

    found = _CANONICAL.fullmatch(canonicalize_url(url))
    if not found:
        raise ValueError(f"no absolute http(s) URL: {quoted(url)}")
    name, path, query = found.groups("")
    while name.startswith("www.") and name.count(".") > 1:
        name = name[4:]
    told = [pair for pair in query.split("&") if pair and not _TRACKING.match(pair.partition("=")[0])]
    return f"https://{name}{path.rstrip('/').translate(_ESCAPED)}{'?' if told else ''}{'&'.join(told)}"
