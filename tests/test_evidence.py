"""Which documents are of one article: their own addresses tell, others beside them only where nothing contradicts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.merge import is_landing_page, part_by_id, weigh
from aggregator.model import Claim, ClaimKind
from tests.world import World, day, told

LISTING = "https://outlet.example/news"
BESIDE = ("originalUrl", "ampWebUrl", "cdnAmpWebUrl")
COUNTS = (2, 5, 20, 21, 22)


def joined(world: World) -> set[frozenset[str]]:
    """Which documents make an article together, by name; the tree is what a rebuild gives."""
    world.regenerate()
    assert world.regenerate().changes == ()
    assert world.tree() == world.rebuilt()
    return set(together(world))


def together(world: World) -> Iterator[frozenset[str]]:
    """The documents of each article, as their excerpts tell."""
    import sqlite3

    with sqlite3.connect(world.store / "index.sqlite") as connection:
        rows = connection.execute("SELECT article, path FROM lead JOIN document ON document = id").fetchall()
    articles: dict[str, set[str]] = {}
    for article, path in rows:
        articles.setdefault(article, set()).add(path.removeprefix("articles/").removesuffix(".md"))
    yield from map(frozenset, articles.values())


def apart(*names: str) -> set[frozenset[str]]:
    """Each an article of its own."""
    return {frozenset({name}) for name in names}


def stories(world: World, count: int, **fields: Any) -> list[str]:
    """Documents that differ in address, title and date, but for these fields."""
    names = [f"s{number:02}" for number in range(count)]
    for number, name in enumerate(names):
        world.document(name, **{"publishedDateTime": day(number + 1)} | fields)
    return names


@pytest.mark.parametrize("beside", BESIDE)
@pytest.mark.parametrize("count", COUNTS)
def test_an_address_beside_their_own_joins_no_different_articles(world: World, beside: str, count: int) -> None:
    """However many share a listing page or an error page of AMP; it is told once."""
    names = stories(world, count, **{beside: f"{LISTING}/"})
    assert joined(world) == apart(*names)
    [line] = told(world.regenerate())
    assert f"{LISTING} joins nothing: {count} documents" in line
    assert line.startswith("articles/s00.md: warning")


@pytest.mark.parametrize("beside", BESIDE)
def test_no_number_of_documents_is_a_cliff(world: World, beside: str) -> None:
    """One more or less changes nothing for the others."""
    names = stories(world, 20, **{beside: LISTING})
    ids: dict[str, str] = {}
    for change in ("", "add", "remove"):
        if change == "add":
            world.document("last", publishedDateTime=day(40), **{beside: LISTING})
        elif change == "remove":
            (world.articles / "last.md").unlink()
        assert apart(*names) <= joined(world)
        ids = ids or world.ids()
        assert ids.items() <= world.ids().items()


@pytest.mark.parametrize("beside", BESIDE)
@pytest.mark.parametrize("agrees", ["title", "date"])
def test_it_joins_documents_that_agree_in_title_or_date(world: World, beside: str, agrees: str) -> None:
    """Beside others that it doesn't join."""
    names = stories(world, 3, **{beside: LISTING})
    for number, name in enumerate(("a", "b")):
        title = "One Story!" if agrees == "title" else f"About {name}"
        date = day(30) if agrees == "date" else day(30 + number)
        world.document(name, title=title, publishedDateTime=date, **{beside: LISTING})
    pair = frozenset({"a", "b"})
    assert joined(world) == {*apart(*names), pair}
    for name in names:
        (world.articles / f"{name}.md").unlink()
    assert joined(world) == {pair}
    assert told(world.regenerate()) == []


def test_it_joins_a_document_without_another_one(world: World) -> None:
    """As an older document that knows the original alone; unless several lay claim to it."""
    world.document("old", webUrl=None, originalUrl="https://outlet.example/a", title="Then", publishedDateTime=day(5))
    world.document("new", originalUrl="https://outlet.example/a")
    assert joined(world) == {frozenset({"old", "new"})}
    world.document("else", originalUrl="https://outlet.example/a", publishedDateTime=day(9))
    assert joined(world) == apart("old", "new", "else")
    world.document("else", originalUrl="https://outlet.example/a", publishedDateTime=day(9), title="Then")
    assert joined(world) == {frozenset({"old", "else"}), frozenset({"new"})}


def test_documents_of_one_address_are_one_article(world: World) -> None:
    """Whatever else they say: a correction may change title and date."""
    for number in range(25):
        world.document(f"d{number}", webUrl="https://outlet.example/a", publishedDateTime=day(number + 1))
    assert len(joined(world)) == 1
    world.document("d0", webUrl="https://outlet.example/a", originalUrl=LISTING)
    world.document("other", originalUrl=LISTING, publishedDateTime=day(40))
    assert len(joined(world)) == 2


def test_a_landing_page_links_and_does_not_identify(world: World) -> None:
    """Where several documents have it as their address, each with an original of its own on another host."""
    names = stories(world, 3, webUrl="https://show.example/listen")
    for number, name in enumerate(names):
        episode = f"https://cdn.example/{name}"
        world.document(
            name, webUrl="https://show.example/listen", originalUrl=episode, publishedDateTime=day(number + 1)
        )
    assert joined(world) == apart(*names)
    assert {entry["link"] for entry in world.feed()} == {"https://show.example/listen"}
    ids = world.ids()
    world.document(
        "again", webUrl="https://elsewhere.example/x", originalUrl="https://cdn.example/s00", title="About s00"
    )
    assert joined(world) == {frozenset({"s00", "again"}), *apart("s01", "s02")}
    assert ids.items() <= world.ids().items()
    for name in ("s01", "s02"):
        (world.articles / f"{name}.md").unlink()
    assert joined(world) == {frozenset({"s00", "again"})}


def test_one_article_that_is_listed_by_its_address_is_found(world: World) -> None:
    """Also where others claim that address beside their own; one that is disputed is told apart by title."""
    world.document("a", title="The Article")
    stories(world, 3, originalUrl="https://news.example/a")
    world.document("b", related=[{"title": "Named otherwise", "webUrl": "https://news.example/a"}])
    stories(world, 3, originalUrl=LISTING)
    world.document(
        "c", related=[{"title": "About s01", "webUrl": LISTING}, {"title": "None of them", "webUrl": LISTING}]
    )
    world.regenerate()
    contents = {entry["title"]: entry["content"][0]["value"] for entry in world.feed() if "content" in entry}
    assert ">The Article</a>" in contents["About b"]
    assert "https://news.example/s01" in contents["About c"]
    assert ">None of them</a>" in contents["About c"]
    assert world.tree() == world.rebuilt()


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_fragments_name_articles(world: World, order: tuple[int, ...]) -> None:
    """Of one page's parts, those with different titles are different; also of the page itself."""
    page = "https://tool.example/changelog"
    documents = {
        "v1": {"webUrl": f"{page}#v1", "title": "Release 1"},
        "v2": {"webUrl": f"{page}#v2", "title": "Release 2"},
        "page": {"webUrl": page, "title": "All releases"},
    }
    for place in order:
        name = list(documents)[place]
        world.document(name, **documents[name])
        world.regenerate()
    assert joined(world) == apart("v1", "v2", "page")
    world.document("v3", webUrl=f"{page}#v3", title="release 1")
    assert joined(world) == {frozenset({"v1", "v3"}), *apart("v2", "page")}
    world.document("noise", webUrl=f"{page}#comments", title="Else")
    assert frozenset({"noise", "page"}) in joined(world)


def test_fragments_of_one_title_are_one_article(world: World) -> None:
    """As where a link leads to a paragraph of it."""
    for number, fragment in enumerate(("#a", "#b", "", "#0", "#3")):
        world.document(f"d{number}", webUrl=f"https://outlet.example/a{fragment}", title="One")
    assert len(joined(world)) == 1


def claim(document: int, kind: str, title: str, date: int, own: str, *, alone: bool = False) -> Claim:
    return Claim(document, ClaimKind[kind], True, title, date, own, alone, "", own)


def test_what_no_document_contradicts_joins() -> None:
    """Two documents are of one article by a URL that both have, if one has no other, or they agree in title or date."""
    first = claim(1, "other", "a", 1, "x")
    assert weigh([first, claim(2, "own", "b", 2, "u", alone=True)], lands=False).joining == {1, 2}
    assert weigh([first, claim(2, "own", "b", 2, "u")], lands=False).joining == {2}
    assert weigh([first, claim(2, "other", "a", 2, "y")], lands=False).joining == {1, 2}
    assert weigh([first, claim(2, "other", "b", 1, "y")], lands=False).joining == {1, 2}
    assert weigh([first, claim(2, "other", "b", 2, "x")], lands=False).joining == {1, 2}
    disputed = weigh([first, claim(2, "other", "b", 2, "y")], lands=False)
    assert (disputed.joining, disputed.disputed) == (frozenset(), True)
    assert not is_landing_page("u", [first])


@given(
    st.lists(st.tuples(st.sampled_from(["", "i", "j", "k"]), st.sets(st.sampled_from("uvw"), min_size=1)), max_size=8)
)
def test_no_group_names_two_ids(documents: list[tuple[str, set[str]]]) -> None:
    """Each document is in one group; documents of one id that share a URL are together, also through others."""
    ids = {number: id for number, (id, _) in enumerate(documents)}
    urls = {number: sorted(urls) for number, (_, urls) in enumerate(documents)}
    groups = part_by_id(ids, urls)
    assert sorted(number for group in groups for number in group) == sorted(ids)
    assert [group[0] for group in groups] == sorted(group[0] for group in groups)
    for group in groups:
        assert len({ids[number] for number in group} - {""}) <= 1
    if len(set(ids.values()) - {""}) <= 1:
        assert {frozenset(group) for group in groups} == connected(urls)


def connected(urls: dict[int, list[str]]) -> set[frozenset[int]]:
    """Documents that share URLs, also through others."""
    groups = [({number}, set(held)) for number, held in urls.items()]
    for url in sorted({url for held in urls.values() for url in held}):
        having = [group for group in groups if url in group[1]]
        merged = (set().union(*(group[0] for group in having)), set().union(*(group[1] for group in having)))
        groups = [group for group in groups if url not in group[1]] + [merged]
    return {frozenset(group[0]) for group in groups}
