"""Imports from CSV over HTTP: told line by line first, then all or nothing, and nothing by the second time."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest

from api.conftest import BACKENDS, Site
from api.test_agreements import NORTHGATE, SCREW, SITE, VALVE, propose, sign, terms

SUPPLY = "northgate-supply"
CABINET = f"{SITE}/254/OR3-CAB2"
AGREEMENT = "https://example.org/agreement/CA-1"
COUNTED = "countedAt=2026-06-30T18:00:00%2B02:00"

CATALOGUE = (
    "gtin,name,maker,family,size,tracking,implantable\n09521141010235,Valve 23,9521141000007,Valve,23 mm,serial,yes\n"
)
STOCK = (
    "gtin;lot;serial;expiry;quantity;place\n"
    "09521141010235;V-LOT;V23-0100;2028-01-31;;4012345000016/OR3-CAB2\n"
    "09521141045305;LOT9;;01.2029;12;4012345000016/OR3-CAB2\n"
)


@pytest.fixture(params=BACKENDS)
def empty(request: pytest.FixtureRequest, open_site: Callable[..., Any]) -> Iterator[Site]:
    with open_site(request.param) as opened:
        yield opened


@pytest.fixture(scope="module")
def shop(open_site: Callable[..., Any]) -> Iterator[Site]:
    """A server with an agreement, for tests that each other's imports do not disturb."""
    with open_site() as opened:
        propose(opened, "cordia", terms(AGREEMENT))
        yield opened


def post(site: Site, kind: str, text: str | bytes, query: str = "", name: str = SUPPLY) -> Any:
    """The answer to POST /imports/{kind}."""
    body = text.encode() if isinstance(text, str) else text
    return site.request(name, "POST", f"/imports/{kind}?{query}", content=body, headers={"Content-Type": "text/csv"})


def told(site: Site, kind: str, text: str | bytes, query: str = "", name: str = SUPPLY) -> Any:
    """The report of an import that was taken."""
    answer = post(site, kind, text, query, name)
    assert answer.status_code == 200, answer.text
    return answer.json()


def element(site: Site, identifier: str) -> Any:
    """What Northgate has declared of an identifier."""
    found = site.get(SUPPLY, f"/masterdata/elements/{quote(identifier, safe='')}")["elements"]
    return next(one for one in found if one["owner"] == NORTHGATE)


def test_a_catalogue_is_told_first_then_taken_once_and_then_unchanged(empty: Site) -> None:
    """Rejects an import that writes on its dry run, and one that makes a version of what is known already."""
    dry = told(empty, "catalogue", CATALOGUE)
    assert (dry["new"], dry["changed"], dry["errors"], dry["applied"]) == (1, 0, 0, False)
    absent = empty.request(SUPPLY, "GET", f"/masterdata/elements/{quote(f'https://id.gs1.org/01/{VALVE}', safe='')}")
    assert absent.status_code == 404
    assert told(empty, "catalogue", CATALOGUE, "apply=true")["result"] == {"stored": 1, "unchanged": 0}
    again = told(empty, "catalogue", CATALOGUE, "apply=true")
    assert (again["new"], again["changed"], again["unchanged"]) == (0, 0, 1)
    renamed = told(empty, "catalogue", CATALOGUE.replace("Valve 23", "Valve 23 mm"), "apply=true")
    assert renamed["changed"] == 1
    declared = element(empty, f"https://id.gs1.org/01/{VALVE}")
    assert (declared["name"], declared["version"]) == ("Valve 23 mm", 2)


def test_attributes_without_a_column_stay_as_they_were_declared(shop: Site) -> None:
    """Rejects an import that writes an element anew from its columns alone."""
    told(shop, "catalogue", CATALOGUE, "apply=true")
    told(shop, "catalogue", "gtin,name\n9521141010235,Other name\n", "apply=true")
    attributes = {one["id"].rpartition("/")[2]: one["attribute"] for one in
                  element(shop, f"https://id.gs1.org/01/{VALVE}")["attributes"]}  # fmt: skip
    assert attributes["size"] == "23 mm"


def test_places_keep_their_children_and_a_place_that_moves_leaves_its_former_parent(empty: Site) -> None:
    """Rejects an import that knows the file's own parents alone: the room would lie in two wards."""
    ward_a, ward_b, room = (f"{SITE}/254/{name}" for name in ("WARDA", "WARDB", "ROOM1"))
    head = "Ort;Bezeichnung;Gehört zu\n"
    told(empty, "places", f"{head}4012345000016/WARDA;Ward A;\n4012345000016/WARDB;Ward B;\n", "apply=true")
    told(empty, "places", f"{head}4012345000016/ROOM1;Room 1;4012345000016/WARDA\n", "apply=true")
    assert element(empty, ward_a)["children"] == [room]
    told(empty, "places", f"{head}4012345000016/WARDA;Ward A East;\n", "apply=true")
    assert element(empty, ward_a)["children"] == [room]
    told(empty, "places", f"{head}4012345000016/ROOM1;Room 1;4012345000016/WARDB\n", "apply=true")
    assert "children" not in element(empty, ward_a)
    assert element(empty, ward_b)["children"] == [room]
    circle = told(empty, "places", f"{head}4012345000016/WARDB;Ward B;4012345000016/ROOM1\n")
    assert "within itself" in circle["findings"][0]["message"]


def test_every_bad_cell_is_told_with_its_line_and_column_and_nothing_is_taken(empty: Site) -> None:
    """Rejects a reader that stops at the first fault, and one that takes the good lines of a bad file."""
    text = CATALOGUE + "9.52114E+12,A,,,,,\n09521141010236,B,,,,lots,maybe\n521141000151,C,,,,,\n,=A1,,,,,\n"
    report = told(empty, "catalogue", text)
    found = {(one["line"], one["column"]): one["message"] for one in report["findings"]}
    assert "shortened it to a number" in found[3, "gtin"]
    assert "expected 09521141010235" in found[4, "gtin"]
    assert "neither lot nor serial" in found[4, "tracking"]
    assert "neither yes nor no" in found[4, "implantable"]
    assert "formula" in found[6, "name"]
    refused = post(empty, "catalogue", text, "apply=true")
    assert refused.status_code == 400
    assert len(refused.json()["errors"]) == report["errors"]
    assert told(empty, "catalogue", CATALOGUE)["new"] == 1


@pytest.mark.parametrize(
    ("body", "encoding", "delimiter"),
    [
        ("gtin;Bezeichnung\n09521141010235;Klappe groß\n".encode(), "utf-8", ";"),
        ("gtin;Bezeichnung\n09521141010235;Klappe groß\n".encode("utf-8-sig"), "utf-8", ";"),
        ("gtin,Bezeichnung\r\n09521141010235,Klappe groß\r\n".encode("cp1252"), "cp1252", ","),
        ("GTIN*\tBezeichnung\n09521141010235\tKlappe groß\n".encode("utf-16"), "utf-16", "\t"),
        ("sep=;\ngtin;Bezeichnung\n09521141010235;Klappe groß\n".encode(), "utf-8", ";"),
    ],
)
def test_files_as_spreadsheets_save_them_are_read(shop: Site, body: bytes, encoding: str, delimiter: str) -> None:
    report = told(shop, "catalogue", body, "apply=true")
    assert (report["encoding"], report["delimiter"], report["errors"]) == (encoding, delimiter, 0)
    assert any("cp1252" in one["message"] for one in report["findings"]) is (encoding == "cp1252")
    assert element(shop, f"https://id.gs1.org/01/{VALVE}")["name"] == "Klappe groß"


def test_a_gln_and_its_extension_in_columns_of_their_own_are_one_place(shop: Site) -> None:
    """Rejects passing the extension over: the last cabinet's name would become the site's."""
    text = "GLN;Extension;Name\n4012345000016;OR9-A;Cabinet A\n4012345000016;B/2;Cabinet B\n4012345000016;;House\n"
    report = told(shop, "places", text, "apply=true")
    assert (report["errors"], report["warnings"], report["new"]) == (0, 0, 3)
    site = "https://id.gs1.org/414/4012345000016"
    named = {place: element(shop, place)["name"] for place in (site, f"{site}/254/OR9-A", f"{site}/254/B%2F2")}
    assert list(named.values()) == ["House", "Cabinet A", "Cabinet B"]
    both = told(shop, "places", "gln,extension,name\n4012345000016/OR9,A,Cabinet\n")
    assert [(one["line"], one["column"]) for one in both["findings"]] == [(2, "extension")]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "empty"),
        (b"gtin,name\n", "no rows"),
        (b"PK\x03\x04\x00\x00\x00", "no text"),
        (b"name\nValve\n", "no column is named gtin"),
        (b"gtin,gtin,name\n1,2,3\n", "two columns"),
        (b"gtin,name\n" + b"1,2\n" * 50_001, "split the file"),
        (b'gtin,name\n09521141010235,"' + b"x" * 200_000 + b'"\n', "no CSV"),
    ],
)
def test_what_is_no_table_is_refused_with_what_was_expected(shop: Site, body: bytes, said: str) -> None:
    refused = post(shop, "catalogue", body)
    assert refused.status_code == 400, refused.text[:300]
    assert said in refused.text


def test_par_levels_become_the_next_version_of_the_agreement_and_the_same_file_proposes_none(empty: Site) -> None:
    propose(empty, "cordia", terms(AGREEMENT))
    sign(empty, SUPPLY, AGREEMENT)
    text = f"gtin;Lagerort;Mindestbestand;Sollbestand\n{VALVE};4012345000016/OR3-CAB2;2;6\n{SCREW};{CABINET};10;40\n"
    query = f"agreementID={quote(AGREEMENT, safe='')}"
    dry = told(empty, "par", text, query)
    assert (dry["new"], dry["changed"], dry["errors"]) == (1, 1, 0)
    made = told(empty, "par", text, f"{query}&apply=true")
    assert made["result"] == {"agreementID": AGREEMENT, "version": 2, "signed": False}
    again = told(empty, "par", text, f"{query}&apply=true")
    assert (again["changed"], again["result"]) == (0, {})
    newest = empty.get("cordia", f"/agreements?agreementID={quote(AGREEMENT, safe='')}")["agreements"][-1]
    levels = {line["gtin"]: line["par"] for line in newest["terms"]["lines"]}
    assert levels[VALVE] == [{"place": CABINET, "minimum": 2, "maximum": 6}]
    assert newest["state"] == "proposed"


def test_a_new_price_ends_the_one_before_and_an_amount_of_two_readings_is_refused(shop: Site) -> None:
    """Rejects a reader that takes 1.850 for 1.85, or leaves two prices for one day."""
    query = f"agreementID={quote(AGREEMENT, safe='')}"
    told(shop, "prices", f"gtin,price,currency\n{VALVE},1850,EUR\n", f"{query}&apply=true", "cordia")
    doubtful = told(shop, "prices", f"gtin;Preis;Währung\n{VALVE};1.850;EUR\n{SCREW};12,5;EURO\n", query, "cordia")
    assert [one["column"] for one in doubtful["findings"] if one["severity"] == "error"] == ["price", "currency"]
    later = f"gtin;Preis;Währung;gültig ab\n{VALVE};1.900,50;eur;01.01.2027\n"
    told(shop, "prices", later, f"{query}&apply=true", "cordia")
    newest = shop.get("cordia", f"/agreements?agreementID={quote(AGREEMENT, safe='')}")["agreements"][-1]
    first, second = newest["terms"]["lines"][0]["prices"]
    assert (first["validTo"], second["validFrom"], second["amount"]) == ("2026-12-31", "2027-01-01", "1900.50")


def test_a_price_from_the_first_day_of_the_calendar_is_judged_too(shop: Site) -> None:
    """Rejects an end on the day before it: there is none, and the import failed."""
    query = f"agreementID={quote(AGREEMENT, safe='')}"
    told(shop, "prices", f"gtin,price,currency\n{VALVE},1850,EUR\n", f"{query}&apply=true", "cordia")
    early = f"gtin,price,currency,valid from\n{VALVE},1900,EUR,0001-01-01\n"
    refused = told(shop, "prices", early, query, "cordia")
    assert refused["errors"] > 0, refused
    assert not refused["result"]


def test_others_agreements_are_absent_for_an_import(shop: Site) -> None:
    query = f"agreementID={quote(AGREEMENT, safe='')}"
    hidden = post(shop, "par", f"gtin,place,min,max\n{VALVE},{CABINET},1,2\n", query, "rival-supplier")
    assert hidden.status_code == 404
    absent = post(shop, "par", f"gtin,place,min,max\n{VALVE},{CABINET},1,2\n", query.replace("CA-1", "CA-0"))
    assert hidden.text.replace("CA-1", "CA-0") == absent.text


def stock_of(site: Site, name: str) -> dict[str, Any]:
    """What a party has on the shelf, by item."""
    return {one["item"]: one for one in site.get(name, "/consignment/stock?perPage=1000")["items"]}


def test_opening_stock_is_on_the_book_of_both_without_a_conflict_and_only_once(empty: Site) -> None:
    """Rejects an import whose ids are made by chance, and a ledger that takes the shelf's own stock for its source."""
    dry = told(empty, "stock", STOCK, COUNTED)
    assert (dry["new"], dry["errors"], dry["details"]) == (2, 0, {"events": 2})
    told(empty, "stock", STOCK, f"{COUNTED}&apply=true")
    before = stock_of(empty, SUPPLY)
    assert {item: one["quantity"] for item, one in before.items()} == {
        f"https://id.gs1.org/01/{VALVE}/21/V23-0100": "1",
        f"https://id.gs1.org/01/{SCREW}/10/LOT9": "12",
    }
    assert {one["owner"] for one in before.values()} == {"https://id.gs1.org/417/9521141000007"}
    assert {one["place"] for one in before.values()} == {CABINET}
    assert before[f"https://id.gs1.org/01/{VALVE}/21/V23-0100"]["lot"] == "V-LOT"
    assert before[f"https://id.gs1.org/01/{SCREW}/10/LOT9"]["expiry"] == "2029-01-00"
    again = told(empty, "stock", STOCK, f"{COUNTED}&apply=true")
    assert (again["new"], again["unchanged"]) == (0, 2)
    assert stock_of(empty, SUPPLY) == before
    assert stock_of(empty, "cordia").keys() == before.keys()
    assert stock_of(empty, "rival-supplier") == {}
    assert empty.get(SUPPLY, "/consignment/conflicts")["conflicts"] == []


def test_a_second_shelf_of_a_lot_and_a_corrected_count_add_what_is_missing_and_move_nothing(empty: Site) -> None:
    """Rejects an opening that is folded as any other stocking: the second shelf would empty the first."""
    head = "gtin,lot,quantity,place\n"
    told(empty, "stock", f"{head}{SCREW},LOT9,12,4012345000016/OR3-CAB2\n", f"{COUNTED}&apply=true")
    told(empty, "stock", f"{head}{SCREW},LOT9,5,4012345000016/STORE\n", f"{COUNTED}&apply=true")
    told(empty, "stock", f"{head}{SCREW},LOT9,14,4012345000016/OR3-CAB2\n", f"{COUNTED}&apply=true")
    rows = empty.get(SUPPLY, "/consignment/stock?perPage=1000")["items"]
    assert {one["place"].rpartition("/")[2]: one["quantity"] for one in rows} == {"OR3-CAB2": "14", "STORE": "5"}
    assert empty.get(SUPPLY, "/consignment/conflicts")["conflicts"] == []


def test_a_zero_in_opening_stock_states_that_none_is_there(empty: Site) -> None:
    """Rejects an import that leaves zeros out: the level would wait for a count for ever, and nothing be ordered."""
    propose(empty, "cordia", terms(AGREEMENT))
    sign(empty, SUPPLY, AGREEMENT)
    text = f"gtin,lot,quantity,place\n{VALVE},,0,4012345000016/OR3-CAB2\n{SCREW},LOT9,2,4012345000016/OR3-CAB2\n"
    (before,) = empty.get(SUPPLY, "/replenishment/proposals")["positions"]
    assert (before["stated"], before["gap"]) == (False, "0")
    report = told(empty, "stock", text, f"{COUNTED}&apply=true")
    assert (report["new"], report["errors"]) == (2, 0)
    for name in (SUPPLY, "cordia"):
        (after,) = empty.get(name, "/replenishment/proposals")["positions"]
        assert (after["stated"], after["usable"], after["gap"]) == (True, "0", "4")
    assert told(empty, "stock", text, f"{COUNTED}&apply=true")["new"] == 0
    assert set(stock_of(empty, SUPPLY)) == {f"https://id.gs1.org/01/{SCREW}/10/LOT9"}
    assert empty.get(SUPPLY, "/consignment/ghosts")["ghosts"] == []
    assert empty.get(SUPPLY, "/consignment/conflicts")["conflicts"] == []
    both = f"gtin,lot,quantity,place\n{VALVE},,0,{CABINET}\n{VALVE},L,2,{CABINET}\n"
    assert "contradicts" in str(told(empty, "stock", both, COUNTED)["findings"])


def test_a_hospital_cannot_open_a_known_makers_goods_as_its_own_until_the_maker_says_so(empty: Site) -> None:
    """Rejects a fold that believes the owner whom the holder states."""
    text = f"gtin,lot,quantity,place,owner\n{SCREW},LOT9,12,4012345000016/OR3-CAB2,4012345000009\n"
    report = told(empty, "stock", text, f"{COUNTED}&apply=true")
    assert "is not the maker" in report["findings"][0]["message"]
    item = f"https://id.gs1.org/01/{SCREW}/10/LOT9"
    assert stock_of(empty, SUPPLY)[item]["owner"] == "https://id.gs1.org/417/9521141000007"
    told(empty, "stock", text, f"{COUNTED}&apply=true", "cordia")
    (row,) = empty.get(SUPPLY, "/consignment/stock?perPage=1000")["items"]
    assert (row["owner"], row["quantity"]) == (NORTHGATE, "12")


@pytest.mark.parametrize(
    ("row", "column", "said"),
    [
        (f"{SCREW},1E5,,,12,{CABINET}", "lot", "shortened"),
        (f"{SCREW},LOT9,,31.02.2028,12,{CABINET}", "expiry", "no expiry date"),
        (f"{SCREW},LOT9,,,0,{CABINET}", "quantity", "pieces"),
        (f"{SCREW},LOT9,,,1.234,{CABINET}", "quantity", "pieces"),
        (f"{SCREW},,S1,,2,{CABINET}", "quantity", "serial"),
        (f"{SCREW},LÖT,,,2,{CABINET}", "lot", "label can carry"),
        (f"{SCREW},LOT9,,,2,4012345000017", "place", "check digit"),
        (f"{SCREW},LOT9,,,2,401234500001", "place", "13 digits"),
    ],
)
def test_a_wrong_cell_of_opening_stock_is_told(shop: Site, row: str, column: str, said: str) -> None:
    report = told(shop, "stock", f"gtin,lot,serial,expiry,quantity,place\n{row}\n", COUNTED)
    (finding,) = [one for one in report["findings"] if one["severity"] == "error"]
    assert (finding["line"], finding["column"]) == (2, column)
    assert said in finding["message"]


def test_an_item_that_is_counted_twice_is_an_error_and_a_lot_is_added_up(shop: Site) -> None:
    head = "gtin,lot,serial,quantity,place\n"
    text = f"{head}{VALVE},,S1,,{CABINET}\n{VALVE},,S1,,{SITE}\n{SCREW},L,,2,{CABINET}\n{SCREW},L,,3,{CABINET}\n"
    report = told(shop, "stock", text, COUNTED)
    assert [(one["line"], one["severity"]) for one in report["findings"]] == [(3, "error"), (5, "warning")]
    told(shop, "stock", head + "".join(text.splitlines(keepends=True)[3:]), f"{COUNTED}&apply=true")
    assert stock_of(shop, SUPPLY)[f"https://id.gs1.org/01/{SCREW}/10/L"]["quantity"] == "5"


@pytest.mark.parametrize("counted", ["", "countedAt=yesterday", "countedAt=2999-01-01T00:00:00Z", "agreementID=x:y"])
def test_opening_stock_needs_the_time_of_its_count(shop: Site, counted: str) -> None:
    refused = post(shop, "stock", STOCK, counted)
    assert refused.status_code == 400
    assert "countedAt" in refused.text


def test_no_finding_repeats_a_patient(shop: Site) -> None:
    """Rejects findings that quote cells as they are: a report is kept and sent about."""
    patient = "https://id.gs1.org/8018/401234500000123452"
    answer = post(shop, "catalogue", f"gtin,name\n{VALVE},{patient}\n{patient},Valve\n")
    assert answer.json()["errors"] == 2
    refused = post(shop, "catalogue", f"gtin,name\n{VALVE},{patient}\n{patient},Valve\n", "apply=true")
    assert refused.status_code == 400
    assert "401234500000123452" not in answer.text + refused.text


def test_templates_are_files_that_can_be_imported(shop: Site) -> None:
    options = {"stock": COUNTED, "par": f"agreementID={AGREEMENT}", "prices": f"agreementID={AGREEMENT}"}
    kinds = shop.get(SUPPLY, "/imports")["imports"]
    assert options.keys() < {one["kind"] for one in kinds}
    for one in kinds:
        template = shop.request(SUPPLY, "GET", f"/imports/{one['kind']}/template.csv")
        assert template.headers["content-type"].startswith("text/csv")
        report = told(shop, one["kind"], template.content, options.get(one["kind"], ""))
        assert (report["rows"], report["errors"]) == (1, 0), report


def test_only_who_may_capture_imports_and_only_what_is_csv(shop: Site) -> None:
    assert post(shop, "catalogue", CATALOGUE, name="admin").status_code == 403
    assert post(shop, "catalogue", CATALOGUE, "dry=1").status_code == 400
    assert post(shop, "beds", CATALOGUE).status_code == 400
    json = shop.request(SUPPLY, "POST", "/imports/catalogue", json={})
    assert json.status_code == 415


def test_a_first_count_puts_what_it_finds_on_the_book_and_later_imports_of_the_same_add_nothing(empty: Site) -> None:
    """Rejects an opening count that only observes, and one whose events have other ids than the same stock from CSV."""
    labels = [f"(01){VALVE}(17)280131(10)V-LOT(21)V23-0100", f"(01){SCREW}(10)LOT9(30)12"]
    count = {
        "id": "first",
        "place": {"id": CABINET},
        "purpose": "opening",
        "scope": "complete",
        "eventTimeZoneOffset": "+02:00",
        "countedAt": "2026-06-30T18:00:00+02:00",
        "scans": [{"readID": f"read-{number}", "elementString": text} for number, text in enumerate(labels)],
        "finish": True,
    }
    counted = empty.request(SUPPLY, "POST", "/counts", json=count)
    assert counted.status_code == 201, counted.text
    assert (counted.json()["state"], counted.json()["purpose"]) == ("finished", "opening")
    before = stock_of(empty, SUPPLY)
    assert {one["quantity"] for one in before.values()} == {"1", "12"}
    assert {one["expiry"] for one in before.values()} == {"2028-01-31", None}
    assert empty.get(SUPPLY, "/consignment/conflicts")["conflicts"] == []
    again = told(empty, "stock", STOCK.replace("01.2029", ""), f"{COUNTED}&apply=true")
    assert (again["new"], again["unchanged"]) == (0, 2)
    assert stock_of(empty, SUPPLY) == before
