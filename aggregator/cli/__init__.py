"""The command line: one file per command. Messages go to stderr, results to stdout.

Exit status: 0 every feed is current; 1 a feed or source failed, the guard held, `--check` differs, or `--strict`
and any problem; 2 usage or configuration; 3 not done.
"""

from __future__ import annotations

import gc
import io
import sys
import traceback

import click

from aggregator import __version__
from aggregator.cli.encoding import use_utf_8
from aggregator.cli.explain import explain
from aggregator.cli.feeds import feeds
from aggregator.cli.ledger import ledger
from aggregator.cli.printing import close_streams, open_streams, say
from aggregator.cli.regenerate import regenerate
from aggregator.cli.reload import reload
from aggregator.cli.run import run
from aggregator.cli.serve import serve
from aggregator.cli.status import status
from aggregator.errors import AggregatorError

_NOT_DONE = 3


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="aggregator")
def commands() -> None:
    """Turn a folder of article documents into feeds and pages, one for each topic."""


for command in (regenerate, run, status, reload, explain, feeds, serve, ledger):
    commands.add_command(command)


def main() -> None:
    """Run the command that was asked for, and exit with its status."""
    gc.set_threshold(100_000)  # a command is over soon, and little of what it makes has cycles
    open_streams()
    try:
        use_utf_8()
        status = commands.main(standalone_mode=False)
    except click.ClickException as error:
        shown = io.StringIO()
        error.show(shown)
        say(*shown.getvalue().splitlines(), err=True)
        status = error.exit_code
    except AggregatorError as error:
        say(*(f"aggregator: {line}" for line in error.lines), err=True)
        status = error.exit_status
    except (KeyboardInterrupt, click.Abort):
        say("aggregator: interrupted; the next run goes on from here", err=True)
        status = _NOT_DONE
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        say(f"aggregator: {where}{error.strerror or error}", err=True)
        status = _NOT_DONE
    except Exception:  # the last resort: a bug is told whole, and is not a success
        say(
            *traceback.format_exc().splitlines(),
            "aggregator: this is a bug; nothing is lost, the next run goes on from here; if it comes back,"
            " `aggregator regenerate --rebuild` begins with a new index",
            err=True,
        )
        status = _NOT_DONE
    close_streams()
    sys.exit(status or 0)
