"""From the mentions of an article to its entry in each format: merged, related, rendered, by all cores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache
from itertools import chain
from typing import NamedTuple

from aggregator import render
from aggregator.feeds import kind_of
from aggregator.merge import merge, relate, timely
from aggregator.model import Article, Entry, Mention, Problem, Severity, Site, Topic, from_micros, to_micros
from aggregator.pipeline.plan import Plan, Progress
from aggregator.store import Index, Ledger, chunks, decode_mention
from aggregator.workers import Workers

_SOME = 40
_FEW = 100


class _Task(NamedTuple):
    """A story in the making: its article, and the articles of its coverage, by key. `until` is when the next of its
    topics counts that doesn't yet (None: all do)."""

    key: str
    id: str
    published: datetime
    topics: tuple[Topic, ...]
    until: datetime | None
    restored: datetime | None
    coverage: list[str]
    formats: tuple[str, ...]


class _Covering(NamedTuple):
    """A related article as it is now, and when more is said of it (None: never)."""

    article: Article
    following: datetime | None


class _Lot(NamedTuple):
    """Some entries to render, and what is said of each article in them, still packed."""

    tasks: list[_Task]
    mentions: dict[str, list[bytes]]
    site: Site
    now: datetime


class _Answer(NamedTuple):
    key: str
    updated: datetime
    until: datetime | None
    fragments: list[tuple[str, bytes]]
    error: str = ""


def _render_some(lot: _Lot) -> list[_Answer]:
    """In a worker: merge, relate and render some entries; what several of them show is merged once."""

    @cache
    def mentions(key: str) -> list[Mention]:
        return list(map(decode_mention, lot.mentions[key]))

    @cache
    def covering(key: str) -> _Covering:
        said, following = timely(mentions(key), key, lot.now)
        return _Covering(merge(said, key), following)

    return [
        _rendered(task, merge(mentions(task.key), task.key), list(map(covering, task.coverage)), lot)
        for task in lot.tasks
    ]


def _rendered(task: _Task, article: Article, coverage: Sequence[_Covering], lot: _Lot) -> _Answer:
    story, changes = relate(article, [covering.article for covering in coverage], lot.now)
    turns = (changes, task.until, *(covering.following for covering in coverage))
    until = min(filter(None, turns), default=None)
    published = article.published or task.published
    updated = max(filter(None, (article.updated or published, task.restored)))
    entry = Entry(task.id, published, updated, story, task.topics)
    try:
        fragments = [(name, render.PIECES[name](entry, lot.site)) for name in task.formats]
    except Exception as error:  # one bad entry stops nothing; it is told with its document
        return _Answer(task.key, updated, until, [], f"{type(error).__name__}: {error}")
    return _Answer(task.key, updated, until, fragments)


def render_wanted(
    plan: Plan,
    index: Index,
    ledger: Ledger,
    workers: Workers,
    slugs: dict[str, str],
    now: datetime,
    progress: Progress,
) -> tuple[int, list[Problem]]:
    """Render the wanted entries that aren't yet; returns how many, and what went wrong."""
    wanted = index.entries.unrendered(now)
    problems: list[Problem] = []
    done = 0

    def lots() -> Iterator[_Lot]:
        for some in chunks(wanted, _SOME):
            yield _lot({key: wanted[key] for key in some}, plan, index, ledger, slugs, now)

    for answers in workers.stream(_render_some, lots(), small=len(wanted) < _FEW):
        index.entries.put([answer for answer in answers if not answer.error])
        for answer in answers:
            if answer.error:
                leads = index.articles.leads([answer.key])[answer.key]
                path = leads[0].path if leads else answer.key
                problems.append(Problem(path, 0, 0, Severity.error, f"its entry can't be rendered ({answer.error})"))
        done += len(answers)
        progress("rendering", done, len(wanted))
    return len(wanted), problems


def _lot(
    wanted: dict[str, tuple[str, ...]], plan: Plan, index: Index, ledger: Ledger, slugs: dict[str, str], now: datetime
) -> _Lot:
    keys = list(wanted)
    articles = index.entries.articles(keys)
    coverage = index.entries.coverage(keys)
    restored = ledger.restored([article.id for article in articles.values()])
    at = to_micros(now)
    tasks = []
    for key, (id, published, topics) in articles.items():
        topics = [spot for spot in topics if not kind_of(spot.topic)]
        counting = tuple(Topic(spot.name, slugs[spot.topic]) for spot in topics if spot.name and spot.since <= at)
        until = min((spot.since for spot in topics if spot.since > at), default=None)
        due = None if until is None else from_micros(until)
        tasks.append(_Task(key, id, published, counting, due, restored.get(id), coverage.get(key, []), wanted[key]))
    mentions = index.entries.mentions({*keys, *chain.from_iterable(coverage.values())})
    return _Lot(tasks, mentions, plan.site, now)
