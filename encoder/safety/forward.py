"""The forward pass: what a model makes of token ids by its weights alone, in plain numpy.

An id vouches for weights, and no graph: this says what a graph of them has to give. It computes
BERT, RoBERTa, XLM-RoBERTa and DistilBERT (Devlin et al. 2019, Vaswani et al. 2017), and static
embeddings, one text at a time and slowly. Of other architectures it says nothing.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from molt.encoder.content import STATIC, read_object
from molt.encoder.weights import Tensors

_Array = NDArray[np.float32]
_OFFSET_POSITIONS = frozenset(("roberta", "xlm-roberta"))
_CLASSIFIER = "classifier"
_BERT = {
    "query": "encoder.layer.{}.attention.self.query",
    "key": "encoder.layer.{}.attention.self.key",
    "value": "encoder.layer.{}.attention.self.value",
    "joined": "encoder.layer.{}.attention.output.dense",
    "first norm": "encoder.layer.{}.attention.output.LayerNorm",
    "wide": "encoder.layer.{}.intermediate.dense",
    "narrow": "encoder.layer.{}.output.dense",
    "second norm": "encoder.layer.{}.output.LayerNorm",
}
_DISTILBERT = {
    "query": "transformer.layer.{}.attention.q_lin",
    "key": "transformer.layer.{}.attention.k_lin",
    "value": "transformer.layer.{}.attention.v_lin",
    "joined": "transformer.layer.{}.attention.out_lin",
    "first norm": "transformer.layer.{}.sa_layer_norm",
    "wide": "transformer.layer.{}.ffn.lin1",
    "narrow": "transformer.layer.{}.ffn.lin2",
    "second norm": "transformer.layer.{}.output_layer_norm",
}


class UnknownModelKindError(Exception):
    """The forward pass of a model is not known here."""


class PlainModel:
    """A model directory, read a tensor at a time.

    Raises `UnknownModelKindError` where it is of another architecture, or is not as its
    configuration says.
    """

    def __init__(self, root: Path) -> None:
        self._config = read_object(root / "config.json")
        self._kind = self._config.get("model_type")
        self._tensors = Tensors(root / "model.safetensors")
        known = {"bert": _BERT, "roberta": _BERT, "xlm-roberta": _BERT, "distilbert": _DISTILBERT}
        self._names = known.get(str(self._kind), {})
        if self._kind != STATIC and not self._names:
            raise UnknownModelKindError(str(self._kind))
        act = self._config.get("hidden_act", self._config.get("activation", "gelu"))
        positions = self._config.get("position_embedding_type", "absolute")
        if (act, positions) != ("gelu", "absolute"):
            raise UnknownModelKindError(f"{act}, {positions}")

    def vector(self, ids: NDArray[np.int64], *, pooling: str) -> _Array:
        """The vector `(dim,)` of one text's ids `(length,)`, L2-normalised."""
        try:
            states = self._states(ids)
        except (KeyError, ValueError, IndexError, TypeError) as error:
            raise UnknownModelKindError(str(error)) from error
        pooled = states[0] if pooling == "cls" and self._kind != STATIC else states.mean(axis=0)
        return np.asarray(pooled / max(float(np.linalg.norm(pooled)), 1e-12), dtype=np.float32)

    def score(self, ids: NDArray[np.int64], types: NDArray[np.int64]) -> float:
        """The score of a pair's ids and token types `(length,)`, where the model is a BERT."""
        if self._kind != "bert":
            raise UnknownModelKindError(f"a cross-encoder of {self._kind}")
        try:
            states = self._states(ids, types)
            pooled = np.tanh(self._linear(states[:1], "pooler.dense"))
            return float(self._linear(pooled, _CLASSIFIER)[0, 0])
        except (KeyError, ValueError, IndexError, TypeError) as error:
            raise UnknownModelKindError(str(error)) from error

    def largest_score(self) -> float:
        """How large the size of a score can be: that of a BERT's head, whose inputs end at 1."""
        try:
            weight, bias = (self._whole(f"{_CLASSIFIER}.{one}") for one in ("weight", "bias"))
        except (KeyError, ValueError) as error:
            raise UnknownModelKindError(str(error)) from error
        return float(np.abs(weight).sum() + np.abs(bias).sum())

    def _states(self, ids: NDArray[np.int64], types: NDArray[np.int64] | None = None) -> _Array:
        if self._kind == STATIC:
            (name,) = self._tensors.names
            return self._tensors.rows(name, ids)
        states = self._embedded(ids, np.zeros(1, np.int64) if types is None else types)
        for layer in range(int(self._first("num_hidden_layers", "n_layers"))):
            states = self._layer(states, layer)
        return states

    def _embedded(self, ids: NDArray[np.int64], types: NDArray[np.int64]) -> _Array:
        places = np.arange(len(ids))
        if self._kind in _OFFSET_POSITIONS:
            places += int(self._config.get("pad_token_id", 1)) + 1
        found = self._rows("embeddings.word_embeddings.weight", ids)
        found = found + self._rows("embeddings.position_embeddings.weight", places)
        if self._kind != "distilbert":
            found = found + self._rows("embeddings.token_type_embeddings.weight", types)
        return self._norm(found, "embeddings.LayerNorm")

    def _layer(self, states: _Array, layer: int) -> _Array:
        names = {part: name.format(layer) for part, name in self._names.items()}
        attended = self._attend(states, names)
        states = self._norm(states + self._linear(attended, names["joined"]), names["first norm"])
        wide = _gelu(self._linear(states, names["wide"]))
        return self._norm(states + self._linear(wide, names["narrow"]), names["second norm"])

    def _attend(self, states: _Array, names: Mapping[str, str]) -> _Array:
        heads = int(self._first("num_attention_heads", "n_heads"))
        query, key, value = (
            self._linear(states, names[part]).reshape(len(states), heads, -1).swapaxes(0, 1)
            for part in ("query", "key", "value")
        )
        scores = query @ key.swapaxes(1, 2) / math.sqrt(query.shape[-1])
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        return np.asarray((weights @ value).swapaxes(0, 1).reshape(states.shape))

    def _linear(self, states: _Array, name: str) -> _Array:
        weight, bias = self._whole(f"{name}.weight"), self._whole(f"{name}.bias")
        return np.asarray(states @ weight.T + bias)

    def _norm(self, states: _Array, name: str) -> _Array:
        centred = states - states.mean(axis=-1, keepdims=True)
        spread = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + self._epsilon)
        return np.asarray(
            centred / spread * self._whole(f"{name}.weight") + self._whole(f"{name}.bias")
        )

    @property
    def _epsilon(self) -> float:
        return float(self._config.get("layer_norm_eps", 1e-12))

    def _first(self, *keys: str) -> Any:
        return next((self._config[key] for key in keys if key in self._config), None)

    def _whole(self, name: str) -> _Array:
        return self._tensors.whole(self._tensors.named(name))

    def _rows(self, name: str, rows: NDArray[np.int64]) -> _Array:
        return self._tensors.rows(self._tensors.named(name), rows)


def _gelu(values: _Array) -> _Array:
    """x P(X <= x) of a standard normal X (Hendrycks and Gimpel 2016)."""
    return np.asarray(values * 0.5 * (1 + _erf(values / math.sqrt(2))), dtype=np.float32)


def _erf(values: _Array) -> _Array:
    """The error function within 1.5e-7 (Abramowitz and Stegun 1964, 7.1.26)."""
    size = np.abs(values)
    t = 1 / (1 + 0.3275911 * size)
    series = (
        ((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736
    ) * t + 0.254829592
    return np.asarray(np.sign(values) * (1 - series * t * np.exp(-size * size)), dtype=np.float32)
