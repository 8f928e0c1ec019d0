"""Ledger and index as the last run left them, for those who only ask."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime

from aggregator.errors import StoreError
from aggregator.model import from_micros
from aggregator.pipeline.plan import Plan
from aggregator.store import INDEX_FILE, LEDGER_FILE, Index, Ledger


@contextmanager
def consulted(plan: Plan) -> Iterator[tuple[Ledger, Index, datetime]]:
    """Ledger and index as the last run left them, and when that was; whoever is writing may go on.

    Raises StoreError.
    """
    place = plan.store / INDEX_FILE
    if not (plan.store / LEDGER_FILE).exists() or not place.exists():
        raise StoreError(f"{plan.store}: nothing was read yet; `aggregator regenerate` does it")
    with closing(Ledger(plan.store, dry=True, tracking=plan.tracking)) as ledger:
        try:
            with closing(Index(place, dry=True)) as index:
                if index.outdated:
                    raise StoreError(f"{place}: the index is another version's; `aggregator regenerate` renews it")
                with ledger.trusted():
                    yield ledger, index, from_micros(int(index.meta().get("now", 0)))
        except sqlite3.Error as error:
            raise StoreError(f"{place}: {error}; `aggregator regenerate` builds a damaged index again") from error


def is_current(plan: Plan, program: str) -> bool:
    """Whether the last run was under this configuration, by this version of the program. Raises StoreError."""
    with consulted(plan) as (_, index, _):
        return plan.fingerprints(program).items() <= index.meta().items()
