"""What every program asks for, and how it tells what it got."""

import json
from collections.abc import Sequence

DOCUMENTS = ["warm waterproof boots", "a tent for two", "boots that keep the feet dry"]
QUERY = "a tent"


def tell(documents: Sequence[Sequence[float]], query: Sequence[float]) -> None:
    """Write the vectors of the documents and of the query as the last line of the output."""
    vectors = {"documents": [list(map(float, each)) for each in documents], "query": list(query)}
    print(f"\n{json.dumps(vectors)}")  # noqa: T201
