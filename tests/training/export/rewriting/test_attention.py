from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnxruntime.quantization.shape_inference import quant_pre_process
from transformers import AutoModel

from molt.encoder import Pooling
from molt.training.export.graph import export_graph
from molt.training.export.rewriting.attention import join_heads
from tests.training.export.architectures import CONFIGURATIONS
from tests.walks import shortened


def prepared(architecture: str, folder: Path) -> onnx.ModelProto:
    torch.manual_seed(0)
    model = AutoModel.from_config(CONFIGURATIONS[architecture]).eval()
    export_graph(model, pooling=Pooling.MEAN, target=folder / "graph.onnx")
    target = folder / "prepared.onnx"
    quant_pre_process(str(folder / "graph.onnx"), str(target), skip_symbolic_shape=True)
    return onnx.load(str(target))


def vectors(model: onnx.ModelProto) -> np.ndarray:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    ids = np.random.default_rng(0).integers(5, 100, (3, 17))
    mask = np.ones_like(ids)
    mask[1, 9:] = 0
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    found: np.ndarray = session.run(None, {"input_ids": ids, "attention_mask": mask})[0]
    return found


@pytest.mark.parametrize("architecture", shortened(CONFIGURATIONS, kept=2))
def test_joining_heads_changes_nothing(tmp_path: Path, architecture: str) -> None:
    model = prepared(architecture, tmp_path)
    before = vectors(model)
    join_heads(model)
    assert np.allclose(vectors(model), before, atol=1e-6)


def test_a_bert_is_left_without_moves_between_its_products(tmp_path: Path) -> None:
    model = prepared("bert", tmp_path)
    join_heads(model)
    kinds = Counter(node.op_type for node in model.graph.node)
    assert (kinds["Attention"], kinds["Transpose"]) == (2, 0)


def test_heads_that_are_turned_one_by_one_are_left_alone(tmp_path: Path) -> None:
    model = prepared("modernbert", tmp_path)
    before = Counter(node.op_type for node in model.graph.node)
    join_heads(model)
    assert Counter(node.op_type for node in model.graph.node) == before
