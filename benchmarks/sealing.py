"""Generations of benchmarks, in segments as large as those that merging makes of a collection."""

from collections.abc import Sequence

from molt.index.generations.writer import GenerationWriter
from molt.index.segments.merge import MergePlan
from molt.index.segments.scope import Scope


def into_segments_of(rows: int) -> MergePlan:
    """Merges what is smaller until it has `rows`: of long texts a writer seals fewer at once."""

    def plan(scopes: Sequence[Scope]) -> tuple[int, ...]:
        chosen: list[int] = []
        small = (place for place, scope in enumerate(scopes) if scope.n_rows < rows)
        for place in small:
            if sum(scopes[one].n_rows for one in chosen) < rows:
                chosen.append(place)
        return tuple(chosen) if len(chosen) > 1 else ()

    return plan


def seal_all(writer: GenerationWriter, *, limit: int) -> None:
    """Seal whatever the catalog has, `limit` documents at once or fewer, and merge as it plans."""
    while writer.advance(limit):
        print(f"{writer.snapshot.n_documents} indexed", flush=True)
    while writer.merge_once():
        print(f"{len(writer.snapshot.scopes)} segments", flush=True)
