"""A cross-encoder as sentence-transformers loads it: its graph, and what it makes of pairs.

The graph takes `input_ids` and `attention_mask` `(n, length) int64`, and of a BERT
`token_type_ids`, and gives `score` `(n,) float32`: the log-odds that the text answers the query.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import CrossEncoder
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.utils.logging import disable_progress_bar

from molt.encoder import Checkpoint
from molt.encoder.runtimes.runtime import PAIR_SCORES, TOKEN_TYPES
from molt.encoder.safety.reference import (
    REFERENCE_QUERY,
    REFERENCE_TEXTS,
    Reference,
    make_reference,
)
from molt.training.export.feeds import knows_token_types
from molt.training.export.graph import trace
from molt.training.export.probe import probe_pairs
from molt.training.export.rewriting.heads import spell_out_gemms

_BATCH = 16


class LoadedCrossEncoder:
    """The model of a staged cross-encoder, whose graph is found by tracing it."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint
        self._model = load_cross_encoder(checkpoint.path, max_length=checkpoint.max_length)

    def write_graph(self, target: Path) -> None:
        """Trace it; raises `ExportError` where that cannot be done."""
        scorer = _TypedScorer if knows_token_types(self._checkpoint) else _Scorer
        names = ["input_ids", "attention_mask", TOKEN_TYPES][: scorer.inputs]
        trace(scorer(classifier_of(self._model)), target, inputs=names, outputs=[PAIR_SCORES])
        spell_out_gemms(target)

    def probe_scores(self) -> NDArray[np.float32]:
        """What it makes of the probe set's pairs, `(queries, texts) float32`."""
        return np.stack([self._scores(query, texts) for query, texts, _ in probe_pairs()])

    def references(self) -> tuple[Reference, ...]:
        """What it makes of the reference pairs, which every runtime will be held to."""
        scores = self._scores(REFERENCE_QUERY, REFERENCE_TEXTS)
        return tuple(map(make_reference, REFERENCE_TEXTS, scores[:, None]))

    def _scores(self, query: str, texts: Sequence[str]) -> NDArray[np.float32]:
        found = self._model.predict(
            [(query, text) for text in texts],
            batch_size=_BATCH,
            activation_fn=nn.Identity(),
            show_progress_bar=False,
        )
        return np.asarray(found, dtype=np.float32)


class _Scorer(nn.Module):
    """Ids and mask in, one score per pair out."""

    inputs = 2

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.config = model.config

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        logits: Tensor = self.model(input_ids=input_ids, attention_mask=attention_mask).logits
        return logits.squeeze(-1)


class _TypedScorer(_Scorer):
    """The same of a model that knows token types."""

    inputs = 3

    def forward(  # type: ignore[override]
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor
    ) -> Tensor:
        logits: Tensor = self.model(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
        ).logits
        return logits.squeeze(-1)


def load_cross_encoder(path: Path, *, max_length: int, device: str = "cpu") -> CrossEncoder:
    """A staged cross-encoder in float32, safetensors only, nothing of it executed.

    Where the model has no head of one logit yet, it gets a new one.
    """
    disable_progress_bar()  # type: ignore[no-untyped-call]
    loaded: CrossEncoder = CrossEncoder(
        str(path),
        num_labels=1,
        max_length=max_length,
        device=device,
        trust_remote_code=False,
        local_files_only=True,
        model_kwargs={"use_safetensors": True, "dtype": torch.float32},
    )
    loaded.eval()
    return loaded


def classifier_of(loaded: CrossEncoder) -> PreTrainedModel:
    """The transformer with its head."""
    return cast("PreTrainedModel", loaded.model)
