"""The last guard: a character that XML forbids costs that character, not the entry or the feed it is in.

The formats that could hold it go without it all the same: they say what the others say.
"""

from __future__ import annotations

from datetime import datetime
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import msgspec

from aggregator.text import plain

if TYPE_CHECKING:
    from collections.abc import Callable

Value = TypeVar("Value", bound=msgspec.Struct)
Arguments = ParamSpec("Arguments")


def tolerant(
    render: Callable[Concatenate[Value, Arguments], bytes],
) -> Callable[Concatenate[Value, Arguments], bytes]:
    """`render`, and once more without the illegal characters where one of them makes it raise ValueError.

    Texts are clean when they come here, so looking through each of them first would be work for nothing.
    """

    @wraps(render)
    def tolerant_render(value: Value, /, *arguments: Arguments.args, **named: Arguments.kwargs) -> bytes:
        try:
            return render(value, *arguments, **named)
        except ValueError:
            clean = legal(value)
            if clean == value:
                raise
            return render(clean, *arguments, **named)

    return tolerant_render


def checked(text: str) -> str:
    """The text as it is. Raises ValueError where it has an illegal character, which `tolerant` waits for."""
    if plain.legal(text) != text:
        raise ValueError("a character that XML forbids")
    return text


def legal(value: Value) -> Value:
    """The value, its texts without the characters that XML forbids."""
    return msgspec.convert(_legal(msgspec.to_builtins(value, builtin_types=(datetime,))), type(value))


def _legal(value: Any) -> Any:
    if isinstance(value, str):
        return plain.legal(value)
    if isinstance(value, list | tuple):
        return [_legal(item) for item in value]
    return value
