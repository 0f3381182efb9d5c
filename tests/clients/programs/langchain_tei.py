"""LangChain's embeddings of an endpoint of Hugging Face's, with the client of this server."""

import sys

from huggingface_hub import InferenceClient
from langchain_huggingface import HuggingFaceEndpointEmbeddings
from texts import DOCUMENTS, QUERY, tell

embeddings = HuggingFaceEndpointEmbeddings(model="default")
embeddings.client = InferenceClient(sys.argv[1])
tell(embeddings.embed_documents(DOCUMENTS), embeddings.embed_query(QUERY))
