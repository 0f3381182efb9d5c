"""Passages: an encoder reads each of them to its end, with the title and its prompt."""

from types import SimpleNamespace

import numpy as np
import pytest

from molt.engine.indexing.passages import passage_encoder
from molt.index.catalog.document import Document, passage_text
from molt.index.passages.splitting import Splitting


class Words:
    """An encoder whose tokens are words; it reads `max_length` of them, 2 beside a text's own."""

    overhead = 2

    def __init__(self, max_length):
        self.checkpoint = SimpleNamespace(max_length=max_length)
        self.asked = 0

    def token_starts(self, texts):
        self.asked += 1
        return [
            np.array([at for at in range(len(text)) if text[: at + 1].rsplit(" ")[-1] == text[at]])
            for text in texts
        ]

    def embed_documents(self, texts):
        return np.zeros((len(texts), 3), np.float32)


def passages(document, *, max_length=12, **splitting):
    split = passage_encoder(Words(max_length), Splitting(**splitting)).split
    return [
        passage_text(title=document.title, text=document.text[span.start : span.end])
        for span in split(document)
    ]


def text(n_words):
    return " ".join(f"w{number}" for number in range(n_words))


@pytest.mark.parametrize("title", ["", "two words", text(30)])
def test_no_passage_is_longer_than_what_is_read_but_for_a_long_title(title):
    read = passages(Document(id="a", title=title, text=text(40)))
    assert len(read) > 1
    allowed = 12 - 2 if len(title.split()) <= 5 else 5 + len(title.split())
    assert max(len(one.split()) for one in read) <= allowed


def test_fewer_tokens_than_the_encoder_reads_can_be_asked_for_and_never_more():
    document = Document(id="a", text=text(18))
    assert len(passages(document)) == 2
    assert len(passages(document, tokens=8)) == 3
    assert len(passages(document, tokens=500)) == 2


def test_a_text_that_is_short_in_characters_is_not_even_tokenised():
    encoder = Words(200)
    split = passage_encoder(encoder, Splitting()).split
    assert [(span.start, span.end) for span in split(Document(id="a", text=text(40)))] == [(0, 149)]
    assert encoder.asked == 0


def test_without_a_splitting_a_document_is_one_passage():
    split = passage_encoder(Words(12), None).split
    assert [(span.start, span.end) for span in split(Document(id="a", text=text(40)))] == [(0, 149)]
