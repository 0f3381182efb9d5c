import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Molt

WAIT_FOREVER = """
import os, signal, sys, threading
from pathlib import Path
from molt.engine.settings import load_settings
from molt.cli.home import opened_engine

with opened_engine(load_settings(home=Path(sys.argv[1]))):
    waiting = threading.Timer(1, os.kill, (os.getpid(), signal.SIGINT))
    waiting.start()
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        print("interrupted")
"""


def test_ctrl_c_ends_a_wait_that_nothing_else_would_end(home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WAIT_FOREVER, home],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == "interrupted\n"


@pytest.mark.parametrize(
    "command",
    [
        ("collections", "create", "shop"),
        ("keys", "create", "--role", "admin"),
        ("checkpoints", "add"),
    ],
)
def test_a_home_is_made_for_its_owner_alone(
    molt: Molt, home: Path, command: tuple[str, ...], tiny_checkpoint: Path
) -> None:
    arguments = (*command, str(tiny_checkpoint)) if command[0] == "checkpoints" else command
    made = molt(*arguments)
    assert made.status == 0, made.stderr
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
