"""What a measurement leaves behind: JSON to compute with, a markdown summary to read.

Owns the facts about the machine and the layout of `benchmarks/results`. Measures nothing.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

RESULTS = Path(__file__).parent / "results"
PACKAGES = (
    "faiss-cpu",
    "numpy",
    "onnxruntime",
    "openvino",
    "sentence-transformers",
    "tokenizers",
    "torch",
    "transformers",
    "uvicorn",
)


@dataclass(frozen=True)
class Target:
    """A claim with the number that decides it."""

    claim: str
    value: float
    relation: Literal["<=", ">="]
    bound: float

    @property
    def met(self) -> bool:
        """Whether the measured value keeps the claim."""
        return self.value <= self.bound if self.relation == "<=" else self.value >= self.bound


@dataclass(frozen=True)
class Table:
    """Rows under one heading; all rows have the columns of the first."""

    title: str
    rows: Sequence[Mapping[str, Any]]


def median(values: Sequence[float]) -> float:
    """The median, rounded to four significant digits as it will be printed."""
    return float(f"{statistics.median(values):.4g}")


def machine_facts() -> dict[str, Any]:
    """CPU, memory, load, operating system and versions: what a reader needs to repeat a run."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load_average": [round(load, 2) for load in os.getloadavg()],
        "commit": _commit(),
        "packages": {name: _version(name) for name in PACKAGES},
    }


def record(
    name: str,
    *,
    machine: Mapping[str, Any],
    targets: Sequence[Target],
    tables: Sequence[Table],
    details: Mapping[str, Any],
    command: str | None = None,
) -> None:
    """Write `results/NAME.json` and `results/NAME.md`, and print the latter.

    `command` repeats it, where that is none of `benchmarks`. `machine` are `machine_facts()` taken
    before the measurement, so that its load average says what else was running. `details` (every
    round) go into the JSON alone.
    """
    document = {
        "name": name,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command or _command(),
        "machine": dict(machine),
        "targets": [asdict(target) | {"met": target.met} for target in targets],
        "tables": [asdict(table) for table in tables],
        "details": dict(details),
    }
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    (RESULTS / f"{name}.json").write_text(text, encoding="utf-8")
    summary = _summary(document, targets=targets, tables=tables)
    (RESULTS / f"{name}.md").write_text(summary, encoding="utf-8")
    print(summary)


def _summary(
    document: Mapping[str, Any], *, targets: Sequence[Target], tables: Sequence[Table]
) -> str:
    machine = document["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in machine["packages"].items())
    facts = (
        f"{document['at']}, commit {machine['commit']}. {machine['cpu']}, {machine['cores']} cores,"
        f" {machine['memory_gib']} GiB, {machine['system']}, Python {machine['python']};"
        f" load average before the run {machine['load_average'][0]}. {versions}."
    )
    lines = [f"# {document['name']}", "", f"`{document['command']}`", "", facts]
    checks = [
        {
            "target": target.claim,
            "measured": f"{target.value:.4g}",
            "bound": f"{target.relation} {target.bound:g}",
            "met": "yes" if target.met else "**no**",
        }
        for target in targets
    ]
    for table in (Table("Targets", checks), *tables):
        lines += ["", f"## {table.title}", "", *_markdown(table.rows)]
    return "\n".join(lines) + "\n"


def _markdown(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    if not rows:
        return ["(none)"]
    columns = list(rows[0])
    cells = [[_cell(row[column]) for column in columns] for row in rows]
    lines = [columns, ["---"] * len(columns), *cells]
    return ["| " + " | ".join(line) + " |" for line in lines]


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _command() -> str:
    arguments = " ".join(sys.argv[1:])
    return f"python -m benchmarks.{Path(sys.argv[0]).stem} {arguments}".strip()


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return platform.processor() or platform.machine()
    facts = dict(line.split(":", 1) for line in lines if ":" in line)
    facts = {name.strip(): value.strip() for name, value in facts.items()}
    model = f"{facts.get('model name', platform.machine())}"
    return f"{model} (family {facts.get('cpu family')}, model {facts.get('model')})"


def _commit() -> str:
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return described.stdout.strip() or "unknown"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
