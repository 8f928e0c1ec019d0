"""The site's own commands, which are told what has been published, and whatever they do hold nothing up."""

from __future__ import annotations

import json
import os
import select
import signal
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aggregator.errors import HookFailed
from aggregator.hooks import tell

PATIENCE = 20.0  # seconds; no test takes that long unless something hangs
SHORT = 1.0  # seconds, for hooks that never end
NEWS = [("written", Path("/srv/feeds/all/rss.xml")), ("removed", Path("/srv/feeds/topics/機械 学習/atom.xml"))]


@pytest.fixture
def hook(tmp_path: Path) -> Path:
    return tmp_path / "hook"


def script(hook: Path, text: str, interpreter: str = "/bin/sh") -> list[str]:
    """A command that runs these lines in the hook's folder."""
    hook.write_text(f"#!{interpreter}\n{text}\n", encoding="utf-8")
    hook.chmod(0o755)
    return [str(hook)]


def failure(command: list[str], timeout: float = PATIENCE) -> str:
    """What is wrong with a hook, without its name; it is told soon after the time-out at the latest."""
    begun = time.monotonic()
    with pytest.raises(HookFailed) as raised:
        tell(command, NEWS, timeout)
    assert time.monotonic() - begun < timeout + PATIENCE / 2
    message = str(raised.value)
    assert message.isprintable()
    assert message.startswith("the hook `")
    return message.partition("` ")[2]


@contextmanager
def living(path: Path) -> Iterator[int]:
    """A pipe at that path: reading from it ends once nobody has it open for writing any more."""
    os.mkfifo(path)
    reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        yield reading
    finally:
        os.close(reading)


def ended(reading: int) -> bool:
    """Whether all who wrote to a pipe are gone, or soon will be."""
    deadline = time.monotonic() + PATIENCE
    while select.select([reading], [], [], max(0.0, deadline - time.monotonic()))[0]:
        if not os.read(reading, 4096):
            return True
    return False


# What it is told


def test_a_hook_is_told_what_happened_to_which_file(hook: Path) -> None:
    """One line for each, on its standard input, the path as the file system has it."""
    tell(script(hook, 'cat > "$0.heard"'), NEWS, PATIENCE)
    assert (hook.parent / "hook.heard").read_text(encoding="utf-8") == (
        "written\t/srv/feeds/all/rss.xml\nremoved\t/srv/feeds/topics/機械 学習/atom.xml\n"
    )


def test_a_path_that_is_no_text_is_told_as_it_is(hook: Path) -> None:
    """In the bytes that it has."""
    tell(script(hook, 'cat > "$0.heard"'), [("written", Path(os.fsdecode(b"/a\t\xff")))], PATIENCE)
    assert (hook.parent / "hook.heard").read_bytes() == b"written\t/a\t\xff\n"


def test_a_path_of_two_lines_is_not_told(hook: Path) -> None:
    """It would be taken for two files; nothing is run."""
    command = script(hook, 'touch "$0.ran"')
    with pytest.raises(HookFailed, match=r"can't be run: the path '/a\\nwritten\\t/b' holds the end of a line"):
        tell(command, [("written", Path("/a\nwritten\t/b"))], PATIENCE)
    assert not (hook.parent / "hook.ran").exists()


def test_arguments_stay_what_they_are(hook: Path) -> None:
    """No shell looks at them."""
    odd = ["a b", "", "*", "$HOME", "`id`", "; touch x", "'\"", "--", "\\", "é\n"]
    command = script(
        hook, "import json, sys; json.dump(sys.argv[1:], open(sys.argv[0] + '.heard', 'w'))", sys.executable
    )
    tell([*command, *odd], NEWS, PATIENCE)
    assert json.loads((hook.parent / "hook.heard").read_text()) == odd


def test_a_hook_need_not_listen(hook: Path) -> None:
    """One that ends at once, with more to read than a pipe holds, is as good as any."""
    tell(script(hook, "exit 0"), NEWS * 10_000, PATIENCE)
    tell(script(hook, "exec <&-; echo fine"), NEWS * 10_000, PATIENCE)


def test_a_hook_may_listen_slowly_and_speak_meanwhile(hook: Path) -> None:
    """Many lines in, many lines out, and none lost on the way in."""
    tell(script(hook, 'tee "$0.heard" | tee /dev/stderr'), NEWS * 10_000, PATIENCE)
    assert len((hook.parent / "hook.heard").read_bytes().splitlines()) == 20_000


def test_a_hook_that_is_only_a_name_is_looked_for_in_the_path(hook: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a shell."""
    script(hook, 'cat > "$0.heard"')
    monkeypatch.setenv("PATH", f"{hook.parent}:{os.environ['PATH']}")
    tell(["hook"], NEWS, PATIENCE)
    assert (hook.parent / "hook.heard").exists()


# What it is given


def test_a_hook_has_none_of_our_files_open(hook: Path) -> None:
    """A lock would last as long as the hook: not even files that are made for children are passed on."""
    lock = hook.parent / "lock"
    ours = os.open(lock, os.O_RDWR | os.O_CREAT)
    os.set_inheritable(ours, True)
    try:
        tell(script(hook, 'readlink /proc/$$/fd/* > "$0.heard"; exit 0'), NEWS, PATIENCE)
    finally:
        os.close(ours)
    opened = (hook.parent / "hook.heard").read_text().splitlines()
    assert len([name for name in opened if name.startswith("pipe:")]) >= 1
    assert str(lock) not in opened


def test_a_hook_has_a_session_of_its_own(hook: Path) -> None:
    """Ctrl-C in our terminal isn't meant for it."""
    code = "import os, sys; open(sys.argv[0] + '.heard', 'w').write(f'{os.getpid()} {os.getsid(0)}')"
    tell(script(hook, code, sys.executable), NEWS, PATIENCE)
    own, session = (hook.parent / "hook.heard").read_text().split()
    assert own == session


# How it fails


def test_a_hook_that_fails_says_why(hook: Path) -> None:
    """The status, and the last line of what it says on stderr, else on stdout."""
    command = script(hook, "echo first >&2; echo '  no\tsuch \033[31mzone  ' >&2; echo >&2; echo out; exit 3")
    assert failure(command) == r"ended with status 3: no such \u001b[31mzone"
    assert failure(script(hook, "echo only this; exit 4")) == "ended with status 4: only this"
    assert failure(script(hook, "exit 5")) == "ended with status 5"
    assert failure(script(hook, "printf '\\377\\n' >&2; exit 5")) == "ended with status 5: �"


def test_a_hook_that_is_killed(hook: Path) -> None:
    """The signal is named."""
    assert failure(script(hook, "kill -TERM $$")) == "was ended by SIGTERM"
    assert failure(script(hook, f"kill -{signal.SIGRTMIN + 3} $$")).startswith("was ended by signal ")


def test_the_failing_program_is_named(hook: Path) -> None:
    """Without its arguments: one may be a secret."""
    with pytest.raises(HookFailed) as raised:
        tell([*script(hook, "exit 1"), "--token", "hush"], NEWS, PATIENCE)
    assert str(raised.value) == f"the hook `{hook}` ended with status 1"


def test_a_hook_that_can_not_be_run(hook: Path) -> None:
    """It isn't there, may not be run, is no program, or is a folder."""
    assert failure([str(hook)]) == "can't be run: No such file or directory"
    assert failure(["no-such-program-anywhere"]) == "can't be run: No such file or directory"
    hook.write_text("neither a program nor a script\n")
    assert failure([str(hook)]) == "can't be run: Permission denied"
    hook.chmod(hook.stat().st_mode | stat.S_IXUSR)
    assert failure([str(hook)]) == "can't be run: Exec format error"
    assert failure([str(hook.parent)]) == "can't be run: Permission denied"
    assert failure([str(hook), "a\0b"]) == "can't be run: embedded null byte"


def test_a_hook_that_takes_too_long_is_killed_with_all_it_has_started(hook: Path) -> None:
    """Its children, and those of its children, also where they don't mind TERM; and what it said is told."""
    with living(hook.parent / "alive") as alive:
        command = script(
            hook, "exec 9> \"${0%/*}/alive\"; trap '' TERM; (sh -c 'sleep 600; :' & sleep 600; :) & echo hm >&2; wait"
        )
        assert failure(command, SHORT) == "took longer than 1 s and was killed: hm"
        assert ended(alive)


def test_what_a_hook_leaves_running_is_not_waited_for(hook: Path) -> None:
    """Even if it holds the hook's outputs open; it lives on."""
    with living(hook.parent / "alive") as alive:
        begun = time.monotonic()
        command = script(hook, 'exec 9> "${0%/*}/alive"; sleep 600 & echo $! > "$0.pid"; exit 0')
        tell(command, NEWS, PATIENCE)
        assert time.monotonic() - begun < PATIENCE / 2
        assert not select.select([alive], [], [], 0)[0]
        os.kill(int((hook.parent / "hook.pid").read_text()), signal.SIGKILL)
        assert ended(alive)


def test_a_hook_that_closes_its_outputs_is_still_waited_for(hook: Path) -> None:
    """Its end is what counts."""
    assert failure(script(hook, "exec >&- 2>&-; sleep 600"), SHORT) == "took longer than 1 s and was killed"
    assert failure(script(hook, "exec >&- 2>&-; exit 6")) == "ended with status 6"


def test_a_hook_that_talks_without_end(hook: Path) -> None:
    """It neither fills our memory nor escapes the time-out; a long line is cut."""
    assert failure(script(hook, "yes & yes >&2"), SHORT) == "took longer than 1 s and was killed: y"
    said = failure(script(hook, "head -c 10000000 /dev/zero | tr '\\0' x >&2; exit 7"))
    assert said.startswith("ended with status 7: xxx")
    assert len(said) < 300


def test_nothing_is_left_behind(hook: Path) -> None:
    """No descriptors and no dead children, however a hook ends."""
    pids = hook.parent / "pids"
    before = len([*Path("/proc/self/fd").iterdir()])
    tell(script(hook, f"echo $$ >> '{pids}'"), NEWS, PATIENCE)
    failure(script(hook, f"echo $$ >> '{pids}'; exit 1"))
    failure(script(hook, f"echo $$ >> '{pids}'; sleep 600"), SHORT)
    failure([str(hook.parent / "nothing")])
    assert len([*Path("/proc/self/fd").iterdir()]) == before
    assert [Path("/proc", pid).exists() for pid in pids.read_text().split()] == [False, False, False]
