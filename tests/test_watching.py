"""Whatever happens to a path in a source folder is noted, and nothing else."""

from __future__ import annotations

import mmap
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from aggregator.watcher import Poll
from tests.ears import Ears, listening, polling_fast, within
from tests.programs import as_nobody

quick = pytest.fixture(autouse=True)(polling_fast)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A source folder with a document in a folder, beside a folder from which things come."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "new.md").write_text("new")
    (tmp_path / "articles" / "deep").mkdir(parents=True)
    (tmp_path / "articles" / "deep" / "old.md").write_text("old")
    return tmp_path / "articles"


@pytest.fixture
def ears(source: Path) -> Iterator[Ears]:
    """The ears of a watcher of the source."""
    with listening(source) as ears:
        yield ears


def is_written(source: Path) -> list[str]:
    (source / "a.md").write_text("a")
    return ["a.md"]


def grows(source: Path) -> list[str]:
    with (source / "deep/old.md").open("a") as file:
        file.write("er")
    return ["deep/old.md"]


def is_touched(source: Path) -> list[str]:
    os.utime(source / "deep/old.md", (1, 1))
    return ["deep/old.md"]


def is_opened_to_all(source: Path) -> list[str]:
    (source / "deep/old.md").chmod(0o666)
    return ["deep/old.md"]


def comes_in(source: Path) -> list[str]:
    (source.parent / "outside/new.md").rename(source / "deep/new.md")
    return ["deep/new.md"]


def is_hard_linked(source: Path) -> list[str]:
    os.link(source.parent / "outside/new.md", source / "new.md")
    return ["new.md"]


def is_linked(source: Path) -> list[str]:
    (source / "new.md").symlink_to(source.parent / "outside/new.md")
    return ["new.md"]


def is_replaced(source: Path) -> list[str]:
    (source / "draft").write_text("newer")
    (source / "draft").replace(source / "deep/old.md")
    return ["draft", "deep/old.md"]


def is_replaced_from_a_hidden_file(source: Path) -> list[str]:
    (source / ".draft").write_text("newer")
    (source / ".draft").replace(source / "deep/old.md")
    return ["deep/old.md"]


def is_renamed(source: Path) -> list[str]:
    (source / "deep/old.md").rename(source / "older.md")
    return ["deep/old.md", "older.md"]


def goes_out(source: Path) -> list[str]:
    (source / "deep/old.md").rename(source.parent / "outside/old.md")
    return ["deep/old.md"]


def is_deleted(source: Path) -> list[str]:
    (source / "deep/old.md").unlink()
    return ["deep/old.md"]


def folder_is_made(source: Path) -> list[str]:
    (source / "deeper").mkdir()
    return ["deeper"]


def folder_is_closed(source: Path) -> list[str]:
    (source / "deep").chmod(0o700)
    return ["deep"]


def folder_is_renamed(source: Path) -> list[str]:
    (source / "deep").rename(source / "flat")
    return ["deep", "flat"]


def folder_goes_out(source: Path) -> list[str]:
    (source / "deep").rename(source.parent / "outside/deep")
    return ["deep"]


def folder_is_deleted(source: Path) -> list[str]:
    shutil.rmtree(source / "deep")
    return ["deep", "deep/old.md"]


def name_is_not_utf8(source: Path) -> list[str]:
    (source / os.fsdecode(b"caf\xe9.md")).write_text("late")
    return ["caf\udce9.md"]


CHANGES = [
    is_written,
    grows,
    is_touched,
    is_opened_to_all,
    comes_in,
    is_hard_linked,
    is_linked,
    is_replaced,
    is_replaced_from_a_hidden_file,
    is_renamed,
    goes_out,
    is_deleted,
    folder_is_made,
    folder_is_closed,
    folder_is_renamed,
    folder_goes_out,
    folder_is_deleted,
    name_is_not_utf8,
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_change_is_noted_by_the_path_it_happened_to(
    source: Path, ears: Ears, change: Callable[[Path], list[str]]
) -> None:
    """Written, renamed, linked, deleted, its attributes changed: whatever it is, its path is noted, and no other."""
    paths = {f"{source}/{path}" for path in change(source)}
    assert ears.hears(*paths)
    ears.catch_up(source)
    assert {path for path in ears.noted if "mark" not in path} == paths


@pytest.mark.parametrize("change", CHANGES[:4] + CHANGES[7:12] + CHANGES[14:], ids=lambda change: change.__name__)
def test_a_poller_notes_the_same(source: Path, change: Callable[[Path], list[str]]) -> None:
    """Where the kernel tells of nothing, comparing finds what has changed."""
    with listening(source, poll=Poll.yes) as ears:
        paths = [f"{source}/{path}" for path in change(source) if path != "draft"]  # came and went unseen
        assert ears.hears(*paths)
        assert str(source) not in ears.noted  # else each change would mean a walk through everything


def test_reading_is_not_noted(source: Path, ears: Ears) -> None:
    """The program reads the documents itself: that makes no work for it."""
    (source / "deep/old.md").read_text()
    list((source / "deep").iterdir())
    ears.catch_up(source)
    assert {path for path in ears.noted if "mark" not in path} == set()


def test_a_file_that_is_held_open_is_noted_as_it_grows(source: Path, ears: Ears) -> None:
    """An upload may take an hour: each part of it is an event."""
    with (source / "slow.md").open("wb", buffering=0) as file:
        for _ in range(3):
            ears.catch_up(source)
            ears.forget()
            file.write(b"more")
            assert ears.hears(source / "slow.md")


def test_a_file_that_is_written_through_memory_is_noted_when_it_is_closed(source: Path, ears: Ears) -> None:
    """The kernel tells nothing of writing itself."""
    with (source / "deep/old.md").open("r+b") as file:
        with mmap.mmap(file.fileno(), 0) as memory:
            memory[:] = b"new"
        ears.catch_up(source)
        ears.forget()
    assert ears.hears(source / "deep/old.md")


def test_a_file_that_is_gone_is_noted_no_more(source: Path, ears: Ears) -> None:
    """Who has it open may go on writing to it."""
    with (source / "deep/old.md").open("ab", buffering=0) as file:
        (source / "deep/old.md").unlink()
        ears.catch_up(source)
        ears.forget()
        file.write(b"more")
        ears.catch_up(source)
    assert {path for path in ears.noted if "mark" not in path} == set()


@pytest.mark.parametrize("poll", [Poll.no, Poll.yes])
def test_hidden_paths_and_those_to_skip_are_not_noted(source: Path, poll: Poll) -> None:
    """What the walk passes over makes no work: hidden files and folders, the output, the store."""
    output, store, alias = source / "public", source / "deep/store", source.parent / "alias"
    alias.symlink_to(source)
    for folder in (output, source / ".git"):
        folder.mkdir()
    with listening(source, skip=[output, alias / "deep/store", source.parent], poll=poll) as ears:
        store.mkdir()
        for folder in (output, store, source / ".git"):
            (folder / "a.md").write_text("a")
            (folder / "more").mkdir()
            (folder / "more/a.md").write_text("a")
        (source / "deep/.old.md.swp").write_text("a")
        (source / "deep/store.md").write_text("not the store")
        assert ears.hears(source / "deep/store.md")
        ears.catch_up(source)
        assert {path for path in ears.noted if "mark" not in path} == {f"{source}/deep/store.md"}


def test_a_folder_that_is_hidden_no_more_is_noted_and_watched(source: Path, ears: Ears) -> None:
    """A folder filled under a hidden name, and renamed when it is complete."""
    shutil.copytree(source / "deep", source / ".deep")
    (source / ".deep").rename(source / "shown")
    assert ears.hears(source / "shown")
    (source / "shown/a.md").write_text("a")
    assert ears.hears(source / "shown/a.md")
    (source / "shown").rename(source / ".deep")
    ears.catch_up(source)
    ears.forget()
    (source / ".deep/a.md").write_text("b")
    ears.catch_up(source)
    assert not [path for path in ears.noted if "mark" not in path]


@pytest.mark.parametrize("poll", [Poll.no, Poll.yes])
def test_a_linked_folder_is_not_followed(source: Path, poll: Poll) -> None:
    """What happens behind a link to a folder is none of ours, and a loop is no trap."""
    outside = source.parent / "outside"
    (source / "linked").symlink_to(outside)
    (source / "deep/loop").symlink_to(source)
    with listening(source, poll=poll) as ears:
        (source / "later").symlink_to(outside)
        assert ears.hears(source / "later")
        (outside / "new.md").write_text("newer")
        ears.catch_up(source)
        assert {path for path in ears.noted if "mark" not in path} == {f"{source}/later"}


@pytest.mark.parametrize("poll", [Poll.no, Poll.yes])
def test_a_source_that_is_a_link_is_watched_by_its_own_path(source: Path, poll: Poll) -> None:
    """Paths come back as the source was configured, whatever it points to."""
    linked = source.parent / "linked"
    linked.symlink_to(source)
    with listening(linked, skip=[source / "public"], poll=poll) as ears:
        (source / "public").mkdir()
        (source / "deep/old.md").write_text("newer")
        assert ears.hears(linked / "deep/old.md")
        ears.catch_up(linked)
        assert {path for path in ears.noted if "mark" not in path} == {f"{linked}/deep/old.md"}


def test_sources_inside_each_other_are_noted_each_by_its_own_path(source: Path) -> None:
    """A path below two sources is told once for each, and one that two links lead to by both names."""
    other = source.parent / "other"
    other.symlink_to(source)
    with listening(source, source / "deep", other) as ears:
        (source / "deep/a.md").write_text("a")
        assert ears.hears(source / "deep/a.md", other / "deep/a.md")


def deep(folder: Path) -> Path:
    """A folder with folders in folders, and files in all of them."""
    for number in range(20):
        inner = folder / "/".join(f"{number}{level}" for level in "abcd")
        inner.mkdir(parents=True)
        for above in (inner, *inner.parents[:3]):
            (above / "a.md").write_text("a")
    return folder


def is_moved_in(folder: Path, to: Path) -> None:
    folder.rename(to)


def is_copied(folder: Path, to: Path) -> None:
    shutil.copytree(folder, to)


def is_moved_in_twice(folder: Path, to: Path) -> None:
    folder.rename(to)
    to.rename(to.with_name("between"))
    to.with_name("between").rename(to)


def is_moved_in_out_and_in(folder: Path, to: Path) -> None:
    folder.rename(to)
    to.rename(folder)
    folder.rename(to)


def is_copied_and_renamed(folder: Path, to: Path) -> None:
    shutil.copytree(folder, to.with_name("copy"))
    to.with_name("copy").rename(to)


@pytest.mark.parametrize("poll", [Poll.no, Poll.yes])
@pytest.mark.parametrize(
    "arrives",
    [is_moved_in, is_copied, is_moved_in_twice, is_moved_in_out_and_in, is_copied_and_renamed],
    ids=lambda arrives: arrives.__name__,
)
def test_no_file_of_a_folder_that_arrives_is_missed(
    source: Path, poll: Poll, arrives: Callable[[Path, Path], None]
) -> None:
    """Each file is noted, or a folder above it, which is looked at whole; and what happens to it later is, too."""
    folder = deep(source.parent / "outside/folder")
    to = source / "deep/folder"
    with listening(source, poll=poll) as ears:
        arrives(folder, to)
        assert ears.covers(*within(to))
        ears.catch_up(source)
        ears.forget()
        for file in within(to):
            file.write_text("changed")
        assert ears.hears(*within(to))


def test_no_file_of_a_big_copy_is_missed(source: Path, ears: Ears) -> None:
    """400 files, of which watchdog's own events show a part."""
    many = source.parent / "outside/many"
    many.mkdir()
    for number in range(400):
        (many / f"{number}.md").write_text("a")
    shutil.copytree(many, source / "many")
    assert ears.covers(*within(source / "many"))


def test_no_file_is_missed_while_folders_are_made_as_fast_as_can_be(source: Path, ears: Ears) -> None:
    """A file that is there before its folder is watched: the folder is noted after it was."""
    for number in range(300):
        folder = source / f"{number}/a/b"
        folder.mkdir(parents=True)
        (folder / "a.md").write_text("a")
    assert ears.covers(*(source / f"{number}/a/b/a.md" for number in range(300)))
    ears.catch_up(source)
    ears.forget()
    for number in range(300):
        (source / f"{number}/a/b/b.md").write_text("b")
    assert ears.hears(*(source / f"{number}/a/b/b.md" for number in range(300)))
    ears.catch_up(source)
    ears.forget()
    for number in range(300):
        (source / f"{number}/a/b/b.md").chmod(0o600)
    ears.catch_up(source)
    assert len([path for path in ears.noted if "mark" not in path]) == 300  # each folder is watched once


def test_what_happens_in_a_folder_that_went_out_is_not_noted(source: Path, ears: Ears) -> None:
    """A folder that was moved away is none of ours, whatever takes its place."""
    gone = source.parent / "outside/deep"
    (source / "deep").rename(gone)
    (source / "deep").mkdir()
    ears.catch_up(source)
    watched = ears.watcher.health.folders
    ears.forget()
    (gone / "old.md").write_text("newer")
    shutil.rmtree(gone)
    (source / "deep").rmdir()
    (source / "deep").mkdir()
    (source / "deep/a.md").write_text("a")
    assert ears.covers(source / "deep/a.md")
    ears.catch_up(source)
    assert f"{source}/deep/old.md" not in ears.noted
    assert ears.watcher.health.folders == watched == 2
    assert ears.doubts == []


def test_no_watches_are_left_of_folders_that_are_gone(source: Path, ears: Ears) -> None:
    """A daemon that runs for months doesn't use up the kernel's watches."""
    for number in range(10):
        deep(source / "busy")
        (source / "busy").rename(source / f"{number}")
        shutil.rmtree(source / f"{number}")
    ears.catch_up(source)
    assert ears.watcher.health.folders == 2


@pytest.mark.parametrize("seed", range(4))
def test_every_folder_is_watched_by_its_path_whatever_it_went_through(source: Path, ears: Ears, seed: int) -> None:
    """Folders made, renamed, hidden, shown, moved out and in, deleted, as fast as can be: none is lost or left over."""
    chance = random.Random(seed)
    outside = source.parent / "outside"
    for number in range(400):
        inside = [source, *sorted(path for path in source.rglob("*") if path.is_dir())]
        folder = chance.choice(inside)
        what = chance.choice(["make", "make", "make", "fill", "rename", "out", "in", "hide", "delete"])
        if what == "make":
            (folder / f"{number}/a").mkdir(parents=True)
        elif what == "fill":
            (folder / f"{number}.md").touch()
        elif what == "in":
            came = sorted(path for path in outside.iterdir() if path.is_dir())
            if came:
                chance.choice(came).rename(folder / f"{number}")
        elif folder != source:
            if what == "delete":
                shutil.rmtree(folder)
            elif what == "out":
                folder.rename(outside / f"{number}")
            elif what == "hide":
                folder.rename(folder.with_name(f".{number}"))
            else:
                others = [path for path in inside if path != folder and folder not in path.parents]
                with suppress(OSError):  # there is a folder of that name, and it isn't empty
                    folder.rename(chance.choice(others) / chance.choice(["same", f"{number}"]))
    ears.catch_up(source)
    shown = [path for path in (source, *source.rglob("*")) if path.is_dir() and "/." not in str(path)]
    assert ears.watcher.health.folders == len(shown)
    for folder in shown:
        (folder / "last.md").touch()
    assert ears.hears(*(folder / "last.md" for folder in shown))
    assert ears.doubts == []


def test_a_change_is_noted_at_once_whatever_came_before(source: Path, ears: Ears) -> None:
    """Nothing waits for the other half of a rename, which may never come."""

    def seconds(number: int) -> float:
        (source / f"out{number}.md").write_text("a")
        (source / f"draft{number}").write_text("a")
        ears.catch_up(source)
        start = time.monotonic()
        (source / f"out{number}.md").rename(source.parent / f"outside/{number}.md")
        (source / f"draft{number}").rename(source / f"{number}.md")
        assert ears.hears(source / f"{number}.md")
        return time.monotonic() - start

    assert min(map(seconds, range(5))) < 0.1


def test_a_folder_that_was_closed_is_watched_when_it_opens(tmp_path: Path) -> None:
    """A folder that can't be read keeps nobody from watching the others, and is taken up when it can be."""

    def work() -> None:
        source = Path("articles")
        (source / "closed").mkdir(parents=True)
        (source / "open").mkdir()
        (source / "closed").chmod(0)
        with listening(source) as ears:
            assert ears.watcher.health.healthy
            (source / "open/a.md").write_text("a")
            assert ears.hears("articles/open/a.md")
            (source / "closed").chmod(0o700)
            ears.catch_up(source)
            assert "articles/closed" in ears.noted
            (source / "closed/a.md").write_text("a")
            assert ears.hears("articles/closed/a.md")
        source.chmod(0)
        with listening(source) as ears:
            assert ears.watcher.health.trouble == "articles can't be watched: Permission denied"
            source.chmod(0o700)
            ears.watcher.check()
            assert ears.watcher.health.healthy

    tmp_path.chmod(0o777)
    assert as_nobody(tmp_path, work) == 0


def test_who_only_walks_does_not_wait_for_watchdog() -> None:
    """A single run doesn't pay for what only the daemon needs."""
    program = "import sys, aggregator.watcher; sys.exit('watchdog' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
