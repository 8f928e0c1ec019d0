"""What the units do on a real systemd."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.systemd.machine import Machine, booted
from tests.world import day, written

PROJECT = Path(__file__).parents[2]
UNITS = ("aggregator.service", "aggregator@two.service", "aggregator-regenerate.service", "aggregator-regenerate.timer")
CONFIGURATION = "/etc/aggregator/aggregator.yaml"
ALL = "/srv/feeds/all/atom.xml"
DAEMON, ONESHOT = UNITS[0], UNITS[2]
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


@pytest.fixture(scope="session")
def machine() -> Iterator[Machine]:
    """A machine on which the project was installed just now, as docs/systemd.md has it."""
    with booted() as machine:
        machine.run("systemd-sysusers")
        machine.run("systemd-tmpfiles", "--create")
        yield machine


@pytest.fixture(autouse=True)
def as_installed(machine: Machine) -> None:
    """Units, state, feeds and configuration as after the installation, but for the site's title and address."""
    machine.systemctl("stop", "aggregator*")
    machine.run("sh", "-c", "rm -rf /etc/systemd/system/aggregator* /var/lib/private/aggregator* /tmp/asked")
    machine.run("find", "/srv", "-mindepth", "2", "-delete")
    machine.systemctl("daemon-reload")
    machine.systemctl("reset-failed")
    machine.write(CONFIGURATION, configuration())


def configuration(title: str = "Everyday AI") -> str:
    """The packaged configuration with the two lines that somebody has to say."""
    text = (PROJECT / "systemd" / "aggregator.yaml").read_text(encoding="utf-8")
    lines = re.sub(r"(?m)^  # (title|url): (\S+)", r"  \1: \2", text)
    return lines.replace("title: Everyday", f"title: {title} #")


def document(machine: Machine, name: str, folder: str = "/srv/articles", topic: str = "AI") -> None:
    """Rename a document in."""
    machine.write(f"{folder}/{name}.md", front_matter(name, topic))


def front_matter(name: str, topic: str = "AI") -> str:
    """A document, without its body."""
    front = {"title": f"All of {name}", "originalUrl": f"https://www.example.org/{name}", "topics": [topic]}
    return written(front | {"publishedDateTime": day(1)})


def drop_in(machine: Machine, unit: str, *lines: str) -> None:
    """Change a unit, as its administrator would."""
    machine.write(f"/etc/systemd/system/{unit}.d/90-test.conf", "\n".join((*lines, "")))
    machine.systemctl("daemon-reload")


def shown(machine: Machine, name: str, feed: str = ALL) -> None:
    """Wait until a feed has a document."""
    machine.until(lambda: f">All of {name}<" in machine.read(feed))


def appears(machine: Machine, pattern: str) -> None:
    """Wait until a feed's folder is there."""
    machine.until(lambda: list(machine.root.glob(f"srv/feeds/topics/{pattern}")))


def becomes(machine: Machine, unit: str, name: str, value: str) -> None:
    """Wait until a unit's property has a value."""
    machine.until(lambda: machine.show(unit, name) == value)


def changes(machine: Machine, unit: str, name: str, before: str) -> None:
    """Wait until a unit's property has another value."""
    machine.until(lambda: machine.show(unit, name) != before)


def test_verify_is_silent(machine: Machine) -> None:
    """It finds no fault in any unit, drop-ins and programs included."""
    done = machine.run("systemd-analyze", "verify", "--man=no", *UNITS)
    assert (done.out, done.err) == ("", "")


def test_what_is_installed_names_its_place(machine: Machine) -> None:
    """The folder that DESTDIR was is named nowhere, and everybody can read everything."""
    program = ("/usr/local/lib/aggregator", "/usr/local/bin/aggregator")
    assert machine.run("grep", "-rlF", "/media/root", *program, check=False) == (1, "", "")
    assert machine.run("find", *program, "!", "-perm", "-444") == (0, "", "")


def test_an_unconfigured_site_does_not_start(machine: Machine) -> None:
    """Nobody's articles get ids from an example's address: it fails for good, and says what to write."""
    machine.write(CONFIGURATION, (PROJECT / "systemd" / "aggregator.yaml").read_text(encoding="utf-8"))
    assert machine.systemctl("start", DAEMON, check=False).status != 0
    assert machine.show(DAEMON, "ActiveState") == "failed"
    assert machine.show(DAEMON, "ExecMainStatus") == "2"
    assert "site.url" in machine.journal()


def test_start_ends_when_it_is_ready(machine: Machine) -> None:
    """It runs as its dynamic user by then, hears of changes in its sandbox, and anybody can ask how it is."""
    machine.systemctl("start", DAEMON)
    assert machine.show(DAEMON, "ActiveState") == "active"
    assert machine.show(DAEMON, "StatusText")
    user = machine.run("stat", "--format=%u", f"/proc/{machine.show(DAEMON, 'MainPID')}").out
    assert 61184 <= int(user) <= 65519
    machine.until(lambda: machine.run(*NOBODY, "aggregator", "status", check=False).status == 0)
    assert "inotify" in machine.run(*NOBODY, "aggregator", "status").out


@pytest.mark.parametrize(
    ("limit", "reason"),
    [("memory_limit: 32MiB", "32 MiB of memory"), ("time_limit: 0.1s", "0.1 s of processor time")],
)
def test_a_document_that_costs_too_much_is_given_up(machine: Machine, limit: str, reason: str) -> None:
    """The sandbox lets workers have limits of their own."""
    text = configuration().replace("  - path: /srv/articles\n", f"  - path: /srv/articles\n    {limit}\n")
    machine.write(CONFIGURATION, text)
    machine.systemctl("start", DAEMON)
    machine.write("/srv/articles/costly.md", front_matter("costly") + "- a\n+ b\n* c\n" * 20_000)
    document(machine, "cheap")
    shown(machine, "cheap")
    told = f"it takes more than {reason}; its last good version stays"
    machine.until(lambda: told in machine.run("aggregator", "status", check=False).out)
    assert machine.show(DAEMON, "NRestarts") == "0"


def test_memory_has_a_limit(machine: Machine) -> None:
    """The kernel ends a worker rather than the unit."""
    machine.systemctl("start", DAEMON)
    assert (machine.show(DAEMON, "MemoryMax"), machine.show(DAEMON, "OOMPolicy")) == (str(2 << 30), "continue")


def test_a_change_is_seen(machine: Machine) -> None:
    """A document that is renamed in reaches its feeds."""
    machine.systemctl("start", DAEMON)
    document(machine, "a")
    shown(machine, "a")
    document(machine, "b")
    shown(machine, "b", "/srv/feeds/topics/ai/atom.xml")


def test_others_can_read_the_feeds_but_not_the_store(machine: Machine) -> None:
    """A web server's user reads every feed; the state is the daemon's alone, and nobody writes to the feeds."""
    machine.systemctl("start", DAEMON)
    document(machine, "a")
    shown(machine, "a")
    machine.run(*NOBODY, "cat", ALL, "/srv/feeds/topics/ai/rss.xml")
    assert machine.run(*NOBODY, "ls", "/var/lib/aggregator/", check=False).status != 0
    assert machine.run(*NOBODY, "touch", "/srv/feeds/all/x", check=False).status != 0
    assert machine.run("stat", "--format=%a %G", "/srv/feeds/all").out == "2755 feeds\n"


def test_a_reload_brings_changes_into_force(machine: Machine) -> None:
    """In the process that is there."""
    machine.systemctl("start", DAEMON)
    document(machine, "a")
    shown(machine, "a")
    before = machine.show(DAEMON, "MainPID")
    machine.write(CONFIGURATION, configuration("Everynight"))
    machine.systemctl("reload", DAEMON)
    machine.until(lambda: "Everynight" in machine.read(ALL))
    assert machine.show(DAEMON, "MainPID") == before


def test_a_bad_reload_fails_and_the_old_configuration_goes_on(machine: Machine) -> None:
    """`systemctl reload` itself fails, the journal says why, and nothing of the new file is in force."""
    machine.systemctl("start", DAEMON)
    document(machine, "a")
    shown(machine, "a")
    before = machine.show(DAEMON, "MainPID")
    machine.write(CONFIGURATION, configuration("Everynight") + "nonsense: 1\n")
    assert machine.systemctl("reload", DAEMON, check=False).status != 0
    assert "nonsense" in machine.journal()
    document(machine, "b")
    shown(machine, "b")
    assert "Everynight" not in machine.read(ALL)
    assert (machine.show(DAEMON, "MainPID"), machine.show(DAEMON, "ActiveState")) == (before, "active")


def test_a_stalled_daemon_is_started_again(machine: Machine) -> None:
    """With nothing to do it feeds the watchdog; when its work no longer moves it doesn't, and says where it stood."""
    run = f"/usr/local/bin/aggregator run --test-stall -c {CONFIGURATION}"
    drop_in(machine, DAEMON, "[Service]", "ExecStart=", f"ExecStart={run}", "WatchdogSec=2s", "RestartSec=100ms")
    machine.systemctl("start", DAEMON)
    for _ in range(3):
        changes(machine, DAEMON, "WatchdogTimestampMonotonic", machine.show(DAEMON, "WatchdogTimestampMonotonic"))
    assert machine.show(DAEMON, "NRestarts") == "0"
    machine.systemctl("kill", "--signal=USR2", "--kill-whom=main", DAEMON)
    becomes(machine, DAEMON, "NRestarts", "1")
    becomes(machine, DAEMON, "ActiveState", "active")
    assert re.search(r"(?is)watchdog timeout.*Fatal Python error: Aborted", machine.journal())
    document(machine, "a")
    shown(machine, "a")


def test_nothing_is_lost_by_kill_9(machine: Machine) -> None:
    """Killed amid its work it is started again, and ends with the tree that a rebuild gives with the same ledger."""
    drop_in(machine, DAEMON, "[Service]", "RestartSec=100ms")
    machine.systemctl("start", DAEMON)
    left = []
    for kill in range(3):
        for number in range(300):
            document(machine, f"{kill}-{number}", topic=f"Topic {kill} {number}")
        appears(machine, f"topic-{kill}-*")
        machine.systemctl("kill", "--signal=KILL", DAEMON)
        left.append(300 - len(list(machine.root.glob(f"srv/feeds/topics/topic-{kill}-*/atom.xml"))))
    assert any(left)
    becomes(machine, DAEMON, "NRestarts", "3")
    for number in range(300):
        shown(machine, f"2-{number}", f"/srv/feeds/topics/topic-2-{number}/atom.xml")
    machine.systemctl("stop", DAEMON)

    machine.run("mkdir", "-p", "/srv/elsewhere")
    machine.run("cp", "-a", "/var/lib/private/aggregator", "/srv/elsewhere/store")
    elsewhere = configuration()
    for path in ("/srv/feeds", "/var/lib/aggregator", "/run/aggregator"):
        elsewhere = elsewhere.replace(path, f"/srv/elsewhere/{'store' if path != '/srv/feeds' else 'feeds'}")
    machine.write("/srv/elsewhere/aggregator.yaml", elsewhere)
    machine.run("aggregator", "regenerate", "--rebuild", "-c", "/srv/elsewhere/aggregator.yaml")
    differ = machine.run("diff", "-r", "--exclude=.aggregator", "/srv/feeds", "/srv/elsewhere/feeds", check=False)
    assert differ == (0, "", "")


def test_stop_takes_less_than_5_s(machine: Machine) -> None:
    """With much to do; what is left is done after the next start."""
    machine.systemctl("start", DAEMON)
    for number in range(300):
        document(machine, str(number), topic=f"Topic {number}")
    appears(machine, "topic-*")
    begun = time.monotonic()
    machine.systemctl("stop", DAEMON)
    assert time.monotonic() - begun < 5
    assert machine.show(DAEMON, "Result") == "success"
    assert len(list(machine.root.glob("srv/feeds/topics/topic-*/atom.xml"))) < 300
    machine.systemctl("start", DAEMON)
    shown(machine, "299", "/srv/feeds/topics/topic-299/atom.xml")


def test_the_timer_runs_the_oneshot_beside_the_daemon(machine: Machine) -> None:
    """It succeeds, and takes neither the state nor the runtime directory from the daemon."""
    machine.systemctl("start", DAEMON)
    before = machine.show(DAEMON, "MainPID"), machine.show(ONESHOT, "ExecMainExitTimestampMonotonic")
    timer = UNITS[3]
    drop_in(machine, timer, "[Timer]", "OnCalendar=", "OnActiveSec=0", "RandomizedDelaySec=0", "AccuracySec=1us")
    machine.systemctl("start", timer)
    changes(machine, ONESHOT, "ExecMainExitTimestampMonotonic", before[1])
    becomes(machine, ONESHOT, "ActiveState", "inactive")
    assert machine.show(ONESHOT, "Result") == "success"
    document(machine, "a")
    shown(machine, "a")
    machine.systemctl("reload", DAEMON)
    assert (machine.show(DAEMON, "MainPID"), machine.show(DAEMON, "NRestarts")) == (before[0], "0")


def test_the_oneshot_does_the_work_where_no_daemon_runs(machine: Machine) -> None:
    """And a daemon that is started later goes on from there."""
    document(machine, "a")
    machine.systemctl("start", ONESHOT)
    feed = "/srv/feeds/topics/ai/atom.xml"
    assert ">All of a<" in machine.read(feed)
    before = machine.run("stat", "--format=%y", feed).out
    machine.systemctl("start", DAEMON)
    document(machine, "b", topic="Other")
    shown(machine, "b", "/srv/feeds/topics/other/atom.xml")
    assert machine.run("stat", "--format=%y", feed).out == before


def test_two_sites_run_beside_each_other(machine: Machine) -> None:
    """As users of their own, with state, runtime directory and feeds of their own."""
    second = configuration("Second")
    for path in ("/srv/articles", "/var/lib/aggregator", "/run/aggregator"):
        second = second.replace(path, f"{path}-two")
    machine.write("/etc/aggregator/two.yaml", second.replace("/srv/feeds", "/srv/feeds/two"))
    machine.run("mkdir", "-p", "/srv/articles-two")
    machine.systemctl("start", DAEMON, UNITS[1])
    document(machine, "a")
    document(machine, "b", "/srv/articles-two")
    shown(machine, "a")
    shown(machine, "b", "/srv/feeds/two/all/atom.xml")
    assert "All of b" not in machine.read(ALL)
    users = {machine.run("stat", "--format=%u", f"/srv/feeds{two}/all/atom.xml").out for two in ("", "/two")}
    assert len(users) == 2
    machine.systemctl("reload", UNITS[1])


HUB = """
import http.server

class Hub(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        asked = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()
        open("/tmp/asked", "ab").write(asked)

http.server.HTTPServer(("127.0.0.1", 9999), Hub).serve_forever()
"""


def test_hubs_and_metrics_work_once_the_network_is_open(machine: Machine) -> None:
    """With the drop-in that comes along, a hub is told of a change, and who asks for metrics gets an answer."""
    opened = "websub:\n  hubs: [http://127.0.0.1:9999/]\nmetrics:\n  address: 127.0.0.1:9464\n"
    machine.write(CONFIGURATION, configuration() + opened)
    machine.write(
        f"/etc/systemd/system/{DAEMON}.d/hubs.conf", machine.read("/usr/local/share/doc/aggregator/hubs.conf")
    )
    machine.systemctl("daemon-reload")
    machine.run("systemd-run", "--unit=aggregator-hub", "/usr/bin/python3", "-c", HUB)
    machine.systemctl("start", DAEMON)
    document(machine, "a")
    machine.until(lambda: "hub.mode=publish" in machine.read("/tmp/asked"))
    asked = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:9464/metrics', timeout=5).status)"
    assert machine.run("/usr/bin/python3", "-c", asked).out == "200\n"
