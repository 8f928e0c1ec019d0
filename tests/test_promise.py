"""Promise 1: however the documents came to be, the tree is what `regenerate --rebuild` gives with the same ledger."""

from __future__ import annotations

import os
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from aggregator.feeds import Age, Condition, Custom, KnownTopic, Order, Range, Rhythm
from aggregator.merge import Alike, mint
from tests.machines import Machine
from tests.world import EVERY_FORMAT, World, day, files

NAMES = [f"d{number}" for number in range(7)]
URLS = [f"https://news.example/{name}" for name in "abcdef"] + [
    "https://home.example/",
    "http://www.news.example/a",
]
TITLES = ["Rain", "Sun", "rain!"]
# Near-duplicates of one another, by headline or, with a long excerpt, by their words.
HEADLINES = [
    "Tide kites pass their first winter",
    "Tide kites pass their first winter - Gazette",
    "Tide Kites Pass Their First Wi...",
    "Kites of the tide come through winter",
]
LONG = "Four wings off the coast turned the tide into power all winter long, and here are the numbers of the harbour."
PROVIDERS = [{"name": "Gazette", "domain": "gazette.example"}, {"name": "Dispatch"}, {"domain": "post.example"}]
TOPICS = ["AI", "ai", "C++", "C plus plus", "Cplusplus", "🚀", "Open Source"]
DAYS = st.sampled_from([0, 10, 11, 20, 50, 99, 101, 120]).map(lambda number: day(number).isoformat())

# New ones, and those that articles of these URLs are given.
IDS = ["urn:x", "urn:y", *(mint(url, "feeds.example.org", lambda _: False) for url in URLS[:2])]

titles = st.sampled_from(TITLES + HEADLINES)
related = st.fixed_dictionaries(
    {"title": titles},
    optional={
        "webUrl": st.sampled_from(URLS),
        "provider": st.sampled_from(PROVIDERS),
        "quality": st.integers(0, 3),
        "publishedDateTime": DAYS,
        "excerpt": st.sampled_from(["Short.", LONG]),
        "originalUrl": st.sampled_from(URLS),
        "published": st.sampled_from(["yes", "no"]),
        "removed": st.sampled_from(["yes", "no"]),
    },
)
documents = st.fixed_dictionaries(
    {
        "title": titles,
        "webUrl": st.sampled_from(URLS),
        "publishedDateTime": DAYS,
        "provider": st.sampled_from(PROVIDERS),
    },
    optional={
        "originalUrl": st.sampled_from(URLS),
        "ampWebUrl": st.sampled_from(URLS),
        "updatedDateTime": DAYS,
        "excerpt": st.sampled_from(["Short.", LONG]),
        "quality": st.integers(0, 3),
        "topics": st.lists(st.sampled_from(TOPICS), max_size=3),
        "published": st.sampled_from(["yes", "yes", "no"]),
        "removed": st.sampled_from(["no", "no", "yes"]),
        "id": st.sampled_from(IDS),
        "related": st.lists(related, max_size=3),
        "draft": st.sampled_from(["maybe", "no"]),  # `maybe` is an error
    },
)
CUSTOM = (
    Custom("new", "New", 2, where=Condition(none=(Condition(age=Age(under=timedelta(days=80))),), topics=("ai",))),
    Custom(
        "best",
        "Best",
        2,
        per_provider=1,
        where=Condition(any=(Condition(quality=Range(at_least=1)), Condition(age=Age(under=timedelta(days=4))))),
        order=Order.quality,
        formats=("atom",),
    ),
    Custom("calm", "Calm", 2, where=Condition(provider=("Gazette", "post.example")), token="secret"),
    Custom("daily", "Daily", 2, order=Order.quality, rhythm=Rhythm.daily, stories=2),
    Custom("weekly", "Weekly", 2, where=Condition(text=("rain",)), rhythm=Rhythm.weekly, stories=9),
)
OPTIONS: dict[str, list[Any]] = {
    "minimum": [1, 2],
    "entries": [50, 2],
    "keep": [timedelta(days=90), timedelta(days=5)],
    "only_known": [False, True],
    "known": [
        (),
        ("ai", "Open Source"),
        (KnownTopic("ai", aliases=("C++",), description="Minds."), KnownTopic("Open Source", slug="oss", parent="ai")),
        (KnownTopic("C++", parent="🚀"), KnownTopic("🚀", parent="Open Source"), KnownTopic("Open Source")),
    ],
    "children": [False, True],
    "related": ["attach", "expand", "collapse"],
    "alike": [None, Alike(timedelta(days=15), 0.7), Alike(timedelta(days=200), 0.7, crowd=2)],
    "title": ["Everything", "All"],
    "formats": [EVERY_FORMAT["formats"], ("atom",), ("html",)],
    "compress": [False, True],
    "timezone": ["UTC", "Pacific/Auckland"],
    "reading": [{}, {"related": 1}, {"tracking": ("x",)}, {"keywords": (("rain", "Weather"),)}],
    "archives": [False, True, True],
    "per_provider": [0, 1],
    "kinds": [(), ("providers",), ("categories", "types")],
    "custom": [(), CUSTOM[:1], CUSTOM],
    "keeps": [False, True],
}


class Tree(Machine):
    """Documents come, change, move and go, in any order; time goes on; the configuration changes."""

    @initialize(
        related=st.sampled_from(OPTIONS["related"]),
        alike=st.sampled_from(OPTIONS["alike"]),
        archives=st.booleans(),
        custom=st.sampled_from(OPTIONS["custom"]),
        fields=st.lists(documents, min_size=3, max_size=5),
    )
    def begin(
        self,
        related: str,
        alike: Alike | None,
        archives: bool,
        custom: tuple[Custom, ...],
        fields: list[dict[str, Any]],
    ) -> None:
        self.start({"related": related, "alike": alike, "archives": archives, "custom": custom, **EVERY_FORMAT})
        for name, some in zip(NAMES, fields, strict=False):
            self.document_is_written(name, some)

    @rule(name=st.sampled_from(NAMES), fields=documents)
    def document_is_written(self, name: str, fields: dict[str, Any]) -> None:
        self.world.document(name, **fields)

    @rule(name=st.sampled_from(NAMES))
    def document_is_edited_a_little(self, name: str) -> None:
        path = self.world.articles / f"{name}.md"
        if path.exists():
            path.write_text(path.read_text().replace("\ntitle: ", "\ntitle: New "))

    @rule(name=st.sampled_from(NAMES), other=st.sampled_from(NAMES))
    def document_is_renamed(self, name: str, other: str) -> None:
        path = self.world.articles / f"{name}.md"
        if path.exists():
            path.rename(self.world.articles / f"{other}.md")

    @rule(name=st.sampled_from(NAMES), other=st.sampled_from(NAMES))
    def document_is_copied(self, name: str, other: str) -> None:
        path = self.world.articles / f"{name}.md"
        if path.exists() and name != other:
            shutil.copy(path, self.world.articles / f"{other}.md")

    @rule(name=st.sampled_from(NAMES))
    def document_is_deleted(self, name: str) -> None:
        (self.world.articles / f"{name}.md").unlink(missing_ok=True)

    @rule(
        name=st.sampled_from(NAMES),
        text=st.sampled_from(["---\n[", "no front matter", "---\ntitle: x\n---\n"]),
    )
    def document_is_broken(self, name: str, text: str) -> None:
        self.world.text(f"{name}.md", text)

    @rule(option=st.sampled_from(sorted(OPTIONS)), data=st.data())
    def configuration_is_changed(self, option: str, data: st.DataObject) -> None:
        self.world.options[option] = data.draw(st.sampled_from(OPTIONS[option]))

    @rule(days=st.sampled_from([10 / 1440, 0.5, 4, 10, 100]))
    def time_goes_on(self, days: float) -> None:
        self.world.now += timedelta(days=days)

    @rule(data=st.data())
    def several_things_happen_at_once(self, data: st.DataObject) -> None:
        for _ in range(data.draw(st.integers(2, 4))):
            match data.draw(st.sampled_from(["write", "write", "edit", "rename", "copy", "delete", "break"])):
                case "write":
                    self.document_is_written(data.draw(st.sampled_from(NAMES)), data.draw(documents))
                case "edit":
                    self.document_is_edited_a_little(data.draw(st.sampled_from(NAMES)))
                case "rename":
                    self.document_is_renamed(data.draw(st.sampled_from(NAMES)), data.draw(st.sampled_from(NAMES)))
                case "copy":
                    self.document_is_copied(data.draw(st.sampled_from(NAMES)), data.draw(st.sampled_from(NAMES)))
                case "delete":
                    self.document_is_deleted(data.draw(st.sampled_from(NAMES)))
                case "break":
                    self.document_is_broken(data.draw(st.sampled_from(NAMES)), "---\n[")


TestTree = pytest.mark.timeout(7200)(Tree.TestCase)
if os.environ.get("HYPOTHESIS_PROFILE", "default") == "default":
    TestTree.settings = settings(max_examples=15, stateful_step_count=20)


def test_the_order_of_arrival_never_shows(tmp_path: Path) -> None:
    """Whichever document came first, the feeds are the same, and each tree is what a rebuild gives."""
    fields: list[dict[str, Any]] = [
        {"webUrl": URLS[0], "quality": 1, "topics": ["AI"]},
        {"webUrl": URLS[1], "ampWebUrl": URLS[0], "quality": 2, "topics": ["ai", "C++"]},
        {"webUrl": URLS[1], "related": [{"title": "Rain", "webUrl": URLS[2]}]},
        {"webUrl": URLS[2], "topics": ["🚀"]},
    ]
    trees, shown = [], []
    for order in ([0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]):
        world = World(tmp_path / "".join(map(str, order)))
        for number in order:
            world.document(NAMES[number], **fields[number])
            world.regenerate()
        trees.append(world.rebuilt())
        assert trees[-1] == dict(files(world.output))
        shown.append({name: world.titles(name) for name in ("all", "topics/ai", "topics/cplusplus")})
    assert set(trees[0]) == set(trees[1]) == set(trees[2])
    assert shown[0] == shown[1] == shown[2]
