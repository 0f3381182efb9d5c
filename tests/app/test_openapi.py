from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.app.serving import serving

OPERATIONS = {
    *("create_embeddings", "create_embeddings_of_deployment", "list_models", "get_model"),
    "suggest",
    *("list_curations", "set_curation", "delete_curation"),
    *("get_synonyms", "set_synonyms"),
    *("list_aliases", "set_alias", "delete_alias"),
    "export_documents",
    *("search", "search_by_url", "search_collection", "search_batch"),
    *("embed", "embed_all", "similarity", "tokenize", "decode", "info"),
    *("rerank", "rerank_documents"),
    *("put_documents", "list_documents", "get_document", "delete_document"),
    *("put_judgments", "put_events", "list_judgments", "count_judgments", "delete_judgments"),
    *("list_queries", "delete_query", "list_pairs", "delete_pairs"),
    *("put_document", "patch_document", "patch_documents", "delete_documents"),
    "get_documents_by_id",
    *(
        "create_collection",
        "list_collections",
        "get_collection",
        "delete_collection",
        "change_collection",
    ),
    *("upload_checkpoint", "list_checkpoints", "get_checkpoint"),
    *("name_checkpoint", "unname_checkpoint"),
    *("list_generations", "list_releases"),
    *("list_reports", "get_report", "get_report_page"),
    *("retrain", "reload", "reindex", "merge", "evaluate", "tune", "tune_search"),
    *("list_jobs", "get_job", "follow_job", "cancel_job", "dismiss_job"),
    *("activate", "rollback", "name_release"),
    *("start_experiment", "list_experiments", "stop_experiment"),
    "list_audit",
    *("livez", "readyz", "health", "metrics"),
    *("openapi", "docs", "docs_asset"),
}
PUBLIC = {"livez", "readyz", "health"}
WRITING = {
    *("put_documents", "delete_document", "put_judgments", "put_events"),
    *("delete_judgments", "delete_query", "delete_pairs"),
    *("put_document", "patch_document", "patch_documents", "delete_documents"),
    *("create_collection", "delete_collection", "change_collection"),
    "upload_checkpoint",
    *("retrain", "reload", "reindex", "merge", "evaluate", "tune", "tune_search"),
    "cancel_job",
    *("dismiss_job", "name_release", "name_checkpoint", "unname_checkpoint"),
    *("activate", "rollback"),
    *("start_experiment", "stop_experiment"),
    *("set_alias", "delete_alias"),
    *("set_curation", "delete_curation"),
    "set_synonyms",
}


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    with serving(tmp_path_factory.mktemp("home")) as client:
        return client.get("/openapi.json").json()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for operation in item.values():
            yield path, operation


def test_operations_keep_their_ids(document: dict[str, Any]) -> None:
    assert {operation["operationId"] for _, operation in operations(document)} == OPERATIONS


def test_every_operation_but_health_asks_for_a_key_and_names_its_role(
    document: dict[str, Any],
) -> None:
    for _, operation in operations(document):
        closed = operation["operationId"] not in PUBLIC
        assert ("security" in operation) == closed
        assert {"401", "403", "429", "503"}.issubset(operation["responses"]) or not closed
        assert ("Role: `" in operation["description"]) == closed


def test_what_writes_may_find_the_disk_full(document: dict[str, Any]) -> None:
    full = {one["operationId"] for _, one in operations(document) if "507" in one["responses"]}
    assert full == WRITING


def test_what_takes_a_body_may_refuse_it(document: dict[str, Any]) -> None:
    for _, operation in operations(document):
        if "requestBody" in operation:
            assert {"413", "415", "422"}.issubset(operation["responses"])


def test_errors_have_the_shape_of_their_family(document: dict[str, Any]) -> None:
    shapes = {"/v1/embeddings": "OpenaiError", "/embed": "TeiError", "/search": "Problem"}
    for path, name in shapes.items():
        (content,) = document["paths"][path]["post"]["responses"]["422"]["content"].values()
        assert content["schema"] == {"$ref": f"#/components/schemas/{name}"}


def test_limits_of_the_settings_are_in_the_schemas(tmp_path: Path) -> None:
    limits = {"max_k": 7, "max_inputs": 5, "max_query_chars": 9}
    with serving(tmp_path, limits=limits) as client:
        schemas = client.get("/openapi.json").json()["components"]["schemas"]
    search = schemas["SearchBody"]["properties"]
    assert (search["k"]["maximum"], search["query"]["anyOf"][0]["maxLength"]) == (7, 9)
    assert schemas["EmbeddingsBody"]["properties"]["input"]["anyOf"][1]["maxItems"] == 5
    assert "x-limit" not in str(schemas)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    def references(node: Any) -> Iterator[str]:
        children = node.values() if isinstance(node, dict) else node
        if isinstance(node, dict) and isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for child in children if isinstance(node, dict | list) else ():
            yield from references(child)

    names = {reference.rpartition("/")[2] for reference in references(document)}
    assert names <= document["components"]["schemas"].keys()
