"""What someone sees who subscribes with newsboat.

It asks with what it knows of a feed (`If-None-Match`, `If-Modified-Since`) from the third time on: version 2.21 notes
that in the feed's row, which the first poll makes and the second finds. It takes JSON Feed for a feed without entries.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.polls import EDITS, LINK, SOUND, TEXT, TITLE, WITHDRAWALS, Poll, Web, article, reader, screen, served
from tests.site import Site
from tests.test_server_examples import nginx_example
from tests.world import World, day


class Kept(NamedTuple):
    """An article in newsboat's cache."""

    title: str
    author: str
    url: str
    feed: str
    date: int
    unread: int
    text: str
    enclosure: tuple[str, str]


class Newsboat:
    """newsboat in a home of its own."""

    def __init__(self, home: Path) -> None:
        self._home = home
        home.mkdir()
        self.urls, self._cache, self._config = home / "urls", home / "cache.db", home / "config"
        self.subscribe()
        self._config.write_text("", encoding="utf-8")

    @property
    def _files(self) -> Sequence[str | Path]:
        return ("--url-file", self.urls, "--cache-file", self._cache, "--config-file", self._config)

    def run(self, *arguments: str | Path) -> str:
        """What it prints."""
        return reader(self._home, "newsboat", *self._files, *arguments)

    def screen(self) -> AbstractContextManager[Callable[[str, str], str]]:
        """Itself on a terminal."""
        return screen(self._home, "newsboat", *self._files)

    def subscribe(self, *addresses: str) -> None:
        """Subscribe to these, and no others."""
        self.urls.write_text("".join(f"{address}\n" for address in addresses), encoding="utf-8")

    def poll(self) -> int:
        """Poll every feed, in the order of the subscriptions; the number of articles that are unread then."""
        return int(self.run("--execute", "reload", "print-unread").split()[0])

    def read_everything(self) -> None:
        """Mark all articles as read."""
        guids = self._home / "read"
        guids.write_text("".join(f"{guid}\n" for guid in self.articles()), encoding="utf-8")
        self.run("--import-from-file", guids)

    def articles(self) -> dict[str, Kept]:
        """The articles it keeps, by guid."""
        query = (
            "SELECT guid, title, author, url, feedurl, pubDate, unread, content, enclosure_url, enclosure_type"
            " FROM rss_item WHERE NOT deleted ORDER BY pubDate DESC"
        )
        with closing(sqlite3.connect(self._cache)) as cache:
            rows = cache.execute(query).fetchall()
        kept = {row[0]: Kept._make([*row[1:8], row[8:]]) for row in rows}
        assert len(kept) == len(rows)
        return kept

    def titles(self) -> list[str]:
        """The titles of what it keeps, the newest first."""
        return [article.title for article in self.articles().values()]


class Subscriber(NamedTuple):
    """Someone who reads the feed of everything in one format, and has read all there is."""

    world: World
    web: Web
    newsboat: Newsboat
    path: str


@pytest.fixture
def newsboat(tmp_path: Path) -> Newsboat:
    """One without a subscription."""
    return Newsboat(tmp_path / "home")


@pytest.fixture(params=["rss", "atom"])
def subscriber(world: World, newsboat: Newsboat, request: pytest.FixtureRequest) -> Iterator[Subscriber]:
    """Of a site with an article that has little and one that has everything, `b`."""
    world.document("a")
    article(world)
    world.regenerate()
    path = f"all/{request.param}.xml"
    with served(world) as web:
        newsboat.subscribe(web.address(path))
        assert [newsboat.poll(), newsboat.poll()] == [2, 2]
        assert web.polls(2) == [Poll(path, 200, len((world.output / path).read_bytes()))] * 2
        newsboat.read_everything()
        yield Subscriber(world, web, newsboat, path)


def test_newsboat_reads_what_was_published(subscriber: Subscriber) -> None:
    """Titles as written, links, dates, authors, text, enclosures: the same from RSS and from Atom."""
    world, web, newsboat, path = subscriber
    ids, feed = world.ids(), web.address(path)
    rich = Kept(TITLE, "Ada Lovelace", LINK, feed, int(day(2).timestamp()), 0, TEXT, (SOUND, "audio/mpeg"))
    plain = Kept("About a", "", "https://news.example/a", feed, int(day(1).timestamp()), 0, "", ("", ""))
    assert newsboat.articles() == {ids[TITLE]: rich, ids["About a"]: plain}


def test_an_excerpt_alone_is_read_as_it_is_written(subscriber: Subscriber) -> None:
    """What looks like markup in it included; and its date is that of publication, whatever was updated since."""
    world, _, newsboat, _ = subscriber
    world.document("c", excerpt="R&amp;D: 1 < 2, and &lt;canvas&gt;", publishedDateTime=day(3), updatedDateTime=day(5))
    world.regenerate()
    newsboat.poll()
    found = newsboat.articles()[world.ids()["About c"]]
    assert found.text == "<p>R&amp;D: 1 &lt; 2, and &lt;canvas&gt;</p>"
    assert found.date == int(day(3).timestamp())


def test_someone_reads_an_article_on_the_screen(subscriber: Subscriber) -> None:
    """From the list of feeds to that of articles to the article, where its text, its author and all its links are to be
    seen; then it is read, and the others are as they were.
    """
    world, _, newsboat, _ = subscriber
    article(world, "c", title="Fish &amp; chips &lt;i&gt;", webUrl="https://news.example/c", publishedDateTime=day(3))
    world.regenerate()
    newsboat.poll()
    with newsboat.screen() as press:
        press("", "(1/3) Everything")
        press("\r", "Fish & chips <i>")
        text = press("\r", "[3]: https://other.example/b")
        press("q", "About a")
        press("q", "(0/3) Everything")
        press("q", "Cleaning up cache...done.")
    for seen in ("Ada Lovelace", 'Less is < more & "more".', "https://news.example/c", SOUND, "Another view"):
        assert seen in text
    assert [article.unread for article in newsboat.articles().values()] == [0, 0, 0]
    assert newsboat.poll() == 0


@pytest.mark.parametrize("rebuild", [False, True])
def test_a_still_feed_is_not_sent_again(subscriber: Subscriber, rebuild: bool) -> None:
    """Whatever ran between: newsboat gets 304, and nothing turns unread."""
    world, web, newsboat, path = subscriber
    kept = newsboat.articles()
    world.regenerate(rebuild=rebuild)
    assert newsboat.poll() == 0
    assert web.polls(1) == [Poll(path, 304, 0)]
    assert newsboat.articles() == kept


def test_a_new_article_is_one_new_entry(subscriber: Subscriber) -> None:
    """It is the only one that is unread; the poll after it gets 304 again."""
    world, web, newsboat, _ = subscriber
    kept = newsboat.articles()
    world.document("new", publishedDateTime=day(3))
    world.regenerate()
    assert newsboat.poll() == 1
    assert newsboat.poll() == 1
    assert web.statuses(2) == [200, 304]
    new = newsboat.articles()
    assert [(article.title, article.unread) for guid, article in new.items() if guid not in kept] == [
        ("About new", True)
    ]
    assert {guid: new[guid] for guid in kept} == kept


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_article_is_no_new_entry(subscriber: Subscriber, edit: Callable[[World], None]) -> None:
    """Its entry shows the edit, and doesn't turn unread."""
    world, web, newsboat, _ = subscriber
    guids = set(newsboat.articles())
    edit(world)
    world.regenerate()
    assert newsboat.poll() == 0
    assert web.statuses() == [200]
    assert newsboat.titles() == ["Edited", "About a"]
    assert set(newsboat.articles()) == guids


@pytest.mark.parametrize("withdraw", WITHDRAWALS)
def test_a_withdrawn_article_does_no_harm(subscriber: Subscriber, withdraw: Callable[[World], None]) -> None:
    """newsboat keeps what it once saw: no entry comes or turns unread, neither when the article goes, nor in the hours
    after that, nor when it is back.
    """
    world, web, newsboat, path = subscriber
    kept = newsboat.articles()
    withdraw(world)
    world.regenerate()
    assert newsboat.poll() == 0
    assert world.titles() == ["About a"]
    assert web.statuses() == [200]
    world.now += timedelta(hours=1)
    world.regenerate()
    assert newsboat.poll() == 0
    assert newsboat.articles() == kept
    assert ("deleted-entry" in (world.output / path).read_text("utf-8")) == path.endswith("atom.xml")
    article(world)
    world.now += timedelta(hours=1)
    world.regenerate()
    assert newsboat.poll() == 0
    assert web.statuses(2)[-1] == 200
    assert set(newsboat.articles()) == set(kept)
    assert newsboat.titles() == [TITLE, "About a"]


@pytest.mark.parametrize("compress", [True, False])
def test_newsboat_reads_what_the_example_server_sends(site: Site, newsboat: Newsboat, compress: bool) -> None:
    """Where there is a compressed twin, that is what travels; a still feed gets 304 with it and without."""
    article(site)
    site.configure(output={"path": "public", "formats": ["rss", "atom"], "compress": compress})
    assert site.run().status == 0
    with served(site, nginx_example()) as web:
        newsboat.subscribe(web.address("all/atom.xml"))
        assert [newsboat.poll() for _ in range(3)] == [2, 2, 2]
        polls = web.polls(3)
    assert [poll.status for poll in polls] == [200, 200, 304]
    if compress:
        assert polls[0].size == (site.output / "all/atom.xml.gz").stat().st_size
    assert newsboat.titles() == [TITLE, "About a"]


def test_newsboat_subscribes_to_the_list(site: Site, newsboat: Newsboat) -> None:
    """The folders of `feeds.opml` are its tags, and each address in it is that of a feed."""
    topics = [{"name": "Computing"}, {"name": "AI", "parent": "Computing"}, {"name": "Stars & Suns", "parent": "AI"}]
    article(site)
    site.document("c", topics=["Big Beasts"])
    with served(site) as web:
        site.configure(site={"title": "Everything", "url": web.address("")}, topics={"list": topics})
        assert site.run().status == 0
        newsboat.run("--import-from-opml", site.output / "feeds.opml")
        assert newsboat.urls.read_text(encoding="utf-8").split("\n") == [
            web.address("all/atom.xml"),
            f'{web.address("topics/ai/atom.xml")} "Computing/AI"',
            f'{web.address("topics/stars-and-suns/atom.xml")} "Computing/AI"',
            web.address("topics/big-beasts/atom.xml"),
            "",
        ]
        assert newsboat.poll() == 3
        assert web.statuses(4) == [200, 200, 200, 200]
    assert sorted(newsboat.titles()) == ["About a", "About c", TITLE]


def test_an_entry_of_several_feeds_is_read_once(world: World, newsboat: Newsboat) -> None:
    """newsboat keeps one row a guid: an entry is in the feed that told of it last, is unread once however many feeds
    have it, and read in all of them. What one feed loses to another is seen there: none is lost.
    """
    world.document("a")
    world.document("b", topics=["Zebras"], publishedDateTime=day(2))
    world.regenerate()
    with served(world) as web:
        whole, topic = web.address("all/rss.xml"), web.address("topics/ai/rss.xml")

        def seen() -> dict[str, tuple[str, bool]]:
            return {article.title: (article.feed, bool(article.unread)) for article in newsboat.articles().values()}

        newsboat.subscribe(whole, topic)
        assert [newsboat.poll(), newsboat.poll()] == [2, 2]
        assert seen() == {"About b": (whole, True), "About a": (topic, True)}
        newsboat.read_everything()
        assert web.statuses(4) == [200] * 4

        world.document("c", topics=["Zebras"], publishedDateTime=day(3))
        world.regenerate()
        assert newsboat.poll() == 1
        assert web.statuses(2) == [200, 304]
        assert seen() == {"About c": (whole, True), "About b": (whole, False), "About a": (whole, False)}

        world.document("d", publishedDateTime=day(4))
        world.regenerate()
        assert newsboat.poll() == 2
        assert seen() == {
            "About d": (topic, True),
            "About c": (whole, True),
            "About b": (whole, False),
            "About a": (topic, False),
        }

        newsboat.subscribe(whole)
        world.document("e", publishedDateTime=day(5))
        world.regenerate()
        assert newsboat.poll() == 3
        unread = {"About e", "About d", "About c"}
        assert seen() == {f"About {name}": (whole, f"About {name}" in unread) for name in "edcba"}


def test_who_leaves_a_feed_keeps_what_another_has(world: World, newsboat: Newsboat) -> None:
    """When it is closed, newsboat forgets the rows of a feed that someone has left, and so those that it took from
    another feed. That one brings them back, as unread, when it next has news; until then it gets 304.
    """
    world.document("a")
    world.document("b", topics=["Zebras"])
    world.regenerate()
    with served(world) as web:
        newsboat.subscribe(web.address("all/rss.xml"), web.address("topics/ai/rss.xml"))
        assert [newsboat.poll(), newsboat.poll()] == [2, 2]
        newsboat.read_everything()
        newsboat.subscribe(web.address("all/rss.xml"))
        with newsboat.screen() as press:
            press("", "Everything")
            press("q", "Cleaning up cache...done.")
        assert newsboat.poll() == 0
        assert newsboat.titles() == ["About b"]
        assert web.statuses(5) == [200, 200, 200, 200, 304]
        world.document("c", topics=["Zebras"])
        world.regenerate()
        assert newsboat.poll() == 2
    seen = {article.title: bool(article.unread) for article in newsboat.articles().values()}
    assert seen == {"About a": True, "About b": False, "About c": True}
