"""What of hits is shown, over an engine whose hashing encoder knows equal words."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from molt.encoder.kind import Capability
from molt.engine.engine import Engine
from molt.engine.search.highlights.answering import LEAST_LIKELY
from molt.engine.search.highlights.fragments import Highlighting
from molt.engine.search.highlights.highlighter import MOST_BY_MEANING
from molt.engine.search.query import Looked, SearchAnswer, SearchQuery
from molt.engine.settings import load_settings
from molt.index.catalog.document import Document
from molt.index.catalog.releases import Reason
from molt.index.lexical.analysis import Analysis, write_analysis
from molt.index.lexical.synonyms import parse_synonym_lines, write_synonyms
from molt.index.ranking.ranking import SearchRanking
from molt.index.ranking.reranking import Reranking, RerankKind
from tests.app.serving import open_engine

BOOTS = (
    "A fine morning on a hill. These boots keep water out of every seam. "
    "They are made in a valley. The boots weigh little."
)
DOCUMENTS = [
    Document("boots", BOOTS, "Of leather"),
    Document("socks", "  Socks of wool are warm. They dry slowly.", ""),
    Document("tent", "A shelter for two.", "A tent"),
]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(load_settings(home=tmp_path))
    shop = engine.catalog.collections.create("shop")
    engine.catalog.documents.upsert(shop, DOCUMENTS)
    index(engine)
    yield engine
    engine.close()


def index(engine: Engine) -> None:
    assert engine.indexer.acquire()
    while engine.indexer.seal():
        pass


def ask(engine: Engine, text: str, **more: object) -> SearchAnswer:
    wanted = SearchQuery(text, "shop", highlight=Highlighting())
    return engine.search(replace(wanted, **more))


def shown(found: SearchAnswer) -> dict[str, list[str]]:
    return {
        hit.id: [one.written(pre="<", post=">") for one in hit.highlights]
        for hit in found.page.hits
    }


def test_the_sentence_nearest_by_meaning_comes_first_and_then_one_with_words(
    engine: Engine,
) -> None:
    found = shown(ask(engine, "boots keep water out"))
    assert found["boots"] == [
        "… These <boots> <keep> <water> <out> of every seam. …",
        "… The <boots> weigh little.",
    ]


def test_a_hit_without_any_word_shows_a_sentence_all_the_same(engine: Engine) -> None:
    assert shown(ask(engine, "boots"))["tent"] == ["A shelter for two."]


def test_a_text_that_begins_with_spaces_is_compared_where_it_stands(engine: Engine) -> None:
    assert shown(ask(engine, "they dry slowly"))["socks"][0] == "… They <dry> <slowly>."


def test_a_long_title_moves_no_sentence(engine: Engine) -> None:
    shop = engine.catalog.collections.get("shop")
    text = "Felt. Socks dry. Hats warm. Coats hang. Gloves fit."
    engine.catalog.documents.upsert(shop, [Document("long", text, "A title of many words " * 3)])
    while engine.indexer.seal():
        pass
    engine.live_collections.refresh("shop")
    found = shown(ask(engine, "hats warm", highlight=Highlighting(fragments=1)))
    assert found["long"] == ["… <Hats> <warm>. …"]


def test_by_words_alone_nothing_is_encoded(engine: Engine) -> None:
    found = ask(engine, "boots", mode="lexical")
    assert shown(found) == {
        "boots": [
            "… These <boots> keep water out of every seam. …",
            "… The <boots> weigh little.",
        ]
    }
    assert found.looked == Looked(0, 0)


def test_a_title_is_shown_where_it_says_what_the_passage_does_not(engine: Engine) -> None:
    assert shown(ask(engine, "tent", mode="lexical")) == {"tent": ["A <tent>"]}


def test_a_misspelt_word_is_marked_as_it_was_found(engine: Engine) -> None:
    found = shown(ask(engine, "bouts", mode="lexical"))
    assert "<boots>" in found["boots"][0]


def test_a_word_that_was_found_in_a_weighed_field_is_not_taken_for_misspelt(
    engine: Engine,
) -> None:
    collections = engine.catalog.collections
    collections.analyse("shop", write_analysis(Analysis(weights={"maker": 0.0})))
    collections.retune("shop", SearchRanking(fields={"maker": 1.0}), reason=Reason())
    made = Document("made", "Some boots that last.", metadata={"maker": "Bouts"})
    engine.catalog.documents.upsert(collections.get("shop"), [made])
    index(engine)
    while engine.indexer.index_words():
        pass
    engine.live_collections.refresh("shop")
    found = shown(ask(engine, "bouts", mode="lexical"))
    assert found == {"made": []}


def test_a_word_that_was_found_by_its_synonym_is_not_taken_for_misspelt(engine: Engine) -> None:
    rules = parse_synonym_lines("bouts, shelter")
    engine.catalog.synonyms.put("shop", write_synonyms(rules))
    engine.live_collections.read_search_defaults()
    found = shown(ask(engine, "bouts", highlight=Highlighting(fragments=9)))
    assert "<" not in "".join(found["boots"])


def test_without_asking_nothing_is_shown_or_encoded_or_timed(engine: Engine) -> None:
    found = ask(engine, "boots", highlight=None)
    assert set(map(len, shown(found).values())) == {0}
    assert (found.looked, found.answer) == (None, None)
    assert "highlight" not in found.seconds


def test_a_passage_is_encoded_once_and_for_re_ranking_too(engine: Engine) -> None:
    tokens = Reranking(RerankKind.TOKENS)
    assert ask(engine, "boots").looked == Looked(3, 3)
    assert ask(engine, "boots").looked == Looked(3, 0)
    reranked = ask(engine, "boots", rerank=tokens).reranked
    assert reranked is not None
    assert reranked.n_encoded == 0


def test_a_checkpoint_without_token_vectors_shows_words_and_says_so(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = engine.live_collections.get("shop")
    poor = replace(live.encoder.checkpoint, capabilities=frozenset({Capability.EMBED}))
    monkeypatch.setattr(live.encoder, "checkpoint", poor)
    found = ask(engine, "boots", answer=True)
    assert shown(found)["tent"] == []
    assert "<boots>" in shown(found)["boots"][0]
    (warning,) = found.warnings
    assert "sentences are not compared by meaning" in warning
    assert "molt checkpoints upgrade" in warning
    assert found.answer is None
    assert ask(engine, "boots", mode="lexical").warnings == ()


def test_hits_beyond_the_first_are_marked_by_words_alone(engine: Engine) -> None:
    shop = engine.catalog.collections.get("shop")
    more = [Document(f"n{at}", f"number {at}") for at in range(MOST_BY_MEANING)]
    engine.catalog.documents.upsert(shop, more)
    while engine.indexer.seal():
        pass
    engine.live_collections.refresh("shop")
    found = ask(engine, "boots", k=100)
    assert found.looked == Looked(MOST_BY_MEANING, MOST_BY_MEANING)
    assert [bool(one.highlights) for one in found.page.hits[MOST_BY_MEANING:]] == [False] * 3
    assert found.warnings == (f"hits after the first {MOST_BY_MEANING} are marked by words alone",)


def test_the_answer_is_the_sentence_that_says_what_was_asked(engine: Engine) -> None:
    found = ask(engine, "boots keep water out", answer=True, highlight=None).answer
    assert found is not None
    assert (found.id, found.text) == ("boots", "These boots keep water out of every seam.")
    assert BOOTS[found.start : found.end] == found.text
    assert LEAST_LIKELY <= found.score <= 1


def test_where_no_sentence_is_likely_there_is_no_answer(engine: Engine) -> None:
    assert ask(engine, "quantum chromodynamics", answer=True).answer is None


def test_many_fragments_cover_all_that_is_said(engine: Engine) -> None:
    few = replace(Highlighting(), fragments=1)
    assert len(shown(ask(engine, "boots valley hill", highlight=few))["boots"]) == 1
    many = replace(Highlighting(), fragments=10)
    assert len(shown(ask(engine, "boots valley hill", highlight=many))["boots"]) == 4


def test_a_fragment_is_no_longer_than_asked_for(engine: Engine) -> None:
    short = Highlighting(fragments=10, size=20)
    found = ask(engine, "boots water", highlight=short)
    for hit in found.page.hits:
        assert all(len(one.text) <= 20 for one in hit.highlights)
