"""Promises 7 and 11 under a machine: documents vanish by the dozen, others come, and the clock isn't always right."""

from __future__ import annotations

import os
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from aggregator.errors import ClockBehind
from tests.machines import Machine
from tests.world import day

FEW, MANY = 20, 30
_UPDATED = re.compile(r"<updated>([^<]*)<|when=\"([^\"]*)\"")


class Guard(Machine):
    """Documents with titles and dates of their own: none is another one's like, unless it is its copy.

    `known` are the documents that are published, by name, `held` those of them that the guard holds.
    """

    @initialize(count=st.integers(FEW, 2 * MANY))
    def begin(self, count: int) -> None:
        self.start({"entries": 500, "formats": ("atom",)})
        self.aside = self.root / "aside"
        self.aside.mkdir()
        self.number = 0
        self.known: set[str] = set()
        self.held: set[str] = set()
        self.lost = False
        self.documents_come(count)

    # What happens to documents; each step ends with a run

    @rule(count=st.integers(1, 3))
    def documents_come(self, count: int) -> None:
        for _ in range(count):
            self.number += 1
            self.world.document(f"d{self.number}", updatedDateTime=day(50 + self.number * 7 % 100))
        self.run()

    @rule(share=st.integers(1, 20), new=st.integers(0, 2), data=st.randoms(use_true_random=False))
    def documents_vanish(self, share: int, new: int, data: object) -> None:
        """A share of them in twentieths; others come in the same run, or after it."""
        there = sorted(self.world.articles.iterdir())
        for path in data.sample(there, len(there) * share // 20):  # type: ignore[attr-defined]
            path.rename(self.aside / path.name)
        self.documents_come(new) if new else self.run()

    @rule(share=st.integers(1, 20), data=st.randoms(use_true_random=False))
    def documents_return(self, share: int, data: object) -> None:
        """A share of those that vanished, at most all."""
        away = sorted(self.aside.iterdir())
        for path in data.sample(away, -(-len(away) * share // 20)):  # type: ignore[attr-defined]
            path.rename(self.world.articles / path.name)
        self.run()

    @rule()
    def the_source_is_missing(self) -> None:
        place = self.root / "place"
        self.world.articles.rename(place)
        self.held |= self.known
        assert not self.world.regenerate().healthy
        self.everything_is_as_known()
        place.rename(self.world.articles)
        self.run()

    @rule()
    def deletions_are_accepted(self) -> None:
        self.known, self.held = self.there(), set()
        assert self.world.regenerate(accept_deletions=True).healthy

    @rule()
    def the_index_is_lost(self) -> None:
        for path in self.world.store.glob("index.sqlite*"):
            path.unlink()
        self.lost = bool(self.held)
        if not self.held:
            self.run()

    @rule()
    def all_is_rebuilt(self) -> None:
        self.run(rebuild=True)

    # What happens to the clock

    @rule(hours=st.sampled_from([0.1, 5, 24, 200]))
    def time_goes_on(self, hours: float) -> None:
        self.world.now += timedelta(hours=hours)
        self.run()

    @rule(minutes=st.integers(1, 30))
    def the_clock_is_set_back_a_little(self, minutes: int) -> None:
        self.documents_come(1)  # so that the ledger remembers this instant
        self.world.now -= timedelta(minutes=minutes)
        self.run()

    @rule(days=st.integers(1, 1000), new=st.booleans(), accept=st.booleans())
    def the_clock_is_set_back_by_days(self, days: int, new: bool, accept: bool) -> None:
        """Nothing changes, whatever has come, until the clock is right or accepted."""
        self.documents_come(1)
        right, tree = self.world.now, self.world.tree()
        self.world.now -= timedelta(days=days)
        if new:
            self.number += 1
            self.world.document(f"d{self.number}")
        with pytest.raises(ClockBehind):
            self.world.regenerate()
        assert self.world.tree() == tree
        if accept and days < 10:
            self.run(accept_clock=True)
        else:
            self.world.now = right
            self.run()

    # What is to be so

    def there(self) -> set[str]:
        return {path.stem for path in self.world.articles.iterdir()}

    def run(self, **wish: Any) -> None:
        """A run, and what it is to make of what is there."""
        there = self.there()
        gone = self.known - self.held - there
        total = len(self.known - self.held)
        self.held -= there
        if self.held or (len(gone) > FEW and 2 * len(gone) > total):
            self.held |= gone
        self.known = there | self.held
        report = self.world.regenerate(**wish)
        assert report.healthy == (not self.held)
        assert report.documents.gone == len(self.held) or not self.held

    @invariant()
    def everything_is_as_known(self) -> None:
        """Nothing that is held is withdrawn, and nothing else is shown than what is known."""
        if hasattr(self, "known"):
            assert set(self.world.titles() if self.known else ()) == {f"About {name}" for name in self.known}

    @invariant()
    def nothing_is_of_an_instant_to_come(self) -> None:
        """No feed, entry or withdrawal."""
        if hasattr(self, "known"):
            for path in self.world.output.rglob("atom.xml"):
                for pair in _UPDATED.findall(Path(path).read_text("utf-8")):
                    assert datetime.fromisoformat("".join(pair)) <= self.world.now, path

    @invariant()
    def tree_is_what_a_rebuild_gives(self) -> None:
        """But while the index that knew what held documents say is lost: then nothing is touched."""
        self.lost = hasattr(self, "known") and self.lost and bool(self.held)
        if self.lost:
            assert self.world.regenerate().changes == ()
        elif hasattr(self, "known"):
            super().tree_is_what_a_rebuild_gives()

    def chain_is_whole(self, path: str) -> None:
        """There are no archives here."""


TestGuard = pytest.mark.timeout(3600)(Guard.TestCase)
if os.environ.get("HYPOTHESIS_PROFILE", "default") == "default":
    TestGuard.settings = settings(max_examples=10, stateful_step_count=12)
