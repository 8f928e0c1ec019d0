"""A site as feed readers poll it: over loopback HTTP, from an nginx that tells what it was asked."""

from __future__ import annotations

import fcntl
import os
import re
import select
import struct
import subprocess
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from tests import servers
from tests.daemons import until
from tests.programs import needs
from tests.world import World, day


class Poll(NamedTuple):
    """A request that was answered: the path, the status, the bytes of the body."""

    path: str
    status: int
    size: int


class Web:
    """The web server of a site's output."""

    def __init__(self, server: servers.Server) -> None:
        self._server = server
        self._seen = 0

    def address(self, path: str) -> str:
        """The URL of a path."""
        return f"http://127.0.0.1:{self._server.port}/{path}"

    def polls(self, count: int) -> list[Poll]:
        """The requests since the last time, which are this many. The server logs them once they are answered: they are
        waited for.
        """
        requests = until(lambda: self._logged(count), f"{count} requests")
        assert len(requests) == count
        self._seen += count
        return requests

    def statuses(self, count: int = 1) -> list[int]:
        """How they were answered."""
        return [poll.status for poll in self.polls(count)]

    def _logged(self, count: int) -> list[Poll]:
        lines = self._server.access_log.read_text(encoding="utf-8").splitlines()[self._seen :]
        found = [re.search(r'"GET /(\S*) HTTP/1.1" (\d+) (\d+) ', line) for line in lines]
        assert all(found), lines
        polls = [Poll(one[1], int(one[2]), int(one[3])) for one in found if one]
        return polls if len(polls) >= count else []


@contextmanager
def served(world: World, configured: servers.Site | None = None) -> Iterator[Web]:
    """The web server of a site until the end of the block, maybe configured in another way than ours."""
    world.output.mkdir(exist_ok=True)
    with servers.nginx(world.output, site=configured) as server:
        yield Web(server)


def reader(home: Path, program: str, *arguments: str | Path, given: str = "") -> str:
    """What a reader prints that runs to its end in a home of its own, without any setting of this process's owner."""
    usual: dict[str, Any] = {"capture_output": True, "encoding": "utf-8", "timeout": 200, "check": False}
    done = subprocess.run([needs(program), *arguments], env=environment(home), cwd=home, input=given, **usual)
    assert (done.returncode, done.stderr) == (0, "")
    printed: str = done.stdout
    return printed


# What a terminal is told (ECMA-48) of how text looks, and all else, like where it goes.
_LOOKS = re.compile(r"\x1b(?:\[[\d;]*m|\(B)")
_CONTROL = re.compile(r"\x1b(?:\[[\d;?]*[A-Za-z]|[=>])")


@contextmanager
def screen(home: Path, program: str, *arguments: str | Path) -> Iterator[Callable[[str, str], str]]:
    """A reader on a terminal, which has ended well by the end of the block. It is given keys and a text to wait for on
    the screen, and gives what it writes until that is there.
    """
    # With the terminal its own (-c), so that it ends when that does, should the test be killed.
    command = [needs("setsid"), "-c", needs(program), *arguments]
    controls, terminal = os.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("4H", 40, 100, 0, 0))
    usual: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), terminal)
    known = environment(home) | {"TERM": "xterm"}
    with subprocess.Popen(command, env=known, cwd=home, **usual) as process:
        os.close(terminal)
        written = bytearray()

        def shown(text: str) -> str:
            if select.select([controls], [], [], 0)[0]:
                written.extend(os.read(controls, 1 << 16))
            plain = _CONTROL.sub(" ", _LOOKS.sub("", written.decode(errors="replace")))
            return plain if text in plain else ""

        def press(keys: str, text: str) -> str:
            written.clear()
            os.write(controls, keys.encode())
            return until(lambda: shown(text), f"{text!r} on the screen")

        try:
            yield press
            assert process.wait(50) == 0
        finally:
            process.kill()
            os.close(controls)


def environment(home: Path) -> dict[str, str]:
    """What a reader knows of the machine."""
    return {"HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}


TITLE, LINK, SOUND = "R&D <b> at “Étoile”", "https://news.example/b?x=1&y=2", "https://cdn.news.example/b.mp3?x=1&y=2"
TEXT = (
    '<p><img src="https://cdn.news.example/b.png" alt=""></p>'
    "<p>Less is &lt; more &amp; &quot;more&quot;.</p>"
    '<ul><li><a href="https://cdn.news.example/b.mp3?x=1&amp;y=2">Listen</a></li></ul>'
    '<h2>Related coverage</h2><ul><li><a href="https://other.example/b">Another view</a> — other.example</li></ul>'
)
"""What a reader is to see of the article `b`."""


def article(world: World, name: str = "b", **fields: Any) -> None:
    """Write the document of an article that has everything, with these fields instead."""
    usual: dict[str, Any] = {
        "title": escape(TITLE),
        "webUrl": LINK,
        "publishedDateTime": day(2),
        "topics": ["AI", "Stars & Suns"],
        "excerpt": 'Less is < more & "more".',
        "author": "Ada Lovelace",
        "actions": [{"url": SOUND, "title": "Listen"}],
        "images": [{"url": "https://cdn.news.example/b.png", "width": 800, "height": 600}],
        "related": [{"title": "Another view", "webUrl": "https://other.example/b", "publishedDateTime": day(2)}],
    }
    world.document(name, **(usual | fields))


def title_edited(world: World) -> None:
    article(world, title="Edited")


def address_edited(world: World) -> None:
    article(world, title="Edited", webUrl="https://news.example/moved")


def file_renamed(world: World) -> None:
    (world.articles / "b.md").unlink()
    article(world, "elsewhere/c", title="Edited")


def updated(world: World) -> None:
    article(world, title="Edited", updatedDateTime=day(3))


def dated_anew(world: World) -> None:
    article(world, title="Edited", publishedDateTime=day(1.5))


EDITS = (title_edited, address_edited, file_renamed, updated, dated_anew)
"""What may happen to the article `b`, whose title is "Edited" then, without its being another."""


def document_deleted(world: World) -> None:
    (world.articles / "b.md").unlink()


def removed(world: World) -> None:
    article(world, removed="yes")


def unpublished(world: World) -> None:
    article(world, published="no")


WITHDRAWALS = (document_deleted, removed, unpublished)
"""How the article `b` may be withdrawn."""
