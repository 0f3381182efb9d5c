"""SIGTERM while a long segment is made: it is given up, and no document is blamed for that."""

import os
from pathlib import Path

import pytest

from tests.faults.swapping import logged
from tests.server import InstalledServer, make_home
from tests.waiting import wait_until

SLOW = "molasses"
"""A text that holds it takes half a second to read."""
DOCUMENTS = 1000


def write_slowness(folder: Path) -> Path:
    """A folder for `PYTHONPATH`, with which a text of `SLOW` takes long, and says when it began."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        f"""
import pathlib, time
import tokenizers

Quick = tokenizers.Tokenizer
begun = pathlib.Path({str(folder)!r}) / "begun"

class Tokenizer:
    def __init__(self, quick):
        self._quick = quick

    @staticmethod
    def from_file(path):
        return Tokenizer(Quick.from_file(path))

    def __getattr__(self, name):
        return getattr(self._quick, name)

    def encode_batch_fast(self, texts):
        for text in texts:
            if {SLOW!r} in text:
                begun.touch()
                time.sleep(0.5)
        return self._quick.encode_batch_fast(texts)

tokenizers.Tokenizer = Tokenizer
"""
    )
    return folder


@pytest.mark.promise("P5", "SIGTERM while a long segment is made")
def test_a_server_that_makes_a_long_segment_ends_soon_and_blames_no_document(
    tmp_path: Path, tiny_checkpoint: Path
) -> None:
    home = make_home(tmp_path / "home", tiny_checkpoint)
    slow = write_slowness(tmp_path / "site")
    server = InstalledServer(home)
    quick = dict(server.environment)
    path = (str(slow), os.environ.get("PYTHONPATH"))
    server.environment["PYTHONPATH"] = os.pathsep.join(filter(None, path))
    with server:
        assert server.ask("POST", "/collections", {"name": "left"})[0] == 201
        documents = [{"id": f"d{n}", "text": f"{SLOW} {n}"} for n in range(DOCUMENTS)]
        body = {"documents": documents, "wait": False}
        assert server.ask("POST", "/collections/left/documents", body)[0] == 200
        wait_until((slow / "begun").exists)
        assert server.stop() == 0  # within a minute, and not after the four that they all take
        assert not logged(server.log, "document.quarantined")
        assert not logged(server.log, "indexing.failed")

        server.environment = quick
        server.start()
        wait_until(lambda: server.ask("GET", "/collections/left")[1]["indexed_revision"] > 0)
        found = server.ask("GET", "/collections/left")[1]
        assert (found["indexed_revision"], found["documents"]) == (found["revision"], DOCUMENTS)
        assert found["quarantine"]["count"] == 0
