"""LangChain's embeddings of OpenAI."""

import sys

from langchain_openai import OpenAIEmbeddings
from texts import DOCUMENTS, QUERY, tell

embeddings = OpenAIEmbeddings(  # type: ignore[call-arg]
    model="text-embedding-3-small",
    base_url=f"{sys.argv[1]}/v1",
    api_key="none",
    check_embedding_ctx_length=False,
)
tell(embeddings.embed_documents(DOCUMENTS), embeddings.embed_query(QUERY))
