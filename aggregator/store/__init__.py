"""What is kept between runs: the ledger (never thrown away) and the index (can be rebuilt from the documents).

SQL lives here only. `Ledger` and `Index` are one SQLite file each; both are written inside a transaction that
the pipeline commits, the ledger's always first. A dry store never commits.
"""

from aggregator.store.articles import Refused
from aggregator.store.backup import back_up, identity_of, restore
from aggregator.store.database import chunks, is_corrupt, is_interrupted, set_aside, unlink
from aggregator.store.digests import Closed
from aggregator.store.entries import KEPT, Listing, Part
from aggregator.store.index import FILE as INDEX_FILE
from aggregator.store.index import Index, open_index
from aggregator.store.ledger import DAMAGED, Ledger, News, Out, Stand
from aggregator.store.ledger import FILE as LEDGER_FILE
from aggregator.store.likes import Former
from aggregator.store.packed import Packed, Row, Saved, Spot, Standing, Topics, decode_mention, pack
from aggregator.store.placements import Lister, Move, Place
from aggregator.store.pruned import Kept

__all__ = [
    "DAMAGED",
    "INDEX_FILE",
    "KEPT",
    "LEDGER_FILE",
    "Closed",
    "Former",
    "Index",
    "Kept",
    "Ledger",
    "Lister",
    "Listing",
    "Move",
    "News",
    "Out",
    "Packed",
    "Part",
    "Place",
    "Refused",
    "Row",
    "Saved",
    "Spot",
    "Stand",
    "Standing",
    "Topics",
    "back_up",
    "chunks",
    "decode_mention",
    "identity_of",
    "is_corrupt",
    "is_interrupted",
    "open_index",
    "pack",
    "restore",
    "set_aside",
    "unlink",
]
