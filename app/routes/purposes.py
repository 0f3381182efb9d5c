"""Purposes: whether a text is a query or a document, in the words of several providers.

Those of Cohere, Voyage, Jina, NVIDIA NIM, Nomic and Google name the same two prompts.
"""

from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from molt.encoder.encoder import InputType

QUERY_WORDS = ("query", "search_query", "retrieval.query", "retrieval_query", "code.query")
DOCUMENT_WORDS = (
    "document",
    "passage",
    "search_document",
    "retrieval.passage",
    "retrieval_document",
    "code.passage",
    "text-matching",
    "semantic_similarity",
    "classification",
    "clustering",
    "separation",
)
"""Also of tasks that compare texts of one kind: both sides get the prompt of documents."""

_KNOWN = dict.fromkeys(QUERY_WORDS, InputType.QUERY) | dict.fromkeys(
    DOCUMENT_WORDS, InputType.DOCUMENT
)


def _understood(value: object) -> InputType:
    found = _KNOWN.get(value.lower()) if isinstance(value, str) else None
    if found is None:
        raise PydanticCustomError(
            "purpose",
            "must be `query` or `document`, or a word for one of them: {words}",
            {"words": ", ".join((*QUERY_WORDS[1:], *DOCUMENT_WORDS[1:]))},
        )
    return found


Purpose = Annotated[
    InputType, BeforeValidator(_understood), WithJsonSchema({"type": "string", "enum": [*_KNOWN]})
]
"""What a text is to the search, by any of these words in small or capital letters."""
