"""Amounts of money in their currency's minor unit (ISO 4217), and as text.

Pure. It must not price anything, nor round a price for one each: agreements may price fractions of a cent.
"""

from collections import defaultdict
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Final

from iso4217 import Currency

_USUAL_DECIMALS: Final = 2
_DIGITS: Final = 28
_DECIMALS: Final = {one.code: one.exponent for one in Currency if one.exponent is not None}


def decimals_of(currency: str | None) -> int:
    """How many decimals amounts of a currency have; two where ISO 4217 knows it no longer, or gives it no minor unit.

    >>> decimals_of("EUR"), decimals_of("JPY"), decimals_of("KWD"), decimals_of("XAU")
    (2, 0, 3, 2)
    """
    return _DECIMALS.get(currency or "", _USUAL_DECIMALS)


def rounded(amount: Decimal, currency: str | None) -> Decimal:
    """An amount in whole minor units, halves away from zero: the commercial rounding of invoices (DIN 1333, EN 16931).

    So what is taken back is exactly what was charged. Each line is rounded, and sums are of rounded lines.

    >>> rounded(Decimal("1.005"), "EUR"), rounded(Decimal("-1.005"), "EUR"), rounded(Decimal("99.5"), "JPY")
    (Decimal('1.01'), Decimal('-1.01'), Decimal('100'))
    """
    wide = Context(prec=max(_DIGITS, amount.adjusted() + _DIGITS))
    return amount.quantize(Decimal(1).scaleb(-decimals_of(currency)), ROUND_HALF_UP, wide) + 0


def money(amount: Decimal, currency: str | None) -> str:
    """An amount or a price as plain decimal text, with the decimals of its currency, and more only where it has them.

    >>> money(Decimal("1200"), "EUR"), money(Decimal("200.00"), "JPY"), money(Decimal("0.1250"), "EUR")
    ('1200.00', '200', '0.125')
    """
    exponent = amount.normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    return f"{amount:.{max(decimals_of(currency), -exponent)}f}"


def totals(amounts: Iterable[tuple[Decimal | None, str | None]]) -> dict[str, str]:
    """The sum of (amount, currency) by currency; those without a price are left out."""
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for amount, currency in amounts:
        if amount is not None and currency is not None:
            sums[currency] += amount
    return {currency: money(sums[currency], currency) for currency in sorted(sums)}
