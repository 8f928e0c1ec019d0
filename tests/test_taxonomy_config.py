"""The topics that a site knows: from its list, from topic files, and what is wrong with them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator import config
from aggregator.config import KnownTopic
from aggregator.config.topics import MAX_FILES
from aggregator.errors import ConfigurationError
from aggregator.text.slugs import fold_topic
from tests.programs import as_nobody

CORPUS = Path(__file__).parents[2] / "shared" / "corpus" / "powerapps" / "_data" / "topics"
HEAD = """\
site: {title: Everyday AI, url: https://feeds.example.org/ai/}
sources: [{path: articles}]
output: {path: public}
"""


class Folder:
    """A folder with a configuration, and topic files beside it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.file = root / "aggregator.yaml"

    def topic(self, name: str, text: str) -> Path:
        """Write a topic file."""
        path = self.root / "topics" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def load(self, topics: str = "path: topics") -> tuple[KnownTopic, ...]:
        """The known topics of a configuration with this section."""
        self.file.write_text(f"{HEAD}topics: {{{topics}}}\n", encoding="utf-8")
        return config.load(self.file, {"A": "AI"}).topics.known

    def told(self, topics: str = "path: topics") -> list[str]:
        """The problems of a configuration with this section; the files' paths start from its folder."""
        with pytest.raises(ConfigurationError) as error:
            self.load(topics)
        return str(error.value).replace(f"{self.root}/", "").splitlines()


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


# The list


def test_a_text_is_a_topic_of_that_name(folder: Folder) -> None:
    """A text, a mapping with a name alone, and one whose other keys are empty are the same."""
    assert folder.load("list: [AI]") == (KnownTopic("AI"),)
    assert folder.load("list: [{name: AI}]") == folder.load("list: ['${A}']") == folder.load("list: [AI]")
    empty = "list: [{name: AI, slug: '', aliases: [], parent: '', keywords: , description: '', image: ~}]"
    assert folder.load(empty) == folder.load("list: [AI]")


@pytest.mark.parametrize("parent", ["Machines", "machines", " MACHINES ", "Robots", "Machines ${A}"])
def test_a_parent_is_named_by_any_of_its_names(folder: Folder, parent: str) -> None:
    """By its name or an alias, in any case and spacing; what is known then is its name as it is spelled."""
    topics = "{name: Machines, aliases: [Robots, Machines AI]}"
    assert folder.load(f"list: [{{name: Pumps, parent: '{parent}'}}, {topics}]")[0].parent == "Machines"


@pytest.mark.parametrize("slug", ["ai", "a-i", "機械学習", "2"])
def test_a_slug_is_what_an_address_would_have(folder: Folder, slug: str) -> None:
    """A slug that would come out of a name is taken as it is."""
    assert folder.load(f"list: [{{name: AI, slug: {slug}}}]") == (KnownTopic("AI", slug=slug),)


def test_one_keyword_may_speak_of_two_topics(folder: Folder) -> None:
    """A word isn't a name: both topics have it."""
    first, second = folder.load("keywords: yes, list: [{name: A, keywords: [x]}, {name: B, keywords: [x]}]")
    assert first.keywords == second.keywords == ("x",)


# Topic files


def test_every_key_of_a_topic_file(folder: Folder) -> None:
    """What is known of topics is read; all else is other programs' business."""
    folder.topic("a.yaml", "name: Machines\n")
    folder.topic(
        "b.yaml",
        """\
taxonomy: topic
_id: pumps-and-valves
name: Pumps  and valves
shortname: Pumps
slug: pumps
aliases: [Valves, Taps, Valves]
parent: machines
keywords: [pump, valve, pump, '${A}']
description: Whatever moves water.
hashtags: ['#pumps']
images:
  - {url: /pump.png, width: 100, height: 50}
services: {news: [{a: b}]}
aliasses: 1
""",
    )
    assert folder.load()[1] == KnownTopic(
        name="Pumps and valves",
        slug="pumps",
        aliases=("Valves", "Taps", "Pumps"),
        parent="Machines",
        keywords=("pump", "valve", "${A}"),
        description="Whatever moves water.",
        image="https://feeds.example.org/pump.png",
    )


def test_one_text_is_a_list_of_one(folder: Folder) -> None:
    """In topic files, keywords and aliases may be single texts."""
    folder.topic("a.yaml", "{name: AI, keywords: learning machine, aliases: KI}")
    assert folder.load() == (KnownTopic("AI", keywords=("learning machine",), aliases=("KI",)),)


@pytest.mark.parametrize(("short", "aliases"), [("AI", ()), ("a i", ()), ("''", ()), ("~", ()), ("K  I", ("K I",))])
def test_a_short_name_that_differs_is_an_alias(folder: Folder, short: str, aliases: tuple[str, ...]) -> None:
    """A short name that is the name itself, in any case and spacing, is no other name."""
    folder.topic("a.yaml", f"name: AI\nshortname: {short}\n")
    assert folder.load()[0].aliases == aliases


@pytest.mark.parametrize(
    ("written", "image"),
    [
        ("images: [https://a.example/a.png, https://a.example/b.png]", "https://a.example/a.png"),
        (
            "images: ['data:image/png;base64,AA', {url: 'ftp://a.example/'}, {url: //a.example/b.png}]",
            "https://a.example/b.png",
        ),
        ("images: [{width: 3}, ~, '', pictures/b.png]", "https://feeds.example.org/ai/pictures/b.png"),
        ("images: {url: https://a.example/a.png}", "https://a.example/a.png"),
        ("images: https://a.example/a.png", "https://a.example/a.png"),
        ("image: /a.png\nimages: [/b.png]", "https://feeds.example.org/a.png"),
        ("images: ['javascript:x']", ""),
        ("images: []", ""),
    ],
)
def test_the_first_picture_on_the_web_is_the_image(folder: Folder, written: str, image: str) -> None:
    """Plain URLs and mappings; relative ones belong to the site."""
    folder.topic("a.yaml", f"name: AI\n{written}\n")
    assert folder.load()[0].image == image


def test_files_are_read_by_name(folder: Folder) -> None:
    """Those of both endings, in the order of their names; hidden ones, others and folders below are left alone."""
    for name, text in (("b.yml", "name: B"), ("a.yaml", "name: A"), ("C.YAML", "name: C")):
        folder.topic(name, text)
    for name in (".#a.yaml", "a.yaml~", "a.json", "README"):
        folder.topic(name, "[")
    (folder.root / "topics" / "more").mkdir()
    (folder.root / "topics" / "more" / "d.yaml").write_text("name: D")
    assert [topic.name for topic in folder.load()] == ["C", "A", "B"]


def test_one_file_is_enough(folder: Folder) -> None:
    """The path may be that of a file, whatever its name, with one topic or a list of them."""
    folder.topic("all", "[{name: A, parent: B}, {name: B}]")
    assert folder.load("path: topics/all") == (KnownTopic("A", parent="B"), KnownTopic("B"))
    folder.topic("all", "name: A")
    assert folder.load(f"path: {folder.root}/topics/all") == (KnownTopic("A"),)


def test_an_id_only_names_a_parent(folder: Folder) -> None:
    """`_id` is what other files call the topic; as a name or an alias goes before it, it may be a name too."""
    folder.topic("a.yaml", "{_id: mach-1, name: Machines}")
    folder.topic("b.yaml", "{_id: machines, name: Pumps, parent: Mach-1}")
    folder.topic("c.yaml", "{name: Taps, parent: machines}")
    assert [topic.parent for topic in folder.load()] == ["", "Machines", "Machines"]
    assert folder.load("path: topics, list: [mach-1]")[1].parent == "mach-1"


def test_an_id_of_two_topics_names_no_parent(folder: Folder) -> None:
    """Nobody may care, until one is asked for."""
    folder.topic("a.yaml", "{_id: x, name: B}")
    folder.topic("b.yaml", "{_id: x, name: A}")
    assert len(folder.load()) == 2
    folder.topic("c.yaml", "name: C\nparent: x\n")
    assert folder.told() == [
        'topics/c.yaml:2:9: error: the parent "x" is the `_id` of "A" and "B", expected a name',
    ]


def test_the_list_completes_the_files(folder: Folder) -> None:
    """Files' topics come first; of one that is in the list too, what the list says goes before what the file says."""
    folder.topic("a.yaml", "{name: ai, aliases: [KI], keywords: [llm], description: Old., _id: x}")
    folder.topic("b.yaml", "{name: Robots, parent: x}")
    listed = "list: [Maps, {name: A I, aliases: [IA], description: New., slug: artificial}, robots]"
    assert folder.load(f"path: topics, {listed}") == (
        KnownTopic("A I", slug="artificial", aliases=("IA",), keywords=("llm",), description="New."),
        KnownTopic("robots", parent="A I"),
        KnownTopic("Maps"),
    )


def test_real_topic_files(folder: Folder) -> None:
    """Those of a sister site are read without a problem: parents, short names and keywords."""
    if not CORPUS.exists():
        pytest.skip("the corpus is not beside the checkout")
    found = folder.load(f"path: {CORPUS}, keywords: yes")
    assert len(found) == len(list(CORPUS.iterdir())) > 5
    top = [topic.name for topic in found if not topic.parent]
    assert len(top) == 1
    assert {topic.parent for topic in found} == {"", *top}
    assert all(topic.keywords for topic in found)
    assert sum(len(topic.aliases) for topic in found) == 1


# What is wrong with the files


def test_all_that_is_wrong_with_topic_files_is_told_at_once(folder: Folder) -> None:
    """Each problem with its file's path and place, behind those of the configuration; none that only follows."""
    folder.topic("a.yaml", "name: [AI]\nkeywords: [{a: b}, x]\n")
    folder.topic("b.yaml", "_id: b\nparent: Robots\n")
    folder.topic("c.yaml", "name: C\nslug: c c\nshortname: {a: b}\nparent: [x]\nimages: [[x]]\n")
    folder.topic("d.yaml", "name: D\nname: E\n")
    folder.topic("e.yaml", "a: b: c")
    folder.topic("f.yaml", "")
    folder.topic("g.yaml", "just text\n")
    folder.topic("h.yaml", "name: H\nparent: Robots\n")
    folder.topic("i.yaml", "- name: I\n- I\n- slug: x\n")
    folder.topic("j.yaml", 'name: "J\\a"\n')
    keys = "`_id`, `name`, `shortname`, `slug`, `aliases`, `parent`, `keywords`, `description`, `image`, `images`"
    text = "expected a text"
    assert folder.told("path: topics, only_known: yes, keywords: yes, minimum: 0") == [
        'aggregator.yaml:4:65: error: "0" for `topics.minimum`, expected a whole number >= 1',
        f"topics/a.yaml:1:7: error: a list for `name`, {text}",
        f"topics/a.yaml:2:12: error: a mapping for `keywords`, {text}",
        "topics/b.yaml:1:1: error: no `name` (the topic's name); write for example `name: Machine Learning`",
        (
            'topics/c.yaml:2:7: error: "c c" for `slug`, expected letters and digits in lower case, single hyphens'
            " between them, such as `machine-learning`"
        ),
        f"topics/c.yaml:3:12: error: a mapping for `shortname`, {text}",
        f"topics/c.yaml:4:9: error: a list for `parent`, {text}",
        f"topics/c.yaml:5:10: error: a list for `images.url`, {text}",
        'topics/d.yaml:2:1: error: "name" again, first given in line 1',
        (
            "topics/e.yaml:1:5: error: mapping values are not allowed in this context; expected quotes around a text"
            " that holds `: `, quotes or a leading symbol"
        ),
        "topics/f.yaml:1:1: error: no `name` (the topic's name); write for example `name: Machine Learning`",
        f'topics/g.yaml:1:1: error: "just text", expected a mapping of {keys}',
        f'topics/i.yaml:2:3: error: "I", expected a mapping of {keys}',
        "topics/i.yaml:3:3: error: no `name` (the topic's name); write for example `name: Machine Learning`",
        'topics/j.yaml:1:7: error: "J\\u0007" for `name`, expected a text without control characters; it holds U+0007',
    ]


def test_problems_of_the_configuration_come_first(folder: Folder) -> None:
    """Whatever the files' names."""
    (folder.root / "_topic.yaml").write_text("name: A\nslug: B\n")
    places = [line.partition(": ")[0] for line in folder.told("path: _topic.yaml, minimum: 0")]
    assert places == ["aggregator.yaml:4:38", "_topic.yaml:2:7"]


@pytest.mark.parametrize("more", ["", ", only_known: yes", ", keywords: yes", ", list: [{name: A, parent: B}]"])
def test_no_topic_files_where_they_should_be(folder: Folder, more: str) -> None:
    """A path that leads nowhere is told, and what follows from it isn't."""
    assert folder.told(f"path: _data/topics{more}") == [
        (
            'aggregator.yaml:4:16: error: "_data/topics" for `topics.path`, expected a folder of topic files, or one of'
            " them: No such file or directory"
        )
    ]


def test_a_folder_without_topic_files_is_told(folder: Folder) -> None:
    """It is hardly the one that was meant."""
    folder.topic("ai.json", "{}")
    assert folder.told() == [
        (
            'aggregator.yaml:4:16: error: "topics" for `topics.path`, expected a folder with 1 to 10000 files `*.yaml`'
            " or `*.yml`; it has 0"
        )
    ]


def test_too_many_topic_files_are_not_read(folder: Folder) -> None:
    """So many can't be what was meant either."""
    folder.topic("0.yaml", "[")
    for number in range(1, MAX_FILES + 1):
        os.link(folder.root / "topics/0.yaml", folder.root / f"topics/{number}.yaml")
    [problem] = folder.told()
    assert problem.endswith("it has 10001")


def test_what_is_no_topic_file(folder: Folder) -> None:
    """Folders, pipes, links to nothing, large files and other encodings are told by their path; none is waited for."""
    folder.topic("a.yaml", "#" * (1 << 20) + "\n")
    (folder.root / "topics/b.yaml").mkdir()
    os.mkfifo(folder.root / "topics/c.yaml")
    (folder.root / "topics/d.yaml").symlink_to("nothing")
    (folder.root / "topics/e.yaml").write_bytes(b"name: caf\xe9\n")
    assert folder.told() == [
        "topics/a.yaml: error: expected a plain file of at most 1 MiB",
        "topics/b.yaml: error: a folder, expected a file",
        "topics/c.yaml: error: expected a plain file of at most 1 MiB",
        "topics/d.yaml: error: can't be read: No such file or directory",
        "topics/e.yaml:1:10: error: not UTF-8; save the file as UTF-8",
    ]


def test_a_topic_file_that_may_not_be_read(folder: Folder) -> None:
    """It is told by its path as seen from where the configuration is seen, and so is a closed folder."""
    folder.topic("a.yaml", "name: A").chmod(0)
    folder.file.write_text(f"{HEAD}topics: {{path: ./topics}}\n")
    folder.root.chmod(0o755)

    def refused(problem: str) -> None:
        with pytest.raises(ConfigurationError) as error:
            config.load(Path("aggregator.yaml"), {})
        assert str(error.value).startswith(problem)

    assert as_nobody(folder.root, lambda: refused("topics/a.yaml: error: can't be read: Permission denied")) == 0
    (folder.root / "topics").chmod(0)
    try:
        assert (
            as_nobody(
                folder.root,
                lambda: refused('aggregator.yaml:4:16: error: "./topics" for `topics.path`, expected a folder'),
            )
            == 0
        )
    finally:
        (folder.root / "topics").chmod(0o755)


# What is wrong with the topics


def test_topics_that_are_one_are_told(folder: Folder) -> None:
    """Names that differ only in case or spacing, inside the list or among files, with where the first is."""
    folder.topic("a.yaml", "name: Meta AI\n")
    folder.topic("b.yaml", "slug: x\nname: MetaAI\n")
    assert folder.told("path: topics, list: [Robots, {slug: r, name: robots}]") == [
        'aggregator.yaml:4:55: error: the topic "robots" again, first given in aggregator.yaml:4',
        'topics/b.yaml:2:7: error: the topic "MetaAI" again, first given in topics/a.yaml:1',
    ]


@pytest.mark.parametrize(
    ("listed", "problem"),
    [
        ("C++, {name: Cplusplus}", '4:29: error: the topics "C++" and "Cplusplus" have the address `cplusplus`'),
        ("{name: A, slug: b}, B", '4:37: error: the topics "A" and "B" have the address `b`; give one another `slug`'),
        ("B, {name: A, slug: b}", '4:36: error: the topics "B" and "A" have the address `b`'),
        ("{name: A, slug: x}, {name: B, slug: x}", '4:53: error: the topics "A" and "B" have the address `x`'),
    ],
)
def test_topics_with_one_address_are_told(folder: Folder, listed: str, problem: str) -> None:
    """Whether it comes from the names or is given; one of them is to have another."""
    [told] = folder.told(f"list: [{listed}]")
    assert told.startswith(f"aggregator.yaml:{problem}")
    assert len(folder.load("list: [{name: A, slug: b}, {name: B, slug: a}]")) == 2


@pytest.mark.parametrize(
    ("listed", "problem"),
    [
        ("{name: A, aliases: [x, a]}", '4:40: error: the alias "a" is the topic\'s own name'),
        ("{name: A, aliases: [B]}, B", '4:37: error: the alias "B" is the name of the topic "B" too; leave one out'),
        ("{name: A, aliases: [b b]}, BB", '4:37: error: the alias "b b" is the name of the topic "BB" too'),
        (
            "{name: A, aliases: [X]}, {name: B, aliases: [y, x]}",
            '4:65: error: the alias "x" is an alias of the topic "A" too',
        ),
        ("{name: A, aliases: [B, b]}, B", '4:37: error: the alias "B" is the name of the topic "B" too'),
        ("{name: A, aliases: ['${A}']}, AI", '4:17: error: the alias "AI" is the name of the topic "AI" too'),
    ],
)
def test_aliases_that_are_other_names_are_told(folder: Folder, listed: str, problem: str) -> None:
    """Each name belongs to one topic, once."""
    [told] = folder.told(f"list: [{listed}]")
    assert told.startswith(f"aggregator.yaml:{problem}")


def test_a_short_name_that_is_another_name_is_told(folder: Folder) -> None:
    """At its own place; and the list can't make a topic of what is another name in a file."""
    folder.topic("a.yaml", "name: Learning machines\nshortname: LM\n")
    assert folder.told("path: topics, list: [lm]") == [
        'topics/a.yaml:2:12: error: the alias "LM" is the name of the topic "lm" too; leave one out'
    ]


def test_an_unknown_parent_is_told_with_the_nearest(folder: Folder) -> None:
    """At its place, in a file or in the list; a name in the list is as good as one in a file."""
    folder.topic("a.yaml", "name: Pumps\nparent: Maschines\n")
    folder.topic("b.yaml", "name: Taps\nparent: Quux\n")
    assert folder.told("path: topics, list: [Machines, {name: Valves, parent: Pmups}]") == [
        'aggregator.yaml:4:64: error: no topic "Pmups" to be the parent; did you mean "Pumps"?',
        'topics/a.yaml:2:9: error: no topic "Maschines" to be the parent; did you mean "Machines"?',
        (
            'topics/b.yaml:2:9: error: no topic "Quux" to be the parent; expected the name of a topic that is listed'
            " or has a file"
        ),
    ]


@pytest.mark.parametrize(
    ("parents", "circles"),
    [
        ({"A": "A"}, ['4:35: error: the parents go in a circle: "A", "A"; leave one out']),
        ({"A": "B", "B": "A"}, ['4:35: error: the parents go in a circle: "A", "B", "A"; leave one out']),
        (
            {"A": "B", "B": "C", "C": "D", "D": "B"},
            ['4:57: error: the parents go in a circle: "B", "C", "D", "B"; leave one out'],
        ),
        ({"A": "B", "B": "A", "C": "C", "D": "A"}, ["4:35: ", "4:79: "]),
        ({"A": "D", "B": "D", "C": "A"}, []),
    ],
)
def test_parents_in_a_circle_are_told(folder: Folder, parents: dict[str, str], circles: list[str]) -> None:
    """Each circle once, at the parent of one of its topics, with all of them; what only leads into it isn't told."""
    names = sorted({*parents, *parents.values()})
    topics = [f"{{name: {name}, parent: {parents.get(name, '~')}}}" for name in names]
    section = f"list: [{', '.join(topics)}]"
    if not circles:
        assert [topic.parent for topic in folder.load(section)] == [parents.get(name, "") for name in names]
        return
    told = folder.told(section)
    assert len(told) == len(circles)
    assert all(one.startswith(f"aggregator.yaml:{circle}") for one, circle in zip(told, circles, strict=True))


def test_what_is_wrong_is_told_where_it_is_said(folder: Folder) -> None:
    """Of a topic that has a file and is listed, the place is that of the wrong value, in the list or in the file."""
    folder.topic("a.yaml", "name: A\naliases: [X]\n")
    folder.topic("b.yaml", "name: B\nparent: A\n")
    assert folder.told("path: topics, list: [{name: A, parent: B}, X]") == [
        'aggregator.yaml:4:49: error: the parents go in a circle: "A", "B", "A"; leave one out',
        'topics/a.yaml:2:11: error: the alias "X" is the name of the topic "X" too; leave one out',
    ]
    assert folder.told("path: topics, list: [AI, {name: A, aliases: ['${A}']}]") == [
        'aggregator.yaml:4:35: error: the alias "AI" is the name of the topic "AI" too; leave one out'
    ]


def test_only_known_topics_without_any(folder: Folder) -> None:
    """Only known topics, none of them known, would be no feeds at all; those of files are known."""
    assert folder.told("only_known: yes")[0].startswith("aggregator.yaml:4:22: error: no topic would get a feed")
    assert folder.told("only_known: yes, list: []")[0].startswith("aggregator.yaml:4:33: error: no topic would get")
    folder.topic("a.yaml", "name: AI")
    assert folder.load("only_known: yes, path: topics") == (KnownTopic("AI"),)


def test_keywords_without_any(folder: Folder) -> None:
    """Documents can't have what no topic has."""
    assert folder.told("list: [AI], keywords: yes") == [
        (
            "aggregator.yaml:4:32: error: no topic has keywords; give some to those in `topics.list`, or write"
            " `keywords: no`"
        )
    ]
    folder.topic("a.yaml", "{name: AI, keywords: llm}")
    assert folder.load("list: [AI], keywords: yes, path: topics")[0].keywords == ("llm",)


@pytest.mark.parametrize(
    "topics",
    [
        "only_known: yes, list: AI",
        "list: AI, path: topics",
        "only_known: yes, keywords: yes, list: [[AI]]",
        "keywords: yes, list: [{name: AI, keywords: ['']}]",
        "list: [{name: AI, aliases: [KI, '']}, {name: A, parent: KL}]",
    ],
)
def test_a_wrong_list_of_topics_is_no_empty_one(folder: Folder, topics: str) -> None:
    """A problem that only follows from another one isn't told."""
    folder.topic("a.yaml", "name: Pumps\nparent: Machines\n")
    [problem] = folder.told(topics)
    assert "for `topics.list" in problem


def test_a_wrong_path_is_no_missing_one(folder: Folder) -> None:
    """Nor is what may be in files behind a path that can't be read."""
    [problem] = folder.told("path: ~/topics, list: [{name: Pumps, parent: Machines}]")
    assert "expected a path without `~`" in problem


# Anything


SCALARS = st.sampled_from(["A", "a", "B", "x y", "${A}", "/a.png", "https://a.b/", "", "~", "1"]) | st.text(max_size=3)
VALUES = SCALARS | st.none() | st.lists(SCALARS, max_size=2) | st.dictionaries(st.just("url"), SCALARS)
KEYS = (
    "name",
    "name",
    "shortname",
    "_id",
    "slug",
    "aliases",
    "parent",
    "keywords",
    "description",
    "images",
    "services",
)
FILES = st.dictionaries(st.sampled_from(KEYS), VALUES) | VALUES


@given(files=st.lists(FILES | st.lists(FILES, max_size=3), min_size=1, max_size=3), listed=st.lists(VALUES, max_size=2))
def test_whatever_topic_files_hold_they_are_read_or_told(
    tmp_path_factory: pytest.TempPathFactory, files: list[object], listed: list[object]
) -> None:
    """No topic file brings the program down; known topics have names apart, and parents that are known."""
    folder = Folder(tmp_path_factory.mktemp("any"))
    for number, content in enumerate(files):
        folder.topic(f"{number}.yaml", json.dumps(content))
    try:
        known = folder.load(f"path: topics, list: {json.dumps(listed)}")
    except ConfigurationError as error:
        known, problems = (), error.problems
    else:
        problems = ()
    assert all(problem.line and problem.column and problem.message.isprintable() for problem in problems)
    names = [name for topic in known for name in {fold_topic(topic.name), *map(fold_topic, topic.aliases)}]
    assert len(names) == len(set(names))
    assert {topic.parent for topic in known} <= {"", *(topic.name for topic in known)}
