"""A tokenizer that panics at a text: what is asked of it fails, and nothing else does."""

from pathlib import Path
from typing import Any

import pytest

from tests.faults.swapping import wait_until
from tests.panics import PANICKING, panicking_checkpoint
from tests.server import ServerProcess, make_home


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home whose default checkpoint panics at some texts."""
    return make_home(tmp_path / "home", panicking_checkpoint(tmp_path / "made"))


def serving(home: Path, **environment: str) -> ServerProcess:
    """A server that says in a line where it panics: a backtrace of Python itself takes a minute."""
    server = ServerProcess(home)
    server.environment |= {"RUST_BACKTRACE": "0"} | environment
    return server


def put(server: ServerProcess, name: str, **texts: str) -> bool:
    documents = [{"id": doc_id, "text": text} for doc_id, text in texts.items()]
    status, answer = server.ask("POST", f"/collections/{name}/documents", {"documents": documents})
    assert status == 200, answer
    return answer["indexed"]


def test_indexing_goes_on_through_it_and_through_a_restart(home: Path) -> None:
    with serving(home) as server:
        for name in ("left", "right"):
            assert server.ask("POST", "/collections", {"name": name})[0] == 201
        assert put(server, "left", bad=PANICKING, good="harmless") is False
        assert put(server, "right", good="harmless") is True
        assert server.ask("GET", "/readyz") == (200, {"ready": True, "problems": []})
        server.kill()
        server.start()
        assert put(server, "left", other="harmless too") is True
        quarantine = server.ask("GET", "/collections/left")[1]["quarantine"]
        assert [one["id"] for one in quarantine["documents"]] == ["bad"]
        metrics = server.ask("GET", "/readyz")
        assert metrics[1]["problems"] == []


def test_a_search_that_panics_is_refused_and_is_no_client_that_went_away(home: Path) -> None:
    with serving(home) as server:
        assert server.ask("POST", "/collections", {"name": "left"})[0] == 201
        assert put(server, "left", good="harmless") is True
        body = {"query": PANICKING, "collection": "left"}
        status, answer = server.ask("POST", "/search", body)
        assert (status, answer["type"]) == (503, "urn:molt:problem:unavailable")
        wait_until(lambda: '"status":503' in server.log.read_text())
        assert '"status":499' not in server.log.read_text()
        body = {"query": "harmless", "collection": "left"}
        assert server.ask("POST", "/search", body)[0] == 200


def test_a_job_that_would_lose_a_document_moves_nothing_and_names_it(
    home: Path, tmp_path: Path, tiny_checkpoint: Path
) -> None:
    panicking = next((home / "checkpoints").iterdir()).name
    make_home(home, tiny_checkpoint)
    with serving(home, MOLT_WORKER__START="true", MOLT_WATCH__SECONDS="0") as server:
        assert server.ask("POST", "/collections", {"name": "shop"})[0] == 201
        assert put(server, "shop", a="harmless", bad=PANICKING) is True
        before = server.ask("GET", "/collections/shop")[1]
        body = {"collection": "shop", "checkpoint": panicking}
        status, job = server.ask("POST", "/admin/reload", body)
        assert status == 202
        wait_until(lambda: ended(server, job["id"]) is not None)
        failed = ended(server, job["id"])
        assert failed is not None
        assert failed["state"] == "failed"
        assert "'bad'" in failed["error"]
        assert PANICKING not in failed["error"]
        assert server.ask("GET", "/collections/shop")[1] == before


def ended(server: ServerProcess, job_id: str) -> dict[str, Any] | None:
    job = server.ask("GET", f"/admin/jobs/{job_id}")[1]
    return job if job["state"] in {"done", "failed", "cancelled"} else None
