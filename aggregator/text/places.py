"""Where in a file a character of a text stands."""

from __future__ import annotations

import re
from bisect import bisect_right


class Places:
    """The lines and columns of a text whose first line is this one of its file; both count from 1."""

    def __init__(self, text: str, first_line: int) -> None:
        self._starts = [0, *(end.end() for end in re.finditer("\n", text))]
        self._first = first_line

    def at(self, offset: int) -> tuple[int, int]:
        """Line and column of the character at this offset."""
        line = bisect_right(self._starts, offset) - 1
        return line + self._first, offset - self._starts[line] + 1
