import pytest

from molt.engine.sections import WatchSettings
from molt.engine.watch.worsening import Sample, Share, worsening

SETTINGS = WatchSettings()
FAST = [0.01] * 100


def judged(before: Sample, after: Sample) -> str | None:
    return worsening(before, after, SETTINGS)


def failing(failed: int, n: int) -> Sample:
    return Sample([0.01] * (n - failed), failed)


def clicked(hits: int, n: int) -> Sample:
    return Sample(FAST, 0, Share(hits, n))


def test_the_same_again_is_no_worsening() -> None:
    sample = Sample(FAST, 5, Share(40, 100))
    assert judged(sample, sample) is None


def test_nothing_seen_is_no_worsening() -> None:
    assert judged(Sample(), Sample()) is None


def test_more_failing_searches_are_a_worsening() -> None:
    said = judged(failing(0, 100), failing(10, 100))
    assert said == "the share of failing searches rose from 0.0% to 10.0%"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (failing(10, 100), failing(10, 100)),
        (failing(10, 100), failing(0, 100)),
        (failing(0, 1000), failing(9, 1000)),  # within what is allowed
        (failing(0, 100), failing(3, 100)),  # may be chance
        (failing(0, 100), failing(49, 49)),  # too few
    ],
)
def test_no_more_failing_searches_than_allowed_or_than_chance_explains_are_none(
    before: Sample, after: Sample
) -> None:
    assert judged(before, after) is None


def test_failing_searches_are_a_worsening_where_nothing_is_known_of_before() -> None:
    assert judged(Sample(), failing(10, 50)) is not None
    assert judged(Sample(), failing(1, 50)) is None


def test_slower_searches_are_a_worsening() -> None:
    said = judged(Sample([0.02] * 100), Sample([0.05] * 100))
    assert said == "the slowest 5 % of searches take 50 ms or more, 20 ms before"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([0.02] * 100, [0.04] * 100),  # within what is allowed
        ([0.001] * 100, [0.009] * 100),  # nobody notices
        ([0.02] * 100, [0.02] * 96 + [9.0] * 4),  # the slowest of all say little
        ([0.02] * 96 + [9.0] * 4, [0.02] * 93 + [9.0] * 7),  # that may be chance
        ([0.02] * 49, [9.0] * 100),  # too few before
        ([0.02] * 100, [9.0] * 49),  # too few after
    ],
)
def test_no_slower_searches_than_allowed_or_noticed_are_none(
    before: list[float], after: list[float]
) -> None:
    assert judged(Sample(before), Sample(after)) is None


def test_fewer_queries_with_a_click_are_a_worsening() -> None:
    said = judged(clicked(400, 1000), clicked(300, 1000))
    assert said == "the share of queries with a click fell from 40.0% to 30.0%"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (clicked(400, 1000), clicked(500, 1000)),
        (clicked(400, 1000), clicked(365, 1000)),  # within what is allowed
        (clicked(20, 50), clicked(15, 50)),  # may be chance
        (clicked(49, 49), clicked(0, 1000)),  # too few before
        (clicked(400, 1000), clicked(0, 49)),  # too few after
        (clicked(0, 1000), clicked(0, 1000)),  # nobody ever clicks
    ],
)
def test_no_fewer_clicks_than_allowed_or_than_chance_explains_are_none(
    before: Sample, after: Sample
) -> None:
    assert judged(before, after) is None


def test_what_is_allowed_is_a_setting() -> None:
    lenient = WatchSettings(
        min_requests=1000, max_error_share=0.5, max_slowdown=10, max_click_loss=0.9
    )
    before = Sample([0.02] * 1000, 0, Share(500, 1000))
    after = Sample([0.1] * 1000, 100, Share(100, 1000))
    assert judged(before, after) is not None
    assert worsening(before, after, lenient) is None
