"""The configuration: from YAML to frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import UNSET
from msgspec.structs import replace

from aggregator.config import files
from aggregator.config.checks import at, check
from aggregator.config.convert import Converter
from aggregator.config.taxonomy import known
from aggregator.config.topics import in_files, in_list
from aggregator.config.types import (
    Config,
    Feeds,
    Hooks,
    KnownTopic,
    Log,
    Merge,
    Metrics,
    Output,
    Runtime,
    Schedule,
    Site,
    Source,
    Store,
    Topics,
    Watch,
    Websub,
)
from aggregator.config.words import smallest
from aggregator.errors import ConfigurationError, ParseError
from aggregator.model import Problem, Severity

__all__ = [
    "Config",
    "Feeds",
    "Hooks",
    "KnownTopic",
    "Log",
    "Merge",
    "Metrics",
    "Output",
    "Runtime",
    "Schedule",
    "Site",
    "Source",
    "Store",
    "Topics",
    "Watch",
    "Websub",
    "find",
    "load",
]

PLACES = ("./aggregator.yaml", "./config/aggregator.yaml", "/etc/aggregator/aggregator.yaml")


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
    """The configuration that a file holds, with its topic files; `${NAME}` in it is taken from the environment.

    Raises ConfigurationError with everything that is wrong, in the order of the file, then of each topic file.
    """
    try:
        root = files.load(file)
    except ParseError as error:
        hint = "" if error.line else "; name the configuration with -c FILE"
        problem = Problem(str(file), error.line, error.column, Severity.error, error.message + hint)
        raise ConfigurationError((problem,)) from error
    problems: dict[Problem, None] = {}
    converter = Converter(file, environment, problems)
    found = converter.keys(Config, root)
    site, topics = found["site"], found["topics"]
    base = "" if site is UNSET else site.url
    written = in_files(topics.path, root, base, converter) + in_list(topics, root, converter)
    found["topics"] = replace(topics, known=known(written))
    if not (place := at(root, "runtime", "path")) or place.value is None:
        found["runtime"] = Runtime(path=found["store"].path)
    check(found, root, converter.follow)
    if problems:
        in_order = sorted(problems, key=lambda one: (one.path != str(file), one.path, one.line, one.column))
        raise ConfigurationError(tuple(in_order))
    config = Config(**found)
    sources = tuple(replace(source, base_url=source.base_url or config.site.url) for source in config.sources)
    hooks = replace(config.hooks, published=_placed(config.hooks.published, converter.here))
    return replace(config, sources=sources, hooks=hooks)


def _placed(command: tuple[str, ...], here: Path) -> tuple[str, ...]:
    """The command, its program found from `here` where it is a path: one without a slash is looked for in $PATH."""
    return (str(here / command[0]), *command[1:]) if command and "/" in command[0] else command


def _is_there(place: str) -> bool:
    """Whether to take a usual place; also where only reading it will tell what is wrong with it."""
    try:
        Path(place).stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True
