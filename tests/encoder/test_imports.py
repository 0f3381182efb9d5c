import os
import subprocess
import sys
from pathlib import Path

from molt.encoder import Checkpoint

HEAVY = ("torch", "transformers", "sentence_transformers", "onnx", "nncf", "huggingface_hub")
PROGRAM = """
import sys
from pathlib import Path
import molt.app.application
import molt.app.server
from molt.encoder import InputType, Lane, open_checkpoint, open_encoder
encoder = open_encoder(open_checkpoint(Path(sys.argv[1])), cache=Path(sys.argv[2]), threads=1)
encoder.encode(["fox"], input_type=InputType.QUERY, lane=Lane.QUERY)
encoder.close()
print(*sorted(set(sys.argv[3:]) & sys.modules.keys()))
"""


def imported_by_serving(checkpoint: Path, cache: Path) -> str:
    command = [sys.executable, "-c", PROGRAM, str(checkpoint), str(cache), *HEAVY]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_a_server_that_encodes_imports_nothing_that_trains(
    tiny: Checkpoint, tmp_path: Path
) -> None:
    assert imported_by_serving(tiny.path, tmp_path) == ""


def test_nor_does_one_that_serves_the_default_checkpoint(
    default_checkpoint: Path, tmp_path: Path
) -> None:
    assert imported_by_serving(default_checkpoint, tmp_path) == ""


def test_what_is_served_is_told_to_nobody() -> None:
    script = """
import os
import molt.encoder.runtimes.onnx
handles = [os.path.realpath(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd")]
print([handle for handle in handles if "Microsoft" in handle])
"""
    unset = {name: value for name, value in os.environ.items() if name in {"HOME", "PATH"}}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=unset, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_nor_by_openvino() -> None:
    script = """
import sys
import molt
import nncf, openvino
print(sorted(name for name in sys.modules if name.startswith("openvino_telemetry.")))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


ANSWERING = ("fastapi", "prometheus_client", "sqlalchemy", "numpy", "polars", "faiss", "tokenizers")
LISTENING = """
import sys
import molt.app.server
print(*sorted(set(sys.argv[1:]) & sys.modules.keys()))
"""


def test_the_parent_of_serving_processes_loads_nothing_that_answers() -> None:
    command = [sys.executable, "-c", LISTENING, *ANSWERING]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout == "\n"


ELSEWHERE = ("dbos", "alembic", "openvino", "onnxruntime", "molt.worker")
ASSEMBLED = """
import sys
import molt.app.application
print(*sorted(set(sys.argv[1:]) & sys.modules.keys()))
"""


def test_nor_does_what_answers_load_jobs_or_a_runtime_that_it_may_not_choose() -> None:
    command = [sys.executable, "-c", ASSEMBLED, *ELSEWHERE]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout == "\n"
