"""What must fit together in the feeds that a configuration makes up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from msgspec import UNSET

from aggregator.config.checks import Tell, at, place_of
from aggregator.config.types import Age, Condition, Custom, Feeds, Range
from aggregator.model import ARCHIVED
from aggregator.text.plain import quoted
from aggregator.text.tree import Node


def check_feeds(feeds: Feeds, output: Any, root: Node, tell: Tell) -> None:
    """Tell what doesn't fit. `output`: UNSET where it couldn't be read."""
    if feeds.archives and output is not UNSET and set(ARCHIVED).isdisjoint(output.formats):
        place = place_of(root, ("feeds", "archives"))
        tell(place, "only RSS and Atom have archives; add one of them to `output.formats`, or write `archives: no`")
    known: dict[str, int] = {}
    for node, custom in _pairs(at(root, "feeds", "custom"), feeds.custom):
        place = place_of(node, ("name",))
        if custom.name in known:
            message = f"the feed {quoted(custom.name)} again, first given in line {known[custom.name]}"
            tell(place, f"{message}; give one another `name`")
        known.setdefault(custom.name, place[0])
        _check_custom(custom, node, tell)


def _check_custom(custom: Custom, node: Node, tell: Tell) -> None:
    if custom.digest and custom.age:
        tell(place_of(node, ("age",)), "a digest keeps its entries; leave `age` out")
    where = at(node, "where")
    if where is None:
        return
    if custom.age and custom.age <= _youngest(custom.where):
        message = (
            "no article is old enough for `where` and young enough for `age`; make `age` longer than `where.age.over`"
        )
        tell(place_of(node, ("age",)), message)
    for condition, written in _within(custom.where, where):
        if not written.value:
            place = written.line, written.column
            tell(place, "a condition that asks nothing, expected one such as `type: video`; or leave it out")
        _check_limits(condition, written, tell)


def _youngest(condition: Condition) -> timedelta:
    """How old an article must be at least to meet a condition."""
    return max(condition.age.over, *map(_youngest, condition.all), timedelta(0))


def _check_limits(condition: Condition, node: Node, tell: Tell) -> None:
    """Tell of limits that leave no room, or that aren't any."""
    for name in ("quality", "heat", "age"):
        if (limit := at(node, name)) is not None and limit.value in (None, {}):
            tell((limit.line, limit.column), f"`{name}` without a limit, expected one; or leave it out")
    for name in ("quality", "heat"):
        limits: Range = getattr(condition, name)
        if None not in (limits.at_least, limits.at_most) and limits.at_least > limits.at_most:  # type: ignore[operator]
            message = f"no number is at least {limits.at_least} and at most {limits.at_most}; swap them"
            tell(place_of(node, (name, "at_least"), (name,)), message)
    age: Age = condition.age
    if timedelta(0) < age.under <= age.over:
        tell(place_of(node, ("age", "under"), ("age",)), "no article is both so old and so young; make `under` longer")


def _within(condition: Condition, node: Node) -> Iterator[tuple[Condition, Node]]:
    """A condition and all inside it, with the nodes that they were read from."""
    yield condition, node
    for key, inner in (("all", condition.all), ("any", condition.any), ("not", condition.none)):
        for one, other in _pairs(at(node, key), inner):
            yield from _within(other, one)


def _pairs(node: Node | None, values: tuple[Any, ...]) -> list[tuple[Node, Any]]:
    """The items of a list that could be read, each with its node."""
    if node is None or not values:
        return []
    items = node.value if isinstance(node.value, list) else [node]
    return [(item, value) for item, value in zip(items, values, strict=True) if value is not UNSET]
