"""Sites of other generators: small ones in the conventions of each, and what their feeds must say."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from aggregator.cli import commands

SITES = Path(__file__).parent / "sites"

DAY = "T00:00:00+00:00"


def expected(url: str, title: str, published: str, **more: Any) -> dict[str, Any]:
    """An item of a feed; `more` is what else it has."""
    return {"url": url, "title": title, "date_published": published} | more


JEKYLL = [
    expected("https://elsewhere.example/linked", "Linked", f"2024-03-07{DAY}", tags=["links"]),
    expected("https://lantern.example/guides/care/2024/03/05/trim/", "Trim the wick", f"2024-03-05{DAY}"),
    expected(
        "https://lantern.example/oil%20lamps/care/2024/03/04/a-better-name/",
        "Slugged",
        f"2024-03-04{DAY}",
        tags=["Oil Lamps", "care"],
    ),
    expected(
        "https://lantern.example/about/2024/moved.html",
        "Moved",
        f"2024-03-03{DAY}",
        authors=[{"name": "Ada Wick"}],
    ),
    expected(
        "https://lantern.example/2024/03/02/no-front-title/",
        "What oil",
        "2024-03-02T17:30:00+00:00",
        date_modified=f"2024-03-05{DAY}",
        tags=["oil", "wicks"],
        summary="Oil comes first.",
    ),
    expected(
        "https://lantern.example/workshop/2024/03/01/First_light/",
        "First light",
        f"2024-03-01{DAY}",
        tags=["lamps", "glass", "workshop"],
        summary="How the first lamp was lit.",
        image="https://lantern.example/assets/first.jpg",
    ),
]

HUGO = [
    expected("https://kettle.example/blog/fixed/", "Fixed", f"2024-04-05{DAY}"),
    expected("https://kettle.example/blog/posts/2024/04/short/", "A title that is too long", f"2024-04-04{DAY}"),
    expected(
        "https://kettle.example/blog/posts/2024/04/the-kettle/",
        "The kettle",
        f"2024-04-03{DAY}",
        tags=["copper"],
        image="https://kettle.example/blog/posts/2024/04/the-kettle/pot.jpg",
    ),
    expected(
        "https://kettle.example/blog/posts/2024/04/whats-boiling-water-more/",
        "What's boiling? Water & more",
        "2024-04-01T08:00:00+00:00",
        date_modified="2024-04-02T08:00:00+00:00",
        tags=["water", "Physics"],
        summary="Bubbles explained.",
        image="https://kettle.example/blog/posts/2024/04/whats-boiling-water-more/boiling.jpg",
    ),
    expected("https://kettle.example/blog/notes/2023/12-24-tea/", "Tea at four", f"2023-12-24{DAY}", tags=["Tea"]),
]

ELEVENTY = [
    expected(
        "https://gravel.example/set/in/stone/index.html",
        "Set",
        f"2024-05-04{DAY}",
        image="https://gravel.example/img/set.png",
    ),
    expected("https://gravel.example/posts/templated/", "Templated", f"2024-05-02{DAY}"),
    expected(
        "https://gravel.example/posts/grey-stones/",
        "Grey stones",
        f"2024-05-01{DAY}",
        tags=["posts", "stones"],
        summary="On grey stones.",
    ),
]

PELICAN = [
    expected("https://other.example/jays", "Jays", f"2024-06-05{DAY}", tags=["jays", "Oaks, old"]),
    expected(
        "https://fieldbook.example/owls-at-dusk.html",
        "Owls, at dusk",
        f"2024-06-03{DAY}",
        tags=["owls"],
        image="https://fieldbook.example/images/owl.jpg",
        authors=[{"name": "Bo Reed"}],
    ),
    expected(
        "https://fieldbook.example/larks-dawn.html",
        "Larks at dawn",
        "2024-06-01T06:30:00+00:00",
        date_modified="2024-06-02T07:00:00+00:00",
        tags=["larks", "dawn"],
        summary="They sing early.",
        authors=[{"name": "Ada Wick"}],
        language="en",
    ),
]

TOLD = {
    "jekyll": [],
    "hugo": [],
    "eleventy": [
        'posts/templated.md:4:12: warning: `permalink`: "/t/{{ title | slugify }}/", expected an address of the site'
    ],
    "pelican": ['content/wrens.md:3:7: error: `date`: "someday" is no date, expected one'],
}


def items(feed: Path) -> list[dict[str, Any]]:
    """What a JSON feed says of its entries, without an update that is none and without what isn't compared."""
    names = ("url", "title", "date_published", "date_modified", "tags", "summary", "image", "authors", "language")
    found = []
    for item in json.loads(feed.read_text("utf-8"))["items"]:
        told = {name: item[name] for name in names if name in item}
        if told["date_modified"] == told["date_published"]:
            del told["date_modified"]
        found.append(told)
    return found


@pytest.mark.parametrize(
    ("generator", "entries"),
    [("jekyll", JEKYLL), ("hugo", HUGO), ("eleventy", ELEVENTY), ("pelican", PELICAN)],
    ids=["jekyll", "hugo", "eleventy", "pelican"],
)
def test_a_site_of_another_generator_has_the_feed_that_it_should(
    generator: str,
    entries: list[dict[str, Any]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Addresses, titles, dates, topics, pictures, authors and order are the site's own; drafts stay unseen."""
    site = tmp_path / generator
    shutil.copytree(SITES / generator, site)
    arguments = ["regenerate", "--at", "2026-03-01T00:00:00Z"]
    monkeypatch.chdir(site)
    commands.main(arguments, standalone_mode=False)
    assert items(site / "public" / "all" / "feed.json") == entries
    problems = [line.partition(" such as")[0] for line in capsys.readouterr().err.splitlines()]
    assert problems == TOLD[generator]
