"""The daemon's log: each event is one line that can be read back, whatever it holds and whoever logs it."""

from __future__ import annotations

import io
import json
import logging
import os
import pty
import re
import subprocess
import sys
import threading
import timeit
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.daemon import logs
from tests.site import environment

PAIR = re.compile(r'([a-z_]+)=("(?:[^"\\]|\\.)*"|[^ "]*)(?: |$)')
HOSTILE = [
    "two words",
    'q"uote',
    "a=b",
    "",
    "back\\slash",
    "a\nlevel=error event=forged",
    "\r\x00\x1b[2J\x7f\x85",
    "\u2028\u2029\u202e\u200b",
    "\udcff",
    "日本 é 🚀",
    '"',
    " ",
    "<3>x",
]


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """What is configured here is no other test's; pytest's own handlers are out of its way."""
    root, current, hook = logging.getLogger(), logs._current, threading.excepthook
    handlers, level = root.handlers[:], root.level
    root.handlers.clear()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    logs._current, threading.excepthook = current, hook


def configured(format: str = "logfmt", level: str = "info", **how: bool) -> io.StringIO:
    """Log to what is given back."""
    stream = io.StringIO()
    logs.configure(format, level, stream, **how)
    return stream


def logfmt(line: str) -> dict[str, str]:
    """A line read back; nothing of it is left over."""
    found, at = {}, 0
    for pair in PAIR.finditer(line):
        assert pair.start() == at, line
        key, value = pair.groups()
        found[key] = json.loads(value) if value.startswith('"') else value
        at = pair.end()
    assert at == len(line), line
    return found


READERS: dict[str, Callable[[str], dict[str, Any]]] = {"logfmt": logfmt, "auto": logfmt, "json": json.loads}
formats = pytest.mark.parametrize("format", READERS)


def lines(stream: io.StringIO) -> list[str]:
    """As anything might split them: str.splitlines knows more ends of lines than files do."""
    text = stream.getvalue()
    assert text.endswith("\n") or not text
    assert text.splitlines() == text.split("\n")[:-1]
    return text.splitlines()


def fail() -> NoReturn:
    raise ValueError("a\nb")


# Lines


@formats
def test_an_event_is_a_line_that_reads_back(format: str) -> None:
    """Instant, level and event come first, then what is told of it, in the order it is given."""
    stream = configured(format)
    before = datetime.now(UTC)
    logs.get().info("batch published", paths=3, seconds=0.25, ok=True, why=None, file=Path("a b.md"))
    (line,) = lines(stream)
    found = READERS[format](line)
    assert list(found) == ["time", "level", "event", "paths", "seconds", "ok", "why", "file"]
    assert before - timedelta(seconds=1) < datetime.fromisoformat(found.pop("time")) < before + timedelta(minutes=1)
    values: dict[str, object] = {"paths": 3, "seconds": 0.25, "ok": True, "why": None}
    if format != "json":
        values = {"paths": "3", "seconds": "0.25", "ok": "true", "why": ""}
    assert found == {"level": "info", "event": "batch published", **values, "file": "a b.md"}


def test_plain_words_are_not_quoted() -> None:
    """For people, and for grep."""
    stream = configured(journal=True)
    logs.get().info(
        "stopped", path="articles/日本.md", count=-1, text="", none=None, at=datetime(2026, 3, 1, tzinfo=UTC)
    )
    wanted = 'event=stopped path=articles/日本.md count=-1 text="" none= at=2026-03-01T00:00:00+00:00'
    assert lines(stream) == [f"<6>level=info {wanted}"]


@formats
@pytest.mark.parametrize("journal", [False, True])
@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_value_is_a_value(format: str, journal: bool, value: str) -> None:
    """As an event or in a path: it forges no line, no key and no priority, and does nothing to a terminal."""
    stream = configured(format, journal=journal)
    logs.get().info(value, path=Path(value or "."), text=value, texts=[value])
    (line,) = lines(stream)
    assert line.isprintable()
    found = READERS[format](line.removeprefix("<6>"))
    assert set(found) - {"time"} == {"level", "event", "path", "text", "texts"}
    assert (found["event"], found["text"], found["path"]) == (value, value, value or ".")


@given(st.text(st.characters(codec=None), max_size=50))
def test_any_text_reads_back(text: str) -> None:
    """In both formats."""
    for format, reader in READERS.items():
        stream = configured(format)
        logs.get().error(text, text=text)
        (line,) = lines(stream)
        found = reader(line)
        assert line.isprintable()
        assert [found["event"], found["text"]] == [text, text]


@formats
def test_a_huge_value_is_cut(format: str) -> None:
    """Its beginning and end stay: the journal would cut the line, and the rest of it would be an event of its own."""
    stream = configured(format, journal=True)
    logs.get().info("failed", text="begin" + "x" * 1_000_000 + "end")
    (line,) = lines(stream)
    text = READERS[format](line.removeprefix("<6>"))["text"]
    assert text.startswith("begin")
    assert text.endswith("end")
    assert len(line.encode()) < 48 << 10


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_stream_may_lack_a_letter(encoding: str) -> None:
    """Nothing is lost, and nothing raised."""
    raw = io.BytesIO()
    logs.configure("logfmt", "info", io.TextIOWrapper(raw, encoding=encoding))
    logs.get().info("日本", path="é")
    written = raw.getvalue().decode(encoding)
    assert ("日本" in written) == (encoding == "utf-8")
    assert ("\\u65e5\\u672c" in written) == (encoding != "utf-8")


def test_a_stream_that_is_gone_ends_nothing() -> None:
    """A pipe nobody reads any more, or a closed file: the daemon goes on without a log."""
    reading, writing = os.pipe()
    os.close(reading)
    stream = open(writing, "w", buffering=1)  # noqa: PTH123, SIM115  # a descriptor, closed below
    logs.configure("logfmt", "info", stream)
    logs.get().info("nobody hears this")
    with pytest.raises(BrokenPipeError):
        stream.close()
    logs.get().info("nor this")


def test_threads_do_not_mix_their_lines() -> None:
    """Each line is whole."""
    stream = configured()

    def work(name: str) -> None:
        for number in range(200):
            logs.get().info("tick", thread=name, number=number, text=name * 200)

    threads = [threading.Thread(target=work, args=(letter,)) for letter in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [logfmt(line) for line in lines(stream)]
    assert len(found) == 800
    assert all(one["text"] == one["thread"] * 200 for one in found)


# Levels


@pytest.mark.parametrize(("level", "least"), [("debug", 0), ("info", 1), ("warning", 2), ("error", 3)])
@pytest.mark.parametrize("journal", [False, True])
def test_a_level_lets_through_what_is_at_least_as_bad(level: str, least: int, journal: bool) -> None:
    """The journal's lines begin with a priority (sd-daemon(3)) and have no instant, as it has a clock."""
    stream = configured(level=level, journal=journal)
    log = logs.get()
    log.debug("d")
    log.info("i")
    log.warning("w")
    log.error("e")
    wanted = [("<7>", "debug"), ("<6>", "info"), ("<4>", "warning"), ("<3>", "error")][least:]
    found = [re.fullmatch(r"(<\d>)?(time=\S+ )?level=([a-z]+) event=.", line) for line in lines(stream)]
    assert [(one[1], one[3]) for one in found if one and bool(one[2]) != journal] == [
        (priority if journal else None, word) for priority, word in wanted
    ]


def test_a_new_configuration_holds_at_once() -> None:
    """For who asks for the logger again: a reload may change the level and the format."""
    first = configured(level="error")
    logs.get().info("no")
    second = configured("json", level="debug")
    logs.get().debug("yes")
    assert lines(first) == []
    assert [json.loads(line)["event"] for line in lines(second)] == ["yes"]


def test_what_is_not_logged_costs_next_to_nothing() -> None:
    """Less than 2 µs for a line of each file."""
    configured(level="info")
    times = timeit.repeat(lambda: logs.get().debug("read", path="a.md", seconds=0.1), number=5000, repeat=10)
    assert min(times) / 5000 < 2e-6


# Exceptions


def test_an_exception_is_one_line() -> None:
    """With its traceback, escaped; in JSON as an object. The values of variables, which may be secret, are not told."""
    for format, reader in READERS.items():
        stream = configured(format, journal=True)
        hidden = "s3cr3t" + format
        try:
            fail()
        except ValueError:
            logs.get().exception("failed", paths=1)
        (line,) = lines(stream)
        assert line.startswith("<3>")
        assert hidden not in line
        found = reader(line.removeprefix("<3>"))
        assert list(found) == ["level", "event", "paths", "exception"]
        if format == "json":
            (told,) = found["exception"]
            assert (told["exc_type"], told["exc_value"]) == ("ValueError", "a\nb")
            assert [frame["name"] for frame in told["frames"]] == [test_an_exception_is_one_line.__name__, "fail"]
        else:
            assert found["exception"].startswith("Traceback (most recent call last):\n")
            assert found["exception"].endswith("ValueError: a\nb")


def test_a_thread_that_dies_is_told() -> None:
    """As an error, with its name, and not in lines of Python's own."""
    stream = configured(journal=True)
    thread = threading.Thread(target=fail, name="metrics")
    thread.start()
    thread.join()
    leaver = threading.Thread(target=sys.exit)
    leaver.start()
    leaver.join()
    (line,) = lines(stream)
    found = logfmt(line.removeprefix("<3>"))
    assert (found["event"], found["thread"]) == ("a thread has ended", "metrics")
    assert found["exception"].endswith("ValueError: a\nb")


# Other packages


@formats
def test_other_packages_log_the_same_way(format: str) -> None:
    """What they warn of; their chatter isn't told, at whatever level."""
    stream = configured(format, level="debug", journal=True)
    log = logging.getLogger("apscheduler.scheduler")
    log.info("chatter")
    log.warning("run of %s was missed\nby %d s", "job", 3)
    log.critical("down")
    log.log(35, "between")
    try:
        fail()
    except ValueError:
        log.exception("raised")
    found = [READERS[format](line[3:]) for line in lines(stream)]
    assert [line[:3] for line in lines(stream)] == ["<4>", "<2>", "<4>", "<3>"]
    assert [one["event"] for one in found] == ["run of job was missed\nby 3 s", "down", "between", "raised"]
    assert {one["logger"] for one in found} == {"apscheduler.scheduler"}
    assert ["exception" in one for one in found] == [False, False, False, True]


def test_other_packages_obey_the_level() -> None:
    """With `error` their warnings aren't told either."""
    stream = configured(level="error")
    logging.getLogger("watchdog").warning("no")
    logging.getLogger("watchdog").error("yes")
    assert [logfmt(line)["event"] for line in lines(stream)] == ["yes"]


def test_a_message_that_does_not_fit_its_values_is_told_without() -> None:
    """The bug is the other package's."""
    stream = configured()
    logging.getLogger("other").warning("%d files", "many")
    assert [logfmt(line)["event"] for line in lines(stream)] == ["%d files"]


def test_warnings_are_logged() -> None:
    """Which Python else writes in two lines of its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        stream = configured()
        warnings.warn("soon gone", DeprecationWarning, stacklevel=1)
    (line,) = lines(stream)
    assert "DeprecationWarning: soon gone" in logfmt(line)["event"]


# Streams


def test_the_journal_is_known_by_its_stream(tmp_path: Path) -> None:
    """$JOURNAL_STREAM names its device and inode; a process may inherit it and write elsewhere."""
    with (tmp_path / "journal").open("w") as journal, (tmp_path / "file").open("w") as file:
        found = os.fstat(journal.fileno())
        named = {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}
        assert logs.is_journal(journal, named)
        assert not logs.is_journal(file, named)
        assert not logs.is_journal(journal, {})
        assert not logs.is_journal(journal, {"JOURNAL_STREAM": "nonsense"})
        assert not logs.is_journal(io.StringIO(), named)
    assert not logs.is_journal(journal, named), "it is closed"


def test_colour_is_for_terminals(tmp_path: Path) -> None:
    """And for who wants it."""
    screen, inside = pty.openpty()
    with open(inside, "w") as terminal, (tmp_path / "file").open("w") as file:  # noqa: PTH123  # a descriptor
        assert logs.wants_colour(terminal, {"TERM": "xterm"})
        assert not logs.wants_colour(terminal, {"TERM": "xterm", "NO_COLOR": "1"})
        assert logs.wants_colour(terminal, {"TERM": "xterm", "NO_COLOR": ""})
        assert not logs.wants_colour(terminal, {"TERM": "dumb"})
        assert not logs.wants_colour(file, {"TERM": "xterm"})
    os.close(screen)


def test_colours_change_no_letter() -> None:
    """Without them a line is as it would be; JSON and the journal never have any."""
    plain = configured()
    logs.get().error("failed badly", path=HOSTILE[5])
    coloured = configured(colour=True)
    logs.get().error("failed badly", path=HOSTILE[5])
    bare = re.sub(r"\x1b\[\d+m", "", coloured.getvalue())
    assert bare.partition(" ")[2] == plain.getvalue().partition(" ")[2]
    assert "\x1b[31merror\x1b[0m" in coloured.getvalue()
    for format, journal in (("json", False), ("logfmt", True)):
        stream = configured(format, colour=True, journal=journal)
        logs.get().error("failed")
        assert "\x1b" not in stream.getvalue()


def test_before_it_is_configured_the_log_goes_to_standard_error() -> None:
    """And importing it changes nothing of Python's own logging."""
    script = (
        "import logging, threading\nhook = threading.excepthook\nfrom aggregator.daemon import logs\n"
        "logs.get().info('early')\nassert not logging.getLogger().handlers\nassert threading.excepthook is hook\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    assert logfmt(done.stderr.rstrip("\n"))["event"] == "early"


def test_other_commands_do_not_pay_for_it() -> None:
    """Neither structlog nor prometheus-client is imported for them."""
    script = (
        "import sys\nfrom aggregator.cli import main\nsys.argv = ['aggregator', 'status', '--help']\n"
        "import aggregator.pipeline, aggregator.config, aggregator.daemon.status\ntry:\n    main()\n"
        "finally:\n    print({'structlog', 'prometheus_client', 'rich'} & sys.modules.keys())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, env=environment()
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "set()"
