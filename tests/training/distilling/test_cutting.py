from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from transformers import (
    AutoModel,
    DistilBertConfig,
    DistilBertModel,
    ModernBertConfig,
    ModernBertModel,
    PreTrainedModel,
)

from molt.encoder import Checkpoint
from molt.training.distilling.cutting import choose_layers, count_layers, cut_layers

TEXTS = ["a b c", "d", "e f g h i j k"]


@pytest.mark.parametrize(
    ("kept", "of", "chosen"),
    [(3, 6, [0, 3, 5]), (1, 12, [11]), (4, 12, [0, 4, 7, 11]), (5, 6, [0, 1, 3, 4, 5])],
)
def test_layers_are_evenly_spaced_from_the_first_to_the_last_which_is_always_kept(
    kept: int, of: int, chosen: list[int]
) -> None:
    assert choose_layers(kept, of=of) == chosen


def test_a_cut_model_is_the_teacher_without_the_other_layers(
    base: Checkpoint, tmp_path: Path
) -> None:
    assert count_layers(base) == 2
    cut_layers(base, [1], tmp_path / "cut")
    whole, cut = (
        SentenceTransformer(str(path), device="cpu", local_files_only=True)
        for path in (base.path, tmp_path / "cut")
    )
    transformer = whole[0].auto_model
    transformer.encoder.layer = torch.nn.ModuleList([transformer.encoder.layer[1]])
    assert cut[0].auto_model.config.num_hidden_layers == 1
    assert np.allclose(cut.encode(TEXTS), whole.encode(TEXTS), atol=1e-6)
    cut_layers(base, [0], tmp_path / "cut")
    again = SentenceTransformer(str(tmp_path / "cut"), device="cpu", local_files_only=True)
    assert not np.allclose(again.encode(TEXTS), whole.encode(TEXTS), atol=1e-3)


SMALL = {"vocab_size": 40, "pad_token_id": 0}
OTHERS = {
    "distilbert": lambda: DistilBertModel(
        DistilBertConfig(**SMALL, dim=16, n_layers=4, n_heads=2, hidden_dim=16)
    ),
    "modernbert": lambda: ModernBertModel(
        ModernBertConfig(
            **SMALL,
            hidden_size=16,
            num_hidden_layers=4,
            num_attention_heads=2,
            intermediate_size=16,
            eos_token_id=1,
            bos_token_id=2,
            cls_token_id=2,
            sep_token_id=1,
        )
    ),
}


@pytest.mark.parametrize("architecture", OTHERS)
def test_layers_of_other_architectures_are_cut_too(
    base: Checkpoint, tmp_path: Path, architecture: str
) -> None:
    torch.manual_seed(0)
    model: PreTrainedModel = OTHERS[architecture]()
    model.save_pretrained(tmp_path / "whole")
    teacher = replace(base, path=tmp_path / "whole")
    kept = choose_layers(2, of=count_layers(teacher))
    cut_layers(teacher, kept, tmp_path / "cut")
    student = AutoModel.from_pretrained(tmp_path / "cut", local_files_only=True)
    layers, own = (_layers(one) for one in (model, student))
    assert len(own) == 2
    for place, layer in enumerate(kept):
        weights = dict(layers[layer].named_parameters())
        for name, weight in own[place].named_parameters():
            assert torch.equal(weight, weights[name])
    if architecture == "modernbert":
        assert student.config.layer_types == [model.config.layer_types[layer] for layer in kept]


def _layers(model: PreTrainedModel) -> torch.nn.ModuleList:
    return model.transformer.layer if hasattr(model, "transformer") else model.layers
