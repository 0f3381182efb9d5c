"""An upload is verified before anything of it is loaded, and leaves nothing where it is refused."""

import json
import os
import re
import socket
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from starlette.testclient import TestClient

from molt.artifact import Home, read_manifest, write_manifest
from molt.encoder import Checkpoint, CheckpointStore
from molt.encoder.checkpoint import CHECKPOINT_FORMAT
from molt.encoder.safety.confinement import ResourceLimits
from molt.engine.settings import load_settings
from molt.index.jobs.job import MODEL
from tests.app.serving import open_engine, service_of, serving, started
from tests.checkpoints import seal, write_json
from tests.encoder.archives import member, pack, pack_members
from tests.encoder.safety.graphs import (
    Change,
    greedy,
    other_row,
    scaled,
    slow,
    wandering,
    with_graph,
)
from tests.waiting import wait_until

ROUTE = "/admin/checkpoints"
SOON = 20.0


@pytest.fixture(autouse=True)
def _nothing_left(tmp_path: Path) -> Iterator[None]:
    yield
    assert list(tmp_path.glob("checkpoints/.*")) == []


def send(client: TestClient, content: Any, **headers: str) -> Any:
    return client.post(
        ROUTE, content=content, headers={"Content-Type": "application/gzip"} | headers
    )


def check_refused(answer: Any, status: int, code: str) -> str:
    """The status and the code, as a problem; returns what it says."""
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:molt:problem:{code}")
    assert answer.headers["content-type"] == "application/problem+json"
    detail: str = answer.json()["detail"]
    assert "/checkpoints/." not in detail, "where it lay is nobody's business"
    return detail


@pytest.mark.parametrize("media_type", ["application/x-tar", "application/gzip"])
@pytest.mark.parametrize("mode", ["w", "w:gz"])
@pytest.mark.parametrize("top", ["", "a checkpoint"])
def test_a_finished_checkpoint_is_added(
    client: TestClient, made: Checkpoint, media_type: str, mode: str, top: str
) -> None:
    answer = send(client, pack(made.path, mode=mode, top=top), **{"Content-Type": media_type})
    assert (answer.status_code, answer.headers["location"]) == (201, f"{ROUTE}/{made.id}")
    assert answer.json() == client.get(f"{ROUTE}/{made.id}").json()
    store: CheckpointStore = service_of(client).engine.checkpoints
    assert store.open(made.id).files == made.files


def test_the_same_again_changes_nothing(client: TestClient, made: Checkpoint) -> None:
    first, again = (send(client, pack(made.path)) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert again.headers["location"] == first.headers["location"]


def test_what_was_uploaded_encodes(client: TestClient, made: Checkpoint) -> None:
    question = {"model": made.id, "input": ["warm boots", "a tent"]}
    assert client.post("/v1/embeddings", json=question).status_code == 404
    send(client, pack(made.path))
    answer = client.post("/v1/embeddings", json=question)
    assert answer.status_code == 200, answer.text
    assert [len(one["embedding"]) for one in answer.json()["data"]] == [made.dimension] * 2
    assert made.id in {one["id"] for one in client.get("/v1/models").json()["data"]}


def test_a_damaged_checkpoint_is_healed_by_uploading_it_again(
    client: TestClient, made: Checkpoint, tmp_path: Path
) -> None:
    send(client, pack(made.path))
    (tmp_path / "checkpoints" / made.id / "model.safetensors").write_bytes(b"")
    assert send(client, pack(made.path)).status_code == 201
    store: CheckpointStore = service_of(client).engine.checkpoints
    assert store.open(made.id).files == made.files


def foreign_module(root: Path) -> None:
    write_json(root / "modules.json", [{"idx": 0, "name": "0", "path": "", "type": "evil.Module"}])


def foreign_code(root: Path) -> None:
    config = json.loads((root / "config.json").read_text())
    write_json(root / "config.json", config | {"auto_map": {"AutoModel": "evil.Model"}})


# What is changed before the manifest is signed again, by one who means harm.
SIGNED: dict[str, tuple[Callable[[Path], object], str]] = {
    "pickled weights": (lambda root: (root / "pytorch_model.bin").touch(), "pytorch_model.bin"),
    "code": (lambda root: (root / "modeling.py").write_text("1 / 0"), "modeling.py"),
    "a module of foreign code": (foreign_module, "modules.json: module type 'evil.Module'"),
    "a model of foreign code": (foreign_code, "config.json: asks for custom code (auto_map)"),
    "weights that lie": (
        lambda root: (root / "model.safetensors").write_bytes(b"\xff" * 100),
        "model.safetensors: declares a header",
    ),
}


@pytest.mark.parametrize("kind", SIGNED)
def test_what_could_do_harm_is_refused_although_it_is_signed(
    client: TestClient, made: Checkpoint, kind: str
) -> None:
    change, said = SIGNED[kind]
    change(made.path)
    seal(made)
    assert said in check_refused(send(client, pack(made.path)), 422, "invalid_checkpoint")
    assert client.get(ROUTE).json() == {"checkpoints": []}


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def make_newer(path: Path) -> None:
    newer = {"format": CHECKPOINT_FORMAT + 1}
    write_manifest(path, read_manifest(path, supported=CHECKPOINT_FORMAT) | newer)


UNSIGNED: dict[str, tuple[Callable[[Path], object], str]] = {
    "a flipped bit in the weights": (
        lambda root: flip(root / "model.safetensors"),
        "model.safetensors: its SHA-256 differs",
    ),
    "a flipped bit in the graph": (
        lambda root: flip(root / "runtime" / "fp32.onnx"),
        "runtime/fp32.onnx: its SHA-256 differs",
    ),
    "a file that is missing": (
        lambda root: (root / "tokenizer.json").unlink(),
        "tokenizer.json: the file is missing",
    ),
    "a file that is not listed": (
        lambda root: (root / "LICENSE").touch(),
        "LICENSE: the manifest does not list this file",
    ),
    "code that is not listed": (
        lambda root: (root / "setup.py").touch(),
        "setup.py: a checkpoint may not hold a file of this name",
    ),
    "a manifest that is not its own": (
        lambda root: (root / "checkpoint.json").write_text('{"format": 1}'),
        "checkpoint.json: the manifest's own SHA-256",
    ),
    "a manifest that is no JSON": (
        lambda root: (root / "checkpoint.json").write_text("{"),
        "checkpoint.json: the manifest is not JSON",
    ),
    "a manifest of a newer version": (
        lambda root: make_newer(root / "checkpoint.json"),
        "upgrade Molt to open it",
    ),
}


@pytest.mark.parametrize("kind", UNSIGNED)
def test_what_is_not_as_it_was_made_is_refused_by_name(
    client: TestClient, made: Checkpoint, kind: str
) -> None:
    change, said = UNSIGNED[kind]
    change(made.path)
    assert said in check_refused(send(client, pack(made.path)), 422, "invalid_checkpoint")
    assert client.get(ROUTE).json() == {"checkpoints": []}


# What only shows when it computes: every checksum holds, and every operator may be there.
DEFECTIVE: dict[str, tuple[Change, str]] = {
    "it fails": (wandering(), "fails at a text of"),
    "it takes all memory": (greedy(400_000_000), "takes more than 7.. MiB of memory"),
    "what it makes are no numbers": (other_row(4 + 23, np.nan), "values that are not finite"),
    "what it makes is zero": (scaled(0.0), "not normalised: one has the length 0"),
    "what it makes is too long": (scaled(2.0), "not normalised: one has the length 2"),
}


@pytest.mark.parametrize("kind", DEFECTIVE)
def test_a_graph_that_is_not_fit_to_serve_is_refused_when_it_is_uploaded(
    client: TestClient, made: Checkpoint, kind: str
) -> None:
    change, said = DEFECTIVE[kind]
    defective = with_graph(made, change)
    detail = check_refused(send(client, pack(defective.path)), 422, "invalid_checkpoint")
    assert re.search(f"^variant onnx-fp32 of checkpoint {made.id} .*{said}", detail)
    assert client.get(ROUTE).json() == {"checkpoints": []}


def test_a_graph_that_never_ends_is_refused_when_it_is_uploaded(
    client: TestClient, made: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = ResourceLimits(memory=768 * 2**20, cpu_seconds=5, wall_seconds=120.0)
    monkeypatch.setattr("molt.encoder.safety.probe._limits", lambda *_: limits)
    endless = with_graph(made, slow(5000))
    detail = check_refused(send(client, pack(endless.path)), 422, "invalid_checkpoint")
    assert "was not done after 5 s of the processor" in detail
    assert client.get(ROUTE).json() == {"checkpoints": []}


def test_a_defective_graph_under_the_id_of_a_checkpoint_that_is_here_leaves_it_as_it_is(
    client: TestClient, made: Checkpoint
) -> None:
    genuine = pack(made.path)
    send(client, genuine)
    store: CheckpointStore = service_of(client).engine.checkpoints
    before = store.open(made.id).files
    defective = with_graph(made, scaled(2.0))
    assert defective.id == made.id
    check_refused(send(client, pack(defective.path)), 422, "invalid_checkpoint")
    assert store.open(made.id).files == before
    assert send(client, genuine).status_code == 200


def as_model(made: Checkpoint) -> Path:
    """What a checkpoint was made of, with a file beside it that nobody reads."""
    (made.path / "checkpoint.json").unlink()
    (made.path / "vocab.txt").write_text("boots")
    return made.path


def test_of_a_plain_model_a_job_makes_a_checkpoint(
    client: TestClient, made: Checkpoint, tmp_path: Path
) -> None:
    answer = client.post(
        ROUTE,
        params={"name": "--acme/boots"},
        content=pack(as_model(made)),
        headers={"Content-Type": "application/gzip"},
    )
    job = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (202, f"/admin/jobs/{job['id']}")
    assert (job["kind"], job["collection"], job["state"]) == ("export", None, "waiting")
    assert job["options"] == {"name": "--acme/boots"}
    model = Home(tmp_path).job_folders / job["id"] / MODEL
    assert {path.name for path in model.iterdir()} == {path.name for path in made.path.iterdir()}
    assert client.get(f"/admin/jobs/{job['id']}").json() == job


def test_one_model_at_a_time_is_made_a_checkpoint_of(
    client: TestClient, made: Checkpoint, tmp_path: Path
) -> None:
    archive = pack(as_model(made))
    first = send(client, archive).json()
    refused = send(client, archive)
    assert check_refused(refused, 409, "job_running")
    assert refused.json()["job"] == first["id"]
    assert [folder.name for folder in Home(tmp_path).job_folders.iterdir()] == [first["id"]]


POISON = {
    "code": ("run.py", b"print('boo')"),
    "pickled weights": ("pytorch_model.bin", b"boo"),
    "modules of somebody": ("modules.json", b'[{"type": "evil.Module", "path": "", "idx": 0}]'),
    "code by name": ("config.json", b'{"model_type": "bert", "auto_map": {"AutoModel": "evil"}}'),
}


@pytest.mark.parametrize("kind", POISON)
def test_a_model_that_could_run_code_never_becomes_a_job(
    client: TestClient, made: Checkpoint, tmp_path: Path, kind: str
) -> None:
    name, content = POISON[kind]
    (as_model(made) / name).write_bytes(content)
    assert name in check_refused(send(client, pack(made.path)), 422, "invalid_checkpoint")
    assert client.get("/admin/jobs").json() == {"jobs": []}
    assert not Home(tmp_path).job_folders.exists() or not [*Home(tmp_path).job_folders.iterdir()]


LINK = {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd", "size": 0}
ARCHIVES = {
    "nothing": b"",
    "text": b"model " * 1000,
    "a zip file": b"PK\x03\x04" + bytes(1000),
    "a name that leads out": pack_members([member("../../evil.json")]),
    "an absolute name": pack_members([member("/tmp/evil.json")]),
    "a symbolic link": pack_members([member("README.md", b"", **LINK)]),
    "a device": pack_members([member("README.md", b"", type=tarfile.CHRTYPE)]),
    "a name twice": pack_members([member("README.md"), member("README.md")]),
    "10,000 files": pack_members([member(f"f{number}", b"") for number in range(10_000)]),
}


@pytest.mark.parametrize("kind", ARCHIVES)
def test_what_is_no_decent_archive_is_refused(
    client: TestClient, kind: str, tmp_path: Path
) -> None:
    check_refused(send(client, ARCHIVES[kind]), 422, "invalid_archive")
    assert not list(tmp_path.rglob("evil*"))


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_an_archive_that_ends_early_is_refused(
    client: TestClient, made: Checkpoint, mode: str
) -> None:
    content = pack(made.path, mode=mode)
    check_refused(send(client, content[: len(content) // 2]), 422, "invalid_archive")


@pytest.fixture
def narrow(tmp_path: Path) -> Iterator[TestClient]:
    """The application with room for checkpoints of 100 kB."""
    with serving(tmp_path, limits={"max_checkpoint_bytes": 100_000}) as client:
        yield client


def test_a_bomb_is_refused_before_it_goes_off(narrow: TestClient) -> None:
    bomb = pack_members([member("model.safetensors", bytes(20_000_000))], mode="w:gz")
    assert len(bomb) < 100_000
    detail = check_refused(send(narrow, bomb), 413, "body_too_large")
    assert "limits.max_checkpoint_bytes" in detail


def test_an_archive_that_is_announced_too_large_is_not_read(narrow: TestClient) -> None:
    answer = send(narrow, b"x", **{"Content-Length": "100001"})
    assert "limits.max_checkpoint_bytes" in check_refused(answer, 413, "body_too_large")


def test_an_archive_of_unknown_length_is_cut_off_at_the_limit(narrow: TestClient) -> None:
    sent = []

    def chunks() -> Iterator[bytes]:
        for number in range(1000):
            sent.append(number)
            yield bytes(1000)

    check_refused(send(narrow, chunks()), 413, "body_too_large")


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/json"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": ""},
        {"Content-Encoding": "gzip"},
    ],
)
def test_a_body_that_is_announced_as_something_else_is_refused(
    client: TestClient, made: Checkpoint, headers: dict[str, str]
) -> None:
    check_refused(send(client, pack(made.path), **headers), 415, "unsupported_media_type")


def test_a_full_disk_is_said_and_leaves_nothing(
    client: TestClient, made: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("molt.app.routes.checkpoints.upload._ARCHIVE", "/dev/full")
    check_refused(send(client, pack(made.path)), 507, "disk_full")
    monkeypatch.undo()
    assert send(client, pack(made.path)).status_code == 201


def begin(url: str, size: int) -> socket.socket:
    """A connection over which half of an upload was sent."""
    host, _, port = url.removeprefix("http://").partition(":")
    connection = socket.create_connection((host, int(port)))
    head = (
        f"POST {ROUTE} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/x-tar\r\n"
        f"Content-Length: {size}\r\n\r\n"
    )
    connection.sendall(head.encode() + bytes(size // 2))
    return connection


def unfinished(home: Path) -> list[Path]:
    return list(home.glob("checkpoints/.upload-*"))


def test_a_client_that_goes_away_leaves_nothing(tmp_path: Path) -> None:
    with started(tmp_path) as server:
        with begin(server.url, 8_000_000):
            wait_until(lambda: unfinished(tmp_path))
        wait_until(lambda: not unfinished(tmp_path))


def test_what_a_killed_server_was_receiving_is_swept_after_an_hour(tmp_path: Path) -> None:
    with started(tmp_path) as server, begin(server.url, 8_000_000):
        wait_until(lambda: unfinished(tmp_path))
        server.end()
    (folder,) = unfinished(tmp_path)
    for path in (*folder.iterdir(), folder):
        os.utime(path, (0, 0))
    engine = open_engine(load_settings(home=tmp_path))
    engine.start()
    engine.close()
    assert not unfinished(tmp_path)


def peak_bytes(pid: int) -> int:
    """The most memory that a process has ever held."""
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def test_an_upload_is_never_whole_in_memory(tmp_path: Path) -> None:
    size = 128 * 2**20
    large = member("model.safetensors", bytes(size))
    with started(tmp_path) as server:
        before = peak_bytes(server.popen.pid)
        for mode, media_type in (("w", "application/x-tar"), ("w:gz", "application/gzip")):
            content = pack_members([large], mode=mode)
            answer = httpx.post(
                server.url + ROUTE,
                content=content,
                headers={"Content-Type": media_type},
                timeout=60,
            )
            assert answer.status_code == 422, answer.text
        assert peak_bytes(server.popen.pid) - before < size / 4


@pytest.mark.parametrize(
    "content",
    [b'{"x": [' + b"[]," * (8 * 2**20) + b"[]]}", b"{" + b" " * (60 * 2**20)],
    ids=["lists", "blanks"],
)
def test_what_takes_much_memory_to_read_takes_none_of_the_server_s(
    tmp_path: Path, made: Checkpoint, content: bytes
) -> None:
    (made.path / "tokenizer.json").write_bytes(content)
    seal(made)
    with started(tmp_path) as server:
        before = peak_bytes(server.popen.pid)
        headers = {"Content-Type": "application/gzip"}
        body = pack(made.path)
        answer = httpx.post(server.url + ROUTE, content=body, headers=headers, timeout=60)
        assert answer.status_code == 422, answer.text
        assert peak_bytes(server.popen.pid) - before < 48 * 2**20
