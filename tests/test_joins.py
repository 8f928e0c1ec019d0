"""Documents join and part: addresses, titles, dates and ids change, names are swapped, sites move; ids stay."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from aggregator.pipeline import explain
from tests.machines import Machine
from tests.world import day

NAMES = ("a", "b", "c", "d", "e")
FILES = (*NAMES, "x", "y", "z")
URLS = tuple(f"https://news.example/{number}" for number in range(4))
PARTS = ("https://tool.example/page", "https://tool.example/page#v1", "https://tool.example/page#v2")
ADDRESSES = (*URLS, *PARTS, "https://home.example/")
BESIDE = (None, None, *URLS[:2], "https://landed.example/1", "https://landed.example/2", PARTS[0])
TITLES = ("One", "Two", "Three", "one!")
IDS = (None, None, None, "urn:x", "urn:y")


class Joins(Machine):
    """Documents that say little but what tells articles apart."""

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        self.start({"entries": 100})
        self.fields: dict[str, dict[str, Any]] = {}
        self.files: dict[str, str] = {}
        self.settled: dict[str, str] = {}
        self.seen: set[str] = set()
        for name in NAMES[:3]:
            self.document_comes(name, name, data)

    def write(self, name: str) -> None:
        self.world.document(self.files[name], **self.fields[name])

    @rule(name=st.sampled_from(NAMES), file=st.sampled_from(FILES), data=st.data())
    def document_comes(self, name: str, file: str, data: st.DataObject) -> None:
        if name not in self.files and file not in self.files.values():
            self.files[name] = file
            self.fields[name] = {
                "title": data.draw(st.sampled_from(TITLES)),
                "webUrl": data.draw(st.sampled_from((None, *ADDRESSES))),
                "originalUrl": data.draw(st.sampled_from(BESIDE)),
                "ampWebUrl": data.draw(st.sampled_from((None, None, *URLS[:2]))),
                "publishedDateTime": day(data.draw(st.integers(1, 4))),
                "updatedDateTime": data.draw(st.sampled_from((None, day(5), day(6)))),
                "id": data.draw(st.sampled_from(IDS)),
                "quality": data.draw(st.sampled_from((None, 1, 2))),
            }
            if not self.fields[name]["webUrl"] and not self.fields[name]["originalUrl"]:
                self.fields[name]["webUrl"] = f"https://own.example/{name}"
            self.write(name)

    @rule(name=st.sampled_from(NAMES), data=st.data())
    def document_changes(self, name: str, data: st.DataObject) -> None:
        if name not in self.files:
            return
        field = data.draw(st.sampled_from(("title", "webUrl", "originalUrl", "publishedDateTime", "id", "quality")))
        self.fields[name][field] = data.draw(
            {
                "title": st.sampled_from(TITLES),
                "webUrl": st.sampled_from((f"https://own.example/{name}", *ADDRESSES)),
                "originalUrl": st.sampled_from(BESIDE),
                "publishedDateTime": st.integers(1, 4).map(day),
                "id": st.sampled_from(IDS),
                "quality": st.sampled_from((None, 1, 2)),
            }[field]
        )
        self.fields[name]["webUrl"] = self.fields[name]["webUrl"] or f"https://own.example/{name}"
        self.write(name)

    @rule(name=st.sampled_from(NAMES), file=st.sampled_from(FILES))
    def document_is_renamed(self, name: str, file: str) -> None:
        if name in self.files and file not in self.files.values():
            (self.world.articles / f"{self.files[name]}.md").rename(self.world.articles / f"{file}.md")
            self.files[name] = file

    @rule(name=st.sampled_from(NAMES), file=st.sampled_from(FILES))
    def document_moves(self, name: str, file: str) -> None:
        """Its name and its address change at once."""
        if name in self.files and file not in self.files.values():
            (self.world.articles / f"{self.files[name]}.md").unlink()
            self.files[name] = file
            self.fields[name] |= {"webUrl": f"https://moved.example/{file}", "originalUrl": None, "ampWebUrl": None}
            self.write(name)

    @rule(name=st.sampled_from(NAMES))
    def document_is_deleted(self, name: str) -> None:
        if name in self.files:
            (self.world.articles / f"{self.files.pop(name)}.md").unlink()

    @rule(data=st.data())
    def several_things_happen_at_once(self, data: st.DataObject) -> None:
        for _ in range(data.draw(st.integers(2, 4))):
            name, file = data.draw(st.sampled_from(NAMES)), data.draw(st.sampled_from(FILES))
            match data.draw(st.sampled_from(["come", "come", "change", "change", "rename", "move", "delete"])):
                case "come":
                    self.document_comes(name, file, data)
                case "change":
                    self.document_changes(name, data)
                case "rename":
                    self.document_is_renamed(name, file)
                case "move":
                    self.document_moves(name, file)
                case "delete":
                    self.document_is_deleted(name)

    @rule(days=st.sampled_from([15 / 1440, 4]))
    def time_goes_on(self, days: float) -> None:
        self.world.now += timedelta(days=days)

    @invariant()
    def an_entry_that_stays_keeps_its_id(self) -> None:
        """As long as its link stays in the feed: at most another entry's id takes its place, where both become one."""
        self.world.regenerate()
        entries = self.world.feed()
        links = [entry["link"] for entry in entries]
        shown = {entry["link"]: entry["id"] for entry in entries if links.count(entry["link"]) == 1}
        named = {fields["id"] for fields in self.fields.values()}
        for link in shown.keys() & self.settled.keys():
            assert shown[link] in {self.settled[link], *self.seen, *named}, link
        self.settled, self.seen = shown, {entry["id"] for entry in entries}

    @invariant()
    def a_correction_shows(self) -> None:
        """An article has the title of the best of its documents, and of equally good ones, that of the last update."""
        world = self.world
        world.regenerate()
        articles: dict[str, list[str]] = {}
        titles: dict[str, str] = {}
        for name, file in self.files.items():
            explanation = explain(world.plan(), f"articles/{file}.md")
            articles.setdefault(explanation.key, []).append(name)
            titles[explanation.key] = explanation.title
        for key, names in articles.items():
            assert titles[key] == self.fields[min(names, key=self.currency)]["title"], names

    def currency(self, name: str) -> tuple[Any, ...]:
        """The order in which documents of one article have the word."""
        fields = self.fields[name]
        updated = fields["updatedDateTime"]
        counts = updated is not None and updated <= self.world.now
        return (
            fields["quality"] is None,
            -(fields["quality"] or 0),
            -updated.timestamp() if counts else 1.0,
            fields["publishedDateTime"],
            self.files[name],
        )


TestJoins = pytest.mark.timeout(7200)(Joins.TestCase)
if os.environ.get("HYPOTHESIS_PROFILE", "default") == "default":
    TestJoins.settings = settings(max_examples=15, stateful_step_count=20)
