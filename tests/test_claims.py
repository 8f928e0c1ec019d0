"""Promise 5 where documents name ids that others have: an id belongs to the article that has it."""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from aggregator.merge import Holder, grant
from aggregator.pipeline import Explanation, Report, explain
from aggregator.store import INDEX_FILE
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


def claims(report: Report) -> list[str]:
    """The lines that tell of ids named in vain."""
    return [line for line in told(report) if "`id`" in line]


def settled(world: World) -> list[str]:
    """Run until there is nothing more to do; the tree is what a rebuild gives. Returns what is told of ids."""
    lines = claims(world.regenerate())
    assert world.regenerate().changes == ()
    assert world.tree() == world.rebuilt()
    return lines


def deleted(world: World) -> set[str]:
    """The ids that some feed tells as withdrawn."""
    return {id for feed in world.output.rglob("atom.xml") for id in DELETED.findall(feed.read_text())}


WITHDRAWN: list[dict[str, Any]] = [{"draft": "yes"}, {"removed": "yes"}, {"published": "no"}]
CHANGED: list[dict[str, Any]] = [
    {},
    *WITHDRAWN,
    {"publishedDateTime": day(120)},
    {"title": "Edited"},
    {"quality": 1},
    {"webUrl": "https://news.example/moved"},
]


@pytest.mark.parametrize("fields", [*CHANGED, {"quality": 99}, {"publishedDateTime": day(0)}])
@pytest.mark.parametrize("explicit", [None, "urn:mine"])
def test_an_id_in_the_feeds_cannot_be_taken(world: World, fields: dict[str, Any], explicit: str | None) -> None:
    """Whatever the document is that names it; and nobody is told that the entry was withdrawn."""
    world.document("a", id=explicit)
    world.regenerate()
    id = world.ids()["About a"]
    path = world.document("b", **{"id": id} | fields)
    [line] = settled(world)
    assert line.startswith(f"articles/b.md:{line_of_id(path)}:1: error: `id`: {id} belongs to articles/a.md; ")
    assert world.ids()["About a"] == id
    world.now = day(130)
    assert settled(world) == [line]  # until it is mended
    assert (world.ids()["About a"], deleted(world)) == (id, set())
    world.document("b")
    assert settled(world) == []


@pytest.mark.parametrize("fields", CHANGED)
def test_an_id_comes_back_with_its_article(world: World, fields: dict[str, Any]) -> None:
    """Whatever becomes of its document meanwhile, if only it is there."""
    world.document("a")
    world.regenerate()
    id = world.ids()["About a"]
    world.document("b", id=id, quality=99)
    world.document("a", **fields)
    assert len(settled(world)) == 1
    world.now = day(101)
    assert len(settled(world)) == 1
    assert id not in world.ids() or fields not in WITHDRAWN
    world.document("a")
    assert len(settled(world)) == 1
    assert world.ids()["About a"] == id
    assert id not in deleted(world)


def test_an_id_stays_with_a_document_that_is_renamed_while_another_names_it(world: World) -> None:
    """Its URL tells whose it is; also where the other takes the old path."""
    path = world.document("a")
    world.regenerate()
    id = world.ids()["About a"]
    path.rename(path.with_name("renamed.md"))
    world.document("b", id=id, quality=99)
    world.document("a", title="Else", webUrl="https://news.example/else", publishedDateTime=day(2), id=id)
    lines = settled(world)
    assert [line.partition(":")[0] for line in lines] == ["articles/a.md", "articles/b.md"]
    assert all("belongs to articles/renamed.md;" in line for line in lines)
    assert world.ids()["About a"] == id


def test_of_documents_that_name_a_new_id_the_most_trusted_has_it(world: World) -> None:
    """A copied template. When that one goes the next has it; no path remembers it for the others."""
    paths = [world.document(name, id="urn:copied", quality=quality) for name, quality in [("a", 1), ("b", 3), ("c", 2)]]
    lines = settled(world)
    assert [line.partition(":")[0] for line in lines] == ["articles/a.md", "articles/c.md"]
    assert all("`id`: urn:copied belongs to articles/b.md;" in line for line in lines)
    assert world.ids()["About b"] == "urn:copied"
    minted = world.ids()["About a"]
    paths[1].unlink()
    assert len(settled(world)) == 1
    assert (world.ids()["About c"], world.ids()["About a"]) == ("urn:copied", minted)
    paths[2].unlink()
    assert settled(world) == []
    assert world.ids() == {"About a": "urn:copied"}


def test_an_id_that_was_never_shown_protects_nobody(world: World) -> None:
    """A draft's can be named; and once it was shown it stays."""
    world.document("a", draft="yes")
    world.regenerate()
    id = explained(world, "a.md").id
    world.document("b", id=id)
    assert settled(world) == []
    assert world.ids() == {"About b": id}
    world.document("a", quality=99, id=id)
    [line] = settled(world)
    assert "belongs to articles/b.md;" in line
    assert world.ids()["About b"] == id


def test_a_holder_that_gets_another_id_leaves_its_own_to_others(world: World) -> None:
    """Along a chain, but in no circle: who names an id in vain keeps what it has."""
    world.document("a", id="urn:a")
    world.document("b", id="urn:b")
    world.regenerate()
    world.document("a", id="urn:b")
    world.document("b", id="urn:a")
    assert len(settled(world)) == 2
    assert world.ids() == {"About a": "urn:a", "About b": "urn:b"}
    world.document("b", id="urn:c")
    assert settled(world) == []
    assert world.ids() == {"About a": "urn:b", "About b": "urn:c"}
    world.document("c", id="urn:a")
    assert settled(world) == []
    assert world.ids()["About c"] == "urn:a"


def test_an_article_without_a_document_has_its_id_too(world: World) -> None:
    """Where feeds make entries of related ones: until nobody lists it any more."""
    world.options["related"] = "expand"
    world.document("a", related=[{"title": "Bare", "webUrl": "https://other.example/x"}])
    world.regenerate()
    id = world.ids()["Bare"]
    world.document("b", id=id, quality=99)
    [line] = settled(world)
    assert f"`id`: {id} belongs to https://other.example/x, which articles/a.md lists;" in line
    assert world.ids()["Bare"] == id
    world.document("a")
    assert settled(world) == []
    assert world.ids()["About b"] == id


def test_an_id_that_a_merge_put_aside_is_still_its_documents(world: World) -> None:
    """It is regained when the articles part, and free when the document goes."""
    world.document("a")
    path = world.document("b")
    world.regenerate()
    id = world.ids()["About b"]
    world.document("joins", webUrl="https://news.example/a", originalUrl="https://news.example/b", quality=1, title="a")
    world.document("b", title="About b", originalUrl="https://news.example/a")
    world.regenerate()
    [shown] = world.ids().values()
    assert shown != id
    world.document("c", id=id)
    [line] = settled(world)
    assert "articles/c.md" in line
    (world.articles / "joins.md").unlink()
    world.document("b")
    assert len(settled(world)) == 1
    assert world.ids()["About b"] == id
    path.unlink()
    assert settled(world) == []
    assert world.ids()["About c"] == id


@pytest.mark.parametrize("fields", WITHDRAWN)
@pytest.mark.parametrize("rebuild", [False, True])
def test_of_merged_articles_the_id_in_the_feeds_stays(world: World, fields: dict[str, Any], rebuild: bool) -> None:
    """Also where the other is older; and it is still that one when the merged article was away for a while."""
    world.document("a")
    world.regenerate()
    minted = world.ids()["About a"]
    world.document("b")
    world.regenerate()
    id = world.ids()["About b"]
    world.document("a", **fields)
    world.regenerate()
    world.now = day(101)
    world.document("a", originalUrl="https://news.example/b")
    assert settled(world) == []
    assert (list(world.ids().values()), deleted(world)) == ([id], {minted})
    for name in "ab":
        world.document(name, originalUrl="https://news.example/b", **WITHDRAWN[0])
    world.regenerate()
    world.regenerate(rebuild=rebuild)
    world.now = day(102)
    for name in "ab":
        world.document(name, originalUrl="https://news.example/b")
    assert settled(world) == []
    assert list(world.ids().values()) == [id]
    world.document("a")
    assert settled(world) == []
    assert set(world.ids().values()) == {id, minted}


@pytest.mark.parametrize("away", [False, True])
def test_an_id_stays_when_a_document_names_it_no_longer(world: World, away: bool) -> None:
    """Though another document of the article had an older one; also where it is withdrawn at that time."""
    world.document("a")
    world.regenerate()
    also_a: dict[str, Any] = {"originalUrl": "https://news.example/a"}
    world.document("b", id="urn:b", **also_a)
    assert settled(world) == []
    if away:
        world.document("a", draft="yes")
        world.document("b", id="urn:b", draft="yes", **also_a)
        assert settled(world) == []
        world.document("a")
    world.document("b", **also_a)
    assert settled(world) == []
    assert list(world.ids().values()) == ["urn:b"]


@pytest.mark.parametrize("named", [False, True])
def test_of_merged_documents_one_can_be_renamed(world: World, named: bool) -> None:
    """The article goes on with the id that it has, not with the one that was put aside for the other document; nor can
    a document that names it take it then.
    """
    path = world.document("a", quality=3)
    world.regenerate()
    id = world.ids()["About a"]
    world.document("b")
    world.regenerate()
    world.document("b", originalUrl="https://news.example/a")
    assert settled(world) == []
    assert world.ids() == {"About a": id}
    path.rename(path.with_name("renamed.md"))
    if named:
        world.document("c", id=id)
    assert len(settled(world)) == named
    assert world.ids()["About a"] == id


@pytest.mark.parametrize("parted", ["with the renaming", "before"])
@pytest.mark.parametrize("other", ["renamed too", "deleted", "deleted before"])
def test_articles_that_part_keep_their_ids_also_when_renamed(world: World, parted: str, other: str) -> None:
    """Both of their URLs had the id of the merged article; the document's own is that of the document it was."""
    paths = {}
    for name in "ba":  # the older one comes last in the order of keys
        paths[name] = world.document(name)
        world.regenerate()
    ids = world.ids()
    joins = world.document("joins", webUrl="https://news.example/a", originalUrl="https://news.example/b")
    world.regenerate()
    assert list(world.ids().values()) == [ids["About b"]]
    joins.unlink()
    if parted == "before":
        world.regenerate()
        assert world.ids() == ids
    if other == "renamed too":
        paths["b"].rename(world.articles / "former-b.md")
    else:
        paths["b"].unlink()
        del ids["About b"]
    if other == "deleted before":
        world.regenerate()
    paths["a"].rename(world.articles / "former-a.md")
    assert settled(world) == []
    assert world.ids() == ids


def test_documents_of_one_url_that_name_different_ids_are_two_articles(world: World) -> None:
    """Each has its own; a document that names none is of the most trusted one's. Without the ids they are one."""
    world.document("a", id="urn:a", quality=1)
    world.document("b", id="urn:b", quality=3, webUrl="https://news.example/a")
    world.document("c", quality=2, webUrl="https://news.example/a", excerpt="Said by c")
    assert settled(world) == []
    assert world.ids() == {"About a": "urn:a", "About b": "urn:b"}
    assert [entry["title"] for entry in world.feed() if "Said by c" in entry.get("summary", "")] == ["About b"]
    world.document("a", id="urn:a", quality=4)
    assert settled(world) == []
    assert world.ids() == {"About a": "urn:a", "About b": "urn:b"}
    world.document("b", quality=3, webUrl="https://news.example/a")
    assert settled(world) == []
    assert world.ids() == {"About a": "urn:a"}


def test_a_documents_own_id_can_be_changed(world: World) -> None:
    """From none to one, and to another: subscribers are told that the former is gone, and of no other."""
    world.document("a")
    world.regenerate()
    minted = world.ids()["About a"]
    gone: set[str] = set()
    for former, id in [(minted, "urn:one"), ("urn:one", "urn:two")]:
        world.document("a", id=id)
        assert settled(world) == []
        world.now += timedelta(hours=1)
        gone.add(former)
        assert settled(world) == []
        assert (world.ids()["About a"], deleted(world)) == (id, gone)


@pytest.mark.parametrize("renamed_before", [False, True])
@pytest.mark.parametrize("fields", [{}, {"title": "Else", "publishedDateTime": day(7)}])
def test_an_id_that_was_left_for_a_named_one_stays_left(
    world: World, fields: dict[str, Any], renamed_before: bool
) -> None:
    """Where the document goes by its URL alone it has the id that subscribers know by now, not the older one."""
    path = world.document("a")
    world.regenerate()
    minted = world.ids()["About a"]
    if renamed_before:
        path.rename(path.with_name("before.md"))
        world.regenerate()
    url = {"title": "About a", "webUrl": "https://news.example/a"}
    path = world.document("before" if renamed_before else "a", **url, id="urn:mine")
    assert settled(world) == []
    path.unlink()
    world.document("renamed", **url | fields)
    assert settled(world) == []
    assert list(world.ids().values()) == ["urn:mine"]
    world.now = day(101)
    assert settled(world) == []
    assert deleted(world) == {minted}


def test_an_id_that_is_no_articles_any_more_can_be_named(world: World) -> None:
    """As when a document is written anew elsewhere; the entry is back."""
    path = world.document("a")
    world.regenerate()
    id = world.ids()["About a"]
    path.unlink()
    world.regenerate()
    world.now = day(101)
    world.regenerate()
    assert deleted(world) == {id}
    world.document("b", id=id)
    assert settled(world) == []
    assert (world.ids(), deleted(world)) == ({"About b": id}, set())


def test_an_id_stays_with_a_document_that_names_it_whatever_else_is_changed(world: World) -> None:
    """Title, date and address at once: by its name it is the same entry."""
    world.document("a", id="urn:a")
    world.regenerate()
    world.document("b", id="urn:a", quality=99)
    world.document("a", title="Else", webUrl="https://news.example/else", publishedDateTime=day(7), id="urn:a")
    [line] = settled(world)
    assert "belongs to articles/a.md;" in line
    assert world.ids()["Else"] == "urn:a"


@pytest.mark.parametrize("rebuild", [False, True])
def test_a_former_holder_that_returns_takes_nothing_back(world: World, rebuild: bool) -> None:
    """The id is that of the article which has it now, as subscribers do."""
    path = world.document("a")
    world.regenerate()
    id = world.ids()["About a"]
    text = path.read_text()
    path.unlink()
    world.document("b", id=id)
    world.regenerate()
    path.write_text(text)
    world.regenerate(rebuild=rebuild)
    assert settled(world) == []
    assert world.ids()["About b"] == id


def test_explain_says_why_an_id_is_not_had(world: World) -> None:
    world.document("a")
    world.regenerate()
    world.document("b", id=world.ids()["About a"])
    [line] = settled(world)
    assert list(map(str, explained(world, "b.md").problems)) == [line]
    assert explained(world, "a.md").problems == ()


def test_what_a_refused_claim_costs_follows_the_change(world: World) -> None:
    """It is worked out again with those who have to do with it, and with nobody else."""
    world.document("a", id="urn:x", quality=1)
    world.document("b", id="urn:x")
    world.document("c")
    world.regenerate()
    world.document("c", title="Edited")
    assert world.regenerate().effort.merged == 1
    world.document("a", id="urn:x", quality=2)
    assert world.regenerate().effort.merged == 2


def test_a_store_that_knows_no_places_tells_the_document_alone(world: World) -> None:
    """Leads of earlier versions end before the place of the id."""
    world.document("a", id="urn:x", quality=1)
    world.document("b", id="urn:x")
    world.regenerate()
    with closing(sqlite3.connect(world.store / INDEX_FILE)) as connection:
        for table, column in (("lead", "facts"), ("mention", "data")):
            for row, data in connection.execute(f"SELECT rowid, {column} FROM {table}").fetchall():
                former = msgspec.msgpack.encode(msgspec.msgpack.decode(data)[:-1])
                connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (former, row))
        connection.commit()
    [line] = claims(world.regenerate())
    assert line.startswith("articles/b.md: error: `id`: urn:x belongs to articles/a.md;")


@pytest.mark.parametrize(
    ("wishes", "holders", "granted"),
    [
        ({"x": "1", "y": "1"}, {}, {"x": "1"}),
        ({"x": "1", "y": "1"}, {"1": [Holder("y", "1")]}, {"y": "1"}),
        ({"x": "1"}, {"1": [Holder("y", "")]}, {}),
        ({"x": "1", "y": "2"}, {"1": [Holder("y", "2")], "2": [Holder("x", "1")]}, {}),
        ({"x": "1", "y": "2", "z": "1"}, {"1": [Holder("y", "2")]}, {"x": "1", "y": "2"}),
        (
            {"x": "1", "y": "2", "z": "3"},
            {"1": [Holder("y", "2")], "2": [Holder("z", "3")]},
            {"x": "1", "y": "2", "z": "3"},
        ),
        ({"x": "1", "y": "2"}, {"1": [Holder("y", "")]}, {"y": "2"}),
        ({"x": "1", "y": "2"}, {"1": [Holder("y", None)]}, {"x": "1", "y": "2"}),
        ({"x": "1", "y": "2"}, {"1": [Holder("y", "2"), Holder("z", "")]}, {"y": "2"}),
    ],
)
def test_who_gets_the_ids_that_documents_name(
    wishes: dict[str, str], holders: dict[str, list[Holder]], granted: dict[str, str]
) -> None:
    """Its holder; once that has left it, or where there is none, the most trusted; a lead that names nothing stays."""
    assert grant(wishes, holders) == granted


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
        fields: dict[str, Any] = {"title": f"About {article}", "publishedDateTime": day(1 + number)}
        self.world.document(
            self.files[article][:-3], webUrl=f"https://news.example/{article}", **fields | self.fields[article]
        )

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
        lines = claims(world.regenerate())
        shown = {entry["link"]: entry["id"] for entry in world.feed()}
        cases = {article: explained(world, file) for article, file in self.files.items()}
        ids = {article: case.id for article, case in cases.items()}
        assert len(set(ids.values())) == len(ids), ids
        assert set(shown.values()).isdisjoint(deleted(world)), shown
        refused = []
        for article, id in sorted(ids.items(), key=lambda pair: self.files[pair[0]]):
            named = self.fields[article].get("id")
            assert id in (self.belongs.get(article, id), named), (article, id, self.belongs)
            if f"https://news.example/{article}" in shown:
                self.belongs[article] = id
            elif id != self.belongs.get(article):  # it left the one that was shown for another that never was
                self.belongs.pop(article, None)
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


TestClaims = pytest.mark.timeout(3600)(Claims.TestCase)
if os.environ.get("HYPOTHESIS_PROFILE", "default") == "default":
    TestClaims.settings = settings(max_examples=15, stateful_step_count=20)
