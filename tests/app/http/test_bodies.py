import asyncio
import gzip
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.types import Message

from molt.app.http.admission import OverloadedError
from molt.app.http.bodies import SMALL_BYTES, BodyBudget, parse_json, save_body, too_large
from molt.app.http.failures import BodyTooLargeError, InvalidJsonError

GZIPPED = gzip.compress(b"{}", mtime=0)


def test_bytes_beyond_the_budget_are_refused_until_others_are_given_back() -> None:
    budget = BodyBudget(10 * SMALL_BYTES)
    with budget.share() as one:
        one.resize(4 * SMALL_BYTES)
        one.resize(8 * SMALL_BYTES)
        with budget.share() as two:
            two.resize(2 * SMALL_BYTES)
            assert not two.fits(2 * SMALL_BYTES + 1)
            with pytest.raises(OverloadedError) as refused:
                two.resize(3 * SMALL_BYTES)
            assert (refused.value.where, refused.value.retry_after) == ("bodies", 1)
        assert budget.in_flight == 8 * SMALL_BYTES
    assert budget.in_flight == 0


def test_a_small_body_counts_for_nothing_and_always_fits() -> None:
    budget = BodyBudget(2 * SMALL_BYTES)
    with budget.share() as large, budget.share() as small:
        large.resize(2 * SMALL_BYTES)
        small.resize(SMALL_BYTES)
        assert budget.in_flight == 2 * SMALL_BYTES


def test_what_fails_gives_its_bytes_back() -> None:
    budget = BodyBudget(10 * SMALL_BYTES)

    def fail() -> None:
        with budget.share() as share:
            share.resize(5 * SMALL_BYTES)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert budget.in_flight == 0


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (GZIPPED, "it is packed with gzip; say so with Content-Encoding: gzip"),
        (b"\x28\xb5\x2f\xfd\x00", "it is packed with zstd"),
        ('{"a": 1}'.encode("utf-16"), "it is UTF-16; send UTF-8"),
        ('{"a": "caf\u00e9"}'.encode("latin-1"), "byte 10 is not valid UTF-8"),
    ],
)
def test_bytes_that_are_no_text_are_told_by_what_they_are(body: bytes, said: str) -> None:
    for one in (body, body + b" " * SMALL_BYTES):
        with pytest.raises(InvalidJsonError, match=said):
            parse_json(one)


MIB = 2**20


def saved(path: Path, *, pieces: int, limit: int) -> list[int]:
    """How large the file was before each piece of a MiB came."""
    sizes: list[int] = []

    async def receive() -> Message:
        sizes.append(path.stat().st_size)
        return {
            "type": "http.request",
            "body": b"x" * MIB,
            "more_body": len(sizes) < pieces,
        }

    request = Request({"type": "http", "method": "POST", "headers": []}, receive)
    asyncio.run(save_body(request, path, limit=limit, refusal=too_large(limit)))
    return sizes


def test_a_body_is_on_the_disk_before_all_of_it_has_come(tmp_path: Path) -> None:
    path = tmp_path / "body"
    sizes = saved(path, pieces=4, limit=4 * MIB)
    assert sizes[0] == 0
    assert all(size >= (at - 1) * MIB for at, size in enumerate(sizes))
    assert path.read_bytes() == b"x" * 4 * MIB


def test_a_body_that_goes_on_beyond_its_limit_is_refused_there(tmp_path: Path) -> None:
    with pytest.raises(BodyTooLargeError):
        saved(tmp_path / "body", pieces=1000, limit=2 * MIB)
    assert (tmp_path / "body").stat().st_size <= 2 * MIB
