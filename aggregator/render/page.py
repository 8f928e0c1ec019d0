"""A page for people: a feed's newest entries, and where to subscribe."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aggregator.render import content
from aggregator.render.format import Format
from aggregator.render.legal import checked, tolerant
from aggregator.render.templates import rendered
from aggregator.text.plain import cut, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aggregator.model import Article, Entry, Feed, Image, Player, Site

_ENTRIES = "<!-- entries -->"  # where they go; no text can say so, as all are escaped
_WIDTH, _HEIGHT = 640, 360  # pixels, where a size isn't known: style.css makes room for pictures of this shape


@tolerant
def render_entry(entry: Entry, site: Site) -> bytes:
    """The entry as an `article`: its excerpt and not its body, for whole texts are what feeds are for."""
    from markupsafe import Markup  # comes with Jinja2: a site without pages has no use for it

    article = entry.story.article
    image = article.images[0] if article.images else None
    width, height = _size(article.player or image)
    html = rendered(
        "entry.html",
        site.timezone,
        entry=entry,
        article=article,
        language=content.language(article.language),
        publisher=article.publisher,
        authors=article.authors,
        body=Markup(article.body) if entry.whole else "",  # noqa: S704  # sanitised, as all bodies are
        anchor=article.link.partition("#")[2] if entry.whole else "",
        excerpt=cut(article.excerpt or plain(article.body), content.EXCERPT),
        image=image,
        player=_player(article, image, site) if article.player else "",
        width=width,
        height=height,
        coverage=[_covered(one) for one in content.coverage(entry)],
    )
    return checked(html).encode()


@tolerant
def render_feed(feed: Feed, entries: Sequence[bytes]) -> bytes:
    """The page, its entries being `entries` as they are."""
    html = rendered(
        "feed.html",
        feed.site.timezone,
        feed=feed,
        title=feed.title,
        description=feed.description,
        language=content.language(feed.site.language),
        address=feed.page,
        alternates=[(address, feed.title) for address in feed.addresses],
        root="../" * (feed.name.count("/") + 1),
        empty=not entries,
        private=feed.private,
    )
    before, _, after = html.partition(_ENTRIES)
    return b"".join((checked(before).encode(), *entries, checked(after).encode()))


def _player(article: Article, image: Image | None, site: Site) -> str:
    """What stands in the player's frame until it is asked to play: nothing is fetched from its host before that."""
    style = urlsplit(site.url).path + "style.css"
    return rendered("player.html", site.timezone, article=article, player=article.player, image=image, style=style)


def _size(shown: Image | Player | None) -> tuple[int, int]:
    return (shown.width, shown.height) if shown and shown.width and shown.height else (_WIDTH, _HEIGHT)


def _covered(article: Article) -> dict[str, str]:
    return {
        "link": article.link,
        "title": article.title or article.link,
        "publisher": article.publisher,
        "language": content.language(article.language),
    }


FORMAT = Format("html", "Page", "index.html", "text/html", render_entry, render_feed, subscribed=False)
