"""The benchmark runs, small and without Hugo, so that it doesn't rot."""

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parent.parent
AGGREGATOR = Path(sys.executable).with_name("aggregator")


def python(*arguments: str) -> str:
    """The standard output of Python with these arguments, run in the checkout."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ).stdout


def corpus(folder: Path, seed: int) -> dict[str, bytes]:
    """Forty made-up documents by relative path."""
    python("-m", "benchmarks.corpus", str(folder), "--documents", "40", "--topics", "8", "--seed", str(seed))
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.md")}


def test_corpus_depends_on_its_seed_alone(tmp_path: Path) -> None:
    """The same seed gives the same bytes, another one others."""
    first = corpus(tmp_path / "a", 1)
    assert len(first) == 40
    assert first == corpus(tmp_path / "b", 1)
    assert first.keys() != corpus(tmp_path / "c", 2).keys()


def test_plain_script_writes_both_formats(tmp_path: Path) -> None:
    """The peer does the work that it is measured for: forty entries in both formats."""
    corpus(tmp_path / "articles", 1)
    python("benchmarks/plain.py", str(tmp_path / "articles"), str(tmp_path / "public"))
    for name, entry in (("rss.xml", "item"), ("atom.xml", "{http://www.w3.org/2005/Atom}entry")):
        feed = ElementTree.parse(tmp_path / "public" / "all" / name)
        assert len(list(feed.iter(entry))) == 40


def test_the_daemons_benchmark_measures_changes_and_a_burst(tmp_path: Path) -> None:
    """All of the burst is published in the end, and it says how long that took."""
    size = ("--documents", "40", "--topics", "8", "--changes", "3", "--burst", "60")
    report = json.loads(python("-m", "benchmarks.daemon", *size, "--workdir", str(tmp_path)))
    assert report["burst"]["documents"] == 60
    assert report["burst"]["seconds"] > 0
    assert "own/89" in (tmp_path / "public/all/atom.xml").read_text(encoding="utf-8")


def test_benchmark_measures_every_scenario(tmp_path: Path) -> None:
    """One small round: all scenarios, and the program reads what it should."""
    if not AGGREGATOR.exists():
        reason = f"{AGGREGATOR} is not installed"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    size = ("--documents", "40", "--topics", "8", "--runs", "1")
    report = json.loads(
        python("-m", "benchmarks", *size, "--workdir", str(tmp_path / "w"), "--hugo", "no-such-hugo", "--json")
    )
    assert report["figures"].keys() == {"first run", "nothing changed", "one changed"}
    for programs in report["figures"].values():
        assert programs.keys() == {"aggregator", "archives", "everything", "plain"}
        assert all(figure["median"] > 0 for measures in programs.values() for figure in measures.values())
    assert report["said"]["first run"]["documents"]["read"] == 40
    assert report["said"]["nothing changed"]["feeds"]["written"] == 0
    assert report["said"]["one changed"]["documents"]["read"] >= 1
    assert report["output"]["everything"]["files"] > 3 * report["output"]["aggregator"]["files"] > 0
    assert report["help"]["median"] > 0
