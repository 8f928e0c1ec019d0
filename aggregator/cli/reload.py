"""`aggregator reload`: the running daemon reads its configuration again."""

from __future__ import annotations

from pathlib import Path

import click

from aggregator.cli.settings import config_option, load


@click.command("reload")
@config_option
def reload(config_file: Path | None) -> int:
    """Make the running daemon read its configuration again, and wait until it has.

    A configuration that is wrong is told, and the daemon goes on under the one it has.
    """
    config = load(config_file)
    from aggregator.daemon import asking

    if asking.ask(config.runtime.path, {"do": "reload"}) is None:
        click.echo(f"aggregator: no daemon listens in {config.runtime.path}; `aggregator run` starts one", err=True)
        return 3
    return 0
