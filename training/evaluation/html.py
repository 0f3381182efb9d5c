"""The page: a report as one self-contained HTML file that runs nothing and asks for nothing.

Texts of users are hostile: every value is escaped, and characters that would hide or reorder what
stands around them are shown as replacement characters.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from molt.training.evaluation import plots
from molt.training.evaluation.measures import PRIMARY
from molt.training.evaluation.report import CheckpointResult, Comparison, Report, SliceResult
from molt.training.evaluation.sight import advice, sight
from molt.training.evaluation.verdict import encoder_alone, interval, p_value, signed, verdict

_TEMPLATE = "report.html.j2"
_MARKS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
_CONTROLS = {code for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\t\n"}
_HIDDEN = dict.fromkeys((*_CONTROLS, *map(ord, _MARKS)), "\N{REPLACEMENT CHARACTER}")


def render(report: Report) -> str:
    """The whole page."""
    views = [_view(report, at) for at in range(len(report.candidates))]
    return (
        _environment()
        .get_template(_TEMPLATE)
        .render(report=report, views=views, primary=PRIMARY, curves=_curves(report))
    )


def visible(value: Any) -> Any:
    """What the page shows for a value: nothing hidden, nothing that UTF-8 cannot hold."""
    if value is None:
        return "\N{EN DASH}"
    if isinstance(value, str) and not isinstance(value, Markup):
        return value.translate(_HIDDEN).encode("utf-8", "replace").decode("utf-8")
    return value


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("molt.training.evaluation"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "signed": signed,
        "interval": interval,
        "p_value": p_value,
        "mebibytes": lambda size: f"{size / 2**20:,.1f}",
    }
    environment.tests["records"] = _are_records
    return environment


def _are_records(value: object) -> bool:
    """Whether a value is a list of mappings with the same keys: a table."""
    if not isinstance(value, (list, tuple)) or not value:
        return False
    if not all(isinstance(each, Mapping) for each in value):
        return False
    return all(each.keys() == value[0].keys() for each in value)


def _view(report: Report, at: int) -> Mapping[str, object]:
    """One candidate as the template shows it."""
    result = report.candidates[at]
    compared = report.comparisons[at] if report.comparisons else None
    return {
        "result": result,
        "comparison": compared,
        "verdict": verdict(report, at),
        "alone": encoder_alone(report, at),
        "sight": [_sentence(each) for each in sight(report, at)],
        "advice": [_sentence(each) for each in advice(report, at)],
        "slices": _by_field(result),
        "reach": _reach(result),
        "plots": [] if compared is None else _plots(report, result, compared),
    }


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _plots(
    report: Report, result: CheckpointResult, compared: Comparison
) -> list[tuple[str, Markup]]:
    if report.baseline is None:
        return []
    values = (report.baseline.per_query[PRIMARY], result.per_query[PRIMARY])
    counts = f"{compared.wins:,} rise, {compared.losses:,} fall, {compared.ties:,} stay the same."
    drawn = {
        "Each query by both checkpoints. Above the line the candidate is better; the larger a dot, "
        "the more queries lie there.": plots.scatter(*values, measure=PRIMARY),
        f"The change of every query, largest gain first: {counts}": plots.waterfall(
            *values, measure=PRIMARY
        ),
    }
    return _figures(drawn)


def _curves(report: Report) -> list[tuple[str, Markup]]:
    curves = report.curves
    drawn = {}
    if curves is not None and curves.loss:
        caption = "Training loss by step"
        if curves.late_interaction:
            caption += ", and the part of it that is late interaction's, which trains token vectors"
        drawn[f"{caption}."] = plots.loss_curve(curves)
    if curves is not None and curves.dev:
        caption = f"{PRIMARY} on the dev split by epoch; the best epoch is marked."
        drawn[caption] = plots.dev_curve(curves)
    return _figures(drawn)


def _figures(drawn: Mapping[str, str]) -> list[tuple[str, Markup]]:
    """Captions with plots, which are our own and need no escaping."""
    return [(caption, Markup(svg)) for caption, svg in drawn.items()]  # noqa: S704  see above


def _by_field(result: CheckpointResult) -> dict[str, list[SliceResult]]:
    found: dict[str, list[SliceResult]] = {}
    for each in result.slices:
        found.setdefault(each.by, []).append(each)
    return found


def _reach(result: CheckpointResult) -> float:
    """How far the intervals of slices reach from zero: the half width of their drawing."""
    ends = [
        abs(end)
        for each in result.slices
        if each.difference is not None
        for end in (each.difference.low, each.difference.high)
        if end is not None
    ]
    return max(ends, default=0.0) or 1.0
