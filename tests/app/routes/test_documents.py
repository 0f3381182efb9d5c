import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from molt.app.http.admission import Bulkhead, OverloadedError
from molt.app.routes.documents import ndjson
from molt.encoder.errors import EncoderError
from tests.app.serving import service_of, serving
from tests.hashing import HashingEncoder

DOCUMENTS = "/collections/default/documents"
NDJSON = {"Content-Type": "application/x-ndjson"}


@pytest.fixture
def client(client: TestClient) -> TestClient:
    client.post("/collections", json={"name": "default"})
    return client


def put(client: TestClient, *documents: dict[str, Any], wait: bool = True) -> dict[str, Any]:
    answer = client.post(DOCUMENTS, json={"documents": documents, "wait": wait})
    assert answer.status_code == 200, answer.text
    return answer.json()


def lines(count: int, *, first: int = 0) -> Iterator[bytes]:
    for number in range(first, first + count):
        yield json.dumps({"id": f"d{number:05}", "text": f"document {number}"}).encode() + b"\n"


def ids(client: TestClient) -> list[str]:
    found, after = [], ""
    while after is not None:
        parameters = {"limit": 1000} | ({"after": after} if after else {})
        page = client.get(DOCUMENTS, params=parameters).json()
        found += [document["id"] for document in page["documents"]]
        after = page["next"]
    return found


def test_acknowledged_documents_are_found_at_once(client: TestClient) -> None:
    ack = put(client, {"id": "a", "text": "warm boots"}, {"id": "b", "text": "a tent"})
    assert ack == {"accepted": 2, "revision": 2, "indexed": True}
    hits = client.get("/search", params={"q": "boots", "k": 1}).json()["hits"]
    assert hits[0]["id"] == "a"


def test_nobody_waits_for_the_next_look_at_the_disk(tmp_path: Path) -> None:
    with serving(tmp_path, index={"poll_seconds": 3600}) as client:
        client.post("/collections", json={"name": "default"})
        for number in range(3):
            ack = put(client, {"id": f"d{number}", "text": "warm boots"})
            assert ack["indexed"] is True
        client.delete(f"{DOCUMENTS}/d0")
        hits = client.get("/search", params={"q": "boots"}).json()["hits"]
        assert {hit["id"] for hit in hits} == {"d1", "d2"}


def test_a_second_text_replaces_the_first(client: TestClient) -> None:
    put(client, {"id": "a", "text": "warm boots"})
    put(client, {"id": "a", "text": "a tent"})
    assert client.get(f"{DOCUMENTS}/a").json()["text"] == "a tent"
    hits = client.get("/search", params={"q": "tent"}).json()["hits"]
    assert [hit["text"] for hit in hits] == ["a tent"]


def test_a_document_comes_back_as_it_was_sent(client: TestClient) -> None:
    document = {
        "id": "https://example.org/a?b=c d",
        "title": "Ünïcode",
        "text": "text\twith\nlines",
        "metadata": {"tags": ["a", "b"], "deep": {"er": 1.5}, "none": None},
    }
    put(client, document)
    answer = client.get(f"{DOCUMENTS}/https://example.org/a%3Fb=c d")
    assert answer.json() == document | {"revision": 1, "truncated": False}


def test_a_deleted_document_is_gone_and_not_found_again(client: TestClient) -> None:
    put(client, {"id": "a", "text": "warm boots"}, {"id": "b", "text": "a tent"})
    assert client.delete(f"{DOCUMENTS}/a").json() == {
        "accepted": 1,
        "revision": 3,
        "indexed": True,
    }
    assert client.get(f"{DOCUMENTS}/a").status_code == 404
    assert client.delete(f"{DOCUMENTS}/a").status_code == 404
    hits = client.get("/search", params={"q": "boots"}).json()["hits"]
    assert [hit["id"] for hit in hits] == ["b"]


def test_pages_follow_each_other_without_gaps(client: TestClient) -> None:
    put(client, *({"id": f"d{number}", "text": "x"} for number in range(5)))
    first = client.get(DOCUMENTS, params={"limit": 2}).json()
    second = client.get(DOCUMENTS, params={"limit": 2, "after": first["next"]}).json()
    last = client.get(DOCUMENTS, params={"limit": 2, "after": second["next"]}).json()
    found = [one["id"] for page in (first, second, last) for one in page["documents"]]
    assert found == ["d0", "d1", "d2", "d3", "d4"]
    assert last["next"] is None


def test_a_stream_of_lines_is_kept_in_batches(client: TestClient) -> None:
    answer = client.post(DOCUMENTS, content=lines(1234), headers=NDJSON)
    assert answer.json() == {"accepted": 1234, "revision": 1234, "indexed": True}
    assert len(ids(client)) == 1234


def test_chunks_may_end_anywhere_in_a_line(client: TestClient) -> None:
    stream = b"".join(lines(20)).rstrip(b"\n").replace(b"\n", b"\r\n\n")
    chunks = (stream[at : at + 7] for at in range(0, len(stream), 7))
    assert client.post(DOCUMENTS, content=chunks, headers=NDJSON).json()["accepted"] == 20
    assert len(ids(client)) == 20


@pytest.mark.parametrize("wait", ["true", "false"])
def test_a_stream_says_in_its_query_string_whether_to_wait(client: TestClient, wait: str) -> None:
    answer = client.post(DOCUMENTS, content=lines(1), headers=NDJSON, params={"wait": wait})
    assert answer.status_code == 200
    assert answer.json()["indexed"] or wait == "false"


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"[]",
        b'{"id": "x"}',
        b'{"id": "x", "text": "y", "txet": "z"}',
        b'{"id": "x", "text": "\\u0000"}',
        b'{"id": "x", "text": "\\ud800"}',
        b'{"id": "x", "text": " "}',
        b'{"id": "x", "text": "y", "metadata": {"a": 1e400}}',
        b'{"id": "\xff", "text": "y"}',
        b'{"id": "x", "text": "y", "metadata": ' + b'{"a":' * 40 + b"1" + b"}" * 40 + b"}",
    ],
)
def test_a_wrong_line_is_named_and_the_lines_before_it_are_kept(
    client: TestClient, line: bytes
) -> None:
    stream = b"".join(lines(700)) + b"\n" + line + b"\n" + b"".join(lines(9, first=800))
    answer = client.post(DOCUMENTS, content=stream, headers=NDJSON)
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (422, "urn:molt:problem:invalid_line")
    assert (problem["line"], problem["accepted"], problem["revision"]) == (702, 700, 700)
    assert len(ids(client)) == 700


RECORDS = [
    b'{"_id": "1", "text": "a cup"}',
    b'{"id": 1, "text": "a cup"}',
    b'{"id": 1.0, "text": "a cup"}',
    b'{"_id": 1, "text": "a cup"}',
    b'{"id": null, "_id": "1", "text": "a cup"}',
    b'{"id": "1", "text": "a cup", "title": null}',
    b'{"id": "1", "text": "a cup", "metadata": null}',
    b'\xef\xbb\xbf{"id": "1", "text": "a cup"}',
]


@pytest.mark.parametrize("record", RECORDS)
def test_a_record_that_files_may_hold_is_taken_as_a_line_and_in_a_list(
    shop: TestClient, record: bytes
) -> None:
    mark = record[: record.index(b"{")]
    body = mark + b'{"documents": [' + record[len(mark) :] + b'], "wait": false}'
    for content, headers in ((record, NDJSON), (body, {"Content-Type": "application/json"})):
        answer = shop.post(DOCUMENTS, content=content, headers=headers, params={"wait": False})
        assert (answer.status_code, answer.json()["accepted"]) == (200, 1), answer.text
        stored = shop.get(f"{DOCUMENTS}/1").json()
        assert (stored["id"], stored["title"], stored["metadata"]) == ("1", "", {})
        shop.delete(f"{DOCUMENTS}/1")


def test_whole_numbers_that_are_ids_stay_exact(shop: TestClient) -> None:
    for number in (2**53 + 1, 2**63 - 1, -7, 0):
        body = {"documents": [{"id": number, "text": "a cup"}], "wait": False}
        assert shop.post(DOCUMENTS, json=body).status_code == 200
        assert shop.get(f"{DOCUMENTS}/{number}").json()["id"] == str(number)
        shop.delete(f"{DOCUMENTS}/{number}")


@pytest.mark.parametrize(
    "name",
    ["ndjson", "x-ndjson", "jsonl", "x-jsonl", "jsonlines", "x-jsonlines; charset=utf-8"],
)
def test_lines_are_known_by_each_name_that_clients_give_them(shop: TestClient, name: str) -> None:
    headers = {"Content-Type": f"application/{name}"}
    line = b'{"id": "d1", "text": "warm waterproof boots"}\n'
    answer = shop.post(DOCUMENTS, content=line * 2, headers=headers, params={"wait": False})
    assert (answer.status_code, answer.json()["accepted"]) == (200, 2)


def test_a_list_of_documents_without_an_object_around_it_says_where_it_belongs(
    shop: TestClient,
) -> None:
    answer = shop.post(DOCUMENTS, json=[{"id": "2", "text": "a stove"}])
    assert answer.status_code == 422
    assert answer.json()["detail"] == (
        'the body is a list; put it into an object: {"documents": […]}'
    )


def test_what_is_wrong_with_a_document_is_said_with_its_place_and_id(shop: TestClient) -> None:
    documents = [{"id": "d1", "text": "a cup"}, {"_id": "d8", "text": ["a", "b"]}]
    answer = shop.post(DOCUMENTS, json={"documents": documents})
    detail = "must be a string, not a list"
    assert answer.json()["errors"] == [
        {"detail": detail, "pointer": "#/documents/1/text", "id": "d8"}
    ]
    assert answer.json()["detail"] == f'documents.1.text (id "d8"): {detail}'


def test_a_document_that_cannot_be_kept_is_named_by_its_place_and_id(shop: TestClient) -> None:
    documents = [{"id": "d1", "text": "a cup"}, {"id": "d8", "title": "", "text": " "}]
    problem = shop.post(DOCUMENTS, json={"documents": documents}).json()
    assert problem["type"] == "urn:molt:problem:invalid_document"
    assert problem["detail"] == (
        'documents.1.text (id "d8"): is empty, and so is the title; give one of them'
    )


def test_of_two_lines_with_one_id_the_later_wins(client: TestClient) -> None:
    stream = b'{"id": "a", "text": "old"}\n{"id": "a", "text": "new"}\n'
    assert client.post(DOCUMENTS, content=stream, headers=NDJSON).json()["accepted"] == 2
    assert client.get(f"{DOCUMENTS}/a").json()["text"] == "new"


def test_a_request_for_which_nobody_waits_is_indexed_later(client: TestClient) -> None:
    ack = put(client, {"id": "a", "text": "warm boots"}, wait=False)
    put(client, {"id": "b", "text": "a tent"})
    assert ack["accepted"] == 1
    assert client.get("/collections/default").json()["indexed_revision"] == 2


def test_a_stream_that_has_begun_waits_for_a_busy_server(
    shop: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    admission = service_of(shop).bulkheads[Bulkhead.IMPORTS]
    run, batches = admission.run, []

    async def run_when_not_busy(work: Any, *arguments: Any) -> Any:
        if work is ndjson._keep_batch:
            batches.append(arguments)
            if len(batches) in busy:
                raise OverloadedError(1, where="imports")
        return await run(work, *arguments)

    monkeypatch.setattr(admission, "run", run_when_not_busy)
    lines = b"".join(b'{"id": "n%d", "text": "boots"}\n' % number for number in range(1100))
    busy = {2, 3}
    answer = shop.post(DOCUMENTS, content=lines, headers=NDJSON, params={"wait": False})
    assert (answer.status_code, answer.json()["accepted"]) == (200, 1100)
    assert len(batches) == 5
    busy = {6}
    refused = shop.post(DOCUMENTS, content=lines, headers=NDJSON, params={"wait": False})
    assert (refused.status_code, len(batches)) == (429, 6)


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The encoder cannot encode a text with BAD in it."""
    read = HashingEncoder._read

    def refuse(encoder: HashingEncoder, text: str) -> object:
        if "BAD" in text:
            raise EncoderError("cannot read that")
        return read(encoder, text)

    monkeypatch.setattr(HashingEncoder, "_read", refuse)


@pytest.mark.usefixtures("refusing")
def test_a_document_that_cannot_be_encoded_is_acknowledged_and_not_called_indexed(
    client: TestClient,
) -> None:
    good, bad = {"id": "a", "text": "boots"}, {"id": "b", "text": "BAD"}
    assert put(client, good, bad) == {"accepted": 2, "revision": 2, "indexed": False}
    assert put(client, bad) == {"accepted": 1, "revision": 2, "indexed": False}
    assert put(client, good) == {"accepted": 1, "revision": 2, "indexed": True}
    assert put(client, {"id": "c", "text": "socks"})["indexed"] is True
    stored = client.get(f"{DOCUMENTS}/b").json()
    assert stored["text"] == "BAD"
    assert put(client, {"id": "b", "text": "trousers"})["indexed"] is True


@pytest.mark.usefixtures("refusing")
def test_a_line_that_cannot_be_encoded_is_acknowledged_and_not_called_indexed(
    client: TestClient,
) -> None:
    bad = b'{"id": "b", "text": "BAD"}\n{"id": "a", "text": "boots"}\n'
    for _ in range(2):
        answer = client.post(DOCUMENTS, content=bad, headers=NDJSON).json()
        assert (answer["accepted"], answer["indexed"]) == (2, False)
    good = b'{"id": "c", "text": "socks"}\n'
    assert client.post(DOCUMENTS, content=good, headers=NDJSON).json()["indexed"] is True


@pytest.mark.usefixtures("refusing")
def test_documents_in_quarantine_are_named_with_reasons_and_counted(client: TestClient) -> None:
    put(client, *({"id": f"b{n:03}", "text": f"BAD {n}"} for n in range(120)))
    put(client, {"id": "a", "text": "boots"})
    quarantine = client.get("/collections/default").json()["quarantine"]
    assert quarantine["count"] == 120
    assert len(quarantine["documents"]) == 100
    assert quarantine["documents"][0] == {
        "id": "b000",
        "revision": 1,
        "reason": "cannot read that",
    }
    assert 'molt_collection_quarantined{collection="default"} 120.0' in client.get("/metrics").text


def test_an_answer_counts_the_documents_whose_end_is_not_read(client: TestClient) -> None:
    long, fits = {"id": "a", "text": "word " * 300}, {"id": "b", "text": "word " * 254}
    assert put(client, long, fits, long | {"id": "c"})["truncated"] == 2
    assert "truncated" not in put(client, fits)
    assert put(client, fits | {"title": "one more"})["truncated"] == 1


LONG, SHORT = "word " * 300, "word " * 254


def dumped(line: dict[str, Any]) -> bytes:
    return json.dumps(line).encode()


def test_a_stream_counts_the_documents_whose_end_is_not_read(client: TestClient) -> None:
    lines = [{"id": f"d{n}", "text": LONG if n % 3 else SHORT} for n in range(1200)]
    content = b"".join(dumped(line) + b"\n" for line in lines)
    assert client.post(DOCUMENTS, content=content, headers=NDJSON).json()["truncated"] == 800
    unread = client.post(DOCUMENTS, content=content, headers=NDJSON, params={"wait": False})
    assert "truncated" not in unread.json()
    fits = dumped({"id": "a", "text": SHORT})
    assert "truncated" not in client.post(DOCUMENTS, content=fits, headers=NDJSON).json()


def test_of_two_lines_with_one_id_the_later_one_is_counted(client: TestClient) -> None:
    lines = [{"id": "a", "text": LONG}, {"id": "a", "text": SHORT}, {"id": "b", "text": LONG}]
    content = b"\n".join(map(dumped, lines))
    assert client.post(DOCUMENTS, content=content, headers=NDJSON).json()["truncated"] == 1


def test_a_document_says_whether_its_end_is_read(client: TestClient) -> None:
    put(client, {"id": "a", "text": LONG}, {"id": "b", "text": SHORT}, {"id": "c", "text": "x"})
    told = {name: client.get(f"{DOCUMENTS}/{name}").json()["truncated"] for name in "abc"}
    assert told == {"a": True, "b": False, "c": False}


def test_changing_one_document_says_whether_its_end_is_read(client: TestClient) -> None:
    path = f"{DOCUMENTS}/a"
    assert client.put(path, json={"text": LONG}).json()["truncated"] == 1
    assert "truncated" not in client.put(path, json={"text": SHORT}).json()
    assert client.patch(path, json={"title": "one more word"}).json()["truncated"] == 1
    assert "truncated" not in client.patch(path, json={"metadata": {"n": 1}}).json()
    assert "truncated" not in client.patch(path, json={"title": ""}).json()


def test_changing_many_documents_counts_those_whose_end_is_not_read(client: TestClient) -> None:
    put(client, *({"id": name, "text": SHORT} for name in "abc"))
    patches = [{"id": "a", "text": LONG}, {"id": "b", "title": "one more word"}]
    patches += [{"id": "c", "metadata": {"n": 1}}, {"id": "gone", "text": LONG}]
    assert client.patch(DOCUMENTS, json={"documents": patches}).json()["truncated"] == 2
    content = b"\n".join(map(dumped, patches))
    assert client.patch(DOCUMENTS, content=content, headers=NDJSON).json()["truncated"] == 2
    assert "truncated" not in client.patch(DOCUMENTS, json={"documents": patches[2:3]}).json()
