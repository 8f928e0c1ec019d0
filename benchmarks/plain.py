"""The peer that anyone would write in half an hour: PyYAML and feedgen, nothing merged, nothing remembered.

python benchmarks/plain.py ARTICLES OUTPUT
"""

import sys
from collections import defaultdict
from html import escape
from pathlib import Path
from typing import Any

import yaml
from feedgen.feed import FeedGenerator
from markdown_it import MarkdownIt

SITE = "https://feeds.example.org/"


def read(path: Path) -> dict[str, Any]:
    """The front matter of one document, with its body as Markdown under `body`."""
    _, head, body = path.read_text(encoding="utf-8").split("---\n", 2)
    return {**yaml.load(head, Loader=yaml.CSafeLoader), "body": body}


def content(article: dict[str, Any]) -> str:
    """An entry's HTML: body or excerpt, then the related coverage."""
    text = MarkdownIt().render(article["body"]) or f"<p>{article['excerpt']}</p>"
    related = "".join(
        f'<li><a href="{escape(r["webUrl"])}">{escape(r["title"])}</a> {escape(r["provider"]["name"])}</li>'
        for r in article.get("related", ())
    )
    return f"{text}<h4>Related coverage</h4><ul>{related}</ul>" if related else text


def write(folder: Path, title: str, articles: list[dict[str, Any]]) -> None:
    """The RSS and the Atom feed of the newest fifty articles."""
    folder.mkdir(parents=True, exist_ok=True)
    feed: Any = FeedGenerator()  # type: ignore[no-untyped-call]  # it has no types
    feed.id(f"{SITE}{folder.name}/")
    feed.title(title)
    feed.link(href=f"{SITE}{folder.name}/")
    feed.description(title)
    for article in sorted(articles, key=lambda a: a["publishedDateTime"], reverse=True)[:50]:
        entry = feed.add_entry(order="append")
        entry.id(article["webUrl"])
        entry.title(article["title"])
        entry.link(href=article["webUrl"])
        entry.author(name=article["provider"]["name"])
        entry.category([{"term": topic} for topic in article["topics"]])
        entry.published(article["publishedDateTime"])
        entry.updated(article["publishedDateTime"])
        entry.content(content(article), type="html")
    feed.rss_file(folder / "rss.xml")
    feed.atom_file(folder / "atom.xml")


def main(source: Path, output: Path) -> None:
    topics = defaultdict(list)
    articles = [read(path) for path in source.rglob("*.md")]
    for article in articles:
        for topic in article["topics"]:
            topics[topic].append(article)
    write(output / "all", "All", articles)
    for topic, members in topics.items():
        write(output / "topics" / topic.lower().replace(" ", "-"), topic, members)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
