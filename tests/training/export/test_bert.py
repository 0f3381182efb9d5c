"""A graph written from weights gives what the model does, and is quantised like a traced one."""

import subprocess
import sys
from collections import Counter
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnxruntime.quantization.shape_inference import quant_pre_process
from packaging.utils import canonicalize_name
from transformers import BertModel

from molt.encoder import Pooling, open_checkpoint
from molt.training.errors import ExportError
from molt.training.export.bert import write_bert
from molt.training.export.precision import narrowing_products
from molt.training.export.rewriting.attention import join_heads
from tests.checkpoints import write_json
from tests.locks import pins
from tests.training.export.architectures import CONFIGURATIONS, pooled


@pytest.fixture
def bert(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    BertModel(CONFIGURATIONS["bert"]).save_pretrained(tmp_path / "bert")
    return tmp_path / "bert"


@pytest.mark.parametrize("pooling", list(Pooling))
def test_a_written_graph_gives_what_its_model_does_for_any_shape(
    bert: Path, pooling: Pooling
) -> None:
    write_bert(bert, pooling=pooling, target=bert / "graph.onnx")
    model = BertModel.from_pretrained(bert).eval()
    for rows, length in ((1, 1), (1, 40), (3, 17), (8, 5)):
        compare(model, bert / "graph.onnx", pooling, torch.randint(5, 100, (rows, length)))


def compare(model: BertModel, graph: Path, pooling: Pooling, ids: torch.Tensor) -> None:
    mask = torch.ones_like(ids)
    mask[1:, ids.shape[1] // 2 + 1 :] = 0
    with torch.no_grad():
        states = model(input_ids=ids, attention_mask=mask).last_hidden_state
    session = onnxruntime.InferenceSession(str(graph), providers=["CPUExecutionProvider"])
    feed = {"input_ids": ids.numpy(), "attention_mask": mask.numpy()}
    found, tokens = session.run(["vectors", "token_vectors"], feed)
    assert found.dtype == tokens.dtype == np.float32
    assert np.allclose(found, pooled(states, mask, pooling).numpy(), atol=1e-5)
    kept = feed["attention_mask"] == 1
    assert np.allclose(tokens[kept], states.numpy()[kept], atol=1e-4)


def test_what_is_made_of_a_traced_graph_can_be_made_of_a_written_one(bert: Path) -> None:
    write_bert(bert, pooling=Pooling.MEAN, target=bert / "graph.onnx")
    onnx.checker.check_model(str(bert / "graph.onnx"))
    quant_pre_process(
        str(bert / "graph.onnx"), str(bert / "prepared.onnx"), skip_symbolic_shape=True
    )
    model = onnx.load(str(bert / "prepared.onnx"))
    assert len(narrowing_products(model)) == 2
    join_heads(model)
    kinds = Counter(node.op_type for node in model.graph.node)
    assert (kinds["Attention"], kinds["Transpose"]) == (2, 0)


def test_the_default_checkpoint_has_the_vectors_of_its_model(
    default_checkpoint: Path, tmp_path: Path
) -> None:
    checkpoint = open_checkpoint(default_checkpoint)
    model = BertModel.from_pretrained(default_checkpoint, add_pooling_layer=False).eval()
    ids = torch.randint(1000, 30_000, (3, 200))
    compare(model, default_checkpoint / "runtime" / "fp32.onnx", Pooling.MEAN, ids)
    assert (checkpoint.kind, checkpoint.capabilities) == ("bi-encoder", ("embed", "tokens"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"hidden_act": "relu"}, "hidden_act is 'relu'"),
        ({"model_type": "roberta"}, "model_type is 'roberta'"),
        ({"position_embedding_type": "relative_key"}, "position_embedding_type"),
        ({"num_hidden_layers": 3}, "its weights are not those of a BERT"),
        ({"num_attention_heads": None}, "num_attention_heads"),
    ],
)
def test_another_model_is_refused(bert: Path, changes: dict[str, Any], said: str) -> None:
    config = CONFIGURATIONS["bert"].to_dict() | {"layer_norm_eps": 1e-12} | changes
    write_json(
        bert / "config.json", {key: config[key] for key in config if config[key] is not None}
    )
    with pytest.raises(ExportError, match=said):
        write_bert(bert, pooling=Pooling.MEAN, target=bert / "graph.onnx")


def test_the_default_checkpoint_is_made_by_what_is_locked_for_serving_alone() -> None:
    program = """
import sys
sys.modules["attr"] = None  # rich takes it where something else has brought it
import molt.worker.tasks.__main__
import molt.training.export.default
import onnxruntime.quantization.matmul_nbits_quantizer
print(*{name.partition(".")[0] for name in sys.modules})
"""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    installed = packages_distributions()
    locked = pins("serve").keys() | pins("build").keys()
    by = {
        next((one for one in makers if canonicalize_name(one) in locked), makers[0])
        for name in done.stdout.split()
        if (makers := installed.get(name)) and name != "attr"
    }
    assert {"onnx", "onnxruntime", "numpy"} <= locked & by
    assert {canonicalize_name(one) for one in by} - locked - {"molt", "molt-search"} == set()
