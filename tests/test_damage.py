"""A damaged ledger is told as that, with the advice that helps, or does no harm."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from aggregator import pipeline
from aggregator.errors import LedgerCorrupt
from aggregator.store import LEDGER_FILE, Ledger, back_up
from tests.site import Site
from tests.world import day

PAGE = 4096
CASES = int(os.environ.get("AGGREGATOR_DAMAGES", "200"))
# One damage in several hundred goes unnoticed: it puts a page in the place of a table's page that could be there. Only
# checksums of our own would tell. These are fixed, and have none of that kind.
SEED = int(os.environ.get("AGGREGATOR_SEED", "20261127"))


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A published site with a past, and a ledger of many pages."""
    site = Site(tmp_path_factory.mktemp("lived") / "site")
    for number in range(120):
        topics = ["AI", f"Topic {number % 11}"]
        site.document(f"d{number}", webUrl=f"https://news.example/{number}/{'x' * 60}", topics=topics)
    site.regenerate()
    for number in range(0, 60, 7):
        (site.articles / f"d{number}.md").unlink()
    for number in range(60, 80):  # their ids are no longer those of their URLs
        topics = ["AI", f"Topic {number % 11}"]
        site.document(f"d{number}", webUrl=f"https://news.example/moved/{number}", topics=topics)
    site.now = day(101)
    site.regenerate()
    for number in range(0, 60, 14):
        site.document(f"d{number}", webUrl=f"https://news.example/{number}/{'x' * 60}", topics=["AI"])
    site.now = day(102)
    site.regenerate()
    with closing(sqlite3.connect(site.store / LEDGER_FILE)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    site.now = day(103)
    return site


def damages(data: bytes) -> Iterator[bytes]:
    """The bytes of a ledger with something wrong: blocks overwritten, pages copied over others, ends cut off."""
    choose = Random(SEED)
    pages = len(data) // PAGE
    for number in range(CASES):
        length = choose.choice((16, 64, 256, 1024, PAGE))
        start = choose.randrange(len(data) - length)
        if number % 8 == 7:
            yield data[: choose.choice((0, start, start // PAGE * PAGE))]
            continue
        if length == PAGE:
            start = start // PAGE * PAGE
        other = choose.randrange(pages) * PAGE
        block = {0: bytes(length), 1: choose.randbytes(length), 2: data[other : other + length]}[number % 3]
        yield data[:start] + block + data[start + length :]


def outcome(work: Callable[[], object]) -> str:
    """`corrupt` where the ledger is told to be damaged, with advice; "" where all went well."""
    try:
        work()
    except LedgerCorrupt as error:
        return "corrupt" if "aggregator ledger restore FILE" in str(error) else str(error)
    return ""


@pytest.mark.timeout(1200)
def test_damage_is_told_or_does_no_harm(lived: Site, tmp_path: Path) -> None:
    """Many damages: whoever reads the ledger says that it is damaged, or says and does what it would have."""
    site = Site(tmp_path / "site")
    shutil.copytree(lived.root, site.root, dirs_exist_ok=True)
    site.now = lived.now
    site.regenerate(adopt=True)  # the output folder names the store by its place
    plan = site.plan()
    sound = (lived.store / LEDGER_FILE).read_bytes()
    ids, listed = site.ids(), pipeline.listing(plan)
    ended: dict[str, int] = {}
    for number, data in enumerate(damages(sound)):
        shutil.rmtree(site.store)
        shutil.copytree(lived.store, site.store)
        (site.store / LEDGER_FILE).write_bytes(data)

        def asked() -> None:
            assert len(pipeline.listing(plan)) == len(listed)
            pipeline.explain(plan, "https://news.example/moved/61")

        def kept() -> None:
            with closing(Ledger(site.store, dry=True)) as ledger:
                if ledger.sound():
                    list(back_up(ledger))

        try:
            told = [outcome(kept)]
            if not told[0] or number % 10 == 0:  # one that can't be opened is the same for all
                told += outcome(asked), outcome(site.regenerate)
                assert site.ids() == ids
        except BaseException as error:
            raise AssertionError(f"damage {number}") from error
        for word in told:
            ended[word] = ended.get(word, 0) + 1
    assert ended.keys() == {"corrupt", ""}
    assert ended["corrupt"] > CASES // 2


@pytest.mark.parametrize("command", ["regenerate", "explain articles/d1.md", "feeds", "ledger backup kept"])
def test_any_command_says_what_to_do(lived: Site, tmp_path: Path, command: str) -> None:
    """Exit status 3, one line, no word of a bug; an older backup stays."""
    site = Site(tmp_path / "site")
    shutil.copytree(lived.root, site.root, dirs_exist_ok=True)
    site.configure()
    site.run()
    (site.root / "kept").write_text("an older backup")
    with closing(sqlite3.connect(site.store / LEDGER_FILE)) as database:
        database.execute("UPDATE feed SET shown = x'ff', spelled = x'fe'")
        database.execute("UPDATE file SET topic = x'ff00'")
        database.commit()
    site.document("new")
    done = site.run(command=command)
    assert done.status == 3
    assert "the ledger is damaged" in done.err
    assert "bug" not in done.err
    assert (site.root / "kept").read_text() == "an older backup"


def test_an_emptied_ledger_is_no_new_one(lived: Site, tmp_path: Path) -> None:
    """Beside an index there was one."""
    store = tmp_path / "store"
    shutil.copytree(lived.store, store)
    (store / LEDGER_FILE).write_bytes(b"")
    with pytest.raises(LedgerCorrupt):
        Ledger(store)
