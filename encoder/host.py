"""The host: what a measured speed depends on, as a short fingerprint."""

import hashlib
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_RUNTIMES = ("onnxruntime", "openvino")
_CPU_LINES = ("model name", "flags", "Features", "CPU part")


def fingerprint() -> str:
    """16 hex digits over the processor, its instruction sets, and the runtimes installed."""
    parts = [platform.machine(), *_processor(), *map(_version, _RUNTIMES)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))


def _processor() -> list[str]:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return [platform.processor()]
    return sorted({line for line in lines if line.startswith(_CPU_LINES)})


def _version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"no {package}"
