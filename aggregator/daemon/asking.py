"""Asking the daemon to do something, and hearing what came of it, over its control socket.

A request is a line of JSON, `{"do": "regenerate", ...}`; so is each answer: `{"progress": [stage, done, total]}`, any
number of them, then `{"outcome": ...}` or `{"error": message, "status": exit status}`.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aggregator.errors import NotDone

if TYPE_CHECKING:
    import socket

NAME = "control"
_NOBODY = (errno.ENOENT, errno.ECONNREFUSED, errno.ENOTDIR)


def ask(
    folder: Path, request: dict[str, Any], progress: Callable[[str, int, int], None] = lambda *_: None
) -> Any | None:
    """The outcome of what the daemon whose runtime folder this is was asked to do; None where there is no daemon.

    Raises NotDone, with the daemon's message and exit status.
    """
    line = connected(folder)
    if line is None:
        return None
    with line, line.makefile("rwb") as stream:
        try:
            stream.write(json.dumps(request).encode() + b"\n")
            stream.flush()
            for answer in map(json.loads, stream):
                if "progress" in answer:
                    progress(*answer["progress"])
                elif "error" in answer:
                    raise NotDone(answer["error"], answer["status"])
                else:
                    return answer["outcome"]
        except (OSError, ValueError) as error:
            raise NotDone(f"the daemon has gone silent: {error}") from error
    raise NotDone("the daemon has ended before it was done; the next one goes on from there")


def connected(folder: Path) -> socket.socket | None:
    """A connection to whoever listens in this folder; None: nobody. Raises NotDone where it can't be had."""
    if not os.path.exists(folder / NAME):  # noqa: PTH110  # a folder that is closed to us has nothing for us either
        return None
    import socket  # only here: most commands meet no daemon

    line = socket.socket(socket.AF_UNIX)
    try:
        with address_of(folder) as address:
            line.connect(address)
    except OSError as error:
        line.close()
        if error.errno in _NOBODY:
            return None
        advice = "ask as root, or as the user that the daemon runs as"
        raise NotDone(f"{folder / NAME}: {error.strerror}; {advice}") from error
    return line


@contextmanager
def address_of(folder: Path) -> Iterator[str]:
    """The socket's path, short whatever the folder's is: the kernel takes 107 bytes (unix(7))."""
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}/{NAME}"
    finally:
        os.close(descriptor)
