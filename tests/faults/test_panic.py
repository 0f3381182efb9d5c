"""A tokenizer that panics in Rust at a text: what is asked of it fails, and nothing else does.

No tokenizer that may be loaded does that. So each process here has one more, which does, and has it
read what is to panic.
"""

import os
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from tests.checkpoints import build_checkpoint
from tests.server import InstalledServer, make_home
from tests.waiting import wait_until

SPOILT = "quagmire"
"""A text that holds it panics."""
SEARCHES = 60


def write_panic(folder: Path, checkpoints: str = "") -> Path:
    """A folder for `PYTHONPATH`, with which tokenizers below a path that has `checkpoints` in it
    panic at `SPOILT`, as pyo3 has it: the pattern is given up in Rust, which is a real panic."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        f"""
import tokenizers
from tokenizers import Regex, models, pre_tokenizers

Sound = tokenizers.Tokenizer
panicking = Sound(models.WordLevel({{"x": 0}}, unk_token="x"))
panicking.pre_tokenizer = pre_tokenizers.Split(Regex("(x+x+)+y"), "isolated")

class Tokenizer:
    def __init__(self, sound, spoilt):
        self._sound, self._spoilt = sound, spoilt

    @staticmethod
    def from_file(path):
        return Tokenizer(Sound.from_file(path), {checkpoints!r} in path)

    def __getattr__(self, name):
        return getattr(self._sound, name)

    def _read(self, texts):
        if self._spoilt and any({SPOILT!r} in text for text in texts):
            panicking.encode("x" * 40)

    def encode(self, text):
        self._read([text])
        return self._sound.encode(text)

    def encode_batch(self, texts):
        self._read(texts)
        return self._sound.encode_batch(texts)

    def encode_batch_fast(self, texts):
        self._read(texts)
        return self._sound.encode_batch_fast(texts)

tokenizers.Tokenizer = Tokenizer
"""
    )
    return folder


@pytest.fixture
def home(tmp_path: Path, tiny_checkpoint: Path) -> Path:
    return make_home(tmp_path / "home", tiny_checkpoint)


def serving(home: Path, checkpoints: str = "", **environment: str) -> InstalledServer:
    """A server that says in a line where it panics: a backtrace of Python itself takes a minute."""
    server = InstalledServer(home)
    path = (str(write_panic(home.parent / "site", checkpoints)), os.environ.get("PYTHONPATH"))
    server.environment["PYTHONPATH"] = os.pathsep.join(filter(None, path))
    server.environment |= {"RUST_BACKTRACE": "0"} | environment
    return server


def put(server: InstalledServer, name: str, **texts: str) -> bool:
    documents = [{"id": doc_id, "text": text} for doc_id, text in texts.items()]
    status, answer = server.ask("POST", f"/collections/{name}/documents", {"documents": documents})
    assert status == 200, answer
    return bool(answer["indexed"])


def search(server: InstalledServer, text: str, name: str = "left") -> tuple[int, dict[str, Any]]:
    return server.ask("POST", "/search", {"query": text, "collection": name})


def really_panicked(server: InstalledServer) -> bool:
    return "panicked at" in server.log.read_text()


def test_a_document_that_panics_is_set_aside_and_indexing_goes_on_through_a_restart(
    home: Path,
) -> None:
    with serving(home) as server:
        for name in ("left", "right"):
            assert server.ask("POST", "/collections", {"name": name})[0] == 201
        put(server, "left", bad=f"a {SPOILT}", good="harmless")
        assert put(server, "right", good="harmless") is True
        assert really_panicked(server)
        assert server.ask("GET", "/readyz") == (200, {"ready": True, "problems": []})
        server.kill()
        server.start()
        put(server, "left", other="harmless too")
        quarantine = server.ask("GET", "/collections/left")[1]["quarantine"]
        assert [one["id"] for one in quarantine["documents"]] == ["bad"]
        assert {hit["id"] for hit in search(server, "harmless")[1]["hits"]} == {"good", "other"}
        assert server.ask("GET", "/readyz")[1]["problems"] == []
        assert f"a {SPOILT}" not in server.log.read_text()


def test_a_search_that_panics_is_refused_and_is_no_client_that_went_away(home: Path) -> None:
    with serving(home) as server:
        assert server.ask("POST", "/collections", {"name": "left"})[0] == 201
        assert put(server, "left", good="harmless") is True
        status, answer = search(server, SPOILT)
        assert (status, answer["type"]) == (503, "urn:molt:problem:unavailable")
        assert really_panicked(server)
        wait_until(lambda: '"status":503' in server.log.read_text())
        assert '"status":499' not in server.log.read_text()
        assert search(server, "harmless")[0] == 200


def test_a_checkpoint_whose_searches_panic_is_taken_back_by_the_watch(home: Path) -> None:
    sound = next((home / "checkpoints").iterdir()).name
    made = build_checkpoint(home.parent / "made", seed=1)
    copytree(made.path, home / "checkpoints" / made.id)
    watch = {"MOLT_WATCH__MIN_REQUESTS": "20", "MOLT_WORKER__START": "true"}
    with serving(home, made.id, **watch) as server:
        assert server.ask("POST", "/collections", {"name": "left"})[0] == 201
        assert put(server, "left", good="harmless") is True
        for _ in range(SEARCHES):
            assert search(server, SPOILT)[0] == 200
        body = {"collection": "left", "checkpoint": made.id}
        status, job = server.ask("POST", "/admin/reload", body)
        assert status == 202
        wait_until(lambda: serving_checkpoint(server) == made.id)
        wait_until(lambda: search(server, SPOILT)[0] == 503 or taken_back(server))
        wait_until(lambda: search(server, SPOILT)[0] == 200)
        assert serving_checkpoint(server) == sound
        assert taken_back(server)
        wait_until(lambda: server.ask("GET", f"/admin/jobs/{job['id']}")[1]["state"] == "done")


def serving_checkpoint(server: InstalledServer) -> str:
    return str(server.ask("GET", "/collections/left")[1]["checkpoint"])


def taken_back(server: InstalledServer) -> bool:
    releases = server.ask("GET", "/admin/releases?collection=left")[1]["releases"]
    return any(one["actor"] == "watch" for one in releases)
