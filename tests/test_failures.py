"""Whatever system call fails, and whenever: the daemon goes on by itself, or ends for another one to be started."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest

from aggregator.errors import AggregatorError
from aggregator.pipeline import EVERYTHING, Done, News, Session, Wish
from tests.daemons import CEILING, QUICK, Daemon, drop_in, until
from tests.programs import child, end_of, missing, needs
from tests.site import Site
from tests.world import World

CALLS = ["fsync,fdatasync", "rename,renameat", "openat", "write", "pwrite64", "ftruncate", "unlink,unlinkat"]
TURNS = (1, 2, 3, 5, 8)
"""Which of the calls fail, one after the other."""
EVERY = "AGGREGATOR_FAILURES" in os.environ
NOT_DONE = 3


def cases(kinds: Sequence[str]) -> list[tuple[str, str, tuple[int, ...]]]:
    """All system calls, in two kinds of cases, and which of the calls fail: in `make test` one in each case."""
    turns = dict(zip(kinds, TURNS[::2], strict=False))
    return [(calls, kind, TURNS if EVERY else (turns[kind],)) for calls in CALLS for kind in kinds]


def tracing(calls: str, error: str, when: str) -> list[str]:
    """The command that lets system calls fail, in each thread its so-manieth ones."""
    return [
        needs("strace"),
        "-f",
        "-qq",
        "-I",
        "2",
        "-o",
        "/dev/null",
        "-e",
        f"inject={calls}:error={error}:when={when}",
    ]


@contextmanager
def failing(daemon: Daemon, calls: str, error: str, when: str) -> Iterator[None]:
    """Let system calls of a running daemon fail."""
    command = [*tracing(calls, error, when), "-p", str(daemon.pid)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:

        def attached() -> bool:
            if tracer.poll() is not None:
                missing(f"strace can't trace here: {tracer.stderr.read() if tracer.stderr else ''}")
            return f"TracerPid:\t{tracer.pid}\n" in Path(f"/proc/{daemon.pid}/status").read_text()

        until(attached, "the tracer")
        try:
            yield
        finally:
            tracer.terminate()


def detach(daemon: Daemon) -> None:
    """End what traces a daemon, which goes on."""
    try:
        status = Path(f"/proc/{daemon.pid}/status").read_text()
    except FileNotFoundError:
        return
    tracer = int(status.partition("TracerPid:")[2].split()[0])
    if tracer:
        os.kill(tracer, signal.SIGTERM)
        until(lambda: "TracerPid:\t0" in Path(f"/proc/{daemon.pid}/status").read_text(), "that it is traced no more")


def is_out(site: Site, title: str) -> bool:
    path = site.output / "all/atom.xml"
    return path.exists() and title in path.read_text(encoding="utf-8")


def ended(daemon: Daemon) -> bool:
    """Whether it has ended; as a service manager would, see that it may be started again."""
    assert daemon.process
    status = daemon.process.poll()
    assert status in (None, NOT_DONE), daemon.log()
    return status is not None


def recovers(daemon: Daemon, name: str) -> None:
    """See that all is published now, and that the daemon is well; where it has ended, another one is started."""
    site = daemon.site
    if ended(daemon):
        daemon.begin()
    drop_in(site, name)
    until(lambda: is_out(site, f"About {name}") or ended(daemon), f"{name}\n{daemon.log()}")
    if ended(daemon):
        daemon.begin()
    until(lambda: is_out(site, f"About {name}"), f"{name}\n{daemon.log()}")
    daemon.send(signal.SIGUSR1)
    daemon.wait(lambda status: status["healthy"] and status["state"] == "idle", "health")


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("calls", "error", "turns"), cases(["EIO", "ENOSPC"]))
def test_a_daemon_whose_calls_fail_goes_on(site: Site, calls: str, error: str, turns: Sequence[int]) -> None:
    """While it publishes a change, and while it builds a new index."""
    site.configure(watch=QUICK)
    with Daemon(site) as daemon:
        for turn in turns:
            with failing(daemon, calls, error, str(turn)):
                failures = len(daemon.logged("the work failed"))
                drop_in(site, f"amid-{turn}")
                until(
                    lambda turn=turn, failures=failures: (  # type: ignore[misc]
                        is_out(site, f"About amid-{turn}")
                        or len(daemon.logged("the work failed")) > failures
                        or ended(daemon)
                        or daemon.logged("can't be")
                    ),
                    "the change or the failure",
                )
                if not ended(daemon):
                    site.run("--rebuild")
            recovers(daemon, f"after-{turn}")
            assert is_out(site, f"About amid-{turn}")
    assert site.tree() == site.rebuilt()


@pytest.mark.timeout(120)
def test_a_daemon_that_always_fails_ends_and_the_next_one_goes_on(site: Site) -> None:
    """With status 3 and the reason, after the same failure six times in a row."""
    site.configure(watch=QUICK)
    with Daemon(site) as daemon:
        with failing(daemon, "fdatasync", "EIO", "1+"):
            for number in range(6):
                failures = len(daemon.logged("the work failed"))
                assert failures >= number
                assert not ended(daemon)
                drop_in(site, f"b{number}")
                until(lambda failures=failures: len(daemon.logged("the work failed")) > failures, daemon.log())  # type: ignore[misc]
            assert daemon.process
            assert daemon.process.wait(CEILING) == NOT_DONE
        assert "aggregator: failed 6 times in a row" in daemon.log()
        assert "disk I/O error" in daemon.log().splitlines()[-1]
        recovers(daemon, "c")
        assert is_out(site, "About b5")


def test_the_watchdog_is_not_fed_while_the_store_cannot_be_opened(site: Site) -> None:
    """Nor by trying; it is again as soon as the store is there."""
    place = site.root / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(place))
        manager.settimeout(CEILING)
        site.configure(watch=QUICK, runtime={"path": str(site.root / "run")})
        environ = {"NOTIFY_SOCKET": str(place), "WATCHDOG_USEC": "400000"}

        def hear(what: str) -> None:
            while what not in manager.recv(4096).decode():
                pass

        def quiet() -> bool:
            """Whether a second passes in which nothing says that it lives."""
            end = time.monotonic() + 1
            while time.monotonic() < end:
                with suppress(BlockingIOError):
                    if "WATCHDOG" in manager.recv(4096, socket.MSG_DONTWAIT).decode():
                        return False
                time.sleep(0.01)
            return True

        with Daemon(site, runtime=site.root / "run", environ=environ) as daemon:
            hear("WATCHDOG=1")
            with failing(daemon, "fdatasync,ftruncate", "EIO", "1+"):
                drop_in(site, "b")
                until(lambda: daemon.logged("the work failed"), "the failure")
                until(quiet, "that the watchdog is fed no more")
            hear("WATCHDOG=1")
            recovers(daemon, "c")


@pytest.mark.parametrize(
    "limits",
    [{resource.RLIMIT_FSIZE: 0}, {resource.RLIMIT_FSIZE: 0, resource.RLIMIT_NOFILE: 3}],
    ids=["no room", "no room, no descriptors"],
)
def test_a_session_answers_or_refuses_after_a_failure(world: World, limits: dict[int, int]) -> None:
    """Whatever is asked of it, it raises nothing but what says what is wrong; and it works when it can again."""
    world.document("a")

    def work() -> None:
        with Session(world.plan(), world.program, processes=1) as session:

            def bring_up() -> Done:
                return session.bring_up(EVERYTHING, Wish(), world.now, time.time_ns())

            questions: list[Callable[[], object]] = [
                bring_up,
                session.survey,
                session.names,
                session.feeds,
                lambda: session.next_due(world.now),
                session.answers,
                session.last,
                session.served,
                lambda: session.knows(str(world.articles / "a.md")),
                lambda: session.news("hub"),
                lambda: session.told("hub", News(1, "written", "all/rss.xml")),
                session.tend,
                lambda: session.apply(world.plan()),
            ]
            assert bring_up().feeds.failed == 0
            usual = {limit: resource.getrlimit(limit) for limit in limits}
            failures = 0
            for number, question in enumerate(questions):
                world.document(f"b{number}")
                world.now += timedelta(days=1)
                for limit, most in limits.items():
                    resource.setrlimit(limit, (most, usual[limit][1]))
                for ask in (bring_up, question, question):
                    try:
                        ask()
                    except AggregatorError:
                        failures += 1
                for limit, given in usual.items():
                    resource.setrlimit(limit, given)
                question()
                assert bring_up().feeds.failed == 0
                assert f"About b{number}" in world.titles()
            assert failures > len(questions), "the limit does no harm"

    assert end_of(child(work)) == 0


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("calls", "beginning", "turns"), cases(["empty", "damaged"]))
def test_a_daemon_whose_calls_fail_at_its_start_goes_on(
    site: Site, calls: str, beginning: str, turns: Sequence[int]
) -> None:
    """While it builds its first index, or another one for a damaged one."""
    site.configure(watch=QUICK)
    for turn in turns:
        shutil.rmtree(site.store, ignore_errors=True)
        shutil.rmtree(site.output, ignore_errors=True)
        if beginning == "damaged":
            site.regenerate()
            (site.store / "index.sqlite").write_bytes(b"x" * 50_000)
        daemon = Daemon(site, under=[*tracing(calls, "EIO", str(turn)), "-D"])
        daemon.log_file.unlink(missing_ok=True)
        daemon.begin()
        try:
            until(
                lambda daemon=daemon: daemon.logged("reconciled") or daemon.logged("the work failed") or ended(daemon),  # type: ignore[misc]
                f"the beginning\n{daemon.log()}",
            )
            detach(daemon)
            recovers(daemon, f"b{turn}")
            assert is_out(site, "About a")
        finally:
            daemon.kill()
