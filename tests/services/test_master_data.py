"""Master data through the services on both databases: versions, who sees what, and queries that rest on it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from epcis_query.oracle import answers
from epcis_query.strategies import CHILDREN, CONTEXT, DECLARED, LISTED, events
from store.cases import Case, write_cases
from traceward.epcis.errors import ForbiddenException, NoSuchResource, QueryTooLargeException, ValidationException
from traceward.epcis.extension import Context
from traceward.epcis.identity import expand
from traceward.epcis.json_codec import read_json
from traceward.epcis.master_data_query import MasterDataQuery, parse_master_data_query
from traceward.epcis.query import parse_query
from traceward.epcis.terms import event_numbers, event_terms, vocabulary_terms
from traceward.services.identity import parties
from traceward.services.identity.principals import Principal
from traceward.services.intake import capture
from traceward.services.queries import master_data
from traceward.services.queries.query import rechecked
from traceward.services.runtime import Limits, Runtime, open_runtime
from traceward.store.compile import VisibleTo
from traceward.store.master_data_read import CallerMasterData

NORTHGATE = "https://id.gs1.org/417/4012345000009"
CORDIA = "https://id.gs1.org/417/9521141000007"
WARD = "https://id.gs1.org/414/4012345000016/254/WARD"
SITE = "https://id.gs1.org/414/4012345000016"
SHELF = "urn:own:shelf"
PLACES = "urn:epcglobal:epcis:vtype:BusinessLocation"
MDA = "urn:epcglobal:cbv:mda#"


@pytest.fixture(params=["sqlite", "postgresql"])
def runtime(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Runtime]:
    """The services on an empty database of each kind, with a hospital and its supplier."""
    url = f"sqlite:///{tmp_path / 'a.db'}"
    if request.param == "postgresql":
        make: Callable[[], str] = request.getfixturevalue("new_postgres_database")
        url = make()
    opened = open_runtime(url, data_dir=tmp_path, limits=Limits(), scan_workers=1)
    for identifier, name, prefix in ((NORTHGATE, "Northgate", "4012345"), (CORDIA, "Cordia", "9521141")):
        parties.add_organisation(opened, identifier=identifier, name=name, company_prefixes=[prefix], places={})
    parties.agree_consignment(opened, owner=CORDIA, consignee=NORTHGATE)
    yield opened
    opened.close()


def caller_of(runtime: Runtime, identifier: str, role: str = "supply") -> Principal:
    owner = runtime.registry.find(identifier)
    assert owner is not None
    return Principal(owner.id, owner.name, owner.number, role, f"key of {owner.name}", "")


def element(identifier: str, *children: str, **attributes: Any) -> dict[str, Any]:
    named = [{"id": MDA + name, "value": value} for name, value in attributes.items()]
    return {"id": identifier, "attributes": named, "children": list(children)}


def declare(runtime: Runtime, caller: Principal, *elements: dict[str, Any], vtype: str = PLACES) -> master_data.Taken:
    return master_data.declare(runtime, caller, [{"type": vtype, "elements": list(elements)}])


def event(**fields: Any) -> dict[str, Any]:
    return {
        "type": "ObjectEvent",
        "eventTime": "2026-05-01T08:00:00Z",
        "eventTimeZoneOffset": "+00:00",
        "epcList": ["https://id.gs1.org/01/09521141010235/21/A1"],
        "action": "OBSERVE",
        **fields,
    }


def capture_events(runtime: Runtime, caller: Principal, *listed: dict[str, Any], header: Any = None) -> Any:
    document = {
        "@context": CONTEXT,
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": "2026-05-01T08:00:00Z",
        "epcisBody": {"eventList": list(listed)},
    } | ({"epcisHeader": header} if header is not None else {})
    return capture.capture_document(runtime, caller, orjson.dumps(document), "rollback")


def ids(runtime: Runtime, caller: Principal, query: MasterDataQuery | None = None, per_page: int = 100) -> list[str]:
    """The ids on all pages of a list, each page checked for its bound."""
    found: list[str] = []
    token = None
    while True:
        page = master_data.elements_page(runtime, caller, query or MasterDataQuery(), token, per_page)
        assert len(page.elements) <= per_page
        found += [one.element.id for one in page.elements]
        token = page.next_token
        if token is None:
            return found


def matching(runtime: Runtime, caller: Principal, **parameters: list[str]) -> list[str]:
    """The epcs of the events that a query finds, as its answer is made."""
    query = parse_query(parameters, Context.of(CONTEXT))
    viewers = VisibleTo(caller.viewers)
    with runtime.store.reader() as reader:
        query = reader.resolved(query, viewers)
        page = reader.find(query, viewers, limit=100)
        rows = [row for row in reader.documents(page.seqs) if rechecked(query, row)]
    return sorted(orjson.loads(row.text)["epcList"][0].rpartition("/")[2] for row in rows)


def test_the_same_content_makes_no_new_version_and_older_ones_stay_readable(runtime: Runtime) -> None:
    """Rejects a version for each capture, and a digest over the spelling or the order of children and attributes."""
    hospital = caller_of(runtime, NORTHGATE)
    first = element("urn:epc:id:sgln:4012345.00001.0", SHELF, WARD, name="Northgate", city="Aachen")
    assert declare(runtime, hospital, first) == master_data.Taken(1, 0)
    again = element(SITE, WARD, SHELF, city="Aachen", name="Northgate")
    again["attributes"][1]["id"] = "cbvmda:name"
    assert declare(runtime, hospital, again) == master_data.Taken(0, 1)
    assert declare(runtime, hospital, element(SITE, WARD, name="Northgate Hospital")) == master_data.Taken(1, 0)
    (found,) = master_data.find_element(runtime, hospital, "urn:epc:id:sgln:4012345.00001.0")
    assert (found.version, found.owner, found.name) == (2, NORTHGATE, "Northgate Hospital")
    told = master_data.versions(runtime, hospital, found)
    assert [one["version"] for one in told] == [1, 2]
    assert told[0]["children"] == [SHELF, WARD]
    assert told[0]["capturedBy"] == "key of Northgate"
    with runtime.store.reader() as reader:
        assert CallerMasterData(reader, VisibleTo(hospital.viewers)).children([SITE]) == {WARD}


def test_a_document_brings_its_master_data_and_its_events_in_one_transaction(runtime: Runtime) -> None:
    hospital = caller_of(runtime, NORTHGATE)
    header = {
        "epcisMasterData": {
            "vocabularyList": [
                {
                    "type": PLACES,
                    "vocabularyElementList": [
                        {
                            "id": SITE,
                            "attributes": [{"id": "cbvmda:name", "attribute": "Northgate"}],
                            "children": [WARD],
                        }
                    ],
                }
            ]
        }
    }
    job = capture_events(runtime, hospital, event(bizLocation={"id": WARD}), header=header)
    assert matching(runtime, hospital, WD_bizLocation=[SITE]) == ["A1"]
    (found,) = master_data.find_element(runtime, hospital, SITE)
    (version,) = master_data.versions(runtime, hospital, found)
    assert version["captureID"] == job.capture_id


def test_a_document_whose_master_data_is_wrong_is_refused_whole(runtime: Runtime) -> None:
    """Rejects master data that is dropped in silence, and events that stay when the header cannot be taken up."""
    hospital = caller_of(runtime, NORTHGATE)
    patient = "urn:epc:id:gsrn:4012345.0000012345"
    bad = [{"type": PLACES, "vocabularyElementList": [{"id": "no uri"}, {"id": patient}]}]
    with pytest.raises(ValidationException) as refused:
        capture_events(
            runtime, hospital, event(bizLocation={"id": WARD}), header={"epcisMasterData": {"vocabularyList": bad}}
        )
    paths = [finding.path for finding in refused.value.findings]
    stem = "epcisHeader.epcisMasterData.vocabularyList[0].vocabularyElementList"
    assert paths == [f"{stem}[0].id", f"{stem}[1]"]
    assert "0000012345" not in refused.value.detail + str(refused.value.findings)
    assert matching(runtime, hospital, EQ_bizLocation=[WARD]) == []
    assert ids(runtime, hospital) == []


def test_a_key_of_one_place_declares_nothing_for_the_organisation(runtime: Runtime) -> None:
    bound = replace(caller_of(runtime, NORTHGATE), place=WARD)
    with pytest.raises(ForbiddenException, match="master data needs a key of the whole organisation"):
        declare(runtime, bound, element(SITE, name="mine"))
    header = {"epcisMasterData": {"vocabularyList": [{"type": PLACES, "vocabularyElementList": [{"id": SITE}]}]}}
    with pytest.raises(ForbiddenException, match="whole organisation"):
        capture_events(runtime, bound, event(bizLocation={"id": WARD}), header=header)
    assert ids(runtime, bound) == []


def test_an_element_is_seen_by_its_owner_and_by_a_partner_who_sees_an_event_that_names_it(runtime: Runtime) -> None:
    """decisions: rejects lists, counts, pages, names and hierarchies that show what another party has declared."""
    hospital, supplier = caller_of(runtime, NORTHGATE), caller_of(runtime, CORDIA, "supplier")
    secret = [element(f"urn:own:store-{number:03}", name="secret") for number in range(40)]
    declare(runtime, hospital, element(SITE, WARD, name="Northgate"), element(WARD, SHELF, name="Ward 4"), *secret)
    declare(runtime, hospital, element(CORDIA, name="our supplier"), vtype="urn:epcglobal:epcis:vtype:Party")
    assert ids(runtime, supplier) == []
    assert master_data.vocabulary_types(runtime, supplier) == []
    with pytest.raises(NoSuchResource):
        master_data.find_element(runtime, supplier, WARD)
    capture_events(
        runtime,
        hospital,
        event(
            bizLocation={"id": WARD},
            sourceList=[{"type": "owning_party", "source": CORDIA}],
            destinationList=[{"type": "owning_party", "destination": NORTHGATE}],
        ),
        event(epcList=["https://id.gs1.org/01/04012345123456/21/B2"], bizLocation={"id": "urn:own:store-007"}),
    )
    assert matching(runtime, supplier, EQ_bizLocation=[WARD]) == ["A1"]
    assert ids(runtime, supplier, per_page=1) == [WARD, CORDIA]
    assert ids(runtime, hospital, per_page=7) == sorted([SITE, WARD, CORDIA, *(one["id"] for one in secret)])
    with pytest.raises(NoSuchResource):
        master_data.find_element(runtime, supplier, SITE)
    # The site's place above the ward is the hospital's own to know.
    assert matching(runtime, supplier, WD_bizLocation=[SITE]) == []
    assert matching(runtime, hospital, WD_bizLocation=[SITE]) == ["A1"]
    with runtime.store.reader() as reader:
        told = master_data.names_of(runtime, reader, supplier, [WARD, SITE, "urn:own:store-007"])
        assert told == {WARD: "Ward 4"}
    assert (
        "capturedBy"
        not in master_data.versions(runtime, supplier, master_data.find_element(runtime, supplier, WARD)[0])[0]
    )


def test_a_products_master_data_is_seen_with_its_items_and_lots(runtime: Runtime) -> None:
    hospital, supplier = caller_of(runtime, NORTHGATE), caller_of(runtime, CORDIA, "supplier")
    vtype = "urn:epcglobal:epcis:vtype:EPCClass"
    products = ("https://id.gs1.org/01/09521141010235", "https://id.gs1.org/01/09521141453056")
    hidden = "https://id.gs1.org/01/09521141999999"
    declare(
        runtime, supplier, *(element(one, tradeItemDescription="Valve") for one in (*products, hidden)), vtype=vtype
    )
    lot = {"epcClass": products[1] + "/10/L1", "quantity": 2}
    capture_events(
        runtime,
        supplier,
        event(
            quantityList=[lot],
            sourceList=[{"type": "owning_party", "source": CORDIA}],
            destinationList=[{"type": "owning_party", "destination": NORTHGATE}],
        ),
    )
    assert ids(runtime, hospital) == list(products)
    assert matching(runtime, hospital, EQATTR_epcClass_tradeItemDescription=["Valve"]) == ["A1"]
    assert matching(runtime, hospital, EQATTR_epcClass_tradeItemDescription=["Stent"]) == []
    with runtime.store.reader() as reader:
        assert set(master_data.names_of(runtime, reader, hospital, [*products, hidden])) == set(products)


def test_SimpleMasterDataQuery_chooses_elements_and_what_is_told_of_them(runtime: Runtime) -> None:
    hospital = caller_of(runtime, NORTHGATE)
    declare(
        runtime, hospital, element(SITE, WARD, name="N", city="Aachen"), element(WARD, SHELF, name="W"), element(SHELF)
    )
    declare(runtime, hospital, element("urn:own:reader", name="R"), vtype="urn:epcglobal:epcis:vtype:ReadPoint")

    def poll(**given: list[str]) -> list[str]:
        both = {"includeAttributes": ["true"], "includeChildren": ["true"]}
        query = parse_master_data_query(both | given)
        return [one.id for one in master_data.poll(runtime, hospital, query)]

    assert poll() == [SITE, WARD, SHELF, "urn:own:reader"]
    assert poll(vocabularyName=["urn:epcglobal:epcis:vtype:ReadPoint"]) == ["urn:own:reader"]
    assert poll(EQ_name=[WARD]) == [WARD]
    assert poll(WD_name=[WARD]) == [WARD, SHELF]
    assert poll(WD_name=[WARD], EQ_name=["urn:own:reader"]) == [WARD, SHELF, "urn:own:reader"]
    assert poll(HASATTR=[MDA + "city"]) == [SITE]
    assert poll(**{"EQATTR_" + MDA + "name": ["W", "R"]}) == [WARD, "urn:own:reader"]
    with pytest.raises(QueryTooLargeException, match="more than 3 elements"):
        poll(maxElementCount=["3"])
    query = parse_master_data_query(
        {"includeAttributes": ["true"], "includeChildren": ["false"], "attributeNames": [MDA + "city"]}
    )
    (site, *_) = master_data.poll(runtime, hospital, query)
    assert [one.name for one in site.attributes] == [MDA + "city"]
    assert site.children == ()


def described_parameters() -> st.SearchStrategy[dict[str, list[str]]]:
    names = sorted(name for name in LISTED if name.startswith(("WD_", "HASATTR_", "EQATTR_", "EQ_ATTR_")))
    drawn = st.lists(st.sampled_from(names), min_size=1, max_size=2, unique=True)
    return drawn.flatmap(
        lambda chosen: st.fixed_dictionaries(
            {name: st.lists(st.sampled_from(LISTED[name]), min_size=1, max_size=2, unique=True) for name in chosen}
        )
    )


def test_the_database_answers_as_the_wording_of_the_parameters_does(runtime: Runtime, full_run: bool) -> None:
    """Rejects vocabularies that miss a field's ids, a hierarchy followed one level deep, attributes of another id."""
    hospital = caller_of(runtime, NORTHGATE)
    corpus: list[dict[str, Any]] = []

    @settings(max_examples=60, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(events())
    def draw(drawn: dict[str, Any]) -> None:
        corpus.append(drawn)

    draw()
    elements = [
        {
            "id": identifier,
            "attributes": [{"id": name, "value": value} for name, value in DECLARED.get(identifier, {}).items()],
            "children": CHILDREN.get(identifier, []),
        }
        for identifier in {*DECLARED, *CHILDREN}
    ]
    declare(runtime, hospital, *elements)
    forms = [expand(read_json(orjson.dumps(drawn)), Context.of(CONTEXT)) for drawn in corpus]
    # The strategy's events break rules of capture on purpose; what is asked here is their index rows.
    cases = [
        Case(
            str(number),
            form["eventTime"],
            tuple(event_terms(form)),
            tuple(event_numbers(form)),
            tuple(vocabulary_terms(form)),
            viewers=tuple(hospital.viewers),
        )
        for number, form in enumerate(forms)
    ]
    runtime.store.committer.run(lambda tx: write_cases(tx, runtime.store, cases))

    @settings(max_examples=400 if full_run else 80, suppress_health_check=list(HealthCheck))
    @given(described_parameters())
    def asked(parameters: dict[str, list[str]]) -> None:
        query = parse_query({name: ["|".join(values)] for name, values in parameters.items()}, Context.of(CONTEXT))
        viewers = VisibleTo(hospital.viewers)
        with runtime.store.reader() as reader:
            rows = reader.documents(reader.find(query, viewers, limit=1000).seqs)
        found = {int(row.event_id.rpartition(":")[2]) for row in rows}
        wanted = {number for number, drawn in enumerate(corpus) if answers(parameters, drawn, CHILDREN, DECLARED)}
        assert found == wanted, parameters

    asked()
