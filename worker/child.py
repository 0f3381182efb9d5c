"""A child: a heavy task in a process of its own, which ends with the worker.

What it needs of memory it gives back when it ends, and where the system kills it for memory the
worker lives on and can say so. When the worker dies, the child's standard input ends, and with it
the child.
"""

import json
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from queue import Empty, Queue
from threading import Thread
from typing import IO, Any

import structlog

from molt.training.errors import TrainingError

log = structlog.get_logger(__name__)

_Watch = Callable[[dict[str, Any]], None]
_Check = Callable[[], None]

PROGRAM = ("-m", "molt.worker.tasks")
LEDGER = "MOLT_TASKS_LEDGER"
"""What names the catalog's URL to a child: it may hold a password, which a command line shows."""

_KEPT_LINES = 20
_CHECK_SECONDS = 1.0


class ChildError(TrainingError):
    """A command of the training program failed; the message is what it said."""


def run_child(
    arguments: Sequence[str],
    *,
    watch: _Watch,
    check: _Check,
    program: Sequence[str] = PROGRAM,
    environment: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Run `python -m molt.worker.tasks ...`, or another program of that kind; its outcome.

    `watch` gets each event that the child tells, `check` is called every second. What is in
    `environment` is added to this process's. Raises `ChildError`, and whatever those two raise,
    after the child has been stopped.
    """
    command = [sys.executable, *program, *arguments, "--supervised"]
    pipe = subprocess.PIPE
    with subprocess.Popen(  # noqa: S603  our own program
        command,
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        encoding="utf-8",
        errors="replace",
        env=os.environ | (environment or {}),
    ) as child:
        try:
            said, answer = _listen(child, watch=watch, check=check)
        except BaseException:
            child.kill()
            raise
    if child.returncode != 0:
        log.error("child.failed", status=child.returncode, said=said)
        raise ChildError(_explained(child.returncode, said))
    outcome: dict[str, Any] = json.loads(answer[-1])
    return outcome


def _listen(
    child: "subprocess.Popen[str]", *, watch: _Watch, check: _Check
) -> tuple[list[str], list[str]]:
    """The last lines on standard error that are no events, and those on standard output."""
    lines: Queue[tuple[str, str]] = Queue()
    streams = {"error": child.stderr, "output": child.stdout}
    for name, stream in streams.items():
        Thread(target=_pass_on, args=(name, stream, lines), daemon=True).start()
    said: deque[str] = deque(maxlen=_KEPT_LINES)
    answer: list[str] = []
    ended = 0
    while ended < len(streams):
        check()
        try:
            name, line = lines.get(timeout=_CHECK_SECONDS)
        except Empty:
            continue
        if not line:
            ended += 1
        elif name == "output":
            answer.append(line)
        elif (event := _event(line)) is not None:
            watch(event)
        else:
            said.append(line.rstrip())
    return list(said), answer


def _pass_on(name: str, stream: IO[str], lines: "Queue[tuple[str, str]]") -> None:
    try:
        for line in stream:
            lines.put((name, line))
    finally:
        lines.put((name, ""))


def _event(line: str) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def _explained(status: int, said: Sequence[str]) -> str:
    if status == -signal.SIGKILL:
        return (
            "the training process was killed, most likely because memory ran out; see the section "
            "Speed of docs/training.md for ways to need less"
        )
    if status < 0:
        return f"the training process ended by signal {-status}: {' '.join(said[-3:])}"
    messages = [line.removeprefix("molt: ") for line in said if line.startswith("molt: ")]
    if messages:
        return messages[-1]
    last = said[-1] if said else f"exit status {status}"
    return f"the training process failed: {last}; the worker's log has the rest"
