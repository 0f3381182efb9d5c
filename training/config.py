"""The configuration of training, alone or to replace: a TOML file, and single keys set over it."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from molt.artifact import write_atomically
from molt.training.data.config import DataConfig
from molt.training.errors import TrainingError
from molt.training.evaluation.report import Plan
from molt.training.evaluation.significance import Sampling
from molt.training.evaluation.slices import BY_ANSWERS, BY_LENGTH, BY_TRAINING
from molt.training.fit.config import FitConfig
from molt.training.gate_config import GateConfig

_Config = TypeVar("_Config", bound=BaseModel)


class ConfigError(TrainingError):
    """A configuration that cannot be read, or says what cannot be."""


class TrainConfig(FitConfig):
    """Everything that `molt train --config` takes."""

    data: DataConfig = Field(default_factory=DataConfig)


class EvaluationConfig(BaseModel):
    """By what else than the whole a candidate is judged."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    slices: tuple[str, ...] = Field(
        (), description="Metadata fields of queries to slice by, beside the slices always made."
    )
    group: str | None = Field(
        None,
        description="Metadata field of documents whose groups share exposure; unset for none.",
    )


class RetrainConfig(TrainConfig):
    """Everything that `molt retrain --config` takes: a training run, and what it must pass."""

    evaluation: EvaluationConfig = Field(default_factory=EvaluationConfig)
    gate: GateConfig = Field(default_factory=GateConfig)

    @property
    def training(self) -> TrainConfig:
        """The training run's part, so that the run is named as `molt train` names it."""
        return TrainConfig(**{name: getattr(self, name) for name in TrainConfig.model_fields})

    @property
    def plan(self) -> Plan:
        """How to evaluate for the gate: on test, with intervals as wide as its level asks for."""
        return Plan(
            slices=self.evaluation.slices,
            group=self.evaluation.group,
            alpha=self.gate.alpha,
            sampling=Sampling(confidence=1 - self.gate.alpha),
        )

    @model_validator(mode="after")
    def _margins_of_slices(self) -> Self:
        made = (*self.evaluation.slices, BY_LENGTH, BY_ANSWERS, BY_TRAINING)
        for field in self.gate.slice_margins:
            if field not in made:
                raise ValueError(f"gate.slice_margins: add {field!r} to evaluation.slices too")
        return self


def read_config(path: Path | None, *, settings: Sequence[str] = ()) -> TrainConfig:
    """The configuration of a training run; as `read_as`."""
    return read_as(TrainConfig, path, settings=settings)


def read_as(schema: type[_Config], path: Path | None, *, settings: Sequence[str] = ()) -> _Config:
    """The configuration of a file, or the default one, with each `section.key=value` set over it.

    A value is TOML; what is no TOML is taken as a string. Raises `ConfigError`, which names the
    key.
    """
    values = {} if path is None else _read(path)
    for setting in settings:
        _set(values, setting)
    return validated(schema, values)


def validated(schema: type[_Config], values: Mapping[str, Any]) -> _Config:
    """The configuration that nested values make. Raises `ConfigError`, which names the key."""
    try:
        return schema.model_validate(values)
    except ValidationError as error:
        raise ConfigError("\n".join(map(_explained, error.errors(include_url=False)))) from None


def write_config(config: TrainConfig, path: Path) -> None:
    """Write every key to a file that `read_config` takes; what is unset is left out."""
    import tomli_w  # noqa: PLC0415  only tuning writes one

    sections = config.model_dump(mode="json", exclude_none=True)
    write_atomically(path.resolve(), tomli_w.dumps(sections).encode())


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is no TOML: {error}") from None


def _set(values: dict[str, Any], setting: str) -> None:
    key, separator, text = setting.partition("=")
    *sections, name = key.strip().split(".")
    if not separator or not sections or not name:
        raise ConfigError(f"{setting!r} sets nothing; write section.key=value, as run.epochs=2")
    for section in sections:
        values = values.setdefault(section, {})
        if not isinstance(values, dict):
            raise ConfigError(f"{setting!r}: {section} is no section")
    values[name] = _value(text.strip())


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _explained(error: Any) -> str:
    where = ".".join(map(str, error["loc"])) or "the configuration"
    if error["type"] == "extra_forbidden":
        return f"{where} is no key; docs/training.md and docs/evaluation.md list them"
    return f"{where}: {error['msg'].removeprefix('Value error, ')}, not {error['input']!r:.80}"
