"""Which checkpoint a collection is served with, and which generation is meant. Knows ids alone."""

from collections.abc import Iterable

from molt.artifact import AmbiguousIdError, match_id
from molt.index.catalog.aliases import DEFAULT
from molt.index.catalog.catalog import Catalog
from molt.index.generations.generation import GenerationStore


def active_checkpoint(catalog: Catalog, generations: GenerationStore, name: str) -> str | None:
    """Its id: the active generation's, the default one where nothing was indexed yet, or None.

    Raises `CollectionNotFoundError`, and what reading the generation raises.
    """
    generation = catalog.collections.get(name).generation
    if generation is None:
        return catalog.aliases.get(DEFAULT)
    return generations.read(generation).checkpoint


def meant_generation(catalog: Catalog, given: str, ids: Iterable[str]) -> str | None:
    """The one of `ids` that is meant: by itself, by how it begins, or by a release's name.

    Raises `AmbiguousIdError`, also where releases of several generations have that name.
    """
    known = frozenset(ids)
    released = catalog.collections.released_as(given) & known
    if given in known or not released:
        return match_id(given, known, what="generation")
    if len(released) == 1:
        return next(iter(released))
    raise AmbiguousIdError(
        f"releases of several generations are called {given[:80]!r}: "
        f"{', '.join(sorted(released))}; name the generation"
    )
