"""Recalls of every extent: a product, several lots, ranges of serials, serials by name. All of them alike."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest

from traceward.gs1.check_digits import check_digit
from traceward.services.tracing import ledger_care

from .conftest import BACKENDS, Site
from .flows import CABINET, DC, at, capture, event, used
from .test_agreements import CORDIA, NORTHGATE, SITE, propose, sign, terms

QUARANTINE = f"{SITE}/254/QUAR"


@dataclass(frozen=True)
class Extent:
    """How much a notice covers: its items without their GTIN, or None where the maker's own event names serials.

    later: whether it covers what comes after it.
    """

    number: int
    name: str
    items: tuple[dict[str, Any], ...] | None
    later: bool = True

    @property
    def gtin(self) -> str:
        """A product of its own for each extent, of the supplier's prefix."""
        digits = f"0952114108{self.number:03}"
        return digits + check_digit(digits)

    def serial(self, number: int) -> str:
        """One item of the product."""
        return f"https://id.gs1.org/01/{self.gtin}/21/V-{number:03}"

    @property
    def notice(self) -> str:
        """The number of the notice."""
        return f"urn:example:fsn:extent-{self.number}"


EXTENTS = (
    Extent(1, "product", ({},)),
    Extent(2, "lots", ({"lot": "L1"}, {"lot": "L2"})),
    Extent(3, "range", ({"serials": {"from": "V-001", "to": "V-004"}},)),
    Extent(4, "ranges", ({"serials": {"from": "V-001", "to": "V-002"}}, {"serials": {"from": "V-004", "to": "V-004"}})),
    Extent(5, "range and lot", ({"lot": "L2"}, {"serials": {"from": "V-001", "to": "V-003"}})),
    Extent(6, "serials by name", None, later=False),
)
IDS = [one.name for one in EXTENTS]
USED, THERE, LATE, OTHER = 1, 2, 4, 90
LOTS = {USED: "L1", THERE: "L1", LATE: "L2", OTHER: "L9"}


def delivered(site: Site, items: dict[str, str], days: float) -> None:
    """Serials of the supplier (to their lot), made, sent and received at the hospital's cabinet, ending so many days
    from now.
    """
    ends = {
        "sourceList": [{"type": "possessing_party", "source": CORDIA}, {"type": "owning_party", "source": CORDIA}],
        "destinationList": [
            {"type": "possessing_party", "destination": NORTHGATE},
            {"type": "owning_party", "destination": CORDIA},
            {"type": "location", "destination": CABINET},
        ],
    }
    made = [
        event(days - 0.2, "commissioning", action="ADD", bizLocation={"id": DC}, epcList=[item],
              ilmd={"cbvmda:lotNumber": lot, "cbvmda:itemExpirationDate": "2031-12-31"})
        for item, lot in items.items()
    ]  # fmt: skip
    sent = event(days - 0.1, "shipping", readPoint={"id": DC}, epcList=[*items], **ends)
    capture(site, "cordia", *made, sent)
    here = {"readPoint": {"id": CABINET}, "bizLocation": {"id": CABINET}}
    capture(site, "northgate-supply", event(days, "receiving", epcList=[*items], **here, **ends))


def recalled(site: Site, extent: Extent) -> None:
    """The notice of an extent, dated two days ago."""
    if extent.items is None:
        said = {"disposition": "recalled", "persistentDisposition": {"set": ["recalled"]}}
        named = [extent.serial(USED), extent.serial(THERE)]
        capture(site, "cordia", event(-2, "holding", epcList=named, **said, **{"mcx:recallNotice": extent.notice}))
        return
    items = [{"gtin": extent.gtin} | item for item in extent.items]
    body = {"notice": extent.notice, "recallClass": "I", "reason": "seal", "items": items, "eventTime": at(-2)}
    answer = site.request("cordia", "POST", "/recalls", json=body)
    assert answer.status_code == 201, answer.text


@pytest.fixture(scope="module", params=BACKENDS)
def recalls(request: pytest.FixtureRequest, open_site: Any) -> Iterator[Site]:
    """Of each extent's product one item used and three in stock before the notice, and one more after it.

    The item numbered OTHER is of no lot or range that is recalled, but where the whole product is.
    """
    with open_site(request.param) as site:
        agreement = terms(lines=[{"gtin": one.gtin} for one in EXTENTS])
        assert propose(site, "cordia", agreement).status_code == 201
        assert sign(site, "northgate-supply", agreement["agreementID"]).status_code == 200
        for one in EXTENTS:
            before = [USED, THERE, OTHER]
            delivered(site, {one.serial(number): LOTS[number] for number in before}, -10)
            used(site, {"epcList": [one.serial(USED)]}, days=-8, report=f"urn:uuid:r{one.number}")
            recalled(site, one)
            delivered(site, {one.serial(LATE): LOTS[LATE]}, -1)
        yield site


def alerts(site: Site, name: str, extent: Extent, kind: str) -> list[dict[str, Any]]:
    """The alerts of a kind on an extent's product."""
    found: list[dict[str, Any]] = site.get(name, f"/alerts?kind={kind}&gtin={extent.gtin}&perPage=100")["alerts"]
    return found


def conflicts(site: Site, item: str) -> set[str]:
    """The kinds of the conflicts about an item that the hospital reads."""
    return {one["kind"] for one in site.get("northgate-supply", f"/trace/item?epc={quote(item, safe='')}")["conflicts"]}


@pytest.mark.parametrize("extent", EXTENTS, ids=IDS)
def test_a_recall_of_any_extent_flags_tells_and_asks_alike(recalls: Site, extent: Extent) -> None:
    """Rejects alerts that read notices on classes alone, and a range that covers only what was known at its issue."""
    covered = {THERE} | ({LATE} if extent.later else set()) | ({OTHER} if extent.items == ({},) else set())
    stock = recalls.get("northgate-supply", f"/consignment/stock?gtin={extent.gtin}&perPage=100")["items"]
    flagged = {int(one["serial"][2:]) for one in stock if "recalled" in one["flags"]}
    assert flagged == covered
    for name in ("northgate-supply", "cordia"):
        assert alerts(recalls, name, extent, "recall_unacknowledged"), name
        told = alerts(recalls, name, extent, "recall_not_quarantined")
        assert {one["detail"]["item"] for one in told} == {extent.serial(number) for number in covered}
    (patients,) = alerts(recalls, "northgate-clinical", extent, "recall_patients")
    assert patients["detail"]["quantity"] == "1"
    for number in covered:
        assert "recalled_not_quarantined" in conflicts(recalls, extent.serial(number))
    if extent.later:
        assert "moved_after_recall" in conflicts(recalls, extent.serial(LATE))
    if OTHER not in covered:
        assert conflicts(recalls, extent.serial(OTHER)) == set()
    assert alerts(recalls, "rival-supplier", extent, "recall_unacknowledged") == []


@pytest.mark.parametrize("extent", EXTENTS, ids=IDS)
def test_the_notice_of_any_extent_counts_the_same_units(recalls: Site, extent: Extent) -> None:
    covered = [THERE] + ([LATE] if extent.later else []) + ([OTHER] if extent.items == ({},) else [])
    body = recalls.get("northgate-supply", f"/recalls/{quote(extent.notice, safe='')}")
    assert {one["item"] for one in body["units"]} == {extent.serial(number) for number in covered}
    assert [one["item"] for one in body["sinks"]] == [extent.serial(USED)]
    assert body["totals"][0]["notQuarantined"] == str(len(covered))


@pytest.mark.parametrize("extent", [one for one in EXTENTS if one.items is not None], ids=IDS[:-1])
def test_answers_and_withdrawal_end_what_a_recall_of_any_extent_opened(recalls: Site, extent: Extent) -> None:
    """Rejects a withdrawal that takes back the flags of lots alone."""
    said = {"notice": extent.notice, "step": "received"}
    assert recalls.request("northgate-supply", "POST", "/recalls/acknowledgements", json=said).status_code == 200
    assert alerts(recalls, "cordia", extent, "recall_unacknowledged") == []
    held = {"readPoint": {"id": QUARANTINE}, "bizLocation": {"id": QUARANTINE}, "disposition": "recalled"}
    capture(recalls, "northgate-supply", event(-0.5, "holding", epcList=[extent.serial(THERE)], **held))
    told = alerts(recalls, "cordia", extent, "recall_not_quarantined")
    assert extent.serial(THERE) not in {one["detail"]["item"] for one in told}
    assert "recalled_not_quarantined" not in open_conflicts(recalls, extent.serial(THERE))
    back = {"notice": extent.notice, "reason": "another lot"}
    assert recalls.request("cordia", "POST", "/recalls/withdrawals", json=back).status_code == 200
    for kind in ("recall_not_quarantined", "recall_unacknowledged"):
        assert alerts(recalls, "northgate-supply", extent, kind) == []
    assert alerts(recalls, "northgate-clinical", extent, "recall_patients") == []
    assert "recalled_not_quarantined" not in open_conflicts(recalls, extent.serial(LATE))


def open_conflicts(site: Site, item: str) -> set[str]:
    """The kinds of the conflicts about an item that are open."""
    body = site.get("northgate-supply", f"/trace/item?epc={quote(item, safe='')}")
    return {one["kind"] for one in body["conflicts"] if one["state"] == "open"}


def state(site: Site) -> list[Any]:
    """The ledger's records and conflicts as they are stored, and what the hospital may see."""
    with site.server.app.state.runtime.store.reader() as reader:
        records = reader.fetch("SELECT key, state FROM ledger_record ORDER BY key")
        conflicts = reader.fetch("SELECT id, kind FROM conflict ORDER BY id")
    return [records, conflicts, sorted(one["eventID"] for one in site.events("northgate-supply"))]


def test_a_hospital_that_had_none_hears_of_the_recall_with_the_first_that_it_gets(site: Site) -> None:
    """Rejects a notice of serials that only those see who had some when it was issued, and one that everybody sees.

    The notice of every other extent comes after the goods that it is about, though it is dated before them; the ledger
    folded afresh is the same.
    """
    extents = [one for one in EXTENTS if one.later]
    delivered(site, {one.serial(OTHER): "L9" for one in extents}, -5)
    for one in extents[::2]:
        recalled(site, one)
    before = site.get("northgate-supply", "/recalls")["recalls"]
    assert [one["notice"] for one in before] == [EXTENTS[0].notice]
    delivered(site, {one.serial(number): LOTS[number] for one in extents for number in (LATE, THERE)}, -1)
    for one in extents[1::2]:
        recalled(site, one)
    told = site.get("northgate-supply", "/recalls")["recalls"]
    assert {one["notice"] for one in told} == {one.notice for one in extents}
    assert site.get("rival-supplier", "/recalls")["recalls"] == []
    stock = site.get("northgate-supply", "/consignment/stock?perPage=100")["items"]
    kept = {one["item"]: one["flags"] for one in stock}
    for one in extents:
        assert "moved_after_recall" in conflicts(site, one.serial(LATE)), one.name
        assert ("recalled" in kept[one.serial(LATE)], "recalled" in kept[one.serial(OTHER)]) == (True, one.number == 1)
    found = state(site)
    runtime = site.server.app.state.runtime
    ledger_care.rebuild(runtime.store, runtime.registry)
    assert state(site) == found
