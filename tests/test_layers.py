"""The rooms of the house, and that imports point down only."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "aggregator"

# From the top down; rooms on one line don't import each other.
ROOMS = (
    ("__main__",),
    ("cli",),
    ("daemon",),
    ("config",),
    ("pipeline",),
    (
        *("watcher", "scheduler", "workers", "documents", "merge", "store", "feeds", "render", "publish"),
        *("websub", "hooks", "systemd", "preview"),
    ),
    ("text",),
    ("model",),
    ("errors",),
    ("__init__",),
)
LEVELS = {room: level for level, rooms in enumerate(ROOMS) for room in rooms}


def room_of(path: Path, package: Path) -> str:
    """The room that a file stands in: the folder or module right below the package."""
    first = path.relative_to(package).parts[0]
    return first.removesuffix(".py")


def imported(source: str, path: Path, package: Path) -> list[tuple[int, str]]:
    """The rooms that a file imports, with the line, however the import is spelled."""
    name = package.name
    here = [name, *path.relative_to(package).with_suffix("").parts]
    found: list[tuple[int, str]] = []

    def note(line: int, module: str) -> None:
        parts = module.split(".")
        if parts[0] == name:
            found.append((line, parts[1] if len(parts) > 1 and parts[1] else "__init__"))

    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import():
                for alias in node.names:
                    note(node.lineno, alias.name)
            case ast.ImportFrom():
                base = ".".join(here[: -node.level]) if node.level else ""
                module = ".".join(filter(None, (base, node.module)))
                if module == name:
                    for alias in node.names:
                        note(node.lineno, f"{module}.{alias.name}" if is_room(alias.name, package) else module)
                else:
                    note(node.lineno, module)
            case ast.Call(func=ast.Name(id="__import__") | ast.Attribute(attr="import_module"), args=[first, *_]):
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    note(node.lineno, first.value)
                else:
                    found.append((node.lineno, "?"))
    return found


def is_room(name: str, package: Path) -> bool:
    return (package / name).is_dir() or (package / f"{name}.py").is_file()


def broken(package: Path) -> list[str]:
    """Every import that doesn't point down, and every room that has no place."""
    faults = []
    for path in sorted(package.rglob("*.py")):
        room = room_of(path, package)
        where = f"{path.relative_to(package)}"
        if room not in LEVELS:
            faults.append(f"{where}: `{room}` has no place in the table")
            continue
        for line, other in imported(path.read_text(), path, package):
            if other == room:
                continue
            if other not in LEVELS:
                faults.append(f"{where}:{line}: imports `{other}`, which has no place in the table")
            elif LEVELS[other] <= LEVELS[room]:
                faults.append(f"{where}:{line}: `{room}` imports `{other}`, which isn't below it")
    return faults


def test_imports_point_down() -> None:
    """Every room imports only from rooms below it."""
    assert broken(PACKAGE) == []


def test_the_package_has_every_room_of_the_table() -> None:
    """A room that is gone leaves the table too."""
    assert {room for room in LEVELS if not is_room(room, PACKAGE)} == set()


@pytest.mark.parametrize(
    "line",
    [
        "from aggregator import cli",
        "import aggregator.cli",
        "import aggregator.cli.ledger as x",
        "from aggregator.cli import ledger",
        "from aggregator.cli.ledger import ledger",
        "from .. import cli",
        "from ..cli import ledger",
        "def later():\n    from aggregator.cli import ledger",
        "if True:\n    import aggregator.cli",
        "__import__('aggregator.cli')",
        "import importlib; importlib.import_module('aggregator.cli')",
        "import importlib; importlib.import_module(name)",
        "from aggregator import store",
        "from ..store import Index",
        "import aggregator.nowhere",
    ],
)
def test_an_import_that_points_up_or_sideways_is_found(line: str, tmp_path: Path) -> None:
    """However an import is spelled, the table holds it."""
    package = tmp_path / "aggregator"
    for room in ("cli", "store", "merge"):
        (package / room).mkdir(parents=True)
        (package / room / "__init__.py").write_text("")
    (package / "merge" / "rules.py").write_text(line)
    assert len(broken(package)) == 1


def test_an_unplaced_room_is_found(tmp_path: Path) -> None:
    """A room that nobody placed in the table fails."""
    (tmp_path / "aggregator").mkdir()
    (tmp_path / "aggregator" / "attic.py").write_text("")
    assert broken(tmp_path / "aggregator") == ["attic.py: `attic` has no place in the table"]
