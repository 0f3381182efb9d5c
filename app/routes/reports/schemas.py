"""What is said about an evaluation report, and of it what every version of one holds."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class ReportSummary(BaseModel):
    """Which collection was evaluated, and when."""

    id: str
    created_at: datetime
    collection: str


class DamagedReport(BaseModel):
    """A report that cannot be read."""

    id: str
    problem: str = Field(description="what is wrong with it")


class ReportList(BaseModel):
    """Reports, newest first; the damaged ones come last."""

    reports: list[ReportSummary | DamagedReport]


class ReportBody(BaseModel):
    """`report.json`: everything that an evaluation found; docs/evaluation.md says what it means."""

    model_config = ConfigDict(extra="allow")

    format: int
    id: str
    created_at: datetime
    plan: dict[str, Any]
    facts: dict[str, Any]
    baseline: dict[str, Any] | None
    candidates: list[dict[str, Any]]
    comparisons: list[dict[str, Any]]
