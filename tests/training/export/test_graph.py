from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor
from transformers import (
    AutoModel,
    BertConfig,
    DistilBertConfig,
    ModernBertConfig,
    MPNetConfig,
    PretrainedConfig,
    RobertaConfig,
    XLMRobertaConfig,
)

from molt.encoder import Pooling
from molt.training.export.graph import export_graph
from tests.paths import ROOT
from tests.walks import shortened

SIZES: dict[str, Any] = {
    "vocab_size": 100,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 50,
    "initializer_range": 0.5,
}
SMALL_DISTILBERT = {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 32}
LOCAL = {"local_attention": 8, "global_attn_every_n_layers": 2, "pad_token_id": 0}
CONFIGURATIONS = {
    "bert": BertConfig(**SIZES),
    "modernbert": ModernBertConfig(
        **SIZES, **LOCAL, bos_token_id=1, eos_token_id=2, cls_token_id=1, sep_token_id=2
    ),
    "roberta": RobertaConfig(**SIZES),
    "xlm-roberta": XLMRobertaConfig(**SIZES),
    "mpnet": MPNetConfig(**SIZES),
    "distilbert": DistilBertConfig(
        vocab_size=100, max_position_embeddings=50, initializer_range=0.5, **SMALL_DISTILBERT
    ),
}


def pooled(states: Tensor, mask: Tensor, pooling: Pooling) -> Tensor:
    """Pooling and normalisation, written the slow way."""
    rows = []
    for row, kept in zip(states, mask.bool(), strict=True):
        chosen = row[0] if pooling is Pooling.CLS else row[kept].mean(dim=0)
        rows.append(chosen / chosen.norm())
    return torch.stack(rows)


@pytest.mark.parametrize("pooling", list(Pooling))
def test_every_pooling_can_be_exported(tmp_path: Path, pooling: Pooling) -> None:
    compare(CONFIGURATIONS["bert"], pooling, tmp_path / "graph.onnx")


def test_a_graph_says_nothing_of_the_machine_that_made_it(tmp_path: Path) -> None:
    model = AutoModel.from_config(CONFIGURATIONS["bert"]).eval()
    export_graph(model, pooling=Pooling.MEAN, target=tmp_path / "graph.onnx")
    content = (tmp_path / "graph.onnx").read_bytes()
    for path in (ROOT, Path(torch.__file__).parent, Path.home()):
        assert str(path).encode() not in content
    assert b"stack_trace" not in content


@pytest.mark.parametrize("architecture", shortened(CONFIGURATIONS, kept=2))
def test_a_graph_has_the_vectors_and_token_vectors_of_its_model_for_any_shape(
    tmp_path: Path, architecture: str
) -> None:
    pooling = Pooling.CLS if architecture == "modernbert" else Pooling.MEAN
    compare(CONFIGURATIONS[architecture], pooling, tmp_path / "graph.onnx")


def compare(configuration: PretrainedConfig, pooling: Pooling, path: Path) -> None:
    torch.manual_seed(0)
    model = AutoModel.from_config(configuration).eval()
    export_graph(model, pooling=pooling, target=path)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for rows, length in ((1, 1), (1, 40), (3, 17), (8, 5)):
        ids = torch.randint(5, 100, (rows, length))
        mask = torch.ones_like(ids)
        mask[1:, length // 2 + 1 :] = 0
        with torch.no_grad():
            states = model(input_ids=ids, attention_mask=mask).last_hidden_state
        feed = {"input_ids": ids.numpy(), "attention_mask": mask.numpy()}
        found, tokens = session.run(["vectors", "token_vectors"], feed)
        assert tokens.dtype == np.float32
        kept = feed["attention_mask"] == 1
        assert np.allclose(tokens[kept], states.numpy()[kept], atol=1e-4)
        assert np.allclose(found, pooled(states, mask, pooling).numpy(), atol=1e-5)
