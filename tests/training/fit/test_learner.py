import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer

from molt.encoder import Checkpoint
from molt.training.errors import FitError
from molt.training.fit.config import FreezingConfig, OptimiserConfig
from molt.training.fit.hardware import Hardware, choose_hardware, has_bf16
from molt.training.fit.layers import count_layers, freeze, parameter_groups, set_dropout
from molt.training.fit.learner import Learner, open_learner

TEXTS = ["a", "a b c d e f g", "", "b c " * 40, "f g h i j"]


def learner(base: Checkpoint, *, tokens: int = 2048, bf16: bool = False) -> Learner:
    hardware = Hardware(device="cpu", bf16=bf16, tokens=tokens)
    return open_learner(base.path, hardware=hardware, max_length=64)


def vectors(model: Learner) -> torch.Tensor:
    return model(model.preprocess(TEXTS))["sentence_embedding"]


def test_vectors_do_not_depend_on_how_texts_are_passed_through(base: Checkpoint) -> None:
    together, apart = (vectors(learner(base, tokens=tokens)) for tokens in (2048, 1))
    assert torch.allclose(together, apart, atol=1e-5)


def test_gradients_do_not_depend_on_how_texts_are_passed_through(base: Checkpoint) -> None:
    found = []
    for tokens in (2048, 1):
        model = learner(base, tokens=tokens)
        vectors(model).square().sum(dim=0).prod().backward()
        weight = model[0].auto_model.encoder.layer[0].attention.self.query.weight
        found.append(weight.grad)
    assert torch.allclose(*found, atol=1e-6)
    assert found[0].abs().max() > 0


def test_in_bf16_weights_and_vectors_stay_in_fp32(base: Checkpoint) -> None:
    model = learner(base, bf16=True)
    found = vectors(model)
    assert found.dtype == torch.float32
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    exact = vectors(learner(base))
    assert not torch.equal(found, exact)
    assert torch.nn.functional.cosine_similarity(found, exact).min() > 0.99


def test_the_top_layer_learns_fastest_and_biases_do_not_decay(base: Checkpoint) -> None:
    model = learner(base)
    groups = parameter_groups(model, OptimiserConfig(learning_rate=1.0, layer_decay=0.5))
    rates = {
        name: (group["lr"], group["weight_decay"])
        for group in groups
        for name, parameter in model.named_parameters()
        if any(parameter is one for one in group["params"])
    }
    assert len(rates) == len(list(model.parameters()))
    own = "0.model." if any(name.startswith("0.model.") for name in rates) else "0.auto_model."
    assert rates[f"{own}encoder.layer.1.output.dense.weight"] == (1.0, 0.01)
    assert rates[f"{own}encoder.layer.0.output.dense.bias"] == (0.5, 0.0)
    assert rates[f"{own}embeddings.word_embeddings.weight"] == (0.25, 0.01)
    assert rates[f"{own}embeddings.LayerNorm.weight"] == (0.25, 0.0)


def test_frozen_layers_thaw_one_an_epoch_and_the_embeddings_last(base: Checkpoint) -> None:
    model = learner(base)
    assert count_layers(model) == 2
    learning = []
    for epoch in range(2):
        freeze(model, FreezingConfig(layers=1, thaw=1), epoch=epoch)
        learning.append(
            {
                part: any(p.requires_grad for n, p in model.named_parameters() if part in n)
                for part in ("embeddings", "layer.0.", "layer.1.")
            }
        )
    assert learning[0] == {"embeddings": False, "layer.0.": False, "layer.1.": True}
    assert learning[1] == {"embeddings": True, "layer.0.": True, "layer.1.": True}


def test_dropout_makes_vectors_of_training_differ_and_of_evaluation_equal(
    base: Checkpoint,
) -> None:
    model = learner(base)
    set_dropout(model, 0.5)
    model.train()
    assert not torch.equal(vectors(model), vectors(model))
    model.eval()
    assert torch.equal(vectors(model), vectors(model))


@pytest.mark.parametrize("cuda", [False, True])
def test_cuda_is_taken_where_it_is(cuda: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: True)
    found = choose_hardware(device="auto", precision="auto")
    assert found.device == ("cuda" if cuda else "cpu")
    assert found.bf16 == (True if cuda else has_bf16("cpu"))
    assert choose_hardware(device="cpu", precision="fp32").device == "cpu"
    if cuda:
        assert found.tokens > choose_hardware(device="cpu", precision="fp32").tokens


def test_cuda_that_is_asked_for_and_missing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(FitError, match="set it to auto or cpu"):
        choose_hardware(device="cuda", precision="auto")


def test_a_learner_encodes_as_plain_sentence_transformers_does(base: Checkpoint) -> None:
    plain = SentenceTransformer(str(base.path), device="cpu", local_files_only=True)
    expected = plain.encode(TEXTS, normalize_embeddings=True)
    assert np.allclose(learner(base).encode(TEXTS, normalize_embeddings=True), expected, atol=1e-5)
