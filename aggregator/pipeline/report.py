"""What there is to report of a run."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import msgspec

from aggregator.model import Problem
from aggregator.publish import Outcome


class Published(NamedTuple):
    """What happened to the feed files, and what went wrong on the way; `changes` names each file that differs,
    `rendered` is how many entries were rendered; `complete` says whether all feeds were seen to that are dirty or due.
    """

    outcomes: Counter[Outcome]
    problems: tuple[Problem, ...]
    changes: tuple[tuple[Outcome, str], ...]
    rendered: int
    complete: bool


class Counts(msgspec.Struct, frozen=True):
    """Documents by what came of them; `gone`: no longer there since the last run, whether they were let go or are
    kept from now on; and all that the guard holds.
    """

    read: int
    unchanged: int
    failed: int
    skipped: int
    gone: int


class Files(msgspec.Struct, frozen=True):
    """Feed files by what happened to them."""

    written: int
    unchanged: int
    removed: int
    failed: int


class Effort(msgspec.Struct, frozen=True):
    """What a run cost: articles worked out again, entries rendered."""

    merged: int
    rendered: int


class Done(msgspec.Struct, frozen=True):
    """What one run did; it costs what the run changed.

    read: documents with new content; gone: those that are no more, held: those of them that the guard keeps. Of the
    problems, all but those of documents, `guard` says what is missing and isn't let go, and `troubles` which sources
    and feeds failed: with one of them it isn't `healthy`, exit status 1. `unpublished` are those of feeds, also when an
    earlier run tells of them: if `complete`, no others are dirty or due. `changes` names the files written and removed,
    or that would be. left: how many files are still unread, as that was `enough`.
    """

    read: int
    gone: int
    held: int
    feeds: Files
    problems: tuple[Problem, ...]
    guard: tuple[Problem, ...]
    troubles: tuple[Problem, ...]
    unpublished: tuple[Problem, ...]
    complete: bool
    changes: tuple[tuple[Outcome, str], ...]
    effort: Effort
    left: int = 0

    @property
    def healthy(self) -> bool:
        return not self.guard and not self.troubles


class Survey(msgspec.Struct, frozen=True):
    """What there is after a run; it costs what there is. known: documents of which a good version was read; kept: those
    that are gone and kept.
    """

    known: int
    failed: int
    skipped: int
    articles: int
    problems: tuple[Problem, ...]
    kept: int = 0


class Report(msgspec.Struct, frozen=True):
    """What a run did, and what there is after it."""

    documents: Counts
    articles: int
    feeds: Files
    problems: tuple[Problem, ...]
    changes: tuple[tuple[Outcome, str], ...]
    healthy: bool
    effort: Effort


def report(done: Done, survey: Survey) -> Report:
    """Both together."""
    return Report(
        documents=Counts(
            read=done.read,
            unchanged=max(0, survey.known - done.read - done.held),
            failed=survey.failed,
            skipped=survey.skipped,
            gone=done.gone,
        ),
        articles=survey.articles,
        feeds=done.feeds,
        problems=(*done.problems, *survey.problems),
        changes=done.changes,
        healthy=done.healthy,
        effort=done.effort,
    )
