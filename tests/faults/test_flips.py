"""A flipped bit anywhere in a home is named by `molt check`, or all reads as it did before.

`MOLT_TEST_FLIPS` says how many are tried.
"""

import os
import random
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from molt.artifact import ArtifactError, Home
from molt.encoder.errors import EncoderError
from molt.encoder.store import CheckpointStore
from molt.engine.engine import Engine
from molt.engine.search.query import SearchQuery
from molt.engine.settings import load_settings
from molt.index.catalog.document import Document
from molt.index.catalog.events import Event
from molt.index.catalog.judgments import Judgment, Pair, Query
from molt.index.catalog.keys import Role
from molt.index.generations.check import Severity, check_home
from tests.kept_events import kept_events
from tests.server import make_home

FLIPS = int(os.environ.get("MOLT_TEST_FLIPS", "60"))
QUERIES = ("red socks", "a tent", "7")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Path) -> Path:
    """A small home with something of everything, that nobody has open."""
    home = make_home(tmp_path_factory.mktemp("flips") / "home", tiny_checkpoint)
    with closing(Engine.open(load_settings(home=home))) as engine:
        shop = engine.catalog.collections.create("shop")
        documents = [
            Document(f"d{n}", f"red socks number {n}", title="socks", metadata={"n": n})
            for n in range(40)
        ]
        engine.catalog.documents.upsert(shop, documents)
        while engine.indexer.seal():
            continue
        engine.catalog.documents.upsert(shop, [Document("d3", "a tent"), Document("é", "snow")])
        engine.catalog.documents.delete(shop, "d4")
        while engine.indexer.seal():
            continue
        engine.catalog.judgments.put(
            shop,
            queries=[Query("q", "socks", {"lang": "en"})],
            judgments=[Judgment("q", f"d{n}", n % 4, "test") for n in range(20)],
            pairs=[Pair("socks", "warm socks")],
        )
        at = datetime(2026, 11, 20, tzinfo=UTC)
        engine.catalog.events.append(shop, [Event("click", at, query_id="q", object_id="d1")])
        engine.catalog.keys.create("mine", Role.READ)
        engine.jobs.list()
    return home


@pytest.fixture(scope="module")
def files(home: Path) -> dict[Path, bytes]:
    """What every file holds, but for locks and what may be deleted."""
    cache = Home(home).cache
    return {
        path: path.read_bytes()
        for path in sorted(home.rglob("*"))
        if path.is_file() and path.suffix not in {".lock", ".log"} and cache not in path.parents
    }


def named(home: Path) -> list[str]:
    """What `molt check` says is damaged."""
    problems = check_home(Home(home), find_flaw=_flaw)
    return [problem.what for problem in problems if problem.severity is Severity.DAMAGE]


def _flaw(path: Path) -> str | None:
    try:
        CheckpointStore(path.parent).open(path.name)
    except (ArtifactError, EncoderError, OSError) as error:
        return str(error)
    return None


def reads(home: Path) -> dict[str, Any]:
    """Everything that anybody can read of a home."""
    with closing(Engine.open(load_settings(home=home))) as engine:
        catalog = engine.catalog
        shop = catalog.collections.get("shop")
        engine.live_collections.refresh_changed()
        return {
            "collections": catalog.collections.list(),
            "documents": catalog.documents.page(shop, limit=100),
            "queries": catalog.judgments.queries(shop),
            "judgments": catalog.judgments.graded(shop),
            "pairs": catalog.judgments.pairs(shop),
            "events": kept_events(catalog, shop),
            "keys": catalog.keys.list(),
            "releases": catalog.collections.releases("shop"),
            "default": catalog.aliases.get("default"),
            "answers": [
                [(hit.id, hit.score, hit.document) for hit in answer.page.hits]
                for query in QUERIES
                for answer in [engine.search(SearchQuery(query, "shop", k=50))]
            ],
        }


def put_back(home: Path, files: dict[Path, bytes]) -> None:
    """Make the home what it was."""
    for path in home.glob("*.sqlite3-*"):
        path.unlink()
    for path, content in files.items():
        path.write_bytes(content)


def flips(files: dict[Path, bytes]) -> Iterator[tuple[Path, int, int]]:
    """Files, places and bits, every second one in the catalog; where there is something."""
    chosen = random.Random(20261128)
    paths = [path for path, content in files.items() if content]
    catalog = next(path for path in paths if path.name == "catalog.sqlite3")
    for number in range(FLIPS):
        path = catalog if number % 2 else chosen.choice(paths)
        place = chosen.choice([at for at, byte in enumerate(files[path]) if byte])
        yield path, place, 1 << chosen.randrange(8)


def test_a_sound_home_is_called_sound_and_is_not_changed_by_reading(
    home: Path, files: dict[Path, bytes]
) -> None:
    before = reads(home)
    assert named(home) == []
    assert reads(home) == before
    put_back(home, files)


def test_every_flipped_bit_is_named_or_changes_nothing_that_is_read(
    home: Path, files: dict[Path, bytes]
) -> None:
    before = reads(home)
    missed = []
    for path, place, bit in flips(files):
        put_back(home, files)
        spoilt = bytearray(files[path])
        spoilt[place] ^= bit
        path.write_bytes(spoilt)
        if named(home):
            continue
        try:
            same = reads(home) == before
        except Exception as error:  # noqa: BLE001  whatever it is, it was not named
            missed.append((path.name, place, bit, repr(error)))
        else:
            if not same:
                missed.append((path.name, place, bit, "reads otherwise"))
    put_back(home, files)
    assert missed == []
