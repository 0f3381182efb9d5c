"""A flipped bit anywhere in a home is named by `molt check`, or all reads as it did before.

`MOLT_TEST_FLIPS` says how many are tried.
"""

import os
import random
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from molt.artifact import ArtifactError, Home
from molt.encoder.errors import EncoderError
from molt.encoder.store import CheckpointStore
from molt.encoder.vector_cache import encode_documents
from molt.engine.engine import Engine
from molt.engine.search.query import SearchQuery
from molt.engine.settings import load_settings
from molt.index.catalog.access.keys import Role
from molt.index.catalog.document import Document
from molt.index.catalog.events import Event
from molt.index.catalog.judgments import Judgment, Pair, Query
from molt.index.generations.check import Severity, check_home
from tests.checkpoints import build_checkpoint, variant
from tests.kept_events import kept_events
from tests.server import make_home

FLIPS = int(os.environ.get("MOLT_TEST_FLIPS", "60"))
QUERIES = ("red socks", "a tent", "7")
DOCUMENTS = [
    Document(f"d{n}", f"red socks number {n}", title="socks", metadata={"n": n}) for n in range(40)
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small home with something of everything, as a process that was killed left it."""
    folder = tmp_path_factory.mktemp("flips")
    compiled = [variant("openvino-fp32", runtime="openvino")]
    made = make_home(
        folder / "made", build_checkpoint(folder / "checkpoint", variants=compiled).path
    )
    with closing(Engine.open(load_settings(home=made))) as engine:
        shop = engine.catalog.collections.create("shop")
        engine.catalog.documents.upsert(shop, DOCUMENTS)
        seal(engine)
        engine.catalog.documents.upsert(shop, [Document("d3", "a tent"), Document("é", "snow")])
        engine.catalog.documents.delete(shop, "d4")
        seal(engine)
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
        cached(engine)
    with closing(Engine.open(load_settings(home=made))) as engine:
        shop = engine.catalog.collections.get("shop")
        engine.catalog.documents.upsert(shop, [Document("last", "a lamp"), Document("d5", "oil")])
        seal(engine)
        for number in range(3):  # acknowledged, and not indexed yet
            engine.catalog.documents.upsert(shop, [Document(f"late{number}", "a late lamp")])
        return Path(copytree(made, folder / "home"))


def seal(engine: Engine) -> None:
    while engine.indexer.seal():
        continue


def cached(engine: Engine) -> list[list[float]]:
    """Vectors that an evaluation or a re-indexing left for the next one."""
    encoder = engine.live_collections.refresh("shop").encoder
    cache = engine.settings.layout.cache
    return encode_documents(encoder, [one.text for one in DOCUMENTS], cache=cache).tolist()


@pytest.fixture(scope="module")
def files(home: Path) -> dict[Path, bytes]:
    """What every file holds, but for locks and what SQLite makes anew at each start."""
    left_out = (".lock", ".log", "-shm")
    found = (path for path in sorted(home.rglob("*")) if path.is_file())
    return {path: path.read_bytes() for path in found if not path.name.endswith(left_out)}


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
            "cached": cached(engine),
            "answers": [
                [(hit.id, hit.score, hit.document) for hit in answer.page.hits]
                for query in QUERIES
                for answer in [engine.search(SearchQuery(query, "shop", k=50))]
            ],
        }


def put_back(home: Path, files: dict[Path, bytes]) -> None:
    """Make the home what it was."""
    for path in (*home.glob("*.sqlite3-*"), *Home(home).cache.rglob("*")):
        if path.is_file():
            path.unlink()
    for path, content in files.items():
        path.write_bytes(content)


def flips(files: dict[Path, bytes]) -> Iterator[tuple[Path, int, int]]:
    """Files, places and bits: a third in the catalog, a third in its log; where something is."""
    chosen = random.Random(20261128)
    paths = [path for path, content in files.items() if content]
    named = {path.name: path for path in paths}
    for number in range(FLIPS):
        path = chosen.choice(paths)
        if number % 3:
            path = named[("catalog.sqlite3", "catalog.sqlite3-wal")[number % 3 - 1]]
        place = chosen.choice([at for at, byte in enumerate(files[path]) if byte])
        yield path, place, 1 << chosen.randrange(8)


def test_a_sound_home_is_called_sound_and_is_not_changed_by_reading(
    home: Path, files: dict[Path, bytes]
) -> None:
    before = reads(home)
    assert named(home) == []
    assert reads(home) == before
    put_back(home, files)


@pytest.mark.timeout(3600)
@pytest.mark.promise("P3", "a flipped bit anywhere in a home")
def test_every_flipped_bit_is_named_or_changes_nothing_that_is_read(
    home: Path, files: dict[Path, bytes], tried: Callable[[int], None]
) -> None:
    tried(FLIPS)
    assert {"catalog.sqlite3-wal", "jobs.sqlite3"} <= {path.name for path in files}
    assert {".blob", ".vectors"} <= {path.suffix for path in files}
    put_back(home, files)
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
