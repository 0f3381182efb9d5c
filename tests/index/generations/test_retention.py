"""What a pointer, a job, a rollback or a reader needs stays on disk; all else goes."""

import os
from collections.abc import Callable
from pathlib import Path
from shutil import rmtree

import pytest

from molt.index.catalog.catalog import Catalog
from molt.index.catalog.collection import Collection
from molt.index.errors import NothingToRollBackError
from molt.index.generations import generation as generation_module
from molt.index.generations.generation import GenerationStore
from molt.index.generations.occupancy import hold_reading, hold_writing
from molt.index.generations.retention import collect, former, rollback_targets

Make = Callable[[], str]
Serve = Callable[[str], Collection]


@pytest.fixture
def make(segment_store: GenerationStore, segment_collection: Collection) -> Make:
    """`make()`: publishes an empty generation; its id."""

    def made() -> str:
        return segment_store.create(
            collection=segment_collection.id, checkpoint="c" * 16, dimension=16
        ).id

    return made


@pytest.fixture
def serve(segment_catalog: Catalog, segment_collection: Collection) -> Serve:
    """`serve(generation)`: moves the pointer there."""
    return lambda generation: segment_catalog.collections.point("default", generation=generation)


def test_the_active_generation_and_the_last_former_ones_stay(
    segment_catalog: Catalog, segment_store: GenerationStore, make: Make, serve: Serve
) -> None:
    served = [make() for _ in range(5)]
    for generation in served:
        serve(generation)
    assert sorted(collect(segment_catalog, segment_store, retained=2)) == sorted(served[:2])
    assert segment_store.ids() == sorted(served[2:])


def test_a_generation_that_never_served_goes(
    segment_catalog: Catalog, segment_store: GenerationStore, make: Make, serve: Serve
) -> None:
    stray, active = make(), make()
    serve(active)
    assert collect(segment_catalog, segment_store, retained=2) == [stray]
    assert segment_store.ids() == [active]


def test_each_collection_keeps_its_own(
    segment_catalog: Catalog, segment_store: GenerationStore, make: Make, serve: Serve
) -> None:
    segment_catalog.collections.create("other")
    kept = [make() for _ in range(4)]
    for generation in kept[:2]:
        serve(generation)
    for generation in kept[2:]:
        segment_catalog.collections.point("other", generation=generation)
    assert collect(segment_catalog, segment_store, retained=1) == []
    assert segment_store.ids() == sorted(kept)


def test_what_a_collection_served_goes_with_it(
    segment_catalog: Catalog, segment_store: GenerationStore, make: Make, serve: Serve
) -> None:
    serve(make())
    serve(make())
    segment_catalog.collections.delete("default")
    collect(segment_catalog, segment_store, retained=2)
    assert segment_store.ids() == []


def test_a_generation_that_served_twice_is_kept_once(
    segment_catalog: Catalog, segment_store: GenerationStore, make: Make, serve: Serve
) -> None:
    a, b, c = make(), make(), make()
    for generation in (a, b, c, b, c):
        serve(generation)
    assert former(segment_catalog, segment_store, segment_catalog.collections.get("default")) == [
        b,
        a,
    ]


def test_what_has_gone_from_disk_takes_no_former_one_s_place(
    segment_catalog: Catalog, segment_store: GenerationStore, make: Make, serve: Serve
) -> None:
    a, b, c = make(), make(), make()
    for generation in (a, b, c):
        serve(generation)
    rmtree(segment_store.path(b))
    assert collect(segment_catalog, segment_store, retained=1) == []
    assert segment_store.ids() == sorted([a, c])


def test_a_generation_that_a_job_makes_stays_until_its_build_ends(
    segment_catalog: Catalog,
    segment_collection: Collection,
    segment_store: GenerationStore,
    make: Make,
) -> None:
    built = make()
    segment_catalog.builds.begin(segment_collection, job="j", generation=built)
    assert collect(segment_catalog, segment_store, retained=2) == []
    segment_catalog.builds.end("j")
    assert collect(segment_catalog, segment_store, retained=2) == [built]


@pytest.mark.parametrize("take", [hold_reading, hold_writing])
def test_what_is_read_or_written_is_left_for_another_time(
    segment_catalog: Catalog,
    segment_store: GenerationStore,
    make: Make,
    take: Callable[[Path], object],
) -> None:
    held, free = make(), make()
    hold = take(segment_store.path(held))
    assert collect(segment_catalog, segment_store, retained=2) == [free]
    assert segment_store.ids() == [held]
    del hold
    assert collect(segment_catalog, segment_store, retained=2) == [held]


def test_what_the_pointer_was_moved_to_meanwhile_stays(
    segment_catalog: Catalog,
    segment_store: GenerationStore,
    make: Make,
    serve: Serve,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = sorted([make(), make()])

    def serve_second(name: str) -> None:
        serve(second)

    monkeypatch.setattr(generation_module, "faultpoint", serve_second)
    assert collect(segment_catalog, segment_store, retained=2) == [first]
    assert segment_store.ids() == [second]


def test_a_removal_that_is_cut_short_leaves_no_generation(
    segment_catalog: Catalog,
    segment_store: GenerationStore,
    make: Make,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make()

    def cut(name: str) -> None:
        raise KeyboardInterrupt(name)

    with monkeypatch.context() as cutting:
        cutting.setattr(generation_module, "faultpoint", cut)
        with pytest.raises(KeyboardInterrupt, match=r"collect\.renamed"):
            collect(segment_catalog, segment_store, retained=2)
    assert segment_store.ids() == []
    (left,) = segment_store.root.iterdir()
    age(left)
    collect(segment_catalog, segment_store, retained=2)
    assert list(segment_store.root.iterdir()) == []


def test_what_a_crash_left_goes_and_what_is_being_made_stays(
    segment_catalog: Catalog, segment_store: GenerationStore
) -> None:
    for name in (".left", ".made"):
        (segment_store.root / name / "segments").mkdir(parents=True)
    age(segment_store.root / ".left")
    collect(segment_catalog, segment_store, retained=2)
    assert [path.name for path in segment_store.root.iterdir()] == [".made"]


def test_a_home_without_generations_has_nothing_to_collect(
    segment_catalog: Catalog, segment_store: GenerationStore
) -> None:
    assert collect(segment_catalog, segment_store, retained=2) == []


def test_a_rollback_goes_to_what_was_served_before(
    segment_catalog: Catalog, segment_store: GenerationStore, make: Make, serve: Serve
) -> None:
    a, b, c = make(), make(), make()
    for generation in (a, b, c):
        serve(generation)
    assert target(segment_catalog, segment_store) == b
    serve(b)
    assert target(segment_catalog, segment_store) == c


def test_a_rollback_passes_over_what_has_gone_from_disk(
    segment_catalog: Catalog, segment_store: GenerationStore, make: Make, serve: Serve
) -> None:
    a, b, c = make(), make(), make()
    for generation in (a, b, c):
        serve(generation)
    rmtree(segment_store.path(b))
    assert target(segment_catalog, segment_store) == a


def test_the_first_generation_cannot_be_rolled_back(
    segment_catalog: Catalog, segment_store: GenerationStore, make: Make, serve: Serve
) -> None:
    serve(make())
    with pytest.raises(NothingToRollBackError, match="'default' has no earlier generation"):
        target(segment_catalog, segment_store)


def target(catalog: Catalog, store: GenerationStore) -> str:
    return rollback_targets(catalog, store, catalog.collections.get("default"))[0]


def age(root: Path) -> None:
    """Let everything in it be written long ago."""
    for path in (root, *root.rglob("*")):
        os.utime(path, (0, 0))
