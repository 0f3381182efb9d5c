from pathlib import Path

from tests.forking import fork


def test_what_runs_jobs_ends_with_the_last_and_begins_with_the_next(tmp_path: Path) -> None:
    home, said = tmp_path / "home", tmp_path / "said"
    home.mkdir()
    with said.open("wb") as output:
        outputs = {"stdout": output.fileno(), "stderr": output.fileno()}
        with fork("tests.worker.dispatching", str(home), **outputs) as worker:
            status = worker.wait()
    assert status == 0, said.read_text()
    assert [line for line in said.read_text().splitlines() if line.startswith("failed")] == [
        "failed after 1: there is no collection 'first'; create it first",
        "failed after 1: there is no collection 'second'; create it first",
    ]
