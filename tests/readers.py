"""What feed readers and validators see in a folder of feeds."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import feedparser
import pytest
from lxml import etree

from tests.programs import needs

GRAMMAR = Path(__file__).parents[2] / "shared" / "schemas" / "atom-rfc4287.rnc"


def faults(output: Path) -> Iterator[str]:
    """What is wrong with any feed of a site: each is XML, no reader finds it odd, RSS and Atom say the same."""
    folders = sorted({path.parent for path in output.rglob("*.xml")})
    for folder in folders:
        name = folder.relative_to(output).as_posix()
        seen = {}
        for form, version in (("rss", "rss20"), ("atom", "atom10")):
            data = (folder / f"{form}.xml").read_bytes()
            etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True))
            parsed: Any = feedparser.parse(data)
            if parsed.bozo or parsed.version != version:
                yield f"{name}/{form}.xml: {parsed.get('bozo_exception', parsed.version)}"
            seen[form] = [(entry.id, unescape(entry.title), entry.link) for entry in parsed.entries]
        if seen["rss"] != seen["atom"]:
            yield f"{name}: RSS and Atom differ"
        ids = [id for id, *_ in seen["atom"]]
        if len(ids) != len(set(ids)):
            yield f"{name}: an id twice"
        yield from (f"{name}: a link to {link!r}" for *_, link in seen["atom"] if not link.startswith("http"))


def assert_grammar(output: Path) -> None:
    """Every Atom file obeys the grammar of RFC 4287, appendix B; skips without the grammar or jing."""
    if not GRAMMAR.exists():
        pytest.skip(f"the grammar is not there: {GRAMMAR.name}")
    files = sorted(output.rglob("atom.xml"))
    assert files
    done = subprocess.run([needs("jing"), "-i", "-c", GRAMMAR, *files], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
