"""The configuration as the commands need it: found, loaded, and turned into a plan."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from aggregator.config import Config
    from aggregator.pipeline import Plan


def config_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`-c/--config FILE`, which all commands take."""
    return click.option(
        "-c",
        "--config",
        "config_file",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="The configuration; else $AGGREGATOR_CONFIG, ./aggregator.yaml, ./config/aggregator.yaml,"
        " /etc/aggregator/aggregator.yaml.",
    )(command)


def load(config_file: Path | None) -> Config:
    """The configuration that was named, or found. Raises ConfigurationError."""
    from aggregator import config

    return config.load(config.find(config_file, os.environ), os.environ)


def plan_of(config: Config) -> Plan:
    """What the configuration asks the pipeline to do."""
    from aggregator import documents, feeds, pipeline
    from aggregator.text.slugs import fold_topic

    spellings = {fold_topic(name): name for name in config.topics.known}
    return pipeline.Plan(
        sources=tuple(
            pipeline.Source(
                name=source.name,
                folder=source.folder,
                include=source.include,
                exclude=source.exclude,
                options=documents.Options(base_url=source.base_url, limit=source.limit),
            )
            for source in config.sources
        ),
        site=pipeline.Site(
            title=config.site.title,
            url=config.site.url,
            language=config.site.language,
            author=config.site.author,
            description=config.site.description,
            copyright=config.site.copyright,
            icon=config.site.icon,
        ),
        choice=feeds.Choice(
            entries=config.feeds.entries,
            minimum=config.topics.minimum,
            keep=config.feeds.keep,
            known=frozenset(spellings) if config.topics.only_known else None,
        ),
        spellings=spellings,
        formats=config.output.formats,
        output=config.output.path,
        store=config.store.path,
    )
