"""The answer: of the best hits' sentences the one that most likely answers the query.

It is quoted and not written: whether it is true, or says all, is not judged.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from molt.encoder.late_interaction.relevance import probabilities
from molt.index.passages.cutting import Span

ANSWER_HITS, ANSWER_CHARS = 10, 400
"""The first hits whose sentences are compared, and how long one is at most."""
LEAST_LIKELY = 0.8
"""A sentence that is less likely to answer is none."""


@dataclass(frozen=True)
class SentenceAnswer:
    """The characters `start` to `end` of a document's text; `score` is a probability."""

    id: str
    text: str
    start: int
    end: int
    score: float

    def describe(self) -> dict[str, Any]:
        """As answers to searches have it."""
        return dict(vars(self))


@dataclass(frozen=True)
class Sentences:
    """The sentences of a document that was found, and the log-odds `(n,)` that each answers.

    NaN where that is not known.
    """

    id: str
    text: str
    spans: Sequence[Span]
    logits: NDArray[np.float32]


def best_answer(documents: Sequence[Sentences]) -> SentenceAnswer | None:
    """The likeliest sentence; of equal ones that of the better hit. None below `LEAST_LIKELY`."""
    best: tuple[float, Sentences, Span] | None = None
    for document in documents:
        for span, logit in zip(document.spans, document.logits.tolist(), strict=True):
            if not math.isnan(logit) and (best is None or logit > best[0]):
                best = logit, document, span
    if best is None:
        return None
    logit, document, span = best
    score = float(probabilities(np.array([logit], np.float32))[0])
    if score < LEAST_LIKELY:
        return None
    quoted = document.text[span.start : span.end]
    return SentenceAnswer(document.id, quoted, span.start, span.end, score)
