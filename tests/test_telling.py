"""Hubs and hooks are told what was published, once it is on disk, and until they have been told."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.daemons import QUICK, Daemon, drop_in, running, until
from tests.site import Site

BASE = "https://feeds.example.org/"


class Hub(ThreadingHTTPServer):
    """Takes pings; with `status` it refuses them. What it was told is in `pings`, a list of feeds for each."""

    def __init__(self) -> None:
        self.pings: list[list[str]] = []
        self.status = 204
        super().__init__(("127.0.0.1", 0), _Pinged)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


class _Pinged(BaseHTTPRequestHandler):
    server: Hub

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        assert form["hub.mode"] == ["publish"]
        if self.server.status < 300:
            self.server.pings.append(sorted(url.removeprefix(BASE) for url in form["hub.url"]))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as hub:
        threading.Thread(target=hub.serve_forever, args=(0.05,)).start()
        yield hub
        hub.shutdown()


@contextmanager
def dead_hub() -> Iterator[str]:
    """A hub that takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(50)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"


def hook(site: Site, then: str = "") -> dict[str, Any]:
    """A hook that appends what it is told to a file."""
    script = site.root / "hook"
    script.write_text(f'#!/bin/sh\ncat >> "$1"\necho . >> "$1"\n{then}\n')
    script.chmod(0o755)
    return {"published": [str(script), str(site.root / "told $HOME; `id`")]}


def heard(site: Site) -> list[list[str]]:
    """What the hook was told: a list of lines for each time, with paths relative to the output."""
    path = site.root / "told $HOME; `id`"
    if not path.exists():
        return []
    *times, _ = path.read_text().split(".\n") if path.read_text().endswith(".\n") else [""]
    return [sorted(line.replace(f"{site.output}/", "") for line in time.splitlines()) for time in times]


def test_a_hub_is_told_of_changed_feeds_alone(site: Site, hub: Hub) -> None:
    """After they are on disk, those of one batch together, and each feed names it."""
    site.document("other", topics=["Sea"])
    with running(site, websub={"hubs": [hub.url]}) as daemon:
        until(lambda: hub.pings, "the first ping")
        formats = ("atom.xml", "rss.xml")
        everything = [f"{name}/{file}" for name in ("all", "topics/ai", "topics/sea") for file in formats]
        assert hub.pings == [everything]
        text = (site.output / "all/atom.xml").read_text()
        assert f'<link href="{hub.url}" rel="hub"/>' in text or f'rel="hub" href="{hub.url}"' in text
        site.document("a", title="Edited")
        until(lambda: len(hub.pings) == 2, "the second ping")
        assert "Edited" in (site.output / "all/atom.xml").read_text()
        assert hub.pings[1] == [f"{name}/{file}" for name in ("all", "topics/ai") for file in formats]
        status = daemon.wait(lambda status: status["announcing"][0]["waiting"] == 0, "that it was told")
        assert status["announcing"] == [{"name": hub.url, "waiting": 0, "failures": 0, "trouble": ""}]
        daemon.settled()
        until(lambda: len(hub.pings) == 3, "the third ping")


def test_a_dead_hub_delays_neither_feeds_nor_another_hub(site: Site, hub: Hub) -> None:
    """What it wasn't told is kept for it; the daemon is healthy, and stops in time."""
    with dead_hub() as dead, running(site, websub={"hubs": [dead, hub.url]}) as daemon:
        until(lambda: hub.pings, "the ping of the other one")
        for number in range(3):
            drop_in(site, f"b{number}")
            until(lambda: f"About b{number}" in site.titles(), "the feed")  # noqa: B023  # within this round
        until(lambda: sum(map(len, hub.pings)) >= 12, "all pings of the other one")
        status = daemon.wait(lambda status: status["announcing"][0]["waiting"] == 4, "what waits")
        assert status["healthy"]
        assert daemon.stop() == 0


def test_a_hub_that_refuses_for_now_is_told_later(site: Site, hub: Hub) -> None:
    """Also by the next daemon: what it has to be told outlives the process."""
    hub.status = 503
    with running(site, websub={"hubs": [hub.url]}) as daemon:
        status = daemon.wait(lambda status: status["announcing"][0]["failures"] == 1, "a failure")
        assert "503" in status["announcing"][0]["trouble"]
        assert status["announcing"][0]["waiting"] == 4
        assert daemon.logged("level=warning", "503")
        daemon.kill()
        hub.status = 204
        daemon.start()
        until(lambda: hub.pings, "the ping")
        assert len(hub.pings[0]) == 4


def test_a_hub_that_refuses_for_good_is_left_alone(site: Site, hub: Hub) -> None:
    """Until feeds change again."""
    hub.status = 403
    with running(site, websub={"hubs": [hub.url]}) as daemon:
        daemon.wait(lambda status: "403" in status["announcing"][0]["trouble"], "the refusal")
        status = daemon.wait(lambda status: status["announcing"][0]["waiting"] == 0, "that it is dropped")
        assert status["announcing"][0]["failures"] == 0
        hub.status = 204
        drop_in(site, "b", topics=["Sea"])
        until(lambda: hub.pings, "the next ping")
        assert hub.pings == [["all/atom.xml", "all/rss.xml", "topics/sea/atom.xml", "topics/sea/rss.xml"]]


def test_a_hook_is_told_what_was_written_and_removed(site: Site) -> None:
    """One line for each file, once they are on disk; its arguments are what is written in the configuration."""
    site.document("b", topics=["Sea"])
    with running(site, hooks=hook(site), feeds={"keep": "0s"}):
        until(lambda: heard(site), "the first time")
        assert "written\ttopics/sea/rss.xml" in heard(site)[0]
        (site.articles / "b.md").unlink()
        until(lambda: len(heard(site)) == 2, "the second time")
        removed = [f"removed\ttopics/sea/{file}" for file in ("atom.xml", "rss.xml")]
        assert heard(site)[1] == [*removed, "written\tall/atom.xml", "written\tall/rss.xml", "written\tfeeds.opml"]


def test_a_hook_that_fails_is_told_again_by_the_next_daemon(site: Site) -> None:
    """With all that it wasn't told in the meantime, each file once."""
    with running(site, hooks=hook(site, "exit 3")) as daemon:
        status = daemon.wait(lambda status: status["announcing"][0]["failures"] == 1, "the failure")
        assert "status 3" in status["announcing"][0]["trouble"]
        assert status["healthy"]
        drop_in(site, "b")
        daemon.wait(lambda status: status["batch"], "the batch")
        daemon.stop()
        before = len(heard(site))
        hook(site)
        daemon.start()
        paths, *_ = until(lambda: heard(site)[before:], "that it is told")  # the file may be half written at any time
        assert len(paths) == len(set(paths)) == 5
        daemon.wait(lambda status: status["announcing"][0]["waiting"] == 0, "that all is told")


def test_what_was_published_before_a_kill_is_told_after_it(site: Site) -> None:
    """Also where the file was on disk and nobody had noted it yet."""
    site.configure(watch=QUICK, hooks=hook(site))
    assert site.run().status == 0
    assert len(heard(site)) == 1
    ledger = (site.store / "ledger.sqlite").read_bytes()
    site.document("a", title="Edited")
    site.configure(watch=QUICK)
    assert site.run().status == 0  # the feeds are on disk ...
    (site.store / "ledger.sqlite").write_bytes(ledger)  # ... and the ledger is as before, as after a kill
    site.configure(watch=QUICK, hooks=hook(site))
    with Daemon(site):
        until(lambda: len(heard(site)) == 2, "that it is told")
        assert "written\tall/atom.xml" in heard(site)[1]


def test_regenerate_tells_hubs_and_hooks_too(site: Site, hub: Hub) -> None:
    """Those who run it from cron have no daemon; who fails is told by the next run, and the feeds are current."""
    site.configure(hooks=hook(site), websub={"hubs": [hub.url]})
    assert site.run("--dry-run").status == 0
    assert hub.pings == []
    assert site.run().status == 0
    assert (len(hub.pings[0]), len(heard(site)[0])) == (4, 5)
    hub.status = 503
    site.document("a", title="Edited")
    done = site.run()
    assert done.status == 0
    assert "503" in done.err
    hub.status = 204
    assert site.run().err == ""
    assert (len(hub.pings), len(heard(site))) == (2, 2)


def test_a_hook_gets_neither_locks_nor_the_service_managers_socket(site: Site) -> None:
    """It could keep another daemon from starting, or say that we are ready."""
    script = site.root / "spy"
    script.write_text('#!/bin/sh\nls -l /proc/self/fd > "$1"; env >> "$1"; mv "$1" "$2"\n')
    script.chmod(0o755)
    found = site.root / "found"
    site.configure(watch=QUICK, hooks={"published": [str(script), str(site.root / "part"), str(found)]})
    with Daemon(site, environ={"NOTIFY_SOCKET": "/nowhere"}):
        until(found.exists, "the hook")
    text = found.read_text()
    assert "NOTIFY_SOCKET" not in text
    assert str(site.store) not in text.split("PATH=")[0]


def test_a_hook_that_hangs_stops_nothing(site: Site) -> None:
    """Neither feeds nor the daemon's end; it is told how long it took."""
    with running(site, hooks=hook(site, "sleep 600") | {"timeout": "1s"}) as daemon:
        drop_in(site, "b")
        until(lambda: "About b" in site.titles(), "the feed")
        daemon.wait(lambda status: "1 s" in status["announcing"][0]["trouble"], "the time-out")
        begin = os.times().elapsed
        assert daemon.stop(signal.SIGINT) == 0
        assert os.times().elapsed - begin < 5


def test_a_secret_in_a_hubs_address_is_shown_to_nobody(site: Site, hub: Hub) -> None:
    """Neither in the status, nor in metrics: what is behind the question mark may be one."""
    metrics = site.root / "metrics.prom"
    hub.status = 503
    sections = {"websub": {"hubs": [f"{hub.url}?key=hush"]}, "metrics": {"textfile": str(metrics)}}
    with running(site, **sections) as daemon:
        daemon.wait(lambda status: status["announcing"][0]["failures"], "the failure")
        assert "hush" not in json.dumps(daemon.status())
        until(lambda: "announcements_total" in metrics.read_text(), "the metrics")
        assert "hush" not in metrics.read_text()
        assert "hush" not in daemon.log()
