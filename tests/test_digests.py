"""Digests: feeds whose entries list the best stories of a day or a week, once that is over."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from lxml import etree, html

from aggregator.errors import TimeRefused
from aggregator.feeds import Condition, Custom, Order, Range, Rhythm
from aggregator.pipeline import explain
from tests.site import Site
from tests.world import EVERY_FORMAT, World, day, written

DAILY = Custom("daily", "Daily", 3, order=Order.quality, rhythm=Rhythm.daily, stories=2)
WEEKLY = Custom("weekly", "Weekly", 3, rhythm=Rhythm.weekly, stories=9)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


@pytest.fixture
def press(world: World) -> World:
    """A world at noon of day 99, with a digest of the best two stories of each day and three stories of this one."""
    world.options |= EVERY_FORMAT | {"custom": (DAILY,)}
    world.now = day(99.5)
    world.document("good", publishedDateTime=day(99.1), quality=2, excerpt="A good one.")
    world.document("fair", publishedDateTime=day(99.3), quality=1)
    world.document("best", publishedDateTime=day(99.2), quality=3, related=[related("echo"), related("sound")])
    world.regenerate()
    return world


@pytest.fixture
def printed(press: World) -> World:
    """The same world six hours into the next day."""
    passes(press, day(100.25))
    return press


def related(name: str, **fields: Any) -> dict[str, Any]:
    return {"title": f"Related {name}", "webUrl": f"https://other.example/{name}"} | fields


def passes(world: World, until: datetime | None = None) -> None:
    """Time goes on, and a run looks what that changes."""
    world.now = until or world.now
    assert world.regenerate().feeds.failed == 0
    assert world.tree() == world.rebuilt()
    assert world.regenerate().changes == ()


def digests(world: World, name: str = "custom/daily") -> dict[str, list[str]]:
    """The digests that a feed has, by title, the newest first, each with the headlines of its stories."""
    found = {
        entry.title: [
            link.text for link in html.fragment_fromstring(text_of(entry), create_parent="div").iterfind("h3/a")
        ]
        for entry in entries(world, name)
    }
    assert len(found) == len(world.feed(name)), "two digests of one period"
    return found


def entries(world: World, name: str = "custom/daily", format: str = "atom") -> list[Any]:
    """The entries that a feed reader sees in a digest."""
    return list(world.feed(name, format))


def text_of(entry: Any) -> str:
    """What a feed reader shows of an entry, as HTML."""
    return str(entry.content[0].value if "content" in entry else entry.summary)


def headlines(world: World) -> list[str]:
    """Those of the stories of the digest of day 99."""
    return digests(world)["Daily: 2026-06-08"]


def updated(world: World, name: str = "custom/daily") -> tuple[str, str]:
    """When the feed says that it was updated, and its newest entry."""
    root = etree.fromstring((world.output / name / "atom.xml").read_bytes())
    feed, entry = (root.findtext(f"{{*}}{path}updated") for path in ("", "entry/{*}"))
    return str(feed), str(entry)


def why(world: World, name: str) -> tuple[int | None, str]:
    """What `explain` says of a document and the digest."""
    [found] = [one for one in explain(world.plan(), f"articles/{name}.md").feeds if one.feed == "custom/daily"]
    return found.rank, found.why


# When, and what


def test_an_entry_appears_when_its_period_is_over(press: World) -> None:
    """By itself, at midnight, and not a moment before."""
    assert digests(press) == {}
    passes(press, day(100) - SECOND)
    assert digests(press) == {}
    passes(press, day(100))
    assert digests(press) == {"Daily: 2026-06-08": ["About best", "About good"]}
    [entry] = entries(press)
    assert entry.published == entry.updated == "2026-06-09T00:00:00+00:00"


def test_stories_are_listed_with_their_coverage_in_every_format(printed: World) -> None:
    """Headlines that lead to the articles, what they are about, and who else writes of it."""
    folder = printed.output / "custom/daily"
    item = json.loads((folder / "feed.json").read_bytes())["items"][0]
    texts = [text_of(entry) for format in ("atom", "rss") for entry in entries(printed, format=format)]
    page = html.parse(folder / "index.html")
    texts += [item["content_html"], etree.tostring(page.find(".//article"), encoding="unicode")]
    for text in texts:
        found = html.fragment_fromstring(text, create_parent="div")
        links = [link.get("href") for link in found.iterfind(".//a") if "/custom/" not in link.get("href")]
        assert links == [
            "https://news.example/best",
            "https://other.example/echo",
            "https://other.example/sound",
            "https://news.example/good",
        ]
        assert "A good one." in found.text_content()


@pytest.mark.parametrize("custom", [DAILY, WEEKLY])
def test_the_link_of_an_entry_leads_to_it_on_the_page(printed: World, custom: Custom) -> None:
    """Each to its own."""
    printed.options["custom"] = (custom,)
    printed.document("after", publishedDateTime=day(107.5))
    passes(printed, day(115))
    found = entries(printed, f"custom/{custom.name}")
    page = html.parse(printed.output / f"custom/{custom.name}/index.html")
    assert len(found) == 2
    for entry in found:
        address, _, anchor = entry.link.partition("#")
        assert address == f"https://feeds.example.org/custom/{custom.name}/"
        [article] = page.xpath("//*[@id=$anchor]", anchor=anchor)
        assert article.findtext(".//h2/a") == entry.title
        assert [a.text for a in article.iterfind(".//h3/a")] == digests(printed, f"custom/{custom.name}")[entry.title]


def test_a_week_goes_from_monday_to_sunday(press: World) -> None:
    """Its digest has all of them, by date where so asked."""
    press.options["custom"] = (WEEKLY,)
    press.document("sunday", publishedDateTime=day(105.9))
    press.document("monday", publishedDateTime=day(106))
    passes(press, day(106) - SECOND)
    assert digests(press, "custom/weekly") == {}
    passes(press, day(106))
    assert digests(press, "custom/weekly") == {
        "Weekly: 2026-06-08 – 2026-06-14": ["About sunday", "About fair", "About best", "About good"]
    }


def test_days_begin_in_the_time_zone_of_the_site(press: World) -> None:
    """In Auckland, the ninth of June begins at noon of the eighth, in UTC."""
    press.options["timezone"] = "Pacific/Auckland"
    press.document("late", publishedDateTime=day(99.5) - SECOND, quality=9)
    press.document("next", publishedDateTime=day(99.5), quality=9)
    passes(press, day(99.5))
    assert digests(press) == {"Daily: 2026-06-08": ["About late", "About best"]}
    passes(press, day(100.5))
    assert digests(press)["Daily: 2026-06-09"] == ["About next"]


def test_a_new_digest_has_the_last_periods_that_have_stories(world: World) -> None:
    """As many as the feed shows; what is older is no news."""
    world.options["custom"] = (DAILY,)
    for number in (10, 20, 30, 40, 50):
        world.document(f"d{number}", publishedDateTime=day(number + 0.5))
    passes(world)
    assert list(digests(world)) == ["Daily: 2026-04-20", "Daily: 2026-04-10", "Daily: 2026-03-31"]


def test_nothing_late_joins_the_periods_before_the_digest_was_met(world: World) -> None:
    """Those without stories are over like the others, whether or not another run comes between."""
    world.options["custom"] = (DAILY,)
    world.document("a", publishedDateTime=day(90.5))
    passes(world, day(99.5))
    world.document("late", publishedDateTime=day(95.5))
    passes(world, day(100))
    assert digests(world) == {"Daily: 2026-05-30": ["About a"]}


def test_only_the_last_digests_are_shown(world: World) -> None:
    """The others are remembered: who asks for more is shown them as they were."""
    world.options["custom"] = (DAILY,)
    for number in range(5):
        world.document(f"d{number}", publishedDateTime=day(99.5 + number), quality=1)
        passes(world, day(100 + number))
    assert list(digests(world)) == [f"Daily: 2026-06-{number}" for number in (12, 11, 10)]
    ids = world.ids("custom/daily")
    world.document("rival", publishedDateTime=day(99.5), quality=9)
    world.options["custom"] = (Custom("daily", "Daily", 9, order=Order.quality, rhythm=Rhythm.daily, stories=2),)
    passes(world)
    assert list(digests(world).values()) == [[f"About d{number}"] for number in (4, 3, 2, 1, 0)]
    assert world.ids("custom/daily").items() > ids.items()


def test_a_period_without_stories_has_no_entry(printed: World) -> None:
    """Nobody is told that nothing happened."""
    printed.document("after", publishedDateTime=day(103.5))
    for number in range(101, 105):
        passes(printed, day(number))
    assert digests(printed) == {
        "Daily: 2026-06-12": ["About after"],
        "Daily: 2026-06-08": ["About best", "About good"],
    }


def test_a_daemon_that_was_off_makes_up_for_it(printed: World) -> None:
    """For each period that was over meanwhile."""
    for number in range(100, 107):
        printed.document(f"d{number}", publishedDateTime=day(number + 0.5))
    printed.options["custom"] = (Custom("daily", "Daily", 50, order=Order.quality, rhythm=Rhythm.daily, stories=2),)
    passes(printed, day(107.3))
    assert list(digests(printed).values()) == [
        *([f"About d{number}"] for number in range(106, 99, -1)),
        ["About best", "About good"],
    ]


@pytest.mark.parametrize("custom", [DAILY, WEEKLY])
@pytest.mark.parametrize("days", [(), (99.2, 100.9, 101), (106.5, 120, 120.1, 128.9, 129.5)])
@pytest.mark.parametrize("timezone", ["UTC", "Pacific/Auckland"])
def test_a_pause_makes_no_difference(tmp_path: Path, custom: Custom, days: tuple[float, ...], timezone: str) -> None:
    """One run after a month makes the digests that a run each day would have made, also in another time zone; what is
    found too late for the last of them is in none.
    """
    steady, paused = World(tmp_path / "steady"), World(tmp_path / "paused")
    for world, pauses in ((steady, 1), (paused, 30)):
        world.options["custom"] = (custom,)
        for instant in (98.5, *days):
            world.document(f"d{instant}", publishedDateTime=day(instant))
        world.now = day(99)
        world.regenerate()
        world.options["timezone"] = timezone
        while world.now < day(129):
            world.now += timedelta(days=pauses)
            world.regenerate()
        world.document("late", publishedDateTime=day(127.5))
        passes(world)
        passes(world, day(138))
    assert paused.feed(f"custom/{custom.name}") == steady.feed(f"custom/{custom.name}")
    assert digests(paused, f"custom/{custom.name}") == digests(steady, f"custom/{custom.name}")


@pytest.mark.timeout(60)
def test_thousands_of_years_without_a_story_are_no_work(printed: World) -> None:
    """A clock that was that wrong is accepted as any other, and the digests go on as if nothing had been."""
    printed.options["custom"] = (DAILY, WEEKLY)
    printed.document("today", publishedDateTime=day(100.2))
    passes(printed, day(100.3))
    before = digests(printed)
    printed.now = datetime(9899, 12, 31, tzinfo=UTC)
    printed.regenerate(at=True)
    assert list(digests(printed)) == ["Daily: 2026-06-09", "Daily: 2026-06-08"]
    assert list(digests(printed, "custom/weekly")) == ["Weekly: 2026-06-08 – 2026-06-14"]
    printed.now = day(100.4)
    printed.regenerate(accept_clock=True)
    assert digests(printed) == before
    printed.document("evening", publishedDateTime=day(100.8))
    printed.document("next", publishedDateTime=day(101.5))
    passes(printed, day(102))
    assert digests(printed) == {
        "Daily: 2026-06-10": ["About next"],
        "Daily: 2026-06-09": ["About evening", "About today"],
        **before,
    }
    assert digests(printed, "custom/weekly") == {}


# What stays


def quality_changes(world: World) -> None:
    world.document("good", publishedDateTime=day(99.1), quality=0, excerpt="A good one.")
    world.document("fair", publishedDateTime=day(99.3), quality=50)


def a_better_one_comes_late(world: World) -> None:
    world.document("late", publishedDateTime=day(99.4), quality=99)


def the_order_is_another(world: World) -> None:
    world.options["custom"] = (Custom("daily", "Daily", 3, rhythm=Rhythm.daily, stories=1),)


def the_conditions_are_others(world: World) -> None:
    world.options["custom"] = (
        Custom("daily", "Daily", 3, where=Condition(type=("video",)), rhythm=Rhythm.daily, stories=2),
    )


def an_article_is_dated_otherwise(world: World) -> None:
    world.document("good", publishedDateTime=day(40), quality=2, excerpt="A good one.")


def documents_move(world: World) -> None:
    (world.articles / "good.md").rename(world.articles / "moved.md")
    (world.articles / "best.md").rename(world.articles / "good.md")


def the_time_zone_is_another(world: World) -> None:
    world.options["timezone"] = "Pacific/Auckland"


CHANGES = [
    quality_changes,
    a_better_one_comes_late,
    the_order_is_another,
    the_conditions_are_others,
    an_article_is_dated_otherwise,
    documents_move,
    the_time_zone_is_another,
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_digest_is_for_ever(printed: World, change: Any) -> None:
    """Its stories, their order and its id stay, whatever happens to what it was chosen by."""
    [before] = entries(printed)
    change(printed)
    passes(printed, printed.now + HOUR)
    [entry] = entries(printed)
    assert headlines(printed) == ["About best", "About good"]
    assert (entry.id, entry.link, entry.published) == (before.id, before.link, before.published)
    assert entry.updated >= before.updated


def test_periods_go_on_without_overlap_in_another_time_zone(printed: World) -> None:
    """Each story is in one digest, and no two digests are of the same day."""
    printed.document("noon", publishedDateTime=day(100.2))
    passes(printed)
    for number, timezone in enumerate(("Pacific/Auckland", "America/Los_Angeles", "UTC")):
        printed.options["timezone"] = timezone
        printed.options["custom"] = (Custom("daily", "Daily", 50, rhythm=Rhythm.daily, stories=9),)
        printed.document(f"tick{number}", publishedDateTime=printed.now)
        passes(printed, printed.now + 30 * HOUR)
        printed.document(f"tock{number}", publishedDateTime=printed.now)
        passes(printed, printed.now + 30 * HOUR)
    found = [title for titles in digests(printed).values() for title in titles]
    assert len(found) == len(set(found))
    assert {"About noon", "About tick0", "About tock0", "About tick1", "About tock1", "About tick2"} <= {*found}
    links = [entry.link for entry in entries(printed)]
    assert len(links) == len(set(links))


def test_a_digest_may_become_a_weekly_one(printed: World) -> None:
    """The days that are over stay; no two entries have one address."""
    printed.document("more", publishedDateTime=day(102.5))
    printed.options["custom"] = (Custom("daily", "Daily", 9, rhythm=Rhythm.weekly, stories=9),)
    passes(printed, day(106))
    assert digests(printed) == {
        "Daily: 2026-06-08 – 2026-06-14": ["About more"],
        "Daily: 2026-06-08": ["About best", "About good"],
    }
    assert len({entry.link for entry in entries(printed)}) == 2


def test_no_run_goes_back_behind_a_digest_that_was_made(printed: World) -> None:
    """Its entry would be of the future."""
    printed.now = day(99.9)
    with pytest.raises(TimeRefused):
        printed.regenerate(at=True)


def test_a_digest_survives_the_loss_of_the_store(tmp_path: Path) -> None:
    """A backup of the ledger remembers what it lists, and its id."""
    site = Site(tmp_path / "site")
    site.options["custom"] = (DAILY,)
    site.now = day(99.5)
    for name, quality in (("a", 1), ("b", 2), ("c", 3)):
        site.document(name, publishedDateTime=day(99.1), quality=quality)
    site.regenerate()
    site.now = day(100)
    site.regenerate()
    site.document("d", publishedDateTime=day(99.1), quality=9)
    site.regenerate()
    tree = site.tree()
    assert site.run("backup.jsonl", command="ledger backup").status == 0
    shutil.rmtree(site.store)
    shutil.rmtree(site.output)
    assert site.run("backup.jsonl", command="ledger restore").status == 0
    site.regenerate()
    assert site.tree() == tree
    assert headlines(site) == ["About c", "About b"]


# What follows the articles


def test_texts_follow_an_article_that_is_edited(printed: World) -> None:
    """Also one that no longer meets the conditions; the entry says when it was updated."""
    printed.options["custom"] = (
        Custom("daily", "Daily", 3, where=Condition(quality=Range(1)), rhythm=Rhythm.daily, stories=2),
    )
    passes(printed)
    for number, quality in enumerate((5, 0)):
        edited = day(100.3 + number / 10)
        printed.document(
            "good", publishedDateTime=day(99.1), updatedDateTime=edited, quality=quality, title=f"Good {number}"
        )
        passes(printed, edited)
        assert headlines(printed) == ["About best", f"Good {number}"]
        assert updated(printed) == (edited.isoformat(), edited.isoformat())
    printed.document("good", publishedDateTime=day(99.1), updatedDateTime=edited, quality=0, title="Good again")
    passes(printed)
    assert headlines(printed) == ["About best", "Good again"]


def test_coverage_follows_its_documents(printed: World) -> None:
    """What others write of a story later, and what they call it."""
    printed.document("best", publishedDateTime=day(99.2), quality=0, related=[related("echo"), related("late")])
    printed.document("echo", webUrl="https://other.example/echo", title="Echo itself", publishedDateTime=day(99))
    passes(printed)
    text = text_of(entries(printed)[0])
    assert "Echo itself" in text
    assert "Related late" in text
    assert "Related sound" not in text
    (printed.articles / "echo.md").unlink()
    passes(printed, printed.now + HOUR)
    assert "Related echo" in text_of(entries(printed)[0])


@pytest.mark.parametrize("fields", [None, {"published": "no"}, {"removed": "yes"}])
def test_a_withdrawn_article_leaves_and_comes_back(printed: World, fields: dict[str, str] | None) -> None:
    """Nobody moves up; the entry is the same, and later than before."""
    [before] = entries(printed)
    path = printed.articles / "best.md"
    text = path.read_text()
    if fields is None:
        path.unlink()
    else:
        path.write_text(text.replace("---\n", written(fields).removesuffix("---\n"), 1))
    passes(printed, printed.now + HOUR)
    assert headlines(printed) == ["About good"]
    gone = updated(printed)
    path.write_text(text)
    passes(printed, printed.now + HOUR)
    assert headlines(printed) == ["About best", "About good"]
    back = updated(printed)
    assert entries(printed)[0].id == before.id
    assert (gone, back) == (("2026-06-09T07:00:00+00:00",) * 2, ("2026-06-09T08:00:00+00:00",) * 2)


def test_a_feed_never_says_an_earlier_instant_than_before(printed: World) -> None:
    """Also when all stories of its newest digest are withdrawn, and then those of the other."""
    printed.document("more", publishedDateTime=day(100.5))
    passes(printed, day(101.25))
    said = [updated(printed)[0]]
    for name in ("more", "best", "good"):
        (printed.articles / f"{name}.md").unlink()
        passes(printed, printed.now + HOUR)
        said.append(updated(printed)[0])
    assert digests(printed) == {}
    assert said == sorted(said)


def test_an_empty_digest_tells_of_no_withdrawn_articles(printed: World) -> None:
    """They were no entries of it."""
    for name in ("best", "good", "fair"):
        (printed.articles / f"{name}.md").unlink()
    passes(printed, printed.now + HOUR)
    passes(printed, printed.now + HOUR)
    assert b"deleted-entry" in (printed.output / "all/atom.xml").read_bytes()
    assert b"deleted-entry" not in (printed.output / "custom/daily/atom.xml").read_bytes()


def test_an_article_that_is_to_come_later_after_all_comes_back_by_itself(printed: World) -> None:
    """When its instant has come, and not with the next digest; nothing says an earlier instant than before."""
    printed.document("good", publishedDateTime=day(99.1), updatedDateTime=day(100.3), quality=2)
    passes(printed, day(100.3))
    said = [updated(printed)[1]]
    printed.document("good", publishedDateTime=day(100.6), updatedDateTime=day(100.3), quality=2)
    passes(printed, day(100.4))
    assert headlines(printed) == ["About best"]
    said.append(updated(printed)[1])
    passes(printed, day(100.6))
    assert headlines(printed) == ["About best", "About good"]
    said.append(updated(printed)[1])
    assert said == sorted(said)


def test_an_article_that_joins_an_older_one_leaves_and_the_entry_is_no_older(world: World) -> None:
    """The older article's id stays, and the digest lists the other's."""
    world.options |= EVERY_FORMAT | {"custom": (DAILY,)}
    world.now = day(99)
    world.document("old", publishedDateTime=day(50), quality=1)
    world.regenerate()
    good: dict[str, Any] = {"publishedDateTime": day(99.1), "updatedDateTime": day(100.3), "quality": 2}
    world.document("good", **good)
    world.document("best", publishedDateTime=day(99.2), quality=3)
    passes(world, day(100.3))
    before = updated(world)
    assert headlines(world) == ["About best", "About good"]
    world.document("good", **good, webUrl="https://news.example/old")
    passes(world, day(100.4))
    assert headlines(world) == ["About best"]
    assert updated(world) >= before


# What is told, and to whom


def test_explain_tells_which_digest_an_article_is_in(press: World) -> None:
    """Or that it is in line for one, or why it isn't in any."""
    assert why(press, "best") == (None, "in line for the next digest")
    passes(press, day(100))
    assert why(press, "best") == (1, "in the digest of 2026-06-08")
    assert why(press, "good") == (2, "in the digest of 2026-06-08")
    assert why(press, "fair") == (
        None,
        "in no digest: when that of its time was made it wasn't there, or others were better",
    )


def test_explain_tells_of_the_digest_that_keeps_what_no_longer_meets_its_conditions(printed: World) -> None:
    """It is there for ever; what isn't there is told why it can't be."""
    printed.options["custom"] = (
        Custom("daily", "Daily", 3, where=Condition(quality=Range(3)), rhythm=Rhythm.daily, stories=2),
    )
    passes(printed)
    assert headlines(printed) == ["About best", "About good"]
    assert why(printed, "fair") == (None, "quality isn't at least 3")
    assert why(printed, "good") == (2, "in the digest of 2026-06-08")


def test_explain_does_not_claim_a_place_that_is_not_shown(printed: World) -> None:
    """A digest that newer ones pushed out is none that anybody reads."""
    printed.options["custom"] = (Custom("daily", "Daily", 1, order=Order.quality, rhythm=Rhythm.daily, stories=2),)
    printed.document("next", publishedDateTime=day(100.5))
    passes(printed, day(101))
    assert digests(printed) == {"Daily: 2026-06-09": ["About next"]}
    rank, reason = why(printed, "good")
    assert (rank, "2026-06-08" in reason) == (None, True)


def test_a_private_digest_is_found_by_those_who_know_its_address(press: World) -> None:
    """Its entries lead there too, and nothing else does."""
    token = "a" * 20
    press.options["custom"] = (
        Custom("daily", "Secret", 3, order=Order.quality, rhythm=Rhythm.daily, stories=2, token=token),
    )
    passes(press, day(100))
    [entry] = entries(press, f"custom/daily/{token}")
    assert entry.link == f"https://feeds.example.org/custom/daily/{token}/#{entry.id.rpartition(':')[2]}"
    assert not (press.output / "custom/daily/atom.xml").exists()
    private = f"custom/daily/{token}/"
    told = [path for path, data in press.tree().items() if token.encode() in data and not path.startswith(private)]
    assert told == []
    press.options["custom"] = (DAILY,)
    passes(press)
    assert entries(press)[0].id == entry.id
    assert not (press.output / private).exists()


def test_a_digest_has_no_more_of_a_provider_than_it_may(press: World) -> None:
    """Chosen in the digest's order."""
    press.options["custom"] = (
        Custom("daily", "Daily", 3, per_provider=1, order=Order.quality, rhythm=Rhythm.daily, stories=2),
    )
    press.document("other", webUrl="https://other.example/x", publishedDateTime=day(99.1), quality=0)
    passes(press, day(100))
    assert headlines(press) == ["About best", "About other"]


def test_digest_files_do_not_change_while_nothing_does(printed: World) -> None:
    """Not with the clock, not with what comes for the next one."""
    before = (printed.output / "custom/daily/atom.xml").read_bytes()
    printed.document("tomorrow", publishedDateTime=day(100.3), quality=9)
    passes(printed, day(100.9))
    assert (printed.output / "custom/daily/atom.xml").read_bytes() == before
