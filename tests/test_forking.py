"""What is forked off is a process like any other."""

import os
import signal
from pathlib import Path

from tests.forking import ForkedProcess, fork


def begun(folder: Path, program: str, *arguments: str, **environment: str) -> ForkedProcess:
    """A process that runs `program`; both its outputs are in `said`."""
    (folder / "program_of_a_test.py").write_text(program)
    environment = dict(os.environ) | environment | {"PYTHONPATH": str(folder)}
    with (folder / "said").open("wb") as said:
        outputs = {"stdout": said.fileno(), "stderr": said.fileno()}
        return fork("program_of_a_test", *arguments, environment=environment, **outputs)


def said(folder: Path, program: str, *arguments: str, **environment: str) -> list[str]:
    with begun(folder, program, *arguments, **environment) as process:
        status = process.wait()
    lines = (folder / "said").read_text().splitlines()
    assert status == 0, lines
    return lines


def test_it_runs_a_module_as_a_program_with_its_own_arguments_and_environment(
    tmp_path: Path,
) -> None:
    program = "import os, sys\nprint(__name__, *sys.argv[1:], os.environ['COLOUR'], os.getcwd())"
    assert said(tmp_path, program, "one", COLOUR="red") == [f"__main__ one red {Path.cwd()}"]
    assert said(tmp_path, program, "two", COLOUR="blue") == [f"__main__ two blue {Path.cwd()}"]
    assert "COLOUR" not in os.environ


def test_it_is_a_child_in_a_session_of_its_own(tmp_path: Path) -> None:
    program = "import os\nprint(os.getpid(), os.getppid(), os.getsid(0))"
    with begun(tmp_path, program) as process:
        assert process.wait() == 0
    told = (tmp_path / "said").read_text().split()
    assert told == [str(process.pid), str(os.getpid()), str(process.pid)]


def test_its_status_is_what_it_ends_with_and_what_it_dies_of(tmp_path: Path) -> None:
    with begun(tmp_path, "import sys\nsys.exit(3)") as process:
        assert process.wait() == 3
    with begun(tmp_path, "1 / 0") as process:
        assert process.wait() == 1
    assert "ZeroDivisionError" in (tmp_path / "said").read_text()
    with begun(tmp_path, "import time\ntime.sleep(600)") as process:
        assert process.poll() is None
        process.kill()
        assert process.wait() == -signal.SIGKILL


def test_it_ends_with_its_input_if_it_waits_for_that(tmp_path: Path) -> None:
    with begun(tmp_path, "import sys\nprint(repr(sys.stdin.read()))") as process:
        assert process.poll() is None
        process.end_input()
        assert process.wait() == 0
    assert (tmp_path / "said").read_text() == "''\n"


def test_it_ends_as_other_programs_do_with_what_was_to_be_done_at_the_end(tmp_path: Path) -> None:
    assert said(tmp_path, "import atexit\natexit.register(print, 'over')") == ["over"]


def test_it_has_what_serves_imported_and_nothing_that_trains(tmp_path: Path) -> None:
    program = "import sys\nprint([name in sys.modules for name in sys.argv[1:]])"
    serving = said(tmp_path, program, "molt.app.server", "molt.worker.worker", "polars", "dbos")
    assert serving == ["[True, True, True, True]"]
    assert said(tmp_path, program, "torch", "transformers") == ["[False, False]"]


def test_its_environment_may_customise_it(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['nncf'] = None\n")
    program = "import sys\nprint(sys.modules.get('nncf', 'not there'))"
    assert said(tmp_path, program) == ["None"]
