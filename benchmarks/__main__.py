"""Measures the program, Hugo and a plain script on the same documents, in turn.

python -m benchmarks --documents 10000 --topics 200 --runs 7
"""

import json
import os
import platform
import re
import shutil
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import click

from benchmarks.corpus import write_corpus
from benchmarks.measure import CommandFailedError, Run, run

HERE = Path(__file__).parent
AGGREGATOR = Path(sys.executable).with_name("aggregator")
FIRST, NOTHING, ONE = SCENARIOS = ("first run", "nothing changed", "one changed")
MEASURES = ("wall", "cpu", "memory")
TARGETS = {  # the most that the program may take, as a part of what Hugo takes
    (FIRST, "wall"): 0.7,
    (FIRST, "memory"): 0.6,
    (NOTHING, "wall"): 0.08,
    (ONE, "wall"): 0.12,
}
HELP_TARGET = 0.15  # seconds
CONFIGURATION = """\
site:
  title: Everyday AI
  url: https://feeds.example.org/
sources:
  - path: ../articles
output:
  path: public
  {output}
store:
  path: store
"""
OUTPUTS = {
    "aggregator": "formats: [rss, atom]",  # what the others make
    "archives": "formats: [rss, atom]\nfeeds:\n  archives: yes",  # and a file for each month
    "everything": "compress: yes",  # JSON Feed, pages, the list of feeds and twins too
}

Figures = dict[tuple[str, str], list[Run]]  # by scenario and program
Spread = dict[str, float]  # median, min, max
Summary = dict[str, dict[str, dict[str, Spread]]]  # by scenario, program and measure


@dataclass(frozen=True, slots=True)
class Program:
    """What is measured: its command, run in `folder`, which makes anew the folders named `made` in it."""

    name: str
    command: Sequence[str]
    folder: Path
    made: Sequence[str]


def prepare(folder: Path, hugo: str) -> list[Program]:
    """Lay out below `folder`, which holds `articles`, what each program needs. A missing program is said."""
    programs = []
    if AGGREGATOR.exists():
        programs += [prepare_aggregator(folder / name, name) for name in OUTPUTS]
    else:
        click.echo(f"{AGGREGATOR}: not installed, left out", err=True)
    if found := shutil.which(hugo):
        programs.append(prepare_hugo(folder / "hugo", folder / "articles", Path(found).absolute()))
    else:
        click.echo(f"{hugo}: not found, left out", err=True)
    return [*programs, prepare_plain(folder / "plain", folder / "articles")]


def prepare_aggregator(folder: Path, name: str) -> Program:
    folder.mkdir()
    (folder / "aggregator.yaml").write_text(CONFIGURATION.format(output=OUTPUTS[name]), encoding="utf-8")
    command = (str(AGGREGATOR), "regenerate", "-c", "aggregator.yaml", "--json")
    return Program(name, command, folder, ("public", "store"))


def prepare_hugo(folder: Path, articles: Path, hugo: Path) -> Program:
    """The site of `benchmarks/hugo` over a copy of the documents, fit for Hugo."""
    shutil.copytree(HERE / "hugo", folder)
    for path in articles.rglob("*.md"):
        copy = folder / "content" / path.relative_to(articles)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(for_hugo(path.read_text(encoding="utf-8")), encoding="utf-8")
    command = (str(hugo), "--quiet", "--cacheDir", str(folder / "cache"))
    return Program("hugo", command, folder, ("public", "resources", "cache"))


def prepare_plain(folder: Path, articles: Path) -> Program:
    folder.mkdir()
    command = (sys.executable, str(HERE / "plain.py"), str(articles), "public")
    return Program("plain", command, folder, ("public",))


def for_hugo(document: str) -> str:
    """The document with `published` under another name: Hugo would take it for a date."""
    return re.sub(r"^published:", "visible:", document, count=1, flags=re.MULTILINE)


def measure(folder: Path, programs: Sequence[Program], *, round_: int, sample: bool) -> Iterator[tuple[str, str, Run]]:
    """Scenario, program and run: one of each, the programs in turn."""
    for scenario in SCENARIOS:
        if scenario == FIRST:
            for program in programs:
                for name in program.made:
                    shutil.rmtree(program.folder / name, ignore_errors=True)
        if scenario == ONE:
            edit(folder, round_)
        for program in programs:
            yield scenario, program.name, run(program.command, program.folder, sample=sample)


def edit(folder: Path, round_: int) -> None:
    """Give another title to one of the newest documents, and to Hugo's copy of it."""
    article = sorted((folder / "articles").rglob("*.md"))[-1 - round_]
    copy = folder / "hugo" / "content" / article.relative_to(folder / "articles")
    for path in (article, copy):
        if path.exists():
            text = path.read_text(encoding="utf-8")
            path.write_text(text.replace('\ntitle: "', f'\ntitle: "Edited {round_}: ', 1), encoding="utf-8")


def summary(timed: Figures, sampled: Figures) -> Summary:
    """Wall and CPU time in seconds, memory in bytes."""
    result: Summary = defaultdict(dict)
    for (scenario, program), runs in timed.items():
        result[scenario][program] = {
            "wall": spread(each.wall for each in runs),
            "cpu": spread(each.cpu for each in runs),
            "memory": spread(each.memory for each in sampled[scenario, program]),
        }
    return dict(result)


def spread(values: Iterable[float]) -> Spread:
    some = list(values)
    return {"median": median(some), "min": min(some), "max": max(some)}


def ratios(figures: Summary) -> Iterator[dict[str, Any]]:
    """The program's medians as a part of each peer's, with the target where there is one (else None)."""
    for scenario, programs in figures.items():
        for peer in ("hugo", "plain"):
            if not programs.keys() >= {"aggregator", peer}:
                continue
            for name in MEASURES:
                ratio = programs["aggregator"][name]["median"] / programs[peer][name]["median"]
                target = TARGETS.get((scenario, name)) if peer == "hugo" else None
                yield {"scenario": scenario, "peer": peer, "measure": name, "ratio": ratio, "target": target}


def said(timed: Figures) -> dict[str, Any]:
    """What the program itself counted in the last run of each scenario."""
    reports = {
        scenario: json.loads(runs[-1].output) for (scenario, program), runs in timed.items() if program == "aggregator"
    }
    return {scenario: {name: each[name] for name in ("documents", "feeds")} for scenario, each in reports.items()}


def output_of(programs: Iterable[Program]) -> dict[str, dict[str, int]]:
    """How many files each program has written, and how many bytes."""
    found = {}
    for program in programs:
        files = [path for path in (program.folder / "public").rglob("[!.]*") if path.is_file()]
        found[program.name] = {"files": len(files), "bytes": sum(path.stat().st_size for path in files)}
    return found


def table(report: dict[str, Any]) -> Iterator[str]:
    """The lines of the report, as Markdown."""
    yield "{documents} documents, {topics} topics, {runs} runs, {machine}".format_map(report)
    yield "\n| scenario | program | wall s | CPU s | peak MiB |\n|---|---|---|---|---|"
    for scenario, programs in report["figures"].items():
        for program, figure in programs.items():
            cells = (seconds(figure["wall"]), seconds(figure["cpu"]), mebibytes(figure["memory"]))
            yield f"| {scenario} | {program} | {' | '.join(cells)} |"
    if report["ratios"]:
        yield "\n| scenario | measure | against | ratio | target |\n|---|---|---|---|---|"
    for each in report["ratios"]:
        target = verdict(each["ratio"], each["target"]) if each["target"] else ""
        yield "| {scenario} | {measure} | {peer} | {ratio:.3f} | ".format_map(each) + f"{target} |"
    yield "\n| program | files | MB | CPU of the first run, ms a file | s a MB |\n|---|---|---|---|---|"
    for program, output in report["output"].items():
        cpu, files, megabytes = (
            report["figures"][FIRST][program]["cpu"]["median"],
            output["files"],
            output["bytes"] / 1e6,
        )
        yield f"| {program} | {files} | {megabytes:.1f} | {1000 * cpu / files:.1f} | {cpu / megabytes:.3f} |"
    for scenario, counts in report["said"].items():
        yield f"\n{scenario}: read {counts['documents']['read']}, wrote {counts['feeds']['written']}"
    if figure := report["help"]:
        yield f"\n`aggregator --help`: {seconds(figure)} s, target {verdict(figure['median'], HELP_TARGET)}"


def seconds(figure: Spread) -> str:
    return f"{figure['median']:.3f} ({figure['min']:.3f}–{figure['max']:.3f})"


def mebibytes(figure: Spread) -> str:
    return f"{figure['median'] / 2**20:.0f} ({figure['min'] / 2**20:.0f}–{figure['max'] / 2**20:.0f})"


def verdict(value: float, target: float) -> str:
    return f"{target} {'met' if value <= target else 'missed'}"


def help_time(folder: Path) -> Spread | None:
    """Seconds until `aggregator --help` has answered, of eleven times; None if it isn't installed."""
    if not AGGREGATOR.exists():
        return None
    return spread(run((str(AGGREGATOR), "--help"), folder, sample=False).wall for _ in range(11))


def collect(rounds: Iterable[int], folder: Path, programs: Sequence[Program], *, sample: bool) -> Figures:
    """The runs of all scenarios, one of each a round."""
    figures: Figures = defaultdict(list)
    for round_ in rounds:
        click.echo(f"round {round_ + 1}, {'memory' if sample else 'time'}", err=True)
        for scenario, program, each in measure(folder, programs, round_=round_, sample=sample):
            figures[scenario, program].append(each)
    return figures


@click.command()
@click.option("--documents", default=10_000, show_default=True)
@click.option("--topics", default=200, show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.option("--runs", default=7, show_default=True, help="Rounds for time; up to three more are for memory.")
@click.option("--workdir", type=click.Path(path_type=Path), help="Keep everything in this new folder.")
@click.option("--hugo", default="hugo", show_default=True, help="Name or path of the program.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def main(documents: int, topics: int, seed: int, runs: int, workdir: Path | None, hugo: str, as_json: bool) -> None:
    """Measure aggregator, Hugo and a plain script on one made-up corpus."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = (workdir or Path(temporary)).absolute()
        if (folder / "articles").exists():
            raise click.UsageError(f"{folder} has been used: name a new folder")
        write_corpus(folder / "articles", documents, topics, seed)
        programs = prepare(folder, hugo)
        try:
            timed = collect(range(runs), folder, programs, sample=False)
            sampled = collect(range(runs, runs + min(3, runs)), folder, programs, sample=True)
            help_ = help_time(folder)
            output = output_of(programs)
        except CommandFailedError as error:
            raise click.ClickException(str(error)) from error
    figures = summary(timed, sampled)
    report = {
        "documents": documents,
        "topics": topics,
        "runs": runs,
        "machine": f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}",
        "figures": figures,
        "ratios": list(ratios(figures)),
        "said": said(timed),
        "output": output,
        "help": help_,
    }
    click.echo(json.dumps(report, indent=2) if as_json else "\n".join(table(report)))


if __name__ == "__main__":
    main()
