"""The one way in which commands print: whatever a line holds does nothing to a terminal, and stays one line.

What nobody can take (a full disk, a pipe that is closed) stops no work.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import Literal, NamedTuple, TextIO

import click

from aggregator.cli.encoding import printing_encoding
from aggregator.errors import NotGiven
from aggregator.text.plain import printable


class Line(NamedTuple):
    """A line for people: `label` in bold, then `text`."""

    label: str
    text: str = ""


def styled(line: Line | str) -> str:
    """A line as a terminal shows it."""
    if isinstance(line, str):
        return printable(line)
    return (click.style(printable(line.label), bold=True) if line.label else "") + printable(line.text)


def say(*lines: str, err: bool = False) -> None:
    """Print messages to stdout, or to stderr. What can't be written is lost."""
    if lines:
        _write("\n".join(map(styled, lines)), err=err)


def give(lines: Iterable[Line | str]) -> bool:
    """Print the lines of a result to stdout; False: whoever read them has gone away. Raises NotGiven where they can't
    be written.
    """
    return give_data("\n".join(map(styled, lines)))


def give_data(data: str | bytes) -> bool:
    """Print a result for programs to stdout as it stands, and the end of a line; False: whoever read it has gone away,
    having seen enough. Raises NotGiven where it can't be written.
    """
    error = _write(data)
    if error and error.errno != errno.EPIPE:
        advice = "what was to be done is done; ask again where there is room for the answer"
        raise NotGiven(f"the result can't be written to standard output: {error.strerror}; {advice}") from error
    return error is None


def open_streams() -> None:
    """See that there are descriptors 0, 1 and 2, and streams for them: no file of ours may get one of these numbers."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free, which is this one
    if sys.stdin is None:
        sys.stdin = _stream(0, "r")
    if sys.stdout is None:
        sys.stdout = _stream(1, "w")
    if sys.stderr is None:
        sys.stderr = _stream(2, "w")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal's encoding may lack a letter.
            stream.reconfigure(encoding=printing_encoding(), errors="backslashreplace")


def close_streams() -> None:
    """Write what is still to be written. What can't be is lost, so that it doesn't change the exit status."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            _silence(stream)


def _write(data: str | bytes, *, err: bool = False) -> OSError | None:
    """Print; why that isn't possible, if so."""
    try:
        click.echo(data, err=err)
    except OSError as error:
        _silence(sys.stderr if err else sys.stdout)
        return error
    return None


def _silence(stream: TextIO) -> None:
    """Let a stream lead nowhere: what it couldn't write would be tried again at the end of the process, and fail it."""
    with suppress(OSError):  # one without a descriptor
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        stream.flush()


def _stream(number: int, mode: Literal["r", "w"]) -> TextIO:
    # Not with open(): its stream would have to be closed, and this one lasts.
    return io.TextIOWrapper(io.FileIO(number, mode, closefd=False), encoding="utf-8", errors="backslashreplace")
