"""What is told to the service manager that started us: sd_notify(3), over a datagram socket."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import suppress

from aggregator.text.plain import printable

_PATIENCE = 1.0  # seconds for a manager that doesn't read; what it missed is said again, or isn't worth a stall


class Manager:
    """The service manager at an address, as `$NOTIFY_SOCKET` has it: a path, or `@` and an abstract name.

    With the address None, or any other, nothing is said. No method raises: a manager that is gone is not our trouble.
    """

    def __init__(self, address: str | None) -> None:
        self._address = ""
        if address and address[0] in "/@":
            self._address = "\0" + address[1:] if address[0] == "@" else address

    def ready(self, status: str) -> None:
        """We are at work: after the start, and again when a reload is done, whether or not it changed anything."""
        self._say("READY=1", _status(status))

    def reloading(self, monotonic_usec: int) -> None:
        """The configuration is being read again, since that time of CLOCK_MONOTONIC (µs); `ready` ends it."""
        self._say("RELOADING=1", f"MONOTONIC_USEC={monotonic_usec}")

    def status(self, text: str) -> None:
        """What `systemctl status` shows of us: one line."""
        self._say(_status(text))

    def stopping(self) -> None:
        """We are about to end."""
        self._say("STOPPING=1")

    def alive(self) -> None:
        """The watchdog's time begins anew."""
        self._say("WATCHDOG=1")

    def _say(self, *lines: str) -> None:
        if not self._address:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.settimeout(_PATIENCE)
            line.sendto("\n".join(lines).encode(), self._address)


def watchdog_seconds(environ: Mapping[str, str], pid: int) -> float | None:
    """After how many seconds without `alive` the manager ends the process `pid`; None: never.

    As sd_watchdog_enabled(3) reads `WATCHDOG_USEC` and `WATCHDOG_PID`: those of a parent that were inherited don't
    count. It advises to speak up after half that time.
    """
    usec = environ.get("WATCHDOG_USEC", "")
    if environ.get("WATCHDOG_PID", str(pid)) != str(pid) or not usec.isdecimal() or int(usec) == 0:
        return None
    return int(usec) / 1_000_000


def _status(text: str) -> str:
    """A line for a line: what came after a line break would be read as another message."""
    return f"STATUS={printable(' '.join(text.split()))}"
