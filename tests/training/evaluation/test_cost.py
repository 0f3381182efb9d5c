from dataclasses import replace

from molt.encoder import InputType, Lane
from molt.encoder.host import fingerprint
from molt.training.evaluation.cost import costs
from tests.hashing import HashingEncoder


def test_encoders_take_turns_one_query_at_a_time() -> None:
    turns: list[int] = []

    class Noting(HashingEncoder):
        def encode(self, *arguments: object, **options: object) -> object:
            turns.append(self.seed)
            return super().encode(*arguments, **options)

    first, second = Noting(seed=0), Noting(seed=1)
    costs([first, second], [f"query {at}" for at in range(1_000)])
    assert turns[-400:] == [0, 1] * 200
    assert set(first.calls) == {(1, InputType.QUERY, Lane.INTERACTIVE)}


def test_percentiles_are_in_order() -> None:
    (cost,) = costs([HashingEncoder()], ["a", "b", "c"])
    assert 0 < cost.latency_p50_ms <= cost.latency_p95_ms


def test_a_speed_that_another_host_measured_is_left_out() -> None:
    foreign, own = HashingEncoder(), HashingEncoder()
    own.variant = replace(own.variant, host=fingerprint())
    found = costs([foreign, own], ["a query"])
    assert [each.texts_per_second for each in found] == [None, 10_000.0]
