"""Look-ups and papers about devices: labels, what expires, device tracking, implant cards.

Whatever may tell of a patient is asked for by POST. It must not log bodies, nor decide who may know what.
"""

import html
from collections.abc import Mapping
from typing import Annotated, Any, Final, Self

import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from traceward.api.deps import Caller, Reader, Services
from traceward.api.lots import LotNumber
from traceward.api.negotiation import accepted_media_type
from traceward.services.money.report_forms import as_csv
from traceward.services.tracing import device_tracking, implant_card, lookups

router = APIRouter(prefix="/trace", tags=["trace"])

_Gtin = Annotated[str, Field(pattern=r"^[0-9]{8,14}$")]
_Text = Annotated[str, Field(min_length=1, max_length=2000)]
_CARD_FORMS: Final = ("application/json", "text/html", "application/pdf")
_TRACKING_FORMS: Final = ("application/json", "text/csv")


class LabelLookup(BaseModel):
    """The texts of the symbols of one label, as scanned or typed. asOf, knownAt: dates or date-times."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    texts: Annotated[list[_Text], Field(min_length=1, max_length=10)]
    asOf: str | None = None
    knownAt: str | None = None


class TrackingRequest(BaseModel):
    """Which implants to export, and why. from, to: provided or explanted then; dates or date-times."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    purpose: Annotated[str, Field(min_length=10, max_length=1000, description="In words, for the privacy officer")]
    epc: _Text | None = None
    gtin: _Gtin | None = None
    lot: LotNumber | None = None
    start: str | None = Field(default=None, alias="from")
    end: str | None = Field(default=None, alias="to")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.lot is not None and self.gtin is None:
            raise ValueError("a lot is asked for together with its gtin")
        if self.epc is not None and self.gtin is not None:
            raise ValueError("expected epc or gtin, not both")
        return self


class CardRequest(BaseModel):
    """The use whose cards are asked for: one of a usage report and an item."""

    model_config = ConfigDict(extra="forbid")

    usageReport: _Text | None = None
    epc: _Text | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.usageReport is None) == (self.epc is None):
            raise ValueError("expected exactly one of usageReport and epc")
        return self


@router.post("/label")
def post_label(body: LabelLookup, caller: Reader, runtime: Services) -> Response:
    """What a label says, and the state and history of the item or lot on which it stands."""
    return _json(lookups.label(runtime, caller, body.texts, as_of=body.asOf, known_at=body.knownAt))


@router.get("/expiring")
def get_expiring(
    caller: Reader,
    runtime: Services,
    days: Annotated[int, Query(ge=0, le=lookups.MOST_DAYS, description="From today on, at each place")] = 90,
    place: str | None = None,
    gtin: Annotated[str | None, Query(pattern=r"^[0-9]{8,14}$")] = None,
    owner: str | None = None,
    holder: str | None = None,
) -> Response:
    """The caller's stock that has expired or will within some days, the first to expire first."""
    return _json(lookups.expiring(runtime, caller, lookups.ExpiringFilter(days, place, gtin, owner, holder)))


@router.post(
    "/device-tracking",
    response_class=Response,
    responses={200: {"content": {kind: {} for kind in _TRACKING_FORMS}, "description": "One row for each implant"}},
)
def post_device_tracking(body: TrackingRequest, request: Request, caller: Caller, runtime: Services) -> Response:
    """Export what 21 CFR 821.30 asks a hospital to tell: for its clinical role, in the audit log. JSON or CSV."""
    form = accepted_media_type(request.headers.getlist("accept"), _TRACKING_FORMS)
    wanted = device_tracking.Selection(body.epc, body.gtin, body.lot, body.start, body.end)
    found = device_tracking.export(runtime, caller, wanted, purpose=body.purpose)
    if form == "text/csv":
        rows = [row | {"eventIDs": " ".join(row["eventIDs"])} for row in found["rows"]]
        headers = {"Content-Disposition": 'attachment; filename="device-tracking.csv"'}
        return Response(as_csv(rows, device_tracking.COLUMNS), headers=headers, media_type="text/csv; charset=utf-8")
    return _json(found)


@router.post(
    "/implant-card",
    response_class=Response,
    responses={200: {"content": {kind: {} for kind in _CARD_FORMS}, "description": "A card for each implant"}},
)
def post_implant_card(body: CardRequest, request: Request, caller: Reader, runtime: Services) -> Response:
    """The data of implant cards (Regulation (EU) 2017/745, Art. 18): JSON, a page or PDF to print; no patient."""
    form = accepted_media_type(request.headers.getlist("accept"), _CARD_FORMS)
    found = implant_card.cards(runtime, caller, usage_report=body.usageReport, epc=body.epc)
    if form == "text/html":
        return Response(_page(found), media_type="text/html; charset=utf-8")
    if form == "application/pdf":
        # It is slow to load, and few servers are asked for it.
        from traceward.services.tracing.implant_card_pdf import cards_pdf  # noqa: PLC0415

        named = {"Content-Disposition": 'attachment; filename="implant-cards.pdf"'}
        return Response(cards_pdf(found), media_type=form, headers=named)
    return _json(found)


def _page(found: Mapping[str, Any]) -> str:
    """Cards to print, with a line for the patient's name, which the server does not know."""
    cards = "".join(_card(card) for card in found["cards"])
    return (
        "<!doctype html><html lang=en><head><meta charset=utf-8><title>Implant cards</title></head>"
        f"<body><main><h1>Implant cards</h1>{cards}<p><small>{_text(found['exempt'])}</small></p></main></body></html>"
    )


def _card(card: Mapping[str, Any]) -> str:
    lines = "".join(
        f"<tr><th scope=row>{_text(name)}</th><td>{_text(value)}</td></tr>"
        for name, value in implant_card.printed_rows(card)
    )
    return f"<section><h2>{_text(card['deviceName'] or card['gtin'])}</h2><table>{lines}</table></section>"


def _text(text: str) -> str:
    return html.escape(text, quote=True)


def _json(body: Mapping[str, Any]) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")
