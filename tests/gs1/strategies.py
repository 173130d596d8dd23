"""Hypothesis strategies for sound GS1 data, made from the AI table and from the rules of each URN scheme."""

from hypothesis import strategies as st

from traceward.gs1.application_identifiers import APPLICATION_IDENTIFIERS, ApplicationIdentifier
from traceward.gs1.check_digits import CSET82, check_digit
from traceward.gs1.element_string import ElementString
from traceward.gs1.value_rules import VALUE_RULES, first_fault

DIGITS = "0123456789"
ALPHABETS = {
    "digits": DIGITS,
    "cset82": CSET82,
    "cset39": "#-/0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "cset64": "ABCabc012-_",
}


def digits(length: int) -> st.SearchStrategy[str]:
    return st.text(DIGITS, min_size=length, max_size=length)


def cset82(longest: int) -> st.SearchStrategy[str]:
    return st.text(CSET82, min_size=1, max_size=longest)


def gtins() -> st.SearchStrategy[str]:
    return digits(13).map(lambda body: body + check_digit(body))


def dates() -> st.SearchStrategy[str]:
    return st.builds("{:02}{:02}{:02}".format, st.integers(0, 99), st.integers(1, 12), st.integers(0, 28))


# AIs whose linters a random value of the right alphabet satisfies, or whose check digit can be appended.
def values_of(entry: ApplicationIdentifier) -> st.SearchStrategy[str]:
    """Values of the right alphabet and length, check digits right; other linters may still refuse them."""
    parts = []
    for part in entry.components:
        shortest = 0 if part.is_optional else part.shortest
        if "csum" in part.linters:
            parts.append(digits(part.longest - 1).map(lambda body: body + check_digit(body)))
        elif part.linters and part.linters[0].startswith("yymmd"):
            parts.append(dates())
        else:
            size = st.text(ALPHABETS[part.alphabet], min_size=shortest, max_size=part.longest)
            parts.append(size if not part.is_optional or part.shortest == 1 else st.just(""))
    return st.tuples(*parts).map("".join)


def element_strings() -> st.SearchStrategy[list[ElementString]]:
    """One to six sound element strings of different AIs."""
    entry = st.sampled_from(list(APPLICATION_IDENTIFIERS.values()))
    one = entry.flatmap(lambda found: values_of(found).map(lambda value: (found, value)))
    sound = one.filter(lambda pair: first_fault(VALUE_RULES[pair[0].ai], pair[1]) is None)
    element = sound.map(lambda pair: ElementString(pair[0].ai, pair[1], pair[0].title, 0))
    return st.lists(element, min_size=1, max_size=6, unique_by=lambda found: found.ai)


# Medical labels: mostly these AIs, in any order.
def udi_values() -> st.SearchStrategy[dict[str, str]]:
    return st.fixed_dictionaries(
        {"01": gtins()},
        optional={"10": cset82(20), "11": dates(), "17": dates(), "21": cset82(20), "240": cset82(30)},
    )


def urns() -> st.SearchStrategy[tuple[str, int]]:
    """Sound EPC URNs of every scheme with a Digital Link, with the length of their company prefix."""
    return st.integers(6, 12).flatmap(_urns_of_prefix)


def _urns_of_prefix(length: int) -> st.SearchStrategy[tuple[str, int]]:
    prefix = digits(length)
    serial = cset82(16).map(_escaped).filter(lambda text: text != "0")
    number = st.integers(1, 10**11).map(str)

    def of(form: str, total: int, *tails: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        parts = st.tuples(prefix, digits(total - length), *tails)
        return parts.map(lambda found: f"urn:epc:{form}:" + ".".join(found))

    star = st.just("*")
    piece = st.just("01")
    text = cset82(16).map(_escaped)
    part = st.text("#-/0123456789ABCXYZ", min_size=1, max_size=18).map(_escaped)
    schemes = [
        of("id:sgtin", 13, serial), of("class:lgtin", 13, serial), of("idpat:sgtin", 13, star),
        of("id:sscc", 17), of("id:sgln", 12, serial), of("id:sgln", 12, st.just("0")), of("id:pgln", 12),
        of("id:grai", 12, serial), of("idpat:grai", 12, star), of("id:gdti", 12, serial), of("idpat:gdti", 12, star),
        of("id:sgcn", 12, number), of("idpat:sgcn", 12, star), of("id:gsrn", 17), of("id:gsrnp", 17),
        of("id:gsin", 16), of("id:upui", 13, serial), of("id:itip", 13, piece, st.just("02"), serial),
        of("idpat:itip", 13, piece, st.just("02"), star),
        st.builds("urn:epc:id:giai:{}.{}".format, prefix, text),
        st.builds("urn:epc:id:ginc:{}.{}".format, prefix, text),
        st.builds("urn:epc:id:cpi:{}.{}.{}".format, prefix, part, number),
        st.builds("urn:epc:idpat:cpi:{}.{}.*".format, prefix, part),
    ]  # fmt: skip
    return st.one_of(schemes).map(lambda urn: (urn, length))


def _escaped(text: str) -> str:
    return "".join(f"%{ord(character):02X}" if character in '"#%&/<>?' else character for character in text)
