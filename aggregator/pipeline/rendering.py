"""From the mentions of an article to its entry in each format: merged, related, rendered, by all cores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain
from typing import NamedTuple

from aggregator import render
from aggregator.merge import merge, relate
from aggregator.model import Entry, Problem, Severity, Topic
from aggregator.pipeline.plan import Plan, Progress
from aggregator.store import Index, Ledger, chunks, decode_mention
from aggregator.workers import Workers

_SOME = 40
_FEW = 100


class _Task(NamedTuple):
    """A story in the making: what is said of its article and of its coverage, still packed."""

    key: str
    id: str
    published: datetime
    topics: tuple[Topic, ...]
    restored: datetime | None
    mentions: list[bytes]
    coverage: list[tuple[str, list[bytes]]]


class _Answer(NamedTuple):
    key: str
    updated: datetime
    until: datetime | None
    fragments: list[tuple[str, bytes]]
    error: str = ""


def _render_some(job: tuple[list[_Task], tuple[str, ...], str, datetime]) -> list[_Answer]:
    """In a worker: merge, relate and render some entries."""
    tasks, formats, scheme, now = job
    return [_rendered(task, formats, scheme, now) for task in tasks]


def _rendered(task: _Task, formats: Sequence[str], scheme: str, now: datetime) -> _Answer:
    article = merge(map(decode_mention, task.mentions), task.key)
    others = [merge(map(decode_mention, mentions), key) for key, mentions in task.coverage]
    story, until = relate(article, others, now)
    published = article.published or task.published
    updated = max(filter(None, (article.updated or published, task.restored)))
    entry = Entry(task.id, published, updated, story, task.topics)
    try:
        fragments = [(name, render.FORMATS[name].entry(entry, scheme)) for name in formats]
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
    keys = index.entries.unrendered(now)
    problems: list[Problem] = []
    done = 0

    def jobs() -> Iterator[tuple[list[_Task], tuple[str, ...], str, datetime]]:
        for some in chunks(keys, _SOME):
            yield _tasks(some, index, ledger, slugs), plan.formats, plan.site.scheme, now

    for answers in workers.stream(_render_some, jobs(), small=len(keys) < _FEW):
        index.entries.put([answer for answer in answers if not answer.error])
        for answer in answers:
            if answer.error:
                leads = index.articles.leads([answer.key])[answer.key]
                path = leads[0].path if leads else answer.key
                problems.append(Problem(path, 0, 0, Severity.error, f"its entry can't be rendered ({answer.error})"))
        done += len(answers)
        progress("rendering", done, len(keys))
    return len(keys), problems


def _tasks(keys: Sequence[str], index: Index, ledger: Ledger, slugs: dict[str, str]) -> list[_Task]:
    articles = index.entries.articles(keys)
    coverage = index.entries.coverage(keys)
    mentions = index.entries.mentions({*keys, *chain.from_iterable(coverage.values())})
    restored = ledger.restored([id for id, *_ in articles.values()])
    return [
        _Task(
            key,
            id,
            published,
            tuple(Topic(name, slugs[topic]) for topic, name in topics if name),
            restored.get(id),
            mentions[key],
            [(other, mentions[other]) for other in coverage.get(key, ())],
        )
        for key, (id, published, topics) in articles.items()
    ]
