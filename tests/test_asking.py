"""Asking a daemon that is busy for long, stands still, or is beset."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from aggregator.daemon import asking, control
from aggregator.daemon.control import Answer, Control
from aggregator.errors import NotDone
from tests.daemons import Daemon, running, until
from tests.site import Site

SIGN = control._SIGN


def test_work_may_take_longer_than_anybody_waits_for_a_sign(tmp_path: Path) -> None:
    """Signs of life come at once and every few seconds, whatever the work is at."""
    over = threading.Event()

    def take(_: dict[str, Any], answer: Answer) -> None:
        def work() -> None:
            over.wait(60)
            answer({"outcome": 7})

        threading.Thread(target=work, daemon=True).start()

    listener = Control(tmp_path, take)
    listener.start()
    try:
        threading.Timer(2.5 * SIGN, over.set).start()
        begun = time.monotonic()
        assert asking.ask(tmp_path, {"do": "x"}, patience=1.5 * SIGN) == 7
        assert time.monotonic() - begun > 2 * SIGN
        line = asking.connected(tmp_path)
        assert line
        with line, line.makefile("rwb") as stream:
            over.clear()
            begun = time.monotonic()
            stream.write(b'{"do": "x"}\n')
            stream.flush()
            assert stream.readline() == b'{"alive": true}\n'
            assert time.monotonic() - begun < SIGN / 2
    finally:
        over.set()
        listener.stop()


def test_a_daemon_that_stands_still_is_given_up(tmp_path: Path) -> None:
    """Also where its queue is full, so that it can't even be asked; nobody waits for ever."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / asking.NAME))
        server.listen(0)
        waiting = []
        for _ in range(3):
            begun = time.monotonic()
            with pytest.raises(NotDone, match=r"no sign of life for 0\.5 s; `aggregator status`") as caught:
                asking.ask(tmp_path, {"do": "regenerate"}, patience=0.5)
            assert caught.value.exit_status == 3
            assert 0.4 < time.monotonic() - begun < 5
            line = socket.socket(socket.AF_UNIX)
            line.setblocking(False)
            waiting.append(line)
            with suppress(BlockingIOError):
                line.connect(str(tmp_path / asking.NAME))
        for line in waiting:
            line.close()


def test_a_stopped_daemon_is_not_answering(site: Site) -> None:
    """`status` says so at once, who asks it gives up with status 3, and all is well when it goes on."""
    with running(site) as daemon:
        daemon.wait(lambda status: status["state"] == "idle", "the start")
        assert site.run(command="status").status == 0
        os.kill(daemon.pid, signal.SIGSTOP)
        try:
            until(lambda: stopped(daemon), "the stop")
            done = site.run(command="status")
            assert done.status == 1
            assert done.out.startswith(f"daemon      not answering: process {daemon.pid} ")
            assert "kill -CONT" in done.out
            assert '"running": false' in site.run("--json", command="status").out
            for request in ("regenerate", "reload"):
                begun = time.monotonic()
                with pytest.raises(NotDone, match="no sign of life for 1 s") as caught:
                    asking.ask(site.store, {"do": request}, patience=1)
                assert 0.9 < time.monotonic() - begun < asking.PATIENCE
                assert caught.value.exit_status == 3
        finally:
            os.kill(daemon.pid, signal.SIGCONT)
        assert all(site.run(command=command).status == 0 for command in ("regenerate", "reload"))
        until(lambda: site.run(command="status").status == 0, "health")


def stopped(daemon: Daemon) -> bool:
    return b") T " in Path(f"/proc/{daemon.pid}/stat").read_bytes()
