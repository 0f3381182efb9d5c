"""LlamaIndex over Molt: an embedding and a retriever."""

import json
import sys

from llama_index.core.schema import TextNode
from molt_client import Molt
from molt_client.neighbours.llama_index import MoltEmbedding, MoltRetriever, document_of

with Molt(sys.argv[1]) as molt:
    molt.create_collection("llama")
    texts = {"a": "a tent for two", "b": "warm boots", "c": "wool socks"}
    numbered = enumerate(texts.items())
    nodes = [TextNode(id_=id_, text=text, metadata={"n": n}) for n, (id_, text) in numbered]
    molt.write_documents("llama", map(document_of, nodes))
    cheap = {"field": "n", "gte": 1}
    found = MoltRetriever(molt, "llama", k=2, filter=cheap).retrieve("boots")
    embedding = MoltEmbedding(molt)
    vectors = embedding.get_text_embedding_batch([*texts.values()])
    told = {
        "ids": [one.node.node_id for one in found],
        "first": [found[0].node.get_content(), found[0].node.metadata["n"]],
        "falls": found[0].score >= found[1].score,
        "vectors": [len(vectors), len(vectors[0]), len(embedding.get_query_embedding("boots"))],
    }
sys.stdout.write(json.dumps(told))
