import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from molt.app.http.admission import Admission, Bulkhead
from molt.app.http.failures import StoppingError
from molt.app.routes.documents import export
from molt.app.routes.documents.spool import Spool, Spooled
from tests.app.routes.documents.conftest import DOCUMENTS, Put
from tests.app.serving import service_of

EXPORT = "/collections/default/export"
ODD = [
    {"id": " a b ", "text": "x\u2028y\x01\t\n", "title": "ü", "metadata": {"big": 2**63 - 1}},
    {"id": "1.0", "text": "", "title": "t", "metadata": {"deep": {"er": [1, None, {"x": 1.5}]}}},
    {"id": "https://example.org/?a=b#c", "text": '"quoted"', "title": "", "metadata": {}},
]


def exported(client: TestClient, path: str = EXPORT) -> list[dict[str, Any]]:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    lines = answer.content.split(b"\n")
    assert lines.pop() == b""
    assert answer.headers["x-molt-documents"] == str(len(lines))
    return [json.loads(line) for line in lines]


def test_an_export_is_what_was_sent_and_can_be_sent_again(client: TestClient, put: Put) -> None:
    put(*ODD)
    answer = client.get(EXPORT)
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.headers["etag"] == '"3"'
    assert exported(client) == ODD
    client.post("/collections", json={"name": "copy"})
    sent = client.post(
        "/collections/copy/documents",
        content=answer.content,
        headers={"Content-Type": "application/x-ndjson"},
    )
    assert sent.json()["accepted"] == 3
    assert exported(client, "/collections/copy/export") == ODD
    client.delete("/collections/copy")


def test_an_empty_collection_is_exported_as_nothing(client: TestClient) -> None:
    assert exported(client) == []


def test_a_collection_that_is_not_there_cannot_be_exported(client: TestClient) -> None:
    answer = client.get("/collections/nowhere/export")
    assert (answer.status_code, answer.json()["type"]) == (
        404,
        "urn:molt:problem:collection_not_found",
    )


def test_what_is_written_meanwhile_is_not_in_it(
    client: TestClient, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(*({"id": f"d{n}", "text": "x"} for n in range(300)))
    line = export._line

    def write_and_line(document: Any) -> bytes:
        if document.id == "d0":
            client.post(f"{DOCUMENTS}/delete", json={"ids": ["d299"]})
            changed = {"documents": [{"id": "d298", "text": "new"}, {"id": "e", "text": "new"}]}
            client.post(DOCUMENTS, json=changed | {"wait": False})
        return line(document)

    monkeypatch.setattr(export, "_line", write_and_line)
    found = exported(client)
    assert [one["id"] for one in found] == [f"d{n}" for n in range(300)]
    assert {one["text"] for one in found} == {"x"}
    assert client.get("/collections/default").json()["documents"] == 300


def test_an_export_of_many_pieces_is_whole(
    client: TestClient, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "PIECE", 64)
    monkeypatch.setattr("molt.app.routes.documents.spool.PIECE", 50)
    put(*({"id": f"d{n}", "text": "x" * n} for n in range(1, 41)))
    assert [len(one["text"]) for one in exported(client)] == list(range(1, 41))


def test_a_full_disk_is_an_error_and_no_empty_answer(
    client: TestClient, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    put(*ODD)
    monkeypatch.setattr(Spool, "write", fail)
    answer = client.get(EXPORT)
    assert (answer.status_code, answer.json()["type"]) == (507, "urn:molt:problem:disk_full")


def test_where_all_places_are_taken_another_export_is_refused_at_once(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_of(client).bulkheads[Bulkhead.EXPORTS], "_max_pending", 0)
    answer = client.get(EXPORT)
    assert (answer.status_code, "retry-after" in answer.headers) == (429, True)


def test_an_export_leaves_its_place_and_nothing_on_disk(client: TestClient, put: Put) -> None:
    put(*ODD)
    for _ in range(9):
        exported(client)
    service = service_of(client)
    assert list(service.settings.layout.cache.glob("tmp*")) == []


@pytest.fixture
def admission() -> Iterator[Admission]:
    admission = Admission(Bulkhead.EXPORTS, max_pending=4, threads=1)
    yield admission
    admission.close()


def test_a_client_that_goes_away_ends_the_writing(admission: Admission, tmp_path: Path) -> None:
    stopped = threading.Event()

    def write_for_ever(spool: Spool) -> None:
        try:
            while True:
                spool.write(b"x")
                spool.begin({})
        except StoppingError:
            stopped.set()
            raise

    async def go_away(_message: Any) -> None:
        raise ConnectionResetError

    async def ask() -> None:
        spool = Spool(tmp_path, stopping=lambda: False)
        await spool.start(admission, write_for_ever)
        answer = Spooled(spool, media_type="text/plain")
        with pytest.raises(ConnectionResetError):
            await answer({}, None, go_away)  # type: ignore[arg-type]
        await spool.closed()

    asyncio.run(ask())
    assert stopped.is_set()


def test_what_fails_half_way_cuts_the_answer_off(admission: Admission, tmp_path: Path) -> None:
    sent: list[Any] = []

    def fail(spool: Spool) -> None:
        spool.write(b"first")
        spool.begin({"ETag": '"1"'})
        raise ValueError("half way")

    async def ask() -> None:
        spool = Spool(tmp_path, stopping=lambda: False)
        await spool.start(admission, fail)
        answer = Spooled(spool, media_type="text/plain")

        async def send(message: Any) -> None:
            sent.append(message)

        with pytest.raises(ValueError, match="half way"):
            await answer({}, None, send)  # type: ignore[arg-type]
        await spool.closed()

    asyncio.run(ask())
    assert [message.get("body") for message in sent] == [None, b"first"]
    assert not any(name == b"content-length" for name, _ in sent[0]["headers"])
