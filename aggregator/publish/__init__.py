"""Feed files on disk: whole or not at all, still unless their bytes change, by one writer at a time."""

from aggregator.publish.claim import claimed
from aggregator.publish.files import TWIN, Outcome, Signature, differs, read, remove, settle, signature, sweep, write

__all__ = [
    "TWIN",
    "Outcome",
    "Signature",
    "claimed",
    "differs",
    "read",
    "remove",
    "settle",
    "signature",
    "sweep",
    "write",
]
