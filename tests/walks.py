"""Walks: parameters of which the suite tries the first ones, and `make walk` all."""

from collections.abc import Iterable
from typing import Any

import pytest
from _pytest.mark.structures import ParameterSet


def shortened(parameters: Iterable[Any], *, kept: int = 1) -> list[ParameterSet | Any]:
    """The parameters, of which those behind the first `kept` are for walks only."""
    first = list(parameters)
    rest = (each if isinstance(each, tuple) else (each,) for each in first[kept:])
    return first[:kept] + [pytest.param(*values, marks=pytest.mark.walk) for values in rest]
