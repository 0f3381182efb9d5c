"""The inference client of huggingface_hub, pointed at the server's root."""

import sys

from huggingface_hub import InferenceClient
from texts import DOCUMENTS, QUERY, tell

client = InferenceClient(sys.argv[1])
found = client.feature_extraction(DOCUMENTS, normalize=True, truncate=True)  # type: ignore[arg-type]
query = client.feature_extraction(QUERY, prompt_name="query", truncation_direction="right")
scores = InferenceClient(f"{sys.argv[1]}/similarity").sentence_similarity(QUERY, DOCUMENTS)
assert scores.index(max(scores)) == 1, scores
tell(found.tolist(), query[0].tolist())
