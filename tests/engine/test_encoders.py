import os
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from molt.artifact import CorruptFileError, give_way
from molt.encoder.errors import CheckpointNotFoundError
from molt.encoder.safety.cancellation import Cancellation, current
from molt.engine.encoders import Encoders
from molt.engine.errors import EncodersBusyError
from tests.hashing import HashingEncoder


def test_an_encoder_is_given_out_while_another_is_being_opened() -> None:
    opening, go_on = threading.Event(), threading.Event()

    def open_one(name: str) -> HashingEncoder:
        if name == "slow":
            opening.set()
            assert go_on.wait(10)
        return HashingEncoder()

    encoders = Encoders(open_one)  # type: ignore[arg-type]
    quick = encoders.get("quick")
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(encoders.get, "slow")
        assert opening.wait(10)
        assert encoders.get("quick") is quick
        go_on.set()
        assert slow.result() is encoders.get("slow")


def test_whoever_closes_does_not_wait_for_what_is_just_being_opened() -> None:
    opening, go_on = threading.Event(), threading.Event()

    def open_one(name: str) -> HashingEncoder:
        if name == "slow":
            opening.set()
            assert go_on.wait(10)
        return HashingEncoder()

    encoders = Encoders(open_one)  # type: ignore[arg-type]
    quick = encoders.get("quick")
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(encoders.get, "slow")
        assert opening.wait(10)
        closing = pool.submit(encoders.close)
        closing.result(timeout=5)
        assert quick.closed  # type: ignore[attr-defined]
        go_on.set()
        slow.result()


def test_a_checkpoint_that_many_ask_for_at_once_is_opened_once() -> None:
    opened = []

    def open_one(name: str) -> HashingEncoder:
        opened.append(name)
        return HashingEncoder()

    encoders = Encoders(open_one)  # type: ignore[arg-type]
    with ThreadPoolExecutor(8) as pool:
        found = set(map(id, pool.map(encoders.get, ["one"] * 50)))
    assert len(found) == len(opened) == 1


def test_a_checkpoint_that_cannot_be_opened_is_tried_again() -> None:
    attempts = []

    def open_one(name: str) -> HashingEncoder:
        attempts.append(name)
        if len(attempts) == 1:
            raise OSError(name)
        return HashingEncoder()

    encoders = Encoders(open_one)  # type: ignore[arg-type]
    with pytest.raises(OSError, match="one"):
        encoders.get("one")
    assert encoders.get("one") is encoders.get("one")


def test_who_asked_first_and_goes_away_spoils_it_for_nobody() -> None:
    gone = Cancellation()

    def open_one(_name: str) -> HashingEncoder:
        gone.cancel()
        current().check()
        return HashingEncoder()

    encoders = Encoders(open_one)  # type: ignore[arg-type]
    with gone.scope():
        first = encoders.get("one")
    assert encoders.get("one") is first


def test_an_encoder_that_is_neither_kept_nor_spare_is_let_go() -> None:
    encoders = Encoders(lambda _: HashingEncoder(), spare=1)  # type: ignore[arg-type, return-value]
    kept, dropped, spare = (encoders.get(name) for name in ("kept", "dropped", "spare"))
    encoders.keep({"kept"})
    assert encoders.get("kept") is kept
    assert encoders.get("spare") is spare
    assert encoders.get("dropped") is not dropped


class Opening:
    """Opens hashing encoders, and knows which of them somebody still refers to."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._made: list[weakref.ref[HashingEncoder]] = []

    def __call__(self, name: str) -> HashingEncoder:
        self.names.append(name)
        encoder = HashingEncoder()
        self._made.append(weakref.ref(encoder))
        return encoder

    def open(self) -> int:
        return sum(made() is not None for made in self._made)


def test_of_encoders_that_requests_ask_for_the_one_used_least_recently_gives_way() -> None:
    opening = Opening()
    encoders = Encoders(opening, max_lent=2)  # type: ignore[arg-type]
    for name in ("one", "two", "one", "three", "one", "two"):
        with encoders.lend(name):
            assert opening.open() <= 2
    assert opening.names == ["one", "two", "three", "two"]


def test_one_more_encoder_is_refused_while_all_are_in_use_and_none_of_them_is_closed() -> None:
    opening = Opening()
    encoders = Encoders(opening, max_lent=2)  # type: ignore[arg-type]
    with encoders.lend("one") as one, encoders.lend("two"):
        with pytest.raises(EncodersBusyError, match=r"encoder\.max_open"):
            encoders.lend("x").__enter__()
        assert not one.closed  # type: ignore[attr-defined]
        del one
    with encoders.lend("three"):
        assert opening.open() == 2
    assert opening.names == ["one", "two", "three"]


def test_an_encoder_that_is_being_opened_for_a_request_counts() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def open_slowly(_: str) -> HashingEncoder:
        begun.set()
        assert go_on.wait(10)
        return HashingEncoder()

    def use(name: str) -> None:
        with encoders.lend(name):
            pass

    encoders = Encoders(open_slowly, max_lent=1)  # type: ignore[arg-type]
    with ThreadPoolExecutor() as pool:
        first = pool.submit(use, "one")
        assert begun.wait(10)
        with pytest.raises(EncodersBusyError):
            use("two")
        go_on.set()
        first.result()
    use("two")


def test_what_serves_is_not_counted_and_gives_way_to_no_request() -> None:
    opening = Opening()
    encoders = Encoders(opening, max_lent=1)  # type: ignore[arg-type]
    serving = encoders.get("serving")
    with encoders.lend("serving") as lent, encoders.lend("one"):
        assert lent is serving
    with encoders.lend("two"):
        encoders.keep({"serving"})
    assert encoders.get("serving") is serving
    assert opening.open() == 2


def test_what_a_request_opened_and_then_serves_is_counted_no_more() -> None:
    opening = Opening()
    encoders = Encoders(opening, max_lent=1)  # type: ignore[arg-type]
    with encoders.lend("one") as one:
        assert encoders.get("one") is one
        with encoders.lend("two"):
            assert opening.open() == 2


def test_an_encoder_that_could_not_be_opened_leaves_its_place() -> None:
    def refuse(name: str) -> HashingEncoder:
        raise OSError(name)

    encoders = Encoders(refuse, max_lent=1)
    for name in ("one", "two"):
        with pytest.raises(OSError, match=name), encoders.lend(name):
            pass


def test_a_checkpoint_that_was_refused_is_not_opened_again_until_its_files_change() -> None:
    opened, files = [], [("model", 1, 1, 1)]

    def open_one(name: str) -> HashingEncoder:
        opened.append(name)
        if len(opened) == 1:
            raise CorruptFileError(Path("model"), "is damaged")
        return HashingEncoder()

    encoders = Encoders(open_one, files=lambda _: tuple(files))  # type: ignore[arg-type]
    for _ in range(3):
        with pytest.raises(CorruptFileError, match="model: is damaged"):
            encoders.get("one")
    assert opened == ["one"]
    files[0] = ("model", 1, 2, 1)
    assert encoders.get("one") is encoders.get("one")


def test_names_of_nothing_are_not_remembered() -> None:
    opened: list[str] = []

    def open_one(name: str) -> HashingEncoder:
        opened.append(name)
        raise CheckpointNotFoundError(name)

    encoders = Encoders(open_one)  # type: ignore[arg-type]
    for _ in range(2):
        with pytest.raises(CheckpointNotFoundError):
            encoders.get("gpt-7")
    assert opened == ["gpt-7"] * 2
    assert encoders._refused == {}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a niceness of each thread")
def test_an_encoder_that_indexing_asks_for_first_is_as_quick_for_searches() -> None:
    seen = []

    def open_one(name: str) -> HashingEncoder:
        seen.append(os.getpriority(os.PRIO_PROCESS, 0))
        return HashingEncoder()

    def index() -> None:
        give_way(5)
        Encoders(open_one).get("new")  # type: ignore[arg-type]

    with ThreadPoolExecutor(1) as pool:
        pool.submit(index).result()
    assert seen == [os.getpriority(os.PRIO_PROCESS, 0)]
