"""However an editor or a tool saves, what it leaves behind is noted."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ears import Ears, listening
from tests.programs import needs


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "articles"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep/a.md").write_text("old\n")
    return folder


@pytest.fixture
def ears(source: Path) -> Iterator[Ears]:
    with listening(source) as ears:
        yield ears


def run(*command: str | Path, folder: Path) -> None:
    environment = os.environ | {"TERM": "dumb", "HOME": str(folder.parent), "GIT_CONFIG_NOSYSTEM": "1"}
    usual = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    done = subprocess.run(command, cwd=folder, env=environment, check=False, timeout=200, **usual)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "settings",
    ["backupcopy=yes", "backupcopy=no", "backupcopy=no backup", "nowritebackup"],
)
def test_a_save_by_vim(source: Path, ears: Ears, settings: str) -> None:
    """In place, or by renaming the old file away and writing a new one; with a backup, or without."""
    command = ["-u", "NONE", "-N", "-n", "-e", "-s", "-c", f"set {settings}", "-c", "%s/old/new/", "-c", "wq"]
    run(needs("vim"), *command, "deep/a.md", folder=source)
    assert (source / "deep/a.md").read_text() == "new\n"
    assert ears.hears(source / "deep/a.md")


@pytest.mark.parametrize("settings", ["nil", "t"])
def test_a_save_by_emacs(source: Path, ears: Ears, settings: str) -> None:
    """Backups by renaming and by copying."""
    program = shutil.which("emacs") or pytest.skip("emacs is not installed")  # too big to ask for everywhere
    edit = f'(progn (setq backup-by-copying {settings}) (find-file "deep/a.md") (insert "new ") (save-buffer))'
    run(program, "-Q", "--batch", "--eval", edit, folder=source)
    assert (source / "deep/a.md").read_text() == "new old\n"
    assert ears.hears(source / "deep/a.md")


@pytest.mark.parametrize("option", ["--whole-file", "--inplace", "--delay-updates"])
def test_an_upload_by_rsync(source: Path, ears: Ears, option: str) -> None:
    """New files, changed files and deleted ones, by hidden temporary files or in place."""
    program = needs("rsync")
    upload = source.parent / "upload"
    (upload / "deep/er").mkdir(parents=True)
    (upload / "deep/a.md").write_text("new and longer\n")
    (upload / "deep/er/b.md").write_text("b\n")
    (source / "gone.md").write_text("gone\n")
    ears.catch_up(source)
    ears.forget()
    run(program, "-a", "--delete", option, f"{upload}/", f"{source}/", folder=source)
    assert ears.hears(source / "deep/a.md", source / "gone.md")
    assert ears.covers(source / "deep/er/b.md")
    assert not [path for path in ears.noted if "/." in path.removeprefix(str(source))]


def test_a_checkout_of_another_branch_and_back(source: Path, ears: Ears) -> None:
    """What differs between the branches is noted, each time; what git does for itself is not."""
    git = needs("git")

    def say(*words: str) -> None:
        run(git, "-c", "user.name=A", "-c", "user.email=a@example.org", *words, folder=source)

    say("init", "-q", "-b", "main")
    say("add", ".")
    say("commit", "-q", "-m", "one")
    say("checkout", "-q", "-b", "other")
    (source / "deep/a.md").write_text("other\n")
    (source / "new").mkdir()
    (source / "new/b.md").write_text("b\n")
    say("add", ".")
    say("commit", "-q", "-m", "two")
    for branch, there in (("main", False), ("other", True)):
        ears.catch_up(source)
        ears.forget()
        say("checkout", "-q", branch)
        assert (source / "new/b.md").exists() is there
        assert ears.hears(source / "deep/a.md", source / "new")
        assert ears.covers(source / "new/b.md")
        assert not [path for path in ears.noted if "/.git" in path]
