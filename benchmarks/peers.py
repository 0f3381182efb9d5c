"""Is Molt as fast as a server of forty lines that can do nothing but search?

    python -m benchmarks.peers --data ../shared/data

Both serve the same documents (titles of papers) with the same vectors and the same graph of the
encoder: Molt from the home that `molt import` leaves, with nothing done after it, and
`forty_lines` from FAISS and SQLite. Load goes to them in turn, every query a new one (the first
words of abstracts), and is compared within each round. `cpu_ms` is the processor's time that a
search takes of a server, which others at work on the machine change least. Recall is measured for
both.
"""

import json
import sqlite3
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from benchmarks.answers import embedded, ranking
from benchmarks.beir import read_jsonl
from benchmarks.checkpoint import default_checkpoint, lend
from benchmarks.collection import body, embedding_bodies, search_bodies, settle
from benchmarks.exact import Passages, read_passages, recall_at_10
from benchmarks.load import exchange, measure
from benchmarks.options import parser
from benchmarks.record import Table, Target, machine_facts, median, record
from benchmarks.server import Server, command_of, forty_lines, molt

NAME = "arxiv"
CLIENTS = (1, 16, 32)
MOLT, PEER = "molt", "forty lines"
WORDS = 12
SEED = 20_261


def titles(data: Path, *, count: int) -> list[dict[str, Any]]:
    """The first titles of the arXiv corpus, each once, as documents in BEIR layout."""
    rows = read_jsonl(data / "arxiv" / "queries.jsonl")
    texts = list(dict.fromkeys(row["text"] for row in rows))[:count]
    return [{"_id": f"a{at}", "text": text, "metadata": {}} for at, text in enumerate(texts)]


def queries(data: Path) -> list[str]:
    """The first words of each abstract, in an order drawn once."""
    texts = (row["text"].split()[:WORDS] for row in read_jsonl(data / "arxiv" / "corpus.jsonl"))
    distinct = list(dict.fromkeys(" ".join(words) for words in texts))
    order = np.random.default_rng(SEED).permutation(len(distinct))
    return [distinct[place] for place in order]


def imported(home: Path, documents: Sequence[dict[str, Any]], *, source: Path | None) -> float:
    """Seconds that `molt import` takes, which a former run may have told."""
    told = home / "import_seconds.json"
    if not told.exists():
        lend(home, default_checkpoint(home.parent / "default"))
        corpus = home / "titles.jsonl"
        corpus.write_bytes(b"\n".join(map(body, documents)))
        command, environment = command_of(source)
        command += ["import", NAME, str(corpus), "--home", str(home)]
        began = time.monotonic()
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
        told.write_text(json.dumps(time.monotonic() - began))
    return float(json.loads(told.read_text()))


def prepare_peer(folder: Path, passages: Passages, documents: Sequence[dict[str, Any]]) -> None:
    """Make the files that `forty_lines` serves, unless a former run did; of Molt's vectors."""
    if (folder / "index.faiss").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = default_checkpoint(folder.parent / "default")
    (folder / "model.onnx").write_bytes((checkpoint / "runtime" / "int8.onnx").read_bytes())
    (folder / "tokenizer.json").write_bytes((checkpoint / "tokenizer.json").read_bytes())
    texts = {document["_id"]: document["text"] for document in documents}
    rows = [(row, one, "", texts[one], "{}") for row, one in enumerate(passages.doc_ids)]
    with closing(sqlite3.connect(folder / "documents.sqlite3")) as made, made:
        made.execute("CREATE TABLE documents (row INTEGER PRIMARY KEY, id, title, text, metadata)")
        made.executemany("INSERT INTO documents VALUES (?, ?, ?, ?, ?)", rows)
    index = faiss.IndexHNSWFlat(passages.vectors.shape[1], 32, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = 200
    index.add(passages.vectors)
    faiss.write_index(index, str(folder / "index.faiss"))


@contextmanager
def both(arguments: Any, documents: Sequence[dict[str, Any]]) -> Iterator[dict[str, Server]]:
    """The two servers, at rest."""
    home = arguments.scratch / f"titles-{len(documents)}"
    peer = arguments.scratch / f"forty-lines-{len(documents)}"
    with molt(home, runtime=arguments.runtime, source=arguments.source) as server:
        generation = settle(server, NAME)
        passages = read_passages(home, collection=NAME, generation=generation)
        prepare_peer(peer, passages, documents)
        del passages
        with forty_lines(peer) as other:
            yield {MOLT: server, PEER: other}


def recalls(
    servers: dict[str, Server], passages: Passages, texts: Sequence[str]
) -> dict[str, float]:
    """Mean recall@10 of each server against exact search over the vectors that both hold."""
    asked = embedding_bodies(texts, input_type="query")
    vectors = embedded(exchange(servers[MOLT].port, "/v1/embeddings", asked, clients=1))
    found = {}
    for name, server in servers.items():
        answers = exchange(server.port, "/search", search_bodies(NAME, texts), clients=1)
        rankings = [ranking(answer) for answer in answers]
        found[name] = float(recall_at_10(passages, vectors, rankings).mean())
    return found


def rounds(
    servers: dict[str, Server], texts: Iterator[str], arguments: Any
) -> list[dict[str, Any]]:
    """Each number of clients at each server in turn; a first round is not kept."""
    measured = []
    for number in range(-1, arguments.rounds):
        for clients in CLIENTS:
            order = list(servers) if number % 2 else list(reversed(servers))
            for name in order:
                bodies = search_bodies(NAME, islice(texts, int(arguments.seconds * 700)))
                spent = servers[name].cpu_seconds()
                seen = measure(
                    servers[name].port,
                    "/search",
                    bodies,
                    clients=clients,
                    seconds=arguments.seconds,
                    scratch=arguments.scratch,
                )
                row = {"round": number, "server": name, "clients": clients}
                row |= {"p50_ms": seen.p50 * 1000, "per_second": seen.per_second}
                spent = servers[name].cpu_seconds() - spent
                measured.append(row | {"cpu_ms": spent * 1000 / seen.requests})
                print(measured[-1], flush=True)
    return [row for row in measured if row["round"] >= 0]


def rows(measured: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """For each number of clients the medians of both, and of the ratios within the rounds."""
    table = []
    for clients in CLIENTS:
        row: dict[str, Any] = {"clients": clients}
        for value in ("p50_ms", "per_second", "cpu_ms"):
            ours, theirs = (
                [one[value] for one in measured if (one["server"], one["clients"]) == wanted]
                for wanted in ((MOLT, clients), (PEER, clients))
            )
            row |= {f"{value}, {MOLT}": median(ours), f"{value}, {PEER}": median(theirs)}
            row[f"{value}, ratio"] = median([a / b for a, b in zip(ours, theirs, strict=True)])
        table.append(row)
    return table


def targets(table: Sequence[dict[str, Any]], recall: dict[str, float]) -> list[Target]:
    """No slower than the peer, and no less true."""
    alone, *crowds = table
    found = [Target("p50 at 1 client, to the peer's", alone["p50_ms, ratio"], "<=", 1.0)]
    for row in crowds:
        claim = f"requests/s at {row['clients']} clients, to the peer's"
        found.append(Target(claim, row["per_second, ratio"], ">=", 1.0))
    return [
        *found,
        Target("recall@10 of Molt", recall[MOLT], ">=", 0.99),
        Target("recall@10 of the peer", recall[PEER], ">=", 0.985),
    ]


def main() -> None:
    """Measure and record."""
    options = parser(__doc__)
    options.add_argument("--documents", type=int, default=54_667)
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--seconds", type=float, default=3.0)
    options.add_argument("--queries", type=int, default=400, help="queries that measure recall")
    options.add_argument("--runtime", default="onnx-int8", help="the variant that serves")
    options.add_argument("--source", type=Path, help="the modules of another version of Molt")
    options.add_argument("--name", default="peers", help="what the result is called")
    arguments = options.parse_args()
    machine = machine_facts()
    documents = titles(arguments.data, count=arguments.documents)
    home = arguments.scratch / f"titles-{len(documents)}"
    seconds = imported(home, documents, source=arguments.source)
    texts = queries(arguments.data)
    with both(arguments, documents) as servers:
        measured = rounds(servers, iter(texts[arguments.queries :]), arguments)
        generation = settle(servers[MOLT], NAME)
        passages = read_passages(home, collection=NAME, generation=generation)
        recall = recalls(servers, passages, texts[: arguments.queries])
        segments = len(list((home / "generations" / generation / "segments").iterdir()))
    table = rows(measured)
    built = {"documents": len(documents), "documents/s of the import": len(documents) / seconds}
    built |= {"segments": segments} | {
        f"recall@10, {name}": value for name, value in recall.items()
    }
    record(
        arguments.name,
        machine=machine,
        targets=targets(table, recall),
        tables=[Table("Medians of the rounds", table), Table("What was searched", [built])],
        details={"rounds": measured},
    )


if __name__ == "__main__":
    main()
