"""The pages as people meet them in a browser: with and without JavaScript, in the dark, on a phone, by keyboard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser import Visit, chromium, give, player, shown, visiting
from tests.site import Site

PROJECT = Path(__file__).parents[1]
CORPUS = PROJECT.parent / "shared" / "corpus"
PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 740}}
AXE = (4, 12)  # of older ones we don't know what they find
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


def made(root: Path, source: Path) -> Site:
    """A site of the documents in a folder, everything written that can be."""
    site = Site(root)
    site.configure(sources=[{"path": str(source), "base_url": "https://www.example.org/"}], output={"path": "public"})
    assert site.run().status == 0
    return site


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return made(tmp_path_factory.mktemp("examples"), PROJECT / "examples" / "articles")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Site:
    if not CORPUS.exists():
        pytest.skip("the corpus is not beside the checkout")
    return made(tmp_path_factory.mktemp("corpus"), CORPUS)


@pytest.fixture(scope="module", params=["odd", "examples", "corpus"])
def output(request: pytest.FixtureRequest) -> Path:
    site: Site = request.getfixturevalue(request.param)
    return site.output


@pytest.mark.timeout(600)
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


@pytest.mark.timeout(600)
@pytest.mark.parametrize("look", [{}, {"color_scheme": "dark", **PHONE}], ids=["desk", "dark phone"])
def test_nobody_is_kept_out(browser: Browser, output: Path, look: dict[str, Any]) -> None:
    """axe-core finds nothing that keeps people out, contrast included."""
    axe = Axe()
    some = pages(output)
    chosen = some if output.parent.name.startswith("odd") else some[:5]
    with shown(output) as url, visiting(browser, url, **look) as visit:
        for path in chosen:
            found = axe.run(visit.go(path))
            assert tuple(map(int, found.response["testEngine"]["version"].split("."))) >= AXE
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
        # Of the page, not of the browser: not all browsers empty a field by themselves.
        page.dispatch_event("#filter", "keydown", {"key": "Escape"})
        assert page.input_value("#filter") == ""
        assert names(page) == everything
        assert visit.complaints == []


def test_a_slash_leads_to_the_filter(browser: Browser, home: str) -> None:
    """From anywhere but the filter itself; with Ctrl it is somebody else's."""
    with visiting(browser, home) as visit:
        page = visit.go()
        page.focus(".feeds > li:nth-child(2) .name")
        page.keyboard.press("Control+/")
        assert active(page) != "filter"
        page.keyboard.press("/")
        assert active(page) == "filter"
        page.keyboard.type("a/b")
        assert page.input_value("#filter") == "a/b"


def test_a_page_come_back_to_is_filtered_as_it_was_left(browser: Browser, home: str) -> None:
    """What was typed is what is shown."""
    with visiting(browser, home) as visit:
        page = visit.go()
        page.fill("#filter", "zur")
        page.click(".feeds > li:visible .name")
        page.wait_for_url("**/topics/**")
        page.go_back(wait_until="load")
        assert page.input_value("#filter") == "zur"
        expect(page.locator(".said")).to_have_text(re.compile("^1 of "))
        assert names(page) == ["Zürich"]


def test_a_feed_is_a_line_in_the_list(browser: Browser, home: str) -> None:
    """However long its name is, which is whole on its own page; and the list's names are those of the pages."""
    with visiting(browser, home) as visit:
        page = visit.go()
        heights = page.locator(".feeds > li").evaluate_all("all => all.map(e => e.offsetHeight)")
        assert max(heights) < 2 * min(heights)
        for name in ("Everything", LONG):
            visit.go().click(f".feeds .name >> text={name}")
            expect(page.locator("h1")).to_have_text(name)


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


def copied(page: Page) -> str:
    """What the page says when the address of its Atom feed is to be copied, by keyboard."""
    page.focus(".copy >> nth=1")
    page.keyboard.press("Enter")
    expect(page.locator(".said")).not_to_be_empty()
    return page.locator(".said").inner_text()


def test_an_address_can_be_copied(browser: Browser, home: str) -> None:
    """It is in the clipboard then, and is said to be."""
    with visiting(browser, home, permissions=["clipboard-read", "clipboard-write"]) as visit:
        page = visit.go("topics/ai/")
        assert copied(page) == "Copied."
        assert page.evaluate("navigator.clipboard.readText()") == "https://feeds.example.org/topics/ai/atom.xml"
        assert visit.complaints == []


@pytest.mark.parametrize("reason", ["no https", "not allowed"])
def test_without_a_clipboard_an_address_is_selected(browser: Browser, home: str, reason: str) -> None:
    """And is said to be: pages from plain http have no clipboard, and a server's policy may forbid it."""
    policy = {"Permissions-Policy": "clipboard-write=()"} if reason == "not allowed" else {}
    top = home if policy else "http://feeds.example.org/"

    def answer(route: Route) -> None:
        found = route.fetch(url=home + urlsplit(route.request.url).path[1:])
        route.fulfill(response=found, headers={**found.headers, **policy})

    with visiting(browser, home) as visit:
        visit.page.route(top + "**", answer)
        visit.page.goto(top + "topics/ai/")
        assert visit.page.evaluate("Boolean(navigator.clipboard)") is bool(policy)
        assert copied(visit.page) == "Selected; copy it with your keyboard."
        assert visit.page.evaluate("String(getSelection())") == "https://feeds.example.org/topics/ai/atom.xml"


def test_the_keyboard_reaches_addresses_and_entries(browser: Browser, home: str) -> None:
    """Each address and the button that copies it, then each entry once: its picture leads nowhere else."""
    with visiting(browser, home) as visit:
        page = visit.go("all/")
        reached = []
        for _ in range(11):
            page.keyboard.press("Tab")
            reached.append(active(page))
        feeds = [f"https://feeds.example.org/all/{file}" for file in ("rss.xml", "atom.xml", "feed.json")]
        head = ["Skip to content", "The <Odd> & Sons"]
        assert reached[:8] == [*head, *(one for feed in feeds for one in (feed, "Copy"))]
        assert reached[8:10] == ["About broken", "مرحبا بالعالم"]
        labels = page.locator(".copy").evaluate_all("all => all.map(e => e.ariaLabel)")
        assert labels == [f"Copy the {name} address" for name in ("RSS", "Atom", "JSON Feed")]


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


def odd_ones(route: Route) -> None:
    """A picture of another shape than was said, or none."""
    if "broken" in route.request.url:
        route.abort()
    else:
        give(route, "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='999'/>")


def scrolled(visit: Visit, path: str) -> Page:
    """A page on which one has looked at each picture."""
    page = visit.go(path)
    for picture in page.locator(".picture img").all():
        picture.scroll_into_view_if_needed()
        expect(picture).to_have_js_property("complete", True)
    return page


def test_pictures_come_when_they_are_scrolled_to(browser: Browser, examples: Site) -> None:
    """Those far below are not asked for before."""
    with shown(examples.output) as url, visiting(browser, url, **PHONE) as visit:
        visit.go("all/")
        first = len(visit.images)
        everything = scrolled(visit, "all/").locator(".picture img").count()
        assert 0 < first < everything / 2
        assert len({request.url for request in visit.images}) >= everything


@pytest.mark.parametrize("look", [{}, PHONE], ids=["desk", "phone"])
def test_nothing_moves_when_a_picture_comes(browser: Browser, examples: Site, look: dict[str, Any]) -> None:
    """Whatever its shape, it takes the room that was left for it; nor does anything move for what the script shows."""
    watch = """
      window.moved = 0;
      const add = (list) => list.getEntries().forEach((entry) => (window.moved += entry.value));
      new PerformanceObserver(add).observe({type: "layout-shift", buffered: true});
    """
    with shown(examples.output) as url, visiting(browser, url, odd_ones, **look) as visit:
        visit.page.add_init_script(watch)
        for path in ("", "all/"):
            page = scrolled(visit, path)
            # What moved is known once it has been painted.
            page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
            assert page.evaluate("() => window.moved") == 0, path
        sizes = page.locator(".picture").evaluate_all("all => all.map(e => [e.offsetWidth, e.offsetHeight])")
        assert len({*map(tuple, sizes)} - {tuple(sizes[0])}) <= 1  # the first entry's may be greater
        assert all(abs(width / height - 16 / 9) < 0.02 for width, height in sizes)


def test_a_picture_that_does_not_come_leaves_no_hole(browser: Browser, home: str) -> None:
    """It is as if there were none."""
    with visiting(browser, home, odd_ones, **PHONE) as visit:
        page = visit.go("all/")
        expect(page.locator(".picture", has=page.locator("[src*=broken]"))).to_have_count(0)
        assert page.locator(".picture").count() == 4


def test_only_our_own_script_and_style_count(browser: Browser, home: str) -> None:
    """Whatever else should come to be in a page does nothing."""
    slipped_in = """() => {
      document.body.append(Object.assign(document.createElement("script"), {textContent: "window.ran = true"}));
      document.body.insertAdjacentHTML("beforeend", "<p id=in style='position: fixed' onclick='ran = true'>");
      const element = document.getElementById("in");
      element.click();
      return [window.ran, getComputedStyle(element).position];
    }"""
    for path in ("", "topics/ai/"):
        with visiting(browser, home) as visit:
            assert visit.go(path).evaluate(slipped_in) == [None, "static"]
            assert all("violates the following Content Security Policy" in one for one in visit.complaints[:2])


def test_texts_are_texts(browser: Browser, home: str) -> None:
    """Markup in them is shown, and each runs in its own direction."""
    with visiting(browser, home) as visit:
        page = visit.go("all/")
        titles = page.locator("article h2").all_inner_texts()
        assert "a <img src=x onerror=alert(1)> b" in titles
        arabic = page.locator("article", has_text="مرحبا بالعالم")
        for part in ("h2", ".by", "p[dir]"):
            assert arabic.locator(part).evaluate("element => getComputedStyle(element).direction") == "rtl"
        assert arabic.locator("time").evaluate("element => getComputedStyle(element).direction") == "ltr"
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
