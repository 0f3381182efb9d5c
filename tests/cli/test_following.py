"""Following every kind of job to its end, on a terminal and in a pipe."""

import json
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
from molt.cli.following import shown_training, told_event, told_seconds
from molt.cli.invocation import Invocation
from molt.engine.settings import Settings, load_settings
from molt.index.jobs.job import Job, JobKind, JobRequest
from molt.index.jobs.queue import JobQueue
from molt.training.fit.progress import TrainingEvent
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


TRAINED = (
    TrainingEvent("dev of the base"),
    TrainingEvent("training", step=5, steps=20, epoch=0.5, loss=0.9, seconds_left=600.0),
    TrainingEvent("dev", step=10, steps=20, epoch=1.0, ndcg10=0.52, seconds_left=300.0),
    TrainingEvent("training", step=20, steps=20, epoch=2.0, loss=0.5, seconds_left=0.0),
    TrainingEvent("held out", epoch=2.0, cosine=0.97),
    TrainingEvent("export"),
    TrainingEvent("evaluation"),
    TrainingEvent("documents by x", step=40, steps=40),
)
TOLD = {
    "train": (TRAINED, "train, training: 22 %, about 10 min left"),
    "tune": ((TrainingEvent("trials", steps=2), *TRAINED), "tune, training: 14 %"),
    "distil": (TRAINED, "distil, training: 41 %, about 10 min left"),
}


@pytest.mark.parametrize("kind", TOLD)
def test_what_a_command_trains_is_shown_as_a_job_of_it_is(
    kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    events, line = TOLD[kind]
    with shown_training(Invocation(), kind) as show:
        for event in events:
            show(event)
    out, err = capsys.readouterr()
    assert out == ""
    assert line in err
    assert "dev, epoch 1: nDCG@10 on dev 0.5200\n" in err
    assert "held out, epoch 2: cosine to the teacher 0.9700\n" in err
    seen = percentages(err)
    assert seen == sorted(seen)


@pytest.mark.parametrize("kind", TOLD)
def test_a_terminal_sees_stage_percentage_and_time_left_of_a_training(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with terminal(monkeypatch) as shown, shown_training(Invocation(), kind) as show:
        for event in TOLD[kind][0]:
            show(event)
    (text,) = shown
    assert f"{kind}, documents by x" in text
    seen = percentages(text)
    assert seen[-1] > 0
    assert seen == sorted(seen)


def test_a_training_in_json_tells_its_epochs_and_how_far_it_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with shown_training(Invocation(json=True), "distil") as show:
        for event in TRAINED:
            show(event)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"event": "dev", "epoch": 1.0, "ndcg10": 0.52} in lines
    assert {"event": "held out", "epoch": 2.0, "cosine": 0.97} in lines
    first = next(line for line in lines if line["event"] == "progress")
    assert (first["stage"], first["done"], first["total"]) == ("training", 5, 20)
    assert (first["percent"], first["seconds_left"]) == (41.2, 600.0)


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
