"""Commands of the site's own, which are told what has been published."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from aggregator.errors import HookFailed
from aggregator.text.plain import brief

_KEPT = 4096  # bytes of each output
_SHOWN = 200  # characters of its last line


def tell(command: Sequence[str], news: Sequence[tuple[str, Path]], timeout: float) -> None:
    """Run a command, a program and its arguments, with a line `written` or `removed`, tab, absolute path for each file.

    The lines are its standard input, which it need not read. It runs without a shell, in a session of its own, with
    none of our files open; after `timeout` seconds, at most a day, it is killed with its process group. What it leaves
    running when it ends is left alone. Raises HookFailed where it can't be run, takes too long, or doesn't end with
    status 0.
    """
    try:
        process = _started(command, b"".join(_line(word, path) for word, path in news))
    except (OSError, ValueError) as error:
        raise HookFailed(f"{_named(command)} can't be run: {_why(error)}") from error
    outputs = {pipe: b"" for pipe in (process.stderr, process.stdout) if pipe}
    try:
        in_time = _watch(process, outputs, timeout)
    except OSError as error:
        raise HookFailed(f"{_named(command)} was killed, for it can't be watched: {_why(error)}") from error
    finally:
        if process.returncode is None:
            _kill(process)
        for pipe in outputs:
            pipe.close()
    if in_time and process.returncode == 0:
        return
    end = _end(process.returncode) if in_time else f"took longer than {timeout:g} s and was killed"
    last = next(filter(None, map(_last_line, outputs.values())), "")
    raise HookFailed(f"{_named(command)} {end}" + (f": {last}" if last else ""))


def _started(command: Sequence[str], lines: bytes) -> subprocess.Popen[bytes]:
    # A file, as a pipe would have to be filled while it is read, if it is read.
    with TemporaryFile() as file:
        file.write(lines)
        file.seek(0)
        return subprocess.Popen(  # noqa: S603  # the command is the site's own
            command, stdin=file, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )


def _watch(process: subprocess.Popen[bytes], outputs: dict[IO[bytes], bytes], timeout: float) -> bool:
    """Keep the ends of what a process says until it ends; whether that was in time.

    Not until its outputs end: what it leaves running may hold them open for ever.
    """
    deadline = time.monotonic() + timeout
    with selectors.DefaultSelector() as waiting, os.fdopen(os.pidfd_open(process.pid), "rb", buffering=0) as end:
        waiting.register(end, selectors.EVENT_READ)
        for pipe in outputs:
            os.set_blocking(pipe.fileno(), False)
            waiting.register(pipe, selectors.EVENT_READ)
        while (left := deadline - time.monotonic()) > 0:
            ready = [key.fileobj for key, _ in waiting.select(left)]
            for pipe in outputs:
                if pipe in ready and not _keep(pipe, outputs):
                    waiting.unregister(pipe)
            if end in ready:
                process.wait()
                for pipe in outputs:
                    _keep(pipe, outputs)
                return True
    return False


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a process and all of its group, and be rid of it."""
    with suppress(PermissionError):  # it has become somebody else, who can't be killed and isn't to be waited for
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _keep(pipe: IO[bytes], outputs: dict[IO[bytes], bytes]) -> bool:
    """Add what a pipe holds now to its output's end; False where nothing more will come."""
    try:
        some = os.read(pipe.fileno(), 1 << 16)
    except BlockingIOError:
        return True
    outputs[pipe] = (outputs[pipe] + some)[-_KEPT:]
    return bool(some)


def _line(word: str, path: Path) -> bytes:
    if b"\n" in (written := os.fsencode(path)):
        raise ValueError(f"the path {str(path)!r} holds the end of a line, and can't be told")
    return word.encode() + b"\t" + written + b"\n"


def _named(command: Sequence[str]) -> str:
    """The program alone: an argument may be a secret, taken from the environment."""
    return f"the hook `{brief(command[0], _SHOWN)}`"


def _why(error: OSError | ValueError) -> str:
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)


def _end(status: int) -> str:
    return f"ended with status {status}" if status >= 0 else f"was ended by {_signal(-status)}"


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # one of those for real time
        return f"signal {number}"


def _last_line(output: bytes) -> str:
    """The last line that says something, fit for a line of the log."""
    lines = output.decode("utf-8", "replace").splitlines()
    return next(filter(None, (brief(line, _SHOWN) for line in reversed(lines))), "")
