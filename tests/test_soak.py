"""Thousands of changes while the daemon runs, is killed and is started again: in the end nothing shows of it."""

from __future__ import annotations

import os
import random
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.daemons import Daemon
from tests.site import Site
from tests.world import EVERY_FORMAT, day

CHANGES = int(os.environ.get("AGGREGATOR_SOAK", "1200"))
TOPICS = ("AI", "Rain", "Sea", "Ships", "Small Models")


class Soak:
    """A site whose documents change at random; `seed` decides on all of it but how far the daemon is meanwhile."""

    def __init__(self, site: Site, seed: int) -> None:
        self.site = site
        self.random = random.Random(seed)
        self.number = 0
        self.changes: tuple[tuple[Callable[[], None], int], ...] = (
            (self.a_document_comes, 8),
            (self.a_document_is_edited, 10),
            (self.a_document_is_renamed_in_place_of_the_old, 4),
            (self.a_document_is_renamed, 4),
            (self.a_document_is_copied, 2),
            (self.a_document_goes, 5),
            (self.a_document_breaks, 2),
            (self.a_folder_moves, 1),
            (self.a_folder_comes, 1),
            (self.a_document_is_touched, 1),
        )

    def documents(self) -> list[Path]:
        return sorted(self.site.articles.rglob("*.md"))

    def any_document(self) -> Path:
        return self.random.choice(self.documents())

    def some_name(self) -> str:
        self.number += 1
        return f"{self.random.choice(('', 'one/', 'one/two/', 'three/'))}{self.number}"

    def write(self, name: str) -> Path:
        """A document about one of some articles, which lists others as related."""
        chosen = self.random
        urls = [f"https://news.example/{number}" for number in chosen.choices(range(150), k=3)]
        return self.site.document(
            name,
            title=f"Title {chosen.randrange(1000)}",
            webUrl=urls[0],
            topics=chosen.sample(TOPICS, chosen.randrange(3)),
            publishedDateTime=day(chosen.randrange(200)),
            related=[{"title": "Listed", "webUrl": url} for url in urls[1:]],
        )

    def a_document_comes(self) -> None:
        self.write(self.some_name())

    def a_document_is_edited(self) -> None:
        self.write(str(self.any_document().relative_to(self.site.articles).with_suffix("")))

    def a_document_is_renamed_in_place_of_the_old(self) -> None:
        target = self.any_document()
        part = self.write("../part")
        part.rename(target)

    def a_document_is_renamed(self) -> None:
        target = self.site.articles / f"{self.some_name()}.md"
        target.parent.mkdir(parents=True, exist_ok=True)
        self.any_document().rename(target)

    def a_document_is_copied(self) -> None:
        target = self.site.articles / f"{self.some_name()}.md"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.any_document(), target)

    def a_document_goes(self) -> None:
        """Or some, where there are many: the site doesn't grow for ever."""
        there = self.documents()
        for path in self.random.sample(there, max(1, (len(there) - 150) // 10) if len(there) > 40 else 0):
            path.unlink()

    def a_document_breaks(self) -> None:
        self.any_document().write_text("---\ntitle: [\n---\n")

    def a_folder_moves(self) -> None:
        source = self.site.articles / self.random.choice(("one", "one/two", "three"))
        self.number += 1
        if source.exists():
            source.rename(self.site.articles / f"moved-{self.number}")

    def a_folder_comes(self) -> None:
        self.number += 1
        for part in range(4):
            self.write(f"../outside/deep/{self.number}-{part}")
        shutil.move(self.site.root / "outside", self.site.articles / f"came-{self.number}")

    def a_document_is_touched(self) -> None:
        os.utime(self.any_document())

    def some_changes(self) -> int:
        """Make some of them, close together; how many."""
        count = self.random.choice((1, 1, 2, 5, 20))
        moves, weights = zip(*self.changes, strict=True)
        for change in self.random.choices(moves, weights, k=count):
            change()
        return count


@pytest.mark.timeout(3600)
def test_whatever_happened_the_tree_is_what_a_rebuild_gives(site: Site) -> None:
    """With the same ledger, byte for byte."""
    seed = int(os.environ.get("AGGREGATOR_SEED", "7"))
    soak = Soak(site, seed)
    for _ in range(60):
        soak.a_document_comes()
    site.options |= EVERY_FORMAT
    output = {"path": "public", "formats": [*EVERY_FORMAT["formats"]], "compress": "yes"}
    site.configure(watch={"settle": "50ms", "longest_wait": "300ms", "reconcile": "1h"}, output=output)
    daemon = Daemon(site)
    done = kills = 0
    with daemon:
        while done < CHANGES:
            done += soak.some_changes()
            time.sleep(soak.random.choice((0, 0, 0.02, 0.1, 0.3)))  # the daemon is to be met at all it does
            if soak.random.random() < 0.06:
                kills += 1
                daemon.kill()
                done += soak.some_changes()
                daemon.begin()
                if soak.random.random() < 0.7:
                    daemon.wait(lambda status: status["reconcile"], "the first reconcile")
        daemon.wait(lambda status: status["reconcile"], "the first reconcile")
        daemon.settled()
        assert not daemon.logged("trouble")
        assert "Traceback" not in daemon.log()
    site.now = datetime.now(UTC)
    tree = site.tree()
    assert kills > 5
    assert tree == site.rebuilt(), f"AGGREGATOR_SEED={seed}"
    assert site.result()["feeds"]["written"] == 0
    parts = [path for path in site.output.rglob(".*") if path.name != ".aggregator"]
    assert parts == []


@pytest.mark.timeout(3600)
def test_it_holds_no_more_after_many_changes_than_after_few(site: Site) -> None:
    """Neither descriptors nor threads, but for a handful; memory as far as it goes by noise."""
    few, many = max(200, CHANGES // 10), max(800, CHANGES)
    soak = Soak(site, 11)
    for _ in range(60):
        soak.a_document_comes()
    site.configure(watch={"settle": "10ms", "longest_wait": "100ms", "reconcile": "1s"})
    with Daemon(site) as daemon:
        # The timers' second thread comes with the first of them that rings.
        daemon.wait(lambda _: daemon.logged("reason=reconcile"), "a reconcile")
        done, held = 0, []
        for goal in (few, many):
            while done < goal:
                done += soak.some_changes()
                daemon.wait(lambda status: status["state"] == "idle" and not status["queue"], "peace")
            daemon.settled()
            held.append(held_by(daemon.pid))
    (descriptors, threads, memory), after = held
    # A few come when they are first needed (SQLite's temporary file and its journal); one lost in each batch would be
    # hundreds by now.
    assert after[0] <= descriptors + 4
    assert after[1] <= threads + 1
    assert after[2] < memory * 1.25 + 8000


def held_by(pid: int) -> tuple[int, int, int]:
    """The descriptors, threads and resident KiB of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    fields = {name: rest for name, _, rest in (line.partition(":") for line in lines)}
    return len(list(Path(f"/proc/{pid}/fd").iterdir())), int(fields["Threads"]), int(fields["VmRSS"].split()[0])
