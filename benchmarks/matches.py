"""What do facets, other orders, groups and cursors cost beside the search alone?

    python -m benchmarks.matches

75 k documents, or as many as are asked for, of 384 dimensions with the fields of a shop, in the
segments that an import of batches leaves, searched in one process and one thread without encoding
and without HTTP. Every case takes its turn with every vector, so that none has a quieter machine.
"""

import argparse
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.record import Table, Target, machine_facts, median, record
from molt.index.catalog.catalog import home_url, open_catalog
from molt.index.catalog.document import Document
from molt.index.generations.generation import GenerationStore
from molt.index.generations.sealing import PassageEncoder
from molt.index.generations.snapshot import Snapshot, open_snapshot
from molt.index.generations.writer import GenerationWriter
from molt.index.segments.filters.filter import parse_filter
from molt.index.segments.matches.facets import Facet
from molt.index.segments.matches.order import SortField
from molt.index.segments.matches.paging import PageQuery
from molt.index.segments.matches.parsing import parse_facets

DIMENSION = 384
DOCUMENTS = 75_000
SHARES = (60, 10, 4, 1)
"""How many 75ths of the documents each segment has."""
SEED = 7
Vectors = npt.NDArray[np.float32]

FACETS: Mapping[str, Any] = {
    "facet of 100 brands": "brand",
    "facet of a list of tags": "tags",
    "facet of 5 ranges of prices": {
        "field": "price",
        "ranges": [{"gte": n, "lt": n + 200} for n in range(0, 1000, 200)],
    },
    "facet of 10 buckets of prices": {"field": "price", "buckets": 10},
    "facet of 10 buckets of dates": {"field": "added", "buckets": 10},
    "facet of a field that is unique": "sku",
}
TOGETHER = ("facet of 100 brands", "facet of 5 ranges of prices")
SEARCH, BOTH = "the search alone", "the search with two facets"


def embed(texts: Sequence[str]) -> Vectors:
    """`(n, DIMENSION) float32`, L2-normalised, drawn by the number that each text is."""
    drawn = [np.random.default_rng(int(text)).standard_normal(DIMENSION) for text in texts]
    vectors = np.stack(drawn).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def document(number: int, random: np.random.Generator) -> Document:
    """An article of a shop; three are of one family."""
    added = f"20{random.integers(18, 26)}-{random.integers(1, 13):02}-{random.integers(1, 29):02}"
    return Document(
        f"d{number}",
        str(number),
        metadata={
            "brand": f"brand {int(random.zipf(1.5)) % 100}",
            "tags": [f"tag {one}" for one in random.integers(0, 20, 3).tolist()],
            "price": round(float(random.uniform(0, 1000)), 2),
            "added": added,
            "sku": f"sku {number:08}",
            "family": f"family {number // 3}",
        },
    )


def build(home: Path, documents: int) -> None:
    """A home whose generation has so many documents, in a segment for each of `SHARES`."""
    home.mkdir(parents=True)
    random = np.random.default_rng(SEED)
    catalog = open_catalog(home_url(home))
    with closing(catalog):
        collection = catalog.collections.create("default")
        store = GenerationStore(home / "generations")
        made = store.create(collection=collection.id, checkpoint="b" * 16, dimension=DIMENSION)
        writer = GenerationWriter(
            store, made.id, catalog=catalog, collection=collection, encoder=PassageEncoder(embed)
        )
        start = 0
        with closing(writer):
            for share in SHARES:
                size = documents * share // sum(SHARES)
                numbers = range(start, start + size)
                catalog.documents.upsert(collection, [document(one, random) for one in numbers])
                while writer.advance(size):
                    print(f"{writer.snapshot.n_documents} indexed", flush=True)
                start += size


def opened(home: Path) -> Snapshot:
    """The generation of a home."""
    catalog = open_catalog(home_url(home))
    with closing(catalog):
        collection = catalog.collections.get("default")
        store = GenerationStore(home / "generations")
        (generation,) = store.ids()
        return open_snapshot(store, store.read(generation), catalog.documents.liveness(collection))


def cases(snapshot: Snapshot) -> dict[str, Callable[[Vectors], object]]:
    """What is measured, by its name; each takes the vector of a query."""
    half = parse_filter({"field": "price", "lt": 500})
    fields = {
        name: tuple(SortField(one) for one in name.split()) for name in ("price", "brand sku")
    }
    after = snapshot.match().page(embed(["1"])[0], PageQuery(10)).standings[-1].position
    two = parse_facets([FACETS[name] for name in TOGETHER])

    def search(vector: Vectors) -> object:
        return snapshot.search(vector, k=10)

    def both(vector: Vectors) -> object:
        return search(vector), snapshot.match().count(two)

    made: dict[str, Callable[[Vectors], object]] = {SEARCH: search, BOTH: both}
    for name, one in FACETS.items():
        made[name] = partial(_counted, snapshot, parse_facets([one]))
    made["two facets under a filter that keeps half"] = lambda _: snapshot.match(where=half).count(
        two
    )
    made["two facets with a least score"] = lambda vector: snapshot.match(
        query=vector, min_score=0.0
    ).count(two)
    for name, order in fields.items():
        made[f"sort by {name}"] = lambda vector, order=order: snapshot.match().page(
            vector, PageQuery(10, order)
        )
    made["group by family"] = lambda vector: snapshot.match().page(
        vector, PageQuery(10, group_by="family")
    )
    made["group by brand, sorted by price"] = lambda vector: snapshot.match().page(
        vector, PageQuery(10, fields["price"], "brand")
    )
    made["a page by cursor"] = lambda vector: snapshot.match().page(
        vector, PageQuery(10, after=after)
    )
    return made


def _counted(snapshot: Snapshot, facets: Sequence[Facet], _: Vectors) -> object:
    return snapshot.match().count(facets)


def measure(snapshot: Snapshot, *, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of every case with every vector, after two rounds that are not kept."""
    measured = cases(snapshot)
    spent: dict[str, list[float]] = {name: [] for name in measured}
    for number, vector in enumerate(embed([str(n) for n in range(rounds + 2)])):
        for name, work in measured.items():
            began = time.perf_counter()
            work(vector)
            if number >= 2:
                spent[name].append(1000 * (time.perf_counter() - began))
    return spent


def main() -> None:
    """Measure every case and record the result."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--scratch", type=Path, default=Path("/tmp/molt-benchmarks"))
    options.add_argument("--rounds", type=int, default=100)
    options.add_argument("--documents", type=int, default=DOCUMENTS)
    arguments = options.parse_args()
    machine = machine_facts()
    home = arguments.scratch / f"matches-{arguments.documents}"
    if not home.exists():
        making = home.with_suffix(".making")
        shutil.rmtree(making, ignore_errors=True)
        build(making, arguments.documents)
        making.rename(home)
    spent = measure(opened(home), rounds=arguments.rounds)
    rows = [
        {"case": name, "p50 ms": median(own), "p95 ms": float(np.percentile(own, 95))}
        for name, own in spent.items()
    ]
    added = median(spent[BOTH]) - median(spent[SEARCH])
    record(
        "matches",
        machine=machine,
        targets=[
            Target("p50 ms that two facets add to a search", added, "<=", 5.0),
            Target("p50 ms of the slowest case", max(row["p50 ms"] for row in rows), "<=", 50.0),
        ],
        tables=[Table(f"{arguments.documents:,} documents in {len(SHARES)} segments", rows)],
        details={"milliseconds": spent},
    )


if __name__ == "__main__":
    main()
