"""A model as sentence-transformers loads it: what it computes is what every variant is held to."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding

from molt.encoder import InputType, Pooling
from molt.encoder.safety.reference import REFERENCE_TEXTS, Reference, make_reference
from molt.training.export.fidelity import ProbeVectors
from molt.training.export.graph import export_graph, load_model, transformer_of
from molt.training.export.probe import probe_set


class LoadedModel:
    """The model of a staged checkpoint, whose graph is found by tracing it."""

    def __init__(self, path: Path) -> None:
        self._model = load_model(path)
        self.is_static = isinstance(self._model[0], StaticEmbedding)

    def write_graph(self, target: Path, *, pooling: Pooling) -> None:
        """Trace it; raises `ExportError` where that cannot be done."""
        export_graph(transformer_of(self._model), pooling=pooling, target=target)

    def probe_vectors(self) -> ProbeVectors:
        """What it makes of the probe set."""
        return ProbeVectors(
            queries=_encoded(self._model, probe_set().queries, InputType.QUERY),
            documents=_encoded(self._model, probe_set().documents, InputType.DOCUMENT),
        )

    def references(self) -> tuple[Reference, ...]:
        """What it makes of the reference texts, which every runtime will be held to."""
        vectors = _encoded(self._model, REFERENCE_TEXTS, InputType.DOCUMENT)
        return tuple(map(make_reference, REFERENCE_TEXTS, vectors))


def _encoded(
    model: SentenceTransformer, texts: Sequence[str], input_type: InputType
) -> NDArray[np.float32]:
    vectors = model.encode(list(texts), prompt_name=input_type)
    return np.asarray(vectors, dtype=np.float32)
