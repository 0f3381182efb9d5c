"""What may be set about data: how it is cleaned, split and weighted. Reads no file."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Weighting(StrEnum):
    """What is done about queries and grades that have many more examples than others."""

    LOG = "log"
    NONE = "none"


class DataConfig(BaseModel):
    """How relevance data becomes a dataset."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dev_share: float = Field(
        0.1, gt=0, le=0.45, description="Share of the queries without a split that go to dev."
    )
    test_share: float = Field(
        0.2, gt=0, le=0.45, description="Share of the queries without a split that go to test."
    )
    split_seed: int = Field(
        0, ge=0, lt=2**31, description="Another number puts queries without a split elsewhere."
    )
    near_duplicate: float = Field(
        0.9,
        ge=0.5,
        le=1,
        description="Queries ask the same when they share at least this share of their words.",
    )
    max_characters: int = Field(
        20_000, ge=200, le=100_000, description="Longer texts are cut here."
    )
    max_rejected_share: float = Field(
        0.1, ge=0, le=1, description="A file with a larger share of bad rows is refused."
    )
    weighting: Weighting = Field(
        Weighting.LOG,
        description="`log` draws examples of queries and grades that have very many of them less "
        "often; `none` draws all alike.",
    )

    @model_validator(mode="after")
    def _leaves_train(self) -> "DataConfig":
        if self.dev_share + self.test_share > 0.8:
            raise ValueError("dev_share and test_share leave less than a fifth to train")
        return self
