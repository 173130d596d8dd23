"""Our table of application identifiers states what the released GS1 Barcode Syntax Dictionary states."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from shared_data import shared
from traceward.gs1.application_identifiers import (
    APPLICATION_IDENTIFIERS,
    ApplicationIdentifier,
    Component,
    ai_digits,
    read_table,
)
from traceward.gs1.linters import LINTERS

LETTERS = {"digits": "N", "cset82": "X", "cset39": "Y", "cset64": "Z"}


def in_dictionary_notation(entry: ApplicationIdentifier) -> str:
    """Our entry as the dictionary would write it, without AI and title."""
    flags = ("*" if entry.is_predefined_length else "") + ("?" if entry.is_attribute else "")
    words = [flags] if flags else []
    words.extend(component_notation(part) for part in entry.components)
    if entry.requires:
        words.extend("req=" + ",".join("+".join(group) for group in groups) for groups in entry.requires)
    if entry.excludes:
        words.append("ex=" + ",".join(entry.excludes))
    if entry.qualifiers is not None:
        sequences = "|".join(",".join(sequence) for sequence in entry.qualifiers)
        words.append(f"dlpkey={sequences}" if sequences else "dlpkey")
    return " ".join(words)


def component_notation(part: Component) -> str:
    length = str(part.longest) if part.shortest == part.longest else f"..{part.longest}"
    if part.shortest not in (1, part.longest):
        length = f"{part.shortest}..{part.longest}"
    kind = f"{LETTERS[part.alphabet]}{length}"
    return ",".join([f"[{kind}]" if part.is_optional else kind, *part.linters])


def dictionary() -> dict[str, str]:
    """The dictionary's entries by AI, ranges spread, blanks normalised, 'dlpkey' after 'req' and 'ex'."""
    entries = {}
    for line in shared("barcodes/gs1-syntax-dictionary.txt").read_text(encoding="utf-8").splitlines():
        if not line[:1].isdigit():
            continue
        ais, *words = line.partition("#")[0].split()
        order = {"req": 1, "ex": 2, "dlpkey": 3}
        words.sort(key=lambda word: order.get(word.partition("=")[0], 0))
        first, _, last = ais.partition("-")
        for number in range(int(first), int(last or first) + 1):
            entries[f"{number:0{len(first)}}"] = " ".join(words)
    return entries


def differences(table: Mapping[str, ApplicationIdentifier], released: Mapping[str, str]) -> list[str]:
    ours = {ai: in_dictionary_notation(entry) for ai, entry in table.items()}
    return [ai for ai in {*ours, *released} if ours.get(ai) != released.get(ai)]


def test_every_entry_of_the_table_equals_the_released_dictionary() -> None:
    released = dictionary()
    assert len(released) > 500
    assert differences(APPLICATION_IDENTIFIERS, released) == []


def altered(entry: ApplicationIdentifier) -> Iterator[ApplicationIdentifier]:
    """The entry with each single fact altered in turn."""
    yield replace(entry, is_predefined_length=not entry.is_predefined_length)
    yield replace(entry, is_attribute=not entry.is_attribute)
    for index, part in enumerate(entry.components):
        other = "digits" if part.alphabet != "digits" else "cset82"
        variants = [
            replace(part, alphabet=other),
            replace(part, longest=part.longest + 1),
            replace(part, shortest=part.shortest + 1) if part.shortest < part.longest else replace(part, shortest=0),
            replace(part, is_optional=not part.is_optional),
            replace(part, linters=(*part.linters, "zero")),
            *(replace(part, linters=tuple(name for name in part.linters if name != gone)) for gone in part.linters),
        ]
        for variant in variants:
            yield replace(entry, components=(*entry.components[:index], variant, *entry.components[index + 1 :]))
    yield replace(entry, components=entry.components[:-1])
    yield replace(entry, requires=(*entry.requires, (("99",),)))
    for index, groups in enumerate(entry.requires):
        fewer = (groups[:-1],) if len(groups) > 1 else ()
        yield replace(entry, requires=(*entry.requires[:index], *fewer, *entry.requires[index + 1 :]))
        joined = ((*groups[0], "99"), *groups[1:])
        yield replace(entry, requires=(*entry.requires[:index], joined, *entry.requires[index + 1 :]))
    yield replace(entry, excludes=(*entry.excludes, "99"))
    for gone in entry.excludes:
        yield replace(entry, excludes=tuple(ai for ai in entry.excludes if ai != gone))
    yield replace(entry, qualifiers=() if entry.qualifiers is None else None)
    if entry.qualifiers:
        yield replace(entry, qualifiers=entry.qualifiers[:-1])
        yield replace(entry, qualifiers=tuple((*sequence[::-1], "99") for sequence in entry.qualifiers))


def test_any_single_altered_fact_of_the_table_is_noticed() -> None:
    """Rejects a comparison that looks only at some columns, for example one that forgets associations."""
    released = dictionary()
    tried = 0
    for ai, entry in APPLICATION_IDENTIFIERS.items():
        for variant in altered(entry):
            tried += 1
            assert in_dictionary_notation(variant) != released[ai], (ai, variant)
    assert tried > 5000


def test_a_missing_and_an_added_entry_are_noticed() -> None:
    released = dictionary()
    without = {ai: entry for ai, entry in APPLICATION_IDENTIFIERS.items() if ai != "10"}
    assert differences(without, released) == ["10"]
    added = {**APPLICATION_IDENTIFIERS, "05": APPLICATION_IDENTIFIERS["01"]}
    assert differences(added, released) == ["05"]


def test_every_linter_that_the_table_names_exists() -> None:
    named = {name for entry in APPLICATION_IDENTIFIERS.values() for part in entry.components for name in part.linters}
    assert named <= LINTERS.keys()


def test_every_title_is_there_and_every_ai_is_known_by_its_first_two_digits() -> None:
    for ai, entry in APPLICATION_IDENTIFIERS.items():
        assert entry.title
        assert ai_digits(ai) == len(ai)


def test_a_component_that_is_not_in_the_format_is_refused() -> None:
    header = "ai\ttitle\tpredefined\tattribute\tcomponents\trequires\texcludes\tprimary_key"
    with pytest.raises(ValueError, match="expected '<alphabet>"):
        read_table(f"{header}\n99\tX\t\t\tletters 4\t\t\t")
