from pathlib import Path
from types import SimpleNamespace

import pytest

from molt.training.fit.states import Saving, last_state


def state(folder: Path, step: int, *, whole: bool) -> Path:
    path = folder / f"checkpoint-{step}"
    path.mkdir()
    (path / "weights.safetensors").write_bytes(b"...")
    if whole:
        (path / "whole").touch()
    return path


def test_the_newest_whole_state_is_gone_on_from(tmp_path: Path) -> None:
    state(tmp_path, 9, whole=True)
    newest = state(tmp_path, 12, whole=True)
    unfinished = state(tmp_path, 15, whole=False)
    assert last_state(tmp_path) == newest
    assert not unfinished.exists()


def test_without_a_whole_state_a_run_begins_anew(tmp_path: Path) -> None:
    assert last_state(tmp_path / "missing") is None
    state(tmp_path, 3, whole=False)
    assert last_state(tmp_path) is None


@pytest.mark.parametrize(
    ("step", "epoch", "saved"), [(6, 0.75, True), (7, 0.875, False), (8, 1.0, False)]
)
def test_a_state_is_written_within_epochs_alone_for_at_their_end_dev_is_ranked_first(
    step: int, epoch: float, *, saved: bool
) -> None:
    control = SimpleNamespace(should_save=False)
    Saving(2).on_step_end(None, SimpleNamespace(global_step=step, epoch=epoch), control)
    assert control.should_save is saved
