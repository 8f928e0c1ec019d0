"""What one document may cost: beyond that it pays alone, and is told with its path."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from aggregator import documents
from aggregator.documents import Bounds, Options
from aggregator.model import Severity
from aggregator.pipeline import EVERYTHING, Session, Wish
from tests.daemons import QUICK, Daemon, running, until
from tests.site import Site
from tests.world import World, day, told, written

SLOW = "- a\n+ b\n* c\n" * 8_000
"""A body of 96 kB that takes about two seconds."""

ROOMY = {"path": "articles", "time_limit": "1m", "html_limit": "1MiB"}
"""A source that takes them."""

LARGE = "- a\n+ b\n* c\n" * 20_000
"""A body of 240 kB that takes more than 100 MiB of memory."""

FRONT: dict[str, Any] = {
    "title": "A",
    "webUrl": "https://news.example/a",
    "publishedDateTime": day(1),
    "topics": ["AI"],
}


def read(tmp_path: Path, body: str = "", name: str = "a.md", options: Options | None = None, **fields: Any) -> Any:
    """What comes of reading a document."""
    file = tmp_path / name
    file.write_text(written(FRONT | fields, body), encoding="utf-8")
    return documents.read(str(file), f"articles/{name}", 0, options or Options(base_url="https://www.example.org/"))


# What it says


BODIES = {
    "one reference, used often": (
        "a.md",
        f'[a]: /u "{"T" * 100_000}"\n\n' + "[a] " * 20_000,
        "makes HTML of more than",
    ),
    "one picture's reference": ("a.md", f'[a]: /u "{"T" * 100_000}"\n\n' + "![a] " * 20_000, "makes HTML of more than"),
    "many lists": ("a.md", LARGE, "makes HTML of more than 524288 characters"),
    "a long Markdown text": ("a.md", "a" * 300_000, "Markdown of 300000 characters, expected at most 262144"),
    "a long page": ("a.html", "<p>" + "word " * 60_000, "HTML of more than 262144 characters"),
    "what grows when it is escaped": ("a.html", "&" * 100_000, "HTML of more than 262144 characters"),
    "many pictures": ("a.html", "<img src=/a.png>" * 501, "HTML with more than 500 pictures"),
    "many links": ("a.html", "<a href=/a>a</a>" * 2001, "HTML with more than 2000 links"),
    "deep nesting": ("a.html", "<div>" * 300 + "a", "HTML nested deeper than 256 elements"),
}


@pytest.mark.parametrize("what", BODIES)
def test_a_body_beyond_a_limit_is_left_out(tmp_path: Path, what: str) -> None:
    """The rest of the document counts, and a warning stands where the body begins."""
    name, body, message = BODIES[what]
    begin = time.process_time()
    reading = read(tmp_path, body, name)
    assert time.process_time() - begin < 9
    assert reading.mentions[0].body == ""
    (problem,) = reading.problems
    assert (problem.severity, problem.line) == (Severity.warning, written(FRONT).count("\n") + 1)
    assert problem.message.startswith("body left out: ")
    assert message in problem.message


@pytest.mark.parametrize(
    ("body", "bounds"),
    [
        ("<p>" + "a" * 93 + "</p>", Bounds(100)),
        ("<img src=/a.png>", Bounds(pictures=1)),
        ("<a href=/a>a</a>", Bounds(links=1)),
    ],
)
def test_just_as_much_as_a_limit_is_shown(tmp_path: Path, body: str, bounds: Bounds) -> None:
    """And not one more."""
    options = Options(base_url="https://www.example.org/", body=bounds)
    assert read(tmp_path, body, "a.html", options).problems == ()
    more = body.replace("aaa", "aaaa") if "aaa" in body else body * 2
    assert [problem.message[:13] for problem in read(tmp_path, more, "a.html", options).problems] == ["body left out"]


def test_a_table_of_empty_cells_ends(tmp_path: Path) -> None:
    """A row may leave cells out; a few hundred bytes are not to make a million of them."""
    wide = f"|{'a|' * 500}\n|{'-|' * 500}\n"
    begin = time.process_time()
    reading = read(tmp_path, wide + "|\n" * 1000)
    assert time.process_time() - begin < 1
    assert reading.mentions[0].body.count("<td>") <= 2000
    rows = "|a|\n" * 30
    assert read(tmp_path, f"|a|b|\n|-|-|\n{rows}").mentions[0].body.count("<td>") == 60


LISTS: dict[str, Any] = {
    "topics": [f"T{number}" for number in range(101)],
    "images": [f"https://i.example/{number}.png" for number in range(101)],
    "authors": [f"Ada {number}" for number in range(101)],
    "items": [f"Item {number}" for number in range(101)],
    "actions": [{"url": f"https://a.example/{number}"} for number in range(101)],
}


@pytest.mark.parametrize("name", LISTS)
def test_of_a_long_list_the_first_items_count(tmp_path: Path, name: str) -> None:
    """A hundred of them; a warning stands at the list."""
    reading = read(tmp_path, **{name: LISTS[name]})
    assert len(getattr(reading.mentions[0], name)) == 100
    assert [problem.message for problem in reading.problems] == [
        "101 items, expected at most 100: the first ones count"
    ]
    assert reading.problems[0].line > 1
    assert read(tmp_path, **{name: LISTS[name][:100]}).problems == ()


TEXTS: dict[str, tuple[dict[str, Any], str]] = {
    "title": ({"title": "a" * 301}, "a title of 301 characters, expected at most 300; the rest is left out"),
    "category": ({"category": "a" * 1001}, "a text of 1001 characters, expected at most 1000; the rest is left out"),
    "provider": (
        {"provider": {"name": "a" * 1001}},
        "a text of 1001 characters, expected at most 1000; the rest is left",
    ),
    "topic": ({"topics": ["a" * 1001, "AI"]}, "expected the name of a topic of at most 1000 characters"),
    "author": ({"author": "a" * 1001}, "expected an author's name of at most 1000 characters"),
    "address": ({"originalUrl": f"https://a.example/{'a' * 8000}"}, "of at most 8000 characters"),
    "duration": ({"length": f"PT{'1' * 1001}S"}, "expected an ISO 8601 duration such as PT1H30M"),
    "id": ({"id": f"urn:{'a' * 1001}"}, "expected a URI such as"),
}


@pytest.mark.parametrize("what", TEXTS)
def test_a_text_has_an_end(tmp_path: Path, what: str) -> None:
    """What is too long is cut or left out, and told at its place."""
    fields, message = TEXTS[what]
    (problem,) = read(tmp_path, **fields).problems
    assert message in problem.message
    assert problem.severity is Severity.warning
    assert problem.line > 1
    assert len(problem.message) < 200


def test_one_document_does_not_fill_the_feeds_of_all_its_topics(tmp_path: Path) -> None:
    """Its body goes first; where that isn't enough, the first topics count."""
    options = Options(base_url="https://www.example.org/", spread=30_000)
    topics = [f"T{number}" for number in range(9)]
    assert read(tmp_path, "<p>" + "a" * 2000, "a.html", options, topics=topics).problems == ()
    reading = read(tmp_path, "<p>" + "a" * 4000, "a.html", options, topics=topics)
    assert (reading.mentions[0].body, len(reading.mentions[0].topics)) == ("", 9)
    assert "characters in 10 feeds together, expected at most 30000" in reading.problems[0].message
    reading = read(tmp_path, "", "a.html", options, topics=topics, excerpt="a" * 5000)
    assert len(reading.mentions[0].topics) == 4
    assert reading.problems[0].message.endswith("the first 4 topics count")


def test_an_entry_that_is_too_large_is_shown_without_its_body(world: World) -> None:
    """Whichever format it is too large in; the document is told."""
    world.options["entry_limit"] = 3000
    world.document("large", body="word " * 1000)
    world.document("small", body="a word")
    report = world.regenerate()
    assert told(report) == [
        "articles/large.md: warning: its entry has more than 3000 bytes, and is shown without its text"
    ]
    assert set(world.titles()) == {"About large", "About small"}
    assert "word word" not in (world.output / "all/atom.xml").read_text()
    assert "a word" in (world.output / "all/atom.xml").read_text()
    assert world.tree() == world.rebuilt()


def test_an_entry_shows_the_best_of_very_much_coverage(world: World) -> None:
    """Many documents of one article may list many others."""
    for number in range(3):
        listed = [
            {"title": f"R{number}.{place}", "webUrl": f"https://r.example/{number}/{place}", "quality": place}
            for place in range(100)
        ]
        world.document(f"d{number}", webUrl="https://news.example/a", title="A", related=listed)
    world.regenerate()
    shown = (world.output / "all/atom.xml").read_text()
    assert shown.count("&lt;li&gt;") == 200
    assert "R0.99" in shown
    assert "R0.5&lt;" not in shown


# What it takes


def site_with(root: Path, **limits: Any) -> Site:
    """A published site whose documents have these limits."""
    site = Site(root)
    site.configure(sources=[{"path": "articles", **limits}], watch=QUICK)
    site.document("a")
    site.document("costly", body="At first a few words.")
    assert site.run().status == 0
    return site


LIMITS = {
    "time": (
        {"time_limit": "0.2s"},
        SLOW,
        "given up, it takes more than 0.2 s of processor time; its last good version stays",
    ),
    "memory": (
        {"memory_limit": "32MiB"},
        LARGE,
        "given up, it takes more than 32 MiB of memory; its last good version stays",
    ),
}


@pytest.mark.parametrize("what", LIMITS)
def test_a_document_that_takes_too_much_is_given_up(tmp_path: Path, what: str) -> None:
    """It is an error, its last good version keeps its place, and all others are published in the same run. It isn't
    tried again before it changes.
    """
    limits, body, message = LIMITS[what]
    site = site_with(tmp_path, **limits)
    site.document("costly", title="About costly, again", body=body)
    site.document("new")
    done = site.run()
    assert (done.status, done.err) == (0, f"articles/costly.md: error: {message}\n")
    assert "2 documents read" in done.out or "1 document read" in done.out
    assert set(site.titles()) == {"About a", "About costly", "About new"}
    assert "At first a few words." in (site.output / "all/rss.xml").read_text()
    (site.articles / "costly.md").touch()
    begin = time.monotonic()
    done = site.run("--strict")
    assert (done.status, done.err) == (1, f"articles/costly.md: error: {message}\n")
    assert time.monotonic() - begin < 20
    site.document("costly", title="About costly, mended")
    assert site.run("--strict").err == ""
    assert "About costly, mended" in site.titles()


def test_other_limits_are_another_try(tmp_path: Path) -> None:
    """Whoever raises the limit wants the document."""
    site = site_with(tmp_path, time_limit="0.2s", html_limit="1MiB")
    site.document("costly", title="About costly, again", body=SLOW)
    assert "given up" in site.run().err
    site.configure(sources=[ROOMY])
    assert "given up" not in site.run().err
    assert "About costly, again" in site.titles()


def test_what_was_given_up_is_told_again_by_a_rebuild(tmp_path: Path) -> None:
    """And its last good version is carried over."""
    site = site_with(tmp_path, time_limit="0.2s")
    site.document("costly", title="About costly, again", body=SLOW)
    site.run()
    tree = site.tree()
    done = site.run("--rebuild")
    assert "given up" in done.err
    assert site.tree() == tree


def children(pid: int) -> Iterator[int]:
    """The processes below one."""
    with suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            yield int(child)
            yield from children(int(child))


def working(daemon: Daemon) -> list[int]:
    """The daemon's processes that use a processor now."""

    def ticks(pid: int) -> int:
        with suppress(OSError):
            return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11])
        return 0

    before = {pid: ticks(pid) for pid in children(daemon.pid)}
    time.sleep(0.1)
    return [pid for pid, used in before.items() if ticks(pid) > used + 3]


def test_the_daemon_goes_on_while_documents_are_read(site: Site) -> None:
    """It says that it is at work, answers, and stops when it is told to, however long they take."""
    with running(site, sources=[{"path": "articles", "time_limit": "1m"}]) as daemon:
        for number in range(8):
            site.document(f"slow{number}", body=SLOW * 2)
        until(lambda: working(daemon), "a worker at work")
        daemon.wait(lambda status: status["state"] == "working", "that it says so")
        begin = time.monotonic()
        assert daemon.stop() == 0
        assert time.monotonic() - begin < 5
    assert not any(Path(f"/proc/{pid}").exists() for pid in children(daemon.pid))


def test_a_killed_worker_ends_nothing(site: Site) -> None:
    """Whoever kills it, what it had in hand is read again, and the run goes on."""
    with running(site, sources=[ROOMY]) as daemon:
        site.document("slow", body=SLOW)
        for pid in until(lambda: working(daemon), "a worker at work"):
            os.kill(pid, signal.SIGKILL)
        until(lambda: "About slow" in site.titles(), "the document", 60)
        daemon.wait(lambda status: status["healthy"] and not status["errors"], "that all is well")


def test_a_few_good_documents_do_not_wait_for_many_slow_ones(site: Site) -> None:
    """The small ones are read first, and published before the last of the slow ones is."""
    with running(site, sources=[ROOMY]) as daemon:
        for number in range(20):
            site.document(f"slow{number:02}", body=SLOW)
        site.document("zebra")
        until(lambda: "About zebra" in site.titles(), "the good document", 60)
        assert len([title for title in site.titles() if "slow" in title]) < 20
        daemon.wait(lambda status: status["documents"]["known"] == 22, "all documents", 200)
        until(lambda: len(site.titles()) == 22, "all entries", 60)


def test_what_a_first_run_had_read_outlives_its_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is much: the next run reads only the rest, and the tree is that of one run."""
    from aggregator.pipeline import reading

    monkeypatch.setattr(reading, "_KEPT", 20_000)
    for number in range(60):
        world.document(f"d{number:02}", body="word " * 400)

    def leave(stage: str, done: int, total: int) -> None:
        if stage == "reading" and done >= 32:
            raise RuntimeError("the power goes")

    def run(progress: Any = lambda *_: None) -> int:
        with Session(world.plan(), world.program, processes=1) as session:
            return session.bring_up(EVERYTHING, Wish(), world.now, time.time_ns(), progress).read

    with pytest.raises(RuntimeError):
        run(leave)
    assert run() == 28
    assert len(world.titles()) == 50
    assert world.tree() == world.rebuilt()
    assert world.regenerate().changes == ()
