"""Consignment actions as events: each kind as the flow table has it, valid by the rules, equal to the storyline."""

from decimal import Decimal
from uuid import UUID

import pytest

from shared_data import shared
from traceward.epcis.builder import Item, build_event
from traceward.epcis.errors import ValidationException
from traceward.epcis.identity import expand
from traceward.epcis.json_codec import read_document, read_event, write_json
from traceward.epcis.rules import check_event

V7 = "urn:epc:id:sgtin:9521141.001023.V23-0007"
V8 = "urn:epc:id:sgtin:9521141.001023.V23-0008"
SCREW = "urn:epc:class:lgtin:9521141.004530.LOT77A"
BALLOON = "urn:epc:class:lgtin:9521141.006000.B2201"
CORDIA, NORTHGATE = "urn:epc:id:pgln:9521141.00000", "urn:epc:id:pgln:4012345.00000"
AGREEMENT = "https://ns.traceward.org/consignment/agreement/CA-2026-01"
REPORT = "urn:uuid:5b0a4a3c-1f0e-4f4b-9d5e-0c8a52c7f901"
UUID_OF_TEST = UUID("33333333-3333-4333-8333-333333333333")


def place(extension):
    return f"urn:epc:id:sgln:4012345.00001.{extension}"


def build(kind, items, where, time="2026-03-12T10:42:00Z", **more):
    return build_event(kind, items, where, event_time=time, offset="+00:00", **more)


def storyline(number):
    events = read_document(shared("examples/storyline.json").read_bytes()).events
    wanted = f"urn:uuid:00000000-0000-4000-8000-{number:012d}"
    return next(event for event in events if event.data["eventID"] == wanted and "errorDeclaration" not in event.data)


def said(built):
    read = read_event(write_json(built))
    assert check_event(read) == []
    return expand(read.data, read.context)


def event_id(number):
    return f"urn:uuid:00000000-0000-4000-8000-{number:012d}"


TO_NORTHGATE = {"owning": (CORDIA, CORDIA), "possessing": (CORDIA, NORTHGATE), "agreement": AGREEMENT}
SOLD = {"owning": (CORDIA, NORTHGATE), "source_place": place("OR3-CAB2"), "usage_report": REPORT}
STORY = {
    "F1b commission": (
        2,
        lambda: build(
            "commission",
            [
                Item(epc_class=SCREW, quantity=500, lot="LOT77A", expiration_date="2030-12-31"),
                Item(epc_class=BALLOON, quantity=100, lot="B2201", expiration_date="2030-12-31"),
            ],
            "urn:epc:id:sgln:9521141.00010.0",
            "2026-02-02T08:30:00Z",
            event_id=event_id(2),
        ),
        {"readPoint"},  # the storyline reads on the line and keeps in the centre
    ),
    "F3 ship": (
        4,
        lambda: build(
            "ship",
            [Item(epc="urn:epc:id:sscc:9521141.0000000011")],
            "urn:epc:id:sgln:9521141.00010.0",
            "2026-02-10T10:00:00Z",
            event_id=event_id(4),
            destination_place=place("0"),
            biz_transactions=[
                ("po", "urn:epcglobal:cbv:bt:4012345000009:CPO-1001"),
                ("desadv", "urn:epcglobal:cbv:bt:9521141000007:ASN-88"),
            ],
            **TO_NORTHGATE,
        ),
        set(),
    ),
    "F4 receive": (
        5,
        lambda: build(
            "receive",
            [Item(epc="urn:epc:id:sscc:9521141.0000000011")],
            place("DOCK1"),
            "2026-02-11T07:10:00Z",
            event_id=event_id(5),
            source_place="urn:epc:id:sgln:9521141.00010.0",
            destination_place=place("0"),
            biz_transactions=[
                ("desadv", "urn:epcglobal:cbv:bt:9521141000007:ASN-88"),
                ("recadv", "urn:epcglobal:cbv:bt:4012345000009:GRN-311"),
            ],
            **TO_NORTHGATE,
        ),
        set(),
    ),
    "F5 put away": (
        7,
        lambda: build(
            "put_away",
            [
                Item(epc=V7),
                Item(epc=V8),
                Item(epc_class=SCREW, quantity=20),
                Item(epc_class=BALLOON, quantity=5),
            ],
            place("OR3-CAB2"),
            "2026-02-11T07:45:00Z",
            event_id=event_id(7),
            source_place=place("STORE"),
        ),
        set(),
    ),
    "F6 transfer": (
        8,
        lambda: build(
            "transfer",
            [Item(epc=V8), Item(epc_class=SCREW, quantity=4)],
            place("WARDB-CAB1"),
            "2026-03-01T12:00:00Z",
            event_id=event_id(8),
            source_place=place("OR3-CAB2"),
        ),
        set(),
    ),
    "F7 count": (
        9,
        lambda: build(
            "count",
            [Item(epc=V7), Item(epc=V7), Item(epc_class=SCREW, quantity=7), Item(epc_class=SCREW, quantity=8)],
            place("OR3-CAB2"),
            "2026-03-05T06:00:00Z",
            event_id=event_id(9),
            count_id="urn:epcglobal:cbv:bt:4012345000009:CC-2026-03-05-OR3",
            count_scope="complete",
            count_gtins=["urn:epc:idpat:sgtin:9521141.001023.*", "urn:epc:idpat:sgtin:9521141.004530.*"],
        ),
        set(),
    ),
    "F9 use, implanted": (
        11,
        lambda: build(
            "use",
            [Item(epc=V7), Item(epc_class=SCREW, quantity=2)],
            place("OR3"),
            event_id=event_id(11),
            use_type="implanted",
            agreement=AGREEMENT,
            **SOLD,
        ),
        set(),
    ),
    "F12 use, consumed": (
        14,
        lambda: build(
            "use",
            [Item(epc_class=BALLOON, quantity=1)],
            place("OR3"),
            "2026-03-12T10:20:00Z",
            event_id=event_id(14),
            use_type="consumed",
            **SOLD,
        ),
        set(),
    ),
    "F13 use, wasted": (
        15,
        lambda: build(
            "use",
            [Item(epc_class=SCREW, quantity=1)],
            place("OR3"),
            "2026-03-12T10:50:00Z",
            event_id=event_id(15),
            use_type="wasted",
            reason="opened_not_used",
            **SOLD,
        ),
        set(),
    ),
    "F17 return": (
        22,
        lambda: build(
            "return",
            [Item(epc_class=SCREW, quantity=12)],
            place("DOCK1"),
            "2026-04-03T08:00:00Z",
            event_id=event_id(22),
            source_place=place("QUAR"),
            destination_place="urn:epc:id:sgln:9521141.00010.0",
            owning=(CORDIA, CORDIA),
            possessing=(NORTHGATE, CORDIA),
            biz_transactions=[
                ("rma", "urn:epcglobal:cbv:bt:9521141000007:RMA-21"),
                ("desadv", "urn:epcglobal:cbv:bt:4012345000009:RTN-9"),
            ],
        ),
        set(),
    ),
}


@pytest.mark.parametrize(("number", "built", "apart"), STORY.values(), ids=STORY)
def test_an_action_builds_the_event_of_the_storyline(number, built, apart):
    """Rejects a wrong action, step, disposition, party pair, place or extension in any row of the table."""
    told = storyline(number)
    expected, found = expand(told.data, told.context), said(built())
    leave = apart | {"bizTransactionList"} if number == 2 else apart
    assert {name: value for name, value in found.items() if name not in leave} == {
        name: value for name, value in expected.items() if name not in leave
    }


def test_commissioning_instances_puts_lot_and_expiry_into_ilmd():
    items = [Item(epc=epc, lot="L23-A", expiration_date="2028-01-31") for epc in (V7, V8)]
    event = said(build("commission", items, "urn:epc:id:sgln:9521141.00010.0"))
    assert (event["action"], event["bizStep"]) == ("ADD", "commissioning")
    assert event["ilmd"] == {
        "urn:epcglobal:cbv:mda:lotNumber": "L23-A",
        "urn:epcglobal:cbv:mda:itemExpirationDate": "2028-01-31",
    }


def test_elsewhere_the_scanned_lot_and_expiry_are_observations():
    """Rejects ilmd on an OBSERVE, which the standard forbids, and the loss of what the label says."""
    items = [Item(epc=V7, lot="L23-A", expiration_date="2028-01-31"), Item(epc=V8, lot="L23-B")]
    built = build("put_away", items, place("OR3-CAB2"))
    assert "ilmd" not in built
    assert built["mcx:scannedLot"] == [
        {"epc": "https://id.gs1.org/01/09521141010235/21/V23-0007", "value": "L23-A"},
        {"epc": "https://id.gs1.org/01/09521141010235/21/V23-0008", "value": "L23-B"},
    ]
    assert built["mcx:scannedExpiry"] == [
        {"epc": "https://id.gs1.org/01/09521141010235/21/V23-0007", "value": "2028-01-31"}
    ]
    said(built)


def test_the_event_id_is_the_callers_or_a_new_uuid():
    assert build("put_away", [Item(epc=V7)], place("A"), event_id="urn:x:1")["eventID"] == "urn:x:1"
    made = build("put_away", [Item(epc=V7)], place("A"), new_uuid=lambda: UUID_OF_TEST)
    assert made["eventID"] == f"urn:uuid:{UUID_OF_TEST}"


def test_fractions_are_summed_without_loss():
    items = [Item(epc_class=SCREW, quantity=Decimal("0.1"), uom="KGM") for _ in range(3)]
    assert said(build("put_away", items, place("A")))["quantityList"][0]["quantity"] == "0.3"


def test_a_move_from_an_unknown_place_states_no_location_pair():
    """Rejects inventing a source: a pair with one end would debit nothing."""
    assert "sourceList" not in build("put_away", [Item(epc=V7)], place("A"))


@pytest.mark.parametrize("kind", ["ship", "return"])
def test_goods_that_leave_leave_the_place_of_the_action(kind):
    """Rejects taking the place of shipping for its destination."""
    parties = {"owning": (CORDIA, CORDIA), "possessing": (NORTHGATE, CORDIA)}
    event = said(build(kind, [Item(epc=V7)], place("DOCK1"), destination_place=place("0"), **parties))
    ends = [
        next(end[name] for end in event[f"{name}List"] if end["type"] == "location")
        for name in ("source", "destination")
    ]
    assert ends == ["https://id.gs1.org/414/4012345000016/254/DOCK1", "https://id.gs1.org/414/4012345000016"]
    assert "bizLocation" not in event


def test_a_complete_count_may_find_nothing():
    built = build("count", [], place("A"), count_scope="complete", count_gtins=["urn:epc:idpat:sgtin:9521141.001023.*"])
    assert built["epcList"] == []
    said(built)


WRONG = {
    "nothing scanned": ("put_away", [], {}, "items"),
    "partial count of nothing": ("count", [], {"count_scope": "partial"}, "items"),
    "neither instance nor class": ("put_away", [Item()], {}, "items[0]"),
    "both instance and class": ("put_away", [Item(epc=V7, epc_class=SCREW)], {}, "items[0]"),
    "negative quantity": ("put_away", [Item(epc_class=SCREW, quantity=-1)], {}, "items[0].quantity"),
    "shipping without parties": ("ship", [Item(epc=V7)], {}, "owning"),
    "use without owner": ("use", [Item(epc=V7)], {"use_type": "implanted"}, "owning"),
    "use without type": ("use", [Item(epc=V7)], {"owning": (CORDIA, NORTHGATE)}, "action"),
    "use of unknown type": ("use", [Item(epc=V7)], {"owning": (CORDIA, NORTHGATE), "use_type": "eaten"}, "action"),
    "unknown action": ("explode", [Item(epc=V7)], {}, "action"),
    "commissioning of both sorts": ("commission", [Item(epc=V7), Item(epc_class=SCREW, quantity=1)], {}, "items"),
    "commissioning of two lots": ("commission", [Item(epc=V7, lot="A"), Item(epc=V8, lot="B")], {}, "items"),
}


@pytest.mark.parametrize(("kind", "items", "more", "path"), WRONG.values(), ids=WRONG)
def test_an_action_that_lacks_what_it_needs_is_refused_with_the_place(kind, items, more, path):
    with pytest.raises(ValidationException) as caught:
        build(kind, items, place("A"), **more)
    assert path in [finding.path for finding in caught.value.findings]
