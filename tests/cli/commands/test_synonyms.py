"""`molt synonyms`: rules from files, as Solr has them or as JSON."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Molt
from tests.hashing import HashingEncoder

RULES = [{"equivalent": ["boots", "wellies"]}, {"from": ["tipi"], "to": ["tent"]}]


@pytest.fixture(autouse=True)
def _shop(molt: Molt, hashing: list[HashingEncoder], tmp_path: Path) -> None:
    """A collection `shop` of two documents."""
    path = tmp_path / "shop.jsonl"
    rows = [{"id": "a", "text": "waterproof boots"}, {"id": "b", "text": "a tent"}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert molt("import", "shop", str(path)).status == 0


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rules.txt", "boots, wellies\ntipi => tent\n"),
        ("rules.json", json.dumps(RULES)),
        ("shown.json", json.dumps({"version": 7, "synonyms": RULES})),
    ],
)
def test_rules_are_kept_and_shown(molt: Molt, tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    kept = {"version": 1, "synonyms": RULES}
    assert molt("--json", "synonyms", "set", "shop", str(tmp_path / name)).value == kept
    assert molt("--json", "synonyms", "show", "shop").value == kept
    assert "boots, wellies\teach other" in molt("synonyms", "show", "shop").stdout
    (tmp_path / "none.txt").write_text("")
    assert molt("synonyms", "set", "shop", str(tmp_path / "none.txt")).status == 0
    assert molt("--json", "synonyms", "show", "shop").value == {"version": 2, "synonyms": []}


def test_searches_know_them_and_say_what_may_have_been_meant(molt: Molt, tmp_path: Path) -> None:
    (tmp_path / "rules.txt").write_text("tipi => tent\n", encoding="utf-8")
    assert molt("synonyms", "set", "shop", str(tmp_path / "rules.txt")).status == 0
    found = molt("--json", "search", "shop", "tipi", "--mode", "lexical").value
    assert [hit["id"] for hit in found["hits"]] == ["b"]
    wrong = molt("search", "shop", "watrproof tipi", "--mode", "lexical")
    assert "Did you mean: waterproof tipi" in wrong.stderr


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.txt", b"a, b\nsofa", "line 2 names 'sofa' alone"),
        ("a.txt", b"\xff", "can't decode byte 0xff"),
        ("a.json", b"[", "unexpected end of data"),
        ("a.json", b'{"rules": []}', "synonyms must be a list"),
    ],
)
def test_a_file_that_is_wrong_is_named_with_the_reason(
    molt: Molt, tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    refused = molt("synonyms", "set", "shop", str(tmp_path / name))
    assert refused.status == 2
    assert name in refused.stderr
    assert said in refused.stderr
