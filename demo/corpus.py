"""The demo corpus: the documentation of the installed Python standard library, in BEIR layout.

    python demo/corpus.py OUT_DIR

Writes `OUT_DIR/corpus.jsonl` and, beside it, the judged questions kept in `demo/stdlib`. It says
nothing on success. Which modules and objects count is decided in `modules` and `objects`. Documents
that answer a question come first: a server that indexes while it answers has those soon.
"""

import csv
import json
import shutil
import sys
from pathlib import Path
from typing import Any

from documents import document
from modules import public_modules
from objects import public_objects

QUESTIONS = Path(__file__).parent / "stdlib"


def rows() -> list[dict[str, Any]]:
    """Every documented public object as a row of `corpus.jsonl`: answers first, then by `_id`."""
    documents = (document(entry) for entry in public_objects(public_modules()))
    known = answers()
    found = [row for row in documents if row is not None]
    return sorted(found, key=lambda row: (row["_id"] not in known, row["_id"]))


def answers() -> frozenset[str]:
    """The ids of what is relevant to any of the questions."""
    found = set()
    for path in QUESTIONS.glob("qrels/*.tsv"):
        with path.open(encoding="utf-8", newline="") as lines:
            judged = csv.DictReader(lines, delimiter="\t")
            found.update(row["corpus-id"] for row in judged if int(row["score"]) > 0)
    return frozenset(found)


def write(folder: Path) -> None:
    """Write corpus, queries and qrels below `folder`, which is made when missing."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "corpus.jsonl").open("w", encoding="utf-8", newline="\n") as out:
        for row in rows():
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
    shutil.copytree(QUESTIONS, folder, dirs_exist_ok=True)


def main() -> None:
    """Build the corpus in the folder named on the command line."""
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit("usage: python demo/corpus.py OUT_DIR")
    write(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
