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


def copy(world: World, old: str, new: str) -> None:
    shutil.copytree(world.articles / old, world.articles / new, copy_function=shutil.copyfile)


def remove(world: World, folder: str) -> None:
    shutil.rmtree(world.articles / folder)


@pytest.mark.parametrize("new", [2, 100])
def test_the_guard_does_not_let_go_because_others_come(world: World, new: int) -> None:
    """However many are written meanwhile, before the accident's next run or after it."""
    populate(world, 80)
    lose(world, 41)
    assert guarded(world, world.regenerate()) == ["articles: error: 41 of 80 documents are gone"]
    for number in range(new):
        world.document(f"new{number}")
    for _ in range(2):
        report = world.regenerate()
        assert guarded(world, report) == ["articles: error: 41 of 80 documents are gone"]
        assert (report.healthy, report.articles) == (False, 80 + new)
    assert world.tree() == world.rebuilt()


def test_another_folder_in_the_sources_place_withdraws_nothing(world: World) -> None:
    """With more documents than there were: all that were there are held, until they are back beside the others."""
    populate(world, 30)
    ids = world.ids()
    world.articles.rename(world.root / "away")
    for number in range(31):
        world.document(f"other{number}", topics=["Other"])
    for _ in range(3):
        assert not world.regenerate().healthy
        assert ids.items() <= world.ids().items()
    (world.root / "away").rename(world.articles / "old")
    assert world.regenerate().healthy
    assert world.ids().items() >= ids.items()


def test_what_goes_while_the_guard_holds_is_held_too(world: World) -> None:
    """A single one is, until all are there again; then it may go as usual."""
    populate(world, 50)
    texts = {path: path.read_bytes() for path in world.articles.iterdir()}
    lose(world, 30)
    world.regenerate()
    (world.articles / "d49.md").unlink()
    for _ in range(2):
        report = world.regenerate()
        assert guarded(world, report) == ["articles: error: 31 of 50 documents are gone"]
        assert report.articles == 50
    for path, text in texts.items():
        path.write_bytes(text)
    assert world.regenerate().healthy
    (world.articles / "d49.md").unlink()
    report = world.regenerate()
    assert (report.healthy, report.articles) == (True, 49)


def test_those_that_do_not_return_stay_held(world: World) -> None:
    """Also of a source that was missing as a whole, also a single one, and also after an index was lost."""
    populate(world, 10)
    tree = world.tree()
    world.articles.rename(world.root / "away")
    assert not world.regenerate().healthy
    last = (world.root / "away/d9.md").rename(world.root / "d9.md")
    (world.root / "away").rename(world.articles)
    for lost in (False, True, True):
        if lost:
            for path in world.store.glob("index.sqlite*"):
                path.unlink()
        report = world.regenerate()
        assert guarded(world, report) == ["articles: error: 1 of 10 documents are gone"]
        assert world.tree() == tree
    last.rename(world.articles / "d9.md")
    assert world.regenerate().healthy
    assert world.tree() == tree == world.rebuilt()


@pytest.mark.parametrize("run_between", [False, True])
@pytest.mark.parametrize("retouched", [False, True])
def test_documents_that_stand_elsewhere_are_not_gone(world: World, run_between: bool, retouched: bool) -> None:
    """A folder is copied and the old one removed: all ids stay, whether the copies were known, and the same, or not."""
    populate(world, 40, "old/")
    ids = world.ids()
    copy(world, "old", "new")
    if retouched:
        for path in (world.articles / "new").iterdir():
            path.write_text(path.read_text() + "Another end.\n")
    if run_between:
        assert world.regenerate().healthy
    remove(world, "old")
    report = world.regenerate()
    assert (report.healthy, told(report), report.articles) == (True, [], 40)
    assert world.ids() == ids
    assert world.tree() == world.rebuilt()


def test_a_folder_that_is_gone_first_and_there_later_is_not_gone(world: World) -> None:
    """As a slow renaming shows itself: the guard holds only until the documents stand elsewhere, all of them."""
    populate(world, 40, "old/")
    ids = world.ids()
    tree = world.tree()
    (world.articles / "old").rename(world.root / "away")
    assert not world.regenerate().healthy
    last = (world.root / "away/d0.md").rename(world.root / "d0.md")
    copy(world, "../away", "new")
    report = world.regenerate()
    assert guarded(world, report) == ["articles: error: 1 of 40 documents are gone"]
    last.rename(world.articles / "new/d0.md")
    assert world.regenerate().healthy
    assert world.ids() == ids
    assert world.tree() == tree == world.rebuilt()


@pytest.mark.parametrize("left", [1, 39])
@pytest.mark.parametrize("happens", ["run", "rebuild", "index lost"])
def test_one_document_makes_up_for_one_at_most(world: World, left: int, happens: str) -> None:
    """That another of the same title and date is left doesn't make up for those that go."""
    lost = 40 if left == 1 else 41
    for number in range(lost + left):
        world.document(f"d{number}", title="Untitled")
    world.regenerate()
    tree = world.tree()
    lose(world, lost)
    for _ in range(3):
        if happens == "index lost":
            for path in world.store.glob("index.sqlite*"):
                path.unlink()
        report = world.regenerate(rebuild=happens == "rebuild")
        assert guarded(world, report) == [f"articles: error: {lost} of {lost + left} documents are gone"]
        assert world.tree() == tree
    for number in range(3):
        world.document(f"new{number}", title="Untitled")
    world.regenerate(rebuild=happens == "rebuild")
    for _ in range(2):
        report = world.regenerate(rebuild=happens == "rebuild")
        assert str(report.problems).count(f"{lost - 3} of ") == 1


def test_a_renamed_folder_is_not_gone_where_the_index_is_lost(world: World) -> None:
    """The ledger knows titles and dates."""
    populate(world, 40, "old/")
    tree = world.tree()
    for path in world.store.glob("index.sqlite*"):
        path.unlink()
    (world.articles / "old").rename(world.articles / "new")
    assert world.regenerate().healthy
    assert world.tree() == tree


def test_former_paths_are_not_missing_where_the_index_is_lost(world: World) -> None:
    """An article counts once, whatever its documents were called before; and it is back under any of these names."""
    populate(world, 30, "a/")
    for old, new in (("a", "b"), ("b", "c")):
        (world.articles / old).rename(world.articles / new)
        assert world.regenerate().healthy
    tree = world.tree()
    for away in (False, True, True, False):
        for path in world.store.glob("index.sqlite*"):
            path.unlink()
        if away:
            shutil.copytree(world.articles / "c", world.root / "away", dirs_exist_ok=True)
            shutil.rmtree(world.articles / "c")
            world.articles.joinpath("c").mkdir()
        elif (world.root / "away").exists():
            (world.root / "away").rename(world.articles / "b")
        expected = ["articles: error: 30 of 30 documents are gone"] if away else []
        assert guarded(world, world.regenerate()) == expected
        assert world.tree() == tree


def test_documents_that_moved_to_another_source_are_not_gone(world: World, tmp_path: Path) -> None:
    """Whichever source they stand in, those that were in both count once."""
    other = tmp_path / "other"
    other.mkdir()
    options = documents.Options(base_url="https://www.example.org/")
    world.options["sources"] = tuple(
        Source(folder.name, folder, ("**/*.md",), (), options) for folder in (world.articles, other)
    )
    populate(world, 40)
    ids = world.ids()
    for path in list(world.articles.iterdir()):
        path.rename(other / path.name)
    report = world.regenerate()
    assert (report.healthy, report.articles) == (True, 40)
    assert world.ids() == ids


def test_what_a_source_takes_along_that_is_no_more_makes_up_for_nothing(world: World, tmp_path: Path) -> None:
    """One source is taken out of the configuration while what it had copies of goes from another one."""
    other = tmp_path / "other"
    options = documents.Options(base_url="https://www.example.org/")
    both = tuple(Source(folder.name, folder, ("**/*.md",), (), options) for folder in (world.articles, other))
    for number in range(40):
        world.document(f"d{number}")
    shutil.copytree(world.articles, other)
    world.options["sources"] = both
    world.regenerate()
    tree = world.tree()
    lose(world, 40)
    world.options["sources"] = both[:1]
    assert guarded(world, world.regenerate()) == ["articles: error: 40 of 40 documents are gone"]
    assert world.tree() == tree


def test_a_source_taken_out_of_the_configuration_is_held_no_longer(world: World, tmp_path: Path) -> None:
    """Its documents are withdrawn, and nothing is left of the accident when it comes again."""
    other = tmp_path / "other"
    options = documents.Options(base_url="https://www.example.org/")
    both = tuple(Source(folder.name, folder, ("**/*.md",), (), options) for folder in (world.articles, other))
    other.mkdir()
    world.document("kept").rename(other / "kept.md")
    world.options["sources"] = both
    populate(world, 40)
    lose(world, 30)
    assert not world.regenerate().healthy
    world.options["sources"] = both[1:]
    assert world.regenerate().healthy
    assert world.titles() == ["About kept"]
    world.options["sources"] = both
    report = world.regenerate()
    assert (report.healthy, report.articles) == (True, 11)


@pytest.mark.parametrize("accept", [False, True])
def test_a_run_killed_between_ledger_and_index_is_done_again(world: World, accept: bool) -> None:
    """What was held is held, and what was accepted needs no second acceptance."""
    populate(world, 50)
    lose(world, 40)
    kept = world.root / "kept"
    shutil.copytree(world.store, kept)
    world.regenerate(accept_deletions=accept)
    tree = world.tree()
    for path in world.store.glob("index.sqlite*"):
        path.unlink()
    for path in kept.glob("index.sqlite*"):
        shutil.copy(path, world.store)
    report = world.regenerate()
    assert (report.healthy, report.articles) == ((True, 10) if accept else (False, 50))
    assert world.tree() == tree == world.rebuilt()


@pytest.mark.parametrize("rebuild", [False, True])
def test_what_a_missing_document_removes_stays_removed(world: World, rebuild: bool) -> None:
    """It is held too, though it makes no entry: another document would bring the article back."""
    populate(world, 50)
    world.document("d50", webUrl="https://news.example/d49", removed="yes")
    world.regenerate()
    tree = world.tree()
    lose(world, 40)
    (world.articles / "d50.md").unlink()
    for _ in range(2):
        report = world.regenerate(rebuild=rebuild)
        assert guarded(world, report) == ["articles: error: 41 of 51 documents are gone"]
        assert world.tree() == tree


def test_what_is_held_is_backed_up(site: Site) -> None:
    """With the store lost and the ledger restored, it is held still, however few are missing by then."""
    populate(site, 50)
    ids = site.ids()
    for number in range(30):
        (site.articles / f"d{number}.md").rename(site.root / f"d{number}.md")
    assert site.run().status == 1
    assert site.run("ledger.jsonl", command="ledger backup").status == 0
    shutil.rmtree(site.store)
    assert site.run("ledger.jsonl", command="ledger restore").status == 0
    for number in range(20):
        (site.root / f"d{number}.md").rename(site.articles / f"d{number}.md")
    done = site.run()
    assert done.status == 1
    assert "articles: error: 10 of 51 documents are gone" in done.err
    for number in range(20, 30):
        (site.root / f"d{number}.md").rename(site.articles / f"d{number}.md")
    assert site.run().status == 0
    assert site.ids().items() >= ids.items()


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
