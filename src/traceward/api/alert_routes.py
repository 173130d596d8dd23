"""Alerts over HTTP: list, read, acknowledge; the same alert, with the same id and content, for both of its parties.

It must not decide who may read what: services.alerts does.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from traceward.api.deps import Capturer, Reader, ServerSettings, Services
from traceward.api.epcis_paging import link_headers, page_request
from traceward.api.parameters import PAGED
from traceward.services.alerts import alerts

router = APIRouter(prefix="/alerts", tags=["alerts"])


class AcknowledgementBody(BaseModel):
    """That a side has taken note of an alert. by: its user or key."""

    party: str
    name: str
    by: str
    note: str
    at: str


class AlertBody(BaseModel):
    """One alert. responsible: the party that has to act. daysLeft: until the expiry date, where there is one."""

    id: str
    kind: str
    severity: Annotated[str, Field(description="critical, high, medium or low")]
    state: Annotated[str, Field(description="open or closed")]
    message: str
    supplier: str
    hospital: str
    responsible: str
    agreementID: str | None
    gtin: str | None
    place: str | None
    item: str | None
    detail: dict[str, Any]
    daysLeft: int | None
    openedAt: str
    due: str | None
    closedAt: str | None
    eventIDs: list[str]
    acknowledgements: list[AcknowledgementBody]


class AlertsBody(BaseModel):
    """Alerts, the newest first."""

    asOf: str
    alerts: list[AlertBody]


class AcknowledgeRequest(BaseModel):
    """What the other side is to read beside the acknowledgement; no patient may be named."""

    model_config = ConfigDict(extra="forbid")

    note: Annotated[str, Field(max_length=2000)] = ""


@router.get("", response_model=AlertsBody, dependencies=PAGED)
def get_alerts(
    request: Request,
    response: Response,
    caller: Reader,
    runtime: Services,
    settings: ServerSettings,
    state: Annotated[str, Query(description="open, closed or all")] = alerts.OPEN,
    kind: str | None = None,
    place: Annotated[str | None, Query(max_length=500, description="SGLN in either spelling")] = None,
    gtin: Annotated[str | None, Query(max_length=14)] = None,
    agreementID: Annotated[str | None, Query(max_length=500)] = None,
    responsible: Annotated[str | None, Query(max_length=500, description="me, or a party id (PGLN)")] = None,
) -> dict[str, object]:
    """The alerts between the caller's organisation and its partners, the newest first."""
    page = page_request(request, settings)
    wanted = alerts.AlertFilter(state, kind, place, gtin, agreementID, responsible)
    answer = alerts.alerts_page(runtime, caller, wanted, page.token, page.per_page)
    response.headers.update(link_headers(request, page, answer.next_token, answer.expires_us))
    return answer.body


@router.get("/{alert_id}", response_model=AlertBody)
def get_alert(alert_id: str, caller: Reader, runtime: Services) -> dict[str, object]:
    """One alert; what is between others answers as what is not there."""
    return alerts.find_alert(runtime, caller, alert_id)


@router.post("/{alert_id}/acknowledge", response_model=AlertBody)
def acknowledge_alert(
    alert_id: str, body: AcknowledgeRequest, caller: Capturer, runtime: Services
) -> dict[str, object]:
    """Take note of an alert for the caller's side. A recall notice and a count to sign off are answered by this."""
    return alerts.acknowledge(runtime, caller, alert_id, body.note)
