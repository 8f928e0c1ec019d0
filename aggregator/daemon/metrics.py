"""The daemon's numbers for Prometheus: over HTTP on loopback, as a text file for node_exporter, or both."""

from __future__ import annotations

import platform
import threading
from collections.abc import Callable, Iterable, Iterator
from http.server import ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from socket import AddressFamily
from socketserver import TCPServer
from typing import TYPE_CHECKING, TypeAlias

from aggregator.daemon.status import Batch, Reconcile, State, Status, put
from aggregator.errors import MetricsFailed

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Metric

Labelled: TypeAlias = Iterable[tuple[str, float]]

_PATIENCE = 10.0  # seconds: who connects and asks nothing holds a thread no longer

# What a status says, by name: what it is, and its value (None: not known now).
_GAUGES: dict[str, tuple[str, Callable[[Status], float | None]]] = {
    "healthy": ("Whether all is well.", lambda s: s.healthy),
    "start_time_seconds": ("When the daemon started, since 1970.", lambda s: s.since.timestamp()),
    "status_time_seconds": ("When these numbers were taken, since 1970.", lambda s: s.at.timestamp()),
    "documents": ("Documents known.", lambda s: s.documents.known),
    "documents_failed": ("Documents that can't be read now.", lambda s: s.documents.failed),
    "documents_skipped": ("Files that are no documents.", lambda s: s.documents.skipped),
    "articles": ("Articles that have a document of their own.", lambda s: s.articles),
    "feeds": ("Feeds that are out.", lambda s: s.feeds.out),
    "feeds_dirty": ("Feeds that wait to be published.", lambda s: s.feeds.dirty),
    "queue_paths": ("Paths that wait to be looked at.", lambda s: s.queue),
    "guards_held": ("Sources whose deletions are held back.", lambda s: len(s.guard)),
    "last_batch_time_seconds": (
        "When the last batch was on disk, since 1970.",
        lambda s: s.batch.at.timestamp() if s.batch else None,
    ),
    "last_reconcile_time_seconds": (
        "When everything was last looked at, since 1970.",
        lambda s: s.reconcile.at.timestamp() if s.reconcile else None,
    ),
    "last_reconcile_duration_seconds": ("How long that took.", lambda s: s.reconcile.seconds if s.reconcile else None),
    "next_time_seconds": (
        "When something is next due by itself, since 1970.",
        lambda s: s.next[0].at.timestamp() if s.next else None,
    ),
    "watcher_healthy": ("Whether changes are noticed as they should be.", lambda s: s.watcher.healthy),
    "watcher_folders": ("Folders that are watched.", lambda s: s.watcher.folders),
}

# The same where there is one for each value of a label.
_LABELLED: dict[str, tuple[str, str, Callable[[Status], Labelled]]] = {
    "state": ("What the daemon is at.", "state", lambda s: [(one, one is s.state) for one in State]),
    "problems": (
        "What is wrong with documents.",
        "severity",
        lambda s: [("error", s.errors), ("warning", s.warnings)],
    ),
    "watcher_mode": (
        "How changes are noticed.",
        "mode",
        lambda s: [(one, one == s.watcher.mode) for one in ("inotify", "polling", "mixed")],
    ),
    "announcing_waiting": (
        "Changes that a hub or hook wasn't told yet.",
        "name",
        lambda s: [(one.name, one.waiting) for one in s.announcing],
    ),
    "announcing_failures": (
        "Failures in a row of a hub or hook.",
        "name",
        lambda s: [(one.name, one.failures) for one in s.announcing],
    ),
}

_WORK = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
# Finest where a change is expected to take: `watch.settle` by default, and a little.
_LATENCY = (0.1, 0.25, 0.5, 0.55, 0.6, 0.7, 0.85, 1, 2.5, 5, 10, 30, 60, 300)


class Metrics:
    """Counts from the start of the process, and the last status.

    address: `127.0.0.1:9188`, on loopback only ("": none). textfile: written at each update (None: none).
    Raises MetricsFailed where prometheus-client isn't installed.
    """

    def __init__(self, address: str, textfile: Path | None) -> None:
        try:
            import prometheus_client as client
        except ImportError as error:
            advice = "`make install` brings it, and so does `pip install '.[metrics]'` in the program's own folder"
            raise MetricsFailed(f"metrics need prometheus-client; {advice}") from error
        # Else each counter has a second number, which says no more than when this process began.
        client.disable_created_metrics()  # type: ignore[no-untyped-call]  # it has no types
        self.address = address
        self.textfile = textfile
        self._status: Status | None = None
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None
        self._registry = registry = client.CollectorRegistry()
        # node_exporter has process_* of its own, and refuses a text file that repeats them.
        client.ProcessCollector(namespace="aggregator", registry=registry)
        registry.register(self)

        def counter(name: str, help: str, *labels: str) -> client.Counter:
            return client.Counter(f"aggregator_{name}", help, labels, registry=registry)

        def histogram(name: str, help: str, buckets: tuple[float, ...]) -> client.Histogram:
            return client.Histogram(f"aggregator_{name}", help, buckets=buckets, registry=registry)

        self._batches = counter("batches", "Batches that were brought up.")
        self._read = counter("documents_read", "Documents read because they changed.")
        self._gone = counter("documents_gone", "Documents that went.")
        self._files = counter("files", "Feed files, by what happened to them.", "outcome")
        self._reconciles = counter("reconciles", "Looks at everything.")
        self._found = counter("reconcile_found", "Changes that only a look at everything told.")
        self._told = counter("announcements", "News given to hubs and hooks.", "name", "outcome")
        self._latency = histogram("batch_latency_seconds", "From the first event to the feeds on disk.", _LATENCY)
        self._work = histogram("batch_work_seconds", "The work of a batch.", _WORK)
        for outcome in ("written", "removed", "failed"):
            self._files.labels(outcome)  # a rate needs a zero to begin with

    def start(self) -> None:
        """Answer over HTTP, if that is asked for. Raises MetricsFailed."""
        if not self.address:
            return
        try:
            self._server = _server(self.address, self._registry)
        except (OSError, ValueError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            advice = "`metrics.address` should be a free port on loopback, such as 127.0.0.1:9188"
            raise MetricsFailed(f"metrics: {self.address}: {reason}; {advice}") from error
        self._thread = threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Free the port and end the thread. The text file stays: its numbers tell how old they are."""
        if self._server and self._thread:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
        self._server = self._thread = None

    def update(self, status: Status) -> None:
        """Take over a status. Raises MetricsFailed where the text file can't be written; HTTP goes on."""
        self._status = status
        if self.textfile:
            from prometheus_client import generate_latest

            try:
                put(self.textfile, generate_latest(self._registry))
            except OSError as error:
                advice = "`metrics.textfile` should lie in a folder that the daemon may write to"
                raise MetricsFailed(f"metrics: {self.textfile}: {error.strerror}; {advice}") from error

    def batch(self, batch: Batch) -> None:
        """Count a batch."""
        self._batches.inc()
        self._read.inc(batch.read)
        self._gone.inc(batch.gone)
        self._files.labels("written").inc(batch.written)
        self._files.labels("removed").inc(batch.removed)
        self._files.labels("failed").inc(batch.failed)
        self._work.observe(batch.seconds)
        if batch.latency is not None:
            self._latency.observe(batch.latency)

    def reconcile(self, reconcile: Reconcile) -> None:
        """Count a look at everything."""
        self._reconciles.inc()
        if reconcile.was_due:
            self._found.inc(reconcile.read + reconcile.gone)

    def told(self, name: str, *, well: bool) -> None:
        """Count that a hub or hook was told the news, or that it failed."""
        self._told.labels(name, "ok" if well else "failed").inc()

    def collect(self) -> Iterator[Metric]:
        """What the last status says; all of it from the same one. Called by prometheus-client."""
        from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily

        status = self._status
        if status is None:
            return
        build = {"version": status.version, "python": platform.python_version()}
        yield InfoMetricFamily("aggregator_build", "What is running.", value=build)
        for name, (help, value_of) in _GAUGES.items():
            value = value_of(status)
            if value is not None:
                yield GaugeMetricFamily(f"aggregator_{name}", help, value=float(value))
        for name, (help, label, values_of) in _LABELLED.items():
            family = GaugeMetricFamily(f"aggregator_{name}", help, labels=[label])
            for key, number in values_of(status):
                family.add_metric([key], float(number))
            yield family


def _server(address: str, registry: CollectorRegistry) -> ThreadingHTTPServer:
    """A server that has the port. Raises OSError, ValueError and OverflowError."""
    from prometheus_client import MetricsHandler

    host, _, port = address.rpartition(":")
    host = "127.0.0.1" if host == "localhost" else host.strip("[]")
    place = ip_address(host)
    if not place.is_loopback:
        raise ValueError(f"{host} is not on loopback")

    class Handler(MetricsHandler):
        timeout = _PATIENCE

    Handler.registry = registry

    class Server(ThreadingHTTPServer):
        address_family = AddressFamily.AF_INET6 if place.version == 6 else AddressFamily.AF_INET

        def server_bind(self) -> None:
            TCPServer.server_bind(self)  # HTTPServer's asks for the host's name, and may wait for that

        def handle_error(self, *_: object) -> None:
            """Nothing: who asked has gone away."""

    return Server((host, int(port)), Handler)
