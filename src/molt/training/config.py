"""The configuration of a training run: a TOML file, and single keys set over it."""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, Field, ValidationError

from molt.artifact import write_atomically
from molt.training.data.config import DataConfig
from molt.training.errors import TrainingError
from molt.training.fit.config import FitConfig

_Config = TypeVar("_Config", bound=BaseModel)


class ConfigError(TrainingError):
    """A configuration that cannot be read, or says what cannot be."""


class TrainConfig(FitConfig):
    """Everything that `molt train --config` takes."""

    data: DataConfig = Field(default_factory=DataConfig)


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
        return f"{where} is no key; docs/training.md lists them all"
    return f"{where}: {error['msg'].removeprefix('Value error, ')}, not {error['input']!r:.80}"
