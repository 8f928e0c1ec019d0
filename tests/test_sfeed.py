"""What someone sees who subscribes with sfeed, whose feeds are files of tab-separated lines (sfeed(5))."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.polls import EDITS, LINK, SOUND, TEXT, TITLE, WITHDRAWALS, Poll, Web, article, reader, served
from tests.programs import needs
from tests.site import Site
from tests.world import World, day

# As it comes, sfeed fetches a feed whole each time; what it fetches with can ask for news only (curl(1)).
_CONDITIONAL = """
fetch() {
    curl -f -s -m 15 --etag-compare "$HOME/etag" --etag-save "$HOME/etag" "$2"
}
"""
# Which line is whose is the reader's choice (sfeedrc(5)): by id alone, the newest line of an entry is the one to keep.
_BY_ID = """
merge() {
    sort -s -t "$(printf '\\t')" -u -k6,6 "$3" "$2"
}
"""


class Line(NamedTuple):
    """What sfeed keeps of an entry, as it is written."""

    timestamp: str
    title: str
    link: str
    content: str
    content_type: str
    id: str
    author: str
    enclosure: str
    category: str


class Sfeed:
    """sfeed in a home of its own."""

    def __init__(self, home: Path) -> None:
        for program in ("sfeed_update", "curl"):
            needs(program)
        self._home = home
        self._settings = home / ".sfeed" / "sfeedrc"
        self._settings.parent.mkdir(parents=True)

    def configure(self, settings: str) -> None:
        """Write its configuration, a shell script."""
        self._settings.write_text(settings, encoding="utf-8")

    def subscribe(self, address: str, more: str = _CONDITIONAL) -> None:
        """Subscribe to a feed, under the name `feed`."""
        self.configure(f"{more}\nfeeds() {{\n    feed feed '{address}'\n}}\n")

    def poll(self) -> None:
        """Fetch every feed."""
        told = reader(self._home, "sfeed_update")
        assert all(line.endswith("OK") for line in told.splitlines()), told

    def lines(self, name: str = "feed") -> list[Line]:
        """What it keeps of a feed, the newest first."""
        text = (self._home / ".sfeed" / "feeds" / name).read_text(encoding="utf-8")
        return [Line(*line.split("\t")) for line in text.splitlines()]

    def names(self) -> list[str]:
        """The feeds it keeps."""
        return sorted(path.name for path in (self._home / ".sfeed" / "feeds").iterdir())

    def ids(self) -> list[str]:
        """The ids of what it keeps, none of them twice."""
        ids = [line.id for line in self.lines()]
        assert len(ids) == len(set(ids))
        return ids

    def titles(self) -> list[str]:
        """The titles of what it keeps, the newest first."""
        return [line.title for line in self.lines()]


class Subscriber(NamedTuple):
    """Someone who reads the feed of everything in one format."""

    world: World
    web: Web
    sfeed: Sfeed
    path: str


@pytest.fixture
def sfeed(tmp_path: Path) -> Sfeed:
    """One without a subscription."""
    return Sfeed(tmp_path / "home")


@pytest.fixture(params=["rss", "atom"])
def subscriber(world: World, sfeed: Sfeed, request: pytest.FixtureRequest) -> Iterator[Subscriber]:
    """Of a site with an article that has little and one that has everything, `b`."""
    world.document("a")
    article(world)
    world.regenerate()
    path = f"all/{request.param}.xml"
    with served(world) as web:
        sfeed.subscribe(web.address(path))
        sfeed.poll()
        assert web.polls(1) == [Poll(path, 200, len((world.output / path).read_bytes()))]
        yield Subscriber(world, web, sfeed, path)


def test_sfeed_reads_what_was_published(subscriber: Subscriber) -> None:
    """Instants, titles as written, links, text, ids, authors, enclosures are the same from RSS and from Atom; of Atom's
    categories it takes the term, which is a topic's slug.
    """
    world, _, sfeed, path = subscriber
    ids = world.ids()
    one, two = ("AI", "AI|Stars & Suns") if path == "all/rss.xml" else ("ai", "ai|stars-and-suns")
    dates = [f"{day(number).timestamp():.0f}" for number in (2, 1)]
    assert sfeed.lines() == [
        Line(dates[0], TITLE, LINK, TEXT, "html", ids[TITLE], "Ada Lovelace", SOUND, two),
        Line(dates[1], "About a", "https://news.example/a", "", "", ids["About a"], "", "", one),
    ]


def test_a_still_feed_is_not_sent_again(subscriber: Subscriber) -> None:
    """Whatever ran between: one who asks for news gets 304, and nothing changes."""
    world, web, sfeed, path = subscriber
    lines = sfeed.lines()
    for rebuild in (False, True):
        world.regenerate(rebuild=rebuild)
        sfeed.poll()
        assert web.polls(1) == [Poll(path, 304, 0)]
    assert sfeed.lines() == lines


def test_who_fetches_the_feed_whole_has_nothing_twice(subscriber: Subscriber) -> None:
    """As sfeed does by itself."""
    world, web, sfeed, path = subscriber
    lines = sfeed.lines()
    sfeed.subscribe(web.address(path), "")
    world.regenerate()
    sfeed.poll()
    assert web.statuses() == [200]
    assert sfeed.lines() == lines


def test_a_new_article_is_one_new_entry(subscriber: Subscriber) -> None:
    """The lines that were there stay as they are; the poll after it gets 304 again."""
    world, web, sfeed, _ = subscriber
    lines = sfeed.lines()
    world.document("new", publishedDateTime=day(3))
    world.regenerate()
    sfeed.poll()
    sfeed.poll()
    assert web.statuses(2) == [200, 304]
    assert sfeed.titles() == ["About new", TITLE, "About a"]
    assert sfeed.lines()[1:] == lines


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_article_is_no_new_entry(subscriber: Subscriber, edit: Callable[[World], None]) -> None:
    """Who tells entries apart by their ids sees the edit in the line that was there."""
    world, web, sfeed, path = subscriber
    ids = sfeed.ids()
    sfeed.subscribe(web.address(path), _CONDITIONAL + _BY_ID)
    edit(world)
    world.regenerate()
    sfeed.poll()
    assert web.statuses() == [200]
    assert sfeed.titles() == ["Edited", "About a"]
    assert sfeed.ids() == ids


def test_an_edited_title_is_another_line_of_the_same_entry(subscriber: Subscriber) -> None:
    """To sfeed by itself, which has id, title and link together tell entries apart, an edit is a line more; it has the
    id of the one before.
    """
    world, _, sfeed, _ = subscriber
    ids = set(sfeed.ids())
    article(world, title="Edited")
    world.regenerate()
    sfeed.poll()
    assert sorted(sfeed.titles()) == ["About a", "Edited", TITLE]
    assert {line.id for line in sfeed.lines()} == ids


@pytest.mark.parametrize("withdraw", WITHDRAWALS)
def test_a_withdrawn_article_does_no_harm(subscriber: Subscriber, withdraw: Callable[[World], None]) -> None:
    """sfeed keeps what it once saw, and nothing comes."""
    world, web, sfeed, _ = subscriber
    lines = sfeed.lines()
    withdraw(world)
    world.regenerate()
    sfeed.poll()
    assert world.titles() == ["About a"]
    assert sfeed.lines() == lines
    article(world)
    world.regenerate()
    sfeed.poll()
    assert web.statuses(2) == [200, 200]
    assert sfeed.ids() == [line.id for line in lines]


def test_an_emptied_feed_does_no_harm(subscriber: Subscriber) -> None:
    """One whose last article was withdrawn is there, without entries."""
    world, web, sfeed, _ = subscriber
    lines = sfeed.lines()
    for document in world.articles.iterdir():
        document.unlink()
    world.regenerate(accept_deletions=True)
    assert world.titles() == []
    sfeed.poll()
    assert web.statuses() == [200]
    assert sfeed.lines() == lines


def test_sfeed_subscribes_to_the_list(site: Site, sfeed: Sfeed, tmp_path: Path) -> None:
    """Each feed in `feeds.opml` under a name of its own; each address there is that of a feed."""
    topics = [{"name": "Computing"}, {"name": "AI", "parent": "Computing"}, {"name": "Stars & Suns", "parent": "AI"}]
    article(site)
    with served(site) as web:
        site.configure(site={"title": "Reader's News", "url": web.address("")}, topics={"list": topics})
        assert site.run().status == 0
        settings = reader(tmp_path, "sfeed_opml_import", given=(site.output / "feeds.opml").read_text(encoding="utf-8"))
        addresses = [web.address(f"{name}/atom.xml") for name in ("all", "topics/ai", "topics/stars-and-suns")]
        assert re.findall(r"'(http[^']*)'", settings) == addresses
        sfeed.configure(settings)
        sfeed.poll()
        assert web.statuses(3) == [200] * 3
    names = ["AI — Reader's News", "Reader's News", "Stars & Suns — Reader's News"]
    assert sfeed.names() == names
    assert [len(sfeed.lines(name)) for name in names] == [2, 2, 1]
