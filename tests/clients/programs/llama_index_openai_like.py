"""LlamaIndex's embeddings of what is like OpenAI."""

import sys

from llama_index.embeddings.openai_like import OpenAILikeEmbedding
from texts import DOCUMENTS, QUERY, tell

embeddings = OpenAILikeEmbedding(
    model_name="text-embedding-3-small", api_base=f"{sys.argv[1]}/v1", api_key="none"
)
tell(
    embeddings.get_text_embedding_batch(DOCUMENTS),
    embeddings.get_query_embedding(QUERY),
)
