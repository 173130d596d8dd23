"""CBV terms in their forms, against the published list."""

import json

import pytest

from shared_data import shared
from traceward.epcis.vocabulary import (
    KINDS,
    in_standard_namespace,
    nearest,
    to_bare,
    to_curie,
    to_urn,
    to_web_uri,
)

PUBLISHED_NAMES = {
    "bizstep": "bizStep",
    "disp": "disposition",
    "btt": "bizTransactionType",
    "sdt": "sourceDestType",
    "er": "errorReason",
    "comp": "component",
    "measurement": "measurementType",
    "alert": "sensorAlertType",
}


@pytest.mark.parametrize("kind", PUBLISHED_NAMES)
def test_every_published_term_translates_between_all_its_forms_and_no_other_word_is_known(kind):
    """Rejects a table with one word missing, misspelt or too many, or a wrong prefix of one kind."""
    published = json.loads(shared("standard/vectors/cbv-terms.json").read_text())[PUBLISHED_NAMES[kind]]
    assert KINDS[kind].words == set(published)
    for word, forms in published.items():
        spellings = [word, forms["web"], forms["curie"], *([forms["urn"]] if forms["urn"] else [])]
        assert {to_bare(kind, spelling) for spelling in spellings} == {word}
        assert {to_web_uri(kind, spelling) for spelling in spellings} == {forms["web"]}
        assert {to_curie(kind, spelling) for spelling in spellings} == {forms["curie"]}
        assert {to_urn(kind, spelling) for spelling in spellings} == {forms["urn"]}


def test_a_word_of_one_kind_is_unknown_in_another():
    assert to_bare("disp", "shipping") is None
    assert to_bare("bizstep", "urn:epcglobal:cbv:disp:reserved") is None
    assert to_bare("bizstep", "reserving") == "reserving"


def test_both_spellings_of_the_gs1_web_vocabulary_name_the_same_measurement():
    assert to_bare("measurement", "https://ref.gs1.org/voc/Temperature") == "Temperature"
    assert to_bare("measurement", "https://gs1.org/voc/Temperature") == "Temperature"


def test_nearest_word_is_a_hint_for_a_typing_mistake_and_none_for_nonsense():
    assert nearest("bizstep", "shippping") == "shipping"
    assert nearest("bizstep", "https://ref.gs1.org/cbv/BizStep-recieving") == "receiving"
    assert nearest("bizstep", "qqqqqqq") is None


def test_the_namespaces_of_the_standard_are_told_from_ones_own():
    assert in_standard_namespace("https://ref.gs1.org/cbv/BizStep-nonsense")
    assert in_standard_namespace("urn:epcglobal:cbv:bizstep:shipping")
    assert not in_standard_namespace("https://ns.traceward.org/consignment/bizstep/sterilizing")
