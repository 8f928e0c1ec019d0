"""The bytes of a document."""

from __future__ import annotations

import hashlib
import os
import stat

from aggregator.errors import ParseError

_SPARE = 4096
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def contents(file: str, limit: int) -> bytes:
    """All bytes of a regular file, or of the one that a link leads to.

    Raises ParseError, at line 0, for what isn't one, can't be read, or has more than `limit` bytes.
    """
    try:
        # Opening a pipe that nobody writes to would wait for ever.
        opened = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        raise ParseError(_why(file, error), 0, 0) from error
    try:
        return _all(opened, limit)
    except OSError as error:
        raise ParseError(f"can't be read: {error.strerror}", 0, 0) from error
    finally:
        os.close(opened)


def fingerprint(data: bytes) -> bytes:
    """The 16 bytes by which a document's versions are told apart (BLAKE2b)."""
    return hashlib.blake2b(data, digest_size=16).digest()


def _all(opened: int, limit: int) -> bytes:
    facts = os.fstat(opened)
    if not stat.S_ISREG(facts.st_mode):
        raise ParseError(f"{_kind(facts.st_mode)}, expected a regular file", 0, 0)
    size = facts.st_size
    data = b""
    while size <= limit:
        piece = os.read(opened, size - len(data) + _SPARE)
        data += piece
        if not piece:
            return data
        size = max(size, len(data))  # it grows while it is read
    raise ParseError(f"{size} bytes, expected at most {limit}", 0, 0)


def _kind(mode: int) -> str:
    return _KINDS.get(stat.S_IFMT(mode), "no file")


def _why(file: str, error: OSError | ValueError) -> str:
    """What keeps a file from being opened; sockets and dangling links have an error number that tells little."""
    try:
        mode = os.lstat(file).st_mode
    except (OSError, ValueError):
        mode = 0
    if stat.S_ISSOCK(mode):
        return f"{_kind(mode)}, expected a regular file"
    if stat.S_ISLNK(mode) and isinstance(error, FileNotFoundError):
        return "a link to nothing, expected a regular file"
    return f"can't be opened: {getattr(error, 'strerror', None) or error}"
