"""The demo's home and a server with its worker over it, as `make demo` leaves them."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.paths import DEMO
from tests.server import ServerProcess, make_home, molt

WATCH_SECONDS = 2


def demo_home(folder: Path, checkpoint: Path) -> Path:
    """A home that holds, of the demo's corpus, what somebody judged, and all its queries."""
    corpus = folder / "corpus"
    subprocess.run([sys.executable, DEMO / "corpus.py", corpus], check=True)
    keep_judged(corpus)
    home = make_home(folder / "home", checkpoint)
    done = molt("--home", home, "import", "default", corpus)
    assert done.returncode == 0, done.stderr
    return home


def keep_judged(corpus: Path) -> None:
    """Leave the documents that somebody judged, and no other."""
    judged = {
        line.split("\t")[1]
        for path in corpus.glob("qrels/*.tsv")
        for line in path.read_text(encoding="utf-8").splitlines()
    }
    lines = (corpus / "corpus.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if json.loads(line)["_id"] in judged]
    (corpus / "corpus.jsonl").write_text("".join(kept), encoding="utf-8")


class DemoServer(ServerProcess):
    """`molt serve` with its worker, which exports without nncf: its calibration takes minutes."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.environment |= {
            "MOLT_WORKER__START": "true",
            "MOLT_WATCH__SECONDS": str(WATCH_SECONDS),
        }
        site = home.parent / "site"
        site.mkdir(exist_ok=True)
        (site / "sitecustomize.py").write_text("import sys\nsys.modules['nncf'] = None\n")
        path = os.pathsep.join((str(site), os.environ.get("PYTHONPATH", "")))
        self.environment["PYTHONPATH"] = path
