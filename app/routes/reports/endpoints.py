"""`/admin/reports`, and each report as JSON and as a page."""

from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import Path, Request
from starlette.responses import HTMLResponse, Response

from molt.app.http.answers import Json, page_headers
from molt.app.http.auth import Access, allow
from molt.app.http.caller import caller_of
from molt.app.http.route import admission_of, new_router
from molt.app.http.scope import KeyScope, scoped
from molt.app.http.texts import Name
from molt.app.routes.reports.files import list_reports, load_report, read_page
from molt.app.routes.reports.schemas import ReportBody, ReportList
from molt.app.service import Service, service_of

router = new_router("reports")

ReportPath = Annotated[Name, Path(alias="id", description="a report's id")]
NO_REPORT: dict[int | str, dict[str, Any]] = {404: {"description": "no such report"}}
# The page brings its style along and has neither scripts nor anything to load.
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox"
)


@router.get("/admin/reports", operation_id="list_reports", response_model=ReportList)
@allow(Access.ADMIN)
@scoped(KeyScope.FILTERED)
async def get_reports(request: Request) -> Json:
    """List the evaluation reports, newest first, the damaged ones too."""
    service = service_of(request)
    reach = caller_of(request).reach
    return Json({"reports": await admission_of(request).run(list_reports, _root(service), reach)})


@router.get(
    "/admin/reports/{id}",
    operation_id="get_report",
    response_model=ReportBody,
    responses=NO_REPORT,
)
@allow(Access.ADMIN)
@scoped(KeyScope.FILTERED)
async def get_report(request: Request, report_id: ReportPath) -> Json:
    """Everything that an evaluation found."""
    service = service_of(request)
    reach = caller_of(request).reach
    return Json(await admission_of(request).run(load_report, _root(service), report_id, reach))


@router.get(
    "/admin/reports/{id}/html",
    operation_id="get_report_page",
    response_class=HTMLResponse,
    responses=NO_REPORT,
)
@allow(Access.ADMIN)
@scoped(KeyScope.FILTERED)
async def get_report_page(request: Request, report_id: ReportPath) -> Response:
    """A report as a page for a person, which needs nothing else."""
    service = service_of(request)
    reach = caller_of(request).reach
    page = await admission_of(request).run(read_page, _root(service), report_id, reach)
    return HTMLResponse(page, headers=page_headers(_POLICY))


def _root(service: Service) -> FilePath:
    return service.settings.layout.reports
