"""Retention: which generations stay on disk, and the removal of the others.

Those stay that a pointer names, that a job is making, and the last few that each collection was
served from, to roll back to. What anybody still reads is left for another time.
"""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import partial

from molt.index.catalog.catalog import Catalog
from molt.index.catalog.collection import Collection
from molt.index.errors import (
    GenerationBusyError,
    GenerationNotFoundError,
    NothingToRollBackError,
)
from molt.index.generations.generation import GenerationStore
from molt.index.generations.occupancy import hold_removing, hold_writing


def collect(catalog: Catalog, store: GenerationStore, *, retained: int) -> list[str]:
    """Remove what a crash left, and every generation that need not stay; returns their ids.

    `retained` is how many former generations of each collection stay.
    """
    needed = partial(_needed, catalog, store, retained=retained)
    present = store.ids()  # before the catalog: what appears later is not judged by what is older
    kept = needed()
    removed = [one for one in present if one not in kept and _remove(store, one, needed)]
    store.sweep_unfinished()
    return removed


def former(catalog: Catalog, store: GenerationStore, collection: Collection) -> list[str]:
    """Generations on disk that a collection was served from before, the latest first."""
    return _present(collection, catalog.collections.former(), set(store.ids()))


def rollback_targets(catalog: Catalog, store: GenerationStore, collection: Collection) -> list[str]:
    """Where a rollback goes: to what was served before the active generation, or before that.

    Raises `NothingToRollBackError` where there is nothing.
    """
    found = former(catalog, store, collection)
    if not found:
        raise NothingToRollBackError(
            f"collection {collection.name!r} has no earlier generation on disk to roll back to"
        )
    return found


def _needed(catalog: Catalog, store: GenerationStore, *, retained: int) -> set[str]:
    """Generations that a pointer, a job or a rollback needs."""
    needed = set(catalog.builds.jobs())
    collections, served = catalog.collections.list(), catalog.collections.former()
    present = set(store.ids())
    for collection in collections:
        former_ones = _present(collection, served, present)
        needed |= {collection.generation or "", *former_ones[:retained]}
    return needed


def _present(
    collection: Collection, served: Mapping[int, Sequence[str]], present: AbstractSet[str]
) -> list[str]:
    before = served.get(collection.id, ())
    return [one for one in before if one in present and one != collection.generation]


def _remove(store: GenerationStore, generation_id: str, needed: Callable[[], set[str]]) -> bool:
    try:
        path = store.path(generation_id)
        holds = hold_writing(path), hold_removing(path)
    except (GenerationBusyError, GenerationNotFoundError):
        return False
    unneeded = generation_id not in needed()  # no pointer moves to it while its writer is held
    if unneeded:
        store.remove(generation_id)
    for hold in holds:
        hold.release()
    return unneeded
