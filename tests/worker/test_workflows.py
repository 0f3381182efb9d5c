"""A step that fails as nobody foresaw fails its own job, which says so and quotes nothing."""

from pathlib import Path

from tests.forking import fork
from tests.worker.failing import SECRET


def test_a_panic_or_a_library_s_error_ends_the_job_and_the_next_one_begins(tmp_path: Path) -> None:
    home, said, logged = (tmp_path / name for name in ("home", "said", "logged"))
    home.mkdir()
    with said.open("wb") as output, logged.open("wb") as log:
        outputs = {"stdout": output.fileno(), "stderr": log.fileno()}
        with fork("tests.worker.failing", str(home), **outputs) as worker:
            status = worker.wait()
    assert status == 0, logged.read_text()
    panicked, failed, last = said.read_text().splitlines()
    where = "the worker's log has the traceback"
    assert panicked == (
        f"failed: an extension in Rust panicked; standard error tells where; {where}"
    )
    assert failed == f"failed: ValueError, which is unexpected; {where}"
    assert "there is no checkpoint" in last
    assert SECRET not in said.read_text()
