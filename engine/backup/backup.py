"""Backing up: one consistent state of a home that is in use, into a repository.

Generations are copied before the catalog is, so the catalog is at least as new as they are: what
they lack is caught up with when they are served.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import molt
from molt.artifact import Home, faultpoint, share_file
from molt.encoder.store import CheckpointStore
from molt.engine.backup.manifest import (
    CATALOG,
    CHECKPOINTS,
    CONFIGURATION,
    GENERATIONS,
    BackedUpCollection,
    Backup,
)
from molt.engine.backup.progress import OnFile, counting, unreported
from molt.engine.backup.repository import Repository, backup_id
from molt.engine.backup.taking import Taken
from molt.engine.cross_encoding import newest_cross_encoder
from molt.engine.errors import BackupError
from molt.engine.models.names import checkpoints_among
from molt.engine.settings import Settings
from molt.index.catalog.catalog import Catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.copies.copying import CatalogState, reading_state
from molt.index.generations.generation import GenerationStore
from molt.index.generations.lost import open_home_catalog
from molt.index.generations.retention import former

_ROUNDS = 20


@dataclass(frozen=True)
class Done:
    """A finished backup, the bytes that were new to the repository, and the backups that went."""

    backup: Backup
    copied: int
    pruned: tuple[str, ...]


def back_up(
    settings: Settings,
    repository: Repository,
    *,
    names: Sequence[str] = (),
    keep: int | None = None,
    progress: OnFile = unreported,
) -> Done:
    """Back up a home, or only the collections of these `names`; the home may be in use.

    Holds everything that was acknowledged before the call. A damaged file is left out and named
    among the backup's problems. With `keep`, only so many of the newest backups stay. Raises
    `BackupError`, `CatalogError` and `OSError`; then there is no new backup.
    """
    with (
        closing(open_home_catalog(settings.layout, settings.catalog)) as catalog,
        _holding(settings.layout),
    ):
        for name in names:
            catalog.collections.get(name)  # raises where there is none
        with repository.writing():
            made = _Backing(settings, repository, catalog, names=names, progress=progress).made()
            repository.publish(made)
            pruned = () if keep is None else tuple(repository.prune(keep=keep))
    return Done(made, repository.objects.copied, pruned)


@contextmanager
def _holding(home: Home) -> Iterator[None]:
    """Let nothing be pruned while it is copied; other backups go on beside this one."""
    lock = share_file(home.pruning_lock)
    try:
        yield
    finally:
        lock.release()


class _Backing:
    """One backup in the making."""

    def __init__(
        self,
        settings: Settings,
        repository: Repository,
        catalog: Catalog,
        *,
        names: Sequence[str],
        progress: OnFile,
    ) -> None:
        self._home = settings.home
        self._retained = settings.index.retained_generations
        self._aliases = settings.models.aliases
        self._objects = repository.objects
        self._catalog = catalog
        self._names = frozenset(names)
        self._rows = counting(progress, "rows")
        self._bytes = counting(progress, "bytes")

    def made(self) -> Backup:
        """Copy everything and say what it is."""
        began = datetime.now(UTC)
        taken, state = self._agreeing()
        faultpoint("backup.cataloged")
        made_by = {each.checkpoint for each in taken.manifests.values() if each is not None}
        for checkpoint_id in sorted(made_by | self._ranking(taken, state) | self._named(state)):
            taken.take_checkpoint(checkpoint_id)
        taken.take_reports()
        if (self._home / CONFIGURATION).is_file():
            taken.take(CONFIGURATION)
        return Backup(
            id=backup_id(began),
            created_at=began,
            version=molt.__version__,
            collections=tuple(_described(each, taken) for each in state.collections),
            files=taken.files,
            problems=tuple(taken.problems.values()),
        )

    def _named(self, state: CatalogState) -> set[str]:
        """The checkpoints that have a name or an alias, those of the settings too."""
        targets = state.aliased.union(self._aliases.values())
        aliased = checkpoints_among(targets - {each.name for each in state.collections})
        return aliased | state.named

    def _ranking(self, taken: Taken, state: CatalogState) -> set[str]:
        """The cross-encoders by which searches are re-ranked, were so by a former generation, or
        are where they ask for it: as a rollback needs them, and a search, after a restore.
        """
        rankings = [each.ranking for each in state.collections if each.ranking is not None]
        tuned = {one.cross_encoder for one in rankings if one.cross_encoder is not None}
        store = CheckpointStore(self._home / CHECKPOINTS)
        known = store.survey().checkpoints
        newest = [newest_cross_encoder(known, each.name) for each in state.collections]
        former = self._catalog.collections.serving_cross_encoders([*taken.manifests])
        there = former.intersection(store.ids())  # the others were removed on purpose
        return tuned | there | {one.id for one in newest if one is not None}

    def _agreeing(self) -> tuple[Taken, CatalogState]:
        """Generations, and a state of the catalog whose every pointer names one of them.

        The first round copies nearly everything, the second what was written meanwhile, and where a
        pointer was moved since then there is another.
        """
        self._generations()
        for _ in range(_ROUNDS):
            taken = self._generations()
            with reading_state(self._catalog, only=self._names) as state:
                if all(each.generation in {None, *taken.manifests} for each in state.collections):
                    _leave_out_strangers(taken, state)
                    copied = self._objects.scratch / CATALOG
                    state.write(copied, counted=self._rows)
                    taken.files[CATALOG] = self._objects.adopt(copied)
                    return taken, state
        raise BackupError(
            f"pointers of collections were moved {_ROUNDS} times while they were backed up; try "
            "again when fewer generations are released"
        )

    def _generations(self) -> Taken:
        """The active generations, and the former ones to roll back to, as they are now."""
        taken = Taken(self._home, self._objects, self._bytes)
        store = GenerationStore(self._home / GENERATIONS)
        for collection in self._catalog.collections.list():
            if collection.name in self._names or not self._names:
                wanted = former(self._catalog, store, collection)[: self._retained]
                for generation_id in (collection.generation, *wanted):
                    if generation_id is not None:
                        taken.take_generation(generation_id)
        return taken


def _leave_out_strangers(taken: Taken, state: CatalogState) -> None:
    """Keep no generation of a collection that was deleted meanwhile; name active ones that lack."""
    living = {each.id for each in state.collections}
    for generation_id, manifest in list(taken.manifests.items()):
        if manifest is not None and manifest.collection not in living:
            del taken.manifests[generation_id]
            folder = f"{GENERATIONS}/{generation_id}/"
            for path in [path for path in taken.files if path.startswith(folder)]:
                del taken.files[path]
    for collection in state.collections:
        if collection.generation and taken.manifests[collection.generation] is None:
            what = f"the active generation of {collection.name!r} is missing"
            folder = f"{GENERATIONS}/{collection.generation}"
            taken.problems.setdefault(folder, f"{folder}: {what}")


def _described(collection: Collection, taken: Taken) -> BackedUpCollection:
    manifest = taken.manifests[collection.generation] if collection.generation else None
    return BackedUpCollection(
        name=collection.name,
        documents=collection.documents,
        revision=collection.revision,
        generation=collection.generation,
        checkpoint=None if manifest is None else manifest.checkpoint,
        indexed_revision=0 if manifest is None else manifest.revision,
        cross_encoder=None if collection.ranking is None else collection.ranking.cross_encoder,
    )
