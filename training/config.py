"""The configuration of training, alone or to replace: a TOML file, and single keys set over it."""

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from molt.artifact import write_atomically
from molt.artifact.wording import plainly
from molt.training.data.config import DataConfig
from molt.training.errors import TrainingError
from molt.training.evaluation.report import EvaluationPlan
from molt.training.evaluation.significance import Sampling
from molt.training.evaluation.slices import BY_ANSWERS, BY_LENGTH, BY_TRAINING
from molt.training.fit.config import FitConfig
from molt.training.gate_config import GateConfig

_Config = TypeVar("_Config", bound=BaseModel)

EvaluationMode = Literal["serving", "hybrid", "dense"]
"""What an evaluation judges: `serving` is hybrid wherever the collection has a lexical index."""


@dataclass(frozen=True)
class ConfigProblem:
    """A key that is none, or whose value cannot be: where, why, and the value as it was given."""

    place: tuple[str | int, ...]
    detail: str
    value: str | None = None

    def __str__(self) -> str:
        where = ".".join(map(str, self.place)) or "the configuration"
        if self.value is None:
            return f"{where} {self.detail}"
        return f"{where}: {self.detail}, not {self.value}"


class ConfigError(TrainingError):
    """A configuration that cannot be read, or says what cannot be: `problems` are its keys."""

    def __init__(self, message: str, problems: Sequence[ConfigProblem] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


class TrainConfig(FitConfig):
    """Everything that `molt train --config` takes."""

    data: DataConfig = Field(default_factory=DataConfig)


class EvaluationConfig(BaseModel):
    """By what search, and by what else than the whole, a candidate is judged."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: EvaluationMode = Field(
        "serving",
        description="Which search is judged: the one that would serve, the whole of a `hybrid` "
        "one, or vectors alone (`dense`).",
    )
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
    def plan(self) -> EvaluationPlan:
        """How to evaluate for the gate: on test, with intervals as wide as its level asks for."""
        return EvaluationPlan(
            slices=self.evaluation.slices,
            group=self.evaluation.group,
            alpha=self.gate.alpha,
            sampling=Sampling(confidence=1 - self.gate.alpha),
            worth=self.gate.margin,
        )

    def plan_at(self, level: float) -> EvaluationPlan:
        """The same where the gate decides at another level: by its intervals, if it reads those."""
        if self.gate.require == "gain":
            return self.plan
        return replace(self.plan, sampling=self.plan.sampling.within(level))

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
        found = [_problem(schema, one) for one in error.errors(include_url=False)]
        raise ConfigError("\n".join(map(str, found)), found) from None


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


def _problem(schema: type[BaseModel], error: Any) -> ConfigProblem:
    place = tuple(error["loc"])
    if error["type"] == "extra_forbidden":
        return ConfigProblem(place, f"is no key; {_near_miss(schema, place)}")
    said = plainly(str(error["msg"]).removesuffix(" or instance of mappingproxy"))
    return ConfigProblem(place, said, f"{json.dumps(error['input'], default=str):.80}")


def _near_miss(schema: type[BaseModel], place: tuple[str | int, ...]) -> str:
    """What may have been meant by a key: one like it beside it, or one of its name elsewhere."""
    *sections, wrong = map(str, place)
    if wrong in _keys(schema):
        section, _, key = wrong.partition(".")
        return f"{section} is a section; give the key {key} inside of it"
    here: Any = schema
    for section in sections:
        here = getattr(here, "model_fields", {})[section].annotation
    near = get_close_matches(wrong, getattr(here, "model_fields", ()), n=1)
    if near:
        return f"did you mean {'.'.join((*sections, *near))}?"
    elsewhere = [name for name in _keys(schema) if name.rpartition(".")[2] == wrong]
    if elsewhere:
        return f"did you mean {elsewhere[0]}?"
    return "docs/training.md and docs/evaluation.md list them"


def _keys(schema: type[BaseModel]) -> list[str]:
    return [
        f"{section}.{key}"
        for section, field in schema.model_fields.items()
        for key in getattr(field.annotation, "model_fields", ())
    ]
