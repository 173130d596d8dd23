"""A label drawn by the server is photographed, read back and captured; two symbols of a label are one item."""

from typing import Any

import numpy as np
import orjson
import pytest

from scanner.pictures import beside, cv2, jpeg, png, symbol
from traceward.labels.design import design_label

from .conftest import Site

CLINICAL = "northgate-clinical"
PLACE = {"gln": "4012345000016", "extension": "OR3-CAB2"}
NEW_VALVE = "(01)09521141010235(17)300131(10)L23-B(21)V23-0100"
EPC = "https://id.gs1.org/01/09521141010235/21/V23-0100"


def scan(site: Site, picture: bytes) -> dict[str, Any]:
    answer = site.request(CLINICAL, "POST", "/scan", content=picture, headers={"Content-Type": "image/jpeg"})
    assert answer.status_code == 200, answer.text
    return answer.json()


def act(site: Site, item: dict[str, Any], action: str = "receive", **more: Any):
    body = {"action": action, "place": PLACE, "items": [item], **more}
    return site.request(CLINICAL, "POST", "/consignment/actions", json=body)


def photographed_svg(svg: str, turned: float) -> bytes:
    """The picture of a printed SVG label, turned and blurred: its path's boxes drawn at 12 pixels a millimetre."""
    width, height = (float(v) for v in svg.split('viewBox="0 0 ', 1)[1].split('"', 1)[0].split())
    paper = np.full((round(height * 12), round(width * 12)), 230, np.uint8)
    for box in svg.split(' d="', 1)[1].split('"', 1)[0].split("z")[:-1]:
        corner, _, rest = box[1:].partition("h")
        left, top = (float(v) for v in corner.split())
        wide, _, rest = rest.partition("v")
        tall = rest.partition("h")[0]
        rows = slice(round(top * 12), round((top + float(tall)) * 12))
        paper[rows, round(left * 12) : round((left + float(wide)) * 12)] = 30
    scene = cv2.copyMakeBorder(paper, 150, 150, 150, 150, cv2.BORDER_CONSTANT, value=140)
    middle = (scene.shape[1] / 2, scene.shape[0] / 2)
    matrix = cv2.getRotationMatrix2D(middle, turned, 1)
    return jpeg(cv2.GaussianBlur(cv2.warpAffine(scene, matrix, scene.shape[::-1], borderValue=140), (0, 0), 1.0))


def test_a_label_printed_by_the_server_is_photographed_read_back_and_captured(site: Site) -> None:
    """Rejects labels that only our own drawing code can read."""
    body = {"labels": [{"data": NEW_VALVE, "title": "Valve 23 mm"}]}
    printed = site.request(CLINICAL, "POST", "/labels", json=body, headers={"Accept": "image/svg+xml"})
    assert (printed.status_code, printed.headers["content-type"]) == (200, "image/svg+xml")
    (item,) = scan(site, photographed_svg(printed.text, turned=9))["items"]
    assert (item["epc"], item["confirmed"]) == (EPC, True)
    (read,) = scan(site, photographed_svg(printed.text, turned=-7))["symbols"]
    taken = act(site, {"elementString": read["symbologyIdentifier"] + read["text"]})
    assert taken.status_code == 201, taken.text
    assert taken.json()["event"]["epcList"] == [EPC]
    stock = site.get(CLINICAL, "/consignment/stock")["items"]
    assert [(row["serial"], row["quantity"]) for row in stock] == [("V23-0100", "1")]


def test_labels_come_as_pdf_by_default_and_a_bad_one_is_named(site: Site) -> None:
    good = {"labels": [{"data": NEW_VALVE}, {"data": "(414)4012345000016(254)OR3-CAB2", "title": "Cabinet 2"}]}
    pdf = site.request(CLINICAL, "POST", "/labels", json=good)
    assert (pdf.status_code, pdf.headers["content-type"], pdf.content[:5]) == (200, "application/pdf", b"%PDF-")
    bad = {"labels": [{"data": NEW_VALVE}, {"data": "(01)09521141010236(21)A"}]}
    refused = site.request(CLINICAL, "POST", "/labels", json=bad)
    assert refused.status_code == 400
    assert [error["path"] for error in refused.json()["errors"]] == ["labels[1]"]
    several = site.request(CLINICAL, "POST", "/labels", json=good, headers={"Accept": "image/svg+xml"})
    assert several.status_code == 400
    other = site.request(CLINICAL, "POST", "/labels", json=good, headers={"Accept": "text/html"})
    assert other.status_code == 406


@pytest.mark.parametrize("flipped", [False, True])
def test_device_and_production_identifiers_in_two_bar_codes_give_one_item(site: Site, flipped: bool) -> None:
    """Rejects judging symbols one by one, in pictures as in texts, in either order."""
    di, pi = (
        symbol("(01)09521141010235", "Code128", scale=2),
        symbol("(17)300131(10)L23-B(21)V23-0100", "Code128", scale=2),
    )
    picture = png(
        np.vstack(
            [
                beside(pi),
                np.pad(beside(di), ((0, 0), (0, beside(pi).shape[1] - beside(di).shape[1])), constant_values=255),
            ]
        )
    )
    (item,) = scan(site, cv2_flip(picture) if flipped else picture)["items"]
    assert (item["epc"], sorted(item["symbols"])) == (EPC, [0, 1])
    texts = ["]C10109521141010235", "]C11730013110L23-B\x1d21V23-0100"]
    if flipped:
        texts.reverse()
    body = {"symbols": [{"symbologyIdentifier": text[:3], "text": text[3:]} for text in texts]}
    (judged,) = site.request(CLINICAL, "POST", "/scan", json=body).json()["items"]
    assert judged["epc"] == EPC
    taken = act(site, {"elementStrings": texts})
    assert (taken.status_code, taken.json()["event"]["epcList"]) == (201, [EPC])


def cv2_flip(picture: bytes) -> bytes:
    """The picture upside down."""
    return png(cv2.rotate(cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_GRAYSCALE), cv2.ROTATE_180))


def test_three_devices_in_one_picture_are_three_items(site: Site) -> None:
    labels = [design_label(f"(01){gtin}(21)S1") for gtin in ("09521141010235", "09521141045305", "09521141060001")]
    assert len({label.element_string for label in labels}) == 3
    row = beside(
        *(symbol(f"(01){g}(21)S1", "DataMatrix") for g in ("09521141010235", "09521141045305", "09521141060001"))
    )
    assert len({item["epc"] for item in scan(site, png(row))["items"]}) == 3


def test_a_shelf_with_thirty_labels_is_read_in_one_picture(site: Site) -> None:
    """Rejects a cap on symbols per picture, and merging neighbours of one GTIN."""
    rows = [
        beside(*(symbol(f"(01)09521141010235(21)S{6 * r + c}", "DataMatrix", scale=3) for c in range(6)))
        for r in range(5)
    ]
    width = max(row.shape[1] for row in rows)
    shelf = np.vstack([np.pad(row, ((0, 24), (0, width - row.shape[1])), constant_values=255) for row in rows])
    assert len({item["epc"] for item in scan(site, jpeg(shelf))["items"]}) == 30


def test_a_doubtful_read_is_taken_only_for_a_product_that_is_known(site: Site) -> None:
    """Rejects events from reads that nothing confirms: a misread may be another product with a right check digit."""
    doubtful = {"elementString": "]C1010952114101023521V23-0200", "confirmed": False}
    refused = act(site, doubtful)
    assert refused.status_code == 400
    assert [(error["path"], error["code"]) for error in refused.json()["errors"]] == [("items[0]", "unconfirmed")]
    assert act(site, {"elementString": "]d2010952114101023521V23-0100"}).status_code == 201
    taken = act(site, doubtful)
    assert taken.status_code == 201
    assert "unconfirmed" in [warning["code"] for warning in taken.json()["warnings"]]


def test_a_hibc_device_lives_in_the_ledger_like_any_other(site: Site) -> None:
    """Rejects items without a GS1 key that vanish between scan and stock."""
    answer = site.request(CLINICAL, "POST", "/scan", json={"symbologyIdentifier": "]C0", "text": "+A999123457"})
    (item,) = answer.json()["items"]
    assert (item["udi"]["issuingAgency"], item["udi"]["di"]) == ("HIBCC", "A99912345")
    taken = act(site, {"elementStrings": ["]C0+$$52001510X374", "]C0+A999123457"]})
    assert taken.status_code == 201, taken.text
    stock = site.get(CLINICAL, "/consignment/stock")["items"]
    assert [row["item"] for row in stock] == ["https://ns.traceward.org/udi/hibcc/A99912345/lot/10X3"]
    assert orjson.dumps(site.events(CLINICAL)).count(b"hibcc") >= 1
