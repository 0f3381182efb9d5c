"""Tuning chooses among re-rankers: by tokens, by a cross-encoder, or none."""

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import numpy.typing as npt

from molt.artifact import Home
from molt.encoder import Checkpoint
from molt.index.catalog.catalog import home_url, open_catalog
from molt.index.ranking.field_weights import FieldWeights
from molt.index.ranking.fusing import LegHits
from molt.index.ranking.ranking import DEFAULT_RANKING, SearchRanking, parse_ranking
from molt.index.ranking.reranking import Reranking, RerankKind
from molt.training.data.config import DataConfig
from molt.worker.tasks.cross_encoders import opened_cross_encoders, sharing_split
from molt.worker.tasks.searching import SearchTuning, tune_search
from molt.worker.tasks.workspace import Workspace
from tests.cross_encoders import accepted_cross_encoder

QUERIES, DOCUMENTS = 40, 30
TOKENS = Reranking(RerankKind.TOKENS)
PAIRS = Reranking(RerankKind.CROSS_ENCODER, model="a" * 16)


class KnowingSearch:
    """Legs that know nothing, and re-rankers that each know so much of what is relevant."""

    def __init__(self, knowing: Mapping[Reranking, float]) -> None:
        self.rescoring = SimpleNamespace(rerankers=tuple(knowing))
        self.fields: FieldWeights = {}
        self._knowing = knowing
        self.asked = 0
        self._random = np.random.default_rng(5)
        self.relevant = self._random.integers(0, DOCUMENTS, QUERIES)

    def legs(self, at: int, *, fields: FieldWeights) -> tuple[LegHits, LegHits]:
        del at, fields
        self.asked += 1
        return self._leg(), self._leg()

    def second_scores(
        self, at: int, ids: npt.NDArray[np.int64], wanted: Reranking, *, fields: FieldWeights
    ) -> npt.NDArray[np.float64]:
        del fields
        noise = self._random.normal(0, 1, len(ids))
        found: npt.NDArray[np.float64] = noise + self._knowing[wanted] * (ids == self.relevant[at])
        return found

    def _leg(self) -> LegHits:
        scores = np.sort(self._random.uniform(0, 1, DOCUMENTS))[::-1]
        return LegHits(self._random.permutation(DOCUMENTS), scores, whole=True)


def tuned(knowing: Mapping[Reranking, float]) -> SearchTuning:
    search = KnowingSearch(knowing)
    judged = [{int(one): 1} for one in search.relevant]
    return tune_search(search, judged, former=DEFAULT_RANKING)


def test_a_cross_encoder_that_knows_more_is_released_with_its_weight() -> None:
    found = tuned({TOKENS: 0.0, PAIRS: 4.0})
    chosen = found.ranking.rerank
    assert chosen is not None
    assert (chosen.kind, chosen.model) == (RerankKind.CROSS_ENCODER, PAIRS.model)
    assert chosen.weight is not None
    told = found.to_json()
    assert [one["kind"] for one in told["rerankers"]] == ["tokens", "cross-encoder"]
    assert (told["reranker"]["model"], told["reranker"]["weight"]) == (PAIRS.model, chosen.weight)
    assert parse_ranking(told["ranking"]) == found.ranking


def test_of_two_that_help_the_better_one_is_taken() -> None:
    for better, worse in ((TOKENS, PAIRS), (PAIRS, TOKENS)):
        rerank = tuned({worse: 3.0, better: 8.0}).ranking.rerank
        assert rerank is not None
        assert rerank.kind is better.kind


def test_however_many_are_tried_the_legs_are_asked_once_for_all_of_them() -> None:
    def asked(knowing: Mapping[Reranking, float]) -> int:
        search = KnowingSearch(knowing)
        judged = [{int(one): 1} for one in search.relevant]
        tune_search(search, judged, former=DEFAULT_RANKING)
        return search.asked

    assert asked({TOKENS: 0.0, PAIRS: 0.0}) == asked({TOKENS: 0.0}) == asked({}) + QUERIES


def test_where_none_helps_none_is_switched_on_and_all_are_told() -> None:
    found = tuned({TOKENS: 0.0, PAIRS: 0.0})
    assert found.ranking.rerank is None
    assert [one.tuned.weight for one in found.rerankers] == [None, None]


def shop(tmp_path: Path) -> Workspace:
    catalog = open_catalog(home_url(tmp_path))
    catalog.collections.create("shop")
    catalog.close()
    return Workspace(Home(tmp_path))


def built(workspace: Workspace, **changes: object) -> Checkpoint:
    return accepted_cross_encoder(workspace.home.checkpoints, collection="shop", **changes)


def test_what_is_tried_is_the_newest_that_passed_and_is_sound(tmp_path: Path) -> None:
    workspace = shop(tmp_path)
    with opened_cross_encoders(workspace, "shop") as none:
        assert none == ()
    built(workspace, weight=2.0, metrics={})
    made = built(workspace)
    with opened_cross_encoders(workspace, "shop") as opened:
        assert [one.checkpoint.id for one in opened] == [made.id]
    (made.path / "runtime" / "fp32.onnx").write_bytes(b"no graph")
    with opened_cross_encoders(workspace, "shop") as none:
        assert none == ()


def test_one_that_may_have_learnt_from_the_queries_of_dev_is_not_tried(tmp_path: Path) -> None:
    workspace, data = shop(tmp_path), DataConfig(near_duplicate=1.0)
    built(workspace, training={"data": data.model_dump(mode="json")})
    with opened_cross_encoders(workspace, "shop") as opened:
        assert sharing_split(opened, "shop", data=data) == opened
        assert sharing_split(opened, "shop", data=DataConfig()) == ()
        assert sharing_split(opened, "garden", data=DataConfig()) == opened


def test_a_ranking_tells_its_cross_encoder() -> None:
    assert SearchRanking(rerank=PAIRS).cross_encoder == PAIRS.model
    assert SearchRanking(rerank=TOKENS).cross_encoder is None
    assert SearchRanking().cross_encoder is None
