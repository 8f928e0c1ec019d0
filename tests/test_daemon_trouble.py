"""What goes wrong around the daemon, and what people did who tried to break it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.daemons import CEILING, QUICK, Daemon, drop_in, faked, guarded, many, running, set_clock, shows, until, well
from tests.programs import needs, small_disk
from tests.site import COMMAND, Site, environment


@pytest.fixture
def daemon(site: Site) -> Iterator[Daemon]:
    """A daemon at work on a site with one document."""
    with running(site) as daemon:
        yield daemon


def test_a_full_disk_is_told_and_tried_again(site: Site) -> None:
    """Unhealthy with the reason; when there is room again, the feeds are current and all is well."""
    with small_disk(site.output, 200_000), running(site) as daemon:
        filler = site.output / "filler"
        with suppress(OSError):  # as much as there is room for
            filler.write_bytes(bytes(200_000))
        drop_in(site, "b", body="word " * 2000)
        status = daemon.wait(lambda status: not status["healthy"], "the trouble")
        assert "No space left" in " ".join(status["troubles"])
        assert "retry" in [one["what"] for one in status["next"]]
        filler.unlink()
        well(daemon)
        assert shows(site, "About a", "About b")


def test_a_damaged_index_is_built_again_while_it_runs(daemon: Daemon) -> None:
    """Ids and feeds stay, and the daemon goes on."""
    site = daemon.site
    ids = site.ids()
    daemon.kill()
    (site.store / "index.sqlite").write_bytes(b"This is no database. " * 1000)
    for side in ("-wal", "-shm"):
        (site.store / f"index.sqlite{side}").unlink(missing_ok=True)
    daemon.start()
    drop_in(site, "b")
    until(lambda: shows(site, "About a", "About b"), "a change after it")
    assert site.ids().items() >= ids.items()


def quiet(daemon: Daemon) -> None:
    """Wait until it has nothing to do, and see that it does nothing then: no line, and no work."""

    def lines() -> int:
        return len(daemon.log().splitlines())

    def spent() -> int:
        return sum(map(int, Path(f"/proc/{daemon.pid}/stat").read_text().rpartition(")")[2].split()[11:13]))

    daemon.wait(lambda status: status["state"] == "idle", "peace")
    before, ticks, end = lines(), spent(), time.monotonic() + 2
    until(lambda: time.monotonic() > end, "two seconds")
    assert lines() - before < 5, daemon.log()[-2000:]
    assert spent() - ticks < 50  # hundredths of a second


def test_a_feed_that_is_due_and_has_to_wait_is_no_busy_loop(site: Site) -> None:
    """Its instant has passed, and its schedule's time hasn't come."""
    with running(site, schedule=[{"feeds": "all", "cron": "0 0 1 1 *"}]) as daemon:
        site.document("soon", publishedDateTime=datetime.now(UTC) + timedelta(seconds=5))
        until(lambda: "About soon" in site.titles("topics/ai"), "its instant")
        quiet(daemon)
        assert shows(site, "About a")


def test_a_due_feed_that_cannot_be_written_is_no_busy_loop(site: Site) -> None:
    """It is tried again later and later, and well when it can be."""
    site.document("soon", publishedDateTime=datetime.now(UTC) + timedelta(seconds=8))
    with running(site) as daemon:
        shutil.rmtree(site.output / "all")
        (site.output / "all").write_text("in the way")
        daemon.wait(lambda status: not status["healthy"], "the trouble")
        quiet(daemon)
        (site.output / "all").unlink()
        daemon.send(signal.SIGUSR1)
        until(lambda: shows(site, "About a", "About soon"), "both entries")
        well(daemon)


def test_a_scheduled_feed_that_was_not_published_in_time_is_published_later(site: Site) -> None:
    """Where it couldn't be written at its minute, or the daemon was killed amid it: nothing waits for another year."""
    needs("faketime")
    start = datetime(2026, 6, 1, 5, 59, 50, tzinfo=UTC)
    site.configure(watch=QUICK, schedule=[{"feeds": "topics/*", "cron": "0 6 * * *"}])
    environ = faked(site, start - timedelta(hours=1))
    with Daemon(site, environ=environ) as daemon:
        drop_in(site, "b")
        until(lambda: "About b" in site.titles(), "the feed of everything")
        shutil.rmtree(site.output / "topics/ai")
        (site.output / "topics/ai").write_text("in the way")
        set_clock(site, start + timedelta(seconds=5))
        daemon.wait(lambda status: not status["healthy"], "the failure at its minute")
        daemon.kill()
        (site.output / "topics/ai").unlink()
        daemon.start()
        assert shows(site, "About a", "About b", feed="topics/ai")


def test_a_log_that_nobody_reads_stops_nothing(site: Site) -> None:
    """Lines are lost, and it goes on and stops in time."""
    site.configure(watch=QUICK, log={"level": "debug"})
    reading, writing = os.pipe()
    process = subprocess.Popen([COMMAND, "run"], cwd=site.root, env=environment(), stderr=writing)
    os.close(writing)
    try:
        until(lambda: (site.output / "all/atom.xml").exists(), "the feeds")
        os.set_blocking(reading, False)
        for number in range(30):  # some 8 kB of log for each; a pipe takes 64
            drop_in(site, f"n{number}", topics=[f"T{n}" for n in range(40)])
            until(lambda: f"About n{number}" in site.titles(), "the feed")  # noqa: B023  # within this round
        process.send_signal(signal.SIGTERM)
        begin = time.monotonic()
        assert process.wait(CEILING) == 0
        assert time.monotonic() - begin < 5
    finally:
        os.close(reading)
        process.kill()


def test_it_runs_without_anything_to_log_to(site: Site) -> None:
    """Standard error may be closed."""
    site.configure(watch=QUICK)
    process = subprocess.Popen(["/bin/sh", "-c", f"exec '{COMMAND}' run 2>&-"], cwd=site.root, env=environment())
    until(lambda: (site.output / "all/atom.xml").exists(), "the feeds")
    process.send_signal(signal.SIGTERM)
    assert process.wait(CEILING) == 0


def test_an_output_folder_that_was_taken_away_is_claimed_again(daemon: Daemon) -> None:
    """All of it is published anew, and no other store can have it."""
    site = daemon.site
    before = site.tree()
    shutil.rmtree(site.output)
    daemon.send(signal.SIGUSR1)
    until(lambda: site.tree() == before, "all feeds")
    other = Site(site.root / "other")
    other.configure(output={"path": str(site.output)})
    done = other.run()
    assert done.status == 2
    assert f"belongs to the store {str(site.store)!r}" in done.err


def test_a_store_that_was_moved_away_stops_publishing_and_is_told(daemon: Daemon) -> None:
    """It is well when it is back: ids are never given anew."""
    site = daemon.site
    ids = site.ids()
    runtime = site.root / "moved"
    site.store.rename(runtime)
    daemon.send(signal.SIGUSR1)
    until(lambda: daemon.logged("the store was moved or deleted"), "that it was noticed")
    drop_in(site, "b")
    shutil.rmtree(site.store, ignore_errors=True)
    runtime.rename(site.store)
    daemon.send(signal.SIGUSR1)
    until(lambda: shows(site, "About a", "About b"), "the change")
    assert site.ids().items() >= ids.items()
    well(daemon)


def test_workers_end_with_a_killed_daemon(site: Site) -> None:
    """However it ends, also where they were started from a process of their own."""
    many(site, 3000)
    site.configure(watch=QUICK)
    daemon = Daemon(site)
    daemon.begin()

    def family() -> list[int]:
        found: list[int] = []
        waiting = [daemon.pid]
        while waiting:
            pid = waiting.pop()
            with suppress(OSError):
                below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
                found += map(int, below)
                waiting += map(int, below)
        return found

    # The forkserver and its two workers, at least.
    children = until(lambda: below if len(below := family()) >= 3 else None, "the workers")
    daemon.kill()
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children), "that all have ended")


def test_reloads_start_nothing_twice(site: Site) -> None:
    """A hook that is at work isn't started again beside itself."""
    script = site.root / "slow"
    script.write_text('#!/bin/sh\nmkdir "$1" || echo twice >> "$2"\nsleep 0.5\nrmdir "$1"\n')
    script.chmod(0o755)
    twice = site.root / "twice"
    with running(site, hooks={"published": [str(script), str(site.root / "busy"), str(twice)]}) as daemon:
        for number in range(10):
            drop_in(site, f"b{number}")
            assert site.run(command="reload").status == 0
        daemon.wait(lambda status: status["announcing"][0]["waiting"] == 0, "that all is told")
        assert not twice.exists()


def test_a_reload_reads_no_half_of_a_file(site: Site) -> None:
    """What was in motion before it, is so after it."""
    text = "---\ntitle: Grown\nwebUrl: https://news.example/g\npublishedDateTime: 2026-03-02T00:00:00Z\n---\nHalf"
    with running(site, watch={"settle": "4s", "longest_wait": "8s"}) as daemon:
        with (site.articles / "growing.md").open("w", encoding="utf-8") as stream:
            for part in (text, " of", " it", " all"):
                stream.write(part)
                stream.flush()
                assert site.run(command="reload").status == 0
                assert not daemon.logged("read=1") or "Grown" not in site.titles()
        until(lambda: "Grown" in site.titles(), "the file")
        assert "Half of it all" in (site.output / "all/atom.xml").read_text(encoding="utf-8")


def test_a_runtime_folder_that_was_cleared_away_is_made_again(site: Site) -> None:
    """With the status and the socket in it."""
    folder = site.root / "run"
    with running(site, runtime={"path": str(folder)}) as daemon:
        shutil.rmtree(folder)
        daemon.wait(lambda _: (folder / "control").exists(), "the socket")
        assert site.run().status == 0
        assert len(daemon.logged("the status can't be written")) <= 1


def test_a_clock_set_back_a_little_hides_nothing(site: Site) -> None:
    """What has been shown stays shown, also over a new start."""
    start = datetime(2026, 6, 1, 12, tzinfo=UTC)
    site.document("shown", publishedDateTime=start)
    site.configure(watch=QUICK)
    environ = faked(site, start + timedelta(seconds=10))
    with Daemon(site, environ=environ) as daemon:
        assert shows(site, "About a", "About shown")
        daemon.stop()
        set_clock(site, start - timedelta(seconds=60))
        daemon.start()
        drop_in(site, "b")
        until(lambda: "About b" in site.titles(), "a change after it")
        assert "About shown" in site.titles()


def test_a_slip_in_a_sources_path_withdraws_nothing(daemon: Daemon) -> None:
    """The source that the documents were in is out of the configuration, and the one in its place isn't there."""
    site = daemon.site
    site.configure(watch=QUICK, sources=[{"path": "artciles"}])
    assert site.run(command="reload").status == 0
    guarded(daemon, "this source is missing")
    daemon.wait(lambda status: status["reconcile"]["reason"] == "configuration", "the look at everything")
    assert shows(site, "About a")
    site.configure(watch=QUICK, sources=[{"path": "articles"}])
    assert site.run(command="reload").status == 0
    well(daemon)
    assert shows(site, "About a")
