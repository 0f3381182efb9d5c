"""Generations of benchmarks, in segments as large as those that merging makes of a collection."""

from collections.abc import Callable, Sequence
from contextlib import closing

import numpy as np
import numpy.typing as npt

from molt.index.catalog.catalog import Catalog
from molt.index.catalog.collection import Collection
from molt.index.generations.generation import GenerationStore
from molt.index.generations.sealing import PassageEncoder
from molt.index.generations.writer import GenerationWriter
from molt.index.segments.merge import MergePlan
from molt.index.segments.scope import Scope


def seal_all(
    store: GenerationStore,
    generation_id: str,
    *,
    catalog: Catalog,
    collection: Collection,
    encode: Callable[[Sequence[str]], npt.NDArray[np.float32]],
    rows: int,
) -> None:
    """Seal whatever the catalog has of a collection, in segments of so many `rows`."""
    writer = GenerationWriter(
        store,
        generation_id,
        catalog=catalog,
        collection=collection,
        encoder=PassageEncoder(encode),
        plan=_into_segments_of(rows),
    )
    with closing(writer):
        while writer.advance(rows):
            print(f"{writer.snapshot.n_documents} indexed", flush=True)
        while writer.merge_once():
            print(f"{len(writer.snapshot.scopes)} segments", flush=True)


def _into_segments_of(rows: int) -> MergePlan:
    """Merges what is smaller until it has `rows`: of long texts a writer seals fewer at once."""

    def plan(scopes: Sequence[Scope]) -> tuple[int, ...]:
        chosen: list[int] = []
        small = (place for place, scope in enumerate(scopes) if scope.n_rows < rows)
        for place in small:
            if sum(scopes[one].n_rows for one in chosen) < rows:
                chosen.append(place)
        return tuple(chosen) if len(chosen) > 1 else ()

    return plan
