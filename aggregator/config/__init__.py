"""The configuration: from YAML to frozen values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from aggregator.config import files
from aggregator.config.checks import advise, at, check
from aggregator.config.convert import Converter
from aggregator.config.custom import check_feeds
from aggregator.config.taxonomy import known
from aggregator.config.topics import in_files, in_list
from aggregator.config.types import (
    Condition,
    Config,
    Custom,
    Feeds,
    Hooks,
    KnownTopic,
    Log,
    Merge,
    Metrics,
    Output,
    Range,
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
from aggregator.text.tree import Node

__all__ = [
    "Condition",
    "Config",
    "Custom",
    "Feeds",
    "Hooks",
    "KnownTopic",
    "Log",
    "Merge",
    "Metrics",
    "Output",
    "Range",
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
    "runtime",
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


def load(file: Path, environment: Mapping[str, str], warn: Callable[[Problem], None] = lambda _: None) -> Config:
    """The configuration that a file holds, with its topic files; `${NAME}` in it is taken from the environment.

    `warn` is told of what can be used, and may yet be a slip.
    Raises ConfigurationError with everything that is wrong, in the order of the file, then of each topic file.
    """
    root = _tree(file)
    problems: dict[Problem, None] = {}
    converter = Converter(file, environment, problems)
    found = converter.keys(Config, root)
    site, topics = found["site"], found["topics"]
    base = "" if site is UNSET else site.url
    written = in_files(topics.path, root, base, converter) + in_list(topics, root, converter)
    found["topics"] = replace(topics, known=known(written))
    found["runtime"] = _runtime(found, root)
    check(found, root, converter.follow)
    check_feeds(found["feeds"], found["output"], root, converter.follow)
    if problems:
        in_order = sorted(problems, key=lambda one: (one.path != str(file), one.path, one.line, one.column))
        raise ConfigurationError(tuple(in_order))
    config = Config(**found)
    advise(config.websub.hubs, root, lambda place, text: warn(Problem(str(file), *place, Severity.warning, text)))
    sources = tuple(
        replace(
            source,
            base_url=source.base_url or config.site.url,
            timezone=source.timezone or config.site.timezone,
        )
        for source in config.sources
    )
    hooks = replace(config.hooks, published=_placed(config.hooks.published, converter.here))
    return replace(config, sources=sources, hooks=hooks)


def runtime(file: Path, environment: Mapping[str, str]) -> Path:
    """Where the daemon of a configuration keeps its status and its control socket, whatever is wrong with all else.

    Raises ConfigurationError where the file can't be read at all.
    """
    root = _tree(file)
    found = Converter(file, environment, {}).keys(Config, root)
    return _runtime(found, root).path


def _tree(file: Path) -> Node:
    try:
        return files.load(file)
    except ParseError as error:
        hint = "" if error.line else "; name the configuration with -c FILE"
        problem = Problem(str(file), error.line, error.column, Severity.error, error.message + hint)
        raise ConfigurationError((problem,)) from error


def _runtime(found: Mapping[str, Any], root: Node) -> Runtime:
    """Where the daemon keeps what it needs while it runs: in the store, unless another folder is named."""
    place = at(root, "runtime", "path")
    return Runtime(path=found["store"].path) if not place or place.value is None else found["runtime"]


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
