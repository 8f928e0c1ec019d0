"""Feed files on disk: whole or not at all, still unless their bytes change, by one writer at a time."""

from aggregator.publish.claim import Claim, claimed
from aggregator.publish.files import (
    TWIN,
    Outcome,
    Signature,
    differs,
    occupied,
    read,
    remove,
    settle,
    signature,
    sweep,
    write,
)

__all__ = [
    "TWIN",
    "Claim",
    "Outcome",
    "Signature",
    "claimed",
    "differs",
    "occupied",
    "read",
    "remove",
    "settle",
    "signature",
    "sweep",
    "write",
]
