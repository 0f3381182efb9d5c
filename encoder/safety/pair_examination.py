"""Pair examination: whether a cross-encoder that was opened does what its checkpoint promises.

As `examination` is for encoders: `check_cross_encoder` takes milliseconds, and the others are made
in a child process alone.
"""

import logging
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from molt.encoder.errors import DefectiveCheckpointError, UnsoundScoresError
from molt.encoder.safety.examination import (
    id_batches,
    odd_texts,
    required,
    unfit,
    unforeseen_ids,
)
from molt.encoder.safety.fidelity import PairFidelity
from molt.encoder.safety.forward import PlainModel, UnknownModelKindError
from molt.encoder.safety.reference import REFERENCE_QUERY, Reference, largest_error
from molt.encoder.scheduling.lane import Lane

if TYPE_CHECKING:
    from molt.encoder.cross_encoding.cross_encoder import CrossEncoder

log = logging.getLogger(__name__)

_TEXT = "warm-up"
_REPEATED = 1e-3
_SHARE_OF_RANGE = 0.1  # of arbitrary tokens, which int8 was not measured with


def check_cross_encoder(scorer: "CrossEncoder", references: Sequence[Reference]) -> None:
    """Score a few pairs and the last token there is.

    Raises `NoVariantError` where that fails, and where a pair has another score than the one
    recorded in `references`.
    """
    texts = [_TEXT, *(reference.text for reference in references)]
    found = required(lambda: scorer.score(REFERENCE_QUERY, texts, lane=Lane.BACKGROUND))
    _check_last_token(scorer)
    for score, reference in zip(found.logits[1:].tolist(), references, strict=True):
        _compare(scorer, score, reference)


def examine_cross_encoder(scorer: "CrossEncoder", *, searched: Sequence[str]) -> None:
    """Score what may go wrong: odd texts, the longest one, and tokens of every kind.

    `searched` are texts that the tokenizer's own rules look for. Raises `NoVariantError`.
    """
    for text in odd_texts(searched):
        required(partial(scorer.read_pairs, text, [text]))
    for ids in id_batches(scorer.last_id + 1, scorer.checkpoint.max_length):
        types = (np.arange(ids.shape[1]) * 2 >= ids.shape[1]) * np.ones_like(ids)
        first, again = (required(partial(scorer.score_ids, ids, types)) for _ in range(2))
        if not np.allclose(first, again, atol=_REPEATED):
            raise unfit(scorer, "makes other scores of the same tokens each time")


def compare_scores_with_weights(scorer: "CrossEncoder") -> None:
    """Compare what a graph makes of token ids with what the model's weights make of them.

    They may differ by a tenth of the largest score that the head can give. As with encoders the
    ids are drawn anew each time, and other architectures are not compared. Raises `NoVariantError`.
    """
    checkpoint = scorer.checkpoint
    try:
        model = PlainModel(checkpoint.path)
        allowed = _SHARE_OF_RANGE * model.largest_score()
        for ids in unforeseen_ids(scorer.last_id + 1, checkpoint.max_length):
            types = (np.arange(len(ids)) * 2 >= len(ids)).astype(np.int64)
            expected = model.score(ids, types)
            (found,) = required(partial(scorer.score_ids, ids[None, :], types[None, :]))
            if not abs(float(found) - expected) <= allowed:
                raise unfit(
                    scorer,
                    "does not compute what the checkpoint's weights do: a pair has the score "
                    f"{found:.3f}, and by the weights {expected:.3f}",
                )
    except UnknownModelKindError as error:
        log.info("the weights of %s are not compared: %s", checkpoint.id, error)


def _compare(scorer: "CrossEncoder", score: float, reference: Reference) -> None:
    fidelity = scorer.variant.fidelity
    if not isinstance(fidelity, PairFidelity):
        raise unfit(scorer, "was not measured as what scores pairs is")
    allowed = largest_error(fidelity.error_max)
    try:
        (expected,) = reference.values().tolist()
    except ValueError as error:
        raise unfit(scorer, f"has a reference that is no score ({error})") from error
    if not abs(score - expected) <= allowed:
        raise unfit(
            scorer,
            f"gives {reference.text[:30]!r}… the score {score:.3f} and its model {expected:.3f}, "
            f"where its measured fidelity allows a difference of {allowed:.3f}",
        )


def _check_last_token(scorer: "CrossEncoder") -> None:
    last = np.array([[scorer.last_id]], dtype=np.int64)
    try:
        scorer.score_ids(last, np.zeros_like(last))
    except UnsoundScoresError as error:
        raise unfit(scorer, f"has no score for token {scorer.last_id} of its tokenizer") from error
    except DefectiveCheckpointError as error:
        known = f"knows fewer tokens than its tokenizer, which goes up to {scorer.last_id}"
        raise unfit(scorer, f"{known} ({error})") from error
