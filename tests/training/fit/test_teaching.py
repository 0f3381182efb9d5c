"""Teachers: an encoder's cosines, and a cross-encoder's log-odds as cosines."""

from pathlib import Path

import numpy as np
import pytest

from molt.encoder import Checkpoint, InputType, Lane
from molt.encoder.cross_encoding.cross_encoder import CrossEncoder, PairScores
from molt.training.config import TrainConfig
from molt.training.fit.config import ObjectiveConfig
from molt.training.fit.teaching import EmbeddingTeacher, opened_teacher
from tests.checkpoints import build_checkpoint
from tests.cross_encoders import build_cross_encoder

QUERIES = ["which z", "zebra"]
COLUMNS = [["zz", "a"], ["b", "zzz"]]


def test_an_encoder_teaches_the_cosine_of_each_text() -> None:
    vectors = {"q": [1.0, 0.0], "same": [1.0, 0.0], "other": [0.0, 1.0]}

    def embedding(texts: list[str], input_type: InputType) -> np.ndarray:
        assert (input_type is InputType.QUERY) is (texts == ["q"])
        return np.array([vectors[text] for text in texts], np.float32)

    assert EmbeddingTeacher(embedding)(["q"], [["same"], ["other"]]).tolist() == [[1.0, 0.0]]


def test_a_cross_encoder_teaches_its_log_odds_divided_by_the_scale(tmp_path: Path) -> None:
    made = build_cross_encoder(tmp_path / "checkpoints")
    with opened_teacher(made, scale=20.0, cache=tmp_path / "cache") as teacher:
        found = teacher(QUERIES, COLUMNS)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.array([[1, -1], [-1, 2]]) / 20.0, atol=1e-6)


def test_a_pair_is_scored_once_however_often_it_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []
    score_pairs = CrossEncoder.score_pairs

    def counting(self: CrossEncoder, pairs: list[tuple[str, str]], *, lane: Lane) -> PairScores:
        asked.extend(pairs)
        return score_pairs(self, pairs, lane=lane)

    monkeypatch.setattr(CrossEncoder, "score_pairs", counting)
    made = build_cross_encoder(tmp_path / "checkpoints")
    with opened_teacher(made, scale=1.0, cache=tmp_path / "cache") as teacher:
        first = teacher(["z", "z"], [["zz", "zz"], ["a", "b"]])
        again = teacher(["z"], [["zz"], ["b"]])
    assert asked == [("z", "zz"), ("z", "a"), ("z", "b")]
    assert again.tolist() == [[first[0, 0], first[1, 1]]]


def test_an_encoder_is_opened_as_a_teacher_too(tmp_path: Path) -> None:
    made: Checkpoint = build_checkpoint(tmp_path / "checkpoints")
    with opened_teacher(made, scale=20.0, cache=tmp_path / "cache") as teacher:
        assert teacher(["ab"], [["ab"]])[0, 0] == pytest.approx(1, abs=1e-5)


def test_who_has_a_teacher_learns_from_it_by_margin_mse_unless_it_says_how() -> None:
    plain = ObjectiveConfig(teacher="a" * 16).distilling()
    assert (plain.positives, plain.triplets) == ("margin-mse", "margin-mse")
    told = ObjectiveConfig(teacher="a" * 16, positives="kl")
    assert told.distilling() == told
    with pytest.raises(ValueError, match="learn from a teacher"):
        TrainConfig.model_validate({"objective": {"positives": "kl"}})
