"""Work that never ends, takes all memory or ends its process costs nothing but itself."""

from __future__ import annotations

import faulthandler
import os
import resource
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from aggregator.errors import NoWorkers, Stopped
from aggregator.workers import Limits, Loss, Lot, Work, Workers
from tests.programs import child, end_of

LIMITS = Limits(seconds=0.3, memory=64 << 20)

Job = tuple[str, Any]


def jobs(name: str) -> Callable[[Job], object]:
    """What does jobs; an answer says the name."""

    def do(job: Job) -> object:
        kind, value = job
        match kind:
            case "add":
                return f"{name} {value}"
            case "turn":
                while True:
                    pass
            case "hold":
                return len(bytearray(value))
            case "fail":
                raise ValueError(value)
            case "exit":
                os._exit(value)
            case "die":
                faulthandler.disable()  # it would tell of this at length
                os.kill(os.getpid(), value)
            case "die once":
                if not Path(value).exists():
                    Path(value).touch()
                    os.kill(os.getpid(), signal.SIGKILL)
                return "done"
            case "say so":
                Path(value).write_text(str(os.getpid()))
                time.sleep(60)
        return kind

    return do


def stuck(_: object) -> Callable[[Job], object]:
    """What never begins, as the process has no room."""
    os.kill(os.getpid(), signal.SIGKILL)
    return jobs("never")


def naps(_: object) -> Callable[[Job], object]:
    """What takes longer than it may, and no processor."""
    return lambda _: time.sleep(2 * LIMITS.seconds)


def grows(_: object) -> Callable[[Job], object]:
    """What leaves the process larger than it was, and says which process that is."""

    def grow(_: Job) -> object:
        HELD.append(bytes(80 << 20))
        return os.getpid()

    return grow


def memory_limits(_: object) -> Callable[[Job], object]:
    """What says how much memory the process may have."""
    return lambda _: resource.getrlimit(resource.RLIMIT_DATA)


HELD: list[bytes] = []


def given_up(_: Job, loss: Loss) -> Loss:
    return loss


def lots(*groups: Iterable[Job], limits: Limits = LIMITS) -> Iterator[Lot[Job]]:
    """A lot for each group of jobs."""
    return (Lot(list(group), "job", limits) for group in groups)


def answers(
    given: Iterable[Lot[Job]], processes: int = 2, work: Work[Job, object] = jobs, small: bool = False
) -> dict[Job, object]:
    """What comes of the jobs."""
    with Workers(processes) as workers:
        return dict(pair for pairs in workers.stream(work, given, given_up, small=small) for pair in pairs)


@contextmanager
def a_thread() -> Iterator[None]:
    """Beside a thread, workers are started from a clean process."""
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@pytest.mark.parametrize("processes", [1, 2, 3])
@pytest.mark.parametrize("small", [False, True])
def test_every_item_gets_its_answer(processes: int, small: bool) -> None:
    """However many lots and workers there are."""
    given = [[("add", f"{lot}.{item}") for item in range(lot % 5)] for lot in range(40)]
    everything = {job: f"job {job[1]}" for group in given for job in group}
    assert answers(lots(*given), processes, small=small) == everything
    assert answers(lots(), processes, small=small) == {}


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize(
    ("job", "reason"),
    [
        (("turn", None), "it takes more than 0.3 s of processor time"),
        (("hold", 1 << 30), "it takes more than 64 MiB of memory"),
        (("exit", 3), "the process that worked on it was ended with exit status 3"),
        (("die", signal.SIGSEGV), "the process that worked on it was ended by SIGSEGV"),
        (("die", signal.SIGABRT), "the process that worked on it was ended by SIGABRT"),
    ],
)
@pytest.mark.parametrize("place", [0, 5, 9])
def test_what_breaks_a_limit_is_given_up_alone(processes: int, job: Job, reason: str, place: int) -> None:
    """All others of its lot, and of other lots, are done; the reason lasts."""
    group: list[Job] = [("add", number) for number in range(10)]
    others: list[Job] = [("add", f"other {number}") for number in range(10)]
    group[place] = job
    found = answers(lots(group, others), processes)
    assert found.pop(job) == Loss(reason, lasting=True)
    assert found == {one: f"job {one[1]}" for one in (*group, *others) if one != job}


def test_beside_a_thread_too() -> None:
    """Workers that are started from a clean process have the same limits."""
    with a_thread():
        found = answers(lots([("add", 1), ("turn", None), ("hold", 1 << 30), ("add", 2)]))
    assert [value.lasting for value in found.values() if isinstance(value, Loss)] == [True, True]
    assert {value for value in found.values() if not isinstance(value, Loss)} == {"job 1", "job 2"}


def test_time_is_that_of_the_processor() -> None:
    """An item that only waits is within its limit, and so are many that take long together."""
    slow: list[Job] = [("add", number) for number in range(2)]
    assert set(answers(lots(slow), work=naps)) == set(slow)


def test_a_killed_worker_costs_nothing(tmp_path: Path) -> None:
    """Whoever kills one: what it had in hand is done by another one."""
    job = ("die once", str(tmp_path / "died"))
    found = answers(lots([("add", 1), job, ("add", 2)]))
    assert found == {("add", 1): "job 1", job: "done", ("add", 2): "job 2"}


def test_an_item_whose_workers_are_killed_again_and_again_is_given_up_for_now(tmp_path: Path) -> None:
    """It may be to blame, or not: it is worth another try later."""
    job = ("die", signal.SIGKILL)
    found = answers(lots([("add", 1), job, ("add", 2)]))
    assert found.pop(job) == Loss("the process that worked on it was ended by SIGKILL", lasting=False)
    assert set(found.values()) == {"job 1", "job 2"}


def test_where_no_worker_lives_that_is_told() -> None:
    """Rather than starting them for ever."""
    with pytest.raises(NoWorkers, match="ended by SIGKILL"):
        answers(lots([("add", 1)]), work=stuck)


def test_a_worker_that_was_killed_while_it_had_nothing_to_do_is_replaced() -> None:
    """The next lot finds another one."""
    with Workers(1) as workers:
        for number in range(3):
            pairs = workers.stream(jobs, lots([("add", number)]), given_up, small=False)
            assert [answer for group in pairs for _, answer in group] == [f"job {number}"]
            for worker in workers._workers:
                os.kill(worker._process.pid or 0, signal.SIGKILL)
                worker._process.join()


def test_a_worker_that_has_grown_is_replaced() -> None:
    """Memory that one item took isn't kept by the next ones."""
    roomy = Limits(60, 1 << 30)
    given: list[list[Job]] = [[("add", 1)], [("add", 2)]]
    assert len(set(answers(lots(*given, limits=roomy), 1, grows).values())) == 2


def test_what_work_raises_is_raised() -> None:
    """With the place in the worker where it was."""
    with pytest.raises(ValueError, match="such a bug") as caught:
        answers(lots([("add", 1), ("fail", "such a bug")]))
    assert "in do" in caught.value.__notes__[0]


def test_whoever_waits_is_asked_whether_to_go_on(tmp_path: Path) -> None:
    """Work that takes long is left at once, and its workers end."""
    path = tmp_path / "pid"
    begin = time.monotonic()

    def stop() -> None:
        if path.exists() and path.read_text():
            raise Stopped("stopped")

    with pytest.raises(Stopped), Workers(2, stop) as workers:
        list(workers.stream(jobs, lots([("say so", str(path))]), given_up, small=False))
    assert time.monotonic() - begin < 30
    with pytest.raises(ProcessLookupError):
        os.kill(int(path.read_text()), 0)


def test_no_more_lots_are_made_than_can_be_worked_on() -> None:
    """Memory follows the number of workers, not that of the lots."""
    made = 0

    def endless() -> Iterator[Lot[Job]]:
        nonlocal made
        while True:
            made += 1
            yield Lot([("add", made)], "job", LIMITS)

    with Workers(2) as workers:
        for count, _ in enumerate(workers.stream(jobs, endless(), given_up, small=False), 1):
            assert made <= count + 2
            if count == 50:
                break


def test_a_limit_of_whoever_started_us_is_kept() -> None:
    """A worker never asks for more memory than its parent may have."""

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (1 << 32, 1 << 32))
        (limits,) = answers(lots([("add", 1)], limits=Limits(1, 1 << 40)), work=memory_limits).values()
        assert limits == (1 << 32, 1 << 32)

    assert end_of(child(limited)) == 0
