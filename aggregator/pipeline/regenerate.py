"""From merged articles to files: feeds that are dirty or due are selected, rendered and published.

dirty or due ──select──▶ entries ──relate, render──▶ fragments ──splice──▶ bytes ──publish──▶ files
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import chain
from typing import NamedTuple

import msgspec

from aggregator import publish, render
from aggregator.feeds import ALL, Selection, select
from aggregator.merge import merge, relate
from aggregator.model import Entry, Feed, Problem, Rendered, Severity, Topic
from aggregator.pipeline.plan import Plan, Progress
from aggregator.publish import Outcome
from aggregator.store import Index, Ledger, chunks, decode_mention
from aggregator.workers import Workers

_SOME = 40
_FEW = 100
_WRITERS = 8
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class Published(NamedTuple):
    """What happened to the feed files, and what went wrong on the way; `changes` names each file that differs."""

    outcomes: Counter[Outcome]
    problems: tuple[Problem, ...]
    changes: tuple[tuple[Outcome, str], ...]


def regenerate(
    plan: Plan,
    index: Index,
    ledger: Ledger,
    workers: Workers,
    now: datetime,
    *,
    only: Collection[str],
    dry: bool,
    progress: Progress,
) -> Published:
    """Bring the feed files up to index and ledger, and commit both. `only`: the names of feeds (empty: all).

    A dry run compares instead of writing.
    """
    for path, topic, recorded in ledger.files():
        if publish.signature(plan.output, path) != publish.Signature(*recorded):
            index.entries.mark_dirty([topic])
    slugs = ledger.slugs()
    names = {topic: _name(topic, slugs) for topic in index.entries.waiting(now)}
    topics = [topic for topic, name in names.items() if not only or name in only]
    out = ledger.feeds()
    selections = {
        topic: _selection(plan, index, topic, topic in out, out.get(topic, ("", None))[1], now) for topic in topics
    }
    problems = _render(plan, index, ledger, workers, slugs, now, progress)
    press = _Press(plan, index, ledger, slugs, now, dry=dry)
    return press.run(selections, problems, progress)


def feed_names(ledger: Ledger) -> list[str]:
    """The names of all feeds that are out or could be: what `--feed` takes."""
    slugs = ledger.slugs()
    return sorted(_name(topic, slugs) for topic in (ALL, *slugs))


def _name(topic: str, slugs: dict[str, str]) -> str:
    return f"topics/{slugs[topic]}" if topic != ALL else "all"


def _selection(plan: Plan, index: Index, topic: str, out: bool, lapsed: datetime | None, now: datetime) -> Selection:
    newest = index.entries.newest(topic, now, plan.choice.reach)
    selection = select(topic, newest, index.entries.following(topic, now), out, lapsed, plan.choice, now)
    index.entries.want(selection.keys or ())
    return selection


# Rendering


class _Task(NamedTuple):
    """A story in the making: what is said of its article and of its coverage, still packed."""

    key: str
    id: str
    topics: tuple[Topic, ...]
    restored: datetime | None
    mentions: list[bytes]
    coverage: list[tuple[str, list[bytes]]]


class _Answer(NamedTuple):
    key: str
    updated: datetime
    until: datetime | None
    fragments: list[Rendered]
    error: str


def _render_some(job: tuple[list[_Task], tuple[str, ...], str, datetime]) -> list[_Answer]:
    """In a worker: merge, relate and render some entries."""
    tasks, formats, scheme, now = job
    return [_rendered(task, formats, scheme, now) for task in tasks]


def _rendered(task: _Task, formats: Sequence[str], scheme: str, now: datetime) -> _Answer:
    article = merge(map(decode_mention, task.mentions), task.key)
    others = [merge(map(decode_mention, mentions), key) for key, mentions in task.coverage]
    story, until = relate(article, others, now)
    published = article.published or _NEVER
    updated = max(filter(None, (article.updated or published, task.restored)))
    entry = Entry(task.id, published, updated, story, task.topics)
    try:
        fragments = [Rendered(task.key, name, render.FORMATS[name].entry(entry, scheme)) for name in formats]
    except Exception as error:  # one bad entry stops nothing; it is told with its document
        return _Answer(task.key, updated, until, [], f"{type(error).__name__}: {error}")
    return _Answer(task.key, updated, until, fragments, "")


def _render(
    plan: Plan,
    index: Index,
    ledger: Ledger,
    workers: Workers,
    slugs: dict[str, str],
    now: datetime,
    progress: Progress,
) -> list[Problem]:
    """Render the wanted entries that aren't yet; returns what went wrong."""
    keys = index.entries.unrendered(now)
    problems: list[Problem] = []
    done = 0

    def jobs() -> Iterator[tuple[list[_Task], tuple[str, ...], str, datetime]]:
        for some in chunks(keys, _SOME):
            yield _tasks(some, index, ledger, slugs), plan.formats, plan.site.scheme, now

    for answers in workers.stream(_render_some, jobs(), small=len(keys) < _FEW):
        for key, updated, until, fragments, error in answers:
            if error:
                path = index.articles.leads([key])[key][0].path
                problems.append(Problem(path, 0, 0, Severity.error, f"its entry can't be rendered ({error})"))
            else:
                index.entries.put(key, updated, until, fragments)
        done += len(answers)
        progress("rendering", done, len(keys))
    return problems


def _tasks(keys: Sequence[str], index: Index, ledger: Ledger, slugs: dict[str, str]) -> list[_Task]:
    articles = index.entries.articles(keys)
    coverage = index.entries.coverage(keys)
    mentions = index.entries.mentions({*keys, *chain.from_iterable(coverage.values())})
    restored = ledger.restored([id for id, _ in articles.values()])
    return [
        _Task(
            key,
            id,
            tuple(Topic(name, slugs[topic]) for topic, name in topics if topic != ALL),
            restored.get(id),
            mentions[key],
            [(other, mentions[other]) for other in coverage.get(key, ())],
        )
        for key, (id, topics) in articles.items()
    ]


# Publishing


class _Press:
    """Publishes feeds, a few at a time, and keeps count."""

    def __init__(
        self, plan: Plan, index: Index, ledger: Ledger, slugs: dict[str, str], now: datetime, *, dry: bool
    ) -> None:
        self.plan = plan
        self.index = index
        self.ledger = ledger
        self.slugs = slugs
        self.now = now
        self.dry = dry
        self.formats = [render.FORMATS[name] for name in plan.formats]
        self.titles = {topic: title for topic, (title, _) in ledger.feeds().items()}
        self.files: dict[str, set[str]] = {}
        for path, topic, _ in ledger.files():
            self.files.setdefault(topic, set()).add(path)
        self.outcomes: Counter[Outcome] = Counter()
        self.changes: list[tuple[Outcome, str]] = []
        self.problems: list[Problem] = []
        self.settled: list[str] = []
        self.current: list[tuple[str, datetime | None]] = []

    def run(self, selections: dict[str, Selection], problems: list[Problem], progress: Progress) -> Published:
        self.problems += problems
        self.ledger.intend(
            (path, topic)
            for topic, selection in selections.items()
            if selection.keys is not None
            for path in self._paths(topic)
        )
        self.ledger.commit()
        untouched = sum(map(len, self.files.values()))
        untouched -= sum(len(self.files.get(topic, ())) for topic in selections)
        self.outcomes[Outcome.unchanged] = untouched
        with ThreadPoolExecutor(_WRITERS) as writers:  # they wait for the disk, most of the time
            waiting: deque[tuple[str, Selection, Future[list[Outcome]]]] = deque()
            for done, (topic, selection) in enumerate(selections.items(), 1):
                if len(waiting) == 2 * _WRITERS:
                    self._note(*waiting.popleft())
                if data := self._bytes(topic, selection):
                    waiting.append((topic, selection, writers.submit(self._write, self._paths(topic), data)))
                progress("publishing", done, len(selections))
            while waiting:
                self._note(*waiting.popleft())
        for topic, selection in selections.items():
            self._tidy(topic, selection)
        if not self.dry:
            publish.settle(self.plan.output, self.settled)
        self.ledger.commit()
        for topic, due in self.current:
            self.index.entries.clean(topic, due)
        self.index.commit()
        return Published(self.outcomes, tuple(self.problems), tuple(sorted(self.changes)))

    def _paths(self, topic: str) -> list[str]:
        return [f"{_name(topic, self.slugs)}/{format.file}" for format in self.formats]

    def _bytes(self, topic: str, selection: Selection) -> list[bytes]:
        """The feed in each format; nothing where it is not published, or can't be."""
        if selection.keys is None:
            return []
        count, updated, _ = self.index.entries.lasting(selection.keys)
        if count < len(selection.keys):
            self._fail(topic, "an entry of it can't be rendered")
            return []
        feed = self._feed(topic, selection, updated)
        return [format.feed(feed, self.index.entries.fragments(selection.keys, format.name)) for format in self.formats]

    def _feed(self, topic: str, selection: Selection, updated: datetime | None) -> Feed:
        site, name = self.plan.site, _name(topic, self.slugs)
        instants = (updated, self.ledger.last_withdrawal(topic), None if updated else selection.lapsed)
        return Feed(
            name=name,
            title=self._title(topic),
            description=site.description if topic == ALL else "",
            language=site.language,
            author=site.author or site.title,
            copyright=site.copyright,
            icon=site.icon,
            page=site.page(name),
            addresses=tuple((format.name, site.page(name) + format.file) for format in self.formats),
            updated=max((instant for instant in instants if instant), default=_NEVER),
        )

    def _title(self, topic: str) -> str:
        if topic == ALL:
            return self.plan.site.title
        spelled = self.plan.spellings.get(topic) or self.index.entries.spelling(topic, self.now)
        if spelled is None:
            return self.titles[topic]
        return f"{spelled} — {self.plan.site.title}"

    def _write(self, paths: Sequence[str], data: Sequence[bytes]) -> list[Outcome]:
        root = self.plan.output
        if self.dry:
            return [
                Outcome.written if publish.differs(root, path, some) else Outcome.unchanged
                for path, some in zip(paths, data, strict=True)
            ]
        return [publish.write(root, path, some) for path, some in zip(paths, data, strict=True)]

    def _note(self, topic: str, selection: Selection, written: Future[list[Outcome]]) -> None:
        """Keep what came of writing a feed."""
        try:
            outcomes = written.result()
        except OSError as error:
            self._fail(topic, f"it can't be written: {error.strerror or error}")
            return
        paths = self._paths(topic)
        self.outcomes.update(outcomes)
        for path, outcome in zip(paths, outcomes, strict=True):
            if outcome is Outcome.written:
                self.changes.append((outcome, path))
                self.settled.append(path)
            if signature := publish.signature(self.plan.output, path):
                self.ledger.put_file(path, msgspec.structs.astuple(signature))
        self.ledger.put_feed(topic, self._title(topic), selection.lapsed)
        *_, until = self.index.entries.lasting(selection.keys or ())
        self.current.append((topic, min(filter(None, (selection.due, until)), default=None)))

    def _tidy(self, topic: str, selection: Selection) -> None:
        """Remove the files that a feed no longer has; with its last one it is gone."""
        wanted = self._paths(topic) if selection.keys is not None else ()
        try:
            for path in sorted(self.files.get(topic, set()).difference(wanted)):
                if not self.dry:
                    publish.remove(self.plan.output, path)
                self.ledger.drop_file(path)
                self.outcomes[Outcome.removed] += 1
                self.changes.append((Outcome.removed, path))
        except OSError as error:
            self._fail(topic, f"it can't be removed: {error.strerror or error}")
            return
        if selection.keys is None:
            self.ledger.drop_feed(topic)
            self.current.append((topic, selection.due))

    def _fail(self, topic: str, why: str) -> None:
        """Leave a feed as it is, and dirty."""
        paths = self._paths(topic)
        self.outcomes[Outcome.failed] += len(paths)
        self.problems.append(Problem(_name(topic, self.slugs), 0, 0, Severity.error, why))
