"""Asking for jobs and moving pointers from the command line. Nobody does the jobs here."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from molt.cli.asking import result
from molt.engine.settings import load_settings
from molt.index.jobs.job import Job, JobKind, JobState
from molt.index.jobs.queue import JobQueue
from tests.app.serving import open_engine
from tests.checkpoints import build_checkpoint
from tests.cli.conftest import Molt
from tests.generations import make_generation
from tests.hashing import HashingEncoder
from tests.working import simple_worker


@pytest.fixture
def shop(
    molt: Molt, hashing: list[HashingEncoder], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    """A collection with one document, indexed; the generation that serves it. `ann` works here."""
    monkeypatch.delenv("SUDO_USER", raising=False)
    monkeypatch.setenv("USER", "ann")
    add(molt, tmp_path, "d1", "warm boots")
    return pointed(molt)


@pytest.fixture
def queue(home: Path, shop: str) -> Iterator[JobQueue]:
    with closing(JobQueue(load_settings(home=home).jobs)) as queue:
        yield queue


def add(molt: Molt, tmp_path: Path, doc_id: str, text: str) -> None:
    path = tmp_path / f"{doc_id}.jsonl"
    path.write_text(json.dumps({"id": doc_id, "text": text}) + "\n")
    assert molt("import", "shop", str(path)).status == 0


def pointed(molt: Molt) -> str:
    (active,) = [one for one in molt("--json", "generations").value["generations"] if one["active"]]
    generation: str = active["id"]
    return generation


def make(home: Path) -> str:
    with closing(open_engine(load_settings(home=home))) as engine:
        return make_generation(engine, "shop", seed=0)


def releases(molt: Molt) -> list[tuple[str, str, str]]:
    found = molt("--json", "releases", "shop").value["releases"]
    return [(one["actor"], one["reason"], one["generation"]) for one in found]


def test_a_generation_is_activated_and_the_history_says_by_whom(
    molt: Molt, home: Path, shop: str
) -> None:
    made = make(home)
    assert molt("--json", "activate", made, "--reason", "the season begins").value == {
        "collection": "shop",
        "generation": made,
        "checkpoint": HashingEncoder().checkpoint.id,
        "previous": shop,
        "epoch": 2,
    }
    assert pointed(molt) == made
    assert releases(molt)[0] == ("cli:ann", "the season begins", made)


def test_a_rollback_goes_back_and_another_one_forth_without_losing_a_document(
    molt: Molt, home: Path, shop: str, tmp_path: Path
) -> None:
    made = make(home)
    assert molt("activate", made).status == 0
    add(molt, tmp_path, "d2", "a lantern")
    done = molt("rollback", "shop")
    assert done.status == 0
    assert ["generation", shop] in [line.split("\t") for line in done.stdout.splitlines()]
    assert molt("--json", "search", "shop", "lantern").value["hits"][0]["id"] == "d2"
    assert molt("--json", "rollback", "shop").value["generation"] == made
    assert [reason for _, reason, _ in releases(molt)[:3]] == [
        "rolled back",
        "rolled back",
        "activated",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("rollback", "shop"), "no earlier generation"),
        (("rollback", "none"), "there is no collection 'none'"),
        (("activate", "0" * 32), "no generation"),
        (("reload", "shop", "0" * 16, "--detach"), "no checkpoint"),
        (("reindex", "none", "--detach"), "there is no collection 'none'"),
        (("retrain", "shop", "--set", "run.epoch=2", "--detach"), "run.epoch is no key"),
    ],
)
def test_what_cannot_be_done_is_an_error_that_says_so(
    molt: Molt, shop: str, arguments: tuple[str, ...], message: str
) -> None:
    done = molt(*arguments)
    assert done.status == 1
    assert message in done.stderr
    assert molt("--json", "jobs", "list").value == {"jobs": []}


def test_without_a_home_nothing_can_be_asked(molt: Molt, home: Path) -> None:
    done = molt("reindex", "shop")
    assert (done.status, home.exists()) == (1, False)
    assert "is no home" in done.stderr


def test_what_is_asked_of_a_job_is_kept_with_it(
    molt: Molt, home: Path, shop: str, queue: JobQueue, tmp_path: Path
) -> None:
    checkpoint = build_checkpoint(home / "checkpoints").id
    (tmp_path / "night.toml").write_text("[gate]\nalpha = 0.01\n")
    config = ("--config", str(tmp_path / "night.toml"), "--set", "run.epochs=2")
    forced = ("--promote", "force", "--reason", "the season begins")

    def options(*arguments: str) -> dict[str, Any]:
        done = molt("--json", *arguments, "--detach")
        assert done.status == 0, done.stderr
        job = queue.get(done.value["id"])
        assert (job.kind, job.collection, job.actor) == (arguments[0], "shop", "cli:ann")
        queue.cancel(job.id)
        return dict(job.options)

    assert options("reload", "shop", checkpoint) == {"checkpoint": checkpoint}
    told = options("reload", "shop", checkpoint, "--reason", "the season begins")
    assert told == {"checkpoint": checkpoint, "reason": "the season begins"}
    assert options("reindex", "shop") == {"reuse": True}
    assert options("reindex", "shop", "--fresh") == {"reuse": False}
    assert options("merge", "shop") == {}
    assert options("tune-search", "shop") == {"promote": "gated"}
    assert options("tune-search", "shop", "--dry-run") == {"promote": "never"}
    asked = options("retrain", "shop", *config, *forced)
    assert (asked["promote"], asked["reason"]) == ("force", "the season begins")
    assert (asked["config"]["gate"]["alpha"], asked["config"]["run"]["epochs"]) == (0.01, 2)


def test_a_forced_retraining_wants_a_reason(molt: Molt, shop: str) -> None:
    done = molt("retrain", "shop", "--promote", "force", "--detach")
    assert done.status == 2
    assert "--reason" in done.stderr


def test_a_detached_job_is_left_to_the_worker_and_named(
    molt: Molt, shop: str, queue: JobQueue
) -> None:
    done = molt("reindex", "shop", "--detach")
    (job,) = queue.list()
    assert (done.status, done.stdout.splitlines()) == (0, ["job", job.id])
    assert job.state is JobState.WAITING


def test_a_second_job_of_a_kind_is_refused_with_the_id_of_the_first(
    molt: Molt, shop: str, queue: JobQueue
) -> None:
    molt("reindex", "shop", "--detach")
    done = molt("reindex", "shop", "--detach")
    assert done.status == 1
    assert queue.list()[0].id in done.stderr


def test_a_job_is_followed_to_its_end_and_what_it_made_is_shown(
    molt: Molt, home: Path, queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("molt.cli.asking.worker_runs", lambda home: True)
    with simple_worker(load_settings(home=home).jobs):
        done = molt("reindex", "shop")
    (job,) = queue.list()
    assert done.status == 0
    assert job.id in done.stderr
    assert [line.split("\t") for line in done.stdout.splitlines()] == [
        ["field", "value"],
        ["job", job.id],
        ["state", "done"],
        ["of", "shop"],
        ["for", "cli:ann"],
    ]


def test_ctrl_c_leaves_a_job_to_the_worker(
    molt: Molt, queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("molt.cli.asking.worker_runs", lambda home: True)
    monkeypatch.setattr("molt.cli.asking.time.sleep", interrupt)
    assert molt("reindex", "shop").status == 130
    assert [job.state for job in queue.list()] == [JobState.WAITING]


@pytest.mark.parametrize("command", [("activate", "a" * 32), ("rollback", "docs")])
def test_a_reason_with_control_characters_is_wrong_usage(
    molt: Molt, command: tuple[str, str]
) -> None:
    refused = molt(*command, "--reason", "the season\x1b[2Jbegins")
    assert refused.status == 2
    assert "control character" in refused.stderr


def test_what_the_gate_decided_is_told_a_sentence_a_line() -> None:
    decision = {
        "accepted": False,
        "reasons": ["no gain"],
        "sight": ["so much"],
        "advice": ["label"],
    }
    now = datetime(2026, 1, 1, tzinfo=UTC)
    outcome = {"promoted": False, "decision": decision, "refused": ["no gain"]}
    job = Job("j", JobKind.RETRAIN, "shop", {}, "ann", JobState.DONE, now, now, 1, result=outcome)
    told = [tuple(map(str, row)) for row in result(job).rows]
    assert told[2:] == [
        ("promoted", "no"),
        ("gate", "refused"),
        ("why", "no gain"),
        ("in sight", "so much"),
        ("what helps", "label"),
    ]
