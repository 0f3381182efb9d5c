"""Adding: one collection of a backup to a home that is there and may be served, under a new name.

Ordinals and revisions stay, so its active generation is taken over as it was, under an id of its
own. The transaction that makes the collection also points it there.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from shutil import rmtree
from uuid import uuid4

from molt.artifact import FileEntry, faultpoint, sync_directory
from molt.encoder.store import CheckpointStore
from molt.engine.backup.fetching import fetch_files
from molt.engine.backup.manifest import (
    CATALOG,
    CHECKPOINTS,
    GENERATIONS,
    BackedUpCollection,
    Backup,
)
from molt.engine.backup.progress import OnFile, counting, unreported
from molt.engine.backup.repository import Repository
from molt.engine.settings import Settings
from molt.index.catalog.aliases import refuse_names
from molt.index.catalog.catalog import Catalog, open_catalog, sqlite_url
from molt.index.catalog.collection import Collection
from molt.index.catalog.copies.copying import copying_collection
from molt.index.catalog.releases import Reason
from molt.index.errors import CollectionExistsError
from molt.index.generations.generation import (
    SEGMENTS,
    GenerationStore,
    new_generation_id,
    write_generation,
)
from molt.index.generations.lost import open_home_catalog
from molt.index.generations.occupancy import hold_reading


def restore_collection(  # noqa: PLR0913  each by name
    repository: Repository,
    backup: Backup,
    settings: Settings,
    *,
    name: str,
    new_name: str,
    progress: OnFile = unreported,
) -> Collection:
    """Add the collection `name` of a backup to a home as `new_name`; a server may be running there.

    Writers of the catalog wait while its rows are copied. Raises `BackupError`,
    `CollectionExistsError`, `NameTakenError`, `InvalidNameError`, and `CorruptFileError`, which
    names the object that was damaged; then there is no such collection.
    """
    wanted = backup.collection(name)
    generations = GenerationStore(settings.layout.generations)
    checkpoints = CheckpointStore(settings.layout.checkpoints)
    opened = open_home_catalog(settings.layout, settings.catalog)
    with closing(opened) as catalog, _working(generations.root) as working:
        refuse_names(new_name, settings.models.aliases)
        _refuse_taken(catalog, new_name)
        needed = _needed(backup, wanted, present=checkpoints.ids())
        fetch_files(repository, needed, working, progress=progress)
        for fetched in (working / CHECKPOINTS).glob("*"):
            checkpoints.add(fetched)
        with (
            _ready(generations, working, wanted) as place,
            closing(open_catalog(sqlite_url(working / CATALOG))) as source,
            copying_collection(
                source, catalog, name=name, new_name=new_name, counted=counting(progress, "rows")
            ) as move,
        ):
            generation_id = place(move.before)
            reason = Reason(text=f"restored: {name} of backup {backup.id}")
            return move.before if generation_id is None else move.to(generation_id, reason=reason)


@contextmanager
def _working(root: Path) -> Iterator[Path]:
    """A hidden directory beside the generations; what a kill leaves is swept as theirs are."""
    working = root / f".restoring.{uuid4().hex}"
    working.mkdir(parents=True)
    try:
        yield working
    finally:
        rmtree(working, ignore_errors=True)


def _refuse_taken(catalog: Catalog, name: str) -> None:
    """Before anything is copied; the transaction looks again."""
    if name in {each.name for each in catalog.collections.list()}:
        raise CollectionExistsError(f"there is a collection {name!r} already; choose another --as")


def _needed(
    backup: Backup, wanted: BackedUpCollection, *, present: Sequence[str]
) -> dict[str, FileEntry]:
    """The catalog, the active generation, and its checkpoints that the home has not."""
    folders = [f"{GENERATIONS}/{wanted.generation}/"]
    folders += [f"{CHECKPOINTS}/{one}/" for one in wanted.checkpoints if one not in present]
    return {
        path: entry
        for path, entry in backup.files.items()
        if path == CATALOG or path.startswith(tuple(folders))
    }


@contextmanager
def _ready(
    store: GenerationStore, working: Path, wanted: BackedUpCollection
) -> Iterator[Callable[[Collection], str | None]]:
    """What puts the fetched generation to its place, for a collection whose id is known by then.

    Nobody removes it before the block ends, when a pointer names it. Where the block raises, it is
    gone. Where there was none to fetch, nothing is put anywhere.
    """
    fetched = GenerationStore(working / GENERATIONS)
    if wanted.checkpoint is None or wanted.generation is None:
        yield lambda _: None
        return
    manifest = replace(fetched.read(wanted.generation), id=new_generation_id())
    folder = fetched.path(wanted.generation)
    (folder / SEGMENTS).mkdir(exist_ok=True)
    hold = hold_reading(folder)

    def place(collection: Collection) -> str:
        write_generation(folder, replace(manifest, collection=collection.id))
        folder.rename(store.root / manifest.id)
        sync_directory(store.root)
        faultpoint("restore.placed")
        return manifest.id

    try:
        yield place
    except BaseException:
        rmtree(store.root / manifest.id, ignore_errors=True)
        raise
    finally:
        if hold is not None:
            hold.release()
