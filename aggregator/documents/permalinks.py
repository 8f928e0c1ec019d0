"""The address of a document on its own site, from a pattern such as `/:year/:month/:title/`.

The placeholders are those of Jekyll (https://jekyllrb.com/docs/permalinks/) and of Hugo
(https://gohugo.io/configuration/permalinks/). Where both have one, it is as Jekyll's: `:title` is the name of the file.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple
from urllib.parse import quote

from aggregator.text.dates import IN_PATH

STYLES: Mapping[str, str] = {
    "date": "/:categories/:year/:month/:day/:title:output_ext",
    "pretty": "/:categories/:year/:month/:day/:title/",
    "ordinal": "/:categories/:year/:y_day/:title:output_ext",
    "weekdate": "/:categories/:year/W:week/:short_day/:title:output_ext",
    "none": "/:categories/:title:output_ext",
}
"""The patterns that have a name in Jekyll."""

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_TOKEN = re.compile(r":([a-z][a-z_]*)")
_WRITTEN = re.compile(r":(\w+)")  # what may be meant as a placeholder
_NO_PATH = re.compile(r"[\s#\[\]{}<>]")
_SAFE = "-._~!$&'()*+,;=:@/"  # of RFC 3986 section 3.3
_PRETTY = frozenset("._~!$&'()+,;=@")  # Jekyll's slugify in the mode `pretty`
_HUGO = frozenset("._~+#@/-")
_DATED = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}[-_]")
_INDEX = ("index", "_index")


class Page(NamedTuple):
    """What an address is made from: the document's path inside its source, its title, its own `slug` ("": none), its
    day in the zone of its source (None: not known), and its categories.
    """

    path: str
    title: str = ""
    slug: str = ""
    published: datetime | None = None
    categories: tuple[str, ...] = ()


def checked(pattern: str) -> str:
    """The pattern, or the one that has this name. Raises ValueError with what was expected."""
    pattern = STYLES.get(pattern, pattern)
    if "://" in pattern or _NO_PATH.search(pattern):
        raise ValueError("a path on the site such as `/:year/:month/:title/`")
    tokens = [_token(token) for token in _WRITTEN.findall(pattern)]
    unknown = next((token for token in tokens if token not in PLACEHOLDERS), "")
    if unknown:
        raise ValueError(f"{_known(unknown)}, not `:{unknown}`")
    if not _TELLING.intersection(tokens):
        telling = ", ".join(f"`:{token}`" for token in PLACEHOLDERS if token in _TELLING)
        raise ValueError(
            f"a placeholder that tells documents apart, such as in `/:year/:month/:title/`: one of {telling}"
        )
    return pattern


def is_pattern(address: str) -> bool:
    """Whether an address that a document gives itself is a pattern: it has known placeholders, and no others."""
    tokens = [_token(token) for token in _TOKEN.findall(address.partition("://")[2] or address)]
    return bool(tokens) and all(token in PLACEHOLDERS for token in tokens)


def needs_date(pattern: str) -> bool:
    """Whether only a document with a date has such an address."""
    return any(_token(token) in _DATES for token in _TOKEN.findall(pattern))


def path_of(pattern: str, page: Page) -> str:
    """The path of a page below its site, without the first slash, legal in a URL; the pattern needs no date, or the
    page has one.
    """

    def value(found: re.Match[str]) -> str:
        token = _token(found[1])
        rest = found[1][len(token) :]
        return quote(_value(token, page), safe=_SAFE) + rest

    return re.sub(r"/{2,}", "/", _TOKEN.sub(value, pattern)).removeprefix("/")


def stem(path: str) -> str:
    """What a document's file is called, without the date before it and the ending; a page bundle is its folder."""
    return _DATED.sub("", _undated(path), count=1) or _name(path)


def titled(path: str) -> str:
    """A title for a document that has none: the words of its file's name."""
    words = re.split(r"[-_\s]+", stem(path))
    return " ".join(word[:1].upper() + word[1:] for word in words if word)


def _undated(path: str) -> str:
    """The name of a page, without the last part of a day that the folders begin."""
    bare = _bare(path)
    last = max((found.end() for found in IN_PATH.finditer(bare)), default=0)
    rest = bare[last:].lstrip("-_")
    return rest if last and rest and "/" not in rest else _name(path)


def _bare(path: str) -> str:
    """The path of a page without its ending: a page bundle's is its folder's."""
    folder, slash, file = path.rpartition("/")
    name = _without_ending(file)
    return folder if name in _INDEX else f"{folder}{slash}{name}"


def _without_ending(file: str) -> str:
    return file.rpartition(".")[0] or file


def _name(path: str) -> str:
    return _bare(path).rpartition("/")[2]


def _folders(path: str) -> list[str]:
    """The folders that a page is in; `_posts` and `_drafts` are Jekyll's, and no part of an address."""
    return [folder for folder in _bare(path).split("/")[:-1] if folder not in ("_posts", "_drafts")]


def _categories(page: Page) -> list[str]:
    """Jekyll's: the folders above `_posts`, then those that the document names."""
    above = page.path.partition("_posts/")[0] if "_posts/" in page.path else ""
    folders = [folder for folder in above.split("/") if folder]
    return list(dict.fromkeys(name.lower() for name in (*folders, *page.categories)))


def _slugified(text: str, kept: frozenset[str] = frozenset()) -> str:
    """Jekyll's `slugify`: whatever is no letter, mark or digit becomes a hyphen."""
    parts = "".join(char if char in kept or _is_letter(char) else " " for char in text).split()
    return "-".join(parts).strip("-")


def _urlized(text: str) -> str:
    """Hugo's `urlize`: blanks become a hyphen where none is beside them, other signs go, all in lower case."""
    parts: list[str] = []
    is_blank = False
    for char in text.strip().lower():
        if char in _HUGO or _is_letter(char):
            if is_blank and char != "-" and parts and parts[-1] != "-":
                parts.append("-")
            parts.append(char)
            is_blank = False
        else:
            is_blank = is_blank or char.isspace()
    return "".join(parts).replace("+", "")  # Hugo too drops it last: `a + b` is `a--b`


def _is_letter(char: str) -> bool:
    if char.isascii():
        return char.isalnum()
    category = unicodedata.category(char)
    return category[0] in "LM" or category == "Nd"


def _title(page: Page) -> str:
    return _slugified(page.slug, _PRETTY) or _slugified(stem(page.path), _PRETTY) or stem(page.path)


def _slug(page: Page) -> str:
    title = page.title.replace("/", "-").replace("\\", "-")
    return _urlized(page.slug) or _urlized(title) or _urlized(stem(page.path))


def _filename(page: Page) -> str:
    return _urlized(_name(page.path))


def _sections(page: Page) -> list[str]:
    return [_urlized(folder) for folder in _folders(page.path)]


def _date(read: Callable[[datetime], str]) -> Callable[[Page], str]:
    return lambda page: read(page.published) if page.published else ""


_DATES: Mapping[str, Callable[[Page], str]] = {
    "year": _date(lambda day: f"{day.year:04}"),
    "short_year": _date(lambda day: f"{day.year % 100:02}"),
    "month": _date(lambda day: f"{day.month:02}"),
    "i_month": _date(lambda day: str(day.month)),
    "short_month": _date(lambda day: _MONTHS[day.month - 1][:3]),
    "long_month": _date(lambda day: _MONTHS[day.month - 1]),
    "monthname": _date(lambda day: _MONTHS[day.month - 1].lower()),
    "day": _date(lambda day: f"{day.day:02}"),
    "i_day": _date(lambda day: str(day.day)),
    "y_day": _date(lambda day: f"{day.timetuple().tm_yday:03}"),
    "yearday": _date(lambda day: str(day.timetuple().tm_yday)),
    "w_year": _date(lambda day: f"{day.isocalendar().year:04}"),
    "week": _date(lambda day: f"{day.isocalendar().week:02}"),
    "w_day": _date(lambda day: str(day.isoweekday())),
    "weekday": _date(lambda day: str(day.isoweekday() % 7)),
    "weekdayname": _date(lambda day: _DAYS[day.weekday()].lower()),
    "short_day": _date(lambda day: _DAYS[day.weekday()][:3]),
    "long_day": _date(lambda day: _DAYS[day.weekday()]),
    "hour": _date(lambda day: f"{day.hour:02}"),
    "minute": _date(lambda day: f"{day.minute:02}"),
    "second": _date(lambda day: f"{day.second:02}"),
}

_NAMES: Mapping[str, Callable[[Page], str]] = {
    "title": _title,
    "slug": _slug,
    "path": lambda page: "/".join([*_folders(page.path), _name(page.path)]),
    "name": lambda page: _slugified(_name(page.path)).lower(),
    "basename": lambda page: _name(page.path),
    "filename": _filename,
    "contentbasename": _filename,
    "slugorfilename": lambda page: _urlized(page.slug) or _filename(page),
    "slugorcontentbasename": lambda page: _urlized(page.slug) or _filename(page),
}

PLACEHOLDERS: Mapping[str, Callable[[Page], str]] = {
    **_NAMES,
    **_DATES,
    "categories": lambda page: "/".join(_categories(page)),
    "slugified_categories": lambda page: "/".join(_slugified(name).lower() for name in _categories(page)),
    "section": lambda page: "/".join(_sections(page)[:1]),
    "sections": lambda page: "/".join(_sections(page)),
    "collection": lambda page: "/".join(_folders(page.path)[:1]).removeprefix("_"),
    "output_ext": lambda _: ".html",
}
"""What stands for what in a pattern."""

_TELLING = frozenset(_NAMES)


def _value(token: str, page: Page) -> str:
    return PLACEHOLDERS[token](page) if token in PLACEHOLDERS else f":{token}"


def _token(written: str) -> str:
    """A placeholder as written; the underscore behind it is none of it, unless it has one (as Jekyll has it)."""
    return written.rstrip("_") if written not in PLACEHOLDERS else written


def _known(unknown: str) -> str:
    """What was expected in place of a placeholder that there isn't."""
    import difflib  # only for a mistake

    near = next(iter(difflib.get_close_matches(unknown.lower(), PLACEHOLDERS, n=1)), "")
    return f"`:{near}`" if near else f"one of {', '.join(f'`:{token}`' for token in PLACEHOLDERS)}"
