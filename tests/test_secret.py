"""`secured` never leaves the reader: no output, no store and no message holds it, whatever is wrong around it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.site import Site

SECRET = "c3VwZXItc2VjcmV0LTQy"
TAIL = "cXVpdGUtc2VjcmV0LTQz"
SECRETS = (SECRET.encode(), TAIL.encode())

FRONT = """
title: About secrets
webUrl: https://news.example/secret
publishedDateTime: 2026-03-02T00:00:00Z
topics: [AI]
"""

# What stands between the lines `---`; the document is good or bad, its secret is none of anybody's business.
PLACES = {
    "lead": f"{FRONT}secured: {SECRET}\n",
    "quoted": f'{FRONT}"secured": "{SECRET}"\n',
    "folded": f"{FRONT}secured: >\n  {SECRET}\n  {TAIL}\n",
    "map": f"{FRONT}secured: {{iv: {SECRET}, {TAIL}: x}}\n",
    "list": f"{FRONT}secured: [{SECRET}, {TAIL}]\n",
    "explicit key": f"{FRONT}? secured\n: {SECRET}\n",
    "related": f"{FRONT}related:\n- title: Other\n  webUrl: https://news.example/b\n  secured: {SECRET}\n",
    "related of nothing": f"{FRONT}related:\n- secured: {SECRET}\n- webUrl: nowhere\n  secured: {TAIL}\n",
    "nested": f"{FRONT}provider:\n  name: P\n  secured: {SECRET}\n  images:\n  - url: /a.png\n    secured: {TAIL}\n",
    "unknown": f"{FRONT}whatever:\n  deep:\n  - secured: {SECRET}\n",
    "warning": f"{FRONT}quality: high\nsecured: {SECRET}\n",
    "no title": f"webUrl: https://news.example/x\nsecured: {SECRET}\n",
    "no date": f"title: x\nwebUrl: https://news.example/x\nsecured: {SECRET}\npublished: perhaps\n",
    "twice": f"{FRONT}secured: {SECRET}\nsecured: {TAIL}\n",
    "error in it": f"{FRONT}secured: {SECRET}: {TAIL}\n",
    "error behind it": f"{FRONT}secured: '{SECRET}' {TAIL}\n",
    "error before it": f"{FRONT}excerpt: a: b\nsecured: {SECRET}\n",
    "quote not closed": f'{FRONT}secured: "{SECRET}\n',
    "single quote not closed": f"{FRONT}secured: '{SECRET}\ntype: '{TAIL}'\n",
    "quote not closed before": f'{FRONT}excerpt: "Hello\nsecured: {SECRET}\n',
    "quote closed behind": f'{FRONT}excerpt: "Hello\nsecured: {SECRET}\ntype: "x"\n',
    "quote closed much later": f'{FRONT}excerpt: "Hello\nsecured: {SECRET}\ntype: "\nauthor: x\n',
    "quote closed later in what is told": f'{FRONT}quality: "high\nsecured: {SECRET}\n"\n',
    "list not closed": f"{FRONT}secured: [{SECRET}\n",
    "alias": f"{FRONT}secured: *{SECRET}\n",
    "anchor": f"{FRONT}secured: &{SECRET} {TAIL}\n",
    "tag": f"{FRONT}secured: !{SECRET} {TAIL}\n",
    "unknown tag": f"{FRONT}secured: !{SECRET}!{TAIL} x\n",
    "bad escape": f'{FRONT}secured: "{SECRET}\\q{TAIL}"\n',
    "tab": f"{FRONT}secured:\n\t{SECRET}\n",
    "depth": f"{FRONT}secured: {'[' * 70}{SECRET}{']' * 70}\n",
    "control character": f"{FRONT}secured: {SECRET}\x07{TAIL}\n",
    "not closed": f"{FRONT}secured: {SECRET}\n---X",
}  # fmt: skip


TOML = """+++
title = "About secrets"
webUrl = "https://news.example/secret"
publishedDateTime = 2026-03-02T00:00:00Z
"""
JSON = '{"title": "About secrets", "webUrl": "https://news.example/secret", "publishedDateTime": "2026-03-02", '
KEYED = FRONT.removeprefix("\n")
ORG = "".join(f"#+{line}\n" for line in KEYED.splitlines())

# Whole documents with other kinds of front matter, likewise.
OTHERS = {
    "toml": f"{TOML}secured = '{SECRET}'\n+++\n",
    "toml table": f"{TOML}[secured]\na = '{SECRET}'\n[secured.{TAIL}]\n+++\n",
    "toml tables": f"{TOML}[[secured]]\na = '{SECRET}'\n[[secured]]\n{TAIL} = 1\n+++\n",
    "toml dotted": f"{TOML}a.secured.{SECRET} = 1\n+++\n",
    "toml twice": f"{TOML}secured = {{{SECRET} = 1, {SECRET} = 2}}\n+++\n",
    "toml table twice": f"{TOML}[secured.{SECRET}]\n[secured.{SECRET}]\n+++\n",
    "toml not closed": f"{TOML}secured = '{SECRET}\n+++\n",
    "toml closed later": f'{TOML}excerpt = """\nsecured = "{SECRET}"\n"""\n+++\n',
    "toml not toml": f"{TOML}secured: {SECRET}\n+++\n",
    "toml never closed": f"{TOML}secured = '{SECRET}'\n",
    "toml related": f"{TOML}[[related]]\ntitle = 'x'\nsecured = '{SECRET}'\nurl.secured = '{TAIL}'\n+++\n",
    "json": f'{JSON}"secured": "{SECRET}"}}\n',
    "json map": f'{JSON}"secured": {{"{SECRET}": ["{TAIL}"]}}}}\n',
    "json twice": f'{JSON}"secured": {{"{SECRET}": 1, "{SECRET}": 2}}}}\n',
    "json not closed": f'{JSON}"secured": "{SECRET}}}\n',
    "json without quotes": f'{JSON}"secured": {SECRET}}}\n',
    "json half": f'{JSON}"secured": "{SECRET}\\ud83d"}}\n',
    "yaml half": f'---\n{KEYED}secured: "{SECRET}\\ud83d"\n---\n',
    "keyed": f"{KEYED}Secured: {SECRET}\n   {TAIL}\n\n",
    "keyed twice": f"{KEYED}Secured: {SECRET}\nsecured: {TAIL}\n\n",
    "keyed below another": f"{KEYED}quality: x\n secured: {SECRET}\n\n",
    "org": f"{ORG}#+SECURED: {SECRET}\n#+secured: {TAIL}\n",
    "rst": f"About secrets\n===\n\n:date: x\n:webUrl: y\n:Secured: {SECRET}\n  {TAIL}\n",
}


def leaks(site: Site, said: str) -> Iterator[str]:
    """Where a secret is: in what was said, or in a file that isn't a document."""
    if any(secret in said.encode() for secret in SECRETS):
        yield said
    for path in sorted(site.root.rglob("*")):
        if path.is_file() and not path.is_relative_to(site.articles):
            data = path.read_bytes()
            yield from (str(path) for secret in SECRETS if secret in data)


def document(front: str) -> str:
    return f"---\n{front.lstrip()}---\nThe body.\n"


@pytest.mark.parametrize("place", PLACES)
def test_a_secret_is_nowhere(site: Site, place: str) -> None:
    """Wherever it stands in the front matter, and whatever is wrong there."""
    site.text("s.md", document(PLACES[place]))
    for _ in range(2):
        report = site.regenerate()
        assert report.documents.failed + report.articles == 2
        assert list(leaks(site, str(report))) == []


@pytest.mark.parametrize("kind", OTHERS)
def test_a_secret_is_nowhere_in_other_kinds_of_front_matter(site: Site, kind: str) -> None:
    """Nor in TOML, JSON or a header, whatever is wrong there."""
    site.text("s.md", OTHERS[kind])
    report = site.regenerate()
    assert report.documents.failed + report.articles == 2
    assert list(leaks(site, str(report))) == []


def test_a_secret_of_a_document_that_breaks_is_nowhere(site: Site) -> None:
    """Nor is one that was in the last good version."""
    site.text("s.md", document(PLACES["lead"]))
    site.regenerate()
    site.text("s.md", document(PLACES["quote not closed"].replace(SECRET, TAIL)))
    report = site.regenerate()
    assert (report.documents.failed, len(site.titles())) == (1, 2)
    assert list(leaks(site, str(report))) == []


def test_the_command_says_no_secret(site: Site) -> None:
    """On neither stream, with all there is to complain of at once; nor does a backup hold one."""
    for number, front in enumerate(PLACES.values()):
        site.text(f"s{number}.md", document(front).replace("news.example/secret", f"news.example/{number}"))
    for arguments in (["--dry-run", "--json"], ["--json"], ["--strict"], ["--rebuild"], ["--check"]):
        done = site.run(*arguments)
        assert "error: " in done.err
        assert list(leaks(site, done.out + done.err)) == []
        if "--json" in arguments:
            assert len(json.loads(done.out)["problems"]) > 10
    done = site.run("backup.jsonl", command="ledger backup")
    assert list(leaks(site, done.out + done.err)) == []


def test_a_secret_is_not_even_in_what_a_killed_run_leaves(site: Site, tmp_path: Path) -> None:
    """The store's side files are looked through while they are there."""
    from aggregator.store import Index

    site.text("s.md", document(PLACES["related"]))
    site.regenerate()
    index = Index(site.store / "index.sqlite")
    index.files.forget_signatures()
    index.commit()
    try:
        assert (site.store / "index.sqlite-wal").stat().st_size > 0
        assert list(leaks(site, "")) == []
    finally:
        index.close()


def test_the_search_for_secrets_finds_them(site: Site) -> None:
    """A body is a body: it is published as it is, whatever it says; so this one is found."""
    site.document("b", f"secured: {SECRET}")
    report = site.regenerate()
    found = {Path(place).name for place in leaks(site, str(report))}
    assert found == {"index.sqlite", "atom.xml", "rss.xml"}
