"""Which symbols stand on one item: two halves of a label, two carriers of the same data, or two things side by side."""

from itertools import permutations

import pytest

from traceward.services.scanning.labelled_items import ReadSymbol, item_of_texts, items_of

DI = "0109521141010235"
PI = "1728013110L23-A\x1d21V23-0007"
OTHER_DI = "0109521141045305"
EPC = "https://id.gs1.org/01/09521141010235/21/V23-0007"


def read(*symbols: tuple[str, str] | tuple[str, str, tuple[float, float]]) -> list[tuple[str | None, tuple[int, ...]]]:
    given = [ReadSymbol(one[0], one[1], True, one[2] if len(one) > 2 else None) for one in symbols]
    return [(item.epc or item.epc_class, item.symbols) for item in items_of(given)]


@pytest.mark.parametrize("order", [0, 1])
def test_device_and_production_identifiers_in_two_symbols_are_one_item_in_either_order(order):
    """Rejects making one item per symbol, and taking only what follows the device identifier."""
    symbols = [("]C1", DI), ("]C1", PI)]
    assert read(*(symbols if order == 0 else symbols[::-1])) == [(EPC, (0, 1))]


def test_three_device_identifiers_in_one_picture_are_three_items():
    """Rejects joining everything that one picture shows."""
    texts = [DI + "21A", OTHER_DI + "21B", "0109521141060001" + "21C"]
    assert len(read(*(("]d2", text) for text in texts))) == 3


def test_two_labels_of_one_lot_are_two_items():
    """Rejects joining by equal data: a shelf holds several pieces of one lot."""
    lot = OTHER_DI + "10LOT77A"
    assert read(("]d2", lot, (100, 100)), ("]d2", lot, (400, 100))) == [
        ("https://id.gs1.org/01/09521141045305/10/LOT77A", (0,)),
        ("https://id.gs1.org/01/09521141045305/10/LOT77A", (1,)),
    ]


def test_two_carriers_of_the_same_data_on_one_label_are_one_item():
    """Rejects counting a label twice that shows DataMatrix and GS1-128, or an EAN-13 beside them."""
    full = DI + PI
    assert read(("]d2", full), ("]C1", full), ("]E0", "9521141010235")) == [(EPC, (0, 1, 2))]


def test_halves_of_two_labels_go_to_their_nearest_partner():
    """Rejects joining in the order of reading."""
    left, right = (100.0, 100.0), (900.0, 100.0)
    symbols = [
        ("]C1", "10LOT-R", (900.0, 160.0)),
        ("]C1", DI, left),
        ("]C1", "10LOT-L", (100.0, 160.0)),
        ("]C1", OTHER_DI, right),
    ]
    for order in permutations(range(4)):
        found = {identifier for identifier, _ in read(*(symbols[i] for i in order))}
        assert found == {
            "https://id.gs1.org/01/09521141010235/10/LOT-L",
            "https://id.gs1.org/01/09521141045305/10/LOT-R",
        }


def test_a_half_between_two_labels_stays_alone_with_a_finding():
    """Rejects guessing: a lot given to the wrong device is worse than none."""
    items = items_of([ReadSymbol("]C1", DI), ReadSymbol("]C1", OTHER_DI), ReadSymbol("]C1", "10LOT77A")])
    assert [item.symbols for item in items] == [(0,), (1,), (2,)]
    assert items[2].epc is None
    assert [finding.severity for finding in items[2].findings] == ["error"]


def test_a_contradicting_half_is_not_joined():
    """Rejects overwriting a lot that the first symbol states."""
    assert read(("]d2", DI + "10A"), ("]C1", "10B")) == [
        ("https://id.gs1.org/01/09521141010235/10/A", (0,)),
        (None, (1,)),
    ]


def test_hibc_primary_and_secondary_are_joined_by_their_link_character():
    """Rejects HIBC symbols that are judged one by one."""
    for texts in (["]C0+A99912345D", "]C0+$$52001510X3DA"], ["]C0+$$52001510X3DA", "]C0+A99912345D"]):
        item = item_of_texts(texts)
        assert (item.udi.issuing_agency, item.udi.lot) == ("HIBCC", "10X3")
        assert item.epc_class.startswith("https://ns.traceward.org/udi/hibcc/")


def test_texts_of_two_items_are_refused_as_one():
    """Rejects an action on one item that silently drops the other symbol."""
    item = item_of_texts(["]d2" + DI + "21A", "]d2" + OTHER_DI + "21B"])
    assert [(finding.code, finding.severity) for finding in item.findings] == [("not_one_item", "error")]


def test_an_item_is_confirmed_only_when_all_its_symbols_are():
    """Rejects a doubtful serial that is carried by a certain GTIN."""
    sure, doubtful = ReadSymbol("]C1", DI), ReadSymbol("]C1", PI, confirmed=False)
    assert [item.confirmed for item in items_of([sure, doubtful])] == [False]


def test_plain_text_makes_no_item():
    assert read(("]C0", "4012345678901"), ("]Q1", "hello")) == []


def test_halves_of_a_label_find_each_other_beside_another_label_of_the_same_product():
    """Rejects giving the device identifier away as a twin of the other label: the lot would have no product."""
    symbols = (
        ("]d2", DI + "10OTHER", (100.0, 100.0)),
        ("]C1", DI, (900.0, 100.0)),
        ("]C1", "10MINE", (900.0, 160.0)),
    )
    for order in permutations(range(3)):
        assert {identifier for identifier, _ in read(*(symbols[i] for i in order))} == {
            "https://id.gs1.org/01/09521141010235/10/OTHER",
            "https://id.gs1.org/01/09521141010235/10/MINE",
        }


def test_a_label_with_both_halves_and_a_full_symbol_is_one_item():
    assert read(("]C1", DI), ("]d2", DI + PI), ("]C1", PI)) == [(EPC, (0, 1, 2))]


SSCC = "00" + "095060001343520000"
CONTENTS = "02" + "09521141045305" + "37" + "12"


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_logistic_label_in_three_symbols_is_one_unit_with_its_contents(order):
    """Rejects contents as an item of their own: what the label says of its SSCC would miss the SSCC."""
    symbols = [("]C1", SSCC), ("]C1", CONTENTS), ("]C1", "10LOT77A")]
    (item,) = items_of([ReadSymbol(*symbols[i]) for i in order])
    assert item.epc == "https://id.gs1.org/00/095060001343520000"
    assert {element.ai for element in item.elements} == {"00", "02", "37", "10"}
    assert item.findings == ()


def test_contents_are_no_half_of_a_device_nor_of_one_unit_among_two():
    """Rejects giving contents to a device beside the label, or to whichever unit was read first."""
    other = "00" + "095060001343520017"
    assert [item.symbols for item in items_of([ReadSymbol("]C1", DI), ReadSymbol("]C1", CONTENTS)])] == [(0,), (1,)]
    three = [ReadSymbol("]C1", SSCC), ReadSymbol("]C1", other), ReadSymbol("]C1", CONTENTS)]
    assert [item.symbols for item in items_of(three)] == [(0,), (1,), (2,)]
    placed = [ReadSymbol("]C1", text, middle=at) for text, at in
              ((SSCC, (0.0, 0.0)), (other, (900.0, 0.0)), (CONTENTS, (900.0, 80.0)))]  # fmt: skip
    assert [item.symbols for item in items_of(placed)] == [(0,), (1, 2)]


def test_an_expiry_of_day_00_is_told_with_the_item():
    """Rejects findings of the symbols alone: that the month's last day is meant, the item knows."""
    (item,) = items_of([ReadSymbol("]d2", DI + "17280200" + "10A")])
    assert [(finding.code, finding.severity) for finding in item.findings] == [("day_00", "warning")]
