"""Where noticing may have missed something it says so, and takes up again."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from aggregator.watcher import Health, Poll, Watcher
from tests.ears import Ears, held, listening, polling_fast
from tests.programs import missing, needs, needs_root, small_disk

quick = pytest.fixture(autouse=True)(polling_fast)
either = pytest.mark.parametrize("poll", [Poll.no, Poll.yes])


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "articles"
    (folder / "deep").mkdir(parents=True)
    return folder


def notices(ears: Ears, folder: Path) -> bool:
    """Whether what happens in a source folder is noted."""
    ears.forget()
    (folder / "deep").mkdir(exist_ok=True)
    ears.catch_up(folder)
    (folder / "deep/a.md").write_text("a")
    return ears.hears(folder / "deep/a.md")


def is_deleted_and_made_anew(source: Path) -> None:
    shutil.rmtree(source)
    source.mkdir()


def is_renamed_away_and_back(source: Path) -> None:
    source.rename(source.with_name("away"))
    source.with_name("away").rename(source)


def is_replaced(source: Path) -> None:
    source.rename(source.with_name("away"))
    source.mkdir()


def has_its_parent_replaced(source: Path) -> None:
    source.parent.rename(source.parent.with_name("elsewhere"))
    source.mkdir(parents=True)


@either
@pytest.mark.parametrize(
    "root", [is_deleted_and_made_anew, is_renamed_away_and_back, is_replaced, has_its_parent_replaced]
)
def test_a_root_that_is_another_one_is_watched_anew(source: Path, poll: Poll, root: Callable[[Path], None]) -> None:
    """The path is what counts: after the next check, what is there now is watched, and all before is in doubt."""
    inner = source / "inner/articles"
    inner.mkdir(parents=True)
    with listening(inner, poll=poll) as ears:
        before = inner.stat().st_ino
        root(inner)
        if poll is Poll.no or inner.stat().st_ino != before:
            assert ears.check_until(lambda: bool(ears.doubts))
        ears.watcher.check()  # the doubt may have been the kernel's
        assert notices(ears, inner)
        ears.forget()
        ears.watcher.check()
        assert ears.doubts == []
        assert ears.watcher.health.healthy


def is_deleted(source: Path) -> None:
    shutil.rmtree(source)


def is_renamed_away(source: Path) -> None:
    source.rename(source.with_name("away"))


def becomes_a_file(source: Path) -> None:
    shutil.rmtree(source)
    source.touch()


@either
@pytest.mark.parametrize("root", [is_deleted, is_renamed_away, becomes_a_file])
def test_a_root_that_goes_is_a_doubt_at_once_and_taken_up_when_it_is_back(
    source: Path, poll: Poll, root: Callable[[Path], None]
) -> None:
    """Nobody has to check for it to be told; missing it is trouble, which is no news again; once back it is watched."""
    with listening(source, poll=poll) as ears:
        root(source)
        if poll is Poll.no or root is not becomes_a_file:  # of which a poller tells as of any change
            assert ears.wait(lambda: bool(ears.doubts))
        assert ears.check_until(lambda: ears.watcher.health.trouble == f"{source} is missing")
        ears.forget()
        for _ in range(3):
            ears.watcher.check()
        assert ears.doubts == []
        assert not ears.watcher.health.healthy
        source.unlink(missing_ok=True)
        source.mkdir()
        ears.watcher.check()
        assert ears.doubts == [f"{source} is watched only now"]
        assert notices(ears, source)


@either
def test_a_root_that_is_missing_at_the_start_is_taken_up_when_it_comes(tmp_path: Path, poll: Poll) -> None:
    """A source may come later; the others are watched meanwhile."""
    here, late = tmp_path / "here", tmp_path / "late"
    here.mkdir()
    with listening(late, here, poll=poll) as ears:
        assert ears.watcher.health.trouble == f"{late} is missing"
        assert notices(ears, here)
        late.mkdir()
        ears.watcher.check()
        assert notices(ears, late)
        assert ears.watcher.health.healthy


@either
def test_a_root_that_is_mounted_over_is_watched_anew(source: Path, poll: Poll) -> None:
    """A disk that comes and goes tells of nothing: the folder is another one, and then again."""
    needs_root()
    with listening(source, poll=poll) as ears:
        with small_disk(source, 1_000_000):
            ears.watcher.check()
            assert ears.doubts == [f"{source} is another folder than before"]
            assert notices(ears, source)
        assert ears.check_until(lambda: bool(ears.doubts))
        assert notices(ears, source)


def test_an_unmounted_disk_is_a_doubt_at_once(source: Path) -> None:
    """Also where it is only a part of the source."""
    needs_root()
    with small_disk(source / "deep", 1_000_000):
        with listening(source) as ears:
            subprocess.run(["umount", source / "deep"], check=True)
            assert ears.doubts_that(f"{source}/deep was deleted, renamed or unmounted")
            ears.watcher.check()
            assert notices(ears, source)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", source / "deep"], check=True)


def test_an_overflow_is_a_doubt_and_folders_that_it_hid_are_watched_then(source: Path) -> None:
    """Where more happens at once than the kernel keeps, that is told, and noticing goes on without gaps."""
    most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    reached, go_on = threading.Event(), threading.Event()

    class Slow(Ears):
        def note(self, path: str) -> None:
            reached.set()
            go_on.wait()
            super().note(path)

    with listening(source, ears=Slow()) as ears:
        (source / "first").touch()
        assert reached.wait(10)
        for number in range(most // 2 + 2048):
            (source / f"deep/{number % 100}").touch()
            (source / f"deep/{number % 100}").unlink()
        (source / "hidden by it/inner").mkdir(parents=True)
        go_on.set()
        assert ears.doubts_that("were lost: more came at once than the kernel keeps")
        assert not ears.watcher.health.healthy
        ears.watcher.check()
        assert ears.doubts_that("is watched anew")
        assert ears.watcher.health.healthy
        ears.catch_up(source)
        (source / "hidden by it/inner/a.md").touch()
        assert ears.hears(source / "hidden by it/inner/a.md")


@either
def test_a_note_that_fails_is_a_doubt_and_not_the_end(source: Path, poll: Poll) -> None:
    """An error in what notes is told once, and the next paths are noted."""

    class Fails(Ears):
        def note(self, path: str) -> None:
            if path.endswith("bad.md"):
                raise ValueError("no such word")
            super().note(path)

    with listening(source, poll=poll, ears=Fails()) as ears:
        for folder in (source, source / "deep"):
            (folder / "bad.md").touch()
        assert ears.doubts_that("not taken in: ValueError('no such word')")
        assert "no such word" in ears.watcher.health.trouble
        (source / "deep/good.md").touch()
        assert ears.hears(source / "deep/good.md")
        assert len(ears.doubts) == 1
        ears.watcher.check()
        assert notices(ears, source)
        assert ears.watcher.health.healthy


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@either
def test_a_thread_that_ends_is_started_anew(source: Path, poll: Poll) -> None:
    """Nothing but a check finds out that nobody listens any more; it makes somebody listen again."""
    before = held()

    class Ends(Ears):
        def note(self, path: str) -> None:
            if path.endswith("end.md"):
                raise SystemExit
            super().note(path)

    with listening(source, poll=poll, ears=Ends()) as ears:
        (source / "end.md").touch()
        assert ears.check_until(lambda: bool(ears.doubts))
        assert ears.doubts == [f"watching {source} had ended"]
        assert notices(ears, source)
    assert held() == before


LIMITED = """
import sys
from pathlib import Path
from aggregator.watcher import Poll, polling
from tests.ears import held, listening
polling.EVERY = 0.1
source, poll, later = Path(sys.argv[1]), Poll(sys.argv[2]), int(sys.argv[3])
before = held()
with listening(source, poll=poll) as ears:
    print(ears.watcher.health.why or ears.watcher.health.trouble)
    for number in range(later):
        (source / f"later{number}").mkdir()
    if later:
        assert ears.doubts_that("limit of watches is reached"), ears.doubts
        ears.watcher.check()
    print(ears.watcher.health.mode, ears.watcher.health.healthy)
    ears.catch_up(source)
    (source / "deep/a.md").touch()
    print(ears.hears(source / "deep/a.md"))
    print(held()[0] - before[0], "threads")
assert held() == before
"""


def limited(source: Path, poll: Poll, *, limit: str, later: int = 0) -> list[str]:
    """What a watcher says where the kernel gives it few watches, and whether it notes what happens in deep/."""
    program = [needs("unshare"), "--user", "--map-root-user", "sh", "-c"]
    script = f'echo {limit.replace("=", " > /proc/sys/user/")} && exec "$@"'
    done = subprocess.run(
        [*program, script, "sh", sys.executable, "-c", LIMITED, source, poll, str(later)],
        capture_output=True,
        check=False,
        text=True,
        timeout=200,
    )
    if "unshare" in done.stderr or "/proc/sys/user" in done.stderr:
        missing(f"no user namespace can be made here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("limit", ["5=max_inotify_watches", "0=max_inotify_instances"])
def test_where_the_kernel_gives_too_few_watches_the_folder_is_polled(source: Path, limit: str) -> None:
    """watchdog would watch a part and say nothing; here all is noted, and it is told why, and what to do."""
    for number in range(10):
        (source / f"{number}").mkdir()
    why, *rest = limited(source, Poll.auto, limit=limit)
    assert why.startswith(f"{source} is polled: the kernel's limit of inotify watches is reached")
    assert "fs.inotify.max_user_watches=" in why
    assert rest == ["polling True", "True", "1 threads"]


def test_where_the_watches_run_out_later_the_folder_is_polled_from_then_on(source: Path) -> None:
    """A folder that comes when there is no watch left is a doubt; the next check turns to polling."""
    assert limited(source, Poll.auto, limit="5=max_inotify_watches", later=10) == [
        "",
        "polling True",
        "True",
        "1 threads",
    ]


def test_where_polling_is_forbidden_too_few_watches_are_told(source: Path) -> None:
    """Then what can be watched is, and what can't is said to be trouble."""
    for number in range(10):
        (source / "deep" / f"{number}").mkdir()
    trouble, *rest = limited(source, Poll.no, limit="5=max_inotify_watches")
    assert trouble.startswith(f"not all of {source} is watched: the kernel's limit of inotify watches is reached")
    assert rest == ["inotify False", "True", "1 threads"]


def test_health_is_told_as_it_is(source: Path) -> None:
    """The mode, why it isn't the usual one, and how many folders are watched."""
    with listening(source, source / "deep", poll=Poll.no) as ears:
        assert ears.watcher.health == Health("inotify", "", 3, healthy=True, trouble="")
    with listening(source, poll=Poll.yes) as ears:
        assert ears.watcher.health == Health("polling", "polling was asked for", None, healthy=True, trouble="")


@either
def test_starting_and_stopping_leaks_neither_threads_nor_descriptors(source: Path, poll: Poll) -> None:
    """Fifty times over, the process is as it was before."""
    with listening(source, poll=poll):
        pass
    before = held()
    for _ in range(50):
        with listening(source, source / "deep", source / "missing", poll=poll):
            assert held() > before
    assert held() == before


@either
def test_a_stop_is_quick_and_nothing_is_noted_after_it(source: Path, poll: Poll) -> None:
    """Also in the middle of much to note."""
    before = held()
    ears = Ears()
    watcher = Watcher([source], [], poll, ears.note, ears.doubt)
    watcher.start()
    busy = threading.Event()

    def write() -> None:
        for number in range(100_000):
            if busy.is_set():
                return
            (source / f"deep/{number % 100}.md").write_text(f"{number}")

    writer = threading.Thread(target=write)
    writer.start()
    assert ears.wait(lambda: len(ears.noted) > 10)
    start = time.monotonic()
    watcher.stop()
    assert time.monotonic() - start < 1
    noted = len(ears.noted)
    busy.set()
    writer.join()
    assert len(ears.noted) == noted
    assert held() == before
    assert ears.doubts == []
