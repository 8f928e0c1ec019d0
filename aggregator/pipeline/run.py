"""One run: everything is looked at, and what that makes different is published."""

from __future__ import annotations

import sys
from datetime import datetime

from aggregator.errors import WrongEncoding
from aggregator.pipeline.plan import Plan, Progress, Wish
from aggregator.pipeline.report import Report, report
from aggregator.pipeline.session import EVERYTHING, Session


def run(
    plan: Plan,
    wish: Wish,
    program: str,
    now: datetime,
    started: int,
    *,
    processes: int,
    progress: Progress = lambda *_: None,
) -> Report:
    """Read what changed and publish what that makes different.

    program: its version, part of what the index depends on; started: the real time, in ns since 1970. Raises
    TimeRefused, ClockBehind, UnknownFeed, ForeignOutput, Locked and StoreError; WrongEncoding where Python was started
    so that it reads names of files otherwise than as UTF-8.
    """
    if sys.getfilesystemencoding() != "utf-8":
        raise WrongEncoding("names of files would be read otherwise than as UTF-8; start Python with PYTHONUTF8=1")
    with Session(plan, program, processes=processes, dry=wish.dry, adopt=wish.adopt) as session:
        return report(session.bring_up(EVERYTHING, wish, now, started, progress), session.survey())
