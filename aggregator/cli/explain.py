"""`aggregator explain`: which documents made an article, where it is published, and why (not)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aggregator.cli.printing import Line, give, give_data
from aggregator.cli.settings import config_option, load, plan_of, tell_what_waits

if TYPE_CHECKING:
    from aggregator.pipeline import Explanation


@click.command()
@config_option
@click.argument("article", metavar="PATH|URL|ID")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
def explain(config_file: Path | None, article: str, as_json: bool) -> None:
    """Tell what made an article, where it is published, and why (not).

    As of the last run: from the store alone.
    """
    from aggregator import pipeline

    plan = plan_of(load(config_file))
    found = pipeline.explain(plan, article)
    tell_what_waits(plan)
    if as_json:
        import msgspec

        give_data(json.dumps(msgspec.to_builtins(found), indent=2))
    else:
        give(_lines(found))


def _lines(found: Explanation) -> Iterable[Line | str]:
    yield Line(found.title)
    yield f"  link  {found.link or 'none: it is text only'}"
    yield f"  key   {found.key}"
    yield f"  id    {found.id} ({found.why_id})" if found.id else "  id    none: only entries have one"
    for other in found.other_ids:
        yield f"        {other} is put aside, to be regained if the articles part"
    if found.entry:
        yield f"  no entry of any feed: {found.entry}"
    numbers = {one.path: str(number) for number, one in enumerate(found.mentions, 1) if not one.place}

    def by(paths: Iterable[str]) -> str:
        """Documents, by their numbers among the mentions where they have one."""
        return ", ".join(numbers.get(path, path) for path in paths)

    yield from _section("mentions, the most trusted first", _mentions(found))
    yield from _section("aliases, and who says so", [f"{alias.url}  ({by(alias.paths)})" for alias in found.aliases])
    yield from _section("coverage, the best first", _coverage(found, by))
    yield from _section("stands for its near-duplicates", found.stands_for)
    yield from _section("feeds", _feeds(found))
    yield from _section("problems", map(str, found.problems))


def _mentions(found: Explanation) -> Iterable[str]:
    for number, one in enumerate(found.mentions, 1):
        yield f"{number:2}  {one.path}" + (f", related entry {one.place}" if one.place else "")
        quality = "no quality" if one.quality is None else f"quality {one.quality}"
        day = f"{one.published:%Y-%m-%d}" if one.published else "no date"
        yield f"    {quality}, {day}, gives {', '.join(one.gives) or 'nothing'}"
        if one.held:
            yield f"    {one.held}"


def _coverage(found: Explanation, by: Callable[[Iterable[str]], str]) -> Iterable[str]:
    for one in found.coverage:
        reasons = (
            "near-duplicate" if one.near_duplicate else "",
            f"listed by {by(one.listed_by)}" if one.listed_by else "",
            "" if one.shown else "not shown: withdrawn, or yet to come",
        )
        yield one.title
        yield f"  {one.link or 'text only'}  ({'; '.join(filter(None, reasons))})"


def _feeds(found: Explanation) -> Iterable[str]:
    width = max((len(one.feed) for one in found.feeds), default=0)
    for one in found.feeds:
        told = ": ".join(filter(None, (f"rank {one.rank}" if one.rank else "no", one.why)))
        yield f"{one.feed:{width}}  {told}" + (f"; in the archive of {one.archive}" if one.archive else "")


def _section(title: str, lines: Iterable[str]) -> Iterable[Line | str]:
    lines = list(lines)
    if lines:
        yield Line(title)
        yield from (f"  {line}" for line in lines)
