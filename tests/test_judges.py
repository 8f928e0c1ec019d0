"""All that is published goes before all judges: for the examples, and for real documents where they are at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.judges import JUDGES
from tests.site import Site

PROJECT = Path(__file__).parents[1]
CORPUS = PROJECT.parent / "shared" / "corpus"
SOURCES = {"examples": PROJECT / "examples" / "articles", "corpus": CORPUS}

each_judge = pytest.mark.parametrize("judge", JUDGES, ids=lambda judge: judge.__name__)


@pytest.fixture(scope="module", params=SOURCES)
def published(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Site:
    source = SOURCES[request.param]
    if not source.exists():
        pytest.skip(f"there are no documents in {source.name}/ beside the project")
    site = Site(tmp_path_factory.mktemp(request.param))
    site.configure(
        sources=[{"path": str(source), "base_url": "https://www.example.org/"}],
        output={"path": "public", "compress": "yes"},
        topics={"path": str(PROJECT / "examples" / "topics")},
        site={
            "title": "The <best> & newest",
            "url": "https://feeds.example.org/",
            "description": "All there is",
            "timezone": "Pacific/Auckland",
        },
        feeds={
            "entries": 1000,
            "archives": "yes",
            "types": "yes",
            "custom": [
                {"name": "best", "title": "The <best>", "order": "quality", "per_provider": 3},
                {"name": "week", "title": "The week & more", "digest": "weekly", "entries": 1000},
            ],
        },
        websub={"hubs": ["https://hub.example.org/?a=1&b=2"]},
    )
    assert site.result()["feeds"]["failed"] == 0
    return site


@each_judge
def test_what_is_published_is_valid_and_agrees(published: Site, judge: Callable[[Path], Iterator[str]]) -> None:
    """No complaint, of any file."""
    assert list(judge(published.output)) == []


def replaced(file: str, old: bytes, new: bytes) -> Callable[[Path], None]:
    """Something done to a file of an output folder."""

    def tamper(output: Path) -> None:
        data = (output / file).read_bytes()
        assert old in data
        (output / file).write_bytes(data.replace(old, new, 1))

    return tamper


@pytest.mark.parametrize(
    ("judge", "tamper"),
    [
        ("atom_obeys_its_grammar", replaced("all/atom.xml", b"<updated>", b"<updated>x")),
        ("json_obeys_its_schema", replaced("all/feed.json", b'"items":', b'"itmes":')),
        ("json_obeys_its_schema", replaced("all/feed.json", b'"image":"', b'"image":7,"x":"')),
        ("readers_find_nothing_odd", replaced("all/rss.xml", b"</title>", b"</titel>")),
        ("the_list_of_feeds_is_read", replaced("feeds.opml", b"/all/atom.xml", b"/every/atom.xml")),
        ("the_list_of_feeds_is_read", replaced("feeds.opml", b"xmlUrl", b"xmlURI")),
        ("pages_are_html", replaced("all/index.html", b"</h1>", b"</h2>")),
        ("pages_pass_the_checker", replaced("all/index.html", b"<main", b"<main align=center")),
        ("twins_hold_the_same", replaced("all/rss.xml", b"<item>", b"<item >")),
        (
            "formats_agree",
            replaced("all/rss.xml", b">tag:", b">gat:"),
        ),
        ("formats_agree", replaced("all/feed.json", b'"coverage":[{', b'"coverage":[{"title":"x"},{')),
        ("formats_agree", replaced("all/atom.xml", b"<media:content url=", b"<media:content uri=")),
        ("formats_agree", replaced("all/index.html", b"<article", b"<section")),
    ],
)
def test_no_judge_is_asleep(site: Site, judge: str, tamper: Callable[[Path], None]) -> None:
    """Each complains where something is wrong."""
    site.configure(output={"path": "public", "compress": "yes"})
    site.document(
        "a", images=[{"url": "https://img.example/a.png"}], related=[{"title": "B", "webUrl": "https://b.example/b"}]
    )
    site.document("b", webUrl="https://news.example/b", publishedDateTime="2026-02-02")
    assert site.run().status == 0
    (found,) = [one for one in JUDGES if one.__name__ == judge]
    assert list(found(site.output)) == []
    tamper(site.output)
    assert list(found(site.output))
