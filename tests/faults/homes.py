"""What is in a home that processes were killed over."""

import json
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from molt.engine.engine import Engine
from molt.engine.search.query import SearchQuery
from molt.engine.settings import load_settings
from molt.index.catalog.catalog import home_url, open_catalog
from molt.index.catalog.collection import Collection
from molt.index.generations.flip import FEW
from molt.index.generations.generation import GenerationStore
from molt.index.segments.merge import FAN

databases = pytest.mark.parametrize("home", ["sqlite", "postgresql"], indirect=True)
"""A test whose claim depends on the database that holds the catalog and the queue."""

BATCH = 5
EVERYTHING = {f"d{n}" for n in range(FEW + FAN * BATCH)}
"""So many that a build by batches seals what it then merges, and leaves the flip a few."""


def name_database(home: Path, url: str) -> None:
    """Let the catalog and the queue of a home be there."""
    (home / "molt.toml").write_text(f"catalog_url = {json.dumps(url)}\n")


def opened(home: Path, *, seal: bool) -> Engine:
    """A service over the home in this process; with `seal` it indexes and collects."""
    index = {"seal": seal, "retained_generations": 1}
    return Engine.open(load_settings(home=home, worker={"start": False}, index=index))


def served(home: Path) -> tuple[set[str], tuple[str, ...]]:
    """What a service that starts now finds, and what it says is wrong."""
    with closing(opened(home, seal=False)) as engine:
        engine.start()
        answer = engine.search(SearchQuery("thing", "shop", k=1000))
        return {hit.id for hit in answer.page.hits}, engine.readiness().problems


def pointed(home: Path, name: str = "shop") -> str | None:
    with closing(open_catalog(load_settings(home=home).catalog)) as catalog:
        return catalog.collections.get(name).generation


def generations(home: Path) -> set[str]:
    return set(GenerationStore(home / "generations").ids())


def orphans(home: Path) -> set[str]:
    """What belongs to nothing, and stays when a service has run over the home an hour later."""
    for entry in home.rglob(".*"):
        os.utime(entry, (0, 0))
        for part in entry.rglob("*"):
            os.utime(part, (0, 0))
    with closing(opened(home, seal=True)) as engine:
        engine.start()
        engine.indexer.seal()
        builds = set(engine.catalog.builds.jobs())
        unnamed = set(_unnamed(engine.generations))
    return builds | unnamed | {str(path) for path in _unfinished(home)}


def _unnamed(store: GenerationStore) -> Iterator[str]:
    """Segments that no manifest names."""
    for generation_id in store.ids():
        named = {entry.id for entry in store.read(generation_id).segments}
        for path in store.segments_path(generation_id).iterdir():
            if path.name not in named:
                yield str(path)


def _unfinished(home: Path) -> Iterator[Path]:
    """What is named as nothing finished is, and what jobs work with.

    But for the lock that tantivy makes beside what it opens, which goes when that does.
    """
    yield from (path for path in home.rglob(".*") if path.name != ".tantivy-meta.lock")
    yield from home.glob("runs/jobs/*")


def recreated(home: Path) -> Collection:
    """Delete `shop`, and make another one of the same name."""
    with closing(open_catalog(home_url(home))) as catalog:
        catalog.collections.delete("shop")
        return catalog.collections.create("shop")
