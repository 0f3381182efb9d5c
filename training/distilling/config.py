"""How to distil: what is made, and every key that a configuration file may set. Reads no file."""

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from molt.training.data.config import DataConfig
from molt.training.fit.config import FitConfig, OptimiserConfig, RunConfig


@dataclass(frozen=True)
class FewerLayers:
    """A transformer with this many of the teacher's layers."""

    layers: int


@dataclass(frozen=True)
class Static:
    """A table of token vectors of this many numbers."""

    dimensions: int


Shape = FewerLayers | Static
"""What a checkpoint is distilled into."""


_RATE, _STATIC_RATE = 2e-4, 2e-2
_DECAY = 0.01


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LearningConfig(_Section):
    """What the student learns from, and how."""

    texts: int = Field(
        20_000, ge=20, le=10_000_000, description="Queries and documents used, at most."
    )
    epochs: int = Field(10, ge=1, le=1000, description="Passes over them, at most.")
    batch_size: int = Field(32, ge=2, le=8192, description="Texts in a step.")
    learning_rate: float | None = Field(
        None,
        gt=0,
        le=1,
        description="At its peak; if unset 0.0002 for layers and 0.02 for a static embedding.",
    )
    seed: int = Field(0, ge=0, lt=2**31, description="Of everything that is random.")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="Where to compute.")
    precision: Literal["auto", "bf16", "fp32"] = Field(
        "auto", description="`auto` is bf16 where the device computes in it."
    )

    def fitting(self, shape: Shape) -> FitConfig:
        """The same for the trainer. A table's rows that no text has are left as they are."""
        static = isinstance(shape, Static)
        usual = _STATIC_RATE if static else _RATE
        return FitConfig(
            optimiser=OptimiserConfig(
                learning_rate=self.learning_rate or usual, weight_decay=0.0 if static else _DECAY
            ),
            run=RunConfig(
                epochs=self.epochs,
                batch_size=self.batch_size,
                seed=self.seed,
                device=self.device,
                precision=self.precision,
            ),
        )


class DistilConfig(_Section):
    """Everything that `molt distil --config` takes."""

    distil: LearningConfig = LearningConfig()
    data: DataConfig = Field(default_factory=DataConfig)
