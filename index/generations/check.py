"""The check of a whole home: its catalog, its checkpoints, its generations, and how they agree.

Repairs nothing. What makes a checkpoint sound is the caller's to say: this
part does not know encoders.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from molt.artifact import ArtifactError, Home, reason_of
from molt.index.catalog.catalog import (
    Catalog,
    home_url,
    open_catalog,
    sqlite_path,
    sqlite_url,
)
from molt.index.catalog.collection import Collection
from molt.index.catalog.storage.checksums import changed_rows
from molt.index.catalog.storage.soundness import sqlite_flaws
from molt.index.errors import (
    CatalogError,
    CatalogReadOnlyError,
    GenerationError,
    GenerationNotFoundError,
)
from molt.index.generations.coverage import altered, uncovered
from molt.index.generations.description import describe_quarantine
from molt.index.generations.generation import SEGMENTS, GenerationManifest, GenerationStore
from molt.index.generations.lost import is_new, lost_catalog
from molt.index.generations.occupancy import hold_reading
from molt.index.lexical.commit import LexicalStore
from molt.index.segments.segment import Segment, open_segment


class Severity(StrEnum):
    """`DAMAGE` needs somebody; a `LEFTOVER` only takes space, and may be of work under way.

    A `NOTE` tells of what is neither: of documents in quarantine, of what cannot be checked here.
    """

    DAMAGE = "damage"
    LEFTOVER = "leftover"
    NOTE = "note"


@dataclass(frozen=True)
class HomeProblem:
    """What is wrong, and where."""

    path: Path
    what: str
    severity: Severity = Severity.DAMAGE


FindFlaw = Callable[[Path], str | None]
_ATTEMPTS = 3


def check_home(
    home: Home, *, find_flaw: FindFlaw, catalog_url: str | None = None, jobs_url: str | None = None
) -> list[HomeProblem]:
    """Every problem of a home, with all of its files read and hashed; it may be in use meanwhile.

    `find_flaw` says what is wrong with the checkpoint in a directory, or None. Without
    `catalog_url` and `jobs_url`, catalog and queue are the SQLite ones inside the home. Nothing is
    made or upgraded where a database is damaged.
    """
    catalog_url = catalog_url or home_url(home.root)
    problems = list(_check_checkpoints(home.checkpoints, find_flaw))
    problems += _check_database(jobs_url or sqlite_url(home.jobs), home.jobs, _QUEUE)
    lost = lost_catalog(home, catalog_url)
    if lost is not None:
        found = [HomeProblem(sqlite_path(catalog_url) or home.catalog, lost)]
    elif is_new(catalog_url):
        return problems + _check_generations(home, None)
    else:
        found = _check_database(catalog_url, home.catalog, _RESTORE)
    if any(problem.severity is Severity.DAMAGE for problem in found):
        return problems + found + _check_generations(home, None)
    return problems + found + _check_catalog(home, catalog_url)


_QUEUE = "move it away while no server runs: jobs that were asked for are lost, and nothing else"
_RESTORE = (
    "restore a backup into an empty directory with `molt restore`; keep what is here till then"
)


def _unread(home: Home, error: Exception) -> HomeProblem:
    """That the catalog cannot be read, or is not ours to read."""
    if isinstance(error, CatalogReadOnlyError):
        return HomeProblem(home.catalog, f"not compared: {error}", Severity.NOTE)
    if isinstance(error, CatalogError):
        return HomeProblem(home.catalog, str(error))
    return HomeProblem(home.catalog, f"is damaged ({reason_of(error)}): {_RESTORE}")


def _check_database(url: str, place: Path, advice: str) -> list[HomeProblem]:
    """What SQLite finds wrong with a database of its own; `place` stands for any other."""
    path = sqlite_path(url)
    if path is None:
        what = "is in PostgreSQL, whose files are not checked here: `pg_amcheck` does that"
        return [HomeProblem(place, what, Severity.NOTE)]
    if not path.exists():
        return []
    try:
        return [HomeProblem(path, f"{flaw}: {advice}") for flaw in sqlite_flaws(path)]
    except CatalogReadOnlyError as error:
        return [HomeProblem(path, f"not checked: {error}", Severity.NOTE)]


def _check_checkpoints(root: Path, find_flaw: FindFlaw) -> Iterator[HomeProblem]:
    for path in _entries(root):
        if path.name.startswith("."):
            yield _unfinished(path)
        elif (flaw := find_flaw(path)) is not None:
            yield HomeProblem(path, flaw)


def _check_catalog(home: Home, url: str) -> list[HomeProblem]:
    """Its rows, and the generations with it, as far as they can be read."""
    problems: list[HomeProblem] = []
    try:
        with closing(open_catalog(url)) as catalog:
            changed = changed_rows(catalog.database)
            problems += [HomeProblem(home.catalog, f"{what}: {_RESTORE}") for what in changed]
            return problems + _check_pointers(home, catalog) + _check_generations(home, catalog)
    except Exception as error:  # noqa: BLE001  whatever a damaged row leads to is what is asked for
        return [*problems, _unread(home, error), *_check_generations(home, None)]


def _check_pointers(home: Home, catalog: Catalog) -> list[HomeProblem]:
    store = GenerationStore(home.generations)
    return [
        _missing_generation(store, collection)
        for collection in catalog.collections.list()
        if collection.generation not in {None, *store.ids()}
    ]


def _check_generations(home: Home, catalog: Catalog | None) -> list[HomeProblem]:
    """Every generation by itself, and with what the catalog holds where that can be read."""
    store, problems = GenerationStore(home.generations), list(_check_lexical(home, catalog))
    for path in _entries(store.root):
        if path.name in store.ids():
            problems += _check_generation(home, catalog, path.name)
        else:
            problems.append(_unfinished(path))
    return problems


def _check_lexical(home: Home, catalog: Catalog | None) -> Iterator[HomeProblem]:
    """The files of every lexical index, and whether there is a collection that it is of."""
    store = LexicalStore(home.lexical)
    living = None if catalog is None else {one.id for one in catalog.collections.list()}
    for collection in store.collections():
        if living is not None and collection not in living:
            yield HomeProblem(store.path(collection), _WORDLESS, Severity.LEFTOVER)
        for path, flaw in store.flaws(collection):
            yield HomeProblem(path, f"{flaw}: {_REMADE}")


def _check_generation(home: Home, catalog: Catalog | None, generation_id: str) -> list[HomeProblem]:
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


def _examine(
    home: Home, catalog: Catalog | None, manifest: GenerationManifest
) -> Iterator[HomeProblem]:
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
    if catalog is not None and len(segments) == len(manifest.segments):
        yield from _compare(home, catalog, manifest=manifest, segments=segments)
    named = {entry.id for entry in manifest.segments}
    for stray in _entries(path / SEGMENTS):
        if stray.name not in named:
            yield _unfinished(stray)


def _compare(
    home: Home, catalog: Catalog, *, manifest: GenerationManifest, segments: Sequence[Segment]
) -> Iterator[HomeProblem]:
    """A generation with what the catalog holds; texts only by the one that serves."""
    path = home.generations / manifest.id
    owner = {one.id: one for one in catalog.collections.list()}.get(manifest.collection)
    if owner is None:
        yield HomeProblem(path, _OWNERLESS, Severity.LEFTOVER)
        return
    liveness = catalog.documents.liveness(owner)
    for what in uncovered(manifest, segments, liveness):
        yield HomeProblem(path, what)
    if owner.generation != manifest.id:
        return
    for what in altered(manifest, segments, liveness, catalog.documents.texts(owner)):
        yield HomeProblem(home.catalog, f"{what} (collection {owner.name!r})")
    if manifest.quarantined:
        what = f"leaves out {describe_quarantine(manifest.quarantined)}: change them, or re-index "
        what += "by another checkpoint"
        yield HomeProblem(path, what, Severity.NOTE)


_REMADE = "the server makes the lexical index anew when it is started"
_WORDLESS = "belongs to no collection of the catalog: the server removes it"
_OWNERLESS = (
    "belongs to no collection of the catalog: of one that was deleted it is removed by the server; "
    "if none was deleted, the catalog is another one than it was, so keep it and restore a backup"
)


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
