"""How much better does a trained encoder rank?

    python -m benchmarks.training_quality --data ../shared/data CORPUS...

`molt import` and `molt train` as a user runs them, in the default configuration: queries of test
against the whole corpus, both checkpoints in the variant that serves here. The base is the
built-in all-MiniLM-L6-v2. What is recorded of a corpus stays until it is measured again.
"""

import json
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path
from shutil import copyfile
from typing import Any

from benchmarks.checkpoint import default_checkpoint, lend
from benchmarks.options import parser
from benchmarks.record import RESULTS, Table, Target, machine_facts, record

# How much nDCG@10 must gain on test, and the p of the paired test that it must stay below.
BOUNDS = {
    "medquad": (0.02, 0.01),
    "devops_se": (0.02, 0.01),
    "scitldr": (-0.003, None),
    "arxiv": (-0.003, None),
    "chorus_icecat": (0.0, None),
    "stdlib": (0.0, None),
}


ARXIV_PAIRS = 20_000


def train(corpus: str, arguments: Any) -> dict[str, Any]:
    """One corpus' row."""
    home = arguments.scratch / f"train-{corpus}"
    if not (home / "catalog.sqlite3").exists():
        lend(home, default_checkpoint(arguments.scratch / "default"))
        molt(home, "import", corpus, str(folder(corpus, arguments)))
    began = time.monotonic()
    outcome = molt(home, "train", corpus)
    row: dict[str, Any] = {"corpus": corpus, "minutes": (time.monotonic() - began) / 60}
    row["dev nDCG@10, each epoch"] = " ".join(f"{value:.4f}" for value in outcome["dev"]["epochs"])
    row["dev nDCG@10 of the base"] = outcome["dev"]["base"]
    if outcome["report"] is None:
        return row | {"base": None, "trained": None, "gain": 0.0, "low": None, "high": None, "p": 1}
    report = json.loads((Path(outcome["report"]) / "report.json").read_text(encoding="utf-8"))
    change = report["comparisons"][0]["measures"]["nDCG@10"]
    return row | {
        "base": report["baseline"]["measures"]["nDCG@10"]["mean"],
        "trained": report["candidates"][0]["measures"]["nDCG@10"]["mean"],
        "gain": change["estimate"]["mean"],
        "low": change["estimate"]["low"],
        "high": change["estimate"]["high"],
        "p": change["p"],
    }


def folder(corpus: str, arguments: Any) -> Path:
    """Where a corpus lies; that of the standard library is written first, and arXiv's is cut."""
    given = Path(arguments.data / corpus)
    written = Path(arguments.scratch / f"{corpus}-corpus")
    if corpus == "stdlib":
        subprocess.run([sys.executable, "demo/corpus.py", str(written)], check=True)
    elif corpus == "arxiv":
        (written / "qrels").mkdir(parents=True, exist_ok=True)
        for name in ("corpus.jsonl.gz", "queries.jsonl.gz", "qrels/dev.tsv", "qrels/test.tsv"):
            copyfile(given / name, written / name)
        with (given / "qrels" / "train.tsv").open(encoding="utf-8") as lines:
            kept = "".join(islice(lines, 1 + ARXIV_PAIRS))
        (written / "qrels" / "train.tsv").write_text(kept, encoding="utf-8")
    else:
        return given
    return written


def molt(home: Path, *command: str) -> Any:
    """Run a command over `home`; its last line of JSON."""
    program = str(Path(sys.executable).with_name("molt"))
    done = subprocess.run(
        [program, *command, "--home", str(home), "--json"], check=True, stdout=subprocess.PIPE
    )
    return json.loads(done.stdout.splitlines()[-1])


def recorded() -> dict[str, dict[str, Any]]:
    """What was measured before, by corpus."""
    path = RESULTS / "training_quality.json"
    if not path.exists():
        return {}
    tables = json.loads(path.read_text(encoding="utf-8"))["tables"]
    return {row["corpus"]: row for table in tables for row in table["rows"]}


def targets(rows: dict[str, dict[str, Any]]) -> list[Target]:
    """What each row must keep."""
    found = []
    for corpus, row in rows.items():
        gain, p = BOUNDS[corpus]
        found.append(Target(f"{corpus}: gain in nDCG@10 on test", row["gain"], ">=", gain))
        if p is not None:
            found.append(Target(f"{corpus}: p of the paired test", row["p"], "<=", p))
    return found


def main() -> None:
    """Train on each corpus, and record after each."""
    options = parser(__doc__)
    options.add_argument("names", nargs="+", metavar="CORPUS", choices=BOUNDS)
    arguments = options.parse_args()
    rows = recorded()
    for corpus in arguments.names:
        machine = machine_facts()
        rows[corpus] = train(corpus, arguments)
        print(rows[corpus], flush=True)
        record(
            "training_quality",
            machine=machine,
            targets=targets(rows),
            tables=[Table("Test queries against the whole corpus", list(rows.values()))],
            details={},
        )


if __name__ == "__main__":
    main()
