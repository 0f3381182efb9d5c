import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from molt.training.config import ConfigError, RetrainConfig, TrainConfig, read_as, read_config
from molt.training.evaluation.report import EvaluationPlan
from tests.paths import DOCS

TRAINING = tuple(TrainConfig.model_fields)
PAGES = {"training.md": TRAINING, "evaluation.md": ("evaluation", "gate")}


def documented(page: str) -> dict[str, tuple[str, str]]:
    """The default and the meaning that a page gives of each key."""
    text = (DOCS / page).read_text()
    rows = re.findall(r"^\| `(\w+\.[\w.]+)` \| (?:`(.*?)`)? ?\| (.+?) \|$", text, re.MULTILINE)
    return {key: (default, meaning) for key, default, meaning in rows}


def keys(sections: Sequence[str]) -> dict[str, FieldInfo]:
    found = {}
    for section in sections:
        field = RetrainConfig.model_fields[section]
        assert isinstance(field.annotation, type)
        assert issubclass(field.annotation, BaseModel)
        for name, inner in field.annotation.model_fields.items():
            found[f"{section}.{name}"] = inner
    return found


def test_every_section_has_a_page() -> None:
    assert sum(PAGES.values(), ()) == tuple(RetrainConfig.model_fields)


@pytest.mark.parametrize("page", PAGES)
def test_every_key_is_documented_with_its_meaning_and_no_other(page: str) -> None:
    meanings = {key: meaning for key, (_, meaning) in documented(page).items()}
    assert meanings == {key: field.description for key, field in keys(PAGES[page]).items()}


@pytest.mark.parametrize("page", PAGES)
def test_the_documented_defaults_are_those_in_force(page: str) -> None:
    stated = {key: default for key, (default, _) in documented(page).items() if default}
    assert stated.keys() == {key for key, field in keys(PAGES[page]).items() if is_set(field)}
    values = [f"{key}={default}" for key, default in stated.items()]
    assert read_as(RetrainConfig, None, settings=values) == RetrainConfig()


def is_set(field: FieldInfo) -> bool:
    return field.get_default(call_default_factory=True) is not None


def test_a_single_key_goes_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "train.toml").write_text("[run]\nepochs = 5\nseed = 3\n")
    config = read_config(tmp_path / "train.toml", settings=["run.epochs=2", "run.device=cpu"])
    assert (config.run.epochs, config.run.seed, config.run.device) == (2, 3, "cpu")


def test_what_a_retrain_trains_with_is_what_a_training_run_of_the_same_keys_does() -> None:
    keys = ["run.epochs=2", "data.split_seed=3", "objective.matryoshka=[16]"]
    gated = ['evaluation.slices=["language"]', "gate.alpha=0.01"]
    training = read_as(RetrainConfig, None, settings=keys + gated).training
    assert type(training) is TrainConfig
    assert training.model_dump() == read_config(None, settings=keys).model_dump()


def test_a_retrain_is_evaluated_as_any_other_unless_told() -> None:
    assert RetrainConfig().plan == EvaluationPlan()


def test_the_gate_s_level_sets_how_wide_the_intervals_are() -> None:
    settings = ["gate.alpha=0.1", 'evaluation.slices=["language"]', "evaluation.group=shop"]
    plan = read_as(RetrainConfig, None, settings=settings).plan
    assert (plan.alpha, plan.sampling.confidence) == (0.1, 0.9)
    assert (plan.slices, plan.group) == (("language",), "shop")


def test_margins_are_for_slices_that_are_made() -> None:
    margins = ['evaluation.slices=["language"]', "gate.slice_margins.language=0.1"]
    config = read_as(RetrainConfig, None, settings=margins)
    assert config.gate.slice_margins == {"language": 0.1}
    built_in = 'gate.slice_margins={"words in the query" = 0.1}'
    assert read_as(RetrainConfig, None, settings=[built_in]).gate.slice_margins
    with pytest.raises(ConfigError, match=r"add 'language' to evaluation\.slices"):
        read_as(RetrainConfig, None, settings=margins[1:])


def test_the_documented_file_of_a_gate_is_one(tmp_path: Path) -> None:
    (shown,) = re.findall(r"```toml\n(.*?)```", (DOCS / "evaluation.md").read_text(), re.DOTALL)
    (tmp_path / "retrain.toml").write_text(shown)
    config = read_as(RetrainConfig, tmp_path / "retrain.toml")
    assert config.gate.slice_margins["words in the query"] == 0.03


@pytest.mark.parametrize(
    "setting",
    ["gate.margin=nan", "gate.max_slowdown=inf", "gate.slice_margins.x=-0.1", "gate.alpha=0.5"],
)
def test_a_gate_that_could_not_refuse_is_an_error(setting: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(setting.partition("=")[0])):
        read_as(RetrainConfig, None, settings=[setting])


def test_a_training_run_has_no_gate() -> None:
    with pytest.raises(ConfigError, match="gate is no key"):
        read_config(None, settings=["gate.alpha=0.01"])


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("run.epochs=0", "run.epochs: must be at least 1, not 0"),
        ("run.epoch=2", "run.epoch is no key; did you mean run.epochs?"),
        ("runs.epochs=2", "runs is no key; did you mean run?"),
        ("objective.epochs=2", "objective.epochs is no key; did you mean run.epochs?"),
        ("run.zebra=2", "run.zebra is no key; docs/training.md"),
        ("run.epochs=many", "run.epochs: must be a whole number"),
        ("epochs=2", "write section.key=value"),
        ("run.epochs", "write section.key=value"),
        ("objective.positives=softmax", "objective.positives: must be"),
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
