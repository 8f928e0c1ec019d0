"""Bad input, item by item: what becomes of it in the feeds, and what is told."""

from __future__ import annotations

from time import process_time
from typing import Any

import pytest

from aggregator.text.plain import plain
from tests.world import World, day, told

NO_URL = "no usable URL, kept as text, expected `webUrl` or `originalUrl`"


def related(name: str, **fields: Any) -> dict[str, Any]:
    """A related entry; a field of None is left out."""
    found = {"title": f"Related {name}", "webUrl": f"https://news.example/{name}"} | fields
    return {field: value for field, value in found.items() if value is not None}


def content(world: World, title: str = "About a") -> str:
    """The HTML of the entry with this title; "" where it has none."""
    [entry] = [entry for entry in world.feed() if entry["title"] == title]
    return str(entry["content"][0]["value"]) if "content" in entry else ""


def coverage(world: World, title: str = "About a") -> list[str]:
    """The coverage in the entry with this title, as HTML."""
    _, _, listed = content(world, title).partition("<h2>Related coverage</h2><ul>")
    return listed.removesuffix("</li></ul>").removeprefix("<li>").split("</li><li>") if listed else []


def linked(name: str, title: str = "") -> str:
    """Coverage as the entry shows it."""
    return f'<a href="https://news.example/{name}">{title or f"Related {name}"}</a> — news.example'


# Related entries


def test_a_related_entry_without_url_is_a_text_and_never_an_article(world: World) -> None:
    """It is shown with who published it, in every entry that lists it, and doesn't become an entry or a link."""
    text = related("paper", webUrl=None, provider={"name": "The Paper"})
    world.document("a", related=[text, related("b"), related("bare", webUrl=None), {"excerpt": "Nothing else"}])
    world.document("c", related=[{**text, "topics": ["AI"]}])
    report = world.regenerate()
    assert sorted(coverage(world)) == [linked("b"), "Related bare", "Related paper — The Paper"]
    assert coverage(world, "About c") == ["Related paper — The Paper"]
    assert sorted(world.titles()) == sorted(world.titles("topics/ai")) == ["About a", "About c"]
    assert {link["href"] for entry in world.feed() for link in entry["links"]} == {
        "https://news.example/a",
        "https://news.example/b",
        "https://news.example/c",
    }
    assert told(report) == [
        f"articles/a.md:8:3: warning: {NO_URL}",
        f"articles/a.md:13:3: warning: {NO_URL}",
        "articles/a.md:14:3: warning: related entry left out: no title",
        f"articles/c.md:8:3: warning: {NO_URL}",
    ]
    assert world.tree() == world.rebuilt()


def test_an_article_is_no_coverage_of_itself(world: World) -> None:
    """However its URL is spelled; there is nothing to tell."""
    itself = ("https://news.example/a", "http://www.news.example/a/?utm_source=x#top", "https://amp.example/a")
    world.document("a", ampWebUrl=itself[2], related=[related(f"{n}", webUrl=url) for n, url in enumerate(itself)])
    report = world.regenerate()
    assert (world.titles(), coverage(world), told(report)) == (["About a"], [], [])


def test_of_ten_thousand_related_entries_the_first_are_read(world: World) -> None:
    """As many as allowed; one warning tells how many there are."""
    world.document("a", related=[related(f"r{number:05}") for number in range(10_000)])
    started = process_time()
    report = world.regenerate()
    assert process_time() - started < 20
    assert coverage(world) == [linked(f"r{number:05}") for number in range(200)]
    assert told(report) == [
        "articles/a.md:8:1: warning: `related`: 10000 entries, expected at most 200; the others are left out"
    ]


def test_a_cycle_of_related_entries_ends(world: World) -> None:
    """Each is coverage of the one that lists it, one hop; there is nothing to tell."""
    for one, other in (("a", "b"), ("b", "c"), ("c", "a")):
        world.document(one, related=[related(other), related(one)])
    report = world.regenerate()
    for one, other in (("a", "b"), ("b", "c"), ("c", "a")):
        assert coverage(world, f"About {one}") == [linked(other, f"About {other}")]
    assert told(report) == []


@pytest.mark.parametrize(
    ("date", "wrong"),
    [("1970-01-01T00:00:00Z", "the zero of many programs"), ("2999-12-31", "too far in the future")],
)
def test_a_related_date_that_nobody_meant_is_dropped(world: World, date: str, wrong: str) -> None:
    """The coverage is shown without it: it neither comes before all else nor waits for centuries."""
    other = related("b", publishedDateTime=day(1))
    world.document("a", related=[related("c", publishedDateTime=date), other])
    report = world.regenerate()
    assert coverage(world) == [linked("c"), linked("b")]
    assert told(report) == [
        f'articles/a.md:10:22: warning: `publishedDateTime`: "{date}" is {wrong}, expected the article\'s own date'
    ]


# Documents that contradict each other

TWINS = {"webUrl": "https://news.example/x"}


def test_removed_by_one_is_removed(world: World) -> None:
    """The least trusted lead withdraws an article that the others keep; one that only lists it doesn't."""
    world.document("a", **TWINS, quality=9, removed="no", published="yes")
    world.document("c", related=[related("x", removed="yes")])
    report = world.regenerate()
    assert (world.titles(), coverage(world, "About c"), told(report)) == (
        ["About c", "About a"],
        [linked("x", "About a")],
        [],
    )
    world.document("b", **TWINS, quality=1, removed="yes", published="yes")
    report = world.regenerate()
    assert (world.titles(), coverage(world, "About c"), told(report)) == (["About c"], [], [])


@pytest.mark.parametrize(("first", "second", "titles"), [("no", "yes", []), ("yes", "no", ["About a"])])
def test_the_most_trusted_says_whether_it_is_published(
    world: World, first: str, second: str, titles: list[str]
) -> None:
    """The other lead and the related entry are not asked."""
    world.document("a", **TWINS, quality=9, published=first)
    world.document("b", **TWINS, quality=1, published=second)
    world.document("c", published="no", related=[related("x", quality=10, published=second)])
    report = world.regenerate()
    assert (world.titles(), told(report)) == (titles, [])


def test_the_most_trusted_says_when_it_was(world: World) -> None:
    """Between documents of one quality, the older date is trusted more; a related entry's never against a lead's."""
    world.document("a", **TWINS, publishedDateTime=day(5))
    world.document("b", **TWINS, publishedDateTime=day(3))
    world.document("c", published="no", related=[related("x", publishedDateTime=day(1), quality=10)])
    report = world.regenerate()
    [entry] = world.feed()
    assert (entry["title"], entry["published"], told(report)) == ("About b", day(3).isoformat(), [])
    world.document("a", **TWINS, publishedDateTime=day(5), quality=1)
    report = world.regenerate()
    [entry] = world.feed()
    assert (entry["title"], entry["published"], told(report)) == ("About a", day(5).isoformat(), [])


# URLs


@pytest.mark.parametrize("name", ["webUrl", "originalUrl", "ampWebUrl"])
def test_a_list_of_urls_is_no_url(world: World, name: str) -> None:
    """A document whose list would glue the corpus together joins nothing by it, and is told."""
    names = [f"d{number:02}" for number in range(30)]
    for one in names:
        world.document(one)
    fields: dict[str, Any] = {name: [f"https://news.example/{one}" for one in names]}
    if name == "webUrl":
        fields["originalUrl"] = "https://news.example/glue"
    world.document("glue", **fields)
    report = world.regenerate()
    assert report.articles == 31
    assert sorted(world.titles()) == sorted(f"About {one}" for one in [*names, "glue"])
    line = 4 if name == "webUrl" else 8
    assert told(report) == [f"articles/glue.md:{line}:1: warning: `{name}`: a list, expected an http(s) URL"]


def test_a_document_with_nothing_but_a_list_of_urls_is_held_back(world: World) -> None:
    """What it is about can't be told."""
    world.document("a")
    world.document("glue", webUrl=["https://news.example/a", "https://news.example/b"])
    report = world.regenerate()
    assert (report.documents.failed, world.titles()) == (1, ["About a"])
    assert told(report) == [
        "articles/glue.md:3:1: error: no usable URL, expected `webUrl` or `originalUrl`",
        "articles/glue.md:4:1: warning: `webUrl`: a list, expected an http(s) URL",
    ]


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JavaScript:alert(1)//https://news.example/a",
        "data:text/html,x",
        "vbscript:x",
        "http://intranet/a",
        "https://news/",
        "//news/a",
    ],
)
def test_a_url_that_leads_nowhere_is_dropped_wherever_it_stands(world: World, url: str) -> None:
    """Neither a URL that would run, nor a host without a dot, gets into a feed; each is told with its place."""
    world.document(
        "a",
        f'<a href="{url}">x</a> <img src="{url}">',
        originalUrl=url,
        images=[url],
        actions=[{"url": url}],
        featuredContent=f'<iframe src="{url}"></iframe>',
        related=[{"title": "R", "webUrl": url}],
    )
    report = world.regenerate()
    assert coverage(world) == ["R"]
    assert all(url.encode() not in data for data in world.tree().values())
    embed = f'"<iframe src="{url}"></iframe>"'
    embed = embed if len(embed) <= 60 else f'{embed[:58]}…"'
    assert told(report) == [
        f'articles/a.md:7:14: warning: `originalUrl`: "{url}", expected an http(s) URL',
        f'articles/a.md:9:3: warning: "{url}", expected an http(s) URL',
        f'articles/a.md:11:8: warning: `url`: "{url}", expected an http(s) URL',
        f"articles/a.md:12:18: warning: `featuredContent`: {embed}, expected an embed code with an http(s) iframe",
        f"articles/a.md:15:3: warning: {NO_URL}",
        f'articles/a.md:15:11: warning: `webUrl`: "{url}", expected an http(s) URL',
    ]


def test_credentials_are_dropped_from_urls(world: World) -> None:
    """They are in no feed, no file of the store and no message; without them the URL is as good as any."""
    world.document(
        "a",
        "[x](https://ana:hush@news.example/body)",
        webUrl="https://ana:hush@news.example/a",
        images=["https://ana:hush@img.example/i.png"],
        ampWebUrl="https://ana:hush@intranet/",
        related=[related("b", webUrl="https://ana:hush@news.example/b")],
    )
    report = world.regenerate()
    [entry] = world.feed()
    assert entry["link"] == "https://news.example/a"
    assert coverage(world) == [linked("b")]
    assert 'href="https://news.example/body"' in content(world)
    assert told(report) == ['articles/a.md:9:12: warning: `ampWebUrl`: "https://intranet/", expected an http(s) URL']
    kept = b"".join(path.read_bytes() for folder in (world.output, world.store) for path in folder.rglob("*.*"))
    assert b"img.example" in kept
    assert b"hush" not in kept


# Texts


@pytest.mark.parametrize("word", ["word ", "機", "<b>", "&#8220;", "e\u0301"])
def test_a_title_of_a_million_characters_is_cut(world: World, word: str) -> None:
    """It costs well under a second, and is told with its length."""
    title = "Long " + word * (1_000_000 // len(word)) + "end"
    world.text("a.md", f"---\ntitle: '{title}'\nwebUrl: https://news.example/a\npublishedDateTime: 2026-03-02\n---\n")
    world.options["reading"] = {"limit": 5_000_000}
    started = process_time()
    report = world.regenerate()
    assert process_time() - started < 5
    [found] = world.titles()
    assert found.startswith("Long ")
    assert len(found) <= 300
    message = f"a title of {len(plain(title))} characters, expected at most 300; the rest is left out"
    assert told(report) == ([f"articles/a.md:2:8: warning: {message}"] if found.endswith("…") else [])
    assert found.endswith("…") or word == "<b>"


def test_bidi_control_characters_are_dropped(world: World) -> None:
    """A text can't turn what stands around it; there is nothing to tell."""
    turned = "Pay \u202egpj.exe\u202c \u2066now\u2069 \u200f!\u061c"
    world.document(
        "a", title=turned, excerpt=turned, topics=[turned], author=turned, related=[related("b", title=turned)]
    )
    report = world.regenerate()
    [entry] = world.feed()
    assert (entry["title"], entry["summary"]) == ("Pay gpj.exe now !", "Pay gpj.exe now !")
    assert coverage(world, "Pay gpj.exe now !") == [linked("b", "Pay gpj.exe now !")]
    assert not any(char in data.decode() for data in world.tree().values() for char in "\u202e\u202c\u2066\u2069\u200f")
    assert "topics/pay-gpj-exe-now/atom.xml" in world.tree()
    assert told(report) == []


@pytest.mark.parametrize(
    ("topics", "named", "problems"),
    [
        ("[2026, 3.10, 012]", ["2026", "3.10", "012"], []),
        ("42", ["42"], []),
        ("[AI, null, ~]", ["AI"], ["2:14: warning: nothing", "2:20: warning: nothing"]),
        ("[[AI, [Web]], AI]", ["AI"], ["2:10: warning: a list"]),
        ("[{name: AI}, AI]", ["AI"], ["2:10: warning: a map"]),
        ("{name: AI}", [], ["2:9: warning: `topics`: a map"]),
        (
            "['', ' ', '<b></b>', AI]",
            ["AI"],
            ["2:10: warning: nothing", '2:14: warning: ""', '2:19: warning: "<b></b>"'],
        ),
        ("[]", [], []),
        ("", [], []),
        ("null", [], []),
        ("''", [], []),
    ],
)
def test_topics_that_are_none(world: World, topics: str, named: list[str], problems: list[str]) -> None:
    """Numbers are names; null, nested and empty ones are dropped and told; an article may have none at all."""
    world.text(
        "a.md",
        f"---\ntopics: {topics}\ntitle: T\nwebUrl: https://news.example/a\npublishedDateTime: 2026-03-02\n---\n",
    )
    report = world.regenerate()
    [entry] = world.feed()
    assert [tag["label"] for tag in entry.get("tags", ())] == named
    assert told(report) == [f"articles/a.md:{problem}, expected the name of a topic" for problem in problems]


# All at once


BAD: dict[str, Any] = {
    "originalUrl": ["https://news.example/b", "https://news.example/c"],
    "ampWebUrl": "javascript:x",
    "excerpt": "\u202e\x0b" + "x" * 5000,
    "topics": [1, None, [], ""],
    "images": [{}, "data:x"],
    "related": [{}, None, "x", related("a"), related("b", publishedDateTime="2999"), related("c", webUrl=None)],
}


def test_bad_input_stops_nothing(world: World) -> None:
    """A document that is wrong in all ways is published with what is left of it; so are the others, as before."""
    world.document("b")
    world.document("c")
    world.regenerate()
    before = world.ids()
    world.document("a", **BAD)
    report = world.regenerate()
    assert report.healthy
    assert world.ids().items() > before.items()
    assert coverage(world) == [linked("b", "About b"), "Related c"]
    assert {problem.path for problem in report.problems} == {"articles/a.md"}
    assert world.tree() == world.rebuilt()
