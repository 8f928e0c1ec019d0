"""Standard streams may be closed, full, or lead nowhere: the work is done all the same."""

from __future__ import annotations

import json
import subprocess
from itertools import chain, combinations
from pathlib import Path

import pytest

from tests.daemons import Daemon
from tests.site import COMMAND, Site, environment

CLOSED = ("<&-", ">&-", "2>&-")
ANY = [" ".join(some) for some in chain.from_iterable(combinations(CLOSED, number) for number in (1, 2, 3))]


def shell(site: Site, line: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", line], cwd=site.root, env=environment(), capture_output=True, text=True, timeout=50
    )


def in_order(site: Site) -> bool:
    """Whether the store is whole, and nothing is left to be done."""
    return site.run("--check").status == 0


@pytest.mark.parametrize("streams", [*ANY, ">/dev/full", "2>/dev/full", ">/dev/full 2>/dev/full", "1</dev/null"])
def test_regenerate_publishes_whatever_its_streams_are(published: Site, streams: str) -> None:
    """It exits as usual, and no file of ours takes a stream's place."""
    published.document("b")
    published.text("bad.md", "---\ntitle: [\n---\n")
    done = shell(published, f"{COMMAND} regenerate {streams}")
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    assert len(published.titles()) == 2
    assert in_order(published)


def test_a_broken_pipe_changes_no_exit_status(published: Site) -> None:
    """Whoever reads may go away."""
    published.document("b")
    done = shell(published, f"{{ {COMMAND} regenerate; echo $? >&2; }} | true")
    assert done.stderr.split() == ["0"]
    assert in_order(published)


@pytest.mark.parametrize(
    "arguments",
    [
        "regenerate --json",
        "regenerate --dry-run",
        "feeds",
        "feeds --json",
        "explain articles/a.md",
        "status --json",
        "ledger backup -",
    ],
)
def test_a_result_that_can_not_be_written_is_told(published: Site, arguments: str) -> None:
    """The work is done; the status says that the answer is missing."""
    published.document("b")
    done = shell(published, f"{COMMAND} {arguments} >/dev/full")
    assert done.returncode == 3
    assert "the result can't be written to standard output: No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(published.titles()) == 1 + (arguments == "regenerate --json")


@pytest.mark.parametrize(
    "arguments", ["feeds", "explain articles/a.md", "regenerate --json", "ledger backup -", "ledger backup kept"]
)
@pytest.mark.parametrize("streams", ANY)
def test_any_command_takes_closed_streams(published: Site, arguments: str, streams: str) -> None:
    """It exits as usual."""
    done = shell(published, f"{COMMAND} {arguments} {streams}")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("arguments", ["reload", "nonsense", "explain nothing", "regenerate --at x"])
def test_what_fails_does_so_with_the_same_status(published: Site, arguments: str) -> None:
    """Whether or not anybody hears why."""
    expected = shell(published, f"{COMMAND} {arguments}").returncode
    for streams in (*ANY, ">/dev/full 2>/dev/full"):
        assert shell(published, f"{COMMAND} {arguments} {streams}").returncode == expected > 0


@pytest.mark.parametrize("streams", [*ANY, ">/dev/full 2>/dev/full"])
def test_the_daemon_works_whatever_its_streams_are(published: Site, streams: str) -> None:
    """It stops with status 0, and none of its files is where a stream was."""
    line = f"exec {COMMAND} run {streams}"
    with subprocess.Popen(["sh", "-c", line], cwd=published.root, env=environment()) as process:
        daemon = Daemon(published)
        daemon.process = process
        try:
            published.document("b")
            daemon.wait(lambda status: status["articles"] == 2 and status["state"] == "idle", "the document")
            for number in range(3):
                place = str(Path(f"/proc/{process.pid}/fd/{number}").readlink())
                assert not place.startswith(str(published.root)) or place == str(daemon.log_file)
        finally:
            process.terminate()
        assert process.wait(30) == 0


def test_a_backup_is_for_its_owner(published: Site) -> None:
    """Mode 0600 whatever the umask, also in the place of one that others could read; never half of one."""
    file = published.root / "kept"
    for umask in ("000", "022", "777"):
        assert shell(published, f"umask {umask}; {COMMAND} ledger backup kept").returncode == 0
        assert file.stat().st_mode & 0o777 == 0o600
        file.chmod(0o644)
    assert json.loads(file.read_text().splitlines()[-1]).keys() == {"sha256"}
    assert sorted(path.name for path in published.root.iterdir() if "part" in path.name) == []


@pytest.mark.parametrize(
    "line", ["/dev/stdout > kept", "/dev/stdout | cat > kept", "- > kept", "/dev/fd/3 3>&1 | cat > kept"]
)
def test_a_backup_goes_down_a_pipe(published: Site, line: str) -> None:
    """What /dev/stdout leads to stays where it is."""
    link = Path("/dev/stdout").readlink()
    done = shell(published, f"{COMMAND} ledger backup {line}")
    assert (done.returncode, done.stderr) == (0, "")
    assert Path("/dev/stdout").readlink() == link
    assert published.run("kept", command="ledger restore").status == 0


def test_a_link_in_the_way_of_a_backup_is_not_followed(published: Site, tmp_path: Path) -> None:
    """The part of a backup never overwrites another file."""
    other = tmp_path / "other"
    other.write_text("precious")
    (published.root / "kept.part").symlink_to(other)
    assert published.run("kept", command="ledger backup").status == 0
    assert other.read_text() == "precious"


HUBS = ["https://hub.example.org/", "https://hub.example.org/publish?token=geheim"]


def test_a_hub_with_a_query_is_warned_of(published: Site) -> None:
    """With its place, and not the secret; by regenerate, and by the daemon when it starts and reads again."""
    published.configure(websub={"hubs": [HUBS[0]]})
    assert "`?`" not in published.run("--dry-run").err
    published.configure(websub={"hubs": HUBS})
    line = next(n for n, text in enumerate(published.config.read_text().splitlines(), 1) if "token" in text)
    done = published.run("--dry-run", "--strict")
    warning = f"aggregator.yaml:{line}:5: warning: what is behind the `?` of this hub stands in every feed"
    assert done.err.count(warning) == 1
    assert "geheim" not in done.err
    assert done.status == 1
    with Daemon(published) as daemon:
        daemon.wait(lambda status: status["state"] == "idle", "the start")
        assert len(daemon.logged("level=warning", "what is behind")) == 1
        reloaded = published.run(command="reload")
        assert (reloaded.status, reloaded.err.count(warning)) == (0, 1)
        assert len(daemon.logged("level=warning", "what is behind")) == 2
