"""The last guard: a character that XML forbids costs that character, not the entry or the feed it is in.

The formats that could hold it go without it all the same: they say what the others say.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec

import msgspec

from aggregator.text import plain

if TYPE_CHECKING:
    from collections.abc import Callable

Arguments = ParamSpec("Arguments")


def tolerant(render: Callable[Arguments, bytes]) -> Callable[Arguments, bytes]:
    """`render`, and once more without the illegal characters where one of them makes it raise ValueError.

    Texts are clean when they come here, so looking through each of them first would be work for nothing.
    """

    @wraps(render)
    def tolerant_render(*values: Arguments.args, **named: Arguments.kwargs) -> bytes:
        try:
            return render(*values, **named)
        except ValueError:
            clean = _legal(values)
            if clean == values:
                raise
            return render(*clean, **named)

    return tolerant_render


def checked(text: str) -> str:
    """The text as it is. Raises ValueError where it has an illegal character, which `tolerant` waits for."""
    if plain.legal(text) != text:
        raise ValueError("a character that XML forbids")
    return text


def _legal(value: Any) -> Any:
    """The value, its texts without the characters that XML forbids; bytes were rendered, and are left alone."""
    if isinstance(value, str):
        return plain.legal(value)
    if isinstance(value, list | tuple):
        return type(value)(map(_legal, value))
    if isinstance(value, msgspec.Struct):
        fields = _legal(msgspec.structs.astuple(value))
        return type(value)(*fields) if fields != msgspec.structs.astuple(value) else value
    return value
