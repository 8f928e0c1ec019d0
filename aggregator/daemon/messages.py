"""What the daemon's parts leave for its thread of work to find."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

from aggregator.config import Config
from aggregator.daemon.announcing import Told
from aggregator.daemon.control import Answer
from aggregator.model import Problem
from aggregator.pipeline import Plan


class Noted(NamedTuple):
    """Something happens at a path; `at`, as all instants of the window, is monotonic, in seconds."""

    path: str
    at: float


class Doubted(NamedTuple):
    """What was noted may not be all."""

    reason: str


class Rung(NamedTuple):
    """A timer."""

    name: str


class Signalled(NamedTuple):
    """A signal that has come."""

    number: int


class Asked(NamedTuple):
    """A request, and who takes the answers."""

    request: dict[str, Any]
    answer: Answer


Message: TypeAlias = Noted | Doubted | Rung | Signalled | Asked | Told


class Setting(NamedTuple):
    """A configuration, what it asks the pipeline to do, and what in it may be a slip."""

    config: Config
    plan: Plan
    warnings: tuple[Problem, ...] = ()
