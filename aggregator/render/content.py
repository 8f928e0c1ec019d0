"""What all formats say of an entry, and its HTML: what a feed reader shows of it.

All texts are escaped here; only an article's body is HTML already, and sanitised.
"""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

from aggregator.text.plain import cut, plain

if TYPE_CHECKING:
    from aggregator.model import Action, Article, Entry


EXCERPT = 400
"""How many characters of a text stand for it where there is no room for the whole."""

# RFC 4287, appendix B: atomLanguageTag.
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")


def html(entry: Entry) -> str:
    """Player or first image, body or excerpt, actions, coverage; empty where an entry has none of these."""
    article = entry.story.article
    return (
        _picture(article)
        + (article.body or paragraph(article.excerpt))
        + _list([_action(action) for action in article.actions])
        + _coverage(coverage(entry))
    )


def story(entry: Entry) -> str:
    """The entry in few words, as a part of another one: headline, publisher, excerpt, coverage."""
    article = entry.story.article
    return (
        f"<h3>{_covered(article)}</h3>"
        + paragraph(cut(article.excerpt or plain(article.body), EXCERPT))
        + _list([_covered(one) for one in coverage(entry)])
    )


def paragraph(text: str) -> str:
    """Plain text as a paragraph of HTML; empty where it is."""
    return f"<p>{escape(text)}</p>" if text else ""


def coverage(entry: Entry) -> list[Article]:
    """The entry's coverage, one article for each link (of those without, for each key), and none that has the entry's
    own link."""
    shown: dict[str, Article] = {}
    for article in entry.story.coverage:
        shown.setdefault(article.link or article.key, article)
    shown.pop(entry.story.article.link, None)
    return list(shown.values())


def authors(article: Article) -> tuple[str, ...]:
    """Who wrote it, else who published it; empty where neither is known."""
    provider = article.provider
    return article.authors or ((provider.name,) if provider and provider.name else ())


def language(text: str) -> str:
    """The language tag; "" where the text isn't one."""
    return text if _LANGUAGE.fullmatch(text) else ""


def _picture(article: Article) -> str:
    image = article.images[0] if article.images else None
    if article.player:
        # Not to the player itself, whose address shows an error outside of an iframe at some hosts.
        watch = f"Watch: {article.title}"
        return f"<p>{_link(article.link, _image(image.url, watch) if image else escape(watch))}</p>"
    if image and "<img" not in article.body:
        return f"<p>{_image(image.url, image.title)}</p>"
    return ""


def _action(action: Action) -> str:
    return _link(action.url, escape(action.title or action.type or action.url))


def _coverage(articles: list[Article]) -> str:
    if not articles:
        return ""
    return "<h2>Related coverage</h2>" + _list([_covered(article) for article in articles])


def _covered(article: Article) -> str:
    title = escape(article.title or article.link)
    by = article.publisher
    return (_link(article.link, title) if article.link else title) + (f" — {escape(by)}" if by else "")


def _list(items: list[str]) -> str:
    return f"<ul><li>{'</li><li>'.join(items)}</li></ul>" if items else ""


def _link(url: str, text: str) -> str:
    return f'<a href="{escape(url)}">{text}</a>'


def _image(url: str, alt: str) -> str:
    return f'<img src="{escape(url)}" alt="{escape(alt)}">'
