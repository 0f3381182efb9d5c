"""Token vectors are taught by the very comparison that re-ranks with them."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from torch.nn.functional import cross_entropy, normalize

from molt.encoder import Checkpoint, InputType, Prompts
from molt.encoder.late_interaction.late_interaction import LateInteraction
from molt.encoder.late_interaction.token_cache import TokenCache
from molt.encoder.late_interaction.token_weights import TokenWeights
from molt.training.data.dataset import Dataset, Split, TaskKind
from molt.training.errors import FitError
from molt.training.fit.config import FitConfig, Objective, ObjectiveConfig
from molt.training.fit.embedding import opened
from molt.training.fit.fit import fit
from molt.training.fit.fitted import Fitted, RunFolder, read_fitted
from molt.training.fit.hardware import Hardware
from molt.training.fit.late_interaction import LateInteractionLoss, maxsim
from molt.training.fit.learner import Learner, open_learner
from molt.training.fit.losses import build_loss
from tests.checkpoints import twin
from tests.training.learning import LETTERS

QUERIES = ["a b", "c", "k l m n", "?"]
POSITIVES = ["x a b", "c d e f g h i", "m n o p " * 5, "z"]
NEGATIVES = ["a", "", "q r s t u v", "c c c"]
CPU = Hardware(device="cpu", bf16=False, tokens=64)


def learner(base: Checkpoint) -> Learner:
    return open_learner(base.path, hardware=CPU, max_length=64)


def columns(model: Learner) -> list[dict[str, Tensor]]:
    documents = model.prompts.get("document")
    return [
        model.preprocess(QUERIES, prompt=model.prompts.get("query")),
        model.preprocess(POSITIVES, prompt=documents),
        model.preprocess(NEGATIVES, prompt=documents),
    ]


def term_of(model: Learner, **config: object) -> LateInteractionLoss:
    chosen = ObjectiveConfig.model_validate({"late_interaction": 0.5} | config)
    loss = build_loss(Objective.INFONCE, model, chosen)
    assert isinstance(loss, LateInteractionLoss)
    return loss


def plain_maxsim(model: Learner, query: str, document: str) -> Tensor:
    """The formula as the paper has it, one pair at a time, every token of letters and signs."""
    found = []
    for text in (query, document):
        features = model.preprocess([text])
        states = super(Learner, model).forward(features)["token_embeddings"][0]
        own = torch.tensor([token > 4 or token == 1 for token in features["input_ids"][0].tolist()])
        found.append((features["input_ids"][0][own], normalize(states[own], dim=1)))
    (ids, asked), (_, read) = found
    if not len(asked) or not len(read):
        return torch.zeros(())
    weights = torch.tensor(TokenWeights(model.tokenizer.get_vocab()).of(ids.numpy()))
    return (weights * (asked @ read.T).amax(dim=1)).sum()


def test_loss_and_gradients_are_those_of_the_plain_formula(base: Checkpoint) -> None:
    ours, plain = learner(base), learner(base)
    parts = term_of(ours, scale=5.0)(columns(ours), torch.tensor([]))
    parts["late_interaction"].backward()
    scores = torch.stack(
        [
            torch.stack([plain_maxsim(plain, query, text) for text in POSITIVES + NEGATIVES])
            for query in QUERIES
        ]
    )
    expected = 0.5 * cross_entropy(5.0 * scores, torch.arange(len(QUERIES)))
    expected.backward()
    assert parts["late_interaction"].item() == pytest.approx(expected.item(), abs=1e-5)
    gradients = [
        (own.grad, other.grad)
        for own, other in zip(ours.parameters(), plain.parameters(), strict=True)
        if other.grad is not None
    ]
    assert len(gradients) > 20
    for own, other in gradients:
        assert torch.allclose(own, other, atol=1e-5)
    assert max(float(own.abs().max()) for own, _ in gradients) > 1e-3


@pytest.mark.parametrize("prompts", [Prompts(), Prompts("ask: ", "read b: ")])
def test_a_batch_is_compared_as_the_token_re_ranker_compares_it(
    base: Checkpoint, tmp_path: Path, prompts: Prompts
) -> None:
    """Byte codes round each cosine by less than a hundredth."""
    copytree(base.path, tmp_path / base.id)
    served = replace(base, path=tmp_path / base.id)
    if prompts != base.prompts:
        named = twin(served.path, prompts=prompts)
        served = replace(served, id=named, path=tmp_path / named, prompts=prompts, references=())
    model = learner(served)
    model.prompts = {one.value: prompts.of(one) for one in InputType}
    seen: list[Tensor] = []

    def watched(*texts: Sequence[Tensor], weights: Sequence[Tensor]) -> Tensor:
        seen.append(maxsim(*texts, weights=weights))
        return seen[-1]

    loss = term_of(model)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("molt.training.fit.late_interaction.maxsim", watched)
        loss(columns(model), torch.tensor([]))
    interaction = LateInteraction(TokenCache(2**20))
    with opened(served, tmp_path / "cache") as encoder:
        expected = [
            interaction.compare(encoder, query, POSITIVES + NEGATIVES).nearness.maxsim
            for query in QUERIES
        ]
    np.testing.assert_allclose(seen[0].detach(), np.stack(expected), atol=0.01)


def test_beside_vectors_it_keeps_nothing_that_grows_with_the_length_of_documents() -> None:
    def kept(length: int) -> int:
        queries = [torch.randn(7, 16, requires_grad=True) for _ in range(5)]
        documents = [torch.randn(length, 16, requires_grad=True) for _ in range(9)]
        largest: list[int] = []

        def keep(one: Tensor) -> Tensor:
            largest.append(one.numel())
            return one

        with saved_tensors_hooks(keep, lambda one: one):
            maxsim(queries, documents, weights=[torch.full((7,), 1 / 7)] * 5).sum().backward()
        vectors = 9 * length * 16
        return max(size for size in largest if size not in {vectors, 9 * length})

    assert kept(500) == kept(50)


def test_who_has_no_tokens_is_near_nothing_and_teaches_nothing() -> None:
    empty, some = torch.empty(0, 4), torch.ones(2, 4, requires_grad=True)
    weights = [torch.empty(0), torch.tensor([0.5, 0.5])]
    found = maxsim([empty, some], [some, empty], weights=weights)
    assert found.tolist() == [[0, 0], [pytest.approx(1), 0]]
    found.sum().backward()
    assert some.grad is not None
    assert torch.isfinite(some.grad).all()


def run(base: Checkpoint, dataset: Dataset, folder: Path, **objective: object) -> Fitted:
    config = FitConfig.model_validate(
        {
            "run": {
                "epochs": 12,
                "patience": 12,
                "batch_size": 8,
                "precision": "fp32",
                "device": "cpu",
            },
            "optimiser": {"learning_rate": 3e-3},
            "objective": objective,
        }
    )
    run_folder = RunFolder(folder / "run", folder / "cache")
    fitted = fit(base, dataset, config=config, run_folder=run_folder)
    assert read_fitted(folder / "run" / "fitted.json") == fitted
    return fitted


def ciphered(dataset: Dataset) -> Dataset:
    """Queries whose letters end a word, which are tokens that stand in no answer."""
    key = {ord(letter): f"q{letter}" for letter in LETTERS}

    def secret(split: Split) -> Split:
        texts = {
            one.id: replace(one, text=one.text.translate(key)) for one in split.queries.values()
        }
        return replace(split, queries=texts)

    (task,) = dataset.tasks
    examples = tuple(replace(one, query=one.query.translate(key)) for one in task.examples)
    splits = {name: secret(getattr(dataset, name)) for name in ("train", "dev", "test")}
    return replace(dataset, tasks=(replace(task, examples=examples),), **splits)


def margin(model: Learner, dataset: Dataset) -> float:
    """How much nearer dev queries are to their answers than to other documents, by MaxSim."""
    asked = [(query.text, int(query.id[1:])) for query in dataset.dev.queries.values()]
    texts = dataset.corpus.texts[::6]
    with torch.no_grad():
        gains = [
            plain_maxsim(model, query, dataset.corpus.texts[answer])
            - torch.stack([plain_maxsim(model, query, text) for text in texts]).mean()
            for query, answer in asked
        ]
    return float(torch.stack(gains).mean())


def test_the_tokens_of_queries_come_nearer_to_those_of_answers(
    base: Checkpoint, dataset: Dataset, tmp_path: Path
) -> None:
    secret = ciphered(dataset)
    taught = run(base, secret, tmp_path, scale=5.0, late_interaction=1.0)
    assert taught.improved
    assert [step for step, _ in taught.late_interaction] == [step for step, _ in taught.losses]
    first, *_, last = (loss for _, loss in taught.late_interaction)
    assert last < 0.6 * first
    fitted = open_learner(tmp_path / "run" / "model", hardware=CPU, max_length=64)
    assert abs(margin(learner(base), secret)) < 0.01
    assert margin(fitted, secret) > 0.1


def test_where_it_is_off_nothing_of_it_is_there(
    base: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = learner(base)

    def never(*_: Sequence[object]) -> None:
        raise AssertionError

    monkeypatch.setattr("molt.training.fit.learner._token_states", never)
    loss = build_loss(Objective.INFONCE, model, ObjectiveConfig())
    assert not isinstance(loss, LateInteractionLoss)
    loss(columns(model), torch.tensor([])).backward()


def test_what_keeps_no_token_vectors_is_refused() -> None:
    with pytest.raises(ValidationError, match="cached-infonce keeps no token vectors"):
        ObjectiveConfig(positives="cached-infonce", late_interaction=1)


def test_a_run_without_answers_to_contrast_is_refused_and_told_what_to_bring(
    base: Checkpoint, dataset: Dataset, tmp_path: Path
) -> None:
    (task,) = dataset.tasks
    graded = replace(dataset, tasks=(replace(task, kind=TaskKind.SCORED),))
    with pytest.raises(FitError, match="bring positives or triplets, or set it to 0"):
        run(base, graded, tmp_path, late_interaction=1, scored="contrastive")
