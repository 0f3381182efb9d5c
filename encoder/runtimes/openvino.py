"""OpenVINO: the runtime that is faster on most x86 hosts, where it is installed."""

from collections import deque
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import openvino
from numpy.typing import NDArray

from molt.encoder.errors import NoVariantError
from molt.encoder.runtimes.compiled import CompiledGraph, compiled_key
from molt.encoder.runtimes.runtime import PAIR_SCORES, TOKEN_TYPES, TOKEN_VECTORS, VECTORS

# OpenVINO compiles kernels for each new shape and keeps them, some megabytes each. Rounding
# lengths up bounds how many there are; aligned lengths are also no slower.
_SHORT, _SHORT_STEP, _STEP = 64, 16, 32


@dataclass(frozen=True)
class _Loaded:
    """A compiled graph, and the file that it was mapped from, if it was."""

    graph: openvino.CompiledModel
    mapped: NDArray[np.uint8] | None


class OpenVINORuntime:
    """One compiled graph with a stream per thread, and as many requests as there were at once.

    Of those the last one to be idle is taken: its memory is warm.

    `contents` gives the SHA-256 of each file of the graph: what was compiled of them lies in
    `cache`.
    """

    def __init__(  # noqa: PLR0913 - each by name
        self,
        graph: Path,
        *,
        precision: str,
        max_length: int,
        threads: int,
        cache: Path,
        contents: Mapping[str, str],
    ) -> None:
        settings: dict[str, str | int] = {
            "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32",
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": threads,
        }
        kept = CompiledGraph(cache, compiled_key(contents, settings))
        try:
            loaded = _compiled(graph, settings, kept)
        except RuntimeError as error:
            raise NoVariantError(f"OpenVINO does not take {graph}: {error}") from error
        self._idle: deque[openvino.InferRequest] = deque()
        self._compiled = loaded.graph
        self._mapped = loaded.mapped  # let go after what computes, whose weights lie there
        self._graph = graph
        self._has_tokens = any(TOKEN_VECTORS in each.names for each in self._compiled.outputs)
        self._has_types = any(TOKEN_TYPES in each.names for each in self._compiled.inputs)
        self._max_length = max_length

    def run(
        self, input_ids: NDArray[np.int64], attention_mask: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Vectors `(n, dim) float32`, L2-normalised, of ids and mask `(n, length) int64`."""
        return self._run(VECTORS, _feed(input_ids, attention_mask), np.s_[: len(input_ids)])

    def run_tokens(
        self, input_ids: NDArray[np.int64], attention_mask: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Token vectors `(n, length, dim) float32`; raises `NoVariantError` where it has none."""
        if not self._has_tokens:
            raise NoVariantError(f"{self._graph} has no output {TOKEN_VECTORS}")
        rows, length = input_ids.shape
        return self._run(TOKEN_VECTORS, _feed(input_ids, attention_mask), np.s_[:rows, :length])

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
        return self._run(PAIR_SCORES, feed, np.s_[: len(input_ids)])

    def _run(
        self,
        output: str,
        feed: dict[str, NDArray[np.int64]],
        kept: slice | tuple[slice, ...],
    ) -> NDArray[np.float32]:
        rows, length = feed["input_ids"].shape
        step = _SHORT_STEP if length <= _SHORT else _STEP
        shape = (1 << (rows - 1).bit_length(), min(-(-length // step) * step, self._max_length))
        padded = {name: _padded(values, shape) for name, values in feed.items()}
        try:
            request = self._idle.pop()
        except IndexError:
            request = self._compiled.create_infer_request()
        found = request.infer(padded, share_inputs=True, share_outputs=True)
        values: NDArray[np.float32] = found[output][kept].copy()
        self._idle.append(request)
        return values


def _compiled(graph: Path, settings: dict[str, str | int], kept: CompiledGraph) -> _Loaded:
    """Compile in a thread that ends at once.

    OpenVINO gives the thread that compiles a signal stack and frees it with the graph; a signal
    that the main thread got afterwards would be handled on freed memory.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="openvino-compile") as compiling:
        return compiling.submit(_load, graph, settings, kept).result()


def _load(graph: Path, settings: dict[str, str | int], kept: CompiledGraph) -> _Loaded:
    """What was compiled before; else compile it now, and keep that."""
    core = openvino.Core()
    content = kept.read()
    if content is not None:
        try:
            tensor = openvino.Tensor(content, shared_memory=True)
            return _Loaded(core.import_model(tensor, "CPU", settings), content)
        except RuntimeError as error:
            kept.discard(str(error))
    compiled = core.compile_model(graph, "CPU", settings)
    made = BytesIO()
    compiled.export_model(made)
    kept.keep(made.getvalue())
    return _Loaded(compiled, None)


def _feed(
    input_ids: NDArray[np.int64], attention_mask: NDArray[np.int64]
) -> dict[str, NDArray[np.int64]]:
    return {"input_ids": input_ids, "attention_mask": attention_mask}


def _padded(values: NDArray[np.int64], shape: tuple[int, int]) -> NDArray[np.int64]:
    padded = np.zeros(shape, dtype=np.int64)
    padded[: values.shape[0], : values.shape[1]] = values
    return padded
