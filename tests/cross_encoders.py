"""A cross-encoder of a few kilobytes that ONNX Runtime really serves: it likes the letter z."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper
from safetensors.numpy import save_file

from molt.encoder import (
    Capability,
    Checkpoint,
    ModelKind,
    PairFidelity,
    Pooling,
    Prompts,
)
from molt.encoder.checkpoint import GATE
from tests.checkpoints import DIMENSION, VOCABULARY, seal, variant, write_json, write_tokenizer

TRUE_TO_MODEL = PairFidelity(rank_correlation=1.0, error_max=0.0, ndcg10=0.8, ndcg10_reference=0.8)
Z = VOCABULARY.index("z"), VOCABULARY.index("##z")


def build_cross_encoder(
    root: Path,
    *,
    weight: float = 1.0,
    after: Callable[[str], list[NodeProto]] | None = None,
    **changes: Any,
) -> Checkpoint:
    """One that gives `weight` for each z of the text, in `root` under its id.

    `after` spoils it: nodes that make `score` of what its argument names.
    """
    working = root / ".working"
    (working / "runtime").mkdir(parents=True)
    named = {"architectures": ["BertForSequenceClassification"], "id2label": {"0": "relevant"}}
    write_json(working / "config.json", {"model_type": "bert", "hidden_size": DIMENSION} | named)
    table = np.zeros(len(VOCABULARY), dtype=np.float32)
    table[list(Z)] = weight
    save_file({"head": table}, working / "model.safetensors")
    write_tokenizer(working / "tokenizer.json")
    write_pair_graph(working / "runtime" / "fp32.onnx", table, after=after)
    checkpoint = Checkpoint(
        path=working,
        id="",
        kind=ModelKind.CROSS_ENCODER,
        capabilities=(Capability.RERANK,),
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        base_model="tiny-pairs",
        dimension=DIMENSION,
        pooling=Pooling.CLS,
        prompts=Prompts(),
        max_length=32,
        files={},
        variants=(variant(fidelity=TRUE_TO_MODEL),),
    )
    sealed = seal(replace(checkpoint, **changes))
    target = root / sealed.id
    working.rename(target)
    return replace(sealed, path=target)


def accepted_cross_encoder(root: Path, *, collection: str, **changes: Any) -> Checkpoint:
    """One that was trained on a collection and passed its gate."""
    given = {
        "data": {"collection": collection},
        "metrics": {GATE: {"accepted": True, "reasons": []}},
    }
    return build_cross_encoder(root, **given | changes)


def write_pair_graph(
    path: Path, table: np.ndarray[Any, Any], *, after: Callable[[str], list[NodeProto]] | None
) -> None:
    """The sum of what `table` gives the tokens of the second type, less 1."""
    sizes = ("n", "length")
    found = "score" if after is None else "sound"
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["worth"]),
        helper.make_node("Mul", ["attention_mask", "token_type_ids"], ["of_text"]),
        helper.make_node("Cast", ["of_text"], ["counted"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["worth", "counted"], ["each"]),
        helper.make_node("ReduceSum", ["each", "axis"], ["sum"], keepdims=0),
        helper.make_node("Sub", ["sum", "one"], [found]),
        *([] if after is None else after(found)),
    ]
    names = ("input_ids", "attention_mask", "token_type_ids")
    graph = helper.make_graph(
        nodes,
        "pairs",
        [helper.make_tensor_value_info(name, TensorProto.INT64, sizes) for name in names],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, ("n",))],
        [
            numpy_helper.from_array(table, "table"),
            numpy_helper.from_array(np.array([1]), "axis"),
            numpy_helper.from_array(np.float32(1).reshape(()), "one"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(model, str(path))
