"""The daemon's log: each event is one line, whatever its values hold. The daemon alone imports this.

```
time=2026-03-01T08:00:00.000000Z level=info event="batch published" paths=3 written=6
{"time": "2026-03-01T08:00:00.000000Z", "level": "info", "event": "batch published", "paths": 3, "written": 6}
<6>level=info event="batch published" paths=3 written=6
```
"""

from __future__ import annotations

import io
import json
import logging
import os
import select
import sys
import threading
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from datetime import datetime
from typing import Any, TextIO

import structlog
from structlog.processors import ExceptionRenderer, TimeStamper, add_log_level, format_exc_info
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import FilteringBoundLogger, Processor

from aggregator.text.plain import printable

# sd-daemon(3): how a line on standard error tells the journal its priority.
_PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}
_COLOURS = {"debug": "2", "info": "32", "warning": "33", "error": "31", "critical": "31"}
_FIRST = ("time", "level", "event")
_PATIENCE = 1.0  # seconds for whoever reads the log
_QUOTED = str.maketrans({'"': r"\"", "\\": r"\\"})
_LONGEST = 8000  # letters of a value: the journal cuts lines of 48 kB, and the rest would have no priority


def get() -> FilteringBoundLogger:
    """The logger as it was last configured. To be asked for each time, which costs nothing."""
    return _current


def configure(format: str, level: str, stream: TextIO, *, journal: bool = False, colour: bool = False) -> None:
    """Log to a stream from now on, also what other packages log with level warning or above.

    format: `logfmt`, `json`, or `auto`, which is logfmt. level: of the least that is logged, `debug`, `info`,
    `warning` or `error`. journal: the stream is the journal's, which has a clock of its own. Times are in UTC.
    """
    global _current
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")  # its encoding may lack a letter
    _current = _made(format, level, stream, journal=journal, colour=colour)
    least = max(logging.WARNING, logging.getLevelNamesMapping()[level.upper()])
    logging.basicConfig(handlers=[_Forward()], level=least, force=True)
    logging.captureWarnings(True)
    threading.excepthook = _tell_of_thread


def is_journal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether a stream goes to the journal: systemd.exec(5) on $JOURNAL_STREAM, which is inherited further than it."""
    with suppress(OSError, ValueError):  # it has no descriptor, or is closed
        found = os.fstat(stream.fileno())
        return environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"
    return False


def wants_colour(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether a stream is a terminal whose user has nothing against colours (https://no-color.org)."""
    return stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


def _made(format: str, level: str, stream: TextIO, *, journal: bool, colour: bool) -> FilteringBoundLogger:
    as_json = format == "json"
    steps: list[Processor] = [
        add_log_level,
        ExceptionRenderer(ExceptionDictTransformer(show_locals=False)) if as_json else format_exc_info,
        *([] if journal else [TimeStamper(fmt="iso", utc=True, key="time")]),
        _ordered,
        _Line(as_json=as_json, journal=journal, colour=colour and not journal),
    ]
    wrapper = structlog.make_filtering_bound_logger(level)
    lazy = structlog.wrap_logger(_Lines(stream), processors=steps, wrapper_class=wrapper, context_class=dict)
    made: FilteringBoundLogger = lazy.bind()  # what isn't logged costs a fraction of what it costs a lazy one
    return made


class _Lines:
    """A stream that takes lines, as structlog wants one. Losing a line is better than a daemon that ends."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._patience = _PATIENCE

    def msg(self, line: str) -> None:
        with self._lock, suppress(OSError, ValueError):
            if self._takes():
                self._stream.write(line + "\n")
                self._stream.flush()

    def _takes(self) -> bool:
        """Whether the stream takes a line: not a pipe that is full, where nobody reads any more.

        It is waited for once. A line longer than PIPE_BUF may block all the same, if the reader stops just then.
        """
        try:
            descriptor = self._stream.fileno()
        except OSError:  # it has none
            return True
        taken = bool(select.select([], [descriptor], [], self._patience)[1])
        self._patience = _PATIENCE if taken else 0.0
        return taken

    debug = info = warning = error = critical = msg


class _Forward(logging.Handler):
    """What other packages log, on its way to our log."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage().strip()
        except Exception:  # theirs is the bug; the message without its values is better than none
            message = str(record.msg)
        level = min(max(record.levelno // 10 * 10, logging.DEBUG), logging.CRITICAL)
        get().log(level, message, logger=record.name, exc_info=record.exc_info)


def _tell_of_thread(end: threading.ExceptHookArgs) -> None:
    """A thread that ended by an exception, which else prints lines of its own."""
    if end.exc_type is not SystemExit:
        name = end.thread.name if end.thread else ""
        get().error("a thread has ended", thread=name, exc_info=end.exc_value)


def _ordered(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    first = {key: event.pop(key) for key in _FIRST if key in event}
    return first | {key: _plain(value) for key, value in event.items()}


def _plain(value: Any) -> Any:
    """A value as JSON has it; not too long."""
    if value is None or isinstance(value, (bool, int, float, list, dict)):
        return value
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    if len(text) > _LONGEST:
        half = _LONGEST // 2
        return f"{text[:half]} … {text[-half:]}"
    return text


class _Line:
    """The last step: an event as one line."""

    def __init__(self, *, as_json: bool, journal: bool, colour: bool) -> None:
        self._as_json = as_json
        self._journal = journal
        self._colour = colour

    def __call__(self, _: Any, __: str, event: MutableMapping[str, Any]) -> str:
        line = json.dumps(event, default=str) if self._as_json else self._logfmt(event)
        return f"<{_PRIORITIES[event['level']]}>{line}" if self._journal else line

    def _logfmt(self, event: Mapping[str, Any]) -> str:
        pairs = ((key, _written(value)) for key, value in event.items())
        if not self._colour:
            return " ".join(f"{key}={value}" for key, value in pairs)
        level = _COLOURS[event["level"]]
        colours = {"level": level, "event": "1"}
        return " ".join(f"\x1b[2m{key}=\x1b[0m\x1b[{colours.get(key, '0')}m{value}\x1b[0m" for key, value in pairs)


def _written(value: Any) -> str:
    """A value in logfmt: as it is where it is one plain word, else as a JSON string, with all else escaped too."""
    if value is None:
        return ""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if text and text.isprintable() and not any(letter in text for letter in ' ="\\'):
        return text
    return f'"{printable(text.translate(_QUOTED))}"'


_current = _made("auto", "info", sys.stderr, journal=False, colour=False)
