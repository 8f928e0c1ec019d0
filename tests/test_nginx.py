"""What a feed reader that polls a real nginx sees of our writing."""

from __future__ import annotations

from pathlib import Path

from aggregator.publish import Outcome, write
from tests.servers import nginx

FEED = "topics/ai/rss.xml"


def test_an_unchanged_feed_is_not_sent_again(tmp_path: Path) -> None:
    """A feed written again with the same bytes keeps its ETag and its date: a reader gets 304 and no body."""
    write(tmp_path, FEED, b"<rss/>")
    with nginx(tmp_path) as server:
        first = server.get(f"/{FEED}")
        assert (first.status, first.body) == (200, b"<rss/>")

        assert write(tmp_path, FEED, b"<rss/>") is Outcome.unchanged
        by_tag = server.get(f"/{FEED}", If_None_Match=first.headers["etag"])
        by_date = server.get(f"/{FEED}", If_Modified_Since=first.headers["last-modified"])
    assert (by_tag.status, by_tag.body) == (304, b"")
    assert (by_date.status, by_date.body) == (304, b"")


def test_a_changed_feed_is_sent_though_size_and_second_are_the_same(tmp_path: Path) -> None:
    """Versions of one size, written within one second, each reach a reader that has the one before."""
    write(tmp_path, FEED, b"version 0")
    with nginx(tmp_path) as server:
        known = server.get(f"/{FEED}").headers
        for number in range(1, 6):
            assert write(tmp_path, FEED, b"version %d" % number) is Outcome.written
            by_date = server.get(f"/{FEED}", If_Modified_Since=known["last-modified"])
            by_tag = server.get(f"/{FEED}", If_None_Match=known["etag"])
            assert (by_tag.status, by_tag.body) == (200, b"version %d" % number)
            assert (by_date.status, by_date.body) == (200, b"version %d" % number)
            known = by_tag.headers
