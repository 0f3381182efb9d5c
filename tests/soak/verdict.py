"""The verdict on an episode: has everything come back, and is everything as it was acknowledged?"""

import http.client
from pathlib import Path
from typing import Any

from tests.soak.crowd import COLLECTION, DOCUMENTS
from tests.soak.plan import Episode, Kind
from tests.soak.stand import Stand, waited

_PAGE = 1000
_QUERY = "brook kelp"
_ENDED = {"done", "failed", "cancelled"}
_MAY_FAIL = {Kind.POINT_FULL, Kind.DISK_FULL, Kind.CHECKPOINT_DAMAGED, Kind.INDEX_DAMAGED}
"""Where a job may fail: the disk is full, or what it builds upon is damaged."""
_JOB_FAILED = " failed (job "
_SLEPT = "Invalid argument"
"""What a sleep ends with during which libfaketime moves the clock: it moves the deadline as well,
to one that is none. No real clock does that.
"""


def verdict(stand: Stand, episode: Episode) -> list[str]:
    """Everything that is not as it has to be."""
    try:
        return [
            *_revived(stand),
            *_jobs(stand, episode),
            *_indexed(stand),
            *_documents(stand),
            *_found(stand),
            *_problems(stand),
            *_checked(stand),
        ]
    except (OSError, http.client.HTTPException, AssertionError) as error:
        return [f"the server does not answer: {str(error)[-3000:]}"]


def _revived(stand: Stand) -> list[str]:
    """Start it where it is down; it is ready within a minute."""
    if not stand.lives:
        stand.server.kill()
        stand.server.spawn()
    stand.server.wait_for("/readyz")
    return []


def _jobs(stand: Stand, episode: Episode) -> list[str]:
    """Every job that was asked for ends, whatever was killed under it."""
    found: dict[str, dict[str, Any]] = {}

    def ended() -> bool:
        jobs = stand.server.ask("GET", "/admin/jobs?limit=20")[1]["jobs"]
        found.update({one["id"]: one for one in jobs if one["id"] not in stand.judged})
        return all(one["state"] in _ENDED for one in found.values())

    if not waited(ended):
        return [f"a job does not end: {found}"]
    stand.judged |= found.keys()
    return [f"a job ended as {job}" for job in found.values() if not _may_end(job, episode)]


def _may_end(job: dict[str, Any], episode: Episode) -> bool:
    if job["state"] == "failed":
        slept_badly = episode.kind is Kind.CLOCK and _SLEPT in str(job["error"])
        return bool(job["error"]) and (episode.kind in _MAY_FAIL or slept_badly)
    return bool(job["state"] == "done")


def _indexed(stand: Stand) -> list[str]:
    """The index catches up with the catalog."""
    found: dict[str, Any] = {}

    def caught_up() -> bool:
        found.update(stand.server.ask("GET", f"/collections/{COLLECTION}")[1])
        return bool(found.get("revision") == found.get("indexed_revision"))

    return [] if waited(caught_up) else [f"the index does not catch up: {found}"]


def _documents(stand: Stand) -> list[str]:
    """What a list of all documents holds is what was acknowledged."""
    found: dict[str, str] = {}
    more = ""
    while True:
        status, page = stand.server.ask("GET", f"{DOCUMENTS}?limit={_PAGE}{more}")
        if status != 200:
            return [f"a list of documents is {status}: {page}"]
        found |= {one["id"]: one["text"] for one in page["documents"]}
        if len(page["documents"]) < _PAGE:
            return stand.oracle.compare(found)
        more = f"&after={page['documents'][-1]['id']}"


def _found(stand: Stand) -> list[str]:
    """Searches find every document once, and score those that nobody changes as their pair says.

    By words they find all that have one.
    """
    wanted = {"dense": stand.oracle.living(), "lexical": stand.oracle.having(_QUERY.split())}
    wanted["hybrid"] = wanted["dense"]
    return [
        f"{mode}: {wrong}"
        for mode, ids in wanted.items()
        for wrong in (_not_whole(stand, mode) or _differing(stand, mode, ids))
    ]


def _not_whole(stand: Stand, mode: str) -> list[str]:
    """Does an index stay left out of a search?"""
    left_out: list[str] = []

    def whole() -> bool:
        status, answer = _searched(stand, mode, offset=0)
        left_out[:] = answer["search"]["left_out"] if status == 200 else [f"{status}: {answer}"]
        return not left_out

    return [] if waited(whole) else [f"left out are {left_out}"]


def _differing(stand: Stand, mode: str, wanted: set[str]) -> list[str]:
    """What is found and should not be, and the other way round."""
    ids: list[str] = []
    while True:
        status, answer = _searched(stand, mode, offset=len(ids))
        if status != 200:
            return [f"a search when all is over is {status}: {answer}"]
        fault = stand.pairs.fault(_QUERY, answer)
        if fault is not None:
            return [fault]
        ids += [hit["id"] for hit in answer["hits"]]
        if len(answer["hits"]) < _PAGE:
            break
    missing, strange = sorted(wanted - set(ids)), sorted(set(ids) - wanted)
    wrong = [f"not found: {missing[:5]} of {len(missing)}"] if missing else []
    wrong += [f"found, though deleted: {strange[:5]} of {len(strange)}"] if strange else []
    return wrong + ([] if len(ids) == len(set(ids)) else ["a document is found twice"])


def _searched(stand: Stand, mode: str, *, offset: int) -> tuple[int, Any]:
    body = {"query": _QUERY, "collection": COLLECTION, "k": _PAGE, "offset": offset, "mode": mode}
    return stand.server.ask("POST", "/search", body | {"include": []})


def _problems(stand: Stand) -> list[str]:
    """Nothing is left that `/readyz` complains of, but for a job that failed."""
    left: list[str] = []

    def none_left() -> bool:
        left[:] = stand.server.ask("GET", "/readyz")[1].get("problems", ["no answer"])
        left[:] = [one for one in left if _JOB_FAILED not in one]
        return not left

    return [] if waited(none_left) else [f"/readyz says: {left}"]


def _checked(stand: Stand) -> list[str]:
    """`molt check` finds nothing but what was damaged and is still there."""
    _, problems = stand.check()
    damaged = [path for path in stand.damaged if path.exists()]
    stand.damaged[:] = damaged
    return [
        f"molt check says: {one}"
        for one in problems
        if not any(_is_of(one["path"], path) for path in damaged)
    ]


def _is_of(path: str, damaged: Path) -> bool:
    return bool(path) and damaged.is_relative_to(path)
