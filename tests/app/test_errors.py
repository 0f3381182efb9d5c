import errno
from pathlib import Path

import pytest
from sqlalchemy import event
from starlette.exceptions import HTTPException
from starlette.testclient import TestClient

from molt.app.errors import _KINDS, failure_of
from molt.app.http.admission import Bulkhead, OverloadedError
from molt.app.http.failures import PartlyDeletedError, RequestError
from molt.artifact import ArtifactError
from molt.encoder.errors import ClosedEncoderError, EncoderError
from molt.engine.errors import EngineError
from molt.index.errors import CollectionNotFoundError, IndexingError
from tests.app.serving import service_of, serving


def all_kinds(base: type[Exception]) -> list[type[Exception]]:
    children = [kind for child in base.__subclasses__() for kind in all_kinds(child)]
    return [base, *children]


@pytest.mark.parametrize(
    "base", [IndexingError, EngineError, EncoderError, ArtifactError, RequestError]
)
def test_every_error_of_a_part_has_a_place_in_http(base: type[Exception]) -> None:
    unmapped = [
        kind for kind in all_kinds(base)[1:] if not any(parent in _KINDS for parent in kind.__mro__)
    ]
    unmapped = [kind for kind in unmapped if kind is not PartlyDeletedError]  # as its cause has
    assert unmapped == []


def test_the_closest_kind_decides() -> None:
    failure = failure_of(CollectionNotFoundError("no such thing"))
    assert (failure.status, failure.code) == (404, "collection_not_found")
    assert failure.detail == "no such thing"


def test_what_may_pass_says_when_to_try_again() -> None:
    assert failure_of(OverloadedError(7, where="reads")).headers == {"Retry-After": "7"}
    assert "Retry-After" in failure_of(ClosedEncoderError("closed")).headers


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_507_wherever_it_shows(number: int) -> None:
    assert failure_of(OSError(number, "no space")).status == 507


@pytest.mark.parametrize(
    "number", [errno.EIO, errno.EROFS, errno.EACCES, errno.ENOENT, errno.EMFILE]
)
def test_a_file_that_cannot_be_used_is_503_and_not_named_to_clients(number: int) -> None:
    failure = failure_of(OSError(number, "no", "/secret/place"))
    assert (failure.status, failure.code) == (503, "unavailable")
    assert "Retry-After" in failure.headers
    assert "secret" not in failure.detail


@pytest.mark.parametrize("error", [OSError(errno.EPIPE, "broken"), KeyError("mine")])
def test_what_is_nobodys_fault_but_ours_is_raised(error: Exception) -> None:
    with pytest.raises(type(error)):
        failure_of(error)


def test_a_status_that_the_framework_chose_is_kept() -> None:
    assert failure_of(HTTPException(405, headers={"Allow": "GET"})).headers == {"Allow": "GET"}


def test_a_catalog_without_space_answers_507_and_keeps_serving(tmp_path: Path) -> None:
    with serving(tmp_path) as client:
        client.post("/collections", json={"name": "default"})
        database = service_of(client).engine.catalog.database.engine

        @event.listens_for(database, "checkout")
        def fill(connection: object, *_: object) -> None:
            connection.execute("PRAGMA max_page_count=1").close()  # type: ignore[attr-defined]

        documents = [{"id": f"d{number}", "text": "x" * 100_000} for number in range(20)]
        answer = client.post("/collections/default/documents", json={"documents": documents})
        assert answer.status_code == 507
        assert answer.json()["type"] == "urn:molt:problem:disk_full"
        assert client.get("/search", params={"q": "boots"}).status_code == 200
        event.remove(database, "checkout", fill)


def test_overload_answers_429_in_each_envelope_and_is_counted(client: TestClient) -> None:
    bulkheads = service_of(client).bulkheads
    client.get("/collections")
    bulkheads[Bulkhead.QUERIES].pending = bulkheads[Bulkhead.BULK].pending = 10_000
    problem = client.get("/collections")
    assert (problem.status_code, problem.json()["type"]) == (429, "urn:molt:problem:overloaded")
    assert int(problem.headers["retry-after"]) >= 1
    openai = client.post("/v1/embeddings", json={"model": "default", "input": "x"})
    assert openai.json()["error"]["type"] == "rate_limit_error"
    assert client.post("/embed", json={"inputs": "x"}).json()["error_type"] == "Overloaded"
    bulkheads[Bulkhead.QUERIES].pending = bulkheads[Bulkhead.BULK].pending = 0
    told = client.get("/metrics").text
    assert 'molt_overload_refusals_total{where="bulk"} 1.0' in told
    assert 'molt_overload_refusals_total{where="queries"} 2.0' in told


def test_a_fault_of_our_own_is_a_500_without_its_text(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = service_of(client).engine
    monkeypatch.setattr(engine, "search", lambda _: {}["a secret"])
    answer = client.get("/search", params={"q": "boots"}, headers={"X-Request-ID": "r1"})
    assert answer.status_code == 500
    assert answer.headers["x-request-id"] == "r1"
    assert answer.json()["instance"] == "urn:molt:request:r1"
    assert "secret" not in answer.text
