"""Measures the daemon: how long after a document is renamed in its feeds are on disk, and what it holds meanwhile.

python -m benchmarks.daemon --documents 100000 --changes 500
python -m benchmarks.daemon --documents 100000 --changes 10 --burst 5000
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import click

from benchmarks.corpus import write_corpus
from benchmarks.measure import as_installed

AGGREGATOR = Path(sys.executable).with_name("aggregator")
SETTLE = 0.1
CONFIGURATION = f"""\
site:
  title: Everyday AI
  url: https://feeds.example.org/
sources:
  - path: articles
output:
  path: public
store:
  path: store
watch:
  settle: {SETTLE}s
"""
DOCUMENT = """\
---
title: Number {number}
excerpt: A document of today whose title changes now and then
publishedDateTime: {today}
webUrl: https://own.example/own/{number}
topics: [{topics}]
related:
  - title: What another outlet says of {number}
    webUrl: https://other.example/{number}
    publishedDateTime: {today}
---
Some *text* with a [link](https://own.example/link/{number}).
"""
PATIENCE = 60.0  # seconds
BURST_PATIENCE = 1200.0
OWN = 30


@contextmanager
def daemon(folder: Path) -> Iterator[int]:
    """The id of a daemon that has looked at everything once."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([AGGREGATOR, "run"], cwd=folder, env=as_installed(), stderr=log)
    try:
        wait(folder, lambda status: status["pid"] == process.pid and status["reconcile"] and status["state"] == "idle")
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def wait(folder: Path, good: Any, patience: float = PATIENCE) -> dict[str, Any]:
    """The daemon's status, once it is so."""
    end = time.monotonic() + patience
    path = folder / "store/status.json"
    while time.monotonic() < end:
        if path.exists() and good(status := json.loads(path.read_bytes())):
            found: dict[str, Any] = status
            return found
        time.sleep(0.01)
    raise TimeoutError((folder / "log").read_text())


def edited(text: str, number: int) -> str:
    """A document with another title."""
    lines = text.split("\n")
    place = next(place for place, line in enumerate(lines) if line.startswith("title:"))
    lines[place] = f"title: Change number {number:05}"
    return "\n".join(lines)


def own(folder: Path) -> list[Path]:
    """Documents of today in some topics, with coverage: a change of one of them shows in the feed of everything."""
    return write_own(folder, folder / "articles/own", range(OWN))


def write_own(folder: Path, place: Path, numbers: range) -> list[Path]:
    """Documents of today with these numbers, in a new folder."""
    today = time.strftime("%Y-%m-%dT00:00:00Z", time.gmtime())
    topics = [path.name for path in sorted((folder / "public/topics").iterdir())]
    place.mkdir()
    paths = []
    for number in numbers:
        chosen = [topics[number % len(topics)], topics[7 * number % len(topics)]]
        path = place / f"{number}.md"
        path.write_text(DOCUMENT.format(number=number, today=today, topics=", ".join(chosen)), encoding="utf-8")
        paths.append(path)
    return paths


def burst(folder: Path, count: int) -> float:
    """The seconds from the rename of a folder with many documents of today until all that they change is on disk."""
    before = wait(folder, lambda status: status["state"] == "idle" and not status["queue"])["batch"]
    write_own(folder, folder / "burst", range(OWN, OWN + count))
    begin = time.monotonic()
    (folder / "burst").rename(folder / "articles/burst")
    wait(
        folder,
        lambda status: status["batch"] != before and status["state"] == "idle" and not status["queue"],
        BURST_PATIENCE,
    )
    return time.monotonic() - begin


def latencies(folder: Path, changes: int, seed: int) -> list[float]:
    """For each of many changes, the seconds from the rename to the feed of everything on disk."""
    rng, feed = random.Random(seed), folder / "public/all/rss.xml"
    paths = own(folder)
    wait(folder, lambda status: b"own/29" in feed.read_bytes() and status["state"] == "idle" and not status["queue"])
    found = []
    for number in range(changes):
        path = rng.choice(paths)
        part = folder / "next.md"
        part.write_text(edited(path.read_text(encoding="utf-8"), number), encoding="utf-8")
        before = feed.stat().st_ino
        begin = time.monotonic()
        part.rename(path)
        while feed.stat().st_ino == before:
            if time.monotonic() > begin + PATIENCE:
                raise TimeoutError((folder / "log").read_text())
            time.sleep(0.0005)
        found.append(time.monotonic() - begin)
        assert f"Change number {number:05}".encode() in feed.read_bytes()
    return found


def held(pid: int) -> dict[str, int]:
    """What a process holds: descriptors, threads, and resident memory in KiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    fields = {name: rest for name, _, rest in (line.partition(":") for line in lines)}
    return {
        "descriptors": len(os.listdir(f"/proc/{pid}/fd")),  # noqa: PTH208  # names are all that is asked
        "threads": int(fields["Threads"]),
        "memory": int(fields["VmRSS"].split()[0]),
    }


def churn(folder: Path, pid: int, changes: int, at_once: int, seed: int) -> Iterator[tuple[int, dict[str, int]]]:
    """Change many documents, some at once; after each tenth, how many changes there were and what is held then."""
    rng = random.Random(seed)
    paths = sorted((folder / "articles").rglob("*.md"))
    done = 0
    while done < changes:
        before = wait(folder, lambda status: status["state"] == "idle" and not status["queue"])
        for path in rng.sample(paths, at_once):
            part = folder / "next.md"
            part.write_text(edited(path.read_text(encoding="utf-8"), done), encoding="utf-8")
            part.rename(path)
            done += 1
        wait(folder, lambda status: status["batch"] != before["batch"] and not status["queue"])  # noqa: B023
        if done % (changes // 10) < at_once:
            yield done, held(pid)


@click.command()
@click.option("--documents", default=1000, show_default=True)
@click.option("--topics", default=200, show_default=True)
@click.option("--changes", default=500, show_default=True, help="How many single changes are timed.")
@click.option("--burst", "at_a_time", default=0, help="Then so many new documents, which are renamed in together.")
@click.option("--churn", "many", default=0, help="Then so many changes, for what the daemon holds.")
@click.option("--at-once", default=50, show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.option("--workdir", type=click.Path(path_type=Path), help="Where to work; else a folder that is removed.")
def main(
    documents: int,
    topics: int,
    changes: int,
    at_a_time: int,
    many: int,
    at_once: int,
    seed: int,
    workdir: Path | None,
) -> None:
    """Print one JSON object: milliseconds beyond the settle time, and what is held."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = workdir or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "articles").exists():
            write_corpus(folder / "articles", documents, topics, seed)
        (folder / "aggregator.yaml").write_text(CONFIGURATION)
        report: dict[str, Any] = {"documents": documents, "changes": changes}
        with daemon(folder) as pid:
            found = sorted(latencies(folder, changes, seed))
            beyond = [round(1000 * (seconds - SETTLE), 1) for seconds in found]
            report["beyond_settle_ms"] = {
                "p50": median(beyond), "p99": quantiles(beyond, n=100)[98], "min": beyond[0], "max": beyond[-1],
            }  # fmt: skip
            if at_a_time:
                report["burst"] = {"documents": at_a_time, "seconds": round(burst(folder, at_a_time), 1)}
            report["held"] = [{"after": changes} | held(pid)]
            report["held"] += [
                {"after": changes + done} | what for done, what in churn(folder, pid, many, at_once, seed)
            ]
    print(json.dumps(report, indent=2))  # noqa: T201


if __name__ == "__main__":
    main()
