"""Runs: what a search would find for many queries over a whole corpus, without an index of it.

Made by the encoder as it serves, and by exact search; knows nothing of judgments.
"""

from collections.abc import Sequence
from pathlib import Path

from molt.encoder import Encoder
from molt.encoder.host import cores
from molt.encoder.vector_cache import OnProgress, encode_documents, encode_queries, quiet
from molt.index.segments.exact import Rankings, rank_queries

DEPTH = 100


def rank_corpus(  # noqa: PLR0913  each by name
    encoder: Encoder,
    *,
    texts: Sequence[str],
    queries: Sequence[str],
    cache: Path,
    depth: int = DEPTH,
    progress: OnProgress = quiet,
) -> Rankings:
    """The `depth` best of `texts` for each query; vectors that `cache` holds are taken from there.

    Raises `UnsoundVectorsError`, and what encoding raises.
    """
    asked = encode_queries(encoder, queries, progress=progress)
    documents = encode_documents(encoder, texts, cache=cache, progress=progress)
    stage = f"rankings by {encoder.checkpoint.id}"
    progress(stage, 0, len(queries))
    found = rank_queries(asked, documents, depth=depth, threads=cores())
    progress(stage, len(queries), len(queries))
    return found
