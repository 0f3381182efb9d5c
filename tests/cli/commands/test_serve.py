import socket
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Molt
from tests.server import InstalledServer


@pytest.fixture
def ready(home: Path, molt: Molt, tiny_checkpoint: Path) -> Path:
    """A home whose default checkpoint was copied there."""
    assert molt("checkpoints", "add", str(tiny_checkpoint)).status == 0
    return home


def test_a_server_answers_and_ends_cleanly_on_sigterm(ready: Path) -> None:
    with InstalledServer(ready) as server:
        assert server.ask("GET", "/livez")[0] == 200
        assert server.stop() == 0


def test_an_import_beside_a_running_server_is_indexed_by_it(
    ready: Path, installed: Molt, tmp_path: Path
) -> None:
    path = tmp_path / "docs.jsonl"
    path.write_text('{"id": "a", "text": "the lighthouse"}\n')
    with InstalledServer(ready) as server:
        done = installed("--json", "import", "docs", str(path))
        assert done.status == 0, done.stderr
        status, collection = server.ask("GET", "/collections/docs")
    assert (status, collection["indexed_revision"]) == (200, 1)


def test_a_replica_reads_and_leaves_indexing_to_others(
    ready: Path, installed: Molt, tmp_path: Path
) -> None:
    path = tmp_path / "docs.jsonl"
    path.write_text('{"id": "a", "text": "the lighthouse"}\n')
    with InstalledServer(ready, "--no-worker") as server:
        server.ask("POST", "/collections", {"name": "docs"})
        body = {"documents": [{"id": "b", "text": "the harbour"}], "wait": False}
        assert server.ask("POST", "/collections/docs/documents", body)[0] == 200
        done = installed("import", "docs", str(path))
        assert "Another process" not in done.stderr
        while len(server.ask("GET", "/search?q=sea&collection=docs")[1]["hits"]) < 2:
            pass


def test_no_worker_leaves_jobs_to_others_too(molt: Molt, monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[Any] = []
    monkeypatch.setattr("molt.cli.commands.serve.ensure_default", lambda call, settings: None)
    monkeypatch.setattr("molt.app.server.serve", served.append)
    assert molt("serve", "--no-worker").status == 0
    assert molt("serve").status == 0
    assert [(one.index.seal, one.worker.start) for one in served] == [(False, False), (True, True)]


def test_a_port_that_is_taken_is_an_error_that_names_it(ready: Path, installed: Molt) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = installed("serve", "--port", str(port))
    assert done.status == 1
    assert str(port) in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_key_only_this_machine_may_connect(ready: Path, installed: Molt) -> None:
    done = installed("serve", "--host", "0.0.0.0", "--port", "0")
    assert done.status == 1
    assert "molt keys create" in done.stderr


def test_an_impossible_port_is_an_error(molt: Molt) -> None:
    done = molt("serve", "--port", "70000")
    assert done.status == 1
    assert "setting port" in done.stderr
