"""What all state machines do: a world of documents changes, and after every step the promises hold."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from aggregator.text.urls import canonical
from tests.walks import merged, walk, walk_with_feedparser
from tests.world import World

# Hypothesis leaves some rules out of each example: a machine begins with documents, or most worlds stay empty.


# A home page names no article, and the feeds' own addresses are digests'.
ALONE = ("https://home.example/", "https://feeds.example.org/")


class Machine(RuleBasedStateMachine):
    """Rules and strategies are those of its children."""

    def start(self, options: dict[str, Any]) -> None:
        """Begin with an empty world."""
        self.root = Path(tempfile.mkdtemp(prefix="aggregator-"))
        self.world = World(self.root)
        self.world.options |= options
        self.shared = False

    def teardown(self) -> None:
        if hasattr(self, "root"):
            shutil.rmtree(self.root)

    @rule()
    def a_run_is_killed_between_ledger_and_index(self) -> None:
        """The ledger remembers what the index has yet to learn."""
        kept = self.root / "kept"
        shutil.copytree(self.world.store, kept, dirs_exist_ok=True)
        self.world.regenerate()
        for path in self.world.store.glob("index.sqlite*"):
            path.unlink()
        for path in kept.glob("index.sqlite*"):
            shutil.copy(path, self.world.store)

    @invariant()
    def tree_is_what_a_rebuild_gives(self) -> None:
        """A further run finds nothing to do, and no feed shows an article twice."""
        world = self.world
        assert world.regenerate().feeds.failed == 0
        rebuilt, tree = world.rebuilt(), world.tree()
        differ = {path: (tree.get(path), rebuilt.get(path)) for path in tree.keys() | rebuilt.keys()}
        assert rebuilt == tree, {path: both for path, both in differ.items() if both[0] != both[1]}
        assert world.regenerate().changes == ()
        for path in world.tree():
            if path.endswith(("/atom.xml", "/rss.xml")) and "/archive/" not in path:
                self.chain_is_whole(path)
            if path.endswith("/atom.xml"):
                entries = world.feed(path.removesuffix("/atom.xml"))
                assert len({entry["id"] for entry in entries}) == len(entries), path
                links = [canonical(entry["link"]) for entry in entries if not entry["link"].startswith(ALONE)]
                assert self.may_share_addresses() or len(set(links)) == len(links), path

    def may_share_addresses(self) -> bool:
        """Whether documents of one address may be of different articles: where they name different ids, or it is a
        landing page; also as last good versions.
        """
        texts = (path.read_text() for path in self.world.articles.rglob("*.md"))
        self.shared |= any("\nid: " in text or "\noriginalUrl: https://landed" in text for text in texts)
        return self.shared

    def chain_is_whole(self, path: str) -> None:
        """Whoever walks a feed and its archives comes by all of them, and meets each article once."""
        url = "https://feeds.example.org/" + quote(path)
        if b"<fh:complete" in self.fetched(url):
            return  # it has no history
        home = re.search(rb'href="([^"]*)" rel="self"', self.fetched(url))
        assert home
        if home[1].decode() != url:  # a topic's former address
            assert self.fetched(url) == self.fetched(home[1].decode())
            return
        steps = walk(url, self.fetched)
        assert list(merged(steps)) == walk_with_feedparser(url, self.fetched)
        months = self.world.output.joinpath(path).parent.glob(f"archive/*/{path.rpartition('/')[2]}")
        assert len(steps) == 1 + len(list(months)), path

    def fetched(self, url: str) -> bytes:
        """What a web server would send."""
        return (self.world.output / unquote(url.removeprefix("https://feeds.example.org/"))).read_bytes()
