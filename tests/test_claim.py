"""An output folder belongs to one store, and is written by one process at a time."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from aggregator.errors import ForeignOutput, Locked
from aggregator.publish import claim, claimed
from tests.programs import child, end_of

CLAIMER = """
import sys
from pathlib import Path
from aggregator.errors import AggregatorError
from aggregator.publish import claimed
try:
    with claimed(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]) as claim:
        claim.take()
        print("held", flush=True)
        sys.stdin.read()
except AggregatorError as error:
    print(f"{type(error).__name__}: {error}", flush=True)
"""


def claimer(root: Path, store: Path, identity: str = "one") -> subprocess.Popen[str]:
    """Another process that claims, says how it went in one line, and holds on until its input ends."""
    command = [sys.executable, "-c", CLAIMER, str(root), str(store), identity]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "public"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


def test_a_claim_marks_the_folder_for_its_store_alone(root: Path, store: Path) -> None:
    """The mark holds the identity and a note for people; it stays after the claim, closed to others."""
    before = os.umask(0)
    try:
        with claimed(root, store, "one") as taken:
            taken.take()
            assert (store / "lock").read_text() == f"{os.getpid()}\n"
            assert (root / ".aggregator").read_text().splitlines()[2:] == [f"# process {os.getpid()}"]
    finally:
        os.umask(before)
    identity, note = (root / ".aggregator").read_text().splitlines()
    assert identity == "one"
    assert note.startswith("#")
    assert str(store) in note
    assert {stat.S_IMODE(path.stat().st_mode) for path in (root / ".aggregator", store / "lock")} == {0o600}
    assert stat.S_IMODE(store.stat().st_mode) == 0o700
    marked = (root / ".aggregator").read_bytes()
    with claimed(root, store, "one"):
        assert (root / ".aggregator").read_bytes().startswith(marked)
    assert (root / ".aggregator").read_bytes() == marked


def test_a_second_process_is_kept_out_and_told_by_whom(root: Path, store: Path) -> None:
    """While one process writes, another is told its id; afterwards it may."""
    with claimed(root, store, "one"), claimer(root, store) as other:
        assert said(other).startswith(f"Locked: process {os.getpid()} is at work on the store {store};")
    with claimer(root, store) as other:
        assert said(other) == "held"
        with pytest.raises(Locked, match=f"process {other.pid} is at work"), claimed(root, store, "one"):
            pytest.fail("claimed twice")
        other.communicate()
    with claimed(root, store, "one"):
        pass


def test_a_copy_of_the_store_is_told_who_writes_to_the_folder(root: Path, store: Path) -> None:
    """It has the same identity, and another lock: the folder's mark names the process."""
    with claimer(root, store) as other:
        assert said(other) == "held"
        with (
            pytest.raises(Locked, match=f"^process {other.pid} is writing to {root}"),
            claimed(root, store.with_name("copy"), "one"),
        ):
            pytest.fail("claimed twice")
        other.communicate()


def test_a_claim_ends_with_its_process_however_it_ends(root: Path, store: Path) -> None:
    """After a kill nothing needs to be cleaned up by hand, and the mark names no process that is gone."""
    with claimer(root, store) as other:
        assert said(other) == "held"
        other.kill()
    with claimed(root, store, "one"):
        assert (root / ".aggregator").read_text().count("# process") == 1
    assert "# process" not in (root / ".aggregator").read_text()


def test_a_claim_does_not_live_on_in_forked_children(root: Path, store: Path) -> None:
    """A worker that outlives the process that claimed keeps nobody out, and its end lets nothing go."""
    with claimed(root, store, "one"):
        reading, writing = os.pipe()

        def outlive() -> None:
            os.close(writing)
            os.read(reading, 1)

        worker = child(outlive)
        assert end_of(child(lambda: None)) == 0
        with pytest.raises(Locked), claimed(root, store, "one"):
            pytest.fail("a child's end let go of the lock")
    try:
        with claimed(root, store, "one"):
            pass
    finally:
        os.close(writing)
        os.close(reading)
        assert end_of(worker) == 0


def test_another_stores_folder_is_refused(root: Path, store: Path, tmp_path: Path) -> None:
    """A folder that belongs to another store is refused, told which, unless it is to be adopted."""
    with claimed(root, store, "one") as taken:
        taken.take()
    marked = (root / ".aggregator").read_bytes()
    for write in (True, False):
        with pytest.raises(ForeignOutput) as told, claimed(root, tmp_path / "other", "two", write=write):
            pytest.fail("claimed")
        assert str(store) in str(told.value)
        assert "`aggregator regenerate --adopt`" in str(told.value)
    with claimed(root, tmp_path / "other", "two", adopt=True) as taken:
        assert not taken.ours
        assert (root / ".aggregator").read_bytes().startswith(marked), "not before it is taken"
        taken.take()
        assert taken.ours
        assert (root / ".aggregator").read_text().splitlines()[0] == "two"


def test_a_folder_in_use_by_another_store_is_foreign_first(root: Path, store: Path, tmp_path: Path) -> None:
    """Two stores never share a folder, so waiting for the other to end would not help, and isn't proposed."""
    with claimed(root, store, "one") as taken:
        taken.take()
        with pytest.raises(ForeignOutput), claimed(root, tmp_path / "other", "two"):
            pytest.fail("claimed")
        with pytest.raises(Locked, match=str(root)), claimed(root, tmp_path / "other", "two", adopt=True):
            pytest.fail("adopted while its store writes")
        with pytest.raises(Locked, match=str(root)), claimed(root, tmp_path / "copy", "one"):
            pytest.fail("claimed")


def test_looking_makes_nothing_but_keeps_writers_out(root: Path, store: Path) -> None:
    """Without `write` a claim changes nothing, is refused while another writes, and keeps writers out."""
    with claimed(root, store, "one", write=False) as looking:
        assert not looking.ours
        assert not root.exists()
        assert not store.exists()
    with claimed(root, store, "one") as taken:
        taken.take()
    with claimed(root, store, "one"), pytest.raises(Locked), claimed(root, store, "one", write=False):
        pytest.fail("claimed")
    files = [root / ".aggregator", store / "lock"]
    before = [(path.read_bytes(), path.stat().st_mtime_ns) for path in files]
    with claimed(root, store, "one", write=False), claimer(root, store) as other:
        assert said(other).startswith("Locked: another process is at work")
    assert [(path.read_bytes(), path.stat().st_mtime_ns) for path in files] == before


@pytest.mark.parametrize("left", [b"", b"\0" * 60, b"# only a note\n", b"\n"])
def test_a_mark_that_a_crash_left_without_identity_is_written_again(root: Path, store: Path, left: bytes) -> None:
    """A mark that names no store is nobody's."""
    root.mkdir()
    (root / ".aggregator").write_bytes(left)
    with claimed(root, store, "one") as taken:
        assert not taken.ours
        taken.take()
        assert (root / ".aggregator").read_text().splitlines()[0] == "one"


def test_a_claim_that_took_nothing_leaves_no_mark(root: Path, store: Path) -> None:
    """Until the folder is taken, its mark only says who is at work; a kill leaves one that is nobody's."""
    with claimed(root, store, "one"):
        assert (root / ".aggregator").read_text() == f"# process {os.getpid()}\n"
    assert list(root.iterdir()) == []

    def killed() -> None:
        with claimed(root, store, "one"):
            os.kill(os.getpid(), signal.SIGKILL)

    assert end_of(child(killed)) == -signal.SIGKILL
    with claimed(root, store.with_name("other"), "two") as taken:
        assert not taken.ours
        taken.take()
    with claimed(root, store.with_name("other"), "two") as taken:
        assert taken.ours


def test_a_mark_that_is_removed_while_others_wait_is_held_by_one(root: Path, store: Path) -> None:
    """Many claim and let go at once: whoever holds the folder holds the file that is there."""

    def claim_often() -> None:
        held = 0
        while held < 50:
            with suppress(Locked), claimed(root, store.with_name(f"of-{os.getpid()}"), "one") as taken:
                assert taken.stands()
                with (root / "alone").open("x"):
                    pass
                (root / "alone").unlink()
                held += 1

    assert [end_of(pid) for pid in [child(claim_often) for _ in range(4)]] == [0, 0, 0, 0]


def test_a_mark_of_anything_is_told_in_one_short_line(root: Path, store: Path) -> None:
    """Whatever a file in the mark's place holds, the message stays short, printable and on one line."""
    root.mkdir()
    (root / ".aggregator").write_bytes(b"\x1b[2J\xff\x00" * 100_000)
    with pytest.raises(ForeignOutput) as told, claimed(root, store, "one"):
        pytest.fail("claimed")
    assert str(told.value).isprintable()
    assert len(str(told.value)) < 2000


def test_what_is_no_plain_file_is_no_mark(root: Path, store: Path, tmp_path: Path) -> None:
    """A folder, a pipe or a link in the mark's place is refused, and what the link leads to stays as it is."""
    theirs = tmp_path / "theirs"
    theirs.touch()
    root.mkdir()
    mark = root / ".aggregator"
    makers: list[Callable[[], None]] = [lambda: mark.symlink_to(theirs), lambda: os.mkfifo(mark), lambda: mark.mkdir()]
    for make in makers:
        make()
        for write in (True, False):
            with pytest.raises(OSError, match=str(mark)), claimed(root, store, "one", write=write):
                pytest.fail("claimed")
        mark.rmdir() if mark.is_dir() else mark.unlink()
    assert theirs.read_bytes() == b""
    assert not claim._open, "nothing stays open"


def test_a_forked_child_may_leave_the_claim(root: Path, store: Path) -> None:
    """A child that was forked inside a claim leaves it quietly, and its parent keeps it."""

    def both() -> None:
        with claimed(root, store, "one"):
            pid = os.fork()
            if pid:
                assert end_of(pid) == 0
                assert (store / "lock").read_text() == f"{os.getpid()}\n"

    assert end_of(child(both)) == 0
