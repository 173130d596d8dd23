"""Imports from CSV over HTTP: a template to fill in, a dry run with a finding for each bad cell, then the import.

It must not read tables: services.imports does. The file is the raw body; it must not be a form.
"""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from traceward.api.deps import Capturer, Services
from traceward.epcis.errors import UnsupportedMediaTypeException
from traceward.services.imports import imports

router = APIRouter(prefix="/imports", tags=["getting started"])

KindName = Literal["catalogue", "places", "par", "prices", "stock"]

_TYPES = ("text/csv", "text/plain", "application/csv", "application/vnd.ms-excel", "application/octet-stream")
_REQUEST_BODY = {
    "required": True,
    "content": {kind: {"schema": {"type": "string"}} for kind in _TYPES},
}
_OPTIONS = ("agreementID", "validFrom", "countedAt")


class ImportFinding(BaseModel):
    """What is wrong or doubtful in a line, the head being line 1. column: absent where the whole line is meant."""

    line: int
    column: str | None
    value: str
    message: str
    severity: Literal["error", "warning"]


class ImportBody(BaseModel):
    """What an import would do, or has done. new, changed, unchanged: elements, lines of terms, or events.

    errors, warnings: how many there are; findings: the first thousand, errors first. details, result: by kind.
    """

    kind: KindName
    rows: int
    new: int
    changed: int
    unchanged: int
    errors: int
    warnings: int
    findings: list[ImportFinding]
    encoding: str
    delimiter: str
    details: dict[str, str | int]
    applied: bool
    result: dict[str, str | int | bool | list[str]]


class KindBody(BaseModel):
    """A kind of import, its columns (those that it cannot do without first) and its options."""

    kind: KindName
    columns: list[str]
    needed: list[str]
    options: list[str]


class KindsBody(BaseModel):
    """Every kind of import."""

    imports: list[KindBody]


@router.get("", response_model=KindsBody)
def get_kinds(_caller: Capturer) -> dict[str, object]:
    """The kinds of files that may be imported, with their columns."""
    return {
        "imports": [
            {
                "kind": name,
                "columns": [column.name for column in kind.columns],
                "needed": [column.name for column in kind.columns if column.needed],
                "options": list(kind.options),
            }
            for name, kind in imports.KINDS.items()
        ]
    }


@router.get(
    "/{kind}/template.csv",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "CSV in UTF-8"}},
)
def get_template(kind: KindName, _caller: Capturer) -> Response:
    """A file with the columns of this kind and one example row, in UTF-8 with a mark that spreadsheets know."""
    headers = {"Content-Disposition": f'attachment; filename="{kind}.csv"'}
    return Response(imports.template_of(kind).encode("utf-8-sig"), media_type="text/csv", headers=headers)


@router.post("/{kind}", response_model=ImportBody, openapi_extra={"requestBody": _REQUEST_BODY})
async def post_import(
    kind: KindName,
    request: Request,
    caller: Capturer,
    runtime: Services,
    apply: Annotated[bool, Query(description="false: a dry run, which changes nothing")] = False,
    agreementID: Annotated[str | None, Query(max_length=500, description="par, prices: the agreement")] = None,
    validFrom: Annotated[str | None, Query(max_length=40, description="par, prices: first day, else today")] = None,
    countedAt: Annotated[str | None, Query(max_length=40, description="stock: when it was counted")] = None,
) -> dict[str, object]:
    """Read a CSV file and tell line by line what importing it would do; with apply=true do it, all or nothing.

    400 with a finding for each bad cell when it is to be applied and anything is wrong.
    """
    media_type = request.headers.get("content-type", "text/csv").partition(";")[0].strip().lower()
    if media_type not in _TYPES:
        raise UnsupportedMediaTypeException(f"Content-Type is {media_type[:80]!r}; expected one of {', '.join(_TYPES)}")
    given = dict(zip(_OPTIONS, (agreementID, validFrom, countedAt), strict=True))
    options = {name: value for name, value in given.items() if value is not None}
    body = await request.body()
    report = await run_in_threadpool(imports.run_import, runtime, caller, kind, body, options, apply=apply)
    return report.body()
