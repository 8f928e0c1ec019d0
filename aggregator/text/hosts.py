"""What is known of single hosts: how they spell a page, how they count readers, where they only pass them on.

Tables, and the look-up of what they say of one host. A row is here only if it is certain: two different pages
must never get one key. A host in a row means itself; with a dot in front, itself and all below it. None is
written with `www.`, as no key has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from aggregator.text.tracking import BY_HOST, STACK_EXCHANGE

_Row = TypeVar("_Row", bound=tuple[Any, ...])

# fmt: off
_GOOGLE = tuple(f"google.{end}" for end in (
    "com", "ca", "de", "fr", "it", "es", "nl", "be", "at", "ch", "pl", "pt", "se", "no", "dk", "fi", "ie", "gr", "cz",
    "hu", "ro", "ru", "sk", "si", "hr", "bg", "lt", "lv", "ee", "lu", "rs", "cl", "co.in", "co.uk", "co.jp", "co.kr",
    "co.za", "co.nz", "co.id", "co.il", "co.th", "co.ke", "com.au", "com.br", "com.mx", "com.ar", "com.tr", "com.tw",
    "com.hk", "com.sg", "com.my", "com.ph", "com.vn", "com.ua", "com.eg", "com.sa", "com.ng", "com.pk", "com.bd",
    "com.co", "com.pe",
))
_AMAZON = tuple(f"amazon.{end}" for end in (
    "com", "ca", "de", "fr", "it", "es", "nl", "pl", "se", "ae", "sa", "sg", "eg", "in", "cn", "ie", "com.be", "com.au",
    "com.br", "com.mx", "com.tr", "co.uk", "co.jp", "co.za",
))
# fmt: on
_WIKIS = ("wikipedia", "wiktionary", "wikinews", "wikiquote", "wikibooks", "wikisource", "wikivoyage", "wikiversity")

MIRRORS: dict[str, str] = {
    "m.youtube.com": "youtube.com",
    "youtube-nocookie.com": "youtube.com",
    "twitter.com": "x.com",
    "m.twitter.com": "x.com",
    "mobile.twitter.com": "x.com",
    "mobile.x.com": "x.com",
    "m.facebook.com": "facebook.com",
    "mbasic.facebook.com": "facebook.com",
    "touch.facebook.com": "facebook.com",
    "web.facebook.com": "facebook.com",
    "old.reddit.com": "reddit.com",
    "new.reddit.com": "reddit.com",
    "np.reddit.com": "reddit.com",
    "m.reddit.com": "reddit.com",
    "i.reddit.com": "reddit.com",
    "amp.reddit.com": "reddit.com",
    "m.soundcloud.com": "soundcloud.com",
    "m.vk.com": "vk.com",
    **{f".m.{wiki}.org": f".{wiki}.org" for wiki in _WIKIS},
    ".m.wikimedia.org": ".wikimedia.org",
    "m.wikidata.org": "wikidata.org",
    "export.arxiv.org": "arxiv.org",
    "dx.doi.org": "doi.org",
    "docs.microsoft.com": "learn.microsoft.com",
    "mobile.nytimes.com": "nytimes.com",
    "amp.theguardian.com": "theguardian.com",
    "guardian.co.uk": "theguardian.com",
    "amp.ft.com": "ft.com",
    "amp.scmp.com": "scmp.com",
    "edition.cnn.com": "cnn.com",
    "m.bbc.com": "bbc.com",
    "m.bbc.co.uk": "bbc.co.uk",
    **{f"smile.amazon.{end}": f"amazon.{end}" for end in ("com", "de", "co.uk")},
}
"""Hosts that show the pages of another one, under the same paths; a dot in front: all below it, and what they keep."""

_VIDEO = r"(?!videoseries|live_stream)([\w-]{11})"  # a playlist and a channel, of a length with videos
_ANY = r"(?:\?.*)?"
_ARXIV = r"((?:[a-z-]+(?:\.[A-Z]{2})?/\d{7}|\d{4}\.\d{4,5})(?:v\d+)?)"

SPELLINGS: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (("youtube.com", "music.youtube.com"), rf"/watch\?(?:.*&)?v={_VIDEO}(?:&.*)?", "//youtube.com/watch?v={}"),
    (("youtube.com",), rf"/(?:embed|shorts|live|v)/{_VIDEO}(?:[?&].*)?", "/watch?v={}"),
    (("youtu.be",), rf"/{_VIDEO}(?:[?&].*)?", "//youtube.com/watch?v={}"),
    (("player.vimeo.com",), rf"/video/(\d+){_ANY}", "//vimeo.com/{}"),
    (("vimeo.com",), rf"/(?:channels/[^/?]+/)?(\d+)(?:/[0-9a-f]{{10}})?{_ANY}", "/{}"),
    (("dailymotion.com",), rf"/(?:embed/)?video/([a-z0-9]+)(?:_[^/?]*)?{_ANY}", "/video/{}"),
    (("dai.ly",), rf"/([a-z0-9]+){_ANY}", "//dailymotion.com/video/{}"),
    (("tiktok.com",), rf"/(?:@[^/?]*/video|embed(?:/v2)?|player/v1)/(\d+){_ANY}", "/@/video/{}"),
    (("m.tiktok.com",), rf"/v/(\d+)\.html{_ANY}", "//tiktok.com/@/video/{}"),
    (("x.com",), rf"(?:/i/web|/\w+)?/status(?:es)?/(\d+)(?:/(?:photo|video)/\d)?{_ANY}", "/i/status/{}"),
    (("instagram.com",), rf"(?:/[\w.]+)?/(?:p|reel|reels|tv)/([\w-]{{11}})(?:/embed)?{_ANY}", "/p/{}"),
    (("reddit.com",), rf"(?:/(?:r|u|user)/[^/?]+)?/comments/([a-z0-9]+)(?:/[^/?.][^/?]*)?{_ANY}", "/comments/{}"),
    (("redd.it",), rf"/([a-z0-9]+){_ANY}", "//reddit.com/comments/{}"),
    ((".medium.com",), rf"/(?:p/|(?:[^/?]+/)?[^/?]+-)([0-9a-f]{{12}}){_ANY}", "//medium.com/p/{}"),
    (("open.substack.com",), rf"/pub/([a-z0-9-]+)/p/([^/?]+){_ANY}", "//{}.substack.com/p/{}"),
    (
        ("open.spotify.com",),
        rf"(?:/intl-[a-z]+)?(?:/embed(?:-podcast)?)?/(track|album|artist|playlist|episode|show)/(\w{{22}}){_ANY}",
        "/{}/{}",
    ),
    (STACK_EXCHANGE, rf"/questions/(\d+)(?:/(?!\d+(?:\?|$))[^/?]*)?{_ANY}", "/questions/{}"),
    (STACK_EXCHANGE, rf"/q/(\d+)(?:/\d+)?{_ANY}", "/questions/{}"),
    (("arxiv.org",), rf"/(?:abs|pdf|html|format)/{_ARXIV}(?:\.pdf)?{_ANY}", "/abs/{}"),
    (("doi.org",), rf"/10\.48550/(?i:arxiv)\.{_ARXIV}", "//arxiv.org/abs/{}"),
    (_AMAZON, r"(?:/[^/?]+)?/dp/([A-Z0-9]{10})(?:[/?].*)?", "/dp/{}"),
    (_AMAZON, r"/(?:gp/product|gp/aw/d|exec/obidos/ASIN|o/ASIN)/([A-Z0-9]{10})(?:[/?].*)?", "/dp/{}"),
    (("bbc.co.uk",), r"(/(?:news|sport)/.+)", "//bbc.com{}"),
)
"""Hosts, the path and query of a page as one pattern, and its one spelling; with `//` in front, under another host.

The pattern meets a key, so parameters are sorted and those for tracking gone. The first that fits counts, and must
leave its own spelling as it is.
"""


class Redirector(NamedTuple):
    """Hosts that pass readers on."""

    hosts: tuple[str, ...]
    paths: tuple[str, ...]  # as for `fnmatch`
    parameters: tuple[str, ...]  # that hold the URL, best first
    signs: str = ""  # which stand in it for `%` and `/`


REDIRECTORS: tuple[Redirector, ...] = (
    Redirector(tuple(f".{host}" for host in _GOOGLE), ("/url", "/scholar_url", "/news/url"), ("url", "q")),
    Redirector(("bing.com",), ("/news/apiclick.aspx",), ("url",)),
    Redirector(("duckduckgo.com",), ("/l",), ("uddg",)),
    Redirector(
        ("facebook.com", "l.facebook.com", "lm.facebook.com", "l.messenger.com", "l.workplace.com"), ("/l.php",), ("u",)
    ),
    Redirector(("facebook.com",), ("/flx/warn",), ("u",)),
    Redirector(("l.instagram.com", "l.threads.net", "l.threads.com"), ("/",), ("u",)),
    Redirector(("youtube.com",), ("/redirect",), ("q",)),
    Redirector(("out.reddit.com",), ("/*",), ("url",)),
    Redirector(("linkedin.com",), ("/redir/redirect", "/safety/go"), ("url",)),
    Redirector(("pinterest.com",), ("/offsite",), ("url",)),
    Redirector(("t.umblr.com",), ("/redirect",), ("z",)),
    Redirector(("medium.com",), ("/m/global-identity", "/m/global-identity-2"), ("redirectUrl",)),
    Redirector(("medium.com",), ("/r",), ("url",)),
    Redirector(("slack-redir.net",), ("/link",), ("url",)),
    Redirector(("vk.com", "away.vk.com"), ("/away.php", "/away"), ("to",)),
    Redirector(("t.me",), ("/iv",), ("url",)),
    Redirector(("steamcommunity.com",), ("/linkfilter",), ("url", "u")),
    Redirector(("exit.sc", "gate.sc"), ("/",), ("url",)),
    Redirector(("link.zhihu.com", "link.juejin.cn", "link.csdn.net"), ("/",), ("target",)),
    Redirector(("getpocket.com",), ("/redirect",), ("url",)),
    Redirector(("go.skimresources.com", "go.redirectingat.com"), ("/",), ("url",)),
    Redirector(("redirect.viglink.com",), ("/",), ("u",)),
    Redirector(("deref-gmx.net", "deref-web.de"), ("/mail/client/*/dereferrer",), ("redirectUrl",)),
    Redirector((".safelinks.protection.outlook.com",), ("/", "/*"), ("url",)),
    Redirector(("statics.teams.cdn.office.net",), ("/evergreen-assets/safelinks/*/atp-safelinks.html",), ("url",)),
    Redirector(("urldefense.proofpoint.com",), ("/v1/url",), ("u",)),
    Redirector(("urldefense.proofpoint.com", "urldefense.com"), ("/v2/url",), ("u",), signs="-_"),
)
"""Where readers are only passed on, and the URL they are passed on to is a parameter."""

VERBATIM: tuple[tuple[tuple[str, ...], str], ...] = (
    (("href.li",), r"\?((?i:https?)://.+)"),
    (("deviantart.com",), r"/users/outgoing\?((?i:https?)://.+)"),
    (("urldefense.com", "urldefense.us"), r"/v3/__((?i:https?)://[^*]+?)__;!!.*"),
)
"""Hosts, and the pattern of path and query in which the URL that they pass readers on to stands as it is.

In those of urldefense, `*` is a character that is told behind the URL.
"""

CACHES: tuple[tuple[tuple[str, ...], str], ...] = (
    ((".cdn.ampproject.org", ".bing-amp.com"), r"/(?:c|i|v|wp)/(?:s/)?(.+)"),
    ((*_GOOGLE, "bing.com"), r"/amp/(?:s/)?(.+)"),
)
"""AMP caches and viewers, and the pattern of path and query in which the URL stands, without its scheme."""


class Rules(NamedTuple):
    """What the tables say of one host."""

    host: str  # the one that it mirrors, else itself
    tracking: tuple[str, ...]
    spellings: tuple[tuple[re.Pattern[str], str], ...]
    redirectors: tuple[Redirector, ...]
    verbatim: tuple[re.Pattern[str], ...]
    caches: tuple[re.Pattern[str], ...]


@lru_cache(maxsize=4096)
def rules(host: str) -> Rules | None:
    """What the tables say of a host, in lower case and without `www.`; None: nothing."""
    own = _mirrored(host)
    found = Rules(
        own,
        tuple(name for _, names in _rows(_TRACKING, own) for name in names),
        tuple((re.compile(pattern), spelling) for _, pattern, spelling in _rows(_SPELLINGS, own)),
        tuple(_rows(_REDIRECTORS, own)),
        tuple(re.compile(pattern) for _, pattern in _rows(_VERBATIM, own)),
        tuple(re.compile(pattern) for _, pattern in _rows(_CACHES, own)),
    )
    return found if own != host or any(found[1:]) else None


@lru_cache(maxsize=4096)
def moves_paths(host: str) -> bool:
    """Whether even a URL of this host that is only a path may have its key elsewhere."""
    own = rules(host)
    return own is not None and (own.host != host or bool(own.spellings or own.verbatim or own.caches))


def _by_host(table: Iterable[_Row]) -> dict[str, list[tuple[int, _Row]]]:
    """The rows by each of their hosts, with their place in the table."""
    found: dict[str, list[tuple[int, _Row]]] = {}
    for place, row in enumerate(table):
        for host in row[0]:
            found.setdefault(host, []).append((place, row))
    return found


_TRACKING = _by_host(BY_HOST)
_SPELLINGS = _by_host(SPELLINGS)
_REDIRECTORS = _by_host(REDIRECTORS)
_VERBATIM = _by_host(VERBATIM)
_CACHES = _by_host(CACHES)


def _rows(table: dict[str, list[tuple[int, _Row]]], host: str) -> list[_Row]:
    """The rows of a table that speak of a host, in their order."""
    found = [row for name in (host, *_endings(host)) for row in table.get(name, ())]
    return [row for _, row in sorted(found, key=lambda row: row[0])]


def _endings(host: str) -> list[str]:
    """The host and all above it, as the tables write them: with a dot in front."""
    labels = host.split(".")
    return ["." + ".".join(labels[place:]) for place in range(len(labels))]


def _mirrored(host: str) -> str:
    if host in MIRRORS:
        return MIRRORS[host]
    ending = next((ending for ending in _endings(host)[1:] if ending in MIRRORS), "")
    return host.removesuffix(ending) + MIRRORS[ending] if ending else host
