"""What real people brought and sent: every case beside the project, replayed as its README has it.

Files go through the commands, in this process and with an encoder that hashes words; requests go to
a running server with the built-in checkpoint. Each test is named by the folder of its case.
"""

import json
import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from molt.cli.main import app
from molt.encoder import Checkpoint
from molt.training.data.dataset import Dataset
from molt.training.export import openvino
from tests.app.serving import started
from tests.cli.conftest import Molt, hashing, home, molt, quiet
from tests.hashing import HashingEncoder
from tests.paths import CASES
from tests.server import ServerProcess, make_home
from tests.training.letters import FAST, write_letters
from tests.waiting import wait_until

__all__ = ["hashing", "home", "molt", "quiet"]

pytestmark = pytest.mark.skipif(
    not CASES.is_dir(), reason="the cases are not beside the project (`../shared/cases`)"
)

ORIGIN = "http://localhost:3000"
JSON = {"Content-Type": "application/json"}
NDJSON = {"Content-Type": "application/x-ndjson"}
DOCUMENTS = [
    {"id": "1", "text": "red tent", "metadata": {
        "brand": "acme", "big": 9007199254740992, "seen": "2024-03-01T10:30:00+02:00",
        "links": [{"t": "Git", "u": "https://git"}, {"t": "Home", "u": "/"}]}},
    {"id": "2", "text": "blue tent", "metadata": {
        "brand": "zeta", "big": 9007199254740993, "seen": "2024-03-01T09:30:00Z",
        "links": [{"t": "Git", "u": "/"}]}},
    {"id": "3", "text": "gas stove", "metadata": {"price": 12}},
]  # fmt: skip
MADE_IDS = "each document's is made from its content"


# Files


@dataclass(frozen=True)
class Brought:
    """What an import made of the files of a case, and what it said."""

    status: int
    said: str
    documents: dict[str, dict[str, Any]]
    judgments: set[tuple[str, str, int, str | None]]
    queries: dict[str, str]

    @property
    def texts(self) -> dict[str, str]:
        return {doc_id: document["text"] for doc_id, document in self.documents.items()}


Bring = Callable[..., Brought]


@pytest.fixture
def bring(molt: Molt, hashing: list[HashingEncoder]) -> Bring:
    """Imports files of a case into a new collection `shop`."""

    def run(case: str, *names: str, options: tuple[str, ...] = ()) -> Brought:
        done = molt("import", "shop", *(str(CASES / case / name) for name in names), *options)
        assert "Traceback" not in done.stderr
        assert "unexpected" not in done.stderr
        if not molt("--json", "collections", "list").value["collections"]:
            return Brought(done.status, done.stderr, {}, set(), {})
        documents = molt("--json", "documents", "list", "shop").value["documents"]
        judgments = molt("--json", "judgments", "list", "shop").value["judgments"]
        queries = molt("--json", "queries", "list", "shop").value["queries"]
        return Brought(
            done.status,
            done.stderr,
            {one["id"]: one for one in documents},
            {(one["query_id"], one["doc_id"], one["grade"], one["split"]) for one in judgments},
            {one["id"]: one["text"] for one in queries},
        )

    return run


def test_c02_the_separator_is_the_one_of_the_header(bring: Bring, molt: Molt) -> None:
    articles = bring("c02-semicolon-csv", "artikel.csv")
    assert articles.texts == {"1": "Ein Zelt, für zwei Personen", "2": "Gaskocher, leicht"}
    assert "separated by semicolons" in articles.said
    for name in ("pipe.csv", "sep-line.csv"):
        assert bring("c02-semicolon-csv", name).texts["1"] == "Ein Zelt für zwei"
    priced = bring("c02-semicolon-csv", "artikel.csv", options=("--number", "price"))
    assert priced.documents["1"]["metadata"] == {"price": 120.5}


def test_c03_encodings_are_read_or_the_bad_byte_is_named(bring: Bring) -> None:
    guessed = bring("c03-encodings", "cp1252.csv")
    assert guessed.texts == {"1": "Le café est très chaud \u2013 3 €", "2": "Thé vert"}
    assert "is not UTF-8; it is read as cp1252" in guessed.said
    assert bring("c03-encodings", "utf16.tsv").texts["1"] == "Ein Zelt für zwei"
    for name, line in (("one-bad-byte.csv", 3), ("one-bad-byte.jsonl", 2)):
        bad = bring("c03-encodings", name)
        assert bad.status == 1
        assert f"{name}: line {line}: is not UTF-8" in bad.said
        assert "--encoding" in bad.said


def test_c04_whole_floats_are_whole_numbers_in_ids(bring: Bring) -> None:
    brought = bring("c04-float-ids", "docs.csv", "queries.csv", "qrels.csv")
    assert set(brought.texts) == {"1", "2", "3"}
    assert brought.judgments == {("q1", "1", 1, None), ("q1", "2", 1, None), ("q2", "3", 2, None)}
    assert "does not hold" not in brought.said


def test_c05_a_stray_quotation_mark_costs_no_other_row(bring: Bring) -> None:
    folder = "c05-tsv-stray-quote"
    assert list(bring(folder, "silent-merge.tsv").texts) == ["a", "b", "c", "d", "e"]


@pytest.mark.parametrize(
    ("name", "status", "texts"),
    [
        ("docs.tsv", 0, {"1": '"Hello he said and never closed the quote', "3": 'the 5" pipe'}),
        ("quoted-start.tsv", 0, {"b": '"quoted start" and more', "c": "last row"}),
        ("unclosed.csv", 1, {"1": "fine", "3": "lost", "4": "lost too"}),
        ("collection.tsv", 0, {"0": "The first passage speaks of tents and rain."}),
    ],
)
def test_c05_no_row_is_lost_without_its_line(
    bring: Bring, name: str, status: int, texts: dict[str, str]
) -> None:
    brought = bring("c05-tsv-stray-quote", name)
    assert brought.status == status
    assert brought.texts.items() >= texts.items()
    assert ("line 3: a cell begins with a quotation mark" in brought.said) is bool(status)


def test_c05_tables_of_ms_marco_need_no_header(bring: Bring) -> None:
    queries = bring("c05-tsv-stray-quote", "queries.tsv")
    assert queries.queries == {"1048585": "what is a tent", "2": "how do stoves burn"}
    assert "pairs: 2\n" in bring("c05-tsv-stray-quote", "triples.tsv").said
    ids = bring("c05-tsv-stray-quote", "qidpidtriples.tsv")
    assert ids.judgments >= {("1048585", "0", 1, None), ("1048585", "1", 0, None)}


@pytest.mark.parametrize(
    "name", ["docs.jsonl", "docs.json", "pretty.jsonl", "docs.txt", "es-bulk.ndjson"]
)
def test_c07_objects_are_read_however_they_lie(bring: Bring, name: str) -> None:
    brought = bring("c07-json-array", name)
    assert (brought.status, brought.texts) == (0, {"1": "for two", "2": "burns gas"})


def test_c07_one_object_is_one_and_no_spreadsheet_is_named(bring: Bring) -> None:
    assert bring("c07-json-array", "docs.xlsx").said.count("is no spreadsheet") == 1
    assert bring("c07-json-array", "one-object.json").texts == {"1": "for two"}


def test_c08_words_for_nothing_leave_a_number_column_one(bring: Bring, molt: Molt) -> None:
    brought = bring("c08-nan", "docs.csv")
    assert (brought.status, len(brought.texts)) == (0, 5)
    assert "price: 3 cells without a number (nan, NULL, inf; first on line 2)" in brought.said
    where = '{"field": "price", "gte": 10}'
    hits = molt("--json", "search", "shop", "tent", "--filter", where).value["hits"]
    assert [hit["id"] for hit in hits] == ["2"]
    assert bring("c08-nan", "docs.jsonl").said.count("has no NaN") == 3
    assert bring("c08-nan", "text-nan.csv").texts.items() >= {"1": "nan", "3": "tent"}.items()


@pytest.mark.parametrize(
    ("names", "judgments"),
    [
        (("docs.csv", "queries.csv", "qrels.txt"), 3),
        (("docs.csv", "queries.csv", "tab/qrels.tsv"), 3),
        (("docs.csv", "queries.csv", "three/qrels.tsv"), 2),
        (("docs.csv", "queries.csv", "head4/qrels.tsv"), 2),
        (("beir",), 2),
        (("docs.csv", "topics/queries.tsv"), 0),
    ],
)
def test_c09_what_trec_writes_is_read(bring: Bring, names: tuple[str, ...], judgments: int) -> None:
    brought = bring("c09-trec-qrels", *names)
    assert (brought.status, len(brought.judgments)) == (0, judgments)
    assert brought.queries == {"q1": "tent", "q2": "stove"}
    if judgments:
        assert ("q1", "d1", 2) in {one[:3] for one in brought.judgments}
    run = bring("c09-trec-qrels", "run/run.txt")
    assert "is a TREC run" in run.said


C11 = {
    "anchor.csv": 1, "anchor.parquet": 1, "anchor_pairs.csv": 1, "flag.jsonl": 3,
    "flag_prompt.jsonl": 1, "label.csv": 2, "neg1.jsonl": 2, "neglist.jsonl": 2,
    "poslist.jsonl": 2, "qa.csv": 1, "qa.parquet": 1, "scores.csv": 3, "triplets.csv": 1,
}  # fmt: skip


@pytest.mark.parametrize("name", C11)
def test_c11_nothing_of_a_training_file_is_dropped_without_a_word(bring: Bring, name: str) -> None:
    brought = bring("c11-train-formats", name)
    assert brought.status == 0, brought.said
    assert f"pairs: {C11[name]}\n" in brought.said
    named = re.findall(r'the column "(\w+)" is not kept', brought.said)
    unused = ["neg_scores", "pos_scores", "prompt", "type"] if name == "flag_prompt.jsonl" else []
    assert sorted(named) == unused


def test_c11_training_takes_every_format_whole(
    molt: Molt,
    home: Path,
    base: Checkpoint,
    dataset: Dataset,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(openvino, "openvino_available", lambda: False)
    home.mkdir()
    write_letters(home, base=base, dataset=dataset)
    folder = CASES / "c11-train-formats"
    files = sorted(path for path in folder.iterdir() if path.name != "README")
    data = [part for path in files for part in ("--data", str(path))]
    quickly = [part for each in (*FAST, "run.epochs=1") for part in ("--set", each)]
    done = molt("--json", "train", "letters", *data, *quickly)
    assert done.status == 0, done.stderr
    card = json.loads((home / "runs" / done.lines[-1]["run"] / "card.json").read_text())
    assert card["rejected"] == []
    rows = {Path(each["name"]).name: each["rows"] for each in card["origins"]}
    assert {path.name: rows[path.name] for path in files} == C11


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("caps.csv", ["for two"]),
        ("content.csv", ["a tent"]),
        ("index-col.csv", ["a tent", "a stove"]),
        ("lead-zero.csv", ["agent", "other"]),
        ("name-desc.csv", ["Light shoe with a thick sole", "Thin jacket that keeps water out"]),
        ("no-id.csv", ["for two", "burns gas"]),
        ("pandas-index.csv", ["Light canvas shoe with a thick sole"]),
        ("pyserini.jsonl", ["a tent for two"]),
        ("spaces.csv", ["for two"]),
        ("thousands.csv", ["tent", "stove"]),
        ("ragged.csv", ["for two", "ten metres"]),
    ],
)
def test_c16_columns_are_known_by_the_names_that_people_give(
    bring: Bring, name: str, texts: list[str]
) -> None:
    brought = bring("c16-csv-shapes", name)
    assert set(brought.texts.values()) >= set(texts)
    assert brought.status == (1 if name == "ragged.csv" else 0)
    nameless = name in {"index-col.csv", "pandas-index.csv"}
    assert ("column 1 has no name and is left out" in brought.said) is nameless
    made = name in {"name-desc.csv", "no-id.csv", "pandas-index.csv"}
    assert (MADE_IDS in brought.said) is made


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("dup-header.csv", "names two columns text (columns 2 and 3)"),
        ("empty.csv", "is empty"),
        ("empty.jsonl", "holds no row"),
        ("header-only.csv", "holds no row"),
    ],
)
def test_c16_what_cannot_be_read_says_why_and_leaves_no_collection(
    bring: Bring, molt: Molt, name: str, why: str
) -> None:
    brought = bring("c16-csv-shapes", name)
    assert brought.status == 1
    assert why in brought.said
    assert molt("--json", "collections", "list").value["collections"] == []


def test_c16_five_thousand_rows_with_ids_of_a_shop_are_read_in_few_words(bring: Bring) -> None:
    brought = bring("c16-csv-shapes", "many-noid.csv", options=("--dry-run",))
    assert brought.status == 0
    assert "5,000 documents; bad rows: 0" in brought.said
    assert len(brought.said.splitlines()) < 20


def test_c20_names_say_what_files_hold(bring: Bring) -> None:
    queries = bring("c20-names", "queries-train.jsonl")
    assert (queries.texts, len(queries.queries)) == ({}, 2)
    judged = bring("c20-names", "train_qrels.tsv")
    assert judged.judgments == {("q1", "d1", 1, "train")}
    assert "1 judgment names documents that the collection does not hold (d1)" in judged.said
    whole = bring("c20-names", "beir-hf", "folder", "BIG.CSV")
    assert whole.judgments == {("q1", "d1", 1, "train")}
    assert set(whole.texts) == {"d1", "p1"}


def test_c21_evaluating_needs_the_measured_split_alone(
    molt: Molt, home: Path, base: Checkpoint
) -> None:
    copytree(base.path, home / "checkpoints" / base.id)
    assert molt("import", "shop", str(CASES / "c21-beir-test-only")).status == 0
    done = molt("--json", "evaluate", "shop")
    assert done.status == 0, done.stderr
    assert (done.lines[-1]["split"], done.lines[-1]["queries"]) == ("test", 40)


def test_c23_splits_have_one_spelling_and_others_are_named(bring: Bring) -> None:
    brought = bring("c23-split-names", "documents.csv", "queries.csv", "qrels.csv")
    known = {"q0": "train", "q1": "train", "q3": "test", "q4": "test", "q5": "dev", "q6": "dev"}
    splits = {one[0]: one[3] for one in brought.judgments}
    assert splits.items() >= known.items()
    for name in ("training", "eval"):
        assert f'the split "{name}" is none of train, dev, test' in brought.said


def test_m01_a_trainers_state_is_left_out_in_one_message(
    molt: Molt, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openvino, "openvino_available", lambda: False)
    for name in ("optimizer.pt", "training_args.bin", "rng_state.pth"):
        (model / name).touch()
    done = molt("checkpoints", "add", str(model))
    assert done.status == 0, done.stderr
    assert "optimizer.pt, rng_state.pth, training_args.bin" in done.stderr


# Requests


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, default_checkpoint: Path
) -> Iterator[ServerProcess]:
    """A server with three documents in `default` and in `c`, and one page that may ask it."""
    folder = make_home(tmp_path_factory.mktemp("cases"), default_checkpoint)
    (folder / "molt.toml").write_text(f'[cors]\norigins = ["{ORIGIN}"]\n')
    with ServerProcess(folder) as server:
        for name in ("default", "c"):
            assert server.ask("POST", "/collections", {"name": name})[0] == 201
            body = {"documents": DOCUMENTS, "wait": True}
            assert server.ask("POST", f"/collections/{name}/documents", body)[1]["indexed"]
        yield server


@pytest.fixture
def client(server: ServerProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=60) as client:
        yield client


def sent(client: httpx.Client, path: str, case: str) -> httpx.Response:
    """The answer to the body of a case, as `curl -d @` sends it."""
    return client.post(path, content=(CASES / case).read_bytes(), headers=JSON)


def ok(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()


def vector(answer: httpx.Response) -> Any:
    return ok(answer)["data"][0]["embedding"]


def embedded(client: httpx.Client, **body: Any) -> Any:
    return vector(client.post("/v1/embeddings", json={"model": "default"} | body))


def test_h01_null_is_the_same_as_left_out(client: httpx.Client) -> None:
    answer = sent(client, "/v1/embeddings", "h01-encoding-format-null/body.json")
    assert vector(answer) == embedded(client, input=["rain shoes"])


def test_h02_what_clients_of_tei_send_is_answered(client: httpx.Client) -> None:
    bare = ok(client.post("/embed", json={"inputs": "a tent"}))
    for path, name in (("/", "root"), ("/embed", "swagger"), ("/embed", "haystack")):
        assert ok(sent(client, path, f"h02-tei-root-and-flags/{name}.json")) == bare
    long = client.post("/embed", json={"inputs": "tent " * 600, "truncate": False})
    assert long.status_code == 413


def test_h03_a_page_of_a_named_origin_may_ask(client: httpx.Client) -> None:
    asking = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    allowed = client.options("/search", headers=asking)
    assert allowed.status_code in {200, 204}
    assert allowed.headers["access-control-allow-origin"] == ORIGIN
    assert "POST" in allowed.headers["access-control-allow-methods"]
    assert "content-type" in allowed.headers["access-control-allow-headers"].lower()


def test_h04_head_is_answered_where_get_is(client: httpx.Client) -> None:
    for path in ("/health", "/livez", "/readyz", "/docs", "/v1/models"):
        asked = client.head(path)
        assert (path, asked.status_code, asked.content) == (path, 200, b"")


def test_h05_raw_utf8_in_a_query_string_is_taken(server: ServerProcess) -> None:
    head = "GET /search?q=café&k=1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(head.encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200 "), answer


def test_h06_models_have_other_names(client: httpx.Client, server: ServerProcess) -> None:
    bare = embedded(client, input="a tent")
    for name in ("all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2"):
        assert embedded(client, model=name, input="a tent") == bare
    alias = ["--home", str(server.home), "alias", "set", "text-embedding-3-small", "default"]
    assert CliRunner().invoke(app, alias).exit_code == 0
    case = "h06-model-aliases/body.json"
    wait_until(lambda: sent(client, "/v1/embeddings", case).status_code == 200)
    assert vector(sent(client, "/v1/embeddings", case)) == bare
    assert any("embed" in one["id"] for one in ok(client.get("/v1/models"))["data"])


def test_h07_other_words_for_queries_and_documents_are_known(client: httpx.Client) -> None:
    for name, same in (("nim", "document"), ("jina", "query")):
        answer = sent(client, "/v1/embeddings", f"h07-input-type-synonyms/{name}.json")
        assert vector(answer) == embedded(client, input=["a tent"], input_type=same)
    assert embedded(client, input=["a tent"], input_type=None)


def test_h08_slashes_too_many_are_forgiven(client: httpx.Client) -> None:
    for path in ("/embeddings", "/v1/embeddings/", "/v1//embeddings"):
        assert vector(client.post(path, json={"model": "default", "input": "a tent"}))
    assert ok(client.get("/search/?q=a"))["hits"]
    assert len(ok(client.get("/collections/c/documents/"))["documents"]) == 3


def test_h10_records_are_taken_as_files_have_them(client: httpx.Client) -> None:
    client.post("/collections", json={"name": "lines"}).raise_for_status()
    folder = CASES / "h10-http-records-differ-from-files"
    lines = (folder / "beir.jsonl").read_bytes().splitlines()
    for content in (*lines, (folder / "bom.jsonl").read_bytes()):
        path = "/collections/lines/documents"
        assert ok(client.post(path, content=content, headers=NDJSON))["accepted"] == 1
    listed = ok(client.get("/collections/lines/documents"))["documents"]
    assert {one["id"] for one in listed} == {"1", "7", "8", "9", "n1"}


def test_h11_messages_have_the_words_of_who_asks(client: httpx.Client) -> None:
    case = "h11-unclear-messages"
    told = {
        "model": sent(client, "/v1/embeddings", f"{case}/model.json"),
        "null": sent(client, "/v1/embeddings", f"{case}/null.json"),
        "window": sent(client, "/search", f"{case}/window.json"),
        "list": sent(client, "/collections/c/documents", f"{case}/list.json"),
        "empty": client.post("/search", content=b"", headers=JSON),
    }
    for name, answer in told.items():
        assert 400 <= answer.status_code < 500, name
        for word in ("dictionary", "instance of", "validation", "extract fields", "NoneType"):
            assert word not in answer.text, (name, answer.text)
    assert "model" in told["model"].text
    assert "text 1 is null" in told["null"].text
    assert {"9995", "10"} <= set(re.findall(r"\d+", told["window"].json()["detail"]))
    assert "put it into an object" in told["list"].json()["detail"]


def test_h14_filters_mean_what_others_mean_by_them(client: httpx.Client) -> None:
    def found(where: dict[str, Any]) -> set[str]:
        body = {"query": "tent", "collection": "default", "filter": where}
        return {hit["id"] for hit in ok(client.post("/search", json=body))["hits"]}

    content = (CASES / "h14-filter-conventions" / "filters.jsonl").read_text()
    nothing, other, by_id, big = map(json.loads, content.splitlines())
    assert found(nothing) == {"1", "2", "3"}
    assert found(other) == {"2", "3"}
    assert found(by_id) == {"1"}
    assert found(big) == {"2"}
    assert found({"field": "seen", "lt": "2024-03-01T09:00:00Z"}) == {"1"}
    both = {"all": [{"field": "t", "eq": "Git"}, {"field": "u", "eq": "/"}]}
    assert found({"field": "links", "any_element": both}) == {"2"}


def test_h15_many_are_deleted_and_metadata_patched_at_once(client: httpx.Client) -> None:
    client.post("/collections", json={"name": "kept"}).raise_for_status()
    path = "/collections/kept/documents"
    ok(client.post(path, json={"documents": DOCUMENTS, "wait": True}))
    ok(client.patch(f"{path}/1", json={"metadata": {"brand": "new", "big": None}}))
    changed = ok(client.get(f"{path}/1"))
    assert (changed["text"], changed["metadata"]["brand"]) == ("red tent", "new")
    assert "big" not in changed["metadata"]
    assert ok(client.post(f"{path}/delete", json={"ids": ["1", "9"]}))["missing"] == ["9"]
    where = {"field": "brand", "eq": "zeta"}
    assert ok(client.post(f"{path}/delete", json={"filter": where}))["deleted"] == 1
    assert [one["id"] for one in ok(client.get(path))["documents"]] == ["3"]


def test_h16_a_key_is_taken_however_it_is_sent(tmp_path: Path) -> None:
    command = ["--home", str(tmp_path), "--json", "keys", "create", "--role", "read"]
    made = CliRunner().invoke(app, [*command, "--name", "ann"])
    key = json.loads(made.stdout)["secret"]
    with started(tmp_path) as server, httpx.Client(base_url=server.url, timeout=60) as client:
        assert client.get("/v1/models").status_code == 401
        for name in ("x-api-key", "api-key"):
            assert client.get("/v1/models", headers={name: key}).status_code == 200
        both = {"Authorization": "Bearer molt_wrong", "api-key": key}
        assert client.get("/v1/models", headers=both).status_code == 200
        page = client.get("/docs", auth=("anybody", key))
        assert (page.status_code, client.get("/docs").status_code) == (200, 401)
        browser = {"Accept": "text/html,application/xhtml+xml"}
        asked = client.get("/docs", headers=browser).headers["www-authenticate"]
        assert "Basic" in asked
