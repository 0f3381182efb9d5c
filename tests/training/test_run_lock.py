from pathlib import Path

import pytest

from molt.training.errors import FitError
from molt.training.run_lock import exclusive_run


def test_a_second_process_at_a_run_is_told_which_one_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "0123456789abcdef"
    with exclusive_run(folder), pytest.raises(FitError, match=f"another process is at {folder}"):  # noqa: SIM117
        with exclusive_run(folder, patience=0.0):
            pass
    with exclusive_run(folder, patience=0.0):
        pass


def test_another_run_may_go_on_beside_it(tmp_path: Path) -> None:
    with exclusive_run(tmp_path / "one"), exclusive_run(tmp_path / "other", patience=0.0):
        assert not (tmp_path / "one").exists()
