"""The pages as people meet them in a browser: with and without JavaScript, in the dark, on a phone, by keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser import chromium, give, player, shown, visiting
from tests.site import Site

PROJECT = Path(__file__).parents[1]
CORPUS = PROJECT.parent / "shared" / "corpus"
PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 740}}
LONG = "Unbreakable" * 45
NAMES = ["Zürich", "Open Source", "AI", "<b>Markup</b> & Co", "مرحبا", "🚀"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def play() -> Iterator[tuple[str, list[dict[str, str]]]]:
    with player() as found:
        yield found


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory, play: tuple[str, Any]) -> Site:
    """A site of all that is odd: long words, markup, directions, shapes of pictures, and entries of almost nothing."""
    site = Site(tmp_path_factory.mktemp("odd"))
    site.configure(output={"path": "public"}, site={"title": "The <Odd> & Sons", "url": "https://feeds.example.org/"})
    site.document("plain", topics=[name.replace("<", "&lt;").replace(">", "&gt;") for name in NAMES])
    site.document("long", title=LONG, topics=["AI", LONG], excerpt=LONG, publishedDateTime="2026-03-05")
    markup = {"title": "a &lt;img src=x onerror=alert(1)&gt; b", "excerpt": "&lt;script&gt;x&lt;/script&gt;"}
    site.document("markup", authors=[LONG], **markup)
    site.document("rtl", title="مرحبا بالعالم", language="ar", excerpt="نص قصير", publishedDateTime="2026-03-06")
    for number, (width, height) in enumerate(((1, 5000), (5000, 1), (None, None), (640, 360))):
        size = {"width": width, "height": height} if width else {}
        site.document(f"picture{number}", images=[{"url": f"https://pictures.example/{number}.png"} | size])
    site.document("broken", images=[{"url": "https://pictures.example/broken.png"}], publishedDateTime="2026-03-07")
    site.document(
        "video",
        title="A talk",
        topics=["Video"],
        featuredContent=f'<iframe src="{play[0]}" width="640" height="360"></iframe>',
        images=[{"url": "https://pictures.example/poster.png"}],
        actions=[{"url": "https://files.example/slides.pdf", "title": "Slides"}],
        related=[{"title": LONG, "webUrl": "https://other.example/1"}, {"title": "A text"}],
    )
    gone = site.document("gone", topics=["Empty"])
    assert site.run().status == 0
    gone.unlink()
    assert site.run().status == 0
    return site


@pytest.fixture(scope="module")
def home(odd: Site) -> Iterator[str]:
    with shown(odd.output) as url:
        yield url


def pages(output: Path) -> list[str]:
    """The addresses of all pages, below the site's."""
    folders = [path.parent.relative_to(output).as_posix() for path in sorted(output.rglob("index.html"))]
    return ["" if folder == "." else quote(folder) + "/" for folder in folders]


def names(page: Page) -> list[str]:
    """The feeds that can be seen."""
    return page.locator(".feeds > li:visible .name").all_inner_texts()


def active(page: Page) -> str:
    """What has the focus: its text, else its id."""
    return str(page.evaluate("document.activeElement.innerText || document.activeElement.id"))


# All pages, everywhere


@pytest.fixture(scope="module", params=["odd", "examples", "corpus"])
def output(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if request.param == "odd":
        site: Site = request.getfixturevalue("odd")
        return site.output
    source = PROJECT / "examples" / "articles" if request.param == "examples" else CORPUS
    if not source.exists():
        pytest.skip(f"there are no documents in {source.name}/ beside the project")
    site = Site(tmp_path_factory.mktemp(request.param))
    site.configure(sources=[{"path": str(source), "base_url": "https://www.example.org/"}], output={"path": "public"})
    assert site.run().status == 0
    return site.output


@pytest.mark.timeout(180)
@pytest.mark.parametrize("javascript", [True, False], ids=["js", "no-js"])
def test_nothing_is_asked_of_other_hosts_but_pictures(browser: Browser, output: Path, javascript: bool) -> None:
    """Those without a referrer; nothing is complained of, and a phone need not scroll sideways."""
    with shown(output) as url, visiting(browser, url, java_script_enabled=javascript, **PHONE) as visit:
        for path in pages(output):
            page = visit.go(path)
            assert page.locator("h1").count() == 1, path
            assert page.locator("html").evaluate("element => element.scrollWidth - innerWidth") <= 0, path
        assert visit.strays == []
        assert visit.complaints == []
        assert all("referer" not in request.headers for request in visit.images)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("look", [{}, {"color_scheme": "dark", **PHONE}], ids=["desk", "dark phone"])
def test_nobody_is_kept_out(browser: Browser, output: Path, look: dict[str, Any]) -> None:
    """axe-core finds nothing that keeps people out, contrast included."""
    axe = Axe()
    some = pages(output)
    chosen = some if output.parent.name.startswith("odd") else some[:5]
    with shown(output) as url, visiting(browser, url, **look) as visit:
        for path in chosen:
            found = axe.run(visit.go(path))
            assert found.response["testEngine"]["version"] >= "4.10"
            assert found.violations_count == 0, f"{path}: {found.generate_report()}"


# The page of all feeds


def test_feeds_can_be_filtered(browser: Browser, home: str) -> None:
    """By all words, in any case, without accents; how many are left is said; Escape shows all again."""
    with visiting(browser, home) as visit:
        page = visit.go()
        everything = names(page)
        assert {*NAMES} < {*everything}
        said = page.locator(".said")
        for typed, left in {
            "zur": ["Zürich"],
            "ZÜRICH": ["Zürich"],
            "source open": ["Open Source"],
            " ": everything,
            "<b>": ["<b>Markup</b> & Co"],
            "مرح": ["مرحبا"],
            "nothing like it": [],
        }.items():
            page.fill("#filter", typed)
            assert names(page) == left, typed
            assert said.inner_text() == ("" if typed == " " else f"{len(left)} of {len(everything)}")
        page.press("#filter", "Escape")
        assert names(page) == everything
        page.evaluate("() => document.activeElement.blur()")
        page.keyboard.press("/")
        assert active(page) == "filter"
        page.keyboard.type("a/b")
        assert page.input_value("#filter") == "a/b"
        assert visit.complaints == []


def test_a_page_come_back_to_is_filtered_as_it_was_left(browser: Browser, home: str) -> None:
    """What was typed is what is shown."""
    with visiting(browser, home) as visit:
        page = visit.go()
        page.fill("#filter", "zur")
        page.click(".feeds > li:visible .name")
        page.wait_for_url("**/topics/**")
        page.go_back()
        typed = page.input_value("#filter")
        assert names(page) == ["Zürich"] if typed else len(names(page)) > 1


def test_without_javascript_all_feeds_are_there(browser: Browser, home: str) -> None:
    """No filter that does nothing, no button that does nothing; addresses are links."""
    with visiting(browser, home, java_script_enabled=False) as visit:
        page = visit.go()
        assert {*NAMES} < {*names(page)}
        assert not page.locator("#filter").is_visible()
        page.click("text=Zürich")
        assert page.locator("h1").inner_text() == "Zürich"
        assert page.locator(".copy").count() == 3
        assert page.locator(".copy:visible").count() == 0
        link = page.locator("dd a").first
        assert link.inner_text() == link.get_attribute("href") == "https://feeds.example.org/topics/z%C3%BCrich/rss.xml"


def test_the_keyboard_reaches_everything(browser: Browser, home: str) -> None:
    """In the order of the page, beginning with a way past its head; what has the focus can be seen."""
    with visiting(browser, home) as visit:
        page = visit.go()
        page.keyboard.press("Tab")
        assert active(page) == "Skip to content"
        box = page.locator(".skip").bounding_box()
        assert box
        assert box["x"] >= 0
        reached = []
        for _ in range(5):
            page.keyboard.press("Tab")
            reached.append(active(page))
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none"
        assert reached == ["All of them as OPML", "filter", "Everything", "RSS", "Atom"]
        page.focus(".feeds > li:nth-child(2) .name")
        page.keyboard.press("Enter")
        page.wait_for_url("**/topics/**")


# A feed's page


@pytest.mark.parametrize("allowed", [True, False])
def test_an_address_can_be_copied(browser: Browser, home: str, allowed: bool) -> None:
    """It is in the clipboard then; where there is none, it is selected, and said to be."""
    with visiting(browser, home, permissions=["clipboard-read", "clipboard-write"] if allowed else []) as visit:
        page = visit.go("topics/ai/")
        if not allowed:
            page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')) }")
        page.focus(".copy >> nth=1")
        page.keyboard.press("Enter")
        expect(page.locator(".said")).not_to_be_empty()
        address = "https://feeds.example.org/topics/ai/atom.xml"
        if allowed:
            assert page.locator(".said").inner_text() == "Copied."
            assert page.evaluate("navigator.clipboard.readText()") == address
        else:
            assert "Selected" in page.locator(".said").inner_text()
            assert page.evaluate("String(getSelection())") == address
        assert visit.complaints == []


@pytest.mark.parametrize("javascript", [True, False], ids=["js", "no-js"])
def test_a_player_plays_when_it_is_asked_to(
    browser: Browser, home: str, play: tuple[str, list[dict[str, str]]], javascript: bool
) -> None:
    """Its host hears nothing before, and then of the site but not of the page."""
    url, asked = play
    asked.clear()
    with visiting(browser, home, java_script_enabled=javascript) as visit:
        visit.allowed.append(url)
        page = visit.go("topics/video/")
        frame = page.frame_locator("iframe.player")
        frame.locator("text=Play").wait_for()
        assert page.locator("iframe.player").get_attribute("title") == "Player: A talk"
        assert asked == []
        frame.locator("a").click()
        frame.locator("#on").wait_for()
        assert len(asked) == 1
        assert asked[0].get("Referer") == home
        assert visit.strays == []
        assert visit.complaints == []


def test_the_keyboard_starts_a_player(browser: Browser, home: str, play: tuple[str, list[dict[str, str]]]) -> None:
    """Tab goes into its frame, Enter plays."""
    with visiting(browser, home) as visit:
        visit.allowed.append(play[0])
        page = visit.go("topics/video/")
        page.frame_locator("iframe.player").locator("a").focus()
        page.keyboard.press("Enter")
        page.frame_locator("iframe.player").locator("#on").wait_for()


def test_pictures_come_when_they_are_scrolled_to(browser: Browser, odd: Site, home: str) -> None:
    """And move nothing when they do; one that doesn't come leaves no hole."""

    def odd_ones(route: Route) -> None:
        if "broken" in route.request.url:
            route.abort()
        else:
            give(route, "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='999'/>")

    with visiting(browser, home, odd_ones, viewport={"width": 900, "height": 300}) as visit:
        page = visit.go("all/")
        page.evaluate(
            """() => {
              window.moved = 0;
              const add = (list) => list.getEntries().forEach((entry) => (window.moved += entry.value));
              new PerformanceObserver(add).observe({type: "layout-shift", buffered: true});
            }"""
        )
        assert page.locator("article img").first.get_attribute("loading") == "lazy"
        expect(page.locator("img[src*=broken]")).to_have_count(0)
        for picture in page.locator(".picture img").all():
            picture.scroll_into_view_if_needed()
            expect(picture).to_have_js_property("complete", True)
        assert page.evaluate("() => window.moved") < 0.1
        sizes = page.locator(".picture").evaluate_all("all => all.map(e => [e.offsetWidth, e.offsetHeight])")
        assert len({*map(tuple, sizes)} - {tuple(sizes[0])}) <= 1  # the first entry's may be greater
        assert all(abs(width / height - 16 / 9) < 0.02 for width, height in sizes)


def test_texts_are_texts(browser: Browser, home: str) -> None:
    """Markup in them is shown, and each runs in its own direction."""
    with visiting(browser, home) as visit:
        page = visit.go("all/")
        titles = page.locator("article h2").all_inner_texts()
        assert "a <img src=x onerror=alert(1)> b" in titles
        arabic = page.locator("article", has_text="مرحبا بالعالم")
        assert arabic.locator("h2").evaluate("element => getComputedStyle(element).direction") == "rtl"
        assert arabic.get_attribute("lang") == "ar"
        assert page.title() == "The <Odd> & Sons"
        assert visit.complaints == []


def test_an_empty_feed_says_so(browser: Browser, home: str) -> None:
    """It is there for its subscribers."""
    with visiting(browser, home) as visit:
        page = visit.go("topics/empty/")
        assert page.locator("main").inner_text().endswith("Nothing here now.")
        assert page.locator("article").count() == 0


def test_the_dark_is_dark(browser: Browser, home: str) -> None:
    """Paper and ink change places, where people want it so."""
    lights = []
    for scheme in ("light", "dark"):
        with visiting(browser, home, color_scheme=scheme) as visit:
            page = visit.go("all/")
            colours = page.evaluate("(s => [s.backgroundColor, s.color])(getComputedStyle(document.body))")
            lights.append([sum(map(int, colour[4:-1].split(","))) for colour in colours])
    (paper, ink), (dark_paper, dark_ink) = lights
    assert paper > 600 > 200 > ink
    assert dark_ink > 600 > 200 > dark_paper


def test_readers_find_the_feeds_of_a_page(browser: Browser, home: str) -> None:
    """By the links in its head: a feed's page has its own, the site's page those of everything and no others."""
    with visiting(browser, home) as visit:
        for path, feed in {"": "all", "topics/ai/": "topics/ai"}.items():
            page = visit.go(path)
            links = page.locator("link[rel=alternate]")
            assert links.evaluate_all("all => all.map(e => [e.type, e.href])") == [
                ["application/rss+xml", f"https://feeds.example.org/{feed}/rss.xml"],
                ["application/atom+xml", f"https://feeds.example.org/{feed}/atom.xml"],
                ["application/feed+json", f"https://feeds.example.org/{feed}/feed.json"],
            ]
            assert page.locator("link[rel=canonical]").get_attribute("href") == f"https://feeds.example.org/{path}"
