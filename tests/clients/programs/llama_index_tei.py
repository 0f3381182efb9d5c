"""LlamaIndex's embeddings of text-embeddings-inference."""

import sys

from llama_index.embeddings.text_embeddings_inference import TextEmbeddingsInference
from texts import DOCUMENTS, QUERY, tell

embeddings = TextEmbeddingsInference(base_url=sys.argv[1], model_name="default")
tell(
    embeddings.get_text_embedding_batch(DOCUMENTS),
    embeddings.get_query_embedding(QUERY),
)
