"""The example configurations, as they come along, in real servers over a tree that the real command has published."""

from __future__ import annotations

import gzip
import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import quote, unquote

import pytest

from tests.programs import needs
from tests.servers import Answer, Server, caddy, nginx
from tests.site import Site, environment

CONFIG = Path(__file__).parents[1] / "config"
TOPIC = f"/topics/{quote('機械学習')}/"
LINK = '<https://hub.example.org/>; rel="hub", <https://feeds.example.org{path}>; rel="self"'

# Every kind of file: its address, its type, and whether it is a feed, a page.
KINDS = [
    ("/all/rss.xml", "application/rss+xml", "feed"),
    (f"{TOPIC}rss.xml", "application/rss+xml", "feed"),
    ("/all/atom.xml", "application/atom+xml", "feed"),
    (f"{TOPIC}feed.json", "application/feed+json", "feed"),
    ("/feeds.opml", "text/x-opml", "list"),
    ("/", "text/html", "page"),
    ("/all/", "text/html", "page"),
    (f"{TOPIC}index.html", "text/html", "page"),
    ("/style.css", "text/css", "part"),
    ("/script.js", "text/javascript", "part"),
]
# What isn't ours, but may lie there: how its type begins (an icon's has two names), and the first bytes, which Caddy
# looks at where the machine has no list of types.
OWN = {
    "own.png": ("image/png", b"\x89PNG"),
    "own.jpg": ("image/jpeg", b"\xff\xd8\xff"),
    "own.svg": ("image/svg+xml", b"<svg/>"),
    "favicon.ico": ("image/", b"\x00\x00\x01\x00"),
    "robots.txt": ("text/plain", b"User-agent: *"),
}
# What a machine's own nginx.conf may say around the example.
AROUND = """
    gzip on;
    gzip_types *;
    gzip_min_length 1;
    default_type application/octet-stream;
    index no.html;
    types { text/xml xml; }
"""
FEEDS = ["/all/feed.json", f"{TOPIC}feed.json"]  # of those that tell their own address as it is
each_kind = pytest.mark.parametrize(("path", "kind", "role"), KINDS)


def replaced(text: str, *pairs: tuple[str, str]) -> str:
    """The text with these replaced, each of which is there once."""
    for old, new in pairs:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def nginx_example(*more: tuple[str, str]) -> Callable[[Path, int], str]:
    """The example, but for what is the machine's own, and more."""

    def site(root: Path, port: int) -> str:
        text = (CONFIG / "nginx.conf.example").read_text(encoding="utf-8")
        places = (
            ("    listen 80;\n    listen [::]:80;\n", f"    listen 127.0.0.1:{port};\n"),
            ("root /srv/feeds;", f"root {root};"),
        )
        return AROUND + replaced(text, *places, *more)

    return site


def caddy_example(*more: tuple[str, str]) -> Callable[[Path, int], str]:
    """Likewise."""

    def site(root: Path, port: int) -> str:
        text = (CONFIG / "Caddyfile.example").read_text(encoding="utf-8")
        listen = ("\nfeeds.example.org {\n", f"\n:{port} {{\n\tbind 127.0.0.1\n")
        return replaced(text, listen, ("root * /srv/feeds", f'root * "{root}"'), *more)

    return site


Start = Callable[..., AbstractContextManager[Server]]
SERVERS: dict[str, Start] = {
    "nginx": lambda root, *more: nginx(root, site=nginx_example(*more)),
    "caddy": lambda root, *more: caddy(root, site=caddy_example(*more)),
}
HUBS = {
    "nginx": ("    # add_header Link $aggregator_link;", "    add_header Link $aggregator_link;"),
    "caddy": ("\t# header @polled Link", "\theader @polled Link"),
}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Everything there is to write, and things that nobody should get."""
    site = Site(tmp_path_factory.mktemp("published"))
    site.configure(output={"path": "public", "compress": "yes"})
    site.document("a", topics=["AI", "機械学習"])
    assert site.run().status == 0
    (site.output / "all/.rss.xml.part").write_text("secret")
    (site.output / "nothing").mkdir()
    (site.root / "secret.txt").write_text("secret")
    for file, (_, data) in OWN.items():
        (site.output / file).write_bytes(data)
    (site.output / ".well-known").mkdir()
    (site.output / ".well-known/proof").write_text("ours")
    (site.output / "link.xml").symlink_to(site.root / "secret.txt")
    return site


@pytest.fixture(scope="module", params=SERVERS)
def name(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture(scope="module")
def server(name: str, published: Site) -> Iterator[Server]:
    with SERVERS[name](published.output) as found:
        yield found


def file_of(site: Site, path: str) -> Path:
    return site.output / (unquote(path).lstrip("/") + ("index.html" if path.endswith("/") else ""))


@each_kind
def test_a_file_is_what_it_is_said_to_be(server: Server, published: Site, path: str, kind: str, role: str) -> None:
    """Its type in UTF-8, and the headers that go with what it is."""
    answer = server.get(path)
    assert (answer.status, answer.body) == (200, file_of(published, path).read_bytes())
    headers = answer.headers
    assert headers["content-type"] == f"{kind}; charset=utf-8"
    assert headers["cache-control"] == "no-cache"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers.get("access-control-allow-origin") == ("*" if role in ("feed", "list") else None)
    assert headers.get("content-security-policy") == ("frame-ancestors 'none'" if role == "page" else None)
    assert "link" not in headers


@each_kind
def test_who_takes_gzip_is_sent_the_twin(server: Server, published: Site, path: str, kind: str, role: str) -> None:
    """As it is, under the same type; caches are told that there are two."""
    answer = server.get(path, Accept_Encoding="br, gzip;q=0.8")
    file = file_of(published, path)
    assert answer.body == file.with_name(file.name + ".gz").read_bytes()
    assert (answer.headers["content-encoding"], answer.headers["content-type"]) == ("gzip", f"{kind}; charset=utf-8")
    for encoding in ("gzip", "gzip;q=0", "br"):
        other = server.get(path, Accept_Encoding=encoding).headers
        assert other["vary"].lower() == "accept-encoding"
        assert (
            (other.get("content-encoding") == "gzip")
            == (other["etag"] == answer.headers["etag"])
            == (encoding == "gzip")
        )


def test_a_cache_in_front_is_sent_the_twin_too(server: Server) -> None:
    """Though it says that it is one."""
    assert server.get("/all/rss.xml", Accept_Encoding="gzip", Via="1.1 cache").headers["content-encoding"] == "gzip"


@pytest.mark.parametrize("file", OWN)
def test_what_somebody_put_there_is_what_it_is(server: Server, file: str) -> None:
    """Browsers that are not to guess show no picture of another type."""
    kind, data = OWN[file]
    answer = server.get(f"/{file}")
    assert answer.headers["content-type"].startswith(kind)
    assert answer.body == data


def test_an_error_is_no_feed(published: Site, name: str) -> None:
    """What is said of feeds isn't said of one that isn't there; what is said for safety is."""
    with SERVERS[name](published.output, HUBS[name]) as server:
        answer = server.get("/nowhere/rss.xml")
    assert answer.status == 404
    assert b"404 Not Found" in answer.body
    assert {"link", "access-control-allow-origin"}.isdisjoint(answer.headers)
    assert not answer.headers["content-type"].startswith("application/")
    assert (answer.headers["x-content-type-options"], answer.headers["referrer-policy"]) == ("nosniff", "no-referrer")


@each_kind
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_an_unchanged_file_is_not_sent_again(server: Server, path: str, kind: str, role: str, encoding: str) -> None:
    """By its tag, which is a strong one, or by its date."""
    headers = server.get(path, Accept_Encoding=encoding).headers
    assert headers["etag"].startswith('"')
    for known in ({"If_None_Match": headers["etag"]}, {"If_Modified_Since": headers["last-modified"]}):
        answer = server.get(path, Accept_Encoding=encoding, **known)
        assert (answer.status, answer.body) == (304, b"")
        assert answer.headers.get("cache-control") == "no-cache"
        assert answer.headers["vary"].lower() == "accept-encoding"


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/.aggregator",
            "/all/.rss.xml.part",
            "/all/rss.xml.gz",
            "/index.html.gz",
            "/all/%2erss.xml.part",
            "//.aggregator",
            "/all/../.aggregator",
            "/all/rss.xml%2egz",
            "/.well-known/../.aggregator",
            "/nowhere",
            "/nowhere/",
            "/all/x.xml",
        ),
        *("/../secret.txt", "/all/../../secret.txt", "/%2e%2e/secret.txt", "/all/%2e%2e%2f%2e%2e%2fsecret.txt"),
    ],
)
def test_what_is_nobodys_is_not_given(server: Server, path: str) -> None:
    """Neither what is hidden, nor what isn't there, nor what is elsewhere."""
    answer = server.get(path)
    assert answer.status in (400, 404)
    assert b"secret" not in answer.body


def test_who_gives_certificates_can_be_shown_a_proof(server: Server, name: str) -> None:
    """nginx's are had from outside; Caddy needs no file for its own."""
    assert server.get("/.well-known/proof").status == {"nginx": 200, "caddy": 404}[name]


@pytest.mark.parametrize("path", ["//all", "//evil.example/%2e%2e/all", "/%5cevil.example/%2e%2e/all", "/.//all"])
def test_nobody_is_led_to_another_host(server: Server, path: str) -> None:
    """Though what is asked for looks like one."""
    assert server.get(path).headers.get("location") in ("/all/", None)


def test_no_folder_is_listed(server: Server) -> None:
    """One without a page is nothing."""
    for path in ("/nothing/", "/topics/"):
        answer = server.get(path)
        assert answer.status in (403, 404)
        assert b"href" not in answer.body


def test_links_lead_nowhere_where_the_server_can_tell(server: Server, name: str) -> None:
    """Caddy follows them, as docs/serving.md says."""
    answer = server.get("/link.xml")
    assert answer.status == {"nginx": 403, "caddy": 200}[name]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_is_taken(server: Server, published: Site, method: str) -> None:
    """Whatever is sent; what there is instead is said."""
    before = published.tree()
    answer = server.ask(method, "/all/rss.xml")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")
    assert published.tree() == before


def test_a_head_is_a_get_without_a_body(server: Server) -> None:
    """With the same headers."""
    head, get = server.ask("HEAD", "/all/atom.xml"), server.get("/all/atom.xml")
    assert (head.status, head.body) == (200, b"")
    assert {k: v for k, v in head.headers.items() if k != "date"} == {
        k: v for k, v in get.headers.items() if k != "date"
    }


def test_a_folder_without_its_slash_leads_to_it(server: Server) -> None:
    """Wherever it was asked for: host and port aren't the server's to know."""
    answer = server.get(TOPIC.rstrip("/"))
    assert answer.status in (301, 308)
    assert unquote(answer.headers["location"]) == unquote(TOPIC)


@each_kind
def test_hubs_are_named_once_that_is_turned_on(published: Site, name: str, path: str, kind: str, role: str) -> None:
    """By one line; with each feed's own address, and for feeds alone."""
    with SERVERS[name](published.output, HUBS[name]) as server:
        link = server.get(path).headers.get("link")
    assert link == (LINK.format(path=path) if role == "feed" else None)


def test_hubs_know_a_feed_by_one_address(published: Site, name: str) -> None:
    """The one that it has itself, whatever it was asked by: another spelling gets that one, or none."""
    own = {path: json.loads((file_of(published, path)).read_bytes())["feed_url"] for path in FEEDS}
    with SERVERS[name](published.output, HUBS[name]) as server:
        for path, address in own.items():
            assert f'<{address}>; rel="self"' in server.get(path).headers["link"]
            assert f'<{address}>; rel="self"' in server.get(f"{path}?utm_source=x").headers["link"]
            for other in (f"/{path}", f"/.{path}", f"/all/..{path}", path.replace("/feed", "/%66eed")):
                answer = server.get(other)
                assert (answer.status, answer.headers.get("link")) == (200, None), other


def test_an_nginx_may_have_two_sites(published: Site) -> None:
    """Each names its feeds by its own host."""

    def both(root: Path, port: int) -> str:
        one = nginx_example(HUBS["nginx"])(root, port)
        return one + replaced(one[one.index("\nserver {") :], ("server_name feeds.", "server_name news."))

    with nginx(published.output, site=both) as server:
        for host in ("feeds.example.org", "news.example.org"):
            link = server.get("/all/rss.xml", Host=host).headers["link"]
            assert link.endswith(f'<https://{host}/all/rss.xml>; rel="self"')


def test_a_site_may_be_below_a_folder_of_its_host(tmp_path: Path, name: str) -> None:
    """All is as it is at the top."""
    site = Site(tmp_path / "site")
    site.configure(
        site={"title": "T", "url": "https://feeds.example.org/our/"}, output={"path": "public/our", "compress": "yes"}
    )
    site.document("a")
    assert site.run().status == 0
    with SERVERS[name](site.output) as server:
        for path, kind, role in KINDS:
            if TOPIC not in path:
                headers = server.get(f"/our{path}").headers
                assert headers["content-type"] == f"{kind}; charset=utf-8"
                assert ("access-control-allow-origin" in headers) == (role in ("feed", "list"))


def test_former_addresses_lead_on(tmp_path: Path, name: str) -> None:
    """By the line for it, with what the command prints."""
    site = Site(tmp_path / "site")
    site.document("a", topics=["Facebook AI"])
    assert site.run().status == 0
    site.configure(topics={"list": [{"name": "Meta AI", "aliases": ["Facebook AI"]}]})
    assert site.run().status == 0
    done = site.run("--redirects", name, command="feeds")
    assert done.out
    (site.root / "redirects").write_text(done.out, encoding="utf-8")
    word, end = {"nginx": ("include", ";"), "caddy": ("import", "")}[name]
    old = f"# {word} /etc/{name}/aggregator-redirects.conf{end}"
    with SERVERS[name](site.output, (old, f"{word} {site.root / 'redirects'}{end}")) as server:
        answer = server.get("/topics/facebook-ai/rss.xml")
    assert (answer.status, answer.headers["location"]) == (301, "/topics/meta-ai/rss.xml")


def test_a_change_reaches_whoever_asks(tmp_path: Path, name: str) -> None:
    """In both encodings, though it comes within a second of the one before, and has the same size; a run without one
    sends nobody anything.
    """
    site = Site(tmp_path / "site")
    site.configure(output={"path": "public", "compress": "yes"})
    site.document("a", title="Version 0")
    assert site.run().status == 0

    def asked(server: Server, known: dict[str, Answer], by: str) -> dict[str, Answer]:
        found = {}
        for encoding, answer in known.items():
            condition = {
                "tag": {"If_None_Match": answer.headers["etag"]},
                "date": {"If_Modified_Since": answer.headers["last-modified"]},
            }[by]
            found[encoding] = server.get("/all/atom.xml", Accept_Encoding=encoding, **condition)
        return found

    with SERVERS[name](site.output) as server:
        known = {encoding: server.get("/all/atom.xml", Accept_Encoding=encoding) for encoding in ("identity", "gzip")}
        for number in range(1, 4):
            assert site.run().status == 0
            assert {answer.status for by in ("tag", "date") for answer in asked(server, known, by).values()} == {304}
            site.document("a", title=f"Version {number}")
            assert site.run().status == 0
            by_date, known = asked(server, known, "date"), asked(server, known, "tag")
            for answers in (by_date, known):
                assert answers["identity"].body == (site.output / "all/atom.xml").read_bytes()
                assert gzip.decompress(answers["gzip"].body) == answers["identity"].body
                assert b"Version %d" % number in answers["identity"].body


def test_without_twins_files_are_sent_as_they_are(tmp_path: Path, name: str) -> None:
    """To those who take gzip too."""
    site = Site(tmp_path / "site")
    site.configure(output={"path": "public"})
    site.document("a")
    assert site.run().status == 0
    with SERVERS[name](site.output) as server:
        for path in ("/all/rss.xml", "/all/index.html", "/style.css"):
            answer = server.get(path, Accept_Encoding="gzip")
            assert answer.body == file_of(site, path).read_bytes()
            assert "content-encoding" not in answer.headers
            assert answer.headers["etag"].startswith('"')


def test_caddys_example_is_written_as_caddy_likes_it() -> None:
    """Its own formatter would change nothing, and complains of nothing."""
    done = subprocess.run(
        [needs("caddy"), "fmt", CONFIG / "Caddyfile.example"], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ((CONFIG / "Caddyfile.example").read_text(encoding="utf-8"), "")


def test_caddy_has_nothing_to_say_of_its_example(tmp_path: Path) -> None:
    """As it stands it is valid, and no warning is given."""
    done = subprocess.run(
        [needs("caddy"), "validate", "--adapter", "caddyfile", "--config", CONFIG / "Caddyfile.example"],
        env=environment(**dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"), str(tmp_path))),
        capture_output=True,
        text=True,
        check=False,
    )
    notes = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    assert done.returncode == 0, done.stderr
    assert [note for note in notes if note["level"] != "info"] == []


def test_nginx_has_nothing_to_say_of_its_example(tmp_path: Path) -> None:
    """No warning."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    text = nginx_example()(tmp_path, 8099)
    (tmp_path / "nginx.conf").write_text(
        f"pid {scratch}/pid; error_log stderr; events {{}} http {{ access_log off; {text} }}"
    )
    done = subprocess.run(
        [needs("nginx"), "-q", "-t", "-e", "stderr", "-p", scratch, "-c", tmp_path / "nginx.conf"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
