"""`aggregator regenerate`: read what changed, publish what that makes different."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aggregator import __version__
from aggregator.cli.printing import give_data, say
from aggregator.cli.progress import Bar
from aggregator.cli.settings import config_option, load, plan_of
from aggregator.text.plain import printable

if TYPE_CHECKING:
    from aggregator.config import Config
    from aggregator.model import Problem
    from aggregator.pipeline import Plan, Progress, Report, Session, Wish

# Durations before and after now, of at most a century, must be instants too.
_FIRST_YEAR, _LAST_YEAR = 1970, 9899


@click.command()
@config_option
@click.option("--rebuild", is_flag=True, help="Read every document again into a new index; ids stay.")
@click.option("--feed", "feeds", multiple=True, metavar="NAME", help="Publish only this feed: `all`, `topics/ai`.")
@click.option("--check", is_flag=True, help="Change nothing; exit 1 if a feed file would change.")
@click.option("--dry-run", is_flag=True, help="Change nothing; list the feed files that would change.")
@click.option("--accept-deletions", is_flag=True, help="Many documents are gone, and that is right.")
@click.option("--adopt", is_flag=True, help="Take over an output folder, or files in it, that others wrote.")
@click.option("--accept-clock", is_flag=True, help="The clock is right; later instants were remembered by mistake.")
@click.option("--strict", is_flag=True, help="Exit 1 if there is any problem, warnings too.")
@click.option("--at", metavar="TIME", help="Take TIME (ISO 8601) for now.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
def regenerate(
    config_file: Path | None,
    rebuild: bool,
    feeds: tuple[str, ...],
    check: bool,
    dry_run: bool,
    accept_deletions: bool,
    adopt: bool,
    accept_clock: bool,
    strict: bool,
    at: str | None,
    as_json: bool,
) -> int:
    """Read the documents that changed and publish the feeds that differ."""
    begin, started = time.monotonic(), time.time_ns()
    warnings: list[Problem] = []
    config = load(config_file, warnings.append)
    from aggregator import pipeline

    plan = plan_of(config)
    wish = pipeline.Wish(
        rebuild=rebuild,
        only=feeds,
        dry=check or dry_run,
        at=at is not None,
        accept_deletions=accept_deletions,
        adopt=adopt,
        accept_clock=accept_clock,
    )
    now = _instant(at) if at is not None else datetime.now(UTC)
    with Bar() as bar:
        report = _asked(config, plan, wish, bar)
        if report is None:
            cores = pipeline.cores()
            with pipeline.Session(plan, __version__, processes=cores, dry=wish.dry, adopt=adopt) as session:
                done = session.bring_up(pipeline.EVERYTHING, wish, now, started, bar)
                report = pipeline.report(done, session.survey())
                if plan.tellers and not wish.dry:
                    _announce(session, config)
    seconds = time.monotonic() - begin
    report = _placed(report, plan, warnings)
    say(*map(str, report.problems), err=True)
    if as_json:
        give_data(json.dumps(_object(report, seconds)))
    else:
        _summarise(report, seconds, dry=wish.dry)
    differs = check and bool(report.changes)
    return int(differs or not report.healthy or (strict and bool(report.problems)))


def _asked(config: Config, plan: Plan, wish: Wish, progress: Progress) -> Report | None:
    """What the daemon says that was asked to do it; None where there is no daemon."""
    import msgspec

    from aggregator.daemon import asking
    from aggregator.pipeline import Report

    request = {"do": "regenerate", "plan": plan.digest, "wish": msgspec.to_builtins(wish)}
    outcome = asking.ask(config.runtime.path, request, progress)
    return None if outcome is None else msgspec.convert(outcome, Report)


def _announce(session: Session, config: Config) -> None:
    """Tell hubs and hooks what was published; who can't be told now is told by the next run."""
    from aggregator.daemon.announcing import tell_once

    for trouble in tell_once(session, config):
        say(f"aggregator: {trouble}", err=True)


def _instant(text: str) -> datetime:
    from aggregator.text.dates import instant

    try:
        now = instant(text)
    except ValueError as error:
        raise click.BadParameter(f"{error}", param_hint="--at") from error
    if not _FIRST_YEAR <= now.year <= _LAST_YEAR:
        message = f"{text}: expected a time in the years {_FIRST_YEAR} to {_LAST_YEAR}"
        raise click.BadParameter(message, param_hint="--at")
    return now


def _placed(report: Report, plan: Plan, warnings: Sequence[Problem]) -> Report:
    """The report with the configuration's warnings, and paths that can be opened from the working directory."""
    from msgspec.structs import replace

    problems = (replace(problem, path=_shown(problem.path, plan)) for problem in report.problems)
    return replace(report, problems=(*warnings, *problems))


def _shown(path: str, plan: Plan) -> str:
    """A document's path as seen from the working directory."""
    file = plan.file(path)
    return os.path.relpath(file) if file else path


def _object(report: Report, seconds: float) -> dict[str, object]:
    import msgspec

    told = msgspec.to_builtins(report)
    return {
        "documents": told["documents"],
        "articles": told["articles"],
        "feeds": told["feeds"],
        "problems": told["problems"],
        "seconds": round(seconds, 3),
    }


def _summarise(report: Report, seconds: float, *, dry: bool) -> None:
    if dry and report.changes:
        give_data("\n".join(f"{outcome}\t{printable(path)}" for outcome, path in report.changes))
    documents, files = report.documents, report.feeds
    parts = [
        f"{_number(documents.read, 'document')} read, {documents.unchanged} unchanged",
        *(
            f"{count} {word}"
            for word, count in (
                ("failed", documents.failed),
                ("skipped", documents.skipped),
                ("gone", documents.gone),
            )
            if count
        ),
    ]
    would = "would be " if dry else ""
    say(
        f"{', '.join(parts)}: {_number(report.articles, 'article')}",
        f"{_number(files.written, 'feed file')} {would}written, {files.unchanged} unchanged,"
        f" {files.removed} {would}removed, {files.failed} failed, in {seconds:.2f} s",
        err=dry,
    )


def _number(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
