"""The check of a whole home: its catalog, its checkpoints, its generations, and how they agree.

Repairs nothing. What makes a checkpoint sound is the caller's to say: this
part does not know encoders.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from molt.artifact import ArtifactError
from molt.index.catalog.catalog import CATALOG, Catalog, home_url, open_catalog
from molt.index.catalog.collections import Collection
from molt.index.errors import CatalogError, GenerationError, GenerationNotFoundError
from molt.index.generations.coverage import check_coverage
from molt.index.generations.generation import SEGMENTS, GenerationManifest, GenerationStore
from molt.index.generations.occupancy import hold_reading
from molt.index.generations.problem import Problem, Severity
from molt.index.segments.segment import Segment, open_segment

FindFlaw = Callable[[Path], str | None]
_ATTEMPTS = 3


def check_home(home: Path, *, find_flaw: FindFlaw, catalog_url: str | None = None) -> list[Problem]:
    """Every problem of a home, with all of its files read and hashed; it may be in use meanwhile.

    `find_flaw` says what is wrong with the checkpoint in a directory, or None. Without
    `catalog_url`, the catalog is the SQLite one inside the home.
    """
    problems = list(_check_checkpoints(home / "checkpoints", find_flaw))
    if catalog_url is None and not (home / CATALOG).exists():
        return problems + _without_catalog(home)
    try:
        catalog = open_catalog(catalog_url or home_url(home))
    except CatalogError as error:
        return [*problems, Problem(home / CATALOG, str(error))]
    try:
        return problems + _check_catalog(home, catalog)
    except CatalogError as error:
        return [*problems, Problem(home / CATALOG, str(error))]
    finally:
        catalog.close()


def _without_catalog(home: Path) -> list[Problem]:
    if not GenerationStore(home / "generations").ids():
        return []  # a new home
    return [Problem(home / CATALOG, "is missing, but there are generations; restore a backup")]


def _check_checkpoints(root: Path, find_flaw: FindFlaw) -> Iterator[Problem]:
    for path in _entries(root):
        if path.name.startswith("."):
            yield _unfinished(path)
        elif (flaw := find_flaw(path)) is not None:
            yield Problem(path, flaw)


def _check_catalog(home: Path, catalog: Catalog) -> list[Problem]:
    store = GenerationStore(home / "generations")
    problems = [Problem(home / CATALOG, flaw) for flaw in catalog.database.damage()]
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


def _check_generation(home: Path, catalog: Catalog, generation_id: str) -> list[Problem]:
    store = GenerationStore(home / "generations")
    problems: list[Problem] = []
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
            problems = [Problem(store.root / generation_id, str(error))]
            break
    if hold is not None:
        hold.release()
    return problems


def _examine(home: Path, catalog: Catalog, manifest: GenerationManifest) -> Iterator[Problem]:
    path = home / "generations" / manifest.id
    if not (home / "checkpoints" / manifest.checkpoint).is_dir():
        yield Problem(path, f"needs the checkpoint {manifest.checkpoint}, which is missing")
    segments: list[Segment] = []
    for entry in manifest.segments:
        try:
            segment = open_segment(path / SEGMENTS / entry.id, entry, dimension=manifest.dimension)
            segments.append(segment)
        except ArtifactError as error:
            yield Problem(path / SEGMENTS / entry.id, str(error))
    owner = {one.id: one for one in catalog.collections.list()}.get(manifest.collection)
    if owner is None:
        yield Problem(path, "belongs to no collection; remove it", Severity.LEFTOVER)
    elif len(segments) == len(manifest.segments):
        liveness = catalog.documents.liveness(owner)
        yield from check_coverage(path, manifest, segments=segments, liveness=liveness)
    named = {entry.id for entry in manifest.segments}
    for stray in _entries(path / SEGMENTS):
        if stray.name not in named:
            yield _unfinished(stray)


def _missing_generation(store: GenerationStore, collection: Collection) -> Problem:
    return Problem(
        store.root / str(collection.generation),
        f"is missing, but the collection {collection.name!r} points at it; re-index, or roll back "
        "to a generation that is there",
    )


def _unfinished(path: Path) -> Problem:
    what = "is named by nothing: a write was interrupted, or is under way"
    return Problem(path, what, Severity.LEFTOVER)


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []
