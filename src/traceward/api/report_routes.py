"""Reports on money and goods over HTTP: JSON, CSV or PDF, as `format` or the Accept header ask.

It must not compute them: the services do.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import orjson
from fastapi import APIRouter, Query, Request, Response

from traceward.api.deps import Reader, Services
from traceward.api.report_models import LeaksAnswer, MovementsAnswer, OwnershipReport, StatusReport
from traceward.epcis.errors import NotAcceptableException
from traceward.services.money import report_forms, reports, usage_leaks
from traceward.services.supply import movements

router = APIRouter(prefix="/reports", tags=["money"])

_KINDS: Final = {"json": "application/json", "csv": "text/csv", "pdf": "application/pdf"}
_FILES: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {kind: {} for kind in ("text/csv", "application/pdf")}, "description": "The report"}
}

Format = Annotated[
    Literal["json", "csv", "pdf"] | None, Query(alias="format", description="absent: by the Accept header")
]
Partner = Annotated[str | None, Query(max_length=500, description="the other party alone, as PGLN")]
From = Annotated[str | None, Query(alias="from", description="a date (its start, UTC) or a date-time")]
To = Annotated[str | None, Query(description="a date (its start, UTC) or a date-time; before it")]


@router.get("/leaks", response_model=LeaksAnswer)
def get_leaks(caller: Reader, runtime: Services, from_: From = None, to: To = None) -> dict[str, object]:
    """Where the caller's hospital loses money: goods without a report, uses without an order, orders without a use."""
    return usage_leaks.leaks(runtime, caller, start=from_, end=to)


@router.get("/transfer-of-ownership", response_model=OwnershipReport, responses=_FILES)
def get_transfer_of_ownership(
    request: Request,
    caller: Reader,
    runtime: Services,
    from_: From = None,
    to: To = None,
    partner: Partner = None,
    format_: Format = None,
) -> Response:
    """Transfer of Ownership Report: what ownership passed from or to the caller in [from, to)."""
    kind = _kind(request, format_)
    wanted = reports.ReportFilter(start=from_, end=to, partner=partner)
    return _answer(reports.transfer_of_ownership(runtime, caller, wanted), kind, "transfer-of-ownership")


@router.get("/consignment-stock-status", response_model=StatusReport, responses=_FILES)
def get_stock_status(
    request: Request,
    caller: Reader,
    runtime: Services,
    asOf: Annotated[str | None, Query(description="A date (its end, UTC) or a date-time; absent: now")] = None,
    knownAt: Annotated[str | None, Query(description="A date (its end, UTC) or a date-time; absent: now")] = None,
    partner: Partner = None,
    format_: Format = None,
) -> Response:
    """Consignment Stock Status Report: what one party holds of another's goods at a moment."""
    kind = _kind(request, format_)
    wanted = reports.ReportFilter(as_of=asOf, known_at=knownAt, partner=partner)
    return _answer(reports.stock_status(runtime, caller, wanted), kind, "consignment-stock-status")


def _kind(request: Request, wanted: str | None) -> str:
    """The form that is asked for: by name, else the first one that the Accept header names."""
    if wanted is not None:
        return wanted
    accept = request.headers.get("accept", "*/*")
    for entry in accept.split(","):
        media_type = entry.partition(";")[0].strip().lower()
        if media_type in {"*/*", "application/*", ""}:
            return "json"
        found = next((kind for kind, name in _KINDS.items() if name == media_type), None)
        if found is not None:
            return found
    raise NotAcceptableException(f"Accept is {accept[:80]!r}; expected {', '.join(_KINDS.values())}")


def _pdf(report: Mapping[str, Any]) -> bytes:
    # Not before a report is printed: the library takes long to load.
    from traceward.services.money.report_pdf import report_pdf  # noqa: PLC0415

    return report_pdf(report)


def _answer(report: Mapping[str, Any], kind: str, name: str) -> Response:
    if kind == "json":
        return Response(orjson.dumps(report), media_type=_KINDS[kind])
    body = report_forms.report_csv(report) if kind == "csv" else _pdf(report)
    file = f"{name}-{reports.file_stamp(report)}.{kind}"
    return Response(body, media_type=_KINDS[kind], headers={"Content-Disposition": f'attachment; filename="{file}"'})


@router.get("/movements", response_model=MovementsAnswer, responses=_FILES)
def get_movements(
    request: Request,
    caller: Reader,
    runtime: Services,
    from_: Annotated[str, Query(alias="from", description="a date (its start, UTC) or a date-time")],
    to: Annotated[str, Query(description="a date (its start, UTC) or a date-time; before it")],
    format_: Format = None,
) -> Response:
    """Movements of consigned goods in [from, to) by SAP's numbers, as JSON or CSV."""
    kind = _kind(request, format_)
    if kind == "pdf":
        raise NotAcceptableException("movements are made as JSON and CSV; expected one of them")
    found = movements.movements(runtime, caller, start=from_, end=to)
    if kind == "json":
        return Response(orjson.dumps({"movements": found}), media_type=_KINDS[kind])
    body = report_forms.as_csv(found, movements.COLUMNS)
    headers = (
        {"Content-Disposition": f'attachment; filename="movements-{found[0]["postingDate"]}.csv"'} if found else {}
    )
    return Response(body, media_type=_KINDS[kind], headers=headers)
