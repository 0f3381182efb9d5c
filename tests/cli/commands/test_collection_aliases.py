"""Commands take an alias of a collection where they take its name."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Molt
from tests.hashing import HashingEncoder


@pytest.fixture(autouse=True)
def _shops(molt: Molt, hashing: list[HashingEncoder], tmp_path: Path) -> None:
    """Two collections, and `shop`, which stands for the first."""
    for name in ("shop-1", "shop-2"):
        path = tmp_path / f"{name}.jsonl"
        path.write_text(json.dumps({"id": f"of-{name}", "text": "warm boots"}) + "\n")
        assert molt("import", name, str(path)).status == 0
    assert molt("alias", "set", "shop", "shop-1").status == 0


def hits(molt: Molt) -> list[str]:
    return [hit["id"] for hit in molt("--json", "search", "shop", "boots").value["hits"]]


def test_a_search_follows_an_alias_when_it_is_moved(molt: Molt) -> None:
    assert hits(molt) == ["of-shop-1"]
    assert molt("alias", "set", "shop", "shop-2").status == 0
    assert hits(molt) == ["of-shop-2"]


def test_documents_are_those_of_the_collection_behind_it(molt: Molt, tmp_path: Path) -> None:
    assert molt("--json", "collections", "show", "shop").value["name"] == "shop-1"
    assert molt("--json", "documents", "count", "shop").value["documents"] == 1
    path = tmp_path / "more.jsonl"
    path.write_text(json.dumps({"id": "more", "text": "wool socks"}) + "\n")
    assert molt("import", "shop", str(path)).status == 0
    assert molt("--json", "documents", "count", "shop-1").value["documents"] == 2


def test_an_alias_set_in_the_settings_is_taken_too(
    molt: Molt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOLT_MODELS__ALIASES", '{"shop": "shop-2"}')
    assert hits(molt) == ["of-shop-2"]


def test_no_collection_is_made_or_deleted_by_an_alias(molt: Molt) -> None:
    assert molt("collections", "delete", "shop", "--yes").status == 1
    assert molt("collections", "create", "shop").status == 1
    names = [one["name"] for one in molt("--json", "collections", "list").value["collections"]]
    assert names == ["shop-1", "shop-2"]
