"""The runtime: what executes an exported graph. Which one is worth choosing is `selection`'s."""

from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from molt.encoder.checkpoint import Checkpoint, Variant
from molt.encoder.errors import NoVariantError

VECTORS = "vectors"
TOKEN_VECTORS = "token_vectors"  # noqa: S105 - no secret
"""What a graph calls its outputs; one that an earlier version exported has the first one alone."""
PAIR_SCORES = "score"
"""The only output of a cross-encoder's graph."""
TOKEN_TYPES = "token_type_ids"  # noqa: S105 - no secret
"""What tells a query from a text in a pair; an input of the graphs that know token types."""


class Runtime(Protocol):
    """A loaded graph. Threads may call it at once; each call computes on one core."""

    def run(
        self, input_ids: NDArray[np.int64], attention_mask: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Vectors `(n, dim) float32`, L2-normalised, of ids and mask `(n, length) int64`."""
        ...

    def run_tokens(
        self, input_ids: NDArray[np.int64], attention_mask: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Token vectors `(n, length, dim) float32`: the last hidden states, before pooling.

        They are not normalised, and those of masked tokens mean nothing. Raises `NoVariantError`
        where the graph has none.
        """
        ...

    def run_pairs(
        self,
        input_ids: NDArray[np.int64],
        attention_mask: NDArray[np.int64],
        token_type_ids: NDArray[np.int64],
    ) -> NDArray[np.float32]:
        """Scores `(n,) float32` of pairs whose ids, mask and types are `(n, length) int64`."""
        ...


def is_available(variant: Variant) -> bool:
    """Whether the runtime that `variant` needs is installed here."""
    return find_spec(_PACKAGES[variant.runtime]) is not None


def load_runtime(checkpoint: Checkpoint, variant: Variant, *, threads: int, cache: Path) -> Runtime:
    """Load the graph of `variant` to be called by up to `threads` threads at once.

    `cache` is a directory for compiled graphs that may be deleted at any time.
    Raises `NoVariantError` where the runtime is not installed or does not take the graph.
    """
    if not is_available(variant):
        raise NoVariantError(
            f"variant {variant.name} needs {_PACKAGES[variant.runtime]}, which is not installed; "
            f"install molt-search[{variant.runtime}] or choose another variant"
        )
    graph = checkpoint.path / variant.graph
    if variant.runtime == "openvino":
        from molt.encoder.runtimes.openvino import (  # noqa: PLC0415 - load one, not both
            OpenVINORuntime,
        )

        return OpenVINORuntime(
            graph,
            precision=variant.precision,
            max_length=checkpoint.max_length,
            threads=threads,
            cache=cache / "openvino",
            contents=contents_of(checkpoint, variant),
        )
    from molt.encoder.runtimes.onnx import ONNXRuntime  # noqa: PLC0415 - load one, not both

    return ONNXRuntime(graph)


def graph_files(graph: str) -> tuple[str, ...]:
    """What a graph is read from: OpenVINO's own format keeps its weights in a second file."""
    folder, dot, suffix = graph.rpartition(".")
    return (graph, f"{folder}{dot}bin") if suffix == "xml" else (graph,)


def contents_of(checkpoint: Checkpoint, variant: Variant) -> dict[str, str]:
    """What the manifest gives as SHA-256 of each file that the graph of `variant` is read from.

    Of a checkpoint in the making nothing is listed yet.
    """
    listed = checkpoint.files
    return {
        name: listed[name].sha256 if name in listed else "unlisted"
        for name in graph_files(variant.graph)
    }


def plain_variant(checkpoint: Checkpoint, variant: Variant) -> Variant:
    """The variant that is nearest to the model: the one in fp32; else `variant` itself."""
    plain = (
        each
        for each in checkpoint.variants
        if (each.runtime, each.precision) == ("onnx", "fp32") and each.within_budget
    )
    return next(plain, variant)


_PACKAGES = {"onnx": "onnxruntime", "openvino": "openvino"}
