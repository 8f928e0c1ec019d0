"""`aggregator` as people and scripts meet it: a process with arguments, streams and an exit status."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from aggregator import publish
from tests.site import COMMAND, Site, environment

BROKEN = "---\ntitle: [\n---\n"


# What it says


def test_results_go_to_stdout_and_messages_to_stderr(site: Site) -> None:
    """A run without trouble says what it did in two lines, and nothing else anywhere."""
    done = site.run()
    assert (done.status, done.err) == (0, "")
    documents, files = done.out.splitlines()
    assert documents == "1 document read, 0 unchanged: 1 article"
    assert files.startswith("5 feed files written, 0 unchanged, 0 removed, 0 failed, in ")
    assert site.titles("topics/ai") == ["About a"]


@pytest.mark.parametrize("command", ["--version", "feeds", "regenerate --check", "explain nowhere", "status"])
def test_the_module_is_the_command(site: Site, command: str) -> None:
    """`python -m aggregator` says and returns the same."""
    site.run()
    ended = [
        subprocess.run(
            [*start, *command.split()], cwd=site.root, env=environment(), capture_output=True, text=True, check=False
        )
        for start in ([COMMAND], [sys.executable, "-m", "aggregator"])
    ]
    texts = [re.sub(r"in [\d.]+ s\n", "", done.stdout + done.stderr) for done in ended]
    assert texts[0] == texts[1]
    assert ended[0].returncode == ended[1].returncode


def test_json_is_one_object_with_all_that_happened(site: Site) -> None:
    """The object has the keys of the interface, in their order, and says nothing twice."""
    site.text("é/b.md", BROKEN)
    site.text("README.md", "# Not a document\n")
    done = site.run("--json")
    assert done.status == 0
    found = json.loads(done.out)
    [problem] = found["problems"]
    assert found.pop("seconds") > 0
    assert list(problem) == ["path", "line", "column", "severity", "message"]
    assert found == {
        "documents": {"read": 1, "unchanged": 0, "failed": 1, "skipped": 1, "gone": 0},
        "articles": 1,
        "feeds": {"written": 5, "unchanged": 0, "removed": 0, "failed": 0},
        "problems": [problem],
    }
    assert done.err == "{path}:{line}:{column}: {severity}: {message}\n".format(**problem)


@pytest.mark.parametrize("place", [".", "articles/deep", "elsewhere"])
def test_a_problems_path_opens_from_the_working_directory(site: Site, place: str) -> None:
    """Whether it is told on stderr or in JSON, wherever the command is started."""
    broken = site.text("deep/b.md", BROKEN)
    (site.root / "elsewhere").mkdir()
    done = site.run("--json", "-c", str(site.config), cwd=site.root / place)
    told = re.fullmatch(r"(.+):(\d+):(\d+): error: .+\n", done.err)
    assert told
    assert (site.root / place / told[1]).samefile(broken)
    assert (int(told[2]), int(told[3])) == (3, 1)
    assert json.loads(done.out)["problems"][0]["path"] == told[1]


def test_a_dry_run_lists_the_files_and_nothing_else(site: Site) -> None:
    """Tab-separated, sorted, on stdout; how many they are goes to stderr."""
    feeds = [f"{name}/{form}.xml" for name in ("all", "topics/ai") for form in ("atom", "rss")]
    lines = [f"written\t{path}" for path in sorted([*feeds, "feeds.opml"])]
    done = site.run("--dry-run")
    assert (done.status, done.out.splitlines()) == (0, lines)
    assert "5 feed files would be written" in done.err
    assert not site.output.exists()
    assert not site.store.exists()


def test_one_feed_alone_is_published(site: Site) -> None:
    """The others follow with the next run."""
    assert site.result("--feed", "topics/ai")["feeds"]["written"] == 2
    assert set(site.tree()) == {"topics/ai/atom.xml", "topics/ai/rss.xml"}
    assert site.result()["feeds"]["written"] == 3


def test_at_replaces_the_clock(site: Site) -> None:
    """What is held back now is shown then."""
    site.document("b", publishedDateTime="2031-01-01T00:00:00Z")
    assert site.run("--at", "2030-12-31T23:59:59Z").status == 0
    assert site.titles() == ["About a"]
    assert site.run("--at", "2031-01-01").status == 0
    assert site.titles() == ["About b", "About a"]


# Exit statuses


def document_is_broken(site: Site) -> None:
    site.text("b.md", BROKEN)


def document_is_questionable(site: Site) -> None:
    site.document("a", quality="high")


def document_is_new(site: Site) -> None:
    site.document("b")


def source_is_missing(site: Site) -> None:
    site.articles.rename(site.root / "away")


def nothing_happens(site: Site) -> None:
    pass


def feed_is_blocked(site: Site) -> None:
    site.document("a", topics=["New"])
    (site.output / "topics/new").write_text("a file where a folder should be")


def key_is_unknown(site: Site) -> None:
    site.configure(feeds={"entires": 3})


def output_is_anothers(site: Site) -> None:
    site.configure(store={"path": "another"})


@pytest.mark.parametrize(
    ("status", "happens", "arguments", "told"),
    [
        (0, nothing_happens, "--check", ""),
        (0, nothing_happens, "--strict", ""),
        (0, document_is_broken, "", "^articles/b.md:3:1: error: "),
        (0, document_is_questionable, "", "^articles/a.md:7:10: warning: `quality`"),
        (0, document_is_new, "--dry-run", ""),
        (1, document_is_new, "--check", ""),
        (1, document_is_questionable, "--strict", ": warning: "),
        (1, source_is_missing, "", "(?m)^articles: error: .* missing"),
        (1, feed_is_blocked, "", "topics/new: error: it can't be written: "),
        (2, key_is_unknown, "", r"aggregator.yaml:2:3: error: .*feeds\.entires.*feeds\.entries"),
        (2, nothing_happens, "-c missing.yaml", "missing.yaml:.* error: can't be read"),
        (2, nothing_happens, "--feed topics/aj", "--feed topics/aj: no such feed; perhaps topics/ai?"),
        (2, nothing_happens, "--at yesterday", '--at: "yesterday" is no date'),
        (2, nothing_happens, "--at 2026-03-02", "--at 2026-03-02T00:00:00.*: the ledger remembers "),
        (2, nothing_happens, "--faster", "No such option"),
        (2, output_is_anothers, "", "belongs to the store "),
    ],
)
def test_the_exit_status_tells_what_to_do(
    published: Site, status: int, happens: Callable[[Site], None], arguments: str, told: str
) -> None:
    """0: nothing; 1: look after a source, a feed or a document; 2: mend the command line or the configuration."""
    happens(published)
    done = published.run(*arguments.split())
    assert done.status == status
    assert re.search(told, done.err) if told else "error" not in done.err
    assert status < 2 or not done.out


def test_a_run_is_refused_while_another_process_works(published: Site) -> None:
    """It says which, exits with 3, and changes nothing."""
    site = published
    site.document("b")
    identity = (site.output / ".aggregator").read_text().split()[0]
    with publish.claimed(site.output, site.store, identity):
        done = site.run()
        assert (done.status, done.out) == (3, "")
        assert f"aggregator: process {os.getpid()} is at work" in done.err
        assert site.titles() == ["About a"]
    assert site.run().status == 0


def test_an_unknown_feed_costs_nothing(site: Site) -> None:
    """What was read stays read, and is published by the next run."""
    assert site.run("--feed", "no/such").status == 2
    assert site.run().status == 0
    assert site.titles() == ["About a"]


# Where the configuration is


@pytest.mark.parametrize("place", ["aggregator.yaml", "config/aggregator.yaml"])
def test_the_configuration_is_found_in_its_usual_places(site: Site, place: str) -> None:
    """In the working directory or its folder `config`."""
    site.configure(
        sources=[{"path": str(site.articles)}], output={"path": str(site.output)}, store={"path": str(site.store)}
    )
    (site.root / "config").mkdir()
    site.config.rename(site.root / place)
    assert site.run().status == 0


def test_the_environment_names_a_configuration_and_the_option_goes_first(published: Site) -> None:
    """`-c` before `$AGGREGATOR_CONFIG` before any usual place."""
    empty = published.root / "empty"
    empty.mkdir()
    settings: dict[str, Any] = {"cwd": empty, "env": environment(AGGREGATOR_CONFIG="../aggregator.yaml")}
    assert "no configuration; looked for ./aggregator.yaml" in published.run(cwd=empty).err
    assert published.run(**settings).out.startswith("0 documents read, 1 unchanged")
    done = published.run("-c", "missing.yaml", **settings)
    assert done.status == 2
    assert done.err.startswith("aggregator: missing.yaml:")
