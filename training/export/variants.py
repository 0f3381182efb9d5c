"""Variants: every form in which a checkpoint can be served, made here and proven here.

A variant outside the quality budget is thrown away; where not even the fp32 graph is true to the
model, there is no checkpoint.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from molt.encoder import Checkpoint, Fidelity, Pooling, Variant
from molt.encoder.safety.reference import Reference
from molt.training.errors import ExportError
from molt.training.export import openvino
from molt.training.export.feeds import sample_feeds
from molt.training.export.fidelity import ProbeVectors
from molt.training.export.proof import prove, prove_pairs
from molt.training.export.quantise import quantise
from molt.training.export.rewriting.embeddings import quantise_table
from molt.training.export.rewriting.smoothing import smooth

_FP32 = "runtime/fp32.onnx"
_INT8 = "runtime/int8.onnx"
_OPENVINO_INT8 = "runtime/openvino-int8.xml"
_UNKNOWN = Fidelity(cosine_mean=0.0, cosine_min=0.0, ndcg10=0.0, ndcg10_reference=0.0)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Exported:
    """What is served of a model, and what the model itself makes of a few texts."""

    variants: tuple[Variant, ...]
    references: tuple[Reference, ...]


class ExportableModel(Protocol):
    """A staged model that can write its graph, and by what its variants are judged."""

    is_static: bool

    def write_graph(self, target: Path, *, pooling: Pooling) -> None:
        """Write its fp32 graph; raises `ExportError` where it has none."""
        ...

    def probe_vectors(self) -> ProbeVectors | None:
        """What the model itself makes of the probe set; None where its graph is known to be it."""
        ...

    def references(self) -> tuple[Reference, ...]:
        """What the model itself makes of the reference texts."""
        ...


class ExportablePairModel(Protocol):
    """A staged cross-encoder, likewise."""

    def write_graph(self, target: Path) -> None:
        """Write its fp32 graph; raises `ExportError` where it has none."""
        ...

    def probe_scores(self) -> NDArray[np.float32]:
        """What the model itself makes of the probe set's pairs, `(queries, texts) float32`."""
        ...

    def references(self) -> tuple[Reference, ...]:
        """What the model itself makes of the reference pairs."""
        ...


def make_pair_variants(checkpoint: Checkpoint, model: ExportablePairModel) -> Exported:
    """The same for a cross-encoder, held to its scores of pairs."""
    root = checkpoint.path
    (root / "runtime").mkdir()
    model.write_graph(root / _FP32)
    candidates = _transformer_variants(checkpoint)
    with TemporaryDirectory(prefix="molt-proof-") as cache:
        proven = prove_pairs(
            checkpoint, candidates, reference=model.probe_scores(), cache=Path(cache)
        )
    return Exported(_keep(root, proven), model.references())


def make_variants(checkpoint: Checkpoint, model: ExportableModel) -> Exported:
    """Export the staged `checkpoint` in every form, and keep those inside the quality budget.

    Graphs are written under its `runtime/`; those of refused variants are removed again.
    Raises `ExportError` where the fp32 graph is not true to the model.
    """
    candidates = _export(checkpoint, model)
    with TemporaryDirectory(prefix="molt-proof-") as cache:
        reference = model.probe_vectors()
        proven = prove(checkpoint, candidates, reference=reference, cache=Path(cache))
    kept = _keep(checkpoint.path, proven)
    if model.is_static:
        kept = kept[-1:]  # as fast as the larger one, since reading the text takes the time
        _remove_others(checkpoint.path, kept)
    return Exported(kept, model.references())


def _export(checkpoint: Checkpoint, model: ExportableModel) -> list[Variant]:
    root = checkpoint.path
    (root / "runtime").mkdir()
    model.write_graph(root / _FP32, pooling=checkpoint.pooling)
    if not model.is_static:
        return _transformer_variants(checkpoint)
    candidates = [_candidate(root, runtime="onnx", precision="fp32", graph=_FP32)]
    if quantise_table(root / _FP32, root / _INT8):
        candidates.append(_candidate(root, runtime="onnx", precision="int8", graph=_INT8))
    return candidates


def _transformer_variants(checkpoint: Checkpoint) -> list[Variant]:
    """Every form of a transformer whose fp32 graph is written."""
    root = checkpoint.path
    candidates = [_candidate(root, runtime="onnx", precision="fp32", graph=_FP32)]
    with TemporaryDirectory(prefix="molt-smooth-") as folder:
        feeds = sample_feeds(checkpoint)
        smoothed = Path(folder) / "smoothed.onnx"
        smooth(root / _FP32, smoothed, feeds=feeds)
        quantise(smoothed, root / _INT8)
        candidates.append(_candidate(root, runtime="onnx", precision="int8", graph=_INT8))
        if openvino.openvino_available():
            graph = _OPENVINO_INT8
            openvino.quantise_for_openvino(smoothed, root / graph, feeds=feeds)
            candidates.append(_candidate(root, runtime="openvino", precision="int8", graph=graph))
    if openvino.openvino_available() and openvino.openvino_has_bf16():
        candidates.append(_candidate(root, runtime="openvino", precision="bf16", graph=_FP32))
    return candidates


def _candidate(
    root: Path,
    *,
    runtime: Literal["onnx", "openvino"],
    precision: Literal["fp32", "bf16", "int8"],
    graph: str,
) -> Variant:
    return Variant(
        name=f"{runtime}-{precision}",
        runtime=runtime,
        precision=precision,
        graph=graph,
        fidelity=_UNKNOWN,
        texts_per_second=0.0,
        host="",
        size=sum(path.stat().st_size for path in _files(root, graph)),
    )


def _keep(root: Path, proven: Sequence[Variant]) -> tuple[Variant, ...]:
    kept = tuple(variant for variant in proven if variant.within_budget)
    if "onnx-fp32" not in [variant.name for variant in kept]:
        raise ExportError(
            f"the exported graph is not true to the model: {proven[0].fidelity}; "
            "nothing was published"
        )
    for variant in proven:
        if variant not in kept:
            logger.warning("%s is outside the quality budget: %s", variant.name, variant.fidelity)
    _remove_others(root, kept)
    return kept


def _remove_others(root: Path, kept: Sequence[Variant]) -> None:
    used = {path for variant in kept for path in _files(root, variant.graph)}
    for path in set((root / "runtime").iterdir()) - used:
        path.unlink()


def _files(root: Path, graph: str) -> list[Path]:
    """The graph, and the weights beside it where its format keeps them apart."""
    path = root / graph
    return [path, path.with_suffix(".bin")] if path.suffix == ".xml" else [path]
