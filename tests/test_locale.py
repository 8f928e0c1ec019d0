"""The locale changes nothing but the encoding of what is printed: names of documents are UTF-8."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.daemons import Daemon
from tests.programs import needs
from tests.site import COMMAND, Site, environment

NAMES = ("é", "日本語", "ñandú", "Ähre", "機械学習", "Русский")
ASCII = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
ENCODING = "import sys; print(sys.getfilesystemencoding())"


@pytest.fixture(scope="module")
def latin(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables of a locale whose encoding is ISO-8859-1."""
    folder = tmp_path_factory.mktemp("locales")
    made = folder / "en_US.ISO-8859-1"
    subprocess.run([needs("localedef"), "-i", "en_US", "-f", "ISO-8859-1", made], check=True, capture_output=True)
    return {"LOCPATH": str(folder), "LANG": made.name, "LC_ALL": made.name}


@pytest.fixture(params=["latin", "ascii", "posix"])
def locale(request: pytest.FixtureRequest, latin: dict[str, str]) -> Mapping[str, str]:
    return {"latin": latin, "ascii": ASCII, "posix": ASCII | {"LC_ALL": "POSIX"}}[request.param]


@pytest.fixture
def scripts(site: Site) -> Site:
    """A published site with documents named in many scripts."""
    for name in NAMES:
        site.document(name, topics=["AI", name])
    assert site.result()["documents"]["read"] == 1 + len(NAMES)
    return site


def test_the_locales_are_what_they_are_for(locale: Mapping[str, str]) -> None:
    """Python itself would take names for something else."""
    done = subprocess.run([sys.executable, "-c", ENCODING], env=environment(**locale), capture_output=True, check=True)
    assert done.stdout.strip() in (b"iso8859-1", b"ascii")


@pytest.mark.parametrize("start", [[COMMAND], [sys.executable, "-m", "aggregator"], [sys.executable, "-I", COMMAND]])
def test_documents_are_the_same_under_any_locale(scripts: Site, locale: Mapping[str, str], start: list[str]) -> None:
    """Nothing is read again, withdrawn or given another id, by whatever way the command is started."""
    before = scripts.tree()
    done = subprocess.run(
        [*start, "regenerate", "--json"],
        cwd=scripts.root,
        env=environment(**locale),
        capture_output=True,
        check=True,
    )
    assert b'"read": 0, "unchanged": 7' in done.stdout
    assert done.stderr == b""
    assert scripts.tree() == before


def test_arguments_and_processes_under_any_locale(scripts: Site, locale: Mapping[str, str]) -> None:
    """Arguments are the names that were typed, and worker processes read the same documents."""
    settings: dict[str, Any] = {"env": environment(**locale)}
    done = scripts.run("--feed", "topics/日本語", "--rebuild", **settings)
    assert (done.status, done.err) == (0, "")
    for number in range(150):
        scripts.document(f"日本/{number:03}")
    assert scripts.run(**settings).out.startswith("150 documents read, 7 unchanged: 157 articles")
    assert scripts.run().out.startswith("0 documents read, 157 unchanged: 157 articles")


def test_what_is_printed_is_in_the_terminal_s_encoding(scripts: Site, latin: dict[str, str]) -> None:
    """A letter that it lacks is escaped."""
    settings: dict[str, Any] = {"env": environment(**latin), "encoding": "latin-1"}
    assert "About ñandú" in scripts.run("articles/ñandú.md", command="explain", **settings).out
    assert r"About \u65e5\u672c\u8a9e" in scripts.run("articles/日本語.md", command="explain", **settings).out
    wanted = environment(**latin, PYTHONIOENCODING="utf-8")
    assert "About 日本語" in scripts.run("articles/日本語.md", command="explain", env=wanted).out
    wanted = environment(**ASCII | {"PYTHONUTF8": "1"})
    assert "About 日本語" in scripts.run("articles/日本語.md", command="explain", env=wanted).out


def test_a_hook_s_environment_is_ours(scripts: Site, locale: Mapping[str, str]) -> None:
    """Not a variable more or less, nor another value."""
    seen = scripts.root / "seen"
    scripts.configure(hooks={"published": ["sh", "-c", f"env -0 > {seen}; cat > {seen}.news"]})
    given = environment(**locale, ODD=os.fsdecode(b"\xe9\xff"))
    scripts.document("x", topics=["日本"])
    assert scripts.run(env=given).status == 0
    hidden = {b"PWD", b"SHLVL", b"OLDPWD", b"_"}
    pairs = dict(pair.split(b"=", 1) for pair in seen.read_bytes().split(b"\0") if pair)
    expected = {os.fsencode(name): os.fsencode(value) for name, value in given.items()}
    assert {k: v for k, v in pairs.items() if k not in hidden} == {k: v for k, v in expected.items() if k not in hidden}
    assert "topics/日本/rss.xml" in Path(f"{seen}.news").read_text(encoding="utf-8")


def test_the_daemon_keeps_its_number(scripts: Site, latin: dict[str, str]) -> None:
    """Whoever started it knows it by its process id; it stops when told to."""
    with Daemon(scripts, environ=latin) as daemon:
        assert daemon.process
        daemon.wait(lambda status: status["state"] == "idle" and status["articles"] == 7, "the start")
        assert daemon.pid == daemon.process.pid


@pytest.mark.parametrize("closed", ["<&- >&- 2>&-", ">&-", "2>&-"])
def test_streams_may_be_closed(scripts: Site, latin: dict[str, str], closed: str) -> None:
    """Then too it starts anew, and works."""
    scripts.document("x")
    done = subprocess.run(["sh", "-c", f"{COMMAND} regenerate {closed}"], cwd=scripts.root, env=environment(**latin))
    assert done.returncode == 0
    assert len(scripts.titles()) == 8


def test_the_library_refuses_another_encoding() -> None:
    """It can't start anyone anew."""
    script = (
        "from aggregator.pipeline import run\nfrom aggregator.errors import WrongEncoding\n"
        "try:\n    run(None, None, '', None, 0, processes=1)\nexcept WrongEncoding as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], env=environment(**ASCII), capture_output=True, check=True)
    assert b"PYTHONUTF8=1" in done.stdout
