"""A server that is killed while it writes is back soon, with every document once."""

from contextlib import suppress
from http.client import HTTPException
from pathlib import Path

import pytest

from molt.index.segments.merge import FAN
from tests.faults.homes import EVERYTHING, generations, orphans, pointed
from tests.faults.points import SERVING
from tests.faults.swapping import (
    SOON,
    armed,
    fired,
    found,
    in_batches,
    searched,
    seconds_to_answer,
    was_killed,
)
from tests.server import ServerProcess
from tests.waiting import wait_until

pytestmark = pytest.mark.promise("P1", "SIGKILL at each step of a write")

LATE = {f"late{n}" for n in range(FAN)}


@pytest.mark.parametrize(
    ("home", "point"),
    [*(("sqlite", point) for point in SERVING), ("postgresql", "ingest.committed")],
    indirect=["home"],
)
def test_a_server_killed_while_it_writes_answers_soon_from_what_it_served_before(
    home: Path, server: ServerProcess, point: str
) -> None:
    before = pointed(home)
    server.environment |= armed(home, **{point: "kill"}) | in_batches(1)
    server.start()
    documents = [{"id": doc_id, "text": f"thing {doc_id}"} for doc_id in sorted(LATE)]
    with suppress(OSError, HTTPException):  # it may not live to acknowledge them
        server.ask("POST", "/collections/shop/documents", {"documents": documents, "wait": False})
    wait_until(lambda: was_killed(server))
    assert fired(home, point)
    server.kill()
    assert seconds_to_answer(server) < SOON
    assert set(found(server)) >= EVERYTHING
    assert searched(server)[1]["generation"] == before
    wait_until(lambda: found(server) == sorted(EVERYTHING | LATE))
    assert server.stop() == 0
    assert orphans(home) == set()
    assert generations(home) == {before}


WORDS = [point for point in SERVING if point.startswith("lexical.")]


@pytest.mark.parametrize("point", WORDS)
def test_words_and_vectors_show_the_same_documents_after_a_kill_between_them(
    home: Path, server: ServerProcess, point: str
) -> None:
    server.environment |= armed(home, **{point: "kill"}) | in_batches(1)
    server.start()
    documents = [{"id": doc_id, "text": f"thing {doc_id}"} for doc_id in sorted(LATE)]
    with suppress(OSError, HTTPException):
        server.ask("POST", "/collections/shop/documents", {"documents": documents, "wait": False})
    wait_until(lambda: was_killed(server))
    server.kill()
    assert seconds_to_answer(server) < SOON
    gone = min(EVERYTHING)
    assert server.ask("DELETE", f"/collections/shop/documents/{gone}")[0] == 200
    wait_until(lambda: agreed(server) == (EVERYTHING | LATE) - {gone})
    assert searched(server, mode="lexical")[1]["search"]["left_out"] == []
    assert server.stop() == 0


def agreed(server: ServerProcess) -> set[str]:
    """What words find lies between what vectors find before and after it, while only more comes."""
    before, words, after = (set(found(server, mode=mode)) for mode in ("dense", "lexical", "dense"))
    assert before <= words <= after
    return after
