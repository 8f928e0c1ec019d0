"""Asking the daemon to do something, and hearing what came of it, over its control socket.

A request is a line of JSON, `{"do": "regenerate", ...}`; so is each answer: `{"alive": true}` at once and every few
seconds, `{"progress": [stage, done, total]}`, any number of them, then `{"outcome": ...}` or
`{"error": message, "status": exit status}`.
"""

from __future__ import annotations

import errno
import json
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aggregator.errors import NotDone

if TYPE_CHECKING:
    import socket

NAME = "control"
PATIENCE = 30.0  # seconds without a sign of life; the daemon gives one ten times as often

_NOBODY = (errno.ENOENT, errno.ECONNREFUSED, errno.ENOTDIR)


def ask(
    folder: Path,
    request: dict[str, Any],
    progress: Callable[[str, int, int], None] = lambda *_: None,
    patience: float = PATIENCE,
) -> Any | None:
    """The outcome of what the daemon whose runtime folder this is was asked to do; None where there is no daemon.

    That may take as long as it takes, as long as the daemon gives signs of life; `patience`: the seconds without one.
    Raises NotDone, with the daemon's message and exit status, or where it gives no sign.
    """
    line = connected(folder, patience)
    if line is None:
        return None
    with line, line.makefile("rwb") as stream:
        try:
            stream.write(json.dumps(request).encode() + b"\n")
            stream.flush()
            for answer in map(json.loads, stream):
                if "alive" in answer:
                    continue
                if "progress" in answer:
                    progress(*answer["progress"])
                elif "error" in answer:
                    raise NotDone(answer["error"], answer["status"])
                else:
                    return answer["outcome"]
        except TimeoutError as error:
            raise _no_sign(folder, patience) from error
        except (OSError, ValueError) as error:
            raise NotDone(f"the daemon has gone silent: {error}") from error
    raise NotDone("the daemon has ended before it was done; the next one goes on from there")


def connected(folder: Path, patience: float = PATIENCE) -> socket.socket | None:
    """A connection to whoever listens in this folder, which waits for so many seconds; None: nobody. Raises NotDone
    where it can't be had.
    """
    if not os.path.exists(folder / NAME):  # noqa: PTH110  # a folder that is closed to us has nothing for us either
        return None
    import socket  # only here: most commands meet no daemon

    line = socket.socket(socket.AF_UNIX)
    # A time-out of Python's would make connect(2) fail at once where the queue is full (unix(7)).
    line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", *divmod(int(patience * 1e6), 1_000_000)))
    try:
        with address_of(folder) as address:
            line.connect(address)
        line.settimeout(patience)
    except OSError as error:
        line.close()
        if error.errno in _NOBODY:
            return None
        if error.errno == errno.EAGAIN:
            raise _no_sign(folder, patience) from error
        advice = "ask as root, or as the user that the daemon runs as"
        raise NotDone(f"{folder / NAME}: {error.strerror}; {advice}") from error
    return line


def _no_sign(folder: Path, patience: float) -> NotDone:
    advice = "`aggregator status` tells what is known of it; end it and start it again: nothing is lost"
    return NotDone(f"the daemon that listens in {folder} has given no sign of life for {patience:g} s; {advice}")


@contextmanager
def address_of(folder: Path) -> Iterator[str]:
    """The socket's path, short whatever the folder's is: the kernel takes 107 bytes (unix(7))."""
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}/{NAME}"
    finally:
        os.close(descriptor)
