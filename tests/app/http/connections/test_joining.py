"""What is written to a connection is what was meant to be, in fewer calls."""

import asyncio
from unittest.mock import Mock, call

import pytest

from molt.app.http.connections.joining import MOST, JoinedWrites


@pytest.fixture
def loop() -> Mock:
    return Mock(spec=asyncio.AbstractEventLoop)


@pytest.fixture
def transport() -> Mock:
    made = Mock(spec=asyncio.Transport)
    made.get_write_buffer_size.return_value = 7
    return made


@pytest.fixture
def joined(transport: Mock, loop: Mock) -> JoinedWrites:
    return JoinedWrites(transport, loop)


def go_on(loop: Mock) -> None:
    """What the loop was asked to do."""
    for each in loop.call_soon.call_args_list:
        each.args[0]()
    loop.call_soon.reset_mock()


def test_a_head_goes_out_with_its_body(joined: JoinedWrites, transport: Mock, loop: Mock) -> None:
    joined.write(b"head")
    transport.write.assert_not_called()
    joined.write(b"body")
    transport.write.assert_called_once_with(b"headbody")
    go_on(loop)
    transport.write.assert_called_once()


def test_a_head_that_is_alone_goes_out_when_the_loop_goes_on(
    joined: JoinedWrites, transport: Mock, loop: Mock
) -> None:
    joined.write(b"head of a stream")
    assert joined.get_write_buffer_size() == 7 + len(b"head of a stream")
    go_on(loop)
    transport.write.assert_called_once_with(b"head of a stream")
    assert joined.get_write_buffer_size() == 7
    joined.write(b"event")
    go_on(loop)
    assert transport.write.call_args == call(b"event")


def test_a_third_piece_is_sent_in_its_turn(
    joined: JoinedWrites, transport: Mock, loop: Mock
) -> None:
    for piece in (b"a", b"b", b"c"):
        joined.write(piece)
    go_on(loop)
    assert transport.write.call_args_list == [call(b"ab"), call(b"c")]
    assert loop.call_soon.call_count == 0


def test_what_is_large_is_not_copied(joined: JoinedWrites, transport: Mock) -> None:
    large = b"x" * MOST
    joined.write(b"head")
    joined.write(large)
    assert transport.write.call_args_list == [call(b"head"), call(large)]
    assert transport.write.call_args.args[0] is large


@pytest.mark.parametrize("end", ["close", "write_eof", "set_protocol"])
def test_what_is_kept_goes_out_before_the_end(
    joined: JoinedWrites, transport: Mock, end: str
) -> None:
    joined.write(b"head")
    getattr(joined, end)(*([Mock()] if end == "set_protocol" else []))
    assert [each[0] for each in transport.method_calls] == ["write", end]


def test_nothing_goes_out_once_it_was_aborted(
    joined: JoinedWrites, transport: Mock, loop: Mock
) -> None:
    joined.write(b"head")
    joined.abort()
    go_on(loop)
    transport.write.assert_not_called()
    transport.abort.assert_called_once_with()


def test_everything_else_is_the_transports_own(joined: JoinedWrites, transport: Mock) -> None:
    transport.is_closing.return_value = True
    assert joined.is_closing()
    joined.pause_reading()
    transport.pause_reading.assert_called_once_with()
