"""Half an hour of kills, damage, full disks, jumps of the clock, slow clients, overload and swaps.

    python -m tests.soak --seconds 1800 --seed 1

What clients were acknowledged has to be there after each of them. Records what was tried and found;
ends with 1 where something was found.
"""

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.record import Table, Target, machine_facts, record
from tests.soak.plan import Kind
from tests.soak.soak import Outcome, soak
from tests.soak.stand import Stand, prepared


def main() -> int:
    arguments = _parser().parse_args()
    machine = machine_facts()
    folder = Path(tempfile.mkdtemp(prefix="molt-soak-"))
    began = time.monotonic()
    with prepared(folder, arguments.seed) as stand:
        outcome = soak(stand, seed=arguments.seed, seconds=arguments.seconds, say=_say)
        took = time.monotonic() - began
        if outcome.findings:
            shutil.copy(stand.server.log, folder / "server.log")
            _say(f"the log of the server is in {folder}")
        if not arguments.no_record:
            _record(arguments, machine, stand, outcome, took)
    if not outcome.findings:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if outcome.findings else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m tests.soak")
    parser.add_argument("--seconds", type=float, default=1800.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-record", action="store_true", help="leave the recorded run as it is")
    return parser


def _say(what: str) -> None:
    print(what, flush=True)


def _record(
    arguments: argparse.Namespace,
    machine: dict[str, object],
    stand: Stand,
    outcome: Outcome,
    took: float,
) -> None:
    tried = [{"what": kind.value, "times": outcome.tried[kind]} for kind in Kind]
    tried.append({"what": "swaps beside these", "times": outcome.swaps})
    answers = [{"answer": name, "times": n} for name, n in sorted(outcome.statuses.items())]
    left_out = [{"ingredient": one} for one in stand.missing]
    acknowledged, judged = stand.oracle.acknowledged, stand.pairs.judged
    facts = [
        {"what": "seed", "number": arguments.seed},
        {"what": "seconds", "number": round(took)},
        {"what": "episodes", "number": outcome.tried.total()},
        {"what": "acknowledged writes", "number": acknowledged},
        {"what": "scores compared with their pair's", "number": judged},
    ]
    record(
        "soak",
        command=f"python -m tests.soak --seconds {arguments.seconds:g} --seed {arguments.seed}",
        machine=machine,
        targets=[Target("nothing is found", len(outcome.findings), "<=", 0)],
        tables=[
            Table("The run", facts),
            Table("Tried", tried),
            Table("Answers", answers),
            Table("Found", outcome.findings),
            Table("Left out", left_out),
        ],
        details={"findings": outcome.findings, "statuses": dict(outcome.statuses)},
    )


if __name__ == "__main__":
    sys.exit(main())
