import re
import xml.etree.ElementTree as ET
from collections.abc import Callable

import numpy as np
import pytest
from matplotlib import _pylab_helpers

from molt.training.evaluation.plots import dev_curve, loss_curve, scatter, waterfall
from molt.training.evaluation.report import Curves

Drawn = Callable[..., str]
SVG = "{http://www.w3.org/2000/svg}"


def test_each_plot_is_an_svg_element_alone() -> None:
    curves = Curves(loss=((0, 2), (5, 1)), dev=((1, 0.5), (2, 0.6)))
    for text in (
        scatter([0, 1], [1, 1], measure="nDCG@10"),
        waterfall([0, 1], [1, 1], measure="nDCG@10"),
        loss_curve(curves),
        dev_curve(curves),
    ):
        assert text.startswith("<svg")
        assert ET.fromstring(text).tag == f"{SVG}svg"


def test_queries_at_the_same_place_are_one_dot() -> None:
    few = scatter([0.2, 0.4], [0.3, 0.5], measure="nDCG@10")
    many = scatter([0.2, 0.4] * 5_000, [0.3, 0.5] * 5_000, measure="nDCG@10")
    assert len(many) < 1.2 * len(few)


@pytest.mark.parametrize("drawn", [scatter, waterfall])
def test_a_hundred_thousand_queries_make_a_plot_of_bounded_size(drawn: Drawn) -> None:
    random = np.random.default_rng(0)
    before, after = random.random((2, 100_000)).tolist()
    assert len(drawn(before, after, measure="nDCG@10")) < 400_000


@pytest.mark.parametrize("drawn", [scatter, waterfall])
def test_gains_and_losses_have_their_own_colours(drawn: Drawn) -> None:
    def colours(before: float, after: float) -> set[str]:
        text = drawn([before], [after], measure="nDCG@10")
        return set(re.findall(r"fill: var\(--(good|bad)\)", text))

    assert "good" in colours(0.1, 0.9)
    assert "bad" in colours(0.9, 0.1)


def test_drawing_touches_no_global_figure() -> None:
    scatter([0.5], [0.6], measure="nDCG@10")
    assert _pylab_helpers.Gcf.figs == {}
