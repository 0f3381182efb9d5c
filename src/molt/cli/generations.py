"""`molt generations`: the indexes that lie in a home."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

from typing import TYPE_CHECKING

from molt.cli.home import existing_home, opened_catalog
from molt.cli.invocation import Invocation
from molt.cli.output import Listing

if TYPE_CHECKING:
    from molt.index.collections import Collection
    from molt.index.generation import GenerationManifest


def generations(call: Invocation) -> None:
    """List the generations: collection, checkpoint, revision, segments, rows."""
    from molt.index.generation import GenerationStore

    settings = existing_home(call)
    store = GenerationStore(settings.home / "generations")
    found = [store.read(generation_id) for generation_id in store.ids()]
    with opened_catalog(settings) as catalog:
        collections = {each.id: each for each in catalog.collections.list()}
    rows = [_described(manifest, collections.get(manifest.collection)) for manifest in found]
    call.show(
        {"generations": rows},
        lambda: Listing(
            _COLUMNS,
            [tuple(row[name] for name in _COLUMNS) for row in rows],
            empty="No generations yet; documents make one when they are indexed.",
        ),
    )


_COLUMNS = ("id", "collection", "active", "checkpoint", "revision", "segments", "rows", "bytes")


def _described(
    manifest: "GenerationManifest", collection: "Collection | None"
) -> dict[str, object]:
    return {
        "id": manifest.id,
        "collection": None if collection is None else collection.name,
        "active": collection is not None and collection.generation == manifest.id,
        "checkpoint": manifest.checkpoint,
        "revision": manifest.revision,
        "segments": len(manifest.segments),
        "rows": manifest.n_rows,
        "bytes": sum(file.size for segment in manifest.segments for file in segment.files.values()),
        "created_at": manifest.created_at,
    }
