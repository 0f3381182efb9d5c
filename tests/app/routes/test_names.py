import pytest
from pydantic import ValidationError
from starlette.testclient import TestClient

from molt.app.routes.documents.schemas import DocumentBody
from molt.app.routes.judgments.schemas import JudgmentBody, QueryBody
from molt.index.files.columns import IDS
from molt.index.files.row import JUDGED_DOCUMENTS, JUDGED_QUERIES, QUERY_IDS


@pytest.mark.parametrize("name", IDS)
def test_the_id_of_a_document_may_be_called_as_in_files(name: str) -> None:
    assert DocumentBody.model_validate({name: "d1", "text": "x"}).id == "d1"


@pytest.mark.parametrize("name", QUERY_IDS)
def test_the_id_of_a_query_may_be_called_as_in_files(name: str) -> None:
    assert QueryBody.model_validate({name: "q1", "text": "x"}).id == "q1"


@pytest.mark.parametrize("query", JUDGED_QUERIES)
@pytest.mark.parametrize("document", JUDGED_DOCUMENTS)
def test_the_ids_of_a_judgment_may_be_called_as_in_files(query: str, document: str) -> None:
    found = JudgmentBody.model_validate({query: "q1", document: "d1", "grade": 1})
    assert (found.query_id, found.doc_id) == ("q1", "d1")


def test_of_two_ids_of_one_record_none_is_chosen() -> None:
    with pytest.raises(ValidationError, match="doc_id"):
        DocumentBody.model_validate({"id": "a", "doc_id": "b", "text": "x"})


def test_a_name_that_no_collection_can_have_is_refused_in_words(client: TestClient) -> None:
    for path, body in (("/collections", {"name": "Shop"}), ("/admin/merge", {"collection": "a b"})):
        (wrong,) = client.post(path, json=body).json()["errors"]
        said = "must have 1 to 63 of a-z, 0-9, _ and -, and begin with a letter or a digit"
        assert wrong["detail"] == said
    client.post("/collections", json={"name": "shop"})
    (wrong,) = client.delete("/collections/shop/pairs?id=zz").json()["errors"]
    assert wrong["detail"].startswith("must have 32 of 0-9 and a-f")
