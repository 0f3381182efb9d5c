"""What is worked with is told for as long as it is, and longer where a kill left it."""

from pathlib import Path

import pytest

from molt.artifact import exclusive
from molt.training.uses import note_uses, read_uses, using_checkpoints


def test_what_was_noted_is_read_and_a_folder_without_a_note_uses_nothing(tmp_path: Path) -> None:
    note_uses(tmp_path / "run", ("b", None, "a", "b"))
    assert read_uses(tmp_path / "run") == {"a", "b"}
    (tmp_path / "other").mkdir()
    assert read_uses(tmp_path / "other") == frozenset()


def test_whoever_uses_checkpoints_holds_a_lock_and_leaves_nothing(tmp_path: Path) -> None:
    with using_checkpoints(tmp_path / "runs", ("a",)):
        (folder,) = [path for path in (tmp_path / "runs").iterdir() if path.is_dir()]
        assert read_uses(folder) == {"a"}
        with pytest.raises(BlockingIOError), exclusive(folder.with_suffix(".lock")):
            pass
    assert list((tmp_path / "runs").iterdir()) == []
