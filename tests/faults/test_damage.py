"""A flipped bit in any file is found before it serves, named, and the rest keeps serving (P3)."""

import errno
from contextlib import closing
from pathlib import Path
from shutil import copytree

import pytest

from molt.index.catalog.catalog import home_url, open_catalog
from molt.index.generations.generation import GenerationStore
from tests.damage import flip_a_bit
from tests.server import ServerProcess, make_home
from tests.waiting import wait_until

pytestmark = pytest.mark.promise("P3", "a flipped bit in a file that is about to serve")


def write_and_stop(home: Path) -> None:
    """Index two documents of two collections, then end the server."""
    with ServerProcess(home) as server:
        for name in ("left", "right"):
            assert server.ask("POST", "/collections", {"name": name})[0] == 201
            body = {"documents": [{"id": "a", "text": f"the {name} document"}], "wait": True}
            status, answer = server.ask("POST", f"/collections/{name}/documents", body)
            assert (status, answer["indexed"]) == (200, True)
        assert server.stop() == 0


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Path) -> Path:
    home = make_home(tmp_path_factory.mktemp("intact"), tiny_checkpoint)
    write_and_stop(home)
    return home


def answered(server: ServerProcess, collection: str) -> list[str]:
    """What is found, as soon as the collection answers: others need not wait for its healing."""
    body = {"query": "document", "collection": collection}
    wait_until(lambda: server.ask("POST", "/search", body)[0] == 200)
    return [hit["id"] for hit in server.ask("POST", "/search", body)[1]["hits"]]


@pytest.mark.parametrize("name", ["vectors.npy", "rows.npy", "metadata.parquet", "generation.json"])
def test_a_damaged_generation_heals_while_the_other_collection_answers(
    home: Path, tmp_path: Path, name: str
) -> None:
    copytree(home, tmp_path / "home")
    (damaged, *_) = sorted((tmp_path / "home" / "generations").rglob(name))
    flip_a_bit(damaged)
    with ServerProcess(tmp_path / "home") as server:
        for collection in ("left", "right"):
            assert answered(server, collection) == ["a"]
        assert name in server.log.read_text()


@pytest.mark.parametrize("name", ["vectors.npy", "generation.json"])
def test_a_generation_that_the_disk_cannot_read_heals_while_the_other_collection_answers(
    home: Path, tmp_path: Path, name: str
) -> None:
    copytree(home, tmp_path / "home")
    (unread, *_) = sorted((tmp_path / "home" / "generations").rglob(name))
    server = ServerProcess(tmp_path / "home")
    server.environment |= {"PYTHONPATH": str(write_failure(tmp_path, unread))}
    with server:
        for collection in ("left", "right"):
            assert answered(server, collection) == ["a"]
        assert f"{unread}: the disk fails to read it" in server.log.read_text()


def write_failure(folder: Path, unread: Path) -> Path:
    """A folder for `PYTHONPATH`, with which no process can read `unread`."""
    (folder / "sitecustomize.py").write_text(
        f"""
import hashlib, os, pathlib
def failing(read):
    def reading(source, *arguments):
        if str(getattr(source, "name", "")) == {str(unread)!r} or str(source) == {str(unread)!r}:
            raise OSError({errno.EIO}, os.strerror({errno.EIO}))
        return read(source, *arguments)
    return reading
hashlib.file_digest = failing(hashlib.file_digest)
pathlib.Path.read_bytes = failing(pathlib.Path.read_bytes)
"""
    )
    return folder


@pytest.mark.parametrize("name", ["checkpoint.json", "model.safetensors", "tokenizer.json"])
def test_a_damaged_checkpoint_is_named_and_never_encodes(
    home: Path, tmp_path: Path, name: str
) -> None:
    copytree(home, tmp_path / "home")
    (damaged, *_) = sorted((tmp_path / "home" / "checkpoints").rglob(name))
    flip_a_bit(damaged)
    with ServerProcess(tmp_path / "home", ready=False) as server:
        problems = server.wait_for("/readyz", status=503)
        assert name in str(problems)
        assert server.ask("GET", "/livez")[0] == 200
        status, answer = server.ask("POST", "/search", {"query": "document", "collection": "left"})
        assert status == 503
        assert name in answer["detail"]


def test_a_damaged_generation_under_a_running_server_is_named_while_the_former_one_answers(
    home: Path, tmp_path: Path
) -> None:
    copytree(home, tmp_path / "home")
    server = ServerProcess(tmp_path / "home")
    server.environment["MOLT_INDEX__SEAL"] = "false"  # else it is made anew
    with server:
        body = {"query": "document", "collection": "left"}
        before = server.ask("POST", "/search", body)[1]["generation"]
        damaged = point_at_damage(tmp_path / "home", "left")
        wait_until(lambda: damaged in str(server.ask("GET", "/readyz")[1]["problems"]))
        for _ in range(5):
            status, answer = server.ask("POST", "/search", body)
            assert (status, answer["generation"]) == (200, before)
        assert server.ask("GET", "/readyz")[0] == 200
        assert server.ask("GET", "/health")[1]["status"] == "degraded"
        assert server.log.read_text().count("refresh.refused") == 1


def point_at_damage(home: Path, name: str) -> str:
    """Move a pointer to a generation of the same checkpoint whose manifest is damaged; its id."""
    store = GenerationStore(home / "generations")
    with closing(open_catalog(home_url(home))) as catalog:
        collection = catalog.collections.get(name)
        sound = store.read(str(collection.generation))
        made = store.create(
            collection=collection.id, checkpoint=sound.checkpoint, dimension=sound.dimension
        )
        flip_a_bit(store.path(made.id) / "generation.json")
        catalog.collections.point(name, generation=made.id)
    return made.id
