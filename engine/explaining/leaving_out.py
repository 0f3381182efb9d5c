"""Leaving out: what a score loses when a word of the query, or a sentence of the passage, is gone.

For encoders whose vectors are no sum over tokens. What is lost does not add up to the score: two
words that say the same lose little each, and much together.
"""

import re

from molt.encoder.encoder import Encoder, InputType, Lane
from molt.engine.explaining.dense import Contributions, Side, TextShare
from molt.engine.search.highlights.sentences import pieces
from molt.index.passages.cutting import Span
from molt.index.segments.exact import Vectors

MOST_LEFT_OUT = 32
"""So many words of a query and so many sentences of a passage are left out, one by one."""
_SENTENCE = 200
_WORD = re.compile(r"\w+")


def leave_each_out(encoder: Encoder, query: str, passage: str) -> Contributions:
    """What each word of `query` and each sentence of `passage` is worth. Raises as `encode` does.

    What is left of the score is told as `others`, so that each side is the score all the same.
    """
    words = [Span(*found.span()) for found in _WORD.finditer(query)][:MOST_LEFT_OUT]
    sentences = list(pieces(passage, 0, len(passage), size=_SENTENCE))[:MOST_LEFT_OUT]
    asked = _encoded(encoder, query, words, InputType.QUERY)
    said = _encoded(encoder, passage, sentences, InputType.DOCUMENT)
    whole = float(asked[0] @ said[0])
    return Contributions(
        _side(query, words, whole - asked[1:] @ said[0], whole=whole),
        _side(passage, sentences, whole - said[1:] @ asked[0], whole=whole),
        (),
    )


def _encoded(encoder: Encoder, text: str, spans: list[Span], input_type: InputType) -> Vectors:
    """Vectors `(1 + n, dim)` of the text, and of it without each of the spans."""
    texts = [text, *(text[: one.start] + text[one.end :] for one in spans)]
    return encoder.encode(texts, input_type=input_type, lane=Lane.INTERACTIVE).vectors


def _side(text: str, spans: list[Span], lost: Vectors, *, whole: float) -> Side:
    words = tuple(
        TextShare(text[one.start : one.end], one.start, one.end, score)
        for one, score in zip(spans, lost.tolist(), strict=True)
    )
    return Side(words, others=whole - sum(one.score for one in words))
