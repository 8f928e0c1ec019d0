"""A web server for a look at what was published: on loopback, for the person at this machine."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.utils import format_datetime, parsedate_to_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

from aggregator.model import EPOCH

ADDRESS = "127.0.0.1"
# By other names a page from elsewhere could have its own host lead here, and read what only this machine may see.
_HOSTS = (ADDRESS, "localhost")


class Folder(NamedTuple):
    """What is served: at a path that begins and ends with `/`, what `read` gives for a relative one, and the media
    types of files by name.

    `read` gives the bytes of a file, and when it was last written (ns since 1970); None where there is none. It follows
    no links and leads nowhere else.
    """

    top: str
    read: Callable[[str], tuple[bytes, int] | None]
    types: Mapping[str, str]


def server(folder: Folder, port: int, tell: Callable[[str], None]) -> ThreadingHTTPServer:
    """A server on a port of loopback (0: any that is free), which `tell`s of each request in a line.

    Raises OSError where the port is taken, or isn't allowed.
    """

    class Handler(_Handler):
        served = folder
        told = staticmethod(tell)

    return ThreadingHTTPServer((ADDRESS, port), Handler)


class _Handler(BaseHTTPRequestHandler):
    """GET and HEAD; all other methods are refused by the base class."""

    protocol_version = "HTTP/1.1"
    server_version = "aggregator"
    sys_version = ""
    served: Folder
    told: Callable[[str], None]

    def do_GET(self) -> None:
        host = self.headers.get("Host", "").rpartition(":")[0] or self.headers.get("Host", "")
        path = unquote(urlsplit(self.path).path, errors="surrogateescape")
        if host not in _HOSTS:
            self._answer(HTTPStatus.MISDIRECTED_REQUEST)
        elif not path.startswith(self.served.top):
            self._answer(HTTPStatus.FOUND if path == "/" else HTTPStatus.NOT_FOUND, Location=quote(self.served.top))
        else:
            self._file(path.removeprefix(self.served.top))

    do_HEAD = do_GET  # noqa: N815  # the base class calls it so

    def _file(self, path: str) -> None:
        file = f"{path}index.html" if path.endswith("/") or not path else path
        held = None if any(part.startswith(".") for part in file.split("/")) else self.served.read(file)
        if held:
            self._send(file, *held)
        elif not path.endswith("/") and self.served.read(f"{path}/index.html"):
            self._answer(HTTPStatus.MOVED_PERMANENTLY, Location=quote(f"{self.served.top}{path}/"))
        else:
            self._answer(HTTPStatus.NOT_FOUND)

    def _send(self, file: str, data: bytes, mtime: int) -> None:
        name = file.rpartition("/")[2]
        kind = self.served.types.get(name) or mimetypes.guess_type(name)[0] or "application/octet-stream"
        tag = f'"{mtime:x}-{len(data):x}"'
        changed = _instant(mtime)
        known = _has(self.headers, tag, changed)
        self._answer(
            HTTPStatus.NOT_MODIFIED if known else HTTPStatus.OK,
            b"" if known else data,
            Content_Type=kind if kind.startswith("image/") else f"{kind}; charset=utf-8",
            ETag=tag,
            Cache_Control="no-cache",
            **({"Last_Modified": format_datetime(changed, usegmt=True)} if changed else {}),
        )

    def _answer(self, status: HTTPStatus, data: bytes | None = None, **headers: str) -> None:
        """`data` None: a line that says what the status means."""
        if data is None:
            data = f"{status} {status.phrase}\n".encode()
            headers.setdefault("Content_Type", "text/plain; charset=utf-8")
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("X-Content-Type-Options", "nosniff")
        if status != HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:  # noqa: ARG002  # the base class's
        self.told(f"{code} {self.command} {self.path}")

    def log_error(self, format: str, *args: object) -> None:
        """Said by the status already."""


def _instant(mtime: int) -> datetime | None:
    """The second of a file's time (ns since 1970); None where dates end before it."""
    try:
        return EPOCH + timedelta(seconds=mtime // 1_000_000_000)
    except OverflowError:
        return None


def _has(headers: Message[str, str], tag: str, changed: datetime | None) -> bool:
    """Whether whoever asks has this version: RFC 9110, section 13.1; a date counts only where no tag is given."""
    if tags := headers.get("If-None-Match"):
        return tags.strip() == "*" or tag in (one.strip().removeprefix("W/") for one in tags.split(","))
    try:
        since = parsedate_to_datetime(headers.get("If-Modified-Since", ""))
    except ValueError:
        return False
    return changed is not None and changed <= since.replace(tzinfo=since.tzinfo or UTC)
