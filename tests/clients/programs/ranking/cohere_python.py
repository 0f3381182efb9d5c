"""Cohere's client, both versions of it, pointed at the server's root."""

import json
import sys

import cohere

DOCUMENTS = ["warm waterproof boots", "a tent for two", "boots that keep the feet dry"]
QUERY = "a tent"

for client in (cohere.ClientV2, cohere.Client):
    ranked = client(api_key="none", base_url=sys.argv[1]).rerank(
        model="default", query=QUERY, documents=DOCUMENTS, top_n=2
    )
    found = [[result.index, result.relevance_score] for result in ranked.results]
    print(f"\n{json.dumps(found)}")  # noqa: T201
