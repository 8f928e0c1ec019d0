"""What strangers say doesn't drive the terminal: names of files, front matter, URLs, hubs, hooks, other processes."""

from __future__ import annotations

import ast
import json
import os
import pty
import re
import socket
import subprocess
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.cli import printing
from aggregator.systemd import Manager
from aggregator.text.plain import brief, printable, quoted
from tests.daemons import running
from tests.site import COMMAND, Site, environment

PACKAGE = Path(__file__).parents[1] / "aggregator"
EVIL = "\x1b]0;owned\x07\x1b[31mRED\x1b[2J\x9b5m\u202etxt\u2028\r"
BOLD = re.compile(rb"\x1b\[[01]m")


def is_harmless(char: str) -> bool:
    return char in "\u200c\u200d" or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp")


@given(st.text())
def test_printable_text_is_one_harmless_line(text: str) -> None:
    """Whatever it was; harmless text stays as it is."""
    shown = printable(text)
    assert all(map(is_harmless, shown))
    assert printable(shown) == shown
    assert len(brief(text, 20)) <= 20
    assert all(map(is_harmless, brief(text, 20) + quoted(text)))


def test_people_s_scripts_stay() -> None:
    """Joiners of emoji, Persian and Hindi too."""
    for text in ("機械学習 🚀", "👩\u200d🔬", "می\u200cخواهم", "क्\u200dष"):
        assert printable(text) == text


def test_commands_print_in_one_way() -> None:
    """`cli/printing.py` alone calls what prints."""
    found = [
        f"{file.name}:{node.lineno}"
        for file in (PACKAGE / "cli").glob("*.py")
        if file.name != "printing.py"
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in ("echo", "secho", "style", "print_exc")
    ]
    assert found == []


def terminal(site: Site, *arguments: str) -> bytes:
    """What a command writes to a terminal, but for letters in bold and ends of lines."""
    screen, inside = pty.openpty()
    usual: dict[str, Any] = {"stdin": inside, "stdout": inside, "stderr": inside, "cwd": site.root}
    with subprocess.Popen([COMMAND, *arguments], env=environment(TERM="dumb"), **usual) as process:
        os.close(inside)
        shown = b""
        while True:
            try:
                shown += os.read(screen, 1 << 16)
            except OSError:  # the command has ended
                break
        process.wait(50)
    os.close(screen)
    assert b"Traceback" not in shown
    return BOLD.sub(b"", shown).replace(b"\r\n", b"\n")


def assert_harmless(shown: bytes) -> None:
    text = shown.decode()
    assert [char for char in text if not is_harmless(char) and char not in "\t\n"] == []


@pytest.fixture
def hostile(site: Site) -> Site:
    """A site whose files, topics, titles and URLs are an enemy's."""
    odd = "b\x1b[31m\u202e\x07"
    site.document(odd, title="Fine", topics=["AI"])
    site.text(f"{odd}2.md", "---\ntitle: [\n---\n")
    site.text("c.md", f"---\ntitle: {json.dumps(EVIL)}\nquality: {json.dumps(EVIL)}\n{json.dumps(EVIL)}: 1\n---\n")
    site.text(
        "d.md",
        f"---\ntitle: {json.dumps('D ' + EVIL)}\nwebUrl: https://news.example/d\npublishedDateTime: 2026-01-01\n"
        f"topics: [{json.dumps('T' + EVIL)}]\nquality: {json.dumps(EVIL)}\n---\n",
    )
    return site


@pytest.mark.parametrize(
    "command",
    [
        "regenerate",
        "regenerate --dry-run",
        "regenerate --check",
        "regenerate --json",
        f"regenerate --feed {EVIL}x",
        f"regenerate --at {EVIL}",
        f"regenerate --no{EVIL}",
        f"{EVIL}",
        "feeds",
        "feeds --json",
        "feeds --redirects nginx",
        "status",
        "status --json",
        "reload",
        "explain https://news.example/d",
        "explain articles/b\x1b[31m\u202e\x07.md",
        f"explain https://news.example/{EVIL}",
        f"explain {EVIL}",
        "explain --json https://news.example/d",
        "ledger backup -",
        f"ledger backup no{EVIL}/x",
        f"ledger restore {EVIL}",
        f"regenerate -c {EVIL}.yaml",
        f"serve -c {EVIL}.yaml",
        f"run -c {EVIL}.yaml",
    ],
)
def test_a_terminal_obeys_nobody(hostile: Site, command: str) -> None:
    """Not the names of documents, nor what stands in them, nor arguments, in any command."""
    if not command.startswith("regenerate"):
        assert hostile.run().status == 0
    arguments = [word for word in re.split(" ", command) if word]
    assert_harmless(terminal(hostile, *arguments))


def test_a_configuration_is_quoted_printably(site: Site) -> None:
    """Its values, its keys, and the name of its file."""
    site.config = site.root / "odd\x1b[2J\n.yaml"
    site.configure(**{"odd\x1b[31m\x9b": 1, "watch": {"settle": EVIL}})
    shown = terminal(site, "regenerate", "-c", str(site.config))
    assert_harmless(shown)
    assert shown.count(b"\n") == 2
    assert b"aggregator: odd\\u001b[2J\\n.yaml:" in shown.replace(str(site.root).encode() + b"/", b"")


REASON = b"HTTP/1.1 400 \x1b]0;owned\x07\x1b[31mRED\x1b[2J\xc2\x9b5m\r\nContent-Length: 0\r\n\r\n"


@contextmanager
def rude_hub() -> Iterator[str]:
    """A hub whose reason phrase would drive a terminal; gives its URL."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            while True:
                try:
                    line, _ = server.accept()
                except OSError:
                    return
                with line:
                    line.recv(1 << 16)
                    line.sendall(REASON)

        threading.Thread(target=answer, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        server.shutdown(socket.SHUT_RDWR)


def test_hubs_and_hooks_are_quoted_printably(site: Site) -> None:
    """What they say reaches terminal, log and status without its control characters."""
    hook = site.root / "hook"
    hook.write_text("#!/bin/sh\nprintf '\\033[2Jbad\\033]0;owned\\007\\302\\2335m' >&2\nexit 3\n")
    hook.chmod(0o755)
    with rude_hub() as url:
        sections: dict[str, Any] = {"websub": {"hubs": [url]}, "hooks": {"published": [str(hook)]}}
        site.configure(**sections)
        shown = terminal(site, "regenerate")
        assert b"RED" in shown
        assert b"ended with status 3" in shown
        assert_harmless(shown)
        with running(site, **sections) as daemon:
            site.document("later")
            told = daemon.wait(
                lambda status: all(teller["trouble"] for teller in status["announcing"]), "both troubles"
            )
            assert all(all(map(is_harmless, teller["trouble"])) for teller in told["announcing"])
            assert_harmless(terminal(site, "status"))
        log = daemon.log_file.read_text()
        assert "RED" in log
        assert all(is_harmless(char) or char == "\n" for char in log)


def test_another_process_s_mark_is_quoted_printably(published: Site) -> None:
    """The mark of an output folder may be anybody's."""
    mark = published.root / "public" / ".aggregator"
    mark.write_text(f"somebody else's\n# the store {EVIL}\n")
    shown = terminal(published, "regenerate")
    assert b"belongs to the store" in shown
    assert_harmless(shown)


def test_the_service_manager_gets_one_printable_line(tmp_path: Path) -> None:
    """A status is one line of printable characters, whatever failed."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(tmp_path / "ear"))
        Manager(str(tmp_path / "ear")).status(f"unhealthy: {EVIL}\nREADY=1")
        said = ear.recv(1 << 16).decode()
    assert said.startswith("STATUS=unhealthy: ")
    assert all(map(is_harmless, said))


def test_a_bug_is_told_printably(capsys: pytest.CaptureFixture[str]) -> None:
    """An exception's text too."""
    printing.say(f"ValueError: {EVIL}", "\ud800", err=True)
    lines = capsys.readouterr().err.split("\n")
    assert len(lines) == 3
    assert all(all(map(is_harmless, line)) for line in lines)
