"""What the file system says of a file is taken as it is: times of any year, inodes of 64 bits."""

from __future__ import annotations

import sqlite3
import subprocess
import threading
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator import preview, publish
from aggregator.model import in_64_bits
from tests.daemons import running, shows
from tests.site import Site

DATES = ["2300-01-01", "2262-04-12", "2106-02-08", "1969-12-31", "1901-12-14", "@0", "@99999999999", "@-99999999999"]
FARTHEST = "@9223372036854775807"  # what time_t holds
any_date = pytest.mark.parametrize("date", [*DATES, FARTHEST])
SECOND = 1_000_000_000


def touch(path: Path, date: str) -> None:
    subprocess.run(["touch", "-d", date, path], check=True)


@given(st.integers(), st.integers())
def test_any_number_fits_and_stays_itself(number: int, other: int) -> None:
    """SQLite takes it; small ones are as they were, and those of 64 bits stay different."""
    kept = in_64_bits(number)
    assert sqlite3.connect(":memory:").execute("SELECT ?", (kept,)).fetchone() == (kept,)
    assert in_64_bits(kept) == kept
    assert kept == number or not -(1 << 63) <= number < 1 << 63
    if abs(number - other) < 1 << 64:
        assert (kept == in_64_bits(other)) == (number == other)


@given(st.integers(1 << 63, (1 << 64) - 1))
def test_hashed_inodes_fit(inode: int) -> None:
    """An inode of 64 bits, as hashed ones are."""
    assert -(1 << 63) <= in_64_bits(inode) < 0


@any_date
def test_a_document_of_any_time_is_published(published: Site, date: str) -> None:
    """It is read once, edits are noticed, and nothing else is kept from being published."""
    odd = published.document("odd")
    touch(odd, date)
    published.document("b")
    assert published.result()["documents"]["read"] == 2
    assert published.result()["feeds"]["written"] == 0
    assert len(published.titles()) == 3
    odd = published.document("odd", title="Another title")
    touch(odd, date)
    published.result()
    assert "Another title" in published.titles()


@any_date
@pytest.mark.parametrize("compress", [False, True])
def test_an_output_file_of_any_time_is_ours(published: Site, date: str, compress: bool) -> None:
    """Touched, it stays as it is; rewritten, its time is another second; its twin has the same."""
    published.configure(output={"path": "public", "formats": ["rss"], "compress": compress})
    published.result()
    file = published.output / "all" / "rss.xml"
    twin = published.output / "all" / "rss.xml.gz"
    touch(file, date)
    before = file.stat()
    published.result()
    assert published.run("--check").status == 0
    assert file.stat().st_mtime_ns == before.st_mtime_ns
    if compress:
        assert twin.stat().st_mtime_ns == before.st_mtime_ns
    assert published.result()["feeds"]["written"] == 0
    published.document("b")
    published.result()
    after = file.stat().st_mtime_ns
    assert after // SECOND != before.st_mtime_ns // SECOND
    if compress:
        assert twin.stat().st_mtime_ns == after
    assert published.result()["feeds"]["written"] == 0


def test_a_ledger_with_strange_times_is_restored(published: Site) -> None:
    """From a backup, like any other."""
    touch(published.output / "all" / "rss.xml", "2300-01-01")
    published.result()
    assert published.run("kept", command="ledger backup").status == 0
    assert published.run("kept", command="ledger restore").status == 0
    assert published.result()["feeds"]["written"] == 0


def test_the_daemon_publishes_on(site: Site) -> None:
    """Beside a document of the year 2300."""
    with running(site) as daemon:
        touch(site.document("odd"), "2300-01-01")
        site.document("b")
        daemon.wait(lambda _: shows(site, *(f"About {name}" for name in ("a", "b", "odd"))), "three entries")
        assert daemon.status()["healthy"]


@any_date
def test_a_file_of_any_time_is_served(tmp_path: Path, date: str) -> None:
    """With its date, where HTTP has one for it."""
    (tmp_path / "a.xml").write_text("<a/>")
    touch(tmp_path / "a.xml", date)

    def read(path: str) -> tuple[bytes, int] | None:
        return publish.read(tmp_path, path)

    server = preview.server(preview.Folder("/", read, {}), 0, lambda _: None)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        line = HTTPConnection("127.0.0.1", server.server_port)
        line.request("GET", "/a.xml")
        answer = line.getresponse()
        assert (answer.status, answer.read()) == (200, b"<a/>")
        told = answer.headers["Last-Modified"]
        seconds = (tmp_path / "a.xml").stat().st_mtime_ns // SECOND
        if abs(seconds) < 200_000_000_000:
            assert parsedate_to_datetime(told).timestamp() == seconds
            headers: dict[str, Any] = {"If-Modified-Since": told}
        else:
            assert told is None
            headers = {"If-None-Match": answer.headers["ETag"]}
        line.request("GET", "/a.xml", headers=headers)
        answer = line.getresponse()
        answer.read()
        assert answer.status == 304
        line.close()
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_file_at_the_end_of_time_is_rewritten(tmp_path: Path) -> None:
    """Where there is no later date, the new file is of now."""
    publish.write(tmp_path, "a", b"one")
    touch(tmp_path / "a", FARTHEST)
    last = (tmp_path / "a").stat().st_mtime_ns
    assert publish.write(tmp_path, "a", b"two") is publish.Outcome.written
    assert (tmp_path / "a").read_bytes() == b"two"
    assert (tmp_path / "a").stat().st_mtime_ns // SECOND != last // SECOND
    assert [file.name for file in tmp_path.iterdir()] == ["a"]
