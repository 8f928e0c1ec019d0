"""A daemon in a process of its own, and what it says of itself."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from tests.programs import missing
from tests.site import COMMAND, Site, environment
from tests.world import day

Found = TypeVar("Found")

CEILING = 60.0  # seconds: a machine may be busy
QUICK = {"settle": "100ms", "longest_wait": "1s"}


def until(found: Callable[[], Found | None], what: str, ceiling: float = CEILING) -> Found:
    """What `found` says as soon as that is true. What is waited for happens in another process: it is asked again and
    again, and the test fails where it doesn't come.
    """
    end = time.monotonic() + ceiling
    while not (value := found()):
        assert time.monotonic() < end, f"waited {ceiling:g} s for {what}"
        time.sleep(0.005)
    return value


class Daemon:
    """`aggregator run` for a site; a context manager, which stops it and looks at how it ended."""

    def __init__(
        self,
        site: Site,
        *arguments: str,
        runtime: Path | None = None,
        environ: Mapping[str, str] = {},
        under: Sequence[str] = (),
    ) -> None:
        self.site = site
        self.under = under
        self.arguments = arguments
        self.environ = environ
        self.runtime = runtime or site.store
        self.log_file = site.root / "daemon.log"
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Daemon:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process and self.process.poll() is None:
            if kind:
                self.kill()
            else:
                assert self.stop() == 0, self.log()

    def begin(self) -> None:
        """Start the process; the first one under another program, if one is named, which keeps its id."""
        under, self.under = self.under, ()
        (self.runtime / "status.json").unlink(missing_ok=True)
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [*under, COMMAND, "run", *self.arguments],
                cwd=self.site.root,
                env=environment(**self.environ),
                stderr=log,
            )

    def start(self) -> None:
        """Start the process, and wait until everything was looked at once."""
        self.begin()
        self.wait(lambda status: status["reconcile"] and status["state"] == "idle", "the first reconcile")

    @property
    def pid(self) -> int:
        assert self.process
        return self.process.pid

    def send(self, number: int) -> None:
        assert self.process
        self.process.send_signal(number)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to stop, and give its exit status."""
        assert self.process
        self.send(number)
        return self.process.wait(CEILING)

    def kill(self) -> None:
        """Without a word."""
        assert self.process
        self.process.kill()
        self.process.wait(CEILING)

    def status(self) -> dict[str, Any] | None:
        """What it last said of itself."""
        path = self.runtime / "status.json"
        return json.loads(path.read_bytes()) if path.exists() else None

    def wait(self, good: Callable[[dict[str, Any]], Any], what: str, ceiling: float = CEILING) -> dict[str, Any]:
        """Wait until its status is so."""

        def found() -> dict[str, Any] | None:
            assert self.process
            assert self.process.poll() is None, f"it has ended: {self.log()}"
            status = self.status()
            return status if status and status["pid"] == self.pid and good(status) else None

        try:
            return until(found, what, ceiling)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.status()}\n{self.log()}") from None

    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8")

    def logged(self, *words: str) -> list[str]:
        """The lines of its log with all of these words."""
        return [line for line in self.log().splitlines() if all(word in line for word in words)]

    def settled(self) -> None:
        """Wait until what has happened so far is published: a last document has come, and everything before it."""
        mark = self.site.articles / "zz-mark.md"
        title = f"Mark {time.monotonic_ns()}"
        fields: dict[str, Any] = {"topics": [], "webUrl": "https://news.example/zz-mark", "publishedDateTime": day(200)}
        self.site.document("zz-mark", title=title, **fields)
        until(lambda: title in (self.site.output / "all/rss.xml").read_text(encoding="utf-8"), f"{title}: {self.log()}")
        self.wait(lambda status: status["state"] == "idle" and status["queue"] == 0, "peace")
        assert mark.exists()


def shows(site: Site, *titles: str, feed: str = "all") -> bool:
    """Whether a feed shows just these entries."""
    path = site.output / feed / "atom.xml"
    return path.exists() and sorted(site.titles(feed)) == sorted(titles)


def many(site: Site, count: int, folder: str = "many") -> list[Path]:
    """As many documents, written in place."""
    return [site.document(f"{folder}/{number:05}", topics=["AI", f"T{number % 5}"]) for number in range(count)]


def guarded(daemon: Daemon, words: str) -> dict[str, Any]:
    """Wait until the guard says this of the first source that it holds."""
    return daemon.wait(lambda status: status["guard"] and words in status["guard"][0], f"the guard to say {words!r}")


def well(daemon: Daemon) -> dict[str, Any]:
    return daemon.wait(lambda status: status["healthy"], "health")


def faked(site: Site, instant: datetime) -> dict[str, str]:
    """An environment in which the clock is set by a file, as a person would set it; the monotonic one goes on."""
    library = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))), None)
    if not library:
        missing("faketime is not installed")
    clock = site.root / "clock"
    set_clock(site, instant)
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_XRESET": "1",
        "NO_FAKE_STAT": "1",
        "TZ": "UTC",
    }


def set_clock(site: Site, instant: datetime) -> None:
    """Set the clock, which goes on from there."""
    offset = (instant - datetime.now(UTC)).total_seconds()
    part = site.root / "clock.part"
    part.write_text(f"{offset:+.3f}s\n")
    part.rename(site.root / "clock")


def drop_in(site: Site, name: str, **fields: Any) -> Path:
    """A document that comes by a rename from elsewhere, as a careful writer's does."""
    place = site.articles / f"{name}.md"
    usual = {"title": f"About {name}", "webUrl": f"https://news.example/{name}"}
    made = site.document(f"../outside-{Path(name).name}", **usual | fields)
    place.parent.mkdir(parents=True, exist_ok=True)
    return made.rename(place)


@contextmanager
def running(site: Site, *arguments: str, **sections: Any) -> Any:
    """A daemon under a configuration with a short settle time."""
    sections["watch"] = QUICK | sections.get("watch", {})
    site.configure(**sections)
    named = sections.get("runtime", {}).get("path")
    with Daemon(site, *arguments, runtime=Path(named) if named else None) as daemon:
        yield daemon
