import subprocess
import sys

FORKING = """
import os
from multiprocessing import get_context
from molt.training.supervised import when_input_ends

when_input_ends(lambda: os._exit(7))
child = get_context("fork").Process(target=print, args=("from a fork",))
child.start()
child.join()
print(child.exitcode)
"""


def test_a_process_that_a_supervised_one_forks_ends() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", FORKING], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as supervised:
        assert supervised.stdout is not None
        assert supervised.stdout.read() == "from a fork\n0\n"
        assert supervised.wait() == 0
