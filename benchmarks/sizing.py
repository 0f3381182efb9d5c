"""What do a hundred thousand documents more take, in memory and on disk?

    python -m benchmarks.sizing

Homes of several sizes, each served while searches with and without a filter go on; what a hundred
thousand documents take is the slope between the smallest and the largest. A document has some 600
characters and three values of metadata; vectors are random, since what is
measured does not depend on what they say, and nobody has to encode them.
"""

import argparse
import shutil
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import httpx
import numpy as np
import numpy.typing as npt

from benchmarks.checkpoint import default_checkpoint, lend
from benchmarks.record import Table, machine_facts, record
from benchmarks.sealing import seal_all
from benchmarks.server import Memory, molt
from molt.encoder.checkpoint import read_checkpoint
from molt.index.catalog.catalog import Catalog, home_url, open_catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.document import Document
from molt.index.generations.generation import GenerationStore

NAME = "default"
PER = 100_000
SEARCHES = 400
_SEGMENT = 50_000
_BATCH = 10_000
_MIB = 2**20


def document(number: int) -> Document:
    """Some ninety words of a large vocabulary."""
    words = " ".join(f"w{(number * 31 + place * place) % 50_000}" for place in range(90))
    metadata = {"price": number % 500, "brand": f"brand {number % 200}", "tags": [number % 7]}
    return Document(f"d{number}", text=words, title=f"document {number}", metadata=metadata)


def build(home: Path, checkpoint: Path, *, count: int) -> None:
    """A home with `count` documents, indexed."""
    home.mkdir(parents=True)
    lend(home, checkpoint)
    with closing(open_catalog(home_url(home))) as catalog:
        collection = catalog.collections.create(NAME)
        for start in range(0, count, _BATCH):
            rows = [document(n) for n in range(start, min(start + _BATCH, count))]
            catalog.documents.upsert(collection, rows)
        catalog.collections.point(NAME, generation=indexed(home, catalog, collection))


def indexed(home: Path, catalog: Catalog, collection: Collection) -> str:
    """A generation of all documents, of random vectors; its id."""
    store = GenerationStore(home / "generations")
    (manifest,) = (home / "checkpoints").glob("*/checkpoint.json")
    dimension = read_checkpoint(manifest.parent).dimension
    random = np.random.default_rng(0)

    def encode(texts: Sequence[str]) -> npt.NDArray[np.float32]:
        vectors = random.standard_normal((len(texts), dimension)).astype(np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    made = store.create(
        collection=collection.id, checkpoint=manifest.parent.name, dimension=dimension
    )
    seal_all(store, made.id, catalog=catalog, collection=collection, encode=encode, rows=_SEGMENT)
    return made.id


def memory_of(home: Path, *, count: int) -> Memory:
    """What a server of the home occupies after searches."""
    with (
        molt(home) as server,
        httpx.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=60) as client,
    ):
        for turn in range(SEARCHES if count else 0):
            body = {"query": f"w{turn} w{turn * 7}", "collection": NAME, "k": 10, "mode": "dense"}
            if turn % 2:
                body["filter"] = {"all": [{"field": "price", "lt": 100 + turn}]}
            client.post("/search", json=body).raise_for_status()
        return server.memory()


def disk_of(path: Path) -> int:
    """Bytes of the files at or below a path."""
    files = path.rglob("*") if path.is_dir() else path.parent.glob(f"{path.name}*")
    return sum(each.stat().st_size for each in files if each.is_file())


def measure(scratch: Path, checkpoint: Path, *, count: int) -> dict[str, float]:
    """MiB of everything, for a home of so many documents."""
    home = scratch / f"sizing-{count}"
    if not (home / "built").exists():
        shutil.rmtree(home, ignore_errors=True)
        build(home, checkpoint, count=count)
        (home / "built").touch()
    memory = memory_of(home, count=count)
    found = {
        "resident": memory.resident,
        "of its own": memory.unique,
        "catalog": disk_of(home / "catalog.sqlite3"),
        "generation": disk_of(home / "generations"),
        "checkpoint": disk_of(home / "checkpoints"),
    }
    return {name: round(size / _MIB, 1) for name, size in found.items()}


def main() -> None:
    """Measure every size and record the result."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--scratch", type=Path, default=Path("/tmp/molt-benchmarks"))
    options.add_argument("--sizes", type=int, nargs="+", default=[50_000, 100_000, 200_000])
    arguments = options.parse_args()
    machine = machine_facts()
    checkpoint = default_checkpoint(arguments.scratch / "default")
    sizes = {
        count: measure(arguments.scratch, checkpoint, count=count) for count in arguments.sizes
    }
    small, large = min(sizes), max(sizes)
    slope = {
        name: round((sizes[large][name] - sizes[small][name]) * PER / (large - small), 1)
        for name in sizes[large]
    }
    rows = [{"documents": f"{count:,}"} | found for count, found in sizes.items()]
    record(
        "sizing",
        machine=machine,
        targets=[],
        tables=[
            Table("MiB of a server and its home", rows),
            Table(f"MiB for each {PER:,} documents more", [slope]),
        ],
        details={str(count): found for count, found in sizes.items()},
    )


if __name__ == "__main__":
    main()
