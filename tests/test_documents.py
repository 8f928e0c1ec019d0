"""Reading documents: real files in, mentions and problems out."""

from __future__ import annotations

import json
import os
import re
import socket
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aggregator import documents
from aggregator.documents import Options, Outcome, Reading, digest
from aggregator.documents.fields import ADDRESSES, LEAD, RELATED, SPELLINGS
from aggregator.documents.kinds import MAX_EXCERPT, MAX_TITLE
from aggregator.model import Mention, Player, Severity, by_title
from aggregator.text.dates import instant
from aggregator.text.keywords import topics_in
from aggregator.text.plain import fold

DATA = Path(__file__).parent / "data" / "documents"
PAIRS = sorted(path for path in DATA.iterdir() if path.suffix != ".json")
CORPUS = Path(__file__).parents[2] / "shared" / "corpus"
SITE = Options(base_url="https://site.example/")
SMALLEST = "title: T\nwebUrl: https://a.example/t\npublishedDateTime: 2026-03-01\n"

Read = Callable[..., Reading]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Writes a document to disk and reads it."""

    def write_and_read(content: str | bytes, name: str = "a.md", options: Options = SITE) -> Reading:
        file = tmp_path / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return documents.read(str(file), name, 0, options)

    return write_and_read


def front(fields: str, body: str = "") -> str:
    """A document with these fields besides the smallest ones that it needs."""
    return f"---\n{SMALLEST}{fields}\n---\n{body}"


def lead(reading: Reading) -> Mention:
    assert reading.outcome is Outcome.read, reading.problems
    return reading.mentions[0]


def told(reading: Reading) -> dict[str, Any]:
    """A reading as the data files have it: what isn't a default, and problems as they are printed."""
    mentions = [
        {
            field.name: json.loads(msgspec.json.encode(value))
            for field in msgspec.structs.fields(mention)
            if field.name not in ("path", "source")
            and (value := getattr(mention, field.name)) != (None if field.required else field.default)
        }
        for mention in reading.mentions
    ]
    return {
        "outcome": reading.outcome,
        "mentions": mentions,
        "problems": [str(problem) for problem in reading.problems],
    }


@pytest.mark.parametrize("path", PAIRS, ids=lambda path: str(path.name))
def test_document(path: Path) -> None:
    """Each document in the data folder reads as the file beside it says."""
    reading = documents.read(str(path), path.name, 0, SITE)
    assert told(reading) == json.loads(Path(f"{path}.json").read_text())


def test_every_field_of_the_table_is_in_a_data_file() -> None:
    """No row of the table goes without a document that uses it, and without one that gets it wrong."""
    good = DATA.joinpath("everything.md").read_text() + DATA.joinpath("sparse.md").read_text()
    wrong = DATA.joinpath("wrong.md").read_text(), DATA.joinpath("held-back.md").read_text()
    for name, field in ({name: ADDRESSES[name] for name in SPELLINGS} | LEAD).items():
        assert f"\n{name}:" in good
        assert f"\n{name}:" in wrong[field.strict]
    assert set(LEAD) - set(RELATED) == {"id", "draft", "topics"}


# What a file can be.


@pytest.mark.parametrize(
    ("content", "outcome", "problem"),
    [
        (front(""), "read", ""),
        ("\ufeff" + front(""), "read", ""),
        (front("").replace("\n", "\r\n"), "read", ""),
        (front("").replace("\n", "\r"), "read", ""),
        (front("").replace("---\n", "--- \t\n"), "read", ""),
        (front("").replace("\n---\n", "\n...\n"), "read", ""),
        (front("").removesuffix("\n"), "read", ""),
        ("# Read me\n", "skipped", ""),
        ("", "skipped", ""),
        ("----\ntitle: T\n----\n", "skipped", ""),
        ("\n" + front(""), "skipped", "2:1: warning: no front matter, expected it at the very beginning of the file"),
        ("<!-- x -->\r\n \r\n" + front(""), "skipped", "3:1: warning: no front matter"),
        (" " + front(""), "skipped", "1:1: warning: no front matter"),
        (front("").replace("---", "--- # x", 1), "skipped", "1:4: warning: no front matter, expected nothing behind"),
        ("\n+++\ntitle = 'T'\n+++\n", "skipped", "2:1: warning: no front matter"),
        ("# Read me\n\n---\ntitle: T\n---\n", "skipped", ""),
        ("\n---\nA text\n\n---\n\ntitle: T\n", "skipped", ""),
        ("Grüße".encode("latin-1"), "skipped", ""),
        ("---", "failed", "1:1: error: front matter that is never closed"),
        (f"---\n{SMALLEST}", "failed", "1:1: error: front matter that is never closed"),
        (f"---\n{SMALLEST} ---\n", "failed", "1:1: error: front matter that is never closed"),
        (front("excerpt: Grüße").encode("latin-1"), "failed", "5:12: error: byte 0xFC, expected UTF-8"),
        (front("", "Grüße\r\n").replace("\n", "\r\n").encode("latin-1"), "failed", "7:3: error: byte 0xFC"),
        ("\ufeff".encode() + front("excerpt: ü").encode("latin-1"), "failed", "5:10: error: byte 0xFC"),
        (front("").encode("utf-16"), "failed", "1:1: error: UTF-16 or UTF-32, expected UTF-8"),
        (front("").encode("utf-16-le"), "failed", "1:1: error: UTF-16"),
        (front("").encode("utf-16-be"), "failed", "1:1: error: UTF-16"),
        (front("").encode("utf-32"), "failed", "1:1: error: UTF-16"),
        ("---\n- a\n- list\n---\n", "failed", "2:1: error: front matter without fields"),
        ("---\ntext\n---\n", "failed", "2:1: error: front matter without fields"),
        ("---\n---\n", "failed", "1:1: error: no title"),
        ("---\n# nothing\n---\n", "failed", "1:1: error: no title"),
        (front("title: again"), "failed", '5:1: error: "title" again, first given in line 2'),
        (front("excerpt: a: b"), "failed", "5:11: error: mapping values are not allowed"),
        (front("excerpt: &a b\nprice: *a"), "failed", "6:8: error: an alias"),
        (front("excerpt: " + "[" * 500), "failed", "5:73: error: nested deeper than 64 levels"),
        (front("---\ntitle: second"), "read", ""),
    ],
)
def test_what_a_file_can_be(read: Read, content: str | bytes, outcome: str, problem: str) -> None:
    """A document is UTF-8 that opens with front matter; other files are skipped, broken documents told of."""
    reading = read(content)
    assert reading.outcome == outcome
    assert bool(reading.mentions) == (outcome == "read")
    assert not problem or str(reading.problems[0]).startswith(f"a.md:{problem}")
    assert bool(problem) == bool(reading.problems)


def test_the_digest_tells_versions_apart(read: Read, tmp_path: Path) -> None:
    """The digest is that of the bytes, whatever became of them, and can be had without reading the document."""
    one, same, other = read(front(""), "1.md"), read(front(""), "2.md"), read(front("price: Free"), "3.md")
    assert one.digest == same.digest != other.digest
    assert len(one.digest) == 16
    assert read("---\n").digest
    assert read("skipped").digest
    assert digest(str(tmp_path / "1.md"), 1000) == one.digest
    assert digest(str(tmp_path / "1.md"), 10) == digest(str(tmp_path / "none.md"), 1000) == b""


def test_the_limit(read: Read) -> None:
    """A file of just as many bytes as allowed is read, one more is too many."""
    content = front("")
    assert read(content, options=Options(limit=len(content))).outcome is Outcome.read
    reading = read(content, options=Options(limit=len(content) - 1))
    assert str(reading.problems[0]) == f"a.md: error: {len(content)} bytes, expected at most {len(content) - 1}"
    assert reading.digest == b""


def failure(file: Path) -> str:
    """The one problem of a file that can't be opened."""
    reading = documents.read(str(file), "a.md", 0, SITE)
    assert reading.outcome is Outcome.failed
    assert (reading.digest, reading.mentions) == (b"", ())
    (problem,) = reading.problems
    assert (problem.line, problem.column, problem.severity) == (0, 0, Severity.error)
    return problem.message


def test_what_is_no_regular_file(tmp_path: Path) -> None:
    """Pipes, sockets, folders, devices and links to nothing are told of, and nothing waits for them."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "nothing").symlink_to("nowhere")
    (tmp_path / "circle").symlink_to("circle")
    (tmp_path / "device").symlink_to("/dev/zero")
    assert failure(tmp_path / "pipe") == "a pipe, expected a regular file"
    assert failure(tmp_path) == "a folder, expected a regular file"
    assert failure(tmp_path / "nothing") == "a link to nothing, expected a regular file"
    assert failure(tmp_path / "device") == "a device, expected a regular file"
    assert failure(tmp_path / "circle").startswith("can't be opened: ")
    assert failure(tmp_path / "none.md").startswith("can't be opened: ")
    assert failure(Path("a\0b")).startswith("can't be opened: ")
    assert failure(Path("x" * 5000)).startswith("can't be opened: ")


def test_a_socket_is_no_document() -> None:
    """A socket is named as what it is."""
    with TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{folder}/s")
        assert failure(Path(folder, "s")) == "a socket, expected a regular file"


def test_a_link_to_a_document_is_read(read: Read, tmp_path: Path) -> None:
    """A link leads to the file behind it."""
    read(front(""), "b.md")
    (tmp_path / "link.md").symlink_to("b.md")
    assert documents.read(str(tmp_path / "link.md"), "link.md", 0, SITE).outcome is Outcome.read


def test_a_file_that_may_not_be_read() -> None:
    """A file without permission is told of, as anyone but root would see it."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        secret, public = Path(folder, "secret.md"), Path(folder, "public.md")
        for file in (secret, public):
            file.write_text(front(""))
        secret.chmod(0)
        documents.read(str(public), "a.md", 0, SITE)  # imports all that the child may not
        child = os.fork()
        if not child:
            try:
                if os.getuid() == 0:
                    os.setuid(65534)
                assert failure(secret) == "can't be opened: Permission denied"
                assert documents.read(str(public), "a.md", 0, SITE).outcome is Outcome.read
                os._exit(0)
            finally:
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


# What the fields mean.


@pytest.mark.parametrize(
    ("fields", "listed", "removed"),
    [
        ("", True, False),
        ("published:\nremoved: ~\ndraft: ''", True, False),
        *((f"published: {word}", False, False) for word in ("no", "No", "OFF", "false", "'False'")),
        *((f"published: {word}", True, False) for word in ("yes", "ON", "true", "'TRUE'")),
        *((f"draft: {word}", False, False) for word in ("yes", "on", "True")),
        ("published: yes\ndraft: yes", False, False),
        ("published: no\ndraft: no", False, False),
        ("removed: yes", True, True),
    ],
)
def test_yes_and_no(read: Read, fields: str, listed: bool, removed: bool) -> None:
    """Yes and no are read in all the words that YAML ever had for them; a draft is not listed."""
    mention = lead(read(front(fields)))
    assert (mention.listed, mention.removed) == (listed, removed)


@pytest.mark.parametrize("name", ["published", "removed", "draft"])
@pytest.mark.parametrize("word", ["maybe", "y", "1", "' '", "[]", "{}", "[no]", "no way"])
def test_a_draft_never_slips_out(read: Read, name: str, word: str) -> None:
    """What is neither yes nor no holds the document back."""
    reading = read(front(f"{name}: {word}"))
    assert reading.outcome is Outcome.failed
    assert "expected yes or no" in reading.problems[0].message


def test_a_date_in_the_name(read: Read) -> None:
    """Without a date of its own, a document has that of its name; a wrong one is not replaced."""
    undated = "---\ntitle: T\nwebUrl: https://a.example/t\n"
    assert lead(read(undated + "---\n", "2026-03-01-t.md")).published == datetime(2026, 3, 1, tzinfo=UTC)
    assert lead(read(undated + "publishedDateTime:\n---\n", "2026-03-01-t.md")).published == datetime(
        2026, 3, 1, tzinfo=UTC
    )
    assert read(undated + "---\n", "t.md").outcome is Outcome.failed
    assert read(undated + "publishedDateTime: someday\n---\n", "2026-03-01-t.md").outcome is Outcome.failed


@pytest.mark.parametrize(
    ("zone", "expected"),
    [("UTC", "2026-11-27T00:00"), ("Pacific/Auckland", "2026-11-26T11:00"), ("America/Havana", "2026-11-27T05:00")],
)
def test_what_names_no_zone_is_of_the_source_s(read: Read, zone: str, expected: str) -> None:
    """A day, a time, and the day in the name; also in related entries. What names one is of that."""
    options = Options(timezone=zone)
    midnight = datetime.fromisoformat(expected).replace(tzinfo=UTC)
    undated = "---\ntitle: T\nwebUrl: https://a.example/t\n"
    dated = undated + "publishedDateTime: 27.11.2026 08:45\nupdatedDateTime: 2026-11-27T00:00:00Z\n"
    related = "related: {title: R, webUrl: 'https://r.example/a', publishedDateTime: 2026-11-27}\n"
    reading = read(f"{dated}{related}---\n", "2020-02-02-t.md", options)
    assert lead(reading).published == midnight + timedelta(hours=8, minutes=45)
    assert lead(reading).updated == datetime(2026, 11, 27, tzinfo=UTC)
    assert reading.mentions[1].published == midnight
    assert lead(read(undated + "---\n", "2026-11-27-t.md", options)).published == midnight


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/Los_Angeles", "Asia/Kolkata", "UTC"])
@pytest.mark.parametrize("date", ["1970-01-01", "1970-01-01T00:00:00Z", "1970-01-01 12:00", "2100-01-01", "1.1.2100"])
def test_dates_that_nobody_meant_are_none_in_any_zone(read: Read, zone: str, date: str) -> None:
    """The day counts as it is written, and as the program that wrote zero meant it."""
    related = f"related: {{title: R, webUrl: 'https://r.example/a', publishedDateTime: '{date}'}}"
    reading = read(front(related), options=Options(timezone=zone))
    assert reading.mentions[1].published is None
    assert "expected the article's own date" in reading.problems[0].message


def test_a_day_that_may_be_two_is_told_at_its_place(read: Read) -> None:
    """With both days that it may be; the document is held back, and a related entry only loses its date."""
    reading = read(
        "---\ntitle: T\nwebUrl: https://a.example/t\npublishedDateTime: 03/04/2024\n---\n", "2024-03-04-a.md"
    )
    readings = "may be 2024-04-03 or 2024-03-04, expected one such as 2023-02-28T20:47:00Z"
    message = f'2024-03-04-a.md:4:20: error: `publishedDateTime`: "03/04/2024" {readings}'
    assert [str(problem) for problem in reading.problems] == [message]
    reading = read(front("related: {title: R, webUrl: 'https://r.example/a', publishedDateTime: 3/4/2024}"))
    assert (reading.outcome, reading.mentions[1].published) == (Outcome.read, None)
    assert "may be 2024-04-03 or 2024-03-04" in reading.problems[0].message


@pytest.mark.parametrize(
    ("urls", "key"),
    [
        ("webUrl: http://www.a.example/b/?utm_source=x#0", "https://a.example/b"),
        ("originalUrl: https://a.example/b", "https://a.example/b"),
        ("webUrl: https://a.example/\noriginalUrl: https://a.example/b", "https://a.example/b"),
        ("webUrl: https://a.example/b\noriginalUrl: https://a.example/", "https://a.example/b"),
        ("webUrl: 'javascript:x'\noriginalUrl: https://a.example/b", "https://a.example/b"),
        ("webUrl: /b", "https://site.example/b"),
        ("webUrl: https://a.example/\nampWebUrl: https://a.example/amp", None),
        ("sourceUrl: https://a.example/b", "https://a.example/b"),
        ("sourceUrl: https://a.example/b\nwebUrl: https://a.example/c", "https://a.example/c"),
        ("sourceUrl: https://a.example/b\noriginalUrl: https://a.example/c", "https://a.example/c"),
        ("originalUrl: https://a.example/c\nsourceUrl: https://a.example/b", "https://a.example/c"),
        ("originalUrl:\nsourceUrl: https://a.example/b", "https://a.example/b"),
        ("originalUrl: 'ftp://a.example/c'\nsourceUrl: https://a.example/b", "https://a.example/b"),
    ],
)
def test_the_key(read: Read, urls: str, key: str | None) -> None:
    """The key is the canonical form of the first URL that can name an article, and never an AMP page's."""
    mention = lead(read(f"---\ntitle: T\npublishedDateTime: 2026-03-01\n{urls}\n---\n"))
    if key is None:
        assert mention.key == by_title("https://a.example", mention.mark)
        assert dict(mention.urls) == {"https://a.example/amp": "https://a.example/amp"}
    else:
        assert mention.key == key
        assert key in dict(mention.urls)


def test_the_spellings(read: Read) -> None:
    """A lead knows the URLs that can name it, canonical and as written: the best first, each article once."""
    fields = (
        "originalUrl: http://a.example/t#top\nampWebUrl: https://a.example/\ncdnAmpWebUrl: https://b.example/?id=1\n"
        "related: [{title: R, webUrl: 'https://r.example/a', originalUrl: 'https://r.example/b'}]"
    )
    mention, related = read(front(fields).replace("/t\n", "/t?utm_source=x\n")).mentions
    assert mention.urls == (
        ("https://a.example/t", "https://a.example/t?utm_source=x"),
        ("https://b.example?id=1", "https://b.example/?id=1"),
    )
    assert related.urls == ()


def test_the_names_that_older_documents_use(read: Read) -> None:
    """They are read as today's, in related entries too; messages name the field as the document spells it."""
    older = (
        "sourceUrl: https://b.example/t\nampUrl: https://b.example/t/amp\ncdnAmpUrl: https://c.example/t\n"
        "related: [{title: R, sourceUrl: 'https://r.example/a', ampUrl: 'https://r.example/b'}]"
    )
    newer = older
    for former, name in {"sourceUrl": "originalUrl", "ampUrl": "ampWebUrl", "cdnAmpUrl": "cdnAmpWebUrl"}.items():
        newer = newer.replace(former, name)
    assert read(front(older)).mentions == read(front(newer)).mentions
    reading = read("---\ntitle: T\nsourceUrl: ftp://b.example/t\npublishedDateTime: 2026-03-01\n---\n")
    assert [str(problem) for problem in reading.problems] == [
        "a.md:3:1: error: no usable URL, expected `webUrl` or `originalUrl`",
        'a.md:3:12: warning: `sourceUrl`: "ftp://b.example/t", expected an http(s) URL',
    ]


def test_tracking_of_ones_own(read: Read) -> None:
    """Keys go without the parameters that the configuration calls tracking; links keep them."""
    fields = "originalUrl: https://b.example/t?from=x&id=1\nrelated: {title: R, webUrl: 'https://r.example/a?from=y'}"
    mention, related = read(front(fields), options=Options(tracking=("fr*",))).mentions
    assert mention.urls[1] == ("https://b.example/t?id=1", "https://b.example/t?from=x&id=1")
    assert (related.key, related.link) == ("https://r.example/a", "https://r.example/a?from=y")


def test_front_pages_are_told_apart_by_title(read: Read) -> None:
    """Articles that share a URL without a path have the key of their title."""
    entries = "".join(f"  - {{title: '{title}', webUrl: 'https://a.example/'}}\n" for title in ("One", "Two", "one!"))
    one, two, again = read(front(f"related:\n{entries}")).mentions[1:]
    assert one.key == again.key != two.key
    assert one.key.startswith("https://a.example t:")
    assert fold(one.title) == fold(again.title)


TEXTS = """related:
  - {title: In Print, provider: {name: The Paper, domain: paper.example}}
  - {title: "in print!", provider: {name: the paper}, webUrl: 'javascript:x'}
  - {title: In Print, provider: {domain: paper.example}, webUrl: ~, ampWebUrl: 'https://paper.example/amp'}
  - {title: In Print}
  - {title: Elsewhere, provider: {name: The Paper}}
  - {provider: {name: The Paper}}
"""


def test_coverage_without_a_url_is_a_text(read: Read) -> None:
    """It is told apart by its headline and who published it, and by nothing else."""
    reading = read(front(TEXTS))
    first, same, *others = reading.mentions[1:]
    assert first.key == same.key
    assert len({mention.key for mention in (first, *others)}) == len(reading.mentions) - 2 == 4
    for mention in (first, *others):
        assert (mention.key, mention.link, mention.urls) == (by_title("", mention.mark), "", ())
        assert mention.spare == mention.key
    assert [str(problem) for problem in reading.problems] == [
        "a.md:6:5: warning: no usable URL, kept as text, expected `webUrl` or `originalUrl`",
        "a.md:7:55: warning: no usable URL, kept as text, expected `webUrl` or `originalUrl`",
        'a.md:7:63: warning: `webUrl`: "javascript:x", expected an http(s) URL',
        "a.md:8:58: warning: no usable URL, kept as text, expected `webUrl` or `originalUrl`",
        "a.md:9:5: warning: no usable URL, kept as text, expected `webUrl` or `originalUrl`",
        "a.md:10:5: warning: no usable URL, kept as text, expected `webUrl` or `originalUrl`",
        "a.md:11:5: warning: related entry left out: no title",
    ]


@pytest.mark.parametrize("url", ["", "webUrl:", "ampWebUrl: https://a.example/amp", "webUrl: ftp://a.example/b"])
def test_no_url(read: Read, url: str) -> None:
    """A document without a usable URL is held back."""
    reading = read(f"---\ntitle: T\npublishedDateTime: 2026-03-01\n{url}\n---\n")
    assert reading.outcome is Outcome.failed
    assert "no usable URL, expected `webUrl` or `originalUrl`" in {problem.message for problem in reading.problems}


def test_a_title_with_nothing_in_it_is_none(read: Read) -> None:
    """Markup and blanks make no title."""
    reading = read(front("").replace("title: T", "title: '<b>&nbsp;</b>'"))
    assert [problem.message for problem in reading.problems] == ["no title"]


def test_all_problems_are_told_at_once(read: Read) -> None:
    """A document is read to its end, however much is wrong with it."""
    reading = read("---\npublished: maybe\nquality: high\nrelated: [x]\n---\n")
    assert [problem.line for problem in reading.problems] == [1, 1, 1, 2, 3, 4]


def test_relative_urls_need_a_site(read: Read) -> None:
    """Where no site is configured, a relative URL is a warning that says so."""
    reading = read(front("originalUrl: /t"), options=Options())
    assert lead(reading).link == "https://a.example/t"
    assert str(reading.problems[0]) == 'a.md:5:14: warning: `originalUrl`: "/t", expected an absolute http(s) URL'


BUNDLE = """---
title: Kites
webUrl: https://outlet.example/2026/02/kites/?from=feed
publishedDateTime: 2026-03-01
images: [cover.jpg, /i/large.jpg, {url: ../kites.png}]
featuredContent: "<iframe src='player.html'></iframe>"
provider: {name: Outlet, images: [/logos/outlet.png, {url: logo.png}]}
actions: {url: /files/kites.zip}
related:
  - {title: R, webUrl: /r/, images: [r.jpg], provider: {name: S, images: [/logos/s.png]}}
  - {title: S, webUrl: 'https://other.example/s/', images: [s.jpg], featuredContent: "<iframe src='/p'></iframe>"}
  - {title: In print, images: [print.jpg]}
---
[a](figs/a.html) [b](../kites-2/) [c](?page=2) [d](#table) [e](/imprint) [f](#) ![g](plot.png)
"""


def test_what_is_relative_in_a_document_belongs_to_its_article(read: Read) -> None:
    """Body, pictures and player to the article's own address (RFC 3986 section 5.1); the addresses of articles, logos
    and downloads to the site."""
    kites, near, far, text = read(BUNDLE).mentions
    here = "https://outlet.example/2026/02/kites/"
    assert re.findall('(?:href|src)="(.*?)"', kites.body) == [
        f"{here}figs/a.html",
        "https://outlet.example/2026/02/kites-2/",
        f"{here}?page=2",
        f"{here}?from=feed#table",
        "https://outlet.example/imprint",
        f"{here}plot.png",
    ]
    assert [picture.url for picture in kites.images] == [
        f"{here}cover.jpg",
        "https://outlet.example/i/large.jpg",
        "https://outlet.example/2026/02/kites.png",
    ]
    assert kites.player == Player(f"{here}player.html")
    assert kites.provider is not None
    assert [logo.url for logo in kites.provider.images] == [
        "https://site.example/logos/outlet.png",
        "https://site.example/logo.png",
    ]
    assert kites.actions[0].url == "https://site.example/files/kites.zip"
    assert (near.link, near.images[0].url) == ("https://site.example/r/", "https://site.example/r/r.jpg")
    assert near.provider is not None
    assert near.provider.images[0].url == "https://site.example/logos/s.png"
    assert (far.images[0].url, far.player) == ("https://other.example/s/s.jpg", Player("https://other.example/p"))
    assert text.images[0].url == "https://site.example/print.jpg"


@pytest.mark.parametrize(
    ("urls", "expected"),
    [
        ("originalUrl: https://b.example/x/y.html", "https://b.example/x/a.png"),
        ("sourceUrl: https://b.example/x/y.html", "https://b.example/x/a.png"),
        ("webUrl: 'ftp://c.example/'\noriginalUrl: https://b.example/x/y.html", "https://b.example/x/a.png"),
        ("originalUrl: https://c.example/z/\nwebUrl: https://b.example/x", "https://b.example/a.png"),
        ("ampWebUrl: https://c.example/z/\nwebUrl: https://b.example", "https://b.example/a.png"),
        ("webUrl: blog/x/", "https://site.example/blog/x/a.png"),
        ("webUrl: https://b.example/x/#part", "https://b.example/x/a.png"),
    ],
)
def test_the_articles_own_address_is_the_one_that_is_linked(read: Read, urls: str, expected: str) -> None:
    """Whatever stands first in the front matter, and whichever field holds it."""
    document = f"---\nimages: [a.png]\ntitle: T\npublishedDateTime: 2026-03-01\n{urls}\n---\n![](a.png)\n"
    mention = lead(read(document))
    assert mention.images[0].url == expected
    assert mention.body == f'<p><img src="{expected}" alt=""></p>'


BELOW = Options(base_url="https://site.example/blog/*")


@pytest.mark.parametrize(
    ("written", "plain", "below"),
    [
        ("/assets/x", "https://site.example/assets/x", "https://site.example/blog/assets/x"),
        ("assets/x", "https://site.example/blog/assets/x", "https://site.example/blog/assets/x"),
        ("/blog/x", "https://site.example/blog/x", "https://site.example/blog/x"),
        ("/blog", "https://site.example/blog", "https://site.example/blog"),
        ("/blogs/x", "https://site.example/blogs/x", "https://site.example/blog/blogs/x"),
        ("//c.example/x", "https://c.example/x", "https://c.example/x"),
        ("https://site.example/x", "https://site.example/x", "https://site.example/x"),
    ],
)
def test_a_site_below_a_path(read: Read, written: str, plain: str, below: str) -> None:
    """A path from the root is the host's (RFC 3986), and below the site's own path where `base_url` ends in `*`."""
    document = f"---\ntitle: T\npublishedDateTime: 2026-03-01\nwebUrl: {written}\n---\n"
    assert lead(read(document, options=Options(base_url="https://site.example/blog/"))).link == plain
    assert lead(read(document, options=BELOW)).link == below


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("/2026/a/", "https://site.example/blog/assets/x.png"),
        ("http://www.site.example/blog/2026/a/", "http://www.site.example/blog/assets/x.png"),
        ("https://site.example/blog", "https://site.example/blog/assets/x.png"),
        ("https://site.example/blogs/a", "https://site.example/assets/x.png"),
        ("https://b.example/blog/a/", "https://b.example/assets/x.png"),
    ],
)
def test_bodies_and_pictures_of_a_site_below_a_path(read: Read, link: str, expected: str) -> None:
    """They are below it too where the article is; another outlet's article has its own root."""
    document = (
        f"---\ntitle: T\npublishedDateTime: 2026-03-01\nwebUrl: {link}\nimages: /assets/x.png\n"
        "featuredContent: <iframe src=/assets/x.png></iframe>\n---\n![](/assets/x.png)\n"
    )
    mention = lead(read(document, options=BELOW))
    assert mention.images[0].url == expected
    assert mention.player == Player(expected)
    assert f'src="{expected}"' in mention.body


def test_half_an_address_is_told(read: Read) -> None:
    """It never becomes a page of the site; where it can't be completed, the message says what was expected."""
    reading = read(
        "---\ntitle: T\nwebUrl: https//outlet.example/a\noriginalUrl: outlet.example/a\n"
        "publishedDateTime: 2026-03-01\nimages: [www.outlet.example/a.png, 'https:/outlet.example/b.png', '#']\n"
        "provider: {domain: 'www.outlet.example\u200b'}\nrelated: [{title: R, webUrl: www.outlet.example/r}]\n---\n"
        "[a](www.outlet.example/b) [c](outlet.example/d) ![e](outlet.example/f.png) [g](editor@outlet.example)\n"
    )
    mention, related = reading.mentions
    assert mention.link == "https://outlet.example/a"
    assert [picture.url for picture in mention.images] == ["https://www.outlet.example/a.png"]
    assert mention.provider is not None
    assert mention.provider.domain == "www.outlet.example"
    assert related.link == "https://www.outlet.example/r"
    assert re.findall('(?:href|src)="(.*?)"', mention.body) == [
        "https://www.outlet.example/b",
        "https://outlet.example/d",
        "https://outlet.example/f.png",
    ]
    assert [str(problem) for problem in reading.problems] == [
        'a.md:3:9: warning: `webUrl`: "https//outlet.example/a", expected an http(s) URL',
        'a.md:6:36: warning: "https:/outlet.example/b.png", expected an http(s) URL',
        'a.md:6:67: warning: "#", expected the URL of a picture',
    ]


@pytest.mark.parametrize("title", ["\\u200b", "\\u00ad\\u2060", "\\u200d", "\\ufeff \\u200e", "\\u2800", "\\u3164"])
def test_a_title_that_nobody_can_see_is_none(read: Read, title: str) -> None:
    """A headline needs something to read."""
    reading = read(front("").replace("title: T", f'title: "{title}"'))
    assert [str(problem) for problem in reading.problems] == ["a.md:2:1: error: no title"]


def test_topics_that_look_alike_are_one(read: Read) -> None:
    """What nobody can see makes no second topic, and no topic by itself."""
    alike = (
        r'"\u200bAI", "AI\u00ad", "A\u2060I", "AI\u200e", "\u200b", "\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u062e"'
    )
    fields = f"topics: [AI, {alike}]"
    reading = read(front(fields))
    assert lead(reading).topics == ("AI", "\u0645\u06cc\u200c\u062e")
    assert [problem.message for problem in reading.problems] == [r'"\u200b", expected the name of a topic']


@pytest.mark.parametrize(
    "url",
    [
        "https://ana:hush@intranet/a",
        "ftp://ana:hush@a.example/",
        r"https:\\ana:hush@intranet",
        "ana:hush@a.example/b",
        "ana:hush@www.a.example/b",
        "https:/\u200b/ana:hush@intranet/a",
        "https:&#47;&#47;ana:hush&#64;intranet/a",
    ],
)
def test_passwords_are_not_quoted(read: Read, url: str) -> None:
    """A message about a URL doesn't tell whose it was."""
    reading = read(front(f"originalUrl: {url}\nimages: ['{url}']"))
    assert len(reading.problems) == 2
    assert "hush" not in repr(reading)


@pytest.mark.parametrize(
    ("embed", "told"),
    [
        ("<iframe src='/embed/7'></iframe>", Player("https://a.example/embed/7")),
        ("<iframe src='//player.example/7?a=1&amp;b=2'></iframe>", Player("https://player.example/7?a=1&b=2")),
        (
            """<noscript><iframe src="//track.example/" width="0" height="0"></iframe></noscript><iframe></iframe>
            <iframe src="about:blank"></iframe><iframe src="https://player.example/7" width="8"></iframe>""",
            Player("https://player.example/7", 8),
        ),
        ("&lt;iframe src='https://player.example/7'&gt;", "\"&lt;iframe src='https://player.example/7'&gt;\""),
        ("<iframe src='data:text/html,x'></iframe>", "\"<iframe src='data:text/html,x'></iframe>\""),
        ("<iframe></iframe>", '"<iframe></iframe>"'),
        ("<video src='https://player.example/7.mp4'>", "\"<video src='https://player.example/7.mp4'>\""),
        (" ", '""'),
    ],
)
def test_the_player(read: Read, embed: str, told: Player | str) -> None:
    """The player is the first frame that can be shown, wherever it is; an embed code without one is told."""
    reading = read(front(f"featuredContent: {json.dumps(embed)}"))
    if isinstance(told, Player):
        assert (lead(reading).player, reading.problems) == (told, ())
    else:
        message = f"`featuredContent`: {told}, expected an embed code with an http(s) iframe"
        assert (lead(reading).player, [problem.message for problem in reading.problems]) == (None, [message])


DATES = [
    ("1970-01-01", "is the zero of many programs"),
    ("1970-01-01T23:59:59Z", "is the zero of many programs"),
    ("1970-01-02T01:00:00+02:00", "is the zero of many programs"),
    ("1969-12-31T23:59:59Z", ""),
    ("1970-01-02", ""),
    ("2099-12-31T23:59:59Z", ""),
    ("2100-01-01", "is too far in the future"),
    ("9999-12-31T23:59:59.999999Z", "is too far in the future"),
]


@pytest.mark.parametrize("name", ["publishedDateTime", "updatedDateTime"])
@pytest.mark.parametrize(("date", "wrong"), DATES)
def test_dates_that_nobody_meant(read: Read, name: str, date: str, wrong: str) -> None:
    """A related entry's date that a robot took for one is dropped and told; a document's own stays."""
    reading = read(front(f"related:\n  title: R\n  webUrl: https://r.example/a\n  {name}: {date}"))
    _, related = reading.mentions
    assert (related.published or related.updated) == (None if wrong else instant(date))
    message = f'a.md:8:{5 + len(name)}: warning: `{name}`: "{date}" {wrong}, expected the article\'s own date'
    assert [str(problem) for problem in reading.problems] == ([message] if wrong else [])
    own = read(f"---\ntitle: T\nwebUrl: https://a.example/t\npublishedDateTime: {date}\nupdatedDateTime: {date}\n---\n")
    assert (lead(own).published, lead(own).updated, own.problems) == (instant(date), instant(date), ())


KEYWORDS = (
    ("llama", "Meta AI"),
    ("meta", "Meta"),
    ("met", "Opera"),
    ("meta  ai", "Meta AI"),
    ("AI", "AI"),
    ("c++", "C++"),
    ("機械学習", "Learning"),
    ("कि", "Ki"),
    ("ก", "Ko"),
    ("خواهم", "Will"),
    ("straße", "Roads"),
    ("straße", "Streets"),
    (" ", "Nothing"),
)


@pytest.mark.parametrize(
    ("text", "topics"),
    [
        ("Nothing of the kind", []),
        ("LLaMA's news", ["Meta AI"]),
        ("Llamas, metadata, said, C+", []),
        ("From META AI", ["Meta AI", "Meta", "AI"]),
        ("AI by Meta", ["Meta", "AI"]),
        ("C++-like; xC++", ["C++"]),
        ("最新AI入門", ["AI"]),
        ("最新機械学習入門", ["Learning"]),
        ("कि है", ["Ki"]),
        ("की किया", []),
        ("กา", ["Ko"]),
        ("กิน", []),
        ("می خواهم", ["Will"]),
        ("می\u200cخواهم", []),
        ("At the Met", ["Opera"]),
        ("STRASSE", ["Roads", "Streets"]),
    ],
)
def test_keywords(read: Read, text: str, topics: list[str]) -> None:
    """A document has the topics whose words are whole in its title or its excerpt, in any case and script."""
    options = Options(keywords=KEYWORDS)
    in_title = read(front("").replace("title: T", f"title: {json.dumps(text)}"), options=options)
    in_excerpt = read(front(f"excerpt: |\n  {text.replace(' ', '   ')}"), options=options)
    assert list(lead(in_title).topics) == list(lead(in_excerpt).topics) == topics
    assert read(front(f"excerpt: {text}")).mentions[0].topics == ()


def test_keywords_come_behind_the_documents_own_topics(read: Read) -> None:
    """A topic that it has already is not doubled; a phrase doesn't reach from title to excerpt; coverage has none."""
    fields = "excerpt: AI, C++\ntopics: [Web, ai]\nrelated: {title: Llama, webUrl: 'https://r.example/a'}"
    reading = read(front(fields).replace("title: T", "title: Meta"), options=Options(keywords=KEYWORDS))
    assert [mention.topics for mention in reading.mentions] == [("Web", "ai", "Meta", "C++"), ()]


@pytest.mark.parametrize(
    ("name", "body", "expected"),
    [
        ("a.md", "", ""),
        ("a.md", " \n\n", ""),
        ("a.md", "*a* [b](/c)", '<p><em>a</em> <a href="https://a.example/c">b</a></p>'),
        ("a.html", "*a* <i onclick=x>b</i>", "*a* <i>b</i>"),
        ("A.HTM", "*a*", "*a*"),
        ("a.md", "<script>x</script>", ""),
        ("a.md", "---\nmore\n---\n", "<hr>\n<h2>more</h2>"),
        ("a.md", "\n<!DOCTYPE html>\n<body>\n\n    <p>*a*</p>\n</body>", "<p>*a*</p>"),
        (
            "a.md",
            "<!-- x -->\n<html><base href='/b/'>\n\n    <a href=c>a</a>",
            '<a href="https://a.example/b/c">a</a>',
        ),
        ("a.md", "<header>\n\n*a*\n</header>", "<header>\n<p><em>a</em></p>\n</header>"),
    ],
)
def test_the_body(read: Read, name: str, body: str, expected: str) -> None:
    """A body is Markdown, or HTML where the file's name says so, and sanitised."""
    assert lead(read(front("", body), name)).body == expected


def test_a_body_that_is_a_bomb_is_left_out(read: Read) -> None:
    """A body that can't be read is a warning at its first line; the rest of the document counts."""
    reading = read(front("price: Free", "<div>" * 500), "a.html")
    assert lead(reading).body == ""
    assert lead(reading).price == "Free"
    assert str(reading.problems[0]) == "a.html:7:1: warning: body left out: HTML nested deeper than 256 elements"


# Size.


def test_ten_thousand_related(read: Read) -> None:
    """Of many related entries the first are read, and the others told of."""
    entries = "".join(f"  - {{title: R{n}, webUrl: 'https://r.example/{n}'}}\n" for n in range(10_000))
    started = process_time()
    reading = read(front(f"related:\n{entries}"))
    assert process_time() - started < 20
    assert [mention.place for mention in reading.mentions] == list(range(201))
    assert [problem.message for problem in reading.problems] == [
        "`related`: 10000 entries, expected at most 200; the others are left out"
    ]


@pytest.mark.parametrize("unit", ["x", "word ", "<b>", "&amp;", "\u202e", "\u0315\u0300\u0327", "👩\u200d"])
def test_a_million_characters(read: Read, unit: str) -> None:
    """Titles and excerpts may be long: they are cut in well under a second, and only titles are told of."""
    text = json.dumps("x" + unit * (1_000_000 // len(unit)), ensure_ascii=False)
    for name, limit in (("title", MAX_TITLE), ("excerpt", MAX_EXCERPT)):
        content = front(f"excerpt: {text}") if name == "excerpt" else front("").replace("title: T", f"title: {text}")
        started = process_time()
        reading = read(content, options=Options(limit=5_000_000))
        assert process_time() - started < 2
        found = getattr(lead(reading), name)
        assert len(found) <= limit
        assert len(reading.problems) == (name == "title" and found.endswith("…"))
    reading = read(front("quality: " + "9" * 1_000_000))
    assert len(reading.problems[0].message) < 150


def test_a_long_title_is_cut_and_told(read: Read) -> None:
    """A title has at most 300 characters and an excerpt 2,000, both cut at a word; the title's rest is missed."""
    fields = f"excerpt: {'word ' * 500}\nrelated: {{title: '{'word ' * 61}', webUrl: 'https://r.example/a'}}"
    reading = read(front(fields).replace("title: T", f"title: {'x' * 100} {'y' * 199}"))
    mention, related = reading.mentions
    assert len(mention.title) == 300
    assert mention.excerpt == " ".join(["word"] * 399) + " word…"
    assert related.title == " ".join(["word"] * 59) + " word…"
    assert [str(problem) for problem in reading.problems] == [
        "a.md:6:18: warning: a title of 304 characters, expected at most 300; the rest is left out"
    ]


def test_many_problems_are_counted(read: Read) -> None:
    """Of a hundred thousand warnings, a hundred are told, and how many more there are."""
    reading = read(front(f"topics: [{'~, ' * 100_000}AI]"))
    assert lead(reading).topics == ("AI",)
    assert len(reading.problems) == 101
    assert reading.problems[0].message == "99900 more warnings"


def test_control_characters(read: Read) -> None:
    """NUL bytes and escapes that XML forbids are no problem, and don't stay."""
    mention = lead(read(front('excerpt: "a\0b\\x0bc\\uFFFEd"')))
    assert mention.excerpt == "a b cd"


# What never leaves.

PLACES = [
    "secured: {}",
    "related:\n  - title: R\n    webUrl: https://r.example/a\n    secured: {}",
    "provider:\n  name: P\n  secured: {}",
    "images:\n  - url: https://a.example/i.png\n    secured: {}",
    "actions: {{url: https://a.example/i.zip, secured: {}}}",
    "other:\n  deep:\n    - secured: {}",
    "ratings:\n  secured: {}",
    "author:\n  secured: {}",
]
SECRETS = [
    *(
        "hush",
        "[hush, {hush: hush}]",
        "{hush: 1, hush: 2}",
        "*hush",
        "'hush",
        "hush: hush: hush",
        '"hush\\q"',
        "[hush",
        "!hush x",
    ),
    *("http://hush.example/", "&hush [*hush]", "@hush", "[" * 80 + "hush"),
]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("secret", SECRETS)
def test_secured_never_leaves_the_reader(read: Read, place: str, secret: str) -> None:
    """The encrypted blob is in no mention and no problem, wherever it stands and however it is broken."""
    reading = read(front(place.format(secret)))
    assert "hush" not in repr(reading)
    assert b"hush" not in msgspec.msgpack.encode(reading)


def test_unknown_fields_never_leave_the_reader(read: Read) -> None:
    """What isn't in the table goes nowhere."""
    reading = read(front("layout: hush\nhush: {a: hush}\nsecret: [hush]"))
    assert "hush" not in repr(reading)
    assert reading.problems == ()


def test_messages_quote_briefly(read: Read) -> None:
    """A message quotes the beginning of a value, in one printable line."""
    reading = read(front('quality: "' + "x\\e[31m\\n" * 100 + '"'))
    assert len(reading.problems[0].message) < 110
    assert reading.problems[0].message.isprintable()


# Whatever comes.

FIELD = st.builds(
    "{}: {}".format,
    st.sampled_from([*ADDRESSES, *LEAD, "related", "secured", "other"]),
    st.text(st.characters())
    | st.text("-?:[]{},&*!|>'\"%@` ~aN1.\n")
    | st.just("\n  - title: R\n    webUrl: https://r.example/r"),
)


OPENINGS = (
    *(
        b"+++\n",
        b"+++\na = '\n+++\n",
        b"---toml\n",
        b'{"',
        b'{"a": "\\ud83d',
        b"---json\n{",
        b'---\na: "\\ud83d',
        b"\n---\n",
    ),
    *(b"title: T\ndate: 2026-03-01\n", b"#+title: T\n", b".. title: T\n.. date: x\n", b"T\n===\n:date: x\n:"),
)


@given(
    st.binary()
    | st.builds(b"---\n%b\n---\n%b".__mod__, st.tuples(st.binary(), st.binary()))
    | st.builds(b"%b%b".__mod__, st.tuples(st.sampled_from(OPENINGS), st.binary() | st.text().map(str.encode)))
    | st.lists(FIELD).map(lambda fields: front("\n".join(fields)).encode(errors="surrogatepass"))
    | st.text(st.characters()).map(lambda body: front("", body).encode(errors="surrogatepass"))
)
@example(front("related: [{title: T, webUrl: https://a.example/, images: [{}]}]").encode())
def test_reading_never_raises(content: bytes) -> None:
    """Any bytes are read, failed with a reason, or skipped; what is read can be stored."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "a.md")
        file.write_bytes(content)
        reading = documents.read(str(file), "a.md", 0, SITE)
    assert reading.outcome is not Outcome.failed or any(
        problem.severity is Severity.error for problem in reading.problems
    )
    assert bool(reading.mentions) == (reading.outcome is Outcome.read)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(reading), type=Reading) == reading
    assert reading == documents.Reading(reading.outcome, reading.digest, reading.mentions, reading.problems)
    for mention in reading.mentions:
        assert mention.link.isascii()
        assert mention.link or mention.place
        assert 0 < len(mention.title) <= MAX_TITLE


@given(st.lists(st.tuples(st.text(st.characters()), st.sampled_from("ABC")), max_size=5).map(tuple), st.data())
def test_any_keywords_can_be_looked_for(keywords: tuple[tuple[str, str], ...], data: st.DataObject) -> None:
    """Whatever a keyword is, it is no pattern; a keyword of letters is found where it stands by itself."""
    words = [(word, topic) for word, topic in keywords if word.isalpha()]
    word, topic = data.draw(st.sampled_from(words)) if words else ("", "")
    found = topics_in(f"+{word}+", keywords)
    assert found == tuple(dict.fromkeys(topic for _, topic in keywords if topic in found))
    assert not word or topic in found


@pytest.mark.skipif(not CORPUS.is_dir(), reason=f"{CORPUS} is not there")
def test_the_corpus() -> None:
    """Every real document is read, or fails for want of a title, a URL or a date."""
    outcomes: Counter[Outcome] = Counter()
    for file in sorted(CORPUS.rglob("*")):
        if file.suffix in (".md", ".html"):
            reading = documents.read(str(file), file.name, 0, SITE)
            outcomes[reading.outcome] += 1
            assert {problem.message.partition(",")[0] for problem in reading.problems} <= {
                "no title",
                "no usable URL",
                "no date",
            }
    assert outcomes[Outcome.read] > 400
    assert outcomes[Outcome.skipped] == 1


def test_a_document_has_at_most_a_hundred_topics(read: Read) -> None:
    """Each makes a feed: the first ones count, and a warning says so at their place."""
    reading = read(front(f"topics: [{', '.join(f'T{number}' for number in range(1000))}]"))
    assert lead(reading).topics == tuple(f"T{number}" for number in range(100))
    [problem] = reading.problems
    assert str(problem).endswith("warning: 1000 items, expected at most 100: the first ones count")
