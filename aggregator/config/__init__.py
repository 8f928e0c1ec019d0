"""The configuration: from YAML to frozen values."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import replace

from aggregator.config.checks import check
from aggregator.config.convert import Converter
from aggregator.config.types import Config, Feeds, Output, Site, Source, Store, Topics
from aggregator.config.words import smallest
from aggregator.errors import ConfigurationError, ParseError
from aggregator.model import Problem, Severity
from aggregator.text import tree

__all__ = ["Config", "Feeds", "Output", "Site", "Source", "Store", "Topics", "find", "load"]

PLACES = ("./aggregator.yaml", "./config/aggregator.yaml", "/etc/aggregator/aggregator.yaml")
LIMIT = 1 << 20  # bytes


def find(given: Path | None, environment: Mapping[str, str]) -> Path:
    """The configuration file: the one given, else $AGGREGATOR_CONFIG, else the first in a usual place.

    One that was named is returned unseen: `load` says what is wrong with it. Raises ConfigurationError where
    none was named and none is found.
    """
    named = given or environment.get("AGGREGATOR_CONFIG")
    if found := named or next(filter(_is_there, PLACES), None):
        return Path(found)
    message = (
        f"no configuration; looked for {', '.join(PLACES)}; name another with -c FILE or $AGGREGATOR_CONFIG, "
        f"or write this one, with at least: {smallest(Config)}"
    )
    raise ConfigurationError((Problem(PLACES[0], 0, 0, Severity.error, message),))


def load(file: Path, environment: Mapping[str, str]) -> Config:
    """The configuration that a file holds; `${NAME}` in it is taken from the environment.

    Raises ConfigurationError with everything that is wrong, in the order of the file.
    """
    try:
        root = tree.load(_read(file))
    except ParseError as error:
        problem = Problem(str(file), error.line, error.column, Severity.error, error.message)
        raise ConfigurationError((problem,)) from error
    converter = Converter(file, environment)
    found = converter.keys(Config, root)
    check(found, root, converter.follow)
    if converter.problems:
        in_order = sorted(converter.problems, key=lambda problem: (problem.line, problem.column))
        raise ConfigurationError(tuple(in_order))
    config = Config(**found)
    sources = tuple(replace(source, base_url=source.base_url or config.site.url) for source in config.sources)
    return replace(config, sources=sources)


def _is_there(place: str) -> bool:
    """Whether to take a usual place; also where only reading it will tell what is wrong with it."""
    try:
        Path(place).stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def _read(file: Path) -> str:
    """The text of a configuration file. Raises ParseError, in line 0 where it is about the file as a whole."""
    try:
        kind = file.stat()
        if stat.S_ISDIR(kind.st_mode):
            raise ParseError("a folder, expected the configuration file in it", 0, 0)
        if not stat.S_ISREG(kind.st_mode) or kind.st_size > LIMIT:
            raise ParseError(f"expected a plain file of at most {LIMIT >> 20} MiB", 0, 0)
        data = file.read_bytes()
    except OSError as error:
        raise ParseError(f"can't be read: {error.strerror}; name the configuration with -c FILE", 0, 0) from error
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].split(b"\n")
        raise ParseError("not UTF-8; save the file as UTF-8", len(before), len(before[-1]) + 1) from error
