"""The daemon at work: a real process, real files, real signals."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.daemons import CEILING, QUICK, Daemon, drop_in, faked, guarded, many, running, set_clock, shows, until, well
from tests.programs import missing, needs, needs_root
from tests.site import COMMAND, Site, environment


@pytest.fixture
def daemon(site: Site) -> Iterator[Daemon]:
    """A daemon at work on a site with one document."""
    with running(site) as daemon:
        yield daemon


# Noticing


def test_what_is_there_at_the_start_is_published(daemon: Daemon) -> None:
    """Without an event."""
    assert shows(daemon.site, "About a")
    assert daemon.site.run(command="status").status == 0


def test_a_document_that_is_renamed_in_is_published(daemon: Daemon) -> None:
    """And only what it changes is written; its latency is told."""
    other = (daemon.site.output / "topics/ai/rss.xml").stat()
    drop_in(daemon.site, "b", topics=["Sea"])
    until(lambda: shows(daemon.site, "About a", "About b"), "the new entry")
    status = daemon.wait(lambda status: status["batch"]["paths"], "the batch")
    assert (status["batch"]["read"], status["batch"]["paths"]) == (1, 1)
    assert 0.1 <= status["batch"]["latency"] < CEILING
    assert (daemon.site.output / "topics/ai/rss.xml").stat() == other


def test_edits_renames_and_deletions_are_noticed(daemon: Daemon) -> None:
    """An edit in place, a new name inside the source, and a document that goes."""
    site = daemon.site
    site.document("a", title="Edited")
    until(lambda: shows(site, "Edited"), "the edit")
    [before] = site.ids().values()
    (site.articles / "a.md").rename(site.articles / "renamed.md")
    site.document("b")
    until(lambda: shows(site, "Edited", "About b"), "the rename")
    assert site.ids()["Edited"] == before
    (site.articles / "renamed.md").unlink()
    until(lambda: shows(site, "About b"), "the deletion")


def test_ten_documents_saved_together_are_one_batch(daemon: Daemon) -> None:
    """A feed is written once for all of them."""
    site = daemon.site
    outside = site.root / "outside"
    for number in range(10):
        site.document(f"../outside/{number}", webUrl=f"https://news.example/{number}")
    shutil.copytree(outside, site.articles / "copied")
    until(lambda: len(site.titles()) == 11, "all of them")
    daemon.wait(lambda _: daemon.logged("event=batch"), "the line of the batch")
    assert [re.findall(r"read=\d+", line) for line in daemon.logged("event=batch")] == [["read=10"]]


def test_a_folder_that_is_moved_in_and_out_is_noticed(daemon: Daemon) -> None:
    """With everything deep inside it."""
    site = daemon.site
    outside = site.root / "outside"
    for number in range(5):
        site.document(f"../outside/deep/er/{number}", title=f"Deep {number}", webUrl=f"https://news.example/{number}")
    outside.rename(site.articles / "inside")
    until(lambda: len(site.titles()) == 6, "the folder")
    site.document("inside/deep/er/0", title="Deep and edited", webUrl="https://news.example/0")
    until(lambda: "Deep and edited" in site.titles(), "an edit in it")
    (site.articles / "inside").rename(outside)
    until(lambda: shows(site, "About a"), "that it is gone")


def test_linked_documents_are_read_and_linked_folders_not(daemon: Daemon) -> None:
    """As the walk does."""
    site = daemon.site
    elsewhere = site.root / "elsewhere"
    site.document("../elsewhere/b", title="About b", webUrl="https://news.example/b")
    (site.articles / "folder").symlink_to(elsewhere)
    (site.articles / "linked.md").symlink_to(elsewhere / "b.md")
    until(lambda: shows(site, "About a", "About b"), "the linked document")
    daemon.settled()
    assert not shows(site, "About a", "About b", "About b")


def test_a_broken_document_is_told_and_keeps_its_place(daemon: Daemon) -> None:
    """With a path that can be opened, in the status; the daemon is healthy all the same."""
    site = daemon.site
    path = site.text("a.md", "---\ntitle: [\n---\n")
    status = daemon.wait(lambda status: status["errors"] == 1, "the problem")
    assert Path(status["problems"][0]["path"]).samefile(path)
    assert status["healthy"]
    assert shows(site, "About a")


def test_a_file_whose_name_nobody_could_read_is_told(daemon: Daemon) -> None:
    """As a warning, and in one line of the log, like every new problem."""
    site = daemon.site
    shutil.copy(site.articles / "a.md", site.articles / "new\nline.md")
    status = daemon.wait(lambda status: status["warnings"] == 1, "the warning")
    assert "its name holds control characters" in status["problems"][0]["message"]
    assert status["healthy"]
    assert len(daemon.logged("new problems", "count=1")) == 1


def test_a_steady_stream_is_flushed_and_a_file_that_grows_is_not_read(site: Site) -> None:
    """What is settled doesn't wait for what isn't; what grows is read when it has come to rest."""
    with running(site, watch={"settle": "500ms", "longest_wait": "2s"}) as daemon:
        growing = site.articles / "growing.md"
        text = "---\ntitle: Grown\nwebUrl: https://news.example/grown\npublishedDateTime: 2026-03-02T00:00:00Z\n---\n"
        with growing.open("w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            drop_in(site, "b")

            def grows() -> bool:
                stream.write("more and more\n")
                stream.flush()
                return "About b" in site.titles()

            until(grows, "what is settled")
            assert "Grown" not in site.titles()
            stream.write("THE END")
        until(lambda: "Grown" in site.titles(), "what has grown")
        assert "THE END" in (site.output / "all/atom.xml").read_text(encoding="utf-8")
        assert not daemon.logged("event=trouble")


def test_where_polling_is_asked_for_changes_are_noticed_too(site: Site) -> None:
    """The status says how, and why."""
    with running(site, watch={"poll": "yes"}) as daemon:
        drop_in(site, "b")
        until(lambda: shows(site, "About a", "About b"), "the new entry")
        (site.articles / "a.md").unlink()
        until(lambda: shows(site, "About b"), "the deletion")
        status = daemon.status()
        assert status
        assert (status["watcher"]["mode"], status["watcher"]["why"]) == ("polling", "polling was asked for")


def test_what_no_event_tells_the_reconcile_finds(site: Site) -> None:
    """Here a source that comes by a mount, which inotify doesn't tell of, and whose watching is too slow to matter."""
    with running(site, watch={"reconcile": "1s", "settle": "100ms"}) as daemon:
        before = len(daemon.logged("event=reconciled"))
        daemon.wait(lambda _: len(daemon.logged("event=reconciled", "reason=reconcile")) >= 2, "two reconciles")
        assert len(daemon.logged("event=reconciled")) > before
        assert not daemon.logged("event=batch")


# The guard


def test_a_source_that_is_renamed_away_withdraws_nothing(site: Site) -> None:
    """It is unhealthy until the folder is back; then everything in it is noticed again."""
    many(site, 30)
    with running(site) as daemon:
        before = site.tree()
        site.articles.rename(site.root / "away")
        assert not guarded(daemon, "this source is missing")["healthy"]
        asked = site.run(command="status")
        assert asked.status == 1
        assert "missing" in asked.out
        assert site.tree() == before
        (site.root / "away").rename(site.articles)
        well(daemon)
        assert site.tree() == before
        drop_in(site, "after", topics=["Sea"])
        until(lambda: "About after" in site.titles(), "a change after it")


def test_a_source_that_is_deleted_and_made_anew_is_watched_again(site: Site) -> None:
    """What is in it then is all there is, once somebody says that this is right."""
    many(site, 30)
    with running(site) as daemon:
        before = site.tree()
        shutil.rmtree(site.articles)
        guarded(daemon, "this source is missing")
        assert site.tree() == before
        site.articles.mkdir()
        drop_in(site, "anew")
        until(lambda: "About anew" in site.titles(), "the new document")
        guarded(daemon, "of 31 documents are gone")
        assert site.run("--accept-deletions").status == 0
        well(daemon)
        assert shows(site, "About anew")


def test_a_source_that_is_unmounted_withdraws_nothing(site: Site) -> None:
    """Its folder is there, and empty; mounted again, all is well."""
    needs_root()
    disk = site.root / "disk"
    many(site, 30)
    disk.mkdir()
    shutil.copytree(site.articles, disk, dirs_exist_ok=True)
    shutil.rmtree(site.articles)
    site.articles.mkdir()
    bind = ["mount", "--bind", str(disk), str(site.articles)]
    if subprocess.run(bind, check=False, capture_output=True).returncode:
        missing("nothing can be mounted here")
    try:
        with running(site) as daemon:
            before = site.tree()
            subprocess.run(["umount", str(site.articles)], check=True)
            guarded(daemon, "31 of 31 documents are gone")
            assert site.tree() == before
            subprocess.run(bind, check=True)
            well(daemon)
            assert site.tree() == before
            site.document("after")
            until(lambda: "About after" in site.titles(), "a change after it")
    finally:
        subprocess.run(["umount", "-l", str(site.articles)], check=False, capture_output=True)


def git(site: Site, *arguments: str) -> None:
    """Run git in the source."""
    names = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main")
    subprocess.run([needs("git"), *names, *arguments], cwd=site.articles, check=True, capture_output=True)


def test_checking_out_an_empty_branch_withdraws_nothing(site: Site) -> None:
    """Git deletes file by file, and then writes file by file: half of it is never taken for all."""
    many(site, 300)
    git(site, "init")
    git(site, "add", ".")
    git(site, "commit", "-m", "all")
    git(site, "checkout", "--orphan", "empty")
    git(site, "rm", "-rf", "--cached", ".")
    git(site, "commit", "--allow-empty", "-m", "nothing")
    git(site, "checkout", "-f", "main")
    with running(site) as daemon:
        before = site.tree()
        ids = site.ids()
        git(site, "checkout", "empty")
        guarded(daemon, "301 of 301 documents are gone")
        assert site.tree() == before
        git(site, "checkout", "main")
        well(daemon)
        daemon.settled()
        assert {id for title, id in site.ids().items() if "Mark" not in title} < set(ids.values())
        (site.articles / "zz-mark.md").unlink()
        until(lambda: site.titles() == [*ids], "the same feeds")
        assert {path: data for path, data in site.tree().items() if "topics/t" in path} == {
            path: data for path, data in before.items() if "topics/t" in path
        }


def test_another_branch_and_back_gives_the_same_feeds(site: Site) -> None:
    """A few documents differ: they change, go and come, and keep their ids."""
    many(site, 30)
    git(site, "init")
    git(site, "add", ".")
    git(site, "commit", "-m", "all")
    git(site, "checkout", "-b", "other")
    site.document("many/00000", title="Other")
    (site.articles / "many/00001.md").unlink()
    site.document("many/new", title="New")
    git(site, "add", "-A")
    git(site, "commit", "-m", "other")
    git(site, "checkout", "main")
    with running(site) as daemon:
        ids = site.ids()
        git(site, "checkout", "other")
        until(lambda: {"Other", "New"} <= set(site.titles()), "the other branch")
        git(site, "checkout", "main")
        until(lambda: site.ids() == ids, "the first branch")
        assert not daemon.logged("trouble")


# Timed things


def test_an_article_to_come_is_published_at_its_instant(daemon: Daemon) -> None:
    """Without any event."""
    site = daemon.site
    instant = datetime.now(UTC) + timedelta(seconds=12)
    site.document("soon", publishedDateTime=instant)
    status = daemon.wait(lambda status: "due all" in [one["what"] for one in status["next"]], "that it is planned")
    assert datetime.now(UTC) < instant, "the machine was too slow for this test"
    assert shows(site, "About a")
    [due] = [one["at"] for one in status["next"] if one["what"] == "due all"]
    assert abs(datetime.fromisoformat(due) - instant) < timedelta(milliseconds=1)
    until(lambda: shows(site, "About a", "About soon"), "its instant")
    assert datetime.now(UTC) >= instant


@pytest.mark.parametrize("jump", [timedelta(days=2), -timedelta(minutes=30)], ids=["forward", "back"])
def test_a_clock_that_is_set_stalls_nothing(site: Site, jump: timedelta) -> None:
    """Or a machine that slept: everything is looked at, and what is due is published."""
    start = datetime(2026, 6, 1, 12, tzinfo=UTC)
    site.document("soon", publishedDateTime=start + timedelta(days=1))
    site.configure(watch=QUICK | {"reconcile": "3s"})
    with Daemon(site, environ=faked(site, start)) as daemon:
        assert shows(site, "About a")
        set_clock(site, start + jump)
        daemon.wait(lambda _: daemon.logged("reconciled", "the clock has moved by"), "that it was noticed")
        expected = ["About a", "About soon"] if jump > timedelta() else ["About a"]
        until(lambda: shows(site, *expected), "the feeds of then")
        count = len(daemon.logged("reason=reconcile"))
        daemon.wait(lambda _: len(daemon.logged("reason=reconcile")) > count, "a reconcile after it")
        drop_in(site, "after", publishedDateTime=datetime(2026, 5, 1, tzinfo=UTC))
        until(lambda: "About after" in site.titles(), "a change after it")


def test_a_feed_with_a_schedule_is_published_at_its_times_alone(site: Site) -> None:
    """In the site's time zone; other feeds don't wait, and a person's regenerate doesn't either."""
    needs("faketime")
    before_seven = datetime(2026, 6, 1, 4, 59, 50, tzinfo=UTC)  # seven in Berlin is five
    site.configure(
        watch=QUICK,
        schedule=[{"feeds": "topics/*", "cron": "0 7 * * *"}],
        site={"title": "Everything", "url": "https://feeds.example.org/", "timezone": "Europe/Berlin"},
    )
    with Daemon(site, environ=faked(site, before_seven - timedelta(hours=1))) as daemon:
        assert shows(site, "About a", feed="topics/ai")  # the first start publishes all
        drop_in(site, "b")
        until(lambda: shows(site, "About a", "About b"), "the feed of everything")
        daemon.wait(lambda status: status["feeds"]["dirty"] == 1, "that the other one waits")
        assert shows(site, "About a", feed="topics/ai")
        set_clock(site, before_seven + timedelta(seconds=5))
        until(lambda: shows(site, "About a", "About b", feed="topics/ai"), "seven o'clock")
        drop_in(site, "c")
        until(lambda: "About c" in site.titles(), "the feed of everything")
        assert site.run("--feed", "topics/ai").status == 0
        assert shows(site, "About a", "About b", "About c", feed="topics/ai")
        drop_in(site, "d")
        until(lambda: "About d" in site.titles(), "the feed of everything")
    environ = faked(site, before_seven + timedelta(days=3))
    with Daemon(site, environ=environ):  # what was missed meanwhile is published at the start
        assert "About d" in site.titles("topics/ai")


def test_a_schedule_that_names_no_feed_is_told(site: Site) -> None:
    """Once, as it may be a slip."""
    with running(site, schedule=[{"feeds": "topics/enrgy", "cron": "0 7 * * *"}]) as daemon:
        daemon.wait(lambda _: daemon.logged("names no feed", "topics/enrgy"), "the warning")
        daemon.send(signal.SIGUSR1)
        daemon.wait(lambda _: daemon.logged("reason=SIGUSR1"), "a further look")
        assert len(daemon.logged("names no feed")) == 1


# Signals


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_amid_the_first_reading(site: Site, number: int) -> None:
    """Within five seconds, with status 0, and nothing is lost: the next start publishes everything."""
    many(site, 3000)
    site.configure(watch=QUICK)
    daemon = Daemon(site)
    daemon.begin()
    daemon.wait(lambda status: status["state"] == "working", "that it is at work")
    begin = time.monotonic()
    assert daemon.stop(number) == 0, daemon.log()
    assert time.monotonic() - begin < 5
    assert daemon.logged("event=stopped")
    assert "Traceback" not in daemon.log()
    status = daemon.status()
    assert status
    assert status["state"] == "stopped"
    assert not (site.store / "control").exists()
    with daemon:
        assert len(site.titles()) == 50
    assert site.tree() == site.rebuilt()


def test_hangup_applies_a_configuration_whole(daemon: Daemon) -> None:
    """Another title, another source, another settle time: the feeds are as they would be after a new start."""
    site = daemon.site
    (site.root / "more").mkdir()
    site.document("../more/b", title="About b", webUrl="https://news.example/b")
    sections = {
        "site": {"title": "Another title", "url": "https://feeds.example.org/"},
        "sources": [{"path": "articles"}, {"path": "more"}],
    }
    site.configure(watch={"settle": "50ms"}, **sections)
    daemon.send(signal.SIGHUP)
    until(lambda: shows(site, "About a", "About b"), "the new source")
    assert "<title>Another title</title>" in (site.output / "all/atom.xml").read_text(encoding="utf-8")
    site.document("../more/b", title="Edited", webUrl="https://news.example/b")
    until(lambda: shows(site, "About a", "Edited"), "a change in it")


def test_a_wrong_configuration_is_refused_and_told(daemon: Daemon) -> None:
    """By the command, with its place and status 2, and in the log. The daemon goes on as before, as status tells."""
    site = daemon.site
    site.configure(watch={"settel": "1s"})
    done = site.run(command="reload")
    assert done.status == 2
    assert re.search(r"aggregator.yaml:\d+:\d+: error: .*settel.*settle", done.err)
    daemon.send(signal.SIGHUP)
    daemon.wait(lambda _: len(daemon.logged("is refused", "settel")) == 2, "that it was refused")
    drop_in(site, "b")
    until(lambda: shows(site, "About a", "About b"), "a change after it")
    assert site.run(command="status").status == 0


def test_whoever_asks_needs_none_of_the_daemons_secrets(site: Site) -> None:
    """They are in the daemon's environment alone."""
    site.configure(watch=QUICK, websub={"hubs": ["http://127.0.0.1:9/${SECRET}"]})
    with Daemon(site, environ={"SECRET": "hush"}):
        assert site.run(command="status").status == 0
        assert site.run(command="reload").out == "the configuration is in force\n"


@pytest.mark.parametrize("section", [{"store": {"path": "elsewhere"}}, {"output": {"path": "elsewhere"}}])
def test_another_store_or_output_folder_is_refused(daemon: Daemon, section: dict[str, Any]) -> None:
    """They are held while it runs."""
    site = daemon.site
    site.configure(watch=QUICK, runtime={"path": ".aggregator"}, **section)
    done = site.run(command="reload")
    assert done.status == 2
    assert "can't change while this runs" in done.err
    drop_in(site, "b")
    until(lambda: shows(site, "About a", "About b"), "a change after it")


def test_reload_waits_until_it_is_applied(daemon: Daemon) -> None:
    """Then its status is 0; without a daemon it is 3, and says how to start one."""
    site = daemon.site
    site.configure(watch=QUICK, log={"level": "debug"})
    assert site.run(command="reload").status == 0
    assert daemon.logged("the configuration is read again")
    daemon.stop()
    done = site.run(command="reload")
    assert done.status == 3
    assert "aggregator run" in done.err


def test_usr1_regenerates_everything_now(daemon: Daemon) -> None:
    """A feed file that somebody altered or took away is put right, though no source has changed."""
    site = daemon.site
    before = site.tree()
    (site.output / "all/atom.xml").write_text("altered")
    (site.output / "topics/ai/rss.xml").unlink()
    daemon.send(signal.SIGUSR1)
    until(lambda: site.tree() == before, "that all is as before")


def altered(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"About", b"ABOUT"))


def truncated(path: Path) -> None:
    os.truncate(path, 100)


def emptied_folder(path: Path) -> None:
    shutil.rmtree(path.parent)


def replaced(path: Path) -> None:
    other = path.with_name("other")
    other.write_text("another")
    other.rename(path)


def linked(path: Path) -> None:
    path.rename(path.with_name("kept"))
    path.symlink_to("kept")


HARMS: tuple[Callable[[Path], object], ...] = (
    altered,
    truncated,
    emptied_folder,
    replaced,
    linked,
    Path.unlink,
    Path.touch,
)


def test_files_that_somebody_altered_are_written_again(site: Site) -> None:
    """Within seconds, though no document has changed, and once for all of them."""
    many(site, 10)
    with running(site) as daemon:
        before = site.tree()
        folders = sorted(path for path in site.output.glob("**/atom.xml"))
        assert len(folders) == len(HARMS)
        for number in (1, 2):
            for harm, path in zip(HARMS, folders, strict=True):
                harm(path)
            until(lambda: before.items() <= site.tree().items(), "that all is as before")
            assert not any(path.is_symlink() for path in folders)
            daemon.wait(lambda _: len(daemon.logged("altered or removed")) == number, "the line")  # noqa: B023  # within this round
        assert len(daemon.logged("altered or removed")) == 2
        folders[0].unlink()
        folders[0].mkdir()
        daemon.wait(lambda status: "is a directory" in " ".join(status["troubles"]).lower(), "what is in the way")
        folders[0].rmdir()
        daemon.send(signal.SIGUSR1)
        well(daemon)
        assert before.items() <= site.tree().items()


# One writer


def test_regenerate_asks_the_daemon_and_shows_the_outcome(daemon: Daemon) -> None:
    """As it would have shown its own: what was read and written, the problems, the status."""
    site = daemon.site
    site.document("b")
    site.text("c.md", "---\ntitle: [\n---\n")
    done = site.run("--strict")
    assert done.status == 1
    assert "articles/c.md:" in done.err
    assert shows(site, "About a", "About b")
    assert site.result()["documents"]["unchanged"] == 2
    assert site.result("--rebuild")["documents"]["read"] == 2
    site.document("d")
    assert daemon.status()


def test_what_would_change_can_be_asked_of_the_daemon(site: Site) -> None:
    """Nothing changes by that, and the daemon goes on."""
    with running(site, watch={"settle": "1h", "longest_wait": "2h"}) as daemon:
        before = site.tree()
        site.document("b")
        time_of_it = (site.store / "ledger.sqlite").stat().st_mtime_ns
        done = site.run("--dry-run")
        assert "written\tall/atom.xml" in done.out
        assert site.run("--check").status == 1
        assert site.run("--check", "--rebuild").status == 1
        assert site.tree() == before
        assert (site.store / "ledger.sqlite").stat().st_mtime_ns == time_of_it
        assert site.result()["feeds"]["written"] == 4
        assert site.run("--check").status == 0
        assert daemon.logged("reason=regenerate")


def test_what_the_daemon_refuses_has_a_status_and_a_reason(daemon: Daemon) -> None:
    """Another now, another configuration, a feed that doesn't exist."""
    site = daemon.site
    done = site.run("--at", "2030-01-01")
    assert (done.status, "stop it first" in done.err) == (3, True)
    done = site.run("--feed", "topics/al")
    assert (done.status, "topics/ai" in done.err) == (2, True)
    site.configure(watch=QUICK, feeds={"entries": 1})
    done = site.run()
    assert (done.status, "aggregator reload" in done.err) == (3, True)
    assert site.run(command="reload").status == 0
    assert site.run().status == 0


def test_a_second_daemon_is_refused(daemon: Daemon) -> None:
    """It names the process that has the lock, and ends with status 3."""
    done = daemon.site.run(command="run")
    assert done.status == 3
    assert f"process {daemon.pid} is at work on the store" in done.err
    drop_in(daemon.site, "b")
    until(lambda: shows(daemon.site, "About a", "About b"), "that the first goes on")


def test_a_runtime_folder_is_one_daemons(daemon: Daemon) -> None:
    """Another one, with another store, doesn't take its socket away."""
    other = Site(daemon.site.root / "other")
    other.configure(runtime={"path": str(daemon.runtime)})
    done = other.run(command="run")
    assert done.status == 3
    assert "name another folder as `runtime.path`" in done.err
    assert daemon.site.run().status == 0


def test_others_can_ask_nothing(site: Site, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The status is for everybody, the socket for the daemon's user alone."""
    folder = tmp_path_factory.mktemp("runtime")
    with running(site, runtime={"path": str(folder)}):
        assert (folder / "control").stat().st_mode & 0o777 == 0o600
        assert (folder / "status.json").stat().st_mode & 0o777 == 0o644


def test_a_killed_daemon_is_followed_by_one_that_goes_on(site: Site) -> None:
    """Its socket and status are in nobody's way; what happened meanwhile is found."""
    with running(site) as daemon:
        daemon.kill()
        assert site.run(command="status").status == 1
        site.document("b")
        (site.articles / "a.md").unlink()
        daemon.start()
        assert shows(site, "About b")
        assert site.run(command="status").status == 0
    assert site.tree() == site.rebuilt()


# To whom it speaks


def test_the_log_has_a_line_for_a_batch_and_none_for_a_file(site: Site) -> None:
    """Unless it is asked for; on request every line is JSON."""
    import json

    with running(site, log={"format": "json"}) as daemon:
        drop_in(site, "b")
        until(lambda: shows(site, "About a", "About b"), "the new entry")
        daemon.wait(lambda _: len(daemon.log().splitlines()) >= 3, "three lines")
        lines = [json.loads(line) for line in daemon.log().splitlines()]
        assert [line["event"] for line in lines] == ["started", "reconciled", "batch"]
        site.configure(watch=QUICK, log={"level": "debug"})
        site.run(command="reload")
        drop_in(site, "c")
        daemon.wait(lambda _: daemon.logged("path=all/atom.xml"), "a line for a file")


def test_the_service_manager_hears_of_it(site: Site) -> None:
    """Ready once it watches, before everything is read; then how it goes, that it lives, and that it stops."""
    import socket

    place = site.root / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(place))
        manager.settimeout(CEILING)
        many(site, 300)
        site.configure(watch=QUICK)
        heard: list[str] = []
        daemon = Daemon(site, environ={"NOTIFY_SOCKET": str(place), "WATCHDOG_USEC": "400000"})
        daemon.begin()

        def hear(what: str) -> None:
            while what not in "\n".join(heard):
                heard.extend(manager.recv(4096).decode().splitlines())

        hear("documents, 7 feeds; all is well")
        assert [line for line in heard if line != "WATCHDOG=1"][:2] == ["READY=1", "STATUS=reading the documents"]
        heard.clear()
        hear("WATCHDOG=1")
        daemon.send(signal.SIGHUP)
        hear("RELOADING=1")
        hear("READY=1")
        daemon.send(signal.SIGTERM)
        hear("STOPPING=1")
        assert daemon.process
        assert daemon.process.wait(CEILING) == 0


def test_it_runs_in_a_terminal_until_control_c(site: Site) -> None:
    """As people try it: readable lines, and a quiet end."""
    process = subprocess.Popen([COMMAND, "run"], cwd=site.root, env=environment(), stderr=subprocess.PIPE, text=True)
    assert process.stderr
    assert "event=started" in process.stderr.readline()
    until(lambda: (site.output / "all/atom.xml").exists(), "the feeds")
    os.kill(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=CEILING)
    assert (process.returncode, "Traceback" in err) == (0, False)


def test_it_needs_a_configuration_and_a_store(site: Site) -> None:
    """Without one of them it doesn't start: status 2 or 3, and why."""
    site.configure(unknown=1)
    assert site.run(command="run").status == 2
    site.configure(store={"path": "aggregator.yaml/store"})
    done = site.run(command="run")
    assert done.status == 3
    assert "store.path" in done.err
