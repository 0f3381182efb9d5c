"""How large is the index of the words of a million short documents, and how soon is a write found?

    python -m benchmarks.lexical_size --data ../shared/data

A million documents of two titles of arXiv each, some 18 words that are as frequent as words are.
Their vectors are hashes, so that nothing is encoded (`benchmarks.writes`, whose service this is).
While a thread searches them by their words without a pause, documents with a word that no other has
are written one at a time, each waited for until a search for that word finds it.
"""

import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import arxiv, writes
from benchmarks.options import parser
from benchmarks.record import Table, Target, machine_facts, median, record
from molt.app.process import favour_short_work
from molt.engine.search.lexical import LexicalRetriever
from molt.engine.search.pipeline import Pipeline
from molt.engine.search.query import SearchQuery
from molt.index.catalog.document import Document

SEED = 20_261
_TIMEOUT = 60.0


class Titles:
    """The documents of the benchmark, by number; the same in every run."""

    def __init__(self, data: Path, *, count: int) -> None:
        self.texts = arxiv.queries(data)
        pairs = np.random.default_rng(SEED).integers(len(self.texts), size=(count, 2))
        self._pairs: list[list[int]] = pairs.tolist()

    def document(self, number: int) -> Document:
        """One of them."""
        first, second = self._pairs[number]
        text = f"{self.texts[first]}. {self.texts[second]}"
        return Document(f"d{number}", text, metadata={"n": number})


class Searcher:
    """Searches by words as the service does, without rest while it is `searching`."""

    def __init__(self, service: writes.Service) -> None:
        self._service = service
        self._pipeline = Pipeline((LexicalRetriever(),))
        self.milliseconds: list[float] = []

    def ids(self, text: str) -> list[str]:
        """What is found."""
        query = SearchQuery(text, writes.NAME, mode="lexical", boosts=(), rerank=None)
        live = self._service.live_collections.get(writes.NAME)
        answer = self._pipeline.search(query, live=live, catalog=self._service.catalog)
        return [hit.id for hit in answer.page.hits]

    @contextmanager
    def searching(self, texts: Sequence[str]) -> Iterator[None]:
        """A thread that asks for one text after another meanwhile."""
        over = threading.Event()

        def search() -> None:
            for text in cycle(texts):
                if over.is_set():
                    return
                began = time.perf_counter()
                self.ids(text)
                self.milliseconds.append(1000 * (time.perf_counter() - began))

        thread = threading.Thread(target=search)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def seconds_to_find(service: writes.Service, searcher: Searcher, number: int) -> float:
    """From one write to the first answer that has it."""
    word = f"unheardof{number}x"
    one = Document(f"w{number}", f"{word} in a short document", metadata={"n": number})
    began = time.perf_counter()
    service.catalog.documents.upsert(service.collection, [one])
    service.indexer.wake()
    while searcher.ids(word)[:1] != [one.id]:
        if time.perf_counter() - began > _TIMEOUT:
            raise TimeoutError(f"{one.id} was not found: {service.indexer.problems()}")
        time.sleep(0.002)
    return time.perf_counter() - began


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def built(scratch: Path, titles: Titles, *, count: int) -> Path:
    """A home with the documents, which a former run may have left; a copy of it is written to."""
    kept = scratch / f"lexical-{count}"
    if not kept.exists():
        making = scratch / f"lexical-{count}.making"
        shutil.rmtree(making, ignore_errors=True)
        writes.build(making, count=count, document=titles.document)
        making.rename(kept)
    used = scratch / "lexical.used"
    shutil.rmtree(used, ignore_errors=True)
    shutil.copytree(kept, used)
    return used


def main() -> None:
    """Measure and record the result."""
    options = parser(__doc__)
    options.add_argument("--documents", type=int, default=1_000_000)
    options.add_argument("--writes", type=int, default=60)
    arguments = options.parse_args()
    machine = machine_facts()
    titles = Titles(arguments.data, count=arguments.documents)
    home = built(arguments.scratch, titles, count=arguments.documents)
    size = size_of(home / "lexical")
    favour_short_work()
    with writes.serving(home) as service:
        searcher = Searcher(service)
        searcher.ids("nothing")
        with searcher.searching(titles.texts):
            found = [
                seconds_to_find(service, searcher, number) for number in range(arguments.writes)
            ]
    shutil.rmtree(home)
    after, per_document = found[5:], size / arguments.documents
    row: dict[str, Any] = {
        "documents": f"{arguments.documents:,}",
        "MB on disk": size / 1e6,
        "bytes a document": per_document,
        "found in ms, p50": 1000 * median(after),
        "p95": 1000 * float(np.percentile(after, 95)),
        "most": 1000 * max(after),
        "search ms, p50": median(searcher.milliseconds),
    }
    record(
        "lexical_size",
        machine=machine,
        targets=[
            Target("MB of the index of words of a million documents", per_document, "<=", 1000.0),
            Target("s from a write to its being found, the most", max(after), "<=", 1.0),
        ],
        tables=[Table("Words while they are searched", [row])],
        details={"seconds": found, "searches": len(searcher.milliseconds)},
    )


if __name__ == "__main__":
    main()
