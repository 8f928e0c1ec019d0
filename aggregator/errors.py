"""Everything raised on purpose.

AggregatorError                 caught by cli, which prints it and exits with its `exit_status`
├── ParseError                  text that isn't what it should be; caught where the text's file is known
├── ConfigurationError          the configuration can't be used; all its problems at once
├── TimeRefused                 `--at` names a time before something the ledger remembers
├── ClockBehind                 the clock says an instant long before one that the ledger remembers
├── UnknownFeed                 `--feed` names a feed that doesn't exist
├── UnknownArticle              `explain` was asked for something that names no article
├── ForeignOutput               the output folder belongs to another store, or holds files that aren't ours
├── WrongEncoding               names of files would be read otherwise than as UTF-8
├── Locked                      another process is writing
├── NotDone                     the daemon was asked to do something, and refused or couldn't
├── PlaceChanged                another store or output folder, while the daemon runs; caught by daemon
├── NoWorkers                   worker processes end before they begin anything
├── Stuck                       the daemon's work fails again and again in the same way: another process may fare better
├── Stopped                     the daemon was asked to stop amid its work; caught by daemon
├── MetricsFailed               metrics can't be given out; caught by daemon, which goes on
├── HubFailed                   a hub wasn't told of all changed feeds; caught by daemon, which tries again or not
├── HookFailed                  a hook didn't run, or to no good end; caught by daemon, which logs it
├── NotGiven                    the result of a command can't be written to where it was asked for
├── NotServed                   there is nothing to serve, or no port to serve it at
└── StoreError                  the store can't be opened, read or written
    ├── IndexDamaged            what the index holds isn't what was put there; caught by pipeline, which rebuilds it
    ├── LedgerCorrupt           the ledger is damaged: nothing goes on without a person
    └── BackupRefused           a ledger backup that can't be restored

What goes wrong with one document or one feed is not raised but told as a `model.Problem`.
"""

from __future__ import annotations

from typing import Any


class AggregatorError(Exception):
    """The root. `exit_status`: 2 usage or configuration, 3 not done."""

    exit_status = 3

    @property
    def lines(self) -> list[str]:
        """The message in lines for people; most are one."""
        return [str(self)]


class ParseError(AggregatorError):
    """Text that isn't what it should be.

    Raised by `text`, caught by `documents` and `config`, which know the file. `line` and `column` count from 1.
    """

    exit_status = 2

    def __init__(self, message: str, line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


class ConfigurationError(AggregatorError):
    """The configuration can't be used: `problems` (of `model`, which stands above) holds all that is wrong."""

    exit_status = 2

    def __init__(self, problems: tuple[Any, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems

    @property
    def lines(self) -> list[str]:
        """A line for each problem."""
        return [str(problem) for problem in self.problems]


class TimeRefused(AggregatorError):
    """`--at` names a time before something the ledger remembers."""

    exit_status = 2


class ClockBehind(AggregatorError):
    """The clock says an instant long before one that the ledger remembers, so one of them is wrong.

    Nothing is done until the clock is right, or a person says that it is.
    """


class UnknownFeed(AggregatorError):
    """`--feed` names a feed that doesn't exist."""

    exit_status = 2


class UnknownArticle(AggregatorError):
    """`explain` was asked for something that names no article; the message says what is known instead."""

    exit_status = 2


class ForeignOutput(AggregatorError):
    """The output folder belongs to another store, or holds files of others under names that we would write."""

    exit_status = 2


class WrongEncoding(AggregatorError):
    """Names of files would be read otherwise than as UTF-8, and documents be taken for others."""


class Locked(AggregatorError):
    """Another process is writing this store or this output folder."""


class NotDone(AggregatorError):
    """The daemon was asked to do something, and refused or couldn't; `exit_status` is what it said."""

    def __init__(self, message: str, exit_status: int = AggregatorError.exit_status) -> None:
        super().__init__(message)
        self.exit_status = exit_status

    @property
    def lines(self) -> list[str]:
        """As many as the daemon said."""
        return str(self).split("\n")


class PlaceChanged(AggregatorError):
    """The configuration names another store or output folder than the one that is held."""

    exit_status = 2


class NoWorkers(AggregatorError):
    """Worker processes end again and again before they begin anything: the machine has no room for them."""


class Stuck(AggregatorError):
    """The daemon's work has failed again and again in the same way; the service manager starts another one."""


class Stopped(AggregatorError):
    """Work was left because somebody asked to stop; nothing of it is lost."""


class HubFailed(AggregatorError):
    """A hub wasn't told of all changed feeds.

    `later`: whether it is worth trying again; `wait`: in how many seconds the hub wants that (None: it doesn't say);
    `told`: how many of the feeds, from the first, it knows of all the same.
    """

    def __init__(self, message: str, *, later: bool, wait: float | None = None, told: int = 0) -> None:
        super().__init__(message)
        self.later = later
        self.wait = wait
        self.told = told


class HookFailed(AggregatorError):
    """A hook didn't run, took too long, or ended with another status than 0."""


class NotGiven(AggregatorError):
    """The result of a command can't be written to standard output."""


class NotServed(AggregatorError):
    """`serve` found nothing to serve, or no port to serve it at."""


class MetricsFailed(AggregatorError):
    """The metrics can't be given out."""


class StoreError(AggregatorError):
    """The store can't be opened, read or written."""


class IndexDamaged(StoreError):
    """What the index holds isn't what was put there. Caught by pipeline, which builds a new one."""


class LedgerCorrupt(StoreError):
    """The ledger is damaged. Nothing goes on until a person has restored it."""


class BackupRefused(StoreError):
    """A ledger backup that isn't whole, or isn't one."""

    exit_status = 2
