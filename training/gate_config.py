"""When a candidate may serve: every key of the gate, with its default and its bounds.

Reads no file; `training.config` does.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Margin = Annotated[float, Field(ge=0, le=1)]


class GateConfig(BaseModel):
    """What a candidate must show, and what it may cost."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    require: Literal["gain", "non-inferiority"] = Field(
        "gain",
        description="`gain`: nDCG@10 must rise significantly. `non-inferiority`: it must be shown "
        "not to fall by as much as `gate.margin`.",
    )
    alpha: float = Field(
        0.05,
        ge=0.001,
        le=0.2,
        description="Level of every test, two-sided; intervals are of 1 - alpha. All candidates of "
        "an account together are promoted by chance no more often than this.",
    )
    renew_share: float = Field(
        0.5,
        ge=0.1,
        le=0.95,
        description="Share of the test split's queries that must be new since its account was "
        "opened, for another account to be opened.",
    )
    margin: Margin = Field(
        0.01,
        description="How much of nDCG@10 is not worth arguing about: `non-inferiority` allows it, "
        "and reports say how many queries it takes to show it.",
    )
    min_queries: int = Field(
        10, ge=2, description="With fewer judged queries in the split, nothing is decided."
    )
    slice_margin: Margin = Field(
        0.02,
        description="nDCG@10 of a slice may fall by this much, even significantly (after the "
        "correction of Benjamini and Hochberg).",
    )
    slice_margins: Mapping[str, Margin] = Field(
        default_factory=dict, description="Other margins for the slices of single fields."
    )
    exposure_margin: Margin = Field(
        0.2,
        description="Part of the exposure it deserves that a group of documents may lose; 1 lets "
        "any group vanish.",
    )
    max_slowdown: float = Field(
        1.25,
        gt=0,
        description="Median time to encode a query, at most this many times the baseline's.",
    )
    max_growth: float = Field(
        1.5,
        gt=0,
        description="Bytes of the graph that serves, at most this many times the baseline's.",
    )
    max_p50_ms: float | None = Field(
        None,
        gt=0,
        description="Median milliseconds to encode a query, at most; unset for no limit.",
    )
    max_bytes: int | None = Field(
        None, gt=0, description="Bytes of the graph that serves, at most; unset for no limit."
    )
