"""That a text was cut is told beside a write, which stays acknowledged where it cannot be told."""

import asyncio
import errno
from collections.abc import Iterator

import pytest

from molt.app.http.admission import Admission, Bulkhead
from molt.app.routes.documents.truncation import telling_truncated
from molt.encoder.errors import HangingCheckpointError
from molt.index.errors import CatalogError

KEPT = {"accepted": 1, "revision": 7, "indexed": True}


@pytest.fixture
def admission() -> Iterator[Admission]:
    made = Admission(Bulkhead.WRITES, max_pending=1, threads=1)
    yield made
    made.close()


@pytest.mark.parametrize(
    "failure",
    [
        HangingCheckpointError("a text was not encoded in 10 s"),
        CatalogError("the catalog is locked"),
        OSError(errno.EMFILE, "too many open files"),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_a_write_is_acknowledged_although_nobody_can_count_what_was_cut(
    admission: Admission, failure: Exception
) -> None:
    def count() -> int:
        raise failure

    assert asyncio.run(telling_truncated(KEPT, count, admission=admission)) == KEPT


def test_what_was_cut_is_told_of_what_is_indexed_alone(admission: Admission) -> None:
    def told(answer: dict[str, object]) -> dict[str, object]:
        return asyncio.run(telling_truncated(answer, lambda: 3, admission=admission))

    assert told(KEPT) == KEPT | {"truncated": 3}
    waiting = KEPT | {"indexed": False}
    assert told(waiting) == waiting
