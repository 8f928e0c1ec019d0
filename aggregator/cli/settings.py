"""The configuration as the commands need it: found, loaded, and turned into a plan."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aggregator.cli.printing import say

if TYPE_CHECKING:
    from aggregator import feeds
    from aggregator.config import Condition, Config, Custom, Feeds, Range
    from aggregator.model import Problem
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


def found(config_file: Path | None) -> Path:
    """The configuration's file: the one that was named, or found. Raises ConfigurationError."""
    from aggregator import config

    return config.find(config_file, os.environ)


def load(config_file: Path | None, warn: Callable[[Problem], None] = lambda _: None) -> Config:
    """The configuration that was named, or found; `warn` is told of what may be a slip. Raises ConfigurationError."""
    from aggregator import config

    return config.load(found(config_file), os.environ, warn)


def runtime(config_file: Path | None) -> Path:
    """Where the daemon of the configuration that was named, or found, is to be met. Raises ConfigurationError.

    Whoever asks may lack the daemon's secrets, or be about to mend the configuration that it doesn't have yet.
    """
    from aggregator import config

    return config.runtime(found(config_file), os.environ)


def plan_of(config: Config) -> Plan:
    """What the configuration asks the pipeline to do."""
    from aggregator import documents, feeds, pipeline
    from aggregator.merge import Alike
    from aggregator.model import Site
    from aggregator.text.slugs import fold_topic

    merge, topics = config.merge, config.topics
    keywords = tuple((word, topic.name) for topic in topics.known for word in topic.keywords) if topics.keywords else ()
    return pipeline.Plan(
        sources=tuple(
            pipeline.Source(
                name=source.name,
                folder=source.folder,
                include=source.include,
                exclude=source.exclude,
                options=documents.Options(
                    base_url=source.base_url,
                    timezone=source.timezone,
                    limit=source.limit,
                    seconds=source.time_limit.total_seconds(),
                    memory=source.memory_limit,
                    related=source.related_limit,
                    items=source.list_limit,
                    body=documents.Bounds(source.html_limit, source.picture_limit, source.link_limit),
                    spread=source.spread_limit,
                    tracking=merge.tracking,
                    keywords=keywords,
                    fields=source.fields,
                    permalink=source.permalink,
                ),
                keeps=source.gone == "keep",
            )
            for source in config.sources
        ),
        site=Site(
            title=config.site.title,
            url=config.site.url,
            language=config.site.language,
            author=config.site.author,
            description=config.site.description,
            copyright=config.site.copyright,
            icon=config.site.icon,
            timezone=config.site.timezone,
            hubs=config.websub.hubs,
        ),
        choice=feeds.Choice(
            entries=config.feeds.entries,
            minimum=topics.minimum,
            keep=config.feeds.keep,
            known=frozenset(fold_topic(topic.name) for topic in topics.known) if topics.only_known else None,
            related=feeds.Related(config.feeds.related),
            per_provider=config.feeds.per_provider,
            archives=config.feeds.archives,
        ),
        formats=config.output.formats,
        output=config.output.path,
        store=config.store.path,
        topics=tuple(
            feeds.KnownTopic(topic.name, topic.slug, topic.aliases, topic.parent, topic.description, topic.image)
            for topic in topics.known
        ),
        children=topics.children,
        alike=Alike(merge.window, merge.similarity) if merge.near_duplicates else None,
        tracking=merge.tracking,
        compress=config.output.compress,
        entry_limit=config.feeds.entry_limit,
        kinds=tuple(kind for kind in feeds.Kind if getattr(config.feeds, kind)),
        custom=_made_up(config),
        tellers=(*config.websub.hubs, *([pipeline.HOOK] if config.hooks.published else [])),
    )


def _made_up(config: Config) -> tuple[feeds.Custom, ...]:
    """The feeds that the configuration makes up."""
    from aggregator.text.slugs import fold_topic

    spelled = {fold_topic(alias): topic.name for topic in config.topics.known for alias in topic.aliases}
    return tuple(_custom(custom, config.feeds, spelled) for custom in config.feeds.custom)


def _custom(custom: Custom, general: Feeds, spelled: Mapping[str, str]) -> feeds.Custom:
    """A feed that is made up; `spelled`: the topics that aliases mean."""
    from aggregator import feeds

    where = _condition(custom.where, spelled)
    if custom.age:
        where = feeds.Condition(all=(where, feeds.Condition(age=feeds.Age(under=custom.age))))
    rhythm = feeds.Rhythm(custom.digest) if custom.digest else None
    return feeds.Custom(
        name=custom.name,
        title=custom.title or custom.name,
        description=custom.description,
        entries=custom.entries or general.entries,
        per_provider=general.per_provider if custom.per_provider is None else custom.per_provider,
        where=where,
        order=feeds.Order(custom.order or (feeds.Order.quality if rhythm else feeds.Order.date)),
        formats=custom.formats,
        token=custom.token,
        rhythm=rhythm,
        stories=custom.stories,
    )


def _condition(written: Condition, spelled: Mapping[str, str]) -> feeds.Condition:
    from aggregator import feeds
    from aggregator.text.slugs import fold_topic

    def inner(some: tuple[Condition, ...]) -> tuple[feeds.Condition, ...]:
        return tuple(_condition(one, spelled) for one in some)

    def limits(some: Range) -> feeds.Range | None:
        given = some.at_least is not None or some.at_most is not None
        return feeds.Range(some.at_least, some.at_most) if given else None

    age = written.age
    return feeds.Condition(
        all=inner(written.all),
        any=inner(written.any),
        none=inner(written.none),
        topics=tuple(spelled.get(fold_topic(name), name) for name in written.topics),
        category=written.category,
        provider=written.provider,
        type=written.type,
        language=written.language,
        text=written.text,
        quality=limits(written.quality),
        heat=limits(written.heat),
        age=feeds.Age(age.over, age.under or None) if age.over or age.under else None,
        image=written.image,
    )


def tell_what_waits(plan: Plan) -> None:
    """Say so where the last run was under another configuration. Raises StoreError."""
    from aggregator import __version__, pipeline

    if not pipeline.is_current(plan, __version__):
        message = "this is as of the last run; the configuration has changed, and `aggregator regenerate` applies it"
        say(f"aggregator: {message}", err=True)
