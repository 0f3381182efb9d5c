"""Confinement: a program of ours in a child process, with bounds on its time and memory.

Whoever starts one calls `run_confined`; the child itself begins with `confine`.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

_MEBIBYTE = 1024 * 1024
_PAGE = os.sysconf("SC_PAGE_SIZE")
_LOOK_SECONDS = 0.02
_LONGEST_ANSWER = 4 * _MEBIBYTE
_LONGEST_REASON = 300
_LAST_BYTES = 4096


class ChildFailedError(Exception):
    """What became of a child, as the end of a sentence about what it tried."""


@dataclass(frozen=True)
class ResourceLimits:
    """Resident `memory` in bytes, `cpu_seconds` of the processor, and `wall_seconds` in all."""

    memory: int
    cpu_seconds: int
    wall_seconds: float

    @classmethod
    def of(cls, size: int, *, max_length: int, dimension: int) -> "ResourceLimits":
        """For graphs of `size` bytes that read texts of up to `max_length` tokens.

        A number of a graph is read once for each token, in attention each token with each other.
        """
        heads = max(12, dimension // 32)
        attention = 16 * heads * max_length**2
        states = 256 * dimension * max_length
        memory = min(768 * _MEBIBYTE + 8 * size + attention + states, _three_quarters())
        reading = 2 * size * (2 * max_length + 5000) / 5e9
        return cls._within(int(20 + size / 10e6 + reading + attention / 1e9), memory)

    @classmethod
    def of_text(cls, size: int) -> "ResourceLimits":
        """For `size` bytes of JSON or XML that are read as a whole.

        A pair of short strings takes some twenty times as much memory as it does in a file.
        """
        memory = min(256 * _MEBIBYTE + 24 * size, _three_quarters())
        return cls._within(int(20 + size / 2e6), memory)

    @classmethod
    def _within(cls, seconds: int, memory: int) -> "ResourceLimits":
        return cls(memory, seconds, wall_seconds=3.0 * seconds + 30)


def run_confined(
    module: str, arguments: Sequence[str], *, limits: ResourceLimits
) -> dict[str, Any]:
    """Run `python -m module ARGUMENTS SECONDS`; the JSON object in the last line that it prints.

    Raises `ChildFailedError` where it ends otherwise, or takes more than it may.
    """
    command = [sys.executable, "-m", module, *arguments, str(limits.cpu_seconds)]
    with TemporaryFile() as output, TemporaryFile() as errors:
        with subprocess.Popen(  # noqa: S603  our own program
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors
        ) as child:
            try:
                excess = _excess(child, limits)
            finally:
                child.kill()
        if excess is not None:
            raise ChildFailedError(excess)
        if child.returncode != 0:
            raise ChildFailedError(_ended(child.returncode, errors, limits))
        return _answer(output)


def confine(seconds: int) -> None:
    """Take no more of the processor than so much, and be the first that the system ends."""
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def _excess(child: "subprocess.Popen[bytes]", limits: ResourceLimits) -> str | None:
    """Wait for the child; why it has to be ended, or None where it ends by itself."""
    until = time.monotonic() + limits.wall_seconds
    statistics = Path(f"/proc/{child.pid}/statm")
    while True:
        try:
            child.wait(_LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            if _resident(statistics) > limits.memory:
                return f"takes more than {limits.memory // _MEBIBYTE} MiB of memory"
            if time.monotonic() > until:
                return f"was not done after {limits.wall_seconds:.0f} s"
        else:
            return None


def _resident(statistics: Path) -> int:
    try:
        return int(statistics.read_text(encoding="ascii").split()[1]) * _PAGE
    except (OSError, IndexError, ValueError):  # it has just ended, or this is no Linux
        return 0


def _ended(status: int, errors: IO[bytes], limits: ResourceLimits) -> str:
    if status in {-signal.SIGXCPU, -signal.SIGKILL}:
        return (
            f"was not done after {limits.cpu_seconds} s of the processor, or took the memory "
            "that the system had left"
        )
    if status < 0:
        return f"crashes its runtime ({signal.Signals(-status).name})"
    errors.seek(max(0, errors.seek(0, os.SEEK_END) - _LAST_BYTES))
    said = errors.read(_LAST_BYTES).decode("utf-8", "replace").strip().splitlines()
    return f"cannot be tried: {said[-1] if said else f'status {status}'}"[:_LONGEST_REASON]


def _answer(output: IO[bytes]) -> dict[str, Any]:
    output.seek(0)
    lines = output.read(_LONGEST_ANSWER).splitlines()
    try:
        answer = json.loads(lines[-1])
    except (IndexError, ValueError):
        raise ChildFailedError("cannot be tried: nothing was said of it") from None
    if not isinstance(answer, dict):
        raise ChildFailedError("cannot be tried: nothing was said of it")
    return answer


def _three_quarters() -> int:
    """Of the memory of this machine, in bytes."""
    return os.sysconf("SC_PHYS_PAGES") * _PAGE * 3 // 4
