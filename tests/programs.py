"""What some tests want and a machine may not have, and processes that tests let run or die."""

from __future__ import annotations

import os
import shutil
import subprocess
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

NOBODY = 65534


def needs(program: str) -> str:
    """The program's path. Where it is missing, the test is skipped and says so; where `CI=true`, it fails."""
    # Servers and the like are in folders that only root's PATH has.
    found = shutil.which(program) or shutil.which(program, path="/usr/local/sbin:/usr/sbin:/sbin")
    return found or missing(f"{program} is not installed")


def needs_root() -> None:
    """Skip the test, or fail it where `CI=true`, unless it is root who runs it."""
    if os.geteuid() != 0:
        missing("only root can do this")


def missing(reason: str) -> NoReturn:
    """Skip the test for what the machine lacks; where `CI=true`, fail it."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def child(work: Callable[[], object]) -> int:
    """Start `work` in a forked process and give its id; it ends with status 0, or 1 where `work` raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # a fork beside threads: none of them is needed here
        pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        work()
        status = 0
    except BaseException:  # nothing of the test run may go on in this process
        traceback.print_exc()
    finally:
        os._exit(status)


def end_of(pid: int) -> int:
    """Wait for a child: its exit status, or the negative number of the signal that killed it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def as_nobody(folder: Path, work: Callable[[], object]) -> int:
    """The exit status of `work` done in a folder by someone without rights, as nothing is forbidden to root.

    Only relative paths work there: the folders above are closed.
    """

    def stripped() -> None:
        os.chdir(folder)
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        work()

    return end_of(child(stripped))


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[None]:
    """Put a disk of that many bytes in a folder's place."""
    needs_root()
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True, check=False
    )
    if done.returncode:
        missing(f"no disk can be mounted here: {done.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
