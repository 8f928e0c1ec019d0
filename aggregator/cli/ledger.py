"""`aggregator ledger`: keep a copy of what can't be worked out again, and put it back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TextIO

import click

from aggregator.cli.settings import config_option, load


@click.group()
def ledger() -> None:
    """Back up or restore the ledger: ids, slugs, withdrawals."""


@ledger.command()
@config_option
@click.argument("file", type=click.File("w", encoding="utf-8", atomic=True))
def backup(config_file: Path | None, file: TextIO) -> None:
    """Write the ledger to FILE (`-`: standard output) as JSON lines."""
    from aggregator.errors import StoreError
    from aggregator.store import LEDGER_FILE, Ledger

    folder = load(config_file).store.path
    if not (folder / LEDGER_FILE).exists():
        raise StoreError(f"{folder / LEDGER_FILE}: there is no ledger yet; `aggregator regenerate` makes one")
    opened = Ledger(folder, dry=True)
    try:
        for line in opened.backup():
            file.write(line + "\n")
    finally:
        opened.close()


@ledger.command()
@config_option
@click.argument("file", type=click.File("r", encoding="utf-8"))
def restore(config_file: Path | None, file: TextIO) -> None:
    """Put the ledger back from FILE (`-`: standard input); the one that is there is kept aside."""
    from aggregator import publish, store
    from aggregator.errors import BackupRefused

    config = load(config_file)
    head = file.readline()
    try:
        identity = str(json.loads(head)["identity"])
    except (ValueError, KeyError, TypeError) as error:
        raise BackupRefused(f"{file.name}: line 1: not the head of a ledger backup") from error
    with publish.claimed(config.output.path, config.store.path, identity):
        kept = store.restore(config.store.path, (line for part in ([head], file) for line in part))
    if kept:
        click.echo(f"the ledger that was there is kept as {kept}", err=True)
    click.echo("the ledger is restored; `aggregator regenerate` brings the feeds up to it", err=True)
