"""Promise 5 where documents name ids that others have: an id belongs to the article that has it."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from aggregator.pipeline import Explanation, explain
from tests.machines import Machine
from tests.world import World, day, told

ARTICLES = ("a", "b", "c", "d")
FILES = ("1.md", "2.md", "3.md", "4.md", "5.md")
BARE = ("https://other.example/x", "https://other.example/y")
NEW = ("urn:new", "urn:other")
DELETED = re.compile(r'deleted-entry[^>]* ref="([^"]*)"')


def line_of_id(path: Path) -> int:
    """The line in which a document names an id."""
    lines = path.read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.startswith("id:"))


def explained(world: World, file: str) -> Explanation:
    return explain(world.plan(), f"articles/{file}")


class Claims(Machine):
    """Documents of different articles name ids of one another, while they come, change, move and go."""

    @initialize(related=st.sampled_from(["attach", "expand"]), listed=st.lists(st.sampled_from(BARE), max_size=2))
    def begin(self, related: str, listed: list[str]) -> None:
        self.start({"related": related})
        self.files: dict[str, str] = {}  # where the document of each article is
        self.fields: dict[str, dict[str, Any]] = {}
        self.belongs: dict[str, str] = {}  # the id that subscribers know of each article that has a document
        self.met = list(NEW)  # every id there ever was
        for article, file in zip(ARTICLES[:3], FILES, strict=False):
            self.files[article], self.fields[article] = file, {}
            self.write(article)
        self.fields["a"]["related"] = [{"title": f"About {url}", "webUrl": url} for url in dict.fromkeys(listed)]
        self.write("a")

    def write(self, article: str) -> None:
        number = ARTICLES.index(article)
        fields = {"title": f"About {article}", "publishedDateTime": day(1 + number)} | self.fields[article]
        self.world.document(self.files[article][:-3], webUrl=f"https://news.example/{article}", **fields)

    @rule(article=st.sampled_from(ARTICLES), file=st.sampled_from(FILES))
    def document_comes(self, article: str, file: str) -> None:
        if article not in self.files and file not in self.files.values():
            self.files[article], self.fields[article] = file, {}
            self.write(article)

    @rule(
        article=st.sampled_from(ARTICLES),
        field=st.sampled_from(["draft", "removed", "published", "quality", "title", "future", "topics", "excerpt"]),
        on=st.booleans(),
    )
    def document_is_edited(self, article: str, field: str, on: bool) -> None:
        if article not in self.files:
            return
        number = ARTICLES.index(article)
        name, value = {
            "draft": ("draft", "yes"),
            "removed": ("removed", "yes"),
            "published": ("published", "no"),
            "quality": ("quality", number % 3),
            "title": ("title", f"More about {article}"),
            "future": ("publishedDateTime", day(110 + number)),
            "topics": ("topics", ["Sea"]),
            "excerpt": ("excerpt", f"Of {article}"),
        }[field]
        self.fields[article].pop(name, None)
        if on:
            self.fields[article][name] = value
        self.write(article)

    @rule(article=st.sampled_from(ARTICLES), data=st.data())
    def document_names_an_id(self, article: str, data: st.DataObject) -> None:
        if article in self.files:
            self.fields[article]["id"] = data.draw(st.sampled_from(self.met))
            self.write(article)

    @rule(article=st.sampled_from(ARTICLES))
    def document_names_no_id(self, article: str) -> None:
        if article in self.files and self.fields[article].pop("id", None):
            self.write(article)

    @rule(article=st.sampled_from(ARTICLES), file=st.sampled_from(FILES))
    def document_is_renamed(self, article: str, file: str) -> None:
        if article in self.files and file not in self.files.values():
            (self.world.articles / self.files[article]).rename(self.world.articles / file)
            self.files[article] = file

    @rule(one=st.sampled_from(ARTICLES), other=st.sampled_from(ARTICLES))
    def documents_swap_names(self, one: str, other: str) -> None:
        if one in self.files and other in self.files:
            self.files[one], self.files[other] = self.files[other], self.files[one]
            self.write(one)
            self.write(other)

    @rule(article=st.sampled_from(ARTICLES))
    def document_is_deleted(self, article: str) -> None:
        if article in self.files:
            (self.world.articles / self.files.pop(article)).unlink()
            self.belongs.pop(article, None)

    @rule(data=st.data())
    def several_things_happen_at_once(self, data: st.DataObject) -> None:
        for _ in range(data.draw(st.integers(2, 4))):
            article, file = data.draw(st.sampled_from(ARTICLES)), data.draw(st.sampled_from(FILES))
            match data.draw(st.sampled_from(["come", "name", "name", "name none", "rename", "swap", "delete", "edit"])):
                case "come":
                    self.document_comes(article, file)
                case "name":
                    self.document_names_an_id(article, data)
                case "name none":
                    self.document_names_no_id(article)
                case "rename":
                    self.document_is_renamed(article, file)
                case "swap":
                    self.documents_swap_names(article, data.draw(st.sampled_from(ARTICLES)))
                case "delete":
                    self.document_is_deleted(article)
                case "edit":
                    field = data.draw(st.sampled_from(["draft", "removed", "quality", "future"]))
                    self.document_is_edited(article, field, data.draw(st.booleans()))

    @rule(related=st.sampled_from(["attach", "expand"]))
    def configuration_is_changed(self, related: str) -> None:
        self.world.options["related"] = related

    @rule(days=st.sampled_from([15 / 1440, 4, 20]))
    def time_goes_on(self, days: float) -> None:
        self.world.now += timedelta(days=days)

    @invariant()
    def ids_belong_to_who_has_them(self) -> None:
        """What subscribers know of a document stays its id, or becomes the one that it names."""
        world = self.world
        lines = [line for line in told(world.regenerate()) if "`id`" in line]
        shown = {entry["link"]: entry["id"] for entry in world.feed()}
        cases = {article: explained(world, file) for article, file in self.files.items()}
        ids = {article: case.id for article, case in cases.items()}
        assert len(set(ids.values())) == len(ids), ids
        assert {*ids.values(), *shown.values()}.isdisjoint(self.deleted() - set(ids.values())), shown
        assert set(shown.values()).isdisjoint(self.deleted()), shown
        refused = []
        for article, id in sorted(ids.items(), key=lambda pair: self.files[pair[0]]):
            named = self.fields[article].get("id")
            assert id in (self.belongs.get(article, id), named), (article, id, self.belongs)
            if f"https://news.example/{article}" in shown or (article in self.belongs and id == named):
                self.belongs[article] = id
            if named not in (None, id):
                refused.append(article)
                path = self.world.articles / self.files[article]
                line = lines[len(refused) - 1]
                assert line.startswith(
                    f"articles/{path.name}:{line_of_id(path)}:1: error: `id`: {named} belongs to "
                ), line
                holders = [f"articles/{self.files[other]};" for other, has in ids.items() if has == named]
                assert (holders or ["which articles/"])[0] in line, (line, ids)
                assert holders or named in shown.values(), (line, ids)
                assert line in map(str, cases[article].problems)
        assert len(lines) == len(refused), lines
        self.met = list(dict.fromkeys([*self.met, *ids.values(), *shown.values()]))

    def deleted(self) -> set[str]:
        """The ids that some feed tells as withdrawn."""
        feeds = self.world.output.rglob("atom.xml")
        return {id for feed in feeds for id in DELETED.findall(feed.read_text())}


TestClaims = pytest.mark.timeout(3600)(Claims.TestCase)
if os.environ.get("HYPOTHESIS_PROFILE", "default") == "default":
    TestClaims.settings = settings(max_examples=15, stateful_step_count=20)
