"""Files that are whole or not there, still unless they change, and written by one process at a time."""

from __future__ import annotations

import gzip
import os
import random
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.publish import Outcome, differs, remove, settle, signature, sweep, write
from tests.programs import as_nobody, child, end_of, missing, needs, needs_root

FEED = "topics/ai/rss.xml"
PART = "topics/ai/.rss.xml.part"
SECOND = 1_000_000_000


def tree(root: Path) -> set[str]:
    """Everything below a folder, folders with a slash at their end."""
    return {f"{path.relative_to(root)}{'/' if path.is_dir() else ''}" for path in root.rglob("*")}


def date(path: Path, seconds: float) -> None:
    """Give a file that time of last change."""
    os.utime(path, ns=(0, int(seconds * SECOND)))


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


# Writing


def test_a_new_file_is_written_in_folders_that_are_made(tmp_path: Path) -> None:
    """A file that isn't there is written, its folders are made, and nothing else is left."""
    root = tmp_path / "far" / "public"
    assert write(root, FEED, b"<rss/>") is Outcome.written
    assert tree(root) == {"topics/", "topics/ai/", "topics/ai/rss.xml"}
    assert (root / FEED).read_bytes() == b"<rss/>"


def test_the_same_bytes_leave_a_file_untouched(tmp_path: Path) -> None:
    """Writing what is there already changes nothing that can be seen of the file."""
    write(tmp_path, FEED, b"<rss/>")
    before = signature(tmp_path, FEED)
    assert write(tmp_path, FEED, b"<rss/>") is Outcome.unchanged
    assert signature(tmp_path, FEED) == before


@pytest.mark.parametrize(("mask", "file", "folder"), [(0o022, 0o644, 0o755), (0o027, 0o640, 0o750), (0, 0o666, 0o777)])
def test_the_umask_decides_who_may_read(tmp_path: Path, mask: int, file: int, folder: int) -> None:
    """Feeds are as open as the umask lets them be, so that a web server can read them."""
    with umask(mask):
        write(tmp_path, FEED, b"1")
        write(tmp_path, FEED, b"2")
    assert stat.S_IMODE((tmp_path / FEED).stat().st_mode) == file
    assert stat.S_IMODE((tmp_path / "topics").stat().st_mode) == folder


UNICODE = """
import sys
from pathlib import Path
from aggregator.publish import write
write(Path(sys.argv[1]), "\\u6a5f\\u68b0/rss.xml", b"")
"""


def test_names_are_utf8_whatever_the_locale(tmp_path: Path) -> None:
    """A topic in any script has the folder that its URL asks for, also under an ASCII locale."""
    environment = os.environ | {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}
    subprocess.run([sys.executable, "-c", UNICODE, str(tmp_path)], env=environment, check=True)
    assert tree(tmp_path) == {"\u6a5f\u68b0/", "\u6a5f\u68b0/rss.xml"}


@given(versions=st.lists(st.binary(max_size=3), min_size=1, max_size=8))
def test_a_file_is_what_was_written_last_and_each_change_is_a_second_later(
    tmp_path_factory: pytest.TempPathFactory, versions: list[bytes]
) -> None:
    """The file holds the last version; `unchanged` says it did already; changes are whole seconds apart."""
    root = tmp_path_factory.mktemp("public")
    second, known = -1, None
    for data in versions:
        outcome = write(root, FEED, data)
        changed = (root / FEED).stat().st_mtime_ns // SECOND
        assert (root / FEED).read_bytes() == data
        assert outcome is (Outcome.unchanged if data == known else Outcome.written)
        assert changed == second if data == known else changed >= second + 1
        second, known = changed, data


def test_a_change_is_dated_now_where_that_is_late_enough(tmp_path: Path) -> None:
    """A file that is changed long after its last change carries the time of the change."""
    write(tmp_path, FEED, b"1")
    date(tmp_path / FEED, 1_000_000_000)
    clock = tmp_path / "clock"
    clock.touch()
    write(tmp_path, FEED, b"2")
    assert 0 <= (tmp_path / FEED).stat().st_mtime - clock.stat().st_mtime < 30


@pytest.mark.parametrize("fraction", [0, 0.999999999])
def test_a_file_from_the_future_gets_a_later_second_still(tmp_path: Path, fraction: float) -> None:
    """Where the clock was set back, a change is still a whole second after the change before."""
    write(tmp_path, FEED, b"1")
    os.utime(tmp_path / FEED, ns=(0, 4_000_000_000 * SECOND + int(fraction * SECOND)))
    write(tmp_path, FEED, b"2")
    assert (tmp_path / FEED).stat().st_mtime_ns == 4_000_000_001 * SECOND


def test_any_text_is_a_name(tmp_path: Path) -> None:
    """A name that isn't proper text, as a damaged ledger may hold, is a file like another."""
    path = "topics/\ud83d/rss.xml"
    assert write(tmp_path, path, b"1") is Outcome.written
    assert not differs(tmp_path, path, b"1")
    assert signature(tmp_path, path)
    assert remove(tmp_path, path)
    assert tree(tmp_path) == set()


def test_many_threads_write_side_by_side(tmp_path: Path) -> None:
    """Files that threads write at once, in folders that none of them finds, are all there, whole."""
    together = threading.Barrier(8, timeout=60)

    def some(thread: int) -> set[Outcome]:
        outcomes = set()
        for number in range(50):
            together.wait()
            outcomes.add(write(tmp_path, f"{number}/a/b/c/{thread}.xml", b"%d" % number * 1000))
        return outcomes

    with ThreadPoolExecutor(8) as threads:
        assert set().union(*threads.map(some, range(8))) == {Outcome.written}
    for number in range(50):
        folder = tmp_path / str(number) / "a" / "b" / "c"
        assert tree(folder) == {f"{thread}.xml" for thread in range(8)}
        assert {path.read_bytes() for path in folder.iterdir()} == {b"%d" % number * 1000}


# Whole


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    """Whoever reads while a file is rewritten again and again gets one version, whole."""
    versions = [bytes([65 + number]) * (100_000 + number * 50_000) for number in range(4)]
    write(tmp_path, FEED, versions[0])
    torn: list[bytes] = []
    reads = 0
    done = threading.Event()

    def read() -> None:
        nonlocal reads
        while not done.is_set():
            data = (tmp_path / FEED).read_bytes()
            reads += 1
            if data not in versions:
                torn.append(data)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(200):
            write(tmp_path, FEED, versions[number % 4])
    finally:
        done.set()
        reader.join()
    assert reads
    assert not torn


def killed_at(instant: int, work: Callable[[], object]) -> Callable[[], None]:
    """`work` in which the process kills itself before the `instant`th line that it runs of our package."""
    left = instant

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal left
        if "publish" not in frame.f_code.co_filename:
            return None
        if event == "line":
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    def killed() -> None:
        sys.settrace(trace)
        work()

    return killed


@pytest.mark.parametrize("old", [None, b"old"])
def test_a_write_killed_at_any_line_leaves_the_old_file_or_the_new_one(tmp_path: Path, old: bytes | None) -> None:
    """Killed before any of its lines, a write leaves the old file or the new, and a leftover at most.

    A sweep leaves the file alone, and the next write works.
    """
    found: set[bytes | None] = set()
    leftovers = 0
    for instant in range(1, 1000):
        root = tmp_path / str(instant)
        root.mkdir()
        if old is not None:
            write(root, FEED, old)
        status = end_of(child(killed_at(instant, lambda root=root: write(root, FEED, b"new"))))  # type: ignore[misc]
        leftovers += (root / PART).exists()
        sweep(root, [FEED])
        there = (root / FEED).read_bytes() if (root / FEED).exists() else None
        assert there in (old, b"new")
        assert tree(root) == (set() if there is None else {"topics/", "topics/ai/", "topics/ai/rss.xml"})
        write(root, FEED, b"new")
        assert (root / FEED).read_bytes() == b"new"
        found.add(there)
        if status == 0:
            break
        assert status == -signal.SIGKILL
    else:
        pytest.fail("the write never ended")
    assert found == {old, b"new"}
    assert leftovers > 2


WRITER = """
import sys
from pathlib import Path
from aggregator.publish import write
for number in range(1_000_000):
    write(Path(sys.argv[1]), "feed.xml", bytes([65 + number % 2]) * 300_000)
    print(number, flush=True)
"""


def test_a_writer_killed_at_random_leaves_a_whole_file(tmp_path: Path) -> None:
    """A process killed from outside while it writes leaves one version, whole, and at most one leftover."""
    pause = random.Random(7)
    for _ in range(10):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE) as writer:
            assert writer.stdout
            for _ in range(pause.randint(1, 5)):
                writer.stdout.readline()
            with pytest.raises(subprocess.TimeoutExpired):
                writer.wait(pause.random() / 100)
            writer.kill()
        assert (tmp_path / "feed.xml").read_bytes() in (b"A" * 300_000, b"B" * 300_000)
        assert tree(tmp_path) <= {"feed.xml", ".feed.xml.part"}
        sweep(tmp_path, ["feed.xml"])
        assert tree(tmp_path) == {"feed.xml"}


TRACED = """
import sys
from pathlib import Path
from aggregator.publish import claimed, settle, write
root, paths = Path(sys.argv[1]), ["topics/ai/rss.xml", "topics/ai/atom.xml"]
with claimed(root, root.parent / "store", "one") as claim:
    claim.take()
    for path in paths:
        write(root, path, b"<rss/>")
    settle(root, paths)
"""


def test_bytes_are_on_disk_before_the_name_and_the_name_before_the_end(tmp_path: Path) -> None:
    """A part is synced, then renamed; settling syncs each folder on the way, once; the mark is synced."""
    log, root = tmp_path / "calls", tmp_path / "public"
    strace = [needs("strace"), "-f", "-y", "-qq", "-e", "trace=/^(fsync|fdatasync|rename.*)$", "-o", str(log)]
    traced = subprocess.run([*strace, sys.executable, "-c", TRACED, str(root)], check=False, capture_output=True)
    if traced.returncode:
        missing(f"strace can't trace here: {traced.stderr.decode()}")
    calls = [line.split(maxsplit=1)[1] for line in log.read_text().splitlines()]
    assert [(call.split("(")[0], call.split("<")[1].split(">")[0].removeprefix(str(root))) for call in calls] == [
        ("fsync", "/.aggregator"),
        ("fsync", ""),
        ("fsync", "/topics/ai/.rss.xml.part"),
        ("renameat", "/topics/ai"),
        ("fsync", "/topics/ai/.atom.xml.part"),
        ("renameat", "/topics/ai"),
        ("fsync", "/topics/ai"),
        ("fsync", "/topics"),
        ("fsync", ""),
    ]


# What can't be written


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 64 KiB."""
    needs_root()
    mount, umount = needs("mount"), needs("umount")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run([mount, "-t", "tmpfs", "-o", "size=64k", "none", disk], capture_output=True, check=False)
    if mounted.returncode:
        missing(f"no file system can be mounted here: {mounted.stderr.decode().strip()}")
    yield disk
    subprocess.run([umount, disk], check=True)


def test_a_full_disk_keeps_the_old_file_and_no_leftover(small_disk: Path) -> None:
    """Where there is no room for the new file, the old one alone stays; a smaller one still fits."""
    write(small_disk, "feed.xml", b"old" * 1000)
    with pytest.raises(OSError, match="No space left") as told:
        write(small_disk, "feed.xml", b"new" * 100_000)
    assert told.value.filename == f"{small_disk}/feed.xml"
    assert tree(small_disk) == {"feed.xml"}
    assert (small_disk / "feed.xml").read_bytes() == b"old" * 1000
    assert write(small_disk, "feed.xml", b"new" * 1000) is Outcome.written


def test_a_folder_that_is_closed_to_us_is_told(tmp_path: Path) -> None:
    """Without the right to write, writing and removing raise, the file stays, and reading still works."""
    with umask(0o022):
        write(tmp_path, FEED, b"old")
    folders = (tmp_path, tmp_path / "topics", tmp_path / "topics" / "ai")
    for folder in folders:
        folder.chmod(0o555)

    def refused() -> None:
        root = Path()
        for work in (
            lambda: write(root, FEED, b"new"),
            lambda: remove(root, FEED),
            lambda: write(root, "b/a", b""),
        ):
            with pytest.raises(PermissionError):
                work()
        sweep(root, [FEED])
        assert write(root, FEED, b"old") is Outcome.unchanged
        assert not differs(root, FEED, b"old")

    try:
        assert as_nobody(tmp_path, refused) == 0
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert (tmp_path / FEED).read_bytes() == b"old"
    assert tree(tmp_path) == {"topics/", "topics/ai/", "topics/ai/rss.xml"}


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/etc/passwd",
        "../out.xml",
        "all/../../out.xml",
        "all//rss.xml",
        "all/",
        ".",
        "all/./rss.xml",
        "a\0b",
    ],
)
def test_paths_that_could_lead_out_are_refused(tmp_path: Path, path: str) -> None:
    """A path that isn't plainly below the output folder is neither written nor removed nor looked at."""
    root = tmp_path / "public"
    (tmp_path / "out.xml").write_bytes(b"ours")
    write(root, "all/atom.xml", b"")
    for work in (lambda: write(root, path, b""), lambda: remove(root, path), lambda: settle(root, [path])):
        with pytest.raises(OSError, match="not a path below the output folder"):
            work()
    assert signature(root, path) is None
    assert differs(root, path, b"")
    assert tree(tmp_path) == {"out.xml", "public/", "public/all/", "public/all/atom.xml"}


def test_links_are_not_written_through(tmp_path: Path) -> None:
    """A link in a folder's place is refused, wherever it leads; one in the file's place is replaced."""
    root, outside = tmp_path / "public", tmp_path / "outside"
    outside.mkdir()
    (outside / "rss.xml").write_bytes(b"theirs")
    root.mkdir()
    (root / "topics").symlink_to(outside)
    (root / "feed.xml").symlink_to(outside / "rss.xml")
    (root / ".feed.xml.part").symlink_to(outside / "rss.xml")

    with pytest.raises(OSError, match="a file or a link stands where a folder should"):
        write(root, "topics/rss.xml", b"ours")
    assert not remove(root, "topics/rss.xml")
    sweep(root, ["topics/rss.xml"])
    assert differs(root, "topics/rss.xml", b"theirs")
    assert differs(root, "feed.xml", b"theirs")
    assert signature(root, "feed.xml") is None

    assert write(root, "feed.xml", b"theirs") is Outcome.written
    assert not (root / "feed.xml").is_symlink()
    assert (outside / "rss.xml").read_bytes() == b"theirs"
    assert tree(outside) == {"rss.xml"}


def test_the_output_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    """Where the output folder is a link, the files go where it leads."""
    (tmp_path / "real").mkdir()
    (tmp_path / "public").symlink_to("real")
    write(tmp_path / "public", FEED, b"1")
    assert (tmp_path / "real" / FEED).read_bytes() == b"1"


def test_a_folder_or_a_pipe_in_the_files_place(tmp_path: Path) -> None:
    """A folder with the file's name is told and stays; a pipe is replaced, and never waited for."""
    (tmp_path / FEED).mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        write(tmp_path, FEED, b"")
    assert not remove(tmp_path, FEED)
    os.mkfifo(tmp_path / "feed.xml")
    assert differs(tmp_path, "feed.xml", b"")
    assert signature(tmp_path, "feed.xml") is None
    assert write(tmp_path, "feed.xml", b"") is Outcome.written


# Looking


def test_differs_compares_bytes(tmp_path: Path) -> None:
    """A file differs from bytes that are longer, shorter or others, and when it is missing."""
    write(tmp_path, FEED, b"abc")
    assert [differs(tmp_path, FEED, data) for data in (b"abc", b"abd", b"ab", b"abcd")] == [
        False,
        True,
        True,
        True,
    ]
    assert differs(tmp_path, "all/rss.xml", b"")


def test_a_signature_tells_every_change(tmp_path: Path) -> None:
    """The signature stays while nothing happens, and differs after a change that keeps size and date."""
    assert signature(tmp_path, FEED) is None
    write(tmp_path, FEED, b"abc")
    first = signature(tmp_path, FEED)
    assert first
    assert first.size == 3
    assert signature(tmp_path, FEED) == first
    other = tmp_path / "other"
    other.write_bytes(b"xyz")
    os.utime(other, ns=(0, first.mtime_ns))
    other.replace(tmp_path / FEED)
    second = signature(tmp_path, FEED)
    assert second
    assert (second.size, second.mtime_ns) == (first.size, first.mtime_ns)
    assert second != first
    assert signature(tmp_path, "topics/ai") is None


# Removing


def test_removing_takes_the_folders_it_empties_and_nothing_else(tmp_path: Path) -> None:
    """A removed file takes its empty folders with it, but no other one, nor the output folder."""
    root = tmp_path / "public"
    write(root, FEED, b"")
    write(root, "topics/go/rss.xml", b"")
    (root / "topics" / "go" / "notes.txt").touch()
    assert remove(root, FEED)
    assert tree(root) == {"topics/", "topics/go/", "topics/go/rss.xml", "topics/go/notes.txt"}
    assert remove(root, "topics/go/rss.xml")
    assert not remove(root, "topics/go/rss.xml")
    (root / "topics" / "go" / "notes.txt").unlink()
    assert not remove(root, "topics/go/rss.xml"), "it is gone; its folders go after it"
    assert tree(root) == set()
    assert root.is_dir()
    assert not remove(tmp_path / "nowhere", FEED)


def test_sweeping_takes_leftovers_of_these_files_alone(tmp_path: Path) -> None:
    """A sweep removes the parts of the files it is given and folders left empty; all else stays."""
    write(tmp_path, FEED, b"1")
    write(tmp_path, PART, b"half")
    write(tmp_path, "topics/new/.rss.xml.part", b"half")
    write(tmp_path, "topics/ai/.notes.part", b"theirs")
    sweep(tmp_path, [FEED, "topics/new/rss.xml", "nowhere/rss.xml"])
    assert tree(tmp_path) == {"topics/", "topics/ai/", "topics/ai/rss.xml", "topics/ai/.notes.part"}


def test_a_file_system_that_cannot_sync_folders_is_no_error() -> None:
    """Where folders can't be synced, as in /proc and on some network file systems, settling goes on."""
    if not Path("/proc/sys").is_dir():
        missing("there is no /proc")
    settle(Path("/proc"), ["sys/x"])


def test_settling_takes_no_offence_at_what_is_gone(tmp_path: Path) -> None:
    """Folders that a removal took away need no settling."""
    write(tmp_path, FEED, b"1")
    remove(tmp_path, FEED)
    settle(tmp_path, [FEED])
    settle(tmp_path / "nowhere", [FEED])
    settle(tmp_path, [])
    assert tree(tmp_path) == set()


# Twins


def test_a_twin_holds_the_same_and_bears_the_same_time(tmp_path: Path) -> None:
    """Compressed, without a time or a name inside, so that the same bytes make the same twin."""
    assert write(tmp_path, FEED, b"one", twin=True) is Outcome.written
    file, twin = tmp_path / FEED, tmp_path / f"{FEED}.gz"
    packed = twin.read_bytes()
    assert gzip.decompress(packed) == b"one"
    assert (packed[3], packed[4:8]) == (0, bytes(4))
    assert twin.stat().st_mtime_ns == file.stat().st_mtime_ns
    before = twin.stat(), file.stat()
    assert write(tmp_path, FEED, b"one", twin=True) is Outcome.unchanged
    assert (twin.stat(), file.stat()) == before
    assert write(tmp_path, FEED, b"two", twin=True) is Outcome.written
    assert gzip.decompress(twin.read_bytes()) == file.read_bytes() == b"two"
    assert twin.stat().st_mtime_ns == file.stat().st_mtime_ns
    assert twin.stat().st_mtime_ns // SECOND > before[0].st_mtime_ns // SECOND


@pytest.mark.parametrize("damage", ["altered", "gone", "dated"])
def test_a_twin_alone_is_mended(tmp_path: Path, damage: str) -> None:
    """Its file isn't touched, and gives it its time."""
    write(tmp_path, FEED, b"one", twin=True)
    file, twin = tmp_path / FEED, tmp_path / f"{FEED}.gz"
    date(file, 1000.5)
    date(twin, 1000.5)
    before, packed = file.stat(), twin.read_bytes()
    if damage == "altered":
        twin.write_bytes(packed[::-1])
        date(twin, 1000.5)
    elif damage == "gone":
        twin.unlink()
    else:
        date(twin, 2000)
    assert differs(tmp_path, FEED, b"one", twin=True)
    assert write(tmp_path, FEED, b"one", twin=True) is Outcome.written
    assert not differs(tmp_path, FEED, b"one", twin=True)
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert (twin.read_bytes(), twin.stat().st_mtime_ns) == (packed, before.st_mtime_ns)


def test_a_twin_is_there_before_its_file(tmp_path: Path) -> None:
    """A server that prefers it never has older bytes in it than in the file; neither is ever half there."""
    write(tmp_path, FEED, b"0" * 1000, twin=True)
    file, twin = tmp_path / FEED, tmp_path / f"{FEED}.gz"
    stop = threading.Event()
    wrong: list[tuple[bytes, bytes]] = []

    def look() -> None:
        while not stop.is_set():
            plain = file.read_bytes()
            packed = gzip.decompress(twin.read_bytes())
            if len({*plain}) != 1 or len({*packed}) != 1 or packed < plain:
                wrong.append((plain[:1], packed[:1]))

    with ThreadPoolExecutor(1) as pool:
        looking = pool.submit(look)
        for number in range(ord("1"), ord("~")):
            write(tmp_path, FEED, bytes([number]) * 1000, twin=True)
        stop.set()
        looking.result()
    assert wrong == []


def test_a_file_whose_twin_cannot_be_written_stays(tmp_path: Path) -> None:
    """Both are new, or neither."""
    write(tmp_path, FEED, b"old")
    (tmp_path / f"{FEED}.gz").mkdir()
    with pytest.raises(OSError, match=r"rss\.xml"):
        write(tmp_path, FEED, b"new", twin=True)
    assert (tmp_path / FEED).read_bytes() == b"old"
    assert tree(tmp_path / "topics/ai") == {"rss.xml", "rss.xml.gz/"}
