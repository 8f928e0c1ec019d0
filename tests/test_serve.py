"""A look at what was published: `aggregator serve` as a browser and a feed reader meet it."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.servers import Answer, Server
from tests.site import COMMAND, Site, environment

EVERYTHING = {"path": "public", "compress": "yes"}


@pytest.fixture
def published(site: Site) -> Site:
    site.configure(output=EVERYTHING)
    site.document("a", topics=["AI", "機械学習"])
    assert site.run().status == 0
    return site


@contextmanager
def serving(site: Site, *arguments: str) -> Iterator[Server]:
    """The command on a port of its own, until the end of the block; it ends in peace."""
    command = [COMMAND, "serve", "--port", "0", *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=site.root, env=environment(PYTHONUNBUFFERED="1"), text=True, **pipes) as process:  # type: ignore[call-overload]
        try:
            line = process.stdout.readline()
            told = re.search(r"http://127\.0\.0\.1:(\d+)/", line)
            assert told, line + process.stderr.read()
            yield Server(int(told[1]))
            process.send_signal(signal.SIGINT)
            assert process.wait(10) == 0
            assert "Traceback" not in process.stderr.read()
        finally:
            process.kill()


def ask(server: Server, method: str, path: str, **headers: str) -> Answer:
    """A request of any kind, its path sent as it is."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.putrequest(method, path, skip_host=True)
    for name, value in ({"Host": f"localhost:{server.port}"} | headers).items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    answer = connection.getresponse()
    found = Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    connection.close()
    return found


def test_every_file_has_its_type(published: Site) -> None:
    """Feeds, pages and what goes with them, all in UTF-8; a folder is its page."""
    with serving(published) as server:
        for path, kind in {
            "/all/rss.xml": "application/rss+xml",
            "/all/atom.xml": "application/atom+xml",
            "/all/feed.json": "application/feed+json",
            "/all/": "text/html",
            "/": "text/html",
            f"/topics/{quote('機械学習')}/": "text/html",
            "/feeds.opml": "text/x-opml",
            "/style.css": "text/css",
            "/script.js": "text/javascript",
        }.items():
            answer = server.get(path)
            assert (answer.status, answer.headers["content-type"]) == (200, f"{kind}; charset=utf-8"), path
            assert answer.headers["x-content-type-options"] == "nosniff"
        assert server.get("/all/atom.xml").body == (published.output / "all/atom.xml").read_bytes()
        head = ask(server, "HEAD", "/all/atom.xml")
        assert (head.status, head.body) == (200, b"")
        assert int(head.headers["content-length"]) == (published.output / "all/atom.xml").stat().st_size


def test_an_unchanged_file_is_not_sent_again(published: Site) -> None:
    """By tag or by date: 304; a tag that differs counts more than a date that doesn't."""
    with serving(published) as server:
        headers = server.get("/all/atom.xml").headers
        tag, date = headers["etag"], headers["last-modified"]
        for known in (
            {"If_None_Match": tag},
            {"If_None_Match": f'"x", W/{tag}'},
            {"If_None_Match": "*"},
            {"If_Modified_Since": date},
        ):
            answer = server.get("/all/atom.xml", **known)
            assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", tag)
        for other in (
            {"If_None_Match": '"x"', "If_Modified_Since": date},
            {"If_Modified_Since": "Thu, 01 Jan 1970 00:00:00 GMT"},
            {"If_Modified_Since": "yesterday"},
        ):
            assert server.get("/all/atom.xml", **other).status == 200
        published.document("b")
        assert published.run().status == 0
        assert b"About b" in server.get("/all/atom.xml", If_None_Match=tag, If_Modified_Since=date).body


def test_nothing_outside_the_output_folder_is_served(published: Site) -> None:
    """Nor what is hidden in it, nor what a link in it leads to, nor what isn't a file."""
    output = published.output
    (published.root / "secret.txt").write_text("secret")
    (output / "link.txt").symlink_to(published.root / "secret.txt")
    (output / "folder").symlink_to(published.root)
    (output / ".rss.xml.part").write_text("secret")
    (output / "all" / ".hidden").mkdir()
    (output / "all" / ".hidden" / "a.txt").write_text("secret")
    os.mkfifo(output / "pipe")
    assert (output / ".aggregator").exists()
    with serving(published) as server:
        for path in (
            *("/../secret.txt", "/all/../../secret.txt", "/%2e%2e/secret.txt", "/all/..%2f..%2fsecret.txt"),
            *("//etc/passwd", "/all//rss.xml", "/./all/rss.xml", "/all/%00", "/%ff", "/all\\..\\..\\secret.txt"),
            *("/link.txt", "/folder/secret.txt", "/.aggregator", "/.rss.xml.part", "/all/.hidden/a.txt", "/pipe"),
            *("/nowhere", "/nowhere/", "/topics/"),
        ):
            answer = ask(server, "GET", path)
            assert answer.status == 404, path
            assert b"secret" not in answer.body
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            assert ask(server, method, "/all/rss.xml").status == 501


def test_a_folder_without_its_slash_leads_to_it(published: Site) -> None:
    """So that the links on its page lead where they should."""
    with serving(published) as server:
        answer = server.get(f"/topics/{quote('機械学習')}")
        assert (answer.status, answer.headers["location"]) == (301, f"/topics/{quote('機械学習')}/")


def test_it_is_served_at_the_path_of_the_site(site: Site) -> None:
    """As it will be by the web server; the top leads there."""
    site.configure(site={"title": "T", "url": "https://example.org/our%20feeds/"}, output=EVERYTHING)
    site.document("a")
    assert site.run().status == 0
    with serving(site) as server:
        assert server.get("/our%20feeds/all/").status == 200
        assert (server.get("/").status, server.get("/").headers["location"]) == (302, "/our%20feeds/")
        assert server.get("/all/").status == 404


def test_only_this_machine_is_answered(published: Site) -> None:
    """It listens on loopback; and a page from elsewhere whose host leads here is none of this machine's names."""
    with serving(published) as server:
        for host in ("evil.example", f"evil.example:{server.port}", "127.0.0.1.evil.example", "", "localhost.evil:80"):
            assert ask(server, "GET", "/all/rss.xml", Host=host).status == 421
        for host in ("localhost", f"127.0.0.1:{server.port}"):
            assert ask(server, "GET", "/all/rss.xml", Host=host).status == 200
        addresses = {str(found[4][0]) for found in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
        for address in addresses - {"127.0.0.1"}:
            if not address.startswith("127."):
                with pytest.raises(OSError, match="refused"):
                    socket.create_connection((address, server.port), timeout=5)


def test_a_port_that_is_taken_is_told(published: Site) -> None:
    """With what to do."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = published.run("--port", str(port), command="serve")
    assert done.status == 3
    assert done.err == f"aggregator: port {port}: Address already in use; choose another with --port\n"


def test_nothing_published_is_told(site: Site, tmp_path: Path) -> None:
    """With what to do."""
    done = site.run(command="serve")
    assert done.status == 3
    assert "nothing is published yet; `aggregator regenerate` does it" in done.err
