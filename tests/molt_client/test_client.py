"""The typed client against a real server, over HTTP."""

import asyncio
import inspect
from collections.abc import Iterator

import numpy as np
import pytest
from molt_client import AsyncMolt, Document, Molt, MoltError, Retries, UnreachableError
from molt_client.parts import PART_DOCUMENTS, Progress

from tests.app.serving import BOOTS, Process


def numbered(count: int) -> Iterator[Document]:
    for number in range(count):
        yield {"id": f"n{number:05}", "text": f"number {number}", "metadata": {"number": number}}


def test_a_search_finds_what_was_written(molt: Molt) -> None:
    answer = molt.search("warm boots", collection="shop", k=2, mode="lexical")
    assert [hit["id"] for hit in answer["hits"]] == ["d1", "d2"]
    assert answer["search"]["mode"] == "lexical"
    assert answer["hits"][0]["scores"]["lexical"] == answer["hits"][0]["score"]


def test_a_search_takes_whatever_the_server_does(molt: Molt) -> None:
    dear = {"field": "price", "gte": 50}
    answer = molt.search("boots", collection="shop", filter=dear, facets=["price"], include=[])
    assert {hit["id"] for hit in answer["hits"]} == {"d1", "d3"}
    assert {one["value"] for one in answer["facets"]["price"]} == {80, 200}
    assert molt.search(collection="shop", like={"id": "d1"}, k=1)["hits"][0]["id"] != "d1"


def test_a_batch_has_an_answer_or_a_problem_for_each(molt: Molt) -> None:
    good, bad = molt.search_batch(
        [{"query": "tent", "collection": "shop"}, {"query": "tent", "collection": "none"}]
    )
    assert good["answer"] is not None
    assert good["problem"] is None
    assert bad["problem"] is not None
    assert bad["problem"]["type"].endswith("collection_not_found")


def test_documents_are_written_in_parts_and_told(molt: Molt) -> None:
    told: list[Progress] = []
    count = 2 * PART_DOCUMENTS + 1
    written = molt.write_documents("shop", numbered(count), on_progress=told.append)
    assert written["accepted"] == count
    assert written["indexed"]
    assert [one.documents for one in told] == [PART_DOCUMENTS, 2 * PART_DOCUMENTS, count]
    assert told[0].bytes < told[1].bytes < told[2].bytes
    assert molt.collection("shop")["documents"] == count + len(BOOTS)


def test_writing_nothing_sends_nothing(molt: Molt) -> None:
    before = molt.collection("shop")["revision"]
    assert molt.write_documents("shop", [])["accepted"] == 0
    assert molt.collection("shop")["revision"] == before


def test_parts_before_a_wrong_document_are_kept(molt: Molt) -> None:
    documents = [*numbered(PART_DOCUMENTS), {"id": "", "text": "no id"}]
    with pytest.raises(MoltError) as caught:
        molt.write_documents("shop", documents)
    assert caught.value.code == "invalid_line"
    assert molt.collection("shop")["documents"] == PART_DOCUMENTS + len(BOOTS)


def test_all_documents_are_read_page_by_page(molt: Molt) -> None:
    molt.write_documents("shop", numbered(10))
    read = list(molt.documents("shop", page=3))
    assert [one["id"] for one in read] == sorted(
        [one["id"] for one in BOOTS] + [f"n{number:05}" for number in range(10)]
    )
    assert molt.document("shop", "d3") == {**read[2], "truncated": False}


def test_documents_are_read_by_their_ids(molt: Molt) -> None:
    read = molt.read_documents("shop", ["d3", "d7", "d1"])
    assert [one["id"] for one in read] == ["d3", "d1"]
    assert molt.read_documents("shop", []) == []
    assert len(molt.read_documents("shop", ["d1"] * 1 + [f"x{at}" for at in range(1200)])) == 1


@pytest.mark.parametrize("name", ["https://example.org/a b?c=ä#d", ".", "..", "...", "%2E%2E"])
def test_an_id_may_hold_what_paths_do_not(molt: Molt, name: str) -> None:
    molt.write_documents("shop", [{"id": name, "text": "a page"}])
    assert molt.document("shop", name)["id"] == name


def test_documents_are_changed_and_deleted(molt: Molt) -> None:
    molt.patch_documents("shop", [{"id": "d2", "metadata": {"price": 9}}])
    assert molt.document("shop", "d2")["metadata"] == {"price": 9}
    assert molt.delete_documents("shop", ["d1", "d7"])["missing"] == ["d7"]
    assert molt.delete_documents("shop", matching={"field": "price", "gt": 100})["deleted"] == 1
    assert [one["id"] for one in molt.documents("shop")] == ["d2"]
    with pytest.raises(ValueError, match="either the ids"):
        molt.delete_documents("shop")


def test_relevance_and_events_are_kept(molt: Molt) -> None:
    kept = molt.write_judgments(
        "shop",
        queries=[{"id": "q1", "text": "boots"}],
        judgments=[{"query_id": "q1", "doc_id": "d1", "grade": 2}],
    )
    assert (kept["queries"], kept["judgments"]) == (1, 1)
    query_id = molt.search("boots", collection="shop")["query_id"]
    click = {"action_name": "click", "query_id": query_id}
    assert molt.send_events([click], collection="shop") == 1


def test_embeddings_are_unit_vectors(molt: Molt) -> None:
    vectors = np.array(molt.embed(["warm boots", "a tent"], dimensions=16))
    assert vectors.shape == (2, 16)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)


def test_suggestions_come_of_titles(molt: Molt) -> None:
    for _ in range(100):
        found = molt.suggest("boo", collection="shop")
        if found:
            break
    assert found[0]["text"] == "Boots"


def test_an_error_says_what_and_where(molt: Molt) -> None:
    with pytest.raises(MoltError) as caught:
        molt.search("boots", collection="shop", k="three")
    error = caught.value
    assert (error.status, error.code) == (422, "invalid_request")
    assert error.problems[0].pointer == "#/k"
    assert error.request_id
    assert "(422 invalid_request)" in str(error)


def test_an_error_of_the_embeddings_route_has_the_same_shape(molt: Molt) -> None:
    with pytest.raises(MoltError) as caught:
        molt.embed(["boots"], model="nobody")
    assert (caught.value.status, caught.value.code) == (404, "model_not_found")
    assert "nobody" in caught.value.detail


def test_a_server_that_is_away_is_told_by_its_address() -> None:
    with (
        Molt("http://127.0.0.1:9", retries=Retries(attempts=2, first_seconds=0.001)) as molt,
        pytest.raises(UnreachableError, match=r"127\.0\.0\.1:9"),
    ):
        molt.collections()


def test_coroutines_do_the_same(server: Process, molt: Molt) -> None:
    async def walk() -> None:
        async with AsyncMolt(server.url) as other:
            await other.write_documents("shop", numbered(5))
            answers = await asyncio.gather(
                *(other.search("boots", collection="shop", k=1) for _ in range(8))
            )
            assert {answer["hits"][0]["id"] for answer in answers} == {"d1"}
            read = [one["id"] async for one in other.documents("shop", page=2)]
            assert read == [one["id"] for one in molt.documents("shop")]
            with pytest.raises(MoltError, match="collection_not_found"):
                await other.collection("none")

    asyncio.run(walk())


def test_both_clients_have_the_same_methods() -> None:
    def methods(client: type) -> dict[str, list[str]]:
        named = inspect.getmembers(client, inspect.isfunction)
        public = {name: of for name, of in named if not name.startswith("_")}
        return {name: list(inspect.signature(of).parameters) for name, of in public.items()}

    assert methods(Molt) == methods(AsyncMolt)
