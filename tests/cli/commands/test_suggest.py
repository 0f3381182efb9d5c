"""`molt suggest`."""

import json
from pathlib import Path

from tests.cli.conftest import Molt
from tests.hashing import HashingEncoder


def test_a_query_is_completed_by_titles(
    molt: Molt, hashing: list[HashingEncoder], tmp_path: Path
) -> None:
    path = tmp_path / "shop.jsonl"
    rows = [{"id": "a", "title": "Wärm boots", "text": "x"}, {"id": "b", "text": "a tent"}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert molt("import", "shop", str(path)).status == 0
    found = molt("--json", "suggest", "shop", "warm")
    assert found.value == {"suggestions": [{"text": "Wärm boots", "kind": "title", "count": 1}]}
    assert "Wärm boots\ttitle\t1" in molt("suggest", "shop", "boo").stdout
    none = molt("suggest", "shop", "x")
    assert (none.status, none.stdout, "No suggestions." in none.stderr) == (0, "", True)
    assert molt("suggest", "none", "x").status == 1
