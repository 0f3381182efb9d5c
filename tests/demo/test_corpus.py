"""The corpus builder: `python demo/corpus.py OUT_DIR`."""

import subprocess
import sys
from typing import Any

import pytest

from .conftest import DEMO, Build, build

Documents = dict[str, dict[str, Any]]
Qrels = dict[str, dict[str, dict[str, int]]]


def test_building_says_nothing_and_touches_nothing_outside_its_folder(built: Build) -> None:
    assert built.output == ""


def test_two_builds_are_the_same_byte_for_byte(built: Build, tmp_path: Any) -> None:
    again = build(tmp_path / "again", hash_seed=42)
    assert again.corpus.read_bytes() == built.corpus.read_bytes()
    assert (again.folder / "queries.jsonl").exists()


def test_modules_that_this_python_lacks_are_left_out_alone(
    documents: Documents, tmp_path: Any
) -> None:
    without = build(tmp_path / "without", absent=("tkinter", "_tkinter", "sqlite3", "curses"))
    missing = documents.keys() - without.documents().keys()
    assert without.output == ""
    assert {documents[doc_id]["metadata"]["package"] for doc_id in missing} == {"sqlite3", "curses"}


def test_the_library_makes_thousands_of_documents_answers_first_each_part_in_order_of_id(
    documents: Documents, qrels: Qrels
) -> None:
    assert len(documents) > 4000
    grades = [grades for split in qrels.values() for grades in split.values()]
    relevant = {doc_id for one in grades for doc_id, grade in one.items() if grade > 0}
    relevant &= documents.keys()  # what this Python documents
    assert list(documents)[: len(relevant)] == sorted(relevant)
    assert list(documents)[len(relevant) :] == sorted(documents.keys() - relevant)


def test_every_document_has_text_and_fields_to_filter_by(documents: Documents) -> None:
    kinds = {"module", "class", "function", "method", "property"}
    for doc_id, row in documents.items():
        assert row["title"] == doc_id
        assert row["text"].strip()
        assert row["metadata"]["kind"] in kinds
        assert row["metadata"]["module"].startswith(row["metadata"]["package"])


@pytest.mark.parametrize(
    "doc_id",
    [
        "collections.Counter",
        "concurrent.futures.ThreadPoolExecutor",
        "open",
        "os.path",
        "os.path.join",
        "pathlib.Path.read_text",
        "pathlib.PurePath.stem",
        "random.randint",
        "shutil.copytree",
        "socket.socket.recv",
        "str.split",
        "typing.Optional",
    ],
)
def test_an_object_is_found_under_the_name_that_people_use(
    documents: Documents, doc_id: str
) -> None:
    assert doc_id in documents


@pytest.mark.parametrize(
    "doc_id",
    [
        "asyncio.runners.run",
        "builtins.open",
        "io.open",
        "json.decoder.JSONDecoder",
        "pathlib.Path.stem",
        "posixpath.join",
        "random.Random.randint",
        "socket.SocketType",
        "unittest.case.TestCase",
    ],
)
def test_an_object_is_not_found_under_its_other_names(documents: Documents, doc_id: str) -> None:
    assert doc_id not in documents


@pytest.mark.parametrize("package", ["idlelib", "test", "tkinter", "turtle", "turtledemo"])
def test_packages_with_effects_or_windows_are_left_out(documents: Documents, package: str) -> None:
    assert not [row for row in documents.values() if row["metadata"]["package"] == package]


def test_private_names_are_left_out(documents: Documents) -> None:
    assert not [doc_id for doc_id in documents if "._" in doc_id or doc_id.startswith("_")]


def test_text_begins_with_the_signature(documents: Documents) -> None:
    text = documents["shutil.copytree"]["text"]
    assert text.startswith("copytree(src, dst, symlinks=False, ")
    assert "\n\nRecursively copy a directory tree" in text


def test_what_is_deprecated_says_so(documents: Documents) -> None:
    assert documents["threading.Thread.getName"]["metadata"]["deprecated"] is True
    assert "deprecated" not in documents["shutil.copytree"]["metadata"]


def test_no_text_names_an_address_or_a_place_of_this_machine(documents: Documents) -> None:
    for row in documents.values():
        assert " at 0x" not in row["text"]
        assert sys.prefix not in row["text"]


def test_a_call_without_a_folder_says_how_to_call() -> None:
    finished = subprocess.run(
        [sys.executable, str(DEMO / "corpus.py")], capture_output=True, text=True, check=False
    )
    assert finished.returncode == 1
    assert finished.stderr == "usage: python demo/corpus.py OUT_DIR\n"
