"""Promise 1 where stories meet: few URLs and headlines in many documents, joined, parted, listed and alike."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from aggregator.feeds import KnownTopic
from aggregator.merge import Alike, merge, mint
from aggregator.store import decode_mention
from aggregator.text.urls import canonical
from tests.machines import Machine
from tests.world import World, day

NAMES = ["a", "b", "c", "d"]
URLS = [f"https://news.example/{number}" for number in range(7)]
HEADLINE = "Tide kites pass their first winter"
TITLES = [HEADLINE, f"{HEADLINE}!", "Tide kites pass their first win…", "Quite another thing"]
PROVIDERS = [{"name": name} for name in ("Gazette", "Dispatch", "Post")]
DAYS = st.sampled_from([1, 2, 2.5, 101]).map(lambda number: day(number).isoformat())
# Those that articles of these URLs are given, and a new one.
IDS = ["urn:x", *(mint(url, "feeds.example.org", lambda _: False) for url in ("https://news.example/a", *URLS[:2]))]
WINDOW = timedelta(days=5)
OPTIONS: dict[str, list[Any]] = {
    "related": ["attach", "expand", "collapse"],
    "alike": [Alike(WINDOW, 0.7), Alike(WINDOW, 0.7, crowd=2), None],
    "known": [
        (),
        (KnownTopic("Sea", aliases=("AI",)),),
        (KnownTopic("Ocean", aliases=("Sea", "AI")), KnownTopic("Tides", aliases=("Web",))),
        (KnownTopic("AI", aliases=("Sea",), parent="Web"), KnownTopic("Web")),
    ],
    "archives": [False, True],
    "children": [False, True],
}

related = st.fixed_dictionaries(
    {"title": st.sampled_from(TITLES), "provider": st.sampled_from(PROVIDERS)},
    optional={
        "webUrl": st.sampled_from([*URLS, "https://home.example/"]),
        "publishedDateTime": DAYS,
        "quality": st.integers(1, 2),
    },
)
documents = st.fixed_dictionaries(
    {
        "title": st.sampled_from(TITLES),
        "webUrl": st.sampled_from([None, None, *URLS]),  # None: one of its own
        "publishedDateTime": DAYS,
        "provider": st.sampled_from(PROVIDERS),
        "topics": st.sampled_from([["AI"], ["Web"], ["Sea", "AI"]]),
    },
    optional={
        "originalUrl": st.sampled_from([None, None, None, *URLS[:3]]),
        "quality": st.integers(1, 2),
        "related": st.lists(related, max_size=2),
        "published": st.sampled_from(["yes", "yes", "no"]),
        "removed": st.sampled_from(["no", "no", "yes"]),
        "id": st.sampled_from([None, None, *IDS]),
    },
)


def write(world: World, name: str, fields: dict[str, Any]) -> None:
    """Write a document; one that names no URL has its own."""
    world.document(name, **fields | {"webUrl": fields["webUrl"] or f"https://news.example/{name}"})


class Stories(Machine):
    """Documents that have much to do with one another come, change and go."""

    @initialize(
        related=st.sampled_from(OPTIONS["related"]),
        alike=st.sampled_from(OPTIONS["alike"]),
        fields=st.tuples(*[documents] * len(NAMES)),
    )
    def begin(self, related: str, alike: Alike | None, fields: tuple[dict[str, Any], ...]) -> None:
        self.start({"related": related, "alike": alike})
        self.written: dict[str, dict[str, Any]] = {}
        for name, some in zip(NAMES, fields, strict=True):
            self.document_is_written(name, some)

    @rule(name=st.sampled_from(NAMES), fields=documents)
    def document_is_written(self, name: str, fields: dict[str, Any]) -> None:
        self.written[name] = fields
        write(self.world, name, fields)

    @rule(name=st.sampled_from(NAMES), field=st.sampled_from(["title", "provider", "topics", "webUrl"]), data=st.data())
    def document_is_edited(self, name: str, field: str, data: st.DataObject) -> None:
        if name in self.written:
            self.document_is_written(name, self.written[name] | {field: data.draw(documents)[field]})

    @rule(name=st.sampled_from(NAMES))
    def document_is_deleted(self, name: str) -> None:
        self.written.pop(name, None)
        (self.world.articles / f"{name}.md").unlink(missing_ok=True)

    @rule(option=st.sampled_from(sorted(OPTIONS)), data=st.data())
    def configuration_is_changed(self, option: str, data: st.DataObject) -> None:
        self.world.options[option] = data.draw(st.sampled_from(OPTIONS[option]))

    @rule()
    def time_goes_on(self) -> None:
        self.world.now += timedelta(days=2)

    @invariant()
    def everything_can_be_reached(self) -> None:
        """In the feed of everything, as an entry or inside one."""
        self.world.regenerate()
        assert_everything_can_be_reached(self.world)


TestStories = pytest.mark.timeout(7200)(Stories.TestCase)
if os.environ.get("HYPOTHESIS_PROFILE", "default") == "default":
    TestStories.settings = settings(max_examples=25, stateful_step_count=20)


def assert_everything_can_be_reached(world: World) -> None:
    """Each mention of a document whose article may be shown is in the feed of everything, as an entry or inside one.

    Where feeds collapse, what a story lists that is taken in itself is one hop further.
    """
    places = 0 if world.options["related"] == "collapse" else 1000
    entries = world.feed()
    shown = {canonical(link["href"]) for entry in entries for link in entry["links"]}
    text = " ".join(part["value"] for entry in entries for part in entry.get("content", ()))
    now = int(world.now.timestamp() * 1_000_000)
    with closing(sqlite3.connect(world.store / "index.sqlite")) as index:
        said = index.execute(
            """
            SELECT coalesce(alias.article, mention.key), mention.data FROM article
              JOIN lead ON lead.article = article.key JOIN mention USING (document)
              LEFT JOIN alias ON alias.url = mention.key WHERE own IS NOT NULL AND since <= ? AND place <= ?
            """,
            (now, places),
        ).fetchall()
        for key, data in said:
            mention = decode_mention(data)
            if not mention.link:
                # Texts that differ in punctuation alone are one, under the title of the more trusted.
                assert mention.title.rstrip("!…") in text or (mention.published and mention.published > world.now)
                continue
            about = index.execute(
                """
                SELECT data FROM mention JOIN lead USING (document) WHERE place = 0 AND article = ?1
                  UNION ALL SELECT data FROM mention LEFT JOIN alias ON alias.url = key
                    WHERE place > 0 AND coalesce(article, key) = ?1
                """,
                (key,),
            ).fetchall()
            article = merge([decode_mention(data) for (data,) in about], key)
            if not article.removed and not (article.published and article.published > world.now):
                assert canonical(article.link) in shown, article.link


@settings(max_examples=40)
@given(st.lists(documents, min_size=2, max_size=4), st.data())
def test_merging_is_associative(fields: list[dict[str, Any]], data: st.DataObject) -> None:
    """In whatever batches and order the documents come, the feeds say the same.

    Only what tells of the past may differ: which id is older, and that an entry went and came back.
    """
    shown = []
    for _ in range(2):
        order = data.draw(st.permutations(range(len(fields))))
        batches = data.draw(st.lists(st.booleans(), min_size=len(fields), max_size=len(fields)))
        with tempfile.TemporaryDirectory(prefix="aggregator-") as folder:
            world = World(Path(folder))
            for number, alone in zip(order, batches, strict=True):
                write(world, NAMES[number], fields[number])
                if alone:
                    world.regenerate()
            world.regenerate()
            shown.append({name: said(world, name) for name in ("all", "topics/ai", "topics/web")})
    assert shown[0] == shown[1]


def said(world: World, name: str) -> list[tuple[Any, ...]]:
    """What a feed says, but for ids and instants of return."""
    if not (world.output / name).exists():
        return []
    fields = ("title", "link", "links", "tags", "summary", "content", "published")
    return [tuple(str(entry.get(field)) for field in fields) for entry in world.feed(name)]
