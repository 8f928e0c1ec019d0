"""`aggregator feeds`: every feed that is out, and where a web server is to send those who ask for a former address."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import click

from aggregator.cli.printing import give, give_data, say
from aggregator.cli.settings import config_option, load, plan_of, tell_what_waits
from aggregator.text.plain import printable

if TYPE_CHECKING:
    from aggregator.pipeline import Listed

# Both compare paths that are decoded already, and send the new one to readers as it stands.
_REDIRECTS = {
    "nginx": "location = {old} {{ return 301 {new}; }}",
    "caddy": "redir {old} {new} permanent",
}
_SPECIAL = frozenset(" ;#${}'")  # what ends a word in their configurations, or stands for something else there


@click.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print the feeds as one JSON list.")
@click.option("--redirects", type=click.Choice(list(_REDIRECTS)), help="Print redirects from former addresses instead.")
def feeds(config_file: Path | None, as_json: bool, redirects: str | None) -> None:
    """List the feeds: address, entries, date of the newest, topic."""
    if as_json and redirects:
        raise click.UsageError("--json lists feeds, and --redirects doesn't; give one of them")
    from aggregator import pipeline

    plan = plan_of(load(config_file))
    if redirects:
        _print_redirects(_REDIRECTS[redirects], pipeline.redirects(plan))
        return
    listed = pipeline.listing(plan)
    tell_what_waits(plan)
    if as_json:
        import msgspec

        give_data(json.dumps(msgspec.to_builtins(listed), indent=2))
    elif not listed:
        say("no feed is out; `aggregator regenerate` publishes them", err=True)
    else:
        give(_lines(listed))


def _print_redirects(form: str, redirects: Sequence[tuple[str, str]]) -> None:
    if not redirects:
        say("nothing to redirect: no topic with an address has another name by now", err=True)
        return
    lines = [form.format(old=_word(old), new=quote(new)) for old, new in redirects]
    give_data("\n".join(lines).encode())  # bytes: web servers read UTF-8, whatever the terminal does


def _word(path: str) -> str:
    """A path as one word of a web server's configuration."""
    return path if _SPECIAL.isdisjoint(path) else f'"{path}"'


def _row(feed: Listed) -> tuple[str, str, str, str]:
    newest = f"{feed.newest:%Y-%m-%d}" if feed.newest else "-"
    title = f"→ {feed.alias_of}" if feed.alias_of else feed.title
    return printable(feed.url), str(feed.entries), newest, title


def _lines(listed: Sequence[Listed]) -> Iterable[str]:
    rows = [_row(feed) for feed in listed]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for url, entries, newest, title in rows:
        yield f"{url:{widths[0]}}  {entries:>{widths[1]}}  {newest:{widths[2]}}  {title}"
