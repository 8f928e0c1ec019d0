"""What was noted is handed out together, once it is still: not before, and not in halves."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.watcher import Look, Window

SETTLE, LONGEST = 0.5, 2.0
NAMES = "abcde"


class Scene:
    """A folder in which things happen, a window that is told of them, and a clock that can be turned on.

    Whenever something is due it is taken, as the daemon does; `looks` has what came of it, and when.
    """

    def __init__(self, folder: Path, **options: int) -> None:
        self.folder = folder
        self.now = 100.0
        self.known: set[str] | None = None
        self.looks: list[tuple[float, Look]] = []
        self.window = Window(SETTLE, LONGEST, lambda path: self.known is None or path in self.known, **options)

    def path(self, name: str) -> str:
        return f"{self.folder}/{name}"

    def note(self, name: str) -> None:
        self.window.note(self.path(name), self.now)

    def write(self, name: str, *, silently: bool = False) -> None:
        with Path(self.path(name)).open("a") as file:
            file.write("more")
        if not silently:
            self.note(name)

    def delete(self, name: str) -> None:
        Path(self.path(name)).unlink(missing_ok=True)
        self.note(name)

    def wait(self, seconds: float) -> None:
        end = self.now + seconds
        while (due := self.window.due) is not None and due <= end:
            self.now = max(self.now, due)
            look = self.window.take(self.now)
            if look is not None:
                self.looks.append((self.now, look))
            assert look is not None or self.window.due is None or self.window.due > self.now, "a loop without end"
        self.now = end

    def names(self, paths: Iterable[str] | None) -> set[str] | None:
        return None if paths is None else {path.removeprefix(f"{self.folder}/") for path in paths}

    def handed_out(self) -> list[tuple[float, set[str] | None, set[str] | None]]:
        """When what was handed out, and what was named as still in motion; since the start."""
        return [(at - 100, self.names(look.paths), self.names(look.unsettled)) for at, look in self.looks]


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_nothing_is_due_where_nothing_was_noted(scene: Scene) -> None:
    """An empty window waits for nothing, and gives nothing."""
    assert (scene.window.due, scene.window.first, len(scene.window)) == (None, None, 0)
    assert scene.window.take(1000.0) is None
    assert not scene.window.storming(1000.0)


def test_a_path_is_handed_out_when_it_has_been_still_for_the_settle_time(scene: Scene) -> None:
    """Not a moment earlier, and with the instant at which it was first noted."""
    scene.write("a")
    assert (scene.window.due, scene.window.first, len(scene.window)) == (100.5, 100.0, 1)
    assert scene.window.take(100.49) is None
    scene.wait(0.25)
    scene.write("a")
    scene.wait(5)
    assert scene.looks == [(100.75, Look(frozenset({scene.path("a")}), frozenset(), 100.0))]
    assert (scene.window.due, scene.window.first, len(scene.window)) == (None, None, 0)


def test_what_happens_together_is_handed_out_together(scene: Scene) -> None:
    """One settle window is one set: the last event of any path counts for all."""
    for name in NAMES:
        scene.write(name)
        scene.wait(0.25)
    scene.wait(1)
    assert scene.handed_out() == [(1.5, set(NAMES), set())]


def test_a_file_that_grows_without_events_is_not_settled(scene: Scene) -> None:
    """As on some file systems: it is looked at again after another settle time."""
    scene.write("a")
    for _ in range(3):
        scene.wait(0.375)
        scene.write("a", silently=True)
    scene.wait(5)
    assert scene.handed_out() == [(2.0, {"a"}, set())]


def test_a_file_that_was_replaced_without_an_event_is_not_settled(scene: Scene) -> None:
    """Size and time may be the same: it is another file."""
    scene.write("a")
    seen = Path(scene.path("a")).stat()
    scene.write("b", silently=True)
    os.utime(scene.path("b"), ns=(seen.st_atime_ns, seen.st_mtime_ns))
    Path(scene.path("b")).rename(scene.path("a"))
    scene.wait(5)
    assert scene.handed_out() == [(1.0, {"a"}, set())]


def test_a_folder_in_which_files_come_and_go_is_settled(scene: Scene) -> None:
    """Its files are noted by themselves, and its own time says nothing."""
    (scene.folder / "deep").mkdir()
    scene.note("deep")
    scene.write("deep/a", silently=True)
    scene.wait(5)
    assert scene.handed_out() == [(0.5, {"deep"}, set())]


def test_a_steady_stream_is_flushed(scene: Scene) -> None:
    """After the longest wait, what is settled goes, and what moves still is named and waits on."""
    scene.write("a")
    for _ in range(12):
        scene.wait(0.25)
        scene.write("b")
    scene.wait(5)
    assert scene.handed_out() == [(2.0, {"a"}, {"b"}), (3.5, {"b"}, set())]
    assert scene.looks[1][1].since == 100.25


def test_a_file_that_never_stops_growing_holds_up_nothing_but_itself(scene: Scene) -> None:
    """Once it has been in motion for the longest wait, others wait for their own settle time only."""
    for step in range(40):
        scene.write("log")
        if step == 20:
            scene.write("a")
        scene.wait(0.25)
    assert scene.handed_out() == [(5.5, {"a"}, {"log"})]


def test_half_of_a_deletion_is_never_handed_out_however_long_it_takes(scene: Scene) -> None:
    """Files go one by one, for longer than the longest wait: none is taken for gone until the last one is."""
    names = [f"{number}.md" for number in range(40)]
    for name in names:
        scene.write(name, silently=True)
    for name in names:
        scene.delete(name)
        assert scene.window.storming(scene.now)
        scene.wait(0.25)
    scene.wait(5)
    assert scene.handed_out() == [(10.25, set(names), set())]
    assert not scene.window.storming(scene.now)


def test_a_write_during_a_long_deletion_is_handed_out_without_it(scene: Scene) -> None:
    """The deletion is named as being in motion, so that nobody takes a part of it for gone."""
    scene.write("new")
    for number in range(20):
        scene.delete(f"{number}.md")
        scene.wait(0.25)
    scene.wait(5)
    gone = {f"{number}.md" for number in range(20)}
    first, second = scene.handed_out()
    assert first == (2.0, {"new"}, {f"{number}.md" for number in range(8)})
    assert second == (5.25, gone, set())


def test_a_stream_of_writes_holds_no_deletion_up(scene: Scene) -> None:
    """Files that are written, ever others, are no deletion: the one that is gone goes with the next flush."""
    scene.delete("gone")
    for number in range(10):
        scene.write(f"{number}")
        scene.wait(0.25)
    assert scene.handed_out()[0] == (2.0, {"gone", *"0123456"}, {"7"})


def test_temporary_files_that_come_and_go_hold_no_deletion_up(scene: Scene) -> None:
    """A path at which nothing was known can go missing without being a deletion."""
    scene.known = {scene.path("gone")}
    scene.delete("gone")
    for number in range(10):
        scene.delete(f"{number}.tmp")
        scene.wait(0.25)
    assert scene.handed_out()[0] == (2.0, {"gone", *(f"{number}.tmp" for number in range(7))}, {"7.tmp"})


def test_what_happens_again_at_a_path_that_is_gone_holds_up_only_that(scene: Scene) -> None:
    """It isn't another deletion."""
    scene.delete("gone")
    for _ in range(12):
        scene.delete("again")
        scene.wait(0.25)
    scene.wait(5)
    assert scene.handed_out() == [(2.0, {"gone"}, {"again"}), (3.25, {"again"}, set())]


def test_a_path_that_goes_missing_without_an_event_is_part_of_the_deletion(scene: Scene) -> None:
    """What is found to be gone only when it would have been handed out makes the others wait, too."""
    scene.write("a")
    scene.wait(0.125)
    scene.delete("b")
    Path(scene.path("a")).unlink()
    scene.wait(5)
    assert scene.handed_out() == [(1.125, {"a", "b"}, set())]


def test_a_path_that_is_back_is_no_longer_missing(scene: Scene) -> None:
    """A slow save: the old file goes, the new one comes."""
    scene.delete("a")
    scene.wait(0.25)
    scene.write("a", silently=True)
    scene.wait(5)
    assert scene.handed_out() == [(1.0, {"a"}, set())]


def test_a_look_at_everything_clears_what_is_settled(scene: Scene) -> None:
    """What moves still is named, and waits on."""
    scene.write("a")
    scene.wait(0.375)
    scene.write("b")
    scene.now += 0.25
    look = scene.window.everything(scene.now)
    assert look == Look(None, frozenset({scene.path("b")}), 100.0)
    assert len(scene.window) == 1
    scene.wait(5)
    assert scene.handed_out() == [(0.875, {"b"}, set())]
    assert scene.window.everything(scene.now) == Look(None, frozenset(), None)


def test_a_look_at_everything_names_what_grows_without_events(scene: Scene) -> None:
    """It looks again, as any look does."""
    scene.write("a")
    scene.write("a", silently=True)
    scene.now += 0.5
    assert scene.window.everything(scene.now) == Look(None, frozenset({scene.path("a")}), None)


def test_too_many_paths_become_everything(tmp_path: Path) -> None:
    """Memory is bounded: where more wait than can be kept, those that moved last are kept, and all is looked at."""
    scene = Scene(tmp_path, most=10)
    for number in range(30):
        scene.write(f"{number}")
        scene.now += 0.25  # busy: nothing is taken
    assert len(scene.window) == 30
    assert len(scene.window._moving) <= 12
    scene.wait(5)
    assert scene.handed_out() == [(7.5, None, {"29"}), (7.75, {"29"}, set())]
    assert scene.looks[0][1].since == 100.0


def test_a_deletion_of_too_many_is_kept_by_its_folders(tmp_path: Path) -> None:
    """As long as it goes on, the folders are named as being in motion; then they are looked at, whole."""
    scene = Scene(tmp_path, most=10)
    for folder in "xy":
        (tmp_path / folder).mkdir()
    scene.write("new")
    for number in range(100):
        scene.delete(f"{'xy'[number % 2]}/{number}")
        scene.note("x")
        scene.wait(0.125)
    assert len(scene.window._missing) <= 12
    scene.wait(5)
    first, last = scene.handed_out()
    assert first[:2] == (2.0, None)
    assert last[0] == 12.875
    for folders in (first[2], last[1]):
        assert folders is not None
        assert {"x", "y"} <= folders
        assert all(name.startswith(("x", "y")) for name in folders)
    assert len(scene.window) == 0


@pytest.mark.parametrize("most", [50_000, 10])
def test_a_window_for_many_is_quick(tmp_path: Path, most: int) -> None:
    """The instant at which something is due costs nothing, as the daemon asks after each event."""
    scene = Scene(tmp_path, most=most)
    scene.known = set()
    for number in range(20_000):
        scene.window.note(f"{tmp_path}/{number}", scene.now)
        scene.now += 0.00001
        assert scene.window.due is not None
    scene.wait(1)
    ((_, look),) = scene.looks
    assert look.paths is not None
    assert len(look.paths) == 20_000


# A model: what happens in a small folder, and what is therefore to be handed out when.

names = st.sampled_from(NAMES)
events = st.tuples(st.sampled_from(["write", "delete", "replace", "touch"]), names)
waits = st.tuples(st.just("wait"), st.sampled_from([0.125, 0.25, 0.5, 1.0, 2.0]))
silent = st.tuples(st.just("grow"), names)


class Model(Scene):
    """A scene in which it is written down what happened when."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.first: dict[str, float] = {}
        self.moved: dict[str, float] = {}
        self.gone_at = float("-inf")
        self.missing: set[str] = set()
        self.noted: dict[str, float] = {}
        self.judged = 0

    def happens(self, what: str, name: str) -> None:
        path = Path(self.path(name))
        if what == "delete":
            path.unlink(missing_ok=True)
        elif what == "replace":
            other = self.folder.parent / f"{self.folder.name}.new"
            other.write_text("other")
            other.rename(path)
        elif what == "touch" and path.exists():
            os.utime(path)
        else:
            self.write(name, silently=True)
        self.moved[name] = self.now
        if what == "grow":
            return
        if path.exists():
            self.missing.discard(name)
        elif name not in self.missing:
            self.missing.add(name)
            self.gone_at = self.now
        self.first.setdefault(name, self.now)
        self.noted[name] = self.now
        self.note(name)

    def ready(self, name: str) -> float:
        """From when on a path that waits is settled."""
        return max(self.moved[name], self.gone_at if name in self.missing else 0) + SETTLE

    def judge(self) -> None:
        """Each look is right at its time."""
        for at, look in self.looks[self.judged :]:
            assert look.paths is not None
            paths, moving = self.names(look.paths) or set(), self.names(look.unsettled) or set()
            assert paths
            assert paths | moving == self.first.keys(), "all that waits is handed out or named"
            assert not paths & moving
            for name in paths:
                assert self.ready(name) <= at, "none before it is settled"
                assert self.noted[name] <= at
            if moving:
                assert min(self.first.values()) + LONGEST <= at, "none while others move, but after the longest wait"
            assert look.since == min(self.first[name] for name in paths)
            for name in paths:
                del self.first[name]
                self.missing.discard(name)
        self.judged = len(self.looks)


@pytest.fixture(scope="module")
def folders() -> Iterator[Path]:
    with TemporaryDirectory() as folder:
        yield Path(folder)


@given(happenings=st.lists(events | waits | silent, max_size=40))
def test_every_path_is_handed_out_when_it_is_settled_and_never_half_of_a_deletion(
    folders: Path, happenings: list[tuple[str, str | float]]
) -> None:
    """Whatever is written, replaced, deleted and grows unseen: each look is complete, whole and of settled paths."""
    model = Model(fresh(folders))
    for what, value in [*happenings, ("wait", 10.0)]:
        if isinstance(value, float):
            model.now, end = model.now, model.now + value
            while model.now < end:  # in steps, as each look is judged by what had happened until then
                model.wait(0.125)
                model.judge()
        else:
            model.happens(what, value)
    assert not model.first, "each noted path is handed out in the end"
    assert model.window.due is None


@given(happenings=st.lists(events | waits, max_size=40))
def test_no_path_waits_longer_than_it_must(folders: Path, happenings: list[tuple[str, str | float]]) -> None:
    """What is settled goes in that instant if all are, or if the first has waited for the longest wait."""
    model = Model(fresh(folders))
    for what, value in happenings:
        if isinstance(value, str):
            model.happens(what, value)
            continue
        end = model.now + value
        while model.now < end:
            model.wait(0.125)
            model.judge()
            if model.first:
                ready = {name: model.ready(name) <= model.now for name in model.first}
                late = min(model.first.values()) + LONGEST <= model.now
                assert not all(ready.values())
                assert not (late and any(ready.values()))


def fresh(folders: Path) -> Path:
    """An empty folder."""
    folder = folders / "scene"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder
