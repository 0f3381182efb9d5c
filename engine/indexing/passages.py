"""Passages: how an encoder makes vectors of a generation's documents, split as that says.

And what is ranked where a corpus is judged without a generation.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import numpy as np

from molt.encoder.encoder import Encoder
from molt.engine.runs import CorpusPassages, whole_texts
from molt.index.catalog.document import Document, passage_text
from molt.index.generations.sealing import Embed, PassageEncoder, whole_text
from molt.index.passages.cutting import Span, split_text
from molt.index.passages.splitting import Splitting

_LEAST_SHARE = 0.5
"""However long a title is, so much of what an encoder reads is left for the text."""


def passage_encoder(
    encoder: Encoder, splitting: Splitting | None, *, embed: Embed | None = None
) -> PassageEncoder:
    """Documents become vectors by `encoder`, or by `embed`, which stands for it."""
    split = whole_text if splitting is None else _EncoderSplitter(encoder, splitting)
    return PassageEncoder(embed or encoder.embed_documents, split)


def corpus_passages(
    encoder: Encoder,
    documents: Sequence[Document],
    *,
    texts: Sequence[str],
    splitting: Splitting | None,
) -> CorpusPassages:
    """What a generation of `documents` would encode; `texts`, one of each, where nothing is split.

    Raises what `Encoder.token_starts` raises.
    """
    if splitting is None:
        return whole_texts(texts)
    split = passage_encoder(encoder, splitting).split
    parts = [
        [
            passage_text(title=document.title, text=document.text[span.start : span.end])
            for span in split(document)
        ]
        for document in documents
    ]
    first = [0, *accumulate(map(len, parts))][:-1]
    return CorpusPassages([text for part in parts for text in part], np.array(first, np.int64))


@dataclass(frozen=True)
class _EncoderSplitter:
    """Splits documents so that an encoder reads each passage, title and all, to its end."""

    encoder: Encoder
    splitting: Splitting

    def __call__(self, document: Document) -> Sequence[Span]:
        """The passages of a document. Raises what `Encoder.token_starts` raises."""
        whole = (Span(0, len(document.text)),)
        if len(document.title) + len(document.text) < self._room:
            return whole  # a token has at least one character
        title, starts = self.encoder.token_starts([document.title, document.text])
        budget = max(self._room - len(title), int(_LEAST_SHARE * self._room), 1)
        return split_text(document.text, starts, budget=budget, overlap=self.splitting.overlap)

    @cached_property
    def _room(self) -> int:
        """How many tokens of a passage are its own."""
        most = self.encoder.checkpoint.max_length
        wanted = most if self.splitting.tokens is None else min(self.splitting.tokens, most)
        return max(wanted - self.encoder.overhead, 1)
