"""Teaching: the vectors that a student shall give, computed once, before it learns."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from molt.encoder import Encoder, Prompts
from molt.encoder.vector_cache import OnProgress, encode_documents, encode_queries, quiet
from molt.index.segments.exact import Vectors
from molt.training.distilling.texts import CollectionTexts


@dataclass(frozen=True)
class TeacherVectors:
    """Texts with the teacher's `vectors` `(n, dim)` of them, those of queries first."""

    texts: CollectionTexts
    vectors: Vectors

    def along(self, directions: Vectors) -> "TeacherVectors":
        """The same texts with vectors of fewer numbers: those along `directions`, normalised."""
        vectors = self.vectors @ directions
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return TeacherVectors(self.texts, vectors / np.maximum(lengths, 1e-12))

    def directions(self, count: int) -> Vectors:
        """`(dim, count)`: those that keep most of the similarities; all as they are, if all.

        Eigenvectors of the second moment, largest first: of all projections to so few numbers the
        one whose inner products are nearest (Eckart and Young 1936).
        """
        if count == self.vectors.shape[1]:
            return np.eye(count, dtype=np.float32)
        _, found = np.linalg.eigh(self.vectors.T @ self.vectors)
        return np.asarray(found[:, ::-1][:, :count], dtype=np.float32)

    def read(self, prompts: Prompts) -> list[str]:
        """The texts behind their prompts, in the order of the vectors."""
        queries = [prompts.query + text for text in self.texts.queries]
        return queries + [prompts.document + text for text in self.texts.documents]


def teach(
    encoder: Encoder, texts: CollectionTexts, *, cache: Path, progress: OnProgress = quiet
) -> TeacherVectors:
    """Ask the teacher as it is served; what `cache` holds of documents is not encoded again."""
    queries = encode_queries(encoder, texts.queries, progress=progress)
    documents = encode_documents(encoder, texts.documents, cache=cache, progress=progress)
    return TeacherVectors(texts, np.concatenate([queries, documents]))
