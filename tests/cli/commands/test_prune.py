"""What nothing needs is listed and, when it is asked for, removed; everything else stays."""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from molt.artifact import Home, exclusive, share_file, write_manifest
from molt.encoder import Prompts
from molt.engine.settings import load_settings
from molt.index.catalog.catalog import Catalog, home_url, open_catalog
from molt.index.catalog.releases import Reason
from molt.index.generations.generation import GenerationStore
from molt.index.jobs.job import JobKind, JobRequest
from molt.index.jobs.queue import JobQueue
from molt.index.ranking.ranking import SearchRanking
from molt.index.ranking.reranking import Reranking, RerankKind
from molt.training.uses import note_uses, using_checkpoints
from molt.worker import pruning
from molt.worker.needs import look_for_needs
from tests.checkpoints import build_checkpoint
from tests.cli.conftest import Molt
from tests.cross_encoders import accepted_cross_encoder, build_cross_encoder


@pytest.fixture
def catalog(home: Path) -> Iterator[Catalog]:
    home.mkdir()
    (home / "checkpoints").mkdir()
    with closing(open_catalog(home_url(home))) as catalog:
        catalog.collections.create("shop")
        yield catalog


def checkpoint(home: Path, word: str, **more: Any) -> str:
    return build_checkpoint(home / "checkpoints", prompts=Prompts(query=word), **more).id


def report(home: Path, name: str, *, collection: str = "shop", days: int = 1) -> str:
    folder = home / "reports" / name
    folder.mkdir(parents=True)
    at = datetime.now(UTC) - timedelta(days=days)
    body = {"format": 1, "created_at": at.isoformat(), "facts": {"collection": collection}}
    write_manifest(folder / "report.json", body)
    return name


def run(home: Path, name: str, *, done: bool = True, days: float = 0) -> str:
    folder = home / "runs" / name
    folder.mkdir(parents=True)
    (folder / ("checkpoint" if done else "state")).write_text("0" * 16)
    then = time.time() - days * 24 * 3600
    for path in (*folder.iterdir(), folder):
        os.utime(path, (then, then))
    return name


def found(molt: Molt, *options: str) -> set[str]:
    done = molt("--json", "prune", *options)
    assert done.status == 0, done.stderr
    return {one["id"] for one in done.value["found"]}


def test_a_home_in_which_everything_is_needed_is_left_alone(molt: Molt, catalog: Catalog) -> None:
    done = molt("prune", "--yes")
    assert (done.status, done.stdout) == (0, "")
    assert "Everything is needed" in done.stderr


def test_what_nothing_needs_is_only_listed_until_it_is_asked_for(
    molt: Molt, home: Path, catalog: Catalog
) -> None:
    idle = checkpoint(home, "idle"), report(home, "a" * 16, days=2), run(home, "b" * 16)
    newest = report(home, "c" * 16)
    assert found(molt) == set(idle)
    listed = molt("prune")
    assert "`molt prune --yes` removes them" in listed.stderr
    assert {line.split("\t")[1] for line in listed.stdout.splitlines()[1:]} == set(idle)
    assert all((home / "checkpoints" / idle[0]).iterdir())
    assert found(molt, "--yes") == set(idle)
    assert found(molt) == set()
    left = {path.name for path in home.glob("*/*") if path.is_dir()}
    assert left & {*idle, newest} == {newest}


def test_checkpoints_are_needed_by_what_stands_for_them_or_was_made_with_them(
    molt: Molt, home: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    aliased, named, indexed = (checkpoint(home, word) for word in ("alias", "name", "index"))
    catalog.aliases.set("default", aliased)
    catalog.names.set(named, "winter")
    owner = catalog.collections.get("shop").id
    GenerationStore(home / "generations").create(collection=owner, checkpoint=indexed, dimension=3)
    configured = checkpoint(home, "setting")
    monkeypatch.setenv("MOLT_ENCODER__RUNTIME", configured)  # a setting may name one
    idle = checkpoint(home, "idle")
    assert found(molt, "--yes") == {idle}
    left = {path.name for path in (home / "checkpoints").iterdir()}
    assert left == {aliased, named, indexed, configured}


def test_cross_encoders_are_needed_by_releases_and_by_searches_that_ask_for_one(
    molt: Molt, home: Path, catalog: Catalog
) -> None:
    checkpoints = home / "checkpoints"

    def accepted(weight: float, collection: str, **more: Any) -> str:
        return accepted_cross_encoder(checkpoints, collection=collection, weight=weight, **more).id

    released = build_cross_encoder(checkpoints).id
    ranking = SearchRanking(rerank=Reranking(RerankKind.CROSS_ENCODER, model=released))
    catalog.collections.retune("shop", ranking, reason=Reason())
    catalog.collections.retune("shop", None, reason=Reason())
    newest = accepted(2.0, "shop")
    older = accepted(3.0, "shop", created_at=datetime(2025, 1, 1, tzinfo=UTC))
    elsewhere = accepted(4.0, "gone")
    assert found(molt, "--yes") == {older, elsewhere}
    assert {path.name for path in (home / "checkpoints").iterdir()} == {released, newest}


def test_jobs_that_have_not_ended_need_what_they_name_and_what_they_learn(
    molt: Molt, home: Path, catalog: Catalog
) -> None:
    wanted, learnt = checkpoint(home, "wanted"), checkpoint(home, "b", data={"collection": "shop"})
    other = checkpoint(home, "other", data={"collection": "elsewhere"})
    one = run(home, "b" * 16), report(home, "c" * 16, days=2), report(home, "d" * 16)
    with closing(JobQueue(load_settings(home=home).jobs)) as queue:
        reload = queue.ask(JobRequest(JobKind.RELOAD, "shop", {"checkpoint": wanted}))
        retrain = queue.ask(JobRequest(JobKind.RETRAIN, "shop"))
        assert found(molt) == {other}
        queue.cancel(retrain.id)
        assert found(molt) == {other, learnt, *one[:2]}
        queue.cancel(reload.id)
        assert found(molt) == {other, learnt, wanted, *one[:2]}


def test_reports_are_needed_by_releases_and_the_newest_by_its_collection(
    molt: Molt, home: Path, catalog: Catalog
) -> None:
    released = report(home, "a" * 16, days=9)
    catalog.collections.point("shop", generation="f" * 32, reason=Reason("ann", "gain", released))
    idle, newest = report(home, "b" * 16, days=5), report(home, "c" * 16, days=1)
    gone = report(home, "d" * 16, collection="deleted")
    assert found(molt, "--older-than", "3") == {idle}
    assert found(molt, "--yes") == {idle, gone}
    assert {path.name for path in (home / "reports").iterdir()} == {released, newest}


def test_runs_are_needed_by_whoever_is_at_them_and_while_they_may_be_gone_on_with(
    molt: Molt, home: Path, catalog: Catalog
) -> None:
    held, fresh = run(home, "a" * 16), run(home, "b" * 16, done=False, days=1)
    ended, abandoned = run(home, "c" * 16), run(home, "d" * 16, done=False, days=8)
    with exclusive((home / "runs" / held).with_suffix(".lock")):
        assert found(molt, "--yes") == {ended, abandoned}
    assert {path.name for path in (home / "runs").iterdir() if path.is_dir()} == {held, fresh}


def test_what_comes_to_be_needed_meanwhile_stays(
    molt: Molt, home: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    idle = checkpoint(home, "idle")
    survey = pruning.Pruner.survey

    def slow(self: pruning.Pruner, **given: Any) -> list[pruning.Superfluous]:
        seen = survey(self, **given)
        catalog.aliases.set("default", idle)
        return seen

    monkeypatch.setattr(pruning.Pruner, "survey", slow)
    done = molt("prune", "--yes")
    assert "1 came to be needed meanwhile" in done.stderr
    assert (home / "checkpoints" / idle).is_dir()


def test_nobody_writes_to_the_catalog_while_it_is_looked_again(
    molt: Molt, home: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    idle = checkpoint(home, "idle")
    looked: list[bool] = []
    look = look_for_needs

    def noted(*given: Any, **more: Any) -> Any:
        if more.get("holding") is not None:
            looked.append(_is_locked(home))
        return look(*given, **more)

    monkeypatch.setattr("molt.worker.pruning.look_for_needs", noted)
    assert found(molt, "--yes") == {idle}
    assert looked == [True, False]  # and once more when it is out of the way


def _is_locked(home: Path) -> bool:
    with closing(sqlite3.connect(home / "catalog.sqlite3", timeout=0)) as other:
        try:
            other.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        return False


def test_beside_a_generation_that_tells_nothing_everything_stays(
    molt: Molt, home: Path, catalog: Catalog
) -> None:
    checkpoint(home, "idle")
    store = GenerationStore(home / "generations")
    made = store.create(collection=1, checkpoint="0" * 16, dimension=3)
    (home / "generations" / made.id / "generation.json").write_text("{")
    assert found(molt, "--yes") == set()


def test_checkpoints_that_a_job_or_a_run_goes_on_with_stay(
    molt: Molt, home: Path, catalog: Catalog
) -> None:
    served, base, teacher, measured = (checkpoint(home, word) for word in "abcd")
    interrupted, ended = run(home, "b" * 16, done=False), run(home, "c" * 16)
    note_uses(home / "runs" / interrupted, (base, None))
    note_uses(home / "runs" / ended, (teacher,))
    with closing(JobQueue(load_settings(home=home).jobs)) as queue:
        merge = queue.ask(JobRequest(JobKind.MERGE, "shop"))
        note_uses(Home(home).job_folder(merge.id), (served,))
        with using_checkpoints(home / "runs", (measured,)):
            assert found(molt) == {teacher, ended}
        assert found(molt) == {teacher, ended, measured}
        queue.cancel(merge.id)
        assert found(molt, "--yes") == {teacher, ended, measured, served}
    assert {path.name for path in (home / "checkpoints").iterdir()} == {base}


def test_a_job_that_is_asked_for_during_a_removal_finds_what_it_names(
    molt: Molt, home: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    idle = checkpoint(home, "idle")
    rename = Path.rename

    def asked_first(self: Path, target: Path) -> Path:
        if self.name == idle:
            with closing(JobQueue(load_settings(home=home).jobs)) as queue:
                queue.ask(JobRequest(JobKind.RELOAD, "shop", {"checkpoint": idle}))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", asked_first)
    done = molt("prune", "--yes")
    assert "1 came to be needed meanwhile" in done.stderr
    assert [path.name for path in (home / "checkpoints").iterdir()] == [idle]


def test_nothing_is_measured_while_writers_wait(
    molt: Molt, home: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    idle = {checkpoint(home, "idle"), report(home, "a" * 16, collection="gone")}
    waited: list[bool] = []
    walk = os.walk

    def noted(top: Any) -> Any:
        waited.append(_is_locked(home))
        return walk(top)

    monkeypatch.setattr("molt.worker.pruning.os.walk", noted)
    assert found(molt, "--yes") == idle
    assert waited == [False, False]  # once for each, before


def test_files_that_vanish_while_they_are_measured_are_passed_over(
    molt: Molt, home: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = run(home, "a" * 16)
    (home / "runs" / ended / "step.tmp").touch()
    stat = Path.stat

    def too_late(self: Path, **given: Any) -> os.stat_result:
        if self.name == "step.tmp":
            raise FileNotFoundError(self)
        return stat(self, **given)

    monkeypatch.setattr(Path, "stat", too_late)
    assert found(molt) == {ended}


def test_nothing_is_removed_while_the_home_is_backed_up(
    molt: Molt, home: Path, catalog: Catalog
) -> None:
    idle = checkpoint(home, "idle")
    backup = share_file(Home(home).pruning_lock)
    done = molt("prune", "--yes")
    assert (done.status, "is being backed up" in done.stderr) == (1, True)
    assert found(molt) == {idle}
    backup.release()
    assert found(molt, "--yes") == {idle}
