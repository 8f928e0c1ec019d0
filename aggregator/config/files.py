"""The files that a configuration is read from."""

from __future__ import annotations

import stat
from pathlib import Path

from aggregator.errors import ParseError
from aggregator.text import tree

LIMIT = 1 << 20  # bytes


def load(file: Path) -> tree.Node:
    """The tree that a YAML file holds.

    Raises ParseError, in line 0 where it is about the file as a whole.
    """
    try:
        return tree.load(_text(file))
    except OSError as error:
        raise ParseError(f"can't be read: {error.strerror}", 0, 0) from error


def _text(file: Path) -> str:
    kind = file.stat()
    if stat.S_ISDIR(kind.st_mode):
        raise ParseError("a folder, expected a file", 0, 0)
    if not stat.S_ISREG(kind.st_mode) or kind.st_size > LIMIT:
        raise ParseError(f"expected a plain file of at most {LIMIT >> 20} MiB", 0, 0)
    data = file.read_bytes()
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].split(b"\n")
        raise ParseError("not UTF-8; save the file as UTF-8", len(before), len(before[-1]) + 1) from error
