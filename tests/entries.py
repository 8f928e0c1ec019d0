"""Entries and feeds to render: three that between them have everything, some hostile ones, and any."""

from __future__ import annotations

import string
from datetime import UTC, datetime

from hypothesis import strategies as st

from aggregator.model import (
    Action,
    Address,
    Article,
    Entry,
    Feed,
    Image,
    Player,
    Provider,
    Shown,
    Site,
    Story,
    Topic,
)
from aggregator.render import FORMATS


def at(text: str) -> datetime:
    """An instant in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


FULL = Entry(
    id="tag:feeds.example.org,2024:full",
    published=at("2024-03-01T08:30:00"),
    updated=at("2024-03-02T09:00:00"),
    story=Story(
        Article(
            key="https://news.example.com/r-and-d?a=1&b=2",
            link="https://news.example.com/r-and-d?a=1&b=2",
            title="R&D <b> at “Étoile”",
            excerpt='Less is < more & "more".',
            language="en-GB",
            authors=("Ada Lovelace", "Émilie du Châtelet"),
            provider=Provider("Example News", "news.example.com"),
            images=(
                Image("https://cdn.example.com/star.JPG?w=800", 800, 600, 'A "star"'),
                Image("https://cdn.example.com/map"),
            ),
            actions=(
                Action("https://news.example.com/get?a=1&b=2", "Get & run it", "download"),
                Action("https://cdn.example.com/star.MP3?a=1&b=2", "Listen to <it>"),
                Action("https://cdn.example.com/star.pdf"),
            ),
            body="<p>A <em>body</em> &amp; more ]]&gt;.</p>",
        ),
        (
            Article(
                key="https://journal.example.fr/etoile",
                link="https://journal.example.fr/etoile",
                title="L’Étoile <i>",
                language="fr",
                provider=Provider("Le Journal & Cie", "journal.example.fr"),
            ),
            Article(key="itself", link="https://news.example.com/r-and-d?a=1&b=2", title="Itself"),
            Article(
                key="https://other.example/1",
                link="https://other.example/1",
                title="By domain",
                provider=Provider(domain="other.example"),
            ),
            Article(key="https://plain.example/2", link="https://plain.example/2", title=""),
            Article(key="again", link="https://journal.example.fr/etoile", title="Once more"),
        ),
    ),
    topics=(Topic("AI & Society", "ai-and-society"), Topic("機械学習", "機械学習")),
)

VIDEO = Entry(
    id="tag:feeds.example.org,2024:video",
    published=at("0800-12-25T00:00:00"),
    updated=at("0800-12-25T00:00:00"),
    story=Story(
        Article(
            key="https://video.example/watch?v=1",
            link="https://video.example/watch?v=1",
            title="مرحبا 🎬",
            excerpt="A talk.",
            language="not a tag",
            provider=Provider("Video"),
            images=(Image("https://video.example/1.webp", 480, 360),),
            player=Player("https://video.example/embed/1", 800, 500),
        )
    ),
)

BARE = Entry(
    id="tag:feeds.example.org,2024:bare",
    published=at("2024-01-01T00:00:00"),
    updated=at("2024-01-01T00:00:00"),
    story=Story(
        Article(
            key="https://example.org/bare",
            link="https://example.org/bare",
            title="Bare",
            excerpt="Only <this>.",
        )
    ),
)

SITE = Site(
    title="Feeds & Co <3",
    url="https://feeds.example.org/",
    language="en",
    author="The Editors",
    description="What there <is>",
    copyright="© Example & Co",
    icon="https://feeds.example.org/icon.png",
    timezone="Pacific/Auckland",
)


def addresses(page: str) -> tuple[Address, ...]:
    """Where a feed can be subscribed to."""
    return tuple(
        Address(form.name, form.label, form.media_type, page + form.file)
        for form in FORMATS.values()
        if form.subscribed
    )


FEED = Feed(
    site=SITE,
    name="topics/ai-and-society",
    label="AI & Society <3",
    title="AI & Society <3 — Feeds & Co <3",
    description="All <of> it",
    page="https://feeds.example.org/topics/ai-and-society/",
    addresses=addresses("https://feeds.example.org/topics/ai-and-society/"),
    shown=Shown(at("2024-03-02T09:00:00"), 3, at("2024-03-01T08:30:00"), (*[0] * 27, 2, 0, 1)),
)

PLAIN_FEED = Feed(
    site=Site(title="All", url="https://feeds.example.org/", language=""),
    name="all",
    label="All",
    title="All",
    page="https://feeds.example.org/all/",
    addresses=addresses("https://feeds.example.org/all/"),
    shown=Shown(at("2024-03-02T09:00:00")),
)

HOSTILE_TEXTS = (
    "]]>",
    "<![CDATA[x]]>",
    ' xmlns:media="http://search.yahoo.com/mrss/"',
    "</feed>",
    "</item></channel></rss>",
    "<?xml version='1.0'?>",
    '<!DOCTYPE x [<!ENTITY y "z">]>&y;',
    "&amp;#x3c;script>",
    '"><script>alert(1)</script>',
    "' onerror='x",
    "-->",
    "\u202eright to left\u202c",
    "👩‍👩‍👧",
    "\ufeff",
    "\r\n\t \x85\u2028",
)


def hostile(number: int, text: str) -> Entry:
    """An entry that says `text` wherever it can."""
    link = f"https://example.org/{number}"
    image = Image(f"{link}.png", title=text)
    main = Article(
        key=link,
        link=link,
        title=text,
        excerpt=text,
        language=text,
        authors=(text,),
        images=(image,),
        actions=(Action(link, text),),
    )
    related = Article(key=f"{link}/2", link=f"{link}/2", title=text, language=text, provider=Provider(text, text))
    return Entry(
        f"tag:example.org,2024:{number}",
        at("2024-01-01T00:00:00"),
        at("2024-01-01T00:00:00"),
        Story(main, (related,)),
        (Topic(text, text),),
    )


HOSTILE = tuple(hostile(number, text) for number, text in enumerate(HOSTILE_TEXTS))

_characters = st.characters(
    min_codepoint=0x20,
    exclude_categories=["Cs"],
    exclude_characters="\ufffe\uffff",
    include_characters="\t\n\r",
)
_pieces = st.text(_characters, max_size=8) | st.sampled_from(HOSTILE_TEXTS)
_texts = st.lists(_pieces, max_size=4).map("".join)
_names = _texts.filter(bool)
_links = st.text(string.ascii_letters + string.digits + "-._~/?@!$&'()*+,;=%", max_size=3).map(
    "https://example.org/".__add__
)
_files = _links | _links.map("{}.mp3".format)
_sizes = st.none() | st.integers(1, 5000)
_providers = st.builds(Provider, name=_texts, domain=_texts)
_articles = st.builds(
    Article,
    key=_links,
    link=_links,
    title=_names,
    excerpt=_texts,
    language=st.sampled_from(("", "en", "zh-Hant", "de_DE", "x y")),
    authors=st.lists(_names, max_size=2).map(tuple),
    provider=st.none() | _providers,
    images=st.lists(st.builds(Image, _links, _sizes, _sizes, _texts), max_size=2).map(tuple),
    player=st.none() | st.builds(Player, _links),
    actions=st.lists(st.builds(Action, _files, _texts, _texts), max_size=2).map(tuple),
    body=st.sampled_from(("", "<p>A <em>body</em></p>", '<p><img src="https://example.org/x" alt=""></p>')),
)
_texts_only = st.builds(
    Article,
    key=st.sampled_from(("#1", "#2", "#3")),
    link=st.just(""),
    title=_names,
    provider=st.none() | _providers,
)
_instants = st.datetimes(timezones=st.just(UTC))

entries = st.builds(
    Entry,
    id=_names,
    published=_instants,
    updated=_instants,
    story=st.builds(Story, _articles, st.lists(_articles | _texts_only, max_size=3).map(tuple)),
    topics=st.lists(st.builds(Topic, _names, _names), max_size=3).map(tuple),
)
