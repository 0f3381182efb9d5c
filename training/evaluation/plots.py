"""Plots of a report as inline SVG. They hold no text of a user, and take their colours from CSS."""

# ruff: noqa: PLC0415  matplotlib takes a second to import; reading a report needs none

import re
from collections.abc import Sequence
from io import StringIO
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from molt.training.evaluation.report import Curves

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = npt.NDArray[np.float64]

# Stand-ins that no other colour equals; the page's own style says what they are.
_COLOURS = {
    "#010203": "var(--ink)",
    "#010204": "var(--muted)",
    "#010205": "var(--line)",
    "#010206": "var(--accent)",
    "#010207": "var(--good)",
    "#010208": "var(--bad)",
}
_INK, _MUTED, _LINE, _ACCENT, _GOOD, _BAD = _COLOURS
_MOST_POINTS = 500
_MOST_DOTS = 2_000


def scatter(baseline: Sequence[float], candidate: Sequence[float], *, measure: str) -> str:
    """Each query's value by both checkpoints; the larger a dot, the more queries lie there."""
    places, counts = _places(np.stack([baseline, candidate], axis=1))
    figure, axes = _figure(width=4.6, height=4.2)
    axes.plot([0, 1], [0, 1], color=_MUTED, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    change = np.sign(places[:, 1] - places[:, 0]).astype(int)
    sizes = np.minimum(14 * counts**0.7, 600)
    for sign, colour in ((0, _MUTED), (1, _GOOD), (-1, _BAD)):
        here = change == sign
        x, y = places[here].T
        axes.scatter(x, y, s=sizes[here], color=colour, alpha=0.45, linewidths=0, zorder=2)
    axes.set(xlim=(-0.04, 1.04), ylim=(-0.04, 1.04), aspect="equal")
    axes.set_xlabel(f"baseline {measure}")
    axes.set_ylabel(f"candidate {measure}")
    return _svg(figure)


def waterfall(baseline: Sequence[float], candidate: Sequence[float], *, measure: str) -> str:
    """The change of every query, from the largest gain to the largest loss."""
    change = np.sort(np.asarray(candidate) - np.asarray(baseline))[::-1]
    if len(change) > _MOST_POINTS:
        change = np.quantile(change, np.linspace(1, 0, _MOST_POINTS))
    share = np.concatenate([[0], (np.arange(len(change)) + 0.5) / len(change) * 100, [100]])
    change = np.pad(change, 1, mode="edge")
    figure, axes = _figure(width=4.6, height=4.2)
    for colour, part in ((_GOOD, np.maximum(change, 0)), (_BAD, np.minimum(change, 0))):
        axes.fill_between(share, part, step="mid", color=colour, alpha=0.55, linewidth=0)
    axes.axhline(0, color=_MUTED, linewidth=1)
    axes.set(xlim=(0, 100), ylim=(-1.04, 1.04))
    axes.set_xlabel("queries, % of all")
    axes.set_ylabel(f"change in {measure}")
    return _svg(figure)


def loss_curve(curves: Curves) -> str:
    """The training loss by step, and below it the part that is the late-interaction term's."""
    figure, axes = _figure(width=4.6, height=2.8)
    axes.plot(*_columns(curves.loss), color=_ACCENT, linewidth=1.4)
    axes.plot(*_columns(curves.late_interaction), color=_MUTED, linewidth=1.4)
    axes.set_xlabel("step")
    axes.set_ylabel("loss")
    return _svg(figure)


def dev_curve(curves: Curves) -> str:
    """nDCG@10 on dev by epoch; the best is marked."""
    figure, axes = _figure(width=4.6, height=2.8)
    epochs, values = _columns(curves.dev)
    axes.plot(epochs, values, color=_ACCENT, linewidth=1.4, marker="o", markersize=4)
    best = int(np.argmax(values))
    axes.plot(epochs[best], values[best], color=_GOOD, marker="o", markersize=8)
    axes.set_xlabel("epoch")
    axes.set_ylabel("nDCG@10 on dev")
    return _svg(figure)


def _places(points: Floats) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Where points `(n, 2)` lie, and how many at each place; as coarse as keeps them few."""
    for step in (0.01, 0.02, 0.05):
        rounded = np.round(np.round(points / step) * step, 2)
        places, counts = np.unique(rounded, axis=0, return_counts=True)
        if len(places) <= _MOST_DOTS:
            break
    return places, counts


def _columns(points: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [x for x, _ in points], [y for _, y in points]


def _figure(*, width: float, height: float) -> "tuple[Figure, Axes]":
    """An empty figure, in inches, that belongs to no window and no global state."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.grid(visible=True, color=_LINE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set_facecolor("none")
    axes.tick_params(color=_LINE, labelcolor=_MUTED)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_LINE)
    axes.xaxis.label.set_color(_INK)
    axes.yaxis.label.set_color(_INK)
    return figure, axes


def _svg(figure: "Figure") -> str:
    """The figure as an `<svg>` element: equal figures are equal text."""
    from matplotlib import rc_context

    written = StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "molt"}):
        figure.savefig(written, format="svg", metadata=nothing, facecolor="none")
    text = written.getvalue()
    text = text[text.index("<svg") :]
    for stand_in, colour in _COLOURS.items():
        text = text.replace(stand_in, colour)
    return re.sub(r"font: ([\d.]+)px [^;\"]+", r"font-size: \1px", text)
