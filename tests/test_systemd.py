"""What systemd is told, and what it is given: units, their sandbox, and the installation."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from aggregator import config
from aggregator.errors import ConfigurationError
from aggregator.systemd import Manager, watchdog_seconds
from tests.programs import needs

PROJECT = Path(__file__).parents[1]
SOURCES = PROJECT / "systemd"
SERVICES = ("aggregator.service", "aggregator@.service", "aggregator-regenerate.service")
UNITS = (*SERVICES, "aggregator-regenerate.timer")

# What the service manager is told


@pytest.fixture(params=["path", "abstract"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An address as systemd gives it to a service, of either kind."""
    return str(tmp_path / "notify") if request.param == "path" else f"@aggregator-test-{os.getpid()}-{tmp_path.name}"


@pytest.fixture
def listener(address: str) -> Iterator[socket.socket]:
    """The service manager's end."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(re.sub("^@", "\0", address))
        end.settimeout(5)
        yield end


@pytest.mark.parametrize(
    ("say", "message"),
    [
        (lambda manager: manager.ready("up: 3 documents"), b"READY=1\nSTATUS=up: 3 documents"),
        (lambda manager: manager.reloading(1234567), b"RELOADING=1\nMONOTONIC_USEC=1234567"),
        (lambda manager: manager.status("größer"), "STATUS=größer".encode()),
        (lambda manager: manager.status("two\nREADY=1"), b"STATUS=two READY=1"),
        (lambda manager: manager.status("a \udcff name"), rb"STATUS=a \udcff name"),
        (lambda manager: manager.stopping(), b"STOPPING=1"),
        (lambda manager: manager.alive(), b"WATCHDOG=1"),
    ],
)
def test_the_manager_hears_it(
    listener: socket.socket, address: str, say: Callable[[Manager], None], message: bytes
) -> None:
    """Each thing is one datagram in sd_notify(3)'s form, in which no text can pass for something else."""
    say(Manager(address))
    assert listener.recv(1000) == message


@pytest.mark.parametrize("nowhere", [None, "", "vsock:2:1234", "/no/such/folder/notify", "/" + 200 * "x"])
def test_nobody_to_tell_is_no_trouble(nowhere: str | None) -> None:
    """Without a manager, or with one that can't be reached, all goes on in silence."""
    manager = Manager(nowhere)
    manager.ready("up")
    manager.alive()


def test_a_manager_that_is_gone_is_no_trouble_and_is_heard_by_again(listener: socket.socket, address: str) -> None:
    """It may be started anew, as systemd is when it is upgraded."""
    manager = Manager(address)
    manager.alive()
    listener.close()
    Path(address).unlink(missing_ok=True)
    manager.alive()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as again:
        again.bind(re.sub("^@", "\0", address))
        again.settimeout(5)
        manager.stopping()
        assert again.recv(1000) == b"STOPPING=1"


def test_a_manager_that_does_not_read_holds_nobody_up(listener: socket.socket, address: str) -> None:
    """Once it has no room for more, a message is dropped after a second."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.setblocking(False)
        with suppress(BlockingIOError):
            while other.sendto(b"x", re.sub("^@", "\0", address)):
                pass
    begun = time.monotonic()
    Manager(address).alive()
    assert 0.5 < time.monotonic() - begun < 5


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "60000000"}, 60.0),
        ({"WATCHDOG_USEC": "1500000", "WATCHDOG_PID": "7"}, 1.5),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "8"}, None),
        ({"WATCHDOG_PID": "7"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "-1"}, None),
        ({"WATCHDOG_USEC": ""}, None),
    ],
)
def test_the_watchdog_counts_for_the_process_it_names(environ: dict[str, str], seconds: float | None) -> None:
    """What a parent's watchdog left in the environment, and what is no time, counts for nothing."""
    assert watchdog_seconds(environ, 7) == seconds


# What is installed


def install(what: str, root: Path, **variables: str) -> str:
    """Install into a folder; what was said."""
    environ = {name: value for name, value in os.environ.items() if name not in ("PREFIX", "UNITS", "PYTHON")}
    given = environ | variables | {"DESTDIR": str(root)}
    done = subprocess.run(
        [SOURCES / "install", what], env=given, check=False, capture_output=True, encoding="utf-8", umask=0o077
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir()}


def below(prefix: str, units: str) -> set[str]:
    """What is installed besides the program and the configuration."""
    return {
        *(f"{prefix}/share/doc/aggregator/{name}" for name in ("hubs.conf", "nginx.conf.example", "Caddyfile.example")),
        f"{units}/sysusers.d/aggregator.conf",
        f"{units}/tmpfiles.d/aggregator.conf",
        *(f"{units}/systemd/system/{unit}" for unit in UNITS),
        *(f"{units}/systemd/system/{service}.d/10-sandbox.conf" for service in SERVICES),
    }


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder into which the units were installed."""
    install("units", tmp_path / "root of all")
    return tmp_path / "root of all"


def test_units_are_installed_where_systemd_looks(root: Path) -> None:
    """With the first configuration, and readable by all whatever the umask of who installs."""
    assert files(root) == below("usr/local", "usr/local/lib") | {"etc/aggregator/aggregator.yaml"}
    assert {path.stat().st_mode & 0o777 for path in root.rglob("*") if path.is_file()} == {0o644}
    assert {path.stat().st_mode & 0o777 for path in root.rglob("*") if path.is_dir()} == {0o755}


def test_a_prefix_is_put_into_the_units(tmp_path: Path) -> None:
    """Also one that systemd doesn't look into, with the units elsewhere."""
    install("units", tmp_path, PREFIX="/opt/aggregator", UNITS="/etc")
    assert files(tmp_path) == below("opt/aggregator", "etc") | {"etc/aggregator/aggregator.yaml"}
    unit = (tmp_path / "etc/systemd/system/aggregator.service").read_text()
    assert "ExecStart=/opt/aggregator/bin/aggregator run " in unit
    assert "/usr/local" not in unit


def test_a_configuration_that_is_there_stays(root: Path) -> None:
    """An installation over an old one changes nothing of it."""
    mine = root / "etc/aggregator/aggregator.yaml"
    mine.write_text("mine")
    install("units", root)
    assert mine.read_text() == "mine"


def test_make_uninstall_leaves_configuration_state_and_feeds(root: Path) -> None:
    """Everything else that was installed is gone, and nothing more."""
    kept = {"etc/aggregator/aggregator.yaml", "var/lib/aggregator/ledger.sqlite", "srv/feeds/all/rss.xml"}
    program = {"usr/local/bin/aggregator", "usr/local/lib/aggregator/bin/python", "usr/local/lib/other/file"}
    for path in kept | program:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    subprocess.run([needs("make"), "-s", "-C", PROJECT, "uninstall", f"DESTDIR={root}"], check=True, timeout=200)
    assert files(root) == kept | {"usr/local/lib/other/file"}


def test_a_python_that_units_cannot_see_is_refused(tmp_path: Path) -> None:
    """Before anything is installed: a service that is kept out of the homes could not start it."""
    python = tmp_path / "python3"
    python.write_text("#!/bin/sh\necho /home/ada/bin/python3.11\n")
    python.chmod(0o755)
    environ = os.environ | {"DESTDIR": str(tmp_path / "root"), "PYTHON": str(python)}
    done = subprocess.run([SOURCES / "install", "install"], env=environ, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert "/home/ada/bin/python3.11 is in a home" in done.stderr
    assert not (tmp_path / "root").exists()


# What the units say


@pytest.fixture
def machine(root: Path) -> Path:
    """That folder as a machine's root, with what systemd itself brings, and a program."""
    system = root / "usr/lib/systemd/system"
    system.mkdir(parents=True)
    for target in Path("/lib/systemd/system").glob("*.target"):
        shutil.copy(target, system)
    program = root / "usr/local/bin/aggregator"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return root


def analyze(root: Path, *arguments: str) -> str:
    """All that systemd-analyze says of the units below a folder."""
    command = [needs("systemd-analyze"), arguments[0], f"--root={root}", *arguments[1:]]
    return subprocess.run(command, check=False, stdout=-1, stderr=-2, encoding="utf-8", timeout=200).stdout


def faults(root: Path) -> str:
    """What `verify` finds; it succeeds whatever that is."""
    units = [unit.replace("@", "@two") for unit in UNITS]
    return analyze(root, "verify", "--man=no", *units)


def test_verify_is_silent(machine: Path) -> None:
    """No unit has an unknown key, a value that can't be, or a program that isn't there."""
    assert faults(machine) == ""


def test_verify_would_tell(machine: Path) -> None:
    """A slip in a drop-in is found here as well."""
    sandbox = machine / "usr/local/lib/systemd/system/aggregator.service.d/10-sandbox.conf"
    sandbox.write_text(sandbox.read_text().replace("ProtectHome=", "ProtectHomes="))
    assert "ProtectHomes" in faults(machine)


def exposure(root: Path, unit: str) -> float:
    said = analyze(root, "security", "--offline=true", "--no-pager", unit)
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", said)
    assert found, said
    return float(found[1])


@pytest.mark.parametrize("unit", SERVICES)
def test_a_service_is_hardly_exposed(machine: Path, unit: str) -> None:
    """0.3 of 10 at most."""
    assert exposure(machine, unit) <= 0.3


def test_hub_pings_expose_little(machine: Path) -> None:
    """With the drop-in that opens the network it is 1.5 at most; and that drop-in does open it."""
    place = machine / "etc/systemd/system/aggregator.service.d/hubs.conf"
    place.parent.mkdir(parents=True)
    shutil.copy(machine / "usr/local/share/doc/aggregator/hubs.conf", place)
    assert faults(machine) == ""
    assert 0.5 < exposure(machine, "aggregator.service") <= 1.5


class Directive(NamedTuple):
    """A line of a unit, and the line above it."""

    name: str
    value: str
    above: str


def directives(file: str) -> list[Directive]:
    """What a file of the project says."""
    lines = ["", *(SOURCES / file).read_text(encoding="utf-8").splitlines()]
    pairs = [(line.partition("="), above) for above, line in pairwise(lines) if re.match(r"\w+=", line)]
    return [Directive(name, value, above) for (name, _, value), above in pairs]


@pytest.mark.parametrize("file", [*UNITS, "10-sandbox.conf", "hubs.conf"])
def test_every_directive_has_its_reason(file: str) -> None:
    """In a comment above it, but for those that say what a unit is for."""
    found = directives(file)
    assert found
    plain = ("Description", "ExecStart", "OnCalendar", "WantedBy")
    assert [name for name, _, above in found if not above.startswith("# ") and name not in plain] == []


def test_a_site_among_several_differs_in_its_names_alone() -> None:
    """The two daemons' units have the same directives."""
    one = [(name, value) for name, value, _ in directives("aggregator.service")]
    several = [(name, value) for name, value, _ in directives("aggregator@.service")]
    assert "%i" not in str(one)
    names = {"aggregator-%i": "aggregator", "/%i.yaml": "/aggregator.yaml", "/%i.env": "/env", " for %i": ""}
    for many, single in names.items():
        several = [(name, value.replace(many, single)) for name, value in several]
    assert several == one


def test_the_oneshot_takes_nothing_from_the_daemon() -> None:
    """It has the same user and state, and no runtime directory that would be gone with it."""
    daemon, oneshot = (
        {name: value for name, value, _ in directives(file)} for file in ("aggregator.service", SERVICES[2])
    )
    for name in ("User", "SupplementaryGroups", "StateDirectory", "EnvironmentFile"):
        assert oneshot[name] == daemon[name]
    assert "RuntimeDirectory" not in oneshot


# The configuration that comes along


def test_the_first_configuration_waits_for_title_and_address(tmp_path: Path) -> None:
    """Ids are made from the address: nothing starts before somebody has said it, and the two lines are there to be."""
    packaged = SOURCES / "aggregator.yaml"
    with pytest.raises(ConfigurationError) as refused:
        config.load(packaged, {})
    assert all(key in str(refused.value) for key in ("site.title", "site.url"))

    ours = tmp_path / "aggregator.yaml"
    ours.write_text(re.sub(r"(?m)^  # (title|url): ", r"  \1: ", packaged.read_text()))
    loaded = config.load(ours, {})
    assert (loaded.store.path, loaded.runtime.path) == (Path("/var/lib/aggregator"), Path("/run/aggregator"))
    assert (loaded.sources[0].folder, loaded.output.path) == (Path("/srv/articles"), Path("/srv/feeds"))
