import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from molt.artifact import Home, lock_file
from molt.encoder.errors import EncoderError
from molt.engine.engine import Engine
from molt.engine.settings import load_settings
from molt.index.catalog.catalog import home_url, open_catalog
from tests.cli.conftest import Molt
from tests.hashing import HashingEncoder


def jsonl(path: Path, rows: list[object]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (row if isinstance(row, str) else json.dumps(row) for row in rows)
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def documents(n: int) -> list[object]:
    return [{"_id": f"d{i}", "title": f"number {i}", "text": f"text of {i}"} for i in range(n)]


@pytest.fixture
def beir(tmp_path: Path) -> Path:
    folder = tmp_path / "beir"
    jsonl(folder / "corpus.jsonl", documents(5))
    jsonl(folder / "queries.jsonl", [{"_id": "q1", "text": "which number"}])
    (folder / "qrels").mkdir()
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td3\t1\n")
    return folder


def test_a_beir_folder_is_imported_whole_and_can_be_searched(
    molt: Molt, hashing: list[HashingEncoder], beir: Path
) -> None:
    done = molt("--json", "import", "numbers", str(beir))
    assert done.status == 0, done.stderr
    assert done.lines[-1] == {
        "event": "done",
        "collection": "numbers",
        "documents": 5,
        "queries": 1,
        "judgments": 1,
        "pairs": 0,
        "revision": 5,
        "bad_rows": 0,
    }
    hits = molt("--json", "search", "numbers", "number 3").value["hits"]
    assert hits[0]["id"] == "d3"


def test_what_is_only_to_be_kept_needs_no_checkpoint(molt: Molt, home: Path, beir: Path) -> None:
    done = molt("--json", "import", "numbers", str(beir), "--no-wait")
    assert done.status == 0, done.stderr
    assert (done.lines[-1]["documents"], done.lines[-1]["revision"]) == (5, 5)
    assert not list(home.glob("checkpoints/*"))


def test_what_was_only_kept_is_indexed_by_an_import_that_waits(
    molt: Molt, hashing: list[HashingEncoder], beir: Path
) -> None:
    kept = molt("import", "numbers", str(beir), "--no-wait")
    assert kept.status == 0
    assert "`molt serve` indexes it" in kept.stderr
    assert hashing == []
    assert molt("import", "numbers", str(beir)).status == 0
    assert molt("--json", "search", "numbers", "number 3").value["hits"][0]["id"] == "d3"


def test_progress_is_json_lines_that_end_with_each_stage_complete(
    molt: Molt, hashing: list[HashingEncoder], beir: Path
) -> None:
    lines = molt("--json", "import", "numbers", str(beir)).lines
    finished = {line["stage"]: line["done"] for line in lines if line["event"] == "progress"}
    assert finished == {"documents": 5, "queries": 1, "judgments": 1, "indexed": 5}


def test_a_second_import_of_the_same_files_encodes_nothing(
    molt: Molt, hashing: list[HashingEncoder], beir: Path
) -> None:
    molt("import", "numbers", str(beir))
    first = len(hashing)
    again = molt("--json", "import", "numbers", str(beir))
    assert again.lines[-1]["revision"] == 5
    assert [call for encoder in hashing[first:] for call in encoder.calls] == []


def test_bad_rows_are_named_and_left_out_and_the_rest_is_imported(
    molt: Molt, hashing: list[HashingEncoder], tmp_path: Path
) -> None:
    path = jsonl(tmp_path / "docs.jsonl", [*documents(2), "{oops", {"_id": "e"}, *documents(4)])
    done = molt("import", "numbers", str(path))
    assert done.status == 1
    assert f"{path}: line 3" in done.stderr
    assert f"{path}: line 4" in done.stderr
    assert "Bad rows left out: 2" in done.stderr
    assert molt("--json", "collections", "list").value["collections"][0]["documents"] == 4


def test_bad_rows_are_json_lines_too_where_json_was_asked_for(
    molt: Molt, hashing: list[HashingEncoder], tmp_path: Path
) -> None:
    path = jsonl(tmp_path / "docs.jsonl", [*documents(1), "{oops"])
    done = molt("--json", "import", "numbers", str(path))
    (bad,) = (line for line in done.lines if line["event"] == "bad_row")
    assert (bad["path"], bad["line"]) == (str(path), 2)
    assert "is not JSON" in bad["reason"]
    assert done.lines[-1]["bad_rows"] == 1


def test_strict_stops_at_the_first_bad_row(
    molt: Molt, hashing: list[HashingEncoder], tmp_path: Path
) -> None:
    path = jsonl(tmp_path / "docs.jsonl", ["{oops", *documents(3)])
    done = molt("import", "numbers", str(path), "--strict")
    assert done.status == 1
    assert "line 1" in done.stderr
    assert molt("--json", "collections", "list").value["collections"] == []


def test_of_two_documents_with_one_id_the_later_one_stays(
    molt: Molt, hashing: list[HashingEncoder], tmp_path: Path
) -> None:
    path = jsonl(tmp_path / "docs.jsonl", [{"id": "a", "text": "old"}, {"id": "a", "text": "new"}])
    assert molt("import", "numbers", str(path)).status == 0
    (hit,) = molt("--json", "search", "numbers", "new").value["hits"]
    assert hit["text"] == "new"


def test_a_path_that_does_not_exist_fails_before_anything_is_made(
    molt: Molt, home: Path, tmp_path: Path
) -> None:
    done = molt("import", "numbers", str(tmp_path / "nowhere.jsonl"))
    assert done.status == 1
    assert "does not exist" in done.stderr
    assert not home.exists()


def test_a_collection_that_is_there_gets_the_documents(
    molt: Molt, hashing: list[HashingEncoder], tmp_path: Path
) -> None:
    molt("import", "numbers", str(jsonl(tmp_path / "a.jsonl", [{"id": "a", "text": "alpha"}])))
    molt("import", "numbers", str(jsonl(tmp_path / "b.jsonl", [{"id": "b", "text": "beta"}])))
    (collection,) = molt("--json", "collections", "list").value["collections"]
    assert collection["documents"] == 2


def test_an_interrupted_import_says_how_to_go_on_and_goes_on(
    molt: Molt, hashing: list[HashingEncoder], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = jsonl(tmp_path / "docs.jsonl", documents(2500))
    with monkeypatch.context() as patched:
        patched.setattr("molt.cli.loading._expected", _interrupt_at(2000))
        done = molt("import", "numbers", str(path))
    assert done.status == 130
    assert "run the same command again" in done.stderr
    (collection,) = molt("--json", "collections", "list").value["collections"]
    assert collection["documents"] == 2000
    resumed = molt("--json", "import", "numbers", str(path))
    assert (resumed.status, resumed.lines[-1]["revision"]) == (0, 2500)


def _interrupt_at(count: int) -> Callable[..., None]:
    def expected(source: object, done: int, before: int) -> None:
        if done >= count:
            raise KeyboardInterrupt

    return expected


@pytest.fixture
def other_indexer(home: Path, hashing: list[HashingEncoder]) -> Iterator[Engine]:
    """Another process's engine, which indexes the home; here it is a thread of this one."""
    with closing(Engine.open(load_settings(home=home))) as engine:
        assert engine.indexer.acquire()
        yield engine


def test_while_another_process_indexes_the_import_waits_for_it(
    molt: Molt, other_indexer: Engine, beir: Path
) -> None:
    thread = threading.Thread(target=other_indexer.indexer.start)
    thread.start()
    done = molt("import", "numbers", str(beir))
    thread.join()
    assert done.status == 0, done.stderr
    assert "Another process indexes this home" in done.stderr
    assert molt("--json", "search", "numbers", "number 3").value["hits"][0]["id"] == "d3"


def test_what_cannot_be_indexed_is_a_failure_that_names_the_collection(
    molt: Molt, hashing: list[HashingEncoder], beir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def encode(*_: object, **__: object) -> None:
        raise EncoderError("the encoder is broken")

    monkeypatch.setattr(HashingEncoder, "encode", encode)
    done = molt("import", "numbers", str(beir))
    assert done.status == 1
    assert "the encoder is broken" in done.stderr
    assert "run the command again" in done.stderr


def test_the_lock_is_free_after_an_import(
    molt: Molt, home: Path, hashing: list[HashingEncoder], beir: Path
) -> None:
    molt("import", "numbers", str(beir))
    lock_file(Home(home).indexer_lock).release()


def test_relevance_is_kept_with_its_split(
    molt: Molt, home: Path, hashing: list[HashingEncoder], beir: Path
) -> None:
    molt("import", "numbers", str(beir))
    with closing(open_catalog(home_url(home))) as catalog:
        counts = catalog.judgments.counts(catalog.collections.get("numbers"))
    assert (counts.queries, counts.judgments, dict(counts.splits)) == (1, 1, {"test": 1})


def test_a_generation_that_is_damaged_is_rebuilt_by_the_next_import(
    molt: Molt, home: Path, hashing: list[HashingEncoder], beir: Path
) -> None:
    molt("import", "numbers", str(beir))
    (manifest,) = (home / "generations").glob("*/generation.json")
    manifest.write_text("{}")
    assert molt("import", "numbers", str(beir)).status == 0
    answer = molt("--json", "search", "numbers", "number 3").value
    assert answer["generation"] != manifest.parent.name
    assert answer["hits"][0]["id"] == "d3"


def test_documents_that_cannot_be_encoded_are_told_and_the_others_found(
    molt: Molt, hashing: list[HashingEncoder], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = HashingEncoder._read

    def refuse(encoder: HashingEncoder, text: str) -> object:
        if "of 2" in text:
            raise EncoderError("cannot read that")
        return read(encoder, text)

    monkeypatch.setattr(HashingEncoder, "_read", refuse)
    done = molt("import", "numbers", str(jsonl(tmp_path / "docs.jsonl", documents(4))))
    assert done.status == 0, done.stderr
    assert "1 document that cannot be encoded ('d2': cannot read that)" in done.stderr
    hits = molt("--json", "search", "numbers", "number").value["hits"]
    assert {hit["id"] for hit in hits} == {"d0", "d1", "d3"}


def test_of_many_bad_rows_alike_twenty_are_named_and_the_others_counted(
    molt: Molt, hashing: list[HashingEncoder], tmp_path: Path
) -> None:
    rows = [*documents(1), *({"_id": f"e{n}", "n": n} for n in range(500)), "{oops"]
    done = molt("import", "numbers", str(jsonl(tmp_path / "docs.jsonl", rows)))
    assert done.status == 1
    assert done.stderr.count("text is empty, and so is the title") == 21
    assert "and 480 more rows like this: text is empty" in done.stderr
    assert "line 502: is not JSON" in done.stderr
    assert "Bad rows left out: 501" in done.stderr


@pytest.mark.parametrize(
    "content", ['{"id": "a"}\n{"id": "b"}\n', '{"id": "a", "words": "x"}\n', ""]
)
def test_an_import_of_which_nothing_is_good_leaves_no_collection(
    molt: Molt, hashing: list[HashingEncoder], tmp_path: Path, content: str
) -> None:
    path = tmp_path / "docs.jsonl"
    path.write_text(content)
    done = molt("import", "numbers", str(path))
    assert done.status == 1
    assert molt("--json", "collections", "list").value["collections"] == []


def test_a_shop_that_exports_for_a_spreadsheet_is_imported_with_its_prices(
    molt: Molt, hashing: list[HashingEncoder], tmp_path: Path
) -> None:
    path = tmp_path / "artikel.csv"
    lines = ["Artikel;Name;Beschreibung;Preis", "A1;Zelt;<p>für zwei</p>;1.120,50", "A2;Tasse;;4,5"]
    path.write_bytes("\r\n".join(lines).encode("utf-8-sig"))
    columns = ["--id-column", "Artikel", "--text-column", "beschreibung", "--number", "Preis"]
    done = molt("import", "shop", str(path), *columns, "--strip-html")
    assert done.status == 0, done.stderr
    assert "its cells are separated by semicolons" in done.stderr
    filter_ = '{"field": "Preis", "gte": 1000}'
    (hit,) = molt("--json", "search", "shop", "Zelt", "--filter", filter_).value["hits"]
    assert (hit["id"], hit["text"], hit["metadata"]) == ("A1", "für zwei", {"Preis": 1120.5})


def test_standard_input_is_imported(molt: Molt, hashing: list[HashingEncoder]) -> None:
    done = molt("import", "numbers", "-", "--format", "csv", stdin="id,text\n1,one\n2,two\n")
    assert done.status == 0, done.stderr
    assert molt("--json", "collections", "list").value["collections"][0]["documents"] == 2


def test_standard_input_of_no_known_format_is_refused(molt: Molt, home: Path) -> None:
    done = molt("import", "numbers", "-", stdin="words\n")
    assert done.status == 1
    assert "--format" in done.stderr
    assert not home.exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--format", "docx"], "--format takes arrow, csv"),
        (["--quoting", "maybe"], "--quoting takes standard or none, not maybe"),
        (["--encoding", "nonsense"], "there is no encoding nonsense"),
        (["--id-column", "sku"], "has no column sku; it has id, text"),
    ],
)
def test_an_option_that_cannot_be_is_refused_before_anything_is_made(
    molt: Molt, home: Path, tmp_path: Path, options: list[str], said: str
) -> None:
    path = tmp_path / "docs.csv"
    path.write_text("id,text\n1,x\n")
    done = molt("import", "numbers", str(path), *options)
    assert done.status == 1
    assert said in done.stderr
    assert not home.exists()


def test_a_dry_run_shows_what_was_understood_and_writes_nothing(
    molt: Molt, home: Path, tmp_path: Path
) -> None:
    path = tmp_path / "docs.csv"
    rows = "".join(f"{n};number {n};{n}.5;x\n" for n in range(6))
    path.write_text(f"id;text;price;secret\n{rows}5;again;n/a;x\n7;bad\n")
    options = ["--dry-run", "--metadata-columns", "price"]
    done = molt("--json", "import", "numbers", str(path), *options)
    assert done.status == 1
    *_, found = done.lines
    assert (found["kind"], found["good"], found["bad"], found["again"]) == ("documents", 7, 1, 1)
    assert found["form"] == "csv, utf-8, semicolons"
    assert [(one["name"], one["role"]) for one in found["columns"]] == [
        ("id", "id"),
        ("text", "text"),
        ("price", "metadata"),
        ("secret", "left out"),
    ]
    assert found["columns"][2]["kinds"] == {"number": 6}
    assert len(found["records"]) == 5
    assert found["records"][0]["metadata"] == {"price": 0.5}
    shown = molt("import", "numbers", str(path), *options)
    assert "number 4" in shown.stdout
    assert "Nothing was written." in shown.stderr
    assert "price: 1 cell without a number (n/a; first on line 8)" in shown.stderr
    assert not home.exists()


def test_a_dry_run_shows_values_as_people_write_them(
    molt: Molt, home: Path, tmp_path: Path
) -> None:
    row = {"id": "d1", "text": "a", "metadata": {"brand": "Grün", "sold": None, "new": True}}
    done = molt("import", "numbers", str(jsonl(tmp_path / "docs.jsonl", [row])), "--dry-run")
    assert '{"brand": "Grün", "sold": null, "new": true}' in done.stdout
    assert "jsonl: 1 document; bad rows: 0" in done.stderr


def test_a_dry_run_shows_a_whole_folder(molt: Molt, home: Path, beir: Path) -> None:
    done = molt("--json", "import", "numbers", str(beir), "--dry-run")
    assert done.status == 0, done.stderr
    assert [(line["kind"], line["good"]) for line in done.lines] == [
        ("documents", 5),
        ("queries", 1),
        ("judgments", 1),
    ]
    assert not home.exists()


def test_judgments_that_name_nothing_are_counted_and_named(
    molt: Molt, hashing: list[HashingEncoder], tmp_path: Path
) -> None:
    jsonl(tmp_path / "docs.jsonl", [{"id": "1", "text": "red tent"}])
    (tmp_path / "qrels.txt").write_text("q1 0 1 1\nq1 0 1.0 1\nq2 0 9 1\n")
    (tmp_path / "queries.tsv").write_text("q1\ttent\n")
    files = [str(tmp_path / name) for name in ("docs.jsonl", "qrels.txt", "queries.tsv")]
    done = molt("import", "shop", *files)
    assert done.status == 0, done.stderr
    assert "2 judgments name documents that the collection does not hold (1.0, 9)" in done.stderr
    assert "1 judgment names queries that the collection does not hold (q2)" in done.stderr


def test_what_an_import_did_not_use_is_said_in_json_too(
    molt: Molt, hashing: list[HashingEncoder], tmp_path: Path
) -> None:
    jsonl(tmp_path / "docs.jsonl", [{"id": "1", "text": "red tent"}])
    (tmp_path / "more.csv").write_text("query,positive,negative,note\nq,p,n,x\n")
    done = molt(
        "--json", "import", "shop", str(tmp_path / "docs.jsonl"), str(tmp_path / "more.csv")
    )
    (said,) = [line["said"] for line in done.lines if line["event"] == "remark"]
    assert 'the column "note" is not kept' in said


def test_what_an_import_guessed_is_said_in_json_too(
    molt: Molt, hashing: list[HashingEncoder], tmp_path: Path
) -> None:
    (tmp_path / "docs.csv").write_bytes("text\nd\xe9j\xe0 vu\ncr\xe8me\n".encode("cp1252"))
    done = molt("--json", "import", "shop", str(tmp_path / "docs.csv"))
    said = [line["said"] for line in done.lines if line["event"] == "remark"]
    assert any("made from its content" in each for each in said)
    assert any("cp1252" in each for each in said)
    assert all(each in done.stderr for each in said)


def test_a_dry_run_says_what_is_not_used_and_what_is_not_read(
    molt: Molt, home: Path, beir: Path
) -> None:
    (beir / "extra.csv").write_text("id,text\nx,y\n")
    (beir / "pairs.jsonl").write_text('{"query": "q", "positive": "p", "note": "n"}\n')
    done = molt("--json", "import", "numbers", str(beir), "--dry-run")
    said = [line["said"] for line in done.lines if line["event"] == "remark"]
    assert [f"{beir / 'extra.csv'}: not read" in each for each in said] == [True, False]
    assert 'the column "note" is not kept' in said[1]
    assert not home.exists()


def test_files_of_one_import_have_ids_of_one_spelling(
    molt: Molt, hashing: list[HashingEncoder], tmp_path: Path
) -> None:
    (tmp_path / "docs.csv").write_text("id,text\n1.0,a\n1.1,b\n")
    (tmp_path / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq\t1.0\t1\n")
    files = [str(tmp_path / name) for name in ("docs.csv", "qrels.tsv")]
    shown = molt("--json", "import", "shop", *files, "--dry-run").lines
    assert shown[-1]["records"][0]["doc_id"] == "1.0"
    done = molt("import", "shop", *files)
    assert "name documents that the collection does not hold" not in done.stderr
