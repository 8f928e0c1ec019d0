"""The ids of articles, from URLs as written: rules may change, what people's readers hold may not."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from aggregator.merge import mint
from aggregator.text.urls import absolute, canonical

GOLDEN = yaml.safe_load((Path(__file__).parent / "data" / "ids.yaml").read_text())

MOVED = """{url} would get another id, and so would the articles of real subscribers: all their readers would show
them as new. Mend the rule. One that must change needs the ledger to spell its URLs anew (`respell`), so that articles
keep the ids that they have, and a test of that: another line in the golden file only hides it."""


@pytest.mark.parametrize("line", GOLDEN, ids=lambda line: line["url"])
def test_an_article_has_the_id_that_it_has_always_had(line: dict[str, str]) -> None:
    """A URL as written leads to the key and the id that the golden file holds for it."""
    link = absolute(line["url"], "")
    assert link is not None
    key = canonical(link)
    id = mint(key, "feeds.example.org", lambda _: False)
    assert (key, id) == (line["key"], line["id"]), MOVED.format(url=line["url"])


def test_the_golden_file_joins_and_parts() -> None:
    """Lines of one key have one id, and lines of different keys have different ones."""
    assert len({line["key"] for line in GOLDEN}) == len({line["id"] for line in GOLDEN})
    assert 1 < len({line["id"] for line in GOLDEN}) < len(GOLDEN) == len({line["url"] for line in GOLDEN})
