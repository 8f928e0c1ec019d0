"""The configuration: what it may say, and how it is told what is wrong with it."""

from __future__ import annotations

import json
import os
import sys
import zoneinfo
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import fields

from aggregator import config
from aggregator.config import (
    Config,
    Feeds,
    Hooks,
    KnownTopic,
    Log,
    Merge,
    Metrics,
    Output,
    Runtime,
    Schedule,
    Site,
    Source,
    Topics,
    Watch,
    Websub,
)
from aggregator.errors import ConfigurationError
from tests.programs import as_nobody

SMALLEST = """\
site:
  title: Everyday AI
  url: https://feeds.example.org/
sources:
  - path: articles
output:
  path: public
"""
SECTIONS = ", ".join(f"`{field.encode_name}`" for field in fields(Config))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "aggregator.yaml"


def load(file: Path, text: str | bytes, environment: Mapping[str, str] | None = None) -> Config:
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return config.load(file, environment or {})


def told(file: Path, text: str | bytes, environment: Mapping[str, str] | None = None) -> list[str]:
    """The problems of a configuration, each as `line:column: message`."""
    with pytest.raises(ConfigurationError) as error:
        load(file, text, environment)
    assert {problem.path for problem in error.value.problems} == {str(file)}
    assert {problem.severity for problem in error.value.problems} == {"error"}
    return [f"{problem.line}:{problem.column}: {problem.message}" for problem in error.value.problems]


def only(file: Path, text: str | bytes, environment: Mapping[str, str] | None = None) -> str:
    """The one problem of a configuration."""
    [problem] = told(file, text, environment)
    return problem


# What it says


def test_the_smallest_configuration(file: Path) -> None:
    """Three sections are enough; all else has a default, and paths start from the file's folder."""
    loaded = load(file, SMALLEST)
    here = file.parent
    assert (loaded.site.title, loaded.site.url, loaded.site.language) == (
        "Everyday AI",
        "https://feeds.example.org/",
        "en",
    )
    assert (loaded.site.author, loaded.site.description, loaded.site.icon, loaded.site.copyright) == ("", "", "", "")
    assert loaded.site.timezone == "UTC"
    [source] = loaded.sources
    assert (source.name, source.folder) == ("articles", here / "articles")
    assert (source.include, source.exclude) == (("**/*.md", "**/*.markdown", "**/*.html", "**/*.htm"), ())
    assert source.timezone == "UTC"
    assert (source.base_url, source.limit) == ("https://feeds.example.org/", 2 * 1024 * 1024)
    assert (loaded.topics.path, loaded.topics.known, loaded.topics.minimum) == (None, (), 1)
    assert (loaded.topics.only_known, loaded.topics.children, loaded.topics.keywords) == (False, False, False)
    assert (loaded.feeds.entries, loaded.feeds.keep, loaded.feeds.related) == (50, timedelta(days=90), "attach")
    assert (loaded.merge.tracking, loaded.merge.near_duplicates) == ((), False)
    assert (loaded.merge.window, loaded.merge.similarity) == (timedelta(hours=72), 0.75)
    assert (loaded.output.path, loaded.output.formats) == (here / "public", ("rss", "atom", "json", "html"))
    assert loaded.store.path == here / ".aggregator"
    assert (loaded.watch.settle, loaded.watch.longest_wait) == (timedelta(milliseconds=500), timedelta(seconds=5))
    assert (loaded.watch.reconcile, loaded.watch.poll) == (timedelta(minutes=5), "auto")
    assert (loaded.schedule, loaded.websub.hubs) == ((), ())
    assert (loaded.hooks.published, loaded.hooks.timeout) == ((), timedelta(seconds=60))
    assert (loaded.metrics.address, loaded.metrics.textfile) == ("", None)
    assert (loaded.log.format, loaded.log.level) == ("auto", "info")
    assert loaded.runtime.path == here / ".aggregator"


def test_every_key(file: Path) -> None:
    """Each key is read as what it is."""
    loaded = load(
        file,
        """\
site:
  title: "Everyday\\n  AI"
  url: HTTPS://Feeds.Example.org/ai
  language: pt-BR
  author: Ada
  description: |
    What happens
    every day.
  icon: https://feeds.example.org/icon.png?v=2
  copyright: © Ada
  timezone: Europe/Berlin
sources:
  - path: ./articles//ai/
    include: ["*.md"]
    exclude: [drafts/**]
    base_url: https://blog.example.org
    timezone: America/New_York
    limit: 500KiB
  - path: /srv/articles
    limit: 1000
  - {path: blog, base_url: "https://www.example.org/blog*"}
topics:
  list:
    - C++
    - name: 機械学習
    - name: Meta  AI
      slug: meta
      aliases: [Facebook AI, FAIR]
      parent: c++
      keywords: [llama, meta  ai]
      description: What Meta publishes.
      image: https://www.example.org/meta.png
  minimum: 3
  only_known: On
  children: yes
  keywords: yes
feeds: {entries: 1000, keep: 0.5h, related: expand}
merge: {tracking: [ref_*, CMP], near_duplicates: yes, window: 1d, similarity: 1}
output: {path: ../public, formats: [atom]}
store: {path: /var/lib/aggregator}
watch: {settle: 0s, longest_wait: 1m, reconcile: 1h, poll: On}
schedule:
  - feeds: topics/ai
    cron: "0  7 * * *"
  - {feeds: "*", cron: "*/10 8-18 * * mon-fri"}
websub: {hubs: ["https://Hub.Example.org/?key=1", "http://localhost:8080"]}
hooks: {published: [purge, --all, " a  b ", ""], timeout: 5m}
metrics: {address: "[::1]:9464", textfile: metrics/aggregator.prom}
log: {format: json, level: debug}
runtime: {path: /run/aggregator}
""",
    )
    assert loaded.site.title == "Everyday AI"
    assert loaded.site.url == "https://feeds.example.org/ai/"
    assert loaded.site.description == "What happens\nevery day."
    assert (loaded.site.language, loaded.site.author, loaded.site.copyright) == ("pt-BR", "Ada", "© Ada")
    assert (loaded.site.icon, loaded.site.timezone) == ("https://feeds.example.org/icon.png?v=2", "Europe/Berlin")
    first, second, third = loaded.sources
    assert (first.name, first.folder) == ("articles/ai", file.parent / "articles/ai")
    assert (first.include, first.exclude) == (("*.md",), ("drafts/**",))
    assert (first.base_url, first.limit) == ("https://blog.example.org/", 500 * 1024)
    assert (second.name, second.folder, second.limit) == ("/srv/articles", Path("/srv/articles"), 1000)
    assert second.base_url == "https://feeds.example.org/ai/"
    assert third.base_url == "https://www.example.org/blog/*"
    assert (first.timezone, second.timezone) == ("America/New_York", "Europe/Berlin")
    assert loaded.topics.known == (
        KnownTopic(name="C++"),
        KnownTopic(name="機械学習"),
        KnownTopic(
            name="Meta AI",
            slug="meta",
            aliases=("Facebook AI", "FAIR"),
            parent="C++",
            keywords=("llama", "meta ai"),
            description="What Meta publishes.",
            image="https://www.example.org/meta.png",
        ),
    )
    assert (loaded.topics.minimum, loaded.topics.only_known) == (3, True)
    assert (loaded.topics.children, loaded.topics.keywords) == (True, True)
    assert (loaded.feeds.entries, loaded.feeds.keep, loaded.feeds.related) == (1000, timedelta(minutes=30), "expand")
    assert (loaded.merge.tracking, loaded.merge.near_duplicates) == (("ref_*", "CMP"), True)
    assert (loaded.merge.window, loaded.merge.similarity) == (timedelta(days=1), 1.0)
    assert (loaded.output.path, loaded.output.formats) == (file.parent / "../public", ("atom",))
    assert loaded.store.path == Path("/var/lib/aggregator")
    assert (loaded.watch.settle, loaded.watch.longest_wait) == (timedelta(), timedelta(minutes=1))
    assert (loaded.watch.reconcile, loaded.watch.poll) == (timedelta(hours=1), "yes")
    assert loaded.schedule == (
        Schedule(feeds="topics/ai", cron="0 7 * * *"),
        Schedule(feeds="*", cron="*/10 8-18 * * mon-fri"),
    )
    assert loaded.websub.hubs == ("https://hub.example.org/?key=1", "http://localhost:8080")
    assert loaded.hooks == Hooks(published=("purge", "--all", " a  b ", ""), timeout=timedelta(minutes=5))
    assert loaded.metrics == Metrics(address="[::1]:9464", textfile=file.parent / "metrics/aggregator.prom")
    assert loaded.log == Log(format="json", level="debug")
    assert loaded.runtime.path == Path("/run/aggregator")


def test_a_relative_file_gives_absolute_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths start from the file's folder wherever the program was started, and are absolute."""
    (tmp_path / "etc").mkdir()
    monkeypatch.chdir(tmp_path)
    Path("etc/a.yaml").write_text(SMALLEST)
    loaded = config.load(Path("etc/a.yaml"), {})
    assert loaded.output.path == tmp_path / "etc" / "public"
    assert loaded.store.path == tmp_path / "etc" / ".aggregator"
    assert loaded.sources[0].folder == tmp_path / "etc" / "articles"


def test_what_is_commented_out_has_its_default(file: Path) -> None:
    """A key without a value, as commenting out leaves it, is as good as absent."""
    text = SMALLEST + "topics:\n  # list: [AI]\nfeeds:\n  keep:\nstore: {}\n"
    assert load(file, text) == load(file, SMALLEST)


def test_a_byte_order_mark_is_skipped(file: Path) -> None:
    """What some editors put before the first letter changes nothing."""
    assert load(file, b"\xef\xbb\xbf" + SMALLEST.encode()) == load(file, SMALLEST)
    assert only(file, b"\xef\xbb\xbf[a]").startswith("1:1: a list")


@pytest.mark.parametrize("word", ["yes", "Yes", "on", "ON", "true", "True"])
def test_yes(file: Path, word: str) -> None:
    """Yes has three spellings, in any case."""
    assert load(file, f"{SMALLEST}topics: {{list: [AI], only_known: {word}}}\n").topics.only_known is True


@pytest.mark.parametrize("word", ["no", "No", "off", "OFF", "false", "False"])
def test_no(file: Path, word: str) -> None:
    """No has three spellings, in any case."""
    assert load(file, f"{SMALLEST}topics: {{list: [AI], only_known: {word}}}\n").topics.only_known is False


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("500ms", timedelta(milliseconds=500)),
        ("0.1s", timedelta(milliseconds=100)),
        ("10m", timedelta(minutes=10)),
        ("2h", timedelta(hours=2)),
        ("7d", timedelta(days=7)),
        ("0s", timedelta()),
        ("36525d", timedelta(days=36_525)),
    ],
)
def test_durations(file: Path, text: str, duration: timedelta) -> None:
    """A duration is a number and a unit."""
    assert load(file, f"{SMALLEST}feeds: {{keep: {text}}}\n").feeds.keep == duration


@pytest.mark.parametrize(("text", "size"), [("1", 1), ("1B", 1), ("2KiB", 2048), ("3 MiB", 3 << 20), ("1GiB", 1 << 30)])
def test_sizes(file: Path, text: str, size: int) -> None:
    """A size is a number of bytes, or of 1024, 1024² or 1024³ of them."""
    text = SMALLEST.replace("path: articles", f"path: articles\n    limit: {text}")
    assert load(file, text).sources[0].limit == size


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("https://example.org", "https://example.org/"),
        ("http://example.org:8080/feeds", "http://example.org:8080/feeds/"),
        ("https://example.org/feeds//", "https://example.org/feeds/"),
        ("HTTP://EXAMPLE.ORG/Feeds/", "http://example.org/Feeds/"),
        ("http://localhost:8080", "http://localhost:8080/"),
        ("https://bücher.example/ä", "https://xn--bcher-kva.example/%C3%A4/"),
        ("https://example.org/{a}", "https://example.org/%7Ba%7D/"),
    ],
)
def test_urls_are_absolute_escaped_and_end_in_a_slash(file: Path, written: str, url: str) -> None:
    """The site's URL is fit to be put before a feed's path, and into a feed."""
    assert load(file, SMALLEST.replace("https://feeds.example.org/", f"'{written}'")).site.url == url


def test_utc_needs_no_time_zones_installed(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine without a time zone database there is UTC, and no other zone."""
    for module in ("tzdata", *(name for name in sys.modules if name.startswith("tzdata."))):
        monkeypatch.setitem(sys.modules, module, None)
    zoneinfo.reset_tzpath(to=())
    zoneinfo.ZoneInfo.clear_cache()
    try:
        assert load(file, SMALLEST.replace("Everyday AI", "x\n  timezone: UTC")).site.timezone == "UTC"
        assert "expected a time zone" in only(file, SMALLEST.replace("Everyday AI", "x\n  timezone: Europe/Berlin"))
    finally:
        zoneinfo.reset_tzpath()


# The environment


def test_variables_are_taken_from_the_environment(file: Path) -> None:
    """`${NAME}` is the variable's value, in any text and in lists; `$${` is `${`; values are not looked through."""
    text = SMALLEST.replace("Everyday AI", "A ${X} $${X} $X ${Y}").replace("articles", "${DIR}/articles")
    loaded = load(
        file, f"{text}topics: {{list: ['${{X}}'], minimum: '${{N}}'}}\n", {"X": "x", "Y": "${X}", "DIR": "d", "N": "2"}
    )
    assert loaded.site.title == "A x ${X} $X ${X}"
    assert loaded.sources[0].name == "d/articles"
    assert (loaded.topics.known, loaded.topics.minimum) == ((KnownTopic("x"),), 2)


def test_a_variable_that_is_not_set_is_told(file: Path) -> None:
    """Each variable that is missing is named where it is used."""
    text = SMALLEST.replace("Everyday AI", "The ${TITLE}").replace("public", "${OUT}/x")
    assert told(file, text, {"OTHER": ""}) == [
        '2:10: "The ${TITLE}" for `site.title`, expected the environment variable TITLE to be set',
        '7:9: "${OUT}/x" for `output.path`, expected the environment variable OUT to be set',
    ]


@pytest.mark.parametrize("text", ["${", "${}", "${A B}", "${A", "${1}", "a ${-}"])
def test_a_broken_variable_is_told(file: Path, text: str) -> None:
    """`${` without a name and an end is no variable, and hardly meant as it stands."""
    assert "expected a name and `}` behind `${`" in only(file, SMALLEST.replace("Everyday AI", f"'{text}'"), {"A": ""})


def test_a_value_from_the_environment_is_never_told(file: Path) -> None:
    """A message shows what the file says: the value may be a secret."""
    problem = only(file, SMALLEST.replace("https://feeds.example.org/", "${TOKEN}"), {"TOKEN": "hush"})
    assert problem.startswith('3:8: "${TOKEN}" for `site.url`, expected an absolute URL')
    assert "hush" not in problem


@pytest.mark.parametrize("value", ["a\x07", "a\udcff", "\0", "\x7f"])
def test_control_characters_and_broken_text_are_told(file: Path, value: str) -> None:
    """What XML and paths can't hold is refused, from the environment and from escapes."""
    assert "expected a text without control characters" in only(
        file, SMALLEST.replace("Everyday AI", "${TITLE}"), {"TITLE": value}
    )
    assert "expected a text without control characters" in only(file, SMALLEST.replace("articles", '"a\\x07"'))


# What is wrong


def test_all_problems_are_told_at_once_in_the_order_of_the_file(file: Path) -> None:
    """One reading shows everything, with its place."""
    text = """\
sources:
  - path: articles/
  - path: ./articles/x
    limt: 3
  - limit: 0
  - foo
site:
  url: ftp://x
  urk: 3
feeds: {entries: 5000, keep: 90 days}
topics:
  list: [AI, {name: C++}, {nam: x}, [b]]
  only_known: maybe
output:
  formats: [rss, atm, rss]
  path: .
quux: 1
"""
    problems = f"""\
2:11: the source `articles` lies in the output folder, which is served whole; move one of them
3:11: the sources `articles` and `articles/x` share documents; keep the outer one, with `exclude` for parts of it
4:5: unknown key "sources.limt"; did you mean `sources.limit`?
5:5: no `sources.path` (a folder of documents); write for example `path: articles`
5:12: "0" for `sources.limit`, expected a size such as `500KiB`, `2MiB` or a number of bytes
6:5: "foo" for `sources`, expected a mapping of `path`, `include`, `exclude`, `base_url`, \
`timezone`, `fields`, `permalink`, `gone`, `limit`, `time_limit`, `memory_limit`, `html_limit`, `picture_limit`, \
`link_limit`, `related_limit`, `list_limit`, `spread_limit`
7:1: no `site.title` (the name of the site); write for example `title: Everyday AI`
8:8: "ftp://x" for `site.url`, expected an absolute URL with a full host name, such as `https://feeds.example.org/`
9:3: unknown key "site.urk"; did you mean `site.url`?
10:18: "5000" for `feeds.entries`, expected a whole number <= 1000
10:30: "90 days" for `feeds.keep`, expected a duration such as `500ms`, `0.1s`, `10m`, `2h` or `7d`
12:27: no `topics.list.name` (the topic's name); write for example `name: Machine Learning`
12:28: unknown key "topics.list.nam"; did you mean `topics.list.name`?
12:37: a list for `topics.list.name`, expected a text
13:15: "maybe" for `topics.only_known`, expected `yes` or `no`
15:12: a list for `output.formats`, expected no item twice
15:18: "atm" for `output.formats`, expected `rss` or `atom` or `json` or `html`
16:9: the store {file.parent}/.aggregator lies in the output folder, which is served whole; move one of them
17:1: unknown key "quux"; known keys are {SECTIONS}
"""
    assert told(file, text) == problems.splitlines()


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "---\n", "{}", "~"])
def test_an_empty_file_is_told_what_to_write(file: Path, text: str) -> None:
    """Of an empty configuration each section that it needs is shown; together they are one that works."""
    problems = told(file, text)
    assert [problem.split("`")[1] for problem in problems] == ["site", "sources", "output"]
    examples = [problem.split("`")[3] for problem in problems]
    assert load(file, "\n".join(examples)).site.title == "Everyday AI"


@pytest.mark.parametrize("empty", ["site:", "site: {}", "site: ''"])
def test_an_empty_section_is_missing(file: Path, empty: str) -> None:
    """A section that is needed and has nothing in it is told at its own line."""
    assert only(file, f"sources: [{{path: a}}]\noutput: {{path: b}}\n{empty}\n") == (
        "3:1: no `site`; write for example `site: {title: Everyday AI, url: https://feeds.example.org/}`"
    )


def test_no_sources_are_missing_sources(file: Path) -> None:
    """An empty list of sources is told like none."""
    text = SMALLEST.replace("sources:\n  - path: articles\n", "sources: []\n")
    assert only(file, text) == "4:1: no `sources`; write for example `sources: [{path: articles}]`"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"title: caf\xe9\n", "1:11: not UTF-8; save the file as UTF-8"),
        (SMALLEST.encode("utf-16"), "1:1: not UTF-8; save the file as UTF-8"),
        (b"site: {}\n\xffx", "2:1: not UTF-8; save the file as UTF-8"),
        (
            b"- site\n",
            f"1:1: a list, expected a mapping of {SECTIONS}",
        ),
        (
            b"site",
            f'1:1: "site", expected a mapping of {SECTIONS}',
        ),
    ],
)
def test_what_is_no_configuration_is_told(file: Path, text: bytes, problem: str) -> None:
    """Other text, and other encodings, are told at their place."""
    assert only(file, text) == problem


@pytest.mark.parametrize(
    "text", ["site: [", "a: b: c", "site: 1\nsite: 2\n", "a: &x 1\nb: *x\n", "[" * 10_000, "a: \t\n\t- b", "%"]
)
def test_broken_yaml_is_told(file: Path, text: str) -> None:
    """YAML that can't be read, or says a thing twice, is told in one problem at its place."""
    assert not only(file, text).startswith("0:")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("Everyday AI", "''", "no `site.title`"),
        ("Everyday AI", "' '", "expected a text that isn't empty"),
        ("Everyday AI", "[a]", "a list for `site.title`, expected a text"),
        ("Everyday AI", "{a: b}", "a mapping for `site.title`, expected a text"),
        ("https://feeds.example.org/", "//feeds.example.org/", "expected an absolute URL"),
        ("https://feeds.example.org/", "feeds.example.org", "expected an absolute URL"),
        ("https://feeds.example.org/", "https://intranet/", "expected an absolute URL with a full host name"),
        ("https://feeds.example.org/", "https:///feeds", "expected an absolute URL"),
        ("https://feeds.example.org/", "https://a b/", "expected an absolute URL"),
        ("https://feeds.example.org/", "https://a.example/a b/", "expected an absolute URL"),
        ("https://feeds.example.org/", "'https://a/\\n'", "expected an absolute URL"),
        ("https://feeds.example.org/", "https://a:b/", "expected an absolute URL"),
        ("https://feeds.example.org/", "'https://[::1'", "expected an absolute URL"),
        ("https://feeds.example.org/", "https://a..b/", "expected an absolute URL"),
        ("https://feeds.example.org/", "https://a.example/?b", "expected a URL without `?` and `#`"),
        ("https://feeds.example.org/", "https://a.example/?", "expected a URL without `?` and `#`"),
        ("https://feeds.example.org/", "https://a.example/#b", "expected a URL without `?` and `#`"),
        ("https://feeds.example.org/", "https://me:pass@a.example/", "expected a URL without user name and password"),
        ("output:", "feeds: {entries: 0}\noutput:", '"0" for `feeds.entries`, expected a whole number >= 1'),
        ("output:", "feeds: {entries: 1001}\noutput:", "expected a whole number <= 1000"),
        ("output:", "feeds: {entries: 5.0}\noutput:", "expected a whole number"),
        ("output:", "feeds: {entries: ٥}\noutput:", "expected a whole number"),
        ("output:", f"feeds: {{entries: {'9' * 5000}}}\noutput:", "expected a whole number"),
        ("output:", "feeds: {keep: 90}\noutput:", "expected a duration such as"),
        ("output:", "feeds: {keep: -1d}\noutput:", "expected a duration such as"),
        ("output:", "feeds: {keep: 36526d}\noutput:", "expected a duration of at most `36525d`"),
        ("output:", "feeds: {keep: 999999999999d}\noutput:", "expected a duration of at most `36525d`"),
        ("output:", "topics: {minimum: 0}\noutput:", "expected a whole number >= 1"),
        ("output:", "topics: {list: AI}\noutput:", '"AI" for `topics.list`, expected a list'),
        ("output:", "topics: {list: [AI, ~]}\noutput:", "no `topics.list.name` (the topic's name)"),
        ("output:", "topics: {list: [[AI]]}\noutput:", "a list for `topics.list.name`, expected a text"),
        ("output:", "topics: {list: [' ']}\noutput:", "for `topics.list.name`, expected a text that isn't empty"),
        ("output:", "topics: {list: [{slug: ai}]}\noutput:", "no `topics.list.name` (the topic's name)"),
        (
            "output:",
            "topics: {list: [{name: AI, slug: A I}]}\noutput:",
            '"A I" for `topics.list.slug`, expected letters',
        ),
        ("output:", "topics: {list: [{name: AI, slug: ai/x}]}\noutput:", "expected letters and digits in lower case"),
        ("output:", "topics: {list: [{name: AI, slug: ..}]}\noutput:", "expected letters and digits in lower case"),
        (
            "output:",
            "topics: {list: [{name: AI, aliases: A}]}\noutput:",
            '"A" for `topics.list.aliases`, expected a list',
        ),
        ("output:", "topics: {list: [{name: AI, keywords: A}]}\noutput:", "expected a list"),
        ("output:", "topics: {list: [{name: AI, keywords: ['']}]}\noutput:", "expected a text that isn't empty"),
        (
            "output:",
            "topics: {list: [{name: AI, parent: [A]}]}\noutput:",
            "a list for `topics.list.parent`, expected a text",
        ),
        ("output:", "topics: {list: [{name: AI, image: /a.png}]}\noutput:", "expected an absolute URL"),
        ("output:", "topics: {list: [{name: AI, keyword: [a]}]}\noutput:", "did you mean `topics.list.keywords`?"),
        ("output:", "topics: {children: maybe}\noutput:", '"maybe" for `topics.children`, expected `yes` or `no`'),
        ("output:", "topics: {keywords: [a]}\noutput:", "a list for `topics.keywords`, expected a text"),
        ("output:", "topics: {path: ~/topics}\noutput:", "expected a path without `~`"),
        ("output:", "topics: {path: ''}\noutput:", "for `topics.path`, expected a path"),
        ("output:", "topics: []\noutput:", "a list for `topics`, expected a mapping"),
        ("output:", "topics: AI\noutput:", "expected a mapping of `path`, `list`, `minimum`, `only_known`"),
        ("output:", "feeds: {related: Attach}\noutput:", "expected `attach` or `expand` or `collapse`"),
        ("output:", "merge: {tracking: ref_*}\noutput:", '"ref_*" for `merge.tracking`, expected a list'),
        ("output:", "merge: {tracking: ['*']}\noutput:", '"*" for `merge.tracking`, expected a pattern for the name'),
        ("output:", "merge: {tracking: ['?ref=*']}\noutput:", "expected a pattern for the name of a query parameter"),
        ("output:", "merge: {tracking: ['a b']}\noutput:", "expected a pattern for the name of a query parameter"),
        ("output:", "merge: {near_duplicates: 2}\noutput:", "expected `yes` or `no`"),
        ("output:", "merge: {window: 0h}\noutput:", '"0h" for `merge.window`, expected a duration longer than none'),
        ("output:", "merge: {window: 3}\noutput:", "expected a duration such as"),
        ("output:", "merge: {similarity: 0.59}\noutput:", "for `merge.similarity`, expected a number >= 0.6"),
        ("output:", "merge: {similarity: 1.01}\noutput:", "for `merge.similarity`, expected a number <= 1"),
        ("output:", "merge: {similarity: 80%}\noutput:", "expected a number such as `0.8`"),
        ("output:", "merge: {similarity: nan}\noutput:", "expected a number such as `0.8`"),
        ("output:", "merge: {windw: 3h}\noutput:", "did you mean `merge.window`?"),
        ("output:", "watch: {settle: 0}\noutput:", "expected a duration such as"),
        ("output:", "watch: {longest_wait: 0s, settle: 0s}\noutput:", "expected a duration longer than none"),
        ("output:", "watch: {reconcile: 0s}\noutput:", "expected a duration longer than none"),
        ("output:", "watch: {poll: maybe}\noutput:", '"maybe" for `watch.poll`, expected `auto`, `yes` or `no`'),
        ("output:", "schedule: 0 7 * * *\noutput:", '"0 7 * * *" for `schedule`, expected a list, each item behind'),
        ("output:", "schedule: [{feeds: all}]\noutput:", 'write for example `cron: "0 7 * * *"`'),
        ("output:", "schedule: [{cron: 0 7 * * *}]\noutput:", "write for example `feeds: topics/*`"),
        ("output:", "schedule: [{feeds: ai, cron: 0 7 * * *}]\noutput:", "expected the name of a feed such as `all`"),
        ("output:", "schedule: [{feeds: /all, cron: 0 7 * * *}]\noutput:", "or a pattern such as `topics/*`"),
        ("output:", "schedule: [{feeds: all, cron: 0 7 * *}]\noutput:", '"0 7 * *" for `schedule.cron`, expected '),
        ("output:", "schedule: [{feeds: all, cron: 60 7 * * *}]\noutput:", "for `schedule.cron`, expected "),
        ("output:", "schedule: [{feeds: all, cron: daily}]\noutput:", "for `schedule.cron`, expected "),
        ("output:", "websub: {hubs: https://a.example/}\noutput:", "for `websub.hubs`, expected a list"),
        ("output:", "websub: {hubs: [ftp://a.example/]}\noutput:", "for `websub.hubs`, expected an absolute URL"),
        ("output:", "websub: {hubs: ['https://me:x@a.example/']}\noutput:", "without user name and password"),
        (
            "output:",
            "websub: {hubs: [https://a.example/, HTTPS://A.example/]}\noutput:",
            "a list for `websub.hubs`, expected no item twice",
        ),
        (
            "output:",
            "hooks: {published: purge --all}\noutput:",
            '"purge --all" for `hooks.published`, expected a list such as `[purge-cache, --all]`',
        ),
        ("output:", "hooks: {published: ['', --all]}\noutput:", "expected a program first, then its arguments"),
        ("output:", "hooks: {published: [purge, [a]]}\noutput:", "a list for `hooks.published`, expected a text"),
        ("output:", "hooks: {timeout: 0s}\noutput:", "expected a duration longer than none"),
        ("output:", "hooks: {timeout: 25h}\noutput:", "expected a duration of at most `1d`"),
        ("output:", "metrics: {textfile: metrics.txt}\noutput:", "expected a file whose name ends in `.prom`"),
        ("output:", "metrics: {textfile: .prom}\noutput:", "expected a file whose name ends in `.prom`"),
        ("output:", "log: {format: JSON}\noutput:", "expected `auto` or `logfmt` or `json`"),
        ("output:", "log: {level: trace}\noutput:", "expected `debug` or `info` or `warning` or `error`"),
        ("output:", "runtime: {path: ~/run}\noutput:", "expected a path without `~`"),
        ("path: articles", 'path: "a\\nb"', "expected a path on one line"),
        ("path: articles", "path: articles\n    limit: 2MB", "expected a size such as"),
        ("path: articles", "path: articles\n    include: []", "expected a list that isn't empty"),
        ("path: articles", "path: ~/articles", "expected a path without `~`"),
        ("path: public", "path: public\n  formats: []", "expected a list that isn't empty"),
        (
            "path: public",
            "path: public\n  formats: [RSS]",
            '"RSS" for `output.formats`, expected `rss` or `atom` or `json` or `html`',
        ),
        ("Everyday AI", "x\n  language: en_US", "expected a language tag such as `en` or `pt-BR`"),
        ("Everyday AI", "x\n  icon: /icon.png", "expected an absolute URL"),
        ("Everyday AI", "x\n  timezone: Mars/Base", "expected a time zone such as `UTC` or `Europe/Berlin`"),
        ("Everyday AI", "x\n  timezone: Europe", "expected a time zone"),
        ("Everyday AI", "x\n  timezone: ../../etc/passwd", "expected a time zone"),
        ("Everyday AI", "x\n  timezone: /etc/passwd", "expected a time zone"),
        (
            "path: articles",
            "path: articles\n    timezone: CEST",
            '"CEST" for `sources.timezone`, expected a time zone such as `UTC` or `Europe/Berlin`',
        ),
    ],
)
def test_a_value_that_is_not_as_it_should_be(file: Path, old: str, new: str, problem: str) -> None:
    """Each value is checked, and what was expected is told."""
    assert problem in only(file, SMALLEST.replace(old, new))


def test_the_same_format_twice(file: Path) -> None:
    """A format is named once."""
    assert "expected no item twice" in only(file, SMALLEST + "  formats: [rss, rss]\n")
    assert [problem[:5] for problem in told(file, SMALLEST + "  formats: [a, b]\n")] == ["8:13:", "8:16:"]


@pytest.mark.parametrize("address", ["127.0.0.1:1", "127.9.9.9:65535", "[::1]:9464", "localhost:9464"])
def test_metrics_are_told_on_loopback(file: Path, address: str) -> None:
    """An address that only this machine reaches is taken as it is."""
    assert load(file, f"{SMALLEST}metrics: {{address: '{address}'}}\n").metrics.address == address


@pytest.mark.parametrize(
    "address",
    ["9464", ":9464", "0.0.0.0:9464", "[::]:9464", "192.168.1.1:9464", "example.org:9464", "127.1:9464", "127.0.0.1"],
)
def test_metrics_are_told_nowhere_else(file: Path, address: str) -> None:
    """Metrics have no password, so an address that others reach is refused, and the reason told."""
    problem = only(file, f"{SMALLEST}metrics: {{address: '{address}'}}\n")
    assert problem.startswith(f'8:20: "{address}" for `metrics.address`, expected `host:port` on loopback such as')
    assert "whoever reaches it can read it" in problem


@pytest.mark.parametrize("address", ["127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:٥", "[::1:1", "::1:1"])
def test_metrics_have_a_port(file: Path, address: str) -> None:
    """From 1 to 65535, behind an address that is written as in a URL."""
    assert "expected `host:port` on loopback" in only(file, f"{SMALLEST}metrics: {{address: '{address}'}}\n")


@pytest.mark.parametrize("watch", ["longest_wait: 499ms", "settle: 6s", "settle: 2s, longest_wait: 1s"])
def test_a_stream_of_events_is_not_cut_off_before_a_file_can_settle(file: Path, watch: str) -> None:
    """The longest wait is at least the settle time; where it isn't, both are named."""
    problem = only(file, f"{SMALLEST}watch: {{{watch}}}\n")
    assert "`watch.longest_wait` is shorter than `watch.settle`" in problem
    assert problem.startswith("8:")
    assert load(file, f"{SMALLEST}watch: {{settle: 5s, longest_wait: 5s}}\n")


def test_a_hook_that_is_a_path_starts_from_the_folder_of_the_file(file: Path) -> None:
    """As all paths do; a mere name is looked for in $PATH, and arguments are left alone."""
    published = [
        load(file, f"{SMALLEST}hooks: {{published: [{program}, ./x]}}\n").hooks.published
        for program in ("bin/purge", "/bin/purge", "purge")
    ]
    assert published == [(str(file.parent / "bin/purge"), "./x"), ("/bin/purge", "./x"), ("purge", "./x")]


# Folders


@pytest.mark.parametrize(
    "other", ["articles", "./articles/", "articles/../articles", "articles/sub", ".", "link", "link/sub"]
)
def test_sources_that_share_documents_are_told(file: Path, other: str) -> None:
    """Sources that are one folder, or inside one another, are told by their names, links or not."""
    (file.parent / "articles").mkdir()
    (file.parent / "link").symlink_to("articles")
    problem = only(file, SMALLEST.replace("articles", f"articles\n  - path: {other}"))
    assert problem.startswith(f"6:11: the sources `articles` and `{os.path.normpath(other)}` share documents")


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        ("{titel: [x]}", '14: unknown field "titel"; did you mean `title`?'),
        ("{weburl: [x]}", '14: unknown field "weburl"; did you mean `webUrl`?'),
        ("{tags: [x]}", "14: `tags` is called `topics` here"),
        ("{Date: [x]}", "14: `Date` is called `publishedDateTime` here"),
        ("{draft: [x]}", "14: `draft` has no other names: it decides what may be seen"),
        ("{title: [x, Title]}", "25: `title` by its own name is what it is anyway; name what else it is called"),
        ("{title: [name], excerpt: [name]}", '39: "name" is `title` already, and can\'t be `excerpt` too'),
        ("{title: published}", "21: \"published\" can't be another field: it decides what may be seen"),
        ("{excerpt: a.Secured}", "23: \"a.Secured\" can't be another field: it decides what may be seen"),
        ("{title: a..b}", '21: "a..b" is no name of a field, expected one such as `date` or `params.date`'),
        ("{title: excerpt, excerpt: x}", '21: "excerpt" has other names itself here, and can\'t be one of `title`'),
        ("{title: {a: b}}", "21: a mapping for `sources.fields.title`, expected a text"),
        ("{title: [x, [y]]}", "25: a list for `sources.fields.title`, expected a text"),
        ("[title]", "13: a list for `sources.fields`, expected a mapping of names to lists"),
    ],
)  # fmt: skip
def test_names_of_fields_that_cannot_be_are_told(file: Path, names: str, problem: str) -> None:
    """Fields that there aren't, fields that feed on each other, and those that decide what may be seen."""
    text = SMALLEST.replace("path: articles", f"path: articles\n    fields: {names}")
    assert only(file, text) == f"6:{problem}"


def test_names_of_fields_and_permalinks(file: Path) -> None:
    """A text is a list of one; a pattern may go by the name that Jekyll has for it."""
    more = "fields: {webUrl: [external-url, a.b], excerpt: lead}\n    permalink: pretty"
    [source] = load(file, SMALLEST.replace("path: articles", f"path: articles\n    {more}")).sources
    assert source.fields == (("webUrl", ("external-url", "a.b")), ("excerpt", ("lead",)))
    assert source.permalink == "/:categories/:year/:month/:day/:title/"
    problem = only(file, SMALLEST.replace("path: articles", "path: articles\n    permalink: /:year/"))
    assert "expected a placeholder that tells documents apart" in problem


def test_sources_side_by_side(file: Path) -> None:
    """Folders whose names begin alike are not inside one another."""
    assert len(load(file, SMALLEST.replace("articles", "articles\n  - path: articles-2")).sources) == 2


def test_links_in_circles_are_no_crash(file: Path) -> None:
    """A source whose folder can't be resolved is dealt with when it is read."""
    (file.parent / "articles").symlink_to("articles")
    assert load(file, SMALLEST).sources[0].folder == file.parent / "articles"


@pytest.mark.parametrize("output", ["articles", ".", "articles/..", "link"])
def test_a_source_in_the_output_folder_is_told(file: Path, output: str) -> None:
    """What is served whole can't hold the documents; the output folder may lie in a source, though."""
    (file.parent / "articles").mkdir()
    (file.parent / "link").symlink_to("articles")
    text = SMALLEST.replace("public", output) + "store: {path: ../store}\n"
    assert only(file, text).startswith("5:11: the source `articles` lies in the output folder")
    assert load(file, SMALLEST.replace("public", "articles/public"))


@pytest.mark.parametrize(("store", "place"), [("public", "9:9"), ("public/store", "9:9"), ("./x/../public/a/b", "9:9")])
def test_a_store_in_the_output_folder_is_told(file: Path, store: str, place: str) -> None:
    """The store would be served."""
    assert only(file, f"{SMALLEST}store:\n  path: {store}\n").startswith(f"{place}: the store {file.parent}/")


@pytest.mark.parametrize("runtime", ["", "runtime:\n", "runtime: {}\n", "runtime: {path: }\n"])
def test_the_runtime_folder_is_the_store_where_none_is_named(file: Path, runtime: str) -> None:
    """Wherever that is."""
    assert load(file, f"{SMALLEST}store: {{path: store}}\n{runtime}").runtime.path == file.parent / "store"
    assert load(file, f"{SMALLEST}store: {{path: store}}\nruntime: {{path: .}}\n").runtime.path == file.parent


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("runtime: {path: public/run}", "8:17: the runtime folder"),
        ("metrics: {textfile: ./public/x.prom}", "8:21: the file"),
    ],
)
def test_nothing_of_the_daemon_lies_in_the_output_folder(file: Path, line: str, problem: str) -> None:
    """It would be served; a store there is told once, although the runtime folder follows it."""
    assert only(file, f"{SMALLEST}{line}\n").startswith(problem)
    assert "the store" in only(file, f"{SMALLEST}store: {{path: public}}\n")


def test_an_output_folder_in_the_store_is_well(file: Path) -> None:
    """What holds the store isn't served with the feeds."""
    assert load(file, SMALLEST.replace("public", "store/public") + "store: {path: store}\n")


# The file


def test_a_file_that_is_not_there(file: Path) -> None:
    """A missing file is told by its path as given."""
    with pytest.raises(ConfigurationError) as error:
        config.load(file, {})
    assert (
        str(error.value)
        == f"{file}: error: can't be read: No such file or directory; name the configuration with -c FILE"
    )


def test_what_is_no_file(tmp_path: Path) -> None:
    """A folder is told, and a pipe isn't waited for."""
    os.mkfifo(tmp_path / "pipe")
    for path, problem in (
        (tmp_path, "a folder"),
        (tmp_path / "pipe", "expected a plain file"),
        (Path("/dev/zero"), "expected"),
    ):
        with pytest.raises(ConfigurationError, match=problem):
            config.load(path, {})


def test_a_file_too_large(file: Path) -> None:
    """What is far too large to be a configuration isn't read."""
    assert "expected a plain file of at most 1 MiB" in only(file, b"#" * (1 << 20) + b"\n")


def test_a_file_that_may_not_be_read(file: Path) -> None:
    """Without the right to read it, the file is told with the reason."""
    file.write_text(SMALLEST)
    file.chmod(0)
    file.parent.chmod(0o755)

    def refused() -> None:
        with pytest.raises(ConfigurationError, match=r"aggregator\.yaml: error: can't be read: Permission denied"):
            config.load(Path("aggregator.yaml"), {})

    assert as_nobody(file.parent, refused) == 0


# Finding it


def test_the_first_in_a_usual_place_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is named goes before the environment, that before the folder, and that before `config`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "aggregator.yaml").touch()
    assert config.find(None, {}) == Path("config/aggregator.yaml")
    (tmp_path / "aggregator.yaml").touch()
    assert config.find(None, {"AGGREGATOR_CONFIG": ""}) == Path("aggregator.yaml")
    assert config.find(None, {"AGGREGATOR_CONFIG": "other.yaml"}) == Path("other.yaml")
    assert config.find(Path("given.yaml"), {"AGGREGATOR_CONFIG": "other.yaml"}) == Path("given.yaml")


def test_none_found_tells_where_and_what_to_write(tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no configuration is found, all places are told, and a configuration that works."""
    monkeypatch.chdir(tmp_path)
    if Path("/etc/aggregator/aggregator.yaml").exists():
        pytest.skip("this machine has a configuration in /etc/aggregator")
    (tmp_path / "config").touch()
    with pytest.raises(ConfigurationError) as error:
        config.find(None, {})
    message = str(error.value)
    assert "./aggregator.yaml, ./config/aggregator.yaml, /etc/aggregator/aggregator.yaml" in message
    assert "-c FILE" in message
    assert "$AGGREGATOR_CONFIG" in message
    assert load(file, message.partition("with at least: ")[2]).site.title == "Everyday AI"


def test_one_that_may_not_be_seen_is_found(tmp_path: Path) -> None:
    """A configuration in a closed folder is not passed over in silence: reading it tells why it can't be."""
    closed = tmp_path / "config"
    closed.mkdir()
    (closed / "aggregator.yaml").write_text(SMALLEST)
    closed.chmod(0)
    tmp_path.chmod(0o755)

    def found() -> None:
        assert config.find(None, {}) == Path("config/aggregator.yaml")
        with pytest.raises(ConfigurationError, match="Permission denied"):
            config.load(Path("config/aggregator.yaml"), {})

    try:
        assert as_nobody(tmp_path, found) == 0
    finally:
        closed.chmod(0o755)


# Anything


WORDS = ["yes", "90d", "rss", "https://a.b/", "${A}", "${", "$${", "~", "", "1", "a/b"]
SCALARS = st.sampled_from(WORDS) | st.text(max_size=5)
VALUES = SCALARS | st.none() | st.lists(SCALARS, max_size=2) | st.dictionaries(st.just("name"), SCALARS)
SECTION_KINDS = (Site, Source, Topics, Feeds, Merge, Output, Watch, Schedule, Websub, Hooks, Metrics, Log, Runtime)
KEYS = [key.encode_name for section in SECTION_KINDS for key in fields(section)]
TOPICS = st.dictionaries(st.sampled_from([field.encode_name for field in fields(KnownTopic)]), VALUES)
ANY_SECTION = st.dictionaries(st.sampled_from(KEYS), VALUES | st.lists(SCALARS | TOPICS, max_size=3), max_size=6)


@given(
    values=st.dictionaries(
        st.sampled_from([*(field.encode_name for field in fields(Config)), "x"]),
        VALUES | ANY_SECTION | st.lists(ANY_SECTION, max_size=3),
    )
)
def test_whatever_it_says_it_is_loaded_or_told(tmp_path_factory: pytest.TempPathFactory, values: object) -> None:
    """No configuration brings the program down, and each problem has a place and fits on a line."""
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_text(json.dumps(values))
    try:
        config.load(file, {"A": "a"})
    except ConfigurationError as error:
        problems = error.problems
    else:
        return
    assert problems
    assert all(problem.line and problem.column and problem.message.isprintable() for problem in problems)
