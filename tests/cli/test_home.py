import subprocess
import sys
from pathlib import Path

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
