"""Promise 7: no mass deletion by accident."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from aggregator import documents
from aggregator.pipeline import Report, Source
from tests.site import Site
from tests.world import World, told

GUARD = "nothing is withdrawn until the files return or --accept-deletions is given"


def populate(world: World, number: int, folder: str = "") -> None:
    """Write that many documents into a folder, and publish them."""
    for one in range(number):
        world.document(f"{folder}d{one}", topics=["AI", f"T{one % 3}"])
    world.regenerate()


def lose(world: World, number: int, folder: str = "") -> None:
    """Delete that many of them."""
    for one in range(number):
        (world.articles / f"{folder}d{one}.md").unlink()


def guarded(world: World, report: Report) -> list[str]:
    """What the guard says, without how to go on."""
    return [line.removesuffix(f": {GUARD}") for line in told(report) if GUARD in line]


@pytest.mark.parametrize(
    ("known", "lost", "held"),
    [
        (41, 21, True),
        (42, 22, True),
        (21, 21, True),
        (42, 21, False),
        (39, 20, False),
        (20, 20, False),
        (60, 29, False),
    ],
)
def test_more_than_half_and_more_than_twenty_gone_is_an_accident(
    world: World, known: int, lost: int, held: bool
) -> None:
    """Exactly half, or exactly twenty, is none."""
    populate(world, known)
    tree = world.tree()
    lose(world, lost)
    report = world.regenerate()
    assert report.healthy is not held
    assert report.documents.gone == lost
    if held:
        assert guarded(world, report) == [f"articles: error: {lost} of {known} documents are gone"]
        assert (report.articles, report.feeds.written, world.tree()) == (known, 0, tree)
    else:
        assert (report.articles, told(report)) == (known - lost, [])
        assert world.tree() != tree


def everything_goes(world: World) -> None:
    shutil.rmtree(world.articles)


def folder_is_moved_away(world: World) -> None:
    world.articles.rename(world.root / "away")


def folder_is_emptied(world: World) -> None:
    lose(world, 50)


accidents = pytest.mark.parametrize("happens", [everything_goes, folder_is_moved_away, folder_is_emptied])


@accidents
def test_nothing_is_withdrawn_until_the_files_return(world: World, happens: Callable[[World], None]) -> None:
    """Every run says so, and only once, and is unhealthy; then there is peace, and nothing was written meanwhile."""
    populate(world, 50)
    tree = world.tree()
    texts = {path: path.read_bytes() for path in world.articles.iterdir()}
    happens(world)
    for _ in range(2):
        report = world.regenerate()
        assert not report.healthy
        assert len(guarded(world, report)) == len(told(report)) == 1
        assert (report.documents.gone, report.documents.unchanged, report.articles) == (50, 0, 50)
        assert world.tree() == tree
    world.articles.mkdir(exist_ok=True)
    for path, text in texts.items():
        path.write_bytes(text)
    report = world.regenerate()
    assert (report.healthy, told(report), report.feeds.written) == (True, [], 0)
    assert world.tree() == tree


@accidents
def test_deletions_that_are_meant_are_accepted(world: World, happens: Callable[[World], None]) -> None:
    """With `--accept-deletions` the documents are forgotten, and later runs are well if there is a source."""
    populate(world, 50)
    happens(world)
    world.regenerate()
    report = world.regenerate(accept_deletions=True)
    assert (report.documents.gone, report.articles, guarded(world, report)) == (50, 0, [])
    assert world.titles() == world.titles("topics/ai") == []
    world.articles.mkdir(exist_ok=True)
    report = world.regenerate()
    assert (report.healthy, report.documents.gone) == (True, 0)
    assert world.tree() == world.rebuilt()


def test_a_missing_source_is_guarded_however_small(world: World) -> None:
    """One document or none: a folder that isn't there is no deletion."""
    populate(world, 1)
    tree = world.tree()
    world.articles.rename(world.root / "away")
    report = world.regenerate()
    assert (report.healthy, report.documents.gone) == (False, 1)
    assert guarded(world, report) == ["articles: error: this source is missing"]
    assert world.tree() == tree
    (world.root / "away").rename(world.articles)
    assert world.regenerate().healthy


def test_everything_else_goes_on(world: World, tmp_path: Path) -> None:
    """What the guard holds keeps its place; other sources are published, and so are changes in what is left."""
    populate(world, 45)
    other = tmp_path / "other"
    other.mkdir()
    options = documents.Options(base_url="https://www.example.org/")
    world.options["sources"] = tuple(
        Source(folder.name, folder, ("**/*.md",), (), options) for folder in (world.articles, other)
    )
    lose(world, 40)
    world.document("d44", title="Edited")
    new = world.document("new", title="New elsewhere")
    new.rename(other / "new.md")
    report = world.regenerate()
    assert (report.healthy, report.articles) == (False, 46)
    assert {"Edited", "New elsewhere", "About d3"} <= set(world.titles())


def test_renamed_documents_are_not_gone(world: World) -> None:
    """Each by itself, all with a folder, or into another one."""
    populate(world, 30, "a/")
    ids = world.ids()
    (world.articles / "a").rename(world.articles / "b")
    assert world.regenerate().healthy
    (world.articles / "c/d").mkdir(parents=True)
    for path in list((world.articles / "b").iterdir()):
        path.rename(world.articles / "c/d" / f"renamed-{path.name}")
    report = world.regenerate()
    assert (report.healthy, told(report), report.articles) == (True, [], 30)
    assert world.ids() == ids
    assert world.tree() == world.rebuilt()


def test_new_documents_do_not_hide_that_old_ones_are_gone(world: World) -> None:
    """Only a file that was moved makes up for one that is gone."""
    populate(world, 30)
    lose(world, 30)
    for number in range(30):
        world.document(f"new{number}")
    report = world.regenerate()
    assert guarded(world, report) == ["articles: error: 30 of 30 documents are gone"]
    assert report.articles == 60


def test_files_that_never_were_documents_do_not_count(world: World) -> None:
    """That READMEs go needs no acceptance."""
    for number in range(30):
        world.text(f"README{number}.md", "No front matter")
    populate(world, 10)
    for number in range(30):
        (world.articles / f"README{number}.md").unlink()
    report = world.regenerate()
    assert (report.healthy, report.documents.skipped) == (True, 0)


@accidents
def test_a_rebuild_keeps_what_the_guard_holds(world: World, happens: Callable[[World], None]) -> None:
    """It reads everything again, but what isn't there it carries over."""
    populate(world, 50)
    tree = world.tree()
    happens(world)
    for rebuild in (True, True, False):
        report = world.regenerate(rebuild=rebuild)
        assert (report.healthy, report.articles) == (False, 50)
        assert world.tree() == tree


@accidents
@pytest.mark.parametrize("rebuild", [False, True])
def test_without_an_index_nothing_is_published_in_place_of_what_is_missing(
    world: World, happens: Callable[[World], None], rebuild: bool
) -> None:
    """Index and source lost at once: no feed is touched and nothing withdrawn, whatever is left."""
    populate(world, 50)
    tree = world.tree()
    texts = {path: path.read_bytes() for path in world.articles.iterdir()}
    happens(world)
    for _ in range(2):
        (world.store / "index.sqlite").unlink(missing_ok=True)
        report = world.regenerate(rebuild=rebuild)
        assert (report.healthy, len(guarded(world, report))) == (False, 1)
        assert (report.feeds.written, report.feeds.removed, world.tree()) == (0, 0, tree)
    world.articles.mkdir(exist_ok=True)
    for path, text in texts.items():
        path.write_bytes(text)
    assert world.regenerate().healthy
    assert world.tree() == tree


@pytest.mark.parametrize("closed", ["articles/closed", "articles"])
def test_an_unreadable_folder_keeps_its_documents(public_site: Site, closed: str) -> None:
    """It is told, once, and the run exits with 1; when it can be read again, all is well."""
    site = public_site
    populate(site, 30, "closed/")
    site.regenerate()
    tree = site.tree()
    site.give_to_nobody()
    (site.root / closed).chmod(0)
    done = site.run_as_nobody("regenerate")
    assert done.status == 1
    assert done.err.splitlines() == [
        f"{closed}: error: this folder can't be read (Permission denied): its documents stay as they were"
    ]
    assert "31 unchanged: 31 articles" in done.out
    assert site.tree() == tree
    (site.root / closed).chmod(0o755)
    done = site.run_as_nobody("regenerate", "--check")
    assert (done.status, done.out) == (0, "")


def test_a_source_behind_a_closed_folder_is_missing(public_site: Site) -> None:
    """What can't even be looked for is guarded like what isn't there."""
    site = public_site
    site.configure(sources=[{"path": "outer/articles"}])
    (site.root / "outer").mkdir()
    site.articles.rename(site.root / "outer/articles")
    site.articles = site.root / "outer/articles"
    assert site.run().status == 0
    tree = site.tree()
    site.give_to_nobody()
    (site.root / "outer").chmod(0)
    done = site.run_as_nobody("regenerate")
    assert done.status == 1
    assert site.tree() == tree
