"""`aggregator run`: the daemon."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aggregator.cli.settings import config_option, found, load, plan_of

if TYPE_CHECKING:
    from aggregator.config import Log
    from aggregator.model import Problem


_MONTHS = (2_000, 10, 10)  # unlike other commands, this one is to get rid of what it no longer needs


@click.command()
@config_option
@click.option("--test-stall", is_flag=True, hidden=True, help="Stand still on SIGUSR2.")
def run(config_file: Path | None, test_stall: bool) -> None:
    """Keep the feeds current until told to stop: the daemon.

    SIGTERM stops it, SIGHUP reads the configuration again, SIGUSR1 regenerates everything now.
    """
    import faulthandler
    import gc
    import signal

    for number in (signal.SIGHUP, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)  # until there is somebody to take them
    gc.set_threshold(*_MONTHS)
    from aggregator.daemon import logs
    from aggregator.daemon.loop import Daemon
    from aggregator.daemon.messages import Setting
    from aggregator.systemd import Manager, watchdog_seconds

    faulthandler.enable()  # the service manager's SIGABRT, where the work stands still, tells where
    environment = os.environ

    def log_as(log: Log) -> None:
        journal = logs.is_journal(sys.stderr, environment)
        colour = logs.wants_colour(sys.stderr, environment)
        logs.configure(log.format, log.level, sys.stderr, journal=journal, colour=colour)

    def read() -> Setting:
        warnings: list[Problem] = []
        config = load(config_file, warnings.append)
        return Setting(config, plan_of(config), tuple(warnings))

    setting = read()
    manager = Manager(environment.pop("NOTIFY_SOCKET", None))  # not for hooks
    watchdog = watchdog_seconds(environment, os.getpid())
    Daemon(setting, str(found(config_file)), read, log_as, manager, watchdog, stall=test_stall).run()
