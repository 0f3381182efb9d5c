"""Jobs of a running Molt: asked for over HTTP, and followed to their end by their events."""

import json
import time
import urllib.request
from dataclasses import dataclass
from typing import Any

from benchmarks.server import Server


class JobError(Exception):
    """A job failed, or its events broke off."""


@dataclass(frozen=True)
class Told:
    """An event of a job, and how late it came, in seconds."""

    content: dict[str, Any]
    late: float


@dataclass(frozen=True)
class Outcome:
    """A job that is done, as the last event tells it, and all events before."""

    job: dict[str, Any]
    events: list[Told]

    @property
    def result(self) -> dict[str, Any]:
        """What it made."""
        made: dict[str, Any] = self.job["result"]
        return made


def run_job(server: Server, kind: str, body: dict[str, Any]) -> Outcome:
    """Ask for a job and follow it. Raises `JobError` unless it is done in the end."""
    admin = f"http://127.0.0.1:{server.port}/admin"
    request = urllib.request.Request(
        f"{admin}/{kind}",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        job = json.load(answer)
    events = []
    with urllib.request.urlopen(f"{admin}/jobs/{job['id']}/events") as stream:
        for line in stream:
            if line.startswith(b"data:"):
                content = json.loads(line[5:])
                if "at" not in content:
                    break
                events.append(Told(content, time.time() - content["at"]))
        else:
            raise JobError("the stream ended before the job")
    if content["state"] != "done":
        raise JobError(f"{kind}: {content['error'] or content['state']}")
    return Outcome(content, events)
