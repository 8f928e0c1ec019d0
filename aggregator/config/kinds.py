"""The kinds of value that a configuration holds.

Each is read from a text by a function that raises ValueError with what was expected. The types below the
functions carry them; keys are declared with these.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Annotated, TypeAlias

from msgspec import UNSET

from aggregator.text.urls import absolute

_FLAGS = {"yes": True, "on": True, "true": True, "no": False, "off": False, "false": False}
_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}  # milliseconds
_SIZES = {"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_LONGEST = timedelta(days=36_525)

_DURATION = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)(ms|s|m|h|d)")
_SIZE = re.compile(r"([0-9]{1,15}) ?(|B|KiB|MiB|GiB)")
_COUNT = re.compile(r"-?[0-9]{1,15}")
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")
_URL_START = re.compile(r"https?://[^/?#]*", re.IGNORECASE)


def text(text: str) -> str:
    """Any text, without white space around it."""
    return text.strip()


def line(text: str) -> str:
    """A text on one line that isn't empty."""
    if not (words := text.split()):
        raise ValueError("a text that isn't empty")
    return " ".join(words)


def flag(text: str) -> bool:
    """yes, on, true; no, off, false; in any case."""
    if (value := _FLAGS.get(text.strip().lower())) is None:
        raise ValueError("`yes` or `no`")
    return value


def count(text: str) -> int:
    """A whole number."""
    if not _COUNT.fullmatch(text.strip()):
        raise ValueError("a whole number")
    return int(text)


def size(text: str) -> int:
    """Bytes, at least 1: `500KiB`, `2MiB`, `1000000`."""
    if not (match := _SIZE.fullmatch(text.strip())) or not int(match[1]):
        raise ValueError("a size such as `500KiB`, `2MiB` or a number of bytes")
    return int(match[1]) * _SIZES[match[2]]


def duration(text: str) -> timedelta:
    """`500ms`, `0.1s`, `10m`, `2h`, `7d`; at most a hundred years, so that dates can be reckoned with it."""
    if not (match := _DURATION.fullmatch(text.strip())):
        raise ValueError("a duration such as `500ms`, `0.1s`, `10m`, `2h` or `7d`")
    milliseconds = float(match[1]) * _UNITS[match[2]]
    if milliseconds > _LONGEST / timedelta(milliseconds=1):
        raise ValueError(f"a duration of at most `{_LONGEST.days}d`")
    return timedelta(milliseconds=milliseconds)


def folder(text: str) -> Path:
    """A path as written; whoever knows the configuration's folder makes it absolute."""
    if not text.strip():
        raise ValueError("a path")
    if text.startswith("~"):
        raise ValueError("a path without `~`, such as `${HOME}/articles`")
    return Path(text)


def source(text: str) -> str:
    """A path as written, without superfluous parts."""
    return posixpath.normpath(folder(text))


def url(text: str) -> str:
    """An absolute http(s) URL."""
    written = text.strip()
    start = _URL_START.match(written)
    if not start or any(map(str.isspace, written)) or not (found := absolute(written, "")):
        raise ValueError("an absolute URL with a full host name, such as `https://feeds.example.org/`")
    if "@" in start[0]:
        raise ValueError("a URL without user name and password, as every feed would show them")
    return _URL_START.sub(lambda start: start[0].lower(), found)


def base_url(text: str) -> str:
    """An absolute http(s) URL that others are made from: it ends in a slash, without query and fragment."""
    written = url(text)
    if "?" in written or "#" in written:
        raise ValueError("a URL without `?` and `#`")
    return written.rstrip("/") + "/"


def one_of(*names: str) -> Callable[[str], str]:
    """One of these names."""

    def one(text: str) -> str:
        if text.strip() not in names:
            raise ValueError(" or ".join(f"`{name}`" for name in names))
        return text.strip()

    return one


def distinct(items: tuple[object, ...]) -> tuple[object, ...]:
    """A list in which nothing comes twice, as far as its items could be read."""
    known = [item for item in items if item is not UNSET]
    if len(known) > len(set(known)):
        raise ValueError("no item twice")
    return items


def language(text: str) -> str:
    """A language tag (RFC 5646), as far as its form goes."""
    if not _LANGUAGE.fullmatch(text.strip()):
        raise ValueError("a language tag such as `en` or `pt-BR`")
    return text.strip()


def zone(text: str) -> str:
    """The name of a time zone that this machine knows."""
    import zoneinfo  # only here: most configurations name no zone

    name = text.strip()
    try:
        if name != "UTC":  # known everywhere, also where no zones are installed
            zoneinfo.ZoneInfo(name)
    except (OSError, ValueError, zoneinfo.ZoneInfoNotFoundError):
        raise ValueError("a time zone such as `UTC` or `Europe/Berlin`") from None
    return name


Text: TypeAlias = Annotated[str, text]
Line: TypeAlias = Annotated[str, line]
Url: TypeAlias = Annotated[str, url]
BaseUrl: TypeAlias = Annotated[str, base_url]
Language: TypeAlias = Annotated[str, language]
Zone: TypeAlias = Annotated[str, zone]
SourcePath: TypeAlias = Annotated[str, source]
Folder: TypeAlias = Annotated[Path, folder]
Flag: TypeAlias = Annotated[bool, flag]
Count: TypeAlias = Annotated[int, count]
Size: TypeAlias = Annotated[int, size]
Duration: TypeAlias = Annotated[timedelta, duration]
