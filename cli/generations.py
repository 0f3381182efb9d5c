"""`molt generations`: the indexes that lie in a home."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

from molt.cli.home import existing_home, opened_catalog
from molt.cli.invocation import Invocation
from molt.cli.output import Listing


def generations(call: Invocation) -> None:
    """List the generations: collection, checkpoint, revision, segments, rows."""
    from molt.index.generations.description import describe_generations
    from molt.index.generations.generation import GenerationStore

    settings = existing_home(call)
    with opened_catalog(settings) as catalog:
        collections = catalog.collections.list()
    rows = describe_generations(GenerationStore(settings.home / "generations"), collections)
    call.show(
        {"generations": rows},
        lambda: Listing(
            _COLUMNS,
            [tuple(row.get(name) for name in _COLUMNS) for row in rows],
            empty="No generations yet; documents make one when they are indexed.",
        ),
    )
    for row in rows:
        if "problem" in row:
            call.note(f"generation {row['id']} is damaged: {row['problem']}")


_COLUMNS = ("id", "collection", "active", "checkpoint", "revision", "segments", "rows", "bytes")
