"""The topics that a site knows: aliases, parents, addresses, and what their feeds say of themselves."""

from __future__ import annotations

from datetime import timedelta

import pytest

from aggregator.feeds import KnownTopic, Taxonomy
from tests.world import World, day, told

META = KnownTopic(
    "Meta AI", aliases=("Facebook AI",), description="What Meta publishes.", image="https://i.example/m.png"
)


def filed(taxonomy: Taxonomy, *topics: tuple[str, str]) -> list[tuple[str, str]]:
    return [(topic, name) for topic, name, _ in taxonomy.filed(((topic, name, 0) for topic, name in topics), 0)]


def test_topics_are_filed_under_their_own_name() -> None:
    """An alias means its topic; what isn't known stays as it is; nothing comes twice."""
    said = [("facebookai", "Facebook AI"), ("web", "web"), ("metaai", "META AI")]
    assert filed(Taxonomy([META]), *said) == [("metaai", "Meta AI"), ("web", "web")]


def test_a_parents_feed_can_have_its_childrens_entries() -> None:
    """Over any number of steps, named by name or alias; they aren't shown as the entry's topics."""
    model = KnownTopic("Model", aliases=("Models",), parent="AI")
    topics = [KnownTopic("Wren", parent="Models"), model, KnownTopic("AI")]
    taxonomy = Taxonomy(topics, children=True)
    assert filed(taxonomy, ("wren", "wren")) == [("wren", "Wren"), ("model", ""), ("ai", "")]
    assert filed(taxonomy, ("wren", "wren"), ("ai", "ai")) == [("wren", "Wren"), ("ai", "AI"), ("model", "")]
    assert filed(Taxonomy(topics), ("wren", "wren")) == [("wren", "Wren")]


def test_parents_in_a_circle_end() -> None:
    """The configuration refuses them; the library doesn't hang."""
    taxonomy = Taxonomy([KnownTopic("a", parent="b"), KnownTopic("b", parent="a")], children=True)
    assert filed(taxonomy, ("a", "a")) == [("a", "a"), ("b", "")]


def test_an_alias_of_an_alias_means_the_last_topic() -> None:
    """The configuration refuses them, and circles; the library doesn't hang."""
    chain = Taxonomy([KnownTopic("Ocean", aliases=("Sea",)), KnownTopic("Sea", aliases=("Tides",))])
    assert chain.former == {"sea": "ocean", "tides": "ocean"}
    assert sorted(chain.aliases("ocean")) == ["sea", "tides"]
    circle = Taxonomy([KnownTopic("a", aliases=("b",)), KnownTopic("b", aliases=("a",))])
    assert circle.former == {"a": "b", "b": "a"}


def test_a_topic_counts_from_the_first_instant_that_anything_gives_it() -> None:
    """Whether under its name, an alias, or by a child."""
    taxonomy = Taxonomy([META, KnownTopic("Wren", parent="Meta AI")], children=True)
    said = [("metaai", "Meta AI", 5), ("facebookai", "Facebook AI", 3), ("wren", "Wren", 2)]
    assert taxonomy.filed(said, 0) == [("metaai", "Meta AI", 2), ("wren", "Wren", 2)]
    assert taxonomy.filed(said, 4) == [("metaai", "Meta AI", 4), ("wren", "Wren", 4)]


def test_a_renamed_topics_old_address_keeps_serving(world: World) -> None:
    """The old files are the new feed, which names itself by its new address; entries keep their ids."""
    world.document("a", topics=["Facebook AI"])
    world.regenerate()
    ids = world.ids()
    world.options["known"] = (META,)
    world.regenerate()
    tree = world.tree()
    for file in ("atom.xml", "rss.xml"):
        assert tree[f"topics/facebook-ai/{file}"] == tree[f"topics/meta-ai/{file}"]
        assert f"https://feeds.example.org/topics/meta-ai/{file}".encode() in tree[f"topics/facebook-ai/{file}"]
        assert b"facebook-ai" not in tree[f"topics/facebook-ai/{file}"]
    assert world.ids("topics/facebook-ai") == ids
    world.document("b", topics=["Meta AI"], publishedDateTime=day(2))
    world.regenerate()
    assert world.titles("topics/facebook-ai") == world.titles("topics/meta-ai") == ["About b", "About a"]
    assert world.tree() == world.rebuilt()
    (world.output / "topics/facebook-ai/atom.xml").unlink()
    world.regenerate()
    assert world.tree() == world.rebuilt()


def test_a_name_that_never_had_an_address_gets_none(world: World) -> None:
    """An alias that was there from the start is only a name."""
    world.options["known"] = (META,)
    world.document("a", topics=["Facebook AI"])
    world.regenerate()
    assert {path.rpartition("/")[0] for path in world.tree()} == {"", "all", "topics/meta-ai"}


def test_an_alias_taken_back_is_a_topic_again(world: World) -> None:
    """At its old address, with its own entries."""
    world.document("a", topics=["Facebook AI"])
    world.regenerate()
    for world.options["known"] in ((META,), ()):
        world.regenerate()
        assert world.tree() == world.rebuilt()
    assert b"topics/facebook-ai/atom.xml" in world.tree()["topics/facebook-ai/atom.xml"]
    assert world.titles("topics/facebook-ai") == ["About a"]


def test_a_withdrawal_counts_at_the_old_address_too(world: World) -> None:
    """Its feed's date doesn't go back when the alias is taken back."""
    world.document("a", topics=["Facebook AI"])
    path = world.document("b", topics=["Meta AI"])
    world.regenerate()
    world.options["known"] = (META,)
    world.regenerate()
    path.unlink()
    world.now = day(110)
    world.regenerate()
    world.options["known"] = ()
    world.regenerate()
    assert b"<updated>2026-06-19T" in world.tree()["topics/facebook-ai/atom.xml"]


def test_a_renamed_topic_that_empties_keeps_both_addresses_for_a_while(world: World) -> None:
    """Its subscribers meet no error before `feeds.keep` is over."""
    world.options["keep"] = timedelta(days=10)
    path = world.document("a", topics=["Facebook AI"])
    world.document("b", topics=["Web"])
    world.regenerate()
    world.options["known"] = (META,)
    world.regenerate()
    path.unlink()
    world.regenerate()
    assert world.titles("topics/facebook-ai") == world.titles("topics/meta-ai") == []
    world.now += timedelta(days=10)
    assert world.regenerate().feeds.removed == 4
    assert world.tree() == world.rebuilt()


def test_a_known_topic_says_what_it_is(world: World) -> None:
    """Its name as the site spells it, description and picture, in every format; entries are labelled with its name."""
    world.options["known"] = (META,)
    world.document("a", topics=["META  AI"])
    world.regenerate()
    import feedparser

    for format in ("atom", "rss"):
        feed = feedparser.parse(world.tree()[f"topics/meta-ai/{format}.xml"]).feed
        assert (feed["title"], feed["subtitle"]) == ("Meta AI — Everything", "What Meta publishes.")
        assert (feed["logo"] if format == "atom" else feed["image"]["href"]) == "https://i.example/m.png"
    assert [tag["label"] for tag in world.feed()[0]["tags"]] == ["Meta AI"]


def test_a_topics_description_changes_its_feed_alone(world: World) -> None:
    """No entry is dated anew."""
    world.options["known"] = (META,)
    world.document("a", topics=["Meta AI"])
    world.document("b", topics=["Web"])
    world.regenerate()
    world.options["known"] = (KnownTopic("Meta AI", description="More."),)
    changed = {path for _, path in world.regenerate().changes}
    assert changed == {"topics/meta-ai/atom.xml", "topics/meta-ai/rss.xml", "feeds.opml"}


def test_a_slug_that_is_asked_for_is_given_once(world: World) -> None:
    """A topic that has an address keeps it, and the wish that comes too late is told."""
    world.options["known"] = (KnownTopic("Meta AI", slug="meta"),)
    world.document("a", topics=["Meta AI", "Web"])
    assert told(world.regenerate()) == []
    assert world.titles("topics/meta") == ["About a"]
    world.options["known"] = (KnownTopic("Meta AI", slug="fb"), KnownTopic("Web", slug="www"))
    [one, other] = told(world.regenerate())
    assert one.startswith("topics/meta: warning: slug `fb` of Meta AI is too late")
    assert other.startswith("topics/web: warning: slug `www` of Web is too late")
    assert world.titles("topics/meta") == world.titles("topics/web") == ["About a"]


@pytest.mark.parametrize("children", [False, True])
def test_a_parents_feed_has_its_childrens_entries_if_asked(world: World, children: bool) -> None:
    """Also where nobody gave the parent as a topic; the entry's own topics are as they were."""
    world.options |= {"children": children, "known": (KnownTopic("Wren", parent="AI"), KnownTopic("AI"))}
    world.document("a", topics=["Wren"])
    world.document("b", topics=["AI"], publishedDateTime=day(2))
    world.regenerate()
    assert world.titles("topics/ai") == ["About b", "About a"][: 1 + children]
    assert world.titles("topics/wren") == ["About a"]
    assert [tag["label"] for entry in world.feed() for tag in entry["tags"]] == ["AI", "Wren"]
    assert world.tree() == world.rebuilt()
