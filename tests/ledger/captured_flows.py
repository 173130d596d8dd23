"""Any number of captured JSON events of a supplier and a hospital: the flows of a consignment, in overlapping batches.

It must not import anything of the server: what it makes goes to the server's ledger and to the independent one alike.
"""

import random
from datetime import UTC, datetime, timedelta
from itertools import count

STEM = "https://id.gs1.org/"
SUPPLIER, HOSPITAL = STEM + "417/9521141000007", STEM + "417/4012345000009"
DC, SITE = STEM + "414/9521141000106", STEM + "414/4012345000016"
STORE, CABINET, WARD, ROOM, QUARANTINE, CSSD = (f"{SITE}/254/{name}" for name in ("ST", "CAB", "WB", "OR", "QU", "CS"))
PREFIXES = {"9521141": SUPPLIER, "4012345": HOSPITAL}
STERILISING = "https://ns.traceward.org/consignment/bizstep/sterilizing"


class Flows:
    """Makes batches; each batch has items of its own and some 30 events. captured: (event, captor) in random order."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.numbers = count(1)
        self.captured = []

    def make(self, least):
        """At least so many captures, shuffled, a few of them twice."""
        batch = 0
        while len(self.captured) < least:
            batch += 1
            self.batch(batch)
        self.captured += self.random.sample(self.captured, len(self.captured) // 50)
        self.random.shuffle(self.captured)
        return self.captured

    def say(self, captor, step, *, kind="ObjectEvent", action="OBSERVE", at=None, stay=False, **fields):
        number = next(self.numbers)
        # Every moment is another one, so that the order of events of one instant does not come into it.
        self.clock += timedelta(minutes=self.random.randrange(1, 300))
        time = self.clock.replace(microsecond=0) + timedelta(microseconds=number % 1_000_000)
        event = {
            "type": kind, "eventID": f"urn:uuid:00000000-0000-4000-8000-{number:012d}",
            "eventTime": time.isoformat().replace("+00:00", "Z"), "eventTimeZoneOffset": "+00:00", "action": action,
            "bizStep": step,
        }  # fmt: skip
        if at is not None:
            event["readPoint"] = {"id": at}
        if stay:
            event["bizLocation"] = {"id": at}
        for name, (start, end) in fields.pop("ends", {}).items():
            if start is not None:
                event.setdefault("sourceList", []).append({"type": name, "source": start})
            if end is not None:
                event.setdefault("destinationList", []).append({"type": name, "destination": end})
        event |= fields
        self.captured.append((event, captor))
        return event

    def batch(self, number):
        pick = self.random
        self.clock = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=pick.randrange(20_000))
        valves = [f"{STEM}01/09521141010235/21/B{number}-{one}" for one in range(6)]
        screw = f"{STEM}01/09521141045305/10/L{number}"
        box, tray = f"{STEM}00/0952114100{number % 10**7:07d}0", f"{STEM}8003/09521141007778T{number}"
        driver = f"{STEM}8004/9521141D{number}"
        self.say(SUPPLIER, "commissioning", action="ADD", at=DC, stay=True, epcList=valves)
        self.say(SUPPLIER, "creating_class_instance", action="ADD", at=DC, stay=True, quantityList=[lot(screw, 500)])
        packed = pick.randrange(20, 60)
        self.aggregate(SUPPLIER, "ADD", DC, box, valves, [lot(screw, packed)])
        ends = {"possessing_party": (SUPPLIER, HOSPITAL), "owning_party": (SUPPLIER, SUPPLIER), "location": (DC, SITE)}
        self.say(SUPPLIER, "shipping", at=DC, disposition="in_transit", epcList=[box], ends=ends)
        if pick.random() < 0.2:
            self.say(SUPPLIER, "void_shipping", at=DC, stay=True, disposition="in_progress", epcList=[box])
            self.say(SUPPLIER, "shipping", at=DC, disposition="in_transit", epcList=[box], ends=ends)
        self.say(HOSPITAL, "receiving", at=STORE, stay=True, disposition="in_progress", epcList=[box], ends=ends)
        self.aggregate(HOSPITAL, "DELETE", STORE, box, valves, [lot(screw, packed)])
        self.put(STORE, CABINET, "stocking", valves, screw, packed)
        self.put(CABINET, WARD, "storing", valves[5:], screw, 4)
        left = packed - 4
        seen = [lot(screw, left - pick.randrange(2))]
        self.say(HOSPITAL, "cycle_counting", at=CABINET, stay=True, epcList=valves[:4], quantityList=seen)
        left -= self.use(valves, screw)
        self.say(SUPPLIER, "holding", disposition="recalled", persistentDisposition={"set": ["recalled"]},
                 quantityList=[{"epcClass": screw}])  # fmt: skip
        self.quarantine_and_return(screw, left)
        if pick.random() < 0.5:
            self.tray(tray, driver, screw)
        if pick.random() < 0.5:
            self.loose(number)
        self.end_of_life(valves)

    def aggregate(self, captor, action, place, parent, children, quantities):
        step = "packing" if action == "ADD" else "unpacking"
        self.say(captor, step, kind="AggregationEvent", action=action, at=place, stay=True, parentID=parent,
                 childEPCs=children, childQuantityList=quantities, disposition="in_progress")  # fmt: skip

    def put(self, start, end, step, valves, screw, quantity):
        self.say(HOSPITAL, step, at=end, stay=True, disposition="sellable_accessible", epcList=valves,
                 quantityList=[lot(screw, quantity)], ends={"location": (start, end)})  # fmt: skip

    def use(self, valves, screw):
        """Implanted, consumed, wasted, lost; some of it declared in error and corrected, some used twice."""
        ends = {"owning_party": (SUPPLIER, HOSPITAL), "location": (CABINET, ROOM)}
        implant = {"mcx:useType": "implanted", "disposition": "dispensed", "ends": ends, "at": ROOM}
        used = self.say(HOSPITAL, "dispensing", epcList=[valves[0]], quantityList=[lot(screw, 2)], **implant)
        taken = 2
        if self.random.random() < 0.4:
            wrong = self.say(HOSPITAL, "dispensing", epcList=[valves[1]], quantityList=[lot(screw, 1)], **implant)
            right = self.say(HOSPITAL, "dispensing", epcList=[valves[2]], quantityList=[lot(screw, 1)], **implant)
            right["eventTime"] = wrong["eventTime"]
            said = {"declarationTime": right["eventTime"], "reason": "incorrect_data",
                    "correctiveEventIDs": [right["eventID"]]}  # fmt: skip
            self.captured.append((wrong | {"errorDeclaration": said}, HOSPITAL))
            taken += 1
        if self.random.random() < 0.2:
            self.say(HOSPITAL, "dispensing", epcList=[valves[0]], **implant)
        self.say(HOSPITAL, "installing", kind="AssociationEvent", action="ADD", at=ROOM, childEPCs=[valves[0]],
                 parentID=f"{STEM}8018/401234500000123452")  # fmt: skip
        order = {"type": "po", "bizTransaction": "urn:epcglobal:cbv:bt:4012345000009:B1"}
        self.say(HOSPITAL, "accepting", kind="TransactionEvent", action="ADD", epcList=used["epcList"],
                 bizTransactionList=[order])  # fmt: skip
        self.say(HOSPITAL, "dispensing", action="DELETE", at=ROOM, disposition="dispensed", ends=ends,
                 quantityList=[lot(screw, 1)], **{"mcx:useType": "consumed"})  # fmt: skip
        self.say(HOSPITAL, "destroying", action="DELETE", at=ROOM, disposition="destroyed", ends=ends,
                 quantityList=[lot(screw, 1)], **{"mcx:useType": "wasted"})  # fmt: skip
        charged = {"owning_party": (SUPPLIER, HOSPITAL), "location": (CABINET, None)}
        self.say(HOSPITAL, "stock_taking", at=CABINET, disposition="unavailable", ends=charged,
                 quantityList=[lot(screw, 1)], epcList=[valves[3]])  # fmt: skip
        return taken + 3

    def quarantine_and_return(self, screw, left):
        held = {"disposition": "recalled", "persistentDisposition": {"set": ["recalled"]}}
        self.say(HOSPITAL, "holding", at=QUARANTINE, stay=True, quantityList=[lot(screw, left)],
                 ends={"location": (CABINET, QUARANTINE)}, **held)  # fmt: skip
        back = {"possessing_party": (HOSPITAL, SUPPLIER), "owning_party": (SUPPLIER, SUPPLIER)}
        back |= {"location": (QUARANTINE, DC)}
        self.say(
            HOSPITAL, "shipping", at=QUARANTINE, disposition="returned", quantityList=[lot(screw, left)], ends=back
        )
        if self.random.random() < 0.6:
            self.say(SUPPLIER, "receiving", at=DC, stay=True, quantityList=[lot(screw, left)], ends=back)

    def loose(self, number):
        """Sent and received short or over; all of the lot is used, and then more than there was."""
        lots = [f"{STEM}01/09521141060001/10/P{number}"]
        valves = [f"{STEM}01/09521141010235/21/C{number}-{one}" for one in range(3)]
        self.say(SUPPLIER, "commissioning", action="ADD", at=DC, stay=True, epcList=valves)
        self.say(SUPPLIER, "creating_class_instance", action="ADD", at=DC, stay=True, quantityList=[lot(lots[0], 40)])
        ends = {"possessing_party": (SUPPLIER, HOSPITAL), "owning_party": (SUPPLIER, SUPPLIER), "location": (DC, SITE)}
        self.say(SUPPLIER, "shipping", at=DC, disposition="in_transit", epcList=valves[:2],
                 quantityList=[lot(lots[0], 10)], ends=ends)  # fmt: skip
        came = self.random.choice((7, 10, 13))
        self.say(HOSPITAL, "receiving", at=CABINET, stay=True, ends=ends, quantityList=[lot(lots[0], came)],
                 epcList=self.random.choice((valves[:1], valves[:2], valves)))  # fmt: skip
        sold = {"owning_party": (SUPPLIER, HOSPITAL), "location": (CABINET, ROOM)}
        for used in self.random.choice(((3, came - 3, 2), (came + 4,), (came,))):
            self.say(HOSPITAL, "dispensing", at=ROOM, disposition="dispensed", quantityList=[lot(lots[0], used)],
                     ends=sold, **{"mcx:useType": "consumed"})  # fmt: skip

    def tray(self, tray, driver, screw):
        self.aggregate(SUPPLIER, "ADD", DC, tray, [driver], [lot(screw, 30)])
        ends = {"possessing_party": (SUPPLIER, HOSPITAL), "owning_party": (SUPPLIER, SUPPLIER), "location": (DC, SITE)}
        self.say(SUPPLIER, "shipping", at=DC, disposition="in_transit", epcList=[tray], ends=ends)
        self.say(HOSPITAL, "receiving", at=STORE, stay=True, epcList=[tray], ends=ends)
        self.say(HOSPITAL, STERILISING, at=CSSD, stay=True, disposition="conformant", epcList=[tray])
        self.aggregate(HOSPITAL, "DELETE", ROOM, tray, [], [lot(screw, 3)])
        sold = {"owning_party": (SUPPLIER, HOSPITAL), "location": (ROOM, ROOM)}
        self.say(HOSPITAL, "dispensing", at=ROOM, disposition="dispensed", quantityList=[lot(screw, 3)], ends=sold,
                 **{"mcx:useType": "implanted"})  # fmt: skip

    def end_of_life(self, valves):
        explanted = {"mcx:reason": "explanted", "disposition": "non_conformant"}
        self.say(HOSPITAL, "removing", kind="AssociationEvent", action="DELETE", at=ROOM, childEPCs=[valves[0]],
                 parentID=f"{STEM}8018/401234500000123452")  # fmt: skip
        self.say(HOSPITAL, "holding", at=QUARANTINE, stay=True, epcList=[valves[0]], **explanted)
        if self.random.random() < 0.5:
            bought = {"owning_party": (SUPPLIER, HOSPITAL), "possessing_party": (HOSPITAL, HOSPITAL)}
            self.say(HOSPITAL, "accepting", at=WARD, stay=True, disposition="sellable_accessible", epcList=[valves[5]],
                     ends=bought)  # fmt: skip
        else:
            expired = {"disposition": "expired", "persistentDisposition": {"set": ["expired"]}}
            self.say(HOSPITAL, "holding", at=QUARANTINE, stay=True, epcList=[valves[5]], **expired)
            self.say(HOSPITAL, "destroying", action="DELETE", at=QUARANTINE, disposition="destroyed",
                     epcList=[valves[5]])  # fmt: skip


def lot(epc_class, quantity):
    return {"epcClass": epc_class, "quantity": quantity}
