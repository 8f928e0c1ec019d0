"""`aggregator ledger`: keep a copy of what can't be worked out again, and put it back."""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import TextIO

import click

from aggregator.cli.printing import say
from aggregator.cli.settings import config_option, load


@click.group()
def ledger() -> None:
    """Back up or restore the ledger: ids, slugs, withdrawals."""


@ledger.command()
@config_option
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
def backup(config_file: Path | None, file: Path) -> None:
    """Write the ledger to FILE (`-`: standard output) as JSON lines."""
    from aggregator import store
    from aggregator.errors import StoreError

    folder = load(config_file).store.path
    if not (folder / store.LEDGER_FILE).exists():
        raise StoreError(f"{folder / store.LEDGER_FILE}: there is no ledger yet; `aggregator regenerate` makes one")
    opened = store.Ledger(folder, dry=True)
    try:
        lines = (f"{line}\n" for line in store.back_up(opened))
        if file.is_file() or not (file.exists() or str(file) == "-"):
            _replace(file, lines)
        else:  # a pipe or a device
            with click.open_file(str(file), "w", encoding="utf-8") as stream:
                stream.writelines(lines)
    finally:
        opened.close()


@ledger.command()
@config_option
@click.argument("file", type=click.File("r", encoding="utf-8", errors="surrogateescape"))
def restore(config_file: Path | None, file: TextIO) -> None:
    """Put the ledger back from FILE (`-`: standard input); the one that is there is kept aside."""
    from aggregator import publish, store
    from aggregator.errors import BackupRefused, ForeignOutput, LedgerCorrupt

    config = load(config_file)
    head = file.readline()
    try:
        with publish.claimed(config.output.path, config.store.path, store.identity_of(head), write=False):
            kept = store.restore(config.store.path, chain([head], file))
    except BackupRefused as error:
        raise BackupRefused(f"{file.name}: {error}") from error
    except (ForeignOutput, LedgerCorrupt) as error:
        raise BackupRefused(f"{file.name}: the backup of another store: {error}") from error
    if kept:
        say(f"the ledger that was there is kept as {kept}", err=True)
    say("the ledger is restored; `aggregator regenerate` brings the feeds up to it", err=True)


def _replace(file: Path, lines: Iterable[str]) -> None:
    """Write a file whole or not at all: an older backup is worth more than half a new one."""
    part = file.with_name(f"{file.name}.part")
    try:
        with part.open("w", encoding="utf-8") as stream:
            stream.writelines(lines)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(file)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
