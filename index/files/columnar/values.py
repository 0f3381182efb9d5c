"""Values of typed columns as what JSON has."""

import math
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from molt.index.files.row import Row


def plain_row(number: int, values: Mapping[str, Any]) -> Row:
    """A row without what is nothing: nulls, and numbers that are not finite."""
    plain = {name: plain_value(value) for name, value in values.items() if value is not None}
    return Row(number, {name: value for name, value in plain.items() if value is not None})


def plain_value(value: Any) -> Any:
    """Dates and times as ISO 8601, durations as seconds, decimals as numbers; None for NaN."""
    match value:
        case float():
            plain: Any = value if math.isfinite(value) else None
        case datetime() | date() | time():
            plain = value.isoformat()
        case Decimal():
            plain = _number(value)
        case timedelta():
            plain = value.total_seconds()
        case list():
            plain = [plain_value(inner) for inner in value]
        case dict():
            plain = {name: plain_value(inner) for name, inner in value.items()}
        case _:
            plain = value
    return plain


def _number(value: Decimal) -> int | float | None:
    if not value.is_finite():
        return None
    return int(value) if value == value.to_integral_value() else float(value)
