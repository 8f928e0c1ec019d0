"""The versions of the packages that are installed."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path


def versions(packages: Sequence[str]) -> list[str]:
    """The versions of these installed packages, in their order. Raises PackageNotFoundError."""
    installed = _installed()
    return [installed.get(_plain(package)) or _version(package) for package in packages]


@cache
def _installed() -> Mapping[str, str]:
    """The versions of all installed packages, by name, as their metadata folders are called (PEP 427).

    importlib.metadata tells the same, but loading it takes longer than the whole of this.
    """
    versions: dict[str, str] = {}
    for folder in sys.path:
        with suppress(OSError):
            for place in Path(folder).glob("*.dist-info"):
                package, _, version = place.stem.partition("-")
                versions.setdefault(_plain(package), version)
    return versions


def _plain(package: str) -> str:
    """The name of a package in the one spelling that all of its spellings share (PEP 503)."""
    return re.sub(r"[-_.]+", "-", package).lower()


def _version(package: str) -> str:
    """The version of a package that is installed in another way."""
    from importlib.metadata import version

    return version(package)
