from pathlib import Path

import pytest

from molt.training.errors import FitError
from molt.training.run_lock import alone


def test_a_second_process_at_a_run_is_told_which_one_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "0123456789abcdef"
    with alone(folder), pytest.raises(FitError, match=f"another process is at {folder}"):  # noqa: SIM117
        with alone(folder, patience=0.0):
            pass
    with alone(folder, patience=0.0):
        pass


def test_another_run_may_go_on_beside_it(tmp_path: Path) -> None:
    with alone(tmp_path / "one"), alone(tmp_path / "other", patience=0.0):
        assert not (tmp_path / "one").exists()
