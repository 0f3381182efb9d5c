"""The check of a whole home: its catalog, its checkpoints, its generations, and how they agree.

Repairs nothing. What makes a checkpoint sound is the caller's to say: this
part does not know encoders.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np

from molt.artifact import ArtifactError, Home
from molt.index.catalog.catalog import Catalog, home_url, open_catalog
from molt.index.catalog.collections import Collection
from molt.index.catalog.liveness import Liveness
from molt.index.errors import CatalogError, GenerationError, GenerationNotFoundError
from molt.index.generations.generation import SEGMENTS, GenerationManifest, GenerationStore
from molt.index.generations.live_rows import live_rows
from molt.index.generations.occupancy import hold_reading
from molt.index.segments.segment import ROW, Segment, open_segment


class Severity(StrEnum):
    """`DAMAGE` needs somebody; a `LEFTOVER` only takes space, and may be of work under way."""

    DAMAGE = "damage"
    LEFTOVER = "leftover"


@dataclass(frozen=True)
class HomeProblem:
    """What is wrong, and where."""

    path: Path
    what: str
    severity: Severity = Severity.DAMAGE


FindFlaw = Callable[[Path], str | None]
_ATTEMPTS = 3


def check_home(
    home: Home, *, find_flaw: FindFlaw, catalog_url: str | None = None
) -> list[HomeProblem]:
    """Every problem of a home, with all of its files read and hashed; it may be in use meanwhile.

    `find_flaw` says what is wrong with the checkpoint in a directory, or None. Without
    `catalog_url`, the catalog is the SQLite one inside the home.
    """
    problems = list(_check_checkpoints(home.checkpoints, find_flaw))
    if catalog_url is None and not (home.catalog).exists():
        return problems + _without_catalog(home)
    try:
        catalog = open_catalog(catalog_url or home_url(home.root))
    except CatalogError as error:
        return [*problems, HomeProblem(home.catalog, str(error))]
    try:
        return problems + _check_catalog(home, catalog)
    except CatalogError as error:
        return [*problems, HomeProblem(home.catalog, str(error))]
    finally:
        catalog.close()


def _without_catalog(home: Home) -> list[HomeProblem]:
    if not GenerationStore(home.generations).ids():
        return []  # a new home
    return [HomeProblem(home.catalog, "is missing, but there are generations; restore a backup")]


def _check_checkpoints(root: Path, find_flaw: FindFlaw) -> Iterator[HomeProblem]:
    for path in _entries(root):
        if path.name.startswith("."):
            yield _unfinished(path)
        elif (flaw := find_flaw(path)) is not None:
            yield HomeProblem(path, flaw)


def _check_catalog(home: Home, catalog: Catalog) -> list[HomeProblem]:
    store = GenerationStore(home.generations)
    problems = [HomeProblem(home.catalog, flaw) for flaw in catalog.database.damage()]
    problems += [
        _missing_generation(store, collection)
        for collection in catalog.collections.list()
        if collection.generation not in {None, *store.ids()}
    ]
    for path in _entries(store.root):
        if path.name in store.ids():
            problems += _check_generation(home, catalog, path.name)
        else:
            problems.append(_unfinished(path))
    return problems


def _check_generation(home: Home, catalog: Catalog, generation_id: str) -> list[HomeProblem]:
    store = GenerationStore(home.generations)
    problems: list[HomeProblem] = []
    try:
        hold = hold_reading(store.path(generation_id))
    except GenerationNotFoundError:
        return []  # it was collected meanwhile
    for _ in range(_ATTEMPTS):
        try:
            manifest = store.read(generation_id)
            problems = list(_examine(home, catalog, manifest))
            if not problems or store.read(generation_id) == manifest:
                break  # else somebody sealed or merged segments while they were read
        except (ArtifactError, GenerationError) as error:
            problems = [HomeProblem(store.root / generation_id, str(error))]
            break
    if hold is not None:
        hold.release()
    return problems


def _examine(home: Home, catalog: Catalog, manifest: GenerationManifest) -> Iterator[HomeProblem]:
    path = home.generations / manifest.id
    if not (home.checkpoints / manifest.checkpoint).is_dir():
        yield HomeProblem(path, f"needs the checkpoint {manifest.checkpoint}, which is missing")
    segments: list[Segment] = []
    for entry in manifest.segments:
        try:
            segment = open_segment(path / SEGMENTS / entry.id, entry, dimension=manifest.dimension)
            segments.append(segment)
        except ArtifactError as error:
            yield HomeProblem(path / SEGMENTS / entry.id, str(error))
    owner = {one.id: one for one in catalog.collections.list()}.get(manifest.collection)
    if owner is None:
        yield HomeProblem(path, "belongs to no collection; remove it", Severity.LEFTOVER)
    elif len(segments) == len(manifest.segments):
        liveness = catalog.documents.liveness(owner)
        yield from _check_coverage(path, manifest, segments=segments, liveness=liveness)
    named = {entry.id for entry in manifest.segments}
    for stray in _entries(path / SEGMENTS):
        if stray.name not in named:
            yield _unfinished(stray)


def _missing_generation(store: GenerationStore, collection: Collection) -> HomeProblem:
    return HomeProblem(
        store.root / str(collection.generation),
        f"is missing, but the collection {collection.name!r} points at it; re-index, or roll back "
        "to a generation that is there",
    )


def _unfinished(path: Path) -> HomeProblem:
    what = "is named by nothing: a write was interrupted, or is under way"
    return HomeProblem(path, what, Severity.LEFTOVER)


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _check_coverage(
    path: Path, manifest: GenerationManifest, *, segments: Sequence[Segment], liveness: Liveness
) -> Iterator[HomeProblem]:
    """Find live documents without a row, and passages that would answer twice.

    `liveness` is the full one, read after the manifest.
    """
    if manifest.revision > liveness.revision:
        yield HomeProblem(
            path,
            f"is complete up to revision {manifest.revision}, but the catalog is at "
            f"{liveness.revision}: restore the catalog that belongs to it, or re-index",
        )
        return
    scopes = live_rows(segments, liveness, indexed_revision=manifest.revision).scopes
    live = [scope.segment.rows[scope.rows] for scope in scopes]
    rows = np.concatenate([np.empty(0, ROW), *live])
    indexed = liveness.ordinals[liveness.revisions <= manifest.revision]
    missing = np.setdiff1d(indexed, rows["ordinal"])
    if len(missing):
        first = f"the first at ordinal {missing[0]}"
        yield HomeProblem(path, f"has no row for {len(missing)} live documents, {first}: re-index")
    _, counts = np.unique(rows[["ordinal", "passage"]], return_counts=True)
    if (counts > 1).any():
        yield HomeProblem(
            path, f"answers twice for {np.count_nonzero(counts > 1)} passages: re-index"
        )
