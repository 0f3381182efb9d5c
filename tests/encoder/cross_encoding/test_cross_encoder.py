from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from onnx import NodeProto, helper
from tokenizers import Tokenizer as FastTokenizer

from molt.encoder import (
    Checkpoint,
    CheckpointStore,
    CrossEncoder,
    Lane,
    MissingCapabilityError,
    NoVariantError,
    UnsafeCheckpointError,
    open_checkpoint,
    open_cross_encoder,
    open_encoder,
)
from molt.encoder.errors import AbandonedError
from molt.encoder.safety.cancellation import Cancellation
from molt.encoder.safety.reference import REFERENCE_TEXTS, make_reference
from molt.encoder.selection import require_sound_variants
from molt.encoder.tokenizer import Tokenizer
from tests.checkpoints import seal
from tests.cross_encoders import build_cross_encoder


@pytest.fixture
def pairs(tmp_path: Path) -> Checkpoint:
    return build_cross_encoder(tmp_path / "checkpoints")


@pytest.fixture
def scorer(pairs: Checkpoint, tmp_path: Path) -> Iterator[CrossEncoder]:
    with closing(open_cross_encoder(pairs, cache=tmp_path / "cache", threads=1)) as opened:
        yield opened


def not_a_number(sound: str) -> list[NodeProto]:
    """The logarithm of what is below zero."""
    return [
        helper.make_node("Abs", [sound], ["size"]),
        helper.make_node("Neg", ["size"], ["below"]),
        helper.make_node("Sub", ["below", "one"], ["far_below"]),
        helper.make_node("Log", ["far_below"], ["score"]),
    ]


def test_each_pair_has_a_score_that_depends_on_no_other(scorer: CrossEncoder) -> None:
    texts = ["a zebra", "zzz", "no such letter", ""]
    found = scorer.score("which z?", texts, lane=Lane.INTERACTIVE)
    assert found.logits.tolist() == [0.0, 2.0, -1.0, -1.0]
    assert found.logits.dtype == np.float32
    for text, score in zip(texts, found.logits.tolist(), strict=True):
        assert scorer.score("which z?", [text], lane=Lane.QUERY).logits.tolist() == [score]
    behind = scorer.score("which z?", texts, lane=Lane.BACKGROUND)
    assert behind.logits.tolist() == found.logits.tolist()


def test_no_texts_have_no_scores(scorer: CrossEncoder) -> None:
    assert scorer.score("z", [], lane=Lane.INTERACTIVE).logits.shape == (0,)


def test_it_is_told_of_what_the_end_was_not_read(scorer: CrossEncoder) -> None:
    found = scorer.score("z" * 4, ["z" * 8, "z" * 90, "z" * 30], lane=Lane.INTERACTIVE)
    assert found.n_tokens.tolist() == [4 + 8 + 3, 32, 32]
    assert found.truncated.tolist() == [False, True, True]
    assert not found.query_truncated
    assert scorer.score("z" * 90, ["z" * 90], lane=Lane.INTERACTIVE).query_truncated


@pytest.mark.parametrize(
    ("query", "text"),
    [("zebra", "a z"), ("zebra", "z " * 50), ("q " * 40, "z"), ("q " * 40, "z " * 41)],
)
def test_a_pair_is_cut_and_joined_as_the_tokenizer_itself_does(
    pairs: Checkpoint, query: str, text: str
) -> None:
    path = pairs.path / "tokenizer.json"
    fast = FastTokenizer.from_file(str(path))
    fast.enable_truncation(32)
    (read,) = Tokenizer(path, max_length=32).pair(query, [text])
    wanted = fast.encode(query, text)
    assert (read.ids.tolist(), read.types.tolist()) == (wanted.ids, wanted.type_ids)


def test_what_nobody_waits_for_is_not_scored(scorer: CrossEncoder) -> None:
    cancellation = Cancellation()
    with cancellation.scope():
        cancellation.cancel()
        with pytest.raises(AbandonedError):
            scorer.score("z", ["z"] * 64, lane=Lane.INTERACTIVE)


def test_it_makes_no_vectors_and_is_not_opened_as_an_encoder(
    pairs: Checkpoint, tmp_path: Path
) -> None:
    with pytest.raises(MissingCapabilityError, match="a cross-encoder, which scores pairs"):
        open_encoder(open_checkpoint(pairs.path), cache=tmp_path / "cache", threads=1)


def test_an_encoder_is_not_opened_as_a_cross_encoder(tiny: Checkpoint, tmp_path: Path) -> None:
    with pytest.raises(MissingCapabilityError, match="a bi-encoder, which cannot rerank"):
        open_cross_encoder(tiny, cache=tmp_path / "cache", threads=1)


def test_one_whose_graph_gives_no_numbers_is_refused_when_it_is_added_and_when_it_is_opened(
    tmp_path: Path,
) -> None:
    spoilt = build_cross_encoder(tmp_path / "elsewhere", after=not_a_number)
    with pytest.raises(NoVariantError, match="scores that are not finite numbers; do not use it"):
        open_cross_encoder(spoilt, cache=tmp_path / "cache", threads=1)

    def try_out(checkpoint: Checkpoint, known: Checkpoint | None) -> None:
        require_sound_variants(checkpoint, known, cache=tmp_path / "cache")

    store = CheckpointStore(tmp_path / "checkpoints")
    with pytest.raises(NoVariantError, match="not finite"):
        store.add(spoilt.path, try_out=try_out)
    assert store.ids() == []


def test_one_that_gives_a_reference_another_score_than_its_model_did_is_refused(
    pairs: Checkpoint, tmp_path: Path
) -> None:
    wrong = tuple(make_reference(text, np.array([5.0])) for text in REFERENCE_TEXTS)
    sealed = seal(replace(pairs, references=wrong))
    with pytest.raises(NoVariantError, match=r"and its model 5\.000, where its measured fidelity"):
        open_cross_encoder(sealed, cache=tmp_path / "cache", threads=1)


def test_files_of_an_encoder_do_not_pass_for_a_cross_encoder(pairs: Checkpoint) -> None:
    config = pairs.path / "config.json"
    config.write_text(config.read_text().replace("ForSequenceClassification", "Model"))
    seal(pairs)
    with pytest.raises(UnsafeCheckpointError, match="says it is cross-encoder and is not"):
        open_checkpoint(seal(pairs).path)
