"""The items that the symbols of a picture stand on: device and production identifiers may be in two symbols of a label.

Pure: it judges texts and their places in the picture. It must not decide that two complete labels are one item: a shelf
may hold two of a lot.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import hypot

from traceward.gs1.element_string import check_associations, parse_scan_data
from traceward.gs1.errors import UdiError
from traceward.gs1.keys import KEY_AIS
from traceward.gs1.parsed import ElementString, Finding, ParsedElementStrings, join_symbols
from traceward.gs1.udi import Udi, join_hibc, parse_udi, udi_from_elements

_CONTENTS = frozenset({"02", "37"})
"""AIs that say what is in a logistic unit; they belong to the symbol with its SSCC."""


@dataclass(frozen=True, slots=True)
class ReadSymbol:
    """One symbol as read. middle: its middle in pixels of the picture, None where that is not known."""

    symbology_identifier: str
    text: str
    confirmed: bool = True
    middle: tuple[float, float] | None = None

    @property
    def scan_data(self) -> str:
        """Symbology identifier and data in one."""
        return self.symbology_identifier + self.text


@dataclass(frozen=True, slots=True)
class LabelledItem:
    """One physical item: which symbols it was read from, and what they say together.

    symbols: indices of the symbols. findings: those of each symbol and of the rules over all of them. confirmed: all
    symbols are.
    """

    symbols: tuple[int, ...]
    elements: tuple[ElementString, ...]
    findings: tuple[Finding, ...]
    udi: Udi | None
    confirmed: bool

    @property
    def epc(self) -> str | None:
        """The canonical identifier of the one thing, if the symbols name it."""
        return self.udi.epc if self.udi is not None else None

    @property
    def epc_class(self) -> str | None:
        """The canonical identifier of its class or lot."""
        return self.udi.epc_class if self.udi is not None else None


@dataclass(slots=True)
class _Group:
    indices: list[int]
    parsed: list[ParsedElementStrings]
    carriers: set[str]
    middles: list[tuple[float, float]]
    values: dict[str, str] = field(default_factory=dict)

    def take(self, index: int, parsed: ParsedElementStrings, symbol: ReadSymbol) -> None:
        self.indices.append(index)
        self.parsed.append(parsed)
        self.carriers.add(symbol.symbology_identifier[:2])
        if symbol.middle is not None:
            self.middles.append(symbol.middle)
        for element in parsed.elements:
            self.values.setdefault(element.ai, element.value)

    def agrees_with(self, parsed: ParsedElementStrings) -> bool:
        return all(self.values.get(element.ai, element.value) == element.value for element in parsed.elements)

    def names_the_same(self, parsed: ParsedElementStrings) -> bool:
        return any(
            element.ai in KEY_AIS and self.values.get(element.ai) == element.value for element in parsed.elements
        )

    def distance(self, symbol: ReadSymbol) -> float:
        if symbol.middle is None or not self.middles:
            return 0.0
        return min(hypot(x - symbol.middle[0], y - symbol.middle[1]) for x, y in self.middles)


def items_of(symbols: Sequence[ReadSymbol]) -> tuple[LabelledItem, ...]:
    """The items that the symbols stand on, in the order of their first symbols.

    A symbol without a key (production identifiers alone) joins the nearest item that it does not contradict; where
    several are equally near, it stays alone with a finding. A second carrier of the same key (GS1-128 beside
    DataMatrix) joins its twin. Symbols that name nothing (plain text) make no item.
    """
    parsed = [parse_scan_data(symbol.scan_data, mode="lenient") for symbol in symbols]
    groups = _keyed_groups(symbols, parsed, _halves(symbols, parsed))
    alone = _attach_loose(symbols, parsed, groups)
    items = [_item(group, symbols) for group in (*groups, *alone)]
    items += _other_agencies(symbols, parsed)
    return tuple(sorted(items, key=lambda item: item.symbols[0]))


def item_of_texts(texts: Sequence[str]) -> LabelledItem:
    """The one item of the texts of its label, in any order.

    Each is scan data; a single one may also be bracketed, raw, a Digital Link, HIBC or ICCBBA data.

    What does not belong together is told by a finding of severity error, as is a text that names nothing.
    """
    if len(texts) == 1 and not texts[0].startswith("]"):
        return _typed_item(texts[0])
    items = items_of([ReadSymbol(text[:3], text[3:]) for text in texts])
    if len(items) == 1 and len(items[0].symbols) == len(texts):
        return items[0]
    read = ", ".join(item.epc or item.epc_class or "no device" for item in items) or "no device"
    message = f"{len(texts)} symbols give {len(items)} items ({read}); expected symbols of one item"
    return LabelledItem((), (), (Finding("not_one_item", "error", message),), None, confirmed=True)


def _typed_item(text: str) -> LabelledItem:
    try:
        udi = parse_udi(text, mode="lenient")
    except UdiError as error:
        finding = Finding(error.code, "error", str(error), None, error.position)
        return LabelledItem((0,), (), (finding,), None, confirmed=True)
    return LabelledItem((0,), (), udi.findings, udi, confirmed=True)


def _halves(symbols: Sequence[ReadSymbol], parsed: Sequence[ParsedElementStrings]) -> dict[int, int]:
    """Device identifier alone -> production identifiers in a second symbol of the same kind, as labels have them.

    Nearest pairs first; none where two device identifiers are equally near.
    """
    bare = {i for i, one in enumerate(parsed) if [element.ai for element in one.elements] == ["01"]}
    loose = {i for i, one in enumerate(parsed) if _is_loose(one) and not _tells_contents(one)}
    near = sorted((_apart(symbols[i], symbols[j]), i, j) for i in bare for j in loose if _alike(symbols[i], symbols[j]))
    found: dict[int, int] = {}
    for distance, index, other in near:
        free = [i for d, i, j in near if j == other and i not in found and i != index and d <= distance]
        if index not in found and other not in found.values() and not free:
            found[index] = other
    return found


def _is_loose(parsed: ParsedElementStrings) -> bool:
    return bool(parsed.elements) and not any(element.ai in KEY_AIS for element in parsed.elements)


def _tells_contents(parsed: ParsedElementStrings) -> bool:
    return any(element.ai in _CONTENTS for element in parsed.elements)


def _alike(one: ReadSymbol, other: ReadSymbol) -> bool:
    return one.symbology_identifier[:2] == other.symbology_identifier[:2]


def _apart(one: ReadSymbol, other: ReadSymbol) -> float:
    if one.middle is None or other.middle is None:
        return 0.0
    return hypot(one.middle[0] - other.middle[0], one.middle[1] - other.middle[1])


def _keyed_groups(
    symbols: Sequence[ReadSymbol], parsed: Sequence[ParsedElementStrings], halves: Mapping[int, int]
) -> list[_Group]:
    groups: list[_Group] = []
    for index, other in halves.items():
        group = _new_group(index, parsed[index], symbols[index])
        group.take(other, parsed[other], symbols[other])
        groups.append(group)
    keyed = [
        i for i, one in enumerate(parsed) if i not in halves and any(element.ai in KEY_AIS for element in one.elements)
    ]
    # The fullest symbols first: one that holds the key alone then finds the item that it belongs to.
    for index in sorted(keyed, key=lambda i: (-len(parsed[i].elements), i)):
        symbol, one = symbols[index], parsed[index]
        twins = [
            group
            for group in groups
            if symbol.symbology_identifier[:2] not in group.carriers
            and group.names_the_same(one)
            and group.agrees_with(one)
        ]
        if twins:
            min(twins, key=lambda group: group.distance(symbol)).take(index, one, symbol)
        else:
            groups.append(_new_group(index, one, symbol))
    return groups


def _attach_loose(
    symbols: Sequence[ReadSymbol], parsed: Sequence[ParsedElementStrings], groups: list[_Group]
) -> list[_Group]:
    """Give each symbol without a key to its item, nearest pairs first; what stays alone comes back."""
    taken = {index for group in groups for index in group.indices}
    loose = {i for i, one in enumerate(parsed) if i not in taken and _is_loose(one)}
    # The contents of a logistic unit first: the lot of a third symbol is theirs.
    for told in ({i for i in loose if _tells_contents(parsed[i])}, loose):
        pairs = sorted((group.distance(symbols[i]), i, number) for i in told for number, group in enumerate(groups))
        for distance, index, number in pairs:
            if index not in loose or not _fits(groups[number], parsed[index]):
                continue
            rivals = [g for n, g in enumerate(groups) if n != number and _fits(g, parsed[index])]
            if any(rival.distance(symbols[index]) <= distance for rival in rivals):
                continue
            groups[number].take(index, parsed[index], symbols[index])
            loose.discard(index)
    return [_new_group(index, parsed[index], symbols[index]) for index in sorted(loose)]


def _fits(group: _Group, parsed: ParsedElementStrings) -> bool:
    """Whether the symbol may be the group's: contents belong to an SSCC, all else to a device or to contents."""
    wanted = {"00"} if _tells_contents(parsed) else {"01", "02"}
    return group.agrees_with(parsed) and not wanted.isdisjoint(group.values)


def _new_group(index: int, parsed: ParsedElementStrings, symbol: ReadSymbol) -> _Group:
    group = _Group([], [], set(), [])
    group.take(index, parsed, symbol)
    return group


def _item(group: _Group, symbols: Sequence[ReadSymbol]) -> LabelledItem:
    # The scan's order does not matter: the symbol with the key speaks first.
    order = sorted(range(len(group.parsed)), key=lambda at: not any(e.ai in KEY_AIS for e in group.parsed[at].elements))
    joined = join_symbols(group.parsed[at] for at in order)
    udi = udi_from_elements(joined)
    return LabelledItem(
        tuple(sorted(group.indices)),
        joined.elements,
        udi.findings + check_associations(joined.elements),
        udi,
        all(symbols[index].confirmed for index in group.indices),
    )


def _other_agencies(symbols: Sequence[ReadSymbol], parsed: Sequence[ParsedElementStrings]) -> Iterable[LabelledItem]:
    """Devices labelled by HIBCC and ICCBBA; a HIBC secondary joins the primary that its link character names."""
    found = [
        (index, udi)
        for index, one in enumerate(parsed)
        if one.form in {"hibc", "iccbba"} and (udi := _udi(symbols[index])) is not None
    ]
    primaries = [(index, udi) for index, udi in found if udi.di is not None]
    joined: dict[int, tuple[list[int], Udi]] = {index: ([index], udi) for index, udi in primaries}
    for index, secondary in ((index, udi) for index, udi in found if udi.di is None):
        linked = [at for at, (indices, udi) in joined.items() if len(indices) == 1 and _links(udi, secondary)]
        if len(linked) == 1:
            indices, primary = joined[linked[0]]
            joined[linked[0]] = ([*indices, index], join_hibc(primary, secondary))
        else:
            joined[index] = ([index], secondary)
    for indices, udi in joined.values():
        confirmed = all(symbols[index].confirmed for index in indices)
        yield LabelledItem(tuple(sorted(indices)), (), udi.findings, udi, confirmed)


def _udi(symbol: ReadSymbol) -> Udi | None:
    try:
        return parse_udi(symbol.scan_data, mode="lenient")
    except UdiError:
        return None


def _links(primary: Udi, secondary: Udi) -> bool:
    try:
        join_hibc(primary, secondary)
    except UdiError:
        return False
    return True
