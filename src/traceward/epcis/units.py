"""Units of measure that convert into each other, so that a query in one finds a number given in another.

Holds only exact factors; a unit that is not here converts into nothing but itself. UN/CEFACT Recommendation 20 codes.
"""

from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Final

#: Base unit -> {unit: base units in one of it}. SI brochure and the international yard and pound for the values.
_FACTORS: Final[dict[str, dict[str, str]]] = {
    "KGM": {
        "GRM": "0.001", "MGM": "0.000001", "MC": "1E-9", "TNE": "1000", "LBR": "0.45359237", "ONZ": "0.028349523125",
    },
    "MTR": {
        "DMT": "0.1", "CMT": "0.01", "MMT": "0.001", "4H": "0.000001", "KMT": "1000", "INH": "0.0254", "FOT": "0.3048",
        "YRD": "0.9144", "SMI": "1609.344",
    },
    "MTK": {"CMK": "0.0001", "MMK": "0.000001", "KMK": "1000000"},
    "MTQ": {
        "LTR": "0.001", "DMQ": "0.001", "DLT": "0.0001", "CLT": "0.00001", "MLT": "0.000001", "CMQ": "0.000001",
        "HLT": "0.1", "GLL": "0.003785411784", "GLI": "0.00454609",
    },
    "SEC": {"C26": "0.001", "MIN": "60", "HUR": "3600", "DAY": "86400", "WEE": "604800"},
    "PAL": {"A97": "100", "KPA": "1000", "MPA": "1000000", "BAR": "100000", "MBR": "100", "ATM": "101325"},
    "VLT": {"2Z": "0.001", "KVT": "1000"},
    "AMP": {"4K": "0.001"},
    "WTT": {"KWT": "1000", "MAW": "1000000"},
    "JOU": {"KJO": "1000", "WHR": "3600", "KWH": "3600000"},
    "HTZ": {"KHZ": "1000", "MHZ": "1000000"},
    "MTS": {"KMH": "5/18"},
    "C62": {"P1": "0.01", "59": "0.000001"},
}  # fmt: skip

#: Unit -> (base unit, factor, what is added before the factor applies).
_TO_BASE: Final[dict[str, tuple[str, Fraction, Fraction]]] = {
    **{
        unit: (base, Fraction(factor), Fraction(0))
        for base, units in _FACTORS.items()
        for unit, factor in {base: "1", **units}.items()
    },
    "KEL": ("KEL", Fraction(1), Fraction(0)),
    "CEL": ("KEL", Fraction(1), Fraction("273.15")),
    "FAH": ("KEL", Fraction(5, 9), Fraction("459.67")),
}


@lru_cache(maxsize=8192)
def in_base_unit(number: str, uom: str) -> tuple[float, str]:
    """The number in the base unit of its kind, and that unit; a unit that converts into no other is its own base.

    number: finite decimal text; uom: UN/CEFACT Rec 20 code. Equal quantities give equal doubles whatever their units,
    since the arithmetic before the last rounding is exact. A Celsius or Fahrenheit value is a point on its scale; for
    differences see `in_base_difference`. EPCIS 2.0 conformance requirements, TCR-53 step 26.

    >>> in_base_unit("20", "CEL"), in_base_unit("68", "FAH"), in_base_unit("293.15", "KEL")
    ((293.15, 'KEL'), (293.15, 'KEL'), (293.15, 'KEL'))
    >>> in_base_unit("3", "EA")
    (3.0, 'EA')
    """
    known = _TO_BASE.get(uom)
    if known is None:
        return float(number), uom
    base, factor, before = known
    return _as_double((Fraction(Decimal(number)) + before) * factor), base


#: Numbers of a sensor report that are differences, not points on a scale.
DIFFERENCES: Final = frozenset({"sDev"})


def converted(field: str, number: str, uom: str) -> tuple[float, str]:
    """A field's number in its base unit, as a point on the scale or, for `DIFFERENCES`, as a difference."""
    return in_base_difference(number, uom) if field in DIFFERENCES else in_base_unit(number, uom)


def in_base_difference(number: str, uom: str) -> tuple[float, str]:
    """A difference between two values, such as a standard deviation: the scale's zero point plays no part.

    >>> in_base_difference("0.9", "FAH"), in_base_difference("0.5", "CEL"), in_base_difference("0.5", "KEL")
    ((0.5, 'KEL'), (0.5, 'KEL'), (0.5, 'KEL'))
    """
    known = _TO_BASE.get(uom)
    if known is None:
        return float(number), uom
    base, factor, _before = known
    return _as_double(Fraction(Decimal(number)) * factor), base


def _as_double(value: Fraction) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
