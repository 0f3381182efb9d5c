"""OpenAI's own client, asked for a model by OpenAI's name for it."""

import sys

import openai
from texts import DOCUMENTS, QUERY, tell

with openai.OpenAI(base_url=f"{sys.argv[1]}/v1", api_key="none") as client:
    found = client.embeddings.create(model="text-embedding-3-small", input=DOCUMENTS)
    query = client.embeddings.create(model="text-embedding-3-small", input=QUERY)
tell([one.embedding for one in found.data], query.data[0].embedding)
