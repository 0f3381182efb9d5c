"""A worker whose jobs do what their options say: `python -m tests.index.job_worker URL`.

`tell` is how many events a job tells, `events` are others that it tells, `until` a file that it
then waits for, `fail` why it fails. Ends when its standard input does.
"""

import os
import sys
import time
from pathlib import Path
from typing import Any

from dbos import DBOS, DBOSPortableJSONSerializer

from molt.index.jobs.database import create_jobs_engine
from molt.index.jobs.job import EVENTS, EXECUTOR, VERSION, JobKind, QueueName


def run(arguments: dict[str, Any]) -> dict[str, Any]:
    options = arguments["options"]
    for number in range(options.get("tell", 0)):
        DBOS.write_stream(EVENTS, {"event": "told", "count": number})
    for content in options.get("events", ()):
        DBOS.write_stream(EVENTS, content)
    while "until" in options and not Path(options["until"]).exists():
        time.sleep(0.01)
    if "fail" in options:
        raise ValueError(options["fail"])
    return {"of": arguments["collection"], "for": arguments["actor"]}


def main() -> None:
    DBOS(
        config={
            "name": "tests",
            "system_database_engine": create_jobs_engine(sys.argv[1]),
            "serializer": DBOSPortableJSONSerializer(),
            "application_version": VERSION,
            "executor_id": EXECUTOR,
            "log_level": "CRITICAL",
        }
    )
    for kind in JobKind:
        DBOS.workflow(name=kind.value)(run)
    DBOS.launch()
    for line in QueueName:
        DBOS.register_queue(line.value, worker_concurrency=1, polling_interval_sec=0.05)
    sys.stdout.write("working\n")
    sys.stdout.flush()
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
