"""That a text was cut is told beside a write, which stays acknowledged where it cannot be told."""

import asyncio
import errno
import json
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from molt.app.http.admission import Admission, Bulkhead
from molt.app.routes.documents.truncation import telling_truncated
from molt.encoder.errors import HangingCheckpointError
from molt.index.catalog.documents import Documents
from molt.index.errors import CatalogError
from tests.app.routes.documents.conftest import DOCUMENTS, Put

KEPT = {"accepted": 1, "revision": 7, "indexed": True}


@pytest.fixture
def admission() -> Iterator[Admission]:
    made = Admission(Bulkhead.WRITES, max_pending=1, threads=1)
    yield made
    made.close()


def test_a_write_is_acknowledged_although_a_text_hangs(admission: Admission) -> None:
    def count() -> int:
        raise HangingCheckpointError("a text was not read in 10 s")

    assert asyncio.run(telling_truncated(KEPT, count, admission=admission)) == KEPT


@pytest.mark.parametrize(
    "failure",
    [CatalogError("the catalog is locked"), OSError(errno.EMFILE, "too many open files")],
    ids=lambda failure: type(failure).__name__,
)
@pytest.mark.parametrize("form", ["json", "ndjson"])
def test_a_change_is_acknowledged_although_what_was_changed_cannot_be_read_again(
    client: TestClient, put: Put, monkeypatch: pytest.MonkeyPatch, failure: Exception, form: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise failure

    put({"id": "a", "text": "warm boots"})
    monkeypatch.setattr(Documents, "get_many", fail)
    patch = {"id": "a", "title": "Boots"}
    if form == "json":
        answer = client.patch(DOCUMENTS, json={"documents": [patch]})
    else:
        headers = {"Content-Type": "application/x-ndjson"}
        answer = client.patch(DOCUMENTS, content=json.dumps(patch), headers=headers)
    assert (answer.status_code, answer.json()["accepted"]) == (200, 1)
    monkeypatch.undo()
    assert client.get(f"{DOCUMENTS}/a").json()["title"] == "Boots"


def test_what_was_cut_is_told_of_what_is_indexed_alone(admission: Admission) -> None:
    def told(answer: dict[str, object]) -> dict[str, object]:
        return asyncio.run(telling_truncated(answer, lambda: 3, admission=admission))

    assert told(KEPT) == KEPT | {"truncated": 3}
    waiting = KEPT | {"indexed": False}
    assert told(waiting) == waiting
