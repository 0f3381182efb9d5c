import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from molt.training.config import ConfigError, TrainConfig, read_config

DOCS = Path(__file__).parents[2] / "docs" / "training.md"


def keys() -> dict[str, object]:
    found = {}
    for section, field in TrainConfig.model_fields.items():
        assert isinstance(field.annotation, type)
        assert issubclass(field.annotation, BaseModel)
        for name, inner in field.annotation.model_fields.items():
            found[f"{section}.{name}"] = inner
    return found


def test_every_key_is_documented_with_its_meaning_and_no_other() -> None:
    rows = re.findall(
        r"^\| `([\w.]+)` \| (?:`(.*?)`)? ?\| (.+?) \|$", DOCS.read_text(), re.MULTILINE
    )
    documented = {key: meaning for key, _, meaning in rows if "." in key}
    assert documented == {key: field.description for key, field in keys().items()}


def test_the_documented_defaults_are_those_in_force() -> None:
    rows = re.findall(
        r"^\| `(\w+\.\w+)` \| (?:`(.*?)`)? ?\| .+? \|$", DOCS.read_text(), re.MULTILINE
    )
    values = [f"{key}={default}" for key, default in rows if default]
    assert read_config(None, settings=values) == TrainConfig()


def test_a_single_key_goes_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "train.toml").write_text("[run]\nepochs = 5\nseed = 3\n")
    config = read_config(tmp_path / "train.toml", settings=["run.epochs=2", "run.device=cpu"])
    assert (config.run.epochs, config.run.seed, config.run.device) == (2, 3, "cpu")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("run.epochs=0", "run.epochs: Input should be greater than or equal to 1, not 0"),
        ("run.epoch=2", "run.epoch is no key"),
        ("runs.epochs=2", "runs is no key"),
        ("epochs=2", "write section.key=value"),
        ("run.epochs", "write section.key=value"),
        ("objective.positives=softmax", "objective.positives: Input should be"),
        ("objective.positives=kl", "set objective.teacher"),
    ],
)
def test_a_key_that_cannot_be_is_named(setting: str, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        read_config(None, settings=[setting])


def test_adapters_and_frozen_layers_exclude_each_other() -> None:
    with pytest.raises(ConfigError, match="lora freezes every layer already"):
        read_config(None, settings=["lora.rank=8", "freezing.layers=1"])


def test_a_file_that_is_no_toml_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "train.toml").write_text("epochs: 2")
    with pytest.raises(ConfigError, match="is no TOML"):
        read_config(tmp_path / "train.toml")
    with pytest.raises(ConfigError, match="does not exist"):
        read_config(tmp_path / "other.toml")
