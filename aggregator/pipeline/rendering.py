"""From the mentions of an article to its entry in each format: merged, related, rendered, by all cores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import cache
from itertools import chain
from typing import NamedTuple

from msgspec.structs import replace

from aggregator import render
from aggregator.feeds import kind_of
from aggregator.merge import merge, relate, timely
from aggregator.model import Article, Entry, Mention, Problem, Severity, Site, Story, Topic, from_micros, to_micros
from aggregator.pipeline.covering import coverage_of
from aggregator.pipeline.plan import Plan, Progress
from aggregator.store import Index, Ledger, chunks, decode_mention
from aggregator.workers import Limits, Loss, Lot, Workers

_SOME = 40  # entries in a lot
_LOT = 256 << 10  # bytes of what is said of their articles, after which a lot is full
_KEPT = 64 << 20  # bytes of rendered entries, after which the index keeps what it has
_FEW = 100  # entries: fewer of them aren't worth a worker
_LIMITS = Limits(seconds=10.0, memory=192 << 20)  # of an entry: what was read is bounded, so that none comes near


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


class _Present(NamedTuple):
    """An article as it is now, and when it is another one by itself (None: never)."""

    article: Article
    following: datetime | None


class _Shared(NamedTuple):
    """What is said of each article in some entries, still packed, and what all entries have in common; `limit`: the
    bytes that an entry may have in a format.
    """

    mentions: dict[str, list[bytes]]
    site: Site
    now: datetime
    limit: int


class _Answer(NamedTuple):
    """A rendered entry: `updated` and `until` as the index wants them. `error` is why it can't be rendered, `warning`
    what it goes without; "": nothing.
    """

    key: str
    updated: datetime
    until: datetime | None
    fragments: list[tuple[str, bytes]]
    error: str = ""
    warning: str = ""


def _renderer(shared: _Shared) -> Callable[[_Task], _Answer]:
    """In a worker: what merges, relates and renders an entry; what several entries show is merged once."""

    def mentions(key: str) -> list[Mention]:
        return list(map(decode_mention, shared.mentions[key]))

    @cache
    def present(key: str) -> _Present:
        told, following = timely(mentions(key), key, shared.now)
        return _Present(merge(told, key), following)

    def answer(task: _Task) -> _Answer:
        return _rendered(task, present(task.key), list(map(present, task.coverage)), shared)

    return answer


def _rendered(task: _Task, own: _Present, coverage: Sequence[_Present], shared: _Shared) -> _Answer:
    article = own.article
    story, changes = relate(article, [covering.article for covering in coverage], shared.now)
    turns = (changes, task.until, own.following, *(covering.following for covering in coverage))
    until = min(filter(None, turns), default=None)
    published = article.published or task.published
    updated = max(filter(None, (published, story.article.updated, task.restored)))
    entry = Entry(task.id, published, updated, story, task.topics)
    warning = ""
    try:
        fragments = _fragments(task, entry, shared)
        if any(len(data) > shared.limit for _, data in fragments):
            warning = f"its entry has more than {shared.limit} bytes, and is shown without its text"
            brief = replace(entry, story=Story(replace(story.article, body=""), story.coverage))
            fragments = _fragments(task, brief, shared)
    except MemoryError:
        raise
    except Exception as error:  # one bad entry stops nothing; it is told with its document
        return _Answer(task.key, updated, until, [], f"{type(error).__name__}: {error}")
    return _Answer(task.key, updated, until, fragments, warning=warning)


def _fragments(task: _Task, entry: Entry, shared: _Shared) -> list[tuple[str, bytes]]:
    """The entry in each format that is asked for."""
    return [(name, render.PIECES[name](entry, shared.site)) for name in task.formats]


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
    done = size = 0

    def lots() -> Iterator[Lot[_Task]]:
        for keys in chunks(wanted, _SOME):
            yield from _lots({key: wanted[key] for key in keys}, plan, index, ledger, slugs, now)

    def lost(task: _Task, loss: Loss) -> _Answer:
        return _Answer(task.key, task.published, None, [], f"given up, {loss.reason}")

    for pairs in workers.stream(_renderer, lots(), lost, small=len(wanted) < _FEW):
        answers = [answer for _, answer in pairs]
        index.entries.put([answer for answer in answers if not answer.error])
        problems += [problem for answer in answers for problem in _problems(answer, index)]
        done += len(answers)
        size += sum(len(data) for answer in answers for _, data in answer.fragments)
        if size > _KEPT:
            index.commit()
            size = 0
        progress("rendering", done, len(wanted))
    return len(wanted), problems


def _problems(answer: _Answer, index: Index) -> Iterator[Problem]:
    """What is wrong with an entry, at its document."""
    if not answer.error and not answer.warning:
        return
    leads = index.articles.leads([answer.key])[answer.key]
    path = leads[0].path if leads else answer.key
    if answer.error:
        yield Problem(path, 0, 0, Severity.error, f"its entry can't be rendered ({answer.error})")
    else:
        yield Problem(path, 0, 0, Severity.warning, answer.warning)


def _lots(
    wanted: dict[str, tuple[str, ...]], plan: Plan, index: Index, ledger: Ledger, slugs: dict[str, str], now: datetime
) -> Iterator[Lot[_Task]]:
    """Entries in lots, none of which has too much to be said of its articles."""
    keys = list(wanted)
    articles = index.entries.articles(keys)
    coverage = coverage_of(index, keys)
    restored = ledger.restored([article.id for article in articles.values()])
    mentions = index.entries.mentions({*keys, *chain.from_iterable(coverage.values())})
    at = to_micros(now)
    tasks: list[_Task] = []
    shown: dict[str, list[bytes]] = {}
    size = 0
    for key, (id, published, topics) in articles.items():
        topics = [spot for spot in topics if not kind_of(spot.topic)]
        counting = tuple(Topic(spot.name, slugs[spot.topic]) for spot in topics if spot.name and spot.since <= at)
        until = min((spot.since for spot in topics if spot.since > at), default=None)
        due = None if until is None else from_micros(until)
        covered = coverage.get(key, [])
        tasks.append(_Task(key, id, published, counting, due, restored.get(id), covered, wanted[key]))
        fresh = {one: mentions[one] for one in (key, *covered) if one not in shown}
        shown |= fresh
        size += sum(map(len, chain.from_iterable(fresh.values())))
        if size > _LOT:
            yield Lot(tasks, _Shared(shown, plan.site, now, plan.entry_limit), _LIMITS)
            tasks, shown, size = [], {}, 0
    if tasks:
        yield Lot(tasks, _Shared(shown, plan.site, now, plan.entry_limit), _LIMITS)
