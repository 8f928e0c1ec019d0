"""A machine that is booted for the checks, with the project installed on it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, NamedTuple, TypeVar

from tests.programs import missing, needs, needs_root

Seen = TypeVar("Seen")

BOOT = Path(__file__).with_name("boot")
_BOOTED = 30.0  # seconds that systemd may take to boot
_CALM = 0.02  # seconds between two looks


class Done(NamedTuple):
    """What a command that has ended said."""

    status: int
    out: str
    err: str


class Machine:
    """A machine whose first process is `pid` out here, and whose files are below `root`."""

    def __init__(self, pid: int) -> None:
        self.root = Path(f"/proc/{pid}/root")
        path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        self._inside = ("nsenter", f"--target={pid}", "--all", "env", "-i", path, "LC_ALL=C.UTF-8")

    def run(self, *command: str, check: bool = True) -> Done:
        """Run a command on it as root; with `check` it must succeed."""
        done = subprocess.run(
            (*self._inside, *command), check=False, capture_output=True, encoding="utf-8", errors="replace", timeout=60
        )
        assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}\n{self.journal()}"
        return Done(done.returncode, done.stdout, done.stderr)

    def systemctl(self, *arguments: str, check: bool = True) -> Done:
        return self.run("systemctl", "--no-pager", "--no-ask-password", *arguments, check=check)

    def show(self, unit: str, name: str) -> str:
        """A property of a unit."""
        return self.systemctl("show", "--value", f"--property={name}", unit).out.strip()

    def journal(self) -> str:
        """What the units have said lately."""
        done = self.run("journalctl", "--no-pager", "--output=cat", "--lines=60", "--unit=aggregator*", check=False)
        return done.out

    def read(self, path: str) -> str:
        """A file's text; empty where there is none yet."""
        try:
            return (self.root / path.lstrip("/")).read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""

    def write(self, path: str, text: str) -> None:
        """Rename a whole file into its place, in folders that are made."""
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        part = self.root / "srv" / ".part"
        part.write_text(text, encoding="utf-8")
        part.replace(place)

    def until(self, look: Callable[[], Seen], seconds: float = 20.0) -> Seen:
        """Look again and again until something is seen; what that is."""
        deadline = time.monotonic() + seconds
        while not (seen := look()):
            assert time.monotonic() < deadline, f"not within {seconds} s, but {seen!r}\n{self.journal()}"
            time.sleep(_CALM)
        return seen


@contextmanager
def booted() -> Iterator[Machine]:
    """A machine, which ends with the context, or with this process, however that ends."""
    needs_root()
    for program in ("unshare", "nsenter", "setpriv", "systemctl", "make"):
        needs(program)
    if not Path("/lib/systemd/systemd").exists():
        missing("systemd is not installed")
    with TemporaryFile() as said:
        # In a session of its own: Ctrl-C is for us, and our end is what it ends by.
        boot = subprocess.Popen(
            [BOOT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True, start_new_session=True
        )
        try:
            yield _up(boot, said)
        finally:
            boot.communicate()  # closes what it lives by
        assert boot.returncode == 0, f"something is left behind: {_text(said)}"


def _up(boot: subprocess.Popen[str], said: IO[bytes]) -> Machine:
    """The machine, once it is up."""
    assert boot.stdout
    word, _, pid = boot.stdout.readline().partition(" ")
    if word != "ready":
        missing(f"no systemd can be booted here: {_text(said)}")
    machine = Machine(int(pid))
    machine.until(lambda: machine.systemctl("is-system-running", check=False).out == "running\n", _BOOTED)
    return machine


def _text(said: IO[bytes]) -> str:
    said.seek(0)
    return said.read().decode("utf-8", "replace").strip()


__all__ = ["Done", "Machine", "booted"]
