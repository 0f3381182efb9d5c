"""Every connection is looked at, whatever comes of the others, and makes room in its turn."""

import asyncio
from unittest.mock import Mock

import pytest
from structlog.testing import capture_logs

from molt.app.http.connections.connection import Connection
from molt.app.http.connections.monitor import ConnectionMonitor
from molt.engine.sections import LimitSettings

pytestmark = pytest.mark.promise("P5", "heads without end, slow clients, too many connections")


def connection(loop: Mock) -> Mock:
    return Mock(spec=Connection, loop=loop, transport=Mock(spec=asyncio.Transport))


def test_a_connection_that_cannot_be_looked_at_is_ended_and_the_others_are_looked_at() -> None:
    loop = Mock(spec=asyncio.AbstractEventLoop)
    monitor = ConnectionMonitor(LimitSettings(), most=50)
    broken, *others = (connection(loop) for _ in range(9))
    broken.look.side_effect = ValueError("negative file descriptor")
    for one in (broken, *others):
        monitor.admit(one)
    with capture_logs() as logged:
        for _ in range(2):
            _, look, *given = loop.call_later.call_args.args
            look(*given)
    assert [one.look.call_count for one in others] == [2] * 8
    assert loop.call_later.call_count == 3
    broken.transport.abort.assert_called()
    assert {entry["event"] for entry in logged} == {"connection.failed"}


def test_the_connection_that_was_idle_for_longest_makes_room() -> None:
    loop = Mock(spec=asyncio.AbstractEventLoop)
    counts: list[int] = []
    monitor = ConnectionMonitor(LimitSettings(), most=4, on_count=counts.append)
    busy, *idle = (connection(loop) for _ in range(4))
    busy.is_idle, busy.since = False, 0.0
    for one, since in zip(idle, (30.0, 10.0, 20.0), strict=True):
        one.is_idle, one.since = True, since
        one.give_way.side_effect = lambda one=one: monitor.forget(one)
    for one in (busy, *idle):
        assert monitor.admit(one)
    for _ in range(2):
        late = connection(loop)
        late.is_idle = False
        assert monitor.admit(late)
    assert [one.give_way.called for one in (busy, *idle)] == [False, False, True, True]
    assert counts[-1] == 4
