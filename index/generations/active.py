"""Which checkpoint a collection is served with. Knows its id alone."""

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
