"""What five methods say of passages, by a tiny BERT that is little more than a bag of letters."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from molt.encoder import Checkpoint, Encoder, InputType, Lane, open_encoder
from molt.training.inspecting.attributions import Case, Method, attribute
from molt.training.inspecting.faithfulness import delete_at_random, delete_named
from molt.training.inspecting.opened import MOST_READ, OpenedModel
from tests.checkpoints import build_checkpoint
from tests.golden.make_checkpoint import make_static

QUERY, PASSAGE = "a p", "x a q r s p t y"


@pytest.fixture(scope="module")
def encoder(base: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Encoder]:
    with closing(open_encoder(base, cache=tmp_path_factory.mktemp("cache"))) as encoder:
        yield encoder


@pytest.fixture(scope="module")
def model(base: Checkpoint, encoder: Encoder) -> OpenedModel:
    return OpenedModel(base, encoder)


@pytest.fixture
def case(model: OpenedModel) -> Case:
    (asked,), (said,) = (
        model.read([QUERY], InputType.QUERY),
        model.read([PASSAGE], InputType.DOCUMENT),
    )
    return Case(model, said, model.vector(asked), seed=0)


def kept(*tokens: int) -> np.ndarray:
    found = np.zeros((1, len(PASSAGE.split())), bool)
    found[0, list(tokens)] = True
    return found


def test_a_text_is_read_as_it_is_served(model: OpenedModel, encoder: Encoder) -> None:
    (read,) = model.read([PASSAGE], InputType.DOCUMENT)
    assert list(read.tokens) == PASSAGE.split()
    (served,) = encoder.encode([PASSAGE], input_type=InputType.DOCUMENT, lane=Lane.QUERY).vectors
    assert float(model.vector(read).numpy() @ served) > 0.99


def test_of_a_long_text_the_beginning_is_read(model: OpenedModel) -> None:
    (read,) = model.read(["a b " * 100], InputType.DOCUMENT, most=5)
    assert read.tokens == ("a", "b", "a", "b", "a")
    assert len(read.ids) == 7  # and what the model puts around them


def test_of_a_long_text_no_more_is_read_than_can_be_looked_at(tmp_path: Path) -> None:
    static = make_static(build_checkpoint(tmp_path, max_length=4 * MOST_READ))
    with closing(open_encoder(static, cache=tmp_path / "cache")) as encoder:
        model = OpenedModel(static, encoder)
        (read,) = model.read(["a " * (MOST_READ + 9)], InputType.DOCUMENT)
        (whole,) = model.read(["a " * (MOST_READ + 9)], InputType.DOCUMENT, most=2 * MOST_READ)
    assert (len(read.tokens), len(whole.tokens)) == (MOST_READ, MOST_READ + 9)


def test_what_is_masked_is_as_if_it_were_not_there(case: Case) -> None:
    whole = case.similarities(np.ones((1, 8), bool))
    (asked,) = case.model.read([QUERY], InputType.QUERY)
    (said,) = case.model.read([PASSAGE], InputType.DOCUMENT)
    direct = float(case.model.vector(asked) @ case.model.vector(said))
    assert whole[0] == pytest.approx(direct, abs=1e-5)
    assert case.similarities(kept(1, 5))[0] > whole[0] > case.similarities(kept(0, 2))[0]


def test_shapley_values_add_up_to_what_all_tokens_add(case: Case) -> None:
    found = attribute(case, Method.SHAP)
    whole, nothing = (case.similarities(one)[0] for one in (kept(*range(8)), kept()))
    assert found.scores.sum() == pytest.approx(whole - nothing, abs=1e-5)


def test_integrated_gradients_add_up_but_for_their_error(case: Case) -> None:
    found = attribute(case, Method.GRADIENTS)
    embeddings, blank = case.model.embedded(case.passage)
    ends = [float(case.model.similarity_of(one, case.target)) for one in (embeddings, blank)]
    assert found.error is not None
    assert abs(found.scores.sum() - (ends[0] - ends[1])) == pytest.approx(found.error, abs=1e-4)
    assert found.error < 0.02


@pytest.mark.parametrize("method", [Method.GRADIENTS, Method.SHAP, Method.LINEAR])
def test_the_letters_of_the_query_are_named_first(case: Case, method: Method) -> None:
    found = attribute(case, method)
    best = np.argsort(-found.scores)[:2]
    assert {case.passage.tokens[at] for at in best.tolist()} == {"a", "p"}
    random = delete_at_random(case.similarities, 8, seed=0)
    deletion = delete_named(case.similarities, found.scores, random)
    assert deletion is not None
    assert deletion.gain > 0


@pytest.mark.parametrize("method", [Method.ROLLOUT, Method.SALIENCY])
def test_methods_without_a_sign_give_each_token_a_share(case: Case, method: Method) -> None:
    found = attribute(case, method)
    assert found.scores.shape == (8,)
    assert (found.scores > 0).all()
    if method is Method.ROLLOUT:
        assert found.scores.sum() < 1  # what is left is of the model's own tokens


@pytest.mark.parametrize("method", Method)
def test_a_method_says_the_same_twice_and_leaves_chance_as_it_was(
    case: Case, method: Method
) -> None:
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    first, second = attribute(case, method), attribute(case, method)
    assert first.scores.tolist() == second.scores.tolist()
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


def test_a_passage_of_one_token_can_be_scored(model: OpenedModel) -> None:
    (asked,), (said,) = model.read(["a"], InputType.QUERY), model.read(["a"], InputType.DOCUMENT)
    for method in Method:
        assert attribute(Case(model, said, model.vector(asked), 0), method).scores.shape == (1,)
