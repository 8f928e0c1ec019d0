"""The command on terminals and in pipes of all kinds: progress, Ctrl-C, encodings, help."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from typing import Any

import pytest

from aggregator.cli import commands
from tests.site import COMMAND, Site, environment

BROKEN = "---\ntitle: [\n---\n"
HEAVY = {"feedgen", "lxml", "rich", "yaml", "nh3", "markdown_it", "msgspec", "sqlite3", "w3lib"}


def two_cores() -> None:
    """With more of them the work would be over before there is anything to see."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])


class Terminal:
    """A terminal with a command in it."""

    def __init__(self, site: Site) -> None:
        self.screen, inside = pty.openpty()
        self.process = subprocess.Popen(
            [COMMAND, "regenerate"],
            cwd=site.root,
            env=environment(TERM="xterm"),
            stdin=inside,
            stdout=subprocess.PIPE,
            stderr=inside,
            text=True,
            start_new_session=True,
            preexec_fn=two_cores,
        )
        os.close(inside)

    def read(self, until: bytes = b"") -> bytes:
        """What shows up, until something does, or to the end."""
        shown = b""
        while not until or until not in shown:
            try:
                shown += os.read(self.screen, 1 << 16)
            except OSError:  # the command has ended
                break
        return shown

    def end(self) -> tuple[int, str]:
        """The exit status, and what went to stdout."""
        out, _ = self.process.communicate(timeout=200)
        os.close(self.screen)
        return self.process.returncode, out


@pytest.fixture
def slow(site: Site) -> Site:
    """A site that takes a while."""
    for number in range(300):
        site.document(f"d{number}", "A [link](https://example.org/) and *more*.\n\n" * 150)
    return site


def test_a_terminal_shows_progress_and_control_c_ends_it(slow: Site) -> None:
    """Work that lasts has a bar. Ctrl-C exits with 3; the next run completes, and without a terminal has no bar."""
    terminal = Terminal(slow)
    shown = terminal.read(until=b"reading")
    assert b"reading" in shown
    os.killpg(terminal.process.pid, signal.SIGINT)  # what a terminal does at Ctrl-C
    rest = terminal.read()
    assert terminal.end() == (3, "")
    assert b"interrupted; the next run goes on from here" in rest
    assert b"Traceback" not in rest
    done = slow.run()
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith("301 documents read")
    assert slow.run("--check").status == 0


def test_a_short_run_on_a_terminal_shows_nothing(published: Site) -> None:
    """What is over in a blink needs no bar."""
    terminal = Terminal(published)
    assert terminal.read() == b""
    status, out = terminal.end()
    assert (status, out.splitlines()[0]) == (0, "0 documents read, 1 unchanged: 1 article")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_any_terminal_will_do(site: Site, encoding: str) -> None:
    """A name that the terminal's encoding doesn't have stops nothing."""
    site.document("b", topics=["機械学習 🚀"])
    site.text("日本.md", BROKEN)
    settings: dict[str, Any] = {"env": environment(PYTHONIOENCODING=encoding), "encoding": "latin-1"}
    assert len(site.run("--dry-run", **settings).out.splitlines()) == 7
    assert json.loads(site.run("--json", **settings).out)["problems"][0]["path"] == "articles/日本.md"


@pytest.mark.parametrize(
    "arguments",
    ["regenerate", "regenerate --dry-run", "regenerate --help", "explain articles/a.md", "feeds", "ledger backup -"],
)
def test_a_closed_pipe_is_no_accident(published: Site, arguments: str) -> None:
    """`| head -0` gets no traceback; what was to be done is done."""
    published.document("b")
    reading, writing = os.pipe()
    os.close(reading)
    done = published.run(command=arguments, stdout=writing, stderr=subprocess.PIPE, capture_output=False)
    os.close(writing)
    if "--dry-run" in arguments:
        assert done.err.startswith("1 document read")
    else:
        assert done.err == ""
    assert done.status == 0 or (arguments.endswith("--help") and done.status == 1)
    assert len(published.titles()) == 1 + (arguments == "regenerate")


def test_help_is_quick() -> None:
    """`aggregator --help` imports nothing that only work needs."""
    script = (
        "import sys\nfrom aggregator.cli import main\nsys.argv = ['aggregator', '--help']\n"
        f"try:\n    main()\nfinally:\n    print(sorted({HEAVY!r} & sys.modules.keys()))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("command", ["", *commands.commands, "ledger backup", "ledger restore"])
def test_every_command_has_help(site: Site, command: str) -> None:
    """It needs no configuration."""
    site.config.unlink()
    done = site.run("--help", command=command)
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith(f"Usage: {' '.join(['aggregator', command]).strip()} ")
