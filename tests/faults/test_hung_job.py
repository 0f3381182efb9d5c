"""A job whose step never ends: once it is cancelled, the others of its line are done."""

import os
from pathlib import Path
from shutil import copytree

import pytest

from tests.checkpoints import build_checkpoint
from tests.server import InstalledServer, make_home
from tests.waiting import wait_until

ENDLESS = "quagmire"
"""Nothing that holds it is ever read by tokenizers of the second checkpoint."""


def write_endlessness(folder: Path, checkpoints: str) -> Path:
    """A folder for `PYTHONPATH`, with which tokenizers below a path that has `checkpoints` in it
    never come to the end of a text of `ENDLESS`, and say when they began."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        f"""
import pathlib, time
import tokenizers

Sound = tokenizers.Tokenizer
begun = pathlib.Path({str(folder)!r}) / "begun"

class Tokenizer:
    def __init__(self, sound, endless):
        self._sound, self._endless = sound, endless

    @staticmethod
    def from_file(path):
        return Tokenizer(Sound.from_file(path), {checkpoints!r} in path)

    def __getattr__(self, name):
        return getattr(self._sound, name)

    def encode_batch_fast(self, texts):
        if self._endless and any({ENDLESS!r} in text for text in texts):
            begun.touch()
            time.sleep(3600)
        return self._sound.encode_batch_fast(texts)

tokenizers.Tokenizer = Tokenizer
"""
    )
    return folder


@pytest.mark.promise("P4", "a job whose step never ends")
def test_a_cancelled_job_makes_room_for_the_next_one_although_its_step_hangs(
    tmp_path: Path, tiny_checkpoint: Path
) -> None:
    home = make_home(tmp_path / "home", tiny_checkpoint)
    made = build_checkpoint(tmp_path / "made", seed=1)
    copytree(made.path, home / "checkpoints" / made.id)
    endless = write_endlessness(tmp_path / "site", made.id)
    server = InstalledServer(home)
    path = (str(endless), os.environ.get("PYTHONPATH"))
    server.environment["PYTHONPATH"] = os.pathsep.join(filter(None, path))
    server.environment |= {"MOLT_WORKER__START": "true", "MOLT_LIMITS__ENCODE_SECONDS": "20"}
    server.environment["MOLT_WATCH__SECONDS"] = "0"

    def asked(kind: str, **body: str) -> str:
        status, job = server.ask("POST", f"/admin/{kind}", body)
        assert status == 202, job
        return str(job["id"])

    def state(job: str) -> str:
        return str(server.ask("GET", f"/admin/jobs/{job}")[1]["state"])

    with server:
        for name in ("left", "right"):
            assert server.ask("POST", "/collections", {"name": name})[0] == 201
            documents = {"documents": [{"id": "d", "text": ENDLESS}]}
            assert server.ask("POST", f"/collections/{name}/documents", documents)[1]["indexed"]
        hung = asked("reload", collection="left", checkpoint=made.id)
        wait_until((endless / "begun").exists)
        waiting = asked("reindex", collection="right")
        assert server.ask("DELETE", f"/admin/jobs/{hung}")[1]["state"] == "cancelled"
        wait_until(lambda: state(waiting) == "done")
        assert state(hung) == "cancelled"
        assert server.ask("POST", "/search", {"query": "x", "collection": "left"})[0] == 200
