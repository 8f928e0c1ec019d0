"""What is written of topics: in topic files, and in the list of the configuration."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import UNSET

from aggregator.config import files
from aggregator.config.checks import at
from aggregator.config.convert import Converter
from aggregator.config.types import KnownTopic, TopicFile, Topics
from aggregator.errors import ParseError
from aggregator.text.slugs import fold_topic
from aggregator.text.tree import Node
from aggregator.text.urls import absolute

SUFFIXES = (".yaml", ".yml")
MAX_FILES = 10_000


class Written(NamedTuple):
    """What is said of a topic in one place: the node that it is read from, and the converter of its file.

    `id` is one more name for it, which only `parent` may use. `listed`: it is in the configuration itself.
    """

    topic: KnownTopic
    node: Node
    converter: Converter
    id: str = ""
    listed: bool = False


def in_files(path: Path | None, root: Node, base: str, converter: Converter) -> list[Any]:
    """What topic files say, by name of the file; UNSET for what couldn't be read, which is told.

    path: a folder of them, or one (None: there is none), as it was read from `root`; base: what the URLs of their
    pictures are relative to; converter: the configuration's.
    """
    if path is None:
        return _lost(root, "path")
    # Problems name the files as seen from where the configuration is seen.
    if path.is_relative_to(converter.here):
        path = Path(converter.path).parent / path.relative_to(converter.here)
    try:
        return [one for file in _files(path) for one in _in_file(file, base, converter)]
    except ValueError as error:
        return [converter.unfit(at(root, "topics", "path") or root, "topics.path", str(error))]


def in_list(topics: Topics, root: Node, converter: Converter) -> list[Any]:
    """What the configuration's list says; UNSET for what couldn't be read, which is told already."""
    items = at(root, "topics", "list")
    if items is None or not isinstance(items.value, list):
        return _lost(root, "list")
    known: tuple[Any, ...] = topics.known
    pairs = zip(items.value, known, strict=True)
    return [topic if topic is UNSET else Written(topic, node, converter, listed=True) for node, topic in pairs]


def _lost(root: Node, key: str) -> list[Any]:
    """What a key without usable value leaves: nothing, or something unread where it has a value all the same."""
    node = at(root, "topics", key)
    return [UNSET] if node and node.value is not None else []


def _files(path: Path) -> list[Path]:
    """The topic files in a folder, by name. Raises ValueError with what was expected, where there are none."""
    try:
        found = [file for file in path.iterdir() if file.suffix.lower() in SUFFIXES and not file.name.startswith(".")]
    except NotADirectoryError:
        return [path]
    except OSError as error:
        raise ValueError(f"a folder of topic files, or one of them: {error.strerror}") from error
    if not 0 < len(found) <= MAX_FILES:
        kinds = " or ".join(f"`*{suffix}`" for suffix in SUFFIXES)
        raise ValueError(f"a folder with 1 to {MAX_FILES} files {kinds}; it has {len(found)}")
    return sorted(found, key=lambda file: file.name)


def _in_file(file: Path, base: str, converter: Converter) -> Iterator[Any]:
    """What a topic file says of its topic, or of each in its list."""
    converter = Converter(file, None, converter.problems)
    try:
        root = files.load(file)
    except ParseError as error:
        converter.tell((error.line, error.column), error.message)
        yield UNSET
        return
    for node in root.value if isinstance(root.value, list) else [root]:
        values = converter.keys(TopicFile, node)
        if UNSET in values.values():
            yield UNSET
        else:
            found = TopicFile(**values)
            yield Written(_topic(found, base), node, converter, found.id)


def _topic(file: TopicFile, base: str) -> KnownTopic:
    short = " ".join(file.shortname.split())
    aliases = (*file.aliases, short) if fold_topic(short) not in ("", fold_topic(file.name)) else file.aliases
    pictures = (absolute(picture.url, base) for picture in (*file.image, *file.images))
    return KnownTopic(
        name=file.name,
        slug=file.slug,
        aliases=tuple(dict.fromkeys(aliases)),
        parent=file.parent,
        keywords=tuple(dict.fromkeys(file.keywords)),
        description=file.description,
        image=next(filter(None, pictures), ""),
    )
