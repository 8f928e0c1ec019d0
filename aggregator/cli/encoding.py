"""Names of files are UTF-8, whatever the locale says: one document has one name, for whoever publishes it."""

from __future__ import annotations

import locale
import os
import sys

from aggregator.errors import WrongEncoding

_PRINTING = "printing"  # the option that tells the new process what the terminal's encoding is


def use_utf_8() -> None:
    """See that Python takes names of files for UTF-8: else this process starts anew, in Python's UTF-8 mode.

    Its number, environment, arguments, signals and open files stay, and the encoding of what it prints.
    Raises WrongEncoding where it can't be started anew.
    """
    encoding = sys.getfilesystemencoding()
    if encoding == "utf-8":
        return
    printing = sys.stdout.encoding if sys.stdout else locale.getencoding()
    options = ["-X", "utf8", "-X", f"{_PRINTING}={printing}"]
    try:
        os.execv(sys.executable, [sys.executable, *options, *sys.orig_argv[1:]])  # noqa: S606  # it is this program
    except (OSError, ValueError) as error:
        advice = "set LC_ALL=C.UTF-8"
        raise WrongEncoding(f"names of files would be read as {encoding}, not as UTF-8: {error}; {advice}") from error


def printing_encoding() -> str | None:
    """The encoding that this process prints in where it was started anew; None: Python's own choice."""
    told = sys._xoptions.get(_PRINTING)  # noqa: SLF001  # where Python keeps them
    return told if isinstance(told, str) else None
