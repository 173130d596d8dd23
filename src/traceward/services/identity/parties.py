"""Organisations and their keys: how they are added, changed and withdrawn, each with its line in the audit log.

It must not read whom a key stands for: `registry` does. Of a key it stores the digest, never the secret.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import orjson

from traceward.epcis.errors import Finding, NoSuchResource, ResourceAlreadyExistsException, ValidationException
from traceward.epcis.times import format_time_us
from traceward.gs1.check_digits import check_digit, has_valid_check_digit
from traceward.gs1.epc_uri import canonical_identifier, identifier_kind
from traceward.services.identity import audit
from traceward.services.identity.keys import KeyText, new_key
from traceward.services.identity.principals import CARRIER, PLACE_BOUND_ROLES, ROLE_RIGHTS, Principal, Right
from traceward.services.identity.registry import ADMINISTRATION, CHANGES, KINDS, VERSION, Organisation, Registry
from traceward.services.identity.sessions import close_sessions
from traceward.store import counters, models
from traceward.store.write import WriteTransaction

if TYPE_CHECKING:
    from traceward.services.runtime import Runtime

DEFAULT_OVERLAP_S: Final = 24 * 3600
"""How long a rotated key still opens the door beside its successor."""

_CLAUSE: Final = "Traceward administration"
_PARTY_CLAUSE: Final = "GS1 General Specifications, AI 417"


def add_organisation(
    runtime: "Runtime",
    *,
    identifier: str,
    name: str,
    company_prefixes: Sequence[str],
    places: dict[str, str],
    consignees: Sequence[str] = (),
    kind: str = "partner",
    take_over_prefixes: bool = False,
    by: Principal | None = None,
) -> Organisation:
    """Make an organisation known, and what was captured before visible to it.

    identifier: its PGLN in any spelling. places: SGLN in any spelling -> name. consignees: PGLNs of the parties that
    hold its goods by agreement. kind: one of KINDS. take_over_prefixes: company prefixes that others hold become its
    own, and theirs no longer. by: who asks for it, for the audit log.
    Raises ValidationException when the id is no party, ResourceAlreadyExistsException when it is taken or, unless they
    are taken over, another holds a prefix: whoever holds it is the maker of its goods.
    """
    party = _party_identifier(identifier)
    if kind not in KINDS:
        raise ValidationException(f"kind is {kind!r}; expected one of {', '.join(KINDS)}")
    made = audit.entry(by, "organisation added", party)
    profile = {
        "kind": kind,
        "places": {canonical_identifier(place): label for place, label in places.items()},
        "consignees": [_party_identifier(one) for one in consignees],
    }

    def unit(tx: WriteTransaction) -> None:
        if tx.select(models.Organisation, id=party):
            raise ResourceAlreadyExistsException(f"the organisation {party} is known already")
        for row, finding in _holders(tx, company_prefixes):
            if not take_over_prefixes:
                raise ResourceAlreadyExistsException(finding.message, [finding])
            kept = [one for one in orjson.loads(row.company_prefixes) if one not in company_prefixes]
            row.company_prefixes = _json(kept)
            tx.put(row)
            audit.append(tx, replace(made, action="company prefixes taken over", party=row.number))
        last = max((one.number for one in tx.select(models.Organisation)), default=0)
        tx.put(
            models.Organisation(
                number=last + 1,
                id=party,
                name=name,
                company_prefixes=_json(list(dict.fromkeys(company_prefixes))),
                profile=_json(profile),
                created_us=tx.record_time_us,
            )
        )
        _changed(tx)
        counters.bump(tx, CHANGES)
        audit.append(tx, replace(made, party=last + 1))

    before = runtime.projector.parties
    runtime.store.committer.run(unit)
    runtime.parties_changed(before)
    added = runtime.registry.find(party)
    assert added is not None
    return added


def _holders(tx: WriteTransaction, prefixes: Sequence[str]) -> Iterator[tuple[models.Organisation, Finding]]:
    """The organisations that hold any of these company prefixes, each with what is wrong about another's holding it."""
    for row in sorted(tx.select(models.Organisation), key=lambda one: one.number):
        held = [one for one in orjson.loads(row.company_prefixes) if one in prefixes]
        if held:
            message = (
                f"the company prefix {held[0]} is {row.name}'s ({row.id}); expected one that nobody else holds, or"
                " takeOverPrefixes, where it has passed on"
            )
            yield row, Finding("companyPrefixes", "prefix_taken", message, _CLAUSE)


def agree_consignment(runtime: "Runtime", *, owner: str, consignee: str, by: Principal | None = None) -> Organisation:
    """Let a party hold another's goods by agreement: what it captured of them before counts from then on, too.

    owner, consignee: PGLNs in any spelling. Saying it again changes nothing. Raises NoSuchResource for an owner, and
    ValidationException for a consignee, that is no organisation here or the same one.
    """
    owner_id, consignee_id = _party_identifier(owner), _party_identifier(consignee)
    if consignee_id == owner_id or runtime.registry.find(consignee_id) is None:
        message = f"consignee is {consignee!r}; expected another organisation that this server knows"
        raise ValidationException(message, [Finding("consignee", "party", message, _CLAUSE)])
    made = audit.entry(by, "consignment agreed", f"{owner_id} {consignee_id}")

    def unit(tx: WriteTransaction) -> None:
        for row in tx.select(models.Organisation, id=owner_id):
            profile = orjson.loads(row.profile)
            agreed = [*profile.get("consignees", [])]
            if consignee_id not in agreed:
                row.profile = _json(profile | {"consignees": [*agreed, consignee_id]})
                tx.put(row)
                _changed(tx)
                audit.append(tx, replace(made, party=row.number))
            counters.bump(tx, CHANGES)
            return
        raise NoSuchResource(f"the organisation {owner_id} is not known")

    before = runtime.projector.parties
    runtime.store.committer.run(unit)
    runtime.parties_changed(before)
    changed = runtime.registry.find(owner_id)
    assert changed is not None
    return changed


def add_key(
    runtime: "Runtime",
    *,
    organisation: str,
    role: str,
    name: str = "",
    expires_us: int | None = None,
    place: str | None = None,
    rights: Collection[Right] | None = None,
    by: Principal | None = None,
) -> tuple[models.ApiKey, KeyText]:
    """A new key and its text, which is not stored. organisation: a party id, or ADMINISTRATION for role admin.

    place: SGLN in any spelling that the key is bound to. rights: those of its role that it is given, None for all.
    by: who asks for it, for the audit log.
    Raises ValidationException for a role, place, right or end that does not fit, NoSuchResource for an unknown
    organisation.
    """
    if role not in ROLE_RIGHTS:
        raise ValidationException(f"role is {role!r}; expected one of {', '.join(sorted(ROLE_RIGHTS))}")
    if expires_us is not None and expires_us <= runtime.now_us():
        raise ValidationException(
            f"the key would end at {format_time_us(expires_us)}, which is past; expected an end that is to come"
        )
    number: int | None = None
    if role != "admin":
        owner = runtime.registry.find(canonical_identifier(organisation))
        if owner is None:
            raise NoSuchResource(f"there is no organisation {organisation!r}")
        if (role == CARRIER) != (owner.kind == CARRIER) and role not in PLACE_BOUND_ROLES:
            raise ValidationException(
                f"role is {role!r} for an organisation of kind {owner.kind!r}; a carrier's keys "
                f"have the role {CARRIER!r} or 'device', and nobody else's are {CARRIER!r}"
            )
        number = owner.number
    text = new_key(runtime.random_bytes)
    key = models.ApiKey(
        id=text.id,
        party=number,
        role=role,
        secret_sha256=text.digest,
        label=name,
        created_us=runtime.now_us(),
        expires_us=expires_us,
        place=_place_of_key(role, place),
        rights=_rights_of_key(role, rights),
    )
    made = audit.entry(by, "key created", f"{text.id} {role}", party=number)

    def unit(tx: WriteTransaction) -> None:
        tx.put(key)
        _changed(tx)
        audit.append(tx, made)

    runtime.store.committer.run(unit)
    runtime.registry.reload()
    return key, text


def rotate_key(
    runtime: "Runtime", key_id: str, *, overlap_s: int = DEFAULT_OVERLAP_S, by: Principal | None = None
) -> tuple[models.ApiKey, KeyText]:
    """A new key with the scope of another, which then ends after overlap_s seconds; both open the door until then.

    Raises NoSuchResource when there is no such key, ResourceAlreadyExistsException when it was rotated before.
    """
    text = new_key(runtime.random_bytes)
    made = audit.entry(by, "key rotated", f"{key_id} {text.id}")

    def unit(tx: WriteTransaction) -> models.ApiKey:
        old = _live_key(tx, key_id)
        if old.successor is not None:
            raise ResourceAlreadyExistsException(
                f"the key {key_id} was rotated already; its successor is {old.successor}"
            )
        new = models.ApiKey(**(old.model_dump() | {
            "id": text.id,
            "secret_sha256": text.digest,
            "created_us": tx.record_time_us,
            "last_used_us": None,
        }))  # fmt: skip
        end_us = tx.record_time_us + overlap_s * 1_000_000
        old.expires_us = end_us if old.expires_us is None else min(old.expires_us, end_us)
        old.successor = text.id
        tx.put(new)
        tx.put(old)
        _changed(tx)
        audit.append(tx, replace(made, party=old.party))
        return new

    key = runtime.store.committer.run(unit)
    runtime.registry.reload()
    return key, text


def revoke_key(runtime: "Runtime", key_id: str, *, by: Principal | None = None) -> None:
    """End a key and its sessions. Raises NoSuchResource when there is no such key."""
    made = audit.entry(by, "key revoked", key_id[:40])

    def unit(tx: WriteTransaction) -> None:
        key = _live_key(tx, key_id)
        key.revoked_us = tx.record_time_us
        tx.put(key)
        close_sessions(tx, key_id)
        _changed(tx)
        audit.append(tx, replace(made, party=key.party))

    runtime.store.committer.run(unit)
    runtime.registry.reload()


def own_key(runtime: "Runtime", caller: Principal) -> dict[str, Any]:
    """The key that a caller showed, as `key_body`. Raises NoSuchResource for who showed something else than a key."""
    for key in runtime.registry.live_keys():
        if key.id == caller.key_id:
            return key_body(key, runtime.registry)
    raise NoSuchResource("you signed in without a key of this server")


def key_body(key: models.ApiKey, registry: Registry) -> dict[str, Any]:
    """The key as an administrator sees it: never its digest."""
    owner = registry.by_number(key.party) if key.party is not None else None
    used_us = registry.used_us(key)
    return {
        "id": key.id,
        "organisation": owner.id if owner is not None else ADMINISTRATION,
        "role": key.role,
        "name": key.label,
        "createdAt": format_time_us(key.created_us),
        "expiresAt": format_time_us(key.expires_us) if key.expires_us is not None else None,
        "lastUsedAt": format_time_us(used_us) if used_us is not None else None,
        "place": key.place,
        "rights": orjson.loads(key.rights) if key.rights is not None else None,
        "successor": key.successor,
    }


def _live_key(tx: WriteTransaction, key_id: str) -> models.ApiKey:
    key = tx.get(models.ApiKey, key_id)
    if key is None or key.revoked_us is not None:
        raise NoSuchResource(f"there is no key {key_id[:40]!r}")
    return key


def _place_of_key(role: str, place: str | None) -> str | None:
    if place is None:
        if role in PLACE_BOUND_ROLES:
            message = f"a key of the role {role!r} needs the place that it acts at"
            raise ValidationException(message, [Finding("place", "place", message, _CLAUSE)])
        return None
    canonical = canonical_identifier(place)
    if identifier_kind(canonical).kind != "sgln":
        message = f"place is {place[:200]!r}; expected an SGLN, such as https://id.gs1.org/414/4012345000016/254/OR3"
        raise ValidationException(message, [Finding("place", "place", message, _CLAUSE)])
    return canonical


def _rights_of_key(role: str, rights: Collection[Right] | None) -> str | None:
    if rights is None:
        return None
    beyond = sorted(right.value for right in rights if right not in ROLE_RIGHTS[role])
    if beyond:
        message = f"the role {role!r} has not the right to {beyond[0]}; a key is given rights of its role only"
        raise ValidationException(message, [Finding("rights", "right", message, _CLAUSE)])
    return _json(sorted(right.value for right in rights))


def _changed(tx: WriteTransaction) -> None:
    """Let every server of this database read organisations and keys again."""
    counters.bump(tx, VERSION)


def require_party(runtime: "Runtime", party: str, path: str) -> None:
    """Nothing where a canonical PGLN is or may be an organisation; ValidationException for a wrong check digit.

    Whether the server knows the organisation makes no difference that a caller could see.
    """
    if runtime.registry.find(party) is None:
        _require_check_digit(party, path)


def _require_check_digit(party: str, path: str) -> None:
    gln = party.rpartition("/")[2]
    if not has_valid_check_digit(gln):
        message = f"{path} is {party!r}, whose check digit is {gln[-1]}; expected {check_digit(gln[:-1])}"
        raise ValidationException(message, [Finding(path, "incorrect_check_digit", message, _PARTY_CLAUSE)])


def _party_identifier(text: str) -> str:
    party = canonical_identifier(text)
    if identifier_kind(party).kind != "pgln":
        message = f"id is {text!r}; expected the GLN of a party as a PGLN, such as https://id.gs1.org/417/9521141000007"
        raise ValidationException(message, [Finding("id", "party_id", message, _PARTY_CLAUSE)])
    _require_check_digit(party, "id")
    return party


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
