"""A world with a configuration file, for the real command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from aggregator import __version__
from aggregator.cli import commands, main
from aggregator.store import Ledger
from tests.programs import NOBODY, as_nobody
from tests.world import World

COMMAND = str(Path(sys.executable).with_name("aggregator"))


class Done(NamedTuple):
    """What a command that has ended said."""

    status: int
    out: str
    err: str


class Site(World):
    """A world in which commands run as processes; the folder `root` is their working directory."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.program = __version__
        self.config = root / "aggregator.yaml"
        self.configure()

    def configure(self, **sections: Any) -> None:
        """Write the configuration that `plan` has by default, with these sections instead of its own or besides."""
        default = {
            "site": {"title": "Everything", "url": "https://feeds.example.org/", "description": "All there is"},
            "sources": [{"path": "articles", "base_url": "https://www.example.org/"}],
            "output": {"path": "public", "formats": ["rss", "atom"]},
        }
        self.config.write_text(yaml.safe_dump(default | sections), encoding="utf-8")

    def run(self, *arguments: str, command: str = "regenerate", **settings: Any) -> Done:
        """Run a command to its end; `settings` are those of the process."""
        started = [COMMAND, *command.split(), *arguments]
        usual: dict[str, Any] = {"cwd": self.root, "capture_output": True, "env": environment(), "encoding": "utf-8"}
        done = subprocess.run(started, check=False, timeout=200, **usual | settings)
        assert "Traceback" not in (done.stderr or ""), done.stderr
        return Done(done.returncode, done.stdout, done.stderr)

    def result(self, *arguments: str) -> dict[str, Any]:
        """What `regenerate --json` says; it is well."""
        done = self.run("--json", *arguments)
        assert done.status == 0, done.err
        found: dict[str, Any] = json.loads(done.out)
        return found

    def rebuilt(self) -> dict[str, bytes]:
        """The same, at no earlier instant than the ledger remembers: processes go by the clock, not by `now`."""
        with closing(Ledger(self.store, dry=True)) as ledger:
            self.now = max(self.now, ledger.newest or self.now)
        return super().rebuilt()

    def give_to_nobody(self) -> None:
        """Make everything belong to someone without rights."""
        for path in (self.root, *self.root.rglob("*")):
            os.chown(path, NOBODY, NOBODY)

    def run_as_nobody(self, *arguments: str) -> Done:
        """Run a command as someone without rights."""
        # They may have no access to Python's own files: what the command imports is to be there before.
        commands.main(["regenerate", "--check", "-c", str(self.config)], standalone_mode=False)
        names = ("nobody.out", "nobody.err")
        for name in names:
            (self.root / name).write_bytes(b"")
            (self.root / name).chmod(0o666)

        def work() -> None:
            for number, name in enumerate(names, 1):
                os.dup2(os.open(name, os.O_WRONLY), number)
            sys.stdout, sys.stderr = (os.fdopen(number, "w", encoding="utf-8") for number in (1, 2))
            sys.argv = ["aggregator", *arguments]
            try:
                main()
            except SystemExit as end:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(int(end.code or 0))

        status = as_nobody(self.root, work)
        out, err = ((self.root / name).read_text(encoding="utf-8") for name in names)
        assert "Traceback" not in err, err
        return Done(status, out, err)


def environment(**more: str) -> dict[str, str]:
    """This process's environment without what would steer the command."""
    steering = ("AGGREGATOR_CONFIG", "COLUMNS", "NO_COLOR", "FORCE_COLOR", "PYTHONIOENCODING", "LC_ALL")
    return {name: value for name, value in os.environ.items() if name not in steering} | more


__all__ = ["COMMAND", "Done", "Site", "environment"]
