"""`aggregator ledger`: keep a copy of what can't be worked out again, and put it back."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import TextIO

import click

from aggregator.cli.printing import give_data, say
from aggregator.cli.settings import config_option, load

_AT_ONCE = 1000  # lines of a backup


@click.group()
def ledger() -> None:
    """Back up or restore the ledger: ids, slugs, withdrawals."""


@ledger.command()
@config_option
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
def backup(config_file: Path | None, file: Path) -> None:
    """Write the ledger to FILE (`-`: standard output) as JSON lines."""
    from aggregator import store
    from aggregator.errors import LedgerCorrupt, StoreError

    folder = load(config_file).store.path
    if not (folder / store.LEDGER_FILE).exists():
        raise StoreError(f"{folder / store.LEDGER_FILE}: there is no ledger yet; `aggregator regenerate` makes one")
    opened = store.Ledger(folder, dry=True)
    try:
        if not opened.sound():  # a damaged one is no backup, and takes no older one's place
            raise LedgerCorrupt(store.DAMAGED.format(path=folder / store.LEDGER_FILE))
        lines = (f"{line}\n".encode() for line in store.back_up(opened))
        if str(file) == "-" or _is_stdout(file):
            for some in store.chunks(lines, _AT_ONCE):
                if not give_data(b"".join(some).removesuffix(b"\n")):
                    break
        elif file.is_file() or not file.exists():
            _replace(file, lines)
        else:  # a pipe or a device
            with file.open("wb") as stream:
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


def _is_stdout(file: Path) -> bool:
    """Whether a path names standard output, as /dev/stdout does, wherever that leads."""
    try:
        return os.path.samestat(file.stat(), os.fstat(1))
    except OSError:
        return False


def _replace(file: Path, lines: Iterable[bytes]) -> None:
    """Write a file whole or not at all, for its owner alone: it holds the addresses of private feeds.

    An older backup is worth more than half a new one.
    """
    part = file.with_name(f"{file.name}.part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            os.fchmod(descriptor, 0o600)
            stream.writelines(lines)
            stream.flush()
            os.fsync(descriptor)
        part.replace(file)
        _sync(file.parent)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _sync(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # not every file system can sync folders
            raise
    finally:
        os.close(descriptor)
