"""What the demo's supplier and hospital have agreed, and what they call their products: plain values.

It must not store anything; `demo` does.
"""

from datetime import date
from decimal import Decimal
from typing import Any, Final

from traceward.ledger.agreement_terms import AgreementTerms, CountTerms, ParLevel, Price, ProductLine
from traceward.services.demo.storyline import AGREEMENT, CABINET, CORDIA, HOSPITAL, NORTHGATE, WARD

_NAME: Final = "urn:epcglobal:cbv:mda#name"
_FIRST_DAY: Final = date(2026, 1, 1)

PRODUCTS: Final = {
    "09521141010235": "Aortic valve 23 mm",
    "09521141045305": "Cortical screw 3.5 mm",
    "09521141060001": "Dilatation balloon",
}
"""GTIN -> name."""


def catalogue() -> list[dict[str, Any]]:
    """The supplier's products as vocabularies of master data."""
    elements = [
        {"id": f"https://id.gs1.org/01/{gtin}", "attributes": [{"id": _NAME, "value": name}], "children": []}
        for gtin, name in PRODUCTS.items()
    ]
    return [{"type": "urn:epcglobal:epcis:vtype:EPCClass", "elements": elements}]


def agreement() -> AgreementTerms:
    """The agreement that the story's events name."""
    return AgreementTerms(
        agreement_id=AGREEMENT,
        title="Valves, screws and balloons on consignment",
        supplier=CORDIA,
        hospital=NORTHGATE,
        valid_from=_FIRST_DAY,
        sites=(HOSPITAL,),
        lines=(
            _line("09521141010235", "Heart valve", "23 mm", "1850.00", (CABINET, 1, 2), is_implant=True),
            _line("09521141045305", "Cortical screw", "3.5 mm", "24.50", (CABINET, 5, 20), is_implant=True),
            _line("09521141060001", "Balloon", "", "310.00", (WARD, 1, 4), is_implant=False),
        ),
        counts=CountTerms(every_days=90),
    )


def _line(gtin: str, family: str, size: str, price: str, par: tuple[str, int, int], *, is_implant: bool) -> ProductLine:
    place, minimum, maximum = par
    return ProductLine(
        gtin=gtin,
        par=(ParLevel(place=place, minimum=minimum, maximum=maximum),),
        prices=(Price(amount=Decimal(price), currency="EUR", valid_from=_FIRST_DAY),),
        bill_mode="bill_only",
        implantable=is_implant,
        family=family,
        size=size or None,
    )
