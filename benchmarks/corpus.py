"""Makes a folder of article documents shaped like those of real sites. Same arguments, same bytes.

python -m benchmarks.corpus DIR --documents 10000 --topics 200 --seed 1
"""

import json
import random
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path

import click

NEWEST = datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC)
YEARS = 5
NEAR = 50  # coverage of a story is found among this many documents before it
SYLLABLES = "ba be co di dra fen gar hu ja kel lo mi na or pel qui ra sim sto tal tu va wen xi yo zu"


@dataclass(frozen=True, slots=True)
class Provider:
    """Who published an article: a name and a host under .example."""

    name: str
    domain: str


@dataclass(frozen=True, slots=True)
class Article:
    """What documents say of one article. `amp` is None for the two thirds that have no AMP page."""

    title: str
    excerpt: str
    published: datetime
    url: str
    original: str
    amp: str | None
    provider: Provider
    quality: int


@dataclass(frozen=True, slots=True)
class Language:
    """The made-up words of a corpus, and its providers."""

    words: Sequence[str]
    providers: Sequence[Provider]


def write_corpus(folder: Path, documents: int, topics: int, seed: int) -> None:
    """Write `documents` files below `folder`, in one sub-folder per year."""
    rng = random.Random(seed)
    language = make_language(rng)
    names = topic_names(rng, language, topics)
    zipf = list(accumulate(1 / rank for rank in range(1, topics + 1)))
    span = timedelta(days=365 * YEARS).total_seconds()
    dates = sorted(NEWEST - timedelta(seconds=rng.randrange(int(span))) for _ in range(documents))
    articles: list[Article] = []
    for number, date in enumerate(dates):
        nearby = articles[-NEAR:]
        article = make_article(rng, language, date)
        if nearby and rng.random() < 0.1:
            article = same_story(article, rng.choice(nearby))
        related = [
            rng.choice(nearby) if nearby and rng.random() < 1 / 3 else make_article(rng, language, date)
            for _ in range(rng.randint(0, 4))
        ]
        chosen = dict.fromkeys(rng.choices(names, cum_weights=zipf, k=rng.randint(1, 5)))
        body = make_body(rng, language) if rng.random() < 0.1 else ""
        path = folder / f"{date:%Y}" / f"{date:%Y-%m-%d}-{slug(article.title)}-{number}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(document(rng, article, list(chosen), related) + body, encoding="utf-8")
        articles.append(article)


def make_language(rng: random.Random) -> Language:
    """Some thousand words of one to four syllables, and three hundred providers."""
    syllables = SYLLABLES.split()
    words = sorted({"".join(rng.choices(syllables, k=rng.choice((1, 2, 2, 3, 4)))) for _ in range(4000)})
    names = sorted({" ".join(rng.sample(words, 2)).title() for _ in range(300)})
    return Language(words, [Provider(name, f"{slug(name)}.example") for name in names])


def topic_names(rng: random.Random, language: Language, count: int) -> list[str]:
    """`count` different names of one to three words, most used first."""
    names: dict[str, None] = {}
    while len(names) < count:
        names[" ".join(rng.sample(language.words, rng.randint(1, 3))).title()] = None
    return list(names)


def make_article(rng: random.Random, language: Language, date: datetime) -> Article:
    """A new article published on or, by some hours, before `date`."""
    title = sentence(rng, language, 60)
    provider = rng.choice(language.providers)
    path = f"{provider.domain}/{date:%Y/%m}/{slug(title)}-{rng.randrange(10**6)}"
    url = f"https://www.{path}/"
    amp = f"https://amp.{path}" if rng.random() < 1 / 3 else None
    excerpt = sentence(rng, language, 200) + rng.choice((".", ".", " ...", "&nbsp;...", " &#8220;and so on&#8221;"))
    published = date - timedelta(seconds=rng.randrange(10**4))
    return Article(title, excerpt, published, url, url, amp, provider, rng.randint(20, 100))


def same_story(article: Article, other: Article) -> Article:
    """Another document's words for `other`: a URL of its own, and an alias that both give."""
    amp = other.amp or article.amp
    original = article.original if other.amp else other.url
    return Article(
        other.title,
        article.excerpt,
        article.published,
        article.url,
        original,
        amp,
        other.provider,
        article.quality,
    )


def make_body(rng: random.Random, language: Language) -> str:
    """Two to five paragraphs of Markdown, each with a link."""
    return "".join(
        f"\n{sentence(rng, language, rng.randint(200, 500))} "
        f"[{sentence(rng, language, 20)}](https://{rng.choice(language.providers).domain}/) "
        f"*{sentence(rng, language, 30)}* {sentence(rng, language, 100)}.\n"
        for _ in range(rng.randint(2, 5))
    )


def sentence(rng: random.Random, language: Language, length: int) -> str:
    """Words of about `length` characters together; the first one has a capital."""
    return " ".join(rng.choices(language.words, k=max(1, length // 7))).capitalize()


def slug(text: str) -> str:
    return text.lower().replace(" ", "-")


def document(rng: random.Random, article: Article, topics: Sequence[str], related: Sequence[Article]) -> str:
    """The front matter of one document, fences included."""
    secured = ";".join(b64encode(rng.randbytes(size)).decode() for size in (288, 16))
    lines = [
        "---",
        "category: news",
        f"title: {quoted(article.title)}",
        f"excerpt: {quoted(article.excerpt)}",
        f"publishedDateTime: {article.published:%Y-%m-%dT%H:%M:%SZ}",
        f"originalUrl: {quoted(article.original)}",
        f"webUrl: {quoted(article.url)}",
        *([f"ampWebUrl: {quoted(article.amp)}"] if article.amp else []),
        "type: article",
        f"quality: {article.quality}",
        f"heat: {rng.randint(-1, 100)}",
        "published: true",
        "",
        *provider(article),
        "  images:",
        *image("    ", f"https://static.example/organizations/{article.provider.domain}.jpg", 50, 50),
        "",
        "topics:",
        *(f"  - {topic}" for topic in topics),
        "",
        "images:",
        *(line for n in range(rng.randint(1, 2)) for line in large_image(rng, article, n)),
        *(["", "related:"] if related else []),
        *(line for other in related for line in coverage(rng, other)),
        "",
        f"secured: {quoted(secured)}",
        "---",
        "",
    ]
    return "\n".join(lines)


def coverage(rng: random.Random, article: Article) -> list[str]:
    """The lines of one entry below `related`."""
    lines = [
        f"title: {quoted(article.title)}",
        f"excerpt: {quoted(article.excerpt)}",
        f"publishedDateTime: {article.published:%Y-%m-%dT%H:%M:%SZ}",
        f"webUrl: {quoted(article.url)}",
        "type: article",
        *provider(article),
        f"quality: {article.quality}",
        "images:",
        *large_image(rng, article, 0),
    ]
    return [f"  - {lines[0]}", *(f"    {line}" for line in lines[1:])]


def provider(article: Article) -> list[str]:
    return ["provider:", f"  name: {article.provider.name}", f"  domain: {article.provider.domain}"]


def large_image(rng: random.Random, article: Article, number: int) -> list[str]:
    url = f"https://img.{article.provider.domain}/{article.published:%Y/%m}/{slug(article.title)}-{number}.jpg"
    return [*image("  ", url, rng.randint(600, 2000), rng.randint(400, 1200)), "    isCached: true"]


def image(indent: str, url: str, width: int, height: int) -> list[str]:
    return [f"{indent}- url: {quoted(url)}", f"{indent}  width: {width}", f"{indent}  height: {height}"]


def quoted(text: str) -> str:
    """The text as a double-quoted YAML scalar (JSON's spelling is one)."""
    return json.dumps(text, ensure_ascii=False)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--documents", default=10_000, show_default=True)
@click.option("--topics", default=200, show_default=True)
@click.option("--seed", default=1, show_default=True)
def main(folder: Path, documents: int, topics: int, seed: int) -> None:
    """Write a made-up corpus below FOLDER."""
    write_corpus(folder, documents, topics, seed)


if __name__ == "__main__":
    main()
