from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub import constants

from molt.training.errors import SourceError
from molt.training.export.hub import fetch


def test_a_name_while_offline_says_why_and_what_to_do_instead(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"HF_HUB_OFFLINE is set.*path of a downloaded model"):
        fetch("intfloat/e5-small-v2", tmp_path / "fetched")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", "../model", "/models/bert", "a/b/c", "a b", "-x", "a/"])
def test_what_is_no_name_at_all_is_never_asked_for(tmp_path: Path, name: str) -> None:
    with pytest.raises(SourceError, match="neither a directory here nor the name"):
        fetch(name, tmp_path)


def test_an_unreachable_hub_is_told_apart_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise ConnectionError("no route to host")

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", unreachable)
    with pytest.raises(SourceError, match=r"cannot be fetched from the hub \(no route to host\)"):
        fetch("owner/model", tmp_path)


def test_neither_code_nor_pickles_are_asked_of_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def note(_: str, *, local_dir: Path, allow_patterns: list[str]) -> None:
        asked.extend(allow_patterns)

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", note)
    fetch("owner/model", tmp_path)
    assert "model.safetensors" in asked
    assert not [name for name in asked if name.endswith((".py", ".bin", ".pt", "*"))]
