"""Real documents: several hundred of a sister site, with all that editors and robots do to them."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aggregator import documents
from aggregator.model import Severity
from aggregator.text.plain import fold
from aggregator.text.urls import canonical
from tests.readers import assert_grammar, faults
from tests.site import Site
from tests.world import told

CORPORA = Path(__file__).parents[2] / "shared" / "corpus"
CORPUS = CORPORA / "powerapps"
FIRST_YEAR = CORPORA / "ai-2020"
SITE = documents.Options(base_url="https://site.example/")
TOLD = re.compile(r".+:\d+:\d+: (error|warning): .+", re.DOTALL)

pytestmark = pytest.mark.skipif(not CORPUS.exists(), reason="the corpus is not beside the checkout")


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The published corpus; not to be changed."""
    site = Site(tmp_path_factory.mktemp("corpus"))
    shutil.copytree(CORPUS, site.articles, dirs_exist_ok=True)
    assert site.regenerate().healthy
    return site


@pytest.fixture
def copy(real: Site, tmp_path: Path) -> Site:
    """A copy of it, to be changed; the copying is over, as far as the index knows."""
    site = Site(tmp_path / "copy")
    shutil.copytree(real.root, site.root, dirs_exist_ok=True)
    site.regenerate()
    return site


def a_document(site: Site) -> Path:
    """A document whose entry is in the feed of everything."""
    title = site.titles()[0]
    return next(path for path in sorted(site.articles.rglob("*.md")) if title in path.read_text("utf-8"))


def test_every_document_is_read_or_says_why_not(real: Site) -> None:
    """All are accounted for; each that failed has an error with its place, and no one else has."""
    report = real.regenerate()
    counts = report.documents
    assert report.healthy
    documents = [path for path in real.articles.rglob("*") if path.suffix in (".md", ".html")]
    assert counts.read + counts.unchanged + counts.failed + counts.skipped == len(documents)
    assert counts.unchanged > 400
    assert all(TOLD.fullmatch(line) for line in told(report))
    failed = {problem.path for problem in report.problems if problem.severity is Severity.error}
    assert len(failed) == counts.failed > 0
    assert all((real.root / path).exists() for path in failed)
    reasons = {problem.message.partition(",")[0] for problem in report.problems}
    assert reasons == {"no usable URL", "no date"}


@pytest.mark.skipif(not FIRST_YEAR.exists(), reason="the first year is not beside the checkout")
def test_the_first_year_is_read() -> None:
    """All of it, and nothing in it is wrong, although its fields have the names that they had then."""
    paths = sorted(FIRST_YEAR.rglob("*.md"))
    readings = [documents.read(str(path), path.name, 0, SITE) for path in paths]
    assert len(readings) == 826
    assert {reading.outcome for reading in readings} == {documents.Outcome.read}
    assert [str(problem) for reading in readings for problem in reading.problems] == []
    assert all(mention.link for reading in readings for mention in reading.mentions)


def addresses() -> dict[str, set[str]]:
    """Every address in the documents of all corpora, and the headlines that it has there, folded."""
    found: dict[str, set[str]] = {}
    for path in sorted(CORPORA.rglob("*.md")):
        reading = documents.read(str(path), path.name, 0, SITE)
        for mention in reading.mentions:
            for url in filter(None, {mention.link, *(url for _, url in mention.urls)}):
                found.setdefault(url, set()).add(fold(mention.title))
    return found


def test_tracking_makes_no_two_pages_one() -> None:
    """Addresses that differ in nothing but what the tables call tracking are one page: they have a headline in common,
    or their path spells one, and is in use without a query.
    """
    titles = addresses()
    assert len(titles) > 2000
    joined: dict[str, list[str]] = {}
    for url in sorted(titles):
        joined.setdefault(canonical(url), []).append(url)
    counted = [urls for urls in joined.values() if len(urls) > 1 and any("?" in url for url in urls)]
    assert len(counted) > 3
    for urls in counted:
        bare = [url for url in urls if "?" not in url and url.count("-") > 3]
        assert set.intersection(*(titles[url] for url in urls)) or bare, urls


def test_a_second_run_writes_nothing(real: Site) -> None:
    """Nor does one in a copy, where every file is another one with the same content."""
    report = real.regenerate()
    assert (report.documents.read, report.feeds.written, report.feeds.removed) == (0, 0, 0)


def test_a_rebuild_makes_the_same(real: Site) -> None:
    """Promise 1."""
    assert real.rebuilt() == real.tree()


def test_feed_readers_find_nothing_odd(real: Site) -> None:
    """Every file is XML without a fault, in both formats the same."""
    assert len(real.tree()) >= 16
    assert list(faults(real.output)) == []


def test_atom_files_obey_their_grammar(real: Site) -> None:
    """RFC 4287, appendix B."""
    assert_grammar(real.output)


def secrets() -> Iterator[bytes]:
    """The beginnings of all `secured` values of the corpus."""
    for path in CORPUS.rglob("*"):
        if path.suffix in (".md", ".html"):
            yield from (found[:40] for found in re.findall(rb"secured: *[\"']?([\w+/=]{20,})", path.read_bytes()))


def test_no_secret_leaves_the_documents(real: Site) -> None:
    """Not one of several hundred, into no feed, no file of the store and no message."""
    found = set(secrets())
    assert len(found) > 400
    report = real.regenerate()
    data = b"\n".join(path.read_bytes() for folder in (real.output, real.store) for path in folder.rglob("*.*"))
    assert len(data) > 1_000_000
    said = "\n".join(told(report)).encode()
    assert [secret for secret in found if secret in data or secret in said] == []


def one_is_touched(site: Site) -> tuple[int, int, bool]:
    os.utime(a_document(site), (1, 1))
    return 0, 0, False


def one_is_edited(site: Site) -> tuple[int, int, bool]:
    path = a_document(site)
    path.write_text(path.read_text("utf-8").replace("title: ", "title: Edited ", 1).replace('Edited "', '"Edited '))
    return 1, 0, True


def one_is_deleted(site: Site) -> tuple[int, int, bool]:
    a_document(site).unlink()
    return 0, 1, True


def one_is_broken(site: Site) -> tuple[int, int, bool]:
    path = a_document(site)
    path.write_text(path.read_text("utf-8").replace("title: ", "title: [", 1))
    return 0, 0, False


def one_is_renamed(site: Site) -> tuple[int, int, bool]:
    path = a_document(site)
    path.rename(path.with_name("2020-01-01-renamed.md"))
    return 1, 1, False


@pytest.mark.parametrize("happens", [one_is_touched, one_is_edited, one_is_deleted, one_is_broken, one_is_renamed])
def test_one_change_changes_what_shows_it(copy: Site, happens: Callable[[Site], tuple[int, int, bool]]) -> None:
    """What is read and written follows the change; the tree is what a rebuild makes, and then there is peace."""
    before, failed = copy.tree(), copy.regenerate().documents.failed
    read, gone, shows = happens(copy)
    report = copy.regenerate()
    assert report.healthy
    assert (report.documents.read, report.documents.gone) == (read, gone)
    assert report.documents.failed == failed + (happens is one_is_broken)
    changed = {path for path, data in copy.tree().items() if before.get(path) != data}
    assert changed == {path for _, path in report.changes}
    assert bool(changed) is shows
    assert len(changed) < len(before) or not shows
    assert copy.rebuilt() == copy.tree()
    assert copy.regenerate().changes == ()
