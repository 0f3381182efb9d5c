"""Haystack's two embedders of text-embeddings-inference."""

import sys

from haystack import Document
from haystack_integrations.components.embedders.huggingface_api import (
    HuggingFaceAPIDocumentEmbedder,
    HuggingFaceAPITextEmbedder,
)
from texts import DOCUMENTS, QUERY, tell

how = {"api_type": "text_embeddings_inference", "api_params": {"url": sys.argv[1]}, "token": None}
found = HuggingFaceAPIDocumentEmbedder(**how).run([Document(content=text) for text in DOCUMENTS])
query = HuggingFaceAPITextEmbedder(**how).run(QUERY)
tell([one.embedding for one in found["documents"]], query["embedding"])
