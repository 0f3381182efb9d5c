"""The dense retriever: documents by the inner product of their best passage with the query."""

from molt.encoder.encoder import Lane
from molt.engine.live.pair import Live
from molt.engine.search.candidates import Candidate, Candidates, Passage, Stopwatch
from molt.engine.search.query import SearchQuery


class DenseRetriever:
    """Encodes the query with the encoder of the pair and searches its index."""

    name = "dense"

    def retrieve(
        self, query: SearchQuery, live: Live, *, depth: int, watch: Stopwatch
    ) -> Candidates:
        """As every retriever."""
        vector, truncated = query.vector, False
        if vector is None:
            with watch.timing("encode"):
                encoded = live.encoder.encode(
                    [query.text], input_type=query.input_type, lane=Lane.QUERY
                )
            vector, truncated = encoded.vectors[0], bool(encoded.truncated[0])
        if live.snapshot is None:
            return Candidates(truncated=truncated)
        with watch.timing("retrieve"):
            found = live.snapshot.search(
                vector, k=depth, where=query.where, min_score=query.min_score
            )
        return Candidates(
            tuple(
                Candidate(
                    hit.ordinal, hit.score, Passage(hit.start, hit.end), {self.name: hit.score}
                )
                for hit in found.hits
            ),
            found.total,
            found.exact,
            found.warnings,
            truncated,
        )
