"""What a connection takes from whom, by a clock of our own: nobody is ended for our slowness."""

import pytest

from molt.app.http.connections.connection import Phase
from molt.app.http.connections.pace import PATIENCE_SECONDS
from tests.app.http.connections.made import GET, KEPT_ALIVE, LEAST, LIMITS, Made

pytestmark = pytest.mark.promise("P5", "heads without end, slow clients, too many connections")


@pytest.fixture
def made() -> Made:
    return Made()


def post(length: int) -> bytes:
    return b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % length


def test_a_body_that_comes_at_the_least_rate_is_taken(made: Made) -> None:
    made.receives(post(100 * LEAST))
    for _ in range(10):
        made.receives(b"x" * LEAST)
        made.one.flow.resume_reading()  # as whoever reads the body does
        made.passes(PATIENCE_SECONDS)
    assert not made.is_ended
    made.passes(PATIENCE_SECONDS)
    assert made.refused == ["slow_request"]


def test_a_body_is_not_too_slow_while_nobody_here_reads_it(made: Made) -> None:
    made.receives(post(100 * LEAST))
    made.receives(b"x" * 3 * LEAST)
    assert made.one.flow.read_paused
    for _ in range(10):
        made.passes(PATIENCE_SECONDS)
    assert not made.is_ended
    made.one.flow.resume_reading()
    made.passes(PATIENCE_SECONDS - 1)
    assert not made.is_ended


def test_a_reader_has_its_time_from_when_it_reads_too_slowly(made: Made) -> None:
    made.receives(GET)
    made.passes(10 * PATIENCE_SECONDS)
    made.left = 100 * LEAST
    made.one.pause_writing()
    made.passes(1.0)
    assert not made.is_ended
    made.passes(PATIENCE_SECONDS)
    assert made.refused == ["slow_reader"]


def test_the_rest_of_an_answer_has_to_be_taken_though_little_is_left(made: Made) -> None:
    """Nothing else would end the connection: it is closed when its last byte has gone."""
    made.receives(GET)
    made.left = LEAST // 2
    made.answers()
    assert not made.one.is_idle, "to make room it would be forgotten, and stay open"
    made.passes(PATIENCE_SECONDS - 1)
    assert not made.is_ended
    made.passes(1.0)
    assert made.refused == ["slow_reader"]
    made.transport.abort.assert_called_once()


def test_an_answer_whose_rest_was_taken_leaves_an_idle_connection(made: Made) -> None:
    made.receives(GET)
    made.left = LEAST // 2
    made.answers()
    made.passes(PATIENCE_SECONDS - 1)
    made.left = 0
    made.passes(PATIENCE_SECONDS)
    assert made.one.is_idle
    assert not made.is_ended


def test_what_is_closed_before_its_answer_was_taken_is_ended(made: Made) -> None:
    made.receives(post(100 * LEAST))
    made.answers()
    made.passes(PATIENCE_SECONDS + 1)
    made.transport.close.assert_called_once()
    made.left = 1
    made.transport.is_closing.return_value = True
    for _ in range(3):
        made.passes(PATIENCE_SECONDS)
    made.transport.abort.assert_called()


def test_who_goes_on_sending_is_no_reader(made: Made) -> None:
    made.receives(post(100 * LEAST))
    made.left = 100 * LEAST
    made.one.pause_writing()
    made.receives(b"x" * 10 * LEAST)
    made.one.flow.resume_reading()
    made.passes(PATIENCE_SECONDS)
    assert made.refused == ["slow_reader"]


def test_who_reads_at_the_least_rate_may_take_its_time(made: Made) -> None:
    made.receives(GET)
    made.left = 100 * LEAST
    made.one.pause_writing()
    made.passes(0.0)
    for _ in range(10):
        made.left -= LEAST
        made.passes(PATIENCE_SECONDS)
    assert not made.is_ended


def test_a_request_may_be_answered_late(made: Made) -> None:
    made.receives(GET)
    for _ in range(10):
        made.passes(PATIENCE_SECONDS)
    assert not made.is_ended


def test_a_head_has_its_time_from_its_first_byte(made: Made) -> None:
    made.receives(GET)
    made.answers()
    made.passes(KEPT_ALIVE - 1)
    made.receives(b"GET /")
    made.passes(19.0)
    assert not made.is_ended
    made.receives(b"search HTTP/1.1\r\nX-More: 1")
    made.passes(2.0)
    assert made.refused == ["slow_request"]


def test_a_connection_is_kept_alive_for_a_while_after_its_last_answer(made: Made) -> None:
    made.receives(GET)
    made.answers()
    made.passes(KEPT_ALIVE - 1)
    assert not made.is_ended
    made.passes(2.0)
    assert made.transport.close.called
    assert made.refused == []


def test_a_connection_ends_too_whose_request_was_answered_before_all_of_it_had_come(
    made: Made,
) -> None:
    made.receives(post(10) + b"12345")
    made.answers()
    made.receives(b"67890")
    assert made.one.phase is Phase.IDLE
    made.passes(KEPT_ALIVE + 1)
    assert made.transport.close.called


def test_who_was_refused_and_stays_is_cut_off(made: Made) -> None:
    made.receives(b"HELO there\r\n\r\n")
    assert made.refused == ["invalid_http"]
    made.passes(1.0)
    assert not made.transport.abort.called
    made.passes(2.0)
    assert made.transport.abort.called


def test_who_was_refused_and_goes_on_sending_is_cut_off(made: Made) -> None:
    made.receives(b"HELO there\r\n\r\n")
    for _ in range(2**20 // 65_536):
        made.receives(b"x" * 65_536)
    assert not made.transport.abort.called
    made.receives(b"x" * 65_536)
    assert made.transport.abort.called


def test_a_connection_that_ended_counts_no_more(made: Made) -> None:
    made.one.connection_lost(None)
    assert made.counts == [1, 0]


@pytest.mark.parametrize("more", [b"X: " + b"a" * 40_000, b"X: 1\r\n" * 102])
def test_a_head_that_is_too_large_is_refused_before_it_ends(made: Made, more: bytes) -> None:
    made.receives(b"GET / HTTP/1.1\r\n" + more)
    assert made.refused == ["head_too_large"]


@pytest.mark.parametrize("size", [32_768, 32_769])
def test_a_head_may_have_as_many_bytes_as_the_limit_says(made: Made, size: int) -> None:
    """The parser is fed in pieces, so that the last of them may bring a head beyond it."""
    made.receives(
        b"GET / HTTP/1.1\r\nX: " + b"a" * (size - len("/") - len("X: \r\n")) + b"\r\n\r\n"
    )
    assert made.refused == (["head_too_large"] if size > LIMITS.max_head_bytes else [])
