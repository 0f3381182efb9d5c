"""A program that does not answer as it should: `python -m tests.encoder.safety.misbehaving HOW`."""

import os
import signal
import sys
import time


def main(how: str) -> None:
    if how == "sleeps":
        time.sleep(600)
    elif how == "crashes":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif how == "fails":
        raise ValueError("nobody thought of this")
    elif how == "says a list":
        sys.stdout.write("[]\n")


if __name__ == "__main__":
    main(sys.argv[1])
