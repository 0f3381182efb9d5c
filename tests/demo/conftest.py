"""The demo corpus, built once by the command that `make demo` runs, and watched while it builds."""

import csv
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.paths import DEMO

SPLITS = ("train", "dev", "test")
# Runs the script as Python would, but reports whatever touches the world outside OUT_DIR.
WATCHED = """
import os, runpy, sys

script, out, *absent = sys.argv[1:]
sys.argv = [script, out]
sys.path[0] = os.path.dirname(script)
sys.modules.update(dict.fromkeys(absent))

ACTS = {"os.system", "os.exec", "os.fork", "os.posix_spawn", "os.remove", "os.putenv"}
TALKERS = {"socket", "subprocess", "webbrowser", "urllib", "smtplib", "ftplib"}

def watch(event, arguments):
    writes = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
    outside = writes and not str(arguments[0]).startswith(out)
    if outside or event in ACTS or event.split(".")[0] in TALKERS:
        os.write(1, f"{event} {arguments}".encode())  # sys.stdout may be redirected

sys.addaudithook(watch)
runpy.run_path(script, run_name="__main__")
"""


@dataclass(frozen=True)
class Build:
    """One run of the corpus builder: what it wrote and what it said."""

    folder: Path
    output: str

    @property
    def corpus(self) -> Path:
        """The file with the documents."""
        return self.folder / "corpus.jsonl"

    def documents(self) -> dict[str, dict[str, Any]]:
        """Rows of the corpus by id."""
        rows = map(json.loads, self.corpus.read_text(encoding="utf-8").splitlines())
        return {row["_id"]: row for row in rows}


def build(folder: Path, *, hash_seed: int = 0, absent: tuple[str, ...] = ()) -> Build:
    """Build below `folder` in a process of its own, with some modules made impossible to import."""
    finished = subprocess.run(
        [sys.executable, "-B", "-c", WATCHED, str(DEMO / "corpus.py"), str(folder), *absent],
        env={**os.environ, "PYTHONHASHSEED": str(hash_seed), "BROWSER": "true %s"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    return Build(folder, finished.stdout)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Build:
    return build(tmp_path_factory.mktemp("demo") / "corpus")


@pytest.fixture(scope="session")
def documents(built: Build) -> dict[str, dict[str, Any]]:
    return built.documents()


@pytest.fixture(scope="session")
def queries(built: Build) -> dict[str, dict[str, Any]]:
    lines = (built.folder / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    return {row["_id"]: row for row in map(json.loads, lines)}


@pytest.fixture(scope="session")
def qrels(built: Build) -> dict[str, dict[str, dict[str, int]]]:
    """Split to query id to document id to grade."""
    return {split: read_qrels(built.folder / "qrels" / f"{split}.tsv") for split in SPLITS}


def read_qrels(path: Path) -> dict[str, dict[str, int]]:
    judged: dict[str, dict[str, int]] = {}
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            grades = judged.setdefault(row["query-id"], {})
            assert row["corpus-id"] not in grades, f"{row} is judged twice in {path.name}"
            grades[row["corpus-id"]] = int(row["score"])
    return judged
