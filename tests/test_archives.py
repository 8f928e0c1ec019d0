"""A feed's history in archives (RFC 5005): a file for each month that is over, each leading to the one before."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import pytest
from lxml import etree

from aggregator.feeds import ALL, KnownTopic
from aggregator.pipeline import Report, explain
from aggregator.pipeline.consulting import consulted
from aggregator.text.slugs import slug
from tests.programs import child, end_of
from tests.site import Site
from tests.walks import ATOM, Step, merged, walk, walk_with_feedparser
from tests.world import World, day, told

URL = "https://feeds.example.org/"
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
JULY = datetime(2026, 7, 1, tzinfo=UTC)
LONG_AGO = "1970-01-01T00:00:00Z"


@pytest.fixture
def kept(world: World) -> World:
    """A world on 9 June 2026 whose feeds show one entry and have archives of March and May; Sea has no news."""
    world.options |= {"archives": True, "entries": 1}
    world.document("march", publishedDateTime=day(10))
    world.document("may", publishedDateTime=day(70), topics=["AI", "Sea"])
    world.document("june", publishedDateTime=day(95))
    world.regenerate()
    world.now += HOUR
    return world


def steps(world: World, url: str) -> list[Step]:
    """The way from a feed back through its archives; two readers see the same there, each article once."""

    def fetched(url: str) -> bytes:
        return (world.output / unquote(url.removeprefix(URL))).read_bytes()

    found = walk(url, fetched)
    assert list(merged(found)) == walk_with_feedparser(url, fetched)
    return found


def chain(world: World, feed: str = "all") -> dict[str, list[str]]:
    """The titles in a feed, and in each of its archives by month, in the order in which they lead to one another.

    RSS and Atom show the same, and no archive is there that nothing leads to.
    """
    found: list[dict[str, list[str]]] = []
    for file, title in (("atom.xml", f"{ATOM}title"), ("rss.xml", "title")):
        way = steps(world, f"{URL}{feed}/{file}")
        found.append(
            {
                step.url.removeprefix(f"{URL}{feed}/").removesuffix(file).removeprefix("archive/").rstrip("/"): [
                    etree.fromstring(said).findtext(title, "") for _, said in step.entries
                ]
                for step in way
            }
        )
        there = {path.parent.name for path in (world.output / feed).glob(f"archive/*/{file}")}
        assert there | {""} == found[-1].keys()
    assert found[0] == found[1]
    return found[0]


def changed(report: Report) -> set[str]:
    """What a healthy run wrote or removed in the feed of everything, without the name of the format."""
    assert report.healthy, told(report)
    paths = [path.removeprefix("all/") for _, path in report.changes if path.startswith("all/")]
    return {path.rpartition("/")[0].removeprefix("archive/") for path in paths}


def passes(world: World, time: timedelta = timedelta(0)) -> set[str]:
    """Time goes on, and a run looks what that changes: of the feed of everything, see `changed`."""
    world.now += time
    found = changed(world.regenerate())
    assert world.tree() == world.rebuilt()
    assert world.regenerate().changes == ()
    return found


# What is in them


@pytest.mark.parametrize("timezone", ["Pacific/Auckland", "America/New_York", "UTC"])
def test_a_month_begins_at_its_midnight_where_the_site_is(world: World, timezone: str) -> None:
    """What comes a minute before it is in the archive of the month that is over; from it on, in the feed."""
    midnight = datetime(2026, 6, 1, tzinfo=ZoneInfo(timezone)).astimezone(UTC)
    world.options |= {"archives": True, "entries": 1, "timezone": timezone}
    world.document("before", publishedDateTime=midnight - MINUTE)
    world.document("sharp", publishedDateTime=midnight)
    world.document("after", publishedDateTime=midnight + MINUTE)
    passes(world)
    assert chain(world) == {"": ["About after", "About sharp"], "2026-05": ["About before"]}


def test_the_feed_has_the_newest_and_its_archives_have_all_that_is_over(kept: World) -> None:
    """An article that the feed shows too is no less in the archive of its month."""
    assert chain(kept) == {"": ["About june"], "2026-05": ["About may"], "2026-03": ["About march"]}
    assert chain(kept, "topics/sea") == {"": ["About may"], "2026-05": ["About may"]}


def test_the_end_of_a_month_is_an_instant_at_which_feeds_are_due(kept: World) -> None:
    """Then its archive is written, and the feed that leads there; not a second before, and nothing else."""
    kept.document("second", publishedDateTime=day(96))
    kept.regenerate()
    before = kept.tree()
    with consulted(kept.plan()) as (_, index, _):
        assert index.entries.next_due(kept.now) == (ALL, JULY)
    kept.now = JULY - timedelta(seconds=1)
    kept.regenerate()
    assert chain(kept)[""] == ["About second", "About june"]
    assert kept.tree() == before
    kept.now = JULY
    written = {path for _, path in kept.regenerate().changes if path.startswith(("all/", "topics/"))}
    assert written == {
        f"{feed}/{part}{file}.xml"
        for feed in ("all", "topics/ai")
        for part in ("", "archive/2026-06/")
        for file in ("atom", "rss")
    }
    assert [*chain(kept)] == ["", "2026-06", "2026-05", "2026-03"]
    assert chain(kept)["2026-06"] == ["About second", "About june"]
    assert passes(kept) == set()


def test_a_late_article_changes_the_archive_of_its_month_alone(kept: World) -> None:
    """Readers who have walked the chain keep all the other files."""
    kept.document("late", publishedDateTime=day(11))
    assert passes(kept) == {"2026-03"}
    assert chain(kept)["2026-03"] == ["About late", "About march"]


@pytest.mark.parametrize(
    ("month", "published", "changes"),
    [
        ("2026-02", day(-1), {"2026-02", "2026-03"}),
        ("2026-04", day(40), {"2026-04", "2026-05"}),
    ],
)
def test_the_first_of_a_month_changes_what_leads_there_too(
    kept: World, month: str, published: datetime, changes: set[str]
) -> None:
    """The next archive, and not the feed."""
    kept.document("late", publishedDateTime=published)
    assert passes(kept) == changes
    assert chain(kept)[month] == ["About late"]


def test_the_first_archive_is_led_to_by_the_feed(world: World) -> None:
    """There is no other place to begin."""
    world.options |= {"archives": True, "entries": 1}
    world.document("june", publishedDateTime=day(95))
    assert passes(world) == {""}
    world.document("late", publishedDateTime=day(70))
    assert passes(world) == {"", "2026-05"}
    assert [*chain(world)] == ["", "2026-05"]


@pytest.mark.parametrize(
    ("name", "changes", "left"),
    [("march", {"2026-03", "2026-05", ""}, ["", "2026-05"]), ("may", {"2026-05", ""}, ["", "2026-03"])],
)
def test_the_withdrawal_of_the_last_one_takes_the_archive_away(
    kept: World, name: str, changes: set[str], left: list[str]
) -> None:
    """And what led there leads to the one before; the feed was updated, for something was withdrawn."""
    (kept.articles / f"{name}.md").unlink()
    assert passes(kept) == changes
    assert [*chain(kept)] == left
    assert passes(kept, timedelta(minutes=10)) == {""}  # which now tells of it
    assert [*chain(kept)] == left


def test_an_edit_changes_the_archive_that_shows_it(kept: World) -> None:
    """One that gives it another date moves it from one archive to another."""
    kept.document("march", title="Another", publishedDateTime=day(10))
    assert passes(kept) == {"2026-03"}
    kept.document("march", title="Another", publishedDateTime=day(71))
    assert passes(kept) == {"2026-03", "2026-05"}
    assert chain(kept) == {"": ["About june"], "2026-05": ["Another", "About may"]}


def test_what_a_full_month_cannot_show_is_told_and_comes_with_its_archive(world: World) -> None:
    """Even if all came within one second."""
    world.options |= {"archives": True, "entries": 1}
    for number in range(1200):
        world.document(
            f"many/{number:04}",
            webUrl=f"https://news.example/{number}",
            publishedDateTime=day(95) + timedelta(microseconds=number),
            topics=None,
        )
    (warning,) = told(world.regenerate())
    assert warning.startswith("all: warning: 1200 entries this month, of which it shows the newest 500; the others")
    assert [len(titles) for titles in chain(world).values()] == [500]
    world.now = JULY
    assert told(world.regenerate()) == []
    assert {month: len(titles) for month, titles in chain(world).items()} == {"": 1, "2026-06": 1200}


def test_the_first_and_the_last_of_days(kept: World) -> None:
    """An article of 1970 is the end of the chain; one of 2999 is held back, and changes nothing."""
    kept.document("old", publishedDateTime=LONG_AGO)
    kept.document("new", publishedDateTime="2999-12-31T23:59:59Z")
    assert passes(kept) == {"1970-01", "2026-03"}
    assert [*chain(kept)] == ["", "2026-05", "2026-03", "1970-01"]
    kept.now = datetime(2999, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert passes(kept) == {"", "2026-06"}
    assert chain(kept)[""] == ["About new"]
    assert passes(kept, timedelta(seconds=1)) == {"", "2999-12"}
    assert [*chain(kept)] == ["", "2999-12", "2026-06", "2026-05", "2026-03", "1970-01"]


# Which feeds have them


def test_the_address_of_a_former_name_has_the_same_archives(kept: World) -> None:
    """Whoever subscribed to that one finds all articles there, and the same bytes."""
    kept.options["known"] = (KnownTopic("Sea"), KnownTopic("Machine Minds", aliases=("AI",)))
    passes(kept)
    assert [*chain(kept, "topics/machine-minds")] == ["", "2026-05", "2026-03"]
    kept.document("late", publishedDateTime=day(40))
    passes(kept)
    kept.now = JULY
    passes(kept)
    (kept.articles / "march.md").unlink()
    passes(kept)
    now, former = (
        {path.removeprefix(folder): data for path, data in kept.tree().items() if path.startswith(folder)}
        for folder in ("topics/machine-minds/", "topics/ai/")
    )
    assert [*chain(kept, "topics/machine-minds")] == ["", "2026-06", "2026-05", "2026-04"]
    assert former == now


@pytest.mark.parametrize("archives", [True, False])
@pytest.mark.parametrize("happens", ["deleted", "other topics", "lapsed", "nothing"])
def test_a_former_name_leads_to_a_feed_that_is_there(kept: World, happens: str, archives: bool) -> None:
    """Also where no article is left of the topic, which is renamed, renamed again, and has its first name again."""
    for path in kept.articles.glob("*.md"):
        if happens == "deleted":
            path.unlink()
        if happens == "other topics":
            kept.document(path.stem, publishedDateTime=day(10), topics=["Sea"])
    kept.options["minimum"] = 9 if happens == "lapsed" else 1
    passes(kept)
    kept.options["archives"] = archives
    minds = KnownTopic("Machine Minds", aliases=("AI",))
    ocean = KnownTopic("Ocean", aliases=("Machine Minds", "AI"))
    chained = KnownTopic("Ocean", aliases=("Machine Minds",))
    for known in ((minds,), (ocean,), (KnownTopic("Ocean"),), (ocean,), (chained, minds)):
        kept.options["known"] = known
        passes(kept, HOUR)
        assert slug(known[0].name) in {home_of(kept, path.parent) for path in kept.output.glob("topics/*/atom.xml")}
    passes(kept, timedelta(days=91))
    assert (kept.output / "topics/ocean").exists() == (happens == "nothing")
    kept.options["known"] = ()
    passes(kept, HOUR)
    passes(kept, timedelta(days=91))
    assert {home_of(kept, path.parent) for path in kept.output.glob("topics/*/atom.xml")} <= {"ai", "sea"}


@pytest.mark.parametrize("only", ["topics/ai", "topics/machine-minds"])
def test_the_files_under_all_names_of_a_topic_are_published_together(kept: World, only: str) -> None:
    """Whichever of them is asked for."""
    kept.options["known"] = (KnownTopic("Machine Minds", aliases=("AI",)),)
    kept.document("june", publishedDateTime=day(95), title="Known as such")
    kept.regenerate(only=(only,))
    assert home_of(kept, kept.output / "topics/ai") == "machine-minds"


def home_of(world: World, folder: Path) -> str:
    """The slug of the feed that a folder has the files of: that one is there, and the same to the byte."""
    feed = (folder / "atom.xml").read_bytes()
    [link] = etree.fromstring(feed).iterfind(f"{ATOM}link[@rel='self']")
    home = link.get("href", "").removeprefix(URL)
    assert (world.output / home).read_bytes() == feed
    chain(world, home.removesuffix("/atom.xml"))
    return home.split("/")[1]


def test_without_archives_nothing_is_left_of_them(kept: World) -> None:
    """Nothing leads there, and nothing is there; with them again, all is as it was."""
    before = kept.tree()
    kept.options["archives"] = False
    assert passes(kept) == {"", "2026-03", "2026-05"}
    assert chain(kept) == {"": ["About june"]}
    assert not list(kept.output.rglob("archive"))
    kept.options["archives"] = True
    passes(kept)
    assert kept.tree() == before


def test_another_time_zone_parts_the_months_anew(world: World) -> None:
    """An archive is never split while the site stays where it is; one that moves has other months."""
    world.options |= {"archives": True, "entries": 1}
    world.document("late in May", webUrl="https://news.example/a", publishedDateTime="2026-05-31T23:00:00Z")
    world.document("early in May", webUrl="https://news.example/b", publishedDateTime="2026-05-01T01:00:00Z")
    passes(world)
    assert [*chain(world)] == ["", "2026-05"]
    world.options["timezone"] = "America/New_York"
    passes(world)
    assert [*chain(world)] == ["", "2026-05", "2026-04"]
    world.options["timezone"] = "Pacific/Auckland"
    passes(world)
    assert chain(world) == {"": ["About late in May"], "2026-05": ["About early in May"]}


def test_a_feed_that_lapses_takes_its_archives_along(kept: World) -> None:
    """With `feeds.keep` gone by; one that comes back brings them again."""
    kept.options |= {"minimum": 2, "keep": timedelta(days=5)}
    passes(kept)
    assert [*chain(kept, "topics/sea")] == ["", "2026-05"]
    passes(kept, timedelta(days=5))
    assert not list(kept.output.glob("topics/sea*"))
    kept.document("wave", topics=["Sea"], publishedDateTime=day(41))
    passes(kept)
    assert [*chain(kept, "topics/sea")] == ["", "2026-05", "2026-04"]


def test_a_feed_that_comes_with_an_old_article_has_the_month_that_was_open(kept: World) -> None:
    """When that is over. Until then it had too few articles to be a feed."""
    kept.options["minimum"] = 2
    kept.document("sky", topics=["Sky"], publishedDateTime=day(96))
    passes(kept)
    kept.document("old sky", webUrl="https://news.example/o", topics=["Sky"], publishedDateTime=day(40))
    passes(kept)
    assert [*chain(kept, "topics/sky")] == ["", "2026-04"]
    kept.now = JULY
    passes(kept)
    assert [*chain(kept, "topics/sky")] == ["", "2026-06", "2026-04"]


def test_archives_have_their_twins(kept: World) -> None:
    """The same bytes compressed; they go with their file."""
    kept.options["compress"] = True
    kept.regenerate()
    files = list(kept.output.glob("all/archive/*/*.xml"))
    assert len(files) == 4
    for file in files:
        assert gzip.decompress(file.with_name(f"{file.name}.gz").read_bytes()) == file.read_bytes()
    (kept.articles / "march.md").unlink()
    kept.regenerate()
    assert {path.name for path in kept.output.glob("all/archive/*")} == {"2026-05"}


# When something goes wrong


def a_folder(file: Path) -> Callable[[], None]:
    """Put a folder in the file's place, or where it is to come; returns what takes it away."""
    file.unlink(missing_ok=True)
    file.mkdir(parents=True)
    return file.rmdir


def a_link(file: Path) -> Callable[[], None]:
    """Put a link that leads elsewhere on the way to the file; returns what takes it away."""
    shutil.rmtree(file.parent, ignore_errors=True)
    file.parent.symlink_to(file.parents[3])
    return file.parent.unlink


@pytest.mark.parametrize("obstacle", [a_folder, a_link])
@pytest.mark.parametrize(("month", "number"), [("2026-03", 11), ("2026-04", 40)])
def test_nothing_leads_to_an_archive_that_cannot_be_written(
    site: Site, obstacle: Callable[[Path], Callable[[], None]], month: str, number: int
) -> None:
    """What would lead there stays as it was, the run fails and says why, and the next one mends it all."""
    site.configure(feeds={"archives": True, "entries": 1})
    site.document("may", publishedDateTime=day(70))
    site.document("june", publishedDateTime=day(95))
    at = ("--at", "2026-06-09T00:00Z")
    assert site.run(*at).status == 0
    before = site.tree()
    mend = obstacle(site.output / "all/archive" / month / "atom.xml")
    site.document("late", publishedDateTime=day(number))
    failed = site.run(*at)
    assert failed.status == 1
    assert re.search(f"all/archive/{month}: error: (it can't be written: |atom.xml is in the way)", failed.err)
    for path in ("all/atom.xml", "all/archive/2026-05/atom.xml", "all/rss.xml", "all/archive/2026-05/rss.xml"):
        assert site.tree()[path] == before[path]
    site.options |= {"archives": True, "entries": 1}
    assert "About late" in chain(site, "topics/ai")[month]  # another feed's
    mend()
    mended = site.run(*at)
    assert mended.status == 0, mended.err
    assert "About late" in chain(site)[month]
    assert site.run(*at, "--check").status == 0
    site.now = datetime(2026, 6, 9, tzinfo=UTC)
    assert site.tree() == site.rebuilt()


def history_begins(world: World) -> None:
    """Archives are asked for where there were none."""
    world.options["archives"] = True


def a_month_ends(world: World) -> None:
    """Its archive comes, and one article comes late."""
    world.document("late", publishedDateTime=day(40))
    world.now = JULY


def a_month_is_lost(world: World) -> None:
    """Its last article is withdrawn, and one of another; a topic goes with it."""
    world.options["keep"] = timedelta(0)
    (world.articles / "may.md").unlink()
    (world.articles / "march.md").unlink()


def a_date_is_mended(world: World) -> None:
    """An article is in another month than it was, a later one."""
    world.document("march", publishedDateTime=day(69))


def history_ends(world: World) -> None:
    """Archives are no longer asked for."""
    world.options["archives"] = False


@pytest.mark.parametrize("happens", [history_begins, a_month_ends, a_month_is_lost, a_date_is_mended, history_ends])
def test_a_chain_is_whole_whenever_a_run_is_killed(tmp_path: Path, happens: Callable[[World], None]) -> None:
    """Before each of the renames and removals by which it shows its work: a reader comes to the end, and by all that is
    there before and after; the next run finishes.
    """
    origin = World(tmp_path / "origin")
    origin.options |= {"archives": happens is not history_begins, "entries": 1}
    origin.document("old", publishedDateTime=day(-20), topics=["AI", "Sky"])
    origin.document("march", publishedDateTime=day(10))
    origin.document("more", publishedDateTime=day(11), topics=None)
    origin.document("may", publishedDateTime=day(70), topics=["AI", "Sea"])
    origin.document("june", publishedDateTime=day(95))
    origin.regenerate()
    before = visible(origin)
    happens(origin)

    def copy(name: str) -> World:
        world = World(tmp_path / name)
        shutil.copytree(origin.root, world.root, dirs_exist_ok=True)
        world.options, world.now = origin.options, origin.now
        return world

    finished = copy("finished")
    finished.regenerate()
    after = visible(finished)
    assert finished.tree() != origin.tree()
    for step in range(1, 100):
        world = copy(f"killed {step}")
        if not killed_before(world, step):
            break
        seen = visible(world)
        for feed in before.keys() & after.keys():
            assert before[feed] & after[feed] <= seen[feed], (step, feed)
        world.regenerate()
        assert world.tree() == finished.tree()
    assert 8 < step < 99


def visible(world: World) -> dict[str, set[str]]:
    """What a reader of each file of a feed comes by; every link leads somewhere."""

    def fetched(url: str) -> bytes:
        return (world.output / unquote(url.removeprefix(URL))).read_bytes()

    return {
        path: {id for step in walk(URL + path, fetched) for id, _ in step.entries}
        for path in world.tree()
        if path.endswith("xml") and "/archive/" not in path and not Path(path).name.startswith(".")
    }


def killed_before(world: World, number: int) -> bool:
    """Whether a run was killed before it made the `number`th change to a name in the output folder."""
    count = 0

    def listen(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal count
        if event in ("os.rename", "os.remove") and b".xml" in os.fsencode(arguments[0]):
            count += 1
            if count == number:
                os.kill(os.getpid(), signal.SIGKILL)

    def work() -> None:
        sys.addaudithook(listen)
        assert world.regenerate().healthy

    end = end_of(child(work))
    assert end in (0, -signal.SIGKILL)
    return end != 0


# What is said of them


def test_explain_tells_which_archive_has_it(kept: World) -> None:
    """For each feed; an open month has none."""
    assert [(one.feed, one.archive) for one in explain(kept.plan(), "articles/may.md").feeds] == [
        ("all", "2026-05"),
        ("topics/ai", "2026-05"),
        ("topics/sea", "2026-05"),
    ]
    assert {one.archive for one in explain(kept.plan(), "articles/june.md").feeds} == {""}
    kept.now = JULY
    kept.regenerate()
    assert {one.archive for one in explain(kept.plan(), "articles/june.md").feeds} == {"2026-06"}


def test_explain_knows_of_no_archive_for_what_another_entry_of_the_month_shows(world: World) -> None:
    """Where feeds collapse, each archive does so by itself: a later month's entry takes nothing out of it."""
    world.options |= {"archives": True, "related": "collapse"}
    world.document("told", publishedDateTime=day(10))
    world.document("kept", publishedDateTime=day(11))
    for name, when, other in (("same", day(12), "told"), ("later", day(70), "kept")):
        listed = [{"title": "Other", "webUrl": f"https://news.example/{other}"}]
        world.document(name, publishedDateTime=when, related=listed)
    world.regenerate()
    found = {name: explain(world.plan(), f"articles/{name}.md").feeds[0].archive for name in ("told", "kept", "same")}
    assert found == {"told": "", "kept": "2026-03", "same": "2026-03"}
    march = world.titles("all/archive/2026-03")
    assert march == ["About same", "About kept"]


def test_the_command_says_it_in_words(site: Site) -> None:
    """Behind the feed's name."""
    site.configure(feeds={"archives": True})
    site.run("--at", "2026-06-09T00:00Z")
    assert "  all        rank 1; in the archive of 2026-03" in site.run("articles/a.md", command="explain").out


def test_formats_without_archives_are_a_mistake(site: Site) -> None:
    """Where neither RSS nor Atom is written, the configuration is refused, at the place where it asks for archives."""
    site.configure(feeds={"archives": True}, output={"path": "public", "formats": ["json", "html"]})
    done = site.run()
    assert done.status == 2
    assert "only RSS and Atom have archives; add one of them to `output.formats`, or write `archives: no`" in done.err
    line = 1 + site.config.read_text().splitlines().index("  archives: true")
    assert f"aggregator.yaml:{line}:" in done.err
    site.configure(feeds={"archives": True}, output={"path": "public", "formats": ["json", "atom"]})
    assert site.run().status == 0
