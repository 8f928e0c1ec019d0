"""`aggregator reload`: the running daemon reads its configuration again."""

from __future__ import annotations

from pathlib import Path

import click

from aggregator.cli.printing import say
from aggregator.cli.settings import config_option, runtime


@click.command("reload")
@config_option
def reload(config_file: Path | None) -> int:
    """Make the running daemon read its configuration again, and wait until it has.

    A configuration that is wrong is told, and the daemon goes on under the one it has.
    """
    folder = runtime(config_file)
    from aggregator.daemon import asking

    outcome = asking.ask(folder, {"do": "reload"})
    if outcome is None:
        advice = "`aggregator run` starts one; one that runs under another `runtime.path` is to be stopped first"
        say(f"aggregator: no daemon listens in {folder}; {advice}", err=True)
        return 3
    say(*outcome.get("warnings", ()), err=True)
    say("the configuration is in force")
    return 0
