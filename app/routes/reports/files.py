"""The files of evaluation reports, as the training program leaves them under `reports/`.

Reads them without that program; what they say is handed on as it is.
"""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from molt.app.http.failures import UnknownReportError
from molt.artifact import ArtifactError, CorruptFileError, match_id, published_ids, read_manifest
from molt.index.catalog.access.reach import Reach

_FORMAT = 1
_JSON = "report.json"
_HTML = "report.html"
_ID = re.compile(r"[0-9a-f]{16}")


def list_reports(root: Path, reach: Reach) -> list[dict[str, Any]]:
    """Which reports there are within `reach`, newest first; then damaged ones with `problem`.

    Of a damaged one nobody can tell whose it is.
    """
    sound: list[dict[str, Any]] = []
    damaged: list[dict[str, Any]] = []
    for report_id in published_ids(root, _ID):
        try:
            sound.append(_summary(report_id, root / report_id / _JSON))
        except (ArtifactError, OSError) as error:
            damaged.append({"id": report_id, "problem": str(error)})
    covered = (each for each in sound if reach.covers(each["collection"]))
    newest = sorted(covered, key=lambda each: each["created_at"], reverse=True)
    return newest if reach.limited else newest + damaged


def load_report(root: Path, given: str, reach: Reach) -> dict[str, Any]:
    """What `report.json` says of the report that has this id, or alone begins so.

    Raises `UnknownReportError`, `AmbiguousIdError`, `CorruptFileError` or `UnsupportedFormatError`.
    """
    return read_manifest(_folder(root, given, reach) / _JSON, supported=_FORMAT)


def read_page(root: Path, given: str, reach: Reach) -> bytes:
    """The page of a report that is sound itself; raises as `load_report` does."""
    load_report(root, given, reach)
    path = _folder(root, given, reach) / _HTML
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise CorruptFileError(path, "the page is missing; evaluate again to get it") from None


def _folder(root: Path, given: str, reach: Reach) -> Path:
    ids = published_ids(root, _ID)
    if reach.limited:
        ids = [each["id"] for each in list_reports(root, reach)]
    found = match_id(given, ids, what="report")
    if found is None:
        raise UnknownReportError(given)
    return root / found


def _summary(report_id: str, path: Path) -> dict[str, Any]:
    body = read_manifest(path, supported=_FORMAT)
    try:
        created_at = datetime.fromisoformat(body["created_at"]).astimezone(UTC)
        collection = str(body["facts"]["collection"])
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptFileError(path, f"is no report: it lacks or misspells {error}") from None
    return {"id": report_id, "created_at": created_at, "collection": collection}
