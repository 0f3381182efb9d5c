import hashlib
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from shutil import copytree

import pytest

from molt.artifact import CorruptFileError
from molt.encoder import (
    Capability,
    Checkpoint,
    CheckpointExistsError,
    CheckpointNotFoundError,
    CheckpointStore,
    Prompts,
    UnfinishedCheckpointError,
    UnsafeCheckpointError,
    open_checkpoint,
    read_checkpoint,
)
from molt.encoder.store import Survey
from tests.checkpoints import Build, build_checkpoint

ABSENT = "0123456789abcdef"


def fail_half_way(working: Path) -> None:
    (working / "checkpoint.json").write_text("{}")
    raise RuntimeError("power cut")


def store_of(checkpoint: Checkpoint) -> CheckpointStore:
    return CheckpointStore(checkpoint.path.parent)


def test_a_store_that_was_never_written_is_empty(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path / "nowhere")
    assert (store.ids(), store.survey()) == ([], Survey((), {}))


def test_checkpoints_are_listed_oldest_first(build: Build) -> None:
    newer = build(created_at=datetime(2026, 2, 1, tzinfo=UTC))
    older = build(prompts=Prompts(query="q"), created_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert store_of(older).survey().checkpoints == (older, newer)
    assert store_of(older).ids() == sorted([newer.id, older.id])


def test_a_checkpoint_is_read_and_opened_by_its_id(tiny: Checkpoint) -> None:
    store = store_of(tiny)
    assert store.read(tiny.id) == store.open(tiny.id) == tiny
    assert store.path(tiny.id) == tiny.path


def test_opening_verifies_what_reading_does_not(tiny: Checkpoint) -> None:
    (tiny.path / "tokenizer.json").write_bytes(b"{}")
    store = store_of(tiny)
    assert store.read(tiny.id) == tiny
    with pytest.raises(CorruptFileError, match=r"tokenizer\.json"):
        store.open(tiny.id)


@pytest.mark.parametrize("wanted", [ABSENT, "..", "", "../checkpoints", ".", "x" * 16, "/etc"])
def test_an_id_that_is_not_there_is_not_found_and_neither_path_nor_other_ids_are_told(
    tiny: Checkpoint, wanted: str
) -> None:
    with pytest.raises(CheckpointNotFoundError, match="molt checkpoints list") as refused:
        store_of(tiny).open(wanted)
    told = str(refused.value).replace(repr(wanted), "")
    assert tiny.id not in told
    assert str(tiny.path.parent) not in told


def test_a_checkpoint_under_another_ones_id_is_refused(tiny: Checkpoint) -> None:
    tiny.path.rename(tiny.path.with_name(ABSENT))
    with pytest.raises(UnsafeCheckpointError, match=f"the manifest of {tiny.id}"):
        store_of(tiny).read(ABSENT)


def test_a_checkpoint_appears_only_once_it_is_whole(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path / "checkpoints")
    with store.publish(ABSENT) as working:
        (working / "checkpoint.json").write_text("{}")
        assert store.ids() == []
        with pytest.raises(CheckpointNotFoundError):
            store.path(ABSENT)
    assert store.ids() == [ABSENT]
    assert (store.path(ABSENT) / "checkpoint.json").read_text() == "{}"


def test_a_failed_publication_leaves_nothing(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path / "checkpoints")
    with pytest.raises(RuntimeError, match="power cut"), store.publish(ABSENT) as working:
        fail_half_way(working)
    assert list(store.root.iterdir()) == []


def test_what_a_crash_left_half_written_is_no_checkpoint(tiny: Checkpoint) -> None:
    tiny.path.with_name(f".{ABSENT}.deadbeef").mkdir()
    assert store_of(tiny).ids() == [tiny.id]
    assert store_of(tiny).survey() == Survey((tiny,), {})


def test_a_damaged_manifest_is_named_beside_the_sound_ones(build: Build) -> None:
    sound, damaged = build(), build(prompts=Prompts(query="q"))
    (damaged.path / "checkpoint.json").write_text("{}")
    survey = store_of(sound).survey()
    assert survey.checkpoints == (sound,)
    assert "names no format" in survey.problems[damaged.id]
    (damaged.path / "checkpoint.json").unlink()
    assert "the manifest is missing" in store_of(sound).survey().problems[damaged.id]


def test_publishing_a_taken_id_is_refused_and_changes_nothing(tiny: Checkpoint) -> None:
    store = store_of(tiny)
    with pytest.raises(CheckpointExistsError, match=tiny.id), store.publish(tiny.id):
        pytest.fail("nothing may be written")
    assert store.open(tiny.id) == tiny


def test_a_removed_checkpoint_is_gone_and_can_come_back(build: Build) -> None:
    first = build()
    store = store_of(first)
    store.remove(first.id)
    assert list(store.root.iterdir()) == []
    assert store.open(build().id) == replace(first)


def test_a_replaced_checkpoint_is_whole_at_every_moment_and_open_files_stay_readable(
    build: Build, tmp_path: Path
) -> None:
    old, new = build(tokens=False), build_checkpoint(tmp_path / "new")
    store = store_of(old)
    with (old.path / "runtime" / "fp32.onnx").open("rb") as served:
        with store.replace(old.id) as working:
            copytree(new.path, working, dirs_exist_ok=True)
            assert store.open(old.id) == old
        assert store.open(old.id).capabilities == (Capability.EMBED, Capability.TOKENS)
        assert hashlib.sha256(served.read()).hexdigest() == old.files["runtime/fp32.onnx"].sha256
    assert [path.name for path in store.root.iterdir()] == [old.id]


def test_a_replacement_that_fails_leaves_the_old_one(tiny: Checkpoint) -> None:
    store = store_of(tiny)
    with pytest.raises(RuntimeError, match="power cut"), store.replace(tiny.id) as working:
        fail_half_way(working)
    assert store.open(tiny.id) == tiny
    assert [path.name for path in store.root.iterdir()] == [tiny.id]


def test_only_what_is_there_is_replaced(tiny: Checkpoint) -> None:
    store = store_of(tiny)
    with pytest.raises(CheckpointNotFoundError), store.replace(ABSENT):
        pytest.fail("nothing may be written")
    with pytest.raises(FileNotFoundError), store.replace(tiny.id):
        store.remove(tiny.id)
    assert list(store.root.iterdir()) == []


def test_one_that_is_replaced_while_it_is_opened_is_opened_again(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = build(tokens=False), build_checkpoint(tmp_path / "new")
    store = store_of(old)
    opened = []

    def open_slowly(path: Path) -> Checkpoint:
        if not opened:
            opened.append(read_checkpoint(path))
            store.add(new.path)
            raise CorruptFileError(path / "runtime" / "fp32.onnx", "its SHA-256 differs")
        return open_checkpoint(path)

    module = "molt.encoder.store.open_checkpoint"
    with monkeypatch.context() as patched:
        patched.setattr(module, lambda path: open_slowly(path) if path == old.path else new)
        found = store.open(old.id)
    assert opened == [old]
    assert found == replace(new, path=old.path)


def test_adding_what_can_do_more_takes_the_place_of_what_can_do_less(
    build: Build, tmp_path: Path
) -> None:
    old, new = build(tokens=False), build_checkpoint(tmp_path / "new")
    store = store_of(old)
    assert old.id == new.id
    assert store.add(new.path).new
    assert store.open(old.id) == replace(new, path=old.path)
    assert not store.add(build_checkpoint(tmp_path / "lesser", tokens=False).path).new
    assert store.open(old.id) == replace(new, path=old.path)


def test_what_is_added_is_copied_once(tiny: Checkpoint, tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path / "other")
    first, again = store.add(tiny.path), store.add(tiny.path)
    assert (first.new, again.new) == (True, False)
    assert first.checkpoint == again.checkpoint == store.open(tiny.id)
    assert store_of(tiny).open(tiny.id) == tiny
    assert [path.name for path in store.root.iterdir()] == [tiny.id]


def test_what_is_added_may_be_moved(tiny: Checkpoint, tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path / "other")
    store.add(tiny.path, carry=Path.rename)
    assert store.open(tiny.id).files == tiny.files
    assert not (tiny.path / "model.safetensors").exists()


@pytest.mark.parametrize("name", ["checkpoint.json", "tokenizer.json", "model.safetensors"])
def test_adding_a_checkpoint_heals_a_damaged_one(
    tiny: Checkpoint, tmp_path: Path, name: str
) -> None:
    store = CheckpointStore(tmp_path / "other")
    store.add(tiny.path)
    (store.root / tiny.id / name).unlink()
    assert store.add(tiny.path).new
    assert store.open(tiny.id).id == tiny.id
    assert [path.name for path in store.root.iterdir()] == [tiny.id]


def test_a_damaged_checkpoint_is_not_added_and_heals_nothing(
    tiny: Checkpoint, tmp_path: Path
) -> None:
    store = CheckpointStore(tmp_path / "other")
    store.add(tiny.path)
    (tiny.path / "tokenizer.json").write_bytes(b"{}")
    with pytest.raises(CorruptFileError, match=r"tokenizer\.json"):
        store.add(tiny.path)
    assert store.open(tiny.id).id == tiny.id


def test_a_plain_model_is_not_added_but_told_what_to_do(tiny: Checkpoint, tmp_path: Path) -> None:
    (tiny.path / "checkpoint.json").unlink()
    with pytest.raises(UnfinishedCheckpointError, match="molt checkpoints add PATH"):
        CheckpointStore(tmp_path / "other").add(tiny.path)


def test_what_is_not_trusted_yet_is_no_checkpoint(tiny: Checkpoint) -> None:
    store = store_of(tiny)
    folder = store.receiving_folder()
    assert folder.parent == store.root
    assert folder.name.startswith(".upload-")
    assert store.ids() == [tiny.id]


def test_what_a_crash_left_is_removed_once_nothing_was_written_for_an_hour(
    tiny: Checkpoint,
) -> None:
    store = store_of(tiny)
    left, slow = store.receiving_folder(), store.receiving_folder()
    for folder in (left, slow):
        (folder / "archive").touch()
        os.utime(folder, (0, 0))
    os.utime(left / "archive", (0, 0))
    assert store.sweep_unfinished() == [left]
    assert sorted(path.name for path in store.root.iterdir()) == sorted([slow.name, tiny.id])
