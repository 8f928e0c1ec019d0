"""What must fit together: rules in which more than one value of the configuration takes part.

They look at whatever could be read, so that all problems are told at once; what couldn't be is UNSET.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, TypeAlias

from msgspec import UNSET

from aggregator.config.types import Metrics, Output, Runtime, Source, Store, Topics, Watch
from aggregator.config.words import unknown
from aggregator.text.plain import quoted
from aggregator.text.tree import Node

Place: TypeAlias = tuple[int, int]
Tell: TypeAlias = Callable[[Place, str], None]


def check(found: Mapping[str, Any], root: Node, tell: Tell) -> None:
    """Tell what doesn't fit. `found`: `Config`'s values by name; `root`: the tree they were read from."""
    sources = _placed_sources(found["sources"], root)
    _sources_lie_apart(sources, tell)
    _fields_fit(found["sources"], root, tell)
    if found["output"] is not UNSET:
        _output_holds_no_source(found["output"], sources, tell)
        _output_holds_no_store(found["output"], found["store"], root, tell)
        _output_holds_no_runtime(found["output"], found["runtime"], found["store"], root, tell)
        _output_holds_no_metrics(found["output"], found["metrics"], root, tell)
    _only_known_knows_some(found["topics"], root, tell)
    _keywords_are_known(found["topics"], root, tell)
    _files_can_settle(found["watch"], root, tell)


def advise(hubs: Sequence[str], root: Node, warn: Tell) -> None:
    """Warn of what fits, and may yet be a slip. `hubs`: `websub.hubs`."""
    node = at(root, "websub", "hubs")
    if node is None or not isinstance(node.value, list):
        return
    for item, hub in zip(node.value, hubs, strict=True):
        if "?" in hub:
            advice = "if that is a secret, such as a token, write the hub's address without it"
            warn(
                (item.line, item.column),
                f"what is behind the `?` of this hub stands in every feed, for all to read; {advice}",
            )


def _sources_lie_apart(sources: list[tuple[Place, Source]], tell: Tell) -> None:
    real = [_real(source.folder) for _, source in sources]
    for (first, (_, one)), (second, (place, other)) in combinations(zip(real, sources, strict=True), 2):
        if first.is_relative_to(second) or second.is_relative_to(first):
            both = f"`{one.name}` and `{other.name}`"
            tell(place, f"the sources {both} share documents; keep the outer one, with `exclude` for parts of it")


def _fields_fit(sources: Any, root: Node, tell: Tell) -> None:
    """The other names of fields are names of fields that there are, and each means one field."""
    items = at(root, "sources")
    if sources is UNSET or items is None or not isinstance(items.value, list):
        return
    for item, source in zip(items.value, sources, strict=True):
        written = at(item, "fields")
        if source is not UNSET and source.fields and written and isinstance(written.value, dict):
            _names_fit(source.fields, written.value, tell)


def _names_fit(names: Sequence[tuple[str, Sequence[str]]], written: Mapping[str, Node], tell: Tell) -> None:
    from aggregator.documents.fields import NAMES  # only here: most configurations have no such names
    from aggregator.documents.names import DECIDING

    known = NAMES - set(DECIDING)
    meant: dict[str, str] = {}
    targets = {ours.lower() for ours, _ in names}
    for ours, theirs in names:
        if ours in DECIDING:
            tell(written[ours].key, f"`{ours}` has no other names: it decides what may be seen")
        elif ours not in known:
            tell(written[ours].key, _unknown(ours, sorted(known)))
        for name, place in zip(theirs, _places(written[ours]), strict=True):
            folded = name.lower()
            if folded == ours.lower():
                tell(place, f"`{ours}` by its own name is what it is anyway; name what else it is called")
            elif folded in targets:
                tell(place, f"{quoted(name)} has other names itself here, and can't be one of `{ours}`")
            elif folded.rpartition(".")[2] in DECIDING:
                tell(place, f"{quoted(name)} can't be another field: it decides what may be seen")
            elif not all(folded.split(".")):
                tell(place, f"{quoted(name)} is no name of a field, expected one such as `date` or `params.date`")
            elif meant.setdefault(folded, ours) != ours:
                tell(place, f"{quoted(name)} is `{meant[folded]}` already, and can't be `{ours}` too")


def _unknown(name: str, known: Sequence[str]) -> str:
    """What to say of a field that isn't one of ours: what it is called here, or the nearest."""
    from aggregator.documents.names import called_here

    ours = called_here(name)
    return f"`{name}` is called `{ours}` here" if ours else unknown("", name, known, "field")


def _places(node: Node) -> list[Place]:
    """Where the items of a list stand, or the text in place of it."""
    nodes = node.value if isinstance(node.value, list) else [node]
    return [(item.line, item.column) for item in nodes]


def _output_holds_no_source(output: Output, sources: list[tuple[Place, Source]], tell: Tell) -> None:
    """The other way round is well: an output folder inside a source isn't read."""
    for place, source in sources:
        if _real(source.folder).is_relative_to(_real(output.path)):
            tell(
                place, f"the source `{source.name}` lies in the output folder, which is served whole; move one of them"
            )


def _output_holds_no_store(output: Output, store: Store, root: Node, tell: Tell) -> None:
    if _real(store.path).is_relative_to(_real(output.path)):
        place = place_of(root, ("store", "path"), ("output", "path"))
        tell(place, f"the store {store.path} lies in the output folder, which is served whole; move one of them")


def _output_holds_no_runtime(output: Output, runtime: Runtime, store: Store, root: Node, tell: Tell) -> None:
    if runtime.path != store.path and _real(runtime.path).is_relative_to(_real(output.path)):
        place = place_of(root, ("runtime", "path"))
        tell(
            place,
            f"the runtime folder {runtime.path} lies in the output folder, which is served whole; move one of them",
        )


def _output_holds_no_metrics(output: Output, metrics: Metrics, root: Node, tell: Tell) -> None:
    if metrics.textfile and _real(metrics.textfile).is_relative_to(_real(output.path)):
        place = place_of(root, ("metrics", "textfile"))
        tell(place, f"the file {metrics.textfile} lies in the output folder, which is served whole; move one of them")


def _files_can_settle(watch: Watch, root: Node, tell: Tell) -> None:
    if watch.longest_wait < watch.settle:
        place = place_of(root, ("watch", "longest_wait"), ("watch", "settle"))
        tell(place, "`watch.longest_wait` is shorter than `watch.settle`; make it at least as long")


def _only_known_knows_some(topics: Topics, root: Node, tell: Tell) -> None:
    if topics.only_known and not topics.known:
        place = place_of(root, ("topics", "list"), ("topics", "only_known"))
        tell(place, "no topic would get a feed; name the topics in `topics.list`, or write `only_known: no`")


def _keywords_are_known(topics: Topics, root: Node, tell: Tell) -> None:
    known: tuple[Any, ...] = topics.known
    if topics.keywords and not any(one is UNSET or one.keywords for one in known):
        place = place_of(root, ("topics", "keywords"))
        tell(place, "no topic has keywords; give some to those in `topics.list`, or write `keywords: no`")


def _placed_sources(sources: Any, root: Node) -> list[tuple[Place, Source]]:
    """The sources that could be read, each with the place of its path."""
    items = at(root, "sources")
    if sources is UNSET or items is None or not isinstance(items.value, list):
        return []
    pairs = zip(items.value, sources, strict=True)
    return [(place_of(item, ("path",)), source) for item, source in pairs if source is not UNSET]


def place_of(root: Node, *choices: tuple[str, ...]) -> Place:
    """Where the first of these values is written."""
    node = next(filter(None, (at(root, *keys) for keys in choices)), root)
    return node.line, node.column


def at(node: Node, *keys: str) -> Node | None:
    """The value of the last of these keys, each inside the one before; None where it isn't written."""
    for key in keys:
        if not isinstance(node.value, dict) or key not in node.value:
            return None
        node = node.value[key]
    return node


def _real(path: Path) -> Path:
    """The path without links. Unlike Path.resolve, it takes links that lead nowhere or in circles."""
    return Path(os.path.realpath(path))
