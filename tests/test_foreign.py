"""What others have written into an output folder stays as it is, until somebody says that it may go."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from aggregator import feeds
from aggregator.errors import ForeignOutput
from tests.daemons import QUICK, Daemon, drop_in, running, shows, until, well
from tests.programs import missing, needs
from tests.site import COMMAND, Site, environment
from tests.world import EVERY_FORMAT, World, day, told

ALL_FORMATS = {"path": "public", "formats": ["rss", "atom", "json", "html"]}

GENERATORS = {
    "hugo": ("index.html", "index.xml", "sitemap.xml", "style.css", "posts/first/index.html", "topics/index.html"),
    "jekyll": ("index.html", "feed.xml", "assets/main.css", "2026/01/first.html"),
    "pelican": ("index.html", "archives.html", "theme/css/main.css", "feeds/all.atom.xml", "all/index.html"),
    "mkdocs": ("index.html", "404.html", "search/search_index.json", "sitemap.xml.gz", "topics/ai/index.html"),
}


def put(folder: Path, *paths: str) -> None:
    """Files of others."""
    for path in paths:
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(f"theirs: {path}")


def state(folder: Path) -> dict[str, tuple[int, int, int, str]]:
    """All that there is below a folder, and whether it was touched."""
    found = {}
    for path in sorted(folder.rglob("*")):
        facts = path.lstat()
        says = str(path.readlink()) if path.is_symlink() else path.read_text("latin-1") if path.is_file() else ""
        found[str(path.relative_to(folder))] = (facts.st_mode, facts.st_ino, facts.st_mtime_ns, says)
    return found


def contents(folder: Path) -> dict[str, str]:
    return {path: facts[-1] for path, facts in state(folder).items()}


# A folder that isn't ours yet


@pytest.mark.parametrize("generator", GENERATORS)
def test_another_generators_folder_is_refused_whole(site: Site, generator: str) -> None:
    """Nothing is written, not even a mark; `--adopt` takes what is in the way and leaves the rest."""
    site.configure(output=ALL_FORMATS)
    put(site.output, *GENERATORS[generator])
    before = state(site.output)
    for arguments in ((), ("--dry-run",), ("--check",), ("--rebuild",), ()):
        done = site.run(*arguments)
        assert done.status == 2
        assert f"{site.output} holds " in done.err
        assert "index.html" in done.err
        assert "`output.path`" in done.err
        assert "`aggregator regenerate --adopt`" in done.err
        assert state(site.output) == before
    assert site.run("--adopt", "--check").status == 1
    assert state(site.output) == before
    assert site.run("--adopt").status == 0
    left = [path for path, says in contents(site.output).items() if says == f"theirs: {path}"]
    ours = {"index.html", "style.css", "all/index.html", "topics/ai/index.html"}
    assert sorted(left) == sorted(set(GENERATORS[generator]) - ours)
    assert site.run().status == 0
    assert site.run("--check").status == 0


def test_what_is_not_in_the_way_is_no_reason_to_refuse(site: Site) -> None:
    """Feeds may be put beside the pages of a site."""
    put(site.output, *GENERATORS["hugo"], "all/photo.jpg", "topics/ai/index.html")
    before = contents(site.output)
    site.configure(output={"path": "public", "formats": ["rss"]})
    assert site.run().status == 0
    assert contents(site.output).items() >= before.items()
    assert (site.output / "topics/ai/rss.xml").exists()


def a_file(place: Path) -> None:
    place.write_text("theirs")


def a_link(place: Path) -> None:
    (place.parent / "theirs").write_text("theirs")
    place.symlink_to("theirs")


def a_dangling_link(place: Path) -> None:
    place.symlink_to("nowhere")


def a_folder(place: Path) -> None:
    place.mkdir()
    (place / "theirs").write_text("theirs")


def a_pipe(place: Path) -> None:
    os.mkfifo(place)


@pytest.mark.parametrize("thing", [a_file, a_link, a_dangling_link, a_folder, a_pipe])
@pytest.mark.parametrize(
    "path",
    ["index.html", "script.js", "feeds.opml.gz", "all/rss.xml", "topics/ai/feed.json.gz", "topics/ai/.atom.xml.part"],
)
def test_whatever_is_in_the_way_is_refused(world: World, thing: Callable[[Path], None], path: str) -> None:
    """Of every kind, in every place that is written to."""
    world.options |= EVERY_FORMAT
    world.document("a")
    place = world.output / path
    place.parent.mkdir(parents=True)
    thing(place)
    before = state(world.output)
    for dry in (True, False):
        with pytest.raises(ForeignOutput, match="a file that this store didn't write"):
            world.regenerate(dry=dry)
    assert state(world.output) == before
    shutil.rmtree(world.output)
    assert world.regenerate().problems == ()


def test_a_folder_that_the_output_moves_to_keeps_what_former_feeds_had_there(world: World, tmp_path: Path) -> None:
    """What the ledger knows in the former folder is others' in the next one: neither written over nor removed."""
    world.document("a", topics=["AI", "Old"])
    world.document("b", topics=["AI"])
    world.regenerate()
    world.output = tmp_path / "hugo"
    put(world.output, "topics/old/rss.xml")
    before = state(world.output)
    (world.articles / "a.md").unlink()
    world.options["keep"] = day(1) - day(1)
    world.now = day(101)
    with pytest.raises(ForeignOutput, match=r"topics/old/rss\.xml"):
        world.regenerate()
    assert state(world.output) == before
    (world.output / "topics/old/rss.xml").unlink()
    assert world.regenerate().problems == ()
    assert world.tree() == world.rebuilt()


def test_files_that_nobody_touched_stay_ours_without_a_mark(world: World) -> None:
    """The very files that the ledger remembers are known; copies of them are not."""
    world.document("a")
    world.regenerate()
    mark = world.output / ".aggregator"
    marked = mark.read_bytes()
    mark.unlink()
    world.document("a", title="Edited")
    assert world.regenerate().problems == ()
    assert mark.read_bytes() == marked
    shutil.copytree(world.output, world.root / "copy")
    shutil.rmtree(world.output)
    (world.root / "copy").rename(world.output)
    mark.unlink()
    with pytest.raises(ForeignOutput):
        world.regenerate()
    assert world.regenerate(adopt=True).problems == ()
    assert world.regenerate().problems == ()


def test_a_run_that_publishes_nothing_takes_no_folder(world: World) -> None:
    """The guard holds, and without an index nothing can be published: the folder is nobody's still."""
    world.document("a")
    world.regenerate()
    shutil.rmtree(world.output)
    shutil.rmtree(world.articles)
    (world.store / "index.sqlite").unlink()
    put(world.output, "photo.jpg")
    assert world.regenerate().healthy is False
    assert contents(world.output) == {"photo.jpg": "theirs: photo.jpg"}


def test_a_folder_of_another_store_can_be_adopted(world: World, tmp_path: Path) -> None:
    """Its mark is ours then, also where no file had to be written."""
    world.document("a")
    world.regenerate()
    mine, theirs = world.store, tmp_path / "theirs"
    tree = world.tree()
    world.store = theirs
    with pytest.raises(ForeignOutput, match="--adopt"):
        world.regenerate()
    with pytest.raises(ForeignOutput, match="--adopt"):
        world.regenerate(dry=True)
    assert world.tree() == tree
    assert world.regenerate(adopt=True).problems == ()
    assert world.regenerate().problems == ()
    world.store = mine
    with pytest.raises(ForeignOutput, match="--adopt"):
        world.regenerate()
    world.regenerate(adopt=True)
    assert world.regenerate().problems == ()


def test_a_refusal_names_no_private_feeds_folder(world: World) -> None:
    """Not even where something is in its way."""
    token = "0123456789abcdefghijklmnop"
    everything = feeds.Condition()
    custom = feeds.Custom(name="mine", title="Mine", entries=9, where=everything, order=feeds.Order.date, token=token)
    world.options["custom"] = (custom,)
    world.document("a")
    put(world.output, f"custom/mine/{token}/rss.xml")
    with pytest.raises(ForeignOutput, match=r"custom/mine/\.\.\./rss\.xml") as refused:
        world.regenerate()
    assert token not in str(refused.value)
    (world.output / f"custom/mine/{token}/rss.xml").unlink()
    world.options["custom"] = ()
    world.regenerate()
    put(world.output, f"custom/mine/{token}/rss.xml")
    world.options["custom"] = (custom,)
    assert token not in " ".join(told(world.regenerate()))


# A folder that is ours


def test_a_new_feed_that_meets_a_foreign_file_fails_alone(site: Site) -> None:
    """The file stays and the others are published; the feed comes when the file goes, or is adopted."""
    site.regenerate()
    put(site.output, "topics/new/atom.xml", "topics/other/rss.xml")
    before = state(site.output / "topics/new")
    site.document("b", topics=["New", "AI"])
    site.document("c", topics=["Other"])
    for arguments in ((), ("--rebuild",), ("--dry-run",)):
        done = site.run(*arguments)
        assert done.status == 1
        assert "topics/new: error: atom.xml is in the way" in done.err
        assert "--adopt" in done.err
        assert state(site.output / "topics/new") == before
        assert site.titles("topics/ai") == ["About a", "About b"]
    backup = site.run("-", command="ledger backup").out
    assert "topics/new/" not in backup
    (site.output / "topics/new/atom.xml").unlink()
    done = site.run()
    assert done.status == 1
    assert site.titles("topics/new") == ["About b"]
    assert site.run("--adopt").status == 0
    assert site.titles("topics/other") == ["About c"]
    assert site.tree() == site.rebuilt()


def test_the_sites_own_files_fail_alone(site: Site) -> None:
    """Where a page or the list of feeds was put into a folder of feeds only."""
    site.configure(output={"path": "public", "formats": ["rss"]})
    assert site.run().status == 0
    put(site.output, "index.html", "style.css")
    before = state(site.output)
    site.configure(output=ALL_FORMATS)
    done = site.run()
    assert done.status == 1
    assert "the site's own files: error: index.html is in the way" in done.err
    after = state(site.output)
    assert {path: after[path] for path in ("index.html", "style.css")} == {
        path: before[path] for path in ("index.html", "style.css")
    }
    assert (site.output / "topics/ai/index.html").exists()
    assert site.run("--adopt").status == 0
    assert "theirs" not in (site.output / "index.html").read_text()


def test_an_archive_that_meets_a_foreign_file_holds_back_what_leads_to_it(world: World) -> None:
    """The feed stays as it was; nothing of it is written that isn't remembered."""
    world.options["archives"] = True
    world.document("a", topics=["AI"])
    world.regenerate()
    put(world.output, "topics/new/archive/2026-03/rss.xml")
    before = contents(world.output)
    world.document("b", topics=["New"])
    problems = told(world.regenerate())
    assert any("topics/new/archive/2026-03: error: rss.xml is in the way" in line for line in problems)
    assert {path for path in contents(world.output) if path.startswith("topics/new")} == {
        path for path in before if path.startswith("topics/new")
    }
    assert world.regenerate(adopt=True).problems == ()
    assert world.tree() == world.rebuilt()


# Kills, and people without rights


@pytest.mark.parametrize("call", ["fsync", "unlink", "pwrite64"])
def test_a_run_killed_at_any_step_takes_nothing_that_is_not_ours(site: Site, call: str) -> None:
    """What is refused stays so; what was begun in an empty folder goes on."""
    strace = needs("strace")
    site.configure(output=ALL_FORMATS)
    put(site.output, "index.html")
    before = contents(site.output)
    for number in (1, 2, 5, 13):
        for path in (site.output, site.root / "empty"):
            site.configure(output=ALL_FORMATS | {"path": str(path)})
            command = [strace, "-f", "-qq", "-o", "/dev/null", "-e", f"inject={call}:signal=KILL:when={number}"]
            killed = subprocess.run(
                [*command, COMMAND, "regenerate"], cwd=site.root, env=environment(), check=False, capture_output=True
            )
            if b"ptrace" in killed.stderr:
                missing("strace can't trace here")
            done = site.run()
            assert done.status == (2 if path == site.output else 0), done.err
        assert contents(site.output) == before
        shutil.rmtree(site.root / "empty")
        shutil.rmtree(site.store)


def test_a_folder_that_may_not_be_written_to_is_told(public_site: Site) -> None:
    """Somebody without rights there learns so, and changes nothing."""
    site = public_site
    put(site.output, "index.html")
    before = state(site.output)
    site.output.chmod(0o555)
    done = site.run_as_nobody("regenerate")
    assert done.status == 3
    assert "Permission denied" in done.err
    assert state(site.output) == before


# The daemon


def test_a_daemon_ends_where_its_folder_is_refused(site: Site) -> None:
    """With status 2: systemd doesn't start it again."""
    site.configure(watch=QUICK, output=ALL_FORMATS)
    put(site.output, "index.html")
    before = state(site.output)
    daemon = Daemon(site)
    daemon.begin()
    assert daemon.process
    assert daemon.process.wait(30) == 2
    assert "--adopt" in daemon.log()
    assert state(site.output) == before


def test_a_daemon_goes_on_beside_a_foreign_file(site: Site) -> None:
    """The feed that meets it comes when the file goes; another one when the daemon is asked to adopt it."""
    with running(site) as daemon:
        put(site.output, "topics/new/atom.xml", "topics/other/rss.xml")
        drop_in(site, "b", topics=["New", "AI"])
        until(lambda: shows(site, "About a", "About b", feed="topics/ai"), "the other feeds")
        status = daemon.wait(lambda status: not status["healthy"], "the trouble")
        assert "atom.xml is in the way" in " ".join(status["troubles"])
        assert (site.output / "topics/new/atom.xml").read_text() == "theirs: topics/new/atom.xml"
        (site.output / "topics/new/atom.xml").unlink()
        daemon.send(signal.SIGUSR1)
        well(daemon)
        assert shows(site, "About b", feed="topics/new")
        drop_in(site, "c", topics=["Other"])
        daemon.wait(lambda status: not status["healthy"], "the trouble")
        assert site.run().status == 1
        assert site.run("--adopt").status == 0
        well(daemon)
        assert shows(site, "About c", feed="topics/other")


def test_what_a_batch_has_healed_is_no_trouble_any_more(site: Site) -> None:
    """Also where a look at everything found it, and long before the next one."""
    with running(site) as daemon:
        put(site.output, "topics/new/atom.xml", "topics/other/rss.xml")
        drop_in(site, "b", topics=["New", "Other"])
        daemon.wait(lambda status: len(status["troubles"]) == 2, "the troubles")
        before = daemon.wait(lambda _: True, "the status")["reconcile"]
        daemon.send(signal.SIGUSR1)
        status = daemon.wait(lambda status: status["reconcile"] != before, "the look at everything")
        looked = status["reconcile"]
        assert len(status["troubles"]) == 2
        (site.output / "topics/new/atom.xml").unlink()
        drop_in(site, "c")
        status = daemon.wait(lambda status: len(status["troubles"]) == 1, "that one is healed")
        assert "rss.xml is in the way" in status["troubles"][0]
        assert shows(site, "About b", feed="topics/new")
        (site.output / "topics/other/rss.xml").unlink()
        drop_in(site, "d")
        status = well(daemon)
        assert shows(site, "About b", feed="topics/other")
        assert not status["problems"]
        assert status["reconcile"] == looked


def test_a_folder_put_in_ours_place_while_a_daemon_runs_stays_as_it_is(site: Site) -> None:
    """Also where only one document changes then."""
    with running(site) as daemon:
        shutil.rmtree(site.output)
        put(site.output, "all/rss.xml")
        before = state(site.output)
        drop_in(site, "b")
        assert daemon.process
        assert daemon.process.wait(30) == 2
        assert state(site.output) == before
