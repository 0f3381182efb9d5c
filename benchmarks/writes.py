"""How long from writing one document to its being found, and does it grow with the collection?

    python -m benchmarks.writes

New documents, updates and deletes, one at a time, each waited for until the snapshot that answers
searches holds it: the catalog's commit, the indexer's threads with their merges, the index of
words, the segment, the manifest and the refresh, all in one process and without HTTP. Vectors are
hashes of texts in 32 dimensions, so that next to nothing is spent on encoding.
"""

import argparse
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.record import Table, Target, machine_facts, median, record
from benchmarks.sealing import seal_all
from molt.engine.encoders import Encoders
from molt.engine.indexing.indexer import Indexer
from molt.engine.indexing.lexical_writers import LexicalWriters
from molt.engine.live.live_collections import LiveCollections
from molt.engine.settings import Settings
from molt.engine.throttle import Throttle
from molt.index.catalog.catalog import Catalog, home_url, open_catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.document import Document
from molt.index.catalog.releases import Reason
from molt.index.generations.generation import GenerationStore
from molt.index.lexical.commit import LexicalStore

DIMENSION = 32
NAME = "default"
KINDS = ("new", "update", "delete")
SEGMENT = 200_000  # as large as merging makes them
_BATCH = 10_000


def embed(texts: Sequence[str]) -> npt.NDArray[np.float32]:
    """`(n, DIMENSION) float32`, L2-normalised: the bytes of each text's hash."""
    digests = b"".join(blake2b(t.encode(), digest_size=DIMENSION).digest() for t in texts)
    vectors = np.frombuffer(digests, np.int8).reshape(-1, DIMENSION).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


ENCODER: Any = SimpleNamespace(
    checkpoint=SimpleNamespace(id="b" * 16),
    dimension=DIMENSION,
    embed_documents=embed,
    encode=lambda texts, **_: SimpleNamespace(vectors=embed(texts)),
    close=lambda: None,
)


def document(number: int, *, version: int = 0) -> Document:
    """A document of some forty words that no other shares."""
    words = " ".join(f"word{(number * 31 + place * place) % 50_000}" for place in range(40))
    return Document(id=f"d{number}", text=f"{number} {version} {words}", metadata={"n": number})


@dataclass(frozen=True)
class Service:
    """What a write passes through: the catalog, the indexer's threads, and what answers."""

    catalog: Catalog
    collection: Collection
    indexer: Indexer
    live_collections: LiveCollections

    def wait(self, revision: int) -> None:
        """Until a search would see what was written up to this revision."""
        self.indexer.wake()
        if not self.live_collections.wait_indexed(NAME, revision=revision, timeout=120.0):
            raise TimeoutError(f"revision {revision} was not indexed: {self.indexer.problems()}")

    def write(self, kind: str, number: int) -> float:
        """The seconds that one write of this kind takes to be seen."""
        documents = self.catalog.documents
        version = 0 if kind == "new" else 1 + time.monotonic_ns()
        one = document(number, version=version)
        began = time.perf_counter()
        if kind == "delete":
            ack = documents.delete(self.collection, one.id)
        else:
            ack = documents.upsert(self.collection, [one])
        self.wait(ack.revision)
        return time.perf_counter() - began


@contextmanager
def serving(home: Path) -> Iterator[Service]:
    """A home at work, as `molt serve` has it."""
    catalog = open_catalog(home_url(home))
    with closing(catalog):
        store = GenerationStore(home / "generations")
        encoders = Encoders(lambda _: ENCODER)
        lexical = LexicalStore(home / "lexical")
        live = LiveCollections(
            catalog=catalog, generations=store, lexical=lexical, encoders=encoders
        )
        live.refresh(NAME)
        indexer = Indexer(
            Settings(home=home),
            catalog=catalog,
            store=store,
            lexical=lexical,
            encoders=encoders,
            live_collections=live,
            throttle=Throttle(),
        )
        indexer.start()
        with closing(indexer):
            yield Service(catalog, catalog.collections.get(NAME), indexer, live)


def build(home: Path, *, count: int, document: Callable[[int], Document] = document) -> None:
    """A home with `count` documents, indexed in segments of `SEGMENT`."""
    home.mkdir(parents=True)
    catalog = open_catalog(home_url(home))
    with closing(catalog):
        store = GenerationStore(home / "generations")
        collection = catalog.collections.create(NAME)
        for start in range(0, count, _BATCH):
            batch = [document(n) for n in range(start, min(start + _BATCH, count))]
            catalog.documents.upsert(collection, batch)
        made = store.create(
            collection=collection.id, checkpoint=ENCODER.checkpoint.id, dimension=DIMENSION
        )
        seal_all(store, made.id, catalog=catalog, collection=collection, encode=embed, rows=SEGMENT)
        words = LexicalWriters(LexicalStore(home / "lexical"), catalog=catalog, limit=_BATCH)
        with closing(words):
            while words.advance(catalog.collections.get(NAME)):
                print("words indexed for about a second", flush=True)
        reason = Reason(text="benchmark")
        catalog.collections.point(NAME, generation=made.id, epoch_expected=0, reason=reason)


def measure(home: Path, *, count: int, writes: int) -> dict[str, list[float]]:
    """Milliseconds of every write, by kind; the kinds take turns, after a few that are not kept."""
    random = np.random.default_rng(0)
    numbers = random.permutation(count)[: 2 * (writes + 5)].reshape(2, -1)
    spent: dict[str, list[float]] = {kind: [] for kind in KINDS}
    with serving(home) as service:
        first = service.catalog.collections.get(NAME).revision  # a number that no document has
        for turn, (updated, deleted) in enumerate(numbers.T.tolist()):
            places = {"new": count + first + turn, "update": updated, "delete": deleted}
            for kind in KINDS:
                seconds = service.write(kind, places[kind])
                if turn >= 5:
                    spent[kind].append(1000 * seconds)
    return spent


def measure_size(scratch: Path, *, count: int, writes: int) -> dict[str, list[float]]:
    """All writes of one size, on a copy of its home, which is built first where there is none."""
    kept = scratch / f"writes-{count}"
    if not kept.exists():
        making = scratch / f"writes-{count}.making"
        shutil.rmtree(making, ignore_errors=True)
        build(making, count=count)
        making.rename(kept)
    used = scratch / "writes.used"
    shutil.rmtree(used, ignore_errors=True)
    shutil.copytree(kept, used)
    try:
        return measure(used, count=count, writes=writes)
    finally:
        shutil.rmtree(used)


def main() -> None:
    """Measure every size and record the result."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--scratch", type=Path, default=Path("/tmp/molt-benchmarks"))
    options.add_argument("--sizes", type=int, nargs="+", default=[10_000, 1_000_000])
    options.add_argument("--writes", type=int, default=60, help="of each kind")
    arguments = options.parse_args()
    machine = machine_facts()
    spent = {
        count: measure_size(arguments.scratch, count=count, writes=arguments.writes)
        for count in arguments.sizes
    }
    rows = [
        {
            "documents": f"{count:,}",
            "write": kind,
            "p50 ms": median(found[kind]),
            "p95 ms": float(np.percentile(found[kind], 95)),
        }
        for count, found in spent.items()
        for kind in KINDS
    ]
    small, large = min(spent), max(spent)
    medians = {
        count: median([m for kind in KINDS for m in found[kind]]) for count, found in spent.items()
    }
    record(
        "writes",
        machine=machine,
        targets=[
            Target(f"p50 ms of a write at {large:,} documents", medians[large], "<=", 60.0),
            Target(f"next to {small:,} documents", medians[large] / medians[small], "<=", 1.5),
        ],
        tables=[Table("One document, from the write to its being seen", rows)],
        details={"milliseconds": {str(count): found for count, found in spent.items()}},
    )


if __name__ == "__main__":
    main()
