r"""One call retrains: does search become better while it goes on, and does going back restore it?

    python -m benchmarks.retraining --data ../shared/data --corpus devops_se
    python -m benchmarks.retraining --data ../shared/data --corpus stdlib \
        --config '{"gate": {"require": "non-inferiority"}}'

Imports the corpus into a fresh home, serves it with its worker, puts `/search` under load and asks
`POST /admin/retrain`. nDCG@10 is that of `/search` on the test queries before and after; then
`POST /admin/rollback`, and every answer must be what it was. The job's events are followed by SSE.
"""

import asyncio
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.answers import ranking
from benchmarks.beir import Corpus, read_corpus
from benchmarks.checkpoint import default_checkpoint, lend
from benchmarks.collection import search_bodies
from benchmarks.jobs import Outcome, run_job
from benchmarks.load import exchange
from benchmarks.options import parser
from benchmarks.record import RESULTS, Table, Target, machine_facts, record
from benchmarks.relevance import ndcg10
from benchmarks.server import Server, molt
from benchmarks.traffic import Connection, Traffic


def corpus_folder(arguments: Any) -> Path:
    """Where the corpus lies; that of the standard library is written first."""
    if arguments.corpus != "stdlib":
        return Path(arguments.data / arguments.corpus)
    written = Path(arguments.scratch / "stdlib-corpus" / "stdlib")
    subprocess.run([sys.executable, "demo/corpus.py", str(written)], check=True)
    return written


def rankings(server: Server, corpus: Corpus) -> list[dict[str, float]]:
    """What `/search` answers to each test query."""
    bodies = search_bodies(corpus.name, corpus.queries)
    return [ranking(each) for each in exchange(server.port, "/search", bodies, clients=4)]


def quality(corpus: Corpus, answers: list[dict[str, float]]) -> float:
    """Mean nDCG@10."""
    return float(ndcg10(corpus, dict(zip(corpus.query_ids, answers, strict=True))).mean())


async def retrain(server: Server, traffic: Traffic, body: dict[str, Any]) -> Outcome:
    """Ask for it, and follow it with searches going on."""
    going = asyncio.create_task(traffic.run(searchers=2, writers=0))
    outcome = await asyncio.to_thread(run_job, server, "retrain", body)
    await asyncio.sleep(2.0)
    traffic.stopping.set()
    await going
    return outcome


def main() -> None:
    """Retrain, compare, roll back, and record."""
    options = parser(__doc__)
    options.add_argument("--corpus", required=True, help="a folder under --data, or `stdlib`")
    options.add_argument("--config", type=json.loads, default={}, help="as JSON")
    options.add_argument("--think", type=float, default=0.5, help="seconds between two searches")
    arguments = options.parse_args()
    machine = machine_facts()
    corpus = read_corpus(corpus_folder(arguments))
    home = arguments.scratch / f"retraining-{corpus.name}"
    shutil.rmtree(home, ignore_errors=True)
    lend(home, default_checkpoint(arguments.scratch / "default"))
    program = str(Path(sys.executable).with_name("molt"))
    command = [program, "import", corpus.name, str(corpus_folder(arguments)), "--home", str(home)]
    subprocess.run(command, check=True)
    began = time.monotonic()
    with molt(home, worker=True, watch_seconds=5.0) as server:
        before = rankings(server, corpus)
        traffic = Traffic(server.port, corpus.name, corpus.queries, [], think=arguments.think)
        body = {"collection": corpus.name, "config": arguments.config}
        outcome = asyncio.run(retrain(server, traffic, body))
        print(outcome.job, flush=True)
        after = rankings(server, corpus)
        asyncio.run(
            Connection(server.port).ask("POST", "/admin/rollback", {"collection": corpus.name})
        )
        restored = rankings(server, corpus)
    row = {
        "corpus": corpus.name,
        "minutes": (time.monotonic() - began) / 60,
        "promoted": outcome.result["promoted"],
        "nDCG@10 before": quality(corpus, before),
        "nDCG@10 after": quality(corpus, after),
        "searches meanwhile": len(traffic.seen),
        "failed": len(traffic.failures),
        "events": len(outcome.events),
        "latest event, s late": max(each.late for each in outcome.events),
        "answers changed by going back": sum(a != b for a, b in zip(before, restored, strict=True)),
        "config": json.dumps(arguments.config),
    }
    report(row, outcome.job, machine=machine)


def report(row: dict[str, Any], job: dict[str, Any], *, machine: dict[str, Any]) -> None:
    """Record beside what was recorded of other corpora."""
    path = RESULTS / "retraining.json"
    rows, jobs = {}, {}
    if path.exists():
        former = json.loads(path.read_text(encoding="utf-8"))
        rows = {each["corpus"]: each for each in former["tables"][0]["rows"]}
        jobs = former["details"]["jobs"]
    rows[row["corpus"]] = row
    jobs[row["corpus"]] = job
    targets = []
    for name, each in rows.items():
        gain = each["nDCG@10 after"] - each["nDCG@10 before"]
        targets += [
            Target(f"{name}: promoted", int(each["promoted"]), ">=", 1),
            Target(f"{name}: gain in nDCG@10 of /search", gain, ">=", 0.0),
            Target(f"{name}: failed requests", each["failed"], "<=", 0),
            Target(f"{name}: events late, s", each["latest event, s late"], "<=", 5),
            Target(
                f"{name}: answers changed by going back",
                each["answers changed by going back"],
                "<=",
                0,
            ),
        ]
    record(
        "retraining",
        machine=machine,
        targets=targets,
        tables=[Table("A retrain under load, and back", list(rows.values()))],
        details={"jobs": jobs},
    )


if __name__ == "__main__":
    main()
