"""What a change costs follows the change: what shares a key, an alias or coverage with it, however large the corpus."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from aggregator.merge import Alike
from aggregator.pipeline import Report
from tests.world import World, day

SIZES = (90, 360)


def related(name: str) -> dict[str, Any]:
    return {"title": f"Related {name}", "webUrl": f"https://news.example/{name}"}


def corpus(root: Path, size: int, options: dict[str, Any]) -> World:
    """A published world of small clusters: of each three documents two are of one article, and the third lists it."""
    world = World(root)
    world.options |= {"entries": 1000} | options
    for number in range(0, size, 3):
        one, twin, lister = (f"d{number + place}" for place in range(3))
        topics = [f"T{number % 11}", "AI"]
        world.document(one, topics=topics, publishedDateTime=day(number % 90), provider={"name": "Gazette"})
        world.document(twin, webUrl=f"https://news.example/{one}", originalUrl=f"https://news.example/{twin}")
        coverage = [related(one), related(f"only-{number}")]
        world.document(lister, topics=topics, publishedDateTime=day(number % 90), related=coverage)
    world.regenerate()
    return world


def nothing_happens(world: World) -> None: ...


def a_document_is_edited(world: World) -> None:
    world.document("d0", title="Edited", topics=["AI"])


def a_second_document_of_an_article_is_edited(world: World) -> None:
    world.document("d1", title="Edited", webUrl="https://news.example/d0", originalUrl="https://news.example/d1")


def a_document_that_lists_others_is_edited(world: World) -> None:
    world.document("d2", title="Edited", related=[related("d0"), related("only-0")])


def two_articles_are_joined(world: World) -> None:
    world.document("new", webUrl="https://news.example/d0", originalUrl="https://news.example/d3")


def a_related_article_gets_its_own_document(world: World) -> None:
    world.document("only-0", title="At last")


def a_document_goes(world: World) -> None:
    (world.articles / "d0.md").unlink()


CHANGES: dict[Callable[[World], None], tuple[int, int]] = {
    nothing_happens: (0, 0),
    a_document_is_edited: (1, 2),  # its article; that, and the entry that shows it
    a_second_document_of_an_article_is_edited: (1, 2),
    a_document_that_lists_others_is_edited: (1, 1),  # of what it lists, it says the same
    two_articles_are_joined: (1, 3),
    a_related_article_gets_its_own_document: (1, 2),
    a_document_goes: (1, 2),
}


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_change_costs_the_same_in_a_small_and_a_large_corpus(tmp_path: Path, change: Callable[[World], None]) -> None:
    """The articles worked out again and the entries rendered are counted."""
    for size in SIZES:
        world = corpus(tmp_path / str(size), size, {})
        change(world)
        effort = world.regenerate().effort
        assert (effort.merged, effort.rendered) == CHANGES[change]
        assert world.tree() == world.rebuilt()


@pytest.mark.parametrize(
    "options",
    [{"related": "expand"}, {"related": "collapse"}, {"alike": Alike(timedelta(days=3), 0.75)}],
    ids=["expand", "collapse", "near-duplicates"],
)
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_so_it_does_whatever_feeds_ask_for(
    tmp_path: Path, change: Callable[[World], None], options: dict[str, Any]
) -> None:
    """More may take part than without; not more for more documents."""
    efforts = []
    for size in SIZES:
        world = corpus(tmp_path / str(size), size, options)
        change(world)
        report: Report = world.regenerate()
        efforts.append(report.effort)
        assert world.regenerate().changes == ()
    assert efforts[0] == efforts[1]
    assert efforts[0].merged <= 8
