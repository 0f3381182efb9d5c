"""One writer, many readers, and no removal under either, in all threads and processes."""

import gc
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from shutil import rmtree

import pytest

from molt.artifact import FileLock, lock
from molt.index.errors import GenerationBusyError, GenerationNotFoundError
from molt.index.generations.generation import GenerationStore
from molt.index.generations.occupancy import hold_reading, hold_removing, hold_writing

HOLDER = """
import sys
from pathlib import Path
from molt.index.generations import occupancy
held = getattr(occupancy, sys.argv[1])(Path(sys.argv[2]))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def generation(segment_store: GenerationStore) -> Path:
    """The directory of an empty generation."""
    manifest = segment_store.create(collection=1, checkpoint="c" * 16, dimension=16)
    return segment_store.path(manifest.id)


@contextmanager
def elsewhere(take: str, generation: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that has taken a hold."""
    command = [sys.executable, "-c", HOLDER, take, str(generation)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_two_writers_exclude_each_other(generation: Path) -> None:
    hold = hold_writing(generation)
    with pytest.raises(GenerationBusyError, match=f"{generation.name} is being written"):
        hold_writing(generation)
    hold.release()
    hold_writing(generation)


def test_a_writer_excludes_those_of_other_processes(generation: Path) -> None:
    with elsewhere("hold_writing", generation), pytest.raises(GenerationBusyError):
        hold_writing(generation)


def test_writers_of_different_generations_do_not_meet(segment_store: GenerationStore) -> None:
    made = [segment_store.create(collection=1, checkpoint="c" * 16, dimension=16) for _ in range(2)]
    with ExitStack() as holds:
        for manifest in made:
            holds.callback(hold_writing(segment_store.path(manifest.id)).release)


def test_readers_share_a_generation_with_each_other_and_its_writer(generation: Path) -> None:
    holds = [hold_reading(generation), hold_reading(generation), hold_writing(generation)]
    with elsewhere("hold_reading", generation):
        assert all(isinstance(hold, FileLock) for hold in holds)


def test_nothing_is_removed_while_it_is_read(generation: Path) -> None:
    holds = [hold_reading(generation), hold_reading(generation)]
    while holds:
        with pytest.raises(GenerationBusyError, match=f"{generation.name} is being read"):
            hold_removing(generation)
        holds.pop()
    hold_removing(generation)


def test_nothing_is_removed_while_another_process_reads_it(generation: Path) -> None:
    with elsewhere("hold_reading", generation), pytest.raises(GenerationBusyError):
        hold_removing(generation)


@pytest.mark.parametrize(
    ("take", "retake"), [("hold_writing", hold_writing), ("hold_reading", hold_removing)]
)
def test_a_hold_ends_with_its_process(
    generation: Path, take: str, retake: Callable[[Path], FileLock]
) -> None:
    with elsewhere(take, generation) as process:
        process.kill()
        process.wait()
        retake(generation)


def test_a_hold_ends_when_nothing_refers_to_it(generation: Path) -> None:
    hold = hold_writing(generation)
    owners = [hold]
    del hold
    with pytest.raises(GenerationBusyError):
        hold_writing(generation)
    owners.clear()
    hold_writing(generation)


def test_a_hold_may_be_given_back_twice(generation: Path) -> None:
    former = hold_writing(generation)
    former.release()
    current = hold_writing(generation)
    former.release()
    del former
    gc.collect()
    with pytest.raises(GenerationBusyError):
        hold_writing(generation)
    current.release()


def test_a_patient_writer_gets_it_when_it_is_free(
    generation: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting, held = threading.Event(), hold_writing(generation)
    taken: list[FileLock] = []

    def pause(_: float) -> None:
        waiting.set()

    monkeypatch.setattr(lock.time, "sleep", pause)  # type: ignore[attr-defined]
    patient = threading.Thread(
        target=lambda: taken.append(hold_writing(generation, patience=60)), daemon=True
    )
    patient.start()
    assert waiting.wait(30)
    assert taken == []
    held.release()
    patient.join(30)
    assert len(taken) == 1


def test_patience_ends(generation: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now, held = [0.0], hold_writing(generation)

    def pause(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr(lock.time, "monotonic", lambda: now[0])  # type: ignore[attr-defined]
    monkeypatch.setattr(lock.time, "sleep", pause)  # type: ignore[attr-defined]
    with pytest.raises(GenerationBusyError, match="try again later"):
        hold_writing(generation, patience=10)
    assert 10 <= now[0] < 11
    held.release()


@pytest.mark.parametrize("take", [hold_reading, hold_writing, hold_removing])
def test_what_has_gone_cannot_be_held(generation: Path, take: Callable[[Path], FileLock]) -> None:
    rmtree(generation)
    with pytest.raises(GenerationNotFoundError, match=f"{generation.name} has been removed"):
        take(generation)


@pytest.mark.parametrize("take", [hold_reading, hold_writing])
def test_who_waited_for_a_removal_is_told_of_it(
    segment_store: GenerationStore,
    generation: Path,
    monkeypatch: pytest.MonkeyPatch,
    take: Callable[[Path], FileLock],
) -> None:
    flock = lock.fcntl.flock  # type: ignore[attr-defined]

    def after_the_removal(descriptor: int, operation: int) -> None:
        segment_store.remove(generation.name)
        flock(descriptor, operation)

    monkeypatch.setattr(lock.fcntl, "flock", after_the_removal)  # type: ignore[attr-defined]
    with pytest.raises(GenerationNotFoundError, match="has been removed"):
        take(generation)


def test_what_may_not_be_written_to_is_read_without_a_hold() -> None:
    assert hold_reading(Path("/sys/kernel")) is None
