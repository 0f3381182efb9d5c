"""A BERT's graph, written from its weights: the same one that tracing the model would give.

For who only serves: it needs neither torch nor transformers. Takes and gives what `graph` says of
every graph. Other architectures are traced.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from molt.encoder import Pooling
from molt.encoder.content import read_object
from molt.encoder.runtimes.runtime import TOKEN_VECTORS, VECTORS
from molt.encoder.weights import Tensors
from molt.training.errors import ExportError

_OPSET = 23  # the first one in which attention is one operator
_IR = 10
_ACTIVATION = "gelu"
_POSITIONS = "absolute"
# What torch has divisors be at least.
_LEAST_COUNT, _LEAST_LENGTH = 1e-9, 1e-12


def write_bert(folder: Path, *, pooling: Pooling, target: Path) -> None:
    """Write the graph of the BERT in `folder`, a staged model, with `pooling` to `target`.

    Raises `ExportError` where its configuration or its weights are not those of a plain BERT.
    """
    config = read_object(folder / "config.json")
    _require_plain(folder, config)
    try:
        model = _Bert(Tensors(folder / "model.safetensors"), config).model(pooling)
    except (KeyError, ValueError, TypeError) as error:
        raise ExportError(f"{folder}: its weights are not those of a BERT: {error}") from error
    onnx.save(model, str(target))


def _require_plain(folder: Path, config: Mapping[str, Any]) -> None:
    plain = {
        "model_type": "bert",
        "hidden_act": _ACTIVATION,
        "position_embedding_type": _POSITIONS,
        "is_decoder": False,
    }
    for key, wanted in plain.items():
        said = config.get(key, wanted)
        if said != wanted:
            raise ExportError(
                f"{folder}: {key} is {said!r}; without torch only {wanted!r} is known"
            )


class _Bert:
    """The nodes and weights of one graph in the making; each step returns what its output is."""

    def __init__(self, tensors: Tensors, config: Mapping[str, Any]) -> None:
        self._tensors = tensors
        self._layers = int(config["num_hidden_layers"])
        self._heads = int(config["num_attention_heads"])
        self._width = int(config["hidden_size"])
        self._epsilon = float(config["layer_norm_eps"])
        self._nodes: list[NodeProto] = []
        self._weights: list[TensorProto] = []

    def model(self, pooling: Pooling) -> ModelProto:
        """All of it."""
        kept = self._kept_pairs()
        states = self._embeddings()
        for number in range(self._layers):
            states = self._layer(f"encoder.layer.{number}", states, kept)
        self._nodes[-1].output[0] = TOKEN_VECTORS
        self._normalised(self._pooled(TOKEN_VECTORS, pooling))
        sizes = ("n", "length")
        graph = helper.make_graph(
            self._nodes,
            "bert",
            [_value(name, TensorProto.INT64, sizes) for name in ("input_ids", "attention_mask")],
            [
                _value(VECTORS, TensorProto.FLOAT, ("n", self._width)),
                _value(TOKEN_VECTORS, TensorProto.FLOAT, (*sizes, self._width)),
            ],
            self._weights,
        )
        return helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR
        )

    def _embeddings(self) -> str:
        table = self._weight("embeddings.word_embeddings.weight")
        words = self._add("Gather", [table, "input_ids"], "words")
        # Every token is of the first type, whose vector each position can therefore hold already.
        types = self._tensor("embeddings.token_type_embeddings.weight")
        positions = self._tensor("embeddings.position_embeddings.weight") + types[0]
        length = self._add("Shape", ["input_ids"], "length", start=1, end=2)
        edges = [self._constant(name, [0]) for name in ("first", "rows")]
        places = [self._constant("positions", positions), edges[0], length, edges[1]]
        placed = self._add("Add", [words, self._add("Slice", places, "placed")], "embedded")
        return self._norm("embeddings.LayerNorm", placed)

    def _layer(self, name: str, states: str, kept: str) -> str:
        attended = self._attention(f"{name}.attention", states, kept)
        widened = self._dense(f"{name}.intermediate.dense", attended)
        active = self._add("Gelu", [widened], f"{name}.active")
        narrowed = self._dense(f"{name}.output.dense", active)
        added = self._add("Add", [narrowed, attended], f"{name}.added")
        return self._norm(f"{name}.output.LayerNorm", added)

    def _attention(self, name: str, states: str, kept: str) -> str:
        heads = [self._head(f"{name}.self.{one}", states) for one in ("query", "key", "value")]
        mixed = self._add("Attention", [*heads, kept], f"{name}.mixed")
        moved = self._add("Transpose", [mixed], f"{name}.moved", perm=[0, 2, 1, 3])
        whole = self._constant(f"{name}.whole", [0, 0, self._width])
        joined = self._add("Reshape", [moved, whole], f"{name}.joined")
        dense = self._dense(f"{name}.output.dense", joined)
        added = self._add("Add", [dense, states], f"{name}.added")
        return self._norm(f"{name}.output.LayerNorm", added)

    def _head(self, name: str, states: str) -> str:
        """`(n, heads, length, width of one)`."""
        shape = self._constant(f"{name}.shape", [0, 0, self._heads, self._width // self._heads])
        split = self._add("Reshape", [self._dense(name, states), shape], f"{name}.split")
        return self._add("Transpose", [split], f"{name}.heads", perm=[0, 2, 1, 3])

    def _dense(self, name: str, states: str) -> str:
        weight = self._constant(f"{name}.weight", self._tensor(f"{name}.weight").T)
        product = self._add("MatMul", [states, weight], f"{name}.product")
        return self._add("Add", [product, self._weight(f"{name}.bias")], f"{name}.sum")

    def _norm(self, name: str, states: str) -> str:
        inputs = [states, self._weight(f"{name}.weight"), self._weight(f"{name}.bias")]
        return self._add("LayerNormalization", inputs, name, axis=-1, epsilon=self._epsilon)

    def _kept_pairs(self) -> str:
        """`(n, 1, length, length)`, whether a token may look at another: every one at each kept."""
        kept = self._add("Cast", ["attention_mask"], "kept", to=TensorProto.BOOL)
        heads = self._constant("heads_and_rows", [1, 2])
        columns = self._add("Unsqueeze", [kept, heads], "kept_columns")
        one = self._constant("one", [1])
        length = self._add("Shape", ["attention_mask"], "mask_length", start=1, end=2)
        shape = self._add("Concat", [one, one, length, one], "square", axis=0)
        return self._add("Expand", [columns, shape], "kept_pairs")

    def _pooled(self, states: str, pooling: Pooling) -> str:
        axis = self._constant("length_axis", [1])
        if pooling is Pooling.CLS:
            first = self._constant("first_token", np.int64(0))
            return self._add("Gather", [states, first], "pooled", axis=1)
        last = self._constant("last_axis", [-1])
        mask = self._add("Cast", ["attention_mask"], "mask", to=TensorProto.FLOAT)
        weights = self._add("Unsqueeze", [mask, last], "token_weights")
        weighted = self._add("Mul", [states, weights], "weighted")
        total = self._add("ReduceSum", [weighted, axis], "total", keepdims=0)
        count = self._add("ReduceSum", [weights, axis], "count", keepdims=0)
        least = self._constant("least_count", np.float32(_LEAST_COUNT))
        return self._add("Div", [total, self._add("Clip", [count, least], "counted")], "pooled")

    def _normalised(self, pooled: str) -> None:
        axis = self._constant("width_axis", [1])
        length = self._add("ReduceL2", [pooled, axis], "norm", keepdims=1)
        least = self._constant("least_norm", np.float32(_LEAST_LENGTH))
        self._add("Div", [pooled, self._add("Clip", [length, least], "divisor")], VECTORS)

    def _add(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        self._nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def _tensor(self, name: str) -> NDArray[np.float32]:
        return self._tensors.whole(self._tensors.named(name))

    def _weight(self, name: str) -> str:
        return self._constant(name, self._tensor(name))

    def _constant(self, name: str, value: object) -> str:
        self._weights.append(numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name


def _value(name: str, kind: int, shape: Sequence[str | int]) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)
