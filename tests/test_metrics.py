"""The daemon's numbers, as Prometheus would fetch them: over real HTTP, and from a file."""

from __future__ import annotations

import http.client
import os
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from aggregator.daemon import metrics as metrics_module
from aggregator.daemon.metrics import Metrics
from aggregator.daemon.status import Batch, Reconcile, State
from aggregator.errors import MetricsFailed
from tests.programs import child, missing
from tests.test_status import FULL, NOW, PLAIN

BATCH = Batch(at=NOW, paths=5, read=3, gone=2, written=6, removed=1, failed=1, seconds=0.04, latency=0.56)


def free(family: socket.AddressFamily = socket.AF_INET, host: str = "127.0.0.1") -> int:
    """A port that nobody has now."""
    with socket.socket(family) as one:
        one.bind((host, 0))
        found: int = one.getsockname()[1]
        return found


def samples(text: str) -> dict[str, float]:
    """Each sample by its name and labels, as Prometheus' own reader of the format sees them."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[sample.name + (f"{{{labels}}}" if labels else "")] = sample.value
    return found


def fetched(port: int, host: str = "127.0.0.1") -> str:
    """What a scrape gets."""
    connection = http.client.HTTPConnection(host, port, timeout=60)
    try:
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/plain")
        return answer.read().decode()
    finally:
        connection.close()


@contextmanager
def served(address: str = "", textfile: Path | None = None) -> Iterator[Metrics]:
    metrics = Metrics(address, textfile)
    metrics.start()
    try:
        yield metrics
    finally:
        metrics.stop()


@pytest.fixture
def port() -> int:
    return free()


def test_a_scrape_shows_the_last_status(port: int) -> None:
    """Every number of it; before there is one, only the process and what was counted."""
    with served(f"127.0.0.1:{port}") as metrics:
        before = samples(fetched(port))
        assert "aggregator_healthy" not in before
        assert before["aggregator_batches_total"] == 0
        assert before["aggregator_files_total{outcome=failed}"] == 0
        metrics.update(PLAIN)
        metrics.update(FULL)
        found = samples(fetched(port))
    version = ".".join(map(str, sys.version_info[:3]))
    wanted = {
        f"aggregator_build_info{{python={version},version=1.2.3}}": 1,
        "aggregator_healthy": 0,
        "aggregator_start_time_seconds": FULL.since.timestamp(),
        "aggregator_status_time_seconds": NOW.timestamp(),
        "aggregator_state{state=starting}": 0,
        "aggregator_state{state=working}": 1,
        "aggregator_state{state=idle}": 0,
        "aggregator_state{state=stopping}": 0,
        "aggregator_state{state=stopped}": 0,
        "aggregator_documents": 1204,
        "aggregator_documents_failed": 2,
        "aggregator_documents_skipped": 1,
        "aggregator_articles": 1190,
        "aggregator_feeds": 84,
        "aggregator_feeds_dirty": 2,
        "aggregator_queue_paths": 7,
        "aggregator_guards_held": 1,
        "aggregator_problems{severity=error}": 3,
        "aggregator_problems{severity=warning}": 1,
        "aggregator_last_batch_time_seconds": NOW.timestamp() - 12,
        "aggregator_last_reconcile_time_seconds": NOW.timestamp() - 120,
        "aggregator_last_reconcile_duration_seconds": 1.25,
        "aggregator_next_time_seconds": NOW.timestamp() + 180,
        "aggregator_watcher_healthy": 0,
        "aggregator_watcher_folders": 12,
        "aggregator_watcher_mode{mode=inotify}": 0,
        "aggregator_watcher_mode{mode=polling}": 1,
        "aggregator_watcher_mode{mode=mixed}": 0,
        "aggregator_announcing_waiting{name=https://hub.example/}": 3,
        "aggregator_announcing_failures{name=https://hub.example/}": 1,
    }
    assert {name: value for name, value in found.items() if name not in before} == wanted


def test_what_is_not_known_is_not_shown(port: int) -> None:
    """No zero stands for a batch that never was; what is gone from the status is gone from the numbers."""
    with served(f"127.0.0.1:{port}") as metrics:
        metrics.update(FULL)
        metrics.update(PLAIN)
        found = samples(fetched(port))
    assert found["aggregator_healthy"] == 1
    unknown = ("aggregator_last", "aggregator_next", "aggregator_announcing", "aggregator_watcher_folders")
    assert [name for name in found if name.startswith(unknown)] == []


def test_what_was_done_is_counted(port: int) -> None:
    """Documents, files, batches, looks at everything, news: from the start on."""
    with served(f"127.0.0.1:{port}") as metrics:
        metrics.batch(BATCH)
        metrics.batch(replace(BATCH, latency=None, seconds=0.2))
        metrics.reconcile(Reconcile(at=NOW, read=2, gone=1, reason="reconcile"))
        metrics.reconcile(Reconcile(at=NOW, read=40, reason="start"))
        metrics.told("https://hub.example/", well=True)
        metrics.told("https://hub.example/", well=False)
        metrics.told("https://hub.example/", well=False)
        found = samples(fetched(port))
    assert {name: value for name, value in found.items() if name.endswith(("_total", "}")) and "bucket" not in name} | {
        "aggregator_process_cpu_seconds_total": 0
    } == {
        "aggregator_batches_total": 2,
        "aggregator_documents_read_total": 6,
        "aggregator_documents_gone_total": 4,
        "aggregator_files_total{outcome=written}": 12,
        "aggregator_files_total{outcome=removed}": 2,
        "aggregator_files_total{outcome=failed}": 2,
        "aggregator_reconciles_total": 2,
        "aggregator_reconcile_found_total": 3,
        "aggregator_announcements_total{name=https://hub.example/,outcome=ok}": 1,
        "aggregator_announcements_total{name=https://hub.example/,outcome=failed}": 2,
        "aggregator_process_cpu_seconds_total": 0,
    }
    work = "aggregator_batch_work_seconds"
    assert [found[f"{work}_bucket{{le={limit}}}"] for limit in ("0.025", "0.05", "0.1", "0.25")] == [0, 1, 1, 2]
    assert found[f"{work}_sum"] == pytest.approx(0.24)
    latency = "aggregator_batch_latency_seconds"
    assert [found[f"{latency}_bucket{{le={limit}}}"] for limit in ("0.55", "0.6", "+Inf")] == [0, 1, 1]
    assert found[f"{latency}_count"] == 1, "what no event began has none"


def test_names_are_as_prometheus_wants_them(tmp_path: Path) -> None:
    """Ours begin with our name, counters end with _total, all have help, and none is there twice."""
    textfile = tmp_path / "a.prom"
    with served(textfile=textfile) as metrics:
        metrics.batch(BATCH)
        metrics.update(FULL)
    families = list(text_string_to_metric_families(textfile.read_text()))
    assert len(families) > 30
    assert len({family.name for family in families}) == len(families)
    for family in families:
        assert family.name.startswith("aggregator_")
        assert family.documentation
        names = {sample.name for sample in family.samples}
        if family.type == "counter":
            assert all(name.endswith("_total") for name in names)
        elif family.type == "gauge":
            assert not any(name.endswith(("_total", "_count", "_sum", "_created")) for name in names)


def test_the_process_is_measured(port: int) -> None:
    """Descriptors and memory, so that a leak shows."""
    with served(f"127.0.0.1:{port}"):
        before = samples(fetched(port))
        pipes = [end for _ in range(20) for end in os.pipe()]
        after = samples(fetched(port))
    for end in pipes:
        os.close(end)
    name = "aggregator_process_open_fds"
    assert after[name] - before[name] >= 30
    assert after["aggregator_process_resident_memory_bytes"] > 1e6


# HTTP


def test_stopping_frees_the_port_and_ends_the_thread(port: int) -> None:
    """Also while somebody is connected; it can be started again, and stopping twice is well."""
    before = threading.active_count()
    metrics = Metrics(f"127.0.0.1:{port}", None)
    for _ in range(3):
        metrics.start()
        fetched(port)
        with socket.create_connection(("127.0.0.1", port)):
            metrics.stop()
        metrics.stop()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
    assert [thread for thread in threading.enumerate() if thread.name == "metrics"] == []
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and thread.daemon:
            thread.join(timeout=100)
    assert threading.active_count() <= before


def test_who_connects_and_asks_nothing_holds_nobody_up(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others are answered meanwhile, and in the end it is hung up."""
    monkeypatch.setattr(metrics_module, "_PATIENCE", 2.0)
    with served(f"127.0.0.1:{port}"):
        silent = [socket.create_connection(("127.0.0.1", port), timeout=100) for _ in range(5)]
        assert "aggregator_batches_total" in fetched(port)
        for one in silent:
            assert one.recv(1) == b""
            one.close()


def test_who_leaves_amid_the_answer_is_not_told_of(port: int, capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing is printed: a log has its own lines."""
    with served(f"127.0.0.1:{port}") as metrics:
        metrics.update(FULL)
        for _ in range(5):
            with socket.create_connection(("127.0.0.1", port)) as rude:
                rude.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # reset at once
                rude.sendall(b"GET / HTTP/1.1\r\n")
        fetched(port)
    assert capfd.readouterr() == ("", "")


def test_loopback_can_be_ipv6_and_has_a_name() -> None:
    """`[::1]:PORT` and `localhost:PORT`."""
    with served(f"localhost:{(port := free())}"):
        assert fetched(port)
    try:
        port = free(socket.AF_INET6, "::1")
    except OSError:
        missing("there is no IPv6 here")
    with served(f"[::1]:{port}"):
        assert fetched(port, "::1")


@pytest.mark.parametrize(
    "address",
    ["0.0.0.0:9188", "[::]:9188", "192.0.2.1:9188", ":9188", "127.0.0.1", "127.0.0.1:http", "127.0.0.1:99999"],
)
def test_an_address_that_is_not_on_loopback_is_refused(address: str) -> None:
    """As is one that is none; what was expected is said."""
    with pytest.raises(MetricsFailed, match=r"should be a free port on loopback, such as 127\.0\.0\.1:9188"):
        Metrics(address, None).start()


def test_a_port_that_is_taken_is_told(port: int) -> None:
    """Which one; what is counted goes on, and stopping is well."""
    with served(f"127.0.0.1:{port}"):
        late = Metrics(f"127.0.0.1:{port}", None)
        with pytest.raises(MetricsFailed, match=f"127.0.0.1:{port}: Address already in use"):
            late.start()
        late.update(FULL)
        late.batch(BATCH)
        late.stop()
        assert samples(fetched(port))["aggregator_batches_total"] == 0


def test_nothing_listens_unless_asked() -> None:
    """Without an address there is no thread."""
    before = threading.active_count()
    with served():
        assert threading.active_count() == before


# The text file


def test_the_text_file_says_the_same(tmp_path: Path, port: int) -> None:
    """Anew at each update, for anybody to read; none of node_exporter's own names is in it, nor an instant."""
    textfile = tmp_path / "aggregator.prom"
    before = os.umask(0o077)
    try:
        with served(f"127.0.0.1:{port}", textfile) as metrics:
            metrics.update(PLAIN)
            metrics.update(replace(FULL, state=State.stopping))
            fluid = ("process_cpu", "process_resident", "process_virtual", "process_open")
            of_file, of_scrape = (
                {
                    name: value
                    for name, value in samples(text).items()
                    if not name.removeprefix("aggregator_").startswith(fluid)
                }
                for text in (textfile.read_text(), fetched(port))
            )
    finally:
        os.umask(before)
    assert of_file == of_scrape
    assert of_file["aggregator_state{state=stopping}"] == 1
    assert stat.S_IMODE(textfile.stat().st_mode) == 0o644
    assert [path.name for path in tmp_path.iterdir()] == ["aggregator.prom"]
    lines = [line for line in textfile.read_text().splitlines() if not line.startswith("#")]
    assert all(line.startswith("aggregator_") for line in lines)
    assert all(len(line.rpartition("}")[2].split()) <= 2 for line in lines)


def test_nobody_reads_half_a_text_file(tmp_path: Path) -> None:
    """While it is written over and over, each look shows a whole one."""
    textfile = tmp_path / "aggregator.prom"
    metrics = Metrics("", textfile)
    metrics.update(PLAIN)

    def rewrite() -> None:
        for _ in range(100):
            metrics.update(FULL)
            metrics.update(PLAIN)

    writer = child(rewrite)
    seen = set()
    while os.waitpid(writer, os.WNOHANG) == (0, 0):
        found = samples(textfile.read_text())
        assert "aggregator_batch_work_seconds_sum" in found, "the last one"
        seen.add(found["aggregator_healthy"])
    assert seen == {0, 1}


def test_a_text_file_that_cannot_be_written_is_told(tmp_path: Path, port: int) -> None:
    """Which one; HTTP goes on with the new numbers, and the file comes once its folder is there."""
    textfile = tmp_path / "textfiles" / "aggregator.prom"
    with served(f"127.0.0.1:{port}", textfile) as metrics:
        with pytest.raises(
            MetricsFailed, match=r"textfiles/aggregator\.prom: No such file or directory; `metrics\.textfile`"
        ):
            metrics.update(FULL)
        assert samples(fetched(port))["aggregator_documents"] == 1204
        textfile.parent.mkdir()
        metrics.update(FULL)
        assert samples(textfile.read_text())["aggregator_documents"] == 1204


def test_without_the_package_it_is_said_how_to_get_it() -> None:
    """It is an extra."""
    script = (
        "import sys\nsys.modules['prometheus_client'] = None\n"
        "from aggregator.daemon.metrics import Metrics\nfrom aggregator.errors import MetricsFailed\n"
        "try:\n    Metrics('', None)\nexcept MetricsFailed as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "`make install` brings it, and so does `pip install '.[metrics]'`" in done.stdout
