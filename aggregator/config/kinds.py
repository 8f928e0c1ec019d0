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

from aggregator.text import slugs
from aggregator.text.unseen import is_blank
from aggregator.text.urls import absolute

_FLAGS = {"yes": True, "on": True, "true": True, "no": False, "off": False, "false": False}
_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}  # milliseconds
_SIZES = {"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_LONGEST = timedelta(days=36_525)

_DURATION = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)(ms|s|m|h|d)")
_SIZE = re.compile(r"([0-9]{1,15}) ?(|B|KiB|MiB|GiB)")
_COUNT = re.compile(r"-?[0-9]{1,15}")
_NUMBER = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?")
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")
_PARAMETER = re.compile(r"(?=.*\w)[^\s=&#]+")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,128}")
_FEEDS = re.compile(r"all|[^/\s]+(/[^/\s]+)+|[^/\s]*[*?\[][^/\s]*")
_ADDRESS = re.compile(r"(localhost|[0-9.]+|\[[0-9A-Fa-f:]+\]):([0-9]{1,5})", re.IGNORECASE)
_URL_START = re.compile(r"https?://[^/?#]*", re.IGNORECASE)


class Unshown(ValueError):
    """What was expected, as all ValueErrors here say, in place of a secret, which isn't told."""


def text(written: str) -> str:
    """Any text, without white space around it."""
    return written.strip()


def line(written: str) -> str:
    """A text on one line in which there is something to see."""
    if is_blank(written):
        raise ValueError("a text that isn't empty")
    return " ".join(written.split())


def flag(written: str) -> bool:
    """yes, on, true; no, off, false; in any case."""
    if (value := _FLAGS.get(written.strip().lower())) is None:
        raise ValueError("`yes` or `no`")
    return value


def automatic(written: str) -> str:
    """`auto`; else `yes` or `no`, with the other spellings that these have."""
    word = written.strip().lower()
    if word == "auto":
        return word
    if (value := _FLAGS.get(word)) is None:
        raise ValueError("`auto`, `yes` or `no`")
    return "yes" if value else "no"


def count(written: str) -> int:
    """A whole number."""
    if not _COUNT.fullmatch(written.strip()):
        raise ValueError("a whole number")
    return int(written)


def number(written: str) -> float:
    """A number, with a point where it isn't whole."""
    if not _NUMBER.fullmatch(written.strip()):
        raise ValueError("a number such as `0.8`")
    return float(written)


def size(written: str) -> int:
    """Bytes, at least 1: `500KiB`, `2MiB`, `1000000`."""
    if not (match := _SIZE.fullmatch(written.strip())) or not int(match[1]):
        raise ValueError("a size such as `500KiB`, `2MiB` or a number of bytes")
    return int(match[1]) * _SIZES[match[2]]


def duration(written: str) -> timedelta:
    """`500ms`, `0.1s`, `10m`, `2h`, `7d`; at most a hundred years, so that dates can be reckoned with it."""
    if not (match := _DURATION.fullmatch(written.strip())):
        raise ValueError("a duration such as `500ms`, `0.1s`, `10m`, `2h` or `7d`")
    milliseconds = float(match[1]) * _UNITS[match[2]]
    if milliseconds > _LONGEST / timedelta(milliseconds=1):
        raise ValueError(f"a duration of at most `{_LONGEST.days}d`")
    return timedelta(milliseconds=milliseconds)


def lasting(value: timedelta) -> timedelta:
    """A duration that isn't nothing."""
    if not value:
        raise ValueError("a duration longer than none")
    return value


def at_most(longest: str) -> Callable[[timedelta], timedelta]:
    """A duration that isn't longer than this one."""

    def short(value: timedelta) -> timedelta:
        if value > duration(longest):
            raise ValueError(f"a duration of at most `{longest}`")
        return value

    return short


def folder(written: str) -> Path:
    """A path as written; whoever knows the configuration's folder makes it absolute."""
    if not written.strip():
        raise ValueError("a path")
    if written.startswith("~"):
        raise ValueError("a path without `~`, such as `${HOME}/articles`")
    if "\n" in written:
        raise ValueError("a path on one line")  # hooks are told one path a line
    return Path(written)


def textfile(written: str) -> Path:
    """The path of a file that node_exporter's textfile collector reads: others it passes over."""
    path = folder(written)
    if path.suffix != ".prom":
        raise ValueError("a file whose name ends in `.prom`, as node_exporter reads no others")
    return path


def source(written: str) -> str:
    """A path as written, without superfluous parts."""
    return posixpath.normpath(folder(written))


def url(written: str) -> str:
    """An absolute http(s) URL."""
    written = written.strip()
    start = _URL_START.match(written)
    if not start or any(map(str.isspace, written)) or not (found := absolute(written, "")):
        raise ValueError("an absolute URL with a full host name, such as `https://feeds.example.org/`")
    if "@" in start[0]:
        raise ValueError("a URL without user name and password, as every feed would show them")
    return _URL_START.sub(lambda start: start[0].lower(), found)


def base_url(written: str) -> str:
    """An absolute http(s) URL that others are made from: it ends in a slash, without query and fragment."""
    found = url(written)
    if "?" in found or "#" in found:
        raise ValueError("a URL without `?` and `#`")
    return found.rstrip("/") + "/"


def documents_url(written: str) -> str:
    """Likewise; with a `*` behind it where what begins with `/` is below it."""
    written = written.strip()
    return base_url(written.removesuffix("*")) + "*" * written.endswith("*")


def permalink(written: str) -> str:
    """A pattern for addresses of documents, or nothing; the name of one of Jekyll's is that pattern."""
    written = written.strip()
    if not written:
        return ""
    from aggregator.documents.permalinks import checked  # only here: most configurations have none

    return checked(written)


def loopback(written: str) -> str:
    """`host:port` that this machine alone can reach (RFC 1122 3.2.1.3, RFC 4291 2.5.3), or nothing."""
    from ipaddress import ip_address  # only here: most configurations have no address

    written = written.strip().lower()
    expected = ValueError(
        "`host:port` on loopback such as `127.0.0.1:9188`, as whoever reaches it can read it;"
        " to let other machines do so, put a web server before it"
    )
    if not written:
        return ""
    if not (found := _ADDRESS.fullmatch(written)) or not 0 < int(found[2]) < 1 << 16:
        raise expected
    try:
        is_ours = found[1] == "localhost" or ip_address(found[1].strip("[]")).is_loopback
    except ValueError:
        is_ours = False
    if not is_ours:
        raise expected
    return written


def feeds(written: str) -> str:
    """A feed's name, or a pattern for names of feeds, as for `fnmatch`."""
    if not _FEEDS.fullmatch(written.strip()):
        raise ValueError("the name of a feed such as `all` or `topics/ai`, or a pattern such as `topics/*`")
    return written.strip()


def cron(written: str) -> str:
    """Five fields as in crontab(5)."""
    from aggregator.scheduler import crontab  # APScheduler takes its time to import

    crontab(written, "UTC")
    return " ".join(written.split())


def argument(written: str) -> str:
    """A text as it is, white space around it and all."""
    return written


def command(items: tuple[object, ...]) -> tuple[object, ...]:
    """A program and its arguments, or nothing."""
    if items and isinstance(items[0], str) and not items[0].strip():
        raise ValueError("a program first, then its arguments")
    return items


def parameter(written: str) -> str:
    """A pattern for names of query parameters, as for `fnmatch`. One that every name fits would make all URLs one."""
    if not _PARAMETER.fullmatch(written.strip()):
        raise ValueError("a pattern for the name of a query parameter, such as `ref_*`")
    return written.strip()


def slug(written: str) -> str:
    """The name of a topic's folder, or nothing."""
    written = written.strip()
    if written and slugs.slug(written) != written:
        raise ValueError("letters and digits in lower case, single hyphens between them, such as `machine-learning`")
    return written


def custom_name(written: str) -> str:
    """The name of a feed that is made up: of a folder, and none that could be mistaken for another feed's."""
    written = slug(written)
    if written in {"", "all", "topics", "custom", "archive", "categories", "providers", "types"}:
        raise ValueError("a name that no other feed or folder has, such as `weekend-reads`")
    return written


def token(written: str) -> str:
    """What makes an address hard to guess: at least 16 letters, digits, `-` or `_`; or nothing. It isn't shown."""
    if written and not _TOKEN.fullmatch(written):
        raise Unshown("at least 16 and at most 128 letters, digits, `-` or `_`, such as `openssl rand -hex 16` prints")
    return written


def one_of(*names: str) -> Callable[[str], str]:
    """One of these names."""

    def one(written: str) -> str:
        if written not in names:
            raise ValueError(" or ".join(f"`{name}`" for name in names))
        return written

    return one


def distinct(items: tuple[object, ...]) -> tuple[object, ...]:
    """A list in which nothing comes twice, as far as its items could be read."""
    known = [item for item in items if item is not UNSET]
    if len(known) > len(set(known)):
        raise ValueError("no item twice")
    return items


def language(written: str) -> str:
    """A language tag (RFC 5646), as far as its form goes."""
    if not _LANGUAGE.fullmatch(written.strip()):
        raise ValueError("a language tag such as `en` or `pt-BR`")
    return written.strip()


def optional_zone(written: str) -> str:
    """The name of a time zone that this machine knows, or nothing."""
    return zone(written) if written.strip() else ""


def zone(written: str) -> str:
    """The name of a time zone that this machine knows."""
    import zoneinfo  # only here: most configurations name no zone

    name = written.strip()
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
DocumentsUrl: TypeAlias = Annotated[str, documents_url]
Slug: TypeAlias = Annotated[str, slug]
CustomName: TypeAlias = Annotated[str, custom_name]
Token: TypeAlias = Annotated[str, token]
Feeds: TypeAlias = Annotated[str, feeds]
Cron: TypeAlias = Annotated[str, cron]
Permalink: TypeAlias = Annotated[str, permalink]
Loopback: TypeAlias = Annotated[str, loopback]
Argument: TypeAlias = Annotated[str, argument]
Parameter: TypeAlias = Annotated[str, parameter]
Language: TypeAlias = Annotated[str, language]
Zone: TypeAlias = Annotated[str, zone]
OptionalZone: TypeAlias = Annotated[str, optional_zone]
SourcePath: TypeAlias = Annotated[str, source]
Folder: TypeAlias = Annotated[Path, folder]
OptionalFolder: TypeAlias = Annotated[Path | None, folder]
OptionalTextfile: TypeAlias = Annotated[Path | None, textfile]
Flag: TypeAlias = Annotated[bool, flag]
Count: TypeAlias = Annotated[int, count]
OptionalFlag: TypeAlias = Annotated[bool | None, flag]
Number: TypeAlias = Annotated[float, number]
Size: TypeAlias = Annotated[int, size]
Duration: TypeAlias = Annotated[timedelta, duration]
