"""Promise 11 under a machine, where sources keep what vanishes: documents are pruned by the dozen, others come."""

from __future__ import annotations

import os
import shutil
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule
from msgspec.structs import replace

from aggregator.feeds import Condition, Custom
from aggregator.merge import Alike
from tests.machines import Machine
from tests.world import day

CUSTOM = (Custom(name="mine", title="Mine", entries=500, where=Condition(topics=("ai",))),)
ALIKE = Alike(window=timedelta(days=3), similarity=0.8, crowd=50)


class Keep(Machine):
    """Documents of articles of their own, or of an article that another document has too.

    `there` are the names of the documents that are there, `known` those that ever were; `ids` are those that their
    entries had at first.
    """

    @initialize(
        related=st.sampled_from(["attach", "expand", "collapse"]),
        alike=st.sampled_from([None, ALIKE]),
        custom=st.sampled_from([(), CUSTOM]),
        kinds=st.sampled_from([(), ("providers",)]),
        count=st.integers(3, 30),
    )
    def begin(self, related: str, alike: Alike | None, custom: Any, kinds: Any, count: int) -> None:
        self.start({"entries": 500, "archives": True, "custom": custom, "related": related, "kinds": kinds})
        self.world.options |= {"alike": alike, "formats": ("atom", "json")}
        self.world.options["sources"] = (replace(self.world.plan().sources[0], keeps=True),)
        self.aside = self.root / "aside"
        self.aside.mkdir()
        self.number = 0
        self.known: dict[str, int] = {}
        self.ids: dict[str, str] = {}
        self.documents_come(count, False)

    # What happens to documents; each step ends with a run

    @rule(count=st.integers(1, 3), listed=st.booleans())
    def documents_come(self, count: int, listed: bool) -> None:
        for _ in range(count):
            self.number += 1
            name = f"d{self.number}"
            self.known[name] = 1 + self.number * 7 % 99
            related = [{"title": "Listed", "webUrl": f"https://listed.example/{self.number % 5}"}] if listed else None
            topics = ["AI", f"T{self.number % 3}"]
            self.world.document(name, publishedDateTime=day(self.known[name]), topics=topics, related=related)
        self.run()

    @rule(data=st.data())
    def another_document_tells_of_an_article(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.known)))
        self.world.document(
            f"{name}b",
            webUrl=f"https://news.example/{name}",
            quality=data.draw(st.integers(0, 1)),
            title=f"About {name}",
            publishedDateTime=day(self.known[name]),
            topics=["Other", "AI"],
        )
        self.run()

    @rule(share=st.integers(1, 20), new=st.integers(0, 2), data=st.randoms(use_true_random=False))
    def documents_are_pruned(self, share: int, new: int, data: Any) -> None:
        """A share of them in twentieths; others come in the same run, or after it."""
        files = sorted(self.world.articles.iterdir())
        for path in data.sample(files, len(files) * share // 20):
            path.rename(self.aside / path.name)
        self.documents_come(new, True) if new else self.run()

    @rule(share=st.integers(1, 20), data=st.randoms(use_true_random=False))
    def documents_return(self, share: int, data: Any) -> None:
        files = sorted(self.aside.iterdir())
        for path in data.sample(files, -(-len(files) * share // 20)):
            path.rename(self.world.articles / path.name)
        self.run()

    @rule(data=st.data())
    def a_document_returns_broken(self, data: st.DataObject) -> None:
        """Its last good version is news again."""
        if files := sorted(self.aside.iterdir()):
            path = data.draw(st.sampled_from(files))
            text = path.read_text()
            (self.world.articles / path.name).write_text("---\n[")
            self.run()
            (self.world.articles / path.name).write_text(text)
            path.unlink()
            self.run()

    @rule(data=st.data(), steps=st.integers(1, 2))
    def a_document_is_moved(self, data: st.DataObject, steps: int) -> None:
        """At once, or copied first and removed in a later run."""
        if files := sorted(self.world.articles.iterdir()):
            path = data.draw(st.sampled_from(files))
            shutil.copy(path, path.with_name(f"moved-{path.name}"))
            if steps == 2:
                self.run()
            path.unlink()
            self.run()
            path.with_name(f"moved-{path.name}").rename(path)
            self.run()

    @rule()
    def the_source_is_missing(self) -> None:
        """That is an accident, and nothing changes."""
        tree, place = self.world.tree(), self.root / "place"
        self.world.articles.rename(place)
        report = self.world.regenerate()
        assert report.healthy == (not any(place.iterdir()) and report.healthy)
        assert self.world.tree() == tree
        place.rename(self.world.articles)
        self.run()

    @rule()
    def the_index_is_lost(self) -> None:
        for path in self.world.store.glob("index.sqlite*"):
            path.unlink()
        self.run()

    @rule()
    def all_is_rebuilt(self) -> None:
        self.run(rebuild=True)

    @rule(hours=st.sampled_from([0.1, 5, 24, 200, 2400]))
    def time_goes_on(self, hours: float) -> None:
        self.world.now += timedelta(hours=hours)
        self.run()

    @rule(related=st.sampled_from(["attach", "expand", "collapse"]), alike=st.sampled_from([None, ALIKE]))
    def the_configuration_changes(self, related: str, alike: Alike | None) -> None:
        self.world.options |= {"related": related, "alike": alike}
        self.run()

    # What is to be so

    def run(self, **wish: Any) -> None:
        assert self.world.regenerate(**wish).feeds.failed == 0

    def there(self) -> set[str]:
        """The articles that have a document."""
        return {path.stem.removesuffix("b") for path in self.world.articles.iterdir()}

    @invariant()
    def only_what_is_there_is_news(self) -> None:
        if hasattr(self, "known"):
            entries = {entry["title"]: entry["id"] for entry in self.world.feed()}
            entries.pop("Listed", None)
            assert entries.keys() == {f"About {name}" for name in self.there()}
            for title, id in entries.items():
                assert self.ids.setdefault(title, id) == id

    @invariant()
    def nothing_is_told_as_withdrawn(self) -> None:
        if hasattr(self, "known"):
            for path, data in self.world.tree().items():
                assert b"deleted-entry" not in data, path

    @invariant()
    def archives_are_whole(self) -> None:
        """Each article is in the archive of its month, once that is over, of all feeds that it was in."""
        if not hasattr(self, "known"):
            return
        months: dict[str, set[str]] = {}
        for name, number in self.known.items():
            if f"{day(number):%Y-%m}" < f"{self.world.now:%Y-%m}":
                months.setdefault(f"{day(number):%Y-%m}", set()).add(f"About {name}")
        for month, titles in months.items():
            for feed in ("all", "topics/ai"):
                shown = self.world.titles(f"{feed}/archive/{month}")
                assert titles <= set(shown), (feed, month)


TestKeep = pytest.mark.timeout(3600)(Keep.TestCase)
if os.environ.get("HYPOTHESIS_PROFILE", "default") == "default":
    TestKeep.settings = settings(max_examples=10, stateful_step_count=15)
