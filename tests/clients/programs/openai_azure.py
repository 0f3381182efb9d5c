"""OpenAI's client of Azure, whose paths name a deployment."""

import sys

import openai
from texts import DOCUMENTS, QUERY, tell

with openai.AzureOpenAI(
    azure_endpoint=sys.argv[1], api_key="none", api_version="2024-10-21"
) as client:
    found = client.embeddings.create(model="default", input=DOCUMENTS)
    query = client.embeddings.create(model="default", input=QUERY)
tell([one.embedding for one in found.data], query.data[0].embedding)
