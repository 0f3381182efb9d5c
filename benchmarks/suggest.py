"""How long does it take to suggest how a query goes on, and to make what is suggested?

    python -m benchmarks.suggest --data ../shared/data

75,000 titles: those of chorus_icecat, and again with another beginning until there are so many.
Beginnings of titles and of words in them, of 1 to 12 characters, are asked one after another in one
process, without HTTP; each answer has read in the catalog whether its titles are still there.
"""

import argparse
import json
import random
import resource
import time
from contextlib import closing
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks.record import Table, Target, machine_facts, record
from molt.engine.encoders import Encoders
from molt.engine.live.live_collections import LiveCollections
from molt.engine.search.suggestions.suggesting import Suggester
from molt.engine.sections import SuggestSettings
from molt.index.catalog.catalog import Catalog, home_url, open_catalog
from molt.index.catalog.document import Document
from molt.index.generations.generation import GenerationStore
from molt.index.lexical.commit import LexicalStore

NAME = "default"
TITLES = 75_000
ASKED = 3_000
ENCODER: Any = SimpleNamespace(checkpoint=SimpleNamespace(id="b" * 16), close=lambda: None)


def titles(data: Path) -> list[str]:
    """So many different titles."""
    lines = (data / "chorus_icecat" / "corpus.jsonl").read_text(encoding="utf-8").splitlines()
    real = [title for line in lines if (title := json.loads(line)["title"])]
    makers = ("", "Refurbished ", "Spare part for ", "Set of ", "Used ")
    every = (maker + title for maker in makers for title in real)
    return list(islice(dict.fromkeys(every), TITLES))


def fill(catalog: Catalog, names: list[str]) -> None:
    """A collection of documents with these titles, of which none is indexed."""
    catalog.aliases.set("default", ENCODER.checkpoint.id)
    made = catalog.collections.create(NAME)
    documents = [Document(f"d{at}", "text", title) for at, title in enumerate(names)]
    for start in range(0, len(documents), 10_000):
        catalog.documents.upsert(made, documents[start : start + 10_000])


def beginnings(names: list[str]) -> list[str]:
    """What somebody may have typed of them by now."""
    chosen = random.Random(0)
    some = chosen.choices(names, k=ASKED)
    starts = [title if at % 2 else chosen.choice(title.split()) for at, title in enumerate(some)]
    return [start[: chosen.randint(1, 12)] for start in starts]


def resident() -> float:
    """MiB of this process, at most so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measure and record the result."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--data", type=Path, required=True)
    arguments = options.parse_args()
    machine = machine_facts()
    names = titles(arguments.data)
    with TemporaryDirectory() as folder, closing(open_catalog(home_url(Path(folder)))) as catalog:
        fill(catalog, names)
        store = GenerationStore(Path(folder) / "generations")
        live = LiveCollections(
            catalog=catalog,
            generations=store,
            lexical=LexicalStore(Path(folder) / "lexical"),
            encoders=Encoders(lambda _: ENCODER),
        )
        suggester = Suggester(SuggestSettings(), catalog=catalog, live_collections=live)
        live.refresh(NAME)
        before, began = resident(), time.perf_counter()
        assert suggester.suggest(NAME, "x", k=10, patience=None).complete
        made, grown = time.perf_counter() - began, resident() - before
        spent = []
        for prefix in beginnings(names):
            began = time.perf_counter()
            suggester.suggest(NAME, prefix, k=10)
            spent.append(1000 * (time.perf_counter() - began))
        suggester.close()
        live.close()
    p50, p99 = np.percentile(spent, (50, 99)).tolist()
    row = {"titles": f"{len(names):,}", "p50 ms": p50, "p99 ms": p99}
    record(
        "suggest",
        machine=machine,
        targets=[Target("p50 of a suggestion, ms", p50, "<=", 5.0)],
        tables=[Table("Suggestions", [row | {"made in s": made, "MiB": grown}])],
        details={"milliseconds": spent},
    )


if __name__ == "__main__":
    main()
