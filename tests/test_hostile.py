"""Documents that are made to do harm, all at once, under a daemon that a service manager watches."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests import hostile
from tests.daemons import QUICK, Daemon, until
from tests.site import Site

SIZES = {"few": (160,), "many": (3, 12, 40, 90, 160, 200, 250, 250, 400, 1000)}
"""In KiB; `make crash` takes many of them, which are 300 documents."""

SILENCE = 15.0  # seconds that the service manager may hear nothing
MEMORY = 600  # MiB of all processes together
GROWTH = 10  # times what the documents have, all feeds may have


class Watched:
    """What a service manager hears, and what all processes of a daemon take."""

    def __init__(self, heard: socket.socket) -> None:
        self.silence = 0.0
        self.memory = 0
        self._heard = heard
        self._last = time.monotonic()
        self._done = threading.Event()
        self._threads = [threading.Thread(target=self._listen)]

    def begin(self, daemon: Daemon) -> None:
        self._threads.append(threading.Thread(target=self._measure, args=(daemon.pid,)))
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def _listen(self) -> None:
        while not self._done.is_set():
            with suppress(TimeoutError):
                if b"WATCHDOG=1" in self._heard.recv(4096):
                    self._last = time.monotonic()
            self.silence = max(self.silence, time.monotonic() - self._last)

    def _measure(self, pid: int) -> None:
        while not self._done.wait(0.2):
            self.memory = max(self.memory, sum(map(proportional, family(pid))) >> 10)


def family(pid: int) -> Iterator[int]:
    """A process and all below it."""
    yield pid
    with suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            yield from family(int(child))


def proportional(pid: int) -> int:
    """The memory of a process in KiB; what it shares with others counts in part (proc(5), smaps_rollup)."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0


@contextmanager
def watched(site: Site, folder: Path) -> Iterator[tuple[Daemon, Watched]]:
    """A daemon under a service manager with a watchdog of a minute."""
    address = str(folder / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(address)
        heard.settimeout(0.2)
        watch = Watched(heard)
        with Daemon(site, environ={"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "60000000"}) as daemon:
            watch.begin(daemon)
            try:
                yield daemon, watch
            finally:
                watch.end()


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@pytest.mark.timeout(1800)
def test_hostile_documents_hold_nobody_up(site: Site, tmp_path: Path) -> None:
    """Thirty families at once: a good document is published, the watchdog is fed, memory and output have an end, and
    each of them is published or told with its path.
    """
    site.configure(watch=QUICK, output={"path": "public"})
    sizes = SIZES[os.environ.get("AGGREGATOR_HOSTILE", "few")]
    with watched(site, tmp_path) as (daemon, watch):
        paths = list(hostile.write(site.articles, sizes))
        site.document("good")
        until(lambda: "About good" in site.titles(), "the good document", 120)
        daemon.wait(
            lambda status: (
                status["state"] == "idle"
                and status["documents"]["known"] + status["documents"]["failed"] == len(paths) + 2
            ),
            "that all are read",
            1500,
        )
        assert watch.silence < SILENCE
        assert watch.memory < MEMORY
        assert daemon.status()["healthy"]  # type: ignore[index]
    assert size_of(site.output) < GROWTH * size_of(site.articles)
    done = site.run()
    assert done.status == 0
    silent = [path for path in paths if path.name not in done.err and not is_published(site, path)]
    assert silent == []


def is_published(site: Site, path: Path) -> bool:
    """Whether a document has an article, which may be older than what feeds show."""
    return site.run(str(path), command="explain").status == 0
