"""The store: where the reports of one home lie, each in a directory named by its id.

Owns the files' names and how a report is written and read back; its meaning is `report`'s.
"""

import re
from pathlib import Path
from shutil import rmtree
from uuid import uuid4

from pydantic import TypeAdapter, ValidationError

from molt.artifact import (
    CorruptFileError,
    publish_directory,
    published_ids,
    read_manifest,
    sync_directory,
    write_manifest,
)
from molt.artifact.wording import plainly
from molt.training.errors import EvaluationError
from molt.training.evaluation.html import render
from molt.training.evaluation.report import REPORT_FORMAT, Report

REPORT_JSON = "report.json"
REPORT_HTML = "report.html"

_ID = re.compile(r"[0-9a-f]{16}")
_SCHEMA: TypeAdapter[Report] = TypeAdapter(Report)


class ReportStore:
    """Reports under `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def ids(self) -> list[str]:
        """The ids of all published reports, sorted; nothing is read."""
        return published_ids(self.root, _ID)

    def publish(self, report: Report) -> Path:
        """Write both files of a report and return their directory.

        It appears whole; a former report of the same id then gives way to it.
        """
        target = self.root / report.id
        complete, former = (target.with_name(f".{report.id}.{uuid4().hex}") for _ in range(2))
        with publish_directory(complete) as working:
            write_report(report, working)
        if target.exists():
            target.rename(former)
        complete.rename(target)
        sync_directory(self.root)
        rmtree(former, ignore_errors=True)
        return target

    def read(self, report_id: str) -> Report:
        """A report by its id. Raises `EvaluationError` where there is none, and `read_report`'s."""
        folder = self.root / report_id
        if not _ID.fullmatch(report_id) or not folder.is_dir():
            raise EvaluationError(
                f"no report {report_id!r} under {self.root}; "
                f"there are {', '.join(self.ids()) or 'none'}"
            )
        return read_report(folder / REPORT_JSON)


def write_report(report: Report, folder: Path) -> None:
    """Write `report.json`, which carries its own SHA-256, and `report.html` for a person."""
    body = _SCHEMA.dump_python(report, mode="json")
    write_manifest(folder / REPORT_JSON, {"format": REPORT_FORMAT} | body)
    (folder / REPORT_HTML).write_text(render(report), encoding="utf-8")


def read_report(path: Path) -> Report:
    """Read a `report.json`.

    Raises `CorruptFileError` where it is not what was written, `UnsupportedFormatError` where a
    newer version wrote it.
    """
    body = read_manifest(path, supported=REPORT_FORMAT)
    del body["format"]
    try:
        return _SCHEMA.validate_python(body)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise CorruptFileError(path, f"is no report: {where}: {plainly(first['msg'])}") from None
