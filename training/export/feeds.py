"""Feeds: texts as a graph takes them, such as will be encoded, to learn ranges from them."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from molt.encoder import Checkpoint, ModelKind
from molt.encoder.content import model_type
from molt.encoder.runtimes.runtime import TOKEN_TYPES
from molt.encoder.tokenizer import Tokenizer
from molt.encoder.tokens import PairIds
from molt.training.export.probe import probe_pairs, probe_set

Feed = Mapping[str, NDArray[np.int64]]
"""The inputs of a graph by their names, `(1, length) int64` each."""


def sample_feeds(checkpoint: Checkpoint) -> list[Feed]:
    """Texts from which ranges of activations are learnt: long ones, short ones, and none at all.

    Of a cross-encoder they are pairs.
    """
    tokenizer = Tokenizer(checkpoint.path / "tokenizer.json", max_length=checkpoint.max_length)
    if checkpoint.kind is ModelKind.CROSS_ENCODER:
        typed = knows_token_types(checkpoint)
        return [
            pair_feed(pair, typed=typed)
            for query, texts, _ in probe_pairs()[::2]
            for pair in tokenizer.pair(query, texts[:1])
        ]
    long = [checkpoint.prompts.document + text for text in probe_set().documents[::4]]
    short = [checkpoint.prompts.query + text for text in probe_set().queries[::12]]
    return list(map(text_feed, tokenizer.encode([*long, *short, ""])))


def knows_token_types(checkpoint: Checkpoint) -> bool:
    """Whether the model's graph has an input that tells a query from a text."""
    return model_type(checkpoint.path) == "bert"


def text_feed(ids: NDArray[np.int64]) -> Feed:
    """A text's ids `(length,)` alone."""
    return {"input_ids": ids[None, :], "attention_mask": np.ones_like(ids)[None, :]}


def pair_feed(pair: PairIds, *, typed: bool) -> Feed:
    """A pair alone; `typed` where the graph takes token types."""
    feed = text_feed(pair.ids)
    return {**feed, TOKEN_TYPES: pair.types[None, :]} if typed else feed
