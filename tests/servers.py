"""Real web servers for tests."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest

from tests.programs import needs

_PATIENCE = 10.0  # seconds until a server that doesn't answer counts as broken

# What a server of ours has around its site: no place of the machine's own, nothing but this port.
_NGINX = """
daemon off;
master_process off;
pid {scratch}/nginx.pid;
error_log stderr warn;
events {{}}
http {{
    access_log {scratch}/access.log;
    client_body_temp_path {scratch}/body;
    proxy_temp_path {scratch}/proxy;
    fastcgi_temp_path {scratch}/fastcgi;
    uwsgi_temp_path {scratch}/uwsgi;
    scgi_temp_path {scratch}/scgi;
    {site}
}}
"""
_NGINX_SITE = """
    types {{ application/rss+xml xml; }}
    server {{
        listen 127.0.0.1:{port};
        root {root};
        {lines}
    }}
"""
_CADDY = """
{{
    admin off
    auto_https off
}}
{site}
"""
_CADDY_SITE = """
:{port} {{
    bind 127.0.0.1
    root * "{root}"
    {lines}
    file_server
}}
"""


class Answer(NamedTuple):
    """What a server answered."""

    status: int
    headers: dict[str, str]
    body: bytes


class Server(NamedTuple):
    """A web server on a loopback port; `access_log` is where nginx notes what it was asked."""

    port: int
    access_log: Path = Path()

    def get(self, path: str, **headers: str) -> Answer:
        """GET a path. Headers are written with `_` for `-`; those of the answer have lower-case names."""
        return self.ask("GET", path, **headers)

    def ask(self, method: str, path: str, **headers: str) -> Answer:
        """The same by any method."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE)
        try:
            connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            fields = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, fields, answer.read())
        finally:
            connection.close()


Site = Callable[[Path, int], str]
"""What a server's configuration says of a site in a folder, at a port."""


@contextmanager
def nginx(root: Path, lines: str = "", site: Site | None = None) -> Iterator[Server]:
    """A real nginx that serves a folder, until the end of the block; without one the test is skipped.

    `lines` stand where it is told of its site; `site` is there instead of ours.
    """
    # -e: else it complains, before it has read its configuration, that its usual log is not there.
    arguments = ("-e", "stderr", "-p", "{scratch}", "-c", "{file}")
    with _running("nginx", _NGINX, site or _plain(_NGINX_SITE, lines), arguments, root) as server:
        yield server


@contextmanager
def caddy(root: Path, lines: str = "", site: Site | None = None) -> Iterator[Server]:
    """A real Caddy, likewise."""
    arguments = ("run", "--adapter", "caddyfile", "--config", "{file}")
    with _running("caddy", _CADDY, site or _plain(_CADDY_SITE, lines), arguments, root) as server:
        yield server


def _plain(template: str, lines: str) -> Site:
    return lambda root, port: template.format(root=root, port=port, lines=lines)


@contextmanager
def _running(name: str, template: str, site: Site, arguments: Sequence[str], root: Path) -> Iterator[Server]:
    program = needs(name)
    with TemporaryDirectory() as folder:
        scratch, port = Path(folder), _free_port()
        file = scratch / "configuration"
        file.write_text(template.format(scratch=scratch, site=site(root, port)), encoding="utf-8")
        command = [program, *(argument.format(scratch=scratch, file=file) for argument in arguments)]
        # Caddy keeps what it knows where these say.
        environment = os.environ | dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"), folder)
        with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
            try:
                _await(port, process)
                yield Server(port, scratch / "access.log")
            finally:
                process.terminate()


def _await(port: int, process: subprocess.Popen[str]) -> None:
    """Wait until the server listens; fail the test where it ends before that, or takes too long."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE).close()
        except ConnectionRefusedError:
            try:
                process.wait(timeout=0.01)
            except subprocess.TimeoutExpired:
                continue
            pytest.fail(f"the server ended: {process.stderr.read() if process.stderr else ''}")
        else:
            return
    pytest.fail(f"no server on port {port} after {_PATIENCE} s")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
