"""The feeds that a configuration makes up: what it may say of them, and how it is told what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import fields

from aggregator import config
from aggregator.config import Condition, Custom, Feeds
from aggregator.config.types import Age, Range
from aggregator.errors import ConfigurationError

HEAD = """\
site: {title: Everyday AI, url: https://feeds.example.org/}
sources: [{path: articles}]
output: {path: public}
feeds:
"""
CONDITION = ", ".join(f"`{field.encode_name}`" for field in fields(Condition))
KEYS = ", ".join(f"`{field.encode_name}`" for field in fields(Custom))
TOO_YOUNG = "no article is old enough for `where` and young enough for `age`; make `age` longer than `where.age.over`"
NOTHING = "a condition that asks nothing, expected one such as `type: video`; or leave it out"
NAME = "expected a name that no other feed or folder has, such as `weekend-reads`"
SLUG = "expected letters and digits in lower case, single hyphens between them, such as `machine-learning`"
TOKEN = "expected at least 16 and at most 128 letters, digits, `-` or `_`, such as `openssl rand -hex 16` prints"
DURATION = "expected a duration such as `500ms`, `0.1s`, `10m`, `2h` or `7d`"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "aggregator.yaml"


def load(file: Path, feeds: str, head: str = HEAD, environment: Mapping[str, str] | None = None) -> Feeds:
    """The section `feeds`, whose keys begin in column 3 of line 5."""
    file.write_text(head + "".join(f"  {line}\n" for line in feeds.splitlines()), encoding="utf-8")
    return config.load(file, environment or {}).feeds


def told(file: Path, feeds: str, head: str = HEAD, environment: Mapping[str, str] | None = None) -> list[str]:
    """The problems, each as `line:column: message`."""
    with pytest.raises(ConfigurationError) as error:
        load(file, feeds, head, environment)
    assert {problem.path for problem in error.value.problems} == {str(file)}
    return [f"{problem.line}:{problem.column}: {problem.message}" for problem in error.value.problems]


def custom(key: str) -> str:
    """A feed with a key besides its name, which begins in column 5 of line 7."""
    return f"custom:\n- name: x\n  {key}"


# What it says


def test_every_key_of_a_feed_that_is_made_up(file: Path) -> None:
    """Short or long, each is read as what it is."""
    found = load(
        file,
        """\
per_provider: 2
archives: yes
categories: on
providers: True
types: Yes
custom:
- name: weekend-reads
  title: Weekend  reads
  description: For slow hours.
  order: quality
  entries: 20
  per_provider: 0
  age: 30d
  formats: [atom, html]
  token: ${TOKEN}
  where:
    all:
    - topics: [AI, Machine  Learning]
      language: pt-BR
    - any:
      - provider: post.example
      - text: [tide kite, winter]
      - category: news
    not: {type: video}
    quality: 3
    heat: {at_least: 0, at_most: 9}
    age: {over: 1h}
    image: no
- name: daily
  digest: daily
  stories: 5
""",
        environment={"TOKEN": "0123456789abcdef"},
    )
    assert (found.per_provider, found.archives, found.categories, found.providers, found.types) == (2, *[True] * 4)
    reads, daily = found.custom
    assert reads == Custom(
        name="weekend-reads",
        title="Weekend  reads",
        description="For slow hours.",
        order="quality",
        entries=20,
        per_provider=0,
        age=timedelta(days=30),
        formats=("atom", "html"),
        token="0123456789abcdef",
        where=Condition(
            all=(
                Condition(topics=("AI", "Machine Learning"), language=("pt-BR",)),
                Condition(
                    any=(
                        Condition(provider=("post.example",)),
                        Condition(text=("tide kite", "winter")),
                        Condition(category=("news",)),
                    )
                ),
            ),
            none=(Condition(type=("video",)),),
            quality=Range(at_least=3),
            heat=Range(at_least=0, at_most=9),
            age=Age(over=timedelta(hours=1)),
            image=False,
        ),
    )
    assert daily == Custom(name="daily", digest="daily", stories=5)


def test_a_feed_needs_a_name_alone(file: Path) -> None:
    """It shows everything, as all feeds do, and whoever says nothing of feeds has none made up."""
    (only,) = load(file, "custom: [{name: x}]").custom
    assert only == Custom(name="x")
    assert (only.where, only.entries, only.per_provider, only.token, only.digest) == (Condition(), None, None, "", "")
    empty = load(file, "")
    assert (empty.custom, empty.per_provider, empty.archives) == ((), 0, False)
    assert (empty.categories, empty.providers, empty.types) == (False, False, False)


@pytest.mark.parametrize(
    "written", ["title:", "where: {type: video, topics: }", "order:", "digest: ~", "entries:", "token: ''"]
)
def test_what_is_commented_out_is_not_given(file: Path, written: str) -> None:
    """As everywhere in the configuration."""
    where = "where: {type: video}\n  " if "where" not in written else ""
    assert load(file, custom(where + written)) == load(file, custom("where: {type: video}"))


@pytest.mark.parametrize("name", ["x", "weekend-reads", "機械学習", "2026", "alles", "topic"])
def test_a_name_is_a_folder(file: Path, name: str) -> None:
    """Of any script."""
    assert load(file, f"custom: [{{name: {name}}}]").custom[0].name == name


@pytest.mark.parametrize("where", ["{type: video, not: {type: video}}", "{not: [{image: yes}, {image: no}]}"])
def test_what_matches_nothing_or_everything_may_be_asked(file: Path, where: str) -> None:
    """Who knows what documents will come: only limits that leave no room are told."""
    assert load(file, custom(f"where: {where}")).custom[0].where != Condition()


# What is wrong


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *((name, NAME) for name in ("all", "topics", "custom", "archive", "categories", "providers", "types")),
        *((name, SLUG) for name in ("Reads", "a b", "a/b", "..", "index.html", "-a", "a--b", "'#'")),
    ],
)
def test_a_name_that_is_another_ones_is_told(file: Path, name: str, expected: str) -> None:
    """Or none at all."""
    quoted = '"' + name.strip("'") + '"'
    assert told(file, f"custom:\n- name: {name}") == [f"6:11: {quoted} for `feeds.custom.name`, {expected}"]


def test_a_feed_without_a_name_is_told(file: Path) -> None:
    """Where it begins."""
    no_name = "no `feeds.custom.name` (the feed's folder); write for example `name: weekend-reads`"
    assert told(file, "custom:\n- title: X\n- name:\n- name: ''\n-") == [
        f"6:5: {no_name}",
        f"7:5: {no_name}",
        f"8:5: {no_name}",
        f"9:4: {no_name}",
    ]


def test_two_feeds_of_one_name_are_told(file: Path) -> None:
    """The second one and each that follows, with where the first is; whatever else is wrong with them."""
    assert told(
        file, "custom:\n- name: a\n- name: b\n  title: B\n- {title: A, name: a, order: x}\n- {nam: c}\n- name: b"
    ) == [
        '9:22: the feed "a" again, first given in line 6; give one another `name`',
        '9:32: "x" for `feeds.custom.order`, expected `date` or `heat` or `quality`',
        "10:5: no `feeds.custom.name` (the feed's folder); write for example `name: weekend-reads`",
        '10:6: unknown key "feeds.custom.nam"; did you mean `feeds.custom.name`?',
        '11:11: the feed "b" again, first given in line 7; give one another `name`',
    ]


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("wher: {type: x}", '7:5: unknown key "feeds.custom.wher"; did you mean `feeds.custom.where`?'),
        ("limit: 3", f'7:5: unknown key "feeds.custom.limit"; known keys are {KEYS}'),
        ("where: {topic: AI}",
         '7:13: unknown key "feeds.custom.where.topic"; did you mean `feeds.custom.where.topics`?'),
        ("where: {none: {type: x}}", f'7:13: unknown key "feeds.custom.where.none"; known keys are {CONDITION}'),
        ("where: {any: [{type: x}, {langage: en}]}",
         '7:31: unknown key "feeds.custom.where.any.langage"; did you mean `feeds.custom.where.any.language`?'),
        ("where: {quality: {least: 3}}",
         '7:23: unknown key "feeds.custom.where.quality.least"; did you mean `feeds.custom.where.quality.at_least`?'),
        ("where: {age: {below: 3d}}",
         '7:19: unknown key "feeds.custom.where.age.below"; known keys are `over`, `under`'),
    ],
)  # fmt: skip
def test_an_unknown_key_is_told_with_the_nearest(file: Path, written: str, problem: str) -> None:
    """However deep it is; where none is near, with all that there are."""
    assert told(file, custom(written)) == [problem]


@pytest.mark.parametrize(
    ("written", "place"),
    [
        ("where: {}", "7:12"),
        ("where:", "7:11"),
        ("where: {all: [{}]}", "7:19"),
        ("where: {any: [{type: x}, {}]}", "7:30"),
        ("where: {not: {}}", "7:18"),
        ("where: {not: [{any: [{type: x}, {all: [{type: x}, {}]}]}]}", "7:55"),
    ],
)
def test_a_condition_that_asks_nothing_is_told(file: Path, written: str, place: str) -> None:
    """Whoever wrote it meant something, and it would let everything in, or nothing."""
    assert told(file, custom(written)) == [f"{place}: {NOTHING}"]


@pytest.mark.parametrize("key", ["all", "any", "not"])
def test_an_empty_list_of_conditions_is_told(file: Path, key: str) -> None:
    """For the same reason."""
    assert told(file, custom(f"where: {{{key}: [], type: video}}")) == [
        f"7:{15 + len(key)}: a list for `feeds.custom.where.{key}`, expected a list that isn't empty"
    ]


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("where: {age: {over: 7d, under: 3d}}", "7:36: no article is both so old and so young; make `under` longer"),
        ("where: {age: {under: 72h, over: 3d}}", "7:26: no article is both so old and so young; make `under` longer"),
        ("where: {any: [{age: {over: 2d, under: 1d}}]}",
         "7:43: no article is both so old and so young; make `under` longer"),
        ("where: {age: {over: 3d}}\n  age: 3d",
         f"8:10: {TOO_YOUNG}"),
        ("age: 0s", '7:10: "0s" for `feeds.custom.age`, expected a duration longer than none'),
        ("where: {quality: {at_least: 5, at_most: 3}}", "7:33: no number is at least 5 and at most 3; swap them"),
        ("where: {not: [{heat: {at_most: 0, at_least: 1}}]}", "7:49: no number is at least 1 and at most 0; swap them"),
        ("digest: daily\n  age: 7d", "8:10: a digest keeps its entries; leave `age` out"),
    ],
)  # fmt: skip
def test_limits_that_leave_no_room_are_told(file: Path, written: str, problem: str) -> None:
    """Where one of them is to be changed."""
    assert told(file, custom(written)) == [problem]


@pytest.mark.parametrize("token", ["short", "fifteen-letters", "a b c d e f g h i j", "0123456789abcdef/", "x" * 129])
def test_a_token_that_is_easy_to_guess_or_no_part_of_an_address_is_told(file: Path, token: str) -> None:
    """With how to make one."""
    assert told(file, custom(f"token: {token}")) == [f'7:12: "(not shown)" for `feeds.custom.token`, {TOKEN}']


def test_a_token_from_the_environment_is_never_told(file: Path) -> None:
    """It may be almost right."""
    assert told(file, custom("token: ${TOKEN}"), environment={"TOKEN": "hush hush hush hush"}) == [
        f'7:12: "(not shown)" for `feeds.custom.token`, {TOKEN}'
    ]


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("order: newest", '7:12: "newest" for `feeds.custom.order`, expected `date` or `heat` or `quality`'),
        ("entries: 0", '7:14: "0" for `feeds.custom.entries`, expected a whole number >= 1'),
        ("entries: 1001", '7:14: "1001" for `feeds.custom.entries`, expected a whole number <= 1000'),
        ("per_provider: -1", '7:19: "-1" for `feeds.custom.per_provider`, expected a whole number >= 0'),
        ("age: a week", f'7:10: "a week" for `feeds.custom.age`, {DURATION}'),
        ("formats: [rss, rss]", "7:14: a list for `feeds.custom.formats`, expected no item twice"),
        ("formats: [rdf]", '7:15: "rdf" for `feeds.custom.formats`, expected `rss` or `atom` or `json` or `html`'),
        ("digest: monthly", '7:13: "monthly" for `feeds.custom.digest`, expected `daily` or `weekly`'),
        ("stories: 0", '7:14: "0" for `feeds.custom.stories`, expected a whole number >= 1'),
        ("where: video", f'7:12: "video" for `feeds.custom.where`, expected a mapping of {CONDITION}'),
        ("where: [type, video]", f"7:12: a list for `feeds.custom.where`, expected a mapping of {CONDITION}"),
        ("where: {all: {type: x}}",
         "7:18: a mapping for `feeds.custom.where.all`, expected a list, each item behind a `-`"),
        ("where: {any: [x]}", f'7:19: "x" for `feeds.custom.where.any`, expected a mapping of {CONDITION}'),
        ("where: {topics: ['']}", '7:22: "" for `feeds.custom.where.topics`, expected a text that isn\'t empty'),
        ("where: {type: {a: b}}", "7:19: a mapping for `feeds.custom.where.type`, expected a text"),
        ("where: {language: english!}",
         '7:23: "english!" for `feeds.custom.where.language`, expected a language tag such as `en` or `pt-BR`'),
        ("where: {quality: high}",
         '7:22: "high" for `feeds.custom.where.quality.at_least`, expected a whole number'),
        ("where: {heat: -1}", '7:19: "-1" for `feeds.custom.where.heat.at_least`, expected a whole number >= 0'),
        ("where: {age: young}", f'7:18: "young" for `feeds.custom.where.age.under`, {DURATION}'),
        ("where: {age: {over: 40000d}}",
         '7:25: "40000d" for `feeds.custom.where.age.over`, expected a duration of at most `36525d`'),
        ("where: {image: maybe}", '7:20: "maybe" for `feeds.custom.where.image`, expected `yes` or `no`'),
    ],
)  # fmt: skip
def test_a_bad_value_is_told(file: Path, written: str, problem: str) -> None:
    """What there is, what was expected; once, and nothing that only follows from it."""
    assert told(file, custom(written)) == [problem]


def test_all_problems_are_told_at_once(file: Path) -> None:
    """In the order of the file, those of one feed and of the next."""
    text = """\
per_provider: some
archives: perhaps
types: 1
custom:
- name: all
  where:
    not: [{age: old}]
  token: x
- name: b
  where: {age: {over: 2d, under: 1d}}
"""
    assert [problem.partition(": ")[0] for problem in told(file, text)] == [
        *("5:17", "6:13", "7:10", "9:11", "11:19", "12:12", "14:36")
    ]


@pytest.mark.parametrize("written", ["x", "{name: x}"])
def test_feeds_that_are_no_list_are_told(file: Path, written: str) -> None:
    """One is a list too."""
    (problem,) = told(file, f"custom: {written}")
    assert problem.startswith("5:11: ")
    assert problem.endswith(" for `feeds.custom`, expected a list, each item behind a `-`")


def test_archives_need_a_format_that_has_them(file: Path) -> None:
    """RSS or Atom."""
    head = HEAD.replace("path: public", "path: public, formats: [json, html]")
    expected = "only RSS and Atom have archives; add one of them to `output.formats`, or write `archives: no`"
    assert told(file, "archives: yes", head) == [f"5:13: {expected}"]
    assert load(file, "archives: no", head).archives is False


@pytest.mark.parametrize("zone", ["Europe/Atlantis", "CEST5", "../etc/passwd", "''"])
def test_a_time_zone_that_does_not_exist_is_told(file: Path, zone: str) -> None:
    """Months, weeks and days begin by it."""
    head = HEAD.replace("title: Everyday AI", f"title: Everyday AI, timezone: {zone}")
    (problem,) = told(file, "archives: yes", head)
    assert problem.startswith("1:38: ")
    assert problem.endswith(" for `site.timezone`, expected a time zone such as `UTC` or `Europe/Berlin`")
