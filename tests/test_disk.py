"""A full disk loses nothing, tears nothing, and is told."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from lxml import etree

from tests.programs import small_disk
from tests.site import Site

SIZE = 8 << 20


def documents_begin(site: Site) -> None:
    for number in range(40):
        site.document(f"d{number}", f"Body {number}. " * 500, topics=["AI", f"T{number % 6}"])


def documents_change(site: Site) -> None:
    for number in range(0, 40, 2):
        site.document(
            f"d{number}", f"New {number}. " * 700, topics=["AI", f"T{number % 5}", "New"], title=f"New {number}"
        )
    (site.articles / "d1.md").unlink()


@contextmanager
def filled(disk: Path, leave: int) -> Iterator[None]:
    """A disk with that many bytes left."""
    facts = os.statvfs(disk)
    ballast = disk / "ballast"
    ballast.write_bytes(bytes(max(0, facts.f_bavail * facts.f_bsize - leave)))
    try:
        yield
    finally:
        ballast.unlink()


def whole(site: Site) -> dict[str, bytes]:
    """The feeds, each of which is whole."""
    found = {path: data for path, data in site.tree().items() if path != "ballast"}
    for data in found.values():
        etree.fromstring(data)
    return found


@pytest.mark.parametrize("beginning", ["empty", "published"])
@pytest.mark.parametrize("leave", [0, 40, 200], ids="{}KiB".format)
@pytest.mark.parametrize("full", ["store", "output"])
def test_a_full_disk_is_told_and_the_next_run_completes(tmp_path: Path, full: str, leave: int, beginning: str) -> None:
    """Each feed is the old one or the new one; once there is room, all are as if there always had been."""
    site, twin = Site(tmp_path / "site"), Site(tmp_path / "twin")
    documents_begin(site)
    disk = {"store": site.store, "output": site.output}[full]
    with small_disk(disk, SIZE):
        old: dict[str, bytes] = {}
        if beginning == "published":
            site.regenerate()
            old = whole(site)
            documents_change(site)
        shutil.copytree(site.root, twin.root, dirs_exist_ok=True)
        twin.regenerate()
        new = whole(twin)
        with filled(disk, leave << 10):
            done = site.run("--at", site.now.isoformat())
            assert done.status in (1, 3)
            assert re.search("No space left|disk is full|disk I/O error", done.err)
            found = whole(site)
            found.pop("feeds.opml", None)  # which lists the feeds that are out, be they as many as there was room for
            assert all(data in (old.get(path), new.get(path)) for path, data in found.items())
            assert old.keys() & new.keys() <= {*found, "feeds.opml"}
        report = site.regenerate()
        assert report.healthy
        assert whole(site) == new
        assert site.regenerate().changes == ()


def test_a_backup_that_does_not_fit_leaves_the_older_one(tmp_path: Path) -> None:
    """An older backup is worth more than half a new one."""
    site = Site(tmp_path / "site")
    documents_begin(site)
    site.regenerate()
    with small_disk(site.root / "backups", SIZE):
        backup = site.root / "backups/ledger.jsonl"
        backup.write_text("an older backup\n")
        with filled(backup.parent, 8 << 10):
            done = site.run(str(backup), command="ledger backup")
            assert (done.status, done.out) == (3, "")
            assert "No space left on device" in done.err
            assert sorted(path.name for path in backup.parent.iterdir()) == ["ballast", "ledger.jsonl"]
            assert backup.read_text() == "an older backup\n"
