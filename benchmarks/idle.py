"""What does a server cost that nobody asks anything?

    python -m benchmarks.idle [--checkpoint CHECKPOINT]

CPU time of the server and its children over a while in which nothing changes: with a worker and one
collection; without a worker and with many; and where the pointer of one names a generation that is
damaged, which is not healed because another process of the home would be the one to index.
"""

import argparse
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from shutil import rmtree

import httpx
import numpy as np
import numpy.typing as npt

from benchmarks.checkpoint import default_checkpoint, lend
from benchmarks.record import Table, Target, machine_facts, record
from benchmarks.server import Server, molt
from molt.encoder.checkpoint import read_checkpoint
from molt.index.catalog.catalog import Catalog, home_url, open_catalog
from molt.index.catalog.document import Document
from molt.index.generations.generation import GenerationStore
from molt.index.generations.sealing import PassageEncoder
from molt.index.generations.writer import GenerationWriter

SETTLE_SECONDS = 65.0
"""After a start: DBOS looks more often in its first minute, and merges end."""
DAMAGED = "damaged"
ONE, MANY, REFUSED = "one collection, worker", "many collections", "one of them damaged"


def planted(server: Server, count: int) -> None:
    """Collections of one indexed document each."""
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=600) as client:
        for name in (f"c{number}" for number in range(count)):
            client.post("/collections", json={"name": name}).raise_for_status()
            body = {"documents": [{"id": "a", "text": f"the document of {name}"}], "wait": True}
            answer = client.post(f"/collections/{name}/documents", json=body).raise_for_status()
            if not answer.json()["indexed"]:
                raise RuntimeError(f"collection {name} was not indexed")


def plant_large(home: Path, documents: int) -> None:
    """A collection of so many documents, with vectors that nobody encoded."""
    with closing(open_catalog(home_url(home))) as catalog:
        collection = catalog.collections.create(DAMAGED)
        rows = [Document(f"d{number}", f"note number {number}") for number in range(documents)]
        catalog.documents.upsert(collection, rows)
        catalog.collections.point(DAMAGED, generation=generation(home, catalog))


def damage(home: Path) -> None:
    """Move its pointer to another generation, with one bit of one vector flipped."""
    with closing(open_catalog(home_url(home))) as catalog:
        made = generation(home, catalog)
        (vectors, *_) = (home / "generations" / made).rglob("vectors.npy")
        content = bytearray(vectors.read_bytes())
        content[-1] ^= 1
        vectors.write_bytes(content)
        catalog.collections.point(DAMAGED, generation=made)


def generation(home: Path, catalog: Catalog) -> str:
    """A complete generation of the large collection, of random vectors; its id."""
    store, collection = GenerationStore(home / "generations"), catalog.collections.get(DAMAGED)
    (checkpoint,) = (home / "checkpoints").glob("*/checkpoint.json")
    dimension = read_checkpoint(checkpoint.parent).dimension
    made = store.create(
        collection=collection.id, checkpoint=checkpoint.parent.name, dimension=dimension
    )
    random = np.random.default_rng(0)

    def encode(texts: Sequence[str]) -> npt.NDArray[np.float32]:
        vectors = random.standard_normal((len(texts), dimension)).astype(np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    writer = GenerationWriter(
        store, made.id, catalog=catalog, collection=collection, encoder=PassageEncoder(encode)
    )
    with closing(writer):
        while writer.advance(4096):
            continue
    return made.id


def share(server: Server, *, settle: float, seconds: float) -> float:
    """Per cent of a core that the server and its children use, over `seconds`."""
    time.sleep(settle)
    before, began = server.cpu_seconds(), time.monotonic()
    time.sleep(seconds)
    return 100 * (server.cpu_seconds() - before) / (time.monotonic() - began)


def answers(server: Server, name: str) -> bool:
    """Is a search of a collection answered, and traffic taken?"""
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=60) as client:
        found = client.post("/search", json={"query": "note", "collection": name})
        return found.status_code == client.get("/readyz").status_code == 200


@contextmanager
def served(home: Path, *, worker: bool = False, seal: bool = True) -> Iterator[Server]:
    """A server of a home; with `seal` false it waits for another process to index."""
    os.environ["MOLT_INDEX__SEAL"] = str(seal).lower()
    with molt(home, worker=worker) as server:
        yield server


def fresh_home(scratch: Path, name: str, checkpoint: Path) -> Path:
    """A home that holds a checkpoint and nothing else."""
    home = scratch / f"idle-{name}"
    rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    lend(home, checkpoint)
    return home


def main() -> None:
    """Measure each and record."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--scratch", type=Path, default=Path("/tmp/molt-benchmarks"))
    options.add_argument("--checkpoint", type=Path, help="by default the built-in one")
    options.add_argument("--collections", type=int, default=100)
    options.add_argument("--documents", type=int, default=20_000, help="of the damaged collection")
    options.add_argument("--settle", type=float, default=SETTLE_SECONDS)
    options.add_argument("--seconds", type=float, default=60.0)
    arguments = options.parse_args()
    machine = machine_facts()
    checkpoint = arguments.checkpoint or default_checkpoint(arguments.scratch / "default")
    wait = {"settle": arguments.settle, "seconds": arguments.seconds}
    shares = {}

    home = fresh_home(arguments.scratch, "one", checkpoint)
    with served(home, worker=True) as server:
        planted(server, 1)
        shares[ONE] = share(server, **wait)

    home = fresh_home(arguments.scratch, "many", checkpoint)
    with served(home) as server:
        planted(server, arguments.collections)
        shares[MANY] = share(server, **wait)

    plant_large(home, arguments.documents)
    with served(home, seal=False) as server:
        damage(home)
        shares[REFUSED] = share(server, **wait)
        former_answers = answers(server, DAMAGED)
    report(shares, former_answers=former_answers, machine=machine)


def report(shares: dict[str, float], *, former_answers: bool, machine: dict[str, object]) -> None:
    """Record the shares."""
    record(
        "idle",
        machine=machine,
        targets=[
            Target(f"% of a core, {ONE}", shares[ONE], "<=", 1),
            Target(f"% of a core, {MANY}", shares[MANY], "<=", 1),
            Target(f"% of a core, {REFUSED}", shares[REFUSED], "<=", 2),
            Target("the former generation answers", float(former_answers), ">=", 1),
        ],
        tables=[Table("Idle", [{"server": name, "% of a core": x} for name, x in shares.items()])],
        details={},
    )


if __name__ == "__main__":
    main()
