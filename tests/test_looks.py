"""Looking at what changed alone: whatever a daemon notices, the tree is what a look at everything gives."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from aggregator.errors import Stopped
from aggregator.pipeline import EVERYTHING, Done, Session, Wish
from aggregator.watcher import Look
from tests.world import World, day


def look_at(*paths: Path | str, unsettled: tuple[Path, ...] = ()) -> Look:
    """A look at these paths alone."""
    return Look(frozenset(map(str, paths)), frozenset(map(str, unsettled)), None)


class Held:
    """A world whose store is held open, as a daemon does."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.session = Session(world.plan(), world.program, processes=1)

    def __enter__(self) -> Held:
        self.session.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.session.__exit__(None, None, None)

    def look(self, look: Look = EVERYTHING, **wish: Any) -> Done:
        """One run; nothing is made permanent if it is dry."""
        with self.session.rehearsing(wish.get("dry", False)):
            return self.session.bring_up(look, Wish(**wish), self.world.now, time.time_ns())


FOLDERS = ("", "one/", "one/two/", "three/")
NAMES = st.builds(lambda folder, name: f"{folder}{name}", st.sampled_from(FOLDERS), st.sampled_from("abc"))
TOPICS = st.lists(st.sampled_from(["AI", "Rain", "Sea"]), max_size=2)
URLS = st.sampled_from([f"https://news.example/{name}" for name in "abcd"])
DAYS = st.integers(0, 120).map(day)


class Looks(RuleBasedStateMachine):
    """Documents change anywhere; sometimes the changed paths are looked at, sometimes the folders above them."""

    @initialize(
        names=st.lists(NAMES, min_size=2, max_size=6, unique=True), related=st.sampled_from(["attach", "expand"])
    )
    def begin(self, names: list[str], related: str) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="aggregator-"))
        self.world = World(self.root)
        self.world.options["related"] = related
        for name in names:
            self.world.document(name)
        self.held = Held(self.world)
        self.held.__enter__()
        self.noted: set[Path] = set()
        self.held.look()

    def teardown(self) -> None:
        if hasattr(self, "held"):
            self.held.__exit__(None)
        if hasattr(self, "root"):
            shutil.rmtree(self.root)

    @rule(name=NAMES, topics=TOPICS, url=URLS, published=DAYS, related=st.lists(URLS, max_size=2))
    def write(self, name: str, topics: list[str], url: str, published: object, related: list[str]) -> None:
        """A document comes, or changes."""
        listed = [{"title": "Listed", "webUrl": url} for url in related]
        fields: dict[str, Any] = {"topics": topics, "webUrl": url, "publishedDateTime": published, "related": listed}
        self._make_way(name)
        self.noted.add(self.world.document(name, **fields))

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        """A document goes."""
        path = self.world.articles / f"{name}.md"
        if path.exists():
            path.unlink()
        self.noted.add(path)

    @rule(old=NAMES, new=NAMES)
    def rename(self, old: str, new: str) -> None:
        """A document goes by another name, perhaps in the place of another one."""
        before, after = (self.world.articles / f"{name}.md" for name in (old, new))
        if before.exists():
            self._move(before, after)

    @rule(old=st.sampled_from(["one", "one/two", "three"]), new=st.sampled_from(["one", "four", "one/five"]))
    def move_folder(self, old: str, new: str) -> None:
        """A folder goes elsewhere, which is told of the two folders alone."""
        before, after = self.world.articles / old, self.world.articles / new
        if before.exists() and not after.exists() and not after.is_relative_to(before):
            self._move(before, after)

    def _make_way(self, name: str) -> None:
        for folder in (self.world.articles / name).parents:
            if folder.is_file():
                folder.unlink()
                self.noted.add(folder)

    def _move(self, before: Path, after: Path) -> None:
        self._make_way(str(after.relative_to(self.world.articles)))
        after.parent.mkdir(parents=True, exist_ok=True)
        if before.exists():
            before.rename(after)
        self.noted |= {before, after}

    @rule(name=NAMES)
    def break_one(self, name: str) -> None:
        """A document can't be read any more."""
        self._make_way(name)
        self.noted.add(self.world.text(f"{name}.md", "---\ntitle: [\n"))

    @rule(name=st.sampled_from(["one", "three"]))
    def a_file_for_a_folder(self, name: str) -> None:
        """A folder goes, and a file takes its place."""
        path = self.world.articles / name
        shutil.rmtree(path, ignore_errors=True)
        if not path.exists():
            path.write_text("no folder")
            self.noted.add(path)

    @rule(name=st.sampled_from(["one", "three"]))
    def a_folder_for_a_file(self, name: str) -> None:
        """It may be a folder again."""
        path = self.world.articles / name
        if path.is_file():
            path.unlink()
            self.noted.add(path)

    @rule(up=st.integers(0, 2), data=st.data())
    def look(self, up: int, data: st.DataObject) -> None:
        """What was noted is looked at, perhaps from a folder further up, and perhaps in two parts."""
        noted = sorted(self.noted)
        first = data.draw(st.sets(st.sampled_from(noted))) if noted else set()
        for part in (first, self.noted - first):
            self.held.look(look_at(*(self._above(path, up) for path in part)))
        self.noted = set()

    def _above(self, path: Path, up: int) -> Path:
        for _ in range(up):
            if path != self.world.articles:
                path = path.parent
        return path

    @rule(days=st.integers(1, 10))
    def time_passes(self, days: int) -> None:
        self.world.now = max(self.world.now, day(100 + days))

    @rule()
    def the_session_is_opened_anew(self) -> None:
        """As after a crash: what was noted is forgotten, and a look at everything finds it."""
        self.held.__exit__()
        self.held = Held(self.world)
        self.held.__enter__()
        self.held.look(look_at())
        self.noted = set()

    @invariant()
    def looking_at_what_was_noted_was_enough(self) -> None:
        """A look at everything finds nothing else, and the tree is what `--rebuild` gives."""
        if not hasattr(self, "held") or self.noted:
            return
        self.held.look(look_at())
        tree = self.world.tree()
        report = self.held.look()
        assert (report.changes, report.read) == ((), 0)
        assert self.world.tree() == tree == self.world.rebuilt()


TestLooks = Looks.TestCase
if os.environ.get("HYPOTHESIS_PROFILE", "default") == "default":
    TestLooks.settings = settings(max_examples=20, stateful_step_count=15)


@pytest.fixture
def held(world: World) -> Any:
    """A world of 30 documents that is held open and was looked at once."""
    for number in range(30):
        world.document(f"{number % 3}/{number}", topics=["AI", f"T{number % 3}"])
    with Held(world) as held:
        held.look()
        yield held


def test_only_what_is_named_is_read(held: Held) -> None:
    """Another document that changed too waits for its turn."""
    world = held.world
    named = world.document("0/0", title="Named")
    world.document("0/3", title="Not named")
    assert held.look(look_at(named)).read == 1
    assert "Named" in world.titles()
    assert "Not named" not in world.titles()
    assert held.look().read == 1
    assert "Not named" in world.titles()


@pytest.mark.parametrize("path", ["../outside.md", "1/.hidden.md", ".git/a.md", "link/a.md", "1/notes.txt", "a\nb.md"])
def test_a_named_path_that_the_walk_would_pass_over_is_passed_over(held: Held, path: str) -> None:
    """Outside of the source, hidden, below a linked folder, not included, or with a name nobody could read."""
    world = held.world
    (world.root / "elsewhere").mkdir()
    (world.articles / "link").symlink_to(world.root / "elsewhere")
    made = world.text(path, world.document("1/1", title="Copied").read_text())
    held.look(look_at(world.articles / "1/1.md"))
    assert held.look(look_at(os.path.normpath(made))).read == 0
    assert world.titles().count("Copied") == 1


def test_what_is_still_in_motion_is_left_as_it_is_known(held: Held) -> None:
    """Neither half a file is read nor one that is missing for a moment let go, also by a look at everything."""
    world = held.world
    before = world.tree()
    half = world.document("0/0", title="Half")
    missing = world.articles / "0/3.md"
    text = missing.read_text()
    missing.unlink()
    moving = look_at(world.articles, unsettled=(half, missing))
    for look in (moving, moving._replace(paths=None)):
        report = held.look(look)
        assert (report.read, report.gone, report.changes) == (0, 0, ())
    missing.write_text(text)
    assert world.tree() == before
    held.look(look_at(half, missing))
    assert "Half" in world.titles()


def test_the_guard_holds_where_a_folder_is_gone_at_once(held: Held) -> None:
    """More than half and more than 20 documents of a source: nothing is withdrawn until they are back."""
    world = held.world
    before = world.tree()
    for name in ("0", "1", "2"):
        (world.articles / name).rename(world.root / name)
    report = held.look(look_at(*(world.articles / name for name in ("0", "1", "2"))))
    assert not report.healthy
    assert "articles: error: 30 of 30 documents are gone: nothing is withdrawn until" in " ".join(
        map(str, report.guard)
    )
    assert world.tree() == before
    for name, missing in (("0", 20), ("2", 10)):
        (world.root / name).rename(world.articles / name)
        report = held.look(look_at(world.articles / name))
        assert [one.message.partition(":")[0] for one in report.guard] == [f"{missing} of 30 documents are gone"]
        assert (report.held, world.tree()) == (missing, before)
    (world.root / "1").rename(world.articles / "1")
    report = held.look(look_at(world.articles / "1"))
    assert (report.guard, report.changes) == ((), ())


def test_while_the_guard_holds_a_further_deletion_counts_with_the_others(held: Held) -> None:
    """It isn't withdrawn by a look at it alone."""
    world = held.world
    for number in range(25):
        (world.articles / f"{number % 3}/{number}.md").unlink()
    assert held.look(look_at(world.articles)).guard
    (world.articles / "2/29.md").unlink()
    assert held.look(look_at(world.articles / "2/29.md")).gone == 26
    assert len(world.titles()) == 30
    assert held.look(accept_deletions=True).guard == ()
    assert len(world.titles()) == 4


def test_the_guard_lets_go_of_what_stands_elsewhere(held: Held) -> None:
    """Looked at alone, a folder that goes is an accident until the documents come under another name, bit by bit."""
    world = held.world
    before, ids = world.tree(), world.ids()
    away = world.root / "away"
    away.mkdir()
    for name in ("0", "1", "2"):
        (world.articles / name).rename(away / name)
    assert held.look(look_at(*(world.articles / name for name in ("0", "1", "2")))).held == 30
    for name, missing in (("0", 20), ("1", 10), ("2", 0)):
        new = world.articles / f"new-{name}"
        shutil.copytree(away / name, new, copy_function=shutil.copyfile)
        report = held.look(look_at(new))
        assert (report.held, bool(report.guard)) == (missing, missing > 0)
        assert world.tree() == before
    assert world.ids() == ids
    assert world.tree() == world.rebuilt()


def test_a_missing_source_withdraws_nothing(held: Held) -> None:
    """Also where only something in it was noted; it is well when the folder is back."""
    world = held.world
    world.articles.rename(world.root / "away")
    report = held.look(look_at(world.articles / "0/0.md"))
    assert [one.message.partition(":")[0] for one in report.guard] == ["this source is missing"]
    assert len(world.titles()) == 30
    (world.root / "away").rename(world.articles)
    report = held.look(look_at(world.articles))
    assert (report.guard, report.changes, report.read) == ((), (), 0)


def test_another_configuration_makes_everything_be_looked_at(held: Held) -> None:
    """The next look applies it, whatever that one names."""
    world = held.world
    world.options["title"] = "Renamed"
    world.options["entries"] = 5
    held.session.apply(world.plan())
    held.look(look_at())
    assert len(world.titles()) == 5
    assert world.tree() == world.rebuilt()


def test_a_stop_amid_the_work_loses_nothing(world: World) -> None:
    """Wherever it comes: the work is left, and the next look does it."""
    stops = asked = 0
    for patience in range(0, 60, 3):
        for number in range(40):
            world.document(f"{number}", title=f"{number}, edition {patience}", topics=[f"T{number}"])

        def stop() -> bool:
            nonlocal asked
            asked += 1
            return asked > patience  # noqa: B023  # it is only called within this round

        with Session(world.plan(), world.program, processes=1, stop=stop) as session:
            asked = 0
            try:
                session.bring_up(EVERYTHING, Wish(), world.now, time.time_ns())
            except Stopped:
                stops += 1
            patience = 1_000_000
            session.bring_up(EVERYTHING, Wish(), world.now, time.time_ns())
        assert world.tree() == world.rebuilt()
    assert stops > 5


def test_a_dry_look_changes_nothing(held: Held) -> None:
    """It tells what would change, and the session goes on as if nobody had asked."""
    world = held.world
    before = world.tree()
    path = world.document("0/0", title="Dry")
    for rebuild in (False, True):
        report = held.look(dry=True, rebuild=rebuild)
        assert ("written", "all/atom.xml") in report.changes
        assert world.tree() == before
    held.look(look_at(path))
    assert world.titles().count("Dry") == 1
    assert held.look(rebuild=True).problems == ()
    assert world.tree() == world.rebuilt()


def test_the_stores_upkeep_leaves_everything_as_it_is(held: Held) -> None:
    """SQLite's log files are cut short, and the session goes on."""
    world = held.world
    before = world.tree()
    logs = [path for path in world.store.iterdir() if path.name.endswith("-wal")]
    assert sum(path.stat().st_size for path in logs) > 0
    held.session.tend()
    assert sum(path.stat().st_size for path in logs) == 0
    assert held.look().changes == ()
    assert world.tree() == before
    held.look(look_at(world.document("0/0", title="After it")))
    assert "After it" in world.titles()
