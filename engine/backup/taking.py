"""Taking: the files of a home into the objects of a repository, each against its checksum.

A file that is damaged is left out and named; the rest is kept.
"""

from collections.abc import Callable
from pathlib import Path

from molt.artifact import ArtifactError, CorruptFileError, FileEntry
from molt.encoder.checkpoint import CHECKPOINT_MANIFEST
from molt.encoder.errors import EncoderError
from molt.encoder.store import CheckpointStore
from molt.engine.backup.manifest import CHECKPOINTS, GENERATIONS, REPORTS
from molt.engine.backup.objects import Objects
from molt.index.errors import GenerationNotFoundError
from molt.index.generations.generation import (
    GENERATION_MANIFEST,
    SEGMENTS,
    GenerationManifest,
    GenerationStore,
    write_generation,
)
from molt.index.generations.occupancy import hold_reading

_ATTEMPTS = 5


class Taken:
    """What has been copied of a home: `files` by their path in it, `problems` by theirs.

    `manifests` holds each generation that was looked for; None is one that is not there or cannot
    be read.
    """

    def __init__(self, home: Path, objects: Objects, copied: Callable[[int], None]) -> None:
        self.files: dict[str, FileEntry] = {}
        self.problems: dict[str, str] = {}
        self.manifests: dict[str, GenerationManifest | None] = {}
        self._home = home
        self._objects = objects
        self._copied = copied

    def take_generation(self, generation_id: str) -> None:
        """A generation with its segments, which nobody removes meanwhile; none where it has gone.

        Segments may be merged away while they are copied. Then the manifest is a newer one, which
        is begun anew with.
        """
        store = GenerationStore(self._home / GENERATIONS)
        self.manifests[generation_id] = None
        try:
            hold = hold_reading(store.path(generation_id))
            for _ in range(_ATTEMPTS):
                manifest = store.read(generation_id)
                files, problems = self._segments(manifest)
                if not problems or store.read(generation_id) == manifest:
                    break
            if hold is not None:
                hold.release()
        except GenerationNotFoundError:
            return
        except ArtifactError as error:
            self.problems[f"{GENERATIONS}/{generation_id}"] = str(error)
            return
        self.manifests[generation_id] = manifest
        self.problems |= problems
        self.files |= files | self._manifest(manifest)

    def take_checkpoint(self, checkpoint_id: str) -> None:
        """A checkpoint, which never changes."""
        folder = f"{CHECKPOINTS}/{checkpoint_id}"
        try:
            checkpoint = CheckpointStore(self._home / CHECKPOINTS).read(checkpoint_id)
        except (ArtifactError, EncoderError) as error:
            self.problems[folder] = str(error)
            return
        for name, expected in checkpoint.files.items():
            self.take(f"{folder}/{name}", expected)
        self.take(f"{folder}/{CHECKPOINT_MANIFEST}")

    def take_reports(self) -> None:
        """Every evaluation report; one that is being replaced is left to the next backup."""
        for path in sorted((self._home / REPORTS).glob("[!.]*/*")):
            name = path.relative_to(self._home).as_posix()
            self.take(name)
            if not path.exists():
                self.problems.pop(name, None)

    def take(self, path: str, expected: FileEntry | None = None) -> None:
        """One file, by its path in the home; where it is damaged, that is a problem."""
        before = self._objects.copied
        try:
            self.files[path] = self._objects.keep(self._home / path, expected)
        except CorruptFileError as error:
            self.problems[path] = str(error)
        self._copied(self._objects.copied - before)

    def _segments(
        self, manifest: GenerationManifest
    ) -> tuple[dict[str, FileEntry], dict[str, str]]:
        found = Taken(self._home, self._objects, self._copied)
        for entry in manifest.segments:
            for name, expected in entry.files.items():
                path = f"{GENERATIONS}/{manifest.id}/{SEGMENTS}/{entry.id}/{name}"
                found.take(path, expected)
        return found.files, found.problems

    def _manifest(self, manifest: GenerationManifest) -> dict[str, FileEntry]:
        """The manifest that was copied by, which may have been replaced since."""
        write_generation(self._objects.scratch, manifest)
        entry = self._objects.adopt(self._objects.scratch / GENERATION_MANIFEST)
        return {f"{GENERATIONS}/{manifest.id}/{GENERATION_MANIFEST}": entry}
