"""The flip: a generation catches up with the catalog, and the pointer moves to it.

Nothing is encoded inside the transaction that moves the pointer: it only sees that the generation
has every change, or ends, and the generation catches up once more. No document is written within
it, so whatever could be found before can be found after. Who writes without a pause could keep the
flip from ever coming; in the end a few changes are sealed while that one waits.
"""

from collections.abc import Callable

from molt.artifact import faultpoint
from molt.index.catalog.catalog import Catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.collections import AS_SERVED, Move, RankingChoice
from molt.index.catalog.releases import Reason
from molt.index.generations.protocols import WritableGeneration

_BATCH = 1024
FEW = 64
"""A generation that lacks no more changes is one segment behind, which is sealed before a look."""
PATIENT_ROUNDS = 10
"""So often the pointer stays where it is because something was written before the look."""
FIRST_INSIDE = 8
MOST_INSIDE = 64
"""Then so many changes are sealed while who writes waits.

At first the former, in each further round twice as many, never more than the latter."""


Agree = Callable[[Collection], None]


def undisputed(collection: Collection) -> None:
    """For a flip that is right whatever the pointer names."""


def catch_up(writer: WritableGeneration, *, batch: int = _BATCH) -> None:
    """Seal until the generation lacks nothing but what is written while it seals a few."""
    while writer.behind > FEW and writer.advance(batch):
        faultpoint("build.advanced")
    writer.advance(batch)


def flip(  # noqa: PLR0913  each by name
    catalog: Catalog,
    writer: WritableGeneration,
    name: str,
    *,
    reason: Reason,
    agree: Agree = undisputed,
    ranking: RankingChoice = AS_SERVED,
) -> Collection:
    """Move the pointer of the collection `name` to the generation of `writer`, made complete.

    `agree` is asked when nobody else can move it any more, with the collection as it then is; what
    it raises keeps the pointer where it is. Searches rank by `ranking` from then on. The writer is
    closed: from now on it is written by whoever writes what pointers name. Nothing is moved where
    it is there already. Raises `CollectionNotFoundError`.
    """
    moved, rounds = None, 0
    while moved is None:
        catch_up(writer)
        faultpoint("flip.caught_up")
        with catalog.collections.moving(name) as move:
            agree(move.before)
            if writer.behind <= _inside(rounds):
                moved = _complete_and_move(move, writer, reason, ranking)
        rounds += 1
    faultpoint("flip.committed")
    writer.close()
    return moved


def _inside(rounds: int) -> int:
    """How many changes may be sealed while who writes waits, after so many rounds in vain."""
    late = rounds - PATIENT_ROUNDS
    return 0 if late < 0 else min(FIRST_INSIDE * 2**late, MOST_INSIDE)


def _complete_and_move(
    move: Move, writer: WritableGeneration, reason: Reason, ranking: RankingChoice
) -> Collection:
    while writer.advance(MOST_INSIDE):
        continue
    generation = writer.snapshot.manifest.id
    if move.before.generation == generation:
        return move.before
    return move.to(generation, reason=reason, ranking=ranking)
