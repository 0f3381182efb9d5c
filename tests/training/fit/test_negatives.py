from collections.abc import Sequence

import numpy as np
import pytest

from molt.encoder import InputType
from molt.index.catalog.document import Document
from molt.index.catalog.judgments import Query
from molt.index.segments.exact import Vectors
from molt.training.data.dataset import Corpus, Example, Split, Task, TaskKind
from molt.training.fit.config import NegativesConfig
from molt.training.fit.negatives import Mined, knowledge_of, mine

TEXTS = ("best", "second", "third", "fourth", "far")
# Cosines of the documents to the one query.
SCORES = (0.9, 0.8, 0.7, 0.6, 0.1)


def vector(cosine: float) -> list[float]:
    return [cosine, float(np.sqrt(1 - cosine**2))]


DOCUMENTS = np.array([vector(score) for score in SCORES], dtype=np.float32)
CORPUS = Corpus(tuple(Document(f"d{at}", text) for at, text in enumerate(TEXTS)), TEXTS)


def embed(texts: Sequence[str], input_type: InputType) -> Vectors:
    """The query lies on the first axis; a text that no document has is as near as the third."""
    if input_type is InputType.QUERY:
        return np.array([vector(1.0) for _ in texts], dtype=np.float32)
    return np.array([vector(0.7) for _ in texts], dtype=np.float32)


def mined(
    example: Example, grades: dict[str, int], *, per_query: int = 1, margin: float = 0.0
) -> Mined:
    task = Task("judgments", TaskKind.POSITIVES, (example,))
    train = Split({"q": Query("q", example.query)}, {"q": grades})
    return mine(
        [example],
        corpus=CORPUS,
        documents=DOCUMENTS,
        embedding=embed,
        knowledge=knowledge_of(train, [task], CORPUS),
        config=NegativesConfig(per_query=per_query, margin=margin, depth=5),
        seed=0,
    )


def positive(place: int) -> Example:
    return Example("question", TEXTS[place], query_id="q", doc_id=f"d{place}")


def test_the_hardest_documents_below_the_positive_are_taken_in_order() -> None:
    found = mined(positive(0), {"d0": 1}, per_query=3)
    assert found.documents.tolist() == [[1, 2, 3]]
    assert found.difficulty == pytest.approx([0.8 - 0.9])


def test_what_scores_too_near_the_positive_is_not_taken() -> None:
    assert mined(positive(0), {"d0": 1}, margin=0.15).documents.tolist() == [[2]]


def test_what_scores_higher_than_the_positive_is_not_taken() -> None:
    assert mined(positive(2), {"d2": 1}).documents.tolist() == [[3]]


def test_a_document_judged_not_relevant_is_taken_however_high_it_scores() -> None:
    assert mined(positive(2), {"d2": 1, "d0": 0}).documents.tolist() == [[0]]


def test_another_relevant_document_is_never_taken() -> None:
    assert mined(positive(0), {"d0": 2, "d1": 1, "d2": 1}).documents.tolist() == [[3]]


def test_a_document_with_the_positive_s_text_is_never_taken() -> None:
    example = Example("question", "second", query_id="q")
    assert mined(example, {}).documents.tolist() == [[2]]


def test_random_documents_fill_up_but_never_relevant_ones() -> None:
    grades = {"d0": 1, "d1": 1, "d2": 1, "d3": 1}
    found = mined(positive(3), grades, per_query=8)
    assert set(found.documents[0].tolist()) == {4}


def test_a_pair_s_document_counts_as_relevant_to_its_query() -> None:
    pair = Task("pairs", TaskKind.POSITIVES, (Example("question", "x", doc_id="d1"),))
    known = knowledge_of(Split({}, {}), [pair], CORPUS)
    assert known.relevant == {"question": frozenset({1})}
