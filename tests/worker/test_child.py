"""What a supervised child tells, and what becomes of it."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from molt.worker.child import PROGRAM, ChildError, run_child
from tests.waiting import wait_until


def unchecked() -> None:
    """For a child that nobody stops."""


def run(script: str, *, watch: Any = print, check: Any = unchecked) -> dict[str, Any]:
    return run_child((), watch=watch, check=check, program=("-c", script))


def test_the_outcome_is_the_last_line_of_standard_output() -> None:
    assert run("print('made'); print('{\"checkpoint\": \"c\"}')") == {"checkpoint": "c"}


def test_every_event_on_standard_error_is_watched_and_other_lines_are_not() -> None:
    seen: list[dict[str, Any]] = []
    script = "import sys; print('{\"stage\": \"a\"}\\nnoise\\n[1]', file=sys.stderr); print('{}')"
    run(script, watch=seen.append)
    assert seen == [{"stage": "a"}]


def test_a_line_that_is_no_text_keeps_nothing_from_ending() -> None:
    script = "import sys; sys.stderr.buffer.write(b'\\xff\\n'); print('{\"checkpoint\": \"c\"}')"
    assert run(script) == {"checkpoint": "c"}


def test_what_the_program_says_of_its_failure_is_the_error() -> None:
    script = "import sys; print('molt: no judgments; import some', file=sys.stderr); sys.exit(1)"
    with pytest.raises(ChildError, match=r"^no judgments; import some$"):
        run(script)


def test_a_failure_that_nobody_foresaw_ends_with_its_last_line() -> None:
    with pytest.raises(ChildError, match="ZeroDivisionError: division by zero; the worker's log"):
        run("1 / 0")


def test_a_child_that_the_system_kills_is_said_to_lack_memory() -> None:
    with pytest.raises(ChildError, match="memory ran out"):
        run("import os; os.kill(os.getpid(), 9)")


@pytest.mark.parametrize("does", ["time.sleep(600)", "os.kill(os.getpid(), signal.SIGSTOP)"])
def test_a_check_that_raises_ends_the_child_though_it_was_stopped(
    tmp_path: Path, does: str
) -> None:
    path = str(tmp_path / "pid")
    script = f"import os, signal, time; open({path!r}, 'w').write(str(os.getpid()))\n{does}"

    def check() -> None:
        if (tmp_path / "pid").exists() and (tmp_path / "pid").read_text():
            raise InterruptedError

    with pytest.raises(InterruptedError):
        run(script, check=check)
    assert not psutil.pid_exists(int((tmp_path / "pid").read_text()))


def test_a_child_ends_with_its_parent_whatever_it_is_at(tmp_path: Path) -> None:
    config = tmp_path / "never ends.toml"
    os.mkfifo(config)
    command = [*PROGRAM, "train", "shop", "--home", str(tmp_path), "--config", str(config)]
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            (
                "import subprocess, sys, time\n"
                f"command = [sys.executable, *{command!r}, '--supervised']\n"
                "child = subprocess.Popen(command, stdin=subprocess.PIPE)\n"
                "print(child.pid, flush=True)\n"
                "time.sleep(600)"
            ),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    written = opened_once_it_is_read(config)
    try:
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
        parent.stdout.close()
        wait_until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
    finally:
        with suppress(psutil.NoSuchProcess):
            child.kill()
        os.close(written)


def opened_once_it_is_read(pipe: Path) -> int:
    """The other end of a pipe from which somebody reads by now, and waits."""

    def opened() -> int | None:
        with suppress(OSError):
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        return None

    return wait_until(opened)
