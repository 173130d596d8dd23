"""Administration: organisations and keys, the first run, and health.

An administrator reads no events; nothing here may answer with one.
"""

from fastapi import APIRouter, Response

from traceward.api.deps import Administrator, Services
from traceward.api.models import (
    ConsignmentRequest,
    KeyBody,
    KeyRequest,
    NewKeyBody,
    OrganisationBody,
    OrganisationRequest,
    RotationRequest,
    SetupRequest,
)
from traceward.services.identity import parties, setup
from traceward.services.identity.principals import ROLE_RIGHTS, ROLE_SEES
from traceward.services.identity.registry import Organisation
from traceward.services.times import instant

admin_router = APIRouter(prefix="/admin", tags=["administration"])
open_router = APIRouter()


@admin_router.get("/organisations")
def get_organisations(_caller: Administrator, runtime: Services) -> dict[str, list[OrganisationBody]]:
    """Every organisation that this server knows."""
    known = [_organisation_body(party) for party in runtime.registry.organisations()]
    return {"organisations": known}


@admin_router.post("/organisations", status_code=201)
def post_organisation(body: OrganisationRequest, caller: Administrator, runtime: Services) -> OrganisationBody:
    """Make an organisation known; events that it may see become visible to it. 409 when its id or a prefix is taken."""
    party = parties.add_organisation(
        runtime,
        identifier=body.id,
        name=body.name,
        company_prefixes=body.companyPrefixes,
        places=body.places,
        consignees=body.consignees,
        kind=body.kind,
        take_over_prefixes=body.takeOverPrefixes,
        by=caller,
    )
    return _organisation_body(party)


@admin_router.post("/consignments", status_code=201)
def post_consignment(body: ConsignmentRequest, caller: Administrator, runtime: Services) -> OrganisationBody:
    """Record that a party holds another's goods by agreement. Answers the owner; saying it again changes nothing."""
    return _organisation_body(parties.agree_consignment(runtime, owner=body.owner, consignee=body.consignee, by=caller))


@admin_router.get("/keys")
def get_keys(_caller: Administrator, runtime: Services) -> dict[str, list[KeyBody]]:
    """Every key that is not revoked, without its secret."""
    return {"keys": [KeyBody(**parties.key_body(key, runtime.registry)) for key in runtime.registry.live_keys()]}


@admin_router.post("/keys", status_code=201)
def post_key(body: KeyRequest, caller: Administrator, runtime: Services) -> NewKeyBody:
    """Make a key for an organisation's role; its text is in this answer and nowhere else."""
    key, text = parties.add_key(
        runtime,
        organisation=body.organisation,
        role=body.role,
        name=body.name,
        expires_us=instant("expiresAt", body.expiresAt) if body.expiresAt is not None else None,
        place=body.place,
        rights=body.rights,
        by=caller,
    )
    return NewKeyBody(**parties.key_body(key, runtime.registry), key=str(text))


@admin_router.post("/keys/{key_id}/rotation", status_code=201)
def post_rotation(key_id: str, body: RotationRequest, caller: Administrator, runtime: Services) -> NewKeyBody:
    """Make the successor of a key, with its scope; the old key ends after the overlap. 409 when it has one already."""
    key, text = parties.rotate_key(runtime, key_id, overlap_s=body.overlapSeconds, by=caller)
    return NewKeyBody(**parties.key_body(key, runtime.registry), key=str(text))


@admin_router.delete("/keys/{key_id}", status_code=204)
def delete_key(key_id: str, caller: Administrator, runtime: Services) -> None:
    """Revoke a key and end its sessions."""
    parties.revoke_key(runtime, key_id, by=caller)


@admin_router.get("/roles")
def get_roles(_caller: Administrator) -> dict[str, dict[str, dict[str, list[str]]]]:
    """What each role may do, and which kinds of data it sees of what concerns its organisation."""
    return {
        "roles": {
            role: {
                "rights": sorted(right.value for right in rights),
                "sees": sorted(sight.value for sight in ROLE_SEES[role]),
            }
            for role, rights in ROLE_RIGHTS.items()
        }
    }


@open_router.post("/setup", tags=["administration"])
def post_setup(body: SetupRequest, runtime: Services) -> dict[str, str]:
    """Finish the first run with its one-time code: makes an administrator's key, shown in this answer only."""
    return {"key": setup.finish(runtime, body.code, body.organisation.model_dump() if body.organisation else None)}


@open_router.get("/health/live", tags=["health"])
def live() -> dict[str, str]:
    """The process answers."""
    return {"status": "live"}


@open_router.get("/health/ready", tags=["health"])
def ready(runtime: Services) -> Response:
    """Whether the store can be read and written: 200, else 503 with the reason."""
    runtime.check_ready()
    return Response(b'{"status":"ready"}', media_type="application/json")


def _organisation_body(party: Organisation) -> OrganisationBody:
    return OrganisationBody(
        id=party.id,
        name=party.name,
        companyPrefixes=list(party.company_prefixes),
        consignees=list(party.consignees),
        kind=party.kind,
    )
