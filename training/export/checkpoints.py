"""Making a checkpoint: stage a model, export it, prove every variant, publish it whole."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from shutil import move
from tempfile import TemporaryDirectory
from typing import Any

from molt.artifact import faultpoint, hash_file
from molt.encoder import Checkpoint, CheckpointStore, Pooling, Prompts
from molt.encoder.checkpoint import MANIFEST, checkpoint_id, write_checkpoint
from molt.training.export.card import write_card
from molt.training.export.hub import fetch
from molt.training.export.source import Source, read_source
from molt.training.export.staging import stage
from molt.training.export.variants import make_variants


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
) -> Checkpoint:
    """Make a checkpoint of a model directory, or of a model of the hub by its name.

    Pooling, prompts and maximum length override what the model says. Where the store has this
    very checkpoint already, that one is returned. Raises `SourceError`, `UnsafeCheckpointError`
    and `ExportError`; the store is then as it was.
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
            _publish(read, staged, store=store, identity=identity, provenance=provenance)
    return store.open(identity)


def _local(source: Path | str, target: Path) -> Path:
    path = Path(source)
    if path.is_dir():
        return path
    fetch(str(source), target)
    return target


def _identity(source: Source, staged: Path) -> str:
    return checkpoint_id(
        {path.name: hash_file(path) for path in staged.iterdir() if path.is_file()},
        pooling=source.pooling,
        prompts=source.prompts,
        max_length=source.max_length,
    )


def _publish(
    source: Source, staged: Path, *, store: CheckpointStore, identity: str, provenance: Provenance
) -> None:
    with store.publish(identity) as working:
        for path in staged.iterdir():
            move(path, working / path.name)
        checkpoint = Checkpoint(
            path=working,
            id=identity,
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
        write_card(checkpoint, source=source.path)
        variants = make_variants(checkpoint)
        write_checkpoint(replace(checkpoint, variants=variants, files=_entries(working)))
        faultpoint("checkpoint.staged")


def _entries(root: Path) -> dict[str, Any]:
    return {
        path.relative_to(root).as_posix(): hash_file(path)
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name != MANIFEST
    }
