"""A checkpoint: one encoder on disk, described and vouched for by its `checkpoint.json`.

Owns the manifest and what it says. Which files may lie beside it is `allowlist`'s; where
checkpoints are kept is `store`'s; nothing here loads a model.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, TypeAdapter, ValidationError

from molt.artifact import (
    FileEntry,
    canonical_json,
    read_manifest,
    verify_file,
    write_manifest,
)
from molt.artifact.wording import plainly
from molt.encoder.allowlist import check_checkpoint_files, check_listed, is_graph
from molt.encoder.content import (
    STATIC,
    check_settings,
    is_cross_encoder,
    is_deep,
    model_type,
)
from molt.encoder.errors import MissingCapabilityError, UnsafeCheckpointError
from molt.encoder.kind import Capability, ModelKind, fits
from molt.encoder.safety.contents import check_finished
from molt.encoder.safety.fidelity import Fidelity, PairFidelity
from molt.encoder.safety.reference import Reference

CHECKPOINT_MANIFEST = "checkpoint.json"
CHECKPOINT_FORMAT = 2

GATE = "gate"
"""Under this name the metrics of a checkpoint say whether it passed the gate of its training."""
_WITHOUT_KIND = 1  # the format whose manifests name neither kind nor capabilities
_Dimension = Annotated[int, Field(ge=1, le=65_536)]
_Length = Annotated[int, Field(ge=1, le=1_048_576)]
_Prompt = Annotated[str, Field(max_length=4096)]


class Pooling(StrEnum):
    """How token vectors become one vector."""

    MEAN = "mean"
    CLS = "cls"


class InputType(StrEnum):
    """What a text is to the search; each has its own prompt."""

    QUERY = "query"
    DOCUMENT = "document"


@dataclass(frozen=True)
class Prompts:
    """What is put before a text, by its input type."""

    query: _Prompt = ""
    document: _Prompt = ""

    def of(self, input_type: InputType) -> str:
        """The prompt of one input type."""
        return self.query if input_type is InputType.QUERY else self.document


@dataclass(frozen=True)
class Variant:
    """One exported graph and the runtime that serves it, with its measured truth and speed.

    `graph` is a path relative to the checkpoint, `size` the bytes of that graph,
    `texts_per_second` was measured on one core of the host whose fingerprint is `host`.
    """

    name: str
    runtime: Literal["onnx", "openvino"]
    precision: Literal["fp32", "bf16", "int8"]
    graph: str
    fidelity: Fidelity | PairFidelity
    texts_per_second: float
    host: str
    size: Annotated[int, Field(ge=0, lt=2**63)]

    @property
    def within_budget(self) -> bool:
        """Whether it is true enough to fp32 to be served."""
        return self.fidelity.within_budget


@dataclass(frozen=True)
class Checkpoint:
    """An encoder on disk. Vectors are `(n, dimension) float32`, L2-normalised.

    A cross-encoder makes scores of pairs instead, from states of `dimension` numbers. One that an
    earlier version made has no `references`.
    """

    path: Path
    id: str
    created_at: AwareDatetime
    base_model: str
    dimension: _Dimension
    pooling: Pooling
    prompts: Prompts
    max_length: _Length
    files: Mapping[str, FileEntry]
    variants: tuple[Variant, ...]
    kind: ModelKind = ModelKind.BI_ENCODER
    capabilities: tuple[Capability, ...] = (Capability.EMBED,)
    parent: str | None = None
    references: tuple[Reference, ...] = ()
    training: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes on disk of every file that the manifest lists."""
        return sum(entry.size for entry in self.files.values())

    @property
    def passed_gate(self) -> bool:
        """Whether its training found that it is worth serving, and wrote that down."""
        said = self.metrics.get(GATE)
        return isinstance(said, Mapping) and said.get("accepted") is True

    def require(self, capability: Capability) -> None:
        """Raise `MissingCapabilityError`, which says what to do, where it cannot do that."""
        if capability not in self.capabilities:
            raise MissingCapabilityError(f"checkpoint {self.id} {_missing(self, capability)}")


_SCHEMA: TypeAdapter[Checkpoint] = TypeAdapter(Checkpoint)
_DEFINING_FILES = ("config.json", "model.safetensors", "tokenizer.json")


def checkpoint_id(
    files: Mapping[str, FileEntry], *, pooling: Pooling, prompts: Prompts, max_length: int
) -> str:
    """16 hex digits over everything that defines the fp32 vectors, and over nothing else."""
    body = {
        "files": {name: files[name].sha256 for name in _DEFINING_FILES},
        "pooling": pooling,
        "prompts": {"query": prompts.query, "document": prompts.document},
        "max_length": max_length,
    }
    return hashlib.sha256(canonical_json(body)).hexdigest()[:16]


def write_checkpoint(checkpoint: Checkpoint) -> None:
    """Write the manifest of `checkpoint` into its directory, durably."""
    body = _SCHEMA.dump_python(checkpoint, mode="json", exclude={"path"})
    write_manifest(checkpoint.path / CHECKPOINT_MANIFEST, {"format": CHECKPOINT_FORMAT} | body)


def read_checkpoint(path: Path) -> Checkpoint:
    """Read the manifest alone; the other files are neither hashed nor, of format 2 on, opened.

    Raises `CorruptFileError` and `UnsupportedFormatError` of `molt.artifact`, and
    `UnsafeCheckpointError` where the manifest describes no checkpoint that Molt can serve.
    """
    body = read_manifest(path / CHECKPOINT_MANIFEST, supported=CHECKPOINT_FORMAT)
    if is_deep(body):
        raise UnsafeCheckpointError(
            path / CHECKPOINT_MANIFEST, "nests deeper than any that Molt writes"
        )
    if body["format"] == _WITHOUT_KIND:
        body |= {"kind": _kind_of(path), "capabilities": [Capability.EMBED]}
    for name in ("kind", "capabilities"):
        if name not in body:
            raise UnsafeCheckpointError(path / CHECKPOINT_MANIFEST, f"{name}: Field required")
    try:
        checkpoint = _SCHEMA.validate_python(body | {"path": path})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise UnsafeCheckpointError(
            path / CHECKPOINT_MANIFEST, f"{where}: {plainly(first['msg'])}"
        ) from None
    _check_consistency(checkpoint)
    return checkpoint


def open_checkpoint(path: Path) -> Checkpoint:
    """Check every file against the allow-list, the manifest and its SHA-256.

    Raises as `read_checkpoint` does, and for each file that is missing, altered, not listed
    or not allowed. Nothing is loaded before all of it holds.
    """
    found = check_checkpoint_files(path)
    checkpoint = read_checkpoint(path)
    check_listed(path, found, listed=checkpoint.files)
    for name, entry in checkpoint.files.items():
        verify_file(path / name, entry)
    check_finished(path)
    check_settings(path, max_length=checkpoint.max_length)
    if not _is_of_its_kind(checkpoint):
        raise UnsafeCheckpointError(
            path / CHECKPOINT_MANIFEST, f"says it is {checkpoint.kind} and is not"
        )
    return checkpoint


def _kind_of(path: Path) -> ModelKind:
    """What a model that embeds is by its configuration, which need not be sound."""
    static = model_type(path) == STATIC
    return ModelKind.STATIC if static else ModelKind.BI_ENCODER


def _is_of_its_kind(checkpoint: Checkpoint) -> bool:
    """Whether the files are of such a model as the manifest says."""
    if checkpoint.kind is ModelKind.CROSS_ENCODER:
        return is_cross_encoder(checkpoint.path)
    return checkpoint.kind is _kind_of(checkpoint.path)


def _missing(checkpoint: Checkpoint, capability: Capability) -> str:
    if checkpoint.kind is ModelKind.CROSS_ENCODER:
        return (
            "is a cross-encoder, which scores pairs and makes no vectors: ask it to re-rank, and "
            "choose a bi-encoder here"
        )
    if capability is Capability.TOKENS:
        return (
            "has no token vectors: it was exported by an earlier version; "
            f"export it again with `molt checkpoints upgrade {checkpoint.id}`"
        )
    return f"is a {checkpoint.kind}, which cannot {capability}; choose another one"


def _check_consistency(checkpoint: Checkpoint) -> None:
    """What the types cannot say: names are listed files, and the id is that of the content."""
    manifest = checkpoint.path / CHECKPOINT_MANIFEST
    if not fits(checkpoint.kind, checkpoint.capabilities):
        can = ", ".join(checkpoint.capabilities) or "nothing"
        raise UnsafeCheckpointError(manifest, f"says that a {checkpoint.kind} can do {can}")
    missing = {*_DEFINING_FILES, *(variant.graph for variant in checkpoint.variants)}
    missing -= checkpoint.files.keys()
    if missing:
        raise UnsafeCheckpointError(manifest, f"does not list {sorted(missing)[0]}")
    if not all(is_graph(variant.graph) for variant in checkpoint.variants):
        raise UnsafeCheckpointError(manifest, "names a graph that is no graph")
    expected = checkpoint_id(
        checkpoint.files,
        pooling=checkpoint.pooling,
        prompts=checkpoint.prompts,
        max_length=checkpoint.max_length,
    )
    if checkpoint.id != expected:
        raise UnsafeCheckpointError(manifest, f"says id {checkpoint.id}, its content is {expected}")
