"""Homes that are backed up and restored, and what can be told of them."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from molt.artifact import ArtifactError, Home
from molt.encoder.errors import EncoderError
from molt.encoder.store import CheckpointStore
from molt.engine.engine import Engine
from molt.engine.search.query import Mode, SearchQuery
from molt.engine.settings import load_settings
from molt.index.catalog.access.keys import Role
from molt.index.catalog.catalog import home_url, open_catalog
from molt.index.catalog.document import Document
from molt.index.catalog.events import Event
from molt.index.catalog.judgments import Judgment, Pair, Query
from molt.index.catalog.releases import Reason
from molt.index.generations.check import Severity, check_home
from molt.index.generations.sealing import PassageEncoder
from molt.index.generations.writer import GenerationWriter
from tests.kept_events import kept_events

WORDS = ("boot", "coat", "hat", "glove", "scarf", "sock")
QUERIES = ("boot", "a warm coat", "sock 7", "hat and glove")


def open_home(home: Path) -> Engine:
    return Engine.open(load_settings(home=home, worker={"start": False}))


def write(engine: Engine, doc_ids: Sequence[str], name: str = "shop") -> None:
    """Documents whose texts differ; not indexed yet."""
    documents = [
        Document(doc_id, f"{WORDS[at % len(WORDS)]} {doc_id}") for at, doc_id in enumerate(doc_ids)
    ]
    engine.catalog.documents.upsert(engine.catalog.collections.get(name), documents)


def index(engine: Engine) -> None:
    assert engine.indexer.acquire()
    while engine.indexer.seal():
        continue


def reindex(engine: Engine, name: str = "shop") -> str:
    """Build another generation under the same checkpoint, and serve from it; its id."""
    collection = engine.catalog.collections.get(name)
    assert collection.generation is not None
    before = engine.generations.read(collection.generation)
    made = engine.generations.create(
        collection=collection.id, checkpoint=before.checkpoint, dimension=before.dimension
    )
    encoder = PassageEncoder(engine.live_collections.get(name).encoder.embed_documents)
    writer = GenerationWriter(
        engine.generations, made.id, catalog=engine.catalog, collection=collection, encoder=encoder
    )
    with closing(writer):
        while writer.advance(1024):
            continue
    engine.releaser.activate(made.id, reason=Reason("test", "re-indexed", "0" * 16))
    return made.id


def fill(engine: Engine, *, checkpoint: str) -> None:
    """Something of everything that a home may hold."""
    catalog = engine.catalog
    catalog.aliases.set("default", checkpoint)
    for name in ("gone", "shop", "other"):
        catalog.collections.create(name)
    catalog.collections.delete("gone")
    write(engine, [f"d{n}" for n in range(40)])
    write(engine, [f"o{n}" for n in range(5)], "other")
    index(engine)
    shop = catalog.collections.get("shop")
    catalog.documents.delete(shop, "d3")
    write(engine, ["d5", "d4"])
    catalog.judgments.put(
        shop,
        queries=[Query("q1", "boots", {"lang": "en"})],
        judgments=[Judgment("q1", "d1", 2, "test")],
        pairs=[Pair("a query", "a text")],
    )
    at = shop.created_at
    catalog.events.append(shop, [Event("click", at, "q1", object_id="d1"), Event("view", at)])
    catalog.keys.create("ci", Role.WRITE)
    reindex(engine)
    index(engine)
    home = engine.settings.home
    (home / "reports" / ("0" * 16)).mkdir(parents=True)
    (home / "reports" / ("0" * 16) / "report.json").write_text("{}")
    (home / "molt.toml").write_text('port = 9999\n[log]\nlevel = "error"\n')


def answers(home: Path, name: str = "shop", queries: Sequence[str] = QUERIES) -> list[Any]:
    """What a service that starts now over the home answers: ids and scores of every document."""
    with closing(open_home(home)) as engine:
        index(engine)
        return [found(engine, each, name) for each in queries]


def found(
    engine: Engine, query: str, name: str = "shop", *, mode: Mode = "hybrid"
) -> list[tuple[str, float]]:
    hits = engine.search(SearchQuery(query, name, k=1000, mode=mode)).page.hits
    return [(hit.id, hit.score) for hit in hits]


def has_words(engine: Engine, name: str) -> bool:
    """Does a search find by words, too?"""
    return engine.search(SearchQuery("boot", name)).left_out == ()


def contents(home: Path, name: str = "shop") -> dict[str, object]:
    """All that the catalog of a home knows of a collection, but for its number and history."""
    with closing(open_catalog(home_url(home))) as catalog:
        collection = catalog.collections.get(name)
        return {
            "documents": catalog.documents.page(collection, limit=10_000),
            "deleted": catalog.documents.liveness(collection).deleted.tolist(),
            "queries": catalog.judgments.queries(collection),
            "judgments": catalog.judgments.graded(collection),
            "pairs": catalog.judgments.pairs(collection),
            "events": kept_events(catalog, collection),
            "revision": collection.revision,
        }


def damage(home: Path) -> list[str]:
    """What `molt check` finds wrong."""
    problems = check_home(Home(home), find_flaw=_flaw)
    return [str(each) for each in problems if each.severity is Severity.DAMAGE]


def tree(folder: Path) -> set[str]:
    """Every file in a folder, but for locks."""
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    return {path for path in found if not path.endswith(".lock")}


def _flaw(path: Path) -> str | None:
    try:
        CheckpointStore(path.parent).open(path.name)
    except (ArtifactError, EncoderError) as error:
        return str(error)
    return None
