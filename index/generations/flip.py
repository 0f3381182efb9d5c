"""The flip: a generation catches up with the catalog, and the pointer moves to it.

The last changes are sealed inside the transaction that moves the pointer. No document is written
meanwhile, so whatever could be found before can be found after.
"""

from collections.abc import Callable

from molt.artifact import faultpoint
from molt.index.catalog.catalog import Catalog
from molt.index.catalog.collections import Collection, Move
from molt.index.catalog.releases import Reason
from molt.index.generations.protocols import WritableGeneration

_BATCH = 1024
FEW = 64
"""So many changes are left for the transaction, which seals them while writers wait."""
MOST = 1024
"""Where more were written before it began, it ends, and the generation catches up once more."""


Agree = Callable[[Collection], None]


def undisputed(collection: Collection) -> None:
    """For a flip that is right whatever the pointer names."""


def catch_up(writer: WritableGeneration, *, batch: int = _BATCH) -> None:
    """Seal until the generation lacks only a few changes."""
    while writer.behind > FEW and writer.advance(batch):
        faultpoint("build.advanced")


def flip(
    catalog: Catalog,
    writer: WritableGeneration,
    name: str,
    *,
    reason: Reason,
    agree: Agree = undisputed,
) -> Collection:
    """Move the pointer of the collection `name` to the generation of `writer`, made complete.

    `agree` is asked when nobody else can move it any more, with the collection as it then is; what
    it raises keeps the pointer where it is. The writer is closed: from now on it is written by
    whoever writes what pointers name. Nothing is moved where it is there already. Raises
    `CollectionNotFoundError`.
    """
    moved = None
    while moved is None:
        catch_up(writer)
        faultpoint("flip.caught_up")
        with catalog.collections.moving(name) as move:
            agree(move.before)
            if writer.behind <= MOST:
                moved = _complete_and_move(move, writer, reason)
    faultpoint("flip.committed")
    writer.close()
    return moved


def _complete_and_move(move: Move, writer: WritableGeneration, reason: Reason) -> Collection:
    while writer.advance(_BATCH):
        continue
    generation = writer.snapshot.manifest.id
    if move.before.generation == generation:
        return move.before
    return move.to(generation, reason=reason)
