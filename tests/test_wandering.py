"""Ids while URLs wander: a real site's documents changed theirs again and again, most often back to an earlier one."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest

from aggregator.merge import Alike
from tests.world import World, day

DOCUMENTS = 12
CHANGES, BACK = 151, 121


def wander(seed: int) -> list[tuple[int, str]]:
    """As many changes as there were, as (document, URL), and as many of them back to a URL of before."""
    chance = random.Random(seed)
    had = {number: [f"https://news.example/{number}/0"] for number in range(DOCUMENTS)}
    back = [True] * BACK + [False] * (CHANGES - BACK)
    chance.shuffle(back)
    steps: list[tuple[int, str]] = []
    current = {number: urls[0] for number, urls in had.items()}
    while back:
        returns = back.pop()
        number = chance.choice([number for number, urls in had.items() if not returns or len(urls) > 1] or [0])
        if not returns or len(had[number]) < 2:
            had[number].append(f"https://news.example/{number}/{len(had[number])}")
            current[number] = had[number][-1]
        else:
            current[number] = chance.choice([url for url in had[number] if url != current[number]])
        steps.append((number, current[number]))
    return steps


def story(world: World, number: int, url: str) -> None:
    related = [{"title": f"Story {number + 1}", "webUrl": f"https://news.example/{number + 1}/0"}]
    provider = {"name": f"Provider {number}"}
    title = f"Story {number} of the twelve that wandered"
    world.document(f"d{number}", title=title, webUrl=url, provider=provider, related=related, publishedDateTime=day(1))


def wanderers(world: World) -> dict[str, str]:
    """The ids by title, but for those of entries that have no document."""
    return {title: id for title, id in world.ids().items() if title.endswith("wandered")}


@pytest.mark.parametrize(
    "options",
    [{}, {"related": "expand", "alike": Alike(timedelta(days=3), 0.75)}],
    ids=["plain", "everything asked for"],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_no_id_moves_while_urls_wander_and_come_back(world: World, seed: int, options: dict[str, Any]) -> None:
    """Twelve documents, 151 changes of their URLs, 121 of these back: always under the same title, always one id."""
    world.options |= options
    for number in range(DOCUMENTS):
        story(world, number, f"https://news.example/{number}/0")
    world.regenerate()
    ids = wanderers(world)
    assert len(ids) == DOCUMENTS
    for number, url in wander(seed):
        story(world, number, url)
        world.regenerate()
        assert wanderers(world) == ids
    assert world.tree() == world.rebuilt()


def test_an_id_survives_another_documents_stay_at_its_url(world: World) -> None:
    """A leaves its URL, B moves in and out again, A comes home: two documents, two ids, as at the beginning."""
    for name in "ab":
        world.document(name)
    world.regenerate()
    ids = world.ids()
    for name, url in (("a", "x"), ("b", "a"), ("b", "y"), ("a", "a"), ("b", "b")):
        world.document(name, webUrl=f"https://news.example/{url}")
        world.regenerate()
        assert world.ids() == ids
    assert world.tree() == world.rebuilt()


def test_an_id_survives_a_change_of_rules(world: World) -> None:
    """What counts as tracking changes, and with it the keys: the ids stay, for old and for new spellings."""
    world.document("a", webUrl="https://news.example/story?ref_src=x&page=1")
    world.document("b", webUrl="https://news.example/other?ref_src=y")
    world.regenerate()
    ids = world.ids()
    for tracking in (("ref_*",), ("ref_*", "page"), ()):
        world.options["reading"] = {"tracking": tracking}
        world.regenerate()
        assert world.ids() == ids
        assert world.tree() == world.rebuilt()
    (world.articles / "a.md").rename(world.articles / "renamed.md")
    world.options["reading"] = {"tracking": ("ref_*",)}
    world.regenerate()
    assert world.ids() == ids
