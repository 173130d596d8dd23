"""A second ledger, written from docs/ledger.md alone: it reads captured JSON events and a table of parties.

It must not import anything of the server. It knows goods that are moved by those entitled to; claims it does not know.
"""

import hashlib
from collections import defaultdict
from datetime import datetime
from fractions import Fraction

STEM = "https://id.gs1.org/"
STICKY = {"recalled", "expired", "explanted"}
HOLDING_BACK = {
    "damaged": "damaged", "needs_replacement": "held", "no_pedigree_match": "held", "non_conformant": "non_conformant",
    "non_sellable_other": "held", "reserved": "reserved", "returned": "returned", "unavailable": "held",
    "mismatch_class": "held", "mismatch_instance": "held",
}  # fmt: skip
ARRIVALS = {"receiving", "arriving", "accepting"}
DEPARTURES = {"shipping", "departing", "consigning"}
PLACINGS = {"holding", "loading", "picking", "staging_outbound", "stocking", "storing", "unloading"}
PLACINGS |= {"https://ns.traceward.org/consignment/bizstep/sterilizing"}
USES = {"implanted": "implanted", "wasted": "wasted"}
PREFIX_STARTS = {"01": 1, "00": 1, "8003": 1, "8004": 0}


class Item:
    """A serialised item or a container: where it is, whose, and what lies in it."""

    def __init__(self, owner, holder, place):
        self.owner, self.holder, self.place = owner, holder, place
        self.container, self.status, self.flags = None, "on_hand", frozenset()


class IndependentLedger:
    """The state after all events. prefixes: company prefix -> party id."""

    def __init__(self, prefixes):
        self.prefixes = prefixes
        self.items = {}
        self.lots = defaultdict(dict)  # class -> (place, container, owner, holder, status, flags) -> [quantity, time]
        self.inside = defaultdict(set)  # container -> what was ever put in it
        self.transfers = defaultdict(Fraction)
        self.advised = {}  # (class, despatch advice) -> (place to which it goes, sender)

    def party(self, identifier):
        if identifier is None:
            return None
        ai, _, rest = identifier.removeprefix(STEM).partition("/")
        digits = rest[PREFIX_STARTS.get(ai, 0) :]
        return next((party for prefix, party in self.prefixes.items() if digits.startswith(prefix)), None)

    def replay(self, captured):
        """captured: (event as JSON, party that captured it), in any order, any of them more than once."""
        struck, once = set(), {}
        for event, captor in captured:
            if "errorDeclaration" in event:
                struck.add((event["eventID"], captor))
            else:
                once[event["eventID"], captor] = event
        standing = [(event, captor) for (name, captor), event in once.items() if (name, captor) not in struck]
        standing.sort(key=lambda pair: moment(pair[0]))
        for event, captor in standing:
            self.take(event, captor)

    def take(self, event, captor):
        self.event, self.captor, self.time = event, captor, moment(event)
        self.step, self.disposition = event.get("bizStep"), event.get("disposition")
        self.read_point = event.get("readPoint", {}).get("id")
        location = event.get("bizLocation", {}).get("id")
        self.source, to = self.pair("location")
        self.place = location or to or self.read_point
        self.to = to
        kind, action = event["type"], event.get("action")
        if kind == "TransactionEvent" or is_patient(event.get("parentID", "")):
            return
        if kind == "AggregationEvent" and action in ("ADD", "DELETE"):
            self.containment(action)
            return
        effect = self.effect(action)
        for key in event.get("epcList", ()):
            self.move_item(key, effect)
        for entry in event.get("quantityList", ()):
            if "quantity" in entry:
                self.move_lot(entry["epcClass"], Fraction(str(entry["quantity"])), effect)

    def effect(self, action):
        if action == "ADD":
            return "make"
        if self.step == "destroying" or self.disposition == "destroyed":
            return "wasted" if self.event.get("mcx:useType") == "wasted" else "destroyed"
        if self.step == "dispensing" or self.disposition == "dispensed":
            return USES.get(self.event.get("mcx:useType"), "consumed")
        if self.step == "stock_taking" and self.disposition in ("unavailable", "stolen"):
            return "lost"
        for steps, name in ((ARRIVALS, "arrive"), (DEPARTURES, "leave"), (PLACINGS, "place")):
            if self.step in steps:
                return name
        return "void" if self.step == "void_shipping" else "note"

    def pair(self, kind):
        source = next((one["source"] for one in self.event.get("sourceList", ()) if one["type"] == kind), None)
        ends = self.event.get("destinationList", ())
        return source, next((one["destination"] for one in ends if one["type"] == kind), None)

    def flags(self, before):
        kept = {flag for flag in before if flag in STICKY}
        marks = self.event.get("persistentDisposition", {})
        kept |= set(marks.get("set", ()))
        kept -= set(marks.get("unset", ()))
        kept |= {self.disposition} & STICKY
        if self.disposition in HOLDING_BACK:
            kept.add(HOLDING_BACK[self.disposition])
        if self.explants():
            kept.add("explanted")
        if self.step == "holding" and ("readPoint" in self.event or "bizLocation" in self.event):
            kept.add("held")
        return frozenset(kept)

    def explants(self):
        """Whether the event puts somewhere what came out of a patient."""
        return self.step in PLACINGS and self.event.get("mcx:reason") == "explanted"

    def holder_here(self, place, before):
        return self.pair("possessing_party")[1] or self.party(place) or before

    def target(self):
        receiver = self.pair("possessing_party")[1]
        return self.to if receiver is None or self.party(self.to) == receiver else receiver

    def owner_after(self, owner, key, quantity, *, used_up=False):
        start, end = self.pair("owning_party")
        if end is None or start == end:
            return owner
        if owner == end:
            self.transfers[self.event["eventID"], key, start, end, "void"] += quantity
            return owner
        if start is not None and start != owner:
            return owner
        self.transfers[self.event["eventID"], key, owner, end, "void" if used_up else "counts"] += quantity
        return owner if used_up else end

    def move_item(self, key, effect):
        item = self.items.get(key)
        if item is None:
            item = self.items[key] = Item(self.captor, self.party(self.place) or self.captor, self.place)
        if effect in ("make", "note"):
            return
        if item.status not in ("on_hand", "in_transit", "explanted"):
            if item.status == "implanted" and self.explants():
                item.status, item.place, item.flags = "explanted", self.place, self.flags(item.flags)
            else:
                self.owner_after(item.owner, key, Fraction(1), used_up=True)
            return
        if effect == "void" and item.status != "in_transit":
            return
        if effect == "leave":
            item.status, item.place = "in_transit", self.target()
        elif effect == "void":
            item.status, item.place = "on_hand", self.place
        elif effect in ("arrive", "place"):
            out = effect == "place" and (item.status == "explanted" or self.explants())
            item.status, item.place = "explanted" if out else "on_hand", self.place
            item.holder = self.holder_here(self.place, item.holder)
        else:
            item.status, item.place = effect, self.to or self.read_point or item.place
        if effect not in ("leave", "void", "arrive") or item.container is None:
            item.container = None
        item.flags = self.flags(item.flags)
        item.owner = self.owner_after(item.owner, key, Fraction(1))
        self.bring_along(key, item)

    def bring_along(self, key, box):
        for name in sorted(self.inside.get(key, ())):
            inner = self.items.get(name)
            if inner is not None and inner.container == key:
                inner.place, inner.holder, inner.status = box.place, box.holder, box.status
                inner.flags = self.flags(inner.flags)
                inner.owner = self.owner_after(inner.owner, name, Fraction(1))
                self.bring_along(name, inner)
            slots = self.lots[name] if inner is None else {}
            for slot in [slot for slot in slots if slot[1] == key]:
                quantity = slots.pop(slot)[0]
                owner = self.owner_after(slot[2], name, quantity)
                self.put(name, (box.place, key, owner, box.holder, box.status, self.flags(slot[5])), quantity)

    def put(self, lot, slot, quantity):
        entry = self.lots[lot].setdefault(slot, [Fraction(0), self.time])
        entry[0] += quantity
        entry[1] = self.time
        if not entry[0]:
            del self.lots[lot][slot]

    def draw(self, lot, quantity, wanted, owner=None, ways=None, sender=None, places=None):
        """Take a quantity from the balances that are wanted: what lies loose first, then what moved longest ago.

        owner, sender: whose balances, and by whom sent, come before others'. places: to which it goes, before others.
        ways: (place to which it goes, sender) of the despatches that the event names.
        """
        found = [slot for slot, (there, _) in self.lots[lot].items() if there > 0 and wanted(slot)]
        parts = []

        def rank(slot):
            unfit = (
                slot[2] != owner,
                (slot[0], slot[3]) not in (ways or ()),
                slot[3] != sender,
                slot[1] is not None,
                slot[0] not in (places or ()),
            )
            return *unfit, self.lots[lot][slot][1]

        for slot in sorted(found, key=rank):
            part = min(quantity, self.lots[lot][slot][0])
            if part > 0:
                self.put(lot, slot, -part)
                parts.append((slot, part))
                quantity -= part
        return parts, quantity

    def move_lot(self, lot, quantity, effect):
        if effect == "make":
            slot = (self.place, None, self.captor, self.party(self.place) or self.captor, "on_hand", frozenset())
            self.put(lot, slot, quantity)
            return
        if effect == "note":
            return
        if effect == "place" and self.explants():
            parts, missing = self.draw(lot, quantity, lambda slot: slot[4] == "implanted")
            if missing:
                parts.append(((None, None, self.captor, self.captor, "explanted", frozenset()), missing))
            for slot, part in parts:
                flags = self.flags(slot[5])
                self.put(lot, (self.place, None, slot[2], slot[3], "explanted", flags), part)
            return
        if effect in ("arrive", "void") and self.step != "accepting":
            owner, sender = self.pair("owning_party")[0], self.pair("possessing_party")[0]
            places = (self.place, self.target())
            ways = {self.advised[lot, advice] for advice in self.advices() if (lot, advice) in self.advised}
            if effect == "void":
                sender, places = self.captor, places[1:]
            parts, missing = self.draw(lot, quantity, lambda slot: slot[4] == "in_transit", owner, ways, sender, places)
            if effect == "void":
                missing = 0
            if missing:  # more came than was sent: the consignor still has it by the book
                more, missing = self.draw(lot, missing, lambda slot: slot[4] == "on_hand" and slot[2] == slot[3])
                parts += [((*slot[:3], self.captor, *slot[4:]), part) for slot, part in more]
        else:
            here = self.source or self.read_point
            ends = effect not in ("leave", "arrive", "place")
            owner = self.pair("owning_party")[0] or (self.captor if ends else None)
            parts, missing = self.draw(lot, quantity, lambda slot: slot[4] == "on_hand" and slot[0] == here, owner)
            if missing:  # its receipt is missing: it was on its way here
                more, missing = self.draw(lot, missing, lambda slot: slot[4] == "in_transit" and self.comes(slot))
                parts += [((*slot[:3], self.captor, *slot[4:]), part) for slot, part in more]
            if missing:  # more was used than there was: a debt of its owner's stock at that place
                debt = (here, None, self.debtor(lot), self.captor, "on_hand", frozenset())
                self.put(lot, debt, -missing)
                parts, missing = [*parts, (debt, missing)], 0
        if missing:
            raise ValueError(f"{missing} of {lot} missing at {self.source or self.read_point}: outside this replay")
        for slot, part in parts:
            self.put(lot, self.moved(slot, effect, lot, part), part)
        if effect == "leave":
            self.advised.update(((lot, advice), (self.target(), parts[0][0][3])) for advice in self.advices())

    def advices(self):
        """The despatch advices that the event names."""
        papers = self.event.get("bizTransactionList", ())
        return [paper["bizTransaction"] for paper in papers if paper.get("type") == "desadv"]

    def comes(self, slot):
        """Whether what is on its way goes to the captor."""
        return self.party(slot[0]) == self.captor

    def debtor(self, lot):
        """Whose stock more is taken of than there is: the one owner of what the captor has, else the one stated."""
        owners = {slot[2] for slot in self.lots[lot] if slot[3] == self.captor and slot[4] in ("on_hand", "in_transit")}
        return owners.pop() if len(owners) == 1 else self.pair("owning_party")[0]

    def moved(self, slot, effect, lot, part):
        place, _, owner, holder, _, flags = slot
        owner = self.owner_after(owner, lot, part)
        if effect == "leave":
            return self.target(), None, owner, holder, "in_transit", self.flags(flags)
        if effect == "void":
            return self.place, None, owner, holder, "on_hand", self.flags(flags)
        if effect in ("arrive", "place"):
            return self.place, None, owner, self.holder_here(self.place, holder), "on_hand", self.flags(flags)
        return self.to or self.read_point or place, None, owner, holder, effect, frozenset()

    def containment(self, action):
        key = self.event["parentID"]
        box = self.items.get(key)
        if box is None:
            box = self.items[key] = Item(self.party(key) or self.captor, self.captor, self.place)
        box.place, box.status = self.place, "on_hand"
        box.holder = self.holder_here(self.place, box.holder)
        box.flags = self.flags(box.flags)
        self.bring_along(key, box)
        self.inside[key] |= set(self.event.get("childEPCs", ()))
        self.inside[key] |= {entry["epcClass"] for entry in self.event.get("childQuantityList", ())}
        for child in self.event.get("childEPCs", ()):
            item = self.items.get(child)
            if item is None:
                item = self.items[child] = Item(self.party(child) or self.captor, box.holder, box.place)
            item.container = key if action == "ADD" else None
            item.place, item.holder, item.status = box.place, box.holder, box.status
            item.flags = self.flags(item.flags)
        for entry in self.event.get("childQuantityList", ()):
            lot, quantity = entry["epcClass"], Fraction(str(entry["quantity"]))
            inside, here = key if action == "ADD" else None, self.read_point
            if action == "ADD":
                parts, _ = self.draw(lot, quantity, lambda slot: slot[4] == "on_hand" and slot[0] == here)  # noqa: B023
            else:
                parts, _ = self.draw(lot, quantity, lambda slot: slot[1] == key)
            for (_, _, owner, _, _, flags), part in parts:
                self.put(lot, (box.place, inside, owner, box.holder, "on_hand", self.flags(flags)), part)

    def lines(self):
        """The lines of docs/ledger.md, Digests."""
        for key, item in self.items.items():
            state = (item.place, item.container, item.owner, item.holder, item.status, item.flags)
            yield stock_line(key, state, Fraction(1))
        for lot, slots in self.lots.items():
            for slot, (quantity, _) in slots.items():
                yield stock_line(lot, slot, quantity)
        for (name, key, start, end, counts), quantity in self.transfers.items():
            yield "\t".join(("transfer", name, key, start or "", end, plain(quantity), "", counts))


def stock_line(key, slot, quantity):
    place, container, owner, holder, status, flags = slot
    marks = ",".join(sorted(flags))
    parts = ("stock", key, owner or "", holder or "", place or "", container or "", status, marks, plain(quantity), "")
    return "\t".join(parts)


def plain(quantity):
    text = f"{float(quantity):.6f}".rstrip("0").rstrip(".")
    return text or "0"


def moment(event):
    return datetime.fromisoformat(event["eventTime"])


def is_patient(identifier):
    return identifier.startswith(STEM + "8018/")


def digests(lines):
    """{"stock": ..., "transfer": ...}: sums of SHA-256 modulo 2 to the power of 256."""
    sums = {"stock": 0, "transfer": 0}
    for line in lines:
        number = int.from_bytes(hashlib.sha256(line.encode()).digest(), "big")
        sums[line.split("\t", 1)[0]] += number
    return {name: f"{total % 2**256:064x}" for name, total in sums.items()}
