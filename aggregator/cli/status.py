"""`aggregator status`: what the daemon is doing, did last, and cannot do."""

from __future__ import annotations

import json
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import click

from aggregator.cli.printing import Line, give, give_data, styled
from aggregator.cli.settings import config_option, runtime
from aggregator.cli.status_text import lines

if TYPE_CHECKING:
    from aggregator.daemon.status import Life, Status

_EVERY = 1.0  # seconds between two looks


class Look(NamedTuple):
    """What there was to see at an instant. `status` None: no daemon has left one."""

    status: Status | None
    life: Life
    now: datetime

    @property
    def running(self) -> bool:
        """Whether the daemon is there, and answers."""
        return self.life == "running"

    @property
    def healthy(self) -> bool:
        """Whether it runs, and all is well."""
        return self.running and self.status is not None and self.status.healthy


Show: TypeAlias = Callable[[Look], bool]
"""Shows a look; False: nobody sees it any more."""


@click.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; with --watch, one on each line.")
@click.option("--watch", is_flag=True, help="Go on until Ctrl-C, and show what changes.")
def status(config_file: Path | None, as_json: bool, watch: bool) -> int:
    """Tell what the daemon is doing, did last, and cannot do.

    Exit status: 0 where it is running and healthy, else 1.
    """
    folder = runtime(config_file)
    look = _look(folder)
    if not watch:
        if as_json:
            give_data(_json(look, indent=2))
        else:
            give(_lines(look))
        return int(not look.healthy)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the terminal is to be left as it was, then too
    try:
        paper = _give_json if as_json else _give_block
        with _screen() if sys.stdout.isatty() and not as_json else _paper(paper) as show:
            while show(look):
                time.sleep(_EVERY)
                look = _look(folder)
    except KeyboardInterrupt:  # how one stops watching
        pass
    return int(not look.healthy)


def _look(folder: Path) -> Look:
    from aggregator.daemon.status import life, read

    found, now = read(folder), datetime.now(UTC)
    return Look(found, life(found, now), now)


@contextmanager
def _screen() -> Iterator[Show]:
    """Show each look in the place of the one before."""
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    with Live(console=Console(), auto_refresh=False) as live:

        def show(look: Look) -> bool:
            live.update(Text.from_ansi("\n".join(map(styled, _lines(look)))), refresh=True)
            return True

        yield show


@contextmanager
def _paper(give_look: Show) -> Iterator[Show]:
    """Print a look where it differs from the one before by more than the time."""
    from aggregator.daemon.status import unchanged

    shown: object = None

    def show(look: Look) -> bool:
        nonlocal shown
        news = look.life, look.status and unchanged(look.status)
        if news == shown:
            return True
        shown = news
        return give_look(look)

    yield show


def _lines(look: Look) -> Iterator[Line]:
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    return lines(look.status, look.life, look.now, width)


def _give_block(look: Look) -> bool:
    return give([f"at          {look.now:%Y-%m-%d %H:%M:%S} UTC", *_lines(look), ""])


def _give_json(look: Look) -> bool:
    return give_data(_json(look))


def _json(look: Look, indent: int | None = None) -> str:
    import msgspec

    told = msgspec.to_builtins(look.status) if look.status else {}
    return json.dumps({"running": look.running, **told}, indent=indent)
