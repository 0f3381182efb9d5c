"""ONNX Runtime: the runtime that every install has."""

from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from molt.encoder.errors import NoVariantError
from molt.encoder.runtimes.runtime import PAIR_SCORES, TOKEN_TYPES, TOKEN_VECTORS, VECTORS

# ONNX Runtime's fused kernel is naive: for BERT on a CPU it takes five times as long as the two
# operators it replaces, a fifth of the whole run.
_SLOW_FUSIONS = ["SkipLayerNormFusion"]


class ONNXRuntime:
    """One session shared by all threads; each call runs on the thread that makes it."""

    def __init__(self, graph: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.enable_mem_pattern = False  # patterns are kept per shape, and shapes vary
        options.enable_cpu_mem_arena = False  # it keeps the busiest moment's memory, at no gain
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                str(graph),
                options,
                providers=["CPUExecutionProvider"],
                disabled_optimizers=_SLOW_FUSIONS,
            )
        except Exception as error:
            raise NoVariantError(f"ONNX Runtime does not take {graph}: {error}") from error
        self._graph = graph
        self._has_tokens = TOKEN_VECTORS in [each.name for each in self._session.get_outputs()]
        self._has_types = TOKEN_TYPES in [each.name for each in self._session.get_inputs()]

    def run(
        self, input_ids: NDArray[np.int64], attention_mask: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Vectors `(n, dim) float32`, L2-normalised, of ids and mask `(n, length) int64`."""
        return self._run(VECTORS, _feed(input_ids, attention_mask))

    def run_tokens(
        self, input_ids: NDArray[np.int64], attention_mask: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Token vectors `(n, length, dim) float32`; raises `NoVariantError` where it has none."""
        if not self._has_tokens:
            raise NoVariantError(f"{self._graph} has no output {TOKEN_VECTORS}")
        return self._run(TOKEN_VECTORS, _feed(input_ids, attention_mask))

    def run_pairs(
        self,
        input_ids: NDArray[np.int64],
        attention_mask: NDArray[np.int64],
        token_type_ids: NDArray[np.int64],
    ) -> NDArray[np.float32]:
        """Scores `(n,) float32` of pairs whose ids, mask and types are `(n, length) int64`."""
        feed = _feed(input_ids, attention_mask)
        if self._has_types:
            feed |= {TOKEN_TYPES: token_type_ids}
        return self._run(PAIR_SCORES, feed)

    def _run(self, output: str, feed: dict[str, NDArray[np.int64]]) -> NDArray[np.float32]:
        found: NDArray[np.float32] = self._session.run([output], feed)[0]
        return found


def _feed(
    input_ids: NDArray[np.int64], attention_mask: NDArray[np.int64]
) -> dict[str, NDArray[np.int64]]:
    return {"input_ids": input_ids, "attention_mask": attention_mask}
