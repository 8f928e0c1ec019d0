"""JSON Feed 1.1 (jsonfeed.org/version/1.1). What it has no word for stands under `_aggregator`: docs/formats.md."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from msgspec import json

from aggregator.render import content
from aggregator.render.format import Format
from aggregator.render.legal import tolerant
from aggregator.render.media import enclosures, image_type

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aggregator.model import Article, Entry, Feed, Image, Site

# As encoded: an escape for a control character but tab and line ends, behind an even number of backslashes.
_ILLEGAL = re.compile(rb"(?<!\\)(?:\\\\)*\\(?:u00[01]|[bf])|\xef\xbf[\xbe\xbf]")
_VERSION = "https://jsonfeed.org/version/1.1"


@tolerant
def render_entry(entry: Entry, site: Site) -> bytes:  # noqa: ARG001
    """The entry as an item, in one line. Raises ValueError where a text can't be encoded."""
    article = entry.story.article
    item = {
        "id": entry.id,
        "url": article.link,
        "title": article.title,
        "content_html": content.html(entry),  # an item must have content, if it is an empty one
        "summary": article.excerpt,
        "image": article.images[0].url if article.images else "",
        "date_published": entry.published.isoformat(),
        "date_modified": entry.updated.isoformat(),
        "authors": [{"name": name} for name in content.authors(article)],
        "tags": [topic.name for topic in entry.topics],
        "language": content.language(article.language),
        "attachments": [
            _known(url=action.url, mime_type=kind, title=action.title) for action, kind in enclosures(article)
        ],
        "_aggregator": _known(
            images=list(map(_image, article.images)), coverage=list(map(_covered, content.coverage(entry)))
        ),
    }
    required = ("id", "content_html")
    return _encoded({name: value for name, value in item.items() if value or name in required})


@tolerant
def render_feed(feed: Feed, entries: Sequence[bytes]) -> bytes:
    """The feed, its items being `entries` as they are. Raises ValueError where a text can't be encoded."""
    head = _known(
        version=_VERSION,
        title=feed.title,
        home_page_url=feed.page,
        feed_url=feed.address(FORMAT.name),
        description=feed.description,
        icon=feed.image or feed.site.icon,
        authors=[{"name": feed.site.author or feed.site.title}],
        language=content.language(feed.site.language),
        hubs=[{"type": "WebSub", "url": hub} for hub in feed.hubs],
        _aggregator=_known(
            deleted=[{"id": one.id, "when": one.when.isoformat()} for one in feed.deleted], complete=feed.complete
        ),
    )
    return _spliced(_encoded(head), entries)


def _encoded(value: dict[str, Any]) -> bytes:
    data = json.encode(value)
    if _ILLEGAL.search(data):
        raise ValueError("a character that XML forbids")
    return data


def _spliced(head: bytes, entries: Iterable[bytes]) -> bytes:
    return head[:-1] + b',"items":[\n' + b",\n".join(entries) + b"\n]}\n"


def _image(image: Image) -> dict[str, Any]:
    return _known(
        url=image.url, mime_type=image_type(image.url), width=image.width, height=image.height, title=image.title
    )


def _covered(article: Article) -> dict[str, Any]:
    return _known(
        url=article.link,
        title=article.title,
        provider=article.publisher,
        language=content.language(article.language),
        date_published=article.published.isoformat() if article.published else "",
    )


def _known(**values: Any) -> dict[str, Any]:
    """The values without those that aren't known."""
    return {name: value for name, value in values.items() if value}


FORMAT = Format("json", "JSON Feed", "feed.json", "application/feed+json", render_entry, render_feed)
