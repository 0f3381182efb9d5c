"""LiteLLM's library, for which this is one of OpenAI's kind."""

import sys

import litellm
from texts import DOCUMENTS, QUERY, tell

how = {"model": "openai/text-embedding-3-small", "api_base": f"{sys.argv[1]}/v1", "api_key": "none"}
found = litellm.embedding(input=DOCUMENTS, **how)
query = litellm.embedding(input=[QUERY], **how)
tell([one["embedding"] for one in found.data], query.data[0]["embedding"])
