"""What is removed under a running server is told before a restart would miss it."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from shutil import rmtree

import pytest

from molt.artifact import Home
from molt.encoder import Checkpoint
from molt.engine.engine import Engine
from molt.engine.search.query import SearchQuery
from molt.engine.settings import load_settings
from molt.engine.watch.missing_files import LOOK_SECONDS, MissingFiles
from molt.index.catalog.document import Document
from molt.index.generations.generation import SEGMENTS
from tests.app.serving import open_engine
from tests.checkpoints import build_checkpoint, seal
from tests.waiting import wait_until

SOON = 30.0


@pytest.fixture
def tiny(tmp_path: Path) -> Checkpoint:
    return build_checkpoint(Home(tmp_path).checkpoints)


@pytest.fixture
def engine(tmp_path: Path, tiny: Checkpoint) -> Iterator[Engine]:
    """An engine that does nothing by itself, with one served document in `shop`."""
    with closing(open_engine(load_settings(home=tmp_path))) as engine:
        engine.catalog.aliases.set("default", tiny.id)
        shop = engine.catalog.collections.create("shop")
        engine.catalog.documents.upsert(shop, [Document("a", "red socks")])
        while engine.indexer.seal():
            continue
        engine.live_collections.refresh_changed()
        yield engine


class Looking:
    """Looks whenever it is asked, by a clock of its own."""

    def __init__(self, engine: Engine) -> None:
        self.now = 0.0
        self._missing = MissingFiles(
            catalog=engine.catalog,
            generations=engine.generations,
            live_collections=engine.live_collections,
            clock=lambda: self.now,
        )

    def problems(self, *, after: float = LOOK_SECONDS) -> tuple[str, ...]:
        self.now += after
        self._missing.look()
        return self._missing.problems


def segments(engine: Engine) -> Path:
    generation = engine.catalog.collections.get("shop").generation
    return engine.generations.root / str(generation) / SEGMENTS


def test_every_file_of_what_serves_is_missed_until_it_is_back(
    engine: Engine, tiny: Checkpoint
) -> None:
    looking = Looking(engine)
    assert looking.problems() == ()
    served = [path for path in tiny.path.rglob("*") if path.is_file()]
    served += [path for path in segments(engine).rglob("*") if path.is_file()]
    assert len(served) > 8
    for path in served:
        away = path.rename(path.with_name("away"))
        (problem,) = looking.problems()
        assert problem.startswith(f"{path} was removed")
        away.rename(path)
        assert looking.problems() == ()


def test_several_files_of_one_directory_are_one_problem(engine: Engine, tiny: Checkpoint) -> None:
    rmtree(tiny.path)
    (problem,) = Looking(engine).problems()
    assert f"and {len(tiny.files)} more were removed" in problem
    assert "molt checkpoints add" in problem


def test_files_are_looked_for_once_a_minute_and_the_catalog_each_time(
    engine: Engine, tmp_path: Path
) -> None:
    looking = Looking(engine)
    assert looking.problems() == ()
    rmtree(segments(engine))
    assert looking.problems(after=1.0) == ()
    (tmp_path / "catalog.sqlite3").rename(tmp_path / "away")
    (problem,) = looking.problems(after=1.0)
    assert "catalog.sqlite3 was removed while it was open" in problem
    assert len(looking.problems()) == 2
    (tmp_path / "away").rename(tmp_path / "catalog.sqlite3")
    (problem,) = looking.problems(after=1.0)
    assert str(segments(engine)) in problem


def test_what_another_took_the_place_of_is_not_missed(engine: Engine, tiny: Checkpoint) -> None:
    """As by a merge that this process has yet to see, and by an upgrade of the checkpoint."""
    manifest = engine.generations.read(segments(engine).parent.name)
    engine.generations.publish(replace(manifest, segments=()))
    rmtree(segments(engine))
    (tiny.path / "modules.json").unlink()
    seal(tiny)
    assert Looking(engine).problems() == ()


def test_a_collection_that_was_deleted_is_not_missed(engine: Engine) -> None:
    engine.catalog.collections.delete("shop")
    rmtree(segments_root := engine.generations.root)
    segments_root.mkdir()
    assert Looking(engine).problems() == ()


def test_readiness_tells_of_what_is_missing_and_a_restart_makes_an_index_anew(
    engine: Engine, tmp_path: Path
) -> None:
    (vectors,) = segments(engine).rglob("vectors.npy")
    vectors.unlink()
    engine.start()
    wait_until(lambda: any(str(vectors) in one for one in engine.readiness().problems))
    assert found(engine) == 1
    engine.close()
    with closing(Engine.open(load_settings(home=tmp_path))) as again:
        again.start()
        wait_until(lambda: again.readiness().ready and not again.readiness().problems)
        assert found(again) == 1


def found(engine: Engine) -> int:
    return engine.search(SearchQuery("red socks", "shop")).page.total
