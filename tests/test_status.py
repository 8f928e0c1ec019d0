"""The daemon's status: a file that is whole and anybody may read, and `aggregator status`, which tells it to people."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import fields, replace

from aggregator.cli import printing
from aggregator.cli.status import Look, _give_block, _give_json, _paper
from aggregator.cli.status_text import lines
from aggregator.daemon import status as told
from aggregator.daemon.status import (
    SILENCE,
    Announcing,
    Batch,
    Documents,
    Feeds,
    Life,
    Next,
    Progress,
    Reconcile,
    State,
    Status,
    Watching,
    life,
    read,
    write,
)
from aggregator.errors import StoreError
from aggregator.model import Problem, Severity
from tests.programs import as_nobody, child, end_of
from tests.site import COMMAND, Site, environment
from tests.world import day

OPERATIONS = Path(__file__).parents[1] / "docs" / "operations.md"
NOW = day(10)
PLAIN = Status(state=State.idle, pid=os.getpid(), version="1.2.3", config="/etc/a.yaml", since=day(9), at=NOW)
FULL = replace(
    PLAIN,
    state=State.working,
    healthy=False,
    troubles=("upkeep failed",),
    progress=Progress(stage="reading", done=3, total=9),
    documents=Documents(known=1204, failed=2, skipped=1),
    articles=1190,
    feeds=Feeds(out=84, dirty=2),
    queue=7,
    batch=Batch(
        at=NOW - timedelta(seconds=12), paths=1, read=1, gone=2, written=6, removed=3, seconds=0.041, latency=0.561
    ),
    reconcile=Reconcile(at=NOW - timedelta(minutes=2), seconds=1.25, read=1, reason="reconcile"),
    guard=("articles: 30 documents are gone",),
    problems=(
        Problem("articles/a.md", 4, 8, Severity.error, "no title"),
        Problem("articles/b.md", 0, 0, Severity.warning, "odd"),
    ),
    errors=3,
    warnings=1,
    next=(Next(what="reconcile", at=NOW + timedelta(minutes=3)), Next(what="due topics/ai", at=NOW)),
    watcher=Watching(mode="polling", why="articles is on nfs4", folders=12, healthy=False, trouble="a root is missing"),
    announcing=(Announcing(name="https://hub.example/", waiting=3, failures=1, trouble="refused"),),
)


def now_running(**values: Any) -> Status:
    """The plain status as a daemon would write it now; the process is this one."""
    now = datetime.now(UTC)
    return replace(PLAIN, since=now - timedelta(hours=3), at=now, **values)


# The file


@pytest.mark.parametrize("status", [PLAIN, FULL], ids=["plain", "full"])
def test_what_is_read_is_what_was_written(tmp_path: Path, status: Status) -> None:
    """Every field, and nothing else stays in the folder."""
    write(tmp_path, status)
    assert read(tmp_path) == status
    assert [path.name for path in tmp_path.iterdir()] == ["status.json"]


@pytest.mark.parametrize("path", ["a\udcff.md", "a\n\x1b[2J.md", "日本\u2028.md", 'a"b\\.md'])
def test_any_path_can_be_told(tmp_path: Path, path: str) -> None:
    """Also one that is no UTF-8."""
    status = replace(PLAIN, problems=(Problem(path, 1, 1, Severity.error, path),))
    write(tmp_path, status)
    assert read(tmp_path) == status


def test_problems_are_limited(tmp_path: Path) -> None:
    """A status stays small, however much is wrong; the count is of all."""
    many = tuple(Problem(f"{number}.md", 1, 1, Severity.error, "no title") for number in range(500))
    write(tmp_path, replace(PLAIN, problems=many, errors=500))
    found = read(tmp_path)
    assert found
    assert (found.problems, found.errors) == (many[:100], 500)


def test_everybody_may_read_it(public_site: Site) -> None:
    """Whatever the umask: monitoring is another user."""
    folder = public_site.root / "run"
    folder.mkdir(mode=0o755)
    before = os.umask(0o077)
    try:
        write(folder, PLAIN)
        write(folder, FULL)
    finally:
        os.umask(before)
    assert stat.S_IMODE((folder / "status.json").stat().st_mode) == 0o644

    def look() -> None:
        assert read(Path("run")) == FULL

    assert as_nobody(public_site.root, look) == 0


def test_a_reader_never_sees_half_of_it(tmp_path: Path) -> None:
    """While it is written over and over, each look shows one of the two."""
    write(tmp_path, PLAIN)

    def rewrite() -> None:
        for _ in range(1000):
            write(tmp_path, FULL)
            write(tmp_path, PLAIN)

    writer = child(rewrite)
    seen = set()
    while os.waitpid(writer, os.WNOHANG) == (0, 0):
        found = read(tmp_path)
        assert found in (PLAIN, FULL)
        seen.add(found == FULL)
    assert seen == {False, True}


def test_a_status_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    """Something else in its place stays, and no part of the new one does."""
    (tmp_path / "status.json" / "inside").mkdir(parents=True)
    with pytest.raises(OSError, match=r"status\.json"):
        write(tmp_path, PLAIN)
    assert [path.name for path in tmp_path.iterdir()] == ["status.json"]
    with pytest.raises(FileNotFoundError):
        write(tmp_path / "nowhere", PLAIN)


def test_no_status_is_none(tmp_path: Path) -> None:
    """No file, no folder, or a file where the folder should be."""
    (tmp_path / "file").touch()
    assert [read(tmp_path / name) for name in (".", "nowhere", "file")] == [None] * 3


def _altered(**values: Any) -> bytes:
    plain = {"state": "idle", "pid": 1, "version": "1", "config": "c", "since": "2026-03-01T00:00:00Z"}
    return json.dumps(plain | {"at": "2026-03-01T00:00:00Z"} | values).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        _altered()[:-9],
        b"\0" * 100,
        b"\xff\xfe{}",
        b"[]",
        b"{}",
        b"[" * 100_000,
        _altered(pid=0),
        _altered(pid=-1),
        _altered(pid=1 << 40),
        _altered(at="2026-03-01T00:00:00"),
        _altered(at="today"),
        _altered(state="dancing"),
        _altered(problems=[{}]),
    ],
    ids=lambda content: content[:20],
)
def test_what_is_no_status_is_told(tmp_path: Path, content: bytes) -> None:
    """Torn or foreign: which file it is, and what to do. A pid that is none is never asked for."""
    (tmp_path / "status.json").write_bytes(content)
    with pytest.raises(StoreError, match=r"is not a status of the daemon .*; if another version wrote it") as error:
        read(tmp_path)
    assert str(tmp_path / "status.json") in str(error.value)
    assert len(str(error.value)) < 500


def test_other_versions_are_understood(tmp_path: Path) -> None:
    """A newer daemon may say more than is known, an older one less."""
    (tmp_path / "status.json").write_bytes(_altered(mood="fine", documents={"known": 3, "lost": 4}, watcher={}))
    found = read(tmp_path)
    assert found
    assert (found.pid, found.documents, found.watcher) == (1, Documents(known=3), Watching())


def test_a_status_that_may_not_be_read_is_told(public_site: Site) -> None:
    """And where it could be put instead."""
    folder = public_site.root / "run"
    folder.mkdir()
    write(folder, PLAIN)
    folder.chmod(0o700)

    def look() -> None:
        with pytest.raises(StoreError, match=r"Permission denied; .* `runtime.path`"):
            read(Path("run"))

    assert as_nobody(public_site.root, look) == 0


# Whether somebody is there


def test_a_daemon_that_writes_is_running() -> None:
    """As long as it wrote within a minute. Whether it is well is another question."""
    assert life(FULL, NOW) is Life.running
    assert life(FULL, NOW + SILENCE) is Life.running
    assert life(FULL, NOW + SILENCE + timedelta(seconds=1)) is Life.silent


def test_a_clock_that_was_set_back_hides_no_silence() -> None:
    """A status from far in the future is as old as one from the past."""
    assert life(PLAIN, NOW - timedelta(seconds=30)) is Life.running
    assert life(PLAIN, NOW - timedelta(hours=1)) is Life.silent


def test_a_daemon_whose_process_is_gone_is_not_running() -> None:
    """However young its status; nor is one that said it stopped, or never wrote."""
    pid = child(lambda: None)
    assert end_of(pid) == 0
    assert life(replace(PLAIN, pid=pid), NOW) is Life.gone
    assert life(replace(PLAIN, state=State.stopped), NOW) is Life.gone
    assert life(None, NOW) is Life.gone


def test_another_users_daemon_is_running(tmp_path: Path) -> None:
    """It can't be signalled, so it is there."""

    def look() -> None:
        assert life(replace(PLAIN, pid=os.getppid()), NOW) is Life.running

    assert as_nobody(tmp_path, look) == 0


# As text


def styled(status: Status | None, now: datetime = NOW, width: int | None = None) -> list[str]:
    return [printing.styled(line) for line in lines(status, life(status, now), now, width)]


def text(status: Status | None, now: datetime = NOW, width: int | None = None) -> list[str]:
    """Without the labels' bold letters."""
    return [re.sub(r"\x1b\[\d+m", "", line) for line in styled(status, now, width)]


def test_people_are_told_everything() -> None:
    """Each thing has its line, with times as seen from now."""
    assert text(FULL) == [
        f"daemon      working, not healthy; process {os.getpid()}, version 1.2.3, running for 24 h",
        "trouble     upkeep failed",
        "guard       articles: 30 documents are gone",
        "documents   1204 known, 2 failed, 1 skipped",
        "articles    1190",
        "feeds       84 out, 2 dirty",
        "queue       7 paths waiting",
        "progress    reading, 3 of 9",
        "watcher     polling (articles is on nfs4), 12 folders; a root is missing",
        (
            "batch       12 s ago: 1 path, 1 document read, 2 gone, 6 feed files written, 3 removed, in 41 ms,"
            " 561 ms after the first event"
        ),
        "reconcile   2 min ago: 1 document read that no event had told, in 1.2 s",
        "next        reconcile in 3 min",
        "            due topics/ai now",
        "announcing  https://hub.example/: 3 changes waiting; failed 1 time in a row: refused",
        "problems    3 errors, 1 warning",
        "            articles/a.md:4:8: error: no title",
        "            articles/b.md: warning: odd",
        "            and 2 more",
        "config      /etc/a.yaml",
    ]
    assert styled(FULL)[4] == "\x1b[1marticles\x1b[0m    1190"


@pytest.mark.parametrize(
    ("status", "now", "said", "advice"),
    [
        (None, NOW, "not running: it has left no status", "`aggregator run` starts it; under systemd, `systemctl"),
        (replace(PLAIN, state=State.stopped), day(12), "not running: it was stopped 2 days ago", "`aggregator run`"),
        (PLAIN, NOW + timedelta(minutes=5), "gave its last sign 5 min ago, idle", "`journalctl -u aggregator` tells"),
    ],
)
def test_a_daemon_that_is_not_there_is_told_with_what_to_do(
    status: Status | None, now: datetime, said: str, advice: str
) -> None:
    """Never run, stopped, stuck. What is to come next isn't told then."""
    first, second, *rest = text(status and replace(status, next=FULL.next), now)
    assert said in first
    assert advice in second
    assert not [line for line in rest if "next" in line]


def test_a_daemon_that_was_killed_is_told() -> None:
    """By the process that is gone, and when it gave its last sign."""
    pid = child(lambda: None)
    assert end_of(pid) == 0
    first, *_ = text(replace(PLAIN, pid=pid), NOW + timedelta(hours=3))
    assert f"not running: process {pid} is gone; its last sign was 3 h ago, idle" in first


@pytest.mark.parametrize("width", [40, 80])
def test_a_narrow_terminal_breaks_no_path(width: int) -> None:
    """Lines fit, but for a word that doesn't, and stay beside their labels."""
    path = "articles/" + "a-long-name-" * 8 + ".md"
    status = replace(FULL, problems=(Problem(path, 4, 8, Severity.error, "no title at all, and no date either"),))
    shown = text(status, width=width)
    assert [line for line in shown if len(line) > width] == [f"            {path}:4:8:"]
    assert all(re.match(r"[a-z]+ +\S| {12}\S", line) for line in shown)
    assert max(map(len, text(status))) > 80


def test_what_a_path_holds_does_nothing_to_a_terminal() -> None:
    """Control characters, and letters that aren't any, are shown by number."""
    status = replace(FULL, problems=(Problem("a\x1b[2J\n\udcff\u202e.md", 0, 0, Severity.error, "odd"),))
    assert "            a\\u001b[2J\\n\\udcff\\u202e.md: error: odd" in text(status)


# The command


def show(site: Site, *arguments: str, **settings: Any) -> tuple[int, str]:
    done = site.run(*arguments, command="status", **settings)
    assert done.err == ""
    return done.status, done.out


@pytest.fixture
def running(site: Site) -> Site:
    """A site with a healthy daemon, or so it seems."""
    site.store.mkdir()
    write(site.store, now_running())
    return site


def test_a_healthy_daemon_is_success(running: Site) -> None:
    """Status 0, in plain text where it isn't a terminal."""
    code, out = show(running)
    assert code == 0
    assert out.startswith(f"daemon      idle, healthy; process {os.getpid()}, version 1.2.3, running for 3 h\n")
    assert "\x1b" not in out


@pytest.mark.parametrize(
    "values", [{"healthy": False, "troubles": ("the disk is full",)}, {"state": State.stopped}, {"at": day(0)}]
)
def test_anything_else_is_not(running: Site, values: dict[str, Any]) -> None:
    """Status 1, for monitoring, in text and in JSON."""
    write(running.store, replace(now_running(), **values))
    assert show(running)[0] == 1
    code, out = show(running, "--json")
    assert (code, json.loads(out)["running"]) == (1, "healthy" in values)


def test_no_daemon_is_told(site: Site) -> None:
    """Status 1, and nothing is made."""
    code, out = show(site)
    assert code == 1
    assert "not running" in out
    assert "`aggregator run` starts it" in out
    assert show(site, "--json") == (1, '{\n  "running": false\n}\n')
    assert not site.store.exists()


def test_no_configuration_is_another_error(site: Site) -> None:
    """Status 2."""
    site.config.unlink()
    done = site.run(command="status")
    assert (done.status, done.out) == (2, "")


def test_a_foreign_file_is_told_in_a_line(running: Site) -> None:
    """Status 3: whether there is a daemon isn't known."""
    (running.store / "status.json").write_bytes(b"nonsense")
    done = running.run(command="status")
    assert (done.status, done.out, done.err.count("\n")) == (3, "", 1)


def test_the_runtime_folder_is_the_configured_one(running: Site) -> None:
    """`runtime.path`, where it is given."""
    running.configure(runtime={"path": "run"})
    assert show(running)[0] == 1
    (running.root / "run").mkdir()
    write(running.root / "run", now_running())
    assert show(running)[0] == 0


def test_json_says_the_same(running: Site) -> None:
    """Every field, and first whether it is running."""
    write(running.store, now_running(problems=FULL.problems, batch=FULL.batch))
    code, out = show(running, "--json")
    found = json.loads(out)
    written = json.loads((running.store / "status.json").read_text())
    assert (code, found) == (0, {"running": True} | written)
    assert next(iter(found)) == "running"


def test_every_field_is_described() -> None:
    """In docs/operations.md."""
    page = OPERATIONS.read_text(encoding="utf-8").partition("## What the daemon is doing")[2]
    described = set(re.findall(r"`([a-z]+)`", page))
    parts = (Status, Progress, Documents, Feeds, Batch, Reconcile, Next, Watching, Announcing)
    assert {field.name for part in parts for field in fields(part)} | {"running"} <= described


def test_the_command_has_help(site: Site) -> None:
    """Without a configuration."""
    site.config.unlink()
    assert "Exit status: 0 where it is running and healthy" in show(site, "--help")[1]


# Watching


def test_a_block_is_printed_when_something_changed(capsys: pytest.CaptureFixture[str]) -> None:
    """Not when only time passed; and when the daemon has gone."""
    with _paper(_give_block) as show:
        show(Look(PLAIN, Life.running, NOW))
        later = NOW + timedelta(seconds=15)
        show(Look(replace(PLAIN, at=later), Life.running, later))
        assert capsys.readouterr().out.count("daemon ") == 1
        show(Look(replace(PLAIN, at=later, articles=5), Life.running, later))
        assert "articles    5\n" in capsys.readouterr().out
        show(Look(replace(PLAIN, at=later, articles=5), Life.silent, later))
        assert "not answering" in capsys.readouterr().out
        show(Look(None, Life.gone, later))
        show(Look(None, Life.gone, later + timedelta(days=1)))
        assert capsys.readouterr().out.count("not running") == 1
    with _paper(_give_json) as show:
        show(Look(FULL, Life.running, NOW))
    assert capsys.readouterr().out.count("\n") == 1


@contextmanager
def watching(site: Site, *arguments: str, **settings: Any) -> Iterator[subprocess.Popen[str]]:
    """`status --watch`, until the end of the block."""
    usual: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": environment()}
    command = [COMMAND, "status", "--watch", *arguments]
    with subprocess.Popen(command, cwd=site.root, text=True, **usual | settings) as process:
        try:
            yield process
        finally:
            process.kill()


def until(process: subprocess.Popen[str], wanted: str) -> None:
    assert process.stdout
    while wanted not in process.stdout.readline():
        assert process.poll() is None


def test_changes_are_shown_until_control_c(running: Site) -> None:
    """In a pipe as blocks; it ends quietly, with the status of what was seen last."""
    with watching(running) as process:
        until(process, "idle, healthy")
        write(running.store, now_running(articles=77))
        until(process, "articles    77")
        process.send_signal(signal.SIGINT)
        assert (process.communicate(timeout=100)[1], process.returncode) == ("", 0)
    with watching(running, "--json") as process:
        until(process, '"running": true')
        (running.store / "status.json").unlink()
        until(process, '{"running": false}')
        process.send_signal(signal.SIGINT)
        assert (process.communicate(timeout=100)[1], process.returncode) == ("", 1)


def test_a_terminal_is_drawn_over(running: Site) -> None:
    """Each look takes the place of the one before, and the cursor is back at the end."""
    shown = watched_on_a_terminal(running)
    assert b"\x1b[1A" in shown, "the cursor goes up"
    assert shown.rstrip().endswith(b"\x1b[?25h"), "and is shown"


def test_json_on_a_terminal_is_lines(running: Site) -> None:
    """One for each change: somebody copies them."""
    shown = watched_on_a_terminal(running, "--json")
    assert [json.loads(line)["articles"] for line in shown.splitlines() if line.startswith(b"{")] == [0, 77]
    assert b"\x1b" not in shown


def watched_on_a_terminal(site: Site, *arguments: str) -> bytes:
    """What `--watch` shows there until 77 articles are known and Ctrl-C is pressed."""
    screen, inside = pty.openpty()
    terminal = {"stdin": inside, "stdout": inside, "stderr": inside, "env": environment(TERM="xterm", COLUMNS="60")}
    with watching(site, *arguments, start_new_session=True, **terminal) as process:
        os.close(inside)
        shown = _shown(screen, b"healthy")
        write(site.store, now_running(articles=77))
        shown += _shown(screen, b"77")
        os.killpg(process.pid, signal.SIGINT)
        shown += _shown(screen, b"")
        assert process.wait(timeout=100) == 0
    os.close(screen)
    assert b"Traceback" not in shown
    assert b"interrupted" not in shown
    return shown


def _shown(screen: int, wanted: bytes) -> bytes:
    """What shows up, until something does; without `wanted` to the end."""
    shown = b""
    while not wanted or wanted not in shown:
        try:
            shown += os.read(screen, 1 << 16)
        except OSError:  # the command has ended
            break
    return shown


def test_the_daemon_writes_often_enough() -> None:
    """So that one lost beat, or a slow one, isn't taken for silence."""
    assert told.BEAT * 3 <= told.SILENCE
