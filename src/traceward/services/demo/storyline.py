"""The demo's story: consigned valves, screws and balloons from Cordia's line to Northgate's patients and bins.

Two EPCIS documents, one per capturing party, made of plain values. It must not capture anything, and nothing of the
product depends on it.
"""

from typing import Any, Final

CORDIA: Final = "https://id.gs1.org/417/9521141000007"
NORTHGATE: Final = "https://id.gs1.org/417/4012345000009"

_MCX = "https://ns.traceward.org/consignment/"
_CONTEXT: Final = [
    "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
    {"mcx": _MCX, "cbvmda": "urn:epcglobal:cbv:mda:"},
]

_VALVE = "https://id.gs1.org/01/09521141010235/21/"
_VALVE_7, _VALVE_8 = _VALVE + "V23-0007", _VALVE + "V23-0008"
_SCREW = "https://id.gs1.org/01/09521141045305/10/LOT77A"
_BALLOON = "https://id.gs1.org/01/09521141060001/10/B2201"
_SHIPPER = "https://id.gs1.org/00/095211410000000113"
_TRAY = "https://id.gs1.org/8003/09521141007778T0042"
_DRIVER = "https://id.gs1.org/8004/9521141DRIVER-19"
_PATIENT = "https://id.gs1.org/8018/401234500000123452"

_LINE_4 = "https://id.gs1.org/414/9521141000205/254/LINE4"
_LINE_5 = "https://id.gs1.org/414/9521141000205/254/LINE5"
_WAREHOUSE = "https://id.gs1.org/414/9521141000106"
HOSPITAL = "https://id.gs1.org/414/4012345000016"


def _room(name: str) -> str:
    return f"{HOSPITAL}/254/{name}"


_DOCK, _STORE, CABINET, _THEATRE = _room("DOCK1"), _room("STORE"), _room("OR3-CAB2"), _room("OR3")
WARD, _QUARANTINE, _CSSD = _room("WARDB-CAB1"), _room("QUAR"), _room("CSSD")

AGREEMENT = _MCX + "agreement/CA-2026-01"
_USAGE = "urn:uuid:5b0a4a3c-1f0e-4f4b-9d5e-0c8a52c7f901"
_NOTICE = "urn:epcglobal:cbv:bt:9521141000007:FSN-2026-004"

PLACE_NAMES: Final = {
    _WAREHOUSE: "Cordia distribution centre",
    _LINE_4: "Cordia line 4",
    _LINE_5: "Cordia line 5",
    HOSPITAL: "Northgate Hospital",
    _DOCK: "Goods-in dock 1",
    _STORE: "Central store",
    CABINET: "Theatre 3, cabinet 2",
    _THEATRE: "Theatre 3",
    WARD: "Ward B, cabinet 1",
    _QUARANTINE: "Quarantine shelf",
    _CSSD: "Sterile services",
}
"""Names of the places of the story, as each owner would declare them."""


def cordia_document() -> dict[str, Any]:
    """What Cordia captures: making, packing, shipping, the recall notice and the loan tray."""
    return _document(_made(), _packed_and_shipped(), _recalled_and_loaned())


def northgate_document() -> dict[str, Any]:
    """What Northgate's clinical role captures: receipt to use, patients, count, loss, returns, corrections."""
    return _document(_received(), _kept(), _used(), _corrected(), _recall_answered(), _tray(), _later())


def _document(*chapters: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "@context": _CONTEXT,
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": "2026-06-30T00:00:00Z",
        "epcisBody": {"eventList": [event for chapter in chapters for event in chapter]},
    }


def _event(number: int, kind: str, time: str, action: str, step: str | None, **fields: Any) -> dict[str, Any]:
    """One event; keyword names are EPCIS field names, `mcx_` stands for our own prefix, None leaves a field out."""
    head = {
        "type": kind,
        "eventID": f"urn:uuid:00000000-0000-4000-8000-{number:012d}",
        "eventTime": time,
        "eventTimeZoneOffset": "+00:00",
        "action": action,
        "bizStep": step,
    }
    named = {name.replace("mcx_", "mcx:"): value for name, value in fields.items()}
    return {name: value for name, value in (head | named).items() if value is not None}


def _object(number: int, time: str, action: str, step: str | None, **fields: Any) -> dict[str, Any]:
    return _event(number, "ObjectEvent", time, action, step, **fields)


def _at(place: str, end: str | None = None) -> dict[str, Any]:
    """The readPoint, and the bizLocation where the items stay."""
    where: dict[str, Any] = {"readPoint": {"id": place}}
    return where | {"bizLocation": {"id": end}} if end else where


def _amounts(*pairs: tuple[str, int]) -> list[dict[str, Any]]:
    return [{"epcClass": item, "quantity": count} for item, count in pairs]


def _passes(
    *, owner: tuple[str, str] | None = None, holder: tuple[str, str] | None = None, place: tuple[str, str | None] | None
) -> dict[str, Any]:
    """The sourceList and destinationList: who gives to whom, from where to where."""
    pairs = (("owning_party", owner), ("possessing_party", holder), ("location", place))
    sources = [{"type": kind, "source": pair[0]} for kind, pair in pairs if pair]
    targets = [{"type": kind, "destination": pair[1]} for kind, pair in pairs if pair and pair[1]]
    return {"sourceList": sources, "destinationList": targets}


def _papers(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    return [{"type": kind, "bizTransaction": number} for kind, number in pairs]


def _cordia_no(number: str) -> str:
    return f"urn:epcglobal:cbv:bt:9521141000007:{number}"


def _northgate_no(number: str) -> str:
    return f"urn:epcglobal:cbv:bt:4012345000009:{number}"


def _own(kind: str, number: str) -> tuple[str, str]:
    return f"{_MCX}btt/{kind}", number


_CONSIGNED = _passes(owner=(CORDIA, CORDIA), holder=(CORDIA, NORTHGATE), place=(_WAREHOUSE, HOSPITAL))
_BOUGHT_IN_THEATRE = _passes(owner=(CORDIA, NORTHGATE), place=(CABINET, _THEATRE))


def _made() -> list[dict[str, Any]]:
    return [
        _object(
            1, "2026-02-02T08:00:00Z", "ADD", "commissioning", disposition="active",
            epcList=[_VALVE_7, _VALVE_8], **_at(_LINE_4, _WAREHOUSE),
            bizTransactionList=_papers(("prodorder", _cordia_no("WO-5512"))),
            ilmd={
                "cbvmda:lotNumber": "L23-A",
                "cbvmda:itemExpirationDate": "2028-01-31",
                "mcx:manufacturingDate": "2026-01-31",
            },
        ),
        _object(
            2, "2026-02-02T08:30:00Z", "ADD", "creating_class_instance", disposition="active",
            quantityList=_amounts((_SCREW, 500), (_BALLOON, 100)), **_at(_LINE_5, _WAREHOUSE),
            ilmd={"cbvmda:itemExpirationDate": "2030-12-31"},
        ),
    ]  # fmt: skip


_BOX = {"childEPCs": [_VALVE_7, _VALVE_8], "childQuantityList": _amounts((_SCREW, 20), (_BALLOON, 5))}


def _packed_and_shipped() -> list[dict[str, Any]]:
    return [
        _event(
            3, "AggregationEvent", "2026-02-10T09:00:00Z", "ADD", "packing", disposition="in_progress",
            parentID=_SHIPPER, **_BOX, **_at(_WAREHOUSE, _WAREHOUSE),
        ),
        _object(
            4, "2026-02-10T10:00:00Z", "OBSERVE", "shipping", disposition="in_transit", epcList=[_SHIPPER],
            **_at(_WAREHOUSE), **_CONSIGNED, mcx_agreement=AGREEMENT,
            bizTransactionList=_papers(("po", _northgate_no("CPO-1001")), ("desadv", _cordia_no("ASN-88"))),
        ),
        _object(
            28, "2026-02-10T12:00:00Z", "OBSERVE", "void_shipping", disposition="in_progress", epcList=[_SHIPPER],
            **_at(_WAREHOUSE, _WAREHOUSE), bizTransactionList=_papers(("desadv", _cordia_no("ASN-88"))),
        ),
    ]  # fmt: skip


def _recalled_and_loaned() -> list[dict[str, Any]]:
    return [
        _object(
            20, "2026-04-01T09:00:00Z", "OBSERVE", "holding", disposition="recalled",
            persistentDisposition={"set": ["recalled"]}, quantityList=[{"epcClass": _SCREW}],
            bizTransactionList=_papers(_own("recall", _NOTICE)),
            mcx_recallClass="I", mcx_reason="Sterile barrier defect", mcx_recallNotice=_NOTICE,
        ),
        _event(
            23, "AggregationEvent", "2026-05-02T09:00:00Z", "ADD", "packing", parentID=_TRAY,
            childEPCs=[_DRIVER], childQuantityList=_amounts((_SCREW, 30)), **_at(_WAREHOUSE, _WAREHOUSE),
        ),
    ]  # fmt: skip


def _received() -> list[dict[str, Any]]:
    return [
        _object(
            5, "2026-02-11T07:10:00Z", "OBSERVE", "receiving", disposition="in_progress", epcList=[_SHIPPER],
            **_at(_DOCK, _DOCK), **_CONSIGNED, mcx_agreement=AGREEMENT,
            bizTransactionList=_papers(("desadv", _cordia_no("ASN-88")), ("recadv", _northgate_no("GRN-311"))),
        ),
        _event(
            6, "AggregationEvent", "2026-02-11T07:30:00Z", "DELETE", "unpacking",
            disposition="completeness_verified", parentID=_SHIPPER, **_BOX, **_at(_STORE, _STORE),
        ),
        _object(
            7, "2026-02-11T07:45:00Z", "OBSERVE", "stocking", disposition="sellable_accessible",
            epcList=[_VALVE_7, _VALVE_8], quantityList=_amounts((_SCREW, 20), (_BALLOON, 5)),
            **_at(CABINET, CABINET), **_passes(place=(_STORE, CABINET)),
        ),
    ]  # fmt: skip


def _kept() -> list[dict[str, Any]]:
    count, stocktake = _northgate_no("CC-2026-03-05-OR3"), _northgate_no("ST-2026-Q1-OR3")
    return [
        _object(
            8, "2026-03-01T12:00:00Z", "OBSERVE", "storing", disposition="sellable_accessible",
            epcList=[_VALVE_8], quantityList=_amounts((_SCREW, 4)), **_at(WARD, WARD),
            **_passes(place=(CABINET, WARD)),
        ),
        _object(
            9, "2026-03-05T06:00:00Z", "OBSERVE", "cycle_counting", disposition="sellable_accessible",
            epcList=[_VALVE_7], quantityList=_amounts((_SCREW, 15)), **_at(CABINET, CABINET),
            bizTransactionList=_papers(_own("count", count)), mcx_countScope="complete", mcx_count=count,
            mcx_countGTINs=[f"urn:epc:idpat:sgtin:9521141.{product}.*" for product in ("001023", "004530")],
        ),
        _object(
            10, "2026-03-31T16:00:00Z", "OBSERVE", "stock_taking", disposition="unavailable",
            quantityList=_amounts((_SCREW, 1)), **_at(CABINET),
            bizTransactionList=_papers(_own("count", stocktake), ("po", _northgate_no("BO-7002"))),
            **_passes(owner=(CORDIA, NORTHGATE), place=(CABINET, None)),
            mcx_reason="lost", mcx_agreement=AGREEMENT, mcx_count=stocktake,
        ),
    ]  # fmt: skip


_IMPLANTED = {
    "disposition": "dispensed",
    "quantityList": _amounts((_SCREW, 2)),
    **_at(_THEATRE),
    "bizTransactionList": _papers(_own("usage_report", _USAGE)),
    **_BOUGHT_IN_THEATRE,
    "mcx_useType": "implanted",
    "mcx_agreement": AGREEMENT,
    "mcx_usageReport": _USAGE,
}


def _used() -> list[dict[str, Any]]:
    usage = _own("usage_report", _USAGE)
    return [
        _object(11, "2026-03-12T10:42:00Z", "OBSERVE", "dispensing", epcList=[_VALVE_7], **_IMPLANTED),
        _event(
            12, "AssociationEvent", "2026-03-12T10:42:00Z", "ADD", "installing", parentID=_PATIENT,
            childEPCs=[_VALVE_7], childQuantityList=_amounts((_SCREW, 2)), **_at(_THEATRE),
            bizTransactionList=_papers(usage, _own("case", _northgate_no("CASE-2026-0412"))), mcx_usageReport=_USAGE,
        ),
        _event(
            13, "TransactionEvent", "2026-03-13T09:00:00Z", "ADD", "accepting",
            epcList=[_VALVE_7], quantityList=_amounts((_SCREW, 2)), mcx_usageReport=_USAGE,
            bizTransactionList=_papers(("po", _northgate_no("BO-7001")), ("inv", _cordia_no("INV-4410")), usage),
        ),
        _object(
            14, "2026-03-12T10:20:00Z", "DELETE", "dispensing", disposition="dispensed",
            quantityList=_amounts((_BALLOON, 1)), **_at(_THEATRE), bizTransactionList=_papers(usage),
            **_BOUGHT_IN_THEATRE, mcx_useType="consumed", mcx_usageReport=_USAGE,
        ),
        _object(
            15, "2026-03-12T10:50:00Z", "DELETE", "destroying", disposition="destroyed",
            quantityList=_amounts((_SCREW, 1)), **_at(_THEATRE), bizTransactionList=_papers(usage),
            **_BOUGHT_IN_THEATRE, mcx_useType="wasted", mcx_reason="opened_not_used", mcx_usageReport=_USAGE,
        ),
    ]  # fmt: skip


def _corrected() -> list[dict[str, Any]]:
    """Valve 8 was implanted, not valve 7: the first report is declared an error and reported anew."""
    declaration = {
        "declarationTime": "2026-03-12T11:30:00Z",
        "reason": "incorrect_data",
        "correctiveEventIDs": ["urn:uuid:00000000-0000-4000-8000-000000000027"],
    }
    wrong = _object(11, "2026-03-12T10:42:00Z", "OBSERVE", "dispensing", epcList=[_VALVE_7], **_IMPLANTED)
    right = _object(27, "2026-03-12T10:42:00Z", "OBSERVE", "dispensing", epcList=[_VALVE_8], **_IMPLANTED)
    return [wrong | {"errorDeclaration": declaration}, right]


def _recall_answered() -> list[dict[str, Any]]:
    return [
        _object(
            21, "2026-04-01T11:00:00Z", "OBSERVE", "holding", disposition="recalled",
            persistentDisposition={"set": ["recalled"]}, quantityList=_amounts((_SCREW, 12)),
            **_at(_QUARANTINE, _QUARANTINE), **_passes(place=(CABINET, _QUARANTINE)),
            bizTransactionList=_papers(_own("recall", _NOTICE)), mcx_recallNotice=_NOTICE,
        ),
        _object(
            22, "2026-04-03T08:00:00Z", "OBSERVE", "shipping", disposition="returned",
            quantityList=_amounts((_SCREW, 12)), **_at(_DOCK),
            bizTransactionList=_papers(("rma", _cordia_no("RMA-21")), ("desadv", _northgate_no("RTN-9"))),
            **_passes(owner=(CORDIA, CORDIA), holder=(NORTHGATE, CORDIA), place=(_QUARANTINE, _WAREHOUSE)),
        ),
    ]  # fmt: skip


def _tray() -> list[dict[str, Any]]:
    cycle = {
        "sensorMetadata": {
            "startTime": "2026-05-05T21:30:00Z",
            "endTime": "2026-05-05T21:34:00Z",
            "deviceID": "https://id.gs1.org/8004/0614141AUTOCLAVE2",
        },
        "sensorReport": [{"type": "Temperature", "minValue": 134, "maxValue": 135.2, "uom": "CEL"}],
    }
    excursion = {
        "sensorMetadata": {
            "startTime": "2026-06-03T01:40:00Z",
            "endTime": "2026-06-03T02:10:00Z",
            "deviceID": "https://id.gs1.org/8004/0614141FRIDGE7",
            "bizRules": f"{_MCX}rules/2-8C",
        },
        "sensorReport": [
            {"type": "Temperature", "minValue": 7.9, "maxValue": 11.2, "uom": "CEL", "exception": "ALARM_CONDITION"}
        ],
    }
    return [
        _object(
            25, "2026-05-05T22:10:00Z", "OBSERVE", f"{_MCX}bizstep/sterilizing", disposition="conformant",
            epcList=[_TRAY], **_at(_CSSD, _CSSD), sensorElementList=[cycle],
            bizTransactionList=_papers(("testres", _northgate_no("STER-20260505-03"))),
        ),
        _event(
            24, "AggregationEvent", "2026-05-06T10:00:00Z", "DELETE", "unpacking", parentID=_TRAY,
            childQuantityList=_amounts((_SCREW, 3)), **_at(_THEATRE, _THEATRE),
        ),
        _object(
            26, "2026-06-03T02:15:00Z", "OBSERVE", "sensor_reporting", epcList=[], **_at(CABINET, CABINET),
            sensorElementList=[excursion],
        ),
    ]  # fmt: skip


def _later() -> list[dict[str, Any]]:
    """What the years after bring: a buy-out, an explant, and an expired valve destroyed."""
    return [
        _object(
            29, "2026-09-30T12:00:00Z", "OBSERVE", "accepting", disposition="sellable_accessible",
            epcList=[_VALVE_8], **_at(WARD, WARD), bizTransactionList=_papers(("po", _northgate_no("PO-8100"))),
            **_passes(owner=(CORDIA, NORTHGATE), holder=(NORTHGATE, NORTHGATE), place=None),
        ),
        _event(
            16, "AssociationEvent", "2027-06-01T11:00:00Z", "DELETE", "removing", parentID=_PATIENT,
            childEPCs=[_VALVE_7], **_at(_THEATRE),
            bizTransactionList=_papers(_own("case", _northgate_no("CASE-2027-0099"))),
        ),
        _object(
            17, "2027-06-01T11:20:00Z", "OBSERVE", "holding", disposition="non_conformant",
            epcList=[_VALVE_7], **_at(_THEATRE, _QUARANTINE), mcx_reason="explanted",
        ),
        _object(
            18, "2028-02-01T06:30:00Z", "OBSERVE", "holding", disposition="expired",
            persistentDisposition={"set": ["expired"]}, epcList=[_VALVE_8], **_at(WARD, _QUARANTINE),
        ),
        _object(
            19, "2028-02-10T15:00:00Z", "DELETE", "destroying", disposition="destroyed",
            epcList=[_VALVE_8], **_at(_QUARANTINE),
            bizTransactionList=_papers(("rma", _cordia_no("RMA-17"))),
        ),
    ]  # fmt: skip
