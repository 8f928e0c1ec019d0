"""Fragments of URLs: which name a part of a page, and which only say how a reader came or where the page begins."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote, unquote

NOISE: tuple[str, ...] = (
    "[0-9]",  # the BBC's feeds number their visits
    "comments?|comments?-(?:[0-9]+|area|form|list|section)|respond|reply-title",  # WordPress and its themes
    "disqus_thread|isso-thread|giscus|discussion",
    "more|more-[0-9]+",  # WordPress: where the teaser ends
    "top|content|main|main-content|maincontent|page|primary",  # HTML: the top of a page; links that skip its head
    "_=_",  # Facebook, after a login
    r"\.[\w-]{8,16}(?:\.\w+)?",  # AddThis
)
"""Patterns of whole fragments, in any case, under which a page is still the page itself."""

PARAMETERS = frozenset(
    {
        *("xtor", "echobox"),  # AT Internet; Echobox
        *("t", "xywh"),  # Media Fragments URI 1.0: a time or a place in a recording
        # viewers of AMP pages (AMP for the web, `viewer` parameters)
        *("amp", "amp_tf", "amp_ct", "amp_agsa", "ampshare", "aoh", "csi", "development", "referrer", "origin"),
        *("visibilitystate", "prerendersize", "viewerurl", "webview", "dialog", "cap", "history"),
    }
)
"""The names of parameters in a fragment that name no part of the page, besides the tracking parameters of queries."""

_NOISE = re.compile("|".join(NOISE), re.IGNORECASE | re.ASCII)
_DIRECTIVE = ":~:"  # URL Fragment Text Directives: what a browser is to mark
_KEPT = "!$&'()*+,;=:@/?~"


def named_part(fragment: str, tracks: Callable[[str], bool]) -> str:
    """The part of a page that a fragment names, in the one spelling that all of its spellings share; "": none.

    A fragment may name another resource than its page (RFC 3986 section 3.5): an entry of a changelog, a page of a
    program that runs in the browser. `tracks` tells the names of tracking parameters.
    """
    part, shorter = "", unquote(fragment.partition(_DIRECTIVE)[0], errors="surrogateescape")
    while part != shorter:  # what was cut off may have hidden more of its kind
        part, shorter = shorter, _without_noise(shorter, tracks)
    return quote(part, safe=_KEPT, errors="surrogateescape")


def _without_noise(part: str, tracks: Callable[[str], bool]) -> str:
    """A fragment without tracking parameters, behind its path if it has one; "" where it is all noise."""
    path, mark, query = part.partition("?")
    if mark:
        query = _untracked(query, tracks)
        part = f"{path}?{query}" if query else path
    else:
        part = _untracked(part, tracks)
    part = part.strip()
    return "" if _NOISE.fullmatch(part) else part


def _untracked(pairs: str, tracks: Callable[[str], bool]) -> str:
    """Pairs of name and value, such as `a=1&b=2`, without those that track."""
    kept = [pair for pair in pairs.split("&") if pair and not _is_noise(pair, tracks)]
    return "&".join(kept)


def _is_noise(pair: str, tracks: Callable[[str], bool]) -> bool:
    name, mark, _ = pair.partition("=")
    return bool(mark) and (name.lower() in PARAMETERS or tracks(name))
