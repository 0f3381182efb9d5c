"""The cross-encoder re-ranker in the pipeline, by one that counts the letter z."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from molt.encoder import Checkpoint, CrossEncoder
from molt.encoder.errors import AbandonedError, DefectiveCheckpointError, MissingCapabilityError
from molt.encoder.safety.cancellation import Cancellation
from molt.engine.engine import Engine
from molt.engine.errors import CrossEncoderUnavailableError, NoCrossEncoderError
from molt.engine.models.uses import use_of
from molt.engine.search.query import SearchAnswer, SearchQuery
from molt.engine.settings import load_settings
from molt.index.catalog.document import Document
from molt.index.catalog.releases import Reason
from molt.index.ranking.ranking import SearchRanking
from molt.index.ranking.reranking import Reranking, RerankKind
from tests.app.serving import open_engine
from tests.checkpoints import build_checkpoint
from tests.cross_encoders import accepted_cross_encoder

TEXTS = {"boots": "warm boots", "tent": "a zebra tent", "zoo": "zzz", "socks": "warm socks"}
ASKED = Reranking(RerankKind.CROSS_ENCODER, weight=1.0)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(load_settings(home=tmp_path))
    shop = engine.catalog.collections.create("shop")
    engine.catalog.documents.upsert(shop, [Document(name, text) for name, text in TEXTS.items()])
    assert engine.indexer.acquire()
    while engine.indexer.seal() or engine.indexer.index_words():
        pass
    engine.live_collections.refresh("shop")
    yield engine
    engine.close()


def trained(engine: Engine, **changes: Any) -> Checkpoint:
    """One that was trained on the collection and passed its gate."""
    root = engine.settings.layout.checkpoints
    return accepted_cross_encoder(root, **{"collection": "shop", **changes})


def ask(engine: Engine, rerank: Any = ASKED, **more: Any) -> SearchAnswer:
    return engine.search(SearchQuery("warm boots", "shop", rerank=rerank, **more))


def tune(engine: Engine, model: str) -> None:
    """Release that searches are re-ranked by a model."""
    ranking = SearchRanking(rerank=replace(ASKED, model=model))
    shop = engine.catalog.collections.get("shop")
    engine.releaser.retune(shop, ranking, reason=Reason("test", "tuned"))


def ask_tuned(engine: Engine, **more: Any) -> SearchAnswer:
    return engine.search(SearchQuery("warm boots", "shop", **more))


def damage(checkpoint: Checkpoint) -> None:
    (checkpoint.path / "runtime" / "fp32.onnx").write_bytes(b"no graph")


def ids(answer: SearchAnswer) -> list[str]:
    return [hit.id for hit in answer.page.hits]


def test_candidates_are_put_in_the_order_of_its_scores(engine: Engine) -> None:
    made = trained(engine)
    found = ask(engine, mode="dense")
    assert ids(found)[:2] == ["zoo", "tent"]
    assert [hit.scores["rerank"] for hit in found.page.hits] == [2.0, 0.0, -1.0, -1.0]
    assert found.reranked is not None
    assert found.reranked.wanted == replace(ASKED, model=made.id)
    assert (found.reranked.n_candidates, found.reranked.n_encoded) == (4, 4)
    assert found.seconds["rerank"] > 0


def test_what_lies_deeper_stays_where_it_was(engine: Engine) -> None:
    trained(engine)
    plain = ids(ask(engine, None))
    found = ask(engine, replace(ASKED, depth=2))
    assert set(ids(found)[:2]) == set(plain[:2])
    assert ids(found)[2:] == plain[2:]


def test_the_newest_that_passed_its_gate_is_the_one_of_a_collection(engine: Engine) -> None:
    days = [datetime(2026, 2, day, tzinfo=UTC) for day in (1, 2, 3)]
    trained(engine, created_at=days[0], weight=2.0)
    newest = trained(engine, created_at=days[1], weight=3.0)
    trained(engine, created_at=days[2], weight=4.0, metrics={})
    trained(engine, created_at=days[2], weight=5.0, collection="garden")
    found = ask(engine).reranked
    assert found is not None
    assert found.wanted.model == newest.id


def test_one_that_is_trained_while_it_serves_is_found(engine: Engine) -> None:
    with pytest.raises(NoCrossEncoderError):
        ask(engine)
    made = trained(engine)
    found = ask(engine).reranked
    assert found is not None
    assert found.wanted.model == made.id


def test_without_one_it_is_said_how_to_train_it(engine: Engine) -> None:
    with pytest.raises(NoCrossEncoderError, match="molt train shop --kind cross-encoder"):
        ask(engine)
    refused = trained(engine, metrics={"gate": {"accepted": False}})
    with pytest.raises(NoCrossEncoderError, match=f"passed its gate; name one.*{refused.id}"):
        ask(engine)
    named = ask(engine, replace(ASKED, model=refused.id)).reranked
    assert named is not None
    assert named.wanted.model == refused.id


def test_another_kind_of_checkpoint_re_ranks_nothing(engine: Engine) -> None:
    other = build_checkpoint(engine.settings.layout.checkpoints)
    with pytest.raises(MissingCapabilityError, match="choose another one"):
        ask(engine, replace(ASKED, model=other.id))
    with pytest.raises(CrossEncoderUnavailableError, match="no checkpoint"):
        ask(engine, replace(ASKED, model="0" * 16))


def test_a_collection_is_re_ranked_by_what_it_was_tuned_to_and_rolled_back(engine: Engine) -> None:
    before = ids(ask_tuned(engine))
    tune(engine, trained(engine).id)
    assert ids(ask_tuned(engine))[0] == "zoo"
    assert ids(ask_tuned(engine, rerank=None)) == before
    engine.releaser.rollback("shop", reason=Reason("test", "back"))
    found = ask_tuned(engine)
    assert (ids(found), found.reranked) == (before, None)


def test_what_a_collection_was_tuned_to_goes_before_what_is_newer(engine: Engine) -> None:
    tuned = trained(engine)
    tune(engine, tuned.id)
    trained(engine, weight=2.0, created_at=datetime(2027, 1, 1, tzinfo=UTC))
    found = ask(engine).reranked
    assert found is not None
    assert found.wanted.model == tuned.id


def test_a_damaged_one_that_was_tuned_is_left_out_and_the_answer_tells(engine: Engine) -> None:
    before = ids(ask_tuned(engine))
    made = trained(engine)
    damage(made)
    tune(engine, made.id)
    found = ask_tuned(engine)
    assert (ids(found), found.reranked, found.left_out) == (before, None, ("rerank",))
    told = f"the re-ranker was left out: the cross-encoder {made.id} cannot be asked"
    assert told in found.warnings


def test_a_damaged_one_that_is_asked_for_is_an_error(engine: Engine) -> None:
    damage(trained(engine))
    with pytest.raises(CrossEncoderUnavailableError, match="cannot be asked"):
        ask(engine)


def test_one_that_fails_at_a_text_is_left_out_where_it_was_tuned(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    tune(engine, trained(engine).id)
    assert ask_tuned(engine).reranked is not None

    def fail(*_: object, **__: object) -> None:
        raise DefectiveCheckpointError("not finite")

    monkeypatch.setattr("molt.encoder.cross_encoding.cross_encoder.CrossEncoder.score", fail)
    assert ask_tuned(engine).left_out == ("rerank",)
    with pytest.raises(CrossEncoderUnavailableError, match="not finite"):
        ask(engine)


def test_nobody_waits_for_scores_whose_client_has_gone(engine: Engine) -> None:
    tune(engine, trained(engine).id)
    ask_tuned(engine)
    gone = Cancellation()
    with gone.scope():
        gone.cancel()
        with pytest.raises(AbandonedError):
            ask_tuned(engine)


def test_what_collections_were_tuned_to_is_kept_open_and_its_problems_are_told(
    engine: Engine,
) -> None:
    sound, broken = trained(engine), trained(engine, weight=2.0)
    tune(engine, sound.id)
    engine._cross_encoding.keep_tuned(engine.catalog)
    assert engine._cross_encoding._opened.is_open(sound.id)
    damage(broken)
    tune(engine, broken.id)
    engine._cross_encoding.keep_tuned(engine.catalog)
    assert any(broken.id in problem for problem in engine.readiness().problems)
    tune(engine, sound.id)
    engine._cross_encoding.keep_tuned(engine.catalog)
    assert not any(broken.id in problem for problem in engine.readiness().problems)


def test_no_search_waits_for_what_its_collection_was_tuned_to_to_be_opened(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slowly(checkpoint_id: str) -> CrossEncoder:
        opening.set()
        assert go_on.wait(20)
        return opens(checkpoint_id)

    opening, go_on = threading.Event(), threading.Event()
    opened = engine._cross_encoding._opened
    opens = opened._open
    monkeypatch.setattr(opened, "_open", slowly)
    engine._cross_encoding.keep_tuned(engine.catalog)
    made = trained(engine)
    tune(engine, made.id)
    with ThreadPoolExecutor(1) as pool:
        for _ in ("named", "opening"):
            found = ask_tuned(engine)
            assert (found.reranked, found.left_out) == (None, ("rerank",))
            told = f"the re-ranker was left out: the cross-encoder {made.id} is being opened"
            assert told in found.warnings
            looking = pool.submit(engine._cross_encoding.keep_tuned, engine.catalog)
            assert opening.wait(20)
        go_on.set()
        looking.result()
    assert ids(ask_tuned(engine))[0] == "zoo"


def test_what_collections_were_tuned_to_is_open_once_an_engine_has_started(engine: Engine) -> None:
    made = trained(engine)
    tune(engine, made.id)
    engine.start()
    assert engine._cross_encoding._opened.is_open(made.id)


def test_an_explanation_names_what_looked_again(engine: Engine) -> None:
    made = trained(engine)
    for hit in ask(engine, explain=True).page.hits:
        assert hit.explanation is not None
        assert hit.explanation["rerank"] == {
            "kind": "cross-encoder",
            "model": made.id,
            "score": hit.scores["rerank"],
        }
        parts = hit.explanation["parts"]
        assert "rerank" in parts
        assert sum(parts.values()) == pytest.approx(hit.score)


def test_pages_are_parts_of_one_ranking(engine: Engine) -> None:
    trained(engine)
    whole = ids(ask(engine))
    parts = [ask(engine, offset=at, k=1) for at in range(4)]
    assert [name for part in parts for name in ids(part)] == whole


def test_nothing_to_rank_is_no_error(engine: Engine) -> None:
    made = trained(engine)
    engine.create("empty")
    wanted = replace(ASKED, model=made.id)
    found = engine.search(SearchQuery("boots", "empty", rerank=wanted))
    assert found.reranked is not None
    assert found.page.hits == ()


def test_one_that_a_release_re_ranks_by_is_in_use(engine: Engine) -> None:
    made = trained(engine)
    given = {"catalog": engine.catalog, "settings": engine.settings}
    assert use_of(made.id, **given) is None
    tune(engine, made.id)
    assert "searches of 'shop' are re-ranked by it" in str(use_of(made.id, **given))


def test_what_a_search_asks_for_in_vain_is_held_against_no_release(engine: Engine) -> None:
    noted = engine.sentinel._searches(engine.catalog.collections.get("shop")).latest
    with pytest.raises(NoCrossEncoderError):
        ask(engine)
    damage(trained(engine))
    with pytest.raises(CrossEncoderUnavailableError):
        ask(engine)
    assert None not in noted
