import json
from pathlib import Path

import pytest

from molt.index.catalog.document import Document
from molt.index.files import ReadProgress, RowError, SourceError, open_source
from molt.index.files.objects import values
from molt.index.files.objects.values import read_objects
from molt.index.files.options import ReadOptions
from molt.index.files.row import Row

ROWS = [{"id": "1", "text": 'a ], "b'}, {"id": "2", "text": "ü", "tags": [1, {"x": None}]}]


def _read(path: Path, content: str | bytes) -> list[Row | RowError]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read_objects(path, ReadProgress()))


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(ROWS),
        json.dumps(ROWS, indent=1),
        "\ufeff" + json.dumps(ROWS, ensure_ascii=False),
        "[" + ",\n".join(map(json.dumps, ROWS)) + "]\n",
        "\n".join(map(json.dumps, ROWS)),
        "\n".join(json.dumps(row, indent=2) for row in ROWS),
        json.dumps({"version": 3, "documents": ROWS}),
        json.dumps({"data": ROWS}, indent=2),
    ],
)
@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_objects_are_found_however_they_lie(tmp_path: Path, name: str, content: str) -> None:
    assert [row.values for row in _read(tmp_path / name, content) if isinstance(row, Row)] == ROWS


def test_an_object_of_objects_with_texts_stands_for_them_by_their_ids(tmp_path: Path) -> None:
    content = json.dumps({"d1": {"title": "T"}, "d2": {"text": "x", "_id": "own"}}, indent=1)
    found = [row.values for row in _read(tmp_path / "a.json", content) if isinstance(row, Row)]
    assert found == [{"_id": "d1", "title": "T"}, {"_id": "own", "text": "x"}]


@pytest.mark.parametrize(
    "own", [{"id": "1", "text": "order"}, {"doc_id": "1"}, {"body": "order"}, {"Doc ID": 1}]
)
def test_a_document_with_a_list_of_objects_is_a_document_and_that_is_told(
    tmp_path: Path, own: dict[str, object]
) -> None:
    told: list[str] = []
    row = own | {"items": [{"name": "pen"}]}
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(row))
    found = list(read_objects(path, ReadProgress(), ReadOptions(tell=told.append)))
    assert found == [Row(1, row)]
    assert told == [f"{path}: is one document, to which its list items belongs"]


def test_of_several_objects_none_stands_for_the_objects_in_it(tmp_path: Path) -> None:
    orders = [{"title": "pens", "items": [{"name": "pen"}]}, {"title": "tea", "items": []}]
    content = "\n".join(json.dumps(order, indent=1) for order in orders)
    found = _read(tmp_path / "a.json", content)
    assert [row.values for row in found if isinstance(row, Row)] == orders


def test_only_a_hit_is_read_as_the_document_in_its_source(tmp_path: Path) -> None:
    inner = {"text": "x"}
    hits = [{"_index": "i", "_id": "1", "_source": inner}, {"_id": "1", "_source": inner}]
    rows = [{"id": "1", "_source": inner}, {"_id": "1", "body": "y", "_source": inner}]
    found = _read(tmp_path / "a.jsonl", "\n".join(map(json.dumps, [*hits, *rows])))
    assert [row.values for row in found if isinstance(row, Row)] == [
        {"_id": "1", "text": "x"},
        {"_id": "1", "text": "x"},
        *rows,
    ]


def test_values_are_found_across_the_borders_of_what_is_read_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(values, "_CHUNK_BYTES", 7)
    rows = [{"id": n, "text": "é" * n, "ok": True, "n": 1.25} for n in range(30)]
    found = _read(tmp_path / "a.json", json.dumps(rows, ensure_ascii=False, indent=1))
    assert [row.values for row in found if isinstance(row, Row)] == rows
    assert found[1].line == 8


def test_a_single_object_is_one_row(tmp_path: Path) -> None:
    assert _read(tmp_path / "a.json", json.dumps(ROWS[0], indent=1)) == [Row(1, ROWS[0])]


def test_a_value_that_is_no_object_of_one_meaning_is_a_bad_row(tmp_path: Path) -> None:
    content = '[\n{"id": 1},\n3,\n{"id": 1, "id": 2},\n{"n": 99999999999999999999},\n{"id": 2}]'
    found = _read(tmp_path / "a.json", content)
    assert [row.values["id"] for row in found if isinstance(row, Row)] == [1, 2]
    bad = {row.line: row.reason for row in found if isinstance(row, RowError)}
    assert bad.keys() == {3, 4, 5}
    assert "twice" in bad[4]
    assert "64 bits" in bad[5]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('[{"id": 1},\n{"id": oops},\n{"id": 3}]', "line 2: it is not JSON"),
        ('[{"id": 1}\n{"id": 2}]', "line 2: a comma is missing"),
        ('[{"id": 1},\n{"id": 2}', "line 2: the array never ends"),
        ('[{"id": 1},\n{"id": "2', "line 2: the file ends in the midst of a value"),
    ],
)
def test_where_json_ends_to_be_json_the_line_is_named_and_the_rows_before_it_are_read(
    tmp_path: Path, content: str, said: str
) -> None:
    path = tmp_path / "a.json"
    path.write_text(content)
    rows = read_objects(path, ReadProgress())
    assert next(rows) == Row(1, {"id": 1})
    with pytest.raises(SourceError, match=said):
        list(rows)


def test_a_value_too_large_to_hold_ends_the_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(values, "MAX_VALUE_CHARS", 1000)
    monkeypatch.setattr(values, "_CHUNK_BYTES", 100)
    with pytest.raises(SourceError, match="more than 1000 characters"):
        _read(tmp_path / "a.json", json.dumps([{"text": "x" * 10_000}]))


def test_an_array_is_never_held_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"[" + b'{"a": 1},\n' * 800_000 + b'{"a": 1}]')
    progress = ReadProgress()
    rows = read_objects(path, progress)
    next(rows)
    assert 0 < progress.position < path.stat().st_size / 3
    rows.close()  # type: ignore[attr-defined]


def test_nesting_without_end_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="nested too deeply"):
        _read(tmp_path / "a.json", "[" * 100_000)


def test_what_a_search_engine_exports_is_read_as_documents(tmp_path: Path) -> None:
    lines = [
        {"index": {"_index": "shop", "_id": 1}},
        {"title": "Tent"},
        {"create": {}},
        {"title": "Rope"},
        {"delete": {"_id": "3"}},
        {"_index": "shop", "_id": "4", "_score": 1.0, "_source": {"title": "Cup"}},
        {"index": "a word"},
    ]
    found = _read(tmp_path / "a.ndjson", "\n".join(map(json.dumps, lines)))
    assert [row.values for row in found if isinstance(row, Row)] == [
        {"_id": "1", "title": "Tent"},
        {"title": "Rope"},
        {"_id": "4", "title": "Cup"},
        {"index": "a word"},
    ]
    assert [row.line for row in found if isinstance(row, RowError)] == [5]


@pytest.mark.parametrize(
    "envelope",
    [
        {"count": 2, "next_page": None, "articles": ROWS},
        {"Products": ROWS},
        {"status": "ok", "has_more": False, "entries": ROWS},
        {"responseHeader": {"status": 0}, "response": {"numFound": 2, "docs": ROWS}},
    ],
)
def test_the_only_list_of_objects_beside_plain_values_is_the_rows(
    tmp_path: Path, envelope: dict[str, object]
) -> None:
    found = _read(tmp_path / "a.json", json.dumps(envelope))
    assert [row.values for row in found if isinstance(row, Row)] == ROWS


@pytest.mark.parametrize(
    "alone",
    [
        {"id": "1", "comments": ROWS},
        {"text": "x", "comments": ROWS},
        {"name": "x", "tags": ["a"]},
        {"a": ROWS, "b": ROWS},
        {"meta": {"n": 1}, "articles": ROWS},
    ],
)
def test_an_object_that_is_no_page_of_rows_is_one(tmp_path: Path, alone: dict[str, object]) -> None:
    assert _read(tmp_path / "a.json", json.dumps(alone)) == [Row(1, alone)]


@pytest.mark.parametrize(
    ("alone", "rows"),
    [
        ({"q1": "a", "q2": "b"}, [{"_id": "q1", "text": "a"}, {"_id": "q2", "text": "b"}]),
        (
            {"q1": {"d1": 2, "d2": 0.5}, "q2": {"d1": 1}},
            [
                {"query_id": "q1", "doc_id": "d1", "grade": 2},
                {"query_id": "q1", "doc_id": "d2", "grade": 0.5},
                {"query_id": "q2", "doc_id": "d1", "grade": 1},
            ],
        ),
        (
            {"q1": ["d1"], "q2": ["d1", "d2"]},
            [
                {"query_id": "q1", "doc_id": "d1", "grade": 1},
                {"query_id": "q2", "doc_id": "d1", "grade": 1},
                {"query_id": "q2", "doc_id": "d2", "grade": 1},
            ],
        ),
    ],
)
def test_an_object_of_what_belongs_to_ids_is_a_row_for_each(
    tmp_path: Path, alone: dict[str, object], rows: list[dict[str, object]]
) -> None:
    told: list[str] = []
    (tmp_path / "a.json").write_text(json.dumps(alone))
    found = read_objects(tmp_path / "a.json", ReadProgress(), ReadOptions(tell=told.append))
    assert [row.values for row in found if isinstance(row, Row)] == rows
    assert [f"read as {len(rows)} rows by their ids" in said for said in told] == [True]


@pytest.mark.parametrize(
    "row",
    [{"q1": "a"}, {"title": "a", "other": "b"}, {"q1": {"d1": True}, "q2": {}}, {"a": 1, "b": "x"},
     {"sentence1": "a", "sentence2": "b"}, {"foo": "a", "bar": "b"}],
)  # fmt: skip
def test_an_object_of_fields_is_a_row(tmp_path: Path, row: dict[str, object]) -> None:
    assert _read(tmp_path / "a.json", json.dumps(row)) == [Row(1, row)]


@pytest.mark.parametrize(
    "row",
    [
        {"put": "id:shop:boots::b1", "fields": {"title": "T", "text": "x"}},
        {"id": "b1", "properties": {"title": "T", "text": "x"}, "vector": [0.1]},
        {"id": "b1", "title": {"rendered": "T"}, "content": {"rendered": "x", "protected": False}},
        {"objectID": "b1", "name": "T", "description": "x"},
    ],
)
def test_records_of_other_engines_are_the_documents_they_hold(
    tmp_path: Path, row: dict[str, object]
) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps(row) + "\n")
    assert list(open_source(tmp_path / "a.jsonl").documents()) == [Document("b1", "x", title="T")]
