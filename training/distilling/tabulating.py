"""Tabulating: a vector for each token by what the teacher makes of it alone (model2vec).

T. van Dongen, S. Tulkens, "Model2Vec: Turn any Sentence Transformer into a Small Fast Model", 2024:
each token goes through the teacher by itself, and frequent ones weigh less (SIF, Arora et al. 2017,
with ranks in the vocabulary for frequencies).
"""

import io
from contextlib import redirect_stderr
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt
import orjson

from molt.encoder import Checkpoint, Pooling
from molt.training.export.graph import load_model
from molt.training.export.static import TokenTable

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

_POOLING = {Pooling.MEAN: "mean", Pooling.CLS: "first"}
_SIF = 1e-4


def tabulate(teacher: Checkpoint, directions: npt.NDArray[np.float32]) -> TokenTable:
    """The teacher's tokens along `directions` `(dim, dimensions)` of its space; variance is 1."""
    from model2vec.distill import distill_from_model  # noqa: PLC0415 - checks what is installed
    from model2vec.distill.inference import compute_weights  # noqa: PLC0415

    model = load_model(teacher.path)
    with redirect_stderr(io.StringIO()):  # it draws a progress bar
        found = distill_from_model(
            cast("PreTrainedModel", model[0].auto_model),
            cast("PreTrainedTokenizerFast", model.tokenizer),
            device="cpu",
            pca_dims=None,
            sif_coefficient=None,
            quantize_to="float32",
            pooling=_POOLING[teacher.pooling],
        )
    tokens = np.asarray(found.embedding, dtype=np.float32)
    weights = compute_weights(len(tokens), sif_coefficient=_SIF)
    vectors = (tokens - tokens.mean(axis=0)) @ directions * weights[:, None]
    table = np.asarray(vectors / vectors.std(), dtype=np.float32)
    return TokenTable(table, orjson.loads(found.tokenizer.to_str()))
