"""The store: where the checkpoints of one home lie, by id. Owns no part of their content."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from uuid import uuid4

from molt.artifact import publish_directory, published_ids
from molt.encoder.checkpoint import MANIFEST, Checkpoint, open_checkpoint, read_checkpoint
from molt.encoder.errors import (
    CheckpointExistsError,
    CheckpointNotFoundError,
    UnsafeCheckpointError,
)

_ID = re.compile(r"[0-9a-f]{16}")


class CheckpointStore:
    """Checkpoints under `root`, each in a directory named by its id."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def ids(self) -> list[str]:
        """The ids of all published checkpoints, sorted; nothing is read."""
        return published_ids(self.root, _ID)

    def path(self, checkpoint_id: str) -> Path:
        """Where a checkpoint lies. Raises `CheckpointNotFoundError`."""
        path = self.root / checkpoint_id
        if not _ID.fullmatch(checkpoint_id) or not (path / MANIFEST).exists():
            raise CheckpointNotFoundError(
                f"no checkpoint {checkpoint_id!r} under {self.root}; "
                f"there are {', '.join(self.ids()) or 'none'}"
            )
        return path

    def read(self, checkpoint_id: str) -> Checkpoint:
        """The manifest alone; raises as `path` and `read_checkpoint` do."""
        return _named(read_checkpoint(self.path(checkpoint_id)), checkpoint_id)

    def open(self, checkpoint_id: str) -> Checkpoint:
        """A checkpoint with every file verified; raises as `path` and `open_checkpoint` do."""
        return _named(open_checkpoint(self.path(checkpoint_id)), checkpoint_id)

    def list(self) -> list[Checkpoint]:
        """Every manifest, oldest first; raises where one of them cannot be read."""
        return sorted(map(self.read, self.ids()), key=lambda checkpoint: checkpoint.created_at)

    @contextmanager
    def publish(self, checkpoint_id: str) -> Iterator[Path]:
        """Yield a fresh directory to fill; on success it appears whole as `checkpoint_id`.

        Raises `CheckpointExistsError` where that id is taken.
        """
        try:
            with publish_directory(self.root / checkpoint_id) as working:
                yield working
        except FileExistsError:
            raise CheckpointExistsError(f"checkpoint {checkpoint_id} is in the store") from None

    def remove(self, checkpoint_id: str) -> None:
        """Delete a checkpoint; whoever serves it must have let go of it before."""
        path = self.path(checkpoint_id)
        doomed = path.with_name(f".{checkpoint_id}.{uuid4().hex}")
        path.rename(doomed)
        rmtree(doomed)


def _named(checkpoint: Checkpoint, checkpoint_id: str) -> Checkpoint:
    if checkpoint.id != checkpoint_id:
        raise UnsafeCheckpointError(
            checkpoint.path / MANIFEST, f"is the manifest of {checkpoint.id}, not of its directory"
        )
    return checkpoint
