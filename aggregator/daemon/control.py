"""The daemon's end of the control socket."""

from __future__ import annotations

import json
import os
import socket
import socketserver
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from aggregator.daemon.asking import NAME, PATIENCE, address_of, connected
from aggregator.errors import AggregatorError, Locked, NotDone
from aggregator.text.plain import printable

_LINE = 1 << 20  # bytes of a request
_SIGN = PATIENCE / 10  # seconds between two signs of life
_ALIVE = {"alive": True}
_GLANCE = 1.0  # seconds that stopping may take longer

Answer = Callable[[dict[str, Any]], None]
"""Told each answer to a request; `outcome` or `error` is the last."""


class Control:
    """Listens in the runtime folder; each request is handed to `take` with what takes the answers, in a thread.

    Only the daemon's own user, and root, can ask. `start` raises Locked where another daemon listens there, and
    OSError.
    """

    def __init__(self, folder: Path, take: Callable[[dict[str, Any], Answer], None]) -> None:
        self.folder = folder
        self._take = take
        self._server: _Server | None = None

    def start(self) -> None:
        if connected(self.folder):
            raise Locked(f"another daemon listens in {self.folder}; name another folder as `runtime.path`")
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / NAME).unlink(missing_ok=True)  # of one that was killed
        with address_of(self.folder) as address:
            mask = os.umask(0o177)
            try:
                self._server = _Server(address, self._take)
            finally:
                os.umask(mask)
        threading.Thread(target=self._server.serve_forever, args=(_GLANCE,), name="control", daemon=True).start()

    def check(self) -> None:
        """Listen anew where somebody has cleared the folder away. Raises as `start` does."""
        if not os.path.lexists(self.folder / NAME):
            self.stop()
            self.start()

    def stop(self) -> None:
        """Listen no more."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            with suppress(OSError):
                (self.folder / NAME).unlink()
            self._server = None


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: str, take: Callable[[dict[str, Any], Answer], None]) -> None:
        self.take = take
        super().__init__(address, _Conversation)

    def get_request(self) -> tuple[socket.socket, Any]:
        try:
            return super().get_request()
        except OSError:  # no descriptors left: not again at once
            time.sleep(_GLANCE)
            raise

    def handle_error(self, *_: object) -> None:
        """Who asked has gone away."""


class _Conversation(socketserver.StreamRequestHandler):
    server: _Server
    timeout = 10.0  # seconds for whoever connects to ask, and to take an answer

    def handle(self) -> None:
        answers: SimpleQueue[dict[str, Any]] = SimpleQueue()
        request = None
        with suppress(ValueError):
            request = json.loads(self.rfile.readline(_LINE))
        if isinstance(request, dict):
            self.server.take(request, answers.put)
        else:
            answers.put(refusal(NotDone("not a request")))
        self._say(_ALIVE)  # the work may be busy with something else for long
        while True:
            try:
                answer = answers.get(timeout=_SIGN)
            except Empty:
                answer = _ALIVE
            self._say(answer)
            if "outcome" in answer or "error" in answer:
                return

    def _say(self, answer: dict[str, Any]) -> None:
        self.wfile.write(json.dumps(answer).encode() + b"\n")


def refusal(error: AggregatorError) -> dict[str, Any]:
    """The answer that something can't be done."""
    return {"error": "\n".join(map(printable, error.lines)), "status": error.exit_status}
