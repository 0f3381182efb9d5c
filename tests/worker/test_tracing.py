from pathlib import Path

from tests.forking import fork


def test_a_job_and_its_steps_are_spans_of_the_trace_of_whoever_asked_for_it(
    tmp_path: Path,
) -> None:
    home, said, logged = (tmp_path / name for name in ("home", "said", "logged"))
    home.mkdir()
    with said.open("wb") as output, logged.open("wb") as log:
        outputs = {"stdout": output.fileno(), "stderr": log.fileno()}
        with fork("tests.worker.traced", str(home), **outputs) as worker:
            status = worker.wait()
    assert status == 0, logged.read_text()
    assert said.read_text().splitlines() == [
        "job.checkpoint TrainingError True",
        "job merge JobFailedError True",
        "True",
    ]
