"""How a space of vectors lies, by vectors that were made to lie so."""

import numpy as np
import pytest

from molt.index.catalog.document import Document
from molt.training.inspecting.space import (
    NO_VALUE,
    OTHER_VALUES,
    draw_map,
    isotropy,
    near_duplicates,
)


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(0)


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def documents(n: int, **fields: list) -> list[Document]:
    return [
        Document(f"d{at}", f"text {at}", metadata={name: one[at] for name, one in fields.items()})
        for at in range(n)
    ]


def test_even_directions_are_told_from_a_cone(random: np.random.Generator) -> None:
    even = isotropy(unit(random.standard_normal((800, 16))), seed=0)
    cone = isotropy(unit(random.standard_normal((800, 16)) + 5 * np.eye(16)[0]), seed=0)
    assert even is not None
    assert cone is not None
    assert abs(even.mean_cosine) < 0.02
    assert even.effective_dimension > 14
    assert cone.mean_cosine > 0.5


def test_a_space_of_one_direction_has_one_dimension_in_effect(random: np.random.Generator) -> None:
    line = np.zeros((100, 8))
    line[:, 0], line[:, 1] = 1, random.standard_normal(100)
    found = isotropy(unit(line), seed=0)
    assert found is not None
    assert found.effective_dimension < 2
    assert found.first_share > 0.5
    assert isotropy(unit(np.ones((1, 8))), seed=0) is None


def test_equal_vectors_do_not_make_numbers_that_are_none() -> None:
    found = isotropy(unit(np.ones((5, 8))), seed=0)
    assert found is not None
    assert np.isfinite([found.mean_cosine, found.effective_dimension, found.first_share]).all()


def test_near_duplicates_are_every_pair_that_is_near(random: np.random.Generator) -> None:
    vectors = random.standard_normal((700, 32))
    vectors[600], vectors[3] = vectors[10] * 1.001, vectors[20] + 1e-3
    made = documents(700)
    made[600] = Document("twin", made[10].text)
    found = near_duplicates(unit(vectors), made)
    assert (found.pairs, found.documents, found.same_text) == (2, 4, 1)
    assert {(one.first, one.second) for one in found.nearest} == {("d10", "twin"), ("d3", "d20")}
    assert [one.cosine for one in found.nearest] == sorted(
        (one.cosine for one in found.nearest), reverse=True
    )


def test_groups_of_vectors_are_groups_on_the_map(random: np.random.Generator) -> None:
    centres = 4 * np.eye(12)[[0, 1]]
    kinds = [["boots", "tents"][at % 2] for at in range(60)]
    vectors = unit(centres[[at % 2 for at in range(60)]] + 0.2 * random.standard_normal((60, 12)))
    found = draw_map(vectors, documents(60, kind=kinds, number=[*range(60)]), field=None)
    assert found is not None
    assert found.field == "kind"  # the other field has a value of its own for each
    assert set(found.groups) == {"boots", "tents"}
    assert found.shown > 0.5
    places = np.array(found.places)
    left, right = (places[places[:, 2] == at][:, 0] for at in (0, 1))
    assert left.max() < right.min() or right.max() < left.min()
    assert ((places[:, :2] >= 0) & (places[:, :2] <= 1)).all()


def test_many_values_share_a_last_group_and_a_field_that_is_missing_is_none(
    random: np.random.Generator,
) -> None:
    vectors = unit(random.standard_normal((40, 6)))
    found = draw_map(
        vectors, documents(40, letter=[f"v{at % 12}" for at in range(40)]), field="letter"
    )
    assert found is not None
    assert len(found.groups) == 8
    assert found.groups[-1] == OTHER_VALUES
    assert max(place[2] for place in found.places) == 7
    nothing = draw_map(vectors, documents(40), field="letter")
    assert nothing is not None
    assert nothing.groups == (NO_VALUE,)
    assert draw_map(vectors[:2], documents(2), field=None) is None


@pytest.mark.parametrize("value", [["a", "b"], True, 3, "a"])
def test_values_are_told_as_words(value: object, random: np.random.Generator) -> None:
    found = draw_map(
        unit(random.standard_normal((5, 6))), documents(5, one=[value] * 5), field="one"
    )
    assert found is not None
    assert found.groups == (str(value[0] if isinstance(value, list) else value),)
