"""Making a checkpoint: stage a model, export it, prove every variant, publish it whole."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from shutil import copyfile, move
from tempfile import TemporaryDirectory
from typing import Any

from molt.artifact import faultpoint, hash_file
from molt.encoder import Capability, Checkpoint, CheckpointStore, ModelKind, Pooling, Prompts
from molt.encoder.checkpoint import (
    CHECKPOINT_MANIFEST,
    checkpoint_id,
    open_checkpoint,
    write_checkpoint,
)
from molt.training.export.card import write_card
from molt.training.export.source import ModelSource, read_source
from molt.training.export.staging import stage
from molt.training.export.variants import (
    ExportableModel,
    Exported,
    make_pair_variants,
    make_variants,
)

ModelLoader = Callable[[Path], ExportableModel]
"""Loads the model of a staged checkpoint's directory."""

_EXPORTED = (Capability.EMBED, Capability.TOKENS)
_CAPABILITIES = {
    ModelKind.BI_ENCODER: _EXPORTED,
    ModelKind.STATIC: _EXPORTED,
    ModelKind.CROSS_ENCODER: (Capability.RERANK,),
}


@dataclass(frozen=True)
class Provenance:
    """Where a checkpoint comes from; recorded in its manifest, no part of its id."""

    base_model: str
    parent: str | None = None
    training: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)


def make_checkpoint(  # noqa: PLR0913 - overrides, each optional and by name
    source: Path | str,
    *,
    store: CheckpointStore,
    pooling: Pooling | None = None,
    prompts: Prompts | None = None,
    max_length: int | None = None,
    provenance: Provenance | None = None,
    load: ModelLoader | None = None,
) -> Checkpoint:
    """Make a checkpoint of a model directory, or of a model of the hub by its name.

    Pooling, prompts and maximum length override what the model says; `load` stands in for
    sentence-transformers. Where the store has this very checkpoint already, that one is returned.
    Raises `SourceError`, `UnsafeCheckpointError` and `ExportError`; the store is then as it was.
    """
    store.root.mkdir(parents=True, exist_ok=True)
    provenance = provenance or Provenance(base_model=str(source))
    with TemporaryDirectory(dir=store.root, prefix=".making-") as folder:
        path = _local(source, Path(folder) / "fetched")
        read = read_source(path, pooling=pooling, prompts=prompts, max_length=max_length)
        staged = Path(folder) / "staged"
        staged.mkdir()
        stage(read, staged)
        identity = _identity(read, staged)
        if identity not in store.ids():
            unsealed = _described(read, staged, identity=identity, provenance=provenance)
            with store.publish(identity) as working:
                _publish(unsealed, working, source=path, load=load)
    return store.open(identity)


def _local(source: Path | str, target: Path) -> Path:
    path = Path(source)
    if path.is_dir():
        return path
    from molt.training.export.hub import fetch  # noqa: PLC0415 - most models are here already

    fetch(str(source), target)
    return target


def _identity(source: ModelSource, staged: Path) -> str:
    return checkpoint_id(
        {path.name: hash_file(path) for path in staged.iterdir() if path.is_file()},
        pooling=source.pooling,
        prompts=source.prompts,
        max_length=source.max_length,
    )


def _described(
    source: ModelSource, staged: Path, *, identity: str, provenance: Provenance
) -> Checkpoint:
    """What is known of a checkpoint before it is exported."""
    return Checkpoint(
        path=staged,
        id=identity,
        kind=source.kind,
        capabilities=_CAPABILITIES[source.kind],
        created_at=datetime.now(UTC),
        base_model=provenance.base_model,
        dimension=source.dimension,
        pooling=source.pooling,
        prompts=source.prompts,
        max_length=source.max_length,
        files={},
        variants=(),
        parent=provenance.parent,
        training=provenance.training,
        data=provenance.data,
        metrics=provenance.metrics,
    )


def _publish(
    unsealed: Checkpoint, working: Path, *, source: Path, load: ModelLoader | None
) -> None:
    """Move what is staged into `working`, and make a checkpoint of it there."""
    for path in unsealed.path.iterdir():
        move(path, working / path.name)
    checkpoint = replace(unsealed, path=working)
    write_card(checkpoint, source=source)
    _seal(checkpoint, load=load)
    faultpoint("checkpoint.staged")


def upgrade_checkpoint(checkpoint_id: str, *, store: CheckpointStore) -> Checkpoint:
    """Export a checkpoint again from its own weights, as this version does, under the same id.

    Everything else about it stays. The new one takes the old one's place at once, and only when it
    is whole and proven. Raises as `CheckpointStore.open` does, and `ExportError`; the store is then
    as it was.
    """
    old = store.open(checkpoint_id)
    with store.replace(checkpoint_id) as working:
        for name in old.files:
            if not name.startswith("runtime/"):
                (working / name).parent.mkdir(exist_ok=True)
                copyfile(old.path / name, working / name)
        staged = replace(old, path=working, capabilities=_CAPABILITIES[old.kind])
        _seal(staged)
        open_checkpoint(working)
        faultpoint("checkpoint.staged")
    return store.open(checkpoint_id)


def _seal(staged: Checkpoint, *, load: ModelLoader | None = None) -> None:
    """Export what lies in the directory of `staged`, and write the manifest of all of it."""
    made = _exported(staged, load)
    write_checkpoint(
        replace(
            staged,
            variants=made.variants,
            references=made.references,
            files=_entries(staged.path),
        )
    )


def _exported(staged: Checkpoint, load: ModelLoader | None) -> Exported:
    if staged.kind is ModelKind.CROSS_ENCODER:
        from molt.training.export.pair_graph import LoadedCrossEncoder  # noqa: PLC0415 - torch

        return make_pair_variants(staged, LoadedCrossEncoder(staged))
    if load is None:
        from molt.training.export.loaded import LoadedModel  # noqa: PLC0415 - loads torch

        load = LoadedModel
    return make_variants(staged, load(staged.path))


def _entries(root: Path) -> dict[str, Any]:
    return {
        path.relative_to(root).as_posix(): hash_file(path)
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name != CHECKPOINT_MANIFEST
    }
