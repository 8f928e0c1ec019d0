"""Published pages in a real browser: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Route, sync_playwright

from aggregator import preview, publish
from aggregator.render import MEDIA_TYPES
from tests.programs import needs

# It is root's in CI, and has no network to look for updates in.
ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
PICTURE = "<svg xmlns='http://www.w3.org/2000/svg' width='800' height='500'><rect width='800' height='500'/></svg>"
# Chromium's remark on a frame that is ours until its player is asked to play; docs/formats.md says why it stays.
ACCEPTED = ("An iframe which has both allow-scripts and allow-same-origin",)


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser, without anything to see."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=needs("chromium"), args=[*ARGUMENTS])
        yield browser
        browser.close()


@contextmanager
def _running(server: ThreadingHTTPServer) -> Iterator[str]:
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def shown(output: Path) -> Iterator[str]:
    """An output folder on loopback, as `aggregator serve` shows it: its URL."""

    with _running(
        preview.server(preview.Folder("/", partial(publish.read, output), MEDIA_TYPES), 0, lambda _: None)
    ) as url:
        yield url


@contextmanager
def player() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A player's host: its URL, and the headers of those who have asked for it so far."""
    asked: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(dict(self.headers))
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!DOCTYPE html><title>Player</title><script>document.title='Plays'</script><p id=on>On")

        def log_message(self, *arguments: object) -> None:
            """Nothing to say."""

    with _running(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as url:
        yield url, asked


class Visit:
    """A visit to one site: whatever the pages ask for and complain of is kept.

    Pictures from elsewhere are given by `pictures`, all else that is from elsewhere is refused and kept in `strays`.
    """

    def __init__(self, context: BrowserContext, home: str, pictures: Callable[[Route], None]) -> None:
        self.home = home
        self.strays: list[str] = []
        self.images: list[Request] = []
        self.complaints: list[str] = []
        self.allowed: list[str] = []
        self.page: Page = context.new_page()
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        context.route("**/*", partial(self._asked, pictures=pictures))

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(ACCEPTED):
            self.complaints.append(message.text)

    def _asked(self, route: Route, pictures: Callable[[Route], None]) -> None:
        request = route.request
        if request.url.startswith((self.home, *self.allowed)):
            route.continue_()
        elif request.resource_type == "image":
            self.images.append(request)
            pictures(route)
        else:
            self.strays.append(request.url)
            route.abort()

    def go(self, path: str = "") -> Page:
        """Open a page, and wait for all that it waits for."""
        self.page.goto(self.home + path, wait_until="load")
        return self.page


def give(route: Route, picture: str = PICTURE) -> None:
    """Give an SVG to who asked for a picture."""
    route.fulfill(content_type="image/svg+xml", body=picture)


@contextmanager
def visiting(browser: Browser, home: str, pictures: Callable[[Route], None] = give, **settings: Any) -> Iterator[Visit]:
    """A new visit with Playwright's settings for a context (viewport, color_scheme, ...); nothing is left of it."""
    with ExitStack() as stack:
        context = browser.new_context(**settings)
        stack.callback(context.close)
        yield Visit(context, home, pictures)
