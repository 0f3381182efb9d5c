"""Haystack over Molt: a document store, and a pipeline that is saved and read again."""

import json
import sys

from haystack import Document, Pipeline
from haystack.document_stores.errors import DuplicateDocumentError
from haystack.document_stores.types import DuplicatePolicy
from molt_client.neighbours.haystack import MoltDocumentStore, MoltRetriever

store = MoltDocumentStore(sys.argv[1], collection="hay")
empty = store.count_documents()
documents = [
    Document(id="a", content="a tent for two", meta={"n": 0}),
    Document(id="b", content="warm boots", meta={"n": 1}),
    Document(id="c", content="wool socks", meta={"n": 2}),
]
written = store.write_documents(documents)
skipped = store.write_documents(documents, DuplicatePolicy.SKIP)
try:
    store.write_documents(documents, DuplicatePolicy.FAIL)
    failed = False
except DuplicateDocumentError:
    failed = True

pipeline = Pipeline()
pipeline.add_component("retriever", MoltRetriever(store, top_k=2))
saved = Pipeline.loads(pipeline.dumps(), allowed_modules=["molt_client.neighbours.haystack"])
later = {"operator": "AND", "conditions": [{"field": "meta.n", "operator": ">=", "value": 1}]}
found = saved.run({"retriever": {"query": "boots", "filters": later}})["retriever"]["documents"]
others = {"operator": "NOT", "conditions": [{"field": "meta.n", "operator": "in", "value": [1, 2]}]}
kept = store.filter_documents(others)
store.delete_documents(["a", "z"])
told = {
    "counts": [empty, written, skipped, store.count_documents()],
    "failed": failed,
    "ids": [one.id for one in found],
    "first": [found[0].content, found[0].meta["n"], found[0].score >= found[1].score],
    "kept": [one.id for one in kept],
    "all": sorted(one.id for one in store.filter_documents()),
}
sys.stdout.write(json.dumps(told))
