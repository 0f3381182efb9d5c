"""Generations: which segments make up the index of one collection under one checkpoint.

A generation is a directory with a manifest, `generation.json`, and its segments. Only what the
manifest names belongs to it: segments are published first and named afterwards, so a crash at any
point leaves a generation that opens, and strays that `sweep` removes. One process at a time writes
a generation; any number read it. What the segments hold is not known here.
"""

import re
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from shutil import rmtree
from typing import Any
from uuid import uuid4

from molt.artifact import (
    CorruptFileError,
    FileEntry,
    faultpoint,
    publish_directory,
    published_ids,
    read_manifest,
    sweep_hidden,
    sync_directory,
    write_manifest,
)
from molt.index.errors import GenerationNotFoundError, InvalidFieldError
from molt.index.passages.splitting import Splitting, parse_splitting
from molt.index.segments.segment import SegmentEntry

GENERATION_MANIFEST = "generation.json"
SEGMENTS = "segments"
GENERATION_FORMAT = 4
"""Since 2 a manifest names documents in quarantine; one of format 1 has none.

Since 3 new segments know integers exactly, ids, nulls and nested objects; those before tell by
their columns that they do not, and stay as they are until they are written anew.

Since 4 a graph may have nodes without rows, and nodes in another order than rows: it has grown;
and a manifest says how long texts are split."""

_ID = re.compile(r"[0-9a-f]{32}")
_CLAIM = re.compile(rb'"checkpoint":\s*"([0-9A-Za-z._-]+)"')


@dataclass(frozen=True)
class Quarantined:
    """A document that a generation has no row of at that `revision`: it cannot be encoded."""

    doc_id: str
    ordinal: int
    revision: int
    reason: str


@dataclass(frozen=True)
class GenerationManifest:
    """A generation on disk: `collection` is the collection's id, `checkpoint` its encoder's id.

    It is complete up to the catalog's `revision`: every change up to there is in `segments`, or in
    `quarantined`. Its documents have a passage for each part that `splitting` makes of them, or one
    each where that is None.
    """

    id: str
    collection: int
    checkpoint: str
    dimension: int
    created_at: datetime
    revision: int = 0
    segments: tuple[SegmentEntry, ...] = field(default=())
    quarantined: tuple[Quarantined, ...] = field(default=())
    splitting: Splitting | None = None

    @property
    def n_rows(self) -> int:
        """How many rows it holds, live and dead."""
        return sum(entry.n_rows for entry in self.segments)


def new_generation_id() -> str:
    """32 hex digits, at random."""
    return uuid4().hex


def write_generation(folder: Path, manifest: GenerationManifest) -> None:
    """Write the manifest of a generation into its directory; equal ones are equal bytes."""
    write_manifest(folder / GENERATION_MANIFEST, _body(manifest))


class GenerationStore:
    """Generations under `root`, each in a directory named by its id."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def ids(self) -> list[str]:
        """The ids of all generations, sorted; nothing is read."""
        return published_ids(self.root, _ID)

    def path(self, generation_id: str) -> Path:
        """Where a generation lies. Raises `GenerationNotFoundError`."""
        path = self.root / generation_id
        if not _ID.fullmatch(generation_id) or not path.is_dir():
            raise GenerationNotFoundError(
                f"no generation {generation_id!r} under {self.root}; "
                f"there are {', '.join(self.ids()) or 'none'}"
            )
        return path

    def segments_path(self, generation_id: str) -> Path:
        """Where the segments of a generation lie. Raises `GenerationNotFoundError`."""
        return self.path(generation_id) / SEGMENTS

    def create(
        self,
        *,
        collection: int,
        checkpoint: str,
        dimension: int,
        splitting: Splitting | None = None,
        generation_id: str | None = None,
    ) -> GenerationManifest:
        """Publish an empty generation, under a new id unless one is given (`new_generation_id`)."""
        manifest = GenerationManifest(
            id=generation_id or new_generation_id(),
            collection=collection,
            checkpoint=checkpoint,
            dimension=dimension,
            created_at=datetime.now(UTC),
            splitting=splitting,
        )
        with publish_directory(self.root / manifest.id) as folder:
            (folder / SEGMENTS).mkdir()
            write_generation(folder, manifest)
        return manifest

    def read(self, generation_id: str) -> GenerationManifest:
        """The manifest alone, checked.

        Raises `GenerationNotFoundError`, `CorruptFileError` or `UnsupportedFormatError`.
        """
        path = self.path(generation_id) / GENERATION_MANIFEST
        manifest = _manifest(path, read_manifest(path, supported=GENERATION_FORMAT))
        if manifest.id != generation_id:
            raise CorruptFileError(path, f"is the manifest of {manifest.id}, not of its directory")
        return manifest

    def claimed_checkpoint(self, generation_id: str) -> str | None:
        """The checkpoint that a manifest names although it cannot be trusted, or None.

        Whatever else in it is damaged, even so that it is no JSON any more.
        """
        try:
            damaged = (self.root / generation_id / GENERATION_MANIFEST).read_bytes()
        except OSError:
            return None
        claimed = _CLAIM.search(damaged)
        return claimed[1].decode() if claimed else None

    def publish(self, manifest: GenerationManifest) -> None:
        """Replace the manifest; from now on these segments make up the generation."""
        write_generation(self.path(manifest.id), manifest)
        faultpoint("generation.published")

    def remove(self, generation_id: str) -> None:
        """Delete a generation. Who has it open keeps reading what is mapped."""
        doomed = self.root / f".{generation_id}.{uuid4().hex}"
        self.path(generation_id).rename(doomed)
        sync_directory(self.root)
        faultpoint("collect.renamed")
        rmtree(doomed)

    def sweep(self, generation_id: str) -> list[Path]:
        """Remove what no manifest names from a generation that nobody else writes.

        Returns what was removed. Raises as `read` does.
        """
        named = {entry.id for entry in self.read(generation_id).segments}
        path = self.path(generation_id)
        strays = [entry for entry in (path / SEGMENTS).iterdir() if entry.name not in named]
        strays += [entry for entry in path.iterdir() if entry.name.startswith(".")]
        return _removed(strays)

    def sweep_unfinished(self) -> list[Path]:
        """Remove directories that a crash left half created or half removed over an hour ago."""
        return sweep_hidden(self.root)


def _removed(strays: list[Path]) -> list[Path]:
    for stray in strays:
        if stray.is_dir():
            rmtree(stray)
        else:
            stray.unlink()
    return strays


def _body(manifest: GenerationManifest) -> dict[str, Any]:
    splitting = manifest.splitting
    split = {} if splitting is None else {"splitting": splitting.describe()}
    return split | {
        "format": GENERATION_FORMAT,
        "id": manifest.id,
        "collection": manifest.collection,
        "checkpoint": manifest.checkpoint,
        "dimension": manifest.dimension,
        "created_at": manifest.created_at.isoformat(),
        "revision": manifest.revision,
        "segments": [
            {
                "id": entry.id,
                "n_rows": entry.n_rows,
                "files": {
                    name: {"size": file.size, "sha256": file.sha256}
                    for name, file in entry.files.items()
                },
            }
            for entry in manifest.segments
        ],
        "quarantined": [asdict(one) for one in manifest.quarantined],
    }


def _manifest(path: Path, body: dict[str, Any]) -> GenerationManifest:
    try:
        return GenerationManifest(
            id=body["id"],
            collection=body["collection"],
            checkpoint=body["checkpoint"],
            dimension=body["dimension"],
            created_at=datetime.fromisoformat(body["created_at"]),
            revision=body["revision"],
            segments=tuple(_entry(path, segment) for segment in body["segments"]),
            quarantined=tuple(Quarantined(**one) for one in body.get("quarantined", ())),
            splitting=parse_splitting(body["splitting"]) if "splitting" in body else None,
        )
    except (KeyError, TypeError, ValueError, AttributeError, InvalidFieldError) as error:
        raise CorruptFileError(path, f"the manifest lacks or misspells {error}") from None


def _entry(path: Path, body: dict[str, Any]) -> SegmentEntry:
    if not _ID.fullmatch(body["id"]):
        raise CorruptFileError(path, f"names a segment {body['id']!r}")
    files = {name: FileEntry(**file) for name, file in body["files"].items()}
    return SegmentEntry(body["id"], body["n_rows"], files)
