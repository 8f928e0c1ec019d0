"""The examples, as `make demo` publishes them: what their README says of them is what comes out."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import feedparser
import pytest

from tests.readers import assert_grammar, faults
from tests.site import Done, Site

PROJECT = Path(__file__).parents[1]
NOW = "2026-11-01T00:00:00Z"  # when the examples were written


class Demo(Site):
    """A copy of the examples with their configuration, published by the command."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        shutil.copytree(PROJECT / "examples", root / "examples")
        shutil.copytree(PROJECT / "config", root / "config")
        self.articles = root / "examples/articles"

    def publish(self, *arguments: str, at: str = NOW) -> Done:
        return self.run("-c", "config/example.yaml", "--at", at, *arguments)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """The published examples; not to be changed."""
    demo = Demo(tmp_path_factory.mktemp("demo"))
    done = demo.publish()
    assert done.status == 0
    return demo


def entries(demo: Demo, form: str = "atom") -> list[dict[str, Any]]:
    parsed = feedparser.parse((demo.output / "all" / f"{form}.xml").read_bytes())
    return list(parsed.entries)


def test_all_examples_are_read_with_one_deliberate_warning(tmp_path: Path) -> None:
    """42 documents and a README; what is told is what the README says is wrong."""
    done = Demo(tmp_path).publish("--json")
    assert done.status == 0
    assert done.err == (
        "examples/articles/news/2025-12-03-a-password-is-a-poem.md:11:10: warning: `quality`: "
        '"high", expected a whole number\n'
    )
    found = json.loads(done.out)
    assert found["documents"] == {"read": 42, "unchanged": 0, "failed": 0, "skipped": 1, "gone": 0}
    assert found["articles"] == 40
    assert found["feeds"]["failed"] == 0
    assert found["feeds"]["written"] == len([path for path in (tmp_path / "public").rglob("[!.]*") if path.is_file()])
    assert len(found["problems"]) == 1


def test_each_topic_has_a_folder(demo: Demo) -> None:
    """Also those that are no words, or in no Latin script."""
    folders = {path.name for path in (demo.output / "topics").iterdir()}
    assert folders >= {"cplusplus", "csharp", "dotnet", "ai-and-society", "機械学習", "हिन्दी"}
    assert not any("%" in name or name.startswith(".") for name in folders)
    assert len(folders) >= 20
    assert {"atom.xml", "feed.json", "index.html", "rss.xml"} == {
        path.name for path in (demo.output / "topics/cplusplus").iterdir()
    }


def test_everything_that_is_an_entry_is_in_the_feed_of_all(demo: Demo) -> None:
    """40 articles, less one hidden, one removed and one that is to come; newest first."""
    found = entries(demo)
    assert len(found) == 37
    instants = [entry["published_parsed"] for entry in found]
    assert instants == sorted(instants, reverse=True)


def test_two_documents_of_one_article_are_one_entry(demo: Demo) -> None:
    """By one URL, or by its AMP address and date."""
    titles = [entry["title"] for entry in entries(demo)]
    assert "Tide kites off Port Merrow pass their first winter" in titles
    assert "Port Merrow's underwater kites survive the winter" not in titles
    assert "Wren, a language model small enough for a ferry office" in titles
    assert "Meet Wren, the ferry office's modest machine" not in titles
    links = [entry["link"] for entry in entries(demo)]
    assert len(links) == len(set(links))


def test_hidden_is_only_coverage_and_removed_is_not_even_that(demo: Demo) -> None:
    """What is unpublished is shown with Pip's story; what is withdrawn, or to come, is nowhere."""
    found = {entry["title"]: entry.get("content", [{"value": ""}])[0]["value"] for entry in entries(demo)}
    assert not [title for title in found if title.startswith("Seed by seed")]
    assert "Seed by seed: a first look" in found["Pip, the warehouse robot that learned to let go"]
    for data in demo.tree().values():
        assert b"bicycle that folds" not in data
        assert b"Open the time capsule" not in data


def test_what_is_held_back_appears_on_its_day(tmp_path: Path) -> None:
    """The time capsule opens in 2031."""
    demo = Demo(tmp_path)
    assert demo.publish(at="2031-01-02").status == 0
    assert entries(demo)[0]["title"].startswith("Open the time capsule")
    assert len(entries(demo)) == 38


def test_no_secret_is_in_what_comes_out(demo: Demo) -> None:
    """The stand-in for an encrypted blob is in the documents, and in no other file."""
    where = [path for path in demo.root.rglob("*") if path.is_file() and b"bm90IGEgc2VjcmV0" in path.read_bytes()]
    assert where
    assert {path.relative_to(demo.root).parts[0] for path in where} == {"examples"}


def test_feed_readers_find_nothing_odd(demo: Demo) -> None:
    """Every file is XML without a fault, in both formats the same."""
    assert list(faults(demo.output)) == []


def test_atom_files_obey_their_grammar(demo: Demo) -> None:
    """RFC 4287, appendix B."""
    assert_grammar(demo.output)


def test_a_second_run_writes_nothing(demo: Demo) -> None:
    """And a check finds nothing to write."""
    done = demo.publish("--check")
    assert (done.status, done.out) == (0, "")


def test_the_readme_names_files_that_are_there() -> None:
    """Each path in the table of examples/articles/README.md leads to a document or a folder of them."""
    text = (PROJECT / "examples/articles/README.md").read_text(encoding="utf-8")
    paths = [path for row in re.findall(r"(?m)^\| (`.*?) \|", text) for path in re.findall(r"`([^`]+)`", row)]
    assert len(paths) > 15
    assert [path for path in paths if not (PROJECT / "examples/articles" / path).exists()] == []
