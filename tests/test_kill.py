"""Nothing is lost and nothing is torn, whenever the power goes."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from lxml import etree

from aggregator.errors import Locked
from tests.world import EVERY_FORMAT, World, files

KILLS = int(os.environ.get("AGGREGATOR_KILLS", "200"))


def first_documents(world: World) -> None:
    """Twenty documents that share topics, coverage and some articles."""
    for number in range(20):
        world.document(
            f"d{number}",
            webUrl=f"https://news.example/{number - number % 7 % 2}",
            topics=["AI", f"Topic {number % 4}"],
            quality=number,
            related=[{"title": f"Also {number}", "webUrl": f"https://news.example/{(number * 3) % 25}"}],
        )


def documents_change(world: World) -> None:
    """An edit, a rename, a deletion, an addition, a withdrawal, and a new configuration."""
    world.document("d1", title="Edited", topics=["AI", "Topic 9"])
    (world.articles / "d2.md").rename(world.articles / "moved.md")
    (world.articles / "d3.md").unlink()
    world.document("new", topics=["New", "Topic 1"])
    world.document("d4", webUrl="https://news.example/4", removed="yes")
    world.options["title"] = "Another title"
    world.now += timedelta(days=1)


def run_and_kill(world: World, after: float) -> bool:
    """Run in a child, kill it after some seconds; whether it was killed before its end."""
    child = os.fork()
    if not child:
        try:
            world.regenerate(processes=2)
        finally:
            os._exit(0)
    time.sleep(after)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def regenerate_when_free(world: World) -> None:
    """The next run; a killed one's workers may hold the lock for a moment."""
    for _ in range(200):
        try:
            world.regenerate()
        except Locked:
            time.sleep(0.01)
        else:
            return
    raise AssertionError("the lock of a killed run was never freed")


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("beginning", ["empty", "published"])
def test_a_run_killed_at_any_instant_is_finished_by_the_next(tmp_path: Path, beginning: str) -> None:
    """After kill -9 every file is whole, the old or the new one; the next run gives the tree of a run never killed."""
    before = World(tmp_path / "before")
    before.options |= EVERY_FORMAT
    first_documents(before)
    if beginning == "published":
        before.regenerate()
        documents_change(before)
    old = before.tree() if before.output.exists() else {}

    def copy(name: str) -> World:
        shutil.rmtree(tmp_path / name, ignore_errors=True)
        world = World(tmp_path / name)
        shutil.rmtree(world.root)
        shutil.copytree(before.root, world.root)
        world.options, world.now = before.options, before.now
        return world

    never_killed = copy("never")
    begin = time.monotonic()
    never_killed.regenerate(processes=2)
    lasts = time.monotonic() - begin
    new = never_killed.tree()
    assert new != old

    chance = random.Random(20260301)
    killed = 0
    for _ in range(KILLS // 2):
        world = copy("killed")
        killed += run_and_kill(world, chance.uniform(0, lasts * 1.1))
        for path, data in files(world.output) if world.output.exists() else ():
            if not Path(path).name.startswith("."):  # what a reader can ask for
                assert data in (old.get(path), new.get(path))
                if path.endswith((".xml", ".opml")):
                    etree.fromstring(data)
        regenerate_when_free(world)
        assert world.tree() == new
    assert killed > KILLS // 8, "too few runs were still under way when the signal came"


def test_workers_end_with_a_killed_parent(tmp_path: Path) -> None:
    """A worker never outlives the run that started it."""
    script = (
        "import os, time\nfrom aggregator.workers import Limits, Lot, Workers\n"
        "def nap(_):\n    os.write(1, b'%d\\n' % os.getpid()); time.sleep(60)\ndef work(_):\n    return nap\n"
        "lots = [Lot([number], None, Limits(60, 1 << 30)) for number in range(2)]\n"
        "with Workers(2) as workers:\n    list(workers.stream(work, lots, None, small=False))\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        try:
            workers = [int(parent.stdout.readline()) for _ in range(2)]
        finally:
            parent.kill()
        assert parent.wait() == -signal.SIGKILL
        deadline = time.monotonic() + 10
        while any(alive(worker) for worker in workers):
            assert time.monotonic() < deadline, "a worker outlived its parent"
            time.sleep(0.01)


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie doesn't)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
