"""Following every kind of job to its end, on a terminal and in a pipe."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from molt.cli import asking
from molt.cli.following import told_event, told_seconds
from molt.cli.invocation import Invocation
from molt.engine.settings import Settings, load_settings
from molt.index.jobs.job import Job, JobKind, JobRequest
from molt.index.jobs.queue import JobQueue
from tests.cli.recorded import EVENTS_OF
from tests.paths import ROOT


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return load_settings(home=tmp_path_factory.mktemp("followed"))


@pytest.fixture(scope="module")
def queue(settings: Settings) -> Iterator[JobQueue]:
    """A queue that a worker runs whose jobs tell what real ones told."""
    command = [sys.executable, "-m", "tests.index.job_worker", settings.jobs]
    pipe = subprocess.PIPE
    with (
        closing(JobQueue(settings.jobs)) as queue,
        subprocess.Popen(command, stdin=pipe, stdout=pipe, cwd=ROOT) as process,
    ):
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"working\n"
            yield queue
        finally:
            process.kill()


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "worker_runs", lambda home: True)
    monkeypatch.setattr(asking, "_LOOK_SECONDS", 0.01)
    monkeypatch.setattr("molt.cli.following.SECONDS_BETWEEN_LINES", 0.0)


def ask(queue: JobQueue, kind: JobKind) -> Job:
    return queue.ask(JobRequest(kind, "shop", {"events": EVENTS_OF[kind]}, actor="ann"))


@contextmanager
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Standard error is a terminal for the length of the block; what was written to it after."""
    ours, theirs = os.openpty()
    written: list[bytes] = []

    def read() -> None:
        try:
            while chunk := os.read(ours, 65536):
                written.append(chunk)
        except OSError:  # the other side was closed
            pass

    reader = threading.Thread(target=read)
    reader.start()
    shown: list[str] = []
    with os.fdopen(theirs, "w", encoding="utf-8") as stream, monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", stream)
        patched.setenv("TERM", "xterm")
        patched.setenv("COLUMNS", "120")
        yield shown
    reader.join(30)
    os.close(ours)
    shown.append(re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", b"".join(written).decode()))


def percentages(text: str) -> list[int]:
    return [int(found) for found in re.findall(r"(\d+) ?%", text)]


@pytest.mark.parametrize("kind", JobKind)
def test_every_kind_of_job_is_followed_to_its_end_on_a_terminal(
    queue: JobQueue, settings: Settings, kind: JobKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    with terminal(monkeypatch) as shown:
        asking.follow(Invocation(), settings, queue, ask(queue, kind))
    (text,) = shown
    seen = percentages(text)
    assert seen == sorted(seen)
    assert "Traceback" not in text
    assert all(event["step"] in text for event in EVENTS_OF[kind] if event["event"] == "step")


@pytest.mark.parametrize("kind", JobKind)
def test_every_kind_of_job_is_followed_to_its_end_in_a_pipe(
    queue: JobQueue,
    settings: Settings,
    kind: JobKind,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asking.follow(Invocation(), settings, queue, ask(queue, kind))
    out, err = capsys.readouterr()
    assert ["state", "done"] in [line.split("\t") for line in out.splitlines()]
    steps = [event["step"] for event in EVENTS_OF[kind] if event["event"] == "step"]
    assert [line for line in err.splitlines() if line in steps] == steps
    seen = percentages(err)
    assert seen == sorted(seen)


def test_a_retraining_tells_its_epochs_and_the_time_that_is_left(
    queue: JobQueue, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    asking.follow(Invocation(), settings, queue, ask(queue, JobKind.RETRAIN))
    err = capsys.readouterr().err
    assert "dev, epoch 1: nDCG@10 on dev 0.5200\n" in err
    assert re.search(r"train, training: \d+ %, about 10 min left", err)
    assert f"flipped, epoch 2: generation {'f' * 32}\n" in err


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ({}, "event"),
        (
            {"event": "stage", "stage": "dev", "step": 3, "epoch": "one", "x": [1, {"y": None}]},
            "dev: x 1; y -",
        ),
        ({"event": 7, "at": 3.0}, "7"),
        ({"event": "told", "fine": True, "share": 0.5}, "told: fine yes, share 0.5000"),
    ],
)
def test_whatever_an_event_holds_is_told(content: dict[str, object], line: str) -> None:
    assert told_event(content) == line


@pytest.mark.parametrize(
    ("seconds", "told"), [(0.2, "1 s"), (29, "29 s"), (90, "2 min"), (7500, "2 h 5 min")]
)
def test_a_time_is_told_as_exactly_as_it_is_known(seconds: float, told: str) -> None:
    assert told_seconds(seconds) == told


def test_a_job_at_work_is_shown_with_what_it_is_at(queue: JobQueue, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    events = EVENTS_OF[JobKind.RETRAIN][:7]
    options = {"events": events, "until": str(gate)}
    job = queue.ask(JobRequest(JobKind.RETRAIN, "slow", options, actor="ann"))
    try:
        while (at := queue.look(job.id).progress) is None or at.stage != "training":
            assert not queue.get(job.id).state.ended
        while len(queue.events(job.id)) < len(events):
            assert not queue.get(job.id).state.ended
        found = asking.result(queue.look(job.id))
    finally:
        gate.touch()
    shown = dict(found.rows)
    assert shown["at"] == "train, training"
    assert shown["time left"] == "about 5 min"
    assert queue.get(job.id).progress is None
