"""`aggregator feeds`: which feeds there are, and how subscribers of a renamed topic are sent on."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import feedparser
import pytest

from aggregator.store import INDEX_FILE, Index, Ledger
from tests.servers import Server, caddy, nginx
from tests.site import Site, environment
from tests.world import day, files

PROJECT = Path(__file__).parents[1]
HOST = "https://feeds.example.org/"
MOVED = {"topics/facebook-ai": "topics/meta-ai", "topics/機械学習": "topics/学習する機械"}
KNOWN = [{"name": "Meta AI", "aliases": ["Facebook AI", "FAIR"]}, {"name": "学習する機械", "aliases": ["機械学習"]}]

Serving = Callable[[Path, str], AbstractContextManager[Server]]


def renamed_site(root: Path, base: str = "") -> Site:
    """A site two of whose topics were renamed; `base` is its path below its host."""
    site = Site(root)
    site.output = root / "public" / base
    place = {"site": {"title": "Everything", "url": HOST + quote(base)}, "output": {"path": f"public/{base}"}}
    site.configure(**place)
    site.document("a", topics=["Facebook AI", "機械学習"])
    site.document("b", topics=["Facebook AI"], publishedDateTime=day(2))
    assert site.run().status == 0
    site.configure(**place, topics={"list": KNOWN})
    assert site.run().status == 0
    return site


@pytest.fixture(scope="module")
def renamed(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Such a site; not to be touched."""
    return renamed_site(tmp_path_factory.mktemp("renamed"))


def listed(site: Site) -> list[dict[str, Any]]:
    """What `--json` says."""
    done = site.run("--json", command="feeds")
    assert (done.status, done.err) == (0, "")
    found: list[dict[str, Any]] = json.loads(done.out)
    return found


# The listing


def test_every_feed_has_a_line(renamed: Site) -> None:
    """Address, entries, date of the newest, topic: everything first, then by name, an old address as what it is."""
    done = renamed.run(command="feeds")
    assert (done.status, done.err) == (0, "")
    lines = done.out.splitlines()
    assert [re.split("  +", line) for line in lines] == [
        [f"{HOST}all/", "2", "2026-03-03", "Everything"],
        [f"{HOST}topics/facebook-ai/", "2", "2026-03-03", "→ topics/meta-ai"],
        [f"{HOST}topics/meta-ai/", "2", "2026-03-03", "Meta AI"],
        [f"{HOST}topics/{quote('学習する機械')}/", "1", "2026-03-02", "学習する機械"],
        [f"{HOST}topics/{quote('機械学習')}/", "1", "2026-03-02", "→ topics/学習する機械"],
    ]
    assert len({line.index("2026-03") for line in lines}) == 1


def test_addresses_stay_whole_on_a_terminal(renamed: Site) -> None:
    """However narrow it is: they are there to be copied."""
    screen, inside = pty.openpty()
    terminal: dict[str, Any] = {"env": environment(TERM="xterm", COLUMNS="40"), "stdout": inside}
    done = renamed.run(command="feeds", stderr=subprocess.PIPE, capture_output=False, **terminal)
    os.close(inside)
    shown = os.read(screen, 1 << 16).decode()
    os.close(screen)
    assert (done.status, done.err) == (0, "")
    assert f"{HOST}topics/{quote('学習する機械')}/ " in shown


def test_json_is_as_described(renamed: Site) -> None:
    """docs/operations.md shows an object with the same keys; addresses are those of the files."""
    found = listed(renamed)
    assert found[1] == {
        "name": "topics/facebook-ai",
        "title": "Meta AI",
        "url": f"{HOST}topics/facebook-ai/",
        "addresses": {
            "rss": f"{HOST}topics/facebook-ai/rss.xml",
            "atom": f"{HOST}topics/facebook-ai/atom.xml",
            "json": f"{HOST}topics/facebook-ai/feed.json",
        },
        "entries": 2,
        "newest": "2026-03-03T00:00:00Z",
        "alias_of": "topics/meta-ai",
    }
    assert {one["name"]: one["alias_of"] for one in found if one["alias_of"]} == MOVED
    addresses = [address for one in found for address in one["addresses"].values()]
    polled = [path for path in renamed.tree() if path.endswith((".xml", ".json"))]
    assert sorted(addresses) == sorted(HOST + quote(path) for path in polled)
    page = (PROJECT / "docs" / "operations.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"(?ms)^```\n(\{.*?)^```$", page)
    assert [list(one) for one in found] == [list(json.loads(shown))] * len(found)


@pytest.mark.parametrize("related", ["attach", "expand", "collapse"])
def test_what_is_counted_is_what_readers_see(site: Site, related: str) -> None:
    """Whatever related entries mean, not more than a feed shows, and not what is yet to come."""
    site.configure(feeds={"related": related, "entries": 3})
    for number in range(1, 5):
        other = {"title": f"Other {number}", "webUrl": f"https://other.example/{number}"}
        site.document(f"d{number}", publishedDateTime=day(number), related=[other], topics=["AI", f"t{number}"])
    site.document("other", webUrl="https://other.example/4", publishedDateTime=day(3.5))
    site.document("future", publishedDateTime="2999-01-01")
    assert site.run().status == 0
    found = listed(site)
    assert [one["name"] for one in found] == ["all", "topics/ai", *(f"topics/t{number}" for number in range(1, 5))]
    for one in found:
        parsed = feedparser.parse((site.output / one["name"] / "atom.xml").read_bytes())
        assert one["entries"] == len(parsed.entries)
        newest = max(datetime.fromisoformat(entry.published) for entry in parsed.entries)
        assert datetime.fromisoformat(one["newest"]) == newest
    assert found[0]["entries"] == 3


def test_an_empty_feed_is_listed_while_it_is_out(published: Site) -> None:
    """It shows nothing, and so has no newest."""
    published.document("b", topics=["Web"])
    (published.articles / "a.md").unlink()
    assert published.run("--accept-deletions").status == 0
    found = {one["name"]: one for one in listed(published)}
    assert (found["topics/ai"]["entries"], found["topics/ai"]["newest"], found["topics/ai"]["title"]) == (0, None, "AI")
    assert [line.split()[1:] for line in published.run(command="feeds").out.splitlines() if "/ai/" in line] == [
        ["0", "-", "AI"]
    ]


def test_a_name_given_since_the_last_run_changes_nothing_yet(published: Site) -> None:
    """A feed is its own until there is another one to lead to; that the configuration has changed is told."""
    published.configure(topics={"list": [{"name": "Learning", "aliases": ["AI"]}]})
    done = published.run("--json", command="feeds")
    assert [(one["name"], one["alias_of"]) for one in json.loads(done.out)] == [("all", None), ("topics/ai", None)]
    assert done.err.count("\n") == 1
    assert "the configuration has changed, and `aggregator regenerate` applies it" in done.err
    assert published.run("--redirects", "nginx", command="feeds").out == ""


# The store


def test_a_listing_changes_nothing_and_waits_for_nobody(published: Site) -> None:
    """It tells what was committed last, while another process is in the middle of writing."""
    before, said = dict(files(published.root)), published.run(command="feeds")
    with closing(Ledger(published.store)) as ledger, closing(Index(published.store / INDEX_FILE)) as index:
        ledger.drop_feed("ai", 0)
        index.database.execute("DELETE FROM placement")
        assert published.run(command="feeds") == said
    assert said.out.count("\n") == 2
    assert dict(files(published.root)) == before


@pytest.mark.parametrize("arguments", [[], ["--json"], ["--redirects", "nginx"]])
def test_without_a_store_it_says_what_to_do(site: Site, arguments: list[str]) -> None:
    """And makes none."""
    done = site.run(*arguments, command="feeds")
    assert (done.status, done.out) == (3, "")
    assert "nothing was read yet; `aggregator regenerate` does it" in done.err
    assert not site.store.exists()


def test_an_index_that_is_of_no_use_is_told(published: Site) -> None:
    """Damaged, or made by another version: what to do is said, and nothing done."""
    place = published.store / INDEX_FILE
    with closing(Index(place)) as index:
        index.database.execute("COMMIT")
        index.database.execute("PRAGMA user_version = 99")
    done = published.run(command="feeds")
    assert (done.status, done.out) == (3, "")
    assert "the index is another version's; `aggregator regenerate` renews it" in done.err
    place.write_bytes(b"nonsense" * 1000)
    done = published.run(command="feeds")
    assert (done.status, done.out) == (3, "")
    assert "`aggregator regenerate` builds a damaged index again" in done.err
    assert place.read_bytes() == b"nonsense" * 1000


# Redirects


@pytest.mark.parametrize("base", ["", "our feeds/"])
@pytest.mark.parametrize("serving", [nginx, caddy])
def test_a_web_server_sends_subscribers_on(tmp_path: Path, serving: Serving, base: str) -> None:
    """A real one with these lines: every old address has moved for good (301), to the new feed, in any script."""
    site = renamed_site(tmp_path, base)
    done = site.run("--redirects", serving.__name__, command="feeds")
    assert (done.status, done.err) == (0, "")
    with serving(site.root / "public", done.out) as server:
        for old, new in MOVED.items():
            for file in ("rss.xml", "atom.xml"):
                moved = server.get(quote(f"/{base}{old}/{file}"))
                assert moved.status == 301
                found = server.get(urlsplit(moved.headers["location"]).path)
                assert (found.status, found.body) == (200, (site.output / new / file).read_bytes())
            folder = server.get(quote(f"/{base}{old}/"))
            assert (folder.status, urlsplit(folder.headers["location"]).path) == (301, quote(f"/{base}{new}/"))
        assert server.get(quote(f"/{base}all/rss.xml")).status == 200


@pytest.mark.parametrize(
    ("server", "line"),
    [
        ("nginx", "location = /topics/facebook-ai/rss.xml {{ return 301 /topics/meta-ai/rss.xml; }}"),
        ("nginx", "location = /topics/機械学習/ {{ return 301 /topics/{learning}/; }}"),
        ("caddy", "redir /topics/facebook-ai/rss.xml /topics/meta-ai/rss.xml permanent"),
        ("caddy", "redir /topics/機械学習/ /topics/{learning}/ permanent"),
    ],
)
def test_redirects_are_written_for_files(renamed: Site, server: str, line: str) -> None:
    """A line for each file and folder that had an address, in UTF-8, whatever the terminal's encoding."""
    settings: dict[str, Any] = {"env": environment(PYTHONIOENCODING="ascii")}
    lines = renamed.run("--redirects", server, command="feeds", **settings).out.splitlines()
    assert len(lines) == 2 * 5
    assert line.format(learning=quote("学習する機械")) in lines


def test_nothing_to_redirect_is_no_error(published: Site) -> None:
    """An alias that never had an address has none to redirect."""
    published.configure(topics={"list": [{"name": "AI", "aliases": ["Artificial Intelligence"]}]})
    assert published.run().status == 0
    done = published.run("--redirects", "caddy", command="feeds")
    assert (done.status, done.out) == (0, "")
    assert done.err == "nothing to redirect: no topic with an address has another name by now\n"


def test_one_thing_at_a_time(published: Site) -> None:
    """`--json` is about feeds; redirects have no JSON."""
    done = published.run("--json", "--redirects", "nginx", command="feeds")
    assert (done.status, done.out) == (2, "")
    assert "give one of them" in done.err
