"""The store: where the checkpoints of one home lie, by id. Owns no part of their content."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfile, rmtree
from uuid import uuid4

from molt.artifact import (
    ArtifactError,
    CorruptFileError,
    publish_directory,
    published_ids,
    replace_directory,
    sweep_hidden,
)
from molt.encoder.checkpoint import (
    CHECKPOINT_MANIFEST,
    Checkpoint,
    open_checkpoint,
    read_checkpoint,
)
from molt.encoder.errors import (
    CheckpointExistsError,
    CheckpointNotFoundError,
    EncoderError,
    UnfinishedCheckpointError,
    UnsafeCheckpointError,
)

_ID = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class Survey:
    """What a store holds: the checkpoints, oldest first, and why others cannot be read, by id."""

    checkpoints: tuple[Checkpoint, ...]
    problems: dict[str, str]


@dataclass(frozen=True)
class Added:
    """A checkpoint that is in the store now; was it `new` there?"""

    checkpoint: Checkpoint
    new: bool


TryOut = Callable[[Checkpoint, Checkpoint | None], None]
"""Raises where a checkpoint is not to be added; is told the one of its id that is there already."""


def untried(checkpoint: Checkpoint, known: Checkpoint | None) -> None:
    """Add a checkpoint without trying it out: it is, when it is opened."""


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
        if not _ID.fullmatch(checkpoint_id) or not path.is_dir():
            raise CheckpointNotFoundError(
                f"there is no checkpoint {checkpoint_id[:80]!r}; "
                "`molt checkpoints list` lists those there are"
            )
        return path

    def read(self, checkpoint_id: str) -> Checkpoint:
        """The manifest alone; raises as `path` and `read_checkpoint` do."""
        return _named(read_checkpoint(self.path(checkpoint_id)), checkpoint_id)

    def open(self, checkpoint_id: str) -> Checkpoint:
        """A checkpoint with every file verified; raises as `path` and `open_checkpoint` do."""
        path = self.path(checkpoint_id)
        before = _inode(path)
        try:
            return _named(open_checkpoint(path), checkpoint_id)
        except (CorruptFileError, UnsafeCheckpointError):
            if _inode(path) in {before, None}:
                raise
        return _named(open_checkpoint(path), checkpoint_id)  # it was replaced meanwhile

    def survey(self) -> Survey:
        """Read every manifest, and nothing else."""
        found, problems = [], {}
        for checkpoint_id in self.ids():
            try:
                found.append(self.read(checkpoint_id))
            except (ArtifactError, EncoderError, OSError) as error:
                if (self.root / checkpoint_id).is_dir():  # else it was removed meanwhile
                    problems[checkpoint_id] = str(error)
        return Survey(tuple(sorted(found, key=lambda each: each.created_at)), problems)

    def add(
        self,
        source: Path,
        *,
        carry: Callable[[Path, Path], object] = copyfile,
        try_out: TryOut = untried,
    ) -> Added:
        """Verify a finished checkpoint where it lies, `carry` its files here, and verify those.

        One that is here already stays, unless it is damaged or can do less: what an earlier version
        exported gives way to what this one did. Raises `UnfinishedCheckpointError` where the source
        has no manifest, as `open_checkpoint` does, and what `try_out` raises of the verified one.
        """
        if not (source / CHECKPOINT_MANIFEST).is_file():
            raise UnfinishedCheckpointError(
                f"this is no finished checkpoint: it has no {CHECKPOINT_MANIFEST}; "
                "make one of it with `molt checkpoints add PATH`"
            )
        checkpoint = open_checkpoint(source)
        try_out(checkpoint, self._known(checkpoint.id))
        self._discard_damaged(checkpoint.id)
        place = self.replace if self._has_lesser(checkpoint) else self.publish
        try:
            with place(checkpoint.id) as working:
                for name in (CHECKPOINT_MANIFEST, *checkpoint.files):
                    (working / name).parent.mkdir(parents=True, exist_ok=True)
                    carry(source / name, working / name)
                open_checkpoint(working)
        except CheckpointExistsError:
            return Added(self.read(checkpoint.id), new=False)
        return Added(self.read(checkpoint.id), new=True)

    def receiving_folder(self) -> Path:
        """Make a hidden directory for what is not trusted yet; whoever asks for it removes it."""
        folder = self.root / f".upload-{uuid4().hex}"
        folder.mkdir(parents=True)
        return folder

    def sweep_unfinished(self) -> list[Path]:
        """Remove what a crash left half made, half removed or half received over an hour ago."""
        return sweep_hidden(self.root)

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

    @contextmanager
    def replace(self, checkpoint_id: str) -> Iterator[Path]:
        """Yield a fresh directory to fill; on success it takes the place of a checkpoint at once.

        Whoever serves the old one goes on with the files that it has open. Raises as `path` does.
        """
        with replace_directory(self.path(checkpoint_id)) as working:
            yield working

    def remove(self, checkpoint_id: str) -> None:
        """Delete a checkpoint; whoever serves it must have let go of it before."""
        self.path(checkpoint_id)
        self._discard(checkpoint_id)

    def _known(self, checkpoint_id: str) -> Checkpoint | None:
        """The manifest of what is here under that id, if it can be read."""
        try:
            return self.read(checkpoint_id)
        except (ArtifactError, EncoderError):
            return None

    def _has_lesser(self, checkpoint: Checkpoint) -> bool:
        if checkpoint.id not in self.ids():
            return False
        return set(self.read(checkpoint.id).capabilities) < set(checkpoint.capabilities)

    def _discard_damaged(self, checkpoint_id: str) -> None:
        folder = self.root / checkpoint_id
        if not folder.is_dir():
            return
        try:
            _named(open_checkpoint(folder), checkpoint_id)
        except CorruptFileError:
            with suppress(FileNotFoundError):  # somebody else does the same
                self._discard(checkpoint_id)

    def _discard(self, checkpoint_id: str) -> None:
        doomed = self.root / f".{checkpoint_id}.{uuid4().hex}"
        (self.root / checkpoint_id).rename(doomed)
        rmtree(doomed)


def _inode(path: Path) -> int | None:
    """Which directory `path` is; None where there is none."""
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None


def _named(checkpoint: Checkpoint, checkpoint_id: str) -> Checkpoint:
    if checkpoint.id != checkpoint_id:
        raise UnsafeCheckpointError(
            checkpoint.path / CHECKPOINT_MANIFEST,
            f"is the manifest of {checkpoint.id}, not of its directory",
        )
    return checkpoint
