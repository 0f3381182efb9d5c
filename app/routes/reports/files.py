"""The files of evaluation reports, as the training program leaves them under `reports/`.

Reads them without that program; what they say is handed on as it is.
"""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from molt.app.http.failures import UnknownReportError
from molt.artifact import ArtifactError, CorruptFileError, published_ids, read_manifest

FORMAT = 1
JSON = "report.json"
HTML = "report.html"
_ID = re.compile(r"[0-9a-f]{16}")


def list_reports(root: Path) -> list[dict[str, Any]]:
    """Which reports there are, newest first; last come damaged ones, with their `problem`."""
    sound: list[dict[str, Any]] = []
    damaged: list[dict[str, Any]] = []
    for report_id in published_ids(root, _ID):
        try:
            sound.append(_summary(report_id, root / report_id / JSON))
        except (ArtifactError, OSError) as error:
            damaged.append({"id": report_id, "problem": str(error)})
    return sorted(sound, key=lambda each: each["created_at"], reverse=True) + damaged


def read_report(root: Path, report_id: str) -> dict[str, Any]:
    """What `report.json` says.

    Raises `UnknownReportError`, `CorruptFileError` or `UnsupportedFormatError`.
    """
    return read_manifest(_folder(root, report_id) / JSON, supported=FORMAT)


def read_page(root: Path, report_id: str) -> bytes:
    """The page of a report that is sound itself; raises as `read_report` does."""
    read_report(root, report_id)
    path = _folder(root, report_id) / HTML
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise CorruptFileError(path, "the page is missing; evaluate again to get it") from None


def _folder(root: Path, report_id: str) -> Path:
    folder = root / report_id
    if not _ID.fullmatch(report_id) or not folder.is_dir():
        raise UnknownReportError(report_id)
    return folder


def _summary(report_id: str, path: Path) -> dict[str, Any]:
    body = read_manifest(path, supported=FORMAT)
    try:
        created_at = datetime.fromisoformat(body["created_at"]).astimezone(UTC)
        collection = str(body["facts"]["collection"])
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptFileError(path, f"is no report: it lacks or misspells {error}") from None
    return {"id": report_id, "created_at": created_at, "collection": collection}
