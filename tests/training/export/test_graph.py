from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from transformers import (
    AutoModel,
    PretrainedConfig,
)

from molt.encoder import Pooling
from molt.training.export.graph import export_graph
from tests.paths import ROOT
from tests.training.export.architectures import CONFIGURATIONS, pooled
from tests.walks import shortened

POOLINGS = {"modernbert": Pooling.CLS}
OTHERS = shortened([name for name in CONFIGURATIONS if name != "bert"])


def test_every_pooling_of_a_bert_can_be_exported_and_says_nothing_of_the_machine_that_did(
    tmp_path: Path,
) -> None:
    for pooling in Pooling:
        target = tmp_path / f"{pooling}.onnx"
        compare(CONFIGURATIONS["bert"], pooling, target)
        content = target.read_bytes()
        for path in (ROOT, Path(torch.__file__).parent, Path.home()):
            assert str(path).encode() not in content
        assert b"stack_trace" not in content


@pytest.mark.parametrize("architecture", OTHERS)
def test_a_graph_of_another_architecture_has_its_vectors_and_token_vectors_for_any_shape(
    tmp_path: Path, architecture: str
) -> None:
    pooling = POOLINGS.get(architecture, Pooling.MEAN)
    compare(CONFIGURATIONS[architecture], pooling, tmp_path / "graph.onnx")


def compare(configuration: PretrainedConfig, pooling: Pooling, path: Path) -> None:
    """A graph has what its model makes of texts of any shape."""
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
