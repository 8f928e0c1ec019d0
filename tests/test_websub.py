"""Hubs, which are told of changed feeds, and however they answer hold nothing up."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest
from lxml import etree

from aggregator.errors import HubFailed
from aggregator.websub import AT_ONCE, LONGEST_WAIT, MOST_FAILURES, backoff, ping
from tests.site import Site

TOPIC = "https://feeds.example.org/topics/ai/atom.xml"
PATIENCE = 20.0  # seconds; no test takes that long unless something hangs
SHORT = 0.3  # seconds, for hubs that never finish


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever this machine's proxy, a hub on loopback isn't behind it."""
    for name in ("http_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


class Hub(ThreadingHTTPServer):
    """A hub that answers each request alike, and keeps what it was told."""

    daemon_threads = True

    def __init__(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.status = status
        self.body = body
        self.headers = headers
        self.told: list[tuple[str, dict[str, list[str]]]] = []
        self.types: set[str | None] = set()
        self.connections = 0
        self.url = f"http://127.0.0.1:{self.server_port}/"


class Request(BaseHTTPRequestHandler):
    """A request to the hub."""

    protocol_version = "HTTP/1.1"
    server: Hub

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def do_POST(self) -> None:
        said = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.told.append((self.path, parse_qs(said, strict_parsing=True)))
        self.server.types.add(self.headers["Content-Type"])
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        if self.server.status != 204:
            self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        try:
            self.wfile.write(self.server.body)
        except ConnectionError:
            self.close_connection = True  # who asked has heard enough

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def hub(status: int = 204, body: bytes = b"", **headers: str) -> Iterator[Hub]:
    """A real hub on loopback. Headers are written with `_` for `-`."""
    with Hub(status, body, {name.replace("_", "-"): value for name, value in headers.items()}) as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        try:
            yield server
        finally:
            server.shutdown()
            serving.join()


def hear(connection: socket.socket) -> None:
    """Read one request to its end: what is left unread when a connection is closed spoils the answer."""
    with connection.makefile("rb") as lines:
        head = {
            name.lower(): value for name, _, value in (line.partition(b":") for line in iter(lines.readline, b"\r\n"))
        }
        lines.read(int(head[b"content-length"]))


@contextmanager
def raw_hub(answer: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    """A hub that answers its one connection as it likes, until the event says that the test is over; its URL."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                try:
                    hear(connection)
                    answer(connection, over)
                except ConnectionError:
                    pass  # who asked has heard enough

        serving = threading.Thread(target=serve)
        serving.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        finally:
            over.set()
            serving.join()


def failure(url: str, timeout: float = PATIENCE, topics: tuple[str, ...] = (TOPIC,)) -> HubFailed:
    """How telling the hub fails, which it does in time and naming the hub."""
    begun = time.monotonic()
    with pytest.raises(HubFailed) as raised:
        ping(url, topics, timeout)
    assert time.monotonic() - begun < timeout + PATIENCE / 2
    assert str(raised.value).startswith(f"{url}: ")
    return raised.value


# What it is told


@pytest.mark.parametrize("status", [200, 202, 204])
def test_a_hub_is_told_what_has_changed(status: int) -> None:
    """The feeds' URLs arrive in a form, as they are."""
    topics = (TOPIC, "https://feeds.example.org/topics/r%26d/rss.xml?a=1&b=2")
    with hub(status) as server:
        ping(server.url, topics, PATIENCE)
    assert server.told == [("/", {"hub.mode": ["publish"], "hub.url": [*topics]})]
    assert server.types == {"application/x-www-form-urlencoded"}


def test_a_hub_with_a_query_keeps_it() -> None:
    """What stands in the hub's URL is sent along."""
    with hub() as server:
        ping(f"{server.url}publish?key=a%20b&x=1", [TOPIC], PATIENCE)
    assert [path for path, _ in server.told] == ["/publish?key=a%20b&x=1"]


@pytest.mark.parametrize("status", [200, 204])
def test_many_feeds_are_told_in_lots_over_one_connection(status: int) -> None:
    """Each once, in order, at most 50 at a time."""
    topics = [f"https://feeds.example.org/topics/{number}/rss.xml" for number in range(120)]
    with hub(status) as server:
        ping(server.url, topics, PATIENCE)
    lots = [form["hub.url"] for _, form in server.told]
    assert [len(lot) for lot in lots] == [AT_ONCE, AT_ONCE, 20]
    assert [topic for lot in lots for topic in lot] == topics
    assert server.connections == 1


def test_no_news_is_not_told() -> None:
    """Without a changed feed nobody is asked."""
    with hub() as server:
        ping(server.url, [], PATIENCE)
    assert server.connections == 0


# How it fails


@pytest.mark.parametrize(
    ("status", "later"),
    [(400, False), (401, False), (404, False), (410, False), (408, True), (429, True), (500, True), (503, True)],
)
def test_what_is_worth_another_try(status: int, later: bool) -> None:
    """The hub's own trouble passes; that it won't have us doesn't. Its answer is told, on one line."""
    with hub(status, b"no such\n\x1b[31m topic") as server:
        failed = failure(server.url)
    assert (failed.later, failed.wait, failed.told) == (later, None, 0)
    assert str(failed).startswith(f"{server.url}: {status} ")
    assert str(failed).endswith(r": no such \u001b[31m topic")
    assert len(server.told) == 1


DATE = "Thu, 01 Jan 2026 00:00:00 GMT"


@pytest.mark.parametrize(
    ("after", "wait"),
    [
        ("120", 120.0),
        ("0", 0.0),
        ("99999999999999999999", LONGEST_WAIT),
        ("Thu, 01 Jan 2026 00:02:00 GMT", 120.0),
        ("Wed, 31 Dec 2025 00:00:00 GMT", 0.0),
        ("Fri, 01 Jan 2027 00:00:00 GMT", LONGEST_WAIT),
        ("-5", None),
        ("soon", None),
        ("", None),
    ],
)
def test_how_long_a_hub_wants_to_be_left_alone(after: str, wait: float | None) -> None:
    """Retry-After is seconds, or an instant by the hub's own clock; at most an hour, whatever it says."""
    # The server of the standard library writes a date of its own.
    lines = f"HTTP/1.1 429 Slowly\r\nDate: {DATE}\r\nRetry-After: {after}\r\nContent-Length: 0\r\n\r\n"
    with raw_hub(lambda connection, _: connection.sendall(lines.encode())) as url:
        assert failure(url).wait == wait


def test_what_the_hub_knows_need_not_be_told_again() -> None:
    """When it fails between two requests, the feeds of the first are counted."""

    def once(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 204 Fine\r\n\r\n")
        hear(connection)
        connection.sendall(b"HTTP/1.1 500 Tired\r\nContent-Length: 0\r\n\r\n")

    with raw_hub(once) as url:
        failed = failure(url, topics=(TOPIC,) * 60)
    assert (failed.told, failed.later) == (AT_ONCE, True)
    assert "500 Tired" in str(failed)


def test_a_hub_that_is_not_there() -> None:
    """Nobody listens: perhaps later."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        url = f"http://127.0.0.1:{gone.getsockname()[1]}/"
    assert failure(url).later


def never(_: socket.socket, over: threading.Event) -> None:
    over.wait(PATIENCE)


def drip_headers(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 Fine\r\nX-Long: ")
    while not over.wait(SHORT / 10):
        connection.sendall(b"x")


def drip_body(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 500 Tired\r\nContent-Length: 1000\r\n\r\n")
    while not over.wait(SHORT / 10):
        connection.sendall(b"x")


@pytest.mark.parametrize("answer", [never, drip_headers, drip_body])
def test_no_hub_holds_us_longer_than_the_time_out(answer: Callable[[socket.socket, threading.Event], None]) -> None:
    """Not even one that sends a byte now and then."""
    with raw_hub(answer) as url:
        failed = failure(url, SHORT)
    assert failed.later
    assert str(failed) == f"{url}: no answer within 0.3 s"


def test_a_name_that_is_looked_up_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time-out is for that too."""
    over = threading.Event()

    def forever(*_: Any, **__: Any) -> list[Any]:
        over.wait(PATIENCE)
        raise socket.gaierror(socket.EAI_AGAIN, "later")

    monkeypatch.setattr(socket, "getaddrinfo", forever)
    begun = time.monotonic()
    try:
        assert str(failure("http://hub.example.org/", SHORT)).endswith("no answer within 0.3 s")
        assert time.monotonic() - begun < PATIENCE / 2
    finally:
        over.set()


def test_a_hub_that_has_taken_it_may_go_on_talking() -> None:
    """What comes after a good answer's head isn't waited for longer than the time-out, and spoils nothing."""

    def fine(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 Fine\r\nContent-Length: 1000\r\n\r\n")
        over.wait(PATIENCE)

    with raw_hub(fine) as url:
        ping(url, [TOPIC], 1.0)


@pytest.mark.parametrize("status", [200, 404])
def test_a_huge_answer_is_not_read(status: int) -> None:
    """A few kB are enough to say what is wrong."""
    sent = 0

    def flood(connection: socket.socket, over: threading.Event) -> None:
        nonlocal sent
        connection.sendall(f"HTTP/1.1 {status} x\r\nContent-Length: 1000000000\r\n\r\n".encode())
        while not over.is_set():
            sent += connection.send(b"x" * 65536)

    with raw_hub(flood) as url:
        if status == 200:
            ping(url, [TOPIC], PATIENCE)
        else:
            assert len(str(failure(url))) < 300
    assert sent < 100_000_000


def test_what_is_no_answer() -> None:
    """Something else listens there."""
    with raw_hub(lambda connection, _: connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")) as url:
        assert failure(url).later


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_told_and_not_followed(status: int) -> None:
    """Whoever runs the site writes down where the hub is."""
    with hub() as other, hub(status, Location=f"{other.url}new") as server:
        failed = failure(server.url)
    assert other.connections == 0
    assert f"it has moved to {other.url}new; write that into `websub.hubs`" in str(failed)
    assert not failed.later


@pytest.mark.parametrize("proxy", ["nonsense://127.0.0.1:1", "http://[::1"])
def test_a_proxy_that_can_not_be_used(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    """What the environment says of proxies may be wrong; that is told like any other failure."""
    monkeypatch.setenv("HTTP_PROXY", proxy)
    failed = failure("http://hub.example.org/", SHORT)
    assert not failed.later


def test_without_httpx_it_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package is only needed where there are hubs."""
    monkeypatch.setitem(sys.modules, "httpx", None)
    failed = failure("https://hub.example.org/")
    assert "`make install` brings it, and so does `pip install '.[websub]'`" in str(failed)
    assert not failed.later


# When it is tried again


def test_waits_double_up_to_an_hour_and_end_after_a_day() -> None:
    """However often it has failed."""
    assert [backoff(failures) for failures in (1, 2, 3, 7, 8, 9, 10_000)] == [30, 60, 120, 1920, 3600, 3600, 3600]
    day = sum(backoff(failures) for failures in range(1, MOST_FAILURES))
    assert 20 * 3600 < day < 28 * 3600


# What the feeds say


def test_feeds_name_the_hubs_and_themselves(site: Site) -> None:
    """Every file has a link to each hub and one to its own address, which is what the hub is told; a new hub counts
    at once."""
    site.document("b", topics=["R&D"])
    assert site.run().status == 0
    assert b"hub" not in (site.root / "public/all/rss.xml").read_bytes()
    hubs = ["https://hub.example.org/?a=1&b=2", "https://hub.example.net/"]
    site.configure(websub={"hubs": hubs})
    assert site.run().status == 0
    files = sorted((site.root / "public").rglob("*.xml"))
    assert len(files) >= 4
    for path in files:
        links = [*etree.parse(path).getroot().iterfind(".//{http://www.w3.org/2005/Atom}link")]
        assert [link.get("href") for link in links if link.get("rel") == "hub"] == hubs
        [own] = [link.get("href") for link in links if link.get("rel") == "self"]
        assert own == f"https://feeds.example.org/{path.relative_to(site.root / 'public')}"
